#include "journal/span_collector.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "journal/format.h"

namespace journal {
namespace {

constexpr int kPositionShift = 32;

}  // namespace

Position MakePosition(uint64_t segment_id, uint64_t offset) {
  return (segment_id << kPositionShift) | (offset / kFrameAlignment);
}

uint64_t PositionSegment(Position position) {
  return position >> kPositionShift;
}

uint64_t PositionOffset(Position position) {
  return (position & ((1ull << kPositionShift) - 1)) * kFrameAlignment;
}

Record MakeRecord(uint64_t segment_id, const Frame& frame) {
  Record record;
  record.lsn = frame.header.lsn;
  record.position = MakePosition(segment_id, frame.offset);
  record.type = frame.header.type;
  record.ignorable = (frame.header.flags & kIgnorable) != 0;
  record.body = frame.body;
  return record;
}

SpanCollector::Outcome SpanCollector::Add(uint64_t segment_id,
                                          const Frame& frame) {
  if (!open_) Drop();
  const bool continues = (frame.header.flags & kSpanContinues) != 0;
  const bool follows = (frame.header.flags & kSpanFollows) != 0;
  if (follows != open_) {
    Drop();
    return Outcome::kHeadless;
  }
  Record record = MakeRecord(segment_id, frame);
  if (!continues && !open_) {
    records_.push_back(record);
    return Outcome::kWhole;
  }
  if (!open_) {
    first_lsn_ = record.lsn;
    first_offset_ = frame.offset;
  }
  bytes_ += frame.end - frame.offset;
  if (bytes_ > kSpanBytesMax) {
    Drop();
    return Outcome::kTooLong;
  }
  // The frame's own bytes are gone when the next one is read.
  bodies_.push_back(std::make_unique_for_overwrite<char[]>(frame.body.size()));
  std::copy(frame.body.begin(), frame.body.end(), bodies_.back().get());
  record.body = absl::string_view(bodies_.back().get(), frame.body.size());
  records_.push_back(record);
  open_ = continues;
  return continues ? Outcome::kPart : Outcome::kWhole;
}

void SpanCollector::Drop() {
  open_ = false;
  bytes_ = 0;
  records_.clear();
  bodies_.clear();
}

}  // namespace journal
