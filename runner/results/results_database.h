// results.sqlite: the results as a database, to ask in SQL.
#ifndef RUNNER_RESULTS_RESULTS_DATABASE_H_
#define RUNNER_RESULTS_RESULTS_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "runner/results/result_sink.h"

namespace runner {

// PRAGMA user_version. Raised when a table or a column changes its meaning, not
// when one is added.
inline constexpr int kDatabaseFormat = 1;

// How much of it SQLite keeps in memory.
inline constexpr int kDatabaseCacheKib = 2048;

// Written as `<path>.tmp` in one transaction and, like its siblings, published
// all or nothing: fsync, rename, directory fsync. Destroyed unpublished it
// removes that file. runner/README.md has the tables. Text that is not UTF-8
// has U+FFFD in its place; a score that is no number is null. Used from one
// thread at a time.
//
// Errors name the file: kNoSpace for a full disk, else kIo.
class ResultsDatabase final : public ResultSink {
 public:
  // Borrows `fs`, which must outlive it. SQLite itself writes to the machine's
  // file system, whatever `fs` is.
  static absl::StatusOr<std::unique_ptr<ResultsDatabase>> Create(
      journal::FileSystem& fs, absl::string_view path);
  ~ResultsDatabase() override;

  absl::Status Append(const QueryResult& result) override;
  // Nothing yet: the summary is still to come.
  absl::Status Finish() override { return absl::OkStatus(); }

  // After the last result: `results_json` is the text of results.json. Then it
  // is durable.
  absl::Status Complete(absl::string_view results_json);
  absl::Status Publish();

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  ResultsDatabase(journal::FileSystem& fs, absl::string_view path);

  absl::Status Open();
  absl::StatusOr<Statement> Prepare(const char* sql);
  absl::Status Execute(const char* sql);
  // Runs it with what is bound, and makes it ready for the next.
  absl::Status Step(sqlite3_stmt* statement);
  absl::Status AppendScores(const QueryResult& result);
  absl::Status AppendSummary(absl::string_view results_json);
  absl::Status Error() const;

  journal::FileSystem& fs_;
  const std::string path_;
  const std::string temporary_;
  bool exists_ = false;  // The temporary file.
  std::unique_ptr<sqlite3, Close> database_;
  Statement insert_result_;
  Statement insert_score_;
  int64_t results_ = 0;
};

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULTS_DATABASE_H_
