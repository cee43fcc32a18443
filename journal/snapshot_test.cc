// Snapshots from outside: what is made, what it replaces, and what is seen when
// one of the two is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "journal/error.h"
#include "journal/listener.h"
#include "journal/reader.h"
#include "journal/testing/snapshot_fixture.h"

namespace journal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class SnapshotTest : public SnapshotFixture {};

TEST_F(SnapshotTest, HoldsWhatWasAppended) {
  Open();
  Append("a 1");
  Append("b 1");
  Snapshot();
  Append("c 1");
  Close();
  EXPECT_THAT(Files(".part"), ElementsAre("0000000001.part"));
  EXPECT_THAT(Files(".manifest"), ElementsAre("0000000001.manifest"));
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(SnapshotTest, LeavesOutWhatItSupersedesItself) {
  Open();
  Append("a 1");
  Append("b 1");
  Append("a 2");
  Snapshot();
  Append("b 2");  // Not in the snapshot: b 1 stays.
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("b 1", "a 2", "b 2"));
  EXPECT_THAT(ReadAll(), ElementsAre("b 1", "a 2", "b 2"));
  EXPECT_EQ(Examine().records, 4);
}

TEST_F(SnapshotTest, SegmentsGoWhenTwoSnapshotsCoverThem) {
  Open();
  Append("a 1");
  Snapshot();
  EXPECT_THAT(Files(".seg"), ElementsAre("0000000001.seg", "0000000002.seg"));
  Append("b 1");
  Snapshot();
  EXPECT_THAT(Files(".seg"), ElementsAre("0000000002.seg", "0000000003.seg"));
  Append("c 1");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(SnapshotTest, ManyLivesAndSnapshotsReadAsOne) {
  BodyList all;
  for (int life = 0; life < 12; ++life) {
    Open();
    for (int i = 0; i < 5; ++i) {
      all.push_back(absl::StrCat("k", life, ".", i, " v"));
      Append(all.back());
    }
    Snapshot();
    all.push_back(absl::StrCat("t", life, " v"));
    Append(all.back());
    Close();
    ASSERT_EQ(Bodies(), all);
    ASSERT_EQ(ReadAll(), all);
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  }
  Open();
  EXPECT_EQ(keys_.keys(), all.size());
  // Small parts are made into few, old snapshots go.
  EXPECT_LE(Files(".part").size(), 18);
  EXPECT_EQ(Files(".manifest").size(), 5);
  Close();
}

TEST_F(SnapshotTest, APartMostlySupersededIsRewritten) {
  Open();
  for (int i = 0; i < 20; ++i) Append(absl::StrCat("k", i, " old"));
  Snapshot();
  for (int i = 0; i < 15; ++i) Append(absl::StrCat("k", i, " new"));
  Snapshot();
  for (int i = 0; i < 8; ++i) {
    Append(absl::StrCat("x", i, " v"));
    Snapshot();
  }
  BodyList bodies = ReadAll();
  EXPECT_EQ(std::count_if(bodies.begin(), bodies.end(),
                          [](const std::string& body) {
                            return absl::StrContains(body, "old");
                          }),
            5);
  EXPECT_EQ(bodies.size(), 5 + 15 + 8);
  Close();
  EXPECT_EQ(Bodies(), bodies);
}

TEST_F(SnapshotTest, ADamagedNewestFallsBackToItsLog) {
  Open();
  Append("a 1");
  Snapshot();
  const Lsn b = Append("b 1");
  Snapshot();
  Append("c 1");
  Close();
  auto reader = Reader::Open(directory_, {.file_system = &fs_});
  EXPECT_EQ((*reader)->Read(1).record.body, "a 1");
  Flip("0000000002.part", 512 + 60);
  EXPECT_EQ((*reader)->Read(b).record.body, "b 1");
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1"));
  Open();
  Append("d 1");
  Snapshot();
  Close();
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1", "d 1"));
}

TEST_F(SnapshotTest, ALostOrDamagedManifestFallsBack) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  Append("c 1");
  Close();
  Flip("0000000002.manifest", 100);
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  disk_.Delete(JoinPath(directory_, "0000000002.manifest"));
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  // Not even one is needed: parts say what they are.
  disk_.Delete(JoinPath(directory_, "0000000001.manifest"));
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1", "c 1"));
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(SnapshotTest, AnAnnouncedSnapshotIsMissed) {
  Open();
  Append("a 1");
  Snapshot();
  Close();
  Life({"b 1"});
  disk_.Delete(JoinPath(directory_, "0000000001.manifest"));
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1"));
}

TEST_F(SnapshotTest, ADamagedOldPartIsLossAndNamed) {
  Open();
  const Lsn a = Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  const Lsn c = Append("c 1");
  Close();
  Flip("0000000001.part", 512 + 60);
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
  ASSERT_EQ(report.findings.size(), 1) << Text(report);
  EXPECT_EQ(report.findings[0].file, "0000000001.part");
  EXPECT_EQ(report.findings[0].first_lsn, a);
  EXPECT_LT(report.findings[0].last_lsn, c);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("b 1", "c 1"));
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_EQ(last_.outcome, ReadOutcome::kDamaged);
}

