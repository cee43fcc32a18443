// A whole journal with snapshots: segments, parts and manifests in one folder,
// plain or encrypted with a key that is given, so that what is decrypted gets
// parsed. A writer has made it; the input changes its files.
//
// Input: u8 which (1 encrypted, 2 salvage, 4 open, the next two bits the mode
// for opening); then changes of one byte and the arguments that its comment
// names. A file is taken modulo how many there are, an offset modulo the file's
// size.

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/format.h"
#include "journal/journal.h"
#include "journal/journal_lock.h"
#include "journal/little_endian.h"
#include "journal/manifest.h"
#include "journal/part_footer.h"
#include "journal/segment_header.h"
#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_checks.h"
#include "tests/fuzz/sealing.h"

namespace fuzz {
namespace {

using journal::Cipher;
using journal::ErrorKind;
using journal::FindingKind;
using journal::Lsn;
using journal::MemoryFileSystem;
using journal::RecoveryMode;
using journal::RecoveryReport;

constexpr char kDirectory[] = "/journal";
constexpr size_t kChangesMax = 24;
constexpr size_t kFileBytesMax = 256 << 10;
constexpr size_t kFilesMax = 24;

// Some examinations with a window each, blocks of 1 MiB, and what is written.
constexpr size_t kBytesMax = 128 << 20;

// Part of what the corpus means: only added to.
enum class Change : uint8_t {
  kXor = 0,       // u8 file, u32 offset, u8 mask
  kSet = 1,       // u8 file, u32 offset, u64 value
  kTruncate = 2,  // u8 file, u32 size
  kAppend = 3,    // u8 file, u16 bytes, u8 filling
  kDrop = 4,      // u8 file
  kCopy = 5,      // u8 file, u8 file that it replaces
  kSwap = 6,      // u8 file, u8 file
  kZero = 7,      // u8 file, u16 sector
  kRename = 8,    // u8 file, u8 id in its new name
  // From here on with the key, and with right checksums.
  kSeal = 9,   // u8 file: of all that it holds
  kBody = 10,  // u8 file, u8 frame or block, u16 bytes, those: as its body
  kCount = 11,
};

// What the beginning of a body says has been superseded, by LSN.
class LastOfKey final : public journal::Folder, public journal::Compactor {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override { newest_.clear(); }
  absl::Status Restore(absl::string_view state) override {
    newest_.clear();
    for (size_t at = 0; at + 9 <= state.size(); at += 9) {
      Lsn lsn = 0;
      std::memcpy(&lsn, state.data() + at + 1, sizeof(lsn));
      newest_[state[at]] = lsn;
    }
    return absl::OkStatus();
  }
  void Fold(const journal::Record& record) override {
    if (!record.body.empty()) newest_[record.body[0]] = record.lsn;
  }
  std::string Save() override {
    std::string state;
    for (const auto& [key, lsn] : newest_) {
      state += key;
      state.append(reinterpret_cast<const char*>(&lsn), sizeof(lsn));
    }
    return state;
  }
  Lsn SupersededBy(const journal::Record& record) override {
    const auto newest =
        newest_.find(record.body.empty() ? '\0' : record.body[0]);
    return newest == newest_.end() || newest->second == record.lsn
               ? 0
               : newest->second;
  }

