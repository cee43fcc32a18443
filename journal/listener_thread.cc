#include "journal/listener_thread.h"

#include <utility>

namespace journal {
namespace {

constexpr size_t kWaitingErrorsMax = 16;

thread_local const ListenerThread* current_listener_thread = nullptr;

}  // namespace

ListenerThread::ListenerThread(WriterListener* listener) : listener_(listener) {
  if (listener_ != nullptr) thread_ = std::thread([this] { Run(); });
}

bool ListenerThread::OnThread() const {
  return current_listener_thread == this;
}

void ListenerThread::TellError(const absl::Status& error, bool for_good) {
  if (listener_ == nullptr) return;
  absl::MutexLock lock(&mutex_);
  if (draining_) return;
  if (events_.errors.size() < kWaitingErrorsMax || for_good) {
    events_.errors.push_back(error);
    changed_.Signal();
  }
}

void ListenerThread::TellSealed(uint64_t segment_id, Lsn last_lsn) {
  if (listener_ == nullptr) return;
  absl::MutexLock lock(&mutex_);
  events_.segment_id = segment_id;
  events_.last_lsn = last_lsn;
  changed_.Signal();
}

void ListenerThread::TellSnapshot(Lsn last_lsn) {
  if (listener_ == nullptr) return;
  absl::MutexLock lock(&mutex_);
  events_.snapshot_lsn = last_lsn;
  changed_.Signal();
}

void ListenerThread::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void ListenerThread::Run() {
  current_listener_thread = this;
  for (;;) {
    Events events;
    {
      absl::MutexLock lock(&mutex_);
      while (events_.empty() && !draining_) changed_.Wait(&mutex_);
      if (events_.empty()) return;
      events = std::exchange(events_, Events());
    }
    if (events.segment_id != 0) {
      listener_->OnSegmentSealed(events.segment_id, events.last_lsn);
    }
    if (events.snapshot_lsn != 0) listener_->OnSnapshot(events.snapshot_lsn);
    for (const absl::Status& error : events.errors) {
      listener_->OnBackgroundError(error);
    }
  }
}

}  // namespace journal
