// The state that an application's folder keeps in the journal, so that opening
// need not read everything.
#include "journal/folder.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/recovery.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

// Counts records and their bytes, and remembers the last LSN.
class Counter final : public Folder {
 public:
  uint32_t version() const override { return version_; }
  void Reset() override {
    records = bytes = folded = 0;
    last_lsn = 0;
    ++resets;
  }
  absl::Status Restore(absl::string_view state) override {
    folded = 0;
    records = kHalfRestored;
    if (refusals > 0) {
      --refusals;
      return absl::InvalidArgumentError("no");
    }
    ++restores;
    const size_t space = state.find(' ');
    const size_t padding = state.find('#');
    if (!absl::SimpleAtoi(state.substr(0, space), &records) ||
        !absl::SimpleAtoi(state.substr(space + 1, padding - space - 1),
                          &bytes)) {
      return absl::InvalidArgumentError("not a state");
    }
    return absl::OkStatus();
  }
  void Fold(const Record& record) override {
    EXPECT_GT(record.lsn, last_lsn) << "out of order";
    last_lsn = record.lsn;
    ++folded;
    ++records;
    bytes += record.body.size();
  }
  std::string Save() override {
    ++saves;
    return absl::StrCat(records, " ", bytes, "#", std::string(padding, 'p'));
  }

  static constexpr uint64_t kHalfRestored = 1'000'000;
  uint32_t version_ = 1;
  size_t padding = 0;
  int refusals = 0;  // So many states yet.
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t folded = 0;  // Since the last Reset or Restore.
  Lsn last_lsn = 0;
  int resets = 0;
  int restores = 0;
  int saves = 0;
};

class FolderTest : public JournalFixture {
 protected:
  FolderTest() {
    options_.folder = &counter_;
    options_.sync_mode = SyncMode::kNone;
    options_.segment_bytes_min = 1 << 20;
    options_.segment_bytes_max = 4 << 20;
  }
  // Enough for `states` state frames.
  void AppendMegabytes(int megabytes) {
    const std::string body(256 << 10, 'm');
    for (int i = 0; i < megabytes * 4; ++i) Append(body);
    appended_ += static_cast<uint64_t>(megabytes) * 4;
  }
  void ReopenWithFreshCounter() {
    counter_ = Counter();
    Open();
  }
  std::vector<FramePlace> States() {
    std::vector<FramePlace> states;
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      for (const FramePlace& frame : Frames(id)) {
        if (frame.kind == FrameKind::kState) states.push_back(frame);
      }
    }
    return states;
  }
  int StateFrames() { return static_cast<int>(States().size()); }
  FramePlace NewestState() { return States().back(); }

  // Opens, and ends with the append that begins a segment with the `states`th
  // state.
  void AppendUntilStates(uint64_t states) {
    options_.segment_bytes_min = options_.segment_bytes_max = 9 << 20;
    Open();
    for (; writer_->statistics().states < states; ++appended_) {
      Append(std::string(1 << 20, 'm'));
    }
  }
  RecoveryReport ExamineWithFreshCounter(RecoveryMode mode, bool full) {
    counter_ = Counter();
    ExamineOptions options;
    options.mode = mode;
    options.full = full;
    options.folder = &counter_;
    options.cipher = options_.cipher;
    options.file_system = &fs_;
    return *journal::Examine(directory_, options);
  }

  Counter counter_;
  uint64_t appended_ = 0;
};

TEST_F(FolderTest, FoldsWhatIsAppended) {
  Open();
  AppendMegabytes(1);
  EXPECT_EQ(counter_.records, 4);
  AppendSpan({"a", "b"});
  EXPECT_EQ(counter_.records, 6);
  Close();
  EXPECT_EQ(StateFrames(), 0) << "too little for a state";
  ReopenWithFreshCounter();
  EXPECT_EQ(counter_.records, 6);
  EXPECT_EQ(counter_.folded, 6);
}

