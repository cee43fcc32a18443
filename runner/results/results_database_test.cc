#include "runner/results/results_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "journal/error.h"
#include "journal/testing/fault_file_system.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ResultsDatabaseTest : public ::testing::Test {
 protected:
  ResultsDatabaseTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/databaseXXXXXX");
    directory_ = mkdtemp(name.data());
    path_ = absl::StrCat(directory_, "/results.sqlite");
  }

  static QueryResult Answer(uint32_t index) {
    QueryResult result;
    result.key = {1, index, absl::StrCat("q", index), 0};
    result.output = absl::StrCat("answer ", index);
    result.extracted = absl::StrCat(index);
    result.scores = {{"numeric", index % 2}};
    return result;
  }

  absl::Status Write(const std::vector<QueryResult>& results,
                     absl::string_view summary = "{}") {
    auto database = ResultsDatabase::Create(fs_, path_);
    absl::Status status = database.status();
    for (size_t i = 0; status.ok() && i < results.size(); ++i) {
      status = (*database)->Append(results[i]);
    }
    if (status.ok()) status = (*database)->Finish();
    if (status.ok()) status = (*database)->Complete(summary);
    return status.ok() ? (*database)->Publish() : status;
  }

  // Each row's values, with '|' between.
  std::vector<std::string> Query(const std::string& sql) const {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path_.c_str(), &database, SQLITE_OPEN_READONLY,
                              nullptr),
              SQLITE_OK);
    std::vector<std::string> rows;
    const auto take = [](void* to, int columns, char** values, char**) {
      std::vector<std::string> row;
      for (int i = 0; i < columns; ++i) {
        row.push_back(values[i] == nullptr ? "NULL" : values[i]);
      }
      static_cast<std::vector<std::string>*>(to)->push_back(
          absl::StrJoin(row, "|"));
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), take, &rows, nullptr),
              SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    return rows;
  }

  std::vector<std::string> Files() { return *fs_.List(directory_); }

  journal::FaultFileSystem fs_{journal::FileSystem::Posix()};
  std::string directory_;
  std::string path_;
};

TEST_F(ResultsDatabaseTest, WhatAReaderLeftBesideAnOlderOneIsNotTakenForIts) {
  ASSERT_EQ(Write({Answer(0)}), absl::OkStatus());
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &reader), SQLITE_OK);
  sqlite3_db_config(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_exec(reader,
               "PRAGMA journal_mode=WAL; UPDATE results SET output='other'",
               nullptr, nullptr, nullptr);
  sqlite3_close(reader);
  ASSERT_EQ(access(absl::StrCat(path_, "-wal").c_str(), F_OK), 0);
  ASSERT_EQ(Write({Answer(0)}), absl::OkStatus());
  EXPECT_THAT(Query("SELECT output FROM results"), ElementsAre("answer 0"));
}

TEST_F(ResultsDatabaseTest, HoldsWhatTheLinesHold) {
  QueryResult answer = Answer(7);
  answer.usage = {.prompt_tokens = 3,
                  .completion_tokens = 4,
                  .cached_tokens = 1,
                  .reasoning_tokens = 2,
                  .metered = true};
  answer.cost = 0.5;
  QueryResult failure = Answer(8);
  failure.failed = true;
  failure.error_type = "timeout";
  ASSERT_EQ(Write({answer, failure, Answer(2)}), absl::OkStatus());
  EXPECT_THAT(
      Query("SELECT * FROM results"),
      ElementsAre("1|1|q7|0|ok|answer 7|7|0|3|4|1|2|0.5|NULL",
                  "2|1|q8|0|failed|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|"
                  "timeout",
                  "3|1|q2|0|ok|answer 2|2|0|NULL|NULL|NULL|NULL|NULL|NULL"));
  EXPECT_THAT(Query("SELECT * FROM scores"),
              ElementsAre("1|q7|0|numeric|1.0", "1|q2|0|numeric|0.0"));
  EXPECT_THAT(Query("PRAGMA user_version"), ElementsAre("1"));
  EXPECT_THAT(Query("PRAGMA integrity_check"), ElementsAre("ok"));
}

