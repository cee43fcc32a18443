#include "runner/imports/checkpoint_blobs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/evaluators/evaluator.h"
#include "runner/imports/import_values.h"
#include "runner/imports/json_units.h"
#include "runner/imports/result_fields.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kCountMax = 0xffffffff;
constexpr double kElapsedSecondsMax = 1e10;

// Members that are given part by part.
constexpr absl::string_view kDivided[] = {
    "completed_queries", "completed_documents", "failed_documents",
    "batch_states",      "error_log",           "results",
    "run_results",       "completed_indices"};

// What a ROB checkpoint says of documents, which have no results in it.
class Documents {
 public:
  explicit Documents(size_t documents_max) : documents_max_(documents_max) {}

  void Complete(std::string name);
  void Fail(const std::string& name, ImportedError error,
            absl::optional<absl::Time> at);
  // Of a batch that is completed, or not.
  void AddBatch(const Json& batch);
  // In the order in which they were met.
  std::vector<ImportedResult> Results(bool from_batches) const;
  // There were more than are kept.
  bool full() const { return full_; }
  size_t size() const { return documents_.size(); }

 private:
  struct Document {
    std::string name;
    bool listed = false;    // Among the completed ones.
    bool in_batch = false;  // In a completed batch, or completed in one.
    absl::optional<ImportedError> error;
    absl::optional<absl::Time> at;
  };
  Document& Named(const std::string& name);

  const size_t documents_max_;
  bool full_ = false;
  Document beyond_;  // Of no account.
  std::vector<Document> documents_;
  absl::flat_hash_map<std::string, size_t> by_name_;
};

Documents::Document& Documents::Named(const std::string& name) {
  full_ |= documents_.size() >= documents_max_ && by_name_.count(name) == 0;
  if (full_) return beyond_ = Document();
  const auto [found, is_new] = by_name_.emplace(name, documents_.size());
  if (is_new) {
    documents_.emplace_back();
    documents_.back().name = name;
  }
  return documents_[found->second];
}

void Documents::Complete(std::string name) {
  if (!name.empty()) Named(name).listed = true;
}

void Documents::Fail(const std::string& name, ImportedError error,
                     absl::optional<absl::Time> at) {
  if (name.empty()) return;
  Document& document = Named(name);
  // The log says why, a list only that.
  if (document.error.has_value() && error.message.empty()) return;
  document.error = std::move(error);
  document.at = at;
}

// A document is a name, or an object with a path and a status.
std::string DocumentName(const Json& value) {
  if (!value.is_object()) return ImportName(value);
  for (const char* key : {"document", "document_path", "name", "id", "path"}) {
    const auto found = value.find(key);
    if (found == value.end()) continue;
    std::string name = ImportName(*found);
    if (!name.empty()) return name;
  }
  return "";
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string();
}

void Documents::AddBatch(const Json& batch) {
  if (!batch.is_object()) return;
  const auto list = batch.find("documents");
  if (list == batch.end() || !list->is_array()) return;
  const bool batch_completed = TextOf(batch, "status") == "completed";
  for (const Json& each : *list) {
    const std::string name = DocumentName(each);
    if (name.empty()) continue;
    const std::string status =
        each.is_object() ? TextOf(each, "status") : std::string();
    if (status == "failed") {
      ImportedError error;
      error.message = TextOf(each, "error_message");
      Fail(name, std::move(error), absl::nullopt);
    } else if (status == "completed" || (status.empty() && batch_completed)) {
      Named(name).in_batch = true;
    }
  }
}

std::vector<ImportedResult> Documents::Results(bool from_batches) const {
  std::vector<ImportedResult> results;
  for (const Document& document : documents_) {
    ImportedResult result;
    result.id = document.name;
    result.at = document.at;
    if (!document.listed && document.error.has_value()) {
      result.error = document.error;
      if (result.error->type.empty()) result.error->type = kImportedScore;
      if (result.error->message.empty()) {
        result.error->message = "the checkpoint does not say why";
      }
    } else if (!document.listed && !(from_batches && document.in_batch)) {
      continue;
    }
    results.push_back(std::move(result));
  }
  return results;
}

class BlobReader {
 public:
  explicit BlobReader(const ImportLimits& limits)
      : documents_(limits.results), room_(limits) {}
  void Begin(absl::string_view section) {
    if (sections_.size() < kSectionsMax) sections_.emplace(section);
  }
  void Take(JsonUnit unit);
  absl::optional<ImportedFile> Finish(const JsonUnitsEnd& end);

 private:
  static constexpr size_t kSectionsMax = 64;

