#include "runner/data/prompt_template.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {

absl::StatusOr<PromptTemplate> PromptTemplate::Parse(absl::string_view text) {
  constexpr absl::string_view kOpen = "{{", kClose = "}}";
  PromptTemplate result;
  for (;;) {
    const size_t open = text.find(kOpen);
    Piece piece;
    piece.text = std::string(text.substr(0, open));
    if (open == absl::string_view::npos) {
      result.pieces_.push_back(std::move(piece));
      return result;
    }
    text.remove_prefix(open + kOpen.size());
    const size_t close = text.find(kClose);
    if (close == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("{{ without }} before ", Quoted(text)));
    }
    piece.field =
        std::string(absl::StripAsciiWhitespace(text.substr(0, close)));
    if (piece.field.empty()) {
      return absl::InvalidArgumentError("{{}} names no field");
    }
    text.remove_prefix(close + kClose.size());
    result.pieces_.push_back(std::move(piece));
  }
}

absl::StatusOr<std::string> PromptTemplate::Render(
    absl::string_view row_json) const {
  const absl::StatusOr<nlohmann::json> row = ParseJson(row_json);
  if (!row.ok()) return row.status();
  std::string prompt;
  for (const Piece& piece : pieces_) {
    prompt += piece.text;
    if (piece.field.empty()) continue;
    const nlohmann::json* value = FindPath(*row, piece.field);
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("no field ", Quoted(piece.field),
                       ", which --prompt-template asks for"));
    }
    prompt += RenderText(*value);
  }
  return prompt;
}

}  // namespace runner
