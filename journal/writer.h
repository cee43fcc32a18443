// The one writer of a journal.
#ifndef JOURNAL_WRITER_H_
#define JOURNAL_WRITER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "journal/append_callback.h"
#include "journal/cipher.h"
#include "journal/clock.h"
#include "journal/compactor.h"
#include "journal/file_system.h"
#include "journal/folder.h"
#include "journal/listener.h"
#include "journal/recovery_report.h"
#include "journal/types.h"
#include "journal/writer_statistics.h"

namespace journal {

// What is out of the bounds given here is kInvalidArgument from Writer::Open.
struct WriterOptions {
  SyncMode sync_mode = SyncMode::kBatch;
  // Mode batch: at most this many counted records (RecordView::sync_weight)
  // have returned and are not durable. At least 1.
  uint32_t sync_records = 50;
  // Mode batch: an fsync starts at most this long after the first of them.
  // Modes batch and each: this long after the last append of a burst the
  // newest records are confirmed by a watermark frame. More than 0.
  absl::Duration sync_interval = absl::Milliseconds(100);

  // The longest body, in bytes, and the longest span with some 50 bytes more
  // for each of its records: longer ones are refused. 1 to 1 GiB (with a key 40
  // bytes less). Readers take any.
  uint32_t max_record_bytes = 16 << 20;
  // Frame bytes waiting to be written before Append blocks; an append that is
  // larger waits for an empty queue. They are the callers' own memory; what
  // the engine holds is the frames of one batch.
  uint64_t queue_bytes_max = 4 << 20;
  // Of these, what AppendAsync and TryAppend may hold copies of (with some 200
  // bytes for each record): one half is filled while the other is written. From
  // the first such append on, Append has queue_bytes_max less one half. One
  // record that is larger is let in alone. At most queue_bytes_max counts.
  uint64_t async_bytes_max = 4 << 20;
  // The sizes of zero-written segments in bytes: the first after opening,
  // doubling to the last. 64 KiB <= min <= max <= 4 GiB, min a multiple of 512.
  // Where an append needs a larger segment it gets one; a nearly full disk
  // gives smaller ones.
  uint64_t segment_bytes_min = 1 << 20;
  uint64_t segment_bytes_max = 64 << 20;

  // What opening does about damage. kSalvage opens nothing that it would have
  // to skip: see Salvage().
  RecoveryMode recovery_mode = RecoveryMode::kStrict;
  // Mode point-in-time with damage: go on from the last good record, keeping
  // the rest in .torn files, instead of refusing to write.
  bool append_after_damage = false;
  // Verify every byte when opening, not only what the newest state does not
  // cover.
  bool verify_all = false;

  // kMustExist fails with kNotFound, kMustNotExist with kInvalidArgument.
  enum class Existing { kOpenOrCreate, kMustExist, kMustNotExist };
  Existing existing = Existing::kOpenOrCreate;

  // Encrypts what is appended: a new journal from its first segment on; one
  // that is there is opened with its own key only. Not owned; outlives the
  // writer. Null: plain.
  const Cipher* cipher = nullptr;

  // When snapshots are made, how many stay, where copies go (compactor.h).
  SnapshotOptions snapshots;
  // What opening did not read is read in the background, this fast; damage goes
  // to the listener. Bytes a second; 0: not at all.
  uint64_t scrub_bytes_per_second = 0;

  // None is owned; all outlive the writer. May be null.
  Folder* folder = nullptr;        // Null: no states, opening folds nothing.
  Compactor* compactor = nullptr;  // Null: snapshots keep every record.
  WriterListener* listener = nullptr;
  FileSystem* file_system = nullptr;  // Null means Posix().
  Clock* clock = nullptr;             // Null means Real().
};

// Thread-safe. Holds the journal's lock while it lives. After fork() the child
// must not touch it; a child that execs keeps neither lock nor files.
//
// Callbacks. Those of AppendAsync and TryAppend are called by one thread of the
// writer's, one at a time, in LSN order, without a lock; failed ones in the
// order in which they were queued. A slow callback holds up those behind it and
// the next batch. A callback may call TryAppend and whatever does not wait.
// AppendAsync, Append, Sync, Close, and WaitDurable of what is not durable yet
// would wait for the callback itself: in it they fail at once with
// kInvalidArgument. A callback must not destroy the writer. Those of another
// writer may be called freely.
//
// Errors. The first failed write or fsync poisons the writer for good: that
// call and every waiter get its error (kIo), every later call fails at once
// with kPoisoned and the first error's text, and nothing is retried. Open the
// journal again to go on: opening trusts only what it reads back from the disk.
// A full disk does not poison: kNoSpace comes before any byte of the record is
// written, and appending goes on as soon as there is space.
class Writer {
 public:
  // Opens or creates the journal in `directory` (its parent must exist),
  // recovers it as the mode says, and begins a new segment.
  //
  // Errors: kLocked (at once, with the holder's pid), kDamage, kTornTail (mode
  // absolute), kNewerVersion, kNotFound, kNoSpace, kIo, kInvalidArgument (also
  // for a plain journal with a key), kKey (an encrypted one without its key).
  static absl::StatusOr<std::unique_ptr<Writer>> Open(
      absl::string_view directory, const WriterOptions& options);

