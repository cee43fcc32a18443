#include "journal/commit_timer.h"

#include <algorithm>

namespace journal {

void CommitTimer::NoteCommitted(const Committed& batch, absl::Duration now) {
  if (batch.last_record_lsn != 0) {
    last_append_ = now;
    last_record_lsn_ = std::max(last_record_lsn_, batch.last_record_lsn);
  }
  confirmed_lsn_ = batch.confirmed_lsn;
  const bool was_unsynced = unsynced_;
  unsynced_ = !batch.all_synced;
  if (unsynced_ && !was_unsynced) first_unsynced_ = now;
  // Confirmed trails durable by the sync interval at most, also while appends
  // go on and on.
  if (confirmed_lsn_ >= unconfirmed_lsn_) unconfirmed_lsn_ = 0;
  const Lsn durable = std::min(batch.durable_lsn, last_record_lsn_);
  if (unconfirmed_lsn_ == 0 && durable > confirmed_lsn_) {
    unconfirmed_lsn_ = durable;
    unconfirmed_since_ = now;
  }
  // A watermark that found no room is tried again later, not at once.
  if (batch.confirmed) {
    last_append_ = now;
    unconfirmed_since_ = now;
  }
}

CommitTimer::Due CommitTimer::Next(absl::Duration now) const {
  const auto left = [&](absl::Duration since) {
    return std::max(since + sync_interval_ - now, absl::ZeroDuration());
  };
  Due due;
  if (sync_wanted_) {
    due.in = absl::ZeroDuration();
    return due;
  }
  if (mode_ == SyncMode::kNone) return due;
  if (unsynced_) due.in = left(first_unsynced_);
  // The end of a burst: everything is durable, and soon confirmed.
  if (!unsynced_ && confirmed_lsn_ < last_record_lsn_ &&
      left(last_append_) < due.in) {
    due = {left(last_append_), CommitRequest::Kind::kConfirm, last_record_lsn_};
  }
  if (unconfirmed_lsn_ != 0 && left(unconfirmed_since_) < due.in) {
    due = {left(unconfirmed_since_), CommitRequest::Kind::kConfirm,
           unconfirmed_lsn_};
  }
  return due;
}

}  // namespace journal
