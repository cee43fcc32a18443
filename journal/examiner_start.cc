// Where an examination that need not read everything begins.

#include <memory>

#include "journal/examiner.h"
#include "journal/frame.h"

namespace journal {

size_t Examiner::ChooseStart() {
  report_.full = true;
  if (options_.folder != nullptr) options_.folder->Reset();
  if (options_.full || !report_.findings.empty()) return 0;
  size_t start = 0;
  if (options_.folder != nullptr) {
    if (!RestoreState(&start)) return 0;
  } else {
    // Only the newest two can hold anything unconfirmed.
    start = list_.segments.size() >= 2 ? list_.segments.size() - 2 : 0;
  }
  report_.full = start == 0 && start_offset_ == kFirstFrameOffset;
  if (!report_.full) CheckSkipped(start);
  if (report_.findings.empty()) return start;
  // What that is, and where the good part ends, only the whole walk can say.
  StartOver();
  return 0;
}

void Examiner::StartOver() {
  RecoveryReport fresh;
  fresh.mode = options_.mode;
  fresh.journal_uuid = report_.journal_uuid;
  fresh.key_id = report_.key_id;
  report_ = std::move(fresh);
  report_.full = true;
  end_.state = StatePlace();
  cursor_ = Cursor();
  start_offset_ = kFirstFrameOffset;
  if (options_.folder != nullptr) options_.folder->Reset();
}

bool Examiner::RestoreState(size_t* start) {
  const SegmentHeader& newest = list_.segments.back().header;
  if (newest.state_segment_id == 0 ||
      newest.state_segment_id > list_.segments.size() ||
      newest.state_offset % kFrameAlignment != 0) {
    return false;
  }
  const ListedSegment& segment = list_.segments[newest.state_segment_id - 1];
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) return false;
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  Frame frame;
  StatePrefix prefix;
  absl::string_view state;
  // What is wrong with it, if anything, the walk from the first record says.
  if (scanner.ReadFrameAt(newest.state_offset, &frame) != ScanStep::kFrame ||
      frame.header.kind != FrameKind::kState ||
      frame.header.lsn != newest.state_lsn ||
      !decryptor_.Decrypt(segment.header, &frame).empty() ||
      !DecodeStateBody(frame.body, &prefix, &state) ||
      prefix.folder_version != options_.folder->version() ||
      !options_.folder->Restore(state).ok()) {
    options_.folder->Reset();
    return false;
  }
  *start = newest.state_segment_id - 1;
  start_offset_ = frame.end;
  cursor_.last_lsn = frame.header.lsn;
  cursor_.chain = ExtendChain(prefix.chain, frame.header);
  cursor_.records = prefix.records;
  cursor_.segment_records = prefix.records - segment.header.records_before;
  report_.state_lsn = frame.header.lsn;
  report_.watermark = frame.header.watermark;
  end_.state.segment_id = segment.id;
  end_.state.offset = newest.state_offset;
  end_.state.lsn = frame.header.lsn;
  end_.state.state_bytes = state.size();
  return true;
}

// Segments that are not walked still have to be there, long enough, and fit
// together: the head of each against the seal of the one before it.
void Examiner::CheckSkipped(size_t start) {
  for (size_t i = 0; i < start; ++i) {
    const ListedSegment& segment = list_.segments[i];
    const SegmentHeader& next = list_.segments[i + 1].header;
    SegmentInfo info;
    info.id = segment.id;
    info.file = segment.name;
    info.first_lsn = segment.header.first_lsn;
    info.last_lsn = next.first_lsn - 1;
    info.file_bytes = segment.file_bytes;
    info.end_offset = next.predecessor_bytes;
    info.created = absl::FromUnixNanos(segment.header.created_unix_ns);
    info.sealed = true;
    report_.segments.push_back(std::move(info));
    if (!EndsAsNamed(i)) {
      Add(FindingKind::kAckedLoss, segment.name, next.predecessor_bytes, 0,
          segment.header.first_lsn, next.first_lsn - 1,
          "does not end with the seal that its successor names");
    }
  }
}

bool Examiner::EndsAsNamed(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& next = list_.segments[i + 1].header;
  const uint64_t seal_bytes = FrameBytes(kSealBodyBytes);
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok() || next.predecessor_id != segment.id ||
      next.predecessor_bytes < seal_bytes ||
      next.predecessor_bytes > segment.file_bytes ||
      next.predecessor_bytes % kFrameAlignment != 0) {
    return false;
  }
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  Frame frame;
  SealBody seal;
  return scanner.ReadFrameAt(next.predecessor_bytes - seal_bytes, &frame) ==
             ScanStep::kFrame &&
         frame.header.kind == FrameKind::kSeal &&
         frame.header.lsn + 1 == next.first_lsn &&
         DecodeSealBody(frame.body, &seal) &&
         seal.successor_id == next.segment_id &&
         ExtendChain(seal.chain, frame.header) == next.chain_start;
}

}  // namespace journal
