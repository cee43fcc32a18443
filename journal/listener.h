// How an application hears of what happens behind its back.
#ifndef JOURNAL_LISTENER_H_
#define JOURNAL_LISTENER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "journal/types.h"

namespace journal {

// Called by one thread of the writer's that does nothing else, one call at a
// time, without a lock: a slow listener holds up nobody but itself and Close,
// which returns after the last call. A call may use the writer as any other
// thread may, but must neither close nor destroy it: Close fails in it with
// kInvalidArgument.
class WriterListener {
 public:
  virtual ~WriterListener() = default;

  // Something failed in the background, or for good:
  //  - the error that poisoned the writer, whoever met it: nothing can be
  //    appended any more. Once.
  //  - preparing the next segment failed. The writer goes on and tries again
  //    when it needs that segment; then an append may fail.
  //  - a snapshot, or its backup, was not made. The log is whole without it.
  //  - reading in the background has found damage (kDamage).
  // While the listener is busy a bounded number of errors waits for it; more
  // than these are dropped (WriterStatistics::background_errors counts all).
  // The poisoning one is never dropped.
  virtual void OnBackgroundError(const absl::Status& error) {
    static_cast<void>(error);
  }

  // A segment is complete, durable, and never written again; its records end
  // before `last_lsn`, its seal. Ids come in order; of those sealed while the
  // listener is busy only the newest is told, and speaks for all before it.
  // Those that opening seals are not told.
  virtual void OnSegmentSealed(uint64_t segment_id, Lsn last_lsn) {
    static_cast<void>(segment_id);
    static_cast<void>(last_lsn);
  }

  // A snapshot up to `last_lsn` is published and verified. Of several made
  // while the listener is busy only the newest is told.
  virtual void OnSnapshot(Lsn last_lsn) { static_cast<void>(last_lsn); }
};

}  // namespace journal

#endif  // JOURNAL_LISTENER_H_
