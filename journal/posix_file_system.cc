#include "journal/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "journal/lock_holder.h"

namespace journal {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

// Not in linux/magic.h.
constexpr uint32_t kZfsMagic = 0x2FC12FC1;
constexpr uint32_t kBcachefsMagic = 0xCA451A4E;

// How long a refused locker looks for the name of a holder who has the lock
// but has not written yet. Only the message waits for it.
constexpr int kHolderReadsMax = 5;
constexpr absl::Duration kHolderReadInterval = absl::Milliseconds(2);

// Room for FormatLockHolder(), twice.
constexpr size_t kHolderTextBytesMax = 256;

// Repeats a system call that a signal interrupted before it did anything.
template <typename SystemCall>
auto Uninterrupted(SystemCall call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

// "<path>: cannot <what>: <strerror>". Takes the error number by value, since
// building the message may change errno.
absl::Status PathError(int error_number, absl::string_view path,
                       absl::string_view what) {
  return ErrnoError(error_number, absl::StrCat(path, ": cannot ", what));
}

absl::Status TransferError(int error_number, absl::string_view path,
                           absl::string_view what, uint64_t offset,
                           size_t size) {
  return PathError(error_number, path,
                   absl::StrCat(what, " ", size, " bytes at offset ", offset));
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  // An error of close(2) says nothing that Sync has not said, and on Linux it
  // must not be repeated: the number may belong to another file already.
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }

 private:
  const int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) override {
    // An offset may come from damaged bytes. No file reaches past the greatest
    // one, and the kernel calls it invalid.
    if (offset >= kOffsetMax) return size_t{0};
    size = static_cast<size_t>(std::min<uint64_t>(size, kOffsetMax - offset));
    size_t done = 0;
    while (done < size) {
      const ssize_t got = Uninterrupted([&] {
        return pread(fd_.get(), buffer + done, size - done,
                     static_cast<off_t>(offset + done));
      });
      if (got < 0) {
        return TransferError(errno, Name(), "read", offset + done, size - done);
      }
      if (got == 0) break;  // Only this is the end; a short read is not.
      done += static_cast<size_t>(got);
    }
    return done;
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    while (!data.empty()) {
      const ssize_t put = Uninterrupted([&] {
        return pwrite(fd_.get(), data.data(), data.size(),
                      static_cast<off_t>(offset));
      });
      if (put < 0) {
        return TransferError(errno, Name(), "write", offset, data.size());
      }
      if (put == 0) {
        // Not known to happen; without this it would be an endless loop.
        return TransferError(EIO, Name(), "write", offset, data.size());
      }
      data.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return absl::OkStatus();
  }

  void BeginSync(uint64_t offset, uint64_t size) override {
    // Errors show when the file is synced.
    (void)sync_file_range(fd_.get(), static_cast<off_t>(offset),
                          static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
  }

  absl::Status Sync() override {
    // Not repeated on EINTR either: the kernel reports a failed writeback once
    // and forgets it, so that a second success would prove nothing.
    if (fdatasync(fd_.get()) != 0) return PathError(errno, Name(), "fsync");
    // What has no name any more is on the disk for nobody.
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return PathError(errno, Name(), "stat");
    if (info.st_nlink == 0) {
      return MakeError(ErrorKind::kIo,
                       absl::StrCat(Name(), ": removed while it was written"));
    }
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    const int result = Uninterrupted(
        [&] { return ftruncate(fd_.get(), static_cast<off_t>(size)); });
    if (result != 0) {
      const int error = errno;
      return PathError(error, Name(), absl::StrCat("truncate to ", size));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() override {
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return PathError(errno, Name(), "stat");
    return static_cast<uint64_t>(info.st_size);
  }

  absl::Status DropCache() override {
    // Returns its error instead of setting errno. Length 0: to the end.
    const int error = posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) return PathError(error, Name(), "drop from the page cache");
    return absl::OkStatus();
  }

 private:
  static constexpr uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

  // For messages: the path it was opened by, with the name that it has by now
  // should it have been renamed. Leaves errno as it is.
  std::string Name() const {
    const int error = errno;
    struct stat mine, there;
    std::string name = path_;
    char link[PATH_MAX];
    const bool moved =
        fstat(fd_.get(), &mine) == 0 && mine.st_nlink > 0 &&
        (stat(path_.c_str(), &there) != 0 || there.st_dev != mine.st_dev ||
         there.st_ino != mine.st_ino);
    if (moved) {
      const ssize_t size = readlink(
          absl::StrCat("/proc/self/fd/", fd_.get()).c_str(), link, PATH_MAX);
      const absl::string_view now(
          link, static_cast<size_t>(std::max<ssize_t>(size, 0)));
      const size_t slash = now.rfind('/');
      if (slash != absl::string_view::npos) {
        name = JoinPath(ParentDirectory(path_), now.substr(slash + 1));
      }
    }
    errno = error;
    return name;
  }

  const Descriptor fd_;
  const std::string path_;
};

// Two locks. That of the lock file is one of its open file description: it ends
// with the last descriptor of it, whoever opens and closes the same file
// meanwhile. That of the directory stays where it is when somebody removes the
// lock file beside a living holder.
class PosixFileLock final : public FileLock {
 public:
  // `directory` is null where directories cannot be locked.
  PosixFileLock(std::unique_ptr<Descriptor> file,
                std::unique_ptr<Descriptor> directory)
      : file_(std::move(file)),
        directory_(std::move(directory)),
        owner_(getpid()) {}

  ~PosixFileLock() override {
    // A child between fork and exec has the descriptions, too, and would keep
    // the locks for that moment: hence unlocked, not only closed. But a child
    // that destroys its copy must not unlock its parent.
    if (getpid() != owner_) return;
    // In this order: whoever gets the file's lock gets the directory's.
    if (directory_ != nullptr) flock(directory_->get(), LOCK_UN);
    struct flock range = {};
    range.l_type = F_UNLCK;
    range.l_whence = SEEK_SET;
    fcntl(file_->get(), F_OFD_SETLK, &range);
  }

 private:
  const std::unique_ptr<Descriptor> file_;
  const std::unique_ptr<Descriptor> directory_;
  const pid_t owner_;
};

// The lock of the directory that holds `path`. Null where the file system has
// none for directories (NFS, some FUSE ones), or its table of locks is full:
// then the lock file's alone must do.
absl::StatusOr<std::unique_ptr<Descriptor>> LockDirectoryOf(
    absl::string_view path) {
  const std::string directory = ParentDirectory(path);
  auto fd = std::make_unique<Descriptor>(Uninterrupted([&] {
    return open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }));
  if (fd->get() < 0) {
    return PathError(errno, directory, "open directory for locking");
  }
  if (Uninterrupted([&] { return flock(fd->get(), LOCK_EX | LOCK_NB); }) == 0) {
    return fd;
  }
  if (errno != EWOULDBLOCK) return std::unique_ptr<Descriptor>();
  return MakeError(
      ErrorKind::kLocked,
      absl::StrCat(directory, ": locked by a process that is alive, though ",
                   path, " was removed and made again (fuser names it)"));
}

// The holder that the file's text names, if that very process is alive.
absl::optional<LockHolder> ReadHolder(int fd) {
  char text[kHolderTextBytesMax];
  const ssize_t size =
      Uninterrupted([&] { return pread(fd, text, sizeof(text), 0); });
  if (size <= 0) return absl::nullopt;
  absl::optional<LockHolder> holder =
      ParseLockHolder(absl::string_view(text, static_cast<size_t>(size)));
  if (!holder.has_value() || !IsAlive(*holder)) return absl::nullopt;
  return holder;
}

absl::Status RefusedError(int fd, absl::string_view path) {
  absl::optional<LockHolder> holder = ReadHolder(fd);
  for (int reads = 1; !holder.has_value() && reads < kHolderReadsMax; ++reads) {
    absl::SleepFor(kHolderReadInterval);
    holder = ReadHolder(fd);
  }
  if (!holder.has_value()) {
    return MakeError(
        ErrorKind::kLocked,
        absl::StrCat(path,
                     ": locked by a process that has just started or "
                     "cannot be seen from here (fuser names it)"));
  }
  return MakeError(ErrorKind::kLocked,
                   absl::StrCat(path, ": locked by process ", holder->pid,
                                holder->pid == getpid() ? ", which is this one"
                                                        : ", which is alive"));
}

// Says who holds the lock. It serves messages only, so that a failure is none
// of the locker's: a journal on a full disk must still open. The new text goes
// over the old one, which allocates nothing, and is cut to its size after.
void WriteHolder(int fd) {
  const absl::optional<LockHolder> self = ThisProcess();
  const std::string text = self.has_value() ? FormatLockHolder(*self) : "";
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t put = Uninterrupted([&] {
      return pwrite(fd, text.data() + done, text.size() - done,
                    static_cast<off_t>(done));
    });
    if (put <= 0) break;
    done += static_cast<size_t>(put);
  }
  // What is left of an earlier text would not be believed; this is tidiness.
  if (ftruncate(fd, static_cast<off_t>(done)) != 0) return;
}

class PosixFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path,
                                             OpenMode mode) override {
    std::string name(path);
    // A pipe under a segment's name must not hold us up: open() would wait for
    // its other end.
    int flags = O_CLOEXEC | O_NONBLOCK;
    absl::string_view what = "open";
    switch (mode) {
      case OpenMode::kRead:
        flags |= O_RDONLY;
        break;
      case OpenMode::kReadWrite:
        flags |= O_RDWR;
        what = "open for writing";
        break;
      case OpenMode::kCreate:
        flags |= O_RDWR | O_CREAT | O_TRUNC;
        what = "create";
        break;
    }
    const int fd =
        Uninterrupted([&] { return open(name.c_str(), flags, kFileMode); });
    if (fd < 0) return PathError(errno, path, what);
    auto file = std::make_unique<PosixFile>(fd, std::move(name));
    struct stat status;
    if (fstat(fd, &status) != 0) return PathError(errno, path, "stat");
    if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) {
      return MakeError(ErrorKind::kIo,
                       absl::StrCat(path, ": not a file but a pipe"));
    }
    return file;
  }

  absl::StatusOr<std::vector<std::string>> List(
      absl::string_view directory) override {
    DIR* const stream = opendir(std::string(directory).c_str());
    if (stream == nullptr) return PathError(errno, directory, "list");
    const absl::Cleanup closer = [stream] { closedir(stream); };
    std::vector<std::string> names;
    while (true) {
      errno = 0;  // readdir returns null at the end and on errors alike.
      const dirent* const entry = readdir(stream);
      if (entry == nullptr) break;
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return PathError(errno, directory, "list");
    return names;
  }

  absl::Status CreateDirectory(absl::string_view path) override {
    const std::string name(path);
    if (mkdir(name.c_str(), kDirectoryMode) == 0) return absl::OkStatus();
    int error = errno;
    if (error == EEXIST) {
      struct stat info;
      if (stat(name.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode)) return absl::OkStatus();
        error = ENOTDIR;
      }
    }
    return PathError(error, path, "create directory");
  }

  absl::Status SyncDirectory(absl::string_view path) override {
    const std::string name(path);
    const Descriptor fd(Uninterrupted([&] {
      return open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }));
    if (fd.get() < 0) return PathError(errno, path, "open directory");
    // EINVAL: this file system has no such call for directories (some network
    // and FUSE ones). Nothing failed, nothing can be done, and the journal is
    // as good there as any program's files. All else is an error.
    if (fsync(fd.get()) != 0 && errno != EINVAL) {
      return PathError(errno, path, "fsync directory");
    }
    return absl::OkStatus();
  }

  absl::Status Rename(absl::string_view from, absl::string_view to) override {
    if (rename(std::string(from).c_str(), std::string(to).c_str()) != 0) {
      const int error = errno;
      return PathError(error, from, absl::StrCat("rename to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status Remove(absl::string_view path) override {
    if (unlink(std::string(path).c_str()) != 0) {
      return PathError(errno, path, "remove");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Exists(absl::string_view path) override {
    struct stat info;
    if (stat(std::string(path).c_str(), &info) == 0) return true;
    // Anything else means "cannot tell", which is not "no".
    if (errno == ENOENT) return false;
    return PathError(errno, path, "stat");
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(
      absl::string_view path) override {
    const std::string name(path);
    auto fd = std::make_unique<Descriptor>(Uninterrupted([&] {
      return open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
    }));
    if (fd->get() < 0) return PathError(errno, path, "open for locking");
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    const int result =
        Uninterrupted([&] { return fcntl(fd->get(), F_OFD_SETLK, &range); });
    if (result != 0) {
      // POSIX allows both for "held by another".
      if (errno == EAGAIN || errno == EACCES) {
        return RefusedError(fd->get(), path);
      }
      return PathError(errno, path,
                       "lock (needs a file system with open-file-description "
                       "locks)");
    }
    absl::StatusOr<std::unique_ptr<Descriptor>> directory =
        LockDirectoryOf(path);
    if (!directory.ok()) return directory.status();
    WriteHolder(fd->get());
    return std::make_unique<PosixFileLock>(std::move(fd),
                                           *std::move(directory));
  }

  absl::StatusOr<FileSystemTraits> Traits(absl::string_view path) override {
    struct statfs info;
    const std::string name(path);
    if (Uninterrupted([&] { return statfs(name.c_str(), &info); }) != 0) {
      return PathError(errno, path, "statfs");
    }
    // The field's type is signed on some machines, the number has 32 bits.
    return TraitsOfMagic(static_cast<uint32_t>(info.f_type));
  }
};

}  // namespace

FileSystemTraits TraitsOfMagic(uint32_t magic) {
  switch (magic) {
    case EXT4_SUPER_MAGIC:  // ext2 and ext3 as well.
      return {"ext4", true};
    case XFS_SUPER_MAGIC:
      return {"xfs", true};
    case TMPFS_MAGIC:
      return {"tmpfs", true};
    case OVERLAYFS_SUPER_MAGIC:
      return {"overlayfs", true};
    case BTRFS_SUPER_MAGIC:
      return {"btrfs", false};
    case kZfsMagic:
      return {"zfs", false};
    case kBcachefsMagic:
      return {"bcachefs", false};
    case NFS_SUPER_MAGIC:
      return {"nfs", false};
    default:
      return {absl::StrCat("0x", absl::Hex(magic)), false};
  }
}

FileSystem* FileSystem::Posix() {
  static FileSystem* const file_system = new PosixFileSystem;
  return file_system;
}

}  // namespace journal
