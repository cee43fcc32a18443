// A run that another process is at work on, followed by what it journals.
#ifndef TOOLS_RUN_WATCH_H_
#define TOOLS_RUN_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/journal.h"
#include "runner/display/progress_format.h"
#include "runner/storage/records.h"
#include "tools/journal_view.h"
#include "tools/recent_rate.h"
#include "tools/snapshot_files.h"

namespace inspector {

// Errors of one type. Text is as it was journaled: not printable.
struct ErrorsOfType {
  std::string type;
  uint64_t count = 0;
  // The newest:
  journal::Lsn lsn = 0;
  absl::Time at;
  runner::QueryKey key;
  std::string message;  // At most kErrorTextMax bytes of it.
};

// What there is to see of a run now.
struct WatchedRun {
  runner::Progress progress;  // Its title, too, is as it was journaled.
  absl::Duration elapsed;     // Of this session.
  uint32_t session = 0;       // Its number.
  uint32_t workers = 0;
  uint64_t under_way = 0;  // Begun, to be tried again, or not yet scored.
  absl::optional<absl::Time> updated;  // Of the newest record that was decoded.
  absl::optional<Holder> holder;
  JournalStatus status = JournalStatus::kRunning;
  absl::optional<SnapshotFile> snapshot;  // The newest.
  std::vector<ErrorsOfType> errors;       // The type of the newest one first.
};

// Reads the newest state and what follows it once, then only what is new: what
// a refresh costs does not depend on the size of the journal. Takes no lock.
// Not thread-safe.
class RunWatch {
 public:
  // Of errors from before the newest state those that stand are counted, and
  // of them the newest only.
  static constexpr size_t kStandingErrorsMax = 100;
  // Types that are told apart; the one that was not met for longest goes.
  static constexpr size_t kErrorTypesMax = 100;
  static constexpr size_t kErrorTextMax = 1024;
  // How often a journal that was removed from under the reader is begun anew.
  static constexpr int kReopeningsMax = 16;

  // `cipher` may be null; borrowed. Errors: those of ViewJournal and of
  // journal::Reader::Open.
  static absl::StatusOr<std::unique_ptr<RunWatch>> Open(
      absl::string_view path, const journal::Cipher* cipher);

  // Reads what is new, until `patience` has passed at most. kDamage when that
  // is damaged, with what and where; kIo when it cannot be read.
  absl::Status Refresh(absl::Duration patience);

  const WatchedRun& run() const { return run_; }
  // As it was opened, or, once nobody writes it, as it ended.
  const JournalView& view() const { return view_; }
  // All is read, and nobody writes it.
  bool ended() const { return !run_.holder.has_value() && at_end_; }

 private:
  class Tail;

  RunWatch(absl::string_view path, const journal::Cipher* cipher)
      : path_(path), cipher_(cipher) {}

  absl::Status Begin();
  void ReadSession();
  void ReadStandingErrors(journal::Lsn before);
  absl::Status ReadNew(absl::Duration patience);
  void Take(const journal::Record& record);
  void TakeSession(const runner::SessionRecord& session);
  void TakeDone(const runner::QueryKey& key, absl::Time at);
  void TakeError(const runner::AttemptErrorRecord& error, journal::Lsn lsn);
  void ReadSnapshots();
  void Summarize();

  const std::string path_;
  const journal::Cipher* const cipher_;
  JournalView view_;
  std::unique_ptr<journal::Reader> reader_;
  WatchedRun run_;
  RecentRate rate_;
  absl::Time session_started_ = absl::InfinitePast();
  std::map<std::string, ErrorsOfType> errors_;
  timespec listed_ = {};  // The directory's time when its snapshots were read.
  bool at_end_ = false;
  int reopened_ = 0;
};

}  // namespace inspector

#endif  // TOOLS_RUN_WATCH_H_
