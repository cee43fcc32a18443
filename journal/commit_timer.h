// When the writer owes an fsync or a watermark that no caller asks for.
#ifndef JOURNAL_COMMIT_TIMER_H_
#define JOURNAL_COMMIT_TIMER_H_

#include "absl/time/time.h"
#include "journal/commit_request.h"
#include "journal/types.h"

namespace journal {

// The facts that the timer thread looks at. Not thread-safe: the writer's mutex
// guards it. Times are Clock::Monotonic().
class CommitTimer {
 public:
  CommitTimer(SyncMode mode, absl::Duration sync_interval)
      : mode_(mode), sync_interval_(sync_interval) {}

  // Somebody waits for durability with a deadline.
  void WantSync() { sync_wanted_ = true; }

  // A batch was committed without an error.
  struct Committed {
    Lsn last_record_lsn = 0;  // Of the batch; 0: it appended nothing.
    Lsn durable_lsn = 0;
    Lsn confirmed_lsn = 0;
    bool all_synced = false;
    bool confirmed = false;  // It was asked to confirm.
  };
  void NoteCommitted(const Committed& batch, absl::Duration now);

  // What to submit, and in how long; at once when that is zero, never (unless
  // something happens) when it is infinite.
  struct Due {
    absl::Duration in = absl::InfiniteDuration();
    CommitRequest::Kind kind = CommitRequest::Kind::kSync;
    Lsn confirm_lsn = 0;
  };
  Due Next(absl::Duration now) const;

  // What Next() said is being submitted.
  void NoteSubmitted() { sync_wanted_ = false; }

 private:
  const SyncMode mode_;
  const absl::Duration sync_interval_;

  bool sync_wanted_ = false;
  bool unsynced_ = false;
  absl::Duration first_unsynced_;
  absl::Duration last_append_;
  Lsn last_record_lsn_ = 0;
  Lsn confirmed_lsn_ = 0;
  // Durable since unconfirmed_since_, and not confirmed yet; 0: nothing.
  Lsn unconfirmed_lsn_ = 0;
  absl::Duration unconfirmed_since_;
};

}  // namespace journal

#endif  // JOURNAL_COMMIT_TIMER_H_
