#include "runner/study/creation_lock.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "runner/storage/make_parents.h"

namespace runner {
namespace {

constexpr absl::Duration kCreationWaitMax = absl::Seconds(30);
constexpr absl::Duration kCreationRetryInterval = absl::Milliseconds(10);

}  // namespace

std::unique_ptr<journal::FileLock> TakeCreationLock(
    journal::FileSystem& fs, absl::string_view journal_dir) {
  const std::string path = journal::JoinPath(journal_dir, kCreationLockName);
  if (!MakeParents(fs, path).ok()) return nullptr;
  const absl::Time deadline = absl::Now() + kCreationWaitMax;
  for (;;) {
    absl::StatusOr<std::unique_ptr<journal::FileLock>> lock = fs.Lock(path);
    if (lock.ok()) return *std::move(lock);
    if (journal::KindOf(lock.status()) != journal::ErrorKind::kLocked ||
        absl::Now() > deadline) {
      return nullptr;
    }
    absl::SleepFor(kCreationRetryInterval);
  }
}

}  // namespace runner
