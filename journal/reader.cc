#include "journal/reader.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/types/optional.h"
#include "journal/error.h"
#include "journal/log_reader.h"
#include "journal/snapshot_cursor.h"

namespace journal {
namespace {

// How often in one call the source changes because a writer makes snapshots.
constexpr int kSwitchesMax = 64;

ReadResult Found(const Record& record) {
  ReadResult result;
  result.outcome = ReadOutcome::kRecord;
  result.record = record;
  return result;
}

ReadResult Compacted(Lsn first_lsn) {
  ReadResult result;
  result.outcome = ReadOutcome::kCompacted;
  result.first_lsn = first_lsn;
  return result;
}

ReadResult Damaged(const Finding& finding) {
  ReadResult result;
  result.outcome = ReadOutcome::kDamaged;
  result.finding = finding;
  return result;
}

ReadResult CannotRead(const absl::Status& status) {
  Finding finding;
  finding.kind = FindingKindOf(status);
  finding.detail = std::string(status.message());
  return KindOf(status) == ErrorKind::kNotFound ? Compacted(0)
                                                : Damaged(finding);
}

// A snapshot as far as there is one, then the log; and back, where a snapshot
// has taken the place of segments that were still to be read.
class JournalReader final : public Reader {
 public:
  JournalReader(absl::string_view directory, FileSystem& fs,
                const ReaderOptions& options)
      : directory_(directory), fs_(fs), options_(options) {}

  absl::Status Start();

  ReadResult Next() override;
  ReadResult ReadAt(Position position) override;
  ReadResult Read(Lsn lsn) override;

 private:
  ReadResult NextRecord();
  ReadResult NextOfSnapshot();
  // Goes on with the snapshot, or the log, at the LSN. False if there is no
  // snapshot, or it has none of what comes next.
  absl::StatusOr<bool> EnterSnapshot(Lsn lsn);
  absl::Status EnterLog(Lsn lsn);
  ReadResult LookForConfirmation(Lsn lsn);
  ReadResult ReadAnew();
  ReadResult ReadFromSnapshot(Lsn lsn);
  ReadResult ReadFromLog(Lsn lsn);
  ReadResult WalkLog(Lsn lsn);

  const std::string directory_;
  FileSystem& fs_;
  const ReaderOptions options_;

  Lsn next_lsn_ = 1;  // All below was delivered, or is not there.
  std::unique_ptr<SnapshotCursor> snapshot_;  // Reads from it now, if set;
  std::unique_ptr<LogReader> log_;            // else from this.
  absl::optional<ReadResult> first_;          // To be said before all else.
  absl::optional<ReadResult> held_;           // Not confirmed yet.
  bool read_anew_ = false;                    // What is held.
  absl::optional<ReadResult> damaged_;        // Once there, the reader stays.
  std::unique_ptr<LogReader> scout_;          // Looks for what confirms.

