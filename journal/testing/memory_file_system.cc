#include "journal/testing/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "journal/error.h"
#include "xxhash.h"

namespace journal {
namespace {

constexpr uint64_t kSector = 512;

// A number that depends on nothing but its arguments, so that a history's fate
// is the same in each run.
uint64_t Fate(uint64_t seed, absl::string_view name, uint64_t number) {
  return XXH3_64bits_withSeed(name.data(), name.size(),
                              seed * 0x9e3779b97f4a7c15 + number);
}

// Whether an entry that is not synced is on the disk. `what` names it in the
// random history, `path` to whoever chooses.
bool Survives(const PowerLoss& loss, absl::string_view path,
              absl::string_view what, uint64_t number) {
  if (loss.choose != nullptr) return loss.choose(path, 2) == 1;
  return Fate(loss.seed, what, number) % 100 <
         static_cast<uint64_t>(loss.survive_percent);
}

// Which version of a sector or size is on the disk, the synced one being 0.
size_t Version(const PowerLoss& loss, absl::string_view path,
               absl::string_view what, uint64_t number, size_t versions) {
  if (loss.choose != nullptr) return loss.choose(path, versions);
  if (loss.survive_percent >= 100) return versions - 1;
  if (!Survives(loss, path, what, number)) return 0;
  // Mostly the newest, now and then one before it.
  if (Fate(loss.seed, what, number + 1) % 4 != 0) return versions - 1;
  return Fate(loss.seed, what, number + 2) % (versions - 1);
}

std::string LastPart(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path
                                                      : path.substr(slash + 1));
}

absl::string_view WithoutSlash(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

// An entry that is not synced yet.
struct MemoryFileSystem::DirectoryChange {
  std::string name;            // Gets `node`, or loses its node if null.
  std::string renamed_from;    // Then loses its node, too, or neither happens.
  std::shared_ptr<Node> node;  // May be a directory.
};

struct MemoryFileSystem::Node {
  // What a sector held before, from the disk's bytes on; the newest bytes are
  // in `data`.
  struct Unsynced {
    std::vector<std::string> older;
    // A sync failed: the cache calls the sector clean, the disk has older[0].
    bool forgotten = false;
  };

  bool directory = false;
  std::string birth;  // Unique, and the same in each run.

  // A file.
  std::string data;
  std::map<uint64_t, Unsynced> unsynced;
  std::vector<uint64_t> older_sizes;  // From the synced one on.
  bool only_zeros = true;             // Ever since it was created.

  // A directory.
  std::map<std::string, std::shared_ptr<Node>> entries;
  std::map<std::string, std::shared_ptr<Node>> synced_entries;
  std::vector<DirectoryChange> pending;
};

class MemoryFileSystem::MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem* fs, std::shared_ptr<Node> node,
             absl::string_view path, uint64_t generation)
      : fs_(*fs),
        node_(std::move(node)),
        path_(path),
        name_(LastPart(path)),
        generation_(generation) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    if (offset >= node_->data.size()) return size_t{0};
    return node_->data.copy(buffer, size, offset);
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    if (data.find_first_not_of('\0') != absl::string_view::npos) {
      node_->only_zeros = false;
    }
    const bool done = fs_.Change(Counts());
    absl::Status status = fs_.WriteNode(*node_, path_, offset, data);
    return done ? status : fs_.Dark(path_);
  }

  absl::Status Sync() override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    if (!fs_.Change(Counts())) return fs_.Dark(path_);
    const auto bad = std::find_if(
        fs_.bad_syncs_.begin(), fs_.bad_syncs_.end(), [&](const BadSync& b) {
          return absl::StrContains(name_, b.name_part);
        });
    if (bad != fs_.bad_syncs_.end()) {
      const bool says_so = bad->says_so;
      fs_.bad_syncs_.erase(bad);
      for (auto& [sector, unsynced] : node_->unsynced) {
        unsynced.older.resize(1);
        unsynced.forgotten = true;
      }
      if (!says_so) {
        node_->older_sizes.clear();
        return absl::OkStatus();
      }
      return ErrnoError(EIO, absl::StrCat(path_, ": cannot fsync"));
    }
    std::erase_if(node_->unsynced,
                  [](const auto& each) { return !each.second.forgotten; });
    node_->older_sizes.clear();
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    const bool done = fs_.Change(Counts());
    fs_.TruncateNode(*node_, size);
    return done ? absl::OkStatus() : fs_.Dark(path_);
  }

  absl::StatusOr<uint64_t> Size() override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    return node_->data.size();
  }

  absl::Status DropCache() override {
    absl::MutexLock lock(&fs_.mutex_);
    if (absl::Status s = fs_.Check(generation_, path_); !s.ok()) return s;
    for (auto& [sector, unsynced] : node_->unsynced) {
      if (!unsynced.forgotten) continue;
      const uint64_t at = sector * kSector;
      if (at >= node_->data.size()) continue;
      const uint64_t size = std::min(kSector, node_->data.size() - at);
      node_->data.replace(at, size, unsynced.older[0], 0, size);
    }
    std::erase_if(node_->unsynced,
                  [](const auto& each) { return each.second.forgotten; });
    return absl::OkStatus();
  }

 private:
  bool Counts() const {
    return !(absl::EndsWith(name_, ".seg.new") && node_->only_zeros);
  }

  MemoryFileSystem& fs_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const std::string name_;
  const uint64_t generation_;
};

