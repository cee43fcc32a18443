#include "tools/lost_records.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_header.h"
#include "runner/storage/record_codec.h"
#include "tools/frame_names.h"
#include "tools/record_facts.h"

namespace inspector {
namespace {

// A body larger than any writer makes is not looked into.
constexpr uint64_t kBodyBytesRead = 16 << 20;

// A frame begins with these, which are not zero.
constexpr uint64_t kMagicBytes = sizeof(journal::kFrameMagic);

bool IsZero(absl::string_view bytes) {
  return bytes.find_first_not_of('\0') == absl::string_view::npos;
}

uint64_t ReadNumber(absl::string_view bytes, size_t at, int size) {
  uint64_t value = 0;
  for (int i = size; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

// The header's fields as they lie there, believed by nobody.
journal::FrameHeader RawHeader(absl::string_view bytes) {
  journal::FrameHeader header;
  header.body_bytes = ReadNumber(bytes, 4, 4);
  header.lsn = ReadNumber(bytes, 8, 8);
  header.type = ReadNumber(bytes, 24, 2);
  header.kind = static_cast<journal::FrameKind>(ReadNumber(bytes, 26, 1));
  return header;
}

class Identifier {
 public:
  explicit Identifier(absl::string_view directory) : directory_(directory) {}

  void Look(const journal::Finding& finding, std::vector<LostRecord>& lost) {
    if (!OpenSegment(finding.file)) return;
    uint64_t at = finding.offset;
    journal::Lsn expected = finding.first_lsn;
    const uint64_t end =
        std::min(finding.offset + finding.bytes, uint64_t{file_bytes_});
    // What is found ends with its last byte that is not zero; a header's
    // checksum may well end in zeros.
    while (at < end && at + journal::kFrameHeaderBytes <= file_bytes_ &&
           lost.size() < kLostRecordsMax) {
      // What follows an fsync begins a sector; zeros fill the one before it.
      if (at % journal::kSectorBytes != 0 && IsZero(Read(at, kMagicBytes))) {
        at = journal::AlignUp(at, journal::kSectorBytes);
        continue;
      }
      LostRecord record;
      record.file = finding.file;
      record.offset = at;
      const uint64_t next = LookAt(at, end, expected, &record);
      if (next == 0) return;
      lost.push_back(record);
      expected = record.lsn + 1;
      at = next;
    }
  }

 private:
  bool OpenSegment(const std::string& name) {
    if (name == name_) return file_ != nullptr;
    name_ = name;
    file_ = nullptr;
    const absl::optional<uint64_t> id = journal::ParseSegmentFileName(name);
    if (!id.has_value()) return false;
    auto file = journal::FileSystem::Posix()->Open(
        journal::JoinPath(directory_, name), journal::OpenMode::kRead);
    if (!file.ok()) return false;
    const absl::StatusOr<uint64_t> size = (*file)->Size();
    if (!size.ok()) return false;
    char bytes[journal::kFirstFrameOffset] = {};
    if (!(*file)->ReadAt(0, bytes, sizeof(bytes)).ok()) return false;
    journal::SegmentHeader header;
    const bool good =
        journal::DecodeSegmentHeader(bytes, &header) ==
            journal::HeaderState::kGood ||
        journal::DecodeSegmentHeader(bytes + journal::kSegmentHeaderBytes,
                                     &header) == journal::HeaderState::kGood;
    if (!good) return false;
    seed_ = journal::SegmentSeed(header.uuid, *id);
    file_bytes_ = *size;
    file_ = *std::move(file);
    return true;
  }

  std::string Read(uint64_t at, uint64_t size) {
    std::string bytes(size, '\0');
    const absl::StatusOr<size_t> got = file_->ReadAt(at, bytes.data(), size);
    bytes.resize(got.ok() ? *got : 0);
    return bytes;
  }

  // Returns where the next frame would begin; 0 when nothing can be told.
  uint64_t LookAt(uint64_t at, uint64_t end, journal::Lsn expected,
                  LostRecord* record) {
    const std::string bytes = Read(at, journal::kFrameHeaderBytes);
    if (bytes.size() < journal::kFrameHeaderBytes) return 0;
    journal::FrameHeader header;
    record->certain =
        journal::DecodeFrameHeader(bytes.data(), seed_, at, &header);
    if (!record->certain) {
      header = RawHeader(bytes);
      // At most one field is taken to be wrong: it must look like the frame
      // that was expected.
      const bool plausible = header.lsn == expected ||
                             ReadNumber(bytes, 0, 4) == journal::kFrameMagic;
      if (!plausible) return 0;
      header.lsn = expected;
    }
    record->lsn = header.lsn;
    // Without a believable length the body is what lies up to the next frame.
    const uint64_t body = at + journal::kFrameHeaderBytes;
    const uint64_t room = std::max(end, body) - body;
    if (!record->certain && header.body_bytes > room) {
      header.body_bytes = static_cast<uint32_t>(std::min(room, kBodyBytesRead));
    }
    record->kind = FrameName(header);
    const bool encrypted =
        record->certain && (header.flags & journal::kEncrypted) != 0;
    if (header.kind == journal::FrameKind::kRecord && !encrypted &&
        header.body_bytes <= std::min(room, kBodyBytesRead)) {
      LookIntoBody(at, header, record);
    }
    const uint64_t next = at + journal::FrameBytes(header.body_bytes);
    return next;
  }

  void LookIntoBody(uint64_t at, const journal::FrameHeader& header,
                    LostRecord* record) {
    const std::string body =
        Read(at + journal::kFrameHeaderBytes, header.body_bytes);
    journal::Record guess;
    guess.lsn = header.lsn;
    guess.type = header.type;
    guess.body = body;
    const RecordFacts facts = FactsOf(guess);
    if (!facts.key.has_value()) return;
    record->query =
        absl::StrCat("run ", facts.key->run, ", ", QueryName(*facts.key));
  }

  const std::string directory_;
  std::string name_;
  std::unique_ptr<journal::File> file_;
  uint64_t file_bytes_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace

std::vector<LostRecord> IdentifyLost(absl::string_view directory,
                                     const journal::RecoveryReport& report) {
  std::vector<LostRecord> lost;
  Identifier identifier(directory);
  for (const journal::Finding& finding : report.findings) {
    const bool has_bytes = finding.kind == journal::FindingKind::kAckedLoss &&
                           finding.bytes > 0 && finding.first_lsn > 0;
    if (has_bytes) identifier.Look(finding, lost);
  }
  return lost;
}

std::string Describe(const LostRecord& lost) {
  std::string text =
      absl::StrCat("LSN ", lost.lsn, ", offset ", lost.offset, " of ",
                   lost.file, ": ", lost.kind.empty() ? "unknown" : lost.kind);
  if (!lost.query.empty()) absl::StrAppend(&text, ", ", lost.query);
  if (!lost.certain || !lost.query.empty()) {
    absl::StrAppend(&text, " (by what is left of it)");
  }
  return text;
}

}  // namespace inspector
