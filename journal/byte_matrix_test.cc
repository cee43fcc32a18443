// Every bit of a small journal flipped, every length cut, every sector zeroed,
// every two sectors swapped: nothing goes unseen, and nothing that is whole is
// called lost.
//
// JOURNAL_MATRIX_STRIDE=n takes every nth place only (for slow sanitizers).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/testing/journal_fixture.h"
#include "journal/testing/setting.h"

namespace journal {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kDefaultStride = 29;
#else
constexpr uint64_t kDefaultStride = 1;
#endif

uint64_t Stride() {
  return Setting("JOURNAL_MATRIX_STRIDE", kDefaultStride, 1);
}

class ByteMatrixTest : public JournalFixture {
 protected:
  // Four segments: closed; killed and sealed by the next opening, with gaps,
  // spans, empty and zero bodies; cut and sealed; closed for good.
  void SetUp() override {
    fs_.Heal();
    options_.file_system = &disk_;
    Life({"a1", std::string(700, 'a'), ""});
    Open();
    Append("b1");
    Sync();
    Append(std::string(100, '\0'));
    AppendSpan({"s1", "s2", "s3"});
    Sync();
    Append("b9");
    Kill();
    Open();
    Append("c1");
    Sync();
    Append(std::string(1500, 'c'));
    Kill();
    const FramePlace torn = Frames(3).back();
    ZeroBytes(3, torn.end - 600, torn.end);
    Life({"d1", "d2", std::string(900, 'd')});
    Remember();
  }

  void Remember() {
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    uint64_t total = 0;
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      segments_ = id;
      frames_[id] = Frames(id);
      total += Size(id);
    }
    ASSERT_EQ(segments_, 4);
    ASSERT_LE(total, 16 << 10);
    records_ = Records();
  }

  struct Found {
    RecoveryReport report;
    std::map<Lsn, std::string> records;
  };
  Found Salvaged() {
    Found found;
    ExamineOptions options;
    options.mode = RecoveryMode::kSalvage;
    options.cipher = options_.cipher;
    options.file_system = &disk_;
    found.report =
        journal::Examine(directory_, options, [&](const Record& record) {
          found.records[record.lsn] = std::string(record.body);
        }).value();
    return found;
  }
  std::map<Lsn, std::string> Records() { return Salvaged().records; }

  // The frame that holds this byte, or the next one for a byte of a gap. A
  // place behind the last frame gives an empty one.
  FramePlace FrameAt(uint64_t segment, uint64_t offset) {
    for (const FramePlace& frame : frames_[segment]) {
      if (offset < frame.end) return frame;
    }
    return {};
  }

  // Every record whose frame, or whose span, lies in none of the places.
  std::map<Lsn, std::string> AllBut(const std::vector<FramePlace>& damaged) {
    std::map<Lsn, std::string> rest = records_;
    for (const FramePlace& frame : damaged) {
      rest.erase(frame.lsn);
      const auto in = records_.find(frame.lsn);
      if (in == records_.end() || in->second[0] != 's') continue;
      std::erase_if(rest, [](const auto& each) {
        return !each.second.empty() && each.second[0] == 's';
      });
    }
    return rest;
  }

  std::map<uint64_t, std::vector<FramePlace>> frames_;
  std::map<Lsn, std::string> records_;
  uint64_t segments_ = 0;
};

bool Names(const Finding& finding, Lsn lsn) {
  return finding.first_lsn <= lsn &&
         (finding.last_lsn == 0 || lsn <= finding.last_lsn);
}

