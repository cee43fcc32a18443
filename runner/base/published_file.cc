#include "runner/base/published_file.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

// A path has fewer steps than this: PATH_MAX is 4096.
constexpr int kDirectoryDepthMax = 4096;

// So much goes to the disk while the rest is still being made.
constexpr uint64_t kSyncBeginBytes = 8 << 20;

}  // namespace

absl::StatusOr<PublishedFile> PublishedFile::Create(journal::FileSystem& fs,
                                                    absl::string_view path) {
  PublishedFile result(fs, path);
  absl::StatusOr<std::unique_ptr<journal::File>> file =
      fs.Open(absl::StrCat(path, ".tmp"), journal::OpenMode::kCreate);
  if (!file.ok()) return file.status();
  result.file_ = *std::move(file);
  return result;
}

PublishedFile::~PublishedFile() {
  if (file_ == nullptr) return;
  file_.reset();
  // Whatever kept it from being published is the error to report.
  fs_->Remove(absl::StrCat(path_, ".tmp")).IgnoreError();
}

absl::Status PublishedFile::Append(absl::string_view data) {
  if (buffer_.empty() && data.size() >= kPublishedPieceBytes) {
    return Write(data);
  }
  buffer_.append(data.data(), data.size());
  return buffer_.size() < kPublishedPieceBytes ? absl::OkStatus() : Flush();
}

absl::Status PublishedFile::Write(absl::string_view data) {
  synced_ = false;
  const absl::Status status = file_->WriteAt(written_, data);
  if (!status.ok()) return status;
  written_ += data.size();
  if (written_ - sync_begun_ >= kSyncBeginBytes) {
    file_->BeginSync(sync_begun_, written_ - sync_begun_);
    sync_begun_ = written_;
  }
  return status;
}

absl::Status PublishedFile::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  const absl::Status status = Write(buffer_);
  buffer_.clear();
  return status;
}

absl::Status PublishedFile::Restart() {
  buffer_.clear();
  written_ = sync_begun_ = 0;
  synced_ = false;
  return file_->Truncate(0);
}

absl::Status PublishedFile::Sync() {
  absl::Status status = Flush();
  if (!status.ok() || synced_) return status;
  status = file_->Sync();
  synced_ = status.ok();
  return status;
}

absl::Status PublishedFile::Publish() {
  absl::Status status = Sync();
  if (status.ok()) status = fs_->Rename(absl::StrCat(path_, ".tmp"), path_);
  if (!status.ok()) return status;
  file_.reset();
  return fs_->SyncDirectory(journal::ParentDirectory(path_));
}

absl::Status CreateDirectories(journal::FileSystem& fs,
                               absl::string_view directory) {
  std::vector<std::string> missing;
  std::string at(directory);
  for (int depth = 0; depth < kDirectoryDepthMax; ++depth) {
    const absl::StatusOr<bool> exists = fs.Exists(at);
    if (!exists.ok()) return exists.status();
    if (*exists) break;
    missing.push_back(at);
    std::string parent = journal::ParentDirectory(at);
    if (parent == at) break;
    at = std::move(parent);
  }
  for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
    absl::Status status = fs.CreateDirectory(*it);
    if (status.ok()) {
      status = fs.SyncDirectory(journal::ParentDirectory(*it));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace runner
