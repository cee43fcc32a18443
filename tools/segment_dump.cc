#include "tools/segment_dump.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "tools/frame_names.h"
#include "tools/hex_printer.h"

namespace inspector {
namespace {

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

}  // namespace

SegmentDump::SegmentDump(absl::string_view directory, uint64_t segment_id,
                         Context& context)
    : id_(segment_id),
      name_(journal::SegmentFileName(segment_id)),
      path_(journal::JoinPath(directory, name_)),
      context_(context),
      decryptor_(context.cipher) {}

absl::Status SegmentDump::Open() {
  absl::StatusOr<std::unique_ptr<journal::File>> file =
      journal::FileSystem::Posix()->Open(path_, journal::OpenMode::kRead);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  const absl::StatusOr<uint64_t> size = file_->Size();
  if (!size.ok()) return size.status();
  bytes_ = *size;
  // What cannot be read stays zero, which is no header.
  file_->ReadAt(0, head_, journal::kFirstFrameOffset).status().IgnoreError();
  for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
    state_[copy] = journal::DecodeSegmentHeader(
        head_ + copy * journal::kSegmentHeaderBytes, &copies_[copy]);
  }
  return absl::OkStatus();
}

const journal::SegmentHeader* SegmentDump::header() const {
  for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
    if (state_[copy] == journal::HeaderState::kGood) return &copies_[copy];
  }
  return nullptr;
}

void SegmentDump::Print(const DumpOptions& options) {
  options_ = options;
  context_.out << context_.style.Paint(
                      absl::StrCat("segment ", name_, ", ", bytes_, " bytes"),
                      Colour::kBold)
               << "\n";
  for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
    PrintHeader(copy);
  }
  if (const journal::SegmentHeader* const good = header()) {
    known_ = *good;
  } else {
    known_.uuid = options.uuid;
    known_.key_id = options.key_id;
    known_.first_lsn = 0;
  }
  known_.segment_id = id_;
  PrintFrames(known_.first_lsn);
}

void SegmentDump::PrintHeader(int copy) {
  const uint64_t offset = copy * journal::kSegmentHeaderBytes;
  const std::string where = absl::StrCat("  header ", offset, ": ");
  if (state_[copy] == journal::HeaderState::kBad) {
    context_.out << where
                 << context_.style.Paint("does not validate", Colour::kRed)
                 << "\n";
    const uint64_t end =
        std::min<uint64_t>(offset + journal::kSegmentHeaderBytes, bytes_);
    PrintHex(offset, end);
    return;
  }
  const journal::SegmentHeader& h = copies_[copy];
  if (state_[copy] == journal::HeaderState::kNewer) {
    context_.out << where << "written by a newer version: format "
                 << h.format_version << ", features " << h.required_features
                 << "\n";
    return;
  }
  context_.out << where << "format " << h.format_version << ", features "
               << h.required_features << ", journal "
               << journal::UuidHex(h.uuid) << ", segment " << h.segment_id
               << ", first LSN " << h.first_lsn << ", zeroed " << h.zeroed_bytes
               << ", max unsynced " << h.max_unsynced_bytes << ", created "
               << Rfc3339(absl::FromUnixNanos(h.created_unix_ns))
               << ", watermark " << h.watermark << ", predecessor "
               << h.predecessor_id << " of " << h.predecessor_bytes
               << " bytes, chain " << Hex(h.chain_start) << ", records before "
               << h.records_before << ", state in " << h.state_segment_id
               << " at " << h.state_offset << " LSN " << h.state_lsn
               << ", snapshot LSN " << h.snapshot_lsn << ", removed before LSN "
               << h.removed_before_lsn << ", key "
               << (h.key_id == journal::KeyId() ? "none"
                                                : journal::KeyIdHex(h.key_id))
               << "\n";
}

void SegmentDump::PrintFrames(journal::Lsn first_lsn) {
  using journal::ScanStep;
  journal::SegmentScanner scanner(file_.get(), bytes_, known_.uuid, id_);
  journal::Frame frame;
  if (first_lsn == 0 && scanner.ReadFrameAt(journal::kFirstFrameOffset,
                                            &frame) == ScanStep::kFrame) {
    first_lsn = frame.header.lsn;
  }
  scanner.Seek(journal::kFirstFrameOffset, first_lsn);
  ScanStep step = scanner.Next(&frame);
  while (step != ScanStep::kEnd) {
    if (step == ScanStep::kFrame) {
      PrintFrame(frame);
      step = scanner.Next(&frame);
      continue;
    }
    const journal::SegmentScanner::Bad bad = scanner.bad();
    step = scanner.Resync(&frame);
    PrintBad(bad, step == ScanStep::kFrame ? frame.offset
                                           : scanner.NonZeroEnd(bad.offset));
    // Resync leaves the frame it found as the current one.
    if (step == ScanStep::kEnd) break;
  }
  const uint64_t tail = scanner.NonZeroEnd(scanner.offset());
  if (tail < bytes_) {
    context_.out << "  zero " << tail << ".." << bytes_ << "\n";
  }
  for (const auto& error : scanner.read_errors()) {
    context_.out << "  read error at " << error.offset << ", " << error.bytes
                 << " bytes: " << runner::Printable(error.message) << "\n";
  }
}

void SegmentDump::PrintFrame(const journal::Frame& frame) {
  const journal::FrameHeader& h = frame.header;
  if (h.lsn < options_.lsns.first || h.lsn > options_.lsns.last) return;
  context_.out << absl::StrFormat(
      "  frame %d: LSN %d, %s, type %d %s, flags %s, %d bytes, watermark "
      "%d, body checksum %s, header checksum %s\n",
      frame.offset, h.lsn, FrameKindName(h.kind), h.type,
      h.kind == journal::FrameKind::kRecord ? FrameName(h) : "-",
      FrameFlagNames(h.flags), h.body_bytes, h.watermark, Hex(h.body_checksum),
      Hex(h.header_checksum));
  if (options_.hex) PrintBody(frame);
}

void SegmentDump::PrintBody(const journal::Frame& frame) {
  journal::Frame plain = frame;
  const absl::string_view wrong = decryptor_.Decrypt(known_, &plain);
  if (!wrong.empty()) {
    context_.out << "    "
                 << context_.style.Paint(std::string(wrong), Colour::kRed)
                 << "\n";
    return;
  }
  if ((plain.header.flags & journal::kEncrypted) != 0) {
    context_.out << "    encrypted; with its key it is shown\n";
    return;
  }
  const bool decrypted = plain.body.data() != frame.body.data();
  // Plain bytes lie nowhere in the file.
  HexPrinter(context_.out)
      .Print(decrypted ? 0 : frame.offset + journal::kFrameHeaderBytes,
             plain.body);
}

void SegmentDump::PrintBad(const journal::SegmentScanner::Bad& bad,
                           uint64_t end) {
  end = std::max(end, bad.offset);
  context_.out << "  "
               << context_.style.Paint(
                      absl::StrCat(
                          "bad ", bad.offset, "..", end, " (", end - bad.offset,
                          " bytes",
                          bad.lsn != 0 ? absl::StrCat(", LSN ", bad.lsn) : "",
                          "): ", bad.reason),
                      Colour::kRed)
               << "\n";
  PrintHex(bad.offset, end);
}

void SegmentDump::PrintHex(uint64_t from, uint64_t to) {
  if (options_.hex) PrintFileHex(*file_, from, to, context_.out);
}

}  // namespace inspector