TEST_F(ByteMatrixTest, EveryFlippedBitIsSeenAndNamed) {
  uint64_t step = 0;
  for (uint64_t id = 1; id <= segments_; ++id) {
    const std::string file = SegmentFileName(id);
    const uint64_t size = Size(id);
    for (uint64_t at = 0; at < size; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        if (++step % Stride() != 0) continue;
        disk_.Xor(PathOf(id), at, static_cast<char>(1 << bit));
        const Found found = Salvaged();
        const RecoveryReport& report = found.report;
        SCOPED_TRACE(
            absl::StrCat(file, " byte ", at, " bit ", bit, "\n", Text(report)));
        ASSERT_TRUE(report.damaged());
        ASSERT_EQ(Decide(report.outcome, RecoveryMode::kStrict),
                  RecoveryAction::kRefuse);
        ASSERT_EQ(report.findings.size(), 1);
        const Finding& finding = report.findings[0];
        ASSERT_EQ(finding.file, file);
        ASSERT_GE(at + 48, finding.offset);
        if (at < kFirstFrameOffset) {
          ASSERT_EQ(report.outcome, FindingKind::kNoRecordLost);
          ASSERT_EQ(finding.offset,
                    at / kSegmentHeaderBytes * kSegmentHeaderBytes);
          ASSERT_EQ(found.records, records_);
        } else {
          const FramePlace hit = FrameAt(id, at);
          ASSERT_TRUE(Names(finding, hit.lsn)) << "LSN " << hit.lsn;
          ASSERT_LE(finding.offset, at);
          ASSERT_LE(at, finding.offset + finding.bytes);
          const bool in_gap = at < hit.offset;
          ASSERT_EQ(found.records, in_gap ? records_ : AllBut({hit}));
        }
        disk_.Xor(PathOf(id), at, static_cast<char>(1 << bit));
      }
    }
  }
}

TEST_F(ByteMatrixTest, EveryFlippedBitIsRefusedByAWriter) {
  options_.verify_all = true;
  uint64_t step = 0;
  for (uint64_t id = 1; id <= segments_; ++id) {
    for (uint64_t at = 0; at < Size(id); ++at) {
      // Opening starts threads: fewer of these.
      if (++step % (Stride() * 7) != 0) continue;
      disk_.Xor(PathOf(id), at, 0x10);
      ASSERT_EQ(KindOf(TryOpen()), ErrorKind::kDamage) << id << " " << at;
      disk_.Xor(PathOf(id), at, 0x10);
    }
  }
}

TEST_F(ByteMatrixTest, EveryLengthIsSeen) {
  uint64_t step = 0;
  for (uint64_t id = 1; id <= segments_; ++id) {
    const std::string whole = Bytes(id);
    for (uint64_t size = 0; size < whole.size(); ++size) {
      if (++step % Stride() != 0) continue;
      disk_.Put(PathOf(id), whole.substr(0, size));
      const Found found = Salvaged();
      SCOPED_TRACE(
          absl::StrCat(id, " cut to ", size, "\n", Text(found.report)));
      ASSERT_TRUE(found.report.damaged());
      ASSERT_TRUE(std::any_of(
          found.report.findings.begin(), found.report.findings.end(),
          [&](const Finding& f) { return f.file == SegmentFileName(id); }));
      std::vector<FramePlace> lost;
      for (const FramePlace& frame : frames_[id]) {
        if (frame.end > size || size < kSegmentHeaderBytes) {
          lost.push_back(frame);
        }
      }
      ASSERT_EQ(found.records, AllBut(lost));
      // Every record that is gone is named.
      for (const FramePlace& frame : lost) {
        if (records_.count(frame.lsn) == 0) continue;
        ASSERT_TRUE(std::any_of(found.report.findings.begin(),
                                found.report.findings.end(),
                                [&](const Finding& f) {
                                  return f.first_lsn && Names(f, frame.lsn);
                                }))
            << "LSN " << frame.lsn << " is lost and not named";
      }
    }
    disk_.Put(PathOf(id), whole);
  }
}

TEST_F(ByteMatrixTest, EverySectorZeroedIsSeen) {
  for (uint64_t id = 1; id <= segments_; ++id) {
    const std::string whole = Bytes(id);
    for (uint64_t at = 0; at < whole.size(); at += kSectorBytes) {
      const uint64_t end = std::min<uint64_t>(at + kSectorBytes, whole.size());
      ZeroBytes(id, at, end);
      const Found found = Salvaged();
      SCOPED_TRACE(absl::StrCat(id, " sector at ", at, Text(found.report)));
      if (Bytes(id) == whole) continue;  // All gap.
      ASSERT_TRUE(found.report.damaged());
      std::vector<FramePlace> lost;
      for (const FramePlace& frame : frames_[id]) {
        if (frame.offset < end && frame.end > at) lost.push_back(frame);
      }
      ASSERT_EQ(found.records, AllBut(lost));
      disk_.Put(PathOf(id), whole);
    }
  }
}

