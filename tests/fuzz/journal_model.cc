#include "tests/fuzz/journal_model.h"

#include <algorithm>
#include <utility>

#include "journal/format.h"
#include "journal/little_endian.h"

namespace fuzz {
namespace {

using journal::FrameHeader;
using journal::FrameKind;
using journal::SegmentHeader;

constexpr uint64_t kMaxUnsyncedBytes = 1 << 20;

std::string SealText(uint64_t successor) {
  std::string body(journal::kSealBodyBytes, '\0');
  journal::EncodeSealBody({successor, 0, 0}, body.data());
  return body;
}

// Checksums over the body as it is and the place as it is.
void SealHeader(uint64_t seed, ModelFrame& frame, char* to) {
  frame.header.body_bytes = static_cast<uint32_t>(frame.body.size());
  frame.header.body_checksum = journal::BodyChecksum(seed, frame.body);
  journal::EncodeFrameHeader(frame.header, seed, frame.offset, to);
}

void SealHeader(uint64_t seed, ModelFrame& frame) {
  char bytes[journal::kFrameHeaderBytes];
  SealHeader(seed, frame, bytes);
}

}  // namespace

JournalModel::JournalModel() { AddSegment(); }

// ---------------------------------------------------------------------------
// Writing

void JournalModel::AddSegment() {
  ModelSegment segment;
  segment.file_id = segments_.size() + 1;
  segment.header.segment_id = segment.file_id;
  segment.header.uuid = {'f', 'u', 'z', 'z'};
  segment.header.max_unsynced_bytes = kMaxUnsyncedBytes;
  segment.header.watermark = next_lsn_ > 2 ? next_lsn_ - 2 : 0;
  segments_.push_back(std::move(segment));
  synced_ = true;
}

ModelFrame& JournalModel::Add(FrameKind kind, std::string body) {
  ModelFrame frame;
  frame.header.kind = kind;
  frame.header.lsn = next_lsn_++;
  frame.header.watermark = durable_;
  frame.body = std::move(body);
  frame.at_sector = synced_;
  synced_ = false;
  segments_.back().frames.push_back(std::move(frame));
  return segments_.back().frames.back();
}

void JournalModel::AddRecord(uint16_t type, absl::string_view body,
                             uint8_t flags) {
  ModelFrame& frame = Add(FrameKind::kRecord, std::string(body));
  frame.header.type = type;
  frame.header.flags = flags;
}

void JournalModel::AddSpan(const std::vector<std::string>& bodies) {
  for (size_t i = 0; i < bodies.size(); ++i) {
    uint8_t flags = 0;
    if (i > 0) flags |= journal::kSpanFollows;
    if (i + 1 < bodies.size()) flags |= journal::kSpanContinues;
    AddRecord(1, bodies[i], flags);
  }
}

void JournalModel::AddWatermark() {
  Sync();
  Add(FrameKind::kWatermark, "");
}

void JournalModel::AddState(absl::string_view state, uint32_t folder_version) {
  journal::StatePrefix prefix;
  prefix.folder_version = folder_version;
  std::string body(journal::kStateBodyPrefixBytes, '\0');
  journal::EncodeStatePrefix(prefix, state, body.data());
  body.append(state.data(), state.size());
  Add(FrameKind::kState, std::move(body));
}

void JournalModel::AddClose() {
  Sync();
  Add(FrameKind::kClose, SealText(0));
  segments_.back().tail_bytes = 0;
  Sync();
}

void JournalModel::Rotate(bool seal) {
  Sync();
  const uint64_t successor = segments_.size() + 1;
  Add(FrameKind::kSeal, SealText(successor));
  AddSegment();
  // It was reckoned with all the same: Link() leaves what stands in its place.
  if (!seal) segments_[segments_.size() - 2].frames.back().header.lsn = 0;
}

void JournalModel::Sync() {
  durable_ = next_lsn_ - 1;
  synced_ = true;
}

// ---------------------------------------------------------------------------
// Fitting together

size_t JournalModel::frames() const {
  size_t frames = 0;
  for (const ModelSegment& segment : segments_) {
    frames += segment.frames.size();
  }
  return frames;
}

void JournalModel::Place() {
  for (ModelSegment& segment : segments_) {
    uint64_t end = journal::kFirstFrameOffset;
    for (ModelFrame& frame : segment.frames) {
      frame.offset =
          frame.at_sector ? journal::AlignUp(end, journal::kSectorBytes) : end;
      end = frame.offset + journal::FrameBytes(frame.body.size());
    }
  }
}

void JournalModel::LinkFrame(ModelSegment& segment, ModelFrame& frame,
                             uint64_t* chain, uint64_t* segment_records) {
  char* body = frame.body.data();
  switch (frame.header.kind) {
    case FrameKind::kRecord:
      ++*segment_records;
      break;
    case FrameKind::kState:
      if (frame.body.size() < journal::kStateBodyPrefixBytes) break;
      journal::StoreLittleEndian<uint64_t>(body, frame.header.lsn - 1);
      journal::StoreLittleEndian<uint64_t>(body + 8, *chain);
      journal::StoreLittleEndian<uint64_t>(
          body + 16, segment.header.records_before + *segment_records);
      break;
    case FrameKind::kSeal:
    case FrameKind::kClose:
      if (frame.body.size() < journal::kSealBodyBytes) break;
      journal::StoreLittleEndian<uint64_t>(body + 8, *chain);
      journal::StoreLittleEndian<uint64_t>(body + 16, *segment_records);
      break;
    default:
      break;
  }
  SealHeader(
      journal::SegmentSeed(segment.header.uuid, segment.header.segment_id),
      frame);
  *chain = journal::ExtendChain(*chain, frame.header);
}

void JournalModel::Link() {
  Place();
  if (segments_.empty()) return;
  uint64_t chain = journal::FirstChain(segments_[0].header.uuid);
  uint64_t records = 0;
  journal::Lsn lsn = 1;
  const ModelSegment* before = nullptr;
  const ModelFrame* state = nullptr;
  uint64_t state_segment = 0;
  for (ModelSegment& segment : segments_) {
    SegmentHeader& header = segment.header;
    header.first_lsn = lsn;
    header.chain_start = chain;
    header.records_before = records;
    header.predecessor_id = before == nullptr ? 0 : before->header.segment_id;
    header.predecessor_bytes =
        before == nullptr || before->frames.empty()
            ? 0
            : before->frames.back().offset +
                  journal::FrameBytes(before->frames.back().body.size());
    header.state_segment_id = state_segment;
    header.state_offset = state == nullptr ? 0 : state->offset;
    header.state_lsn = state == nullptr ? 0 : state->header.lsn;
    uint64_t segment_records = 0;
    for (ModelFrame& frame : segment.frames) {
      const bool absent = frame.header.lsn == 0;
      frame.header.lsn = lsn++;
      frame.header.watermark =
          std::min(frame.header.watermark, frame.header.lsn - 1);
      LinkFrame(segment, frame, &chain, &segment_records);
      if (frame.header.kind == FrameKind::kState) {
        state = &frame;
        state_segment = header.segment_id;
      }
      if (absent) frame.header.lsn = 0;
    }
    records += segment_records;
    before = &segment;
  }
}

// ---------------------------------------------------------------------------
// Bytes

std::vector<SegmentFile> JournalModel::Files() {
  Place();
  std::vector<SegmentFile> files;
  for (ModelSegment& segment : segments_) {
    std::string bytes(journal::kFirstFrameOffset, '\0');
    const uint64_t seed =
        journal::SegmentSeed(segment.header.uuid, segment.header.segment_id);
    for (ModelFrame& frame : segment.frames) {
      bytes.resize(frame.offset + journal::FrameBytes(frame.body.size()));
      if (frame.header.lsn == 0) continue;  // The seal that was not written.
      SealHeader(seed, frame, bytes.data() + frame.offset);
      bytes.replace(frame.offset + journal::kFrameHeaderBytes,
                    frame.body.size(), frame.body);
    }
    bytes.resize(bytes.size() + segment.tail_bytes);
    if (segment.zeroed) segment.header.zeroed_bytes = bytes.size();
    journal::EncodeSegmentHeader(segment.header, bytes.data());
    journal::EncodeSegmentHeader(segment.header,
                                 bytes.data() + journal::kSegmentHeaderBytes);
    files.push_back({segment.file_id, std::move(bytes)});
  }
  return files;
}

}  // namespace fuzz
