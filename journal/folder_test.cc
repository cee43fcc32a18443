// The state that an application's folder keeps in the journal, so that opening
// need not read everything.
#include "journal/folder.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
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
    if (refuse) return absl::InvalidArgumentError("no");
    ++restores;
    folded = 0;
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

  uint32_t version_ = 1;
  size_t padding = 0;
  bool refuse = false;
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
  int StateFrames() {
    int count = 0;
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      for (const FramePlace& frame : Frames(id)) {
        count += frame.kind == FrameKind::kState;
      }
    }
    return count;
  }
  FramePlace NewestState() {
    FramePlace found;
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      for (const FramePlace& frame : Frames(id)) {
        if (frame.kind == FrameKind::kState) found = frame;
      }
    }
    return found;
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
  EXPECT_EQ(StateFrames(), 2);
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
  counter_.padding = (1 << 20) - 64;
  options_.segment_bytes_min = options_.segment_bytes_max = 17 << 20;
  Open();
  disk_.SetCapacity(disk_.UsedBytes());
  // The last one calls for a state, which does not fit behind it.
  for (int i = 0; i < 16; ++i) Append(std::string(1 << 20, '\0'));
  EXPECT_EQ(counter_.saves, 1);
  EXPECT_EQ(StateFrames(), 0);
  Append("goes on");
  disk_.SetCapacity(1 << 30);
  Append(std::string(2 << 20, '\0'));
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_EQ(Bodies().size(), 18);
}

// The commit that writes a state, each call of which may fail.
TEST_F(FolderTest, EveryCallOfAStateFails) {
  options_.segment_bytes_min = options_.segment_bytes_max = 32 << 20;
  const std::string zeros(1 << 20, '\0');
  int states = 0;
  for (const FileOp op : {FileOp::kWrite, FileOp::kSync, FileOp::kCreate,
                          FileOp::kRename, FileOp::kSyncDirectory}) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
      SCOPED_TRACE(absl::StrCat(FileOpName(op), " ", nth));
      disk_.Delete(directory_);
      counter_ = Counter();
      Open();
      for (int i = 0; i < 15; ++i) Append(zeros);
      fs_.ClearCalls();
      fs_.Inject({.op = op, .name_part = "0000000001", .nth = nth});
      const bool appended = TryAppend(std::string(2 << 20, '\0')).ok();
      failed = fs_.Count(op, "0000000001") >= nth;
      EXPECT_EQ(appended, !failed);
      fs_.Heal();
      Kill();
      const uint64_t there = Bodies().size();
      ASSERT_GE(there, appended ? 16 : 15);
      states += StateFrames();
      ReopenWithFreshCounter();
      ASSERT_EQ(counter_.records, there);
      Close();
      ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    }
  }
  EXPECT_GT(states, 0);
}

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
