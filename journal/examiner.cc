#include "journal/examiner.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/clock.h"
#include "journal/error.h"
#include "journal/little_endian.h"

namespace journal {
namespace {

// A span on disk can be no longer than a writer lets it be; a hostile file is
// stopped here.
constexpr uint64_t kSpanBytesMax = 64 << 20;

// How often the directory is read again because a living writer rotated.
constexpr int kRelistMax = 1000;

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

SealFrame BuildSeal(const JournalUuid& uuid, uint64_t segment_id,
                    const Cursor& cursor, Lsn watermark,
                    uint64_t successor_id) {
  SealFrame seal;
  seal.offset = AlignUp(cursor.end_offset, kSectorBytes);
  seal.end = seal.offset + FrameBytes(kSealBodyBytes);
  seal.lsn = cursor.last_lsn + 1;
  seal.bytes.assign(FrameBytes(kSealBodyBytes), '\0');
  char* body = seal.bytes.data() + kFrameHeaderBytes;
  EncodeSealBody({successor_id, cursor.chain, cursor.segment_records}, body);
  const uint64_t seed = SegmentSeed(uuid, segment_id);
  FrameHeader header;
  header.body_bytes = kSealBodyBytes;
  header.lsn = seal.lsn;
  header.watermark = watermark;
  header.kind = FrameKind::kSeal;
  header.body_checksum =
      BodyChecksum(seed, absl::string_view(body, kSealBodyBytes));
  EncodeFrameHeader(header, seed, seal.offset, seal.bytes.data());
  seal.chain_after = ExtendChain(cursor.chain, header);
  return seal;
}

Examiner::Examiner(absl::string_view directory, const ExamineOptions& options,
                   std::function<void(const Record&)> on_record)
    : directory_(directory),
      options_(options),
      fs_(options.file_system ? *options.file_system : *FileSystem::Posix()),
      on_record_(std::move(on_record)) {
  report_.mode = options.mode;
}

absl::StatusOr<Examination> Examiner::Run() {
  const absl::Duration start_time = Clock::Real()->Monotonic();
  if (absl::Status s = ListSegments(); !s.ok()) return s;
  for (Segment& segment : segments_) LoadHeader(segment);
  ChooseUuid();
  CheckNumbering();
  Walk(ChooseStart());
  report_.last_lsn = settled_.last_lsn;
  report_.records = settled_.records;
  report_.closed = closed_ && !sealed_;
  for (const Finding& finding : report_.findings) {
    report_.outcome = std::max(report_.outcome, finding.kind);
  }
  report_.action = Decide(report_.outcome, report_.mode);
  report_.bytes_cut = end_.cut_end > settled_.end_offset &&
                              report_.outcome != FindingKind::kCleanEnd
                          ? end_.cut_end - settled_.end_offset
                          : 0;
  report_.elapsed = Clock::Real()->Monotonic() - start_time;
  return Examination{std::move(report_), std::move(end_)};
}

// ---------------------------------------------------------------------------
// Heads

absl::Status Examiner::ListSegments() {
  absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (absl::optional<uint64_t> id = ParseSegmentFileName(name)) {
      Segment segment;
      segment.id = *id;
      segment.name = name;
      segments_.push_back(std::move(segment));
    }
  }
  if (segments_.empty()) {
    return MakeError(ErrorKind::kNotFound,
                     absl::StrCat(directory_, ": no journal here"));
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.id < b.id; });
  return absl::OkStatus();
}

