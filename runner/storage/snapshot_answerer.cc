#include "runner/storage/snapshot_answerer.h"

#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "journal/error.h"

namespace runner {
namespace {

RequestState StateAfter(const absl::Status& made) {
  if (made.ok()) return RequestState::kMade;
  switch (journal::KindOf(made)) {
    case journal::ErrorKind::kNoSpace:
      return RequestState::kNoSpace;
    case journal::ErrorKind::kDamage:
      return RequestState::kDamaged;
    default:
      return RequestState::kFailed;
  }
}

}  // namespace

SnapshotAnswerer::SnapshotAnswerer(journal::FileSystem& fs,
                                   absl::string_view directory,
                                   journal::Writer& writer)
    : fs_(fs), directory_(directory), writer_(writer) {
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    // Who asks is told that nobody answers.
  }
}

SnapshotAnswerer::~SnapshotAnswerer() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void SnapshotAnswerer::Stop() {
  absl::MutexLock lock(&mutex_);
  stop_ = true;
}

void SnapshotAnswerer::Run() {
  for (bool first = true;; first = false) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stop_),
                                  kRequestLookInterval)) {
        return;
      }
    }
    Look(first);
  }
}

// What cannot be listed or renamed just now is looked at again.
void SnapshotAnswerer::Look(bool first) {
  RemoveOldAnswers();
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
  if (!names.ok()) return;
  std::vector<std::string> taken;
  for (const std::string& name : *names) {
    const absl::optional<RequestFile> file = ParseRequestFileName(name);
    if (!file.has_value()) continue;
    if (file->state == RequestState::kRequested) {
      if (taken.size() < kRequestsMax &&
          Move(file->token, RequestState::kRequested, RequestState::kTaken)) {
        taken.push_back(file->token);
      }
    } else if (first && file->state == RequestState::kTaken) {
      taken.push_back(file->token);
    } else if (first) {
      fs_.Remove(journal::JoinPath(directory_, name)).IgnoreError();
    }
  }
  if (taken.empty()) return;
  const absl::Status made = writer_.Snapshot();
  // The journal is being closed: who asks sees that nobody writes it any more.
  if (journal::KindOf(made) == journal::ErrorKind::kClosed) return;
  for (const std::string& token : taken) {
    const RequestState state = StateAfter(made);
    if (!Move(token, RequestState::kTaken, state)) continue;
    answers_.push_back(
        {absl::Now(),
         journal::JoinPath(directory_, RequestFileName({token, state}))});
  }
}

// Who asked looks far more often, and is gone where an answer still lies.
void SnapshotAnswerer::RemoveOldAnswers() {
  while (!answers_.empty() && absl::Now() - answers_.front().at > kAnswerKept) {
    fs_.Remove(answers_.front().path).IgnoreError();
    answers_.pop_front();
  }
}

// False when the file is gone: who asked has given up.
bool SnapshotAnswerer::Move(const std::string& token, RequestState from,
                            RequestState to) {
  return fs_
      .Rename(journal::JoinPath(directory_, RequestFileName({token, from})),
              journal::JoinPath(directory_, RequestFileName({token, to})))
      .ok();
}

}  // namespace runner