class MemoryFileSystem::MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryFileSystem* fs, std::string path, uint64_t generation)
      : fs_(*fs), path_(std::move(path)), generation_(generation) {}
  ~MemoryLock() override {
    absl::MutexLock lock(&fs_.mutex_);
    if (fs_.generation_ == generation_) fs_.locked_.erase(path_);
  }

 private:
  MemoryFileSystem& fs_;
  const std::string path_;
  const uint64_t generation_;
};

MemoryFileSystem::MemoryFileSystem() : root_(std::make_shared<Node>()) {
  root_->directory = true;
  root_->birth = "/";
}

MemoryFileSystem::~MemoryFileSystem() = default;

// ---------------------------------------------------------------------------
// Power

void MemoryFileSystem::PowerOffAfter(uint64_t changes) {
  absl::MutexLock lock(&mutex_);
  off_at_ = changes_ + changes;
}

void MemoryFileSystem::PowerOff() {
  absl::MutexLock lock(&mutex_);
  off_ = true;
}

bool MemoryFileSystem::powered_off() const {
  absl::MutexLock lock(&mutex_);
  return off_;
}

uint64_t MemoryFileSystem::changes() const {
  absl::MutexLock lock(&mutex_);
  return changes_;
}

bool MemoryFileSystem::Change(bool counts) {
  if (!counts) return true;
  if (++changes_ < off_at_) return true;
  off_ = true;
  return false;
}

absl::Status MemoryFileSystem::Dark(absl::string_view path) const {
  return ErrnoError(EIO, absl::StrCat(path, ": the power is off"));
}

absl::Status MemoryFileSystem::Check(uint64_t generation,
                                     absl::string_view path) const {
  return off_ || generation != generation_ ? Dark(path) : absl::OkStatus();
}

void MemoryFileSystem::PowerOnKeepingCache() {
  absl::MutexLock lock(&mutex_);
  off_ = false;
  off_at_ = std::numeric_limits<uint64_t>::max();
  ++generation_;
  locked_.clear();
}

void MemoryFileSystem::PowerOn(const PowerLoss& loss) {
  PowerOnKeepingCache();
  absl::MutexLock lock(&mutex_);
  LosePower(*root_, "", loss);
}

void MemoryFileSystem::LosePower(Node& node, absl::string_view path,
                                 const PowerLoss& loss) {
  if (node.directory) {
    for (const DirectoryChange& change : node.pending) {
      // By what it is, not by its number: preparing space comes and goes.
      const std::string what =
          absl::StrCat(node.birth, "/", change.name, "<", change.renamed_from,
                       change.node == nullptr ? "-" : change.node->birth);
      const std::string entry = absl::StrCat(path, "/", change.name);
      if (!Survives(loss, entry, what, 1)) continue;
      if (change.node == nullptr) {
        node.synced_entries.erase(change.name);
      } else {
        node.synced_entries[change.name] = change.node;
        if (!change.renamed_from.empty() && Survives(loss, entry, what, 2)) {
          node.synced_entries.erase(change.renamed_from);
        }
      }
    }
    node.pending.clear();
    node.entries = node.synced_entries;
    // A file with two names is visited twice: nothing is left to lose then.
    for (auto& [name, child] : node.entries) {
      LosePower(*child, absl::StrCat(path, "/", name), loss);
    }
    return;
  }
  uint64_t size = node.data.size();
  if (!node.older_sizes.empty()) {
    node.older_sizes.push_back(size);
    size = node.older_sizes[Version(loss, path, node.birth, 3,
                                    node.older_sizes.size())];
  }
  node.data.resize(std::max<uint64_t>(size, node.data.size()), '\0');
  for (auto& [sector, unsynced] : node.unsynced) {
    const uint64_t at = sector * kSector;
    // Behind the end that the file now has, nothing is left to lose.
    if (at >= size) continue;
    const size_t version =
        unsynced.forgotten ? 0
                           : Version(loss, path, node.birth, 16 + sector * 4,
                                     unsynced.older.size() + 1);
    if (version == unsynced.older.size()) continue;
    const uint64_t bytes = std::min(kSector, node.data.size() - at);
    node.data.replace(at, bytes, unsynced.older[version], 0, bytes);
  }
  node.data.resize(size, '\0');
  node.unsynced.clear();
  node.older_sizes.clear();
}

