// A journal that a program of small operations describes: first it is written,
// then changed, with right checksums or behind their back.
#ifndef TESTS_FUZZ_JOURNAL_PROGRAM_H_
#define TESTS_FUZZ_JOURNAL_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_model.h"

namespace fuzz {

// Bounds on what a few bytes of input may ask for.
inline constexpr size_t kProgramOperationsMax = 256;
inline constexpr size_t kProgramSegmentsMax = 4;
inline constexpr size_t kProgramFramesMax = 128;  // Of all segments together.
inline constexpr size_t kProgramBodyBytesMax = 4096;
inline constexpr size_t kProgramTailBytesMax = 8192;
inline constexpr size_t kProgramSpanRecordsMax = 8;

// One byte, of which the low five bits count, then the arguments that its
// comment names. Part of what the corpus means: only added to. A segment or
// frame is taken modulo how many there are.
enum class Operation : uint8_t {
  // Writing.
  kRecord = 0,      // u16 size, u8 filling, u8 ignorable
  kSpan = 1,        // u8 records, u16 size of each, u8 filling
  kWatermark = 2,   //
  kState = 3,       // u8 size
  kSync = 4,        //
  kClose = 5,       //
  kRotate = 6,      //
  kHalfRotate = 7,  // A crash before the seal was written.
  kTail = 8,        // u16 zeros behind the newest segment's frames
  kZeroed = 9,      // The newest head says that all of it was zero-written.
  // Changing, with right checksums.
  kSetHeader = 10,    // u8 segment, u8 field, u64 value
  kSetFrame = 11,     // u8 segment, u8 frame, u8 field, u64 value
  kSetBody = 12,      // u8 segment, u8 frame, u16 offset, u64 value
  kResizeBody = 13,   // u8 segment, u8 frame, u16 size
  kDropFrame = 14,    // u8 segment, u8 frame
  kRepeatFrame = 15,  // u8 segment, u8 frame
  kMoveFrame = 16,    // u8 segment, u8 frame, u8 segment: to its end
  kLink = 17,         // All that was changed made to fit.
  kFileId = 18,       // u8 segment, u8 id
  kDropSegment = 19,  // u8 segment
  // Changing bytes, in this order after all others.
  kFlipBit = 20,     // u8 segment, u32 bit
  kZeroSector = 21,  // u8 segment, u16 sector
  kTruncate = 22,    // u8 segment, u32 size
  kAppend = 23,      // u8 segment, u16 size, u8 filling
  kCopyFile = 24,    // u8 segment, u8 id
  kSwapFiles = 25,   // u8 segment, u8 segment
};

struct Program {
  std::vector<SegmentFile> files;  // No two with the same id.
  // Nothing was changed: the journal is clean, and these are its records.
  bool intact = true;
  std::vector<std::string> records;
};

Program RunProgram(FuzzInput& input);

// Its files in `directory`, which is made.
void PutFiles(const Program& program, const std::string& directory,
              journal::MemoryFileSystem& disk);

}  // namespace fuzz

#endif  // TESTS_FUZZ_JOURNAL_PROGRAM_H_
