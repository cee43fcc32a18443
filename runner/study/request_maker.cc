#include "runner/study/request_maker.h"

#include <utility>

namespace runner {

absl::StatusOr<RowRequest> MakeRowRequest(const RequestParts& parts,
                                          uint32_t row) {
  absl::StatusOr<std::string> text = parts.dataset->Row(row);
  if (!text.ok()) return text.status();
  absl::StatusOr<RowFields> fields = parts.fields->Resolve(*text);
  if (!fields.ok()) return fields.status();
  RowRequest made;
  made.request.key.id = parts.dataset->id(row);
  made.request.key.occurrence = parts.dataset->occurrence(row);
  if (parts.prompt == nullptr) {
    made.request.prompt = fields->input.value_or("");
  } else {
    absl::StatusOr<std::string> prompt = parts.prompt->Render(*text);
    if (!prompt.ok()) return prompt.status();
    made.request.prompt = *std::move(prompt);
  }
  made.request.query_json = *std::move(text);
  made.request.recorded = std::move(fields->response);
  made.target = std::move(fields->target);
  return made;
}

}  // namespace runner
