// A file system that fails, stops and remembers as a test tells it.
//
//   FaultFileSystem fs(FileSystem::Posix());
//   fs.Inject({.op = FileOp::kSync, .nth = 2, .error_number = EIO});
//   … run the engine on &fs …
//   EXPECT_THAT(fs.Trace(), ElementsAre("create a.tmp", "write a.tmp 0+5",
//                                       "sync a.tmp", "rename a.tmp a"));
#ifndef JOURNAL_TESTING_FAULT_FILE_SYSTEM_H_
#define JOURNAL_TESTING_FAULT_FILE_SYSTEM_H_

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"

namespace journal {

// Every call of FileSystem and File.
enum class FileOp {
  kOpen,    // Open for reading or writing what is there.
  kCreate,  // Open with OpenMode::kCreate.
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kSize,
  kDropCache,
  kList,
  kCreateDirectory,
  kSyncDirectory,
  kRename,
  kRemove,
  kExists,
  kLock,
  kTraits,
};

// "write", "sync_directory", …
absl::string_view FileOpName(FileOp op);

// One call, as it began. (The strings' initialisers let callers leave them out
// without a warning.)
struct FileCall {
  FileOp op = FileOp::kOpen;
  std::string path = "";
  std::string new_path = "";  // Of a rename.
  uint64_t offset = 0;        // Of a read or write.
  uint64_t size = 0;          // Of a read, write or truncate.
};

// "write 0000000001.seg 1024+512", "rename a b", "truncate a 100", "sync a":
// the last part of each path only.
std::string Describe(const FileCall& call);

// Which calls fail, and how.
struct Fault {
  FileOp op = FileOp::kWrite;
  // Only calls on a name (the last part of the path; of a rename, either one)
  // that contains this.
  std::string name_part = "";
  // Only reads and writes that touch a byte in [offset_begin, offset_end).
  uint64_t offset_begin = 0;
  uint64_t offset_end = UINT64_MAX;
  // The first such call after Inject() is 1.
  int nth = 1;
  // The nth and every later one; else the nth alone.
  bool from_then_on = false;
  int error_number = EIO;
  // A failing write hands on this many bytes first, as a full disk does.
  uint64_t written_bytes = 0;
};

// Forwards to another file system, which outlives it. Outlives its own files.
// Thread-safe. A failed call is not handed on, but for Fault::written_bytes.
class FaultFileSystem final : public FileSystem {
 public:
  // `base` is not owned.
  explicit FaultFileSystem(FileSystem* base) : base_(base) {}
  FaultFileSystem(const FaultFileSystem&) = delete;
  FaultFileSystem& operator=(const FaultFileSystem&) = delete;

  // Adds a fault. When two apply to one call, the earlier one wins; both count.
  void Inject(Fault fault);

  // Forgets all faults.
  void Heal();

  // Makes calls of `op` on a name that contains `name_part` wait before they
  // are handed on, until Unblock(op) or LetPass(op). Beware that ".seg" is also
  // in the name of a segment that is being prepared.
  void Block(FileOp op, absl::string_view name_part = "");
  void Unblock(FileOp op);

  // Lets those go on that wait now; whichever comes later waits again.
  void LetPass(FileOp op);

  // Waits until `calls` calls of `op` stand blocked; false after `timeout`.
  [[nodiscard]] bool AwaitBlocked(FileOp op, int calls = 1,
                                  absl::Duration timeout = absl::Seconds(60));

  // What was called since the start or ClearCalls(), in the order in which the
  // calls began: of threads that call at the same time, as they came.
  std::vector<FileCall> Calls() const;
  std::vector<std::string> Trace() const;  // Describe() of each.
  int Count(FileOp op, absl::string_view name_part = "") const;
  void ClearCalls();

  // What FileSystem::Traits answers from now on, instead of the base's.
  void SetTraits(FileSystemTraits traits);

  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path,
                                             OpenMode mode) override;
  absl::StatusOr<std::vector<std::string>> List(
      absl::string_view directory) override;
  absl::Status CreateDirectory(absl::string_view path) override;
  absl::Status SyncDirectory(absl::string_view path) override;
  absl::Status Rename(absl::string_view from, absl::string_view to) override;
  absl::Status Remove(absl::string_view path) override;
  absl::StatusOr<bool> Exists(absl::string_view path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(
      absl::string_view path) override;
  absl::StatusOr<FileSystemTraits> Traits(absl::string_view path) override;

 private:
  class FaultFile;

  struct ActiveFault {
    Fault fault;
    int seen = 0;
  };

  struct Blockade {
    FileOp op;
    std::string name_part;
    int waiting = 0;
    bool lifted = false;
  };

  // Records the call, waits while it is blocked, and returns its error.
  // `written_bytes`, if given, is set to how much a failing write hands on.
  absl::Status Begin(const FileCall& call, uint64_t* written_bytes = nullptr);
  absl::optional<Fault> TakeFault(const FileCall& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitWhileBlocked(const FileCall& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FileSystem* const base_;
  mutable absl::Mutex mutex_;
  std::vector<ActiveFault> faults_ ABSL_GUARDED_BY(mutex_);
  // Shared with the calls that wait there: Unblock() removes them at once.
  std::vector<std::shared_ptr<Blockade>> blockades_ ABSL_GUARDED_BY(mutex_);
  std::vector<FileCall> calls_ ABSL_GUARDED_BY(mutex_);
  absl::optional<FileSystemTraits> traits_ ABSL_GUARDED_BY(mutex_);
  absl::CondVar changed_;  // A blockade was lifted, or a call waits at one.
};

}  // namespace journal

#endif  // JOURNAL_TESTING_FAULT_FILE_SYSTEM_H_
