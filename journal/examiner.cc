#include "journal/examiner.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/clock.h"
#include "journal/error.h"
#include "journal/frame.h"

namespace journal {

Examiner::Examiner(absl::string_view directory, const ExamineOptions& options,
                   std::function<void(const Record&)> on_record)
    : directory_(directory),
      options_(options),
      fs_(options.file_system ? *options.file_system : *FileSystem::Posix()),
      on_record_(std::move(on_record)),
      decryptor_(options.cipher) {}

absl::StatusOr<Examination> Examiner::Run() {
  const absl::Duration start_time = Clock::Real()->Monotonic();
  if (absl::Status s = Load(options_.full); !s.ok()) return s;
  size_t start = 0;
  if (options_.full || !report_.findings.empty() || !StartQuickly(&start)) {
    // What is wrong, if anything, only a walk over everything can say.
    if (!options_.full) {
      if (absl::Status s = Load(true); !s.ok()) return s;
    }
    if (absl::Status s = StartFromBase(); !s.ok()) return s;
    start = 0;
  }
  Walk(start);
  if (NeedsSnapshot(start)) {
    ExamineOptions all = options_;
    all.full = true;
    return Examiner(directory_, all, nullptr).Run();
  }
  if (!KeepGoing(0)) return absl::CancelledError("the examination was stopped");
  report_.last_lsn = settled_.last_lsn;
  report_.records = settled_.records;
  report_.closed = closed_ && !sealed_;
  report_.action = Decide(report_.outcome, report_.mode);
  if (report_.outcome != FindingKind::kCleanEnd &&
      end_.cut_end > settled_.end_offset) {
    report_.bytes_cut = end_.cut_end - settled_.end_offset;
  }
  for (const ListedSegment& segment : list_.segments) {
    const bool given_up =
        std::count(end_.given_up_segments.begin(), end_.given_up_segments.end(),
                   segment.id) > 0;
    if (segment.usable && segment.half_header && !given_up) {
      end_.half_headers.push_back(segment.id);
    }
  }
  report_.elapsed = Clock::Real()->Monotonic() - start_time;
  return Examination{std::move(report_), std::move(end_)};
}

// True when a quick walk met damage and began within what a snapshot covers:
// that may hold what is damaged in the log.
bool Examiner::NeedsSnapshot(size_t start) const {
  return !report_.full && !on_record_ && base_.has_snapshot &&
         report_.outcome > FindingKind::kTornTail &&
         list_.segments[start].id <= base_.manifest.last_segment;
}

// Verifying needs no key, but a wrong one is no key for anything.
absl::Status Examiner::CheckKeyGiven() const {
  const bool reads_bodies = options_.folder != nullptr || on_record_ != nullptr;
  if (options_.cipher == nullptr && !reads_bodies) return absl::OkStatus();
  return WithContext(CheckKey(list_.key_id, options_.cipher), directory_);
}

void Examiner::Walk(size_t start) {
  if (start < list_.segments.size()) BeginAt(start);
  for (size_t i = start;
       i < list_.segments.size() && !finished_ && KeepGoing(0); ++i) {
    const ListedSegment& segment = list_.segments[i];
    if (segment.id <= replaced_up_to_) continue;
    // What a missing one held is said when the next one has been entered.
    if (segment.id != previous_id_ + 1) StopBefore(i);
    if (!segment.usable) {
      StopBefore(i);
      chain_known_ = false;
      continue;
    }
    EnterSegment(i);
    ScanSegment(i);
    start_offset_ = kFirstFrameOffset;
  }
  if (!stopped_) end_.cursor = settled_;
  NameLost("", 0);
  if (end_.rotation_unfinished) {
    cursor_ = Cursor();
    cursor_.end_offset = kFirstFrameOffset;
    sealed_ = false;
    Describe(list_.segments.size() - 1);
  }
}

void Examiner::BeginAt(size_t start) {
  const ListedSegment& segment = list_.segments[start];
  const Manifest& base = base_.manifest;
  // Behind what is skipped, or within what the snapshot covers; gaps have been
  // looked for before.
  const bool inside = start > 0 || segment.id <= base.last_segment;
  if (start_offset_ == kFirstFrameOffset) {
    if (inside && segment.usable) {
      cursor_.last_lsn = segment.header.first_lsn - 1;
      cursor_.records = segment.header.records_before;
      cursor_.chain = segment.header.chain_start;
      cursor_.end_offset = segment.header.predecessor_bytes;
    } else if (base.last_segment > 0) {
      cursor_.last_lsn = base.last_lsn;
      cursor_.records = base.records_after;
      cursor_.chain = base.chain_end;
      cursor_.end_offset = base.seal_end;
    } else {
      cursor_.chain = FirstChain(end_.uuid);
    }
  }
  previous_id_ = inside ? segment.id - 1 : base.last_segment;
  expected_lsn_ = cursor_.last_lsn + 1;
  settled_ = cursor_;
}

void Examiner::EnterSegment(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& header = segment.header;
  if (start_offset_ == kFirstFrameOffset) {
    CheckHead(i);
    cursor_.last_lsn = header.first_lsn - 1;
    cursor_.chain = header.chain_start;
    cursor_.records = header.records_before;
    cursor_.segment_records = 0;
    chain_known_ = true;
    expected_lsn_ = header.first_lsn;
    if (!stopped_ && header.state_segment_id != 0 &&
        header.state_lsn > end_.state.lsn) {
      end_.state.segment_id = header.state_segment_id;
      end_.state.offset = header.state_offset;
      end_.state.lsn = header.state_lsn;
    }
  }
  cursor_.end_offset = start_offset_;
  report_.watermark = std::max(report_.watermark, header.watermark);
  sealed_ = false;
  closed_ = false;
  watermark_raised_ = false;
  cut_short_named_ = false;
  reads_again_ = 0;
  previous_id_ = segment.id;
  if (!stopped_) {
    settled_ = cursor_;
    end_.header = header;
    end_.sealed = false;
    end_.cut_end = 0;
  }
}

// The head of a segment against what came before it.
void Examiner::CheckHead(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& header = segment.header;
  const bool fits = header.first_lsn == expected_lsn_ &&
                    header.predecessor_id == previous_id_ &&
                    header.predecessor_bytes ==
                        (previous_id_ == 0 ? 0 : cursor_.end_offset) &&
                    header.chain_start == cursor_.chain &&
                    header.records_before == cursor_.records;
  // After damage only the numbers say what is missing.
  if (chain_known_ && previous_id_ + 1 == segment.id && !fits) {
    Add(FindingKind::kSegmentChain, segment.name, 0, 0, expected_lsn_,
        header.first_lsn > expected_lsn_ ? header.first_lsn - 1 : 0,
        "does not continue its predecessor");
    StopBefore(i);
  } else if (header.first_lsn > expected_lsn_) {
    if (!NameLost(segment.name, header.first_lsn - 1)) {
      Add(FindingKind::kAckedLoss, segment.name, 0, 0, expected_lsn_,
          header.first_lsn - 1, "records before this segment are lost");
    }
    StopBefore(i);
  }
}

void Examiner::ScanSegment(size_t i) {
  ListedSegment& segment = list_.segments[i];
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (KindOf(file.status()) == ErrorKind::kNotFound &&
      GoOnInSnapshot(segment.id)) {
    return;
  }
  if (!file.ok()) {
    Add(FindingKind::kReadError, segment.name, 0, 0, expected_lsn_, 0,
        std::string(file.status().message()));
    StopBefore(i + 1);
    chain_known_ = false;
    return;
  }
  // A living writer may have trimmed it since it was listed.
  if (absl::StatusOr<uint64_t> size = (*file)->Size(); size.ok()) {
    segment.file_bytes = *size;
  }
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  scanner.Seek(start_offset_, expected_lsn_);
  Frame frame;
  // Behind a seal there is nothing: FinishSealed looks.
  while (!sealed_ && !finished_ && NextFrame(i, scanner, &frame)) {
    if (!KeepGoing(frame.end - frame.offset)) return;
    ProcessFrame(i, frame);
    expected_lsn_ = scanner.expected_lsn();
  }
  FinishSegment(i, scanner);
  for (const SegmentScanner::ReadError& error : scanner.read_errors()) {
    Add(FindingKind::kReadError, segment.name, error.offset, error.bytes, 0, 0,
        absl::StrCat("the disk did not return ", error.bytes,
                     " bytes: ", error.message));
  }
  Describe(i);
}

// The next frame that the walk goes on with; false at the segment's end.
bool Examiner::NextFrame(size_t i, SegmentScanner& scanner, Frame* frame) {
  switch (scanner.Next(frame)) {
    case ScanStep::kFrame:
      return true;
    case ScanStep::kBad:
      return HandleBad(i, scanner, frame);
    case ScanStep::kEnd:
      // A seal that is not there means damage once the successor has frames.
      // Beside a living writer both may just have been written: what shows
      // that it is missing was read first, so that it is there now or never.
      return !IsLast(i) && !IsUnfinishedRotation(i, scanner) &&
             ReadAgain(i, scanner, frame);
  }
  return false;
}

void Examiner::Describe(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  SegmentInfo info;
  info.id = segment.id;
  info.file = segment.name;
  info.first_lsn = segment.header.first_lsn;
  info.last_lsn = cursor_.last_lsn;
  info.file_bytes = segment.file_bytes;
  info.end_offset = cursor_.end_offset;
  info.created = absl::FromUnixNanos(segment.header.created_unix_ns);
  info.sealed = sealed_;
  info.closed = closed_;
  report_.segments.push_back(std::move(info));
}

}  // namespace journal
