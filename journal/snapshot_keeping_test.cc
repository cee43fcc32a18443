// What snapshots leave behind: copies elsewhere, and files that are to go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "journal/error.h"
#include "journal/manifest.h"
#include "journal/snapshot_choice.h"
#include "journal/snapshot_keeper.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kBackup[] = "/backup";

class SnapshotKeepingTest : public JournalFixture {
 protected:
  void Snapshot() {
    const absl::Status status = writer_->Snapshot();
    EXPECT_TRUE(status.ok()) << status;
  }
  std::string Path(absl::string_view name) {
    return JoinPath(directory_, name);
  }
  // Copies the newest snapshot, as its writer would.
  absl::Status BackUp(absl::string_view directory = "/journal",
                      const std::atomic<bool>* stop = nullptr) {
    const auto files = ListSnapshotFiles(disk_, directory);
    EXPECT_TRUE(files.ok() && !files->manifests.empty());
    const auto manifest =
        ReadManifest(disk_, directory, files->manifests.back());
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    return BackUpSnapshot(fs_, directory, kBackup, *manifest, 5, stop);
  }
  void ExpectBackedUp() {
    for (const char* kind : {".part", ".manifest"}) {
      const std::string name = Files(kind).back();
      EXPECT_TRUE(disk_.Has(JoinPath(kBackup, name))) << name;
      EXPECT_TRUE(disk_.Get(JoinPath(kBackup, name)) == disk_.Get(Path(name)))
          << name;
    }
  }
  void LoseSnapshots() {
    for (const char* kind : {".part", ".manifest"}) {
      for (const std::string& name : Files(kind)) disk_.Delete(Path(name));
    }
  }
};

// ---------------------------------------------------------------------------
// The backup directory

TEST_F(SnapshotKeepingTest, ACopyThatTheDiskLostIsNone) {
  Open();
  Append("a");
  Snapshot();
  Close();
  disk_.LieAtNextSync(".part");
  EXPECT_EQ(KindOf(BackUp()), ErrorKind::kDamage);
  EXPECT_FALSE(disk_.Has("/backup/0000000001.part"));
  EXPECT_TRUE(BackUp().ok());
  PowerCut({.survive_percent = 0});
  ExpectBackedUp();
}

TEST_F(SnapshotKeepingTest, ADamagedPartIsNotCopied) {
  Open();
  Append("a");
  Snapshot();
  Close();
  disk_.Xor(Path("0000000001.part"), 512 + 60, 1);
  EXPECT_EQ(KindOf(BackUp()), ErrorKind::kDamage);
  EXPECT_FALSE(disk_.Has("/backup/0000000001.part"));
}

TEST_F(SnapshotKeepingTest, AnOlderFileOfThatNameIsNoCopy) {
  options_.snapshots.backup_directory = kBackup;
  Open();
  Append("a");
  Snapshot();
  Close();
  LoseSnapshots();
  options_.snapshots.backup_directory.clear();
  Open();
  Append("b");
  Snapshot();
  Close();
  ASSERT_THAT(Files(".manifest"), ElementsAre("0000000001.manifest"));
  EXPECT_TRUE(BackUp().ok());
  ExpectBackedUp();
}

TEST_F(SnapshotKeepingTest, NumbersInTheBackupAreNotUsedAgain) {
  options_.snapshots.backup_directory = kBackup;
  Open();
  Append("a");
  Snapshot();
  Close();
  LoseSnapshots();
  Open();
  Append("b");
  Snapshot();
  Close();
  EXPECT_THAT(Files(".manifest"), ElementsAre("0000000002.manifest"));
  EXPECT_THAT(Files(".part"), ElementsAre("0000000002.part"));
  ExpectBackedUp();
}

TEST_F(SnapshotKeepingTest, TwoJournalsDoNotShareABackup) {
  options_.snapshots.backup_directory = kBackup;
  Open();
  Append("a");
  Snapshot();
  Close();
  WriterOptions other = options_;
  absl::Status refused = Writer::Open("/other", other).status();
  EXPECT_EQ(KindOf(refused), ErrorKind::kInvalidArgument) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(kBackup));
  EXPECT_FALSE(disk_.Has("/other/0000000001.seg"));
  // Nor does one that has been there before.
  other.snapshots.backup_directory.clear();
  auto writer = Writer::Open("/other", other);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE((*writer)->Snapshot().ok());
  EXPECT_TRUE((*writer)->Close().ok());
  writer->reset();
  EXPECT_EQ(KindOf(BackUp("/other")), ErrorKind::kInvalidArgument);
  other.snapshots.backup_directory = kBackup;
  refused = Writer::Open("/other", other).status();
  EXPECT_EQ(KindOf(refused), ErrorKind::kInvalidArgument) << refused;
  ExpectBackedUp();
}

TEST_F(SnapshotKeepingTest, ALongCopyEndsWhenItIsTold) {
  Open();
  for (char byte = 'a'; byte < 'e'; ++byte) {
    std::string body(1 << 20, byte);
    for (size_t i = 0; i < body.size(); ++i) {
      body[i] = static_cast<char>(i * i * 2654435761u >> (byte - 'a' + 20));
    }
    Append(body);
  }
  Snapshot();
  Close();
  ASSERT_GT(disk_.Get(Path("0000000001.part")).size(), 2 << 20);
  std::atomic<bool> stop = false;
  fs_.ClearCalls();
  fs_.Block(FileOp::kWrite, ".part.new");
  absl::Status status;
  std::thread copying([&] { status = BackUp(directory_, &stop); });
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kWrite));
  stop = true;
  fs_.Unblock(FileOp::kWrite);
  copying.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(fs_.Count(FileOp::kWrite, ".part.new"), 1);
  EXPECT_FALSE(disk_.Has("/backup/0000000001.part.new"));
}

