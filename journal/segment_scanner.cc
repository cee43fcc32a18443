#include "journal/segment_scanner.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "journal/little_endian.h"

namespace journal {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kWindowBytes = 256 << 10;

// Unreadable places listed one by one; behind the last, the rest of the segment
// counts as unreadable, so that a dead disk does not cost hours of retries.
constexpr size_t kReadErrorsMax = 64;

// What unreadable bytes read as: not zero, so that they are never taken for the
// end of the log.
constexpr char kUnreadable = '\xee';

}  // namespace

SegmentScanner::SegmentScanner(File* file, uint64_t file_bytes,
                               const JournalUuid& uuid, uint64_t segment_id)
    : file_(file),
      file_bytes_(file_bytes),
      seed_(SegmentSeed(uuid, segment_id)) {}

void SegmentScanner::Seek(uint64_t offset, Lsn lsn) {
  assert(offset % kFrameAlignment == 0);
  offset_ = offset;
  expected_lsn_ = lsn;
  window_bytes_ = 0;
}

void SegmentScanner::LookAgain() {
  if (absl::StatusOr<uint64_t> size = file_->Size(); size.ok()) {
    file_bytes_ = *size;
  }
  window_bytes_ = 0;
}

ScanStep SegmentScanner::Next(Frame* frame) {
  const uint64_t sector = AlignUp(offset_, kSectorBytes);
  uint64_t at = offset_;
  // Zeros up to the next sector: an fsync was issued here, the frame starts
  // there.
  if (at < sector && IsZero(at, sector)) at = sector;
  if (at >= file_bytes_) return ScanStep::kEnd;
  ScanStep step = DecodeAt(at, frame);
  if (step == ScanStep::kBad && bad_.lsn == 0 && IsZero(at, file_bytes_)) {
    return ScanStep::kEnd;
  }
  return Accept(step, *frame);
}

ScanStep SegmentScanner::ReadFrameAt(uint64_t offset, Frame* frame) {
  if (offset >= file_bytes_) {
    return SetBad(offset, "behind the end of the file");
  }
  return DecodeAt(offset, frame);
}

ScanStep SegmentScanner::Accept(ScanStep step, const Frame& frame) {
  if (step != ScanStep::kFrame) return step;
  if (frame.header.lsn != expected_lsn_) {
    SetBad(frame.offset,
           absl::StrCat("LSN ", frame.header.lsn, " stands where ",
                        expected_lsn_, " was expected"));
    bad_.lsn = frame.header.lsn;
    bad_.end = frame.end;
    return ScanStep::kBad;
  }
  offset_ = frame.end;
  ++expected_lsn_;
  return ScanStep::kFrame;
}

ScanStep SegmentScanner::DecodeAt(uint64_t offset, Frame* frame) {
  if (file_bytes_ - offset < kFrameHeaderBytes) {
    return SetBad(offset, "the file ends inside a frame header");
  }
  FrameHeader header;
  if (!DecodeFrameHeader(Fetch(offset, kFrameHeaderBytes), seed_, offset,
                         &header)) {
    return SetBad(offset, "frame header does not validate");
  }
  const uint64_t frame_bytes = FrameBytes(header.body_bytes);
  if (file_bytes_ - offset < frame_bytes) {
    SetBad(offset, "the file ends inside a frame");
    bad_.lsn = header.lsn;
    return ScanStep::kBad;
  }
  const char* bytes = Fetch(offset, frame_bytes);
  frame->offset = offset;
  frame->end = offset + frame_bytes;
  frame->header = header;
  frame->body = absl::string_view(bytes + kFrameHeaderBytes, header.body_bytes);
  const absl::string_view padding(
      frame->body.data() + frame->body.size(),
      frame_bytes - kFrameHeaderBytes - header.body_bytes);
  const bool body_whole =
      BodyChecksum(seed_, frame->body) == header.body_checksum;
  if (body_whole && AllZero(padding)) return ScanStep::kFrame;
  SetBad(offset, body_whole ? "padding behind the body is not zero"
                            : "body checksum does not match");
  bad_.lsn = header.lsn;
  bad_.end = frame->end;
  return ScanStep::kBad;
}

