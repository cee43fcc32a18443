#include "journal/sealed_segment.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_scanner.h"

namespace journal {

absl::StatusOr<SealedSegment> ReadSealedSegment(
    FileSystem& fs, absl::string_view directory, const ListedSegment& segment,
    Lsn last_lsn,
    absl::FunctionRef<void(uint64_t offset, Lsn lsn, absl::string_view what)>
        on_bad,
    const std::function<bool(uint64_t bytes)>& keep_going) {
  absl::StatusOr<std::unique_ptr<File>> file =
      fs.Open(JoinPath(directory, segment.name), OpenMode::kRead);
  if (!file.ok()) return file.status();
  SealedSegment read;
  SegmentInfo& info = read.info;
  info.id = segment.id;
  info.file = segment.name;
  info.first_lsn = segment.header.first_lsn;
  info.file_bytes = segment.file_bytes;
  info.created = absl::FromUnixNanos(segment.header.created_unix_ns);
  SegmentScanner scanner(file->get(), segment.file_bytes, segment.header.uuid,
                         segment.id);
  scanner.Seek(kFirstFrameOffset, info.first_lsn);
  uint64_t chain = segment.header.chain_start;
  uint64_t records = 0;
  for (Frame frame; !info.sealed;) {
    const ScanStep step = scanner.Next(&frame);
    const bool whole = step == ScanStep::kFrame;
    if (keep_going && !keep_going(whole ? frame.end - frame.offset : 0)) {
      return absl::CancelledError("the examination was stopped");
    }
    if (!whole) {
      on_bad(scanner.offset(), scanner.expected_lsn(),
             step == ScanStep::kBad ? absl::string_view(scanner.bad().reason)
                                    : "ends without a seal");
      break;
    }
    if (frame.header.kind == FrameKind::kRecord) ++records;
    info.sealed = frame.header.kind == FrameKind::kSeal;
    info.closed |= frame.header.kind == FrameKind::kClose;
    info.last_lsn = frame.header.lsn;
    info.end_offset = frame.end;
    SealBody seal;
    if (info.sealed && (!DecodeSealBody(frame.body, &seal) ||
                        seal.chain != chain || seal.records != records ||
                        (last_lsn != 0 && last_lsn != info.last_lsn))) {
      on_bad(frame.offset, info.last_lsn,
             "the seal disagrees with the frames before it");
    }
    chain = ExtendChain(chain, frame.header);
  }
  read.chain_end = chain;
  if (info.sealed && scanner.NonZeroEnd(info.end_offset) > info.end_offset) {
    on_bad(info.end_offset, info.last_lsn, "bytes behind the seal are damaged");
  }
  return read;
}

}  // namespace journal
