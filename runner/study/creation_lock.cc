#include "runner/study/creation_lock.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "runner/base/printable.h"
#include "runner/storage/make_parents.h"

namespace runner {
namespace {

constexpr absl::Duration kCreationRetryInterval = absl::Milliseconds(10);

// Most are gone before anybody wonders.
constexpr absl::Duration kSayAfter = absl::Seconds(1);

// False when a signal has come.
bool WaitForNextTry(const SignalCatcher* signals) {
  if (signals != nullptr) return !signals->WaitFor(kCreationRetryInterval);
  absl::SleepFor(kCreationRetryInterval);
  return true;
}

}  // namespace

absl::optional<Refusal> TakeCreationLock(
    journal::FileSystem& fs, const CreationLockOptions& options,
    Console& console, std::unique_ptr<journal::FileLock>* lock) {
  const std::string path =
      journal::JoinPath(options.journal_dir, kCreationLockName);
  if (!MakeParents(fs, path).ok()) return absl::nullopt;
  const absl::Time start = absl::Now();
  bool said = false;
  for (;;) {
    absl::StatusOr<std::unique_ptr<journal::FileLock>> taken = fs.Lock(path);
    if (taken.ok()) {
      *lock = *std::move(taken);
      return absl::nullopt;
    }
    if (journal::KindOf(taken.status()) != journal::ErrorKind::kLocked) {
      return absl::nullopt;
    }
    const std::string why = Printable(taken.status().message());
    const absl::Duration waited = absl::Now() - start;
    if (waited >= options.wait_max) {
      return Refusal{kExitLocked,
                     absl::StrCat(why,
                                  "\nIt begins a journal there, and has not "
                                  "ended. Nothing was changed: run the same "
                                  "command again,\nor stop it")};
    }
    if (!said && waited >= kSayAfter) {
      console.Say(absl::StrCat("Waiting until a journal is begun: ", why));
      said = true;
    }
    if (!WaitForNextTry(options.signals)) {
      return Refusal{kExitSignal + options.signals->caught(),
                     "Interrupted; nothing was begun"};
    }
  }
}

}  // namespace runner
