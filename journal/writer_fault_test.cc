// What a writer does when the disk says no, and in which order it works when
// the disk says yes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/testing/journal_fixture.h"
#include "journal/writer.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFirst[] = "0000000001.seg";

class WriterFaultTest : public JournalFixture {
 protected:
  WriterFaultTest() { options_.sync_mode = SyncMode::kEach; }

  ErrorKind KindOfAppend(absl::string_view body) {
    return KindOf(TryAppend(body).status());
  }
  const std::string big_ = std::string(40000, 'B');
};

// ---------------------------------------------------------------------------
// A failed fsync or write

TEST_F(WriterFaultTest, Case13_AFailedFsyncPoisonsForGood) {
  Open();
  Append("a");
  fs_.Inject({.op = FileOp::kSync, .name_part = ".seg"});
  const absl::Status failed = TryAppend("b").status();
  EXPECT_EQ(KindOf(failed), ErrorKind::kIo) << failed;
  fs_.ClearCalls();
  const absl::Status later = TryAppend("c").status();
  EXPECT_EQ(KindOf(later), ErrorKind::kPoisoned) << later;
  EXPECT_THAT(std::string(later.message()),
              HasSubstr(std::string(failed.message())));
  EXPECT_EQ(KindOf(writer_->Sync()), ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(writer_->WaitDurable(1000)), ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(writer_->Close()), ErrorKind::kPoisoned);
  EXPECT_EQ(fs_.Count(FileOp::kSync), 0) << "an fsync was retried";
  EXPECT_EQ(fs_.Count(FileOp::kWrite), 0);
}

TEST_F(WriterFaultTest, Case13_EveryWaiterOfAFailedFsyncIsTold) {
  Open();
  fs_.Block(FileOp::kSync, kFirst);
  fs_.Inject({.op = FileOp::kSync, .name_part = kFirst});
  std::vector<std::thread> threads;
  std::vector<absl::Status> results(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { results[i] = TryAppend("t").status(); });
  }
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  fs_.Unblock(FileOp::kSync);
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) EXPECT_FALSE(result.ok());
  EXPECT_EQ(writer_->durable_lsn(), 0);
}

TEST_F(WriterFaultTest, Case31_WhatAFailedFsyncForgotIsNotCalledDurable) {
  Open();
  Append("a");
  disk_.FailNextSync(kFirst);
  EXPECT_EQ(KindOfAppend("only in the page cache"), ErrorKind::kIo);
  Kill();
  Open();
  Close();
  const BodyList reopened = Bodies();
  PowerCut({.survive_percent = 0});
  EXPECT_EQ(Bodies(), reopened);
  EXPECT_THAT(reopened, ElementsAre("a"));
}

TEST_F(WriterFaultTest, Case14_AWriteThatStopsHalfwayAcknowledgesNothing) {
  Open();
  Append("a");
  fs_.Inject({.op = FileOp::kWrite, .name_part = ".seg", .written_bytes = 50});
  EXPECT_EQ(KindOfAppend("broken off"), ErrorKind::kIo);
  EXPECT_EQ(KindOfAppend("b"), ErrorKind::kPoisoned);
  Kill();
  EXPECT_EQ(Examine().outcome, FindingKind::kTornTail);
  Open();
  Append("c");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "c"));
}

TEST_F(WriterFaultTest, Case28_AWriteShortAtEveryByteAndThenDeath) {
  constexpr uint64_t kRecordBytes = kFrameHeaderBytes + 24;
  for (uint64_t written = 0; written <= kRecordBytes; ++written) {
    disk_.Delete(directory_);
    Open();
    Append("a");
    fs_.Inject(
        {.op = FileOp::kWrite, .name_part = ".seg", .written_bytes = written});
    EXPECT_EQ(KindOfAppend("twenty-four bytes of it."), ErrorKind::kIo);
    Kill();
    fs_.Heal();
    const bool whole = Bodies().size() == 2;
    EXPECT_EQ(whole, written == kRecordBytes) << written;
    Open();
    Append("b");
    Close();
    EXPECT_EQ(Bodies().size(), whole ? 3 : 2) << written;
  }
}

