// What a benchmark's records say is done, failed or open: the state that the
// engine keeps in the journal, so that opening reads none of the answers.
#ifndef RUNNER_STORAGE_PROGRESS_STATE_H_
#define RUNNER_STORAGE_PROGRESS_STATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "journal/folder.h"
#include "journal/types.h"

namespace runner {

// A query that is not simply done: failed, answered but not scored, begun and
// not ended, or ended by an error that a further attempt may mend.
struct OpenQuery {
  uint32_t run = 1;
  uint32_t index = 0;
  uint32_t attempts = 0;
  bool failed = false;
  bool retryable = false;
  bool unscored = false;   // Answered, not yet scored.
  bool in_flight = false;  // Begun, without an end: in doubt after a crash.
  // Of its Response when unscored, else of its newest AttemptStart or
  // AttemptError.
  journal::Lsn lsn = 0;
};

// The order in which a journal::Reader finds their records quickly.
std::vector<OpenQuery> InOrderOfLsn(absl::Span<const OpenQuery> queries);

// Totals for messages and limits.
struct ProgressTotals {
  uint64_t completed = 0;  // Answered and scored.
  uint64_t answered = 0;   // Scored, or waiting for it.
  uint64_t failed = 0;
  uint64_t attempts = 0;
  // Of all attempts that ended, also of failed ones.
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  double cost = 0;
  uint64_t unmetered = 0;  // Attempts that ended without saying their usage.
  uint64_t metered = 0;    // Those that said it.
  uint64_t unpriced = 0;   // Answers of which nobody knows the cost.
  uint32_t sessions = 0;
  // Of all sessions; of one without an end, up to its last record.
  absl::Duration elapsed = {};
  uint64_t in_doubt = 0;  // Attempts ever listed as in doubt.
};

// How far one run is.
struct RunCounts {
  uint32_t run = 0;
  uint64_t answered = 0;  // Scored, or waiting for it.
  uint64_t scored = 0;
};

// A record that this program cannot use.
struct OddRecords {
  uint64_t poison = 0;  // Unreadable, or naming a query that is not there.
  journal::Lsn first_poison_lsn = 0;
  // The first one of an unknown type that must not be ignored; 0: none.
  uint16_t unknown_type = 0;
  journal::Lsn unknown_lsn = 0;
};

// The most (run, query) pairs a journal may have: what bounds the memory of
// the state, at two bits each, whatever the records claim.
inline constexpr uint64_t kQueryRunsMax = uint64_t{1} << 30;

// The most queries that may be open at once, failed ones among them.
inline constexpr uint64_t kOpenQueriesMax = uint64_t{1} << 23;

// Slots whose newest state is known, and batches that may be open at once.
inline constexpr uint32_t kWorkerStatesMax = 4096;
inline constexpr size_t kOpenBatchesMax = size_t{1} << 16;

// How far the batches are, which are but labels.
struct BatchProgress {
  uint32_t completed = 0;      // The highest number of a completed one.
  std::vector<uint32_t> open;  // Begun and not ended, in order.
};

// What is known of a benchmark's queries. Thread-safe.
class QueryProgress {
 public:
  virtual ~QueryProgress() = default;

  // Answered: scored, or waiting for its score; never failed.
  virtual bool IsDone(uint32_t run, uint32_t index) const = 0;
  // Answered, and without a score by the rules that hold now.
  virtual bool NeedsScore(uint32_t run, uint32_t index) const = 0;
  // In order of (run, index). Answers from before the newest Scoring are not
  // among them, for want of a score alone: NeedsScore.
  virtual std::vector<OpenQuery> open_queries() const = 0;
};

struct ProgressData;

// Folds the records of schemas/records.fbs:
//
//   AttemptStart   in flight; attempts + 1
//   Response       answered and unscored, no longer failed or in flight. One
//                  for a query that has an answer replaces it, score and all
//   Score          of the scoring hash that holds: scored, which is completed
//   Scoring        if the hash differs: nothing is scored any more, nor is it
//                  complete
//   AttemptError   no longer in flight; if final, failed, unless it has an
//                  answer. A failure stands until a retry's answer replaces it
//   Override       that accepts a change (kIdentityOverride and the like):
//                  mixed_config, if anything was asked before
//   InDoubt        its attempts are no longer in flight: to be asked again
//   WorkerState    the newest of its slot
//   Limit          stands until an AttemptStart of a later session, or Complete
//   Batch          open, completed, or neither any more
//   Complete       complete, until an attempt, an answer, a new row, or a
//                  Selection of more than what is done and failed
//
// A row exists once a DatasetRows record, contiguous with those before, lists
// it. A record that the verifier rejects, that names a row that does not exist,
// or that would exceed a limit above changes nothing and counts as poison.
//
// Memory: two bits for each query of each run, some 40 bytes for an open one.
// Thread-safe.
class ProgressState final : public journal::Folder, public QueryProgress {
 public:
  ProgressState();
  ~ProgressState() override;

  // journal::Folder:
  uint32_t version() const override;
  bool CanRestore(uint32_t version) const override;
  void Reset() override;
  absl::Status Restore(absl::string_view state) override;
  void Fold(const journal::Record& record) override;
  std::string Save() override;

  // QueryProgress:
  bool IsDone(uint32_t run, uint32_t index) const override;
  bool NeedsScore(uint32_t run, uint32_t index) const override;
  std::vector<OpenQuery> open_queries() const override;

  uint64_t open_count() const;
  ProgressTotals totals() const;
  // Of the runs that have any answer, or have ended, in order.
  std::vector<RunCounts> run_counts() const;

  bool complete() const;
  int complete_exit_code() const;
  absl::Time complete_time() const;

  // Rows listed so far, and the LSNs of the lists.
  uint64_t rows() const;
  std::vector<journal::Lsn> dataset_lsns() const;
  // Of the Benchmark record; 0 when there is none.
  journal::Lsn benchmark_lsn() const;
  // How many rows the Benchmark record announces.
  uint64_t announced_queries() const;
  // What is asked for now: by the newest Selection, else by the Benchmark.
  uint32_t selected_runs() const;
  // Of the newest Selection; 0 when there is none.
  journal::Lsn newest_selection_lsn() const;
  uint64_t selected_queries() const;
  // A session began and has not ended: its process died, or is at work.
  bool session_open() const;
  // Of the newest session; 0: there is none.
  uint32_t session_workers() const;
  // Where the newest state of each worker slot lies.
  std::map<uint32_t, journal::Lsn> worker_state_lsns() const;
  BatchProgress batches() const;
  // Of the rules that hold now; 0: those of the Benchmark record.
  journal::Lsn newest_scoring_lsn() const;
  // Of the newest limit that was reached, until a later session asks
  // something, or all is done; 0: there is none.
  journal::Lsn limit_lsn() const;
  // 0 when there is none.
  journal::Lsn newest_session_lsn() const;
  // Of the Overrides that accepted another identity, or changed rows; 0: none.
  journal::Lsn newest_identity_lsn() const;
  journal::Lsn newest_dataset_lsn() const;
  // Such a change was accepted after something had been asked.
  bool mixed_config() const;
  OddRecords odd_records() const;

 private:
  mutable absl::Mutex mutex_;
  const std::unique_ptr<ProgressData> data_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_STORAGE_PROGRESS_STATE_H_