void Examiner::LoadHeader(Segment& segment) {
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  absl::StatusOr<uint64_t> size =
      file.ok() ? (*file)->Size() : absl::StatusOr<uint64_t>(file.status());
  char bytes[kFirstFrameOffset] = {};
  absl::StatusOr<size_t> got = size.ok()
                                   ? (*file)->ReadAt(0, bytes, sizeof(bytes))
                                   : absl::StatusOr<size_t>(size.status());
  if (!got.ok()) {
    Add(FindingKind::kReadError, segment, 0, sizeof(bytes), 0, 0,
        std::string(got.status().message()));
    return;
  }
  segment.file_bytes = *size;
  int good = 0;
  for (int copy = 0; copy < kSegmentHeaderCopies; ++copy) {
    SegmentHeader header;
    switch (DecodeSegmentHeader(bytes + copy * kSegmentHeaderBytes, &header)) {
      case HeaderState::kGood:
        if (good++ == 0) segment.header = header;
        break;
      case HeaderState::kNewer:
        Add(FindingKind::kNewerFormat, segment, copy * kSegmentHeaderBytes, 0,
            0, 0,
            absl::StrCat("format version ", header.format_version,
                         ", features ", header.required_features,
                         "; this program reads version ", kFormatVersion));
        return;
      case HeaderState::kBad:
        break;
    }
  }
  if (good == 0) {
    Add(FindingKind::kHeadersBad, segment, 0, kFirstFrameOffset, 0, 0,
        "neither copy of the segment header validates");
    return;
  }
  segment.usable = true;
  if (good == kSegmentHeaderCopies &&
      std::memcmp(bytes, bytes + kSegmentHeaderBytes, kSegmentHeaderBytes) ==
          0) {
    return;
  }
  SegmentHeader first;
  const bool first_good =
      DecodeSegmentHeader(bytes, &first) == HeaderState::kGood;
  Add(FindingKind::kHeaderCopyBad, segment,
      first_good ? kSegmentHeaderBytes : 0, kSegmentHeaderBytes,
      segment.header.first_lsn, segment.header.first_lsn,
      absl::StrCat("copy ", first_good ? 2 : 1,
                   " of the header of the segment "
                   "that begins at LSN ",
                   segment.header.first_lsn,
                   " is damaged; the other copy is whole, nothing is lost"));
}

void Examiner::ChooseUuid() {
  std::map<JournalUuid, int> votes;
  for (const Segment& segment : segments_) {
    if (segment.usable) ++votes[segment.header.uuid];
  }
  int most = 0;
  for (const Segment& segment : segments_) {
    if (segment.usable && votes[segment.header.uuid] > most) {
      most = votes[segment.header.uuid];
      end_.uuid = segment.header.uuid;
    }
  }
  report_.journal_uuid = UuidHex(end_.uuid);
  for (Segment& segment : segments_) {
    if (!segment.usable) continue;
    if (segment.header.uuid != end_.uuid) {
      Add(FindingKind::kSegmentChain, segment, 0, 0, 0, 0,
          "belongs to another journal");
      segment.usable = false;
    } else if (segment.header.segment_id != segment.id) {
      Add(FindingKind::kSegmentChain, segment, 0, 0, 0, 0,
          absl::StrCat("is segment ", segment.header.segment_id,
                       " under another name"));
      segment.usable = false;
    }
  }
}

void Examiner::CheckNumbering() {
  uint64_t expected = 1;
  for (const Segment& segment : segments_) {
    if (segment.id != expected) {
      // Which LSNs are lost is known when the walk gets there.
      Segment missing;
      missing.name = SegmentFileName(expected);
      Add(FindingKind::kSegmentChain, missing, 0, 0, 0, 0,
          segment.id == expected + 1
              ? "is missing"
              : absl::StrCat("and up to ", SegmentFileName(segment.id - 1),
                             " are missing"));
    }
    expected = segment.id + 1;
  }
}

// ---------------------------------------------------------------------------
// Where to begin

size_t Examiner::ChooseStart() {
  report_.full = true;
  if (options_.folder != nullptr) options_.folder->Reset();
  if (options_.full || !report_.findings.empty()) return 0;
  size_t start = 0;
  if (options_.folder != nullptr) {
    if (!RestoreState(&start)) return 0;
  } else {
    // Only the newest two can hold anything unconfirmed.
    start = segments_.size() >= 2 ? segments_.size() - 2 : 0;
  }
  report_.full = start == 0 && start_offset_ == kFirstFrameOffset;
  if (!report_.full) CheckSkipped(start);
  if (report_.findings.empty()) return start;
  // What that is, and where the good part ends, only the whole walk can say.
  StartOver();
  return 0;
}