// ---------------------------------------------------------------------------
// A full disk

TEST_F(WriterFaultTest, AFullDiskRefusesBeforeAnyByteAndGoesOnLater) {
  Open();
  Append("a");
  disk_.SetCapacity(disk_.UsedBytes());
  while (TryAppend(std::string(2000, 'f')).ok()) {
  }
  const std::string before = Bytes(1);
  const absl::Status full = TryAppend(std::string(2000, 'f')).status();
  EXPECT_EQ(KindOf(full), ErrorKind::kNoSpace) << full;
  EXPECT_EQ(Bytes(1), before) << "bytes of a refused record were written";
  EXPECT_TRUE(TryAppend("small ones still fit").ok());
  disk_.SetCapacity(1 << 30);
  Append(big_);
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd);
  EXPECT_EQ(Bodies().back(), big_);
}

TEST_F(WriterFaultTest, AFullDiskCanStillBeClosedAndConfirmed) {
  Open();
  disk_.SetCapacity(disk_.UsedBytes());
  while (TryAppend(std::string(1000, 'f')).ok()) {
  }
  const size_t there = Bodies().size();
  Close();
  const RecoveryReport report = Examine();
  EXPECT_TRUE(report.closed) << Text(report);
  EXPECT_EQ(report.records, there);
}

TEST_F(WriterFaultTest, ANearlyFullDiskGivesSmallerSegments) {
  options_.segment_bytes_min = options_.segment_bytes_max = 1 << 20;
  options_.sync_mode = SyncMode::kNone;
  Open();
  disk_.SetCapacity(disk_.UsedBytes() + (900 << 10));
  uint64_t written = 0;
  while (TryAppend(std::string(10000, 'f')).ok()) written += 10000;
  EXPECT_GT(written, (1 << 20) + (300 << 10));
}

TEST_F(WriterFaultTest, OpeningOnAFullDiskSaysSoAndHarmsNothing) {
  Life({"a", "b"});
  disk_.SetCapacity(disk_.UsedBytes());
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kNoSpace);
  disk_.SetCapacity(1 << 30);
  Life({"c"});
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
}

// What fails behind the point of no return of a rotation is no full disk any
// more, whatever the errno: going on in the old segment would leave a
// successor that does not continue it.
TEST_F(WriterFaultTest, Case30_NoSpaceInTheMiddleOfARotationPoisons) {
  const Fault kFaults[] = {
      {.op = FileOp::kSyncDirectory, .error_number = ENOSPC},
      {.op = FileOp::kSync, .name_part = kFirst, .error_number = ENOSPC},
      {.op = FileOp::kWrite, .name_part = kFirst, .error_number = ENOSPC},
      {.op = FileOp::kTruncate, .name_part = kFirst, .error_number = ENOSPC},
  };
  for (const Fault& fault : kFaults) {
    SCOPED_TRACE(FileOpName(fault.op));
    disk_.Delete(directory_);
    options_.sync_mode = SyncMode::kNone;
    Open();
    Append("a");
    Append(std::string(30000, 'f'));
    fs_.Inject(fault);
    EXPECT_FALSE(TryAppend(big_).ok());
    EXPECT_EQ(KindOfAppend("small"), ErrorKind::kPoisoned);
    Kill();
    fs_.Heal();
    EXPECT_EQ(Examine().action, RecoveryAction::kOpen) << Text(Examine());
    Life({"z"});
    EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd);
    EXPECT_EQ(Bodies().front(), "a");
    EXPECT_EQ(Bodies().back(), "z");
  }
}