  bool Has(const char* section) const { return sections_.count(section) > 0; }
  absl::optional<ImportFormat> Format() const;
  void TakePart(JsonUnit unit);
  void TakeWhole(const std::string& section, Json value);
  void TakeCounts(const std::string& section, const Json& value);
  void TakeTimes(const std::string& section, const Json& value);
  void TakeMeta(const Json& meta);
  void TakeConfig(const Json& config) {
    file_.config_json = ImportConfig(config);
  }
  void TakeCosts(const Json& costs);
  void TakeResult(JsonUnit unit);
  void TakeLoggedError(const Json& entry);
  void FinishRuns();
  void FinishDocuments();
  void FinishPlain();

  ImportedFile file_;
  std::set<std::string, std::less<>> sections_;
  ScoreNames names_;
  Documents documents_;
  ImportRoom room_;
  uint64_t run_results_ = 0;
  absl::optional<uint64_t> current_run_, total_runs_, total_queries_;
  absl::optional<uint64_t> completed_count_;
  std::string version_;
};

// By what is in it, also where it is cut.
absl::optional<ImportFormat> BlobReader::Format() const {
  if (Has("completed_queries")) return ImportFormat::kDraagon;
  if (Has("completed_documents") || Has("batch_states")) {
    return ImportFormat::kRob;
  }
  if (Has("completed_indices") || (Has("completed_count") && Has("results"))) {
    return ImportFormat::kDistllm;
  }
  if (Has("checkpoint_info") || (Has("meta") && Has("results"))) {
    return ImportFormat::kCobraEval;
  }
  if (Has("results") || sections_.empty()) return ImportFormat::kPlain;
  return absl::nullopt;
}

void BlobReader::Take(JsonUnit unit) {
  if (unit.divided) {
    TakePart(std::move(unit));
  } else {
    TakeWhole(unit.section, std::move(unit.value));
  }
}

void BlobReader::TakePart(JsonUnit unit) {
  const std::string& section = unit.section;
  if (section == "completed_documents") {
    documents_.Complete(DocumentName(unit.value));
  } else if (section == "failed_documents") {
    documents_.Fail(DocumentName(unit.value), {"", "", true, ""},
                    absl::nullopt);
  } else if (section == "batch_states") {
    documents_.AddBatch(unit.value);
  } else if (section == "error_log") {
    TakeLoggedError(unit.value);
  } else if (section == "run_results") {
    ++run_results_;
  } else if (section == "completed_queries" || section == "results" ||
             section.empty()) {
    TakeResult(std::move(unit));
  }
}

void BlobReader::TakeResult(JsonUnit unit) {
  const bool by_id = unit.section == "completed_queries";
  if (!by_id && !unit.value.is_object()) return;
  const bool own_answer = by_id || Has("meta") || Has("completed_indices");
  ImportedResult result = ReadResult(
      std::move(unit.value),
      own_answer ? AnswerField::kIsOutput : AnswerField::kIsTarget, names_);
  if (by_id) {
    result.id = std::move(unit.key);
    result.id_is_number = false;
  }
  if (room_.Take(result)) file_.results.push_back(std::move(result));
}

void BlobReader::TakeLoggedError(const Json& entry) {
  if (!entry.is_object()) return;
  const auto error = entry.find("error");
  ImportedError said =
      ReadImportedError(error == entry.end() ? Json() : *error);
  absl::optional<absl::Time> at;
  if (const auto time = entry.find("timestamp"); time != entry.end()) {
    at = ImportTime(*time);
  }
  documents_.Fail(DocumentName(entry), std::move(said), at);
}

void BlobReader::TakeWhole(const std::string& section, Json value) {
  if (section == "benchmark_id" || section == "session_id") {
    file_.name = ImportName(value);
  } else if (section == "config" || section == "config_snapshot") {
    TakeConfig(value);
  } else if (section == "version") {
    version_ = ImportName(value);
  } else if (section == "meta") {
    TakeMeta(value);
  } else if (section == "cost_tracking") {
    TakeCosts(value);
  } else if (section == "elapsed_seconds") {
    const absl::optional<double> seconds =
        ImportNumber(value, kElapsedSecondsMax);
    if (seconds.has_value()) file_.elapsed = absl::Seconds(*seconds);
  } else {
    TakeCounts(section, value);
    TakeTimes(section, value);
  }
}

void BlobReader::TakeCounts(const std::string& section, const Json& value) {
  const absl::optional<uint64_t> count = ImportCount(value, kCountMax);
  if (!count.has_value()) return;
  if (section == "current_run") current_run_ = count;
  if (section == "total_runs") total_runs_ = count;
  if (section == "total_queries") total_queries_ = count;
  if (section == "completed_documents") completed_count_ = count;
  if (section == "total_documents") file_.total = *count;
}

