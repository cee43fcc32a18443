#include "tools/run_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "runner/storage/record_codec.h"

namespace inspector {
namespace {

// So many records between two looks at the clock.
constexpr int kRecordsAtOnce = 1024;

// "gsm8k/gpt-4", as the run itself says.
std::string TitleOf(const JournalView& view) {
  if (!view.benchmark.has_value()) return view.run_id();
  std::vector<std::string> words;
  for (const std::string* word :
       {&view.benchmark->dataset_name, &view.benchmark->model,
        &view.benchmark->method}) {
    if (!word->empty()) words.push_back(*word);
  }
  return absl::StrJoin(words, "/");
}

}  // namespace

// What follows the newest state, given again when an examination is repeated.
class RunWatch::Tail final : public RecordSink {
 public:
  explicit Tail(RunWatch& watch) : watch_(watch) {}

  void Restart() override {
    first_lsn_ = 0;
    watch_.run_ = WatchedRun();
    watch_.rate_ = RecentRate();
    watch_.session_started_ = absl::InfinitePast();
    watch_.errors_.clear();
  }
  void Take(const journal::Record& record) override {
    if (first_lsn_ == 0) first_lsn_ = record.lsn;
    watch_.Take(record);
  }

  journal::Lsn first_lsn() const { return first_lsn_; }

