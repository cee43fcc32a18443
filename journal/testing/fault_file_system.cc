#include "journal/testing/fault_file_system.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/error.h"

namespace journal {
namespace {

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos || slash + 1 == path.size()) return path;
  return path.substr(slash + 1);
}

bool Concerns(const FileCall& call, FileOp op, absl::string_view name_part) {
  return call.op == op &&
         (absl::StrContains(BaseName(call.path), name_part) ||
          absl::StrContains(BaseName(call.new_path), name_part));
}

bool HasExtent(FileOp op) {
  return op == FileOp::kRead || op == FileOp::kWrite;
}

bool Concerns(const FileCall& call, const Fault& fault) {
  if (!Concerns(call, fault.op, fault.name_part)) return false;
  if (!HasExtent(call.op)) return true;
  return call.offset < fault.offset_end &&
         call.offset + call.size > fault.offset_begin;
}

}  // namespace

absl::string_view FileOpName(FileOp op) {
  switch (op) {
    case FileOp::kOpen:
      return "open";
    case FileOp::kCreate:
      return "create";
    case FileOp::kRead:
      return "read";
    case FileOp::kWrite:
      return "write";
    case FileOp::kSync:
      return "sync";
    case FileOp::kTruncate:
      return "truncate";
    case FileOp::kSize:
      return "size";
    case FileOp::kDropCache:
      return "drop_cache";
    case FileOp::kList:
      return "list";
    case FileOp::kCreateDirectory:
      return "create_directory";
    case FileOp::kSyncDirectory:
      return "sync_directory";
    case FileOp::kRename:
      return "rename";
    case FileOp::kRemove:
      return "remove";
    case FileOp::kExists:
      return "exists";
    case FileOp::kLock:
      return "lock";
    case FileOp::kTraits:
      return "traits";
  }
  return "unknown";
}

std::string Describe(const FileCall& call) {
  std::string text =
      absl::StrCat(FileOpName(call.op), " ", BaseName(call.path));
  if (HasExtent(call.op)) {
    absl::StrAppend(&text, " ", call.offset, "+", call.size);
  } else if (call.op == FileOp::kTruncate) {
    absl::StrAppend(&text, " ", call.size);
  } else if (call.op == FileOp::kRename) {
    absl::StrAppend(&text, " ", BaseName(call.new_path));
  }
  return text;
}

class FaultFileSystem::FaultFile final : public File {
 public:
  FaultFile(FaultFileSystem* fs, std::unique_ptr<File> base, std::string path)
      : fs_(fs), base_(std::move(base)), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) override {
    absl::Status status = fs_->Begin(
        {.op = FileOp::kRead, .path = path_, .offset = offset, .size = size});
    if (!status.ok()) return status;
    return base_->ReadAt(offset, buffer, size);
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    uint64_t written_bytes = 0;
    absl::Status status = fs_->Begin({.op = FileOp::kWrite,
                                      .path = path_,
                                      .offset = offset,
                                      .size = data.size()},
                                     &written_bytes);
    if (status.ok()) return base_->WriteAt(offset, data);
    if (written_bytes > 0) {
      // The injected error is the one the caller is to see.
      base_->WriteAt(offset, data.substr(0, written_bytes)).IgnoreError();
    }
    return status;
  }

  absl::Status Sync() override {
    absl::Status status = fs_->Begin({.op = FileOp::kSync, .path = path_});
    return status.ok() ? base_->Sync() : status;
  }

  absl::Status Truncate(uint64_t size) override {
    absl::Status status =
        fs_->Begin({.op = FileOp::kTruncate, .path = path_, .size = size});
    return status.ok() ? base_->Truncate(size) : status;
  }

  absl::StatusOr<uint64_t> Size() override {
    absl::Status status = fs_->Begin({.op = FileOp::kSize, .path = path_});
    if (!status.ok()) return status;
    return base_->Size();
  }

  absl::Status DropCache() override {
    absl::Status status = fs_->Begin({.op = FileOp::kDropCache, .path = path_});
    return status.ok() ? base_->DropCache() : status;
  }

 private:
  FaultFileSystem* const fs_;
  const std::unique_ptr<File> base_;
  const std::string path_;
};

void FaultFileSystem::Inject(Fault fault) {
  absl::MutexLock lock(&mutex_);
  faults_.push_back({std::move(fault), 0});
}

void FaultFileSystem::Heal() {
  absl::MutexLock lock(&mutex_);
  faults_.clear();
}

void FaultFileSystem::Block(FileOp op, absl::string_view name_part) {
  absl::MutexLock lock(&mutex_);
  blockades_.push_back(
      std::make_shared<Blockade>(Blockade{op, std::string(name_part)}));
}

void FaultFileSystem::Unblock(FileOp op) {
  absl::MutexLock lock(&mutex_);
  for (const auto& blockade : blockades_) {
    if (blockade->op == op) blockade->lifted = true;
  }
  std::erase_if(blockades_,
                [](const auto& blockade) { return blockade->lifted; });
  changed_.SignalAll();
}

void FaultFileSystem::LetPass(FileOp op) {
  absl::MutexLock lock(&mutex_);
  for (auto& blockade : blockades_) {
    if (blockade->op != op) continue;
    blockade->lifted = true;
    blockade = std::make_shared<Blockade>(Blockade{op, blockade->name_part});
  }
  changed_.SignalAll();
}