TEST_F(WriterFaultTest, AnFsyncThatFailsForLackOfSpaceIsNotRetried) {
  options_.sync_mode = SyncMode::kNone;
  Open();
  Append("a");
  fs_.Inject(
      {.op = FileOp::kSync, .name_part = kFirst, .error_number = ENOSPC});
  EXPECT_FALSE(writer_->Sync().ok());
  EXPECT_EQ(KindOf(writer_->Sync()), ErrorKind::kPoisoned);
  EXPECT_EQ(KindOfAppend("b"), ErrorKind::kPoisoned);
}

TEST_F(WriterFaultTest,
       Case14_NoSpaceInTheMiddleOfARecordPoisonsOutOfPlaceToo) {
  fs_.SetTraits({"btrfs", false});
  Open();
  Append("a");
  fs_.Inject({.op = FileOp::kWrite,
              .name_part = ".seg",
              .error_number = ENOSPC,
              .written_bytes = 50});
  EXPECT_FALSE(TryAppend("broken off").ok());
  EXPECT_EQ(KindOfAppend("b"), ErrorKind::kPoisoned);
  Kill();
  Life({"c"});
  EXPECT_THAT(Bodies(), ElementsAre("a", "c"));
}

TEST_F(WriterFaultTest, APreparationThatFailsInTheBackgroundIsTriedAgain) {
  Open();
  fs_.Block(FileOp::kCreate, "0000000002.seg.new");
  fs_.Inject({.op = FileOp::kCreate, .name_part = "0000000002.seg.new"});
  Append(big_);  // More than half of the segment.
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kCreate));
  fs_.Unblock(FileOp::kCreate);
  Append(big_);
  Close();
  EXPECT_EQ(Bodies().size(), 2);
}

// ---------------------------------------------------------------------------
// Order

// The changes, in order, without what prepares space.
std::vector<std::string> Changes(const FaultFileSystem& fs) {
  std::vector<std::string> changes;
  for (const FileCall& call : fs.Calls()) {
    switch (call.op) {
      case FileOp::kWrite:
      case FileOp::kSync:
      case FileOp::kTruncate:
      case FileOp::kSyncDirectory:
      case FileOp::kRename:
        changes.push_back(Describe(call));
        break;
      default:
        break;
    }
  }
  return changes;
}

TEST_F(WriterFaultTest, CloseSyncsThenTrims) {
  Open();
  Append("a");
  fs_.ClearCalls();
  Close();
  const uint64_t close = FrameOfKind(1, FrameKind::kClose).offset;
  EXPECT_THAT(
      Changes(fs_),
      ElementsAre(absl::StrCat("write 0000000001.seg.new ", close, "+72"),
                  "sync 0000000001.seg.new",
                  absl::StrCat("truncate 0000000001.seg.new ", close + 72),
                  "sync 0000000001.seg.new"));
}

TEST_F(WriterFaultTest, TheSuccessorIsNamedBeforeTheSealAndUsedAfterIt) {
  Life({"a"});
  fs_.ClearCalls();
  Open();
  const FramePlace seal = FrameOfKind(1, FrameKind::kSeal);
  EXPECT_THAT(
      Changes(fs_),
      ElementsAre(
          // What may be unsynced, before it is believed.
          "sync 0000000001.seg", "sync_directory journal",
          // Space.
          "write 0000000002.seg.new 0+65536", "sync 0000000002.seg.new",
          // The successor's header and name.
          "write 0000000002.seg.new 0+1024", "sync 0000000002.seg.new",
          "rename 0000000002.seg.new 0000000002.seg", "sync_directory journal",
          // The seal.
          absl::StrCat("write 0000000001.seg ", seal.offset, "+72"),
          "sync 0000000001.seg",
          absl::StrCat("truncate 0000000001.seg ", seal.end),
          // What confirms it all.
          "write 0000000002.seg.new 1024+48", "sync 0000000002.seg.new"));
}