TEST_F(ByteMatrixTest, EveryTwoSectorsSwappedAreSeen) {
  for (uint64_t id = 1; id <= segments_; ++id) {
    const std::string whole = Bytes(id);
    const uint64_t sectors = whole.size() / kSectorBytes;
    for (uint64_t a = 0; a < sectors; ++a) {
      for (uint64_t b = a + 1; b < sectors; ++b) {
        const std::string one = whole.substr(a * kSectorBytes, kSectorBytes);
        const std::string two = whole.substr(b * kSectorBytes, kSectorBytes);
        if (one == two) continue;  // The header's copies.
        WriteBytes(id, a * kSectorBytes, two);
        WriteBytes(id, b * kSectorBytes, one);
        const Found found = Salvaged();
        SCOPED_TRACE(absl::StrCat(id, ": ", a, " and ", b, Text(found.report)));
        ASSERT_TRUE(found.report.damaged());
        for (const auto& [lsn, body] : found.records) {
          ASSERT_TRUE(records_.count(lsn) != 0 && records_[lsn] == body)
              << "LSN " << lsn << " was never written";
        }
        disk_.Put(PathOf(id), whole);
      }
    }
  }
}

// ---------------------------------------------------------------------------
// Encrypted: the same is seen by whoever has no key

class EncryptedByteMatrixTest : public ByteMatrixTest {
 protected:
  void SetUp() override {
    options_.cipher = cipher_.get();
    ByteMatrixTest::SetUp();
    options_.cipher = nullptr;
  }
  // The one finding, which names a place at or before `at`, and after it.
  void ExpectSeen(uint64_t segment, uint64_t at) {
    const RecoveryReport report = Examine(RecoveryMode::kSalvage);
    SCOPED_TRACE(absl::StrCat(segment, " byte ", at, "\n", Text(report)));
    ASSERT_TRUE(report.damaged());
    ASSERT_EQ(Decide(report.outcome, RecoveryMode::kStrict),
              RecoveryAction::kRefuse);
    ASSERT_EQ(report.findings.size(), 1);
    ASSERT_EQ(report.findings[0].file, SegmentFileName(segment));
    if (at < kFirstFrameOffset) return;
    ASSERT_TRUE(Names(report.findings[0], FrameAt(segment, at).lsn));
  }

  const std::unique_ptr<Cipher> cipher_ =
      Cipher::FromBytes(std::string(kKeyBytes, 'k')).value();
};

TEST_F(EncryptedByteMatrixTest, EveryFlippedBitIsSeenWithoutTheKey) {
  uint64_t step = 0;
  for (uint64_t id = 1; id <= segments_; ++id) {
    for (uint64_t at = 0; at < Size(id); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        // Every byte; of its bits, without a sanitizer, every third.
        if (++step % (Stride() * 3) != 0) continue;
        disk_.Xor(PathOf(id), at, static_cast<char>(1 << bit));
        ASSERT_NO_FATAL_FAILURE(ExpectSeen(id, at)) << bit;
        disk_.Xor(PathOf(id), at, static_cast<char>(1 << bit));
      }
    }
  }
}

TEST_F(EncryptedByteMatrixTest, EveryLengthIsSeenWithoutTheKey) {
  uint64_t step = 0;
  for (uint64_t id = 1; id <= segments_; ++id) {
    const std::string whole = Bytes(id);
    for (uint64_t size = 0; size < whole.size(); ++size) {
      if (++step % Stride() != 0) continue;
      disk_.Put(PathOf(id), whole.substr(0, size));
      ASSERT_TRUE(Examine().damaged()) << id << " cut to " << size;
    }
    disk_.Put(PathOf(id), whole);
  }
}

// ---------------------------------------------------------------------------
// The tail

class TailTest : public JournalFixture {
 protected:
  // "kept" is confirmed; "the tail" is written, and confirmed only if asked.
  void Write(bool confirm) {
    options_.file_system = &disk_;
    disk_.Delete(directory_);
    Open();
    Append("kept");
    Sync();
    Append(body_);
    if (confirm) {
      Sync();
      Append("it is confirmed by this one");
    }
    Kill();
    tail_ = FrameOf(body_);
  }