PowerLoss AllLosses::Next() {
  next_ = 0;
  PowerLoss loss;
  loss.choose = [this](absl::string_view path, size_t versions) {
    if (ignored_ != nullptr && ignored_(path)) return versions - 1;
    if (next_ == digits_.size()) digits_.push_back({0, versions});
    // Else these are no copies of one state.
    if (digits_[next_].versions != versions) std::abort();
    return digits_[next_++].value;
  };
  return loss;
}

bool AllLosses::More() {
  // What a later choice is asked may depend on an earlier one.
  while (!digits_.empty() &&
         digits_.back().value + 1 == digits_.back().versions) {
    digits_.pop_back();
  }
  if (digits_.empty()) return false;
  ++digits_.back().value;
  return true;
}

void MemoryFileSystem::CopyFrom(const MemoryFileSystem& other) {
  // One mutex after the other: copies are made to and fro.
  MemoryFileSystem copy;
  other.CopyTo(&copy);
  absl::MutexLock theirs(&copy.mutex_);
  absl::MutexLock lock(&mutex_);
  root_ = copy.root_;
  births_ = copy.births_;
  off_ = copy.off_;
  off_at_ = copy.off_at_;
  changes_ = copy.changes_;
  bad_syncs_ = copy.bad_syncs_;
  capacity_ = copy.capacity_;
  ++generation_;
  locked_.clear();
}

void MemoryFileSystem::CopyTo(MemoryFileSystem* copy) const {
  absl::MutexLock lock(&mutex_);
  absl::MutexLock theirs(&copy->mutex_);
  // A file may have several names, of which some are synced.
  std::map<const Node*, std::shared_ptr<Node>> copies;
  const std::function<std::shared_ptr<Node>(const std::shared_ptr<Node>&)>
      copy_of = [&](const std::shared_ptr<Node>& node) {
        if (node == nullptr) return std::shared_ptr<Node>();
        std::shared_ptr<Node>& known = copies[node.get()];
        if (known != nullptr) return known;
        const auto made = std::make_shared<Node>(*node);
        known = made;
        for (auto& [name, child] : made->entries) child = copy_of(child);
        for (auto& [name, child] : made->synced_entries) {
          child = copy_of(child);
        }
        for (DirectoryChange& change : made->pending) {
          change.node = copy_of(change.node);
        }
        return made;
      };
  copy->root_ = copy_of(root_);
  copy->births_ = births_;
  copy->off_ = off_;
  copy->off_at_ = off_at_;
  copy->changes_ = changes_;
  copy->bad_syncs_ = bad_syncs_;
  copy->capacity_ = capacity_;
}

// ---------------------------------------------------------------------------
// Other misfortunes

void MemoryFileSystem::FailNextSync(absl::string_view name_part) {
  absl::MutexLock lock(&mutex_);
  bad_syncs_.push_back({std::string(name_part), /*says_so=*/true});
}

void MemoryFileSystem::LieAtNextSync(absl::string_view name_part) {
  absl::MutexLock lock(&mutex_);
  bad_syncs_.push_back({std::string(name_part), /*says_so=*/false});
}

void MemoryFileSystem::SetCapacity(uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  capacity_ = bytes;
}

uint64_t MemoryFileSystem::UsedBytes() const {
  absl::MutexLock lock(&mutex_);
  return Used();
}

uint64_t MemoryFileSystem::Used() const {
  uint64_t used = 0;
  const std::function<void(const Node&)> add = [&](const Node& node) {
    used += node.data.size();
    for (const auto& [name, child] : node.entries) add(*child);
  };
  add(*root_);
  return used;
}

// ---------------------------------------------------------------------------
// Nodes

std::shared_ptr<MemoryFileSystem::Node> MemoryFileSystem::Find(
    absl::string_view path) const {
  std::shared_ptr<Node> node = root_;
  for (absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (!node->directory) return nullptr;
    const auto found = node->entries.find(std::string(part));
    if (found == node->entries.end()) return nullptr;
    node = found->second;
  }
  // "file/" is not there.
  if (absl::EndsWith(path, "/") && !node->directory) return nullptr;
  return node;
}

