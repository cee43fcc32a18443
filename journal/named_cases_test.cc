// The cases from the suites of the log engines that users trust, by name.
// `--gtest_filter=*Case12*` runs one; where each of them lives:
//
//   case                                        test
//   01 length flipped past the end              NamedCases, RecoveryTable row
//   02 unconfirmed tail zeroed from each byte   TailTest (byte_matrix_test)
//   03 the same confirmed; a file cut shorter   TailTest
//   04 middle of a long record wiped            NamedCases
//   05 remainder of a header, one byte less     NamedCases, SegmentScannerTest
//   06 another journal's records behind it      RecoveryCasesTest
//   07 a payload that is a whole segment        RecoveryCasesTest
//   08 length beyond the file, or 2^31          NamedCases, SegmentScannerTest
//   09 each sector of a record zeroed           NamedCases
//   10 payloads of zeros                        NamedCases, SegmentScannerTest
//   11 segment deleted, swapped, copied, alien  RecoveryTable rows
//   12 sealed segment cut at a record           NamedCases, RecoveryCasesTest
//   13 fsync fails once                         WriterFaultTest
//   14 short write, ENOSPC in mid-record        WriterFaultTest
//   15 short reads and EINTR everywhere         NamedPosixCases
//   (named_posix_cases_test) 16 EIO on one page NamedCases, SegmentScannerTest
//   17 crash before the directory fsync         NamedCases, exhaustive_test
//   18 newer segment durable, older one not     RecoveryCasesTest
//   19 torn tail, twice                         RecoveryCasesTest
//   20 snapshot rename lost, removed too early  SnapshotTest,
//   SnapshotMatrixTest 21 crash in repair; read-only directory
//   RecoveryCasesTest, NamedCases 22 a live reader at every byte PiecemealTest,
//   ReaderTest 23 any subset of the last batch's sectors   TailTest,
//   exhaustive_test 24 wrong offset, LSN back, duplicate        NamedCases,
//   SegmentScannerTest 25 a record that its verifier refuses       (runner) 26
//   power loss in close, rotation, opening   NamedCases, exhaustive_test 27
//   kill between two appenders' writes       NamedCases 28 a write short at
//   every byte, then death  WriterFaultTest 29 fork and exec; two recoveries
//   racing     PosixFileSystemTest, NamedCases,
//                                               engine_processes_test
//   30 disk full in rotation, state, snapshot   WriterFaultTest, FolderTest,
//                                               SnapshotTest
//   31 a failed fsync and a new process         WriterFaultTest
//
// Also, as CaseAlso: empty and header-only segments and files, unknown kinds
// of frame and types of record. A newer version: RecoveryTable rows. Names of
// any bytes, no descriptors left, no permission, a directory that is gone:
// tests/engine_processes_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "journal/error.h"
#include "journal/frame.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/segment_header.h"
#include "journal/testing/journal_fixture.h"
#include "journal/writer.h"

// The greatest allocation since it was set to 0.
static std::atomic<size_t> largest_allocation = 0;

static void* Allocate(size_t size) {
  size_t largest = largest_allocation.load();
  while (size > largest &&
         !largest_allocation.compare_exchange_weak(largest, size)) {
  }
  void* memory = malloc(size == 0 ? 1 : size);
  if (memory == nullptr) abort();
  return memory;
}

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NamedCases : public JournalFixture {
 protected:
  // "kept" is confirmed; the tail is written, and confirmed only if asked.
  // Then the process dies. Returns the tail's place.
  FramePlace DieBehind(absl::string_view tail, bool confirm) {
    disk_.Delete(directory_);
    Open();
    Append("kept");
    Sync();
    Append(tail);
    if (confirm) {
      Sync();
      Append("it is confirmed by this one");
    }
    Kill();
    return FrameOf(tail);
  }
  // What must come of a bad tail: cut, or refused with its LSN.
  void ExpectCutOrRefused(bool confirmed, const FramePlace& tail) {
    const RecoveryReport report = Examine();
    ASSERT_EQ(report.outcome,
              confirmed ? FindingKind::kAckedLoss : FindingKind::kTornTail)
        << Text(report);
    EXPECT_EQ(report.findings[0].first_lsn, tail.lsn);
    EXPECT_EQ(Bodies(), BodyList{"kept"});
    const absl::Status opened = TryOpen();
    EXPECT_EQ(KindOf(opened), confirmed ? ErrorKind::kDamage : ErrorKind::kNone)
        << opened;
    if (!confirmed) Kill();
  }
  void ThreeLives() {
    Life({"a1", "a2"});
    Life({"b1", "b2"});
    Life({"c1", "c2"});
  }
  // Power lost at each change that `act` makes, with nothing, half, and all of
  // what is unsynced surviving: what `prepare` acknowledged is there, and
  // nothing else but what `act` may have been appending.
  void LosePowerInEachChangeOf(const std::function<void()>& prepare,
                               const std::function<void()>& act,
                               const BodyList& acknowledged,
                               const BodyList& in_flight = {}) {
    bool interrupted = true;
    for (uint64_t change = 1; interrupted; ++change) {
      for (const int survive : {0, 50, 100}) {
        SCOPED_TRACE(absl::StrCat("change ", change, ", survive ", survive));
        disk_.Delete(directory_);
        prepare();
        disk_.PowerOffAfter(change);
        act();
        interrupted = disk_.powered_off();
        PowerCut({.seed = change, .survive_percent = survive});
        BodyList expected = acknowledged;
        const BodyList there = Bodies();
        if (there.size() > expected.size()) {
          expected.insert(expected.end(), in_flight.begin(), in_flight.end());
        }
        ASSERT_EQ(there, expected);
        Life({"next"});
        expected.push_back("next");
        ASSERT_EQ(Bodies(), expected);
        ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
      }
    }
  }
};

