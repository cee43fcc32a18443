// Cases of recovery by name, beyond the table and the byte matrix.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/frame.h"
#include "journal/recovery.h"
#include "journal/salvage.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecoveryCasesTest : public JournalFixture {
 protected:
  void ThreeLives() {
    Life({"a1", "a2"});
    Life({"b1", "b2"});
    Life({"c1", "c2"});
  }
  // With zeros up to the next sector before b2.
  void ThreeLivesWithAGap() {
    Life({"a1", "a2"});
    Open();
    Append("b1");
    Sync();
    Append("b2");
    Close();
    Life({"c1", "c2"});
  }
  // A rotation that a crash stopped before the seal was written.
  void UnfinishedRotation() {
    Life({"a1", "a2"});
    fs_.Inject({.op = FileOp::kWrite, .name_part = "0000000001.seg"});
    EXPECT_FALSE(TryOpen().ok());
    fs_.Heal();
    Kill();
    ASSERT_TRUE(disk_.Has(PathOf(2)));
  }
  BodyList BodiesIn(absl::string_view directory) {
    ExamineOptions options;
    options.file_system = &fs_;
    BodyList bodies;
    const auto report = journal::Examine(
        directory, options,
        [&](const Record& record) { bodies.emplace_back(record.body); });
    EXPECT_TRUE(report.ok()) << report.status();
    return bodies;
  }
};

// ---------------------------------------------------------------------------
// Heads and seals, without reading everything

TEST_F(RecoveryCasesTest, OpeningLooksAtTheSealsOfSegmentsItDoesNotRead) {
  ThreeLives();
  Life({"d"});
  ZeroBytes(1, FrameOfKind(1, FrameKind::kSeal).offset, Size(1));
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  options_.recovery_mode = RecoveryMode::kPointInTime;
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  options_.append_after_damage = true;
  Life({"z"});
  EXPECT_THAT(Bodies(), ElementsAre("a1", "a2", "z"));
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(RecoveryCasesTest, OpeningDoesNotReadWhatTheHeadsVouchFor) {
  ThreeLives();
  Life({"d"});
  FlipBit(FrameOf("a1"));
  EXPECT_TRUE(TryOpen().ok());
  Close();
  options_.verify_all = true;
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

TEST_F(RecoveryCasesTest, ManyLivesOpenAgainAndAgain) {
  BodyList expected;
  for (int life = 0; life < 12; ++life) {
    expected.push_back(absl::StrCat("life ", life));
    Life({expected.back()});
  }
  EXPECT_EQ(Bodies(), expected);
}

TEST_F(RecoveryCasesTest, WhatIsMissingIsNamedByItsLsns) {
  ThreeLives();
  const SegmentHeader second = Header(2);
  const SegmentHeader third = Header(3);
  DeleteSegment(2);
  const absl::Status status = StatusOf(Examine());
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("LSN ", second.first_lsn, " to ",
                                     third.first_lsn - 1)));
}

// ---------------------------------------------------------------------------
// Unfinished rotation

TEST_F(RecoveryCasesTest, AnUnfinishedRotationIsCleanAndFinished) {
  UnfinishedRotation();
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kCleanEnd) << Text(report);
  ASSERT_EQ(report.segments.size(), 2);
  EXPECT_EQ(report.segments[0].id, 1);
  EXPECT_EQ(report.segments[1].id, 2);
  Life({"z"});
  EXPECT_THAT(Bodies(), ElementsAre("a1", "a2", "z"));
}

