// Writes one part.
#ifndef JOURNAL_PART_WRITER_H_
#define JOURNAL_PART_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/part_footer.h"
#include "journal/types.h"

namespace journal {

// Not thread-safe. Memory: one block and what zstd needs, below 8 MiB, or three
// times the largest record.
class PartWriter {
 public:
  struct Options {
    FileSystem* fs = nullptr;  // Not owned.
    std::string directory;
    JournalUuid uuid = {};
    uint64_t part_id = 0;
    PartSpan span;
    int64_t created_unix_ns = 0;
    const Cipher* cipher = nullptr;  // Not owned; null: plain.
    int zstd_level = 3;
  };

  // Begins `<id>.part.new`.
  static absl::StatusOr<std::unique_ptr<PartWriter>> Create(
      const Options& options);

  // Removes the unfinished file, unless Finish succeeded.
  ~PartWriter();

  // REQUIRES: LSNs increase and lie within the span. The body is copied.
  absl::Status Add(const Record& record);

  // Writes what is left, index and footer; fsync, rename, directory fsync. Does
  // not read back: see VerifyPart.
  absl::StatusOr<PartFooter> Finish();

  // So far, in stored bytes.
  uint64_t file_bytes() const;

 private:
  class Impl;
  explicit PartWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace journal

#endif  // JOURNAL_PART_WRITER_H_
