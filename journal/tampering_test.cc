// Somebody who may write the files, and knows the format but not the key,
// recomputes every checksum: nothing passes for what the writer wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/folder.h"
#include "journal/frame.h"
#include "journal/reader.h"
#include "journal/salvage.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kTampered[] = "authentication failed: tampered";

struct StoredFrame {
  FrameHeader header;
  std::string body;
};

class TamperingTest : public JournalFixture {
 protected:
  TamperingTest() { options_.cipher = cipher_.get(); }

  StoredFrame Stored(const FramePlace& place) {
    const std::string bytes = Bytes(place.segment);
    StoredFrame frame;
    EXPECT_TRUE(DecodeFrameHeader(
        bytes.data() + place.offset,
        SegmentSeed(Header(place.segment).uuid, place.segment), place.offset,
        &frame.header));
    frame.body = bytes.substr(place.body, frame.header.body_bytes);
    return frame;
  }

  // Writes the frame there, with checksums that hold.
  void Forge(const FramePlace& place, StoredFrame frame) {
    const uint64_t seed =
        SegmentSeed(Header(place.segment).uuid, place.segment);
    std::string bytes(FrameBytes(frame.body.size()), '\0');
    ASSERT_LE(bytes.size(), place.end - place.offset);
    frame.header.body_bytes = static_cast<uint32_t>(frame.body.size());
    frame.header.body_checksum = BodyChecksum(seed, frame.body);
    EncodeFrameHeader(frame.header, seed, place.offset, bytes.data());
    bytes.replace(kFrameHeaderBytes, frame.body.size(), frame.body);
    WriteBytes(place.segment, place.offset, bytes);
  }
  template <typename Change>
  void Tamper(const FramePlace& place, Change change) {
    StoredFrame frame = Stored(place);
    change(frame);
    Forge(place, std::move(frame));
  }

  // Four records of equal length, LSN 1 to 4, in a segment without an end: no
  // chain speaks against a change.
  void WriteFour() {
    Open();
    for (const char* body : {"aaaa", "bbbb", "cccc", "dddd"}) Append(body);
    Sync();
    Kill();
    frames_ = Frames(1);
    ASSERT_EQ(frames_.size(), 4u);
  }

  // LSN `lsn` to `last` are lost, said so, refused, and all others are there.
  void ExpectLost(Lsn lsn, Lsn last, const BodyList& others) {
    const RecoveryReport report = Examine();
    ASSERT_EQ(report.findings.size(), 1u) << Text(report);
    const Finding& finding = report.findings[0];
    EXPECT_EQ(finding.kind, FindingKind::kAckedLoss) << Text(report);
    EXPECT_THAT(finding.detail, HasSubstr(kTampered));
    EXPECT_EQ(finding.first_lsn, lsn) << Text(report);
    EXPECT_EQ(finding.last_lsn, last) << Text(report);
    EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
    EXPECT_EQ(Bodies(RecoveryMode::kSalvage), others);
    const BodyList before(others.begin(), others.begin() + (lsn - 1));
    EXPECT_EQ(Bodies(RecoveryMode::kPointInTime), before);
    ExpectReaderStops(before);
  }
  void ExpectReaderStops(const BodyList& before) {
    auto reader = Reader::Open(directory_,
                               {.cipher = cipher_.get(), .file_system = &fs_});
    ASSERT_TRUE(reader.ok()) << reader.status();
    ReadResult next = (*reader)->Next();
    BodyList bodies;
    for (; next.outcome == ReadOutcome::kRecord; next = (*reader)->Next()) {
      bodies.emplace_back(next.record.body);
    }
    EXPECT_EQ(bodies, before);
    EXPECT_EQ(next.outcome, ReadOutcome::kDamaged);
    EXPECT_THAT(next.finding.detail, HasSubstr(kTampered));
  }
  bool SeenWithoutKey() {
    options_.cipher = nullptr;
    const bool seen = Examine().damaged();
    options_.cipher = cipher_.get();
    return seen;
  }