void BlobReader::TakeTimes(const std::string& section, const Json& value) {
  const bool starts = section == "created_at" || section == "start_time";
  const bool ends = section == "updated_at" || section == "checkpoint_time" ||
                    section == "timestamp";
  if (!starts && !ends) return;
  const absl::optional<absl::Time> time = ImportTime(value);
  if (time.has_value()) (starts ? file_.started : file_.updated) = time;
}

void BlobReader::TakeMeta(const Json& meta) {
  if (!meta.is_object()) return;
  for (auto it = meta.begin(); it != meta.end(); ++it) {
    if (it.key() == "config") TakeConfig(*it);
    if (it.key() == "method") file_.name = ImportName(*it);
    TakeTimes(it.key(), *it);
    if (it.key() != "total_samples") continue;
    file_.total = ImportCount(*it, kCountMax).value_or(0);
  }
}

void BlobReader::TakeCosts(const Json& costs) {
  if (!costs.is_object()) return;
  file_.cost_json = ImportConfig(costs);
  const auto total = costs.find("total_cost");
  if (total != costs.end()) file_.total_cost = ImportNumber(*total, kCostMax);
}

absl::optional<ImportedFile> BlobReader::Finish(const JsonUnitsEnd& end) {
  const absl::optional<ImportFormat> format = Format();
  if (!format.has_value()) return absl::nullopt;
  file_.format = *format;
  file_.too_large = room_.full();
  if (documents_.full()) {
    file_.too_large = MoreThan(documents_.size(), "documents");
  }
  if (end.too_large) file_.too_large = end.why;
  switch (file_.format) {
    case ImportFormat::kDraagon:
      FinishRuns();
      break;
    case ImportFormat::kRob:
      FinishDocuments();
      break;
    case ImportFormat::kPlain:
      FinishPlain();
      // A value behind the first one: lines of them.
      if ((file_.results.empty() && file_.too_large.empty()) ||
          (end.closed && !end.whole)) {
        return absl::nullopt;
      }
      break;
    case ImportFormat::kDistllm:
      if (!version_.empty() && version_ != "2.0") {
        file_.notes.push_back(absl::StrCat(
            "It is of version ", Printable(version_), ", read as one of 2.0"));
      }
      break;
    case ImportFormat::kCobraEval:
    case ImportFormat::kAlgoverse:
      break;
  }
  CountRunsFromOne(file_);
  if (!end.whole) {
    file_.cut_at = end.offset;
    file_.cut_why = end.why;
  }
  return std::move(file_);
}

// Runs are counted from 0 there: in run k, k are in run_results. Some count
// from 1; then one less is.
void BlobReader::FinishRuns() {
  const uint64_t current = current_run_.value_or(0);
  uint64_t run = current;
  if (current == 0 || current == run_results_) run = current + 1;
  // All are done.
  if (total_runs_.value_or(0) > 0) run = std::min(run, *total_runs_);
  for (ImportedResult& result : file_.results) {
    result.run = static_cast<uint32_t>(std::min(run, kCountMax));
  }
  file_.total = total_queries_.value_or(0) *
                std::max<uint64_t>(total_runs_.value_or(1), 1);
  if (run > 1 && !file_.results.empty()) {
    file_.notes.push_back(
        absl::StrCat("Its completed queries are of run ", run,
                     "; of the runs before it keeps only what they came to"));
  }
}

void BlobReader::FinishDocuments() {
  file_.results = documents_.Results(completed_count_.has_value() ||
                                     !Has("completed_documents"));
  if (!completed_count_.has_value()) return;
  const auto named = static_cast<uint64_t>(std::count_if(
      file_.results.begin(), file_.results.end(),
      [](const ImportedResult& each) { return !each.error.has_value(); }));
  if (named >= *completed_count_) return;
  file_.notes.push_back(absl::StrCat(
      "It counts ", *completed_count_, " completed documents and names ", named,
      " of them, in its batches: the others are asked again"));
}

// Of anybody's array only what is a result counts.
void BlobReader::FinishPlain() {
  std::vector<ImportedResult>& results = file_.results;
  results.erase(std::remove_if(results.begin(), results.end(),
                               [](const ImportedResult& each) {
                                 return !LooksLikeResult(each);
                               }),
                results.end());
}

}  // namespace

absl::optional<ImportedFile> ReadCheckpointBlob(absl::string_view text,
                                                const ImportLimits& limits) {
  BlobReader reader(limits);
  const JsonUnitsEnd end = ReadJsonUnits(
      text, kDivided, limits.values,
      [&](absl::string_view section) { reader.Begin(section); },
      [&](JsonUnit unit) { reader.Take(std::move(unit)); });
  return reader.Finish(end);
}

}  // namespace runner
