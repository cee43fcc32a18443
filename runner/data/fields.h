// Which fields of a dataset's row are input, target and response.
#ifndef RUNNER_DATA_FIELDS_H_
#define RUNNER_DATA_FIELDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

// Dotted paths as the options give them; "{model}" and "{method}" stand for the
// benchmark's. Empty: the default.
struct FieldOptions {
  std::string input_field = {};   // Default: first of input, prompt, question.
  std::string target_field = {};  // Default: first of target, answer.
  std::string response_field =
      {};  // No default: without it there is no response.
};

// What a row says, as text (RenderText). Null in the row is nullopt.
struct RowFields {
  absl::optional<std::string> input;
  absl::optional<std::string> target;
  bool has_response = false;  // There is one, be it null.
  absl::optional<std::string> response;
};

// Resolved for one model and method. Immutable and thread-safe.
//
//   auto fields = Fields::Create(options, "gpt-4.1", "");
//   auto row = fields->Resolve(row_json);
//   row->target
class Fields {
 public:
  // InvalidArgument for an unknown placeholder, for one whose model or method
  // is not given, and for an empty step in a path.
  static absl::StatusOr<Fields> Create(const FieldOptions& options,
                                       absl::string_view model,
                                       absl::string_view method);

  // A field that an option names must be there, one found by default need not.
  // InvalidArgument "no field `x` ...".
  absl::StatusOr<RowFields> Resolve(absl::string_view row_json) const;

 private:
  // A path's steps. The placeholders are filled in after the path was split, so
  // that the dots of "gpt-4.1" split nothing.
  struct Path {
    std::string option;  // As given, for messages.
    std::vector<std::string> steps;
  };
  static absl::StatusOr<Path> MakePath(absl::string_view option_name,
                                       const std::string& path,
                                       absl::string_view model,
                                       absl::string_view method);

  // Nothing where `Value`, a row, cannot tell.
  template <typename Value>
  absl::StatusOr<absl::optional<RowFields>> ResolveIn(const Value& row) const;

  Path input_;
  Path target_;
  Path response_;
};

}  // namespace runner

#endif  // RUNNER_DATA_FIELDS_H_
