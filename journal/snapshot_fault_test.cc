// Snapshots among faults: what fails, vanishes or is damaged while they are
// made, or between two of them, costs no record and blames nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/folder.h"
#include "journal/reader.h"
#include "journal/segment_header.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SnapshotFaultTest : public JournalFixture {
 protected:
  void Snapshot() {
    const absl::Status status = writer_->Snapshot();
    EXPECT_TRUE(status.ok()) << status;
  }
  std::string Path(absl::string_view name) {
    return JoinPath(directory_, name);
  }
};

TEST_F(SnapshotFaultTest, AManifestThatCannotBeReadForAMomentCostsNoPart) {
  Open();
  Append("a");
  Snapshot();
  Append("b");
  // It is read back once when it is published; then others look for it.
  fs_.Inject(
      {.op = FileOp::kOpen, .name_part = "0000000002.manifest", .nth = 2});
  Snapshot();
  EXPECT_THAT(Files(".part"), Contains("0000000002.part"));
  Append("c");
  Snapshot();
  Append("d");
  Snapshot();
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(SnapshotFaultTest, APartThatVanishesIsMadeAnewFromItsLog) {
  Open();
  Append("a");
  Snapshot();
  Append("b");
  Snapshot();
  disk_.Delete(Path("0000000002.part"));
  for (const char* body : {"c", "d", "e"}) {
    Append(body);
    Snapshot();
  }
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(SnapshotFaultTest, APartThatCannotBeReadIsMadeAnewFromItsLog) {
  Open();
  Append("a");
  Snapshot();
  Close();
  Open();
  fs_.Inject({.op = FileOp::kRead,
              .name_part = "0000000001.part",
              .offset_begin = 512,
              .offset_end = 513,
              .from_then_on = true});
  for (const char* body : {"b", "c", "d"}) {
    Append(body);
    Snapshot();
  }
  EXPECT_THAT(Files(".seg"), Not(Contains("0000000001.seg")));
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(SnapshotFaultTest, DamageToWhatASnapshotCoversOpens) {
  Open();
  Append("a");
  Snapshot();
  Append("b");
  Close();
  FlipBit(FrameOf("a"));
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a", "b"));
  Open();
  EXPECT_EQ(writer_->recovery_report().outcome, FindingKind::kSecondCopy);
  Append("c");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
}

// Nothing is cut that the snapshot holds.
TEST_F(SnapshotFaultTest, NoModeStopsBeforeDamageThatASnapshotMakesUpFor) {
  Open();
  Append("a");
  Snapshot();
  Append("b");
  Close();
  FlipBit(FrameOf("a"));
  Open(RecoveryMode::kPointInTime, /*append_after_damage=*/true);
  Append("c");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
}

TEST_F(SnapshotFaultTest, WhoeverAsksBesideAFailingOneIsToldTheTruth) {
  Open();
  Append("a");
  fs_.Inject({.op = FileOp::kSync, .name_part = ".part"});
  fs_.Block(FileOp::kSync, ".part");
  absl::Status first;
  std::thread one([&] { first = writer_->Snapshot(); });
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  const Lsn b = Append("b");
  absl::Status second;
  std::thread two([&] { second = writer_->Snapshot(); });
  // Its segment is sealed; most times it waits by now.
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (Files(".seg").size() < 3 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  fs_.Unblock(FileOp::kSync);
  one.join();
  two.join();
  // The other may have covered its segment, too, before it looked.
  EXPECT_TRUE(first.ok() || KindOf(first) == ErrorKind::kIo) << first;
  EXPECT_TRUE(second.ok()) << second;
  EXPECT_GE(Examine().snapshot_lsn, b);
  Close();
}

TEST_F(SnapshotFaultTest, AFullDiskIsNotFilledWithPartsThatNobodyNames) {
  Open();
  fs_.Inject({.op = FileOp::kWrite,
              .name_part = ".manifest",
              .from_then_on = true,
              .error_number = ENOSPC});
  for (const char* body : {"a", "b", "c"}) {
    Append(body);
    EXPECT_EQ(KindOf(writer_->Snapshot()), ErrorKind::kNoSpace);
  }
  EXPECT_THAT(Files(".part"), IsEmpty());
  fs_.Heal();
  Snapshot();
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
}

// What is given up is what makes room.
TEST_F(SnapshotFaultTest, OnAFullDiskRecordsCanBeGivenUp) {
  options_.segment_bytes_min = options_.segment_bytes_max = 64 << 10;
  Open();
  const std::string large(40 << 10, 'x');
  for (int i = 0; i < 4; ++i) Append(large);
  ASSERT_TRUE(writer_->RemoveBefore(1).ok());
  // Room for manifests, and for the segments that are ready already.
  disk_.SetCapacity(disk_.UsedBytes() + (8 << 10));
  Lsn newest = 0;
  absl::StatusOr<Lsn> appended = 0;
  for (int i = 0; i < 4 && appended.ok(); ++i) {
    newest = *appended;
    appended = writer_->Append({.type = 1, .body = large});
  }
  ASSERT_EQ(KindOf(appended.status()), ErrorKind::kNoSpace);
  EXPECT_EQ(KindOf(writer_->Snapshot()), ErrorKind::kNoSpace);
  ASSERT_TRUE(writer_->RemoveBefore(newest).ok());
  Append(absl::StrCat("there is room, ", large));
  Close();
  EXPECT_THAT(Bodies(), ElementsAre(large, StartsWith("there is room")));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

// A number that was given up is never given again: a reader, or a copy
// elsewhere, may still know the old part.
TEST_F(SnapshotFaultTest, NoTwoPartsEverHaveOneNumber) {
  options_.snapshots.backup_directory = "/backup";
  Open();
  Append("a");
  Snapshot();
  EXPECT_THAT(Files(".part"), ElementsAre("0000000001.part"));
  const Lsn b = Append("b");
  ASSERT_TRUE(writer_->RemoveBefore(b).ok());
  EXPECT_THAT(Files(".part"), IsEmpty());
  Close();
  Open();
  Append("c");
  Snapshot();
  EXPECT_THAT(Files(".part"), Not(Contains("0000000001.part")));
  for (const std::string& name : Files(".part")) {
    EXPECT_EQ(disk_.Get(JoinPath("/backup", name)), disk_.Get(Path(name)));
  }
  Close();
}

// The same beginning, sealed with another history behind it.
TEST_F(SnapshotFaultTest, ASegmentOfAnotherHistoryGetsIntoNoPart) {
  Open();
  Append("a");
  Kill();
  const std::string open_segment = Bytes(1);
  const FramePlace a = FrameOf("a");
  Life({"b"});
  std::map<std::string, std::string> history;
  for (const std::string& name : Files("0000")) {
    history[name] = disk_.Get(Path(name));
  }
  const auto clear = [&] {
    for (const std::string& name : Files("0000")) disk_.Delete(Path(name));
  };
  clear();
  disk_.Put(PathOf(1), open_segment);
  FlipBit(a);
  Life({"b"});
  const std::string other = Bytes(1);
  clear();
  for (const auto& [name, bytes] : history) disk_.Put(Path(name), bytes);

  Open();
  disk_.Put(PathOf(1), other);
  EXPECT_EQ(KindOf(writer_->Snapshot()), ErrorKind::kDamage);
  EXPECT_THAT(Files(".part"), IsEmpty());
  Close();
}

TEST_F(SnapshotFaultTest, AReaderTakesNoSnapshotOfAnotherJournal) {
  Open();
  for (const char* body : {"x", "y", "z"}) {
    Append(body);
    Snapshot();
  }
  Close();
  std::map<std::string, std::string> foreign;
  for (const std::string& name : Files("0000")) {
    if (!ParseSegmentFileName(name)) foreign[name] = disk_.Get(Path(name));
    disk_.Delete(Path(name));
  }
  Open();
  Append("a");
  Append("b");
  Close();
  for (const auto& [name, bytes] : foreign) disk_.Put(Path(name), bytes);
  BodyList bodies;
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (ReadResult next;
       (next = (*reader)->Next()).outcome == ReadOutcome::kRecord;) {
    bodies.emplace_back(next.record.body);
  }
  EXPECT_THAT(bodies, ElementsAre("a", "b"));
}

// ---------------------------------------------------------------------------
// Two faults at once

class TwoFaultsTest : public SnapshotFaultTest {
 protected:
  // Each snapshot has the log behind it up to the end.
  void TwoSnapshots() {
    Open();
    Append("a");
    Snapshot();
    Append("b");
    Snapshot();
    Append("c");
    Close();
  }
  void Flip(absl::string_view name, uint64_t offset) {
    disk_.Xor(Path(name), offset, 1);
  }
};

TEST_F(TwoFaultsTest, TheLogThatAnOlderSnapshotNeedsIsLookedInto) {
  TwoSnapshots();
  Flip("0000000002.manifest", 100);
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
  FlipBit(FrameOfKind(2, FrameKind::kRecord));
  // Nothing but its part has b.
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(TwoFaultsTest, DamageThatCostsNoRecordIsBetterThanAHoleInTheLog) {
  TwoSnapshots();
  Flip("0000000002.part", 100);
  EXPECT_EQ(Examine().outcome, FindingKind::kSecondCopy) << Text(Examine());
  FlipBit(FrameOfKind(2, FrameKind::kRecord));
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kNoRecordLost) << Text(report);
  EXPECT_EQ(report.snapshot_file, "0000000002.manifest");
  EXPECT_THAT(Bodies(RecoveryMode::kPointInTime), ElementsAre("a", "b", "c"));
}

TEST_F(TwoFaultsTest, WhereNoPathReadsAllTheDamageIsNamed) {
  TwoSnapshots();
  const FramePlace b = FrameOfKind(2, FrameKind::kRecord);
  Flip("0000000002.part", 512 + 60);
  FlipBit(b);
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
  EXPECT_THAT(report.findings,
              Contains(AllOf(Field(&Finding::file, "0000000002.seg"),
                             Field(&Finding::first_lsn, b.lsn),
                             Field(&Finding::last_lsn, b.lsn))))
      << Text(report);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  EXPECT_THAT(Bodies(RecoveryMode::kPointInTime), ElementsAre("a"));
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("a", "c"));
}

// ---------------------------------------------------------------------------
// Beside a living writer

// Reads slowly: whenever it has read something there is a newer snapshot.
class SlowExaminationTest : public SnapshotFaultTest {
 protected:
  RecoveryReport ExamineSlowly(int snapshots) {
    ExamineOptions examine;
    examine.file_system = &fs_;
    examine.keep_going = [&, this](uint64_t) {
      if (snapshots-- > 0) {
        Append("more");
        Snapshot();
      }
      return true;
    };
    absl::StatusOr<RecoveryReport> report =
        journal::Examine(directory_, examine);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : RecoveryReport();
  }
  void ManyParts() {
    for (int i = 0; i < 20; ++i) {
      Append(absl::StrCat("k", i));
      Snapshot();
    }
  }
};

TEST_F(SlowExaminationTest, WhatSnapshotsReplaceIsNoDamage) {
  Open();
  ManyParts();
  const RecoveryReport report = ExamineSlowly(/*snapshots=*/150);
  EXPECT_LE(report.outcome, FindingKind::kTornTail) << Text(report);
  Close();
}

TEST_F(SlowExaminationTest, DamageIsFoundAllTheSame) {
  Open();
  ManyParts();
  const std::string damaged = Files(".part").front();
  disk_.Xor(Path(damaged), 512 + 60, 1);
  const RecoveryReport report = ExamineSlowly(/*snapshots=*/50);
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].file, damaged);
  Close();
}

class Counter final : public Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override {}
  absl::Status Restore(absl::string_view) override { return absl::OkStatus(); }
  void Fold(const Record&) override {}
  std::string Save() override { return "counted"; }
};

TEST_F(SnapshotFaultTest, TheNewestStateStaysAlsoWhenNothingWasAppended) {
  Counter counter;
  options_.folder = &counter;
  Open();
  for (int i = 0; i < 18; ++i) Append(std::string(1 << 20, 'x'));
  Snapshot();
  Close();
  for (int life = 0; life < 3; ++life) {
    Open();
    EXPECT_GT(writer_->recovery_report().state_lsn, 0) << life;
    Snapshot();
    Close();
  }
}

}  // namespace
}  // namespace journal