  const std::unique_ptr<Cipher> cipher_ =
      Cipher::FromBytes(std::string(kKeyBytes, 'k')).value();
  std::vector<FramePlace> frames_;
};

TEST_F(TamperingTest, AForgerWhoChangesNothingIsNotSeen) {
  WriteFour();
  Tamper(frames_[1], [](StoredFrame&) {});
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("aaaa", "bbbb", "cccc", "dddd"));
}

// The limit that FORMAT.md, section 9, states: what is not there cannot fail.
TEST_F(TamperingTest, AForgerWhoTakesARecordOutIsNotSeen) {
  WriteFour();
  Tamper(frames_[1], [](StoredFrame& frame) {
    frame.header.kind = FrameKind::kWatermark;
    frame.header.type = 0;
    frame.header.flags = 0;
  });
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
  EXPECT_THAT(Bodies(), ElementsAre("aaaa", "cccc", "dddd"));
}

TEST_F(TamperingTest, AnyBitOfABody) {
  WriteFour();
  const StoredFrame whole = Stored(frames_[1]);
  for (size_t at = 0; at < whole.body.size(); ++at) {
    Tamper(frames_[1], [&](StoredFrame& frame) { frame.body[at] ^= 0x20; });
    ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
    Forge(frames_[1], whole);
  }
  // This is what checksums cannot know.
  Tamper(frames_[1], [](StoredFrame& frame) { frame.body[30] ^= 1; });
  EXPECT_FALSE(SeenWithoutKey());
}

TEST_F(TamperingTest, ABodyMovedToAnotherLsn) {
  WriteFour();
  const StoredFrame first = Stored(frames_[0]);
  Tamper(frames_[1], [&](StoredFrame& frame) { frame.body = first.body; });
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
}

TEST_F(TamperingTest, AnotherType) {
  WriteFour();
  Tamper(frames_[1], [](StoredFrame& frame) { frame.header.type = 2; });
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
}

TEST_F(TamperingTest, AnotherFlag) {
  WriteFour();
  Tamper(frames_[1],
         [](StoredFrame& frame) { frame.header.flags |= kIgnorable; });
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
}

TEST_F(TamperingTest, APlainRecordAmongEncryptedOnes) {
  WriteFour();
  Tamper(frames_[1], [](StoredFrame& frame) {
    frame.header.flags &= static_cast<uint8_t>(~kEncrypted);
    frame.body = std::string(frame.body.size(), 'f');
  });
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
  EXPECT_TRUE(SeenWithoutKey());
}

TEST_F(TamperingTest, ABodyTooShortForNonceAndTag) {
  Open();
  Append("aaaa");
  Append("");
  Sync();
  Kill();
  const FramePlace last = Frames(1)[1];
  for (const size_t size : {0, 1, 39}) {
    const std::string whole = Bytes(1);
    Tamper(last, [&](StoredFrame& frame) { frame.body.resize(size); });
    const uint64_t end = last.offset + FrameBytes(size);
    ZeroBytes(1, end, std::max(end, last.end));
    ExpectLost(2, 2, {"aaaa"});
    EXPECT_TRUE(SeenWithoutKey());
    disk_.Put(PathOf(1), whole);
  }
}

TEST_F(TamperingTest, AnEncryptedRecordAmongPlainOnes) {
  options_.cipher = nullptr;
  WriteFour();
  Tamper(frames_[1],
         [](StoredFrame& frame) { frame.header.flags |= kEncrypted; });
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
}

// The same LSN and place in another journal of the same key and history.
TEST_F(TamperingTest, AFrameOfAnotherJournal) {
  WriteFour();
  const StoredFrame foreign = Stored(frames_[1]);
  disk_.Delete(directory_);
  WriteFour();
  Forge(frames_[1], foreign);
  ExpectLost(2, 2, {"aaaa", "cccc", "dddd"});
}

