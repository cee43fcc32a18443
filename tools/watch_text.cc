#include "tools/watch_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/printable.h"
#include "runner/display/progress_format.h"
#include "tools/json_text.h"
#include "tools/record_facts.h"

namespace inspector {
namespace {

constexpr size_t kTypeColumnsMax = 30;
constexpr size_t kMessageColumnsMax = 500;

std::string ClockTime(absl::Time time, const Style& style) {
  return absl::FormatTime("%H:%M:%S", time, style.zone);
}

std::string Writer(const WatchedRun& run) {
  return absl::StrCat(JournalStatusName(run.status),
                      run.holder.has_value()
                          ? absl::StrCat(", ", HolderName(*run.holder))
                          : "");
}

std::string NewestText(const ErrorsOfType& errors) {
  return absl::StrCat(QueryName(errors.key), " (run ", errors.key.run, "): ",
                      runner::Excerpt(errors.message, kMessageColumnsMax));
}

std::string StatusLine(const WatchedRun& run, const Style& style) {
  std::vector<std::string> words = {Writer(run)};
  if (run.session > 0) words.push_back(absl::StrCat("session ", run.session));
  words.push_back(
      absl::StrCat(run.workers, run.workers == 1 ? " worker" : " workers"));
  words.push_back(absl::StrCat(style.Count(run.under_way), " under way"));
  if (run.updated.has_value()) {
    words.push_back(absl::StrCat("updated ", ClockTime(*run.updated, style)));
  }
  return absl::StrJoin(words, ", ");
}

std::string SnapshotLine(const WatchedRun& run, const Style& style) {
  if (!run.snapshot.has_value()) return "no snapshot yet";
  return absl::StrCat("snapshot ", run.snapshot->file, " up to LSN ",
                      run.snapshot->manifest->last_lsn, ", made ",
                      ClockTime(run.snapshot->created(), style));
}

std::vector<std::string> ErrorLines(const WatchedRun& run, const Style& style,
                                    size_t lines_max) {
  if (run.errors.empty() || lines_max < 2) return {};
  std::vector<std::vector<std::string>> rows = {
      {"ERROR", "COUNT", "LAST", "NEWEST"}};
  for (const ErrorsOfType& errors : run.errors) {
    if (rows.size() == lines_max) break;
    rows.push_back({runner::Excerpt(errors.type, kTypeColumnsMax),
                    style.Count(errors.count), ClockTime(errors.at, style),
                    NewestText(errors)});
  }
  // The last column needs no width.
  std::vector<std::string> newest;
  for (std::vector<std::string>& row : rows) {
    newest.push_back(std::move(row.back()));
    row.pop_back();
  }
  std::vector<std::string> lines;
  const std::string table = runner::FormatTable(rows, /*left_columns=*/1);
  size_t at = 0;
  for (const std::string& text : newest) {
    const size_t end = table.find('\n', at);
    lines.push_back(absl::StrCat(table.substr(at, end - at), "  ", text));
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::vector<std::string> WatchScreen(const WatchedRun& run, const Style& style,
                                     const ScreenSize& size) {
  // The last column and the last row stay free.
  const size_t columns = std::max<size_t>(size.columns, 2) - 1;
  const size_t rows = std::max<size_t>(size.rows, 2) - 1;
  std::vector<std::string> lines = {runner::FormatBar(
      run.progress, run.elapsed, {size.columns, size.utf8, style.colour})};
  const auto add = [&](const std::string& line, Colour colour) {
    if (lines.size() == rows) return;
    lines.push_back(style.Paint(runner::CutToWidth(line, columns), colour));
  };
  add(StatusLine(run, style), JournalStatusColour(run.status));
  add(SnapshotLine(run, style), Colour::kNone);
  Colour colour = Colour::kDim;
  for (const std::string& line :
       ErrorLines(run, style, rows - std::min(rows, lines.size()))) {
    add(line, std::exchange(colour, Colour::kNone));
  }
  return lines;
}

std::string WatchLine(const WatchedRun& run, const Style& style,
                      absl::Time now) {
  std::vector<std::string> words = {
      absl::StrCat(style.Time(now), " ",
                   runner::FormatPlainProgress(run.progress, run.elapsed))};
  if (run.progress.cost.has_value()) {
    words.push_back(runner::FormatDollars(*run.progress.cost));
  }
  if (!run.errors.empty()) {
    words.push_back(absl::StrCat(
        "last error ", runner::Excerpt(run.errors[0].type, kTypeColumnsMax)));
  }
  words.push_back(Writer(run));
  return absl::StrCat(absl::StrJoin(words, ", "), "\n");
}

std::string WatchJson(const WatchedRun& run, absl::Time now) {
  const runner::Progress& progress = run.progress;
  const auto number = [](double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  };
  Json json = {{"format", 1},
               {"time", JsonTime(now)},
               {"benchmark", JsonString(progress.title)},
               {"status", JournalStatusName(run.status)},
               {"pid", run.holder.has_value() && run.holder->pid != 0
                           ? Json(run.holder->pid)
                           : Json(nullptr)},
               {"done", progress.done},
               {"total", progress.total},
               {"failed", progress.failed},
               {"rate", number(runner::SessionRate(progress, run.elapsed))},
               {"eta_seconds", number(absl::ToDoubleSeconds(
                                   runner::SessionEta(progress, run.elapsed)))},
               {"elapsed_seconds", number(absl::ToDoubleSeconds(run.elapsed))},
               {"cost", progress.cost ? number(*progress.cost) : Json(nullptr)},
               {"run", progress.run},
               {"runs", progress.runs},
               {"query", JsonString(progress.query_id)},
               {"session", run.session},
               {"workers", run.workers},
               {"under_way", run.under_way},
               {"updated", JsonTime(run.updated)}};
  json["snapshot"] = run.snapshot.has_value()
                         ? Json{{"file", run.snapshot->file},
                                {"lsn", run.snapshot->manifest->last_lsn},
                                {"created", JsonTime(run.snapshot->created())}}
                         : Json(nullptr);
  json["errors"] = Json::array();
  for (const ErrorsOfType& errors : run.errors) {
    json["errors"].push_back({{"type", JsonString(errors.type)},
                              {"count", errors.count},
                              {"last", JsonTime(errors.at)},
                              {"run", errors.key.run},
                              {"query", JsonString(errors.key.id)},
                              {"message", JsonString(errors.message)}});
  }
  return absl::StrCat(JsonText(json), "\n");
}

}  // namespace inspector