  std::unique_ptr<LogReader> at_;           // For ReadAt,
  std::unique_ptr<SnapshotCursor> by_lsn_;  // and for Read.
  std::unique_ptr<LogReader> log_by_lsn_;
  Lsn log_by_lsn_next_ = 0;
};

absl::Status JournalReader::Start() {
  next_lsn_ = std::max<Lsn>(options_.start_lsn, 1);
  const absl::StatusOr<bool> entered = EnterSnapshot(next_lsn_);
  if (entered.ok() && *entered) return absl::OkStatus();
  if (absl::Status s = EnterLog(next_lsn_); !s.ok()) return s;
  // What the log has no more is in a snapshot that cannot be read.
  if (!entered.ok() && log_->begins_late()) {
    damaged_ = CannotRead(entered.status());
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> JournalReader::EnterSnapshot(Lsn lsn) {
  absl::StatusOr<Manifest> manifest = NewestManifest(fs_, directory_);
  if (KindOf(manifest.status()) == ErrorKind::kNotFound) return false;
  if (!manifest.ok()) return manifest.status();
  if (manifest->last_lsn < lsn) return false;
  const Lsn first = manifest->begin_lsn();
  if (first > lsn) first_ = Compacted(first);
  snapshot_ = std::make_unique<SnapshotCursor>(
      fs_, directory_, *std::move(manifest), options_.cipher);
  snapshot_->Seek(lsn);
  log_.reset();
  return true;
}

absl::Status JournalReader::EnterLog(Lsn lsn) {
  auto log = std::make_unique<LogReader>(directory_, fs_, options_.cipher);
  if (absl::Status s = log->Start(lsn); !s.ok()) return s;
  log_ = std::move(log);
  snapshot_.reset();
  return absl::OkStatus();
}

ReadResult JournalReader::Next() {
  if (damaged_.has_value()) return *damaged_;
  if (first_.has_value()) {
    const ReadResult first = *std::move(first_);
    first_.reset();
    return first;
  }
  if (!held_.has_value()) {
    ReadResult next = NextRecord();
    if (next.outcome == ReadOutcome::kDamaged) damaged_ = next;
    if (next.outcome != ReadOutcome::kRecord) return next;
    if (!options_.confirmed_only) {
      next_lsn_ = next.record.lsn + 1;
      return next;
    }
    held_ = std::move(next);
  }
  if (log_ != nullptr) {
    const Lsn lsn = held_->record.lsn;
    ReadResult found = LookForConfirmation(lsn);
    // Looked at after what confirms it.
    if (log_->CutBackBefore(lsn)) return ReadAnew();
    read_anew_ = false;
    if (found.outcome == ReadOutcome::kDamaged) damaged_ = found;
    if (found.outcome != ReadOutcome::kRecord) return found;
  }
  const ReadResult next = *std::move(held_);
  held_.reset();
  next_lsn_ = next.record.lsn + 1;
  return next;
}

ReadResult JournalReader::NextRecord() {
  bool log_damaged = false;
  for (int i = 0; i < kSwitchesMax; ++i) {
    if (snapshot_ == nullptr) {
      ReadResult result = log_->Next();
      const bool damaged = result.outcome == ReadOutcome::kDamaged;
      if (result.outcome != ReadOutcome::kCompacted && !damaged) return result;
      // Both copies are damaged, where it comes back from the snapshot.
      if (damaged && std::exchange(log_damaged, true)) return result;
      // The log begins later by now, or has lost what was to come: a snapshot
      // may hold it.
      const absl::StatusOr<bool> entered = EnterSnapshot(next_lsn_);
      if (!entered.ok() && !damaged) return CannotRead(entered.status());
      if (!entered.ok() || !*entered) return result;
    } else {
      ReadResult result = NextOfSnapshot();
      if (result.outcome != ReadOutcome::kEnd) return result;
    }
    if (first_.has_value()) {
      const ReadResult first = *std::move(first_);
      first_.reset();
      return first;
    }
  }
  return ReadResult();
}

// kEnd: it goes on in the log.
ReadResult JournalReader::NextOfSnapshot() {
  Record record;
  const SnapshotStep step = snapshot_->Next(&record);
  if (step == SnapshotStep::kRecord) return Found(record);
  if (step == SnapshotStep::kGivenUp) {
    next_lsn_ = snapshot_->next_lsn();
    return Compacted(next_lsn_);
  }
  const Manifest& manifest = snapshot_->manifest();
  const Finding finding = snapshot_->finding();
  // Where a block is bad, the log may still have what it held.
  const Lsn lsn =
      std::max(next_lsn_, step == SnapshotStep::kEnd ? manifest.last_lsn + 1
                                                     : finding.first_lsn);
  std::unique_ptr<SnapshotCursor> snapshot = std::move(snapshot_);
  const absl::Status entered = EnterLog(lsn);
  if (entered.ok() && !log_->begins_late()) return ReadResult();
  if (step == SnapshotStep::kBad) return Damaged(finding);
  if (entered.ok()) {
    // A newer snapshot has taken the place of what comes next.
    next_lsn_ = lsn;
    return ReadResult();
  }
  Finding missing;
  missing.kind = FindingKindOf(entered);
  missing.file = SegmentFileName(manifest.last_segment + 1);
  missing.first_lsn = lsn;
  missing.detail = std::string(entered.message());
  return Damaged(missing);
}

// kRecord if something later in the log says that the record was durable; else
// what comes before anything does.
ReadResult JournalReader::LookForConfirmation(Lsn lsn) {
  ReadResult confirmed;
  confirmed.outcome = ReadOutcome::kRecord;
  if (log_->confirmed_lsn() >= lsn) return confirmed;
  if (scout_ == nullptr) {
    scout_ = std::make_unique<LogReader>(directory_, fs_, options_.cipher);
    if (absl::Status s = scout_->Start(lsn); !s.ok()) {
      scout_.reset();
      // Removed with all of the journal: nothing more comes.
      return KindOf(s) == ErrorKind::kNotFound ? ReadResult() : CannotRead(s);
    }
  }
  while (scout_->confirmed_lsn() < lsn) {
    ReadResult next = scout_->Next();
    if (next.outcome == ReadOutcome::kRecord) continue;
    if (scout_->confirmed_lsn() >= lsn) break;
    if (next.outcome == ReadOutcome::kCompacted) {
      // It begins anew the next time.
      scout_.reset();
      return ReadResult();
    }
    return next;
  }
  return confirmed;
}

// What is held was read before an fsync of it failed, perhaps; a new writer has
// found that the disk never had it, and gone on with something else.
ReadResult JournalReader::ReadAnew() {
  held_.reset();
  scout_.reset();
  if (std::exchange(read_anew_, true)) {
    Finding finding;
    finding.kind = FindingKind::kSegmentChain;
    finding.first_lsn = next_lsn_;
    finding.detail = "a segment goes on behind the beginning of the next one";
    damaged_ = Damaged(finding);
    return *damaged_;
  }
  const absl::StatusOr<bool> entered = EnterSnapshot(next_lsn_);
  if (!entered.ok() || !*entered) {
    if (absl::Status s = EnterLog(next_lsn_); !s.ok()) {
      damaged_ = CannotRead(s);
      return *damaged_;
    }
  }
  return Next();
}

// ---------------------------------------------------------------------------
// One record

ReadResult JournalReader::ReadAt(Position position) {
  if (IsSnapshotPosition(position)) {
    return ReadFromSnapshot(SnapshotPositionLsn(position));
  }
  if (at_ == nullptr) {
    // Any segment will do: it says which journal this is. Where none before the
    // next record can be used, one behind it may.
    absl::Status failure;
    for (const Lsn lsn : {next_lsn_, std::numeric_limits<Lsn>::max()}) {
      at_ = std::make_unique<LogReader>(directory_, fs_, options_.cipher);
      failure = at_->Start(lsn);
      if (failure.ok()) break;
      at_.reset();
    }
    if (!failure.ok()) return CannotRead(failure);
  }
  return at_->ReadAt(position);
}

ReadResult JournalReader::Read(Lsn lsn) {
  if (by_lsn_ != nullptr && lsn <= by_lsn_->manifest().last_lsn) {
    ReadResult result = ReadFromSnapshot(lsn);
    if (result.outcome != ReadOutcome::kDamaged) return result;
    // The log may still have what a damaged block held.
    ReadResult in_log = ReadFromLog(lsn);
    return in_log.outcome == ReadOutcome::kRecord ? in_log : result;
  }
  ReadResult result = ReadFromLog(lsn);
  if (result.outcome == ReadOutcome::kCompacted) return ReadFromSnapshot(lsn);
  if (result.outcome != ReadOutcome::kDamaged) return result;
  ReadResult in_snapshot = ReadFromSnapshot(lsn);
  return in_snapshot.outcome == ReadOutcome::kRecord ? in_snapshot : result;
}

ReadResult JournalReader::ReadFromSnapshot(Lsn lsn) {
  if (by_lsn_ == nullptr || lsn > by_lsn_->manifest().last_lsn) {
    absl::StatusOr<Manifest> manifest = NewestManifest(fs_, directory_);
    if (!manifest.ok()) return CannotRead(manifest.status());
    if (manifest->last_lsn < lsn) return Compacted(0);
    by_lsn_ = std::make_unique<SnapshotCursor>(
        fs_, directory_, *std::move(manifest), options_.cipher);
  }
  by_lsn_->Seek(lsn);
  Record record;
  switch (by_lsn_->Next(&record)) {
    case SnapshotStep::kRecord:
      return record.lsn == lsn ? Found(record) : Compacted(record.lsn);
    case SnapshotStep::kBad:
      return Damaged(by_lsn_->finding());
    case SnapshotStep::kGivenUp:
      return Compacted(by_lsn_->next_lsn());
    case SnapshotStep::kEnd:
      break;
  }
  return Compacted(by_lsn_->manifest().last_lsn + 1);
}

ReadResult JournalReader::ReadFromLog(Lsn lsn) {
  const bool goes_on = log_by_lsn_ != nullptr && lsn >= log_by_lsn_next_;
  ReadResult result = WalkLog(lsn);
  // Segments on the way were removed, not the one asked for.
  if (goes_on && result.outcome == ReadOutcome::kCompacted &&
      result.first_lsn <= lsn) {
    result = WalkLog(lsn);
  }
  return result;
}

ReadResult JournalReader::WalkLog(Lsn lsn) {
  if (log_by_lsn_ == nullptr || lsn < log_by_lsn_next_) {
    log_by_lsn_ = std::make_unique<LogReader>(directory_, fs_, options_.cipher);
    log_by_lsn_next_ = lsn;
    if (absl::Status s = log_by_lsn_->Start(lsn); !s.ok()) {
      log_by_lsn_.reset();
      return CannotRead(s);
    }
  }
  for (;;) {
    ReadResult result = log_by_lsn_->Next();
    if (result.outcome != ReadOutcome::kRecord) {
      if (result.outcome != ReadOutcome::kEnd) log_by_lsn_.reset();
      return result;
    }
    log_by_lsn_next_ = result.record.lsn + 1;
    if (result.record.lsn == lsn) return result;
    if (result.record.lsn > lsn) {
      // Met on the way to another: it may be asked for next.
      log_by_lsn_.reset();
      return Compacted(result.record.lsn);
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(
    absl::string_view directory, const ReaderOptions& options) {
  FileSystem& fs =
      options.file_system ? *options.file_system : *FileSystem::Posix();
  auto reader = std::make_unique<JournalReader>(directory, fs, options);
  if (absl::Status s = reader->Start(); !s.ok()) return s;
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace journal