bool FaultFileSystem::AwaitBlocked(FileOp op, int calls,
                                   absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::MutexLock lock(&mutex_);
  while (true) {
    int waiting = 0;
    for (const auto& blockade : blockades_) {
      if (blockade->op == op) waiting += blockade->waiting;
    }
    if (waiting >= calls) return true;
    if (changed_.WaitWithDeadline(&mutex_, deadline)) return false;
  }
}

std::vector<FileCall> FaultFileSystem::Calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

std::vector<std::string> FaultFileSystem::Trace() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> trace;
  trace.reserve(calls_.size());
  for (const FileCall& call : calls_) trace.push_back(Describe(call));
  return trace;
}

int FaultFileSystem::Count(FileOp op, absl::string_view name_part) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(
      calls_.begin(), calls_.end(),
      [&](const FileCall& call) { return Concerns(call, op, name_part); }));
}

void FaultFileSystem::ClearCalls() {
  absl::MutexLock lock(&mutex_);
  calls_.clear();
}

void FaultFileSystem::SetTraits(FileSystemTraits traits) {
  absl::MutexLock lock(&mutex_);
  traits_ = std::move(traits);
}

absl::StatusOr<std::unique_ptr<File>> FaultFileSystem::Open(
    absl::string_view path, OpenMode mode) {
  const FileOp op = mode == OpenMode::kCreate ? FileOp::kCreate : FileOp::kOpen;
  absl::Status status = Begin({.op = op, .path = std::string(path)});
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<File>> file = base_->Open(path, mode);
  if (!file.ok()) return file.status();
  return std::make_unique<FaultFile>(this, *std::move(file), std::string(path));
}

absl::StatusOr<std::vector<std::string>> FaultFileSystem::List(
    absl::string_view directory) {
  absl::Status status =
      Begin({.op = FileOp::kList, .path = std::string(directory)});
  if (!status.ok()) return status;
  return base_->List(directory);
}

absl::Status FaultFileSystem::CreateDirectory(absl::string_view path) {
  absl::Status status =
      Begin({.op = FileOp::kCreateDirectory, .path = std::string(path)});
  return status.ok() ? base_->CreateDirectory(path) : status;
}

absl::Status FaultFileSystem::SyncDirectory(absl::string_view path) {
  absl::Status status =
      Begin({.op = FileOp::kSyncDirectory, .path = std::string(path)});
  return status.ok() ? base_->SyncDirectory(path) : status;
}

absl::Status FaultFileSystem::Rename(absl::string_view from,
                                     absl::string_view to) {
  absl::Status status = Begin({.op = FileOp::kRename,
                               .path = std::string(from),
                               .new_path = std::string(to)});
  return status.ok() ? base_->Rename(from, to) : status;
}

absl::Status FaultFileSystem::Remove(absl::string_view path) {
  absl::Status status =
      Begin({.op = FileOp::kRemove, .path = std::string(path)});
  return status.ok() ? base_->Remove(path) : status;
}

absl::StatusOr<bool> FaultFileSystem::Exists(absl::string_view path) {
  absl::Status status =
      Begin({.op = FileOp::kExists, .path = std::string(path)});
  if (!status.ok()) return status;
  return base_->Exists(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::Lock(
    absl::string_view path) {
  absl::Status status = Begin({.op = FileOp::kLock, .path = std::string(path)});
  if (!status.ok()) return status;
  return base_->Lock(path);
}

absl::StatusOr<FileSystemTraits> FaultFileSystem::Traits(
    absl::string_view path) {
  absl::Status status =
      Begin({.op = FileOp::kTraits, .path = std::string(path)});
  if (!status.ok()) return status;
  {
    absl::MutexLock lock(&mutex_);
    if (traits_.has_value()) return *traits_;
  }
  return base_->Traits(path);
}

absl::Status FaultFileSystem::Begin(const FileCall& call,
                                    uint64_t* written_bytes) {
  absl::MutexLock lock(&mutex_);
  calls_.push_back(call);
  WaitWhileBlocked(call);
  // Only now, so that a test may stop a call first and then let it fail.
  const absl::optional<Fault> fault = TakeFault(call);
  if (!fault.has_value()) return absl::OkStatus();
  if (written_bytes != nullptr) *written_bytes = fault->written_bytes;
  return ErrnoError(fault->error_number,
                    absl::StrCat("injected: ", Describe(call)));
}

absl::optional<Fault> FaultFileSystem::TakeFault(const FileCall& call) {
  absl::optional<Fault> taken;
  for (ActiveFault& active : faults_) {
    if (!Concerns(call, active.fault)) continue;
    ++active.seen;
    const bool due = active.fault.from_then_on
                         ? active.seen >= active.fault.nth
                         : active.seen == active.fault.nth;
    if (due && !taken.has_value()) taken = active.fault;
  }
  return taken;
}

void FaultFileSystem::WaitWhileBlocked(const FileCall& call) {
  // Those that stand now: one that comes later stops later calls.
  const std::vector<std::shared_ptr<Blockade>> standing = blockades_;
  for (const std::shared_ptr<Blockade>& blockade : standing) {
    if (blockade->lifted) continue;
    if (!Concerns(call, blockade->op, blockade->name_part)) continue;
    ++blockade->waiting;
    changed_.SignalAll();
    while (!blockade->lifted) changed_.Wait(&mutex_);
    --blockade->waiting;
  }
}

}  // namespace journal