TEST_F(NamedCases, Case01_ALengthFlippedPastTheEndIsDamage) {
  const FramePlace tail = DieBehind("the tail", /*confirm=*/true);
  for (int bit = 0; bit < 8; ++bit) {
    FlipBit(1, tail.offset + 7, bit);
    const RecoveryReport report = Examine();
    EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
    EXPECT_EQ(report.findings[0].offset, tail.offset);
    EXPECT_EQ(report.findings[0].first_lsn, tail.lsn);
    FlipBit(1, tail.offset + 7, bit);
  }
}

TEST_F(NamedCases, Case04_AHeadIsNeverJoinedToAnothersTail) {
  const std::string head(4000, 'h');
  const std::string tail(4000, 't');
  for (const bool confirm : {false, true}) {
    disk_.Delete(directory_);
    Open();
    Append("kept");
    Sync();
    Append(head);
    Append(tail);
    if (confirm) Sync();
    Append("last");
    Kill();
    const std::string whole = Bytes(1);
    const uint64_t from = FrameOf(head).offset + kFrameHeaderBytes + 8;
    const uint64_t to = FrameOf(tail).end - 8;
    for (uint64_t at = AlignUp(from, 64); at + 64 < to; at += 256) {
      for (const uint64_t end : {at + 64, at + 600, at + 4048}) {
        ZeroBytes(1, at, std::min(end, to));
        for (const RecoveryMode mode :
             {RecoveryMode::kStrict, RecoveryMode::kSalvage}) {
          for (const std::string& body : Bodies(mode)) {
            ASSERT_TRUE(body == "kept" || body == head || body == tail ||
                        body == "last");
          }
        }
        ASSERT_EQ(Examine().outcome,
                  confirm ? FindingKind::kAckedLoss : FindingKind::kTornTail);
        disk_.Put(PathOf(1), whole);
      }
    }
  }
}