void Examiner::StartOver() {
  const std::string uuid = report_.journal_uuid;
  report_ = RecoveryReport();
  report_.mode = options_.mode;
  report_.journal_uuid = uuid;
  report_.full = true;
  end_.state_segment_id = 0;
  end_.state_offset = 0;
  end_.state_lsn = 0;
  cursor_ = Cursor();
  start_offset_ = kFirstFrameOffset;
  if (options_.folder != nullptr) options_.folder->Reset();
}

bool Examiner::RestoreState(size_t* start) {
  const SegmentHeader& newest = segments_.back().header;
  if (newest.state_segment_id == 0 ||
      newest.state_segment_id > segments_.size()) {
    return false;
  }
  const Segment& segment = segments_[newest.state_segment_id - 1];
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) return false;
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  Frame frame;
  StatePrefix prefix;
  absl::string_view state;
  // What is wrong with it, if anything, the walk from the first record says.
  if (newest.state_offset % kFrameAlignment != 0 ||
      scanner.ReadFrameAt(newest.state_offset, &frame) != ScanStep::kFrame ||
      frame.header.kind != FrameKind::kState ||
      frame.header.lsn != newest.state_lsn ||
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
  end_.state_segment_id = segment.id;
  end_.state_offset = newest.state_offset;
  end_.state_lsn = frame.header.lsn;
  return true;
}

// Segments that are not walked still have to be there, long enough, and fit
// together: the head of each against the seal of the one before it.
void Examiner::CheckSkipped(size_t start) {
  for (size_t i = 0; i < start; ++i) {
    const Segment& segment = segments_[i];
    const SegmentHeader& next = segments_[i + 1].header;
    const uint64_t seal_bytes = FrameBytes(kSealBodyBytes);
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
    absl::StatusOr<std::unique_ptr<File>> file =
        fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
    Frame frame;
    SealBody seal;
    bool whole = false;
    if (file.ok() && next.predecessor_id == segment.id &&
        next.predecessor_bytes >= seal_bytes &&
        next.predecessor_bytes <= segment.file_bytes &&
        next.predecessor_bytes % kFrameAlignment == 0) {
      SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                             segment.id);
      whole = scanner.ReadFrameAt(next.predecessor_bytes - seal_bytes,
                                  &frame) == ScanStep::kFrame &&
              frame.header.kind == FrameKind::kSeal &&
              frame.header.lsn + 1 == next.first_lsn &&
              DecodeSealBody(frame.body, &seal) &&
              seal.successor_id == next.segment_id &&
              ExtendChain(seal.chain, frame.header) == next.chain_start;
    }
    if (!whole) {
      Add(FindingKind::kAckedLoss, segment, next.predecessor_bytes, 0,
          segment.header.first_lsn, next.first_lsn - 1,
          "does not end with the seal that its successor names");
    }
  }
}

// ---------------------------------------------------------------------------
// The walk

