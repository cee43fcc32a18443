// Opens the journal that a benchmark goes on with, or begins it.
#ifndef RUNNER_STUDY_JOURNAL_ENTRY_H_
#define RUNNER_STUDY_JOURNAL_ENTRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "journal/clock.h"
#include "runner/base/exit_code.h"
#include "runner/base/signals.h"
#include "runner/config/options.h"
#include "runner/data/dataset.h"
#include "runner/display/console.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/journal_access.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/journal_choice.h"

namespace runner {

// All borrowed.
struct JournalEntryContext {
  const RunOptions* options = nullptr;
  const Dataset* dataset = nullptr;
  JournalAccess access;
  journal::Clock* clock = nullptr;
  Console* console = nullptr;
  const SignalCatcher* signals = nullptr;  // Null: nothing interrupts it.
};

struct EnteredJournal {
  std::unique_ptr<BenchmarkJournal> journal;
  std::string directory;
  std::string run_id;
  bool resumed = false;
  // Another configuration or changed rows were accepted just now.
  bool accepted = false;
  // Without a journal (--checkpoint-interval 0) what the results are made of
  // lies in `directory`, which whoever called removes.
  bool temporary = false;
  // The place of each of the dataset's rows in the journal's own list.
  std::vector<uint32_t> index_of_row;
};

// Which journal the options ask for.
JournalWish WishOf(const RunOptions& options, const BenchmarkNames& names);

// Finds it, compares it without writing, opens or creates it, from a checkpoint
// of another system where one is given, and points `latest` at it. Says on the
// console what it does. A refusal leaves what was there as it was;
// `entered->directory` may be set all the same.
absl::optional<Refusal> EnterJournal(const JournalEntryContext& context,
                                     const BenchmarkNames& names,
                                     EnteredJournal* entered);

}  // namespace runner

#endif  // RUNNER_STUDY_JOURNAL_ENTRY_H_
