// Puts together the records of one append, so that all of them are delivered or
// none.
#ifndef JOURNAL_SPAN_COLLECTOR_H_
#define JOURNAL_SPAN_COLLECTOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "journal/segment_scanner.h"
#include "journal/types.h"

namespace journal {

// Where a frame of a segment lies, as a Position, and back.
Position MakePosition(uint64_t segment_id, uint64_t offset);
uint64_t PositionSegment(Position position);
uint64_t PositionOffset(Position position);

// `frame` as the application's record.
Record MakeRecord(uint64_t segment_id, const Frame& frame);

// Not thread-safe. Memory is bounded by kSpanBytesMax (format.h).
class SpanCollector {
 public:
  enum class Outcome {
    kPart,      // More of the span has to come.
    kWhole,     // records() are those of a whole append.
    kTooLong,   // More than any writer puts into one append.
    kHeadless,  // A later part of a span whose beginning is not here.
  };

  // Takes the next RECORD frame. After kWhole records() stay valid until the
  // next call; after kTooLong and kHeadless nothing is held.
  Outcome Add(uint64_t segment_id, const Frame& frame);

  // Forgets a span that has no end.
  void Drop();

  // Inside a span: some records are here, the last is not.
  bool open() const { return open_; }
  Lsn first_lsn() const { return first_lsn_; }
  uint64_t first_offset() const { return first_offset_; }

  const std::vector<Record>& records() const { return records_; }

 private:
  bool open_ = false;
  Lsn first_lsn_ = 0;
  uint64_t first_offset_ = 0;
  uint64_t bytes_ = 0;
  std::vector<Record> records_;
  std::vector<std::unique_ptr<char[]>> bodies_;
};

}  // namespace journal

#endif  // JOURNAL_SPAN_COLLECTOR_H_