// What is left of a sector before an fsync, and of a segment before rotation,
// takes every length around a header's.
TEST_F(NamedCases, Case05_RemaindersOfAHeaderAndLessRoundTrip) {
  BodyList expected;
  Open();
  for (size_t size = 400; size < 480; ++size) {
    Append(expected.emplace_back(size, 's'));
    Sync();
    Append(expected.emplace_back(""));
    Sync();
  }
  Close();
  for (size_t left = 0; left < 160; left += 4) {
    Open();
    Append(expected.emplace_back(60288 - left, 'r'));
    Append(expected.emplace_back(""));
    Append(expected.emplace_back("r"));
    Close();
  }
  EXPECT_EQ(Bodies(), expected);
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(NamedCases, Case08_ALengthBeyondTheFileAllocatesNothing) {
  const uint32_t rest = (64 << 10) - kFirstFrameOffset;
  for (const bool confirm : {false, true}) {
    for (const bool right_checksum : {false, true}) {
      for (const uint32_t length : {rest, uint32_t{1} << 29, uint32_t{1} << 30,
                                    uint32_t{1} << 31, UINT32_MAX}) {
        SCOPED_TRACE(absl::StrCat(confirm, right_checksum, " ", length));
        const FramePlace tail = DieBehind("the tail", confirm);
        const uint64_t seed = SegmentSeed(Header(1).uuid, 1);
        std::string head = Bytes(1).substr(tail.offset, kFrameHeaderBytes);
        FrameHeader header;
        ASSERT_TRUE(DecodeFrameHeader(head.data(), seed, tail.offset, &header));
        header.body_bytes = length;
        const std::string stored_checksum = head.substr(40);
        EncodeFrameHeader(header, seed, tail.offset, head.data());
        if (!right_checksum) head.replace(40, 8, stored_checksum);
        WriteBytes(1, tail.offset, head);
        largest_allocation = 0;
        const RecoveryReport report = Examine();
        EXPECT_LT(largest_allocation, 1 << 20);
        ExpectCutOrRefused(confirm, tail);
      }
    }
  }
}

TEST_F(NamedCases, Case09_EachSectorOfARecordZeroedIsCutOrRefused) {
  const std::string body = absl::StrCat("the tail", std::string(3000, 't'));
  for (const bool confirm : {false, true}) {
    const FramePlace place = DieBehind(body, confirm);
    for (uint64_t at = place.offset; at < place.end; at += kSectorBytes) {
      SCOPED_TRACE(absl::StrCat("at ", at, ", confirmed ", confirm));
      const FramePlace tail = DieBehind(body, confirm);
      ZeroBytes(1, at, std::min<uint64_t>(at + kSectorBytes, tail.end));
      ExpectCutOrRefused(confirm, tail);
    }
  }
}

TEST_F(NamedCases, Case10_PayloadsOfZerosAreRecords) {
  const BodyList bodies = {std::string(1, '\0'), std::string(5000, '\0'),
                           std::string(512, '\0'), ""};
  for (const bool close : {false, true}) {
    disk_.Delete(directory_);
    Open();
    for (const std::string& body : bodies) Append(body);
    close ? Close() : Kill();
    EXPECT_EQ(Bodies(), bodies);
    EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    if (!close) continue;
    for (const FramePlace& frame : Frames(1)) {
      for (uint64_t at = frame.body; at < frame.end; at += 5) {
        FlipBit(1, at, 4);
        ASSERT_TRUE(Examine().damaged()) << at;
        FlipBit(1, at, 4);
      }
    }
  }
}

// By an opening that does not read the segment, too.
TEST_F(NamedCases, Case12_ASealedSegmentCutAtARecordIsSeenByItsSuccessor) {
  ThreeLives();
  Life({"d1", "d2"});
  for (const uint64_t segment : {1, 2, 3}) {
    const std::string whole = Bytes(segment);
    for (const FramePlace& frame : Frames(segment)) {
      SCOPED_TRACE(absl::StrCat(segment, " cut to ", frame.offset));
      TruncateTo(segment, frame.offset);
      EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss);
      EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
      disk_.Put(PathOf(segment), whole);
    }
  }
}

TEST_F(NamedCases, Case16_AnUnreadablePageIsARangeNotTheEnd) {
  Open();
  BodyList expected;
  for (int i = 0; i < 40; ++i) {
    Append(expected.emplace_back(absl::StrCat(i, std::string(500, 'r'))));
  }
  Close();
  fs_.Inject({.op = FileOp::kRead,
              .name_part = ".seg",
              .offset_begin = 8192,
              .offset_end = 8193,
              .from_then_on = true});
  const absl::Status refused = TryOpen();
  EXPECT_EQ(KindOf(refused), ErrorKind::kIo) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("0000000001.seg"));
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kReadError) << Text(report);
  EXPECT_TRUE(std::any_of(report.findings.begin(), report.findings.end(),
                          [](const Finding& finding) {
                            return finding.kind == FindingKind::kReadError &&
                                   finding.offset == 8192 &&
                                   finding.bytes == 4096;
                          }))
      << Text(report);
  const BodyList rest = Bodies(RecoveryMode::kSalvage);
  EXPECT_GT(rest.size(), 30);
  EXPECT_EQ(rest.back(), expected.back());
  fs_.Heal();
  EXPECT_EQ(Bodies(), expected);
}

TEST_F(NamedCases, Case17_ACrashBeforeTheNewSegmentsNameIsDurable) {
  for (const int survive : {0, 100}) {
    disk_.Delete(directory_);
    Open();
    Append("a");
    Append(std::string(30000, 'b'));
    Sync();
    fs_.Inject({.op = FileOp::kSyncDirectory});
    EXPECT_FALSE(TryAppend(std::string(50000, 'c')).ok());
    fs_.Heal();
    PowerCut({.survive_percent = survive});
    EXPECT_EQ(disk_.Has(PathOf(2)), survive == 100);
    EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    Life({"z"});
    EXPECT_THAT(Bodies(), ElementsAre("a", std::string(30000, 'b'), "z"));
  }
}