std::shared_ptr<MemoryFileSystem::Node> MemoryFileSystem::FindDirectory(
    absl::string_view path) const {
  std::shared_ptr<Node> node = Find(path);
  return node != nullptr && node->directory ? node : nullptr;
}

std::shared_ptr<MemoryFileSystem::Node> MemoryFileSystem::NewNode(
    absl::string_view path, bool directory) {
  auto node = std::make_shared<Node>();
  node->directory = directory;
  node->birth = Birth(path);
  return node;
}

std::string MemoryFileSystem::Birth(absl::string_view path) {
  // How often space was prepared depends on the threads.
  if (absl::EndsWith(path, ".seg.new")) return std::string(path);
  return absl::StrCat(path, "#", births_[std::string(path)]++);
}

std::shared_ptr<MemoryFileSystem::Node> MemoryFileSystem::Create(
    absl::string_view path, bool directory) {
  path = WithoutSlash(path);
  std::shared_ptr<Node> parent = FindDirectory(ParentDirectory(path));
  if (parent == nullptr) return nullptr;
  std::shared_ptr<Node> node = NewNode(path, directory);
  const std::string name = LastPart(path);
  parent->entries[name] = node;
  parent->pending.push_back({name, "", node});
  return node;
}

absl::Status MemoryFileSystem::WriteNode(Node& node, absl::string_view path,
                                         uint64_t offset,
                                         absl::string_view data) {
  bool full = false;
  const uint64_t old_size = node.data.size();
  if (offset + data.size() > old_size &&
      capacity_ != std::numeric_limits<uint64_t>::max()) {
    const uint64_t used = Used();
    const uint64_t room = capacity_ > used ? capacity_ - used : 0;
    if (offset + data.size() > old_size + room) {
      full = true;
      const uint64_t end = std::max(old_size + room, offset);
      data = data.substr(0, end - offset);
    }
  }
  if (offset + data.size() > old_size && !data.empty()) {
    node.older_sizes.push_back(old_size);
    node.data.resize(offset + data.size(), '\0');
  }
  for (uint64_t done = 0; done < data.size();) {
    const uint64_t at = offset + done;
    const uint64_t sector = at / kSector;
    const uint64_t bytes =
        std::min<uint64_t>((sector + 1) * kSector - at, data.size() - done);
    const absl::string_view part = data.substr(done, bytes);
    done += bytes;
    // The same bytes again can be lost without a difference.
    if (absl::string_view(node.data).substr(at, bytes) == part) continue;
    std::string before = node.data.substr(sector * kSector, kSector);
    before.resize(kSector, '\0');
    Node::Unsynced& unsynced = node.unsynced[sector];
    // What a failed sync forgot never gets to the disk any more.
    if (!unsynced.forgotten) unsynced.older.push_back(std::move(before));
    unsynced.forgotten = false;
    node.data.replace(at, bytes, part.data(), bytes);
  }
  return full ? ErrnoError(ENOSPC, absl::StrCat(path, ": cannot write"))
              : absl::OkStatus();
}

void MemoryFileSystem::TruncateNode(Node& node, uint64_t size) {
  const uint64_t old_size = node.data.size();
  if (size == old_size) return;
  node.older_sizes.push_back(old_size);
  for (uint64_t at = size; at < old_size;) {
    const uint64_t sector = at / kSector;
    std::string before = node.data.substr(sector * kSector, kSector);
    before.resize(kSector, '\0');
    if (before.find_first_not_of('\0', at % kSector) != std::string::npos) {
      Node::Unsynced& unsynced = node.unsynced[sector];
      if (!unsynced.forgotten) unsynced.older.push_back(std::move(before));
      unsynced.forgotten = false;
    }
    at = (sector + 1) * kSector;
  }
  node.data.resize(size, '\0');
}

// ---------------------------------------------------------------------------
// Behind the engine's back

bool MemoryFileSystem::Has(absl::string_view path) const {
  absl::MutexLock lock(&mutex_);
  return Find(path) != nullptr;
}

std::string MemoryFileSystem::Get(absl::string_view path) const {
  absl::MutexLock lock(&mutex_);
  const std::shared_ptr<Node> node = Find(path);
  return node == nullptr ? "" : node->data;
}

void MemoryFileSystem::Put(absl::string_view path, absl::string_view bytes) {
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<Node> node = Find(path);
  if (node == nullptr) {
    node = NewNode(path, false);
    const std::shared_ptr<Node> parent = FindDirectory(ParentDirectory(path));
    parent->entries[LastPart(path)] = node;
    parent->synced_entries[LastPart(path)] = node;
  }
  node->data.assign(bytes.data(), bytes.size());
  node->unsynced.clear();
  node->older_sizes.clear();
  node->only_zeros = false;
}

