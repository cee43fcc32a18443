// How a benchmark's journals are reached.
#ifndef RUNNER_STORAGE_JOURNAL_ACCESS_H_
#define RUNNER_STORAGE_JOURNAL_ACCESS_H_

#include "journal/cipher.h"
#include "journal/file_system.h"

namespace runner {

// Borrowed.
struct JournalAccess {
  journal::FileSystem* file_system = journal::FileSystem::Posix();
  // Of encrypted journals, and of those that are begun. Null: no key.
  const journal::Cipher* cipher = nullptr;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_ACCESS_H_
