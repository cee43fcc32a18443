#include "runner/study/failure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kLog[] = "journals/R/errors.log";

TEST(FailureTextTest, SaysHowManyOfWhatTypeAndWhereTheyAre) {
  Results results;
  results.failed = 1500;
  results.failed_by_type = {{"http-401", 1400}, {"a-timeout", 100}};
  results.errors = {{1, "q1", "a-timeout", "60 s"},
                    {1, "q2", "http-401", "wrong key given"}};
  EXPECT_EQ(FailureText(results, kLog, /*can_be_retried=*/true),
            "1,500 failed: http-401 (1,400), a-timeout (100), \"wrong key "
            "given\"; all of them are in journals/R/errors.log; "
            "--retry-failed asks them again");
  EXPECT_EQ(FailureText(Results(), kLog, true), "");
}

TEST(FailureTextTest, OneWithoutAMessageAndWithoutAJournal) {
  Results results;
  results.failed = 1;
  results.failed_by_type = {{"died", 1}};
  results.errors = {{1, "q1", "died", ""}};
  EXPECT_EQ(FailureText(results, "r.jsonl", /*can_be_retried=*/false),
            "1 failed: died (1); it is in r.jsonl");
}

TEST(FailureTextTest, ManyTypesAndHostileOnesStayShort) {
  Results results;
  results.failed = 1000;
  for (int i = 0; i < 50; ++i) {
    results.failed_by_type[absl::StrCat("\x1b[2J", i, std::string(999, 'x'))] =
        10;
  }
  results.errors = {
      {1, "q", results.failed_by_type.begin()->first, std::string(9999, '\n')}};
  const std::string text = FailureText(results, kLog, true);
  EXPECT_THAT(text, HasSubstr(", others (960), "));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_LT(text.size(), 600u);
}

}  // namespace
}  // namespace runner
