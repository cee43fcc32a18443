#include "tools/part_dump.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/little_endian.h"
#include "journal/manifest.h"
#include "journal/part_block.h"
#include "journal/part_blocks.h"
#include "journal/part_footer.h"
#include "journal/part_window.h"
#include "runner/base/printable.h"
#include "runner/storage/record_codec.h"
#include "tools/hex_printer.h"

namespace inspector {
namespace {

// Entries shown of a manifest that does not validate.
constexpr uint64_t kEntriesMax =
    journal::kManifestBytesMax / journal::kManifestEntryBytes;

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

std::string KeyName(const journal::KeyId& key_id) {
  const std::string hex = journal::KeyIdHex(key_id);
  return hex.empty() ? "none" : hex;
}

struct OpenedFile {
  std::unique_ptr<journal::File> file;
  uint64_t bytes = 0;
};

absl::StatusOr<OpenedFile> OpenFile(absl::string_view directory,
                                    absl::string_view name) {
  absl::StatusOr<std::unique_ptr<journal::File>> file =
      journal::FileSystem::Posix()->Open(journal::JoinPath(directory, name),
                                         journal::OpenMode::kRead);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  return OpenedFile{*std::move(file), *size};
}

class PartDump {
 public:
  PartDump(OpenedFile opened, uint64_t part_id, const DumpOptions& options,
           Context& context)
      : file_(std::move(opened.file)),
        bytes_(opened.bytes),
        part_id_(part_id),
        options_(options),
        context_(context) {}

  void Print() {
    Title(absl::StrCat("part ", journal::PartFileName(part_id_), ", ", bytes_,
                       " bytes"));
    if (bytes_ < 2 * journal::kPartFooterBytes) {
      Bad(0, bytes_, "too short for a part");
      return;
    }
    journal::PartFooter header;
    journal::PartFooter footer;
    const bool header_good = PrintEnd(0, journal::PartEnd::kHeader, &header);
    const bool footer_good = PrintEnd(bytes_ - journal::kPartFooterBytes,
                                      journal::PartEnd::kFooter, &footer);
    if (footer_good && Fits(footer)) {
      PrintBlocks(footer, /*index_known=*/true);
      return;
    }
    if (!header_good) {
      header = journal::PartFooter();
      header.uuid = options_.uuid;
      header.key_id = options_.key_id;
      header.span.first_lsn = 1;
      header.span.last_lsn = UINT64_MAX;
    }
    header.part_id = part_id_;
    // Blocks are searched for up to the end.
    header.blocks = 0;
    header.index_offset =
        bytes_ / journal::kFrameAlignment * journal::kFrameAlignment;
    PrintBlocks(header, /*index_known=*/false);
  }

 private:
  void Title(absl::string_view text) {
    context_.out << context_.style.Paint(std::string(text), Colour::kBold)
                 << "\n";
  }

  // The index is read by what the footer says: not before that can be so.
  bool Fits(const journal::PartFooter& footer) const {
    const uint64_t end = bytes_ - journal::kPartFooterBytes;
    return footer.index_offset >= journal::kPartFooterBytes &&
           footer.index_offset <= end &&
           footer.index_offset % journal::kFrameAlignment == 0 &&
           (end - footer.index_offset) % journal::kPartIndexEntryBytes == 0 &&
           (end - footer.index_offset) / journal::kPartIndexEntryBytes ==
               footer.blocks;
  }

  bool PrintEnd(uint64_t offset, journal::PartEnd end,
                journal::PartFooter* footer) {
    const bool is_header = end == journal::PartEnd::kHeader;
    const std::string where =
        absl::StrCat(is_header ? "  header " : "  footer ", offset, ": ");
    char bytes[journal::kPartFooterBytes] = {};
    const absl::StatusOr<size_t> got =
        file_->ReadAt(offset, bytes, sizeof(bytes));
    const journal::HeaderState state =
        got.ok() && *got == sizeof(bytes)
            ? journal::DecodePartFooter(bytes, end, footer)
            : journal::HeaderState::kBad;
    if (state == journal::HeaderState::kBad) {
      context_.out << where
                   << context_.style.Paint("does not validate", Colour::kRed)
                   << "\n";
      if (options_.hex) {
        PrintFileHex(*file_, offset, offset + sizeof(bytes), context_.out);
      }
      return false;
    }
    if (state == journal::HeaderState::kNewer) {
      context_.out << where << "written by a newer version: format "
                   << footer->format_version << ", features "
                   << footer->required_features << "\n";
      return false;
    }
    const journal::PartFooter& f = *footer;
    context_.out << where << "format " << f.format_version << ", features "
                 << f.required_features << ", journal "
                 << journal::UuidHex(f.uuid) << ", part " << f.part_id
                 << ", segments " << f.span.first_segment << ".."
                 << f.span.last_segment << ", LSN " << f.span.first_lsn << ".."
                 << f.span.last_lsn << ", chain " << Hex(f.span.chain_start)
                 << ".." << Hex(f.span.chain_end) << ", records before "
                 << f.span.records_before << " after " << f.span.records_after
                 << ", seal ends " << f.span.seal_end << ", created "
                 << Rfc3339(absl::FromUnixNanos(f.created_unix_ns)) << ", key "
                 << KeyName(f.key_id);
    if (!is_header) {
      context_.out << ", " << f.records << " records, " << f.raw_bytes
                   << " raw bytes in " << f.blocks << " blocks, index at "
                   << f.index_offset << " checksum " << Hex(f.index_checksum);
    }
    context_.out << "\n";
    return true;
  }