// All frames of segment 2, at their places and with their LSNs, as segment 3.
TEST_F(TamperingTest, FramesOfAnotherSegment) {
  Life({"aaaa"});
  Open();
  Append("bbbb");
  Append("cccc");
  Sync();
  Kill();
  std::vector<StoredFrame> stored;
  const std::vector<FramePlace> places = Frames(2);
  for (const FramePlace& place : places) stored.push_back(Stored(place));
  SwapSegments(2, 3);
  ASSERT_EQ(Bytes(2), "");
  disk_.Delete(PathOf(2));
  RewriteHeader(3, [](SegmentHeader& header) { header.segment_id = 3; });
  for (size_t i = 0; i < places.size(); ++i) {
    FramePlace place = places[i];
    place.segment = 3;
    Forge(place, stored[i]);
  }
  EXPECT_EQ(Frames(3).size(), places.size()) << "every checksum is right";
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("aaaa"));
  const RecoveryReport report = Examine(RecoveryMode::kSalvage);
  EXPECT_THAT(Text(report), HasSubstr(kTampered));
}

TEST_F(TamperingTest, ASpanIsLostAsAWhole) {
  for (size_t which = 0; which < 3; ++which) {
    disk_.Delete(directory_);
    Open();
    Append("aaaa");
    AppendSpan({"s1", "s2", "s3"});
    Append("bbbb");
    Sync();
    Kill();
    Tamper(Frames(1)[1 + which],
           [](StoredFrame& frame) { frame.body[25] ^= 1; });
    ExpectLost(2, 4, {"aaaa", "bbbb"});
  }
}

TEST_F(TamperingTest, ASpanCannotBeCutApart) {
  Open();
  AppendSpan({"s1", "s2"});
  Append("aaaa");
  Sync();
  Kill();
  Tamper(Frames(1)[0], [](StoredFrame& frame) {
    frame.header.flags &= static_cast<uint8_t>(~kSpanContinues);
  });
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("aaaa"));
}

TEST_F(TamperingTest, AlsoWhatNothingConfirmsIsDamageNotATornTail) {
  Open();
  Append("aaaa");
  Sync();
  Append("bbbb");
  Kill();
  Tamper(Frames(1)[1], [](StoredFrame& frame) { frame.body[0] ^= 1; });
  ExpectLost(2, 2, {"aaaa"});
}

TEST_F(TamperingTest, SalvageTakesTheOthers) {
  WriteFour();
  Tamper(frames_[1], [](StoredFrame& frame) { frame.body[30] ^= 1; });
  const auto report = Salvage(directory_, "/copy",
                              {.cipher = cipher_.get(), .file_system = &fs_});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->findings.size(), 1u);
  const auto copy =
      Reader::Open("/copy", {.cipher = cipher_.get(), .file_system = &fs_});
  for (const char* body : {"aaaa", "cccc", "dddd"}) {
    EXPECT_EQ((*copy)->Next().record.body, body);
  }
}

TEST_F(TamperingTest, ReadingAtAPlaceAuthenticates) {
  WriteFour();
  auto reader =
      Reader::Open(directory_, {.cipher = cipher_.get(), .file_system = &fs_});
  (*reader)->Next();
  const Position second = (*reader)->Next().record.position;
  EXPECT_EQ((*reader)->ReadAt(second).record.body, "bbbb");
  EXPECT_EQ((*reader)->ReadAt(second).record.body, "bbbb") << "once more";
  Tamper(frames_[1], [](StoredFrame& frame) { frame.body[30] ^= 1; });
  reader =
      Reader::Open(directory_, {.cipher = cipher_.get(), .file_system = &fs_});
  const ReadResult there = (*reader)->ReadAt(second);
  EXPECT_EQ(there.outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(there.finding.first_lsn, 2);
  EXPECT_THAT(there.finding.detail, HasSubstr(kTampered));
}

// ---------------------------------------------------------------------------
// States

class Counting final : public Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override { count = 0; }
  absl::Status Restore(absl::string_view state) override {
    ++restores;
    return absl::SimpleAtoi(state, &count)
               ? absl::OkStatus()
               : absl::InvalidArgumentError("not a state");
  }
  void Fold(const Record&) override { ++count; }
  std::string Save() override { return absl::StrCat(count); }

  uint64_t count = 0;
  int restores = 0;
};

