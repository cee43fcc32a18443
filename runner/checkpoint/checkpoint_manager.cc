#include "runner/checkpoint/checkpoint_manager.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "runner/base/exit_code.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/config/identity.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/journal_removal.h"
#include "runner/storage/result_store.h"
#include "runner/storage/row_match.h"
#include "runner/storage/usage_totals.h"

namespace runner {
namespace {

// The place in the journal's list of rows, by id and occurrence.
using QueryIndex =
    absl::flat_hash_map<std::pair<std::string, uint32_t>, uint32_t>;

absl::Status Invalid(absl::string_view message) {
  return journal::MakeError(journal::ErrorKind::kInvalidArgument, message);
}

// One query of one run as a table's key.
uint64_t Slot(uint32_t run, uint32_t index) {
  return uint64_t{run} << 32 | index;
}

std::vector<RowInfo> RowsOf(const std::vector<std::string>& ids) {
  absl::flat_hash_map<absl::string_view, uint32_t> seen;
  std::vector<RowInfo> rows;
  rows.reserve(ids.size());
  for (const std::string& id : ids) {
    rows.push_back({id, seen[id]++, Xxh3(id)});
  }
  return rows;
}

absl::StatusOr<std::string> IdentityOf(const CheckpointOptions& options) {
  absl::StatusOr<nlohmann::json> config = ParseJson(options.config_json);
  if (!config.ok()) return config.status();
  if (!config->is_object()) return Invalid("config_json is not an object");
  nlohmann::json identity = {{"config", *std::move(config)}};
  if (options.seed != 0) identity["seed"] = options.seed;
  return CanonicalJson(identity);
}

absl::Status CheckOptions(const CheckpointOptions& options) {
  if (options.benchmark_id.empty()) return Invalid("benchmark_id is empty");
  if (options.query_ids.empty()) return Invalid("query_ids is empty");
  if (options.runs == 0) return Invalid("runs is 0");
  return absl::OkStatus();
}

EvaluationResult AsEvaluation(const CheckpointResult& result) {
  EvaluationResult evaluation;
  evaluation.usage = result.usage;
  evaluation.cost = result.cost;
  evaluation.latency = result.latency;
  if (result.failed()) {
    evaluation.error =
        EvaluationError{result.error_type, result.error_message,
                        /*retryable=*/true, result.metadata_json};
    return evaluation;
  }
  evaluation.output = result.output;
  evaluation.scores = result.scores;
  evaluation.reasoning = result.reasoning;
  evaluation.metadata_json = result.metadata_json;
  return evaluation;
}

CheckpointResult AsCheckpoint(const QueryResult& result) {
  CheckpointResult kept;
  kept.output = result.output;
  kept.scores = result.scores;
  kept.reasoning = result.reasoning;
  kept.metadata_json = result.metadata_json;
  kept.usage = result.usage;
  kept.cost = result.cost;
  kept.latency = result.latency;
  kept.error_type = result.error_type;
  kept.error_message = result.error_message;
  return kept;
}

class CheckpointManagerImpl final : public CheckpointManager {
 public:
  CheckpointManagerImpl(const CheckpointOptions& options,
                        std::string identity_json)
      : options_(options), identity_json_(std::move(identity_json)) {
    access_.cipher = options.cipher;
  }
  ~CheckpointManagerImpl() override { Close().IgnoreError(); }

  absl::Status Open() ABSL_LOCKS_EXCLUDED(mutex_);

  bool loaded() const override { return loaded_; }
  std::string directory() const override { return directory_; }
  bool IsQueryCompleted(uint32_t run, absl::string_view id,
                        uint32_t occurrence) const override;
  uint64_t SeedOf(uint32_t run, absl::string_view id,
                  uint32_t occurrence) const override {
    return QuerySeed(options_.seed, run, id, occurrence);
  }
  absl::Status BeginQuery(uint32_t run, absl::string_view id,
                          uint32_t occurrence) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Update(uint32_t run, absl::string_view id,
                      const CheckpointResult& result,
                      uint32_t occurrence) override ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<absl::optional<CheckpointResult>> GetCompletedResult(
      uint32_t run, absl::string_view id, uint32_t occurrence) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CompleteRun(uint32_t run) override ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Save() override { return journal_->Sync(); }
  CheckpointStats GetStats() const override ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Close() override ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Clear() override;

