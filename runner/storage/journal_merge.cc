#include "runner/storage/journal_merge.h"

#include <map>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/reader.h"
#include "runner/base/exit_code.h"
#include "runner/base/hashing.h"
#include "runner/base/text.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/errors_log.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/record_batch.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/result_store.h"
#include "runner/storage/usage_totals.h"

namespace runner {
namespace {

// What a run came to.
class RunSum {
 public:
  void Add(const QueryResult& query);
  RunEndRecord Record() const;

 private:
  RunEndRecord sum_;
  UsageTotals usage_;
  std::map<std::string, std::pair<double, uint64_t>> scores_;
};

void RunSum::Add(const QueryResult& query) {
  if (query.failed) {
    ++sum_.failed;
    return;
  }
  ++sum_.completed;
  sum_.unparsed += query.unparsed ? 1 : 0;
  for (const auto& [name, value] : query.scores) {
    scores_[name].first += value;
    ++scores_[name].second;
  }
  usage_.Add(query.usage, query.cost);
}

RunEndRecord RunSum::Record() const {
  RunEndRecord record = sum_;
  usage_.ToRunEnd(record);
  for (const auto& [name, score] : scores_) {
    record.means.emplace_back(name, score.first / score.second);
  }
  return record;
}

class Merging {
 public:
  Merging(const MergeTarget& target, const JournalAccess& access,
          BenchmarkJournal& journal)
      : target_(target),
        access_(access),
        journal_(journal),
        errors_log_(journal::JoinPath(target.directory, "errors.log")),
        batch_(journal) {}

  absl::Status CopyPart(const MergePart& part,
                        const std::function<bool()>& stopped);
  absl::Status EndRuns();

 private:
  // The record as the merged journal has it. Nothing is added for those that
  // are about a part as a whole.
  absl::Status Take(const MergePart& part, const journal::Record& record);
  template <typename Record>
  absl::Status TakeKeyed(const MergePart& part, const journal::Record& record);
  absl::Status TakeInDoubt(const MergePart& part,
                           const journal::Record& record);
  absl::Status TakeSession(const journal::Record& record);
  absl::Status TakeOverride(const journal::Record& record);
  absl::Status Place(const MergePart& part, journal::Lsn lsn, QueryKey& key);
  absl::Status CheckWhole(const MergePart& part, const ProgressState& state);

  const MergeTarget& target_;
  const JournalAccess& access_;
  BenchmarkJournal& journal_;
  ErrorsLog errors_log_;
  uint32_t sessions_ = 0;
  RecordBatch batch_;
};

absl::Status Merging::CopyPart(const MergePart& part,
                               const std::function<bool()>& stopped) {
  journal::ReaderOptions options;
  options.cipher = access_.cipher;
  options.file_system = access_.file_system;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(part.directory, options);
  if (!reader.ok()) return reader.status();
  ProgressState state;
  for (;;) {
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome == journal::ReadOutcome::kEnd) break;
    if (next.outcome != journal::ReadOutcome::kRecord) return ReadFailure(next);
    if (stopped()) return absl::CancelledError("interrupted");
    state.Fold(next.record);
    if (absl::Status s = Take(part, next.record); !s.ok()) return s;
  }
  if (absl::Status s = CheckWhole(part, state); !s.ok()) return s;
  return batch_.Flush();
}

// It was found complete before; what was read now must be that still.
absl::Status Merging::CheckWhole(const MergePart& part,
                                 const ProgressState& state) {
  const OddRecords odd = state.odd_records();
  if (odd.unknown_lsn != 0) {
    return journal::MakeError(
        journal::ErrorKind::kNewerVersion,
        absl::StrCat("LSN ", odd.unknown_lsn, " is a record of type ",
                     odd.unknown_type, ", written by a newer version"));
  }
  if (odd.poison > 0) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat("LSN ", odd.first_poison_lsn, ": a poison record"));
  }
  if (state.complete() && state.rows() == part.index_of_row.size()) {
    return absl::OkStatus();
  }
  return journal::MakeError(journal::ErrorKind::kLocked,
                            "was written to while it was read");
}

absl::Status Merging::Take(const MergePart& part,
                           const journal::Record& record) {
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::kAttemptStart:
      return TakeKeyed<AttemptStartRecord>(part, record);
    case RecordType::kResponse:
      return TakeKeyed<ResponseRecord>(part, record);
    case RecordType::kScore:
      return TakeKeyed<ScoreRecord>(part, record);
    case RecordType::kAttemptError:
      return TakeKeyed<AttemptErrorRecord>(part, record);
    case RecordType::kInDoubt:
      return TakeInDoubt(part, record);
    case RecordType::kSession:
      return TakeSession(record);
    case RecordType::kOverride:
      return TakeOverride(record);
    case RecordType::kSessionEnd:
    case RecordType::kLimit:
    case RecordType::kCheckpoint:
      return batch_.Add(record.type, std::string(record.body));
    case RecordType::kBenchmark:
    case RecordType::kDatasetRows:
    case RecordType::kRunEnd:
    case RecordType::kBatch:
    case RecordType::kWorkerState:
    case RecordType::kSelection:
    case RecordType::kScoring:  // The whole has that of the parts, the newest.
    case RecordType::kComplete:
      return absl::OkStatus();
  }
  return absl::OkStatus();  // CheckWhole names what must not be passed over.
}