void MemoryFileSystem::Xor(absl::string_view path, uint64_t offset, char mask) {
  absl::MutexLock lock(&mutex_);
  Node& node = *Find(path);
  node.data[offset] = static_cast<char>(node.data[offset] ^ mask);
  node.unsynced.erase(offset / kSector);
}

void MemoryFileSystem::Delete(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  const std::shared_ptr<Node> parent = FindDirectory(ParentDirectory(path));
  parent->entries.erase(LastPart(path));
  parent->synced_entries.erase(LastPart(path));
  std::erase_if(parent->pending, [&](const DirectoryChange& change) {
    return change.name == LastPart(path);
  });
}

// ---------------------------------------------------------------------------
// FileSystem

absl::StatusOr<std::unique_ptr<File>> MemoryFileSystem::Open(
    absl::string_view path, OpenMode mode) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  std::shared_ptr<Node> node = Find(path);
  if (mode == OpenMode::kCreate) {
    const bool done = Change(!absl::EndsWith(path, ".seg.new"));
    if (node == nullptr) {
      node = Create(path, false);
    } else if (!node->directory) {
      TruncateNode(*node, 0);
      node->only_zeros = true;
    }
    if (!done) return Dark(path);
  }
  if (node == nullptr) return ErrnoError(ENOENT, path);
  if (node->directory) return ErrnoError(EISDIR, path);
  return std::make_unique<MemoryFile>(this, std::move(node), path, generation_);
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(
    absl::string_view directory) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, directory); !s.ok()) return s;
  const std::shared_ptr<Node> node = FindDirectory(directory);
  if (node == nullptr) return ErrnoError(ENOENT, directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->entries) names.push_back(name);
  return names;
}

absl::Status MemoryFileSystem::CreateDirectory(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  if (const std::shared_ptr<Node> node = Find(path); node != nullptr) {
    return node->directory ? absl::OkStatus() : ErrnoError(ENOTDIR, path);
  }
  const bool done = Change(true);
  if (Create(path, true) == nullptr) return ErrnoError(ENOENT, path);
  return done ? absl::OkStatus() : Dark(path);
}

absl::Status MemoryFileSystem::SyncDirectory(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  const std::shared_ptr<Node> node = FindDirectory(path);
  if (node == nullptr) return ErrnoError(ENOENT, path);
  if (!Change(true)) return Dark(path);
  node->synced_entries = node->entries;
  node->pending.clear();
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(absl::string_view from,
                                      absl::string_view to) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, from); !s.ok()) return s;
  const std::shared_ptr<Node> node = Find(from);
  const std::shared_ptr<Node> parent = FindDirectory(ParentDirectory(from));
  if (node == nullptr || parent == nullptr) return ErrnoError(ENOENT, from);
  // Enough for a journal, which renames within its directory.
  if (parent != FindDirectory(ParentDirectory(to))) {
    return ErrnoError(EXDEV, from);
  }
  const bool done = Change(true);
  parent->entries.erase(LastPart(from));
  parent->entries[LastPart(to)] = node;
  node->birth = Birth(to);
  parent->pending.push_back({LastPart(to), LastPart(from), node});
  return done ? absl::OkStatus() : Dark(from);
}

absl::Status MemoryFileSystem::Remove(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  const std::shared_ptr<Node> node = Find(path);
  if (node == nullptr) return ErrnoError(ENOENT, path);
  const bool done = Change(!absl::EndsWith(path, ".seg.new"));
  const std::shared_ptr<Node> parent = FindDirectory(ParentDirectory(path));
  parent->entries.erase(LastPart(path));
  parent->pending.push_back({LastPart(path), "", nullptr});
  return done ? absl::OkStatus() : Dark(path);
}

absl::StatusOr<bool> MemoryFileSystem::Exists(absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  return Find(path) != nullptr;
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(
    absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  if (Find(path) == nullptr && Create(path, false) == nullptr) {
    return ErrnoError(ENOENT, path);
  }
  if (!locked_.insert(std::string(path)).second) {
    return MakeError(ErrorKind::kLocked, absl::StrCat(path, ": locked"));
  }
  return std::make_unique<MemoryLock>(this, std::string(path), generation_);
}

absl::StatusOr<FileSystemTraits> MemoryFileSystem::Traits(
    absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = Check(generation_, path); !s.ok()) return s;
  return FileSystemTraits{"memory", true};
}

}  // namespace journal
