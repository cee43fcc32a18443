#include "journal/snapshot_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "journal/body_decryptor.h"
#include "journal/error.h"
#include "journal/frame.h"
#include "journal/part_reader.h"
#include "journal/segment_list.h"
#include "journal/segment_scanner.h"
#include "journal/span_collector.h"

namespace journal {
namespace {

absl::Status Damage(absl::string_view file, uint64_t offset,
                    absl::string_view detail) {
  return MakeError(ErrorKind::kDamage,
                   absl::StrCat(file, ", offset ", offset, ": ", detail));
}

absl::Status StatusOfFinding(const Finding& finding) {
  return MakeError(finding.kind == FindingKind::kReadError ? ErrorKind::kIo
                                                           : ErrorKind::kDamage,
                   Describe(finding));
}

absl::StatusOr<OpenedSegment> OpenGood(FileSystem& fs,
                                       absl::string_view directory,
                                       const JournalUuid& uuid, uint64_t id) {
  absl::StatusOr<OpenedSegment> segment = OpenSegment(fs, directory, id);
  if (!segment.ok()) return segment;
  if (segment->state != HeaderState::kGood || segment->header.uuid != uuid ||
      segment->header.segment_id != id) {
    return Damage(SegmentFileName(id), 0, "the segment header is damaged");
  }
  return segment;
}

}  // namespace

absl::Status SnapshotBuilder::Stopped() const {
  return options_.stop != nullptr && *options_.stop
             ? absl::CancelledError("the journal is being closed")
             : absl::OkStatus();
}

absl::StatusOr<PartSpan> SnapshotBuilder::SpanOf(uint64_t first,
                                                 uint64_t last) {
  absl::StatusOr<OpenedSegment> begin =
      OpenGood(*options_.fs, options_.directory, options_.uuid, first);
  if (!begin.ok()) return begin.status();
  absl::StatusOr<OpenedSegment> next =
      OpenGood(*options_.fs, options_.directory, options_.uuid, last + 1);
  if (!next.ok()) return next.status();
  PartSpan span;
  span.first_segment = first;
  span.last_segment = last;
  span.first_lsn = begin->header.first_lsn;
  span.chain_start = begin->header.chain_start;
  span.records_before = begin->header.records_before;
  span.last_lsn = next->header.first_lsn - 1;
  span.chain_end = next->header.chain_start;
  span.records_after = next->header.records_before;
  span.seal_end = next->header.predecessor_bytes;
  return span;
}

absl::StatusOr<std::unique_ptr<PartWriter>> SnapshotBuilder::Begin(
    uint64_t part_id, const PartSpan& span) {
  PartWriter::Options options;
  options.fs = options_.fs;
  options.directory = options_.directory;
  options.uuid = options_.uuid;
  options.part_id = part_id;
  options.span = span;
  options.created_unix_ns = absl::ToUnixNanos(options_.clock->Now());
  options.cipher = options_.cipher;
  options.zstd_level = options_.zstd_level;
  return PartWriter::Create(options);
}

// A part that does not come back from the disk as it was written is no part.
absl::StatusOr<ManifestEntry> SnapshotBuilder::Finish(PartWriter& part) {
  absl::StatusOr<PartFooter> footer = part.Finish();
  if (!footer.ok()) return footer.status();
  const ManifestEntry entry = EntryOf(*footer, part.file_bytes());
  absl::Status verified = VerifyPart(entry);
  if (!verified.ok()) {
    options_.fs
        ->Remove(JoinPath(options_.directory, PartFileName(entry.part_id)))
        .IgnoreError();
    return verified;
  }
  return entry;
}

absl::StatusOr<ManifestEntry> SnapshotBuilder::CompactSegments(uint64_t part_id,
                                                               uint64_t first,
                                                               uint64_t last) {
  absl::StatusOr<PartSpan> span = SpanOf(first, last);
  if (!span.ok()) return span.status();
  absl::StatusOr<std::unique_ptr<PartWriter>> part = Begin(part_id, *span);
  if (!part.ok()) return part.status();
  Place at = {span->chain_start, span->first_lsn};
  for (uint64_t id = first; id <= last; ++id) {
    absl::Status copied = CopySegment(id, span->last_lsn, &at, **part);
    if (!copied.ok()) return copied;
  }
  if (at.chain != span->chain_end || at.next_lsn != span->last_lsn + 1) {
    return Damage(SegmentFileName(last), 0,
                  "ends otherwise than its successor says");
  }
  return Finish(**part);
}

absl::StatusOr<ManifestEntry> SnapshotBuilder::RewriteParts(
    uint64_t part_id, absl::Span<const ManifestEntry> entries,
    Lsn snapshot_lsn) {
  PartSpan span;
  for (const ManifestEntry& entry : entries) {
    absl::StatusOr<std::unique_ptr<PartReader>> part = OpenPart(entry);
    if (!part.ok()) return part.status();
    const PartSpan& old = (*part)->footer().span;
    if (span.first_segment == 0) {
      span = old;
      continue;
    }
    span.last_segment = old.last_segment;
    span.last_lsn = old.last_lsn;
    span.chain_end = old.chain_end;
    span.records_after = old.records_after;
    span.seal_end = old.seal_end;
  }
  absl::StatusOr<std::unique_ptr<PartWriter>> part = Begin(part_id, span);
  if (!part.ok()) return part.status();
  for (const ManifestEntry& entry : entries) {
    absl::Status copied = CopyPart(entry, snapshot_lsn, **part);
    if (!copied.ok()) return copied;
  }
  return Finish(**part);
}

bool SnapshotBuilder::Needed(const Record& record, Lsn snapshot_lsn) {
  if (options_.compactor == nullptr) return true;
  const Lsn by = options_.compactor->SupersededBy(record);
  return by == 0 || by > snapshot_lsn;
}

// Frame by frame up to the seal, as a reader would: what is not whole must not
// get into a part, where it would look whole.
absl::Status SnapshotBuilder::CopySegment(uint64_t segment_id, Lsn snapshot_lsn,
                                          Place* at, PartWriter& part) {
  absl::StatusOr<OpenedSegment> segment =
      OpenGood(*options_.fs, options_.directory, options_.uuid, segment_id);
  if (!segment.ok()) return segment.status();
  const std::string name = SegmentFileName(segment_id);
  if (segment->header.chain_start != at->chain ||
      segment->header.first_lsn != at->next_lsn) {
    return Damage(name, 0, "does not continue its predecessor");
  }
  SegmentScanner scanner(segment->file.get(), segment->file_bytes,
                         options_.uuid, segment_id);
  scanner.Seek(kFirstFrameOffset, segment->header.first_lsn);
  BodyDecryptor decryptor(options_.cipher);
  for (Frame frame;;) {
    if (absl::Status s = Stopped(); !s.ok()) return s;
    const ScanStep step = scanner.Next(&frame);
    if (step != ScanStep::kFrame) {
      return Damage(name, scanner.offset(),
                    step == ScanStep::kBad
                        ? absl::string_view(scanner.bad().reason)
                        : "ends without a seal");
    }
    const uint64_t chain_before = at->chain;
    at->chain = ExtendChain(at->chain, frame.header);
    at->next_lsn = frame.header.lsn + 1;
    SealBody seal;
    if (frame.header.kind == FrameKind::kSeal) {
      return DecodeSealBody(frame.body, &seal) && seal.chain == chain_before
                 ? absl::OkStatus()
                 : Damage(name, frame.offset,
                          "the seal disagrees with the frames before it");
    }
    if (frame.header.kind != FrameKind::kRecord) continue;
    const absl::string_view wrong = decryptor.Decrypt(segment->header, &frame);
    if (!wrong.empty()) return Damage(name, frame.offset, wrong);
    const Record record = MakeRecord(segment_id, frame);
    if (!Needed(record, snapshot_lsn)) continue;
    if (absl::Status s = part.Add(record); !s.ok()) return s;
  }
}

absl::StatusOr<std::unique_ptr<PartReader>> SnapshotBuilder::OpenPart(
    const ManifestEntry& entry) {
  absl::StatusOr<std::unique_ptr<PartReader>> part =
      PartReader::Open(*options_.fs, options_.directory, options_.uuid,
                       entry.part_id, options_.cipher);
  if (part.ok() && (*part)->footer().checksum != entry.footer_checksum) {
    return Damage(PartFileName(entry.part_id), 0,
                  "is not the part that was written");
  }
  return part;
}

absl::Status SnapshotBuilder::CopyPart(const ManifestEntry& entry,
                                       Lsn snapshot_lsn, PartWriter& part) {
  absl::StatusOr<std::unique_ptr<PartReader>> old = OpenPart(entry);
  if (!old.ok()) return old.status();
  for (Record record;;) {
    if (absl::Status s = Stopped(); !s.ok()) return s;
    switch ((*old)->Next(&record)) {
      case PartStep::kEnd:
        return absl::OkStatus();
      case PartStep::kBad:
        return StatusOfFinding((*old)->finding());
      case PartStep::kRecord:
        break;
    }
    if (!Needed(record, snapshot_lsn)) continue;
    if (absl::Status s = part.Add(record); !s.ok()) return s;
  }
}

absl::Status SnapshotBuilder::VerifyPart(const ManifestEntry& entry) {
  absl::StatusOr<std::unique_ptr<PartReader>> part = OpenPart(entry);
  if (!part.ok()) return part.status();
  if (absl::Status s = (*part)->DropCache(); !s.ok()) return s;
  absl::Status first;
  absl::StatusOr<bool> whole = (*part)->Verify(
      /*decode=*/true,
      [&first](const Finding& finding) {
        if (first.ok()) first = StatusOfFinding(finding);
      },
      [this](uint64_t) { return Stopped().ok(); });
  if (!whole.ok()) return whole.status();
  return first;
}

absl::StatusOr<uint64_t> SnapshotBuilder::CountSuperseded(
    const ManifestEntry& entry, Lsn snapshot_lsn) {
  absl::StatusOr<std::unique_ptr<PartReader>> part = OpenPart(entry);
  if (!part.ok()) return part.status();
  if (absl::Status s = (*part)->DropCache(); !s.ok()) return s;
  uint64_t superseded = 0;
  for (Record record;;) {
    if (absl::Status s = Stopped(); !s.ok()) return s;
    switch ((*part)->Next(&record)) {
      case PartStep::kEnd:
        return superseded;
      case PartStep::kBad:
        return StatusOfFinding((*part)->finding());
      case PartStep::kRecord:
        if (!Needed(record, snapshot_lsn)) ++superseded;
    }
  }
}

}  // namespace journal