TEST_F(FolderTest, OpeningStartsFromTheNewestState) {
  Open();
  AppendMegabytes(40);
  Close();
  EXPECT_GE(StateFrames(), 2);
  ReopenWithFreshCounter();
  EXPECT_EQ(counter_.restores, 1);
  EXPECT_EQ(counter_.records, appended_);
  EXPECT_LT(counter_.folded, 20 * 4);
  EXPECT_EQ(counter_.bytes, appended_ * (256 << 10));
  EXPECT_EQ(writer_->recovery_report().records, appended_);
  EXPECT_EQ(writer_->recovery_report().state_lsn, NewestState().lsn);
  Append("goes on");
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(FolderTest, ManyLivesWithStates) {
  for (int life = 0; life < 8; ++life) {
    Open();
    EXPECT_EQ(counter_.records, appended_) << life;
    AppendMegabytes(9);
    if (life % 2 == 0) {
      Close();
    } else {
      Kill();
    }
    counter_ = Counter();
    EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  }
  EXPECT_GE(StateFrames(), 3);
}

TEST_F(FolderTest, AStateOfAnotherVersionIsFoldedAnew) {
  Open();
  AppendMegabytes(20);
  Close();
  counter_ = Counter();
  counter_.version_ = 2;
  Open();
  EXPECT_EQ(counter_.restores, 0);
  EXPECT_EQ(counter_.folded, appended_);
}

TEST_F(FolderTest, ABrokenStateFrameIsDamageNotAWrongState) {
  Open();
  AppendMegabytes(40);
  Close();
  FlipBit(NewestState());
  counter_ = Counter();
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss);
}

TEST_F(FolderTest, VerifyingAllFoldsAll) {
  Open();
  AppendMegabytes(20);
  Close();
  options_.verify_all = true;
  ReopenWithFreshCounter();
  EXPECT_EQ(counter_.records, appended_);
  EXPECT_EQ(counter_.folded, appended_);
}

