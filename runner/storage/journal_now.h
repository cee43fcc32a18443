// What a journal is about now, where later records go before its first one.
#ifndef RUNNER_STORAGE_JOURNAL_NOW_H_
#define RUNNER_STORAGE_JOURNAL_NOW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "journal/reader.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

struct JournalNow {
  // Answers were given under more than one configuration or dataset
  // (--accept-config-change).
  bool mixed_config = false;
  // The fingerprint of the dataset whose rows need not be as the journal lists
  // them; empty: they must.
  std::string accepted_dataset;
  absl::Time session_started;  // The newest one.
};

// Brings `info`, as the first record has it, to what holds by `state`: scoring,
// identity with model and method, and the configuration of the newest session.
// Errors: those of reading the records.
absl::Status ReadWhatHolds(journal::Reader& reader, const ProgressState& state,
                           BenchmarkInfo& info, JournalNow& now);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_NOW_H_