TEST_F(SnapshotKeepingTest, CloseEndsACopy) {
  options_.snapshots.backup_directory = kBackup;
  Open();
  Append("a");
  fs_.Block(FileOp::kCreateDirectory, "backup");
  std::thread making([&] { writer_->Snapshot().IgnoreError(); });
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kCreateDirectory));
  std::thread closing([&] { Close(); });
  // Whoever waits for a snapshot is told as soon as there will be none.
  making.join();
  fs_.Unblock(FileOp::kCreateDirectory);
  closing.join();
  EXPECT_FALSE(disk_.Has("/backup/0000000001.part"));
}

// ---------------------------------------------------------------------------
// What is given up goes, sooner or later

class RemovalTest : public SnapshotKeepingTest {
 protected:
  // Segments 1 and 2 are given up, and still there.
  void GiveUpWithoutRemoval() {
    options_.segment_bytes_min = options_.segment_bytes_max = 64 << 10;
    Life({"a"});
    Life({"b"});
    Open();
    c_ = Append("c");
    fs_.Inject({.op = FileOp::kRemove,
                .name_part = "0000000001.seg",
                .from_then_on = true});
    EXPECT_TRUE(writer_->RemoveBefore(c_).ok());
    EXPECT_THAT(Files(".seg"), Contains("0000000001.seg"));
    fs_.Heal();
  }
  void ExpectRemoved() {
    EXPECT_THAT(Files("0000000001.seg"), IsEmpty());
    EXPECT_THAT(Files("0000000002.seg"), IsEmpty());
  }
  Lsn c_ = 0;
};

TEST_F(RemovalTest, ItGoesWithTheNextSnapshot) {
  GiveUpWithoutRemoval();
  Snapshot();
  ExpectRemoved();
  Close();
}

TEST_F(RemovalTest, ItGoesWhenAskedAgain) {
  GiveUpWithoutRemoval();
  EXPECT_TRUE(writer_->RemoveBefore(c_).ok());
  ExpectRemoved();
  Close();
}

TEST_F(RemovalTest, ItGoesWithTheNextOpening) {
  GiveUpWithoutRemoval();
  Close();
  Open();
  ExpectRemoved();
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("c"));
}

TEST_F(RemovalTest, ItGoesWithTheNextSealedSegment) {
  GiveUpWithoutRemoval();
  fs_.Block(FileOp::kRemove, "0000000001.seg");
  for (int i = 0; i < 3; ++i) Append(std::string(30'000, 'x'));
  EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kRemove));
  fs_.Unblock(FileOp::kRemove);
  Close();
}

TEST_F(RemovalTest, WhatOnlyOneManifestGivesUpIsSaidOnceMore) {
  Life({"a"});
  Life({"b"});
  Open();
  const Lsn c = Append("c");
  fs_.Inject({.op = FileOp::kRename, .name_part = ".manifest", .nth = 2});
  EXPECT_TRUE(writer_->RemoveBefore(c).ok());
  EXPECT_THAT(Files(".seg"), Contains("0000000001.seg"));
  EXPECT_TRUE(writer_->RemoveBefore(c).ok());
  ExpectRemoved();
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("c"));
}

// ---------------------------------------------------------------------------
// No log goes for what is only in memory

TEST_F(SnapshotKeepingTest, AManifestThatTheDiskLostRemovesNoLog) {
  Open();
  Append("a");
  disk_.LieAtNextSync("0000000001.manifest");
  // Nobody sees it: it cannot be read back.
  fs_.Inject({.op = FileOp::kOpen, .name_part = "0000000001.manifest"});
  EXPECT_FALSE(writer_->Snapshot().ok());
  Snapshot();
  EXPECT_THAT(Files(".seg"), Contains("0000000001.seg"));
  PowerCut({.survive_percent = 0});
  EXPECT_THAT(Bodies(), ElementsAre("a"));
}

// The eighth small part is made and merged, and its log goes, in one run.
TEST_F(SnapshotKeepingTest, NothingIsLostWhateverTheDiskLosesOfAMerge) {
  for (const char* lost : {"none", "0000000008.part", "0000000008.manifest",
                           "0000000009.part", "0000000009.manifest"}) {
    SCOPED_TRACE(lost);
    disk_.Delete(directory_);
    Open();
    BodyList all;
    for (int i = 1; i <= 8; ++i) {
      all.push_back(absl::StrCat("record ", i));
      Append(all.back());
      if (i == 8) disk_.LieAtNextSync(lost);
      writer_->Snapshot().IgnoreError();
    }
    const bool merged = disk_.Has(Path("0000000009.manifest"));
    EXPECT_EQ(Files("0000000008.seg").empty(), merged && lost[0] == 'n');
    PowerCut({.survive_percent = 0});
    EXPECT_EQ(Bodies(), all);
    Life({"more"});
  }
}

}  // namespace
}  // namespace journal
