#include "journal/async_appender.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/types/span.h"
#include "journal/error.h"

namespace journal {
namespace {

// Longer bodies are copied before the lock is taken, into memory of their own.
constexpr size_t kArenaBodyBytesMax = 64 << 10;

// What a record occupies beside its frame.
constexpr uint64_t kEntryBytes =
    sizeof(RecordView) + sizeof(AppendOp) + sizeof(AppendCallback);

thread_local const AsyncAppender* current_appender = nullptr;

}  // namespace

AsyncAppender::AsyncAppender(uint64_t half_bytes_max, Committer committer)
    : half_bytes_max_(half_bytes_max), committer_(std::move(committer)) {}

bool AsyncAppender::OnThread() const { return current_appender == this; }

// ---------------------------------------------------------------------------
// Callers

absl::Status AsyncAppender::Add(const RecordView& record, AppendOp append,
                                AppendCallback done, bool may_wait) {
  std::string long_body;
  if (record.body.size() > std::min(kArenaBodyBytesMax, half_bytes_max_)) {
    long_body.assign(record.body.data(), record.body.size());
  }
  const uint64_t bytes = append.frame_bytes + kEntryBytes;
  absl::MutexLock lock(&mutex_);
  while (!draining_ && !HasRoom(bytes)) {
    if (!may_wait) {
      return MakeError(ErrorKind::kBusy,
                       "the buffer of waiting appends is full; nothing was "
                       "queued, try again later");
    }
    room_.Wait(&mutex_);
  }
  if (draining_) {
    return MakeError(ErrorKind::kClosed, "the journal is closed");
  }
  StartThread();
  Put(record, std::move(long_body), std::move(append), std::move(done));
  filling_->bytes += bytes;
  if (thread_waits_) {
    // Once for each batch: the thread does not wait again before it has taken
    // what is here.
    thread_waits_ = false;
    filled_.Signal();
  }
  return absl::OkStatus();
}

bool AsyncAppender::HasRoom(uint64_t bytes) const {
  return filling_->empty() || filling_->bytes + bytes <= half_bytes_max_;
}

void AsyncAppender::StartThread() {
  if (thread_.joinable()) return;
  for (Half& half : halves_) half.arena.reserve(half_bytes_max_);
  thread_ = std::thread([this] { Run(); });
}

void AsyncAppender::Put(RecordView record, std::string long_body,
                        AppendOp append, AppendCallback done) {
  Half& half = *filling_;
  if (!long_body.empty()) {
    half.long_bodies.push_back(std::move(long_body));
    record.body = half.long_bodies.back();
  } else {
    std::vector<char>& arena = half.arena;
    const size_t at = arena.size();
    assert(at + record.body.size() <= arena.capacity());
    arena.insert(arena.end(), record.body.begin(), record.body.end());
    record.body = absl::string_view(arena.data() + at, record.body.size());
  }
  half.records.push_back(record);
  half.appends.push_back(std::move(append));
  half.callbacks.push_back(std::move(done));
}

void AsyncAppender::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    filled_.Signal();
    room_.SignalAll();
  }
  // No Add() starts it any more.
  if (thread_.joinable()) thread_.join();
}

// ---------------------------------------------------------------------------
// The thread

void AsyncAppender::Run() {
  current_appender = this;
  while (Half* half = TakeHalf()) Complete(*half);
}

AsyncAppender::Half* AsyncAppender::TakeHalf() {
  absl::MutexLock lock(&mutex_);
  while (filling_->empty()) {
    if (draining_) return nullptr;
    thread_waits_ = true;
    filled_.Wait(&mutex_);
    thread_waits_ = false;
  }
  std::swap(filling_, flying_);
  room_.SignalAll();
  return flying_;
}

void AsyncAppender::Complete(Half& half) {
  CommitRequest request;
  for (size_t i = 0; i < half.records.size(); ++i) {
    half.appends[i].records = absl::MakeConstSpan(&half.records[i], 1);
    request.frame_bytes += half.appends[i].frame_bytes;
  }
  request.appends = absl::MakeSpan(half.appends);
  const absl::Status committed = committer_(request);
  for (size_t i = 0; i < half.callbacks.size(); ++i) {
    const AppendOp& append = half.appends[i];
    absl::StatusOr<Lsn> result = append.lsn;
    if (!committed.ok()) {
      result = committed;
    } else if (!append.status.ok()) {
      result = append.status;
    }
    std::move(half.callbacks[i])(std::move(result));
  }
  half.Clear();
}

void AsyncAppender::Half::Clear() {
  arena.clear();
  long_bodies.clear();
  records.clear();
  appends.clear();
  callbacks.clear();
  bytes = 0;
}

}  // namespace journal
