// Reads the records of one part.
#ifndef JOURNAL_PART_READER_H_
#define JOURNAL_PART_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/part_footer.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

enum class PartStep {
  kRecord,
  kEnd,  // Behind the last record.
  kBad,  // See finding(). Next() goes on behind it.
};

// Not thread-safe. Memory: two blocks (encrypted: three), bounded as FORMAT.md
// says for `raw_bytes`, and the index, 24 bytes a block; no length is believed
// before its checksum and the size of the file.
class PartReader {
 public:
  // Opens a part and reads its footer; not its header, blocks or index.
  // Errors: kNotFound; kIo; kNewerVersion; kDamage (no whole footer, or it is
  // not that part of that journal, or does not fit the file's size). `finding`,
  // if given, is then set to what a report says of it: kAckedLoss,
  // kSegmentChain, kReadError or kNewerFormat, without LSNs. `cipher` (not
  // owned) may be null: then verification works, and Next() of an encrypted
  // part answers kBad with a finding that names the key.
  static absl::StatusOr<std::unique_ptr<PartReader>> Open(
      FileSystem& fs, absl::string_view directory, const JournalUuid& uuid,
      uint64_t part_id, const Cipher* cipher, Finding* finding = nullptr);

  ~PartReader();

  const PartFooter& footer() const;
  uint64_t file_bytes() const;

  // Stands before the first record whose LSN is not below `lsn`. Uses the
  // index; where that is damaged, steps from block to block.
  void Seek(Lsn lsn);

  // The next record; its body is 8-byte aligned and valid until the next call;
  // its position is 0. kBad names the LSNs of a block that is not whole and
  // skips it, or, where neither its header nor the index is whole, those
  // between its neighbours. What costs no record is for Verify() to say.
  PartStep Next(Record* record);
  const Finding& finding() const;

  // Checks every byte, read anew: header, footer, block headers, stored
  // checksums, zeros, index, totals; with `decode`, also that blocks decompress
  // (and, with a cipher, decrypt) into entries that are in order and add up.
  // Calls `on_finding` for each bad place and goes on: kAckedLoss with the LSNs
  // of the block, kReadError with the bytes that the disk did not return,
  // kNoRecordLost without LSNs for the header, the index and zeros. Returns
  // false if there was one. Needs no key without `decode`. `keep_going` is
  // asked at least once a block and gets the bytes read since it was last
  // asked: false ends the check with CancelledError. Then Next() begins anew.
  absl::StatusOr<bool> Verify(
      bool decode, absl::FunctionRef<void(const Finding&)> on_finding,
      absl::FunctionRef<bool(uint64_t bytes)> keep_going);

  // Forgets cached pages of the file, so that what follows comes from the disk
  // (but for the footer, which only Verify() reads again). Next() begins anew.
  absl::Status DropCache();

 private:
  class Impl;
  explicit PartReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace journal

#endif  // JOURNAL_PART_READER_H_
