#include "runner/config/encryption_key.h"

#include <cstdlib>
#include <cstring>

#include "absl/cleanup/cleanup.h"

namespace runner {

absl::StatusOr<std::unique_ptr<journal::Cipher>> TakeEncryptionKey(
    absl::string_view key_file) {
  char* const value = std::getenv(kEncryptionKeyVariable);
  const absl::Cleanup wipe = [value] {
    if (value == nullptr) return;
    // Where the kernel shows a process's environment, too.
    explicit_bzero(value, std::strlen(value));
    unsetenv(kEncryptionKeyVariable);
  };
  if (!key_file.empty()) return journal::Cipher::FromFile(key_file);
  if (value == nullptr || *value == '\0') return nullptr;
  return journal::Cipher::FromEnvironment(kEncryptionKeyVariable);
}

}  // namespace runner