  void PrintBlocks(const journal::PartFooter& footer, bool index_known) {
    journal::PartWindow window(file_.get(), bytes_);
    journal::PartBlocks blocks(&window, footer);
    journal::BlockDecoder decoder(footer.uuid, footer.part_id, footer.key_id,
                                  context_.cipher);
    const bool index_whole = blocks.IndexWhole();
    journal::PartBlocks::Block block;
    for (;;) {
      const journal::PartBlocks::Step step = blocks.Next(&block);
      if (step == journal::PartBlocks::Step::kEnd) break;
      if (step == journal::PartBlocks::Step::kBlock) {
        PrintBlock(block, decoder);
        continue;
      }
      const journal::Finding& finding = blocks.finding();
      const bool rest = !index_known && blocks.end() >= footer.index_offset;
      Bad(finding.offset, finding.offset + finding.bytes,
          rest ? "no block; index and footer lie here" : finding.detail,
          rest ? 0 : finding.first_lsn, finding.last_lsn);
    }
    if (!index_known) return;
    context_.out << "  index " << footer.index_offset << ": "
                 << (index_whole ? absl::StrCat(footer.blocks, " blocks, ok")
                                 : context_.style.Paint("does not validate",
                                                        Colour::kRed))
                 << "\n";
  }

  void PrintBlock(const journal::PartBlocks::Block& block,
                  journal::BlockDecoder& decoder) {
    const journal::BlockHeader& h = block.header;
    if (h.last_lsn < options_.lsns.first || h.first_lsn > options_.lsns.last) {
      return;
    }
    context_.out << "  block " << block.offset << ": LSN " << h.first_lsn
                 << ".." << h.last_lsn << ", " << h.records << " records, "
                 << h.stored_bytes << " bytes stored, " << h.raw_bytes
                 << " raw, codec "
                 << (h.codec == journal::BlockCodec::kZstd ? "zstd" : "none")
                 << (h.encrypted ? ", encrypted" : "")
                 << ", header and checksum " << Hex(h.stored_checksum) << " ok";
    const bool zeros =
        block.padding.find_first_not_of('\0') == absl::string_view::npos;
    if (!zeros) {
      context_.out << ", "
                   << context_.style.Paint("padding is not zero", Colour::kRed);
    }
    context_.out << "\n";
    if (h.encrypted && context_.cipher == nullptr) {
      context_.out << "    encrypted; with its key it is shown\n";
      return;
    }
    const absl::StatusOr<absl::string_view> entries =
        decoder.Decode(h, block.stored);
    if (!entries.ok()) {
      context_.out << "    "
                   << context_.style.Paint(
                          runner::Printable(absl::StrCat(
                              "does not decode: ", entries.status().message())),
                          Colour::kRed)
                   << "\n";
      return;
    }
    PrintRecords(*entries);
  }

  void PrintRecords(absl::string_view entries) {
    journal::Record record;
    while (journal::TakeBlockEntry(&entries, &record)) {
      if (record.lsn < options_.lsns.first || record.lsn > options_.lsns.last) {
        continue;
      }
      context_.out << "    record LSN " << record.lsn << ", type "
                   << record.type << " " << runner::RecordTypeName(record.type)
                   << ", flags " << (record.ignorable ? "ignorable" : "-")
                   << ", " << record.body.size() << " bytes\n";
      if (options_.hex) HexPrinter(context_.out).Print(0, record.body);
    }
  }

