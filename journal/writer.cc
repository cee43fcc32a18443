#include "journal/writer.h"

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/group_commit.h"
#include "journal/segment_preparer.h"
#include "journal/writer_open.h"

namespace journal {
namespace {

constexpr uint64_t kSegmentBytesLargest = 4ull << 30;

absl::Status CheckOptions(const WriterOptions& options) {
  absl::string_view wrong;
  if (options.sync_records == 0) wrong = "sync_records must be at least 1";
  if (options.sync_interval <= absl::ZeroDuration()) {
    wrong = "sync_interval must be more than 0";
  }
  if (options.segment_bytes_min < kSegmentBytesSmallest ||
      options.segment_bytes_min > options.segment_bytes_max ||
      options.segment_bytes_max > kSegmentBytesLargest ||
      options.segment_bytes_min % kSectorBytes != 0) {
    wrong =
        "segment_bytes_min must be a multiple of 512, at least 65536 and "
        "at most segment_bytes_max, which is at most 4 GiB";
  }
  if (options.max_record_bytes == 0 ||
      StoredBytes(options.cipher, options.max_record_bytes) > kBodyBytesMax) {
    wrong =
        "max_record_bytes must be between 1 and 1 GiB, and 40 bytes less with "
        "a key";
  }
  return wrong.empty() ? absl::OkStatus()
                       : MakeError(ErrorKind::kInvalidArgument, wrong);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(
    absl::string_view directory, const WriterOptions& options) {
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  WriterOptions complete = options;
  if (complete.file_system == nullptr) {
    complete.file_system = FileSystem::Posix();
  }
  if (complete.clock == nullptr) complete.clock = Clock::Real();
  absl::StatusOr<OpenedLog> opened = OpenLog(directory, complete);
  if (!opened.ok()) return opened.status();
  auto writer =
      std::make_unique<GroupCommitWriter>(complete, *std::move(opened));
  if (absl::Status s = writer->Start(); !s.ok()) return s;
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace journal
