#include "runner/study/question.h"

#include <gtest/gtest.h>

namespace runner {
namespace {

// "go", "new", "quit", or "?" for what is no answer.
const char* Said(absl::string_view line, bool may_start_new) {
  Answer answer = Answer::kQuit;
  if (!ParseAnswer(line, may_start_new, &answer)) return "?";
  return answer == Answer::kGoOn       ? "go"
         : answer == Answer::kStartNew ? "new"
                                       : "quit";
}

TEST(Question, AnswersAreWordsOrTheirFirstLetter) {
  EXPECT_STREQ(Said("g", true), "go");
  EXPECT_STREQ(Said("  Go On \r", true), "go");
  EXPECT_STREQ(Said("y", true), "go");
  EXPECT_STREQ(Said("n", true), "new");
  EXPECT_STREQ(Said("New", true), "new");
  EXPECT_STREQ(Said("q", true), "quit");
  EXPECT_STREQ(Said("no", true), "quit");
}

TEST(Question, NIsNoWhereNothingNewCanBeStarted) {
  EXPECT_STREQ(Said("n", false), "quit");
  EXPECT_STREQ(Said("new", false), "?");
  EXPECT_STREQ(Said("yes", false), "go");
}

TEST(Question, AnEmptyLineIsNoAnswer) {
  EXPECT_STREQ(Said("", true), "?");
  EXPECT_STREQ(Said("what", false), "?");
}

}  // namespace
}  // namespace runner
