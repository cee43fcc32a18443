// A disk in memory that loses power as a test tells it.
//
//   MemoryFileSystem disk;
//   disk.PowerOffAfter(17);          // At the 17th change from now on.
//   … run the engine on &disk until its calls fail …
//   disk.PowerOn({.seed = 4711});    // Go on with what survived.
//
// Or try every disk that the power cut can leave, one copy each:
//
//   AllLosses losses;
//   do {
//     MemoryFileSystem copy;
//     copy.CopyFrom(disk);
//     copy.PowerOn(losses.Next());
//     … look at the copy …
//   } while (losses.More());
//
// It keeps what is synced and what is not apart, by 512-byte sectors, file
// sizes and directory entries: at a power cut each unsynced one survives or not
// on its own. fsync of a file says nothing of its name.
#ifndef JOURNAL_TESTING_MEMORY_FILE_SYSTEM_H_
#define JOURNAL_TESTING_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/file_system.h"

namespace journal {

// What a power cut does with what was not synced.
struct PowerLoss {
  // Decides the fate of each sector, size and entry, by name: the same seed
  // and the same history give the same disk.
  uint64_t seed = 1;
  // How many in a hundred survive. 100 keeps all, 0 keeps none.
  int survive_percent = 50;
  // If set, it decides instead, once for each thing in doubt: which of its
  // `versions` (two or more) the disk has, from 0, the synced one, to the
  // newest, `versions` - 1. `path` is the file's, or that of the entry made,
  // removed or renamed to. The same history asks in the same order.
  std::function<size_t(absl::string_view path, size_t versions)> choose =
      nullptr;
};

// All losses of power that one state of a disk admits, one by one: every
// combination of what survives, as the numbers on a counter. For use with
// copies of the same state only.
class AllLosses {
 public:
  // Paths for which it makes no difference what survives: there, the newest
  // does.
  using Ignored = std::function<bool(absl::string_view path)>;
  explicit AllLosses(Ignored ignored = nullptr)
      : ignored_(std::move(ignored)) {}

  // The next one. It refers to this object.
  PowerLoss Next();
  // Whether there is one more.
  bool More();

 private:
  struct Digit {
    size_t value;
    size_t versions;
  };
  const Ignored ignored_;
  std::vector<Digit> digits_;
  size_t next_ = 0;
};

// Thread-safe. Outlives its files and locks. Paths are taken apart at '/';
// "/" exists from the start.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;
  MemoryFileSystem(const MemoryFileSystem&) = delete;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

  // -- Power ---------------------------------------------------------------

  // The `changes`th change from now on is cut short: it is neither done for
  // sure nor acknowledged, and every later call fails until PowerOn().
  //
  // A change is a write, sync, truncate, rename, removal, creation, or
  // directory sync. Preparing space (whatever happens to a ".seg.new" file
  // before something other than zeros is in it) does not count: it happens in
  // another thread, and counting it would make histories unrepeatable.
  void PowerOffAfter(uint64_t changes);
  void PowerOff();
  bool powered_off() const;
  // Counted as above, since the start.
  uint64_t changes() const;

  // After a power cut: what was not synced survives as `loss` says; open files
  // and locks are gone.
  void PowerOn(const PowerLoss& loss);
  // After the death of a process only: nothing is lost, nothing is synced.
  void PowerOnKeepingCache();

  // Becomes a copy of `other`: what is on it, synced and not, and whether it
  // has power. Files open here are gone.
  void CopyFrom(const MemoryFileSystem& other);

  // -- Other misfortunes ---------------------------------------------------

  // The next Sync() of a file whose name contains `name_part` fails, and as on
  // Linux the pages count as clean from then on though they never reached the
  // disk: DropCache() and power cuts bring the old bytes back.
  void FailNextSync(absl::string_view name_part);

  // The same, but this Sync() says that it succeeded, as a disk does that loses
  // what it took.
  void LieAtNextSync(absl::string_view name_part);

  // Files may take this much in all; a write that needs more puts down what
  // fits and fails with ENOSPC.
  void SetCapacity(uint64_t bytes);
  uint64_t UsedBytes() const;

  // -- Behind the engine's back (durable at once) --------------------------

  bool Has(absl::string_view path) const;
  std::string Get(absl::string_view path) const;  // "" if there is none.
  void Put(absl::string_view path, absl::string_view bytes);
  void Xor(absl::string_view path, uint64_t offset, char mask);
  void Delete(absl::string_view path);

  // -- FileSystem ----------------------------------------------------------

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
  class MemoryFile;
  class MemoryLock;
  struct Node;
  struct DirectoryChange;

  // Begins a call: the error when the power is off, or when `generation` (of
  // an open file) is over.
  absl::Status Check(uint64_t generation, absl::string_view path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts a change. False if this one is cut short.
  bool Change(bool counts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Dark(absl::string_view path) const;

  // Null if it is not there.
  std::shared_ptr<Node> Find(absl::string_view path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Node> FindDirectory(absl::string_view path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Node> NewNode(absl::string_view path, bool directory)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A name for the node's fate, unique, and the same in each run.
  std::string Birth(absl::string_view path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null without a directory to hold it.
  std::shared_ptr<Node> Create(absl::string_view path, bool directory)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteNode(Node& node, absl::string_view path, uint64_t offset,
                         absl::string_view data)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TruncateNode(Node& node, uint64_t size)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `copy` is new.
  void CopyTo(MemoryFileSystem* copy) const;
  uint64_t Used() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LosePower(Node& node, absl::string_view path, const PowerLoss& loss)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<Node> root_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> births_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> locked_ ABSL_GUARDED_BY(mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 1;
  bool off_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t off_at_ ABSL_GUARDED_BY(mutex_) =
      std::numeric_limits<uint64_t>::max();
  struct BadSync {
    std::string name_part;
    bool says_so;
  };
  std::vector<BadSync> bad_syncs_ ABSL_GUARDED_BY(mutex_);
  uint64_t capacity_ ABSL_GUARDED_BY(mutex_) =
      std::numeric_limits<uint64_t>::max();
};

}  // namespace journal

#endif  // JOURNAL_TESTING_MEMORY_FILE_SYSTEM_H_
