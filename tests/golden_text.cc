#include "tests/golden_text.h"

#include <memory>
#include <numeric>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runner/base/hashing.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/record_json.h"
#include "runner/storage/result_store.h"

namespace runner {
namespace {

constexpr size_t kBodyShownMax = 64;

std::string BodyText(absl::string_view body) {
  if (body.size() > kBodyShownMax) {
    return absl::StrCat(body.size(), " bytes, XXH3 ", Xxh3Hex(body));
  }
  return absl::StrCat("\"", absl::CHexEscape(body), "\"");
}

std::string RecordText(const journal::Record& record) {
  return absl::StrCat("record LSN ", record.lsn, " type ", record.type,
                      record.ignorable ? " ignorable " : " ",
                      BodyText(record.body), "\n");
}

std::string Text(const NamedValues& values) {
  return absl::StrJoin(values, ",", [](std::string* out, const auto& value) {
    absl::StrAppend(out, value.first, "=", value.second);
  });
}

std::string ResultText(const QueryResult& result) {
  return absl::StrCat(
      "run ", result.key.run, " index ", result.key.index, " id ",
      result.key.id, " attempts ", result.attempts,
      result.failed
          ? absl::StrCat(" failed ", result.error_type, ": ",
                         absl::CHexEscape(result.error_message))
          : absl::StrCat(
                " output ",
                result.output.has_value() ? BodyText(*result.output) : "null",
                " scores ", Text(result.scores), " extracted ",
                BodyText(result.extracted)),
      " tokens ", result.usage.prompt_tokens, "/",
      result.usage.completion_tokens, "/", result.usage.cached_tokens, "/",
      result.usage.reasoning_tokens, " metered ", result.usage.metered,
      " cost ",
      result.cost.has_value() ? absl::StrCat(*result.cost) : "unknown",
      " latency ", absl::FormatDuration(result.latency), "\n");
}

// All records as the reader gives them.
template <typename ToText>
std::string ReadAll(const std::string& directory, ToText to_text,
                    const journal::Cipher* cipher = nullptr) {
  journal::ReaderOptions options;
  options.cipher = cipher;
  auto reader = journal::Reader::Open(directory, options);
  if (!reader.ok()) return absl::StrCat(reader.status().ToString(), "\n");
  std::string text;
  for (;;) {
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome == journal::ReadOutcome::kEnd) return text;
    if (next.outcome != journal::ReadOutcome::kRecord) {
      return absl::StrCat(text, journal::Describe(next.finding), "\n");
    }
    absl::StrAppend(&text, to_text(next.record));
  }
}

}  // namespace

absl::Status CountingFolder::Restore(absl::string_view state) {
  const std::vector<std::string> words = absl::StrSplit(state, ' ');
  restored_ = words.size() == 2 && absl::SimpleAtoi(words[0], &records_) &&
              absl::SimpleAtoi(words[1], &bytes_);
  return restored_ ? absl::OkStatus() : absl::DataLossError(state);
}

void CountingFolder::Fold(const journal::Record& record) {
  ++records_;
  bytes_ += record.body.size();
}

std::string CountingFolder::Save() {
  return absl::StrCat(records_, " ", bytes_);
}

std::unique_ptr<journal::Cipher> GoldenKey() {
  std::string key(journal::kKeyBytes, '\0');
  std::iota(key.begin(), key.end(), 1);
  return journal::Cipher::FromBytes(key).value();
}

std::string JournalText(const std::string& directory,
                        const journal::Cipher* cipher) {
  const absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(directory, {});
  if (!report.ok()) return absl::StrCat(report.status().ToString(), "\n");
  std::string text = absl::StrCat(
      "uuid ", report->journal_uuid, "\n",
      journal::FindingKindName(report->outcome), ", records ", report->records,
      ", last LSN ", report->last_lsn, ", confirmed LSN ", report->watermark,
      report->closed ? ", closed" : ", not closed", "\n");
  if (!report->snapshot_file.empty()) {
    absl::StrAppend(&text, "snapshot ", report->snapshot_file, " up to LSN ",
                    report->snapshot_lsn, ", parts ", report->snapshot_parts,
                    "\n");
  }
  if (!report->key_id.empty()) {
    absl::StrAppend(&text, "key ", report->key_id, "\n");
  }
  for (const journal::SegmentInfo& segment : report->segments) {
    absl::StrAppend(&text, "segment ", segment.id, " LSN ", segment.first_lsn,
                    " to ", segment.last_lsn, " bytes ", segment.file_bytes,
                    " end ", segment.end_offset,
                    segment.sealed ? " sealed" : "",
                    segment.closed ? " closed" : "", "\n");
  }
  return text + ReadAll(directory, RecordText, cipher);
}

std::string RecordsText(const std::string& directory) {
  return ReadAll(directory, [](const journal::Record& record) {
    return RecordToJson(record) + "\n";
  });
}

std::string BenchmarkText(const std::string& directory) {
  const auto located = LocateJournal({}, directory);
  if (!located.has_value() || !located->info.has_value()) return "no journal\n";
  std::string text = absl::StrCat(
      JournalConditionName(located->condition), ", rows ", located->rows,
      ", exit code ", located->complete_exit_code, ", completed ",
      located->totals.completed, ", failed ", located->totals.failed,
      ", attempts ", located->totals.attempts, ", cost ", located->totals.cost,
      "\n");
  auto store = ResultStore::Load(directory, located->info->scoring_hash, {});
  if (!store.ok()) return absl::StrCat(text, store.status().ToString(), "\n");
  const ResultStore::History& history = (*store)->history();
  absl::StrAppend(&text, "sessions ", history.sessions, ", attempts ",
                  history.attempts, ", in doubt ", history.in_doubt, "\n");
  std::vector<uint32_t> order(located->rows);
  std::iota(order.begin(), order.end(), 0);
  const absl::Status status = (*store)->ForEach(
      located->info->runs, order, [&](const QueryResult& result) {
        absl::StrAppend(&text, ResultText(result));
        return absl::OkStatus();
      });
  return status.ok() ? text : absl::StrCat(text, status.ToString(), "\n");
}

}  // namespace runner
