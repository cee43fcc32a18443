// Copies what is whole out of a damaged journal.
#ifndef JOURNAL_SALVAGE_H_
#define JOURNAL_SALVAGE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

struct SalvageOptions {
  // kSalvage skips what is bad; kPointInTime stops before it.
  RecoveryMode mode = RecoveryMode::kSalvage;
  // Of an encrypted `source`, whose copy is encrypted with it. Not owned. The
  // copy of a plain journal is plain.
  const Cipher* cipher = nullptr;
  FileSystem* file_system = nullptr;  // Not owned; null means Posix().
};

// Writes every record that is whole in `source` into a new journal `target`
// (which must not exist; its parent must), in order, with new LSNs, closed and
// verified. `source` is not changed. The report lists what is lost by the LSNs
// of `source`. Errors: those of Examine (kKey also without `on_record`), of
// Writer and, when the mode refuses, of StatusOf.
absl::StatusOr<RecoveryReport> Salvage(absl::string_view source,
                                       absl::string_view target,
                                       const SalvageOptions& options);

}  // namespace journal

#endif  // JOURNAL_SALVAGE_H_