 private:
  RunWatch& watch_;
  journal::Lsn first_lsn_ = 0;
};

absl::StatusOr<std::unique_ptr<RunWatch>> RunWatch::Open(
    absl::string_view path, const journal::Cipher* cipher) {
  auto watch = std::unique_ptr<RunWatch>(new RunWatch(path, cipher));
  if (absl::Status s = watch->Begin(); !s.ok()) return s;
  return watch;
}

absl::Status RunWatch::Begin() {
  at_end_ = false;
  Tail tail(*this);
  absl::StatusOr<JournalView> view =
      ViewJournal(path_, /*full=*/false, &tail, cipher_);
  if (!view.ok()) return view.status();
  view_ = *std::move(view);
  journal::ReaderOptions options;
  options.start_lsn = view_.report.last_lsn + 1;
  options.cipher = cipher_;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(path_, options);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  if (session_started_ == absl::InfinitePast()) ReadSession();
  ReadStandingErrors(tail.first_lsn());
  if (!run_.updated.has_value()) run_.updated = view_.updated;
  run_.progress.title = TitleOf(view_);
  run_.status = view_.status;
  listed_ = {};
  Summarize();
  return absl::OkStatus();
}

// Of a session that began before the newest state.
void RunWatch::ReadSession() {
  const journal::Lsn lsn = view_.progress->newest_session_lsn();
  if (lsn == 0) return;
  const journal::ReadResult read = reader_->Read(lsn);
  if (read.outcome != journal::ReadOutcome::kRecord) return;
  const absl::StatusOr<runner::SessionRecord> session =
      runner::Decode<runner::SessionRecord>(read.record.body);
  if (!session.ok()) return;
  session_started_ = session->started;
  run_.session = session->number;
}

void RunWatch::ReadStandingErrors(journal::Lsn before) {
  std::vector<journal::Lsn> lsns;
  for (const runner::OpenQuery& query : view_.progress->open_queries()) {
    const bool met = before != 0 && query.lsn >= before;
    if (query.failed && !met) lsns.push_back(query.lsn);
  }
  std::sort(lsns.begin(), lsns.end());
  if (lsns.size() > kStandingErrorsMax) {
    lsns.erase(lsns.begin(), lsns.end() - kStandingErrorsMax);
  }
  for (const journal::Lsn lsn : lsns) {
    const journal::ReadResult read = reader_->Read(lsn);
    if (read.outcome != journal::ReadOutcome::kRecord ||
        static_cast<runner::RecordType>(read.record.type) !=
            runner::RecordType::kAttemptError) {
      continue;
    }
    const auto error =
        runner::Decode<runner::AttemptErrorRecord>(read.record.body);
    if (error.ok()) TakeError(*error, lsn);
  }
}

absl::Status RunWatch::Refresh(absl::Duration patience) {
  // Before reading: what is journaled before its end is read after it.
  const absl::optional<Holder> holder = FindHolder(path_);
  if (absl::Status s = ReadNew(patience); !s.ok()) return s;
  ReadSnapshots();
  run_.holder = holder;
  if (holder.has_value()) run_.status = JournalStatus::kRunning;
  if (ended()) {
    absl::StatusOr<JournalView> view =
        ViewJournal(path_, /*full=*/false, nullptr, cipher_);
    if (!view.ok()) return view.status();
    view_ = *std::move(view);
    run_.holder = view_.holder;  // Maybe the next session's.
    run_.status = view_.status;
    if (run_.holder.has_value()) return Begin();
  }
  Summarize();
  return absl::OkStatus();
}

absl::Status RunWatch::ReadNew(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  at_end_ = false;
  do {
    for (int i = 0; i < kRecordsAtOnce; ++i) {
      const journal::ReadResult next = reader_->Next();
      switch (next.outcome) {
        case journal::ReadOutcome::kRecord:
          view_.progress->Fold(next.record);
          Take(next.record);
          break;
        case journal::ReadOutcome::kEnd:
          at_end_ = true;
          return absl::OkStatus();
        case journal::ReadOutcome::kCompacted:
          if (++reopened_ > kReopeningsMax) {
            return journal::MakeError(
                journal::ErrorKind::kIo,
                absl::StrCat(path_,
                             ": its records are removed faster than "
                             "they can be read"));
          }
          return Begin();
        case journal::ReadOutcome::kDamaged:
          return journal::MakeError(
              next.finding.kind == journal::FindingKind::kReadError
                  ? journal::ErrorKind::kIo
                  : journal::ErrorKind::kDamage,
              journal::Describe(next.finding));
      }
    }
  } while (absl::Now() < until);
  return absl::OkStatus();
}

void RunWatch::Take(const journal::Record& record) {
  switch (static_cast<runner::RecordType>(record.type)) {
    case runner::RecordType::kSession: {
      const auto session = runner::Decode<runner::SessionRecord>(record.body);
      if (session.ok()) TakeSession(*session);
      return;
    }
    case runner::RecordType::kScore: {
      const auto score = runner::Decode<runner::ScoreRecord>(record.body);
      if (score.ok()) TakeDone(score->key, score->at);
      return;
    }
    case runner::RecordType::kAttemptError: {
      const auto error =
          runner::Decode<runner::AttemptErrorRecord>(record.body);
      if (!error.ok()) return;
      TakeError(*error, record.lsn);
      if (error->final) TakeDone(error->key, error->at);
      return;
    }
    default:
      return;
  }
}

void RunWatch::TakeSession(const runner::SessionRecord& session) {
  session_started_ = session.started;
  run_.session = session.number;
  run_.updated = session.started;
  rate_.Begin(session.started);
}

void RunWatch::TakeDone(const runner::QueryKey& key, absl::Time at) {
  run_.progress.run = key.run;
  run_.progress.query_id = key.id;
  run_.updated = at;
  rate_.Add(at);
}

void RunWatch::TakeError(const runner::AttemptErrorRecord& error,
                         journal::Lsn lsn) {
  ErrorsOfType& errors = errors_[error.type.substr(0, kErrorTextMax)];
  ++errors.count;
  if (lsn < errors.lsn) return;
  errors.lsn = lsn;
  errors.at = error.at;
  errors.key = error.key;
  errors.message = error.message.substr(0, kErrorTextMax);
  if (errors_.size() <= kErrorTypesMax) return;
  errors_.erase(std::min_element(errors_.begin(), errors_.end(),
                                 [](const auto& a, const auto& b) {
                                   return a.second.lsn < b.second.lsn;
                                 }));
}

// Only when something in the directory has changed.
void RunWatch::ReadSnapshots() {
  struct stat directory = {};
  if (stat(path_.c_str(), &directory) != 0) return;
  const timespec changed = directory.st_mtim;
  if (changed.tv_sec == listed_.tv_sec && changed.tv_nsec == listed_.tv_nsec) {
    return;
  }
  listed_ = changed;
  for (SnapshotFile& snapshot : ListSnapshots(path_, view_.report)) {
    if (snapshot.manifest.has_value()) run_.snapshot = std::move(snapshot);
  }
}

void RunWatch::Summarize() {
  const runner::ProgressState& state = *view_.progress;
  const runner::ProgressTotals totals = state.totals();
  const absl::Time now =
      std::max(absl::Now(), run_.updated.value_or(absl::InfinitePast()));
  runner::Progress& progress = run_.progress;
  progress.total = view_.total();
  progress.done = totals.completed + totals.failed;
  progress.failed = totals.failed;
  progress.runs = state.selected_runs();
  progress.cost = totals.cost > 0 || totals.unpriced == 0
                      ? absl::optional<double>(totals.cost)
                      : absl::nullopt;
  progress.rate = rate_.PerSecond(now);
  run_.elapsed = session_started_ == absl::InfinitePast()
                     ? absl::ZeroDuration()
                     : now - session_started_;
  run_.workers = state.session_workers();
  const uint64_t open = state.open_count();
  run_.under_way = open - std::min(open, totals.failed);
  run_.errors.clear();
  for (const auto& [type, errors] : errors_) {
    run_.errors.push_back(errors);
    run_.errors.back().type = type;
  }
  std::sort(run_.errors.begin(), run_.errors.end(),
            [](const auto& a, const auto& b) { return a.lsn > b.lsn; });
}

}  // namespace inspector