template <typename Record>
absl::Status Merging::TakeKeyed(const MergePart& part,
                                const journal::Record& record) {
  absl::StatusOr<Record> decoded = DecodeRecord<Record>(record);
  if (!decoded.ok()) return decoded.status();
  absl::Status s = Place(part, record.lsn, decoded->key);
  if (!s.ok()) return s;
  if constexpr (std::is_same_v<Record, AttemptErrorRecord>) {
    errors_log_.Add(*decoded);
  }
  return batch_.Add(record.type, Encode(*decoded));
}

absl::Status Merging::TakeInDoubt(const MergePart& part,
                                  const journal::Record& record) {
  absl::StatusOr<InDoubtRecord> decoded = DecodeRecord<InDoubtRecord>(record);
  if (!decoded.ok()) return decoded.status();
  for (AttemptStartRecord& start : decoded->starts) {
    absl::Status s = Place(part, record.lsn, start.key);
    if (!s.ok()) return s;
  }
  return batch_.Add(record.type, Encode(*decoded));
}

absl::Status Merging::TakeSession(const journal::Record& record) {
  absl::StatusOr<SessionRecord> decoded = DecodeRecord<SessionRecord>(record);
  if (!decoded.ok()) return decoded.status();
  decoded->number = ++sessions_;
  return batch_.Add(record.type, Encode(*decoded));
}

// The whole is made of what holds after a part's accepted changes. Its own
// would come after records of other parts, as if these had mixed with them;
// parts in which something is mixed are no parts of a whole.
absl::Status Merging::TakeOverride(const journal::Record& record) {
  absl::StatusOr<OverrideRecord> decoded = DecodeRecord<OverrideRecord>(record);
  if (!decoded.ok()) return decoded.status();
  if (decoded->key != kIdentityOverride && decoded->key != kDatasetOverride) {
    return batch_.Add(record.type, std::string(record.body));
  }
  return absl::OkStatus();
}

// From the part's list of rows to the merged one.
absl::Status Merging::Place(const MergePart& part, journal::Lsn lsn,
                            QueryKey& key) {
  if (key.index >= part.index_of_row.size()) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat("LSN ", lsn, " names query ", key.index, " of ",
                     part.index_of_row.size()));
  }
  key.index = part.index_of_row[key.index];
  const RowInfo& row = target_.rows[key.index];
  if (!IsInShard(part.shard, row.id, row.occurrence)) {
    return journal::MakeError(
        journal::ErrorKind::kInvalidArgument,
        absl::StrCat("LSN ", lsn, " is about ", Quoted(row.id),
                     ", which does not belong to shard ",
                     ShardText(part.shard)));
  }
  return absl::OkStatus();
}

// What each run came to, over all parts.
absl::Status Merging::EndRuns() {
  if (absl::Status s = journal_.Sync(); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<ResultStore>> store =
      ResultStore::Load(target_.directory, target_.info.scoring_hash, access_);
  if (!store.ok()) return store.status();
  std::vector<RunSum> sums(target_.selection.runs);
  std::vector<uint32_t> order(target_.rows.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  absl::Status s = (*store)->ForEach(target_.selection.runs, order,
                                     [&](const QueryResult& query) {
                                       sums[query.key.run - 1].Add(query);
                                       return absl::OkStatus();
                                     });
  for (uint32_t run = 1; s.ok() && run <= sums.size(); ++run) {
    RunEndRecord record = sums[run - 1].Record();
    record.run = run;
    record.seed = RunSeed(target_.info.seed, run);
    record.n = target_.selection.queries;
    s = journal_.RecordRunEnd(std::move(record));
  }
  return s;
}

}  // namespace

absl::Status MergeJournals(absl::Span<const MergePart> parts,
                           const MergeTarget& target,
                           const JournalAccess& access,
                           const std::function<bool()>& stopped,
                           ProgressTotals* totals) {
  BenchmarkJournal::Options options;
  options.sync_mode = journal::SyncMode::kNone;  // Nobody sees half of it.
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(target.directory, target.info, target.rows,
                               options);
  if (!journal.ok()) return journal.status();
  absl::Status s = (*journal)->RecordSelection(target.selection);
  if (!s.ok()) return s;
  Merging merging(target, access, **journal);
  for (const MergePart& part : parts) {
    s = merging.CopyPart(part, stopped);
    if (!s.ok()) return journal::WithContext(s, part.directory);
  }
  if (s = merging.EndRuns(); !s.ok()) return s;
  *totals = (*journal)->totals();
  s = (*journal)->RecordComplete(totals->failed > 0 ? kExitFailures : kExitDone,
                                 "");
  const absl::Status closed = (*journal)->Close();
  return s.ok() ? closed : s;
}

}  // namespace runner
