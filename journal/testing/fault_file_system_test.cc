#include "journal/testing/fault_file_system.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "journal/error.h"
#include "journal/file_system.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FaultFileSystemTest : public ::testing::Test {
 protected:
  FaultFileSystemTest() {
    std::string name = JoinPath(::testing::TempDir(), "fault_XXXXXX");
    directory_ = mkdtemp(name.data());
  }
  ~FaultFileSystemTest() override {
    for (const std::string& name : Names()) {
      EXPECT_EQ(FileSystem::Posix()->Remove(Path(name)), absl::OkStatus());
    }
    rmdir(directory_.c_str());
  }

  std::string Path(absl::string_view name) const {
    return JoinPath(directory_, name);
  }
  std::vector<std::string> Names() {
    return FileSystem::Posix()->List(directory_).value();
  }
  std::unique_ptr<File> Create(absl::string_view name) {
    return fs_.Open(Path(name), OpenMode::kCreate).value();
  }
  ErrorKind Read(File& file, uint64_t offset, size_t size) {
    std::string buffer(size, ' ');
    return KindOf(file.ReadAt(offset, buffer.data(), size).status());
  }
  ErrorKind Publish(absl::string_view data) {
    return KindOf(PublishFile(fs_, Path("a"), data));
  }

  std::string directory_;
  FaultFileSystem fs_{FileSystem::Posix()};
};

TEST_F(FaultFileSystemTest, NthCallAloneFails) {
  auto file = Create("a");
  fs_.Inject({.op = FileOp::kSync, .nth = 2});
  EXPECT_EQ(file->Sync(), absl::OkStatus());
  EXPECT_EQ(KindOf(file->Sync()), ErrorKind::kIo);
  EXPECT_EQ(file->Sync(), absl::OkStatus());
}

TEST_F(FaultFileSystemTest, AllCallsFromTheNthFailUntilHealed) {
  auto file = Create("a");
  fs_.Inject({.op = FileOp::kSync, .nth = 2, .from_then_on = true});
  EXPECT_EQ(file->Sync(), absl::OkStatus());
  EXPECT_EQ(KindOf(file->Sync()), ErrorKind::kIo);
  EXPECT_EQ(KindOf(file->Sync()), ErrorKind::kIo);
  fs_.Heal();
  EXPECT_EQ(file->Sync(), absl::OkStatus());
}

TEST_F(FaultFileSystemTest, FaultKeepsToItsFile) {
  auto a = Create("a");
  auto b = Create("b");
  fs_.Inject({.op = FileOp::kSync, .name_part = "b"});
  EXPECT_EQ(a->Sync(), absl::OkStatus());
  EXPECT_EQ(KindOf(b->Sync()), ErrorKind::kIo);
}

TEST_F(FaultFileSystemTest, BadSectorFailsReadsThatTouchIt) {
  auto file = Create("a");
  ASSERT_EQ(file->WriteAt(0, std::string(2048, 'x')), absl::OkStatus());
  fs_.Inject({.op = FileOp::kRead,
              .offset_begin = 512,
              .offset_end = 1024,
              .from_then_on = true});
  EXPECT_EQ(Read(*file, 0, 512), ErrorKind::kNone);
  EXPECT_EQ(Read(*file, 1024, 512), ErrorKind::kNone);
  EXPECT_EQ(Read(*file, 511, 2), ErrorKind::kIo);
  EXPECT_EQ(Read(*file, 1023, 1), ErrorKind::kIo);
}

TEST_F(FaultFileSystemTest, FailedWriteWritesNothing) {
  auto file = Create("a");
  fs_.Inject({.op = FileOp::kWrite, .error_number = EIO});
  EXPECT_EQ(KindOf(file->WriteAt(0, "hello")), ErrorKind::kIo);
  EXPECT_EQ(file->Size().value(), 0u);
}

TEST_F(FaultFileSystemTest, ShortWriteWritesItsPrefix) {
  auto file = Create("a");
  fs_.Inject(
      {.op = FileOp::kWrite, .error_number = ENOSPC, .written_bytes = 3});
  EXPECT_EQ(KindOf(file->WriteAt(0, "hello")), ErrorKind::kNoSpace);
  EXPECT_EQ(file->Size().value(), 3u);
  EXPECT_EQ(file->WriteAt(0, "hello"), absl::OkStatus());
}

TEST_F(FaultFileSystemTest, ErrorSaysThatItWasInjected) {
  auto file = Create("a");
  fs_.Inject({.op = FileOp::kWrite});
  EXPECT_THAT(std::string(file->WriteAt(7, "hello").message()),
              HasSubstr("injected: write a 7+5: Input/output error"));
}

