// A prompt with "{{field}}" where a row's values go.
#ifndef RUNNER_DATA_PROMPT_TEMPLATE_H_
#define RUNNER_DATA_PROMPT_TEMPLATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

// Immutable and thread-safe.
//
//   auto prompt = PromptTemplate::Parse("Q: {{question}}\nA:");
//   prompt->Render(row_json)
class PromptTemplate {
 public:
  // Between "{{" and "}}" stands a dotted path, as FindPath takes it; spaces
  // around it do not count. Everything else is text, single braces too.
  // InvalidArgument: a "{{" without its "}}", or nothing between them.
  static absl::StatusOr<PromptTemplate> Parse(absl::string_view text);

  // The text with each field as RenderText renders it; braces in a value mean
  // nothing. InvalidArgument "no field `x` ..." and for what is no JSON.
  absl::StatusOr<std::string> Render(absl::string_view row_json) const;

 private:
  struct Piece {
    std::string text;   // Goes before the field.
    std::string field;  // Empty: none, this is the end.
  };
  std::vector<Piece> pieces_;
};

}  // namespace runner

#endif  // RUNNER_DATA_PROMPT_TEMPLATE_H_
