// What a run would do with a benchmark, found out without doing it: no lock is
// taken, nothing written, nothing asked.
#ifndef RUNNER_STUDY_BENCHMARK_LOOK_H_
#define RUNNER_STUDY_BENCHMARK_LOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "journal/recovery_report.h"
#include "journal/types.h"
#include "runner/base/exit_code.h"
#include "runner/config/options.h"
#include "runner/data/dataset.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_holder.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// All borrowed.
struct LookContext {
  const RunOptions* options = nullptr;
  const Dataset* dataset = nullptr;
  const std::vector<uint32_t>* selected = nullptr;  // Rows of it, in order.
  // An answer that a process scores takes as long as a question.
  bool slow_scores = false;
  JournalAccess access;
  journal::Clock* clock = nullptr;
};

struct BenchmarkLook {
  BenchmarkNames names;
  std::vector<std::string> notes;   // What a run would say of its choice.
  absl::optional<Refusal> refusal;  // Why it would not start.
  // The one it would go on with, or for whose sake it would do otherwise.
  absl::optional<LocatedJournal> journal;
  bool goes_on = false;  // With `journal`; else a new one is begun.
  absl::optional<JournalHolder> writer;  // Of `journal`, living.

  // Of the journal, by what it was asked for last.
  uint64_t journal_total = 0;
  uint64_t in_doubt = 0;  // Begun without an end: in doubt, or under way.

  // Of what is asked for now.
  uint64_t total = 0;
  uint64_t done = 0;
  RemainingWork remaining;
  uint32_t workers = 0;
  // Of the limit on failures that ended its newest session; 0: none did.
  journal::Lsn limit_lsn = 0;
};

// InvalidArgument for what the options cannot mean; what is wrong with a
// journal is a refusal.
absl::StatusOr<BenchmarkLook> LookAtBenchmark(const LookContext& context,
                                              const std::string& model);

// What --validate-only finds: every byte of the journal is read.
struct JournalVerdict {
  int exit_code = kExitDone;
  std::string message;                // One sentence.
  std::vector<std::string> findings;  // Bad places, bounded.
};
JournalVerdict VerifyJournal(const BenchmarkLook& look,
                             const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_BENCHMARK_LOOK_H_
