// Tests of the journal in the words of the journal.
//
//   using RecoveryTest = JournalFixture;
//   TEST_F(RecoveryTest, AConfirmedRecordIsNeverCut) {
//     Open();
//     Append("a");
//     Append("b");
//     Close();
//     FlipBit(FrameOf("b"), 3);
//     EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss);
//   }
#ifndef JOURNAL_TESTING_JOURNAL_FIXTURE_H_
#define JOURNAL_TESTING_JOURNAL_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "journal/segment_header.h"
#include "journal/testing/fake_clock.h"
#include "journal/testing/fault_file_system.h"
#include "journal/testing/memory_file_system.h"
#include "journal/types.h"
#include "journal/writer.h"

namespace journal {

using BodyList = std::vector<std::string>;

// Where a frame lies.
struct FramePlace {
  uint64_t segment = 0;
  uint64_t offset = 0;
  uint64_t body = 0;  // Offset of the body.
  uint64_t end = 0;   // Behind the padding.
  Lsn lsn = 0;
  Lsn watermark = 0;
  FrameKind kind = FrameKind::kRecord;
};

// One journal, "/journal", on a disk in memory under a clock that stands
// still, so that nothing happens in the background unless a test moves it.
class JournalFixture : public ::testing::Test {
 protected:
  JournalFixture();
  ~JournalFixture() override;

  // -- Writing. Failures of what should succeed fail the test. --------------

  // Closes nothing: a writer that still lives loses the lock by Kill() only.
  void Open();
  void Open(RecoveryMode mode, bool append_after_damage = false);
  absl::Status TryOpen();
  Lsn Append(absl::string_view body);
  absl::StatusOr<Lsn> TryAppend(absl::string_view body);
  // Returns the last one's LSN.
  Lsn AppendSpan(const BodyList& bodies);
  void Sync();
  void Close();
  // Opens, appends the bodies, closes: one segment more.
  void Life(const BodyList& bodies);

  // kill -9: what was written stays in the page cache, nothing more is.
  void Kill();
  // Power goes: what was not synced survives as `loss` says.
  void PowerCut(const PowerLoss& loss = {});

  // -- Damage, behind the engine's back -------------------------------------

  void FlipBit(uint64_t segment, uint64_t offset, int bit);
  // A bit in the middle of the body, or in the header of an empty one.
  void FlipBit(const FramePlace& frame, int bit = 0);
  void ZeroBytes(uint64_t segment, uint64_t from, uint64_t to);
  void WriteBytes(uint64_t segment, uint64_t offset, absl::string_view bytes);
  void AppendBytes(uint64_t segment, absl::string_view bytes);
  // Behind the last whole frame of a segment, one more with right checksums,
  // as some writer could have made it. LSN 0: the next one.
  void AppendFrame(uint64_t segment, FrameHeader header,
                   absl::string_view body);
  // The same at `offset`, over whatever is there.
  void PutFrame(uint64_t segment, uint64_t offset, FrameHeader header,
                absl::string_view body);
  void TruncateTo(uint64_t segment, uint64_t size);
  void DeleteSegment(uint64_t segment);
  void SwapSegments(uint64_t a, uint64_t b);
  void CopySegmentAs(uint64_t from, uint64_t to);
  // Puts in place a segment of a journal with the same history and another
  // UUID.
  void ReplaceByForeign(uint64_t segment);
  // Both header copies again, after `change`, with right checksums.
  template <typename Change>
  void RewriteHeader(uint64_t segment, Change change) {
    SegmentHeader header = Header(segment);
    change(header);
    PutHeader(segment, header);
  }

  // -- Looking, with the key of `options_` ----------------------------------

  RecoveryReport Examine(RecoveryMode mode = RecoveryMode::kStrict);
  // What Examine() of that mode lets through.
  BodyList Bodies(RecoveryMode mode = RecoveryMode::kStrict);
  // The whole frames of a segment, in order.
  std::vector<FramePlace> Frames(uint64_t segment);
  // The newest record with this body; fails the test if there is none.
  FramePlace FrameOf(absl::string_view body);
  FramePlace FrameOfKind(uint64_t segment, FrameKind kind);
  SegmentHeader Header(uint64_t segment);
  std::string Bytes(uint64_t segment);
  uint64_t Size(uint64_t segment) { return Bytes(segment).size(); }
  std::string PathOf(uint64_t segment) const;
  // Names in the journal's directory that contain this, sorted.
  std::vector<std::string> Files(absl::string_view part);
  // Contents of all .torn files, in the order of their names.
  BodyList TornBytes();

  const std::string directory_ = "/journal";
  MemoryFileSystem disk_;
  FaultFileSystem fs_{&disk_};
  FakeClock clock_;
  WriterOptions options_;
  std::unique_ptr<Writer> writer_;

 private:
  void PutHeader(uint64_t segment, const SegmentHeader& header);
};

// "AckedLoss/strict" in failures.
std::string Text(const RecoveryReport& report);

}  // namespace journal

#endif  // JOURNAL_TESTING_JOURNAL_FIXTURE_H_
