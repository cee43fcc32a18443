#include "runner/study/question.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/types/optional.h"

namespace runner {
namespace {

// How long a signal may go unnoticed.
constexpr int kPollMs = 100;
// Of a line that are kept: no answer is longer.
constexpr size_t kLineBytesMax = 256;

// A line of stdin without its end; nothing at the end of the input, or when
// `stopped`.
absl::optional<std::string> ReadAnswer(absl::FunctionRef<bool()> stopped) {
  std::string line;
  while (!stopped()) {
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&input, 1, kPollMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    char next = 0;
    const ssize_t size = read(STDIN_FILENO, &next, 1);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return absl::nullopt;
    if (next == '\n') return line;
    if (line.size() < kLineBytesMax) line += next;
  }
  return absl::nullopt;
}

}  // namespace

bool CanAsk() {
  return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool ParseAnswer(absl::string_view line, bool may_start_new, Answer* answer) {
  const std::string word =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(line));
  for (const absl::string_view yes :
       {"y", "yes", "g", "go", "go on", "c", "continue"}) {
    if (word == yes) return *answer = Answer::kGoOn, true;
  }
  for (const absl::string_view quit : {"q", "quit", "no"}) {
    if (word == quit) return *answer = Answer::kQuit, true;
  }
  if (word != "n" && word != "new") return false;
  if (!may_start_new && word == "new") return false;
  *answer = may_start_new ? Answer::kStartNew : Answer::kQuit;
  return true;
}

Answer Ask(absl::string_view summary, bool may_start_new,
           absl::FunctionRef<bool()> stopped) {
  std::fwrite(summary.data(), 1, summary.size(), stderr);
  for (int i = 0; i < kWrongAnswersMax; ++i) {
    std::fputs(may_start_new ? "[g]o on, start [n]ew, or [q]uit? "
                             : "Go on? [y]es or [n]o: ",
               stderr);
    const absl::optional<std::string> line = ReadAnswer(stopped);
    if (!line.has_value()) break;
    Answer answer = Answer::kQuit;
    if (ParseAnswer(*line, may_start_new, &answer)) return answer;
  }
  return Answer::kQuit;
}

}  // namespace runner