TEST_F(WriterFaultTest, ATornTailIsKeptBeforeItIsZeroed) {
  Open();
  fs_.Inject({.op = FileOp::kWrite, .name_part = ".seg", .written_bytes = 50});
  EXPECT_FALSE(TryAppend("broken off").ok());
  Kill();
  fs_.ClearCalls();
  Open();
  std::vector<std::string> changes = Changes(fs_);
  changes.resize(8);
  EXPECT_THAT(
      changes,
      ElementsAre("sync 0000000001.seg", "sync_directory journal",
                  "write 0000000001.seg.torn.new 0+50",
                  "sync 0000000001.seg.torn.new",
                  "rename 0000000001.seg.torn.new 0000000001.seg.torn",
                  "sync_directory journal", "write 0000000001.seg 1024+50",
                  "sync 0000000001.seg"));
}

// ---------------------------------------------------------------------------
// Every call failing in turn

struct Sweep {
  FileOp op;
  int error_number;
  bool from_then_on;
};

class EveryCallFailsTest : public WriterFaultTest,
                           public ::testing::WithParamInterface<Sweep> {
 protected:
  // Two lives with rotation, spans and syncs, each call of which may fail.
  // Notes what was acknowledged.
  void Script() {
    for (int life = 0; life < 2; ++life) {
      if (!TryOpen().ok()) return;
      for (int i = 0; i < 4; ++i) Note(absl::StrCat(life, " small ", i));
      for (int i = 0; i < 4; ++i) {
        Note(absl::StrCat(life, " big ", i, std::string(20000, 'x')));
      }
      writer_->Sync().IgnoreError();
      writer_->Close().IgnoreError();
      writer_.reset();
    }
  }
  void Note(const std::string& body) {
    if (TryAppend(body).ok()) acknowledged_.push_back(body);
  }

  BodyList acknowledged_;
};

TEST_P(EveryCallFailsTest, NothingAcknowledgedIsLost) {
  bool failed = true;
  for (int nth = 1; failed; ++nth) {
    for (int survive : {-1, 0, 50}) {
      SCOPED_TRACE(absl::StrCat("call ", nth, ", survive ", survive));
      disk_.Delete(directory_);
      acknowledged_.clear();
      fs_.ClearCalls();
      fs_.Heal();
      fs_.Inject({.op = GetParam().op,
                  .nth = nth,
                  .from_then_on = GetParam().from_then_on,
                  .error_number = GetParam().error_number});
      Script();
      failed = fs_.Count(GetParam().op) >= nth;
      if (survive >= 0) {
        PowerCut(
            {.seed = static_cast<uint64_t>(nth), .survive_percent = survive});
      } else {
        Kill();
      }
      fs_.Heal();
      const absl::Status status = TryOpen();
      ASSERT_TRUE(status.ok()) << status;
      Append("z");
      Close();
      const RecoveryReport report = Examine();
      ASSERT_EQ(report.outcome, FindingKind::kCleanEnd) << Text(report);
      BodyList bodies = Bodies();
      ASSERT_EQ(bodies.back(), "z");
      // In order, none missing; what was not acknowledged may be there.
      size_t found = 0;
      for (const std::string& body : bodies) {
        if (found < acknowledged_.size() && body == acknowledged_[found]) {
          ++found;
        }
      }
      ASSERT_EQ(found, acknowledged_.size()) << "acknowledged and lost";
    }
  }
}