TEST_F(RecoveryCasesTest, AGapThatIsNotZeroIsNotCoveredUpByTheSeal) {
  UnfinishedRotation();
  AppendBytes(1, std::string(500, '\0'));
  FlipBit(1, FrameOfKind(1, FrameKind::kClose).end + 2, 0);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

TEST_F(RecoveryCasesTest, ASealWrittenInPartIsWrittenAgain) {
  UnfinishedRotation();
  for (uint64_t part : {1, 47, 48, 60}) {
    const std::string before = Bytes(1);
    const uint64_t seal = AlignUp(before.size(), kSectorBytes);
    std::string torn = before;
    torn.resize(seal, '\0');
    torn.append(part, 'j');
    // What the seal will say is not known here; any bytes there are its own
    // only if they go no further than it does.
    disk_.Put(PathOf(1), torn);
    EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    disk_.Put(PathOf(1), before);
  }
}

// ---------------------------------------------------------------------------
// Stale, foreign and embedded bytes

TEST_F(RecoveryCasesTest,
       Case06_OldRecordsOfAnotherJournalBehindTheTailAreNotRead) {
  Open();
  Append("a");
  Kill();
  // The same history under another UUID, moved in behind the tail.
  MemoryFileSystem other;
  WriterOptions options = options_;
  options.file_system = &other;
  auto writer = Writer::Open(directory_, options).value();
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(writer->Append({.type = 1, .body = "foreign"}).ok());
  }
  const std::string foreign = other.Get(PathOf(1)).substr(0, 2400);
  const uint64_t tail = FrameOf("a").end;
  WriteBytes(1, tail, foreign.substr(tail));
  EXPECT_EQ(Examine().outcome, FindingKind::kTornTail);
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("a"));
}

TEST_F(RecoveryCasesTest, Case07_SalvageDoesNotReadAnEmbeddedSegment) {
  Life({"one", "two"});
  const std::string inner = Bytes(1);
  Open();
  Append(inner);
  Append("behind");
  Close();
  FramePlace outer = FrameOf(inner);
  FlipBit(2, outer.offset + 5, 0);
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage),
              ElementsAre("one", "two", "behind"));
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss);
}

TEST_F(RecoveryCasesTest, Case18_ANewerSegmentWithoutItsElderIsRefused) {
  ThreeLives();
  // Segment 2 is there, and nothing but zeros got into it.
  ZeroBytes(2, kFirstFrameOffset, Size(2));
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
  EXPECT_THAT(Bodies(), ElementsAre("a1", "a2"));
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage),
              ElementsAre("a1", "a2", "c1", "c2"));
}

TEST_F(RecoveryCasesTest, AnOlderCopyOfASegmentNoLongerFits) {
  Open();
  Append("a1");
  Sync();
  const std::string older = Bytes(1);
  Append("a2");
  Kill();
  Life({"b"});
  disk_.Put(PathOf(1), older);
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss) << Text(Examine());
}

TEST_F(RecoveryCasesTest,
       Case12_AFileCutBetweenWriteAndSealShowsInTheSuccessor) {
  ThreeLives();
  const FramePlace seal = FrameOfKind(1, FrameKind::kSeal);
  TruncateTo(1, seal.offset);
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss) << Text(Examine());
}

// The journal went two ways from a copy: frame for frame of the same shape,
// with right checksums, and yet not one history.
class ForkTest : public RecoveryCasesTest {
 protected:
  void LivesHereAndInTheFork(int lives) {
    Life({"a1"});
    fork_.CopyFrom(disk_);
    for (int life = 0; life < lives; ++life) {
      Live(disk_, absl::StrCat("here ", life));
      Live(fork_, absl::StrCat("fork ", life));
    }
  }
  // Ends without a close frame if `killed_`.
  void Live(MemoryFileSystem& disk, const std::string& body) {
    WriterOptions options = options_;
    options.file_system = &disk;
    auto writer = Writer::Open(directory_, options).value();
    ASSERT_TRUE(writer->Append({.type = 1, .body = body}).ok());
    if (killed_) disk.PowerOff();
    EXPECT_EQ(writer->Close().ok(), !killed_);
    writer.reset();
    if (killed_) disk.PowerOnKeepingCache();
  }
  // Puts the fork's record in the place of the one here.
  void TakeRecordFromFork(absl::string_view here) {
    const FramePlace place = FrameOf(here);
    const std::string there = fork_.Get(PathOf(place.segment));
    WriteBytes(place.segment, place.offset,
               there.substr(place.offset, place.end - place.offset));
  }
  MemoryFileSystem fork_;
  bool killed_ = false;
};