 private:
  struct Asked {
    QueryKey key;
    uint64_t slot = 0;
  };

  absl::Status Begin(const std::vector<RowInfo>& rows);
  absl::Status GoOn(const std::vector<RowInfo>& rows);
  absl::Status ScoreTheUnscored();
  absl::StatusOr<Asked> Find(uint32_t run, absl::string_view id,
                             uint32_t occurrence) const;
  EvaluationRequest NextAttempt(const Asked& asked)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Begins one that BeginQuery did not.
  absl::Status StartLate(const Asked& asked)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Keep(const EvaluationRequest& request,
                    const EvaluationResult& evaluation);
  absl::StatusOr<RunEndRecord> SumUp(uint32_t run)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status LoadStore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsScored(uint32_t run, uint32_t index) const {
    return journal_->IsDone(run, index) && !journal_->NeedsScore(run, index);
  }
  uint64_t CountCompleted() const;
  uint64_t Total() const {
    return uint64_t{options_.runs} * options_.query_ids.size();
  }
  BenchmarkJournal::Options JournalOptions() const;

  const CheckpointOptions options_;
  const std::string identity_json_;
  JournalAccess access_;
  std::string directory_;
  bool loaded_ = false;
  std::unique_ptr<BenchmarkJournal> journal_;
  QueryIndex index_;
  std::vector<uint32_t> order_;  // Journal indices, as asked for.
  uint64_t resumed_ = 0;

