#include "tools/list_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "tools/journal_view.h"
#include "tools/json_text.h"

namespace inspector {
namespace {

// A journal, or why it cannot be read.
struct Entry {
  std::string path;
  absl::StatusOr<JournalView> view;
};

absl::Time StartOf(const Entry& entry) {
  if (!entry.view.ok()) return absl::InfinitePast();
  return entry.view->started.value_or(absl::InfinitePast());
}

void PrintJson(const std::vector<Entry>& entries, Context& context) {
  Json json;
  json["format"] = 1;
  json["journals"] = Json::array();
  for (const Entry& entry : entries) {
    if (entry.view.ok()) json["journals"].push_back(SummaryJson(*entry.view));
  }
  context.out << JsonText(json) << "\n";
}

void AddRow(const JournalView& view, const Style& style, Table& table) {
  const runner::ProgressTotals totals = view.progress->totals();
  const runner::BenchmarkInfo info =
      view.benchmark.value_or(runner::BenchmarkInfo());
  const auto text = [](absl::string_view value) -> Table::Cell {
    return {value.empty() ? "-" : runner::Printable(value)};
  };
  std::string progress = absl::StrCat(style.Count(totals.completed), "/",
                                      style.Count(view.total()));
  absl::StrAppendFormat(&progress, " %.1f%%",
                        Percent(totals.completed, view.total()));
  table.AddRow({text(view.run_id()),
                text(info.dataset_name),
                text(info.model),
                text(info.method),
                {style.Time(view.started)},
                {view.locked ? "-" : progress},
                {view.locked ? "-" : style.Count(totals.failed),
                 totals.failed > 0 ? Colour::kYellow : Colour::kNone},
                {view.locked ? "-" : Dollars(totals.cost)},
                {std::string(JournalStatusName(view.status)),
                 JournalStatusColour(view.status)},
                {style.Bytes(view.bytes)}});
}

void PrintTable(const std::vector<Entry>& entries, Context& context) {
  Table table({{"ID"},
               {"DATASET"},
               {"MODEL"},
               {"METHOD"},
               {"STARTED"},
               {"PROGRESS", true},
               {"FAILED", true},
               {"COST", true},
               {"STATUS"},
               {"SIZE", true}});
  for (const Entry& entry : entries) {
    if (entry.view.ok()) AddRow(*entry.view, context.style, table);
  }
  table.Print(context.style, context.out);
}

void PrintAdvice(const std::vector<Entry>& entries, Context& context) {
  for (const Entry& entry : entries) {
    if (!entry.view.ok()) {
      Fail(context, entry.view.status());
      continue;
    }
    const JournalView& view = *entry.view;
    if (view.locked) {
      context.err << runner::Printable(view.path) << ": encrypted with key "
                  << view.report.key_id << "; give it with --" << kKeyFileOption
                  << " FILE\n";
    }
    if (Advice(view).empty()) continue;
    context.err << runner::Printable(view.path) << ": "
                << JournalStatusName(view.status) << "; what is safe and what "
                << "to do: journalctl-bench verify " << ShellWord(view.path)
                << "\n";
  }
}

int Run(const Arguments& arguments, Context& context) {
  const std::string directory = arguments.operands().empty()
                                    ? std::string(kDefaultJournalDirectory)
                                    : arguments.operands()[0];
  absl::StatusOr<std::vector<std::string>> paths = FindJournals(directory);
  if (!paths.ok()) return Fail(context, paths.status());
  std::vector<Entry> entries;
  for (std::string& path : *paths) {
    absl::StatusOr<JournalView> view =
        ViewJournal(path, /*full=*/false, nullptr, context.cipher);
    entries.push_back({std::move(path), std::move(view)});
  }
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return StartOf(a) > StartOf(b); });
  if (arguments.Has("json")) {
    PrintJson(entries, context);
  } else if (entries.empty()) {
    context.err << "No journals in " << runner::Printable(directory) << "\n";
  } else {
    PrintTable(entries, context);
  }
  PrintAdvice(entries, context);
  const bool all_read =
      std::all_of(entries.begin(), entries.end(),
                  [](const Entry& entry) { return entry.view.ok(); });
  return all_read ? kExitOk : kExitFailed;
}

}  // namespace

const Command& ListCommand() {
  static const auto* const command = new Command{
      {"list",
       "[DIR]",
       0,
       1,
       "Lists every journal in DIR (journals/), newest first.",
       "Status: running (a living process writes it), complete, interrupted\n"
       "(resumable), torn (resuming cuts the tail), damaged, unreadable, "
       "newer\n"
       "(of a newer version), encrypted (whole, and its key was not given).\n"
       "Reads the newest state and what came after; verify reads every "
       "byte.\n",
       {{"json", 0, "", "one JSON object"}}},
      Run};
  return *command;
}

}  // namespace inspector
