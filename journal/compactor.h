// What an application says of its records, so that snapshots need not keep
// those that later ones make superfluous; and how snapshots are made.
#ifndef JOURNAL_COMPACTOR_H_
#define JOURNAL_COMPACTOR_H_

#include <cstdint>
#include <string>

#include "journal/types.h"

namespace journal {

// Called from one thread of the engine, in order of LSN within a part, beside
// appends and calls of the Folder: it needs a lock of the application's own,
// and must not call the journal.
//
// What is left out is gone for readers once its segment is removed. So:
// whoever folds only the records that are kept must come to the same state as
// whoever folds all. The answer for a record may change from "needed" to
// "superseded", never back.
class Compactor {
 public:
  virtual ~Compactor() = default;

  // The LSN of the record that makes `record` superfluous; 0 if it is needed.
  // It is left out of a snapshot only if that LSN lies in the same snapshot,
  // so that a lost tail never takes both.
  virtual Lsn SupersededBy(const Record& record) = 0;
};

struct SnapshotOptions {
  // A snapshot is made in the background when this many bytes of sealed
  // segments are in none. 0: only on demand.
  uint64_t log_bytes = 0;
  // Close makes a last one.
  bool on_close = false;
  // Newest snapshots that stay; fewer than 2 count as 2.
  int manifests_kept = 5;
  // Receives a copy of each new part and manifest; empty: none. Made if it is
  // not there; its parent must be. Belongs to one journal: opening fails with
  // kInvalidArgument when it holds another's snapshots.
  std::string backup_directory;
  // zstd's, 1 (fast) to 22; what is beyond its range counts as its end.
  int zstd_level = 3;
};

}  // namespace journal

#endif  // JOURNAL_COMPACTOR_H_
