#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/help_text.h"
#include "runner/config/help_pages.h"
#include "runner/config/option_table.h"

namespace runner {
namespace {

constexpr size_t kHelpColumn = 30;

std::string Names(const OptionRow& row) {
  std::string names =
      row.short_name == 0
          ? "    "
          : absl::StrCat("-", std::string(1, row.short_name), ", ");
  absl::StrAppend(&names, "--", row.name);
  if (!row.is_switch()) absl::StrAppend(&names, " ", row.value_name);
  return names;
}

std::string Description(const OptionRow& row) {
  std::string text(row.help);
  if (!row.default_value.empty() && !row.is_switch()) {
    absl::StrAppend(&text, " (", row.default_value, ")");
  }
  if (row.is_switch() && row.default_value == "true") {
    absl::StrAppend(&text, " (the default)");
  }
  if (!row.aliases.empty()) {
    absl::StrAppend(&text, "; also --", absl::StrJoin(row.aliases, ", --"));
  }
  if (row.option_class != OptionClass::kOperation) {
    absl::StrAppend(&text, " [", OptionClassName(row.option_class), "]");
  }
  return text;
}

void AppendRow(absl::string_view names, absl::string_view description,
               std::string& out) {
  AppendHelpRow(absl::StrCat("  ", names), kHelpColumn, description, out);
}

}  // namespace

std::string HelpText(absl::string_view command) {
  const HelpPage& page = HelpPageOf(command);
  std::string out(page.head);
  for (int i = 0; i < kOptionGroupCount; ++i) {
    const auto group = static_cast<OptionGroup>(i);
    std::string rows;
    for (const OptionRow& row : OptionTable()) {
      if (row.group != group || !IsOn(page, row)) continue;
      AppendRow(Names(row), Description(row), rows);
    }
    if (group == OptionGroup::kDisplay) {
      AppendRow("-h, --help", "this page", rows);
      AppendRow("    --version", "version, format version and commit", rows);
    }
    if (rows.empty()) continue;
    absl::StrAppend(&out, "\n", OptionGroupTitle(group), "\n", rows);
  }
  return absl::StrCat(out, page.tail);
}

}  // namespace runner