 private:
  std::map<char, Lsn> newest_;
};

// What a writer has made, once for all inputs.
struct Base {
  Files files;
  std::map<Lsn, std::string> appended;  // All, whether kept or not.
  OwnedRecords kept;
};

const Cipher* Key() {
  static const Cipher* const key =
      Cipher::FromBytes(std::string(journal::kKeyBytes, 'k'))->release();
  return key;
}

Files FilesOf(MemoryFileSystem& disk) {
  Files files;
  const auto names = disk.List(kDirectory);
  FUZZ_CHECK(names.ok());
  for (const std::string& name : *names) {
    if (name == journal::kLockFileName) continue;
    files[name] = disk.Get(journal::JoinPath(kDirectory, name));
  }
  return files;
}

journal::WriterOptions OptionsFor(MemoryFileSystem& disk, const Cipher* cipher,
                                  LastOfKey& keys) {
  journal::WriterOptions options;
  options.file_system = &disk;
  options.cipher = cipher;
  options.folder = &keys;
  options.compactor = &keys;
  options.segment_bytes_min = options.segment_bytes_max = 64 << 10;
  return options;
}

// Two snapshots of three parts, the log behind them, and what one snapshot
// covers and the other does not.
Base MakeBase(const Cipher* cipher) {
  Base base;
  MemoryFileSystem disk;
  LastOfKey keys;
  for (int life = 0; life < 3; ++life) {
    auto writer =
        journal::Writer::Open(kDirectory, OptionsFor(disk, cipher, keys));
    FUZZ_CHECK(writer.ok());
    for (int i = 0; i < 6; ++i) {
      const std::string body =
          absl::StrCat(std::string(1, 'a' + (i * 5 + life) % 9), life, i,
                       std::string(i * 90, 'x'));
      const auto lsn = (*writer)->Append({.type = 1, .body = body});
      FUZZ_CHECK(lsn.ok());
      base.appended[*lsn] = body;
      if (life > 0 && i == 2) FUZZ_CHECK((*writer)->Snapshot().ok());
    }
    FUZZ_CHECK((*writer)->Close().ok());
  }
  base.files = FilesOf(disk);
  base.kept =
      ExamineAll(disk, kDirectory, RecoveryMode::kStrict, cipher).records;
  FUZZ_CHECK(!base.kept.empty());
  return base;
}

const Base& BaseOf(bool encrypted) {
  static const Base* const plain = new Base(MakeBase(nullptr));
  static const Base* const sealed = new Base(MakeBase(Key()));
  return encrypted ? *sealed : *plain;
}

// -- Changing ----------------------------------------------------------------

struct Changed {
  int changes = 0;      // That did something.
  bool sealed = false;  // Checksums were made right.
  bool forged = false;  // By somebody with the key.
};

std::string WithId(const std::string& name, uint64_t id) {
  if (absl::EndsWith(name, ".manifest")) return journal::ManifestFileName(id);
  if (absl::EndsWith(name, ".part")) return journal::PartFileName(id);
  return journal::SegmentFileName(id);
}

class Changer {
 public:
  Changer(FuzzInput& input, const Cipher* cipher, Files& files)
      : input_(input), cipher_(cipher), files_(files) {}

  Changed Run() {
    for (size_t i = 0; i < kChangesMax && !input_.empty(); ++i) {
      const Files before = files_;
      One();
      if (files_ != before) ++changed_.changes;
    }
    return changed_;
  }

 private:
  std::string* TakeFile() {
    const size_t number = input_.Take<uint8_t>();
    return files_.empty()
               ? nullptr
               : &std::next(files_.begin(), number % files_.size())->second;
  }
  const std::string& NameOf(const std::string* file) const {
    const auto found =
        std::find_if(files_.begin(), files_.end(),
                     [file](const auto& one) { return &one.second == file; });
    return found->first;
  }

  void One() {
    const auto change = static_cast<Change>(input_.Take<uint8_t>() %
                                            static_cast<int>(Change::kCount));
    std::string* const file = TakeFile();
    if (file == nullptr) return;
    switch (change) {
      case Change::kXor:
      case Change::kSet:
      case Change::kZero:
        Overwrite(change, *file);
        break;
      case Change::kTruncate:
        file->resize(input_.Take<uint32_t>() % (file->size() + 1));
        break;
      case Change::kAppend:
        if (file->size() < kFileBytesMax) {
          const size_t bytes = input_.Take<uint16_t>();
          file->append(bytes, input_.Take<char>());
        }
        break;
      case Change::kDrop:
        files_.erase(std::string(NameOf(file)));
        break;
      case Change::kCopy:
        *TakeFile() = std::string(*file);
        break;
      case Change::kSwap:
        std::swap(*file, *TakeFile());
        break;
      case Change::kRename: {
        const std::string name =
            WithId(NameOf(file), 1 + uint64_t{input_.Take<uint8_t>()});
        if (files_.size() < kFilesMax) files_[name] = std::string(*file);
        break;
      }
      case Change::kSeal:
        changed_.sealed = true;
        SealFile(std::string(NameOf(file)), files_);
        break;
      case Change::kBody: {
        const size_t which = input_.Take<uint8_t>();
        const size_t bytes = input_.Take<uint16_t>();
        changed_.forged = true;
        ReplaceBody(std::string(NameOf(file)), which, input_.TakeBytes(bytes),
                    cipher_, files_);
        break;
      }
      case Change::kCount:
        break;
    }
  }

  void Overwrite(Change change, std::string& file) {
    if (file.empty()) return;
    if (change == Change::kXor) {
      const size_t at = input_.Take<uint32_t>() % file.size();
      file[at] = static_cast<char>(file[at] ^ input_.Take<char>());
    } else if (change == Change::kSet) {
      const size_t at = input_.Take<uint32_t>() % file.size();
      char value[8];
      journal::StoreLittleEndian<uint64_t>(value, input_.Take<uint64_t>());
      for (size_t i = 0; i < sizeof value && at + i < file.size(); ++i) {
        file[at + i] = value[i];
      }
    } else {
      const size_t at =
          input_.Take<uint16_t>() * journal::kSectorBytes % file.size();
      const size_t size =
          std::min<size_t>(file.size() - at, journal::kSectorBytes);
      file.replace(at, size, size, '\0');
    }
  }