TEST_F(ResultsDatabaseTest, TheSummaryHasNoTiming) {
  ASSERT_EQ(Write({}, R"({"n": 3, "status": "complete", "model": null,
                          "mixed_config": true, "metrics": {"b": 1, "a": 0.5},
                          "timing": {"elapsed": 7}})"),
            absl::OkStatus());
  EXPECT_THAT(Query("SELECT key, value FROM summary"),
              ElementsAre(R"(metrics|{"a":0.5,"b":1})", "mixed_config|1",
                          "model|NULL", "n|3", "status|complete"));
}

TEST_F(ResultsDatabaseTest, WhatIsNoTextOrNoNumberIsMended) {
  QueryResult answer = Answer(1);
  answer.output = "a\xff";
  answer.scores = {{"x\xff", 1},
                   {"x\xfe", 2},
                   {"nan", std::numeric_limits<double>::quiet_NaN()}};
  QueryResult null = Answer(2);
  null.output = absl::nullopt;
  null.extracted = "";
  ASSERT_EQ(Write({answer, null}), absl::OkStatus());
  EXPECT_THAT(Query("SELECT output, extracted FROM results"),
              ElementsAre("a\xEF\xBF\xBD|1", "NULL|"));
  EXPECT_THAT(Query("SELECT scorer, value FROM result_scores WHERE "
                    "result_id = 1"),
              ElementsAre("nan|NULL", "x\xEF\xBF\xBD|1.0"));
}

TEST_F(ResultsDatabaseTest, MoreThanTheCacheHoldsIsWhole) {
  std::vector<QueryResult> results;
  constexpr uint32_t kCount = 3 * kDatabaseCacheKib;
  for (uint32_t i = 0; i < kCount; ++i) {
    results.push_back(Answer(i));
    results.back().output = std::string(1024, 'x');
  }
  ASSERT_EQ(Write(results), absl::OkStatus());
  EXPECT_THAT(Query("PRAGMA integrity_check"), ElementsAre("ok"));
  EXPECT_THAT(Query("SELECT count(*), sum(id = substr(query_id, 2) + 1), "
                    "sum(length(output)) FROM results"),
              ElementsAre(absl::StrCat(kCount, "|", kCount, "|",
                                       uint64_t{kCount} * 1024)));
}

TEST_F(ResultsDatabaseTest, OneThatFailsLeavesTheOneBefore) {
  ASSERT_EQ(Write({Answer(1)}), absl::OkStatus());
  for (const journal::FileOp op :
       {journal::FileOp::kCreate, journal::FileOp::kSync,
        journal::FileOp::kRename}) {
    fs_.Inject({.op = op, .error_number = ENOSPC});
    const absl::Status status = Write({Answer(1), Answer(2)});
    EXPECT_EQ(journal::KindOf(status), journal::ErrorKind::kNoSpace);
    EXPECT_THAT(status.message(), HasSubstr("results.sqlite"));
  }
  EXPECT_THAT(Query("SELECT count(*) FROM results"), ElementsAre("1"));
  EXPECT_THAT(Files(), ElementsAre("results.sqlite"));
}

// As a full disk is met by SQLite itself.
TEST_F(ResultsDatabaseTest, AFileThatMayNotGrowIsAnErrorThatNamesIt) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 64 << 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status =
      Write(std::vector<QueryResult>(10 * kDatabaseCacheKib, Answer(1)));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(path_));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(ResultsDatabaseTest, ADirectoryThatCannotBeWrittenIsAnError) {
  path_ = "/proc/nowhere/results.sqlite";
  EXPECT_THAT(Write({}).message(), HasSubstr(path_));
}

}  // namespace
}  // namespace runner
