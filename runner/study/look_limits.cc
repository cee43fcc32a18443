#include "runner/study/look_limits.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "journal/reader.h"
#include "runner/base/exit_code.h"
#include "runner/storage/journal_read.h"
#include "runner/study/ledger.h"
#include "runner/study/limits.h"
#include "runner/study/standing_limit.h"

namespace runner {
namespace {

absl::optional<LimitReached> StandingOf(const BenchmarkLook& look,
                                        const RunLimits& limits,
                                        const JournalAccess& access) {
  if (!look.goes_on || look.limit_lsn == 0) return absl::nullopt;
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  const absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(look.journal->directory, options);
  if (!reader.ok()) return absl::nullopt;
  const absl::StatusOr<LimitRecord> record =
      ReadRecord<LimitRecord>(**reader, look.limit_lsn);
  if (!record.ok()) return absl::nullopt;
  return StandingLimit(limits, *record);
}

}  // namespace

void ApplyLimits(const RunOptions& options, const JournalAccess& access,
                 absl::Span<BenchmarkLook> looks) {
  if (!IsLimited(options.limits) || options.score_only) return;
  Ledger ledger(journal::Clock::Real());
  for (size_t i = 0; i < looks.size(); ++i) {
    if (!looks[i].goes_on) continue;
    ProgressTotals totals = looks[i].journal->totals;
    if (options.retry_failed) totals.failed = 0;
    ledger.Carry(i, looks[i].names.model, totals);
  }
  const absl::optional<LimitReached> reached =
      CheckLimits(options.limits, ledger.total());
  for (BenchmarkLook& look : looks) {
    if (look.refusal.has_value() || look.remaining.to_ask == 0) continue;
    absl::optional<LimitReached> limit = reached;
    if (!limit.has_value() && !options.retry_failed) {
      limit = StandingOf(look, options.limits, access);
    }
    if (!limit.has_value()) continue;
    look.refusal =
        Refusal{kExitLimit, absl::StrCat("Limit reached: ", limit->text)};
  }
}

}  // namespace runner