TEST_F(ForkTest, ASegmentOfAForkDoesNotFit) {
  LivesHereAndInTheFork(3);
  disk_.Put(PathOf(2), fork_.Get(PathOf(2)));
  EXPECT_EQ(Examine().outcome, FindingKind::kSegmentChain) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("a1", "fork 0"));
}

TEST_F(ForkTest, ASegmentOfAForkIsSeenByAnOpeningThatDoesNotReadIt) {
  LivesHereAndInTheFork(4);
  disk_.Put(PathOf(2), fork_.Get(PathOf(2)));
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

TEST_F(ForkTest, ARecordOfAForkIsSeenByTheSeal) {
  killed_ = true;
  LivesHereAndInTheFork(2);
  TakeRecordFromFork("here 0");
  const RecoveryReport report = Examine();
  ASSERT_TRUE(report.damaged()) << Text(report);
  EXPECT_THAT(report.findings[0].detail, HasSubstr("seal frame disagrees"));
}

TEST_F(ForkTest, ARecordOfAForkIsSeenByTheClose) {
  LivesHereAndInTheFork(1);
  TakeRecordFromFork("here 0");
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss) << Text(Examine());
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

// ---------------------------------------------------------------------------
// A torn tail, and openings that are interrupted

TEST_F(RecoveryCasesTest, Case19_TwoTornTailsInARow) {
  for (const char* body : {"one", "two"}) {
    Open();
    Append(body);
    Sync();
    Append(absl::StrCat(body, " torn"));
    Kill();
    FlipBit(FrameOf(absl::StrCat(body, " torn")));
  }
  Life({"three"});
  EXPECT_THAT(Bodies(), ElementsAre("one", "two", "three"));
  EXPECT_EQ(Files(".torn").size(), 2);
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd);
}

TEST_F(RecoveryCasesTest, Case21_CuttingATailMayBeInterruptedAnywhere) {
  bool interrupted = true;
  for (uint64_t change = 1; interrupted; ++change) {
    for (int survive : {0, 50, 100}) {
      SCOPED_TRACE(absl::StrCat("change ", change, ", survive ", survive));
      disk_.Delete(directory_);
      Open();
      Append("kept");
      Sync();
      Append(absl::StrCat("torn", std::string(3000, 't')));
      Kill();
      const FramePlace torn = Frames(1).back();
      ZeroBytes(1, torn.end - 100, torn.end);
      const std::string bytes = Bytes(1).substr(torn.offset, 3048 - 100);
      disk_.PowerOffAfter(change);
      interrupted = !TryOpen().ok();
      PowerCut({.seed = change, .survive_percent = survive});
      Life({"next"});
      ASSERT_THAT(Bodies(), ElementsAre("kept", "next"));
      ASSERT_THAT(TornBytes(), Contains(HasSubstr(bytes)));
      ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    }
  }
}

TEST_F(RecoveryCasesTest, Case21_GivingUpSegmentsMayBeInterruptedAnywhere) {
  bool interrupted = true;
  for (uint64_t change = 1; interrupted; ++change) {
    SCOPED_TRACE(change);
    disk_.Delete(directory_);
    options_.recovery_mode = RecoveryMode::kStrict;
    ThreeLives();
    FlipBit(FrameOf("a2"));
    const BodyList given_up = {Bytes(2), Bytes(3)};
    options_.recovery_mode = RecoveryMode::kPointInTime;
    options_.append_after_damage = true;
    options_.verify_all = true;
    disk_.PowerOffAfter(change);
    interrupted = !TryOpen().ok();
    PowerCut({.seed = change, .survive_percent = 50});
    Life({"z"});
    ASSERT_THAT(Bodies(), ElementsAre("a1", "z"));
    for (const std::string& bytes : given_up) {
      ASSERT_THAT(TornBytes(), Contains(bytes)) << "a segment is gone";
    }
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  }
}