void Examiner::Walk(size_t start) {
  const bool resumed = start_offset_ != kFirstFrameOffset;
  if (!resumed && segments_[start].usable && start > 0) {
    const SegmentHeader& header = segments_[start].header;
    cursor_.last_lsn = header.first_lsn - 1;
    cursor_.records = header.records_before;
    cursor_.chain = header.chain_start;
    cursor_.end_offset = header.predecessor_bytes;
  } else if (!resumed) {
    cursor_.chain = FirstChain(end_.uuid);
  }
  previous_id_ = start == 0 ? 0 : segments_[start - 1].id;
  expected_lsn_ = cursor_.last_lsn + 1;
  settled_ = cursor_;
  for (size_t i = start; i < segments_.size() && !finished_; ++i) {
    if (!segments_[i].usable) {
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
    SegmentInfo info;
    info.id = end_.successor.segment_id;
    info.file = segments_.back().name;
    info.first_lsn = end_.successor.first_lsn;
    info.file_bytes = segments_.back().file_bytes;
    info.end_offset = kFirstFrameOffset;
    info.created = absl::FromUnixNanos(end_.successor.created_unix_ns);
    report_.segments.push_back(std::move(info));
  }
}

// Checks the head of a segment against what came before it, and starts on it.
void Examiner::EnterSegment(size_t i) {
  const Segment& segment = segments_[i];
  const SegmentHeader& header = segment.header;
  const bool resumed = start_offset_ != kFirstFrameOffset;
  if (!resumed) {
    const bool fits = header.first_lsn == expected_lsn_ &&
                      header.predecessor_id == previous_id_ &&
                      header.predecessor_bytes ==
                          (previous_id_ == 0 ? 0 : cursor_.end_offset) &&
                      header.chain_start == cursor_.chain &&
                      header.records_before == cursor_.records;
    // After damage only the numbers say what is missing.
    if (chain_known_ && previous_id_ + 1 == segment.id && !fits) {
      Add(FindingKind::kSegmentChain, segment, 0, 0, expected_lsn_,
          header.first_lsn > expected_lsn_ ? header.first_lsn - 1 : 0,
          "does not continue its predecessor");
      StopBefore(i);
    } else if (header.first_lsn > expected_lsn_) {
      if (!NameLost(segment.name, header.first_lsn - 1)) {
        Add(FindingKind::kAckedLoss, segment, 0, 0, expected_lsn_,
            header.first_lsn - 1, "records before this segment are lost");
      }
      StopBefore(i);
    }
    cursor_.last_lsn = header.first_lsn - 1;
    cursor_.chain = header.chain_start;
    cursor_.records = header.records_before;
    cursor_.end_offset = kFirstFrameOffset;
    cursor_.segment_records = 0;
    chain_known_ = true;
    expected_lsn_ = header.first_lsn;
    if (header.state_segment_id != 0 && header.state_lsn > end_.state_lsn) {
      end_.state_segment_id = header.state_segment_id;
      end_.state_offset = header.state_offset;
      end_.state_lsn = header.state_lsn;
    }
  } else {
    cursor_.end_offset = start_offset_;
  }
  report_.watermark = std::max(report_.watermark, header.watermark);
  sealed_ = false;
  closed_ = false;
  successor_id_ = 0;
  previous_id_ = segment.id;
  if (!stopped_) {
    settled_ = cursor_;
    end_.header = header;
    end_.sealed = false;
    end_.cut_end = 0;
  }
}

void Examiner::ScanSegment(size_t i) {
  Segment& segment = segments_[i];
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) {
    Add(FindingKind::kReadError, segment, 0, 0, expected_lsn_, 0,
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
  // Behind a seal there is nothing: FinishSegment looks.
  for (bool more = true; more && !finished_ && !sealed_;) {
    Frame frame;
    switch (scanner.Next(&frame)) {
      case ScanStep::kFrame:
        ProcessFrame(i, frame);
        expected_lsn_ = scanner.expected_lsn();
        break;
      case ScanStep::kBad:
        more = HandleBad(i, scanner, &frame);
        if (more) {
          ProcessFrame(i, frame);
          expected_lsn_ = scanner.expected_lsn();
        }
        break;
      case ScanStep::kEnd:
        more = false;
        break;
    }
  }
  FinishSegment(i, scanner);
  for (const SegmentScanner::ReadError& error : scanner.read_errors()) {
    Add(FindingKind::kReadError, segment, error.offset, error.bytes, 0, 0,
        absl::StrCat("the disk did not return ", error.bytes,
                     " bytes: ", error.message));
  }
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

// At something that is not the next frame. Returns true if the walk goes on
// with `frame`.
bool Examiner::HandleBad(size_t i, SegmentScanner& scanner, Frame* frame) {
  if (FinishRotation(i, scanner)) return false;
  const SegmentScanner::Bad bad = scanner.bad();
  const Lsn lost_from = span_.empty() ? expected_lsn_ : span_first_lsn_;
  if (IsLast(i) && !sealed_ && !closed_) {
    report_.watermark = std::max(report_.watermark,
                                 scanner.MaxWatermarkFrom(cursor_.end_offset));
    if (report_.watermark < lost_from) {
      HandleTorn(i, scanner, span_.empty() ? bad.offset : settled_.end_offset,
                 lost_from);
      return false;
    }
    // Beside a living writer the frame may have become whole in between.
    scanner.Seek(scanner.offset(), scanner.expected_lsn());
    if (scanner.Next(frame) == ScanStep::kFrame) return true;
  }
  DropSpan();
  StopBefore(i + 1);
  const bool more = scanner.Resync(frame) == ScanStep::kFrame;
  const Lsn found = more ? frame->header.lsn : 0;
  const Lsn known_end = std::max(report_.watermark, lost_from);
  Add(FindingKind::kAckedLoss, segments_[i], bad.offset,
      (more ? frame->offset : scanner.NonZeroEnd(bad.offset)) - bad.offset,
      lost_from, more ? std::max(found - 1, lost_from) : known_end,
      more && found == expected_lsn_ && lost_from == expected_lsn_
          ? absl::StrCat("bytes before the record LSN ", found,
                         " are damaged; no record is lost (", bad.reason, ")")
          : bad.reason);
  chain_known_ = false;
  if (more) {
    cursor_.last_lsn = found - 1;
    expected_lsn_ = found;
  } else if (!IsLast(i) && segments_[i + 1].usable) {
    // The successor's head says how far this segment went.
    report_.findings.back().last_lsn =
        std::max(segments_[i + 1].header.first_lsn - 1, lost_from);
    expected_lsn_ = segments_[i + 1].header.first_lsn;
  } else {
    expected_lsn_ = known_end + 1;
  }
  return more;
}

void Examiner::HandleTorn(size_t i, SegmentScanner& scanner, uint64_t from,
                          Lsn lsn) {
  const uint64_t end = scanner.NonZeroEnd(from);
  const uint64_t torn = end - std::min(end, from);
  if (CutShort(segments_[i])) {
    DropSpan();
    finished_ = true;
    AddCutShort(i, from, lsn);
    return;
  }
  const uint64_t limit = segments_[i].header.max_unsynced_bytes;
  DropSpan();
  finished_ = true;
  if (torn > limit) {
    Add(FindingKind::kAckedLoss, segments_[i], from, torn, lsn, 0,
        absl::StrCat(torn, " bytes are not whole, and no more than ", limit,
                     " can have been in flight"));
    StopBefore(i + 1);
  } else {
    Add(FindingKind::kTornTail, segments_[i], from, torn, lsn, 0,
        absl::StrCat("a torn tail of ", torn,
                     " bytes that nothing confirms: written when the writer "
                     "died, and never acknowledged as confirmed"));
  }
  if (!stopped_ || end_.header.segment_id == segments_[i].id) {
    end_.cut_end = std::max(end_.cut_end, end);
  }
}

void Examiner::ProcessFrame(size_t i, const Frame& frame) {
  report_.watermark = std::max(report_.watermark, frame.header.watermark);
  if (frame.header.kind == FrameKind::kState) ProcessState(i, frame);
  if (frame.header.kind == FrameKind::kSeal) ProcessSeal(i, frame);
  if (frame.header.kind == FrameKind::kClose) {
    SealBody close;
    closed_ = DecodeSealBody(frame.body, &close) && close.successor_id == 0;
    if (!closed_ || (chain_known_ && close.chain != cursor_.chain)) {
      Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0,
          frame.header.lsn, frame.header.lsn,
          "the close frame disagrees with the frames before it");
    }
  }
  cursor_.last_lsn = frame.header.lsn;
  cursor_.end_offset = frame.end;
  cursor_.chain = ExtendChain(cursor_.chain, frame.header);
  switch (frame.header.kind) {
    case FrameKind::kRecord:
      TakeRecord(i, frame);
      return;
    case FrameKind::kWatermark:
    case FrameKind::kState:
    case FrameKind::kSeal:
    case FrameKind::kClose:
      break;
    default:
      if ((frame.header.flags & kIgnorable) == 0) {
        Add(FindingKind::kNewerFormat, segments_[i], frame.offset, 0,
            frame.header.lsn, frame.header.lsn,
            absl::StrCat("a frame of kind ",
                         static_cast<int>(frame.header.kind),
                         ", which this program does not know"));
      }
  }
  if (span_.empty()) {
    Settle();
  } else {
    Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0, span_first_lsn_,
        frame.header.lsn - 1, "a span without an end");
    DropSpan();
    StopBefore(i + 1);
  }
}

void Examiner::ProcessSeal(size_t i, const Frame& frame) {
  SealBody seal;
  sealed_ = true;
  if (!DecodeSealBody(frame.body, &seal) || seal.successor_id == 0 ||
      (chain_known_ && (seal.chain != cursor_.chain ||
                        seal.records != cursor_.segment_records))) {
    Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0,
        frame.header.lsn, frame.header.lsn,
        "the seal frame disagrees with the frames before it");
  }
  successor_id_ = seal.successor_id;
}

