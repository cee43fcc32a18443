// The segments of a journal's directory and what their heads say.
#ifndef JOURNAL_SEGMENT_LIST_H_
#define JOURNAL_SEGMENT_LIST_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/segment_header.h"

namespace journal {

struct ListedSegment {
  uint64_t id = 0;
  std::string name;
  uint64_t file_bytes = 0;
  bool usable = false;  // Has a header that belongs here.
  // Only one copy of it validates.
  bool half_header = false;
  SegmentHeader header;
};

struct SegmentList {
  JournalUuid uuid = {};
  KeyId key_id = {};  // Zero: not encrypted.
  // In order of their ids. Stay where they are while it grows.
  std::deque<ListedSegment> segments;
  std::vector<Finding> findings;
};

// Reads the heads of all segments, and finds which are foreign, misnamed,
// damaged or of a newer version. Empty when there is none. Errors: kNotFound
// when there is no directory; kIo when it cannot be read.
absl::StatusOr<SegmentList> ListSegments(FileSystem& fs,
                                         absl::string_view directory);

// The ids of the segments in a directory, ascending.
absl::StatusOr<std::vector<uint64_t>> ListSegmentIds(
    FileSystem& fs, absl::string_view directory);

// Adds a finding for each gap between segments from the `first` in the list on.
// Which LSNs are lost with a missing one is known when a walk gets there.
void FindGaps(size_t first, SegmentList* list);

// Adds one segment that appeared since.
void ListOneMore(FileSystem& fs, absl::string_view directory, uint64_t id,
                 SegmentList* list);

// One segment, open for reading, with the first good copy of its header.
struct OpenedSegment {
  std::unique_ptr<File> file;
  uint64_t file_bytes = 0;
  HeaderState state = HeaderState::kBad;
  SegmentHeader header;  // Unless kBad; only versions when kNewer.
  bool first_copy_good = false;
  bool second_copy_good = false;
  // One copy is good and the other validates as nothing at all.
  bool half_header = false;
};
absl::StatusOr<OpenedSegment> OpenSegment(FileSystem& fs,
                                          absl::string_view directory,
                                          uint64_t id);

}  // namespace journal

#endif  // JOURNAL_SEGMENT_LIST_H_