TEST_F(NamedCases, Case21_AReadOnlyDirectoryIsAClearErrorAndHarmsNothing) {
  const FramePlace tail = DieBehind("the tail", /*confirm=*/false);
  FlipBit(tail);
  const std::string before = Bytes(1);
  for (const FileOp op : {FileOp::kCreate, FileOp::kWrite, FileOp::kRename,
                          FileOp::kLock, FileOp::kSync}) {
    fs_.Inject({.op = op, .from_then_on = true, .error_number = EROFS});
    const absl::Status refused = TryOpen();
    EXPECT_EQ(KindOf(refused), ErrorKind::kIo) << refused;
    EXPECT_THAT(std::string(refused.message()),
                HasSubstr("Read-only file system"));
    EXPECT_EQ(Bytes(1), before);
    fs_.Heal();
    Kill();
  }
  Life({"z"});
  EXPECT_THAT(Bodies(), ElementsAre("kept", "z"));
}

// Nothing that stands where it does not belong is read, though its checksums
// are right.
TEST_F(NamedCases, Case24_AFrameElsewhereOrAgainIsNoRecord) {
  Open();
  Append("one");
  Sync();
  Append(std::string(2 * kSectorBytes - kFrameHeaderBytes, '2'));
  Sync();
  Append("three");
  Kill();
  const std::string whole = Bytes(1);
  const uint64_t end = AlignUp(FrameOf("three").end, kSectorBytes);
  for (uint64_t at = kFirstFrameOffset; at < end; at += kSectorBytes) {
    SCOPED_TRACE(at);
    // A valid sector again, behind the end.
    WriteBytes(1, end, whole.substr(at, kSectorBytes));
    EXPECT_EQ(Bodies(RecoveryMode::kSalvage).size(), 3);
    EXPECT_NE(Examine().outcome, FindingKind::kCleanEnd);
    disk_.Put(PathOf(1), whole);
  }
  for (const Lsn back : {1, 3}) {
    AppendFrame(1, {.lsn = back, .kind = FrameKind::kRecord}, "back");
    EXPECT_EQ(Bodies(RecoveryMode::kSalvage).size(), 3);
    EXPECT_EQ(Examine().outcome, FindingKind::kTornTail) << Text(Examine());
    disk_.Put(PathOf(1), whole);
  }
}

TEST_F(NamedCases, Case26_PowerLossDuringClose) {
  LosePowerInEachChangeOf(
      [this] {
        Open();
        Append("a");
        Sync();
      },
      [this] { writer_->Close().IgnoreError(); }, {"a"});
}

TEST_F(NamedCases, Case26_PowerLossBetweenSealAndSuccessor) {
  const std::string filling(30000, '\0');
  const std::string next(40000, '\0');
  LosePowerInEachChangeOf(
      [&] {
        Open();
        Append("a");
        Append(filling);
        Sync();
      },
      [&] { TryAppend(next).status().IgnoreError(); }, {"a", filling}, {next});
}

TEST_F(NamedCases, Case26_PowerLossAfterReopeningBeforeTheFirstFsync) {
  LosePowerInEachChangeOf(
      [this] {
        Open();
        Append("a");
        Sync();
        Kill();
      },
      [this] { TryOpen().IgnoreError(); }, {"a"});
}

TEST_F(NamedCases, Case27_AKillBetweenTwoAppendersLeavesNoHole) {
  for (uint64_t change = 5; change < 45; ++change) {
    disk_.Delete(directory_);
    Open();
    absl::Mutex mutex;
    std::map<Lsn, std::string> returned;
    disk_.PowerOffAfter(change);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const std::string body = absl::StrCat(t, " ", i);
          const absl::StatusOr<Lsn> lsn = TryAppend(body);
          if (!lsn.ok()) return;
          absl::MutexLock lock(&mutex);
          returned[*lsn] = body;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    Kill();
    ASSERT_EQ(returned.rbegin()->first, returned.size()) << "a hole";
    const BodyList bodies = Bodies();
    ASSERT_GE(bodies.size(), returned.size());
    for (const auto& [lsn, body] : returned) ASSERT_EQ(bodies[lsn - 1], body);
  }
}