void Examiner::ProcessState(size_t i, const Frame& frame) {
  StatePrefix prefix;
  absl::string_view state;
  if (!DecodeStateBody(frame.body, &prefix, &state) ||
      prefix.as_of_lsn + 1 != frame.header.lsn ||
      (chain_known_ &&
       (prefix.chain != cursor_.chain || prefix.records != cursor_.records))) {
    Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0,
        frame.header.lsn, frame.header.lsn,
        "the state frame disagrees with the frames before it");
    return;
  }
  if (stopped_) return;
  end_.state_segment_id = segments_[i].id;
  end_.state_offset = frame.offset;
  end_.state_lsn = frame.header.lsn;
}

void Examiner::FinishSegment(size_t i, SegmentScanner& scanner) {
  const Segment& segment = segments_[i];
  if (finished_) return;
  if (!span_.empty()) {
    report_.watermark = std::max(report_.watermark,
                                 scanner.MaxWatermarkFrom(settled_.end_offset));
    if (IsLast(i) && report_.watermark < span_first_lsn_ && !sealed_) {
      HandleTorn(i, scanner, settled_.end_offset, span_first_lsn_);
      return;
    }
    Add(FindingKind::kAckedLoss, segment, settled_.end_offset, 0,
        span_first_lsn_, cursor_.last_lsn, "a span without an end");
    DropSpan();
    StopBefore(i + 1);
  }
  if (sealed_) {
    if (!stopped_) end_.sealed = true;
    const uint64_t rubbish = scanner.NonZeroEnd(cursor_.end_offset);
    if (rubbish > cursor_.end_offset) {
      Add(FindingKind::kAckedLoss, segment, cursor_.end_offset,
          rubbish - cursor_.end_offset, cursor_.last_lsn, cursor_.last_lsn,
          absl::StrCat("bytes behind the seal (LSN ", cursor_.last_lsn,
                       ") are damaged; no record is lost"));
      StopBefore(i + 1);
    }
    if (IsLast(i)) FindSuccessor(i);
    return;
  }
  if (!IsLast(i)) {
    if (!chain_known_ || FinishRotation(i, scanner)) return;
    const Segment& next = segments_[i + 1];
    // Behind a close, nothing is written into a successor before the seal.
    if (closed_ && !next.usable) return;
    const bool counted = next.usable && next.header.first_lsn > expected_lsn_;
    Add(FindingKind::kAckedLoss, segment, cursor_.end_offset, 0, expected_lsn_,
        counted ? next.header.first_lsn - 1 : 0,
        "ends without a seal although a later segment has begun");
    chain_known_ = false;
    if (counted) expected_lsn_ = next.header.first_lsn;
    StopBefore(i + 1);
    return;
  }
  if (!closed_ && CutShort(segment))
    AddCutShort(i, segment.file_bytes, expected_lsn_);
}

