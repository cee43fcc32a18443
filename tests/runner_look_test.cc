// Looking before leaping: --info, --validate-only and --dry-run, which change
// nothing, --interactive, which asks, and --log-file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"
#include "tests/terminal.h"
#include "tests/unfinished.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const char* const kLooks[] = {"--info", "--validate-only", "--dry-run"};

class LookTest : public UnfinishedTest {
 protected:
  // Every file below the workplace but the worker and what processes said, by
  // name, with its bytes or where it points.
  std::map<std::string, std::string> Everything() const {
    std::map<std::string, std::string> all;
    for (const auto& entry :
         fs::recursive_directory_iterator(place_.Path("."))) {
      const std::string name = entry.path().filename().string();
      if (name.rfind("process", 0) == 0 || name == "worker") continue;
      std::string& content = all[entry.path().string()];
      if (entry.is_symlink()) {
        content = fs::read_symlink(entry.path()).string();
      } else if (entry.is_regular_file()) {
        content = ReadFile(entry.path().string());
      }
    }
    return all;
  }

  // Looks; nothing is changed by it, and nothing asked.
  void Look(const std::vector<std::string>& more, int exit_code) {
    const auto before = Everything();
    EXPECT_EQ(place_.Run(more), exit_code) << place_.err() << place_.out();
    EXPECT_TRUE(Everything() == before) << "files were changed";
  }

  // What the lines of stdout say, one JSON object each.
  std::vector<nlohmann::json> JsonLines() const {
    std::vector<nlohmann::json> lines;
    for (const auto line :
         absl::StrSplit(place_.out(), '\n', absl::SkipEmpty())) {
      lines.push_back(nlohmann::json::parse(line, nullptr, false));
      EXPECT_TRUE(lines.back().is_object()) << line;
    }
    return lines;
  }

  std::string SegmentPath() const {
    const std::string journal = place_.JournalDirectory();
    return absl::StrCat(journal, "/", SegmentNames(ReadFiles(journal)).back());
  }
};

TEST_F(LookTest, BeforeTheFirstRunThereIsNothingAndNothingIsMade) {
  for (const char* look : kLooks) Look({look}, 0);
  EXPECT_FALSE(place_.Exists("journals"));
  EXPECT_FALSE(place_.Exists("results.json"));
}

TEST_F(LookTest, ADryRunSaysWhatIsLeft) {
  RunAndInterrupt();
  place_.options["workers"] = "3";
  Look({"--dry-run", "--runs", "2"}, 0);
  EXPECT_THAT(
      place_.out(),
      AllOf(HasSubstr("would go on with journals/"),
            HasSubstr("skipped        20 of 80 (25.0%)\n"),
            HasSubstr("remaining      60\n"), HasSubstr("workers        3\n"),
            HasSubstr("cost so far    unknown\n")));
  Look({"--dry-run", "--json"}, 0);
  EXPECT_TRUE(JsonLines().at(0)["cost"].is_null()) << place_.out();
}

TEST_F(LookTest, ADryRunSaysWhyARunWouldNotStart) {
  RunAndInterrupt();
  Look({"--dry-run", "--seed", "9"}, 13);
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("would not start (exit 13)"),
                                  HasSubstr("seed: 0 -> 9")));
  Look({"--dry-run", "--overwrite"}, 0);
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("moves to replaced/"),
                                  HasSubstr("remaining      40\n")));
  place_.options["scorer"] = "f1";
  Look({"--dry-run"}, 0);
  EXPECT_THAT(place_.out(), HasSubstr("to be scored   20\n"));
}

TEST_F(LookTest, InfoShowsTheJournalAndEachValueWithItsSource) {
  RunAndInterrupt();
  place_.Write("b.yaml", "timeout: 9s\n");
  place_.run_under = {"env", "BENCH_RUNNER_MAX_RETRIES=2"};
  Look({"--info", "-c", "b.yaml"}, 0);
  EXPECT_THAT(
      place_.out(),
      AllOf(HasSubstr("state          unfinished\n"),
            HasSubstr("completed      20 of 40 (50.0%)\n"),
            HasSubstr("mixed config   no\n"),
            ContainsRegex("created        20..-..-.. ..:..:..\n"),
            HasSubstr("workers                1  [command line; operation]\n"),
            HasSubstr("max-retries            2  [environment; operation]\n"),
            HasSubstr("timeout                9s  [file b.yaml; operation]\n"),
            HasSubstr("seed                   0  [default; identity]\n")));
  EXPECT_EQ(Resume({"--info"}), 0) << place_.err();
  EXPECT_THAT(place_.out(),
              HasSubstr("workers                1  [journal; operation]\n"));
}