  FuzzInput& input_;
  const Cipher* const cipher_;
  Files& files_;
  Changed changed_;
};

// -- What must hold ----------------------------------------------------------

// What is delivered was appended, unless checksums were made right in a plain
// journal, or somebody had the key.
void CheckNotInvented(const OwnedRecords& records, const Base& base) {
  for (const OwnedRecord& record : records) {
    const auto found = base.appended.find(record.lsn);
    FUZZ_CHECK(found != base.appended.end() && found->second == record.body);
  }
}

// Where a snapshot does not serve, the log may give superseded ones as well.
void CheckNothingLost(const OwnedRecords& records, const Base& base) {
  std::map<Lsn, std::string> there;
  for (const OwnedRecord& record : records) there[record.lsn] = record.body;
  for (const OwnedRecord& record : base.kept) {
    const auto found = there.find(record.lsn);
    FUZZ_CHECK(found != there.end() && found->second == record.body);
  }
}

bool ExaminesAtAll(MemoryFileSystem& disk, const Cipher* cipher) {
  journal::ExamineOptions options;
  options.file_system = &disk;
  options.cipher = cipher;
  const auto report = journal::Examine(kDirectory, options);
  if (report.ok()) return true;
  const ErrorKind kind = journal::KindOf(report.status());
  FUZZ_CHECK(kind == ErrorKind::kNotFound || kind == ErrorKind::kKey ||
             kind == ErrorKind::kNewerVersion || kind == ErrorKind::kDamage);
  return false;
}

void CheckModes(MemoryFileSystem& disk, const Base& base, const Cipher* cipher,
                const Changed& changed) {
  const bool honest = !changed.forged && (cipher != nullptr || !changed.sealed);
  for (int mode = 0; mode < journal::kRecoveryModeCount; ++mode) {
    const Examined examined =
        ExamineAll(disk, kDirectory, static_cast<RecoveryMode>(mode), cipher);
    if (honest) CheckNotInvented(examined.records, base);
    // One change of a closed journal is seen, or costs nothing.
    if (changed.changes <= 1 && !changed.forged && !changed.sealed &&
        StatusOf(examined.report).ok()) {
      CheckNothingLost(examined.records, base);
    }
  }
  const OwnedRecords read = ReadThrough(disk, kDirectory, cipher);
  if (honest) CheckNotInvented(read, base);
}

void CheckWriting(MemoryFileSystem& disk, uint8_t which, const Cipher* cipher) {
  if ((which & 2) != 0) {
    journal::SalvageOptions options;
    options.file_system = &disk;
    options.cipher = cipher;
    const std::string target = absl::StrCat(kDirectory, ".salvaged");
    if (!journal::Salvage(kDirectory, target, options).ok()) return;
    const Examined copy =
        ExamineAll(disk, target, RecoveryMode::kStrict, cipher);
    FUZZ_CHECK(copy.report.outcome == FindingKind::kCleanEnd);
    return;
  }
  if ((which & 4) == 0) return;
  LastOfKey keys;
  journal::WriterOptions options = OptionsFor(disk, cipher, keys);
  options.recovery_mode = static_cast<RecoveryMode>(which >> 3 & 3);
  options.append_after_damage = (which & 0x20) != 0;
  auto writer = journal::Writer::Open(kDirectory, options);
  if (!writer.ok()) return;
  const auto lsn = (*writer)->Append({.type = 1, .body = "z"});
  FUZZ_CHECK(lsn.ok());
  // Damage to what a snapshot would hold is its refusal, not the writer's.
  (*writer)->Snapshot().IgnoreError();
  FUZZ_CHECK((*writer)->Append({.type = 1, .body = "z"}).ok());
  FUZZ_CHECK((*writer)->Close().ok());
}

}  // namespace

void TestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const uint8_t which = input.Take<uint8_t>();
  const bool encrypted = (which & 1) != 0;
  const Base& base = BaseOf(encrypted);
  const AllocationBound bound(kBytesMax);
  const Cipher* const cipher = encrypted ? Key() : nullptr;
  Files files = base.files;
  const Changed changed = Changer(input, cipher, files).Run();
  MemoryFileSystem disk;
  if (!disk.CreateDirectory(kDirectory).ok()) return;
  for (const auto& [name, bytes] : files) {
    disk.Put(journal::JoinPath(kDirectory, name), bytes);
  }
  if (!ExaminesAtAll(disk, cipher)) return;
  CheckModes(disk, base, cipher, changed);
  CheckWriting(disk, which, cipher);
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::TestOneInput(data, size);
  return 0;
}
