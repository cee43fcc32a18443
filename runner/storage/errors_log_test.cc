#include "runner/storage/errors_log.h"

#include "absl/strings/match.h"
#include "runner/storage/journal_test_fixture.h"

namespace runner {
namespace {

class ErrorsLogTest : public JournalTest {
 protected:
  static AttemptErrorRecord Error(const std::string& message) {
    AttemptErrorRecord error;
    error.key = {.run = 2, .index = 0, .id = "q\n1", .occurrence = 0};
    error.attempt = 3;
    error.type = "timeout";
    error.message = message;
    error.at = absl::FromUnixMillis(1700000000123);
    return error;
  }
};

TEST_F(ErrorsLogTest, OneLineAnError) {
  ErrorsLog log(Path("errors.log"));
  log.Add(Error("a\nb"));
  AttemptErrorRecord last = Error("c");
  last.final = true;
  last.retryable = true;
  log.Add(last);
  EXPECT_EQ(ReadFile("errors.log"),
            "2023-11-14T22:13:20.123Z q\\n1 run=2 attempt=3 timeout "
            "permanent: a\\nb\n"
            "2023-11-14T22:13:20.123Z q\\n1 run=2 attempt=3 timeout "
            "retryable final: c\n");
}

TEST_F(ErrorsLogTest, AppendsToWhatIsThere) {
  WriteFile("errors.log", "before\n");
  ErrorsLog(Path("errors.log")).Add(Error("x"));
  EXPECT_TRUE(absl::StartsWith(ReadFile("errors.log"), "before\n2023-"));
}

TEST_F(ErrorsLogTest, LongMessagesSayThatTheyAreCut) {
  ErrorsLog log(Path("errors.log"));
  log.Add(Error(std::string(kErrorsLogTextMax + 5, 'x')));
  EXPECT_TRUE(absl::EndsWith(ReadFile("errors.log"),
                             "x … (5 more bytes in the journal)\n"));
}

TEST_F(ErrorsLogTest, LostLinesAreCounted) {
  ErrorsLog log(Path("nowhere/errors.log"));
  log.Add(Error("x"));
  EXPECT_EQ(log.lines_lost(), 1u);
}

TEST_F(ErrorsLogTest, ALinkIsNotFollowed) {
  WriteFile("victim", "untouched");
  std::filesystem::create_symlink(Path("victim"), Path("errors.log"));
  ErrorsLog(Path("errors.log")).Add(Error("x"));
  EXPECT_EQ(ReadFile("victim"), "untouched");
}

}  // namespace
}  // namespace runner