TEST_F(LookTest, InfoHidesSecrets) {
  place_.options["base-url"] = "http://127.0.0.1:9/v1";
  place_.options["model"] = "m";
  Look({"--info", "--api-key", "sk-hush"}, 0);
  EXPECT_THAT(place_.out(),
              AllOf(HasSubstr("(set)  [command line"), Not(HasSubstr("hush"))));
  Look({"--info", "--json", "--api-key", "sk-hush"}, 0);
  EXPECT_THAT(place_.out(), Not(HasSubstr("hush")));
}

TEST_F(LookTest, InfoShowsWhatIsInferred) {
  Look({"--info"}, 0);
  EXPECT_THAT(place_.out(),
              HasSubstr("evaluator              worker  [inferred from "
                        "--worker-command; identity]\n"));
  place_.options["evaluator"] = "openai";
  place_.options["model"] = "m";
  place_.run_under = {"env", "OPENAI_BASE_URL=http://127.0.0.1:9/v1",
                      "OPENAI_API_KEY=sk-hush"};
  Look({"--info"}, 0);
  EXPECT_THAT(place_.out(),
              AllOf(HasSubstr("evaluator              openai  [command line; "),
                    HasSubstr("base-url               http://127.0.0.1:9/v1  "
                              "[environment OPENAI_BASE_URL; operation]\n"),
                    HasSubstr("api-key                (set)  [environment "
                              "OPENAI_API_KEY; operation]\n"),
                    Not(HasSubstr("hush"))));
  Look({"--info", "--json"}, 0);
  EXPECT_THAT(place_.out(),
              AllOf(HasSubstr("\"environment OPENAI_BASE_URL\""),
                    HasSubstr("\"hidden\":true"), Not(HasSubstr("hush"))));
}

// What is shown is not what is saved: that would be another benchmark.
TEST_F(LookTest, WhatIsInferredIsNotSaved) {
  RunAndInterrupt();
  Look({"--dry-run"}, 0);
  EXPECT_EQ(Resume({"--info", "--json"}), 0) << place_.err();
  EXPECT_THAT(place_.out(), HasSubstr("\"inferred from --worker-command\""));
}

TEST_F(LookTest, BesideARunningWriterTheyLookAsWell) {
  RunnerProcess runner = StartHeld();
  for (const char* look : kLooks) {
    EXPECT_EQ(place_.Run({look}), 0) << place_.err() << place_.out();
  }
  EXPECT_THAT(place_.out(), HasSubstr("a run would exit 12"));
  EXPECT_EQ(Resume({"--info"}), 0) << place_.err();
  EXPECT_THAT(place_.out(),
              HasSubstr(absl::StrCat("state          unfinished, pid ",
                                     runner.pid(), " is writing to it\n")));
  Release();
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(LookTest, ValidationReadsEveryByte) {
  RunAndInterrupt();
  Look({"--validate-only"}, 0);
  EXPECT_THAT(place_.out(), HasSubstr("nothing is wrong"));

  const std::string path = SegmentPath();
  const std::string whole = ReadFile(path);
  const FramePlace second = FramesOf(path).at(1);
  std::string damaged = whole;
  damaged[second.end - 12] ^= 1;
  WriteFile(path, damaged);
  Look({"--validate-only"}, 11);
  EXPECT_THAT(place_.out(), HasSubstr("not valid\n"));
  WriteFile(path, whole);

  place_.Write("questions.jsonl", "no JSON\n");
  Look({"--validate-only"}, 2);
  EXPECT_THAT(place_.err(), HasSubstr("questions.jsonl:1"));
}

TEST_F(LookTest, ValidationTellsATornTailAndADifference) {
  RunnerProcess runner = StartHeld();
  ASSERT_TRUE(runner.Kill9());
  Release();
  const std::string path = SegmentPath();
  const std::vector<FramePlace> frames = FramesOf(path);
  std::string torn = ReadFile(path);
  torn[frames.back().end - 1] ^= 1;
  WriteFile(path, torn);
  Look({"--validate-only"}, 10);
  EXPECT_THAT(place_.out(), HasSubstr("torn tail"));
  Look({"--validate-only", "--seed", "9"}, 13);
}

TEST_F(LookTest, EachBenchmarkOfAStudyIsLookedAt) {
  place_.options.erase("results");
  ASSERT_EQ(place_.Run({"--model", "a", "-n", "10"}), 0) << place_.err();
  Look({"--models", "a,b", "--dry-run", "--json"}, 0);
  const auto lines = JsonLines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["benchmark"], "questions/a");
  EXPECT_EQ(lines[0]["skipped"], 10);
  EXPECT_EQ(lines[1]["action"], "begin");
  EXPECT_EQ(lines[1]["remaining"], 40);
  Look({"--models", "a,b", "--info", "--json"}, 0);
  ASSERT_THAT(JsonLines(), SizeIs(2));
  EXPECT_EQ(JsonLines()[1]["options"][4]["value"], "b");
  EXPECT_EQ(JsonLines()[1]["options"][4]["source"], "command line");
  Look({"--models", "a,b", "--validate-only", "--json"}, 0);
  EXPECT_THAT(JsonLines(), SizeIs(2));
  Look({"--models", "a,b", "--info"}, 0);
  EXPECT_THAT(place_.out(), HasSubstr("The study\n"));
}

