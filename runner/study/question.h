// Asking people before anything starts (--interactive).
#ifndef RUNNER_STUDY_QUESTION_H_
#define RUNNER_STUDY_QUESTION_H_

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace runner {

enum class Answer { kGoOn, kStartNew, kQuit };

// Stdin and stderr are a terminal.
bool CanAsk();

// Shows `summary` and the question on stderr and waits for a line on stdin:
// go on, start new ones where `may_start_new`, or quit. The end of the input,
// kWrongAnswersMax lines that are no answer, and `stopped` (asked again and
// again) mean quit.
inline constexpr int kWrongAnswersMax = 10;
Answer Ask(absl::string_view summary, bool may_start_new,
           absl::FunctionRef<bool()> stopped);

// What a line says; false when it is no answer.
bool ParseAnswer(absl::string_view line, bool may_start_new, Answer* answer);

}  // namespace runner

#endif  // RUNNER_STUDY_QUESTION_H_