TEST_F(SnapshotTest, AMissingPartIsNamed) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  Close();
  disk_.Delete(JoinPath(directory_, "0000000001.part"));
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kSegmentChain) << Text(report);
  EXPECT_EQ(report.findings[0].first_lsn, 1);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

TEST_F(SnapshotTest, TheLogBehindASnapshotIsMissed) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  Append("c 1");
  Close();
  DeleteSegment(3);
  EXPECT_EQ(Examine().outcome, FindingKind::kSegmentChain) << Text(Examine());
  DeleteSegment(2);
  EXPECT_EQ(Examine().outcome, FindingKind::kSegmentChain) << Text(Examine());
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("a 1", "b 1"));
}

TEST_F(SnapshotTest, WhatDoesNotComeBackFromTheDiskReplacesNothing) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  disk_.FailNextSync("0000000002.part");
  fs_.Heal();
  const absl::Status status = writer_->Snapshot();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(Files(".seg"), ElementsAre("0000000001.seg", "0000000002.seg",
                                         "0000000003.seg"));
  Append("c 1");
  Close();
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1"));
}

// The part is whole as long as it is in the page cache.
TEST_F(SnapshotTest, Case20_APartThatTheDiskLostReplacesNothing) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  disk_.LieAtNextSync("0000000002.part");
  EXPECT_EQ(KindOf(writer_->Snapshot()), ErrorKind::kDamage);
  EXPECT_THAT(Files(".seg"), ElementsAre("0000000001.seg", "0000000002.seg",
                                         "0000000003.seg"));
  PowerCut({.survive_percent = 0});
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1"));
}

// The older of two snapshots is whole only with the log that it stands for.
TEST_F(SnapshotTest, Case20_TheLogOfADamagedPartStays) {
  Life({"a 1"});
  Open();
  Snapshot();
  Close();
  Flip("0000000001.part", 700);
  Open();
  Append("b 1");
  Snapshot();
  EXPECT_THAT(Files(".seg"), Contains("0000000001.seg"));
  Close();
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1"));
}

TEST_F(SnapshotTest, AFullDiskLeavesTheLogGoingOn) {
  Open();
  for (int i = 0; i < 100; ++i) {
    Append(absl::StrCat("k", i, " ", std::string(300, 'x')));
  }
  fs_.Inject({.op = FileOp::kWrite,
              .name_part = ".part",
              .from_then_on = true,
              .error_number = ENOSPC});
  EXPECT_EQ(KindOf(writer_->Snapshot()), ErrorKind::kNoSpace);
  EXPECT_THAT(Files(".part"), IsEmpty());
  Append("b 1");
  fs_.Heal();
  Snapshot();
  Close();
  EXPECT_EQ(ReadAll().size(), 101);
}

TEST_F(SnapshotTest, RemovedBeforeIsRemovedAndSaid) {
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  const Lsn c = Append("c 1");
  ASSERT_TRUE(writer_->RemoveBefore(c).ok());
  const Lsn d = Append("d 1");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("c 1", "d 1"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_EQ(last_.outcome, ReadOutcome::kCompacted);
  EXPECT_LE(last_.first_lsn, c);
  EXPECT_THAT(ReadAll(d), ElementsAre("d 1"));
  Open();
  Close();
}

TEST_F(SnapshotTest, APlainLogIsCutAtItsBeginning) {
  options_.compactor = nullptr;
  options_.folder = nullptr;
  Life({"a"});
  Life({"b"});
  Open();
  const Lsn c = Append("c");
  ASSERT_TRUE(writer_->RemoveBefore(c).ok());
  Append("d");
  Close();
  EXPECT_THAT(Files(".part"), IsEmpty());
  EXPECT_THAT(Bodies(), ElementsAre("c", "d"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  // Without the manifests the log itself still says so once it has rotated.
  Open();
  Close();
  for (const std::string& name : Files(".manifest")) {
    disk_.Delete(JoinPath(directory_, name));
  }
  EXPECT_THAT(Bodies(), ElementsAre("c", "d"));
  Open();
  EXPECT_EQ(KindOf(writer_->RemoveBefore(1000)), ErrorKind::kInvalidArgument);
  Close();
}

class Told final : public WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override {
    absl::MutexLock lock(&mutex_);
    error_ = error;
  }
  void OnSnapshot(Lsn last_lsn) override {
    absl::MutexLock lock(&mutex_);
    snapshot_ = last_lsn;
  }
  absl::Status AwaitError() {
    absl::MutexLock lock(&mutex_);
    const auto told = [this] { return !error_.ok(); };
    mutex_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(60));
    return error_;
  }
  Lsn AwaitSnapshot() {
    absl::MutexLock lock(&mutex_);
    const auto told = [this] { return snapshot_ != 0; };
    mutex_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(60));
    return snapshot_;
  }

 private:
  absl::Mutex mutex_;
  absl::Status error_;
  Lsn snapshot_ = 0;
};

