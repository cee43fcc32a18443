// How an application keeps a summary of all its records inside the journal, so
// that opening need not read them again.
#ifndef JOURNAL_FOLDER_H_
#define JOURNAL_FOLDER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/types.h"

namespace journal {

// Folds records into a state. The engine calls it in LSN order, each record
// exactly once after the state it started from, never from two threads at the
// same time, with an engine lock held: it must be quick and must not call the
// journal. Readers of the state in other threads need a lock of the
// application's own.
//
// Order of calls: while opening, either Restore() with the newest state and
// then Fold() for what came after, or Reset() and Fold() for everything; later
// Fold() for each record appended, after its bytes have left the process, and
// Save() now and then.
class Folder {
 public:
  virtual ~Folder() = default;

  // The version of the encoding that Save() writes. A state of a version that
  // cannot be restored is folded anew from all records instead.
  virtual uint32_t version() const = 0;

  // Whether Restore() understands what Save() wrote in that version.
  virtual bool CanRestore(uint32_t version) const {
    return version == this->version();
  }

  // Forgets everything.
  virtual void Reset() = 0;

  // Takes over a saved state. After an error Reset() is called, and everything
  // is folded anew.
  virtual absl::Status Restore(absl::string_view state) = 0;

  virtual void Fold(const Record& record) = 0;

  // The state after the last record folded.
  virtual std::string Save() = 0;
};

}  // namespace journal

#endif  // JOURNAL_FOLDER_H_
