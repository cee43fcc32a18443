// The frame reader over the bytes of one segment file.
//
// Input: the file.

#include <memory>
#include <string>
#include <vector>

#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"
#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"

namespace journal {
namespace {

constexpr char kPath[] = "/segment";

// Two windows of the scanner, twice the input, and what is small.
constexpr size_t kFixedBytes = 2 << 20;
constexpr size_t kBytesPerByte = 8;

SegmentHeader HeaderOf(absl::string_view bytes) {
  SegmentHeader header;
  for (int copy = 0; copy < kSegmentHeaderCopies; ++copy) {
    const size_t at = copy * kSegmentHeaderBytes;
    if (bytes.size() < at + kSegmentHeaderBytes) break;
    if (DecodeSegmentHeader(bytes.data() + at, &header) == HeaderState::kGood) {
      return header;
    }
  }
  header = SegmentHeader();
  header.segment_id = 1;
  header.first_lsn = 1;
  return header;
}

void CheckFrame(const Frame& frame, absl::string_view bytes, uint64_t from) {
  FUZZ_CHECK(frame.offset >= from);
  FUZZ_CHECK(frame.offset % kFrameAlignment == 0);
  FUZZ_CHECK(frame.end == frame.offset + FrameBytes(frame.header.body_bytes));
  FUZZ_CHECK(frame.end <= bytes.size());
  FUZZ_CHECK(frame.header.watermark < frame.header.lsn);
  FUZZ_CHECK(reinterpret_cast<uintptr_t>(frame.body.data()) % kFrameAlignment ==
             0);
  FUZZ_CHECK(frame.body == bytes.substr(frame.offset + kFrameHeaderBytes,
                                        frame.header.body_bytes));
}

// The zeros at the end, told in another way.
uint64_t NonZeroEnd(absl::string_view bytes, uint64_t from) {
  const size_t last = bytes.find_last_not_of('\0');
  return last == absl::string_view::npos || last < from ? from : last + 1;
}

void Scan(File* file, absl::string_view bytes, const SegmentHeader& header) {
  SegmentScanner scanner(file, bytes.size(), header.uuid, header.segment_id);
  SegmentScanner again(file, bytes.size(), header.uuid, header.segment_id);
  scanner.Seek(kFirstFrameOffset, header.first_lsn);
  uint64_t end = kFirstFrameOffset;
  Lsn expected = header.first_lsn;
  Lsn watermark = 0;
  for (;;) {
    Frame frame;
    ScanStep step = scanner.Next(&frame);
    if (step == ScanStep::kFrame) FUZZ_CHECK(frame.header.lsn == expected);
    if (step == ScanStep::kBad) {
      FUZZ_CHECK(!scanner.bad().reason.empty());
      FUZZ_CHECK(scanner.bad().offset >= end);
      FUZZ_CHECK(scanner.bad().offset < bytes.size());
      step = scanner.Resync(&frame);
    }
    if (step != ScanStep::kFrame) break;
    CheckFrame(frame, bytes, end);
    FUZZ_CHECK(frame.header.lsn >= expected);
    Frame same;
    FUZZ_CHECK(again.ReadFrameAt(frame.offset, &same) == ScanStep::kFrame);
    FUZZ_CHECK(same.header.lsn == frame.header.lsn && same.body == frame.body);
    expected = frame.header.lsn + 1;
    end = frame.end;
    watermark = std::max(watermark, frame.header.watermark);
  }
  FUZZ_CHECK(scanner.MaxWatermarkFrom(kFirstFrameOffset) >= watermark);
  if (end <= bytes.size()) {
    const uint64_t zeros = NonZeroEnd(bytes, end);
    FUZZ_CHECK(scanner.NonZeroEnd(end) == zeros);
    FUZZ_CHECK(scanner.IsZero(zeros, bytes.size() + kSectorBytes));
  }
  FUZZ_CHECK(scanner.read_errors().empty());
}

}  // namespace
}  // namespace journal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(journal::kFixedBytes +
                                    journal::kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  const absl::string_view bytes = input.TakeRest();
  journal::MemoryFileSystem disk;
  disk.Put(journal::kPath, bytes);
  auto file = disk.Open(journal::kPath, journal::OpenMode::kRead);
  FUZZ_CHECK(file.ok());
  journal::Scan(file->get(), bytes, journal::HeaderOf(bytes));
  return 0;
}
