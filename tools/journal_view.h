// One journal as it stands: what the engine finds in its files, and what its
// records say.
#ifndef TOOLS_JOURNAL_VIEW_H_
#define TOOLS_JOURNAL_VIEW_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/journal.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"
#include "tools/command.h"
#include "tools/journal_files.h"

namespace inspector {

enum class JournalStatus {
  kRunning,      // A living process writes it.
  kComplete,     // Nothing is left to do.
  kInterrupted,  // Its process ended before the end; resumable.
  kEncrypted,    // Whole; what it says cannot be read without its key.
  kTorn,         // Interrupted, with a torn tail that resuming cuts.
  kDamaged,      // Confirmed data is damaged or missing.
  kUnreadable,   // The disk or the permissions deny bytes.
  kNewer,        // Written by a newer version.
};

// "running", "complete", …: as in list.
absl::string_view JournalStatusName(JournalStatus status);
Colour JournalStatusColour(JournalStatus status);

// The exit code of a command that has only read it.
ExitCode ExitCodeOf(JournalStatus status);

// Takes records in LSN order. Restart forgets them all: beside a living writer
// an examination is repeated before damage is believed.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void Restart() = 0;
  virtual void Take(const journal::Record& record) = 0;
};

struct JournalView {
  std::string path;
  JournalStatus status = JournalStatus::kInterrupted;
  absl::optional<Holder> holder;  // A living writer.
  // Encrypted, and no key was given: of its records nothing is known but how
  // many there are.
  bool locked = false;
  journal::RecoveryReport report;
  std::unique_ptr<runner::ProgressState> progress;
  absl::optional<runner::BenchmarkInfo> benchmark;
  absl::optional<absl::Time> started;
  absl::optional<absl::Time> updated;  // Of the newest record with a time.
  uint64_t bytes = 0;                  // Of all files.
  uint64_t whole_records = 0;          // Read, also behind damage.

  std::string run_id() const;  // The directory's name without a Benchmark.
  // Queries asked for, in all runs.
  uint64_t total() const;
};

// Reads the journal, past damage. `full` reads every byte and gives every
// record to `sink` (may be null, not owned); else only the newest state and
// what came after. Errors: those of journal::Examine.
// `cipher` may be null: then an encrypted journal is `locked`, and no record is
// given.
absl::StatusOr<JournalView> ViewJournal(absl::string_view path, bool full,
                                        RecordSink* sink,
                                        const journal::Cipher* cipher);

// Examines (in mode salvage, so that records behind damage are seen) until
// what is found cannot be what a living writer is just writing.
absl::StatusOr<journal::RecoveryReport> ExamineBesideWriter(
    absl::string_view path, const journal::ExamineOptions& options,
    RecordSink* sink, absl::optional<Holder>* holder);

// What is wrong with the files alone.
JournalStatus StatusOfFiles(const journal::RecoveryReport& report,
                            const absl::optional<Holder>& holder);

// The sentences that every command says about damage: what is there, what is
// safe, what is not, and what to run next. Empty when nothing is wrong.
std::vector<std::string> Advice(const JournalView& view);

}  // namespace inspector

#endif  // TOOLS_JOURNAL_VIEW_H_
