#include "journal/segment_preparer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/segment_header.h"

namespace journal {
namespace {

// One step of zero-writing: small, and flushed before the next, so that a
// commit never finds the disk's queue full of zeros.
constexpr uint64_t kStepBytes = 1 << 20;

}  // namespace

SegmentPreparer::SegmentPreparer(FileSystem& fs, absl::string_view directory,
                                 bool zero_ahead)
    : fs_(fs),
      directory_(directory),
      zero_ahead_(zero_ahead),
      thread_([this] { Run(); }) {}

SegmentPreparer::~SegmentPreparer() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kReady && ready_.ok()) {
    // What is left behind is removed by the next writer.
    fs_.Remove(ready_->path).IgnoreError();
  }
}

void SegmentPreparer::Request(uint64_t id, uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (state_ != State::kIdle) return;
  state_ = State::kWanted;
  id_ = id;
  bytes_ = bytes;
}

void SegmentPreparer::TellFailures(
    std::function<void(const absl::Status&)> tell) {
  absl::MutexLock lock(&mutex_);
  tell_ = std::move(tell);
  if (state_ == State::kReady && !ready_.ok()) tell_(ready_.status());
}

absl::StatusOr<PreparedSegment> SegmentPreparer::Take(uint64_t id,
                                                      uint64_t bytes_min,
                                                      uint64_t bytes) {
  {
    absl::MutexLock lock(&mutex_);
    // Not begun yet: quicker here than to wait for the thread.
    if (state_ == State::kWanted) state_ = State::kIdle;
    const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return state_ != State::kWorking;
    };
    mutex_.Await(absl::Condition(&settled));
    if (state_ == State::kReady) {
      state_ = State::kIdle;
      absl::StatusOr<PreparedSegment> ready = std::move(ready_);
      if (ready.ok() && id_ == id && ready->bytes >= bytes_min) return ready;
    }
  }
  return Prepare(id, bytes_min, std::max(bytes, bytes_min));
}

void SegmentPreparer::Run() {
  for (;;) {
    uint64_t id;
    uint64_t bytes;
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stop_ || state_ == State::kWanted;
      };
      mutex_.Await(absl::Condition(&wanted));
      if (stop_) return;
      state_ = State::kWorking;
      id = id_;
      bytes = bytes_;
    }
    absl::StatusOr<PreparedSegment> prepared =
        Prepare(id, kSegmentBytesSmallest, bytes);
    absl::MutexLock lock(&mutex_);
    ready_ = std::move(prepared);
    state_ = State::kReady;
    // Given up because the journal is being closed is not a failure.
    if (!ready_.ok() && !stop_ && tell_ != nullptr) tell_(ready_.status());
  }
}

absl::StatusOr<PreparedSegment> SegmentPreparer::Prepare(uint64_t id,
                                                         uint64_t bytes_min,
                                                         uint64_t bytes) {
  PreparedSegment prepared;
  prepared.path =
      JoinPath(directory_, absl::StrCat(SegmentFileName(id), kNewSuffix));
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(prepared.path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  prepared.file = *std::move(file);
  prepared.bytes = bytes;
  if (!zero_ahead_) return prepared;
  absl::StatusOr<uint64_t> written = WriteZeros(*prepared.file, bytes);
  absl::Status status = written.status();
  if (status.ok() && *written < bytes) {
    // The disk is nearly full: half of what there was, so that others can
    // still write what they must.
    prepared.bytes =
        *written / 2 / kSegmentBytesSmallest * kSegmentBytesSmallest;
    if (prepared.bytes < bytes_min || prepared.bytes == 0) {
      status = MakeError(
          ErrorKind::kNoSpace,
          absl::StrCat(directory_, ": no space for a segment of ", bytes_min,
                       " bytes; nothing of the record was written"));
    } else {
      status = prepared.file->Truncate(prepared.bytes);
      if (status.ok()) status = prepared.file->Sync();
    }
  }
  if (!status.ok()) {
    prepared.file.reset();
    fs_.Remove(prepared.path).IgnoreError();
    return status;
  }
  prepared.zeroed_bytes = prepared.bytes;
  return prepared;
}

absl::StatusOr<uint64_t> SegmentPreparer::WriteZeros(File& file,
                                                     uint64_t bytes) {
  static const std::string* const zeros = new std::string(kStepBytes, '\0');
  uint64_t written = 0;
  uint64_t step_bytes = kStepBytes;
  while (written < bytes) {
    if (StopRequested()) {
      return MakeError(ErrorKind::kClosed, "the journal is being closed");
    }
    const uint64_t step = std::min(step_bytes, bytes - written);
    absl::Status status =
        file.WriteAt(written, absl::string_view(zeros->data(), step));
    // Nothing in this file is acknowledged yet, so that a failed fsync here
    // costs the file, not the journal.
    if (status.ok()) status = file.Sync();
    if (KindOf(status) == ErrorKind::kNoSpace) {
      if (step_bytes <= kSegmentBytesSmallest) return written;
      step_bytes /= 2;
      continue;
    }
    if (!status.ok()) return status;
    written += step;
  }
  return written;
}

bool SegmentPreparer::StopRequested() {
  absl::MutexLock lock(&mutex_);
  return stop_;
}

}  // namespace journal
