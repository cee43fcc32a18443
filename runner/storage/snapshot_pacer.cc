#include "runner/storage/snapshot_pacer.h"

namespace runner {

SnapshotPacer::SnapshotPacer(journal::Writer& writer, uint64_t results)
    : writer_(writer), results_(results), thread_([this] { Run(); }) {}

SnapshotPacer::~SnapshotPacer() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void SnapshotPacer::NoteResults(uint64_t count) {
  absl::MutexLock lock(&mutex_);
  pending_ += count;
}

absl::Status SnapshotPacer::error() const {
  absl::MutexLock lock(&mutex_);
  return error_;
}

void SnapshotPacer::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &SnapshotPacer::IsDue));
      if (stop_) return;
      pending_ = 0;
    }
    const absl::Status status = writer_.Snapshot();
    absl::MutexLock lock(&mutex_);
    error_ = status;
  }
}

}  // namespace runner