// Only a seal or a close frame, neither of which is there, lets a file become
// shorter than it was zero-written to.
bool Examiner::CutShort(const Segment& segment) {
  return segment.file_bytes < segment.header.zeroed_bytes;
}

void Examiner::AddCutShort(size_t i, uint64_t from, Lsn lsn) {
  const Segment& segment = segments_[i];
  Add(FindingKind::kAckedLoss, segment, from,
      segment.header.zeroed_bytes - from, lsn, 0,
      absl::StrCat("the file has ", segment.file_bytes,
                   " bytes and was written to ", segment.header.zeroed_bytes,
                   ": it has been cut short, or the frame that closed it is "
                   "damaged"));
  StopBefore(i + 1);
}

// True at the end of a segment whose successor was created by a rotation that
// a crash interrupted before the seal was whole.
bool Examiner::FinishRotation(size_t i, SegmentScanner& scanner) {
  if (i + 2 != segments_.size() || sealed_ || !chain_known_ || !span_.empty() ||
      !segments_[i + 1].usable || !HasNoFrames(segments_[i + 1])) {
    return false;
  }
  const SegmentHeader& next = segments_[i + 1].header;
  const SealFrame seal = BuildSeal(end_.uuid, segments_[i].id, cursor_,
                                   next.watermark, next.segment_id);
  if (seal.end != next.predecessor_bytes || seal.lsn + 1 != next.first_lsn ||
      seal.chain_after != next.chain_start ||
      !scanner.IsZero(cursor_.end_offset, seal.offset) ||
      scanner.NonZeroEnd(cursor_.end_offset) > seal.end) {
    return false;
  }
  finished_ = true;
  report_.watermark = std::max(report_.watermark, next.watermark);
  if (!stopped_) {
    end_.rotation_unfinished = true;
    end_.successor = next;
  }
  return true;
}

