#include "tools/dump_command.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "journal/format.h"
#include "journal/journal.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"
#include "runner/printable.h"
#include "runner/text.h"
#include "tools/frame_names.h"
#include "tools/journal_files.h"

namespace inspector {
namespace {

constexpr size_t kHexBytesPerLine = 16;
constexpr size_t kReadBytes = 64 << 10;
static_assert(kReadBytes % kHexBytesPerLine == 0);

struct DumpOptions {
  bool hex = true;
  LsnRange lsns;
};

// Hex lines as of hexdump -C: repeated lines shown once, then a `*`.
class HexPrinter {
 public:
  explicit HexPrinter(std::ostream& out) : out_(out) {}

  // Consecutive parts of a range; all but the last whole lines.
  void Print(uint64_t offset, absl::string_view bytes) {
    for (; !bytes.empty(); offset += kHexBytesPerLine) {
      const absl::string_view line = bytes.substr(0, kHexBytesPerLine);
      bytes.remove_prefix(line.size());
      const bool repeated = line == last_ && !bytes.empty();
      if (repeated && !starred_) out_ << "    *\n";
      starred_ = repeated;
      if (!repeated) PrintLine(offset, line);
      last_ = std::string(line);
    }
  }

 private:
  void PrintLine(uint64_t offset, absl::string_view line) {
    std::string text = absl::StrFormat("    %08x ", offset);
    for (size_t i = 0; i < kHexBytesPerLine; ++i) {
      if (i < line.size()) {
        absl::StrAppendFormat(&text, " %02x",
                              static_cast<unsigned char>(line[i]));
      } else {
        text += "   ";
      }
    }
    text += "  |";
    for (const char c : line) text += c >= 0x20 && c < 0x7f ? c : '.';
    out_ << text << "|\n";
  }

  std::ostream& out_;
  std::string last_;
  bool starred_ = false;
};

// One segment's file.
class SegmentDump {
 public:
  SegmentDump(std::string directory, std::string name, DumpOptions options,
              Context& context)
      : path_(journal::JoinPath(directory, name)),
        name_(std::move(name)),
        options_(options),
        context_(context) {}

  absl::Status Open() {
    absl::StatusOr<std::unique_ptr<journal::File>> file =
        journal::FileSystem::Posix()->Open(path_, journal::OpenMode::kRead);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    const absl::StatusOr<uint64_t> size = file_->Size();
    if (!size.ok()) return size.status();
    bytes_ = *size;
    const absl::StatusOr<size_t> got =
        file_->ReadAt(0, head_, journal::kFirstFrameOffset);
    head_bytes_ = got.ok() ? *got : 0;
    for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
      state_[copy] = journal::DecodeSegmentHeader(
          head_ + copy * journal::kSegmentHeaderBytes, &copies_[copy]);
    }
    return absl::OkStatus();
  }

  // The header, from the copy that is whole; null if neither is.
  const journal::SegmentHeader* header() const {
    for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
      if (state_[copy] == journal::HeaderState::kGood) return &copies_[copy];
    }
    return nullptr;
  }

  // `uuid` is that of the journal, for a segment whose own header is lost.
  void Print(const journal::JournalUuid& uuid) {
    context_.out << context_.style.Paint(
                        absl::StrCat("segment ", name_, ", ", bytes_, " bytes"),
                        Colour::kBold)
                 << "\n";
    for (int copy = 0; copy < journal::kSegmentHeaderCopies; ++copy) {
      PrintHeader(copy);
    }
    const uint64_t id = *journal::ParseSegmentFileName(name_);
    const journal::SegmentHeader* const good = header();
    PrintFrames(good != nullptr ? good->uuid : uuid, id,
                good != nullptr ? good->first_lsn : 0);
  }

 private:
  void PrintHeader(int copy) {
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
                 << ", first LSN " << h.first_lsn << ", zeroed "
                 << h.zeroed_bytes << ", max unsynced " << h.max_unsynced_bytes
                 << ", created "
                 << Rfc3339(absl::FromUnixNanos(h.created_unix_ns))
                 << ", watermark " << h.watermark << ", predecessor "
                 << h.predecessor_id << " of " << h.predecessor_bytes
                 << " bytes, chain " << Hex(h.chain_start)
                 << ", records before " << h.records_before << ", state in "
                 << h.state_segment_id << " at " << h.state_offset << " LSN "
                 << h.state_lsn << "\n";
  }

  static std::string Hex(uint64_t value) {
    return absl::StrFormat("%016x", value);
  }