TEST_F(NamedCases, Case29_OfTwoRecoveriesOneIsRefused) {
  FlipBit(DieBehind("the tail", /*confirm=*/false));
  fs_.Block(FileOp::kRename, ".torn");
  std::thread first([this] { EXPECT_EQ(TryOpen(), absl::OkStatus()); });
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kRename));
  EXPECT_EQ(KindOf(Writer::Open(directory_, options_).status()),
            ErrorKind::kLocked);
  fs_.Unblock(FileOp::kRename);
  first.join();
  Append("z");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("kept", "z"));
  EXPECT_EQ(Files(kTornSuffix).size(), 1);
}

// ---------------------------------------------------------------------------
// Also

TEST_F(NamedCases, CaseAlso_AnEmptyJournalIsClean) {
  Open();
  Kill();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_THAT(Bodies(), IsEmpty());
  Open();  // A segment without a record, between two others.
  Close();
  Life({"a"});
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a"));
}

TEST_F(NamedCases, CaseAlso_ASegmentOfAHeaderOnly) {
  // Where nothing is written ahead, that is how each begins.
  fs_.SetTraits({"btrfs", false});
  Open();
  Kill();
  ASSERT_EQ(Size(1), kFirstFrameOffset);
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  Life({"a"});
  EXPECT_THAT(Bodies(), ElementsAre("a"));
  // Elsewhere it has been cut.
  fs_.SetTraits({"ext4", true});
  Life({"b"});
  TruncateTo(3, kFirstFrameOffset);
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a"));
}

TEST_F(NamedCases, CaseAlso_AnEmptyFileAsASegmentIsDamage) {
  ThreeLives();
  for (const uint64_t segment : {1, 2, 3, 4}) {
    const std::string whole = Bytes(segment);
    disk_.Put(PathOf(segment), "");
    EXPECT_EQ(Examine().outcome, FindingKind::kHeadersBad) << Text(Examine());
    EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
    disk_.Put(PathOf(segment), whole);
  }
}

// Of frames, the ignorable flag decides; types of records are the
// application's, and pass with their flag.
TEST_F(NamedCases, CaseAlso_AnUnknownKindOfFrameIsSkippedIfItSaysSo) {
  const auto kind = static_cast<FrameKind>(77);
  DieBehind("tail", /*confirm=*/false);
  const std::string before = Bytes(1);
  AppendFrame(1, {.kind = kind}, "what is this");
  EXPECT_EQ(Examine().outcome, FindingKind::kNewerFormat) << Text(Examine());
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kNewerVersion);
  auto reader = Reader::Open(directory_, {.file_system = &fs_}).value();
  reader->Next();
  reader->Next();
  EXPECT_EQ(reader->Next().finding.kind, FindingKind::kNewerFormat);

  disk_.Put(PathOf(1), before);
  AppendFrame(1, {.kind = kind, .flags = kIgnorable}, "skip this");
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  Life({"z"});
  EXPECT_THAT(Bodies(), ElementsAre("kept", "tail", "z"));
  reader = Reader::Open(directory_, {.file_system = &fs_}).value();
  for (const char* body : {"kept", "tail", "z"}) {
    EXPECT_EQ(reader->Next().record.body, body);
  }
}

TEST_F(NamedCases, CaseAlso_TypesOfRecordsPassUntouched) {
  Open();
  for (const bool ignorable : {false, true}) {
    const RecordView view = {
        .type = 65535, .body = "typed", .ignorable = ignorable};
    ASSERT_TRUE(writer_->Append(view).ok());
  }
  Close();
  auto reader = Reader::Open(directory_, {.file_system = &fs_}).value();
  for (const bool ignorable : {false, true}) {
    const ReadResult next = reader->Next();
    EXPECT_EQ(next.record.type, 65535);
    EXPECT_EQ(next.record.ignorable, ignorable);
  }
}

TEST_F(NamedCases, CaseAlso_NothingIsDurableBeforeItIsWritten) {
  DieBehind("tail", /*confirm=*/false);
  const std::string before = Bytes(1);
  const Lsn next = FrameOf("tail").lsn + 1;
  AppendFrame(1, {.lsn = next, .watermark = next}, "confirms itself");
  EXPECT_EQ(Examine().outcome, FindingKind::kTornTail) << Text(Examine());
  EXPECT_LT(Examine().watermark, next);
  disk_.Put(PathOf(1), before);
  AppendFrame(1, {.lsn = next, .watermark = next - 1}, "confirms the tail");
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_EQ(Examine().watermark, next - 1);
}

}  // namespace
}  // namespace journal
