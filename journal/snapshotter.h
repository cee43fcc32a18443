// Makes snapshots in the background, and removes what they replace.
#ifndef JOURNAL_SNAPSHOTTER_H_
#define JOURNAL_SNAPSHOTTER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "journal/cipher.h"
#include "journal/clock.h"
#include "journal/compactor.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/snapshot_builder.h"
#include "journal/types.h"

namespace journal {

// Thread-safe; owns one thread, started when there is first something to do. A
// failed snapshot leaves the log and the older snapshots as they are, and is
// tried again with the next sealed segment.
class Snapshotter {
 public:
  struct Options {
    FileSystem* fs = nullptr;  // Not owned, like the others.
    Clock* clock = nullptr;
    std::string directory;
    JournalUuid uuid = {};
    const Cipher* cipher = nullptr;
    Compactor* compactor = nullptr;
    SnapshotOptions policy;
    // Called from the thread; may be empty.
    std::function<void(const absl::Status&)> on_error;
    std::function<void(const Manifest&)> on_snapshot;
  };

  // `newest` is what opening stands on; without parts and with manifest_id 0
  // when there is no snapshot. Segments up to `sealed` are sealed;
  // `needed_from` as of NoteSealed.
  Snapshotter(const Options& options, Manifest newest, uint64_t sealed,
              uint64_t needed_from);

  ~Snapshotter() { Stop(); }

  // Ends the thread at its next record; what is unfinished is removed. Later
  // calls fail with kClosed.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // A segment is sealed: `log_bytes` long, and opening needs the segments from
  // `needed_from` on for the newest state (0: none). Quick.
  void NoteSealed(uint64_t segment_id, uint64_t log_bytes, uint64_t needed_from)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns when a snapshot covers the segment, which is sealed.
  absl::Status Cover(uint64_t segment_id) ABSL_LOCKS_EXCLUDED(mutex_);

  // Gives up the records below `lsn`: OK when a manifest says so for good.
  // Parts and sealed segments that hold only such are removed; what cannot be
  // is told to on_error, and tried again with the next snapshot, RemoveBefore
  // or sealed segment, and by the next Snapshotter.
  absl::Status RemoveBefore(Lsn lsn) ABSL_LOCKS_EXCLUDED(mutex_);

  // What the newest published manifest says.
  Lsn snapshot_lsn() const { return snapshot_lsn_; }
  Lsn removed_before_lsn() const { return removed_before_lsn_; }

 private:
  struct Work {
    uint64_t cover = 0;  // Up to this segment.
    uint64_t sealed = 0;
    uint64_t needed_from = 0;
    Lsn remove_before = 0;
    uint64_t ticket = 0;
  };

  absl::Status Submit(uint64_t cover, Lsn remove_before)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Finish(const Work& work, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The thread's part.
  absl::Status Do(const Work& work);
  absl::Status Number();
  absl::Status CoverUpTo(uint64_t segment_id);
  absl::StatusOr<uint64_t> LastOfPart(uint64_t first, uint64_t limit);
  absl::Status Publish(Manifest manifest);
  void Abandon(const Manifest& manifest);
  absl::Status Merge();
  absl::Status GiveUpBefore(Lsn lsn, uint64_t sealed);
  absl::Status Clean(uint64_t needed_from);
  absl::Status VerifyInherited();
  absl::Status MakeAnew(size_t part);
  absl::Status ScrubOne();

  const Options options_;
  std::atomic<bool> stop_ = false;
  SnapshotBuilder builder_;
  std::atomic<Lsn> snapshot_lsn_;
  std::atomic<Lsn> removed_before_lsn_;

  // The thread's.
  Manifest manifest_;
  uint64_t next_part_id_ = 0;
  uint64_t next_manifest_id_ = 0;
  std::set<uint64_t> verified_;  // Parts read back from the disk by this one.
  size_t scrub_next_ = 0;
  Lsn agreed_before_lsn_ = 0;  // Two manifests give up the records below.
  bool removal_failed_ = false;

  absl::Mutex mutex_;
  Work wanted_ ABSL_GUARDED_BY(mutex_);
  uint64_t sealed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // In no snapshot.
  uint64_t finished_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t covered_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // The newest.
  // A damaged segment is not tried again unless somebody asks.
  bool log_damaged_ ABSL_GUARDED_BY(mutex_) = false;
  // Removing files failed: tried again with the next sealed segment.
  bool remove_again_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace journal

#endif  // JOURNAL_SNAPSHOTTER_H_
