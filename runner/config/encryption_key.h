// The key of encrypted journals, as people give it to the programs.
#ifndef RUNNER_CONFIG_ENCRYPTION_KEY_H_
#define RUNNER_CONFIG_ENCRYPTION_KEY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"

namespace runner {

// 64 hex digits; empty is as good as not set.
inline constexpr char kEncryptionKeyVariable[] = "BENCH_JOURNAL_KEY";

// From the file if one is named, else from the environment; null when neither
// is given. Takes the variable out of the environment, so that no child
// inherits it: for the beginning of main(), before there are threads. Errors
// name the source and never what it holds: those of journal::Cipher.
absl::StatusOr<std::unique_ptr<journal::Cipher>> TakeEncryptionKey(
    absl::string_view key_file);

}  // namespace runner

#endif  // RUNNER_CONFIG_ENCRYPTION_KEY_H_