  void Bad(uint64_t from, uint64_t to, absl::string_view why,
           journal::Lsn first_lsn = 0, journal::Lsn last_lsn = 0) {
    std::string text =
        absl::StrCat("bad ", from, "..", to, " (", to - from, " bytes");
    if (first_lsn != 0) {
      absl::StrAppend(&text, ", LSN ", first_lsn, "..", last_lsn);
    }
    absl::StrAppend(&text, "): ", runner::Printable(why));
    context_.out << "  " << context_.style.Paint(text, Colour::kRed) << "\n";
    if (options_.hex) PrintFileHex(*file_, from, to, context_.out);
  }

  const std::unique_ptr<journal::File> file_;
  const uint64_t bytes_;
  const uint64_t part_id_;
  const DumpOptions& options_;
  Context& context_;
};

void PrintEntry(const journal::ManifestEntry& entry, std::ostream& out) {
  out << "  part " << entry.part_id << ": segments " << entry.first_segment
      << ".." << entry.last_segment << ", LSN " << entry.first_lsn << ".."
      << entry.last_lsn << ", " << entry.records << " records, "
      << entry.superseded << " superseded, " << entry.file_bytes
      << " bytes, footer checksum " << Hex(entry.footer_checksum) << "\n";
}

// The fields as they lie there, believed by nobody.
journal::ManifestEntry RawEntry(const char* from) {
  const auto number = [from](int field) {
    return journal::LoadLittleEndian<uint64_t>(from + 8 * field);
  };
  journal::ManifestEntry entry;
  entry.part_id = number(0);
  entry.first_segment = number(1);
  entry.last_segment = number(2);
  entry.first_lsn = number(3);
  entry.last_lsn = number(4);
  entry.records = number(5);
  entry.file_bytes = number(6);
  entry.footer_checksum = number(7);
  entry.superseded = number(8);
  return entry;
}

void DumpDamagedManifest(const OpenedFile& opened, const DumpOptions& options,
                         Context& context) {
  char bytes[journal::kManifestEntryBytes];
  uint64_t at = journal::kManifestHeaderBytes;
  for (uint64_t i = 0; i < kEntriesMax && at + sizeof(bytes) <= opened.bytes;
       ++i, at += sizeof(bytes)) {
    const absl::StatusOr<size_t> got =
        opened.file->ReadAt(at, bytes, sizeof(bytes));
    if (!got.ok() || *got < sizeof(bytes)) break;
    PrintEntry(RawEntry(bytes), context.out);
  }
  if (!options.hex) return;
  PrintFileHex(*opened.file, 0,
               std::min<uint64_t>(opened.bytes, journal::kManifestBytesMax),
               context.out);
}

}  // namespace

absl::Status DumpPart(absl::string_view directory, uint64_t part_id,
                      const DumpOptions& options, Context& context) {
  absl::StatusOr<OpenedFile> opened =
      OpenFile(directory, journal::PartFileName(part_id));
  if (!opened.ok()) return opened.status();
  PartDump(*std::move(opened), part_id, options, context).Print();
  return absl::OkStatus();
}

absl::Status DumpManifest(absl::string_view directory, uint64_t manifest_id,
                          const DumpOptions& options, Context& context) {
  const std::string name = journal::ManifestFileName(manifest_id);
  absl::StatusOr<OpenedFile> opened = OpenFile(directory, name);
  if (!opened.ok()) return opened.status();
  context.out << context.style.Paint(absl::StrCat("manifest ", name, ", ",
                                                  opened->bytes, " bytes"),
                                     Colour::kBold)
              << "\n";
  const absl::StatusOr<journal::Manifest> manifest = journal::ReadManifest(
      *journal::FileSystem::Posix(), directory, manifest_id);
  if (!manifest.ok()) {
    context.out << "  header 0: "
                << context.style.Paint(
                       absl::StrCat(
                           "does not validate; what follows is as it "
                           "lies there: ",
                           runner::Printable(manifest.status().message())),
                       Colour::kRed)
                << "\n";
    DumpDamagedManifest(*opened, options, context);
    return absl::OkStatus();
  }
  const journal::Manifest& m = *manifest;
  context.out << "  header 0: format " << m.format_version << ", features "
              << m.required_features << ", journal " << journal::UuidHex(m.uuid)
              << ", manifest " << m.manifest_id << ", up to segment "
              << m.last_segment << " LSN " << m.last_lsn << ", chain "
              << Hex(m.chain_end) << ", records after " << m.records_after
              << ", seal ends " << m.seal_end << ", removed before LSN "
              << m.removed_before_lsn << ", created "
              << Rfc3339(absl::FromUnixNanos(m.created_unix_ns)) << ", "
              << m.parts.size() << " parts\n";
  for (const journal::ManifestEntry& entry : m.parts) {
    PrintEntry(entry, context.out);
  }
  return absl::OkStatus();
}

}  // namespace inspector