TEST_F(SnapshotTest, MadeInTheBackgroundWhileAppendsGoOn) {
  options_.snapshots.log_bytes = 256 << 10;
  options_.sync_mode = SyncMode::kNone;
  Told told;
  options_.listener = &told;
  Open();
  const auto append = [this](int first, int end) {
    for (int i = first; i < end; ++i) {
      Append(absl::StrCat("k", i % 3000, " ", i, std::string(200, 'x')));
    }
  };
  append(0, 3000);
  EXPECT_GT(told.AwaitSnapshot(), 0) << "nobody asked for it";
  append(3000, 5990);
  Snapshot();
  append(5990, 6000);
  Snapshot();
  Close();
  EXPECT_GE(Files(".manifest").size(), 2);
  EXPECT_LE(Files(".seg").size(), 3);
  BodyList bodies = ReadAll();
  std::map<std::string, std::string> newest;
  for (const std::string& body : bodies) {
    newest[body.substr(0, body.find(' '))] = body;
  }
  ASSERT_EQ(newest.size(), 3000);
  for (int i = 3000; i < 6000; ++i) {
    EXPECT_EQ(newest[absl::StrCat("k", i % 3000)],
              absl::StrCat("k", i % 3000, " ", i, std::string(200, 'x')));
  }
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(SnapshotTest, EachPartIsBackedUpOnce) {
  options_.snapshots.backup_directory = "/backup";
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  Close();
  EXPECT_EQ(disk_.Get("/backup/0000000001.part"), Content("0000000001.part"));
  EXPECT_EQ(disk_.Get("/backup/0000000002.manifest"),
            Content("0000000002.manifest"));
  EXPECT_EQ(fs_.Count(FileOp::kCreate, "0000000001.part"), 2);
  // A part that is lost comes back from there.
  disk_.Delete(JoinPath(directory_, "0000000001.part"));
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  disk_.Put(JoinPath(directory_, "0000000001.part"),
            disk_.Get("/backup/0000000001.part"));
  EXPECT_THAT(Bodies(), ElementsAre("a 1", "b 1"));
}

TEST_F(SnapshotTest, ConfirmedOnlyWaitsForTheLogToSaySo) {
  options_.sync_mode = SyncMode::kBatch;
  Open();
  Append("a 1");
  Sync();
  Append("b 1");
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.confirmed_only = true, .file_system = &fs_});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Next().record.body, "a 1");
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kEnd);
  Close();
  EXPECT_EQ((*reader)->Next().record.body, "b 1");
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kEnd);
}

TEST_F(SnapshotTest, TheListenerIsTold) {
  Told told;
  options_.listener = &told;
  Open();
  const Lsn a = Append("a 1");
  Snapshot();
  EXPECT_GE(told.AwaitSnapshot(), a);
  fs_.Inject({.op = FileOp::kSync, .name_part = ".part"});
  Append("b 1");
  EXPECT_FALSE(writer_->Snapshot().ok());
  EXPECT_EQ(KindOf(told.AwaitError()), ErrorKind::kIo);
  Append("c 1");
  Close();
}

// What a quick opening does not read is read behind its back.
TEST_F(SnapshotTest, OldDamageIsFoundInTheBackground) {
  options_.folder = nullptr;
  for (int i = 0; i < 5; ++i) Life({absl::StrCat("k", i, " v")});
  FlipBit(FrameOf("k1 v"));
  Told told;
  options_.listener = &told;
  options_.scrub_bytes_per_second = 1 << 30;
  Open();
  const absl::Status damage = told.AwaitError();
  EXPECT_EQ(KindOf(damage), ErrorKind::kDamage) << damage;
  EXPECT_TRUE(absl::StrContains(damage.message(), "0000000002.seg")) << damage;
  Close();
}

TEST_F(SnapshotTest, CloseMakesTheLastOne) {
  options_.snapshots.on_close = true;
  Life({"a 1", "b 1"});
  Life({"c 1"});
  EXPECT_EQ(Files(".manifest").size(), 2);
  EXPECT_THAT(Files(".seg"), ElementsAre("0000000002.seg", "0000000003.seg",
                                         "0000000004.seg"));
  EXPECT_THAT(ReadAll(), ElementsAre("a 1", "b 1", "c 1"));
}

}  // namespace
}  // namespace journal
