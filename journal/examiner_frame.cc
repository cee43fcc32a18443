// What an examination does with a frame that is whole.

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "journal/examiner.h"
#include "journal/frame.h"

namespace journal {

void Examiner::ProcessFrame(size_t i, const Frame& frame) {
  report_.watermark = std::max(report_.watermark, frame.header.watermark);
  end_.state.bytes_since += frame.end - frame.offset;
  switch (frame.header.kind) {
    case FrameKind::kState:
      ProcessState(i, frame);
      break;
    case FrameKind::kSeal:
      ProcessSeal(i, frame);
      break;
    case FrameKind::kClose:
      ProcessClose(i, frame);
      break;
    case FrameKind::kRecord:
    case FrameKind::kWatermark:
      break;
    default:
      if ((frame.header.flags & kIgnorable) != 0) break;
      Add(FindingKind::kNewerFormat, list_.segments[i].name, frame.offset, 0,
          frame.header.lsn, frame.header.lsn,
          absl::StrCat("a frame of kind ", static_cast<int>(frame.header.kind),
                       ", which this program does not know"));
  }
  const uint64_t frame_start = cursor_.end_offset;
  cursor_.last_lsn = frame.header.lsn;
  cursor_.end_offset = frame.end;
  cursor_.chain = ExtendChain(cursor_.chain, frame.header);
  if (frame.header.kind == FrameKind::kRecord) {
    TakeRecord(i, frame);
  } else if (span_.open()) {
    LoseSpan(i, frame_start, "a span without an end");
  } else {
    Settle();
  }
}

void Examiner::ProcessClose(size_t i, const Frame& frame) {
  SealBody close;
  closed_ = DecodeSealBody(frame.body, &close) && close.successor_id == 0;
  const bool counted =
      !chain_known_ || close.records == cursor_.segment_records;
  if (closed_ && (!chain_known_ || close.chain == cursor_.chain) && counted) {
    return;
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "the close frame disagrees with the frames before it");
  StopBefore(i + 1);
}

void Examiner::ProcessSeal(size_t i, const Frame& frame) {
  SealBody seal;
  sealed_ = true;
  if (DecodeSealBody(frame.body, &seal) &&
      seal.successor_id == list_.segments[i].id + 1 &&
      (!chain_known_ || (seal.chain == cursor_.chain &&
                         seal.records == cursor_.segment_records))) {
    return;
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "the seal frame disagrees with the frames before it");
  StopBefore(i + 1);
}

void Examiner::ProcessState(size_t i, const Frame& stored) {
  Frame frame = stored;
  absl::string_view wrong =
      decryptor_.Decrypt(list_.segments[i].header, &frame);
  StatePrefix prefix;
  absl::string_view state;
  if (wrong.empty() && (frame.header.flags & kEncrypted) == 0 &&
      (!DecodeStateBody(frame.body, &prefix, &state) ||
       prefix.as_of_lsn + 1 != frame.header.lsn ||
       (chain_known_ && (prefix.chain != cursor_.chain ||
                         prefix.records != cursor_.records)))) {
    wrong = "the state frame disagrees with the frames before it";
  }
  if (!wrong.empty()) {
    Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
        frame.header.lsn, frame.header.lsn, std::string(wrong));
    StopBefore(i + 1);
    return;
  }
  if (stopped_) return;
  end_.state.segment_id = list_.segments[i].id;
  end_.state.offset = frame.offset;
  end_.state.lsn = frame.header.lsn;
  end_.state.state_bytes = state.size();
  end_.state.bytes_since = 0;
}

// ---------------------------------------------------------------------------
// Records and spans

void Examiner::TakeRecord(size_t i, const Frame& stored) {
  ++cursor_.records;
  ++cursor_.segment_records;
  Frame frame = stored;
  const absl::string_view wrong =
      decryptor_.Decrypt(list_.segments[i].header, &frame);
  if (!wrong.empty()) {
    LoseRecord(i, frame, wrong);
    return;
  }
  switch (span_.Add(list_.segments[i].id, frame)) {
    case SpanCollector::Outcome::kPart:
      return;
    case SpanCollector::Outcome::kWhole:
      for (const Record& record : span_.records()) Emit(record);
      Settle();
      return;
    case SpanCollector::Outcome::kHeadless:
      LoseRestOfSpan(i, frame);
      return;
    case SpanCollector::Outcome::kTooLong:
      LoseSpan(i, frame.offset, "a span longer than any writer makes");
      return;
  }
}

// One whose frame is whole, and with it the span that it belongs to.
void Examiner::LoseRecord(size_t i, const Frame& frame, absl::string_view why) {
  if (span_.open()) {
    LoseSpan(i, frame.offset, why);
    return;
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset,
      frame.end - frame.offset, frame.header.lsn, frame.header.lsn,
      std::string(why));
  StopBefore(i + 1);
}

// A record of a span whose head is damaged: all of them or none.
void Examiner::LoseRestOfSpan(size_t i, const Frame& frame) {
  if (!report_.findings.empty()) {
    Finding& before = report_.findings.back();
    if (before.kind == FindingKind::kAckedLoss &&
        before.file == list_.segments[i].name &&
        before.last_lsn + 1 == frame.header.lsn) {
      before.last_lsn = frame.header.lsn;
      return;
    }
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "one of several records appended together, the first of which is lost");
  StopBefore(i + 1);
}

void Examiner::LoseSpan(size_t i, uint64_t offset, absl::string_view why) {
  Add(FindingKind::kAckedLoss, list_.segments[i].name, offset, 0,
      span_.first_lsn(), std::max(cursor_.last_lsn, span_.first_lsn()),
      std::string(why));
  span_.Drop();
  StopBefore(i + 1);
}

void Examiner::Emit(const Record& record) {
  if (!delivering_) return;
  if (options_.folder != nullptr) options_.folder->Fold(record);
  if (on_record_) on_record_(record);
}

void Examiner::Settle() {
  if (!stopped_) settled_ = cursor_;
}

}  // namespace journal
