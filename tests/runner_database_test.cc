// --sqlite: the database is read back with SQLite, however it came about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

constexpr int kQuestions = 60;

// Its rows in the order in which they lie, a line each.
std::string Query(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(
      sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr),
      SQLITE_OK);
  std::string text;
  const auto take = [](void* to, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i) {
      absl::StrAppend(static_cast<std::string*>(to), i == 0 ? "" : "|",
                      values[i] == nullptr ? "NULL" : values[i]);
    }
    absl::StrAppend(static_cast<std::string*>(to), "\n");
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), take, &text, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
  return text;
}

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    place_.WriteDataset(kQuestions);
    place_.options["runs"] = "2";
    place_.options["workers"] = "4";
  }

  std::string Database(const std::string& sql) const {
    return Query(place_.Path("results.sqlite"), sql);
  }
  std::string All() const {
    return absl::StrCat(Database("SELECT * FROM results"),
                        Database("SELECT * FROM scores"),
                        Database("SELECT * FROM summary"),
                        Database("SELECT * FROM sqlite_schema"));
  }

  Workplace place_;
};

TEST_F(DatabaseTest, SaysWhatTheSummarySays) {
  ASSERT_EQ(place_.Run({"--sqlite"}), 0) << place_.err();
  EXPECT_EQ(Database("SELECT count(*), min(id), max(id) FROM results"),
            "120|1|120\n");
  EXPECT_EQ(Database("SELECT run, query_id FROM results WHERE id IN (2, 61)"),
            "1|q2\n2|q1\n");
  const std::string mean =
      Database("SELECT avg(value) FROM scores WHERE scorer = 'exact_match'");
  EXPECT_NEAR(std::stod(mean), place_.ResultNumber("/metrics/exact_match/mean"),
              1e-9);
  EXPECT_EQ(Database("SELECT value FROM summary WHERE key = 'status'"),
            "complete\n");
}

TEST_F(DatabaseTest, KilledAndGoneOnWithItHoldsTheSame) {
  ASSERT_EQ(place_.Run({"--sqlite"}), 0) << place_.err();
  const std::string undisturbed = All();
  std::filesystem::remove(place_.Path("results.sqlite"));
  std::filesystem::remove(place_.Path("calls.log"));
  place_.worker_flags.push_back("--hold=20:go");
  RunnerProcess runner = place_.Start({"--sqlite", "--no-resume"});
  ASSERT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
  ASSERT_TRUE(runner.Kill9());
  place_.worker_flags.pop_back();
  place_.options["workers"] = "1";
  ASSERT_EQ(place_.Run({"--sqlite"}), 0) << place_.err();
  EXPECT_EQ(All(), undisturbed);
}

TEST_F(DatabaseTest, AResumeWritesItAgainWithoutBeingTold) {
  ASSERT_EQ(place_.Run({"--sqlite"}), 0) << place_.err();
  std::filesystem::remove(place_.Path("results.sqlite"));
  ASSERT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_EQ(Database("SELECT count(*) FROM results"), "120\n");
}

TEST_F(DatabaseTest, OneThatCannotBeWrittenIsNamed) {
  std::filesystem::create_directory(place_.Path("results.sqlite.tmp"));
  EXPECT_EQ(place_.Run({"--sqlite"}), 1);
  EXPECT_THAT(place_.err(), HasSubstr("results.sqlite.tmp"));
  EXPECT_FALSE(place_.Exists("results.json"));
}

}  // namespace
}  // namespace runner
