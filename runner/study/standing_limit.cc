#include "runner/study/standing_limit.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "journal/reader.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

// As a record names it.
constexpr absl::string_view kFailureShare = "max-failures%";

}  // namespace

absl::optional<LimitReached> StandingLimit(const RunLimits& limits,
                                           const BenchmarkJournal& journal) {
  if (journal.limit_lsn() == 0) return absl::nullopt;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal.OpenReader();
  if (!reader.ok()) return absl::nullopt;
  const absl::StatusOr<LimitRecord> record =
      ReadRecord<LimitRecord>(**reader, journal.limit_lsn());
  if (!record.ok()) return absl::nullopt;
  return StandingLimit(limits, *record);
}

absl::optional<LimitReached> StandingLimit(const RunLimits& limits,
                                           const LimitRecord& record) {
  const FailureLimit& failures = limits.failures;
  LimitReached standing;
  standing.name = kMaxFailures;
  standing.limit = record.limit;
  standing.value = record.value;
  if (record.name == kFailureShare && failures.percent > 0 &&
      failures.percent <= record.limit) {
    standing.share = true;
    standing.text = absl::StrFormat("--max-failures %g%%: %.1f%% had failed",
                                    failures.percent, record.value);
    return standing;
  }
  if (record.name == kMaxFailures && failures.count > 0 &&
      static_cast<double>(failures.count) <= record.limit) {
    standing.text = absl::StrFormat("--max-failures %d: %.0f had failed",
                                    failures.count, record.value);
    return standing;
  }
  return absl::nullopt;
}

LimitRecord RecordOf(const LimitReached& limit) {
  LimitRecord record;
  record.name = std::string(limit.share ? kFailureShare : limit.name);
  record.limit = limit.limit;
  record.value = limit.value;
  return record;
}

}  // namespace runner
