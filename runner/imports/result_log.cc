#include "runner/imports/result_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "runner/base/json.h"
#include "runner/base/line_reader.h"
#include "runner/base/text.h"
#include "runner/imports/import_values.h"
#include "runner/imports/json_units.h"
#include "runner/imports/result_fields.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Of the beginnings of an object in a torn line that are tried.
constexpr int kBeginningsTriedMax = 64;
// Torn lines that are named one by one; the rest is counted.
constexpr size_t kTornNamedMax = 5;

// What a run that ended for good leaves as a line.
constexpr absl::string_view kTerminated = "EXPERIMENT_TERMINATED";

absl::StatusOr<Json> ParseObject(absl::string_view line) {
  if (line.size() > kLineBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("longer than ", kLineBytesMax, " bytes"));
  }
  absl::StatusOr<Json> value = ParseJson(line);
  if (value.ok() && !value->is_object()) {
    return absl::InvalidArgumentError("not an object");
  }
  if (value.ok()) NullMissing(*value);
  return value;
}

// The record that ends a line whose beginning is torn.
absl::optional<Json> ParseGlued(absl::string_view line) {
  size_t at = 0;
  for (int i = 0; i < kBeginningsTriedMax; ++i) {
    at = line.find("{\"", at + 1);
    if (at == absl::string_view::npos) return absl::nullopt;
    absl::StatusOr<Json> value = ParseObject(line.substr(at));
    if (value.ok()) return *std::move(value);
  }
  return absl::nullopt;
}

class LogReader {
 public:
  explicit LogReader(const ImportLimits& limits)
      : values_max_(limits.values), room_(limits) {}

  void Read(absl::string_view text);
  absl::optional<ImportedFile> Finish();

 private:
  void Take(Json object);
  void NoteTorn(uint64_t number, uint64_t offset);
  void SettleAlgoverse();

  const size_t values_max_;
  ImportRoom room_;
  ImportedFile file_;
  ScoreNames names_;
  std::vector<bool> of_algoverse_;  // By result: its line is one of those.
  std::vector<std::string> torn_;
  uint64_t torn_count_ = 0;
};

void LogReader::Read(absl::string_view text) {
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, kByteOrderMark);
  for (uint64_t number = 1; !rest.empty(); ++number) {
    const auto offset = static_cast<uint64_t>(rest.data() - text.data());
    const size_t newline = rest.find('\n');
    const bool ended = newline != absl::string_view::npos;
    const absl::string_view line = absl::StripAsciiWhitespace(
        rest.substr(0, ended ? newline : rest.size()));
    rest.remove_prefix(ended ? newline + 1 : rest.size());
    if (line.empty()) continue;
    if (!CheckJsonValueCount(line, values_max_).ok()) {
      file_.too_large = absl::StrCat(
          "line ", number, ": ", MoreThan(values_max_, "values in one record"));
      return;
    }
    absl::StatusOr<Json> object = ParseObject(line);
    if (object.ok()) {
      Take(*std::move(object));
      continue;
    }
    absl::optional<Json> glued = ParseGlued(line);
    const bool rescued = glued.has_value();
    if (rescued) Take(*std::move(glued));
    if (rest.empty() && !rescued) {
      file_.cut_at = offset;
      file_.cut_why = std::string(object.status().message());
    } else {
      NoteTorn(number, offset);
    }
  }
}

void LogReader::NoteTorn(uint64_t number, uint64_t offset) {
  if (++torn_count_ > kTornNamedMax) return;
  torn_.push_back(absl::StrCat("line ", number, " (byte ", offset, ")"));
}

void LogReader::Take(Json object) {
  const auto qid = object.find("qid");
  const auto status = object.find("status");
  const bool is_algoverse = qid != object.end() && status != object.end();
  if (is_algoverse && status->is_string() &&
      status->get_ref<const std::string&>() == "terminated") {
    return;
  }
  ImportedResult result = ReadResult(
      std::move(object),
      is_algoverse ? AnswerField::kIsOutput : AnswerField::kIsTarget, names_);
  // What that system calls a success is done, whatever it says of it.
  const bool counts =
      is_algoverse ? !result.id.empty() : LooksLikeResult(result);
  if (counts && result.id != kTerminated && room_.Take(result)) {
    file_.results.push_back(std::move(result));
    of_algoverse_.push_back(is_algoverse);
  }
}