bool Examiner::HasNoFrames(const Segment& segment) {
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) return false;
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  return scanner.NonZeroEnd(kFirstFrameOffset) == kFirstFrameOffset;
}

// The newest listed segment is sealed: its successor must be there. A living
// writer may have made it since the directory was listed.
void Examiner::FindSuccessor(size_t i) {
  const uint64_t id = segments_[i].id + 1;
  Segment next;
  next.id = id;
  next.name = SegmentFileName(id);
  const absl::StatusOr<bool> exists =
      fs_.Exists(JoinPath(directory_, next.name));
  if (exists.ok() && *exists && relists_++ < kRelistMax) {
    LoadHeader(next);
    if (next.usable &&
        (next.header.uuid != end_.uuid || next.header.segment_id != next.id)) {
      next.usable = false;
    }
    segments_.push_back(std::move(next));
    return;
  }
  Add(FindingKind::kSegmentChain, next, 0, 0, expected_lsn_, 0,
      absl::StrCat("is missing: ", segments_[i].name,
                   " is sealed and names it as its successor"));
  StopBefore(i + 1);
}

// ---------------------------------------------------------------------------
// Records and spans

void Examiner::TakeRecord(size_t i, const Frame& frame) {
  const bool continues = (frame.header.flags & kSpanContinues) != 0;
  const bool follows = (frame.header.flags & kSpanFollows) != 0;
  ++cursor_.records;
  ++cursor_.segment_records;
  if (follows && span_.empty()) {
    LoseRestOfSpan(i, frame);
    return;
  }
  Record record;
  record.lsn = frame.header.lsn;
  record.position = MakePosition(segments_[i].id, frame.offset);
  record.type = frame.header.type;
  record.ignorable = (frame.header.flags & kIgnorable) != 0;
  record.body = frame.body;
  if (!continues && span_.empty()) {
    Emit(record);
    Settle();
    return;
  }
  if (span_.empty()) span_first_lsn_ = record.lsn;
  span_bytes_ += frame.body.size() + sizeof(SpanRecord);
  if (span_bytes_ > kSpanBytesMax) {
    Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0, span_first_lsn_,
        record.lsn, "a span longer than any writer makes");
    DropSpan();
    StopBefore(i + 1);
    return;
  }
  SpanRecord held{record,
                  std::make_unique_for_overwrite<char[]>(frame.body.size())};
  std::copy(frame.body.begin(), frame.body.end(), held.bytes.get());
  held.record.body = absl::string_view(held.bytes.get(), frame.body.size());
  span_.push_back(std::move(held));
  if (continues) return;
  for (const SpanRecord& each : span_) Emit(each.record);
  DropSpan();
  Settle();
}