  const std::string body_ = absl::StrCat("the tail", std::string(1200, 't'));
  FramePlace tail_;
};

TEST_F(TailTest, Case02_UnconfirmedAndZeroedFromEachByteOnIsTornAndCut) {
  for (uint64_t from = 0; from < 48 + 1208; from += Stride()) {
    Write(false);
    const uint64_t at = tail_.offset + from;
    const uint64_t end = FrameOf("kept").end;
    const std::string torn = Bytes(1).substr(end, at - end);
    ZeroBytes(1, at, tail_.end);
    const RecoveryReport report = Examine();
    SCOPED_TRACE(absl::StrCat("from ", from, "\n", Text(report)));
    ASSERT_EQ(report.outcome,
              from == 0 ? FindingKind::kCleanEnd : FindingKind::kTornTail);
    ASSERT_EQ(Bodies(), BodyList{"kept"});
    ASSERT_TRUE(TryOpen().ok());
    Append("next");
    Close();
    const std::string kept = torn.substr(0, torn.find_last_not_of('\0') + 1);
    ASSERT_EQ(TornBytes(), from == 0 ? BodyList{} : BodyList{kept});
    ASSERT_EQ(Examine().outcome, FindingKind::kCleanEnd);
    ASSERT_EQ(Bodies(), (BodyList{"kept", "next"}));
  }
}

TEST_F(TailTest, Case03_ConfirmedAndZeroedFromEachByteOnIsLoss) {
  Write(true);
  const std::string whole = Bytes(1);
  for (uint64_t from = 0; from < 48 + 1208; ++from) {
    ZeroBytes(1, tail_.offset + from, tail_.end);
    const RecoveryReport report = Examine();
    ASSERT_EQ(report.outcome, FindingKind::kAckedLoss) << from << Text(report);
    ASSERT_TRUE(Names(report.findings[0], tail_.lsn)) << Text(report);
    ASSERT_EQ(Bodies(), BodyList{"kept"});
    disk_.Put(PathOf(1), whole);
  }
}

TEST_F(TailTest, UnconfirmedWithAnyBitFlippedIsTorn) {
  Write(false);
  for (uint64_t at = tail_.offset; at < tail_.end; at += Stride()) {
    disk_.Xor(PathOf(1), at, 0x04);
    const RecoveryReport report = Examine();
    ASSERT_EQ(report.outcome, FindingKind::kTornTail) << at << Text(report);
    ASSERT_EQ(report.findings[0].first_lsn, tail_.lsn);
    disk_.Xor(PathOf(1), at, 0x04);
  }
}

TEST_F(TailTest, Case03_AFileCutShorterThanStatedIsLossAtAnyByte) {
  Write(false);
  const std::string whole = Bytes(1);
  for (uint64_t size = 0; size < whole.size(); ++size) {
    // Beyond the records one in a hundred will do.
    if (size > tail_.end + 1000 && size % 97 != 0) continue;
    disk_.Put(PathOf(1), whole.substr(0, size));
    const RecoveryReport report = Examine();
    ASSERT_EQ(report.outcome, size < kSegmentHeaderBytes
                                  ? FindingKind::kHeadersBad
                                  : FindingKind::kAckedLoss)
        << size << Text(report);
  }
}

TEST_F(TailTest, Case23_AnySectorsOfTheLastBatchMayBeMissing) {
  Write(false);
  const std::string whole = Bytes(1);
  const uint64_t first = tail_.offset / kSectorBytes;
  const uint64_t sectors = (tail_.end - 1) / kSectorBytes - first + 1;
  for (uint64_t lost = 1; lost < (1u << sectors); ++lost) {
    for (uint64_t i = 0; i < sectors; ++i) {
      if ((lost >> i & 1) == 0) continue;
      const uint64_t at = (first + i) * kSectorBytes;
      ZeroBytes(1, std::max(at, tail_.offset), at + kSectorBytes);
    }
    const RecoveryReport report = Examine();
    ASSERT_EQ(Bodies(), BodyList{"kept"});
    ASSERT_LE(report.outcome, FindingKind::kTornTail) << lost << Text(report);
    disk_.Put(PathOf(1), whole);
  }
}

}  // namespace
}  // namespace journal