// There a success ends what failed before it, and nothing is asked after it.
// Several runs may be in one log.
void LogReader::SettleAlgoverse() {
  using Query =
      std::tuple<std::string, uint32_t, absl::optional<uint32_t>>;  // Of a run.
  absl::flat_hash_map<Query, size_t> newest;
  std::vector<bool> dropped(file_.results.size(), false);
  for (size_t i = 0; i < file_.results.size(); ++i) {
    const ImportedResult& result = file_.results[i];
    if (!of_algoverse_[i] || result.id.empty()) continue;
    const auto [found, first] =
        newest.emplace(Query(result.id, result.run, result.occurrence), i);
    if (first) continue;
    const bool earlier_counts =
        !file_.results[found->second].error.has_value() &&
        result.error.has_value();
    dropped[earlier_counts ? i : found->second] = true;
    if (!earlier_counts) found->second = i;
  }
  size_t kept = 0;
  for (size_t i = 0; i < file_.results.size(); ++i) {
    if (dropped[i]) continue;
    if (kept != i) file_.results[kept] = std::move(file_.results[i]);
    ++kept;
  }
  const size_t superseded = file_.results.size() - kept;
  file_.results.resize(kept);
  if (superseded == 0) return;
  file_.notes.push_back(absl::StrCat(
      "Superseded by another result of the same query and run: ", superseded,
      superseded == 1 ? " result" : " results"));
}

absl::optional<ImportedFile> LogReader::Finish() {
  if (file_.too_large.empty()) file_.too_large = room_.full();
  if (file_.results.empty() && file_.too_large.empty()) return absl::nullopt;
  const auto of_algoverse = static_cast<size_t>(
      std::count(of_algoverse_.begin(), of_algoverse_.end(), true));
  file_.format = 2 * of_algoverse >= file_.results.size()
                     ? ImportFormat::kAlgoverse
                     : ImportFormat::kPlain;
  CountRunsFromOne(file_);
  SettleAlgoverse();
  if (torn_count_ > 0) {
    file_.notes.push_back(absl::StrCat(
        "Torn in the middle: ", absl::StrJoin(torn_, ", "),
        torn_count_ > torn_.size()
            ? absl::StrCat(" and ", torn_count_ - torn_.size(), " more lines")
            : std::string(),
        "; what was lost there is asked again"));
  }
  return std::move(file_);
}

void TakeState(const Json& state, ImportedFile& file) {
  if (!state.is_object()) return;
  if (const auto found = state.find("experiment"); found != state.end()) {
    file.config_json = ImportConfig(*found);
  }
  if (const auto found = state.find("last_update"); found != state.end()) {
    file.updated = ImportTime(*found);
  }
}

// "2026-01-02T03:04:05.678 | q7 | APIError: the server said no"
absl::optional<ImportedResult> ReadErrorLine(absl::string_view line) {
  constexpr absl::string_view kBetween = " | ";
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(kBetween, 2));
  if (parts.size() != 3 || parts[1].empty()) return absl::nullopt;
  ImportedResult result;
  result.id = std::string(parts[1]);
  result.at = ImportTime(Json(std::string(parts[0])));
  const std::pair<absl::string_view, absl::string_view> what =
      absl::StrSplit(parts[2], absl::MaxSplits(": ", 1));
  result.error.emplace();
  result.error->type = ImportedErrorType(what.first);
  result.error->message = std::string(what.second);
  return result;
}

}  // namespace

absl::optional<ImportedFile> ReadResultLog(absl::string_view text,
                                           const ImportLimits& limits) {
  LogReader reader(limits);
  reader.Read(text);
  return reader.Finish();
}

void TakeAlgoverseSiblings(absl::string_view state, absl::string_view errors,
                           ImportedFile& file) {
  if (absl::StatusOr<Json> parsed = ParseJson(state); parsed.ok()) {
    NullMissing(*parsed);
    TakeState(*parsed, file);
  }
  absl::flat_hash_set<std::string> known;
  for (const ImportedResult& each : file.results) known.insert(each.id);
  for (const absl::string_view line : absl::StrSplit(errors, '\n')) {
    absl::optional<ImportedResult> result =
        ReadErrorLine(ValidUtf8(absl::StripAsciiWhitespace(line)));
    if (!result.has_value() || !known.insert(result->id).second) continue;
    if (file.results.size() >= kImportedResultsMax) {
      file.too_large = MoreThan(kImportedResultsMax, "results");
      return;
    }
    file.results.push_back(*std::move(result));
  }
}

}  // namespace runner
