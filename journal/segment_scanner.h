// Steps through the frames of one segment, and says exactly what is wrong where
// they end.
#ifndef JOURNAL_SEGMENT_SCANNER_H_
#define JOURNAL_SEGMENT_SCANNER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

struct Frame {
  uint64_t offset = 0;
  uint64_t end = 0;  // Behind the padding.
  FrameHeader header;
  absl::string_view body;  // 8-byte aligned; valid until the next call.
};

enum class ScanStep {
  kFrame,
  kEnd,  // Only zeros, or nothing, from here to the end of the file.
  kBad,  // Something is there that is not the next frame: see bad().
};

// Reads through a window of its own; memory is bounded by the window and the
// largest frame, whose length is believed only after its header checksum and
// the size of the file. Never fails: bytes that the disk does not return are
// listed in read_errors() and read as something that no checksum accepts. Not
// thread-safe.
class SegmentScanner {
 public:
  struct Bad {
    uint64_t offset = 0;
    std::string reason;
    // The header at `offset` is whole, and this is its LSN and where the frame
    // would end; else 0.
    Lsn lsn = 0;
    uint64_t end = 0;
  };
  struct ReadError {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    std::string message;
  };

  // `file` is not owned and must outlive the scanner.
  SegmentScanner(File* file, uint64_t file_bytes, const JournalUuid& uuid,
                 uint64_t segment_id);

  // The next Next() looks for the frame `lsn` at `offset` (a multiple of 8).
  // Forgets what was read, so that bytes written since are seen.
  void Seek(uint64_t offset, Lsn lsn);

  // Forgets what was read and asks for the file's size anew: a living writer
  // may have written or trimmed since. Next() looks for the same frame.
  void LookAgain();

  ScanStep Next(Frame* frame);

  // Like Next, for whatever frame lies at exactly `offset`, whatever its LSN.
  ScanStep ReadFrameAt(uint64_t offset, Frame* frame);

  // After kBad: looks further on for a whole frame with an LSN not below the
  // one expected, and makes it the current one. kEnd if there is none.
  ScanStep Resync(Frame* frame);

  // The greatest watermark in any header that validates at or behind `offset`,
  // whether or not its body is whole. 0 if there is none.
  Lsn MaxWatermarkFrom(uint64_t offset);

  // The end of the last byte at or behind `offset` that is not zero; `offset`
  // if there is none.
  uint64_t NonZeroEnd(uint64_t offset);

  // Whether [from, to) is zero, or not in the file.
  bool IsZero(uint64_t from, uint64_t to);

  const Bad& bad() const { return bad_; }
  const std::vector<ReadError>& read_errors() const { return read_errors_; }
  uint64_t offset() const { return offset_; }
  Lsn expected_lsn() const { return expected_lsn_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint64_t seed() const { return seed_; }

 private:
  // `size` bytes at `offset`, which must lie within the file; valid until the
  // next call.
  const char* Fetch(uint64_t offset, uint64_t size);
  void FillWindow(uint64_t offset, uint64_t size);
  void ReadByPages(uint64_t offset, char* to, uint64_t size);

  // Decodes the frame at `offset`. kBad sets bad_.
  ScanStep DecodeAt(uint64_t offset, Frame* frame);
  ScanStep Accept(ScanStep step, const Frame& frame);
  ScanStep SetBad(uint64_t offset, absl::string_view reason);

  File* const file_;
  uint64_t file_bytes_;
  const uint64_t seed_;
  uint64_t offset_ = kFirstFrameOffset;
  Lsn expected_lsn_ = 0;
  Bad bad_;
  std::vector<ReadError> read_errors_;

  std::unique_ptr<char[]> window_;
  uint64_t window_capacity_ = 0;
  uint64_t window_offset_ = 0;
  uint64_t window_bytes_ = 0;
};

}  // namespace journal

#endif  // JOURNAL_SEGMENT_SCANNER_H_
