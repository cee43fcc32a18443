// For a C++ program with a loop of its own: what it has paid for is kept, and
// what is kept is not asked again.
//
//   runner::CheckpointOptions options;
//   options.benchmark_id = "mrl-sts";
//   options.config_json = R"({"model":"e5-large","dims":512})";
//   options.query_ids = ids;
//   options.runs = 3;
//   auto checkpoint = runner::CheckpointManager::LoadOrCreate(options);
//   for (uint32_t run = 1; run <= options.runs; ++run) {
//     for (const std::string& id : ids) {
//       if ((*checkpoint)->IsQueryCompleted(run, id)) continue;
//       (*checkpoint)->Update(run, id, Evaluate(run, id));
//     }
//     (*checkpoint)->CompleteRun(run);
//   }
//
// The journal is one of bench-runner's: journalctl-bench reads it.
#ifndef RUNNER_CHECKPOINT_CHECKPOINT_MANAGER_H_
#define RUNNER_CHECKPOINT_CHECKPOINT_MANAGER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/cipher.h"
#include "journal/types.h"
#include "runner/base/query.h"

namespace runner {

struct CheckpointOptions {
  std::string journal_dir = "journals";
  // What the results are of; with `config_json` it finds the journal again.
  std::string benchmark_id;
  // A JSON object of all that changes answers (model, prompt, parameters). With
  // another one it is another benchmark.
  std::string config_json = "{}";
  // Every query that is asked for. Equal ids are told apart by their place
  // among each other (`occurrence`). More of them later extend the benchmark.
  std::vector<std::string> query_ids;
  uint32_t runs = 1;  // Over the same queries.
  uint64_t seed = 0;  // What SeedOf derives from.

  // What may be lost when the power goes; the death of the process loses
  // nothing. See journal::WriterOptions.
  journal::SyncMode sync_mode = journal::SyncMode::kBatch;
  uint32_t checkpoint_interval = 50;  // Results.
  absl::Duration sync_interval = absl::Milliseconds(100);

  // A new journal is begun beside the one that is there.
  bool no_resume = false;
  // Encrypts the journal; borrowed, outlives the manager. Null: plain.
  const journal::Cipher* cipher = nullptr;
};

// What became of one query.
struct CheckpointResult {
  absl::optional<std::string> output;
  NamedValues scores;
  std::string reasoning;
  std::string metadata_json;  // Empty: none.
  Usage usage;
  absl::optional<double> cost;  // Dollars; nothing when unknown.
  absl::Duration latency;
  // Set: it failed, and has neither output nor scores. A failed query is not
  // completed: it is asked again by the next program.
  std::string error_type = {};  // Short and stable, such as "timeout".
  std::string error_message = {};

  bool failed() const { return !error_type.empty(); }
};

struct CheckpointStats {
  uint64_t total = 0;      // Queries x runs.
  uint64_t completed = 0;  // Of them.
  uint64_t failed = 0;     // Of them.
  uint64_t resumed = 0;    // Completed before this program began.
  uint64_t attempts = 0;
  uint64_t in_doubt = 0;  // Begun by BeginQuery and cut off by a death, ever.
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  double cost = 0;         // Dollars, of all attempts that said it.
  uint64_t unmetered = 0;  // Attempts that did not say their tokens.
  uint32_t sessions = 0;   // Programs that have worked on it, with this one.
  absl::Duration elapsed;  // Of all earlier ones.
};

// Thread-safe after LoadOrCreate. One at a time has a journal: another process
// gets kLocked, which names the holder.
class CheckpointManager {
 public:
  // The newest unfinished journal of this benchmark and configuration in
  // `journal_dir`, or, when it is finished, that one, to be extended or read;
  // else a new one. Cuts off a torn tail. Errors: kInvalidArgument for options
  // that cannot be; kDamage, kLocked, kNewerVersion, kKey and kIo of the
  // journal that is there, which is left as it was.
  static absl::StatusOr<std::unique_ptr<CheckpointManager>> LoadOrCreate(
      const CheckpointOptions& options);

  // Closes, if Close was not called; an error is lost.
  virtual ~CheckpointManager() = default;

  // Whether a journal was there.
  virtual bool loaded() const = 0;
  // Of the journal; its name is the run id.
  virtual std::string directory() const = 0;

  // Completed: with an answer and its scores. False for what is not asked for.
  virtual bool IsQueryCompleted(uint32_t run, absl::string_view id,
                                uint32_t occurrence = 0) const = 0;

  // A seed for this query of this run: the same in every program that has the
  // same CheckpointOptions::seed, whatever was asked before.
  virtual uint64_t SeedOf(uint32_t run, absl::string_view id,
                          uint32_t occurrence = 0) const = 0;

  // For what costs money: returns when it is durable that the query is about to
  // be asked, so that after a crash it is known to be in doubt. Errors: as
  // Update.
  virtual absl::Status BeginQuery(uint32_t run, absl::string_view id,
                                  uint32_t occurrence = 0) = 0;

  // Keeps a result; one for a query that has one replaces it. On return it
  // survives the death of the process, and power loss as `sync_mode` says.
  // Errors: kInvalidArgument, with nothing kept, for a query that is not asked
  // for and for a result of more than 16 MiB; kNoSpace, after which it may be
  // tried again; kIo, kPoisoned, kClosed, after which nothing can be kept.
  virtual absl::Status Update(uint32_t run, absl::string_view id,
                              const CheckpointResult& result,
                              uint32_t occurrence = 0) = 0;

  // What was kept of a query that is completed or failed; nothing when it is
  // neither. The first call, and the first after an Update of what is asked
  // for, read the journal once (some 48 bytes of memory for each result).
  virtual absl::StatusOr<absl::optional<CheckpointResult>> GetCompletedResult(
      uint32_t run, absl::string_view id, uint32_t occurrence = 0) = 0;

  // Journals the run's means and sums. When every query of every run is
  // completed, the journal is complete. Reads the journal once. Errors:
  // kInvalidArgument for a run that is not asked for, or while one of its
  // queries has neither result nor failure.
  virtual absl::Status CompleteRun(uint32_t run) = 0;

  // Everything kept so far survives power loss, too.
  virtual absl::Status Save() = 0;

  virtual CheckpointStats GetStats() const = 0;

  // Save, and the end of this program's session. Later calls fail with kClosed.
  virtual absl::Status Close() = 0;

  // Closes, and removes the journal.
  virtual absl::Status Clear() = 0;
};

}  // namespace runner

#endif  // RUNNER_CHECKPOINT_CHECKPOINT_MANAGER_H_
