#include "journal/posix_file_system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/lock_holder.h"
#include "journal/testing/child_process.h"

// What flock(2) fails with, as on a file system that does not have it; 0: it is
// the kernel's. It stands before the C library's.
static int flock_errno = 0;
static int flock_failures = 0;

extern "C" int flock(int fd, int operation) {
  if (flock_errno == 0) {
    return static_cast<int>(syscall(SYS_flock, fd, operation));
  }
  ++flock_failures;
  errno = flock_errno;
  return -1;
}

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  PosixFileSystemTest() {
    std::string name = JoinPath(::testing::TempDir(), "posix_XXXXXX");
    directory_ = mkdtemp(name.data());
  }
  ~PosixFileSystemTest() override {
    for (const std::string& name : Names()) unlink(Path(name).c_str());
    rmdir(directory_.c_str());
  }

  std::string Path(absl::string_view name) const {
    return JoinPath(directory_, name);
  }
  std::unique_ptr<File> Open(absl::string_view name, OpenMode mode) {
    absl::StatusOr<std::unique_ptr<File>> file = fs_->Open(Path(name), mode);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  void Write(absl::string_view name, absl::string_view data) {
    EXPECT_EQ(Open(name, OpenMode::kCreate)->WriteAt(0, data),
              absl::OkStatus());
  }
  // What is in the file, or the error that reading it gave.
  std::string Read(absl::string_view name, uint64_t offset = 0,
                   size_t size = 1000) {
    std::string data(size, '?');
    absl::StatusOr<size_t> got =
        Open(name, OpenMode::kRead)->ReadAt(offset, data.data(), size);
    if (!got.ok()) return got.status().ToString();
    EXPECT_EQ(data.find_first_not_of('?', *got), std::string::npos);
    data.resize(*got);
    return data;
  }
  std::vector<std::string> Names() {
    absl::StatusOr<std::vector<std::string>> names = fs_->List(directory_);
    EXPECT_TRUE(names.ok()) << names.status();
    return names.ok() ? *names : std::vector<std::string>();
  }
  int Mode(absl::string_view name) {
    struct stat info = {};
    EXPECT_EQ(stat(Path(name).c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  std::unique_ptr<FileLock> Lock() {
    absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_->Lock(Path("LOCK"));
    EXPECT_TRUE(lock.ok()) << lock.status();
    return lock.ok() ? *std::move(lock) : nullptr;
  }
  // Why the lock is refused; OK when it is free.
  absl::Status Refusal() { return fs_->Lock(Path("LOCK")).status(); }

  // Forks a child that takes the lock and keeps it until it is killed.
  pid_t ForkHolder() {
    Pipe locked;
    const pid_t pid = Fork([&] {
      const auto lock = fs_->Lock(Path("LOCK"));
      if (!lock.ok()) return false;
      locked.Signal();
      while (true) pause();
    });
    locked.CloseWriter();
    EXPECT_TRUE(locked.AwaitByte());
    return pid;
  }

  FileSystem* const fs_ = FileSystem::Posix();
  std::string directory_;
};

// Reading and writing.

TEST_F(PosixFileSystemTest, ReadsWhatWasWritten) {
  Write("a", "hello world");
  EXPECT_EQ(Read("a"), "hello world");
  EXPECT_EQ(Read("a", 6, 3), "wor");
}

TEST_F(PosixFileSystemTest, ReadEndsWhereTheFileEnds) {
  Write("a", "hello");
  EXPECT_EQ(Read("a", 3, 100), "lo");
  EXPECT_EQ(Read("a", 5, 100), "");
  EXPECT_EQ(Read("a", 6, 100), "");
  EXPECT_EQ(Read("a", 0, 0), "");
}

TEST_F(PosixFileSystemTest, OffsetOfDamagedBytesIsPastTheEnd) {
  Write("a", "hello");
  EXPECT_EQ(Read("a", INT64_MAX, 100), "");
  EXPECT_EQ(Read("a", uint64_t{INT64_MAX} + 1, 100), "");
  EXPECT_EQ(Read("a", UINT64_MAX, 100), "");
}

TEST_F(PosixFileSystemTest, WriteInTheMiddleKeepsTheRest) {
  Write("a", "hello world");
  auto file = Open("a", OpenMode::kReadWrite);
  EXPECT_EQ(file->WriteAt(4, "0 W"), absl::OkStatus());
  EXPECT_EQ(Read("a"), "hell0 World");
  EXPECT_EQ(*file->Size(), 11u);
}

TEST_F(PosixFileSystemTest, WritePastTheEndLeavesZerosBefore) {
  Write("a", "hi");
  EXPECT_EQ(Open("a", OpenMode::kReadWrite)->WriteAt(4, "ho"),
            absl::OkStatus());
  EXPECT_EQ(Read("a"), std::string("hi\0\0ho", 6));
}

TEST_F(PosixFileSystemTest, EmptyWriteDoesNotGrowTheFile) {
  auto file = Open("a", OpenMode::kCreate);
  EXPECT_EQ(file->WriteAt(100, ""), absl::OkStatus());
  EXPECT_EQ(*file->Size(), 0u);
}

TEST_F(PosixFileSystemTest, CreateEmptiesWhatIsThere) {
  Write("a", "hello");
  Write("a", "x");
  EXPECT_EQ(Read("a"), "x");
}

TEST_F(PosixFileSystemTest, TruncateShortensAndGrows) {
  Write("a", "hello");
  auto file = Open("a", OpenMode::kReadWrite);
  EXPECT_EQ(file->Truncate(2), absl::OkStatus());
  EXPECT_EQ(file->Truncate(4), absl::OkStatus());
  EXPECT_EQ(Read("a"), std::string("he\0\0", 4));
  EXPECT_EQ(*file->Size(), 4u);
}

TEST_F(PosixFileSystemTest, SyncedPagesCanBeForgotten) {
  Write("a", "hello");
  auto file = Open("a", OpenMode::kReadWrite);
  EXPECT_EQ(file->Sync(), absl::OkStatus());
  EXPECT_EQ(file->DropCache(), absl::OkStatus());
  EXPECT_EQ(Read("a"), "hello");
}

TEST_F(PosixFileSystemTest, ReadOnlyFileRefusesWrites) {
  Write("a", "hello");
  auto file = Open("a", OpenMode::kRead);
  EXPECT_EQ(KindOf(file->WriteAt(0, "x")), ErrorKind::kIo);
  EXPECT_EQ(KindOf(file->Truncate(0)), ErrorKind::kIo);
  EXPECT_EQ(Read("a"), "hello");
}

// The kernel writes up to the limit first, and fails the rest.
TEST_F(PosixFileSystemTest, ErrorsNameARenamedFileAsItIsCalledNow) {
  Write("a.new", "x");
  const std::unique_ptr<File> file = Open("a.new", OpenMode::kRead);
  EXPECT_THAT(std::string(file->WriteAt(0, "y").message()),
              HasSubstr(Path("a.new")));
  ASSERT_TRUE(fs_->Rename(Path("a.new"), Path("b")).ok());
  EXPECT_THAT(std::string(file->WriteAt(0, "y").message()),
              HasSubstr(Path("b")));
}

TEST_F(PosixFileSystemTest, ShortWriteGoesOnToItsError) {
  auto file = Open("a", OpenMode::kCreate);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit limit = {4096, old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const absl::Status status = file->WriteAt(0, std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot write 904 bytes at offset 4096: File too"));
  EXPECT_EQ(*file->Size(), 4096u);
}

// Errors.

TEST_F(PosixFileSystemTest, FullDiskIsNoSpace) {
  auto full = fs_->Open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(full.ok()) << full.status();
  const absl::Status status = (*full)->WriteAt(0, "x");
  EXPECT_EQ(KindOf(status), ErrorKind::kNoSpace);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/dev/full"));
}

TEST_F(PosixFileSystemTest, FailedSyncIsAnError) {
  auto device = fs_->Open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->Sync().message(),
            "/dev/full: cannot fsync: Invalid argument");
}

TEST_F(PosixFileSystemTest, APipeUnderAFilesNameHoldsNobodyUp) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const absl::Status status = fs_->Open(path, OpenMode::kRead).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kIo) << status;
}

TEST_F(PosixFileSystemTest, MissingFileIsNotFound) {
  const std::string path = Path("none");
  for (OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const absl::Status status = fs_->Open(path, mode).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kNotFound);
    EXPECT_TRUE(absl::StrContains(status.message(), path)) << status;
  }
  EXPECT_EQ(KindOf(fs_->List(path).status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(fs_->Remove(path)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(fs_->Rename(path, Path("x"))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(fs_->SyncDirectory(path)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(fs_->Traits(path).status()), ErrorKind::kNotFound);
}

// A file, since root may write into every directory.
TEST_F(PosixFileSystemTest, DirectoryThatIsNoneIsAnIoError) {
  Write("file", "");
  const std::string path = JoinPath(Path("file"), "journal_test");
  EXPECT_EQ(KindOf(fs_->Open(path, OpenMode::kCreate).status()),
            ErrorKind::kIo);
  EXPECT_EQ(KindOf(fs_->Lock(path).status()), ErrorKind::kIo);
  EXPECT_EQ(KindOf(fs_->CreateDirectory(path)), ErrorKind::kIo);
}

TEST_F(PosixFileSystemTest, ReadOfADirectoryIsAnIoError) {
  auto file = fs_->Open(directory_, OpenMode::kRead);
  ASSERT_TRUE(file.ok()) << file.status();
  char byte;
  EXPECT_EQ(KindOf((*file)->ReadAt(0, &byte, 1).status()), ErrorKind::kIo);
}

// Directories.

TEST_F(PosixFileSystemTest, ListsNamesWithoutDots) {
  EXPECT_THAT(Names(), IsEmpty());
  Write("a", "");
  Write(".b", "");
  EXPECT_THAT(Names(), UnorderedElementsAre("a", ".b"));
}

TEST_F(PosixFileSystemTest, CreateDirectoryTakesAnExistingOne) {
  EXPECT_EQ(fs_->CreateDirectory(directory_), absl::OkStatus());
}

TEST_F(PosixFileSystemTest, CreateDirectoryDoesNotTakeAFile) {
  Write("a", "");
  EXPECT_EQ(KindOf(fs_->CreateDirectory(Path("a"))), ErrorKind::kIo);
}

TEST_F(PosixFileSystemTest, OnlyTheOwnerMayLookInside) {
  EXPECT_EQ(fs_->CreateDirectory(Path("d")), absl::OkStatus());
  EXPECT_EQ(Mode("d"), 0700);
  EXPECT_EQ(rmdir(Path("d").c_str()), 0);
  Write("a", "");
  Lock();
  EXPECT_EQ(Mode("a"), 0600);
  EXPECT_EQ(Mode("LOCK"), 0600);
}

TEST_F(PosixFileSystemTest, ExistsTellsNoFromCannotTell) {
  Write("a", "");
  EXPECT_TRUE(*fs_->Exists(Path("a")));
  EXPECT_TRUE(*fs_->Exists(directory_));
  EXPECT_FALSE(*fs_->Exists(Path("b")));
  EXPECT_EQ(KindOf(fs_->Exists(Path("a/b")).status()), ErrorKind::kIo);
}

TEST_F(PosixFileSystemTest, RenameReplaces) {
  Write("a", "new");
  Write("b", "old");
  EXPECT_EQ(fs_->Rename(Path("a"), Path("b")), absl::OkStatus());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_THAT(Names(), ElementsAre("b"));
}

TEST_F(PosixFileSystemTest, RemoveRemoves) {
  Write("a", "");
  EXPECT_EQ(fs_->Remove(Path("a")), absl::OkStatus());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(PosixFileSystemTest, DirectoryCanBeSynced) {
  EXPECT_EQ(fs_->SyncDirectory(directory_), absl::OkStatus());
  Write("a", "");
  EXPECT_EQ(KindOf(fs_->SyncDirectory(Path("a"))), ErrorKind::kIo);
}

TEST_F(PosixFileSystemTest, PathsAreJoinedAndTakenApart) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(ParentDirectory("a/b"), "a");
  EXPECT_EQ(ParentDirectory("a//b/"), "a");
  EXPECT_EQ(ParentDirectory("/b"), "/");
  EXPECT_EQ(ParentDirectory("/"), "/");
  EXPECT_EQ(ParentDirectory("b"), ".");
}

// Publishing. The order of its calls and its failures are tested with
// testing/fault_file_system.h.

TEST_F(PosixFileSystemTest, PublishedFileIsAllThatIsLeft) {
  EXPECT_EQ(PublishFile(*fs_, Path("a"), "hello"), absl::OkStatus());
  EXPECT_EQ(Read("a"), "hello");
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_F(PosixFileSystemTest, PublishReplacesAndClearsWhatACrashLeft) {
  Write("a", "old and long");
  Write("a.tmp", "left by a crash");
  EXPECT_EQ(PublishFile(*fs_, Path("a"), "new"), absl::OkStatus());
  EXPECT_EQ(Read("a"), "new");
  EXPECT_THAT(Names(), ElementsAre("a"));
}

// Traits.

TEST_F(PosixFileSystemTest, KnowsTheFileSystemItIsOn) {
  EXPECT_EQ(fs_->Traits("/proc")->name, "0x9fa0");
  EXPECT_TRUE(fs_->Traits(directory_).ok());
}

TEST(TraitsOfMagicTest, CopyOnWriteAndUnknownOnesAreNotInPlace) {
  EXPECT_TRUE(TraitsOfMagic(EXT4_SUPER_MAGIC).overwrites_in_place);
  EXPECT_TRUE(TraitsOfMagic(XFS_SUPER_MAGIC).overwrites_in_place);
  EXPECT_TRUE(TraitsOfMagic(TMPFS_MAGIC).overwrites_in_place);
  EXPECT_TRUE(TraitsOfMagic(OVERLAYFS_SUPER_MAGIC).overwrites_in_place);
  EXPECT_FALSE(TraitsOfMagic(BTRFS_SUPER_MAGIC).overwrites_in_place);
  EXPECT_FALSE(TraitsOfMagic(NFS_SUPER_MAGIC).overwrites_in_place);
  EXPECT_FALSE(TraitsOfMagic(0x2FC12FC1).overwrites_in_place);
  EXPECT_FALSE(TraitsOfMagic(0xCA451A4E).overwrites_in_place);
  EXPECT_FALSE(TraitsOfMagic(0x12345678).overwrites_in_place);
}

// The lock.

TEST_F(PosixFileSystemTest, SecondLockInTheProcessIsRefused) {
  const auto lock = Lock();
  const absl::Status refusal = Refusal();
  EXPECT_EQ(KindOf(refusal), ErrorKind::kLocked);
  EXPECT_THAT(std::string(refusal.message()),
              HasSubstr(absl::StrCat("LOCK: locked by process ", getpid(),
                                     ", which is this one")));
}

TEST_F(PosixFileSystemTest, LockIsFreeAfterItsRelease) {
  Lock().reset();
  EXPECT_EQ(Refusal(), absl::OkStatus());
  EXPECT_EQ(Refusal(), absl::OkStatus());
  EXPECT_THAT(Names(), ElementsAre("LOCK"));
}

// As other programs that read the file do; a POSIX lock would end here.
TEST_F(PosixFileSystemTest, LockOutlivesOtherDescriptorsOfTheFile) {
  const auto lock = Lock();
  EXPECT_THAT(Read("LOCK"), HasSubstr("pid="));
  EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
}

TEST_F(PosixFileSystemTest, LockIsRefusedToAnotherProcess) {
  const auto lock = Lock();
  const std::string holder =
      absl::StrCat("process ", getpid(), ", which is alive");
  EXPECT_TRUE(Succeeded(Fork([&] {
    const absl::Status refusal = Refusal();
    return KindOf(refusal) == ErrorKind::kLocked &&
           absl::StrContains(refusal.message(), holder);
  })));
}

TEST_F(PosixFileSystemTest, LockDiesWithItsKilledHolder) {
  const pid_t holder = ForkHolder();
  EXPECT_THAT(std::string(Refusal().message()),
              HasSubstr(absl::StrCat("process ", holder, ",")));
  Kill(holder);
  const auto lock = Lock();
  EXPECT_NE(lock, nullptr);
  EXPECT_EQ(ParseLockHolder(Read("LOCK"))->pid, getpid());
}

TEST_F(PosixFileSystemTest,
       Case29_ExecedChildOfAKilledHolderDoesNotKeepTheLock) {
  Pipe executing, lifetime;
  const pid_t holder = Fork([&] {
    const auto lock = fs_->Lock(Path("LOCK"));
    if (!lock.ok()) return false;
    lifetime.CloseWriter();  // Left to the test alone.
    ExecUntilEndOf(lifetime);
    executing.CloseWriter();
    while (true) pause();
  });
  executing.CloseWriter();
  ASSERT_TRUE(executing.AwaitEnd());  // Both have closed it: one by exec.
  EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
  Kill(holder);
  EXPECT_EQ(Refusal(), absl::OkStatus());
}

TEST_F(PosixFileSystemTest, Case29_ExecedChildDoesNotKeepAReleasedLock) {
  Pipe lifetime;
  auto lock = Lock();
  const pid_t child = ExecUntilEndOf(lifetime);
  lock.reset();
  EXPECT_EQ(Refusal(), absl::OkStatus());
  lifetime.CloseWriter();
  Kill(child);
}

// Also what a child does between fork and exec, however long it takes.
TEST_F(PosixFileSystemTest, Case29_ForkedChildDoesNotKeepAReleasedLock) {
  Pipe forked;
  auto lock = Lock();
  const pid_t child = Fork([&] {
    forked.Signal();
    while (true) pause();
    return true;
  });
  EXPECT_TRUE(forked.AwaitByte());
  lock.reset();
  EXPECT_EQ(Refusal(), absl::OkStatus());
  Kill(child);
}

TEST_F(PosixFileSystemTest, Case29_ForkedChildCannotReleaseItsParentsLock) {
  auto lock = Lock();
  EXPECT_TRUE(Succeeded(Fork([&] {
    lock.reset();
    return true;
  })));
  EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
}

// A forked child keeps its killed parent's lock, and its text names the dead.
TEST_F(PosixFileSystemTest, DeadProcessIsNotNamedAsTheHolder) {
  Pipe forked, lifetime;
  const pid_t holder = Fork([&] {
    const auto lock = fs_->Lock(Path("LOCK"));
    if (!lock.ok()) return false;
    lifetime.CloseWriter();
    Fork([&] {
      forked.Signal();
      return lifetime.AwaitEnd();
    });
    while (true) pause();
  });
  ASSERT_TRUE(forked.AwaitByte());
  Kill(holder);
  const absl::Status refusal = Refusal();
  EXPECT_EQ(KindOf(refusal), ErrorKind::kLocked);
  EXPECT_THAT(std::string(refusal.message()),
              HasSubstr("locked by a process that has just started"));
}

// Somebody "cleans up" beside a living writer.
TEST_F(PosixFileSystemTest, LockHoldsAlsoWhenItsFileIsRemoved) {
  auto lock = Lock();
  for (int removals = 0; removals < 2; ++removals) {
    EXPECT_EQ(unlink(Path("LOCK").c_str()), 0);
    const absl::Status refusal = Refusal();
    EXPECT_EQ(KindOf(refusal), ErrorKind::kLocked);
    EXPECT_THAT(std::string(refusal.message()), HasSubstr("was removed"));
  }
  lock.reset();
  EXPECT_EQ(Refusal(), absl::OkStatus());
}

TEST_F(PosixFileSystemTest, LockOfAnotherProcessHoldsWhenItsFileIsRemoved) {
  const pid_t holder = ForkHolder();
  EXPECT_EQ(unlink(Path("LOCK").c_str()), 0);
  EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
  EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
  Kill(holder);
  EXPECT_EQ(Refusal(), absl::OkStatus());
}

TEST_F(PosixFileSystemTest, WhereDirectoriesHaveNoLocksTheFilesMustDo) {
  for (const int error : {EOPNOTSUPP, EINVAL, EBADF, ENOLCK}) {
    flock_errno = error;
    flock_failures = 0;
    const auto lock = Lock();
    EXPECT_EQ(flock_failures, 1);
    EXPECT_EQ(KindOf(Refusal()), ErrorKind::kLocked);
  }
  flock_errno = 0;
  EXPECT_EQ(Refusal(), absl::OkStatus());
}

TEST_F(PosixFileSystemTest, TextOfAnEarlierProcessWithThePidIsNotBelieved) {
  const auto lock = Lock();
  LockHolder earlier = *ThisProcess();
  earlier.start_time_ticks -= 1;
  Write("LOCK", FormatLockHolder(earlier));
  EXPECT_THAT(std::string(Refusal().message()),
              Not(HasSubstr(absl::StrCat(getpid()))));
}

TEST_F(PosixFileSystemTest, TextWithoutALockRefusesNothing) {
  Write("LOCK",
        absl::StrCat(FormatLockHolder(*ThisProcess()), std::string(500, 'x')));
  const auto lock = Lock();
  EXPECT_EQ(Read("LOCK"), FormatLockHolder(*ThisProcess()));
}

TEST_F(PosixFileSystemTest, GarbageInTheLockFileIsOverwritten) {
  Write("LOCK", std::string(100'000, '\n'));
  const auto lock = Lock();
  EXPECT_EQ(Read("LOCK"), FormatLockHolder(*ThisProcess()));
}

}  // namespace
}  // namespace journal
