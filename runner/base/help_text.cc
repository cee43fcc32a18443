#include "runner/base/help_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace runner {

void AppendHelpRow(absl::string_view names, size_t column,
                   absl::string_view description, std::string& out) {
  std::string line(names);
  if (line.size() + 2 > column) {
    absl::StrAppend(&out, line, "\n");
    line.clear();
  }
  line.resize(column, ' ');
  bool fresh = true;
  for (const absl::string_view word : absl::StrSplit(description, ' ')) {
    if (!fresh && line.size() + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(&out, line, "\n");
      line.assign(column, ' ');
      fresh = true;
    }
    if (!fresh) line += ' ';
    absl::StrAppend(&line, word);
    fresh = false;
  }
  absl::StrAppend(&out, line, "\n");
}

}  // namespace runner