  // Closes, ignoring errors, unless Close was called. Callbacks are called
  // before it returns.
  virtual ~Writer() = default;

  // Appends one record and returns its LSN. When it returns, the record and
  // every lower LSN survive the death of this process; when they survive power
  // loss is the sync mode's promise. Blocks while the queue is full.
  virtual absl::StatusOr<Lsn> Append(const RecordView& record) = 0;

  // Appends several records, all or none of which are ever read back, and
  // returns the last one's LSN. Together, each with some 50 bytes more, at most
  // max_record_bytes and 64 MiB.
  virtual absl::StatusOr<Lsn> Append(absl::Span<const RecordView> records) = 0;

  // Appends a copy of the record without waiting for the write: `done` is
  // called when Append would have returned, with what it would have returned.
  // Waits only for room (async_bytes_max). After an error nothing is queued and
  // `done` is destroyed uncalled; else it is called exactly once. Records that
  // one thread queues get increasing LSNs.
  virtual absl::Status AppendAsync(const RecordView& record,
                                   AppendCallback done) = 0;

  // The same, but never waits: kBusy, with nothing queued, when there is no
  // room.
  virtual absl::Status TryAppend(const RecordView& record,
                                 AppendCallback done) = 0;

  // Returns when `lsn` is durable, starting an fsync if need be; many waiters
  // share one. DeadlineExceeded after `deadline`: it may still become durable.
  virtual absl::Status WaitDurable(Lsn lsn, absl::Time deadline) = 0;
  absl::Status WaitDurable(Lsn lsn) {
    return WaitDurable(lsn, absl::InfiniteFuture());
  }

  // Makes everything appended so far durable.
  virtual absl::Status Sync() = 0;

  // Makes a snapshot of everything appended so far and returns when it is
  // published and verified. Appends go on meanwhile. The log and the older
  // snapshots are untouched by an error: kNoSpace, kDamage (a sealed segment is
  // not whole), kIo, kClosed. What fails later (removing what it replaces,
  // copying it to the backup directory) is told to the listener and tried again
  // with the next one.
  virtual absl::Status Snapshot() = 0;

  // The application needs no record below `lsn` any more: parts and sealed
  // segments that hold only such are removed. kInvalidArgument if `lsn` is more
  // than one above what was appended; errors as of Snapshot. OK means
  // that they are given up for good; files that cannot be removed just then are
  // told to the listener and removed with the next snapshot, RemoveBefore,
  // sealed segment or opening. With a Folder, the
  // state must be one that folding the later records alone gives, too: where no
  // saved state can be read, they are all that is folded.
  virtual absl::Status RemoveBefore(Lsn lsn) = 0;

  // Everything up to here survives power loss.
  virtual Lsn durable_lsn() const = 0;

  // Everything up to here is confirmed on disk: damage to it cannot be taken
  // for a torn tail. Trails durable_lsn() by at most sync_interval.
  virtual Lsn confirmed_lsn() const = 0;

  // What was counted since opening, a few numbers at a time: while appends go
  // on they need not fit together to the last one. Cheap enough for once a
  // second, not for each record. Also after Close.
  virtual WriterStatistics statistics() const = 0;

  // What opening found.
  virtual const RecoveryReport& recovery_report() const = 0;

  // Completes what AppendAsync and TryAppend queued, callbacks included, makes
  // everything durable and confirmed, trims the file, releases the lock.
  // Later calls fail with kClosed; a second Close returns the first's status.
  virtual absl::Status Close() = 0;
};

}  // namespace journal

#endif  // JOURNAL_WRITER_H_