// Here nothing is cut, so that names alone are changed.
TEST_F(RecoveryCasesTest, Case21_GivenUpSegmentsAreKeptOnEveryDisk) {
  bool interrupted = true;
  for (uint64_t change = 1; interrupted; ++change) {
    disk_.Delete(directory_);
    options_.recovery_mode = RecoveryMode::kStrict;
    ThreeLives();
    FlipBit(2, 100, 0);
    FlipBit(2, 612, 0);
    const BodyList given_up = {Bytes(2), Bytes(3)};
    options_.recovery_mode = RecoveryMode::kPointInTime;
    options_.append_after_damage = true;
    disk_.PowerOffAfter(change);
    interrupted = !TryOpen().ok();
    disk_.PowerOff();
    writer_.reset();
    MemoryFileSystem dark;
    dark.CopyFrom(disk_);
    AllLosses losses;
    do {
      disk_.CopyFrom(dark);
      disk_.PowerOn(losses.Next());
      Life({"z"});
      ASSERT_THAT(Bodies(), ElementsAre("a1", "a2", "z"));
      for (const std::string& bytes : given_up) {
        ASSERT_THAT(TornBytes(), Contains(bytes)) << "gone at " << change;
      }
    } while (losses.More());
  }
}

TEST_F(RecoveryCasesTest, WhatFollowsTheDamageIsKeptByteForByte) {
  ThreeLives();
  const FramePlace b1 = FrameOf("b1");
  FlipBit(b1);
  const std::string rest = Bytes(2).substr(b1.offset);
  const std::string third = Bytes(3);
  Open(RecoveryMode::kPointInTime, /*append_after_damage=*/true);
  Close();
  EXPECT_THAT(Files(".torn"),
              ElementsAre("0000000002.seg.torn", "0000000003.seg.torn"));
  EXPECT_THAT(TornBytes()[0], HasSubstr(rest));
  EXPECT_EQ(TornBytes()[1], third);
}

// ---------------------------------------------------------------------------
// One bad copy of a header

TEST_F(RecoveryCasesTest, AHeaderWithOneGoodCopyGetsTheOtherAgain) {
  for (uint64_t segment : {1, 2, 3}) {
    for (uint64_t copy : {0, 512}) {
      SCOPED_TRACE(absl::StrCat("segment ", segment, ", copy at ", copy));
      disk_.Delete(directory_);
      options_.recovery_mode = RecoveryMode::kStrict;
      ThreeLives();
      const std::string head = Bytes(segment).substr(0, kFirstFrameOffset);
      FlipBit(segment, copy + 20, 1);
      EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
      Open(RecoveryMode::kPointInTime);
      Close();
      EXPECT_EQ(Bytes(segment).substr(0, kFirstFrameOffset), head);
      options_.recovery_mode = RecoveryMode::kStrict;
      Life({"z"});
      EXPECT_THAT(Bodies(),
                  ElementsAre("a1", "a2", "b1", "b2", "c1", "c2", "z"));
    }
  }
}

TEST_F(RecoveryCasesTest, WritingAHeaderAgainMayBeInterruptedAnywhere) {
  bool interrupted = true;
  for (uint64_t change = 1; interrupted; ++change) {
    SCOPED_TRACE(change);
    disk_.Delete(directory_);
    options_.recovery_mode = RecoveryMode::kStrict;
    ThreeLives();
    FlipBit(2, 20, 1);
    options_.recovery_mode = RecoveryMode::kPointInTime;
    disk_.PowerOffAfter(change);
    interrupted = !TryOpen().ok();
    PowerCut({.seed = change, .survive_percent = 50});
    // The first opening that ends mends it; what it acknowledged stays.
    Life({"z"});
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    ASSERT_EQ(Bodies().size(), 7);
  }
}

// ---------------------------------------------------------------------------
// Bytes that belong to no frame

