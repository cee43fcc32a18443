#include "runner/imports/journal_import.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/reader.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/errors_log.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/record_batch.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

using Json = nlohmann::json;

// In a configuration, where no option has this name.
constexpr char kImportKey[] = "imported";
// Results between two looks at whether it is to be stopped.
constexpr size_t kStopCheckResults = 4096;

class Importing {
 public:
  Importing(const ImportedFile& file, const ImportTarget& target,
            BenchmarkJournal& journal)
      : file_(file),
        target_(target),
        journal_(journal),
        errors_log_(journal::JoinPath(target.directory, "errors.log")),
        now_(absl::Now()),
        batch_(journal) {}

  absl::Status Write(absl::Span<const PlacedResult> placed,
                     const std::function<bool()>& stopped);

 private:
  absl::Status Begin();
  absl::Status Add(const PlacedResult& placed);
  absl::Status End();
  ResponseRecord Answer(const ImportedResult& result, QueryKey key) const;
  AttemptErrorRecord Failure(const ImportedResult& result, QueryKey key) const;
  // The file's own time, or else now.
  absl::Time Updated() const { return file_.updated.value_or(now_); }

  template <typename Record>
  absl::Status Append(const Record& record);

  const ImportedFile& file_;
  const ImportTarget& target_;
  BenchmarkJournal& journal_;
  ErrorsLog errors_log_;
  const absl::Time now_;
  std::string session_id_;
  uint64_t answered_ = 0;
  uint64_t failed_ = 0;
  RecordBatch batch_;
};

absl::Status Importing::Write(absl::Span<const PlacedResult> placed,
                              const std::function<bool()>& stopped) {
  absl::Status s = Begin();
  for (size_t i = 0; s.ok() && i < placed.size(); ++i) {
    if (i % kStopCheckResults == 0 && stopped()) {
      return absl::CancelledError("interrupted");
    }
    s = Add(placed[i]);
  }
  if (s.ok()) s = End();
  if (s.ok()) s = batch_.Flush();
  return s.ok() ? journal_.Sync() : s;
}

absl::Status Importing::Begin() {
  session_id_ = absl::StrCat(
      "import-",
      Xxh3Hex(absl::StrCat(file_.name, "\n", target_.info.config_json, "\n",
                           absl::ToUnixNanos(now_))));
  SessionRecord session;
  session.session_id = session_id_;
  session.number = 1;
  session.started = std::min(file_.started.value_or(Updated()), Updated());
  session.writer_version = kVersion;
  session.writer_commit = std::string(BuildCommit());
  session.config_json = target_.session_json;
  return Append(session);
}

absl::Status Importing::Add(const PlacedResult& placed) {
  const ImportedResult& result = *placed.result;
  const RowInfo row = target_.row(placed.row);
  QueryKey key;
  key.run = result.run;
  key.index = placed.row;
  key.id = row.id;
  key.occurrence = row.occurrence;
  AttemptStartRecord start;
  start.key = key;
  start.attempt = kImportedAttempt;
  start.at = result.at.value_or(Updated());
  if (absl::Status s = Append(start); !s.ok()) return s;
  ++(result.error.has_value() ? failed_ : answered_);
  if (!result.error.has_value()) return Append(Answer(result, std::move(key)));
  const AttemptErrorRecord failure = Failure(result, std::move(key));
  errors_log_.Add(failure);
  return Append(failure);
}

ResponseRecord Importing::Answer(const ImportedResult& result,
                                 QueryKey key) const {
  ResponseRecord record;
  record.key = std::move(key);
  record.attempt = kImportedAttempt;
  record.at = result.at.value_or(Updated());
  record.latency = result.latency;
  record.output = result.output;
  record.reasoning = result.reasoning;
  record.usage = result.usage;
  record.cost = result.cost;
  record.passes = result.passes;
  record.worker_scores = result.scores;
  record.metadata_json = result.metadata_json;
  return record;
}

AttemptErrorRecord Importing::Failure(const ImportedResult& result,
                                      QueryKey key) const {
  AttemptErrorRecord record;
  record.key = std::move(key);
  record.attempt = kImportedAttempt;
  record.at = result.at.value_or(Updated());
  record.latency = result.latency;
  record.type = result.error->type;
  record.message = CutText(result.error->message);
  record.retryable = result.error->retryable;
  record.final = true;
  if (result.error->context_json.size() <= kErrorTextMax) {
    record.context_json = result.error->context_json;
  }
  record.usage = result.usage;
  record.cost = result.cost;
  return record;
}

absl::Status Importing::End() {
  SessionEndRecord end;
  end.session_id = session_id_;
  end.reason = SessionStop::kCompleted;
  end.elapsed = file_.elapsed;
  end.completed = answered_;
  end.failed = failed_;
  end.detail = absl::StrCat("imported: ", ImportFormatName(file_.format));
  end.at = Updated();
  return Append(end);
}

template <typename Record>
absl::Status Importing::Append(const Record& record) {
  std::string body = Encode(record);
  if (body.size() > kRecordBytesMax) {
    return journal::MakeError(
        journal::ErrorKind::kInvalidArgument,
        absl::StrCat("a result of ", body.size(),
                     " bytes is larger than a record may be (", kRecordBytesMax,
                     ")"));
  }
  return batch_.Add(TypeNumber(record), std::move(body));
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string();
}

}  // namespace

std::string WithImportMark(absl::string_view config_json,
                           const ImportMark& mark) {
  const absl::StatusOr<Json> parsed = ParseJson(config_json);
  Json config = parsed.ok() && parsed->is_object() ? *parsed : Json::object();
  config[kImportKey] = {{"file", ValidUtf8(mark.file)},
                        {"format", mark.format},
                        {"sha256", mark.sha256}};
  return CanonicalJson(config);
}

absl::optional<ImportMark> ImportMarkOf(absl::string_view config_json) {
  const absl::StatusOr<Json> config = ParseJson(config_json);
  if (!config.ok() || !config->is_object()) return absl::nullopt;
  const auto found = config->find(kImportKey);
  if (found == config->end() || !found->is_object()) return absl::nullopt;
  return ImportMark{TextOf(*found, "file"), TextOf(*found, "format"),
                    TextOf(*found, "sha256")};
}

absl::StatusOr<absl::optional<ImportMark>> ReadImportMark(
    absl::string_view directory, const JournalAccess& access) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(directory, options);
  if (!reader.ok()) return reader.status();
  const journal::ReadResult first = (*reader)->Next();
  if (first.outcome != journal::ReadOutcome::kRecord) return ReadFailure(first);
  const absl::StatusOr<BenchmarkInfo> info =
      DecodeRecord<BenchmarkInfo>(first.record);
  if (!info.ok()) return info.status();
  return ImportMarkOf(info->config_json);
}

absl::Status WriteImport(const ImportedFile& file,
                         absl::Span<const PlacedResult> placed,
                         const ImportTarget& target,
                         const JournalAccess& access,
                         const std::function<bool()>& stopped) {
  BenchmarkJournal::Options options;
  options.sync_mode = journal::SyncMode::kNone;  // Nobody sees half of it.
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(target.directory, target.info, target.rows,
                               target.row, options);
  if (!journal.ok()) return journal.status();
  const absl::Status written =
      Importing(file, target, **journal).Write(placed, stopped);
  const absl::Status closed = (*journal)->Close();
  return written.ok() ? closed : written;
}

}  // namespace runner