class TamperedStateTest : public TamperingTest {
 protected:
  void SetUp() override {
    options_.folder = &folder_;
    options_.sync_mode = SyncMode::kNone;
    options_.segment_bytes_max = 64 << 20;
    Open();
    while (!HasState()) {
      Append(std::string(1 << 20, 'm'));
      ++appended_;
    }
    Append("behind it");
    ++appended_;
    Sync();
    Kill();
    folder_ = Counting();
  }
  // Then the state is no longer in the newest segment.
  void OneMoreSegment() {
    Life({});
    folder_ = Counting();
  }
  bool HasState() {
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      for (const FramePlace& frame : Frames(id)) {
        if (frame.kind != FrameKind::kState) continue;
        state_ = frame;
        return true;
      }
    }
    return false;
  }

  Counting folder_;
  FramePlace state_;
  uint64_t appended_ = 0;
};

TEST_F(TamperedStateTest, IsUsedWhenWhole) {
  OneMoreSegment();
  Open();
  EXPECT_EQ(folder_.restores, 1);
  EXPECT_EQ(folder_.count, appended_);
}

TEST_F(TamperedStateTest, IsUsedWhenWholeInTheNewestSegment) {
  ASSERT_EQ(state_.offset, kFirstFrameOffset);
  Open();
  EXPECT_EQ(writer_->recovery_report().state_lsn, state_.lsn);
  EXPECT_EQ(folder_.restores, 1);
  EXPECT_EQ(folder_.count, appended_);
}

TEST_F(TamperedStateTest, IsDamageInTheNewestSegmentNoTornTail) {
  Tamper(state_, [](StoredFrame& frame) { frame.body[70] ^= 1; });
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
  EXPECT_EQ(folder_.restores, 0);
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss) << Text(report);
  EXPECT_EQ(report.findings[0].first_lsn, state_.lsn);
  EXPECT_THAT(report.findings[0].detail, HasSubstr(kTampered));
}

TEST_F(TamperedStateTest, IsNotUsedTheRecordsAreFoldedInstead) {
  OneMoreSegment();
  Tamper(state_, [](StoredFrame& frame) { frame.body[70] ^= 1; });
  ExamineOptions options;
  options.folder = &folder_;
  options.full = false;
  // The strict mode lets nothing through behind it, and refuses.
  options.mode = RecoveryMode::kSalvage;
  options.cipher = cipher_.get();
  options.file_system = &fs_;
  const auto report = journal::Examine(directory_, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(folder_.restores, 0);
  EXPECT_EQ(folder_.count, appended_);
  EXPECT_EQ(report->outcome, FindingKind::kSegmentChain)
      << "the chain disagrees, too: " << Text(*report);
  EXPECT_EQ(report->findings[0].kind, FindingKind::kAckedLoss);
  EXPECT_EQ(report->findings[0].first_lsn, state_.lsn);
  EXPECT_THAT(report->findings[0].detail, HasSubstr(kTampered));
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
}

// A record is no state, whatever its frame says, nor the other way round.
TEST_F(TamperingTest, AnotherKind) {
  WriteFour();
  Tamper(frames_[1],
         [](StoredFrame& frame) { frame.header.kind = FrameKind::kState; });
  EXPECT_THAT(Examine().findings[0].detail, HasSubstr(kTampered));
  EXPECT_THAT(Bodies(RecoveryMode::kSalvage),
              ElementsAre("aaaa", "cccc", "dddd"));
}

}  // namespace
}  // namespace journal