TEST_F(FolderTest, AStateLargerThanASegmentIsWritten) {
  Open();
  counter_.padding = 5 << 20;
  AppendMegabytes(100);
  Close();
  EXPECT_GE(StateFrames(), 1);
  ReopenWithFreshCounter();
  EXPECT_EQ(counter_.records, appended_);
  EXPECT_EQ(counter_.restores, 1);
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(FolderTest, ATornTailBehindAStateIsCut) {
  Open();
  AppendMegabytes(20);
  Sync();
  Append(std::string(3000, 't'));
  Kill();
  uint64_t newest = 1;
  while (disk_.Has(PathOf(newest + 1))) ++newest;
  FlipBit(Frames(newest).back());
  ReopenWithFreshCounter();
  EXPECT_EQ(counter_.restores, 1);
  EXPECT_EQ(counter_.records, appended_);
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(FolderTest, Case30_AStateThatAFullDiskHasNoRoomForIsLeftOut) {
  counter_.padding = 700 << 10;
  options_.segment_bytes_min = options_.segment_bytes_max = 9 << 20;
  Open();
  disk_.SetCapacity(disk_.UsedBytes() + (1 << 20));
  // The last ones call for a segment, and that for a state.
  for (int i = 0; i < 8; ++i) Append(std::string(1 << 20, '\0'));
  for (int i = 0; i < 12; ++i) Append(std::string(100 << 10, '\0'));
  EXPECT_EQ(writer_->statistics().rotations, 1);
  EXPECT_EQ(counter_.saves, 1);
  EXPECT_EQ(StateFrames(), 0);
  disk_.SetCapacity(1 << 30);
  for (int i = 0; i < 24; ++i) Append(std::string(1 << 20, '\0'));
  EXPECT_GT(StateFrames(), 0) << "later there is room";
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_EQ(Bodies().size(), 44);
}

// ---------------------------------------------------------------------------
// Where a state stands

TEST_F(FolderTest, AStateIsTheFirstFrameOfItsSegment) {
  for (int life = 0; life < 4; ++life) {
    Open();
    AppendMegabytes(30);
    Kill();
    counter_ = Counter();
  }
  EXPECT_GE(StateFrames(), 8);
  for (const FramePlace& state : States()) {
    EXPECT_EQ(state.offset, kFirstFrameOffset) << state.segment;
  }
}

TEST_F(FolderTest, AfterAKillOpeningBeginsWithTheNewestSegment) {
  AppendUntilStates(2);
  AppendMegabytes(1);
  Kill();
  const FramePlace newest = NewestState();
  ReopenWithFreshCounter();
  EXPECT_EQ(writer_->recovery_report().state_lsn, newest.lsn);
  EXPECT_EQ(counter_.restores, 1);
  EXPECT_EQ(counter_.folded, 5) << "what stands behind it";
  EXPECT_EQ(counter_.records, appended_);
  EXPECT_EQ(writer_->recovery_report().records, appended_);
  Append("goes on");
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(FolderTest, ShortLivesRotateForAState) {
  options_.segment_bytes_min = options_.segment_bytes_max = 8 << 20;
  for (int life = 0; life < 14; ++life) {
    ReopenWithFreshCounter();
    EXPECT_EQ(counter_.records, appended_);
    EXPECT_LE(counter_.folded, 20 * 4) << life;
    AppendMegabytes(3);
    life % 2 == 0 ? Close() : Kill();
  }
  EXPECT_EQ(StateFrames(), 2);
}

// It was never confirmed, nor was what stands behind it.
TEST_F(FolderTest, ATornStateIsCutAndTheOneBeforeItServes) {
  AppendUntilStates(2);
  Kill();
  const std::vector<FramePlace> states = States();
  FlipBit(states[1]);
  ReopenWithFreshCounter();
  EXPECT_EQ(writer_->recovery_report().outcome, FindingKind::kTornTail);
  EXPECT_EQ(writer_->recovery_report().state_lsn, states[0].lsn);
  EXPECT_EQ(counter_.restores, 1);
  EXPECT_EQ(counter_.records, appended_ - 1);
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(FolderTest, AStateThatTheFolderDeclinesGivesWayToTheOneBeforeIt) {
  AppendUntilStates(2);
  Kill();
  counter_ = Counter();
  counter_.refusals = 1;
  Open();
  EXPECT_EQ(writer_->recovery_report().state_lsn, States()[0].lsn);
  EXPECT_EQ(counter_.restores, 1);
  EXPECT_EQ(counter_.records, appended_);
  Kill();
  counter_ = Counter();
  counter_.refusals = 2;
  Open();
  EXPECT_EQ(counter_.folded, appended_) << "and all else to the records";
  EXPECT_EQ(counter_.records, appended_);
}

TEST_F(FolderTest, ADamagedNewestStateIsWhatAWalkOverEverythingSays) {
  AppendUntilStates(2);
  Close();
  FlipBit(NewestState());
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  for (const RecoveryMode mode :
       {RecoveryMode::kStrict, RecoveryMode::kAbsolute,
        RecoveryMode::kPointInTime, RecoveryMode::kSalvage}) {
    const RecoveryReport quick = ExamineWithFreshCounter(mode, false);
    const uint64_t records = counter_.records;
    const RecoveryReport full = ExamineWithFreshCounter(mode, true);
    EXPECT_EQ(Text(quick), Text(full));
    EXPECT_EQ(quick.outcome, FindingKind::kAckedLoss);
    EXPECT_EQ(quick.findings[0].first_lsn, full.findings[0].first_lsn);
    EXPECT_EQ(records, counter_.records);
    EXPECT_EQ(records,
              mode == RecoveryMode::kSalvage ? appended_ : appended_ - 1);
  }
}

// Whole, and yet not what this segment's writer wrote.
TEST_F(FolderTest, AStateThatDoesNotFitItsSegmentsHeadIsNotTaken) {
  AppendUntilStates(1);
  Kill();
  const FramePlace place = NewestState();
  for (const bool chain : {true, false}) {
    const SegmentHeader head = Header(place.segment);
    const std::string text = "7 7#";
    std::string body(kStateBodyPrefixBytes, '\0');
    EncodeStatePrefix({.as_of_lsn = place.lsn - 1,
                       .chain = head.chain_start + (chain ? 1 : 0),
                       .records = head.records_before + (chain ? 0 : 1),
                       .folder_version = 1},
                      text, body.data());
    ZeroBytes(place.segment, place.offset, Size(place.segment));
    PutFrame(place.segment, place.offset,
             {.lsn = place.lsn, .kind = FrameKind::kState}, body + text);
    ExamineWithFreshCounter(RecoveryMode::kStrict, false);
    EXPECT_EQ(counter_.restores, 0);
    EXPECT_EQ(counter_.records, appended_ - 1);
    EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  }
}

// With a state at its beginning, nothing before it is read.
TEST_F(FolderTest, ASegmentThatDoesNotFollowTheSnapshotIsNotTaken) {
  options_.segment_bytes_min = options_.segment_bytes_max = 9 << 20;
  Open();
  AppendMegabytes(8);
  ASSERT_TRUE(writer_->Snapshot().ok());
  Append("behind it");
  Kill();
  const FramePlace place = FrameOfKind(2, FrameKind::kState);
  ASSERT_EQ(place.offset, kFirstFrameOffset);
  std::string body = Bytes(2).substr(place.body, place.end - place.body);
  body.resize(kStateBodyPrefixBytes + counter_.Save().size());
  EXPECT_EQ(ExamineWithFreshCounter(RecoveryMode::kStrict, false).state_lsn,
            place.lsn);
  RewriteHeader(2, [](SegmentHeader& header) { header.chain_start ^= 1; });
  body[8] ^= 1;  // The same there.
  PutFrame(2, place.offset, {.lsn = place.lsn, .kind = FrameKind::kState},
           body);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  DeleteSegment(1);
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

// ---------------------------------------------------------------------------
// The rotation that begins a segment with a state

TEST_F(FolderTest, EveryCallOfAStateFails) {
  options_.segment_bytes_min = options_.segment_bytes_max = 9 << 20;
  fs_.SetTraits({"btrfs", false});  // Nothing is written ahead meanwhile.
  const std::string zeros(1 << 20, '\0');
  int states = 0;
  for (const FileOp op : {FileOp::kWrite, FileOp::kSync, FileOp::kTruncate,
                          FileOp::kRename, FileOp::kSyncDirectory}) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
      SCOPED_TRACE(absl::StrCat(FileOpName(op), " ", nth));
      disk_.Delete(directory_);
      counter_ = Counter();
      Open();
      for (int i = 0; i < 8; ++i) Append(zeros);
      fs_.ClearCalls();
      fs_.Inject({.op = op, .nth = nth});
      const bool appended = TryAppend(std::string(2 << 20, '\0')).ok();
      failed = fs_.Count(op, "") >= nth;
      EXPECT_EQ(appended, !failed);
      fs_.Heal();
      Kill();
      const uint64_t there = Bodies().size();
      ASSERT_GE(there, appended ? 9 : 8);
      states += StateFrames();
      ReopenWithFreshCounter();
      ASSERT_EQ(counter_.records, there);
      Close();
      ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    }
  }
  EXPECT_GT(states, 0);
}

class StatePowerLossTest : public FolderTest,
                           public ::testing::WithParamInterface<bool> {
 protected:
  StatePowerLossTest() {
    if (GetParam()) options_.cipher = cipher_.get();
    options_.sync_mode = SyncMode::kEach;
  }
  // What opening finds, without any state and by the newest that it can use.
  void ExpectAllThatWasAcknowledged(uint64_t acknowledged) {
    const RecoveryReport full =
        ExamineWithFreshCounter(RecoveryMode::kStrict, true);
    const Counter folded = counter_;
    EXPECT_LE(full.outcome, FindingKind::kTornTail) << Text(full);
    EXPECT_GE(folded.records, acknowledged);
    ReopenWithFreshCounter();
    EXPECT_EQ(writer_->recovery_report().outcome, full.outcome);
    EXPECT_EQ(counter_.records, folded.records);
    EXPECT_EQ(counter_.bytes, folded.bytes);
    restored_ += counter_.restores;
    Kill();
  }

  const std::unique_ptr<Cipher> cipher_ =
      *Cipher::FromBytes(std::string(32, 'k'));
  int restored_ = 0;
};

// In each change from the last append before the rotation to the second one
// behind the state.
TEST_P(StatePowerLossTest, AStateNeverStandsForWhatWasNotDurableBeforeIt) {
  options_.segment_bytes_min = options_.segment_bytes_max = 9 << 20;
  bool lost = true;
  for (uint64_t change = 1; lost; ++change) {
    SCOPED_TRACE(change);
    disk_.Delete(directory_);
    counter_ = Counter();
    counter_.padding = 3000;  // Sectors that may be torn apart.
    Open();
    AppendSpan(BodyList(7, std::string(1 << 20, '\0')));
    Append(std::string((3 << 19) - 4000, '\0'));
    uint64_t acknowledged = 8;
    disk_.PowerOffAfter(change);
    for (int i = 0; i < 4; ++i) {
      acknowledged += TryAppend(std::string(300 << 10, 'p')).ok() ? 1 : 0;
    }
    lost = acknowledged < 12;
    PowerCut({.seed = change});
    ExpectAllThatWasAcknowledged(acknowledged);
    if (HasFailure()) return;
  }
  EXPECT_GT(restored_, 0);
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, StatePowerLossTest,
                         ::testing::Bool());

TEST_F(FolderTest, PowerLossBesideStates) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    disk_.Delete(directory_);
    counter_ = Counter();
    Open();
    const std::string body(128 << 10, 'p');
    disk_.PowerOffAfter(60 + seed * 17);
    while (TryAppend(body).ok()) {
    }
    PowerCut(
        {.seed = seed, .survive_percent = static_cast<int>(seed % 3) * 50});
    const uint64_t there = Bodies().size();
    ReopenWithFreshCounter();
    ASSERT_EQ(counter_.records, there) << seed;
    ASSERT_EQ(counter_.bytes, there * body.size());
    Close();
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  }
}

}  // namespace
}  // namespace journal
