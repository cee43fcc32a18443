#include "runner/storage/journal_holder.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "journal/journal_lock.h"
#include "journal/lock_holder.h"

namespace runner {
namespace {

constexpr size_t kHolderTextBytesMax = 256;

}  // namespace

absl::optional<JournalHolder> FindHolder(absl::string_view directory) {
  const std::string path = journal::JoinPath(directory, journal::kLockFileName);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::nullopt;
  const auto close_fd = absl::MakeCleanup([fd] { close(fd); });
  char text[kHolderTextBytesMax];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  const absl::optional<journal::LockHolder> named =
      size > 0 ? journal::ParseLockHolder(absl::string_view(text, size))
               : absl::nullopt;
  const bool named_is_alive = named.has_value() && journal::IsAlive(*named);
  // The kernel knows; the text may be of a process that has closed the journal
  // and lives on. Asking for the lock's state takes nothing.
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  const bool asked = fcntl(fd, F_OFD_GETLK, &range) == 0;
  const bool held = asked ? range.l_type != F_UNLCK : named_is_alive;
  if (!held) return absl::nullopt;
  return JournalHolder{named_is_alive ? named->pid : 0};
}

std::string HolderName(const JournalHolder& holder) {
  return holder.pid == 0 ? "a process" : absl::StrCat("pid ", holder.pid);
}

}  // namespace runner
