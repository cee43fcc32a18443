#include "runner/config/option_table.h"

#include <utility>

#include "absl/strings/str_replace.h"
#include "runner/config/option_rows.h"

namespace runner {
namespace {

std::vector<OptionRow> MakeTable() {
  std::vector<OptionRow> table;
  for (std::vector<OptionRow> rows :
       {WhatRows(), FieldRows(), ScoringRows(), RequestRows(), EvaluatorRows(),
        LimitRows(), CheckpointRows(), ResumeRows(), DisplayRows(),
        ResultRows()}) {
    for (OptionRow& row : rows) table.push_back(std::move(row));
  }
  return table;
}

}  // namespace

absl::string_view OptionClassName(OptionClass option_class) {
  switch (option_class) {
    case OptionClass::kIdentity:
      return "identity";
    case OptionClass::kSelection:
      return "selection";
    case OptionClass::kScoring:
      return "scoring";
    case OptionClass::kOperation:
      return "operation";
  }
  return "";
}

absl::string_view OptionGroupTitle(OptionGroup group) {
  constexpr absl::string_view kTitles[kOptionGroupCount] = {
      "What",      "Fields (dotted paths; {model} and {method} filled in)",
      "Scoring",   "Request",
      "Evaluator", "Limits (of all benchmarks together, over all sessions)",
      "Parallel",  "Checkpoint",
      "Resume",    "Display",
      "Result"};
  return kTitles[static_cast<int>(group)];
}

absl::Span<const OptionRow> OptionTable() {
  static const std::vector<OptionRow>* const table =
      new std::vector<OptionRow>(MakeTable());
  return *table;
}

const OptionRow* FindOption(absl::string_view name) {
  const std::string wanted = absl::StrReplaceAll(name, {{"_", "-"}});
  for (const OptionRow& row : OptionTable()) {
    if (row.name == wanted) return &row;
    for (const absl::string_view alias : row.aliases) {
      if (alias == wanted) return &row;
    }
  }
  return nullptr;
}

std::vector<std::string> AllOptionNames() {
  std::vector<std::string> names;
  for (const OptionRow& row : OptionTable()) {
    names.emplace_back(row.name);
    for (const absl::string_view alias : row.aliases) names.emplace_back(alias);
  }
  return names;
}

bool BelongsToSession(const OptionRow& row) {
  if (row.is_shorthand() || row.group == OptionGroup::kResume) return true;
  if (row.group == OptionGroup::kDisplay) return true;
  return row.name == "config" || row.name == "ignore-unknown-config";
}

absl::Span<const ExclusiveOptions> ExclusiveTable() {
  static constexpr ExclusiveOptions kTable[] = {
      {"dataset", "datasets"},
      {"model", "models"},
      {"method", "methods"},
      {"extract-regex", "extract"},
      {"response-field", "worker-command"},
      {"response-field", "base-url"},
      {"worker-command", "base-url"},
      {"quiet", "verbose"},
      {"overwrite", "new-journal"},
      {"overwrite", "resume"},
      {"resume-from", "overwrite"},
      {"resume-from", "new-journal"},
      {"retry-failed", "overwrite"},
      {"retry-failed", "new-journal"},
      {"accept-config-change", "overwrite"},
      {"accept-config-change", "new-journal"},
      {"info", "validate-only"},
      {"info", "dry-run"},
      {"validate-only", "dry-run"},
      {"interactive", "info"},
      {"interactive", "validate-only"},
      {"interactive", "dry-run"},
  };
  return kTable;
}

}  // namespace runner
