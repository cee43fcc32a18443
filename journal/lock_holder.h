// Who holds a lock, as the text of the lock file says it. The text outlives
// its writer, so it is believed only of a process that is alive.
#ifndef JOURNAL_LOCK_HOLDER_H_
#define JOURNAL_LOCK_HOLDER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace journal {

// A process. The kernel gives a pid to others once its process has ended, and
// starts again with the same ones after a boot; all three together are unique.
struct LockHolder {
  pid_t pid = 0;
  std::string boot_id;            // /proc/sys/kernel/random/boot_id.
  uint64_t start_time_ticks = 0;  // Clock ticks from the boot to its start.
};

// The calling process; nothing where /proc is not mounted.
absl::optional<LockHolder> ThisProcess();

// Whether that very process is alive and visible from here. A process of
// another boot, container or machine is not.
bool IsAlive(const LockHolder& holder);

// "pid=12 boot_id=3a2f… start_time=345\n".
std::string FormatLockHolder(const LockHolder& holder);

// The first line of a lock file; nothing unless the line is whole, since the
// holder may be writing it now.
absl::optional<LockHolder> ParseLockHolder(absl::string_view text);

// Field 22 of /proc/<pid>/stat, whatever the program calls itself. Nothing for
// a process that has ended (it may be listed until its parent asks), since its
// locks are gone.
absl::optional<uint64_t> StartTimeOf(absl::string_view proc_stat);

}  // namespace journal

#endif  // JOURNAL_LOCK_HOLDER_H_
