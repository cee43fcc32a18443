// What FileSystem::Posix() knows of Linux, apart from it for its tests.
#ifndef JOURNAL_POSIX_FILE_SYSTEM_H_
#define JOURNAL_POSIX_FILE_SYSTEM_H_

#include <cstdint>

#include "journal/file_system.h"

namespace journal {

// The traits of the file system that statfs(2) calls `magic` (f_type).
//
// One that is not listed is named by its number and promises the less: that
// writing may allocate. Taken for in-place wrongly, a copy-on-write disk would
// pay twice for every byte and still fill up in the middle of a record.
// overlayfs answers for its upper layer, which is not to be seen from here and
// nearly always is ext4 or XFS.
FileSystemTraits TraitsOfMagic(uint32_t magic);

}  // namespace journal

#endif  // JOURNAL_POSIX_FILE_SYSTEM_H_
