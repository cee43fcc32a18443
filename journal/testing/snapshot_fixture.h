// For tests of journals with snapshots: records of which a later one replaces
// an earlier one of the same key.
#ifndef JOURNAL_TESTING_SNAPSHOT_FIXTURE_H_
#define JOURNAL_TESTING_SNAPSHOT_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/compactor.h"
#include "journal/folder.h"
#include "journal/reader.h"
#include "journal/testing/journal_fixture.h"

namespace journal {

// Records are "key value"; a later one with the same key replaces it.
class LastOfKey final : public Folder, public Compactor {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override {
    absl::MutexLock lock(&mutex_);
    newest_.clear();
  }
  absl::Status Restore(absl::string_view) override {
    return absl::UnimplementedError("folds anew");
  }
  void Fold(const Record& record) override {
    absl::MutexLock lock(&mutex_);
    newest_[Key(record)] = record.lsn;
  }
  std::string Save() override { return ""; }
  Lsn SupersededBy(const Record& record) override {
    absl::MutexLock lock(&mutex_);
    const auto newest = newest_.find(Key(record));
    return newest == newest_.end() || newest->second == record.lsn
               ? 0
               : newest->second;
  }
  size_t keys() {
    absl::MutexLock lock(&mutex_);
    return newest_.size();
  }

 private:
  static std::string Key(const Record& record) {
    return std::string(record.body.substr(0, record.body.find(' ')));
  }
  absl::Mutex mutex_;
  std::map<std::string, Lsn> newest_ ABSL_GUARDED_BY(mutex_);
};

class SnapshotFixture : public JournalFixture {
 protected:
  SnapshotFixture() {
    options_.segment_bytes_min = options_.segment_bytes_max = 64 << 10;
    options_.compactor = &keys_;
    options_.folder = &keys_;
  }

  void Snapshot() {
    const absl::Status status = writer_->Snapshot();
    EXPECT_TRUE(status.ok()) << status;
  }

  BodyList ReadAll(Lsn from = 1) {
    BodyList bodies;
    absl::StatusOr<std::unique_ptr<Reader>> reader =
        Reader::Open(directory_, {.start_lsn = from, .file_system = &fs_});
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return bodies;
    for (;;) {
      const ReadResult next = (*reader)->Next();
      if (next.outcome != ReadOutcome::kRecord) {
        last_ = next;
        return bodies;
      }
      bodies.emplace_back(next.record.body);
    }
  }

  void Flip(absl::string_view name, uint64_t offset) {
    disk_.Xor(JoinPath(directory_, name), offset, 1);
  }
  std::string Content(absl::string_view name) {
    return disk_.Get(JoinPath(directory_, name));
  }

  LastOfKey keys_;
  ReadResult last_;
};

}  // namespace journal

#endif  // JOURNAL_TESTING_SNAPSHOT_FIXTURE_H_