TEST_F(FaultFileSystemTest, EveryOperationCanFail) {
  auto file = Create("a");
  for (FileOp op :
       {FileOp::kOpen, FileOp::kCreate, FileOp::kRead, FileOp::kWrite,
        FileOp::kSync, FileOp::kTruncate, FileOp::kSize, FileOp::kDropCache,
        FileOp::kList, FileOp::kCreateDirectory, FileOp::kSyncDirectory,
        FileOp::kRename, FileOp::kRemove, FileOp::kExists, FileOp::kLock,
        FileOp::kTraits}) {
    fs_.Inject({.op = op});
  }
  const std::string a = Path("a");
  EXPECT_FALSE(fs_.Open(a, OpenMode::kRead).ok());
  EXPECT_FALSE(fs_.Open(a, OpenMode::kCreate).ok());
  EXPECT_EQ(Read(*file, 0, 1), ErrorKind::kIo);
  EXPECT_FALSE(file->WriteAt(0, "x").ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(file->Truncate(0).ok());
  EXPECT_FALSE(file->Size().ok());
  EXPECT_FALSE(file->DropCache().ok());
  EXPECT_FALSE(fs_.List(directory_).ok());
  EXPECT_FALSE(fs_.CreateDirectory(directory_).ok());
  EXPECT_FALSE(fs_.SyncDirectory(directory_).ok());
  EXPECT_FALSE(fs_.Rename(a, Path("b")).ok());
  EXPECT_FALSE(fs_.Remove(a).ok());
  EXPECT_FALSE(fs_.Exists(a).ok());
  EXPECT_FALSE(fs_.Lock(Path("LOCK")).ok());
  EXPECT_FALSE(fs_.Traits(directory_).ok());
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_F(FaultFileSystemTest, CallsAreRememberedInOrder) {
  auto file = Create("a");
  ASSERT_EQ(file->WriteAt(512, "hello"), absl::OkStatus());
  ASSERT_EQ(file->Truncate(100), absl::OkStatus());
  EXPECT_THAT(fs_.Trace(),
              ElementsAre("create a", "write a 512+5", "truncate a 100"));
  EXPECT_EQ(fs_.Calls()[1].path, Path("a"));
  EXPECT_EQ(fs_.Count(FileOp::kWrite, "a"), 1);
  EXPECT_EQ(fs_.Count(FileOp::kWrite, "b"), 0);
  fs_.ClearCalls();
  EXPECT_THAT(fs_.Trace(), IsEmpty());
}

TEST_F(FaultFileSystemTest, BlockedCallWaitsForItsRelease) {
  auto file = Create("a");
  fs_.Block(FileOp::kSync);
  std::thread first([&] { EXPECT_EQ(file->Sync(), absl::OkStatus()); });
  std::thread second([&] { EXPECT_EQ(file->Sync(), absl::OkStatus()); });
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kSync, 2));
  EXPECT_EQ(file->WriteAt(0, "not blocked"), absl::OkStatus());
  fs_.Unblock(FileOp::kSync);
  first.join();
  second.join();
  EXPECT_FALSE(fs_.AwaitBlocked(FileOp::kSync, 1, absl::ZeroDuration()));
}

TEST_F(FaultFileSystemTest, WhoMayPassIsFollowedByNobody) {
  auto file = Create("a");
  fs_.Block(FileOp::kSync);
  std::thread thread([&] {
    EXPECT_EQ(file->Sync(), absl::OkStatus());
    EXPECT_EQ(file->Sync(), absl::OkStatus());
  });
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  fs_.LetPass(FileOp::kSync);
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  EXPECT_EQ(fs_.Count(FileOp::kSync), 2);
  fs_.Unblock(FileOp::kSync);
  thread.join();
}

TEST_F(FaultFileSystemTest, BlockedCallCanBeMadeToFail) {
  auto file = Create("a");
  fs_.Block(FileOp::kSync, "a");
  std::thread thread([&] { EXPECT_EQ(KindOf(file->Sync()), ErrorKind::kIo); });
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  fs_.Inject({.op = FileOp::kSync});
  fs_.Unblock(FileOp::kSync);
  thread.join();
}

TEST_F(FaultFileSystemTest, TraitsCanBePretended) {
  fs_.SetTraits({"btrfs", false});
  EXPECT_EQ(fs_.Traits(directory_)->name, "btrfs");
  EXPECT_FALSE(fs_.Traits(directory_)->overwrites_in_place);
}

// PublishFile, whose promises are about order and failure.

TEST_F(FaultFileSystemTest, PublishSyncsTheFileBeforeItsNameAndThenTheName) {
  EXPECT_EQ(Publish("hello"), ErrorKind::kNone);
  const std::string directory = directory_.substr(directory_.rfind('/') + 1);
  EXPECT_THAT(fs_.Trace(),
              ElementsAre("create a.tmp", "write a.tmp 0+5", "sync a.tmp",
                          "rename a.tmp a", "sync_directory " + directory));
}

TEST_F(FaultFileSystemTest, FailedPublishLeavesWhatWasThereAndNothingElse) {
  ASSERT_EQ(Publish("old"), ErrorKind::kNone);
  for (FileOp op :
       {FileOp::kCreate, FileOp::kWrite, FileOp::kSync, FileOp::kRename}) {
    fs_.Inject({.op = op, .written_bytes = 1});
    EXPECT_EQ(Publish("new and longer"), ErrorKind::kIo) << FileOpName(op);
    EXPECT_THAT(Names(), ElementsAre("a"));
    EXPECT_EQ(fs_.Open(Path("a"), OpenMode::kRead).value()->Size().value(), 3u);
  }
}

TEST_F(FaultFileSystemTest, PublishFailsWhenTheDirectoryCannotBeSynced) {
  fs_.Inject({.op = FileOp::kSyncDirectory});
  EXPECT_EQ(Publish("hello"), ErrorKind::kIo);
}

TEST_F(FaultFileSystemTest, PublishReportsItsFirstError) {
  fs_.Inject({.op = FileOp::kWrite, .error_number = ENOSPC});
  fs_.Inject({.op = FileOp::kRemove, .error_number = EIO});
  EXPECT_EQ(Publish("hello"), ErrorKind::kNoSpace);
}

}  // namespace
}  // namespace journal
