// Where an examination that need not read everything begins.

#include <algorithm>
#include <memory>

#include "journal/examiner.h"
#include "journal/frame.h"

namespace journal {

// False when there is nothing to begin with but the beginning, or when what is
// skipped is not as it should be.
bool Examiner::StartQuickly(size_t* start) {
  if (list_.segments.empty()) return false;
  if (options_.folder != nullptr) {
    options_.folder->Reset();
    if (!RestoreState(start)) return false;
  } else {
    // Only the newest two can hold anything unconfirmed. Of those that a
    // snapshot covers, one in between may be gone.
    const size_t count = list_.segments.size();
    *start = count - 1;
    if (count >= 2 &&
        list_.segments[count - 2].id + 1 == list_.segments[count - 1].id) {
      *start = count - 2;
    }
  }
  report_.full = *start == 0 && start_offset_ == kFirstFrameOffset &&
                 base_.manifest.last_segment == 0;
  if (!report_.full) CheckSkipped(*start);
  return report_.findings.empty() && FollowsSnapshot(*start);
}

// The newest state is the newest segment's first frame, or else the one that
// its header names. What is wrong with either, if anything, the walk says.
bool Examiner::RestoreState(size_t* start) {
  const SegmentHeader& newest = list_.segments.back().header;
  const size_t count = list_.segments.size();
  *start = count - 1;
  if (RestoreStateAt(*start, kFirstFrameOffset, newest.first_lsn)) return true;
  const uint64_t back =
      list_.segments.back().id -
      std::min(newest.state_segment_id, list_.segments.back().id);
  if (newest.state_segment_id == 0 || back >= count ||
      list_.segments[count - 1 - back].id != newest.state_segment_id ||
      newest.state_offset % kFrameAlignment != 0) {
    return false;
  }
  *start = count - 1 - back;
  return RestoreStateAt(*start, newest.state_offset, newest.state_lsn);
}

// False, with nothing restored, when no state can be taken from there.
bool Examiner::RestoreStateAt(size_t i, uint64_t offset, Lsn lsn) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& header = segment.header;
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) return false;
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  Frame frame;
  StatePrefix prefix;
  absl::string_view state;
  if (scanner.ReadFrameAt(offset, &frame) != ScanStep::kFrame ||
      frame.header.kind != FrameKind::kState || frame.header.lsn != lsn ||
      !decryptor_.Decrypt(header, &frame).empty() ||
      !DecodeStateBody(frame.body, &prefix, &state) ||
      prefix.as_of_lsn + 1 != lsn ||
      (offset == kFirstFrameOffset &&
       (prefix.chain != header.chain_start ||
        prefix.records != header.records_before)) ||
      !options_.folder->CanRestore(prefix.folder_version)) {
    return false;
  }
  if (!options_.folder->Restore(state).ok()) {
    options_.folder->Reset();
    return false;
  }
  start_offset_ = frame.end;
  cursor_.last_lsn = lsn;
  cursor_.chain = ExtendChain(prefix.chain, frame.header);
  cursor_.records = prefix.records;
  cursor_.segment_records = prefix.records - header.records_before;
  report_.state_lsn = lsn;
  report_.watermark = frame.header.watermark;
  end_.state.segment_id = segment.id;
  end_.state.offset = offset;
  end_.state.lsn = lsn;
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
    info.covered = segment.id <= base_.manifest.last_segment;
    // One that a snapshot covers may stand beside a gap.
    if (info.covered) info.last_lsn = 0;
    const bool covered = info.covered;
    report_.segments.push_back(std::move(info));
    if (!covered && !EndsAsNamed(i)) {
      Add(FindingKind::kAckedLoss, segment.name, next.predecessor_bytes, 0,
          segment.header.first_lsn, next.first_lsn - 1,
          "does not end with the seal that its successor names");
    }
  }
}

// Where the log begins behind the snapshot its head has no predecessor to fit,
// or one that is a second copy. What is wrong a walk over everything says.
bool Examiner::FollowsSnapshot(size_t start) const {
  const SegmentHeader& header = list_.segments[start].header;
  const Manifest& base = base_.manifest;
  return header.segment_id != base.last_segment + 1 || base.last_segment == 0 ||
         (header.first_lsn == base.last_lsn + 1 &&
          header.predecessor_bytes == base.seal_end &&
          header.chain_start == base.chain_end &&
          header.records_before == base.records_after);
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
