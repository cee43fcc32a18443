// The records of a snapshot, one after the other.
#ifndef JOURNAL_SNAPSHOT_CURSOR_H_
#define JOURNAL_SNAPSHOT_CURSOR_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/part_reader.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

// Where a record of a snapshot lies, and back. Its LSN finds it in whatever
// part it will be.
Position MakeSnapshotPosition(Lsn lsn);
bool IsSnapshotPosition(Position position);
Lsn SnapshotPositionLsn(Position position);

// The newest manifest that can be read and is of the same journal as the newest
// segment. Errors: kNotFound when there is none, else those of ReadManifest.
absl::StatusOr<Manifest> NewestManifest(FileSystem& fs,
                                        absl::string_view directory);

enum class SnapshotStep {
  kRecord,
  kEnd,      // Behind the manifest's last_lsn.
  kBad,      // finding() says what is not there; Next() goes on behind it.
  kGivenUp,  // The application gave up what was next; next_lsn() is left.
};

// Goes on in a newer snapshot when a writer replaces the parts under it. Not
// thread-safe; memory as of one PartReader.
class SnapshotCursor {
 public:
  // Stands before the first record. `cipher` may be null (see PartReader).
  SnapshotCursor(FileSystem& fs, absl::string_view directory, Manifest manifest,
                 const Cipher* cipher);

  // Stands before the first record whose LSN is not below `lsn`.
  void Seek(Lsn lsn);

  SnapshotStep Next(Record* record);
  const Finding& finding() const { return finding_; }

  // Nothing below it is wanted, or there, any more.
  Lsn next_lsn() const { return next_lsn_; }

  // The one it reads from now.
  const Manifest& manifest() const { return manifest_; }

 private:
  // kRecord: it is open.
  SnapshotStep OpenPart();
  bool TakeNewer();

  FileSystem& fs_;
  const std::string directory_;
  const Cipher* const cipher_;
  Manifest manifest_;
  size_t part_ = 0;  // Index in manifest_.parts.
  std::unique_ptr<PartReader> reader_;
  Lsn next_lsn_ = 1;
  Finding finding_;
};

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_CURSOR_H_