TEST_F(LookTest, OneLookAtATime) {
  Look({"--info", "--dry-run"}, 2);
  EXPECT_THAT(place_.err(), HasSubstr("exclude each other"));
}

// ---------------------------------------------------------------------------
// --interactive

class InteractiveTest : public LookTest {
 protected:
  // Runs with --interactive on a terminal on which `typed` is typed. Returns
  // all that is shown there.
  std::string Converse(const std::string& typed, int exit_code,
                       std::vector<std::string> more = {}) {
    const Terminal terminal(place_.Path("pts"));
    terminal.Type(typed);
    place_.run_under = terminal.AsStdin();
    more.push_back("--interactive");
    RunnerProcess runner = place_.Start(more, terminal.name());
    std::string seen = terminal.ReadAll();
    EXPECT_EQ(runner.WaitExit(), exit_code) << seen;
    place_.run_under.clear();
    return seen;
  }
};

TEST_F(InteractiveTest, QuitStartsNothing) {
  RunAndInterrupt();
  const std::string seen = Converse("what\nq\n", 2);
  EXPECT_THAT(seen, AllOf(HasSubstr("20 of 40"),
                          HasSubstr("[g]o on, start [n]ew, or [q]uit? "),
                          HasSubstr("Nothing was started")));
  EXPECT_THAT(place_.Calls(), SizeIs(kAnswered));
}

TEST_F(InteractiveTest, GoOnGoesOn) {
  RunAndInterrupt();
  Converse("g\n", 0);
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(InteractiveTest, NewStartsOneBesideIt) {
  RunAndInterrupt();
  Converse("n\n", 0);
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  EXPECT_THAT(place_.Calls(), SizeIs(kAnswered + kQuestions));
}

TEST_F(InteractiveTest, OverwritingIsAskedFor) {
  RunAndInterrupt();
  EXPECT_THAT(Converse("n\n", 2, {"--overwrite"}),
              AllOf(HasSubstr("moves to replaced/"),
                    HasSubstr("Go on? [y]es or [n]o: ")));
  EXPECT_FALSE(place_.Exists("journals/replaced"));
  Converse("y\n", 0, {"--overwrite"});
  EXPECT_TRUE(place_.Exists("journals/replaced"));
}

TEST_F(InteractiveTest, WithoutATerminalItIsRefusedUnlessYes) {
  Look({"--interactive"}, 2);
  EXPECT_THAT(place_.err(), HasSubstr("--yes"));
  EXPECT_EQ(place_.Run({"--interactive", "--yes"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(kQuestions));
}

TEST_F(InteractiveTest, ASignalEndsTheQuestion) {
  const Terminal terminal(place_.Path("pts"));
  place_.run_under = terminal.AsStdin();
  RunnerProcess runner = place_.Start({"--interactive"}, terminal.name());
  terminal.ReadUntil("[n]o: ");
  runner.Signal(SIGINT);
  EXPECT_EQ(runner.WaitExit(), 130);
  EXPECT_THAT(place_.Calls(), IsEmpty());
}

// ---------------------------------------------------------------------------
// --log-file

TEST_F(LookTest, TheLogFileHasAllMessagesWithFullDates) {
  place_.Write("run.log", "before\n");
  ASSERT_EQ(place_.Run({"--log-file", "run.log", "--quiet", "-n", "5"}), 0);
  ASSERT_EQ(place_.Run({"--log-file", "run.log", "-n", "10"}), 0);
  const std::string log = place_.Read("run.log");
  EXPECT_EQ(log.rfind("before\n", 0), 0u);
  EXPECT_THAT(log,
              AllOf(ContainsRegex("\n20..-..-.. ..:..:.. No checkpoint found"),
                    ContainsRegex("\n20..-..-.. ..:..:.. Skipping completed "
                                  "query: q5 "),
                    HasSubstr("Final checkpoint saved: 10 results")));
  EXPECT_THAT(place_.err(), Not(HasSubstr("Skipping")));
  EXPECT_EQ(place_.Run({"--log-file", "run.log", "--resume-from", "x"}), 2);
  EXPECT_THAT(place_.Read("run.log"), HasSubstr("No checkpoint available"));
}

TEST_F(LookTest, ALogFileThatCannotBeWrittenStopsNothing) {
  EXPECT_EQ(place_.Run({"--log-file", "/dev/full"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("/dev/full: No space left on device"));
  EXPECT_THAT(place_.Calls(), SizeIs(kQuestions));
}

}  // namespace
}  // namespace runner