ScanStep SegmentScanner::Resync(Frame* frame) {
  // A whole header tells how far its broken body goes: nothing inside it may
  // be taken for a frame.
  uint64_t at = bad_.offset;
  const bool wrong_place = bad_.lsn > expected_lsn_ && bad_.end != 0;
  if (!wrong_place) {
    at = bad_.end != 0 ? bad_.end : AlignUp(at + 1, kFrameAlignment);
  }
  while (at + kFrameHeaderBytes <= file_bytes_) {
    FrameHeader header;
    if (!DecodeFrameHeader(Fetch(at, kFrameHeaderBytes), seed_, at, &header)) {
      at += kFrameAlignment;
      continue;
    }
    const ScanStep step = DecodeAt(at, frame);
    if (step == ScanStep::kFrame && frame->header.lsn >= expected_lsn_) {
      offset_ = frame->end;
      expected_lsn_ = frame->header.lsn + 1;
      return ScanStep::kFrame;
    }
    at = step == ScanStep::kFrame ? frame->end
         : bad_.end != 0          ? bad_.end
                                  : at + kFrameAlignment;
  }
  return ScanStep::kEnd;
}

Lsn SegmentScanner::MaxWatermarkFrom(uint64_t offset) {
  Lsn watermark = 0;
  for (uint64_t at = AlignUp(offset, kFrameAlignment);
       at + kFrameHeaderBytes <= file_bytes_; at += kFrameAlignment) {
    FrameHeader header;
    if (DecodeFrameHeader(Fetch(at, kFrameHeaderBytes), seed_, at, &header)) {
      watermark = std::max(watermark, header.watermark);
    }
  }
  return watermark;
}

uint64_t SegmentScanner::NonZeroEnd(uint64_t offset) {
  uint64_t end = offset;
  while (offset < file_bytes_) {
    const uint64_t size = std::min(kPageBytes, file_bytes_ - offset);
    const absl::string_view bytes(Fetch(offset, size), size);
    if (!AllZero(bytes)) {
      end = offset + bytes.find_last_not_of('\0') + 1;
    }
    offset += size;
  }
  return end;
}

bool SegmentScanner::IsZero(uint64_t from, uint64_t to) {
  to = std::min(to, file_bytes_);
  while (from < to) {
    const uint64_t step = std::min(kPageBytes, to - from);
    if (!AllZero(absl::string_view(Fetch(from, step), step))) return false;
    from += step;
  }
  return true;
}

ScanStep SegmentScanner::SetBad(uint64_t offset, absl::string_view reason) {
  bad_ = Bad{.offset = offset, .reason = std::string(reason)};
  return ScanStep::kBad;
}

const char* SegmentScanner::Fetch(uint64_t offset, uint64_t size) {
  assert(offset + size <= file_bytes_);
  if (offset < window_offset_ ||
      offset + size > window_offset_ + window_bytes_) {
    FillWindow(offset, size);
  }
  return window_.get() + (offset - window_offset_);
}

void SegmentScanner::FillWindow(uint64_t offset, uint64_t size) {
  // The window starts on a page, so that a body's alignment in memory is its
  // alignment in the file.
  const uint64_t start = offset / kPageBytes * kPageBytes;
  const uint64_t wanted =
      std::min(std::max(offset + size, start + kWindowBytes), file_bytes_) -
      start;
  if (window_capacity_ < wanted ||
      window_capacity_ > 2 * wanted + kWindowBytes) {
    window_capacity_ = std::max(wanted, kWindowBytes);
    window_ = std::make_unique_for_overwrite<char[]>(window_capacity_);
  }
  window_offset_ = start;
  window_bytes_ = wanted;
  const absl::StatusOr<size_t> got =
      file_->ReadAt(start, window_.get(), wanted);
  if (!got.ok()) {
    ReadByPages(start, window_.get(), wanted);
  } else if (*got < wanted) {
    // Trimmed by a living writer since the size was taken.
    std::memset(window_.get() + *got, 0, wanted - *got);
  }
}

void SegmentScanner::ReadByPages(uint64_t offset, char* to, uint64_t size) {
  for (uint64_t done = 0; done < size; done += kPageBytes) {
    const uint64_t bytes = std::min(kPageBytes, size - done);
    std::memset(to + done, kUnreadable, bytes);
    if (read_errors_.size() >= kReadErrorsMax) continue;
    const absl::StatusOr<size_t> got =
        file_->ReadAt(offset + done, to + done, bytes);
    if (got.ok()) {
      std::memset(to + done + *got, 0, bytes - *got);
      continue;
    }
    std::memset(to + done, kUnreadable, bytes);
    ReadError error{offset + done, bytes, std::string(got.status().message())};
    if (read_errors_.size() + 1 == kReadErrorsMax) {
      error.bytes = file_bytes_ - error.offset;
    }
    const bool known = std::any_of(
        read_errors_.begin(), read_errors_.end(),
        [&](const ReadError& e) { return e.offset == error.offset; });
    if (!known) read_errors_.push_back(std::move(error));
  }
}

}  // namespace journal