TEST_F(RecoveryCasesTest, BytesThatCostNoRecordAreSetAside) {
  options_.verify_all = true;
  ThreeLivesWithAGap();
  const FramePlace b2 = FrameOf("b2");
  const std::string whole = Bytes(2);
  AppendBytes(1, "behind the seal");
  FlipBit(2, b2.offset - 2, 0);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  Open(RecoveryMode::kPointInTime);
  Close();
  EXPECT_THAT(Files(".torn"),
              ElementsAre("0000000001.seg.torn", "0000000002.seg.torn"));
  EXPECT_EQ(TornBytes()[0], "behind the seal");
  EXPECT_EQ(Bytes(2), whole);
  options_.recovery_mode = RecoveryMode::kStrict;
  Life({"z"});
  EXPECT_THAT(Bodies(), ElementsAre("a1", "a2", "b1", "b2", "c1", "c2", "z"));
}

TEST_F(RecoveryCasesTest, SettingBytesAsideMayBeInterruptedAnywhere) {
  bool interrupted = true;
  for (uint64_t change = 1; interrupted; ++change) {
    SCOPED_TRACE(change);
    disk_.Delete(directory_);
    options_.recovery_mode = RecoveryMode::kStrict;
    ThreeLivesWithAGap();
    FlipBit(2, FrameOf("b2").offset - 2, 0);
    AppendBytes(2, std::string(2000, 'x'));
    options_.recovery_mode = RecoveryMode::kPointInTime;
    disk_.PowerOffAfter(change);
    interrupted = !TryOpen().ok();
    PowerCut({.seed = change, .survive_percent = 50});
    Life({"z"});
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    ASSERT_EQ(Bodies().size(), 7);
    ASSERT_THAT(TornBytes(), Contains(HasSubstr("xxx")));
  }
}

// ---------------------------------------------------------------------------
// Counts

TEST_F(RecoveryCasesTest, ACloseThatCountsOtherwiseIsSeen) {
  Life({"a1", "a2"});
  const FramePlace place = FrameOfKind(1, FrameKind::kClose);
  const std::string whole = Bytes(1);
  for (const uint64_t too_many : {0, 1}) {
    SealBody close;
    std::string body = whole.substr(place.body, kSealBodyBytes);
    ASSERT_TRUE(DecodeSealBody(body, &close));
    close.records += too_many;
    EncodeSealBody(close, body.data());
    disk_.Put(PathOf(1), whole.substr(0, place.offset));
    FrameHeader header;
    header.kind = FrameKind::kClose;
    header.watermark = place.watermark;
    AppendFrame(1, header, body);
    const RecoveryReport report = Examine();
    EXPECT_EQ(report.outcome,
              too_many > 0 ? FindingKind::kAckedLoss : FindingKind::kCleanEnd)
        << Text(report);
  }
}

// Which of them is right, nobody knows.
TEST_F(RecoveryCasesTest, TwoWholeHeadersThatDifferAreLeftAlone) {
  ThreeLives();
  const std::string first = Bytes(2).substr(0, kSegmentHeaderBytes);
  RewriteHeader(2, [](SegmentHeader& header) { ++header.created_unix_ns; });
  WriteBytes(2, 0, first);
  const std::string head = Bytes(2).substr(0, kFirstFrameOffset);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  Open(RecoveryMode::kPointInTime);
  Close();
  EXPECT_EQ(Bytes(2).substr(0, kFirstFrameOffset), head);
}

// ---------------------------------------------------------------------------
// Beside a living writer