// A record of a span whose head is damaged: all of them or none.
void Examiner::LoseRestOfSpan(size_t i, const Frame& frame) {
  if (!report_.findings.empty()) {
    Finding& before = report_.findings.back();
    if (before.kind == FindingKind::kAckedLoss &&
        before.file == segments_[i].name &&
        before.last_lsn + 1 == frame.header.lsn) {
      before.last_lsn = frame.header.lsn;
      return;
    }
  }
  Add(FindingKind::kAckedLoss, segments_[i], frame.offset, 0, frame.header.lsn,
      frame.header.lsn,
      "one of several records appended together, the first of which is lost");
  StopBefore(i + 1);
}

void Examiner::Emit(const Record& record) {
  if (!delivering_) return;
  if (options_.folder != nullptr) options_.folder->Fold(record);
  if (on_record_) on_record_(record);
}

void Examiner::DropSpan() {
  span_.clear();
  span_bytes_ = 0;
}

void Examiner::Settle() {
  if (!stopped_) settled_ = cursor_;
}

void Examiner::Add(FindingKind kind, const Segment& segment, uint64_t offset,
                   uint64_t bytes, Lsn first, Lsn last, std::string detail) {
  if (report_.findings.size() >= kFindingsMax) {
    ++report_.findings_more;
    return;
  }
  report_.findings.push_back(
      {kind, segment.name, offset, bytes, first, last, std::move(detail)});
}

// Segments that are not there or cannot be used say nothing of the LSNs that
// they held; the next one that can be used does, if there is one. Names the
// lost in the findings of all files `before` it (all, if empty). False if there
// were none.
bool Examiner::NameLost(absl::string_view before, Lsn last) {
  bool any = false;
  for (Finding& finding : report_.findings) {
    if (finding.first_lsn != 0 ||
        (finding.kind != FindingKind::kSegmentChain &&
         finding.kind != FindingKind::kHeadersBad) ||
        (!before.empty() && finding.file >= before)) {
      continue;
    }
    // A copy behind the end of a closed journal took nothing's place.
    if (last == 0 && closed_ && !sealed_) continue;
    finding.first_lsn = expected_lsn_;
    finding.last_lsn = last;
    any = true;
  }
  return any;
}

// From here on, what the log ends with does not change any more: damage lies
// ahead. `i` is the first segment that is given up whole.
void Examiner::StopBefore(size_t i) {
  if (stopped_) return;
  stopped_ = true;
  if (options_.mode != RecoveryMode::kSalvage) delivering_ = false;
  end_.cursor = settled_;
  for (size_t later = i; later < segments_.size(); ++later) {
    end_.given_up_segments.push_back(segments_[later].id);
  }
  // All that stands behind the good part of this segment goes with it.
  for (const Segment& segment : segments_) {
    if (segment.id == end_.header.segment_id) end_.cut_end = segment.file_bytes;
  }
}

}  // namespace journal
