#include "runner/results/results_database.h"

#include <cerrno>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "runner/base/json.h"
#include "runner/base/text.h"
#include "runner/results/result_lines.h"

namespace runner {
namespace {

using nlohmann::json;

// Of an extended result code.
constexpr int kPrimaryCode = 0xff;

// The file is nobody's until it is whole: SQLite need not protect it.
constexpr char kSettings[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA locking_mode = EXCLUSIVE;";

// A result's id is its place in canonical order, so that all tables grow at
// their end.
constexpr char kTables[] =
    "CREATE TABLE results ("
    "  id INTEGER PRIMARY KEY,"
    "  run INTEGER NOT NULL,"
    "  query_id TEXT NOT NULL,"
    "  occurrence INTEGER NOT NULL,"
    "  status TEXT NOT NULL,"
    "  output TEXT,"
    "  extracted TEXT,"
    "  unparsed INTEGER,"
    "  prompt_tokens INTEGER,"
    "  completion_tokens INTEGER,"
    "  cached_tokens INTEGER,"
    "  reasoning_tokens INTEGER,"
    "  cost REAL,"
    "  error_type TEXT);"
    "CREATE TABLE result_scores ("
    "  result_id INTEGER NOT NULL REFERENCES results (id),"
    "  scorer TEXT NOT NULL,"
    "  value REAL,"
    "  PRIMARY KEY (result_id, scorer)) WITHOUT ROWID;"
    "CREATE VIEW scores AS"
    "  SELECT run, query_id, occurrence, scorer, value"
    "  FROM results JOIN result_scores ON result_id = id;"
    "CREATE TABLE summary (key TEXT PRIMARY KEY, value) WITHOUT ROWID;";

constexpr char kInsertResult[] =
    "INSERT INTO results VALUES"
    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
// Two names may be one once they are mended: the first counts.
constexpr char kInsertScore[] =
    "INSERT OR IGNORE INTO result_scores VALUES (?1, ?2, ?3)";
constexpr char kInsertSummary[] = "INSERT INTO summary VALUES (?1, ?2)";

// What a statement is given, in the order of its parameters. What cannot be
// bound shows in the statement's next step: a column that must not be null is.
class Parameters {
 public:
  explicit Parameters(sqlite3_stmt* statement) : statement_(statement) {}

  // `text` must live until the step, if it is UTF-8.
  Parameters& Text(absl::string_view text) {
    if (AsciiPrefix(text) == text.size()) return Bind(text, SQLITE_STATIC);
    return Bind(ValidUtf8(text), SQLITE_TRANSIENT);
  }
  Parameters& Integer(uint64_t value) {
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    // SQLite has no larger ones.
    if (value > kMax) return Real(static_cast<double>(value));
    sqlite3_bind_int64(statement_, ++at_, static_cast<int64_t>(value));
    return *this;
  }
  Parameters& Real(double value) {
    if (!std::isfinite(value)) return Null();
    sqlite3_bind_double(statement_, ++at_, value);
    return *this;
  }
  Parameters& Null() {
    sqlite3_bind_null(statement_, ++at_);
    return *this;
  }

 private:
  Parameters& Bind(absl::string_view text, sqlite3_destructor_type lifetime) {
    // A null pointer would be null, and no empty text.
    const char* data = text.empty() ? "" : text.data();
    sqlite3_bind_text64(statement_, ++at_, data, text.size(), lifetime,
                        SQLITE_UTF8);
    return *this;
  }

  sqlite3_stmt* const statement_;
  int at_ = 0;
};

void BindAnswer(const QueryResult& result, Parameters& row) {
  if (result.output.has_value()) {
    row.Text(*result.output);
  } else {
    row.Null();
  }
  row.Text(result.extracted).Integer(result.unparsed ? 1 : 0);
  if (result.usage.metered) {
    row.Integer(result.usage.prompt_tokens)
        .Integer(result.usage.completion_tokens)
        .Integer(result.usage.cached_tokens)
        .Integer(result.usage.reasoning_tokens);
  } else {
    row.Null().Null().Null().Null();
  }
  if (result.cost.has_value()) {
    row.Real(*result.cost);
  } else {
    row.Null();
  }
  row.Null();
}

// SQLite calls a quota that is used up an I/O error.
bool IsFull(sqlite3* database, int code) {
  if (code != SQLITE_IOERR) return code == SQLITE_FULL;
  const int error_number = sqlite3_system_errno(database);
  return error_number == ENOSPC || error_number == EDQUOT;
}

void BindSummary(const json& value, Parameters& row, std::string& text) {
  if (value.is_null()) {
    row.Null();
  } else if (value.is_number_unsigned()) {
    row.Integer(value.get<uint64_t>());
  } else if (value.is_number()) {
    row.Real(value.get<double>());
  } else if (value.is_boolean()) {
    row.Integer(value.get<bool>() ? 1 : 0);
  } else {
    text = RenderText(value);
    row.Text(text);
  }
}

}  // namespace

ResultsDatabase::ResultsDatabase(journal::FileSystem& fs,
                                 absl::string_view path)
    : fs_(fs), path_(path), temporary_(absl::StrCat(path, ".tmp")) {}

absl::StatusOr<std::unique_ptr<ResultsDatabase>> ResultsDatabase::Create(
    journal::FileSystem& fs, absl::string_view path) {
  std::unique_ptr<ResultsDatabase> result(new ResultsDatabase(fs, path));
  if (absl::Status s = result->Open(); !s.ok()) return s;
  return result;
}

ResultsDatabase::~ResultsDatabase() {
  insert_result_.reset();
  insert_score_.reset();
  database_.reset();
  // Whatever kept it from being published is the error to report.
  if (exists_) fs_.Remove(temporary_).IgnoreError();
}

absl::Status ResultsDatabase::Open() {
  // Made as all files of ours are, not as SQLite makes them.
  absl::StatusOr<std::unique_ptr<journal::File>> file =
      fs_.Open(temporary_, journal::OpenMode::kCreate);
  if (!file.ok()) return file.status();
  exists_ = true;
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(temporary_.c_str(), &database,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) return Error();
  absl::Status status = Execute(kSettings);
  if (status.ok()) {
    status = Execute(absl::StrCat("PRAGMA cache_size = -", kDatabaseCacheKib,
                                  "; PRAGMA user_version = ", kDatabaseFormat)
                         .c_str());
  }
  if (status.ok()) status = Execute("BEGIN");
  if (status.ok()) status = Execute(kTables);
  if (!status.ok()) return status;
  absl::StatusOr<Statement> insert_result = Prepare(kInsertResult);
  if (!insert_result.ok()) return insert_result.status();
  insert_result_ = *std::move(insert_result);
  absl::StatusOr<Statement> insert_score = Prepare(kInsertScore);
  if (!insert_score.ok()) return insert_score.status();
  insert_score_ = *std::move(insert_score);
  return absl::OkStatus();
}

absl::Status ResultsDatabase::Append(const QueryResult& result) {
  ++results_;
  Parameters row(insert_result_.get());
  row.Integer(static_cast<uint64_t>(results_))
      .Integer(result.key.run)
      .Text(result.key.id)
      .Integer(result.key.occurrence)
      .Text(result.failed ? "failed" : "ok");
  if (result.failed) {
    for (int i = 0; i < 8; ++i) row.Null();
    row.Text(result.error_type);
  } else {
    BindAnswer(result, row);
  }
  absl::Status status = Step(insert_result_.get());
  return status.ok() && !result.failed ? AppendScores(result) : status;
}

absl::Status ResultsDatabase::AppendScores(const QueryResult& result) {
  for (size_t i = 0; i < result.scores.size(); ++i) {
    if (IsRepeated(result.scores, i)) continue;
    Parameters(insert_score_.get())
        .Integer(static_cast<uint64_t>(results_))
        .Text(result.scores[i].first)
        .Real(result.scores[i].second);
    if (absl::Status s = Step(insert_score_.get()); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ResultsDatabase::AppendSummary(absl::string_view results_json) {
  absl::StatusOr<json> summary = ParseJson(results_json);
  if (!summary.ok()) return summary.status();
  absl::StatusOr<Statement> insert = Prepare(kInsertSummary);
  if (!insert.ok()) return insert.status();
  for (const auto& [key, value] : summary->items()) {
    if (key == "timing") continue;  // It would not be the same again.
    std::string text;
    Parameters row(insert->get());
    BindSummary(value, row.Text(key), text);
    if (absl::Status s = Step(insert->get()); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ResultsDatabase::Complete(absl::string_view results_json) {
  absl::Status status = AppendSummary(results_json);
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) return status;
  insert_result_.reset();
  insert_score_.reset();
  database_.reset();
  absl::StatusOr<std::unique_ptr<journal::File>> file =
      fs_.Open(temporary_, journal::OpenMode::kReadWrite);
  return file.ok() ? (*file)->Sync() : file.status();
}

absl::Status ResultsDatabase::Publish() {
  // What a reader of the old database left would be taken for this one's.
  for (const char* ending : {"-wal", "-shm", "-journal"}) {
    const std::string left = absl::StrCat(path_, ending);
    const absl::StatusOr<bool> exists = fs_.Exists(left);
    if (!exists.ok()) return exists.status();
    if (!*exists) continue;
    if (absl::Status s = fs_.Remove(left); !s.ok()) return s;
  }
  if (absl::Status s = fs_.Rename(temporary_, path_); !s.ok()) return s;
  exists_ = false;
  return fs_.SyncDirectory(journal::ParentDirectory(path_));
}

// ---------------------------------------------------------------------------
// SQLite

absl::StatusOr<ResultsDatabase::Statement> ResultsDatabase::Prepare(
    const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr);
  Statement result(statement);
  if (code != SQLITE_OK) return Error();
  return result;
}

absl::Status ResultsDatabase::Execute(const char* sql) {
  const int code =
      sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error();
}

absl::Status ResultsDatabase::Step(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  const absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : Error();
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

absl::Status ResultsDatabase::Error() const {
  // Null when there was no memory for it.
  const int code = database_ == nullptr
                       ? SQLITE_NOMEM
                       : sqlite3_errcode(database_.get()) & kPrimaryCode;
  const char* what = database_ == nullptr ? sqlite3_errstr(code)
                                          : sqlite3_errmsg(database_.get());
  return journal::MakeError(IsFull(database_.get(), code)
                                ? journal::ErrorKind::kNoSpace
                                : journal::ErrorKind::kIo,
                            absl::StrCat(temporary_, ": ", what));
}

}  // namespace runner