// Hides segments from List, as if they came into being just after it.
class LaggingFileSystem final : public FileSystem {
 public:
  LaggingFileSystem(FileSystem* base, std::string hidden)
      : base_(*base), hidden_(std::move(hidden)) {}
  absl::StatusOr<std::vector<std::string>> List(
      absl::string_view directory) override {
    auto names = base_.List(directory);
    if (names.ok()) {
      std::erase_if(*names,
                    [&](const std::string& name) { return name >= hidden_; });
    }
    return names;
  }
  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path,
                                             OpenMode mode) override {
    return base_.Open(path, mode);
  }
  absl::Status CreateDirectory(absl::string_view path) override {
    return base_.CreateDirectory(path);
  }
  absl::Status SyncDirectory(absl::string_view path) override {
    return base_.SyncDirectory(path);
  }
  absl::Status Rename(absl::string_view from, absl::string_view to) override {
    return base_.Rename(from, to);
  }
  absl::Status Remove(absl::string_view path) override {
    return base_.Remove(path);
  }
  absl::StatusOr<bool> Exists(absl::string_view path) override {
    return base_.Exists(path);
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(
      absl::string_view path) override {
    return base_.Lock(path);
  }
  absl::StatusOr<FileSystemTraits> Traits(absl::string_view path) override {
    return base_.Traits(path);
  }

 private:
  FileSystem& base_;
  const std::string hidden_;
};

TEST_F(RecoveryCasesTest, SegmentsMadeSinceTheListingAreWalked) {
  for (int life = 0; life < 9; ++life) Life({absl::StrCat(life)});
  LaggingFileSystem lagging(&disk_, "0000000002.seg");
  ExamineOptions options;
  options.file_system = &lagging;
  const RecoveryReport report = journal::Examine(directory_, options).value();
  EXPECT_EQ(report.outcome, FindingKind::kCleanEnd) << Text(report);
  EXPECT_EQ(report.records, 9);
  EXPECT_EQ(report.segments.size(), 9);
}

// ---------------------------------------------------------------------------
// Salvage

TEST_F(RecoveryCasesTest, SalvageCopiesWhatIsWholeAndLeavesTheSource) {
  ThreeLives();
  const FramePlace b1 = FrameOf("b1");
  FlipBit(b1);
  const std::string before = Bytes(2);
  SalvageOptions options;
  options.file_system = &fs_;
  const auto report = Salvage(directory_, "/copy", options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(BodiesIn("/copy"), ElementsAre("a1", "a2", "b2", "c1", "c2"));
  EXPECT_EQ(Bytes(2), before);
  EXPECT_THAT(Files(".torn"), IsEmpty());
  EXPECT_EQ(report->findings[0].first_lsn, b1.lsn);
}

TEST_F(RecoveryCasesTest, SalvageUpToTheDamage) {
  ThreeLives();
  FlipBit(FrameOf("b2"));
  SalvageOptions options;
  options.mode = RecoveryMode::kPointInTime;
  options.file_system = &fs_;
  ASSERT_TRUE(Salvage(directory_, "/copy", options).ok());
  EXPECT_THAT(BodiesIn("/copy"), ElementsAre("a1", "a2", "b1"));
}

TEST_F(RecoveryCasesTest, SalvageRemovesWhatItLeftAndNothingElse) {
  Life({"a"});
  SalvageOptions options;
  options.file_system = &fs_;
  ASSERT_TRUE(fs_.CreateDirectory("/copy.incomplete").ok());
  for (const char* name : {"LOCK", "0000000001.seg", "0000000002.seg.new"}) {
    disk_.Put(JoinPath("/copy.incomplete", name), "left");
  }
  disk_.Put("/copy.incomplete/thesis.tex", "ours");
  EXPECT_EQ(KindOf(Salvage(directory_, "/copy", options).status()),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(disk_.Get("/copy.incomplete/thesis.tex"), "ours");
  disk_.Delete("/copy.incomplete/thesis.tex");
  EXPECT_TRUE(Salvage(directory_, "/copy", options).ok());
  EXPECT_THAT(BodiesIn("/copy"), ElementsAre("a"));
}

TEST_F(RecoveryCasesTest, SalvageIntoAJournalOrFromNoneIsRefused) {
  Life({"a"});
  SalvageOptions options;
  options.file_system = &fs_;
  EXPECT_FALSE(Salvage(directory_, directory_, options).ok());
  EXPECT_EQ(KindOf(Salvage("/none", "/copy", options).status()),
            ErrorKind::kNotFound);
  EXPECT_FALSE(disk_.Has("/copy"));
  EXPECT_THAT(Bodies(), ElementsAre("a"));
}

}  // namespace
}  // namespace journal
