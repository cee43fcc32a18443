// A file that appears whole or not at all, written piece by piece.
#ifndef RUNNER_BASE_PUBLISHED_FILE_H_
#define RUNNER_BASE_PUBLISHED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace runner {

inline constexpr size_t kPublishedPieceBytes = 256 << 10;

// For what is too large for journal::PublishFile, in the same steps: temporary
// file `<path>.tmp` beside it, fsync, rename, directory fsync. Destroyed
// unpublished it removes the temporary file. Not thread-safe.
class PublishedFile {
 public:
  // Borrows `fs`, which must outlive it.
  static absl::StatusOr<PublishedFile> Create(journal::FileSystem& fs,
                                              absl::string_view path);

  PublishedFile(PublishedFile&&) = default;
  ~PublishedFile();

  // Best in pieces of kPublishedPieceBytes: smaller ones are collected first.
  absl::Status Append(absl::string_view data);
  // Forgets what was appended so far.
  absl::Status Restart();
  // Makes what was appended so far durable; Publish() does where this did not.
  absl::Status Sync();
  absl::Status Publish();

 private:
  PublishedFile(journal::FileSystem& fs, absl::string_view path)
      : fs_(&fs), path_(path) {}
  absl::Status Write(absl::string_view data);
  absl::Status Flush();

  journal::FileSystem* fs_;
  std::string path_;
  std::unique_ptr<journal::File> file_;  // Null once published.
  std::string buffer_;
  uint64_t written_ = 0;
  uint64_t sync_begun_ = 0;  // Of these.
  bool synced_ = false;
};

// Makes `directory` and what is missing above it.
absl::Status CreateDirectories(journal::FileSystem& fs,
                               absl::string_view directory);

}  // namespace runner

#endif  // RUNNER_BASE_PUBLISHED_FILE_H_