  mutable absl::Mutex mutex_;
  // Of queries that were begun before and not completed, or in this program.
  absl::flat_hash_map<uint64_t, uint32_t> attempts_ ABSL_GUARDED_BY(mutex_);
  // Whose newest attempt has no end yet.
  absl::flat_hash_set<uint64_t> begun_ ABSL_GUARDED_BY(mutex_);
  uint64_t completed_ ABSL_GUARDED_BY(mutex_) = 0;
  // What was kept when it was loaded; `changed_` since then.
  std::unique_ptr<ResultStore> store_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> changed_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

BenchmarkJournal::Options CheckpointManagerImpl::JournalOptions() const {
  BenchmarkJournal::Options options;
  options.sync_mode = options_.sync_mode;
  options.sync_records = options_.checkpoint_interval;
  options.sync_interval = options_.sync_interval;
  options.cipher = options_.cipher;
  return options;
}

absl::Status CheckpointManagerImpl::Open() {
  const std::vector<RowInfo> rows = RowsOf(options_.query_ids);
  absl::Status status = Begin(rows);
  if (!status.ok()) return status;
  // A convenience: its failure stops nothing.
  PointLatestAt(*access_.file_system, options_.journal_dir,
                std::filesystem::path(directory_).filename().string())
      .IgnoreError();
  absl::MutexLock lock(&mutex_);
  for (const OpenQuery& query : journal_->open_queries()) {
    attempts_[Slot(query.run, query.index)] = query.attempts;
  }
  resumed_ = completed_ = CountCompleted();
  return absl::OkStatus();
}

// Finds the journal, or begins one.
absl::Status CheckpointManagerImpl::Begin(const std::vector<RowInfo>& rows) {
  const std::string hash = Sha256Hex(identity_json_);
  const std::string run_id = RunId(absl::Now(), absl::LocalTimeZone(),
                                   options_.benchmark_id, "", "", hash);
  absl::StatusOr<JournalMatch> match = FindJournal(
      access_, options_.journal_dir, {options_.benchmark_id, hash, run_id});
  if (!match.ok()) return match.status();
  if (match->same.has_value() && !options_.no_resume) {
    if (!match->same->status.ok()) return match->same->status;
    directory_ = match->same->directory;
    return GoOn(rows);
  }
  absl::StatusOr<std::string> name =
      FreeRunId(access_, options_.journal_dir, run_id);
  if (!name.ok()) return name.status();
  directory_ = journal::JoinPath(options_.journal_dir, *name);
  BenchmarkInfo info;
  info.benchmark_id = options_.benchmark_id;
  info.run_id = *name;
  info.dataset_name = options_.benchmark_id;
  info.identity_json = identity_json_;
  info.identity_hash = hash;
  info.scoring_json = ScoringJson({});
  info.scoring_hash = Sha256Hex(info.scoring_json);
  info.config_json = identity_json_;
  info.seed = options_.seed;
  info.runs = options_.runs;
  info.queries = rows.size();
  info.created = absl::Now();
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(directory_, info, rows, JournalOptions());
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  for (uint32_t i = 0; i < rows.size(); ++i) {
    index_.emplace(std::make_pair(rows[i].id, rows[i].occurrence), i);
    order_.push_back(i);
  }
  return journal_->BeginSession({1, identity_json_});
}

absl::Status CheckpointManagerImpl::GoOn(const std::vector<RowInfo>& rows) {
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Resume(directory_, JournalOptions());
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  loaded_ = true;
  absl::StatusOr<std::vector<RowInfo>> journaled = journal_->ReadRows();
  if (!journaled.ok()) return journaled.status();
  const RowMatch match = MatchRows(
      rows.size(), [&rows](size_t i) { return rows[i]; }, *journaled);
  if (!match.added.empty()) {
    if (absl::Status s = journal_->ExtendRows(match.added); !s.ok()) return s;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    index_.emplace(std::make_pair(rows[i].id, rows[i].occurrence),
                   match.index_of_row[i]);
  }
  order_ = match.index_of_row;
  absl::Status s = journal_->BeginSession({1, identity_json_});
  if (s.ok()) s = journal_->RecordInDoubt(journal_->open_queries());
  if (s.ok()) s = ScoreTheUnscored();
  SelectionRecord selection = journal_->selection();
  if (!s.ok() ||
      (selection.runs == options_.runs && selection.queries == rows.size())) {
    return s;
  }
  selection.runs = options_.runs;
  selection.queries = rows.size();
  return journal_->RecordSelection(selection);
}

// An answer whose score the death of the process took: it stands in the
// answer, too.
absl::Status CheckpointManagerImpl::ScoreTheUnscored() {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal_->OpenReader();
  if (!reader.ok()) return reader.status();
  for (const OpenQuery& query : InOrderOfLsn(journal_->open_queries())) {
    if (!query.unscored) continue;
    absl::StatusOr<ResponseRecord> response =
        ReadRecord<ResponseRecord>(**reader, query.lsn);
    if (!response.ok()) return response.status();
    absl::Status s = journal_->RecordScore(
        response->key, response->worker_scores, /*unparsed=*/false, "");
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

uint64_t CheckpointManagerImpl::CountCompleted() const {
  uint64_t completed = 0;
  for (uint32_t run = 1; run <= options_.runs; ++run) {
    for (const uint32_t index : order_) completed += IsScored(run, index);
  }
  return completed;
}

// ---------------------------------------------------------------------------
// Queries

absl::StatusOr<CheckpointManagerImpl::Asked> CheckpointManagerImpl::Find(
    uint32_t run, absl::string_view id, uint32_t occurrence) const {
  const auto found = index_.find(std::make_pair(std::string(id), occurrence));
  if (run == 0 || run > options_.runs || found == index_.end()) {
    return Invalid(absl::StrCat("query ", id, " (occurrence ", occurrence,
                                ") of run ", run, " is not asked for"));
  }
  return Asked{{run, found->second, std::string(id), occurrence},
               Slot(run, found->second)};
}

bool CheckpointManagerImpl::IsQueryCompleted(uint32_t run, absl::string_view id,
                                             uint32_t occurrence) const {
  const absl::StatusOr<Asked> asked = Find(run, id, occurrence);
  return asked.ok() && IsScored(run, asked->key.index);
}

EvaluationRequest CheckpointManagerImpl::NextAttempt(const Asked& asked) {
  EvaluationRequest request;
  request.key = asked.key;
  request.attempt = ++attempts_[asked.slot];
  request.seed = QuerySeed(options_.seed, asked.key.run, asked.key.id,
                           asked.key.occurrence);
  return request;
}

absl::Status CheckpointManagerImpl::BeginQuery(uint32_t run,
                                               absl::string_view id,
                                               uint32_t occurrence) {
  const absl::StatusOr<Asked> asked = Find(run, id, occurrence);
  if (!asked.ok()) return asked.status();
  EvaluationRequest request;
  bool first = false;
  {
    absl::MutexLock lock(&mutex_);
    request = NextAttempt(*asked);
    first = begun_.insert(asked->slot).second;
  }
  absl::Status s = journal_->RecordStart(request, /*durable=*/true);
  if (s.ok()) return s;
  absl::MutexLock lock(&mutex_);
  --attempts_[asked->slot];
  if (first) begun_.erase(asked->slot);
  return s;
}

absl::Status CheckpointManagerImpl::StartLate(const Asked& asked) {
  const EvaluationRequest request = NextAttempt(asked);
  absl::Status s = journal_->RecordStart(request, /*durable=*/false);
  if (s.ok()) {
    begun_.insert(asked.slot);
  } else {
    --attempts_[asked.slot];
  }
  return s;
}

absl::Status CheckpointManagerImpl::Keep(const EvaluationRequest& request,
                                         const EvaluationResult& evaluation) {
  if (evaluation.error.has_value()) {
    return journal_->RecordError(request, evaluation, /*final=*/true);
  }
  absl::Status s = journal_->RecordResponse(request, evaluation);
  if (!s.ok()) return s;
  return journal_->RecordScore(request.key, evaluation.scores,
                               /*unparsed=*/false, "");
}

absl::Status CheckpointManagerImpl::Update(uint32_t run, absl::string_view id,
                                           const CheckpointResult& result,
                                           uint32_t occurrence) {
  const absl::StatusOr<Asked> asked = Find(run, id, occurrence);
  if (!asked.ok()) return asked.status();
  EvaluationRequest request;
  request.key = asked->key;
  const EvaluationResult evaluation = AsEvaluation(result);
  // Before it begins: what never fits is no attempt.
  if (absl::Status s = CheckFits(request, evaluation); !s.ok()) return s;
  // One at a time: answer and score of one query belong together.
  absl::MutexLock lock(&mutex_);
  const bool was_completed = IsScored(run, asked->key.index);
  if (!begun_.contains(asked->slot)) {
    if (absl::Status s = StartLate(*asked); !s.ok()) return s;
  }
  request.attempt = attempts_[asked->slot];
  changed_.insert(asked->slot);
  // What could not be kept for want of space is the same attempt next time.
  if (absl::Status s = Keep(request, evaluation); !s.ok()) return s;
  begun_.erase(asked->slot);
  if (!was_completed && IsScored(run, asked->key.index)) ++completed_;
  return absl::OkStatus();
}

absl::Status CheckpointManagerImpl::LoadStore() {
  absl::StatusOr<std::unique_ptr<ResultStore>> store =
      ResultStore::Load(directory_, journal_->info().scoring_hash, access_);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  changed_.clear();
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<CheckpointResult>>
CheckpointManagerImpl::GetCompletedResult(uint32_t run, absl::string_view id,
                                          uint32_t occurrence) {
  const absl::StatusOr<Asked> asked = Find(run, id, occurrence);
  if (!asked.ok()) return asked.status();
  absl::MutexLock lock(&mutex_);
  if (store_ == nullptr || changed_.contains(asked->slot)) {
    if (absl::Status s = LoadStore(); !s.ok()) return s;
  }
  absl::StatusOr<absl::optional<QueryResult>> result =
      store_->Read(run, asked->key.index);
  if (!result.ok()) return result.status();
  if (!result->has_value()) return absl::optional<CheckpointResult>();
  return absl::optional<CheckpointResult>(AsCheckpoint(**result));
}

// ---------------------------------------------------------------------------
// The whole

absl::StatusOr<RunEndRecord> CheckpointManagerImpl::SumUp(uint32_t run) {
  RunEndRecord end;
  UsageTotals usage;
  end.run = run;
  end.seed = RunSeed(options_.seed, run);
  end.n = order_.size();
  absl::btree_map<std::string, std::pair<double, uint64_t>> sums;
  const auto add = [&](const QueryResult& result) {
    if (result.key.run != run) return absl::OkStatus();
    if (result.failed) {
      ++end.failed;
      return absl::OkStatus();
    }
    ++end.completed;
    usage.Add(result.usage, result.cost);
    for (const auto& [name, value] : result.scores) {
      sums[name].first += value;
      ++sums[name].second;
    }
    return absl::OkStatus();
  };
  if (absl::Status s = store_->ForEach(run, order_, add); !s.ok()) return s;
  if (end.completed + end.failed < end.n) {
    return Invalid(absl::StrCat("run ", run, ": ",
                                end.n - end.completed - end.failed,
                                " queries have no result yet"));
  }
  usage.ToRunEnd(end);
  for (const auto& [name, sum] : sums) {
    end.means.emplace_back(name, sum.first / static_cast<double>(sum.second));
  }
  return end;
}

absl::Status CheckpointManagerImpl::CompleteRun(uint32_t run) {
  if (run == 0 || run > options_.runs) {
    return Invalid(absl::StrCat("run ", run, " is not asked for"));
  }
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = LoadStore(); !s.ok()) return s;
  absl::StatusOr<RunEndRecord> end = SumUp(run);
  if (!end.ok()) return end.status();
  absl::Status s = journal_->RecordRunEnd(*std::move(end));
  if (!s.ok() || completed_ < Total()) return s;
  return journal_->RecordComplete(kExitDone, "");
}

CheckpointStats CheckpointManagerImpl::GetStats() const {
  const ProgressTotals totals = journal_->totals();
  CheckpointStats stats;
  stats.total = Total();
  stats.failed = totals.failed;
  stats.resumed = resumed_;
  stats.attempts = totals.attempts;
  stats.in_doubt = totals.in_doubt;
  stats.prompt_tokens = totals.prompt_tokens;
  stats.completion_tokens = totals.completion_tokens;
  stats.cost = totals.cost;
  stats.unmetered = totals.unmetered;
  stats.sessions = totals.sessions;
  stats.elapsed = totals.elapsed;
  absl::MutexLock lock(&mutex_);
  stats.completed = completed_;
  return stats;
}

absl::Status CheckpointManagerImpl::Close() {
  absl::MutexLock lock(&mutex_);
  // Null: opening failed.
  if (closed_ || journal_ == nullptr) return absl::OkStatus();
  closed_ = true;
  const bool complete = completed_ == Total();
  absl::Status ended = journal_->EndSession(
      complete ? SessionStop::kCompleted : SessionStop::kNothingToDo,
      /*signal=*/0, kExitDone, complete ? "" : "closed by the program");
  absl::Status closed = journal_->Close();
  return ended.ok() ? closed : ended;
}

absl::Status CheckpointManagerImpl::Clear() {
  if (absl::Status s = Close(); !s.ok()) return s;
  if (absl::Status s = RemoveJournal(*access_.file_system, directory_);
      !s.ok()) {
    return s;
  }
  // A convenience: its failure stops nothing.
  MendLatest(access_, options_.journal_dir).IgnoreError();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointManager>>
CheckpointManager::LoadOrCreate(const CheckpointOptions& options) {
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  absl::StatusOr<std::string> identity = IdentityOf(options);
  if (!identity.ok()) return identity.status();
  auto manager =
      std::make_unique<CheckpointManagerImpl>(options, *std::move(identity));
  if (absl::Status s = manager->Open(); !s.ok()) return s;
  return std::unique_ptr<CheckpointManager>(std::move(manager));
}

}  // namespace runner