  void PrintFrames(const journal::JournalUuid& uuid, uint64_t id,
                   journal::Lsn first_lsn) {
    using journal::ScanStep;
    journal::SegmentScanner scanner(file_.get(), bytes_, uuid, id);
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

  void PrintFrame(const journal::Frame& frame) {
    const journal::FrameHeader& h = frame.header;
    if (h.lsn < options_.lsns.first || h.lsn > options_.lsns.last) return;
    context_.out << absl::StrFormat(
        "  frame %d: LSN %d, %s, type %d %s, flags %s, %d bytes, watermark "
        "%d, body checksum %s, header checksum %s\n",
        frame.offset, h.lsn, FrameKindName(h.kind), h.type,
        h.kind == journal::FrameKind::kRecord ? FrameName(h) : "-",
        FrameFlagNames(h.flags), h.body_bytes, h.watermark,
        Hex(h.body_checksum), Hex(h.header_checksum));
    if (options_.hex) {
      HexPrinter(context_.out)
          .Print(frame.offset + journal::kFrameHeaderBytes, frame.body);
    }
  }

  void PrintBad(const journal::SegmentScanner::Bad& bad, uint64_t end) {
    end = std::max(end, bad.offset);
    context_.out << "  "
                 << context_.style.Paint(
                        absl::StrCat(
                            "bad ", bad.offset, "..", end, " (",
                            end - bad.offset, " bytes",
                            bad.lsn != 0 ? absl::StrCat(", LSN ", bad.lsn) : "",
                            "): ", bad.reason),
                        Colour::kRed)
                 << "\n";
    PrintHex(bad.offset, end);
  }

  void PrintHex(uint64_t from, uint64_t to) {
    if (!options_.hex) return;
    HexPrinter hex(context_.out);
    std::string buffer;
    while (from < to) {
      buffer.resize(std::min<uint64_t>(kReadBytes, to - from));
      const absl::StatusOr<size_t> got =
          file_->ReadAt(from, buffer.data(), buffer.size());
      if (!got.ok() || *got == 0) {
        context_.out << "    unreadable from " << from << " on\n";
        return;
      }
      hex.Print(from, absl::string_view(buffer).substr(0, *got));
      from += *got;
    }
  }

  const std::string path_;
  const std::string name_;
  const DumpOptions options_;
  Context& context_;
  std::unique_ptr<journal::File> file_;
  uint64_t bytes_ = 0;
  char head_[journal::kFirstFrameOffset] = {};
  size_t head_bytes_ = 0;
  journal::HeaderState state_[journal::kSegmentHeaderCopies] = {};
  journal::SegmentHeader copies_[journal::kSegmentHeaderCopies];
};

absl::StatusOr<std::vector<uint64_t>> SegmentIds(absl::string_view path) {
  absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(path);
  if (!names.ok()) return names.status();
  std::vector<uint64_t> ids;
  for (const std::string& name : *names) {
    if (const auto id = journal::ParseSegmentFileName(name)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  if (ids.empty()) {
    return journal::MakeError(journal::ErrorKind::kNotFound,
                              absl::StrCat(path, ": no journal here"));
  }
  return ids;
}

// The UUID of the first segment that says one.
journal::JournalUuid FindUuid(const std::string& path,
                              const std::vector<uint64_t>& ids,
                              Context& context) {
  for (const uint64_t id : ids) {
    SegmentDump segment(path, journal::SegmentFileName(id), {}, context);
    if (segment.Open().ok() && segment.header() != nullptr) {
      return segment.header()->uuid;
    }
  }
  return {};
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  absl::StatusOr<std::vector<uint64_t>> ids = SegmentIds(*path);
  if (!ids.ok()) return Fail(context, ids.status());
  DumpOptions options;
  options.hex = !arguments.Has("no-hex");
  if (arguments.Has("lsn")) {
    absl::StatusOr<LsnRange> range = ParseLsnRange(arguments.Get("lsn"));
    if (!range.ok()) return Fail(context, range.status());
    options.lsns = *range;
  }
  const journal::JournalUuid uuid = FindUuid(*path, *ids, context);
  if (arguments.Has("segment")) {
    absl::StatusOr<uint64_t> id =
        ParseNumber("--segment", arguments.Get("segment"), 1, UINT64_MAX);
    if (!id.ok()) return Fail(context, id.status());
    if (std::find(ids->begin(), ids->end(), *id) == ids->end()) {
      return Fail(context, kExitUsage,
                  absl::StrCat(*path, ": no segment ", *id, "; there are ",
                               ids->front(), " to ", ids->back()));
    }
    ids = std::vector<uint64_t>{*id};
  }
  int exit_code = kExitOk;
  for (const uint64_t id : *ids) {
    SegmentDump segment(*path, journal::SegmentFileName(id), options, context);
    if (absl::Status opened = segment.Open(); !opened.ok()) {
      exit_code = Fail(context, kExitFailed, std::string(opened.message()));
      continue;
    }
    segment.Print(uuid);
  }
  return exit_code;
}

}  // namespace

const Command& DumpCommand() {
  static const auto* const command = new Command{
      {"dump",
       "J",
       1,
       1,
       "Shows the frames of a journal as they lie on disk, past damage.",
       "For each segment its header copies, then each frame: offset, LSN,\n"
       "kind, type, flags, length, watermark, checksums, and the body in hex.\n"
       "What is no frame is shown as bad, with its bytes; the next whole "
       "frame\n"
       "is searched for. Whether something bad is damage or a torn tail, "
       "verify\n"
       "tells; dump exits 0.\n",
       {{"segment", 0, "N", "only segment N"},
        {"lsn", 0, "A..B", "only frames with these LSNs"},
        {"no-hex", 0, "", "without the bytes"}}},
      Run};
  return *command;
}

}  // namespace inspector
