// The door to the disk. Small and honest: every call that can fail returns a
// status, nothing is retried behind the caller's back but EINTR and short
// transfers, and tests replace it to inject every fault.
#ifndef JOURNAL_FILE_SYSTEM_H_
#define JOURNAL_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace journal {

// One open file. Reads may run beside each other and beside one write; writes,
// Sync and Truncate come from one thread at a time. Closed by the destructor.
class File {
 public:
  virtual ~File() = default;

  // Reads into `buffer` from `offset`. Returns how many bytes were read: fewer
  // than `size` only where the file ends.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer,
                                        size_t size) = 0;

  // Writes all of `data` at `offset`. After an error any part of it may have
  // been written.
  virtual absl::Status WriteAt(uint64_t offset, absl::string_view data) = 0;

  // fdatasync. After an error nothing may be assumed of what was written since
  // the last success, whatever a later call says. An error, too, when the file
  // has been removed.
  virtual absl::Status Sync() = 0;

  // Begins to write these bytes to the disk, so that Sync has less to wait for.
  // Promises nothing.
  virtual void BeginSync(uint64_t /*offset*/, uint64_t /*size*/) {}

  virtual absl::Status Truncate(uint64_t size) = 0;

  virtual absl::StatusOr<uint64_t> Size() = 0;

  // Forgets cached pages, so that the next read comes from the disk. Only
  // pages that were synced can be forgotten.
  virtual absl::Status DropCache() = 0;
};

// Held while it lives; released by the destructor and by the holder's death.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kRead,       // Must exist. Needs no write permission.
  kReadWrite,  // Must exist.
  kCreate,     // Created, or emptied when it exists. Mode 0600.
};

// What a file system can do, found by statfs(2).
struct FileSystemTraits {
  std::string name;  // "ext4", "xfs", "tmpfs", "btrfs", …
  // Writing into written space allocates nothing: zero-writing ahead pays, a
  // file's size is evidence, and a full disk shows before a record is written.
  bool overwrites_in_place = true;
};

// Thread-safe. Paths are the operating system's.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path,
                                                     OpenMode mode) = 0;

  // Names (not paths) in a directory, without "." and "..", in no order.
  virtual absl::StatusOr<std::vector<std::string>> List(
      absl::string_view directory) = 0;

  // Makes one directory, mode 0700. It is no error if it is there.
  virtual absl::Status CreateDirectory(absl::string_view path) = 0;

  // fsync of a directory: entries made, renamed or removed in it are durable.
  virtual absl::Status SyncDirectory(absl::string_view path) = 0;

  // Replaces `to` if it exists.
  virtual absl::Status Rename(absl::string_view from, absl::string_view to) = 0;

  virtual absl::Status Remove(absl::string_view path) = 0;

  virtual absl::StatusOr<bool> Exists(absl::string_view path) = 0;

  // Takes the exclusive lock on `path` (created if missing) without waiting
  // and writes who holds it. kLocked, with the holder's pid, if another holds
  // it, in this process or any other.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(
      absl::string_view path) = 0;

  virtual absl::StatusOr<FileSystemTraits> Traits(absl::string_view path) = 0;

  // The machine's file system. Lives for ever.
  static FileSystem* Posix();
};

// `directory`/`name`.
std::string JoinPath(absl::string_view directory, absl::string_view name);

// The directory that holds `path`: "." for a bare name.
std::string ParentDirectory(absl::string_view path);

// Publishes `data` as `path`, all or nothing: temporary file beside it, fsync,
// rename, directory fsync.
absl::Status PublishFile(FileSystem& fs, absl::string_view path,
                         absl::string_view data);

}  // namespace journal

#endif  // JOURNAL_FILE_SYSTEM_H_