// Openings that have something to mend, each call of which may fail: the next
// one mends it with the same outcome, and nothing that was cut is gone.
class EveryCallOfARecoveryFailsTest
    : public WriterFaultTest,
      public ::testing::WithParamInterface<Sweep> {
 protected:
  bool IsKept(const std::string& bytes) {
    const BodyList torn = TornBytes();
    return std::any_of(torn.begin(), torn.end(), [&](const std::string& each) {
      return absl::StrContains(each, bytes);
    });
  }
  // `make_damage` leaves a journal to mend, of which `kept` is good, and
  // returns what must be found in .torn files.
  template <typename MakeDamage>
  void MendInSpiteOfFaults(MakeDamage make_damage, const BodyList& kept) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
      for (const int survive : {-1, 0, 50}) {
        SCOPED_TRACE(absl::StrCat("call ", nth, ", survive ", survive));
        disk_.Delete(directory_);
        const BodyList cut = make_damage();
        fs_.ClearCalls();
        fs_.Inject({.op = GetParam().op,
                    .nth = nth,
                    .from_then_on = GetParam().from_then_on,
                    .error_number = GetParam().error_number});
        TryOpen().IgnoreError();
        failed = fs_.Count(GetParam().op) >= nth;
        fs_.Heal();
        if (survive >= 0) {
          PowerCut(
              {.seed = static_cast<uint64_t>(nth), .survive_percent = survive});
        } else {
          Kill();
        }
        ASSERT_EQ(TryOpen(), absl::OkStatus());
        Append("z");
        Close();
        options_.recovery_mode = RecoveryMode::kStrict;
        ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
        BodyList expected = kept;
        expected.push_back("z");
        ASSERT_EQ(Bodies(), expected);
        for (const std::string& bytes : cut) {
          ASSERT_TRUE(IsKept(bytes)) << "bytes that were cut are gone";
        }
      }
    }
  }
};

TEST_P(EveryCallOfARecoveryFailsTest, ATornTailIsCut) {
  MendInSpiteOfFaults(
      [this]() -> BodyList {
        Open();
        Append("kept");
        Append("torn");
        Kill();
        const FramePlace torn = FrameOf("torn");
        ZeroBytes(1, torn.end - 8, torn.end);
        return {Bytes(1).substr(torn.offset, kFrameHeaderBytes / 2)};
      },
      {"kept"});
}

TEST_P(EveryCallOfARecoveryFailsTest, WhatFollowsDamageStepsAside) {
  options_.append_after_damage = true;
  options_.verify_all = true;
  MendInSpiteOfFaults(
      [this]() -> BodyList {
        options_.recovery_mode = RecoveryMode::kStrict;
        for (const char* body : {"a", "b", "c"}) Life({body});
        const FramePlace b = FrameOf("b");
        FlipBit(b);
        const BodyList given_up = {
            Bytes(2).substr(b.offset, kFrameHeaderBytes / 2), Bytes(3)};
        FlipBit(1, 20, 1);  // And half a header.
        options_.recovery_mode = RecoveryMode::kPointInTime;
        return given_up;
      },
      {"a"});
}

std::vector<Sweep> Sweeps() {
  std::vector<Sweep> sweeps;
  for (FileOp op :
       {FileOp::kOpen, FileOp::kCreate, FileOp::kRead, FileOp::kWrite,
        FileOp::kSync, FileOp::kTruncate, FileOp::kSize, FileOp::kDropCache,
        FileOp::kList, FileOp::kCreateDirectory, FileOp::kSyncDirectory,
        FileOp::kRename, FileOp::kRemove, FileOp::kExists, FileOp::kLock,
        FileOp::kTraits}) {
    for (int error_number : {EIO, ENOSPC}) {
      sweeps.push_back({op, error_number, false});
      sweeps.push_back({op, error_number, true});
    }
  }
  return sweeps;
}

std::string SweepName(const ::testing::TestParamInfo<Sweep>& info) {
  return absl::StrCat(FileOpName(info.param.op),
                      info.param.error_number == EIO ? "_EIO" : "_ENOSPC",
                      info.param.from_then_on ? "_for_good" : "_once");
}

INSTANTIATE_TEST_SUITE_P(All, EveryCallFailsTest, ::testing::ValuesIn(Sweeps()),
                         SweepName);
INSTANTIATE_TEST_SUITE_P(All, EveryCallOfARecoveryFailsTest,
                         ::testing::ValuesIn(Sweeps()), SweepName);

}  // namespace
}  // namespace journal
