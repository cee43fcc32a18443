// journalctl-bench watch beside a run, as somebody in another terminal sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/terminal.h"
#include "tests/unfinished.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchTest : public UnfinishedTest {
 protected:
  static std::string Inspector() {
    return std::filesystem::absolute("tools/journalctl-bench");
  }

  RunnerProcess Watch(const std::vector<std::string>& more) {
    std::vector<std::string> words = {Inspector(), "watch",
                                      place_.JournalDirectory()};
    words.insert(words.end(), more.begin(), more.end());
    return RunnerProcess(words, place_.Path(""));
  }
  // Waits until it has written `text`.
  bool Says(RunnerProcess& watch, const std::string& text) {
    return place_.WaitForFiles(place_.Path(""), watch, [&] {
      return watch.out().find(text) != std::string::npos;
    });
  }

  static nlohmann::json LastOf(const RunnerProcess& watch) {
    const std::vector<std::string> lines =
        absl::StrSplit(watch.out(), '\n', absl::SkipEmpty());
    return nlohmann::json::parse(lines.back());
  }
};

TEST_F(WatchTest, FollowsARunToItsEnd) {
  RunnerProcess runner = StartHeld();
  RunnerProcess watch = Watch({"--json", "--interval", "100ms"});
  ASSERT_TRUE(Says(watch, absl::StrCat("\"done\":", kAnswered - 1)))
      << watch.out();
  EXPECT_EQ(LastOf(watch)["pid"], runner.pid());
  EXPECT_EQ(LastOf(watch)["status"], "running");
  EXPECT_EQ(LastOf(watch)["workers"], 1);
  Release();
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
  EXPECT_EQ(watch.WaitExit(), 0) << watch.err();
  EXPECT_EQ(LastOf(watch)["done"], kQuestions);
  EXPECT_EQ(LastOf(watch)["status"], "complete");
  EXPECT_THAT(watch.err(), IsEmpty());
}

// What an earlier session failed is known, though its records lie far behind.
TEST_F(WatchTest, StandingErrorsOfAnEarlierSessionAreNamed) {
  place_.worker_flags.push_back("--fault=permanent:q3");
  RunAndInterrupt();
  place_.worker_flags.pop_back();
  RunnerProcess runner = StartHeld();
  ASSERT_TRUE(place_.WaitForCalls(kAnswered + 1, runner)) << runner.err();
  RunnerProcess watch = Watch({"--json"});
  ASSERT_TRUE(Says(watch, "\"query\":\"q3\"")) << watch.out();
  EXPECT_EQ(LastOf(watch)["failed"], 1);
  EXPECT_EQ(LastOf(watch)["session"], 2);
  Release();
  EXPECT_EQ(watch.WaitExit(), 0) << watch.err();
}

TEST_F(WatchTest, OnATerminalItIsAScreenWithTheBarOfTheRun) {
  const Terminal terminal(place_.Path("terminals"));
  RunnerProcess runner = StartHeld();
  RunnerProcess watch({"sh", "-c", "exec \"$@\" >\"$0\"", terminal.name(),
                       Inspector(), "watch", place_.JournalDirectory()},
                      place_.Path(""));
  EXPECT_THAT(terminal.ReadUntil("19/40 ["), HasSubstr("questions: "));
  EXPECT_THAT(terminal.ReadUntil("no snapshot yet"),
              HasSubstr(absl::StrCat("running, pid ", runner.pid())));
  Release();
  EXPECT_THAT(
      terminal.ReadAll(),
      AllOf(HasSubstr("\x1b[3F"), HasSubstr("40/40"), HasSubstr("complete")));
  EXPECT_EQ(watch.WaitExit(), 0) << watch.err();
}

TEST_F(WatchTest, CtrlCEndsItAndNotTheRun) {
  RunnerProcess runner = StartHeld();
  RunnerProcess watch = Watch({"--interval", "1h"});
  ASSERT_TRUE(Says(watch, "Processed ")) << watch.out();
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.WaitExit(), -SIGINT);
  Release();
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
}

}  // namespace
}  // namespace runner
