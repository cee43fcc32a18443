// Interruptions, the choice of a journal, and what may change between two runs.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"
#include "tests/terminal.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int kQuestions = 60;

// How Workplace::Records shows a record of type Score, behind its LSN.
const std::string kScoreMark = ":7:";

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    place_.options["workers"] = "4";
    place_.WriteDataset(kQuestions);
  }

  void Behave(std::vector<std::string> flags) {
    place_.worker_flags = {"--arithmetic", "--log=calls.log"};
    for (std::string& flag : flags) {
      place_.worker_flags.push_back(std::move(flag));
    }
  }

  // Starts a run that cannot end by itself: some queries have been answered,
  // the others wait in their workers for LetGo().
  RunnerProcess StartHeld() {
    std::filesystem::remove(place_.Path("go"));
    Behave({"--hold=20:go"});
    RunnerProcess runner = place_.Start();
    EXPECT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
    return runner;
  }
  void LetGo() { place_.Write("go", ""); }

  // The run knows of the signal, or has ended by it, before what is under way
  // can end.
  void Interrupt(RunnerProcess& runner, int signal) {
    runner.Signal(signal);
    place_.WaitForMessage("Interrupt signal received", runner);
    LetGo();
  }

  // Leaves an unfinished journal, without anything in doubt.
  void RunAndInterrupt() {
    RunnerProcess runner = StartHeld();
    Interrupt(runner, SIGINT);
    ASSERT_EQ(runner.WaitExit(), 130) << runner.err();
    Behave({});
  }

  // A run that is refused: asks nothing and leaves the records as they are.
  void ExpectRefused(const std::vector<std::string>& more, int exit_code) {
    const size_t calls = place_.Calls().size();
    const std::vector<std::string> before = JournalRecords();
    EXPECT_EQ(place_.Run(more), exit_code) << place_.err();
    EXPECT_EQ(place_.Calls().size(), calls);
    EXPECT_TRUE(JournalRecords() == before) << "records were added";
  }

  std::vector<std::string> JournalRecords() const {
    return place_.Records(place_.Journals().front());
  }

  // Until the journal of a living run has so many scores.
  void AwaitScores(size_t n) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    for (size_t found = 0; found < n;) {
      ASSERT_LT(absl::Now(), deadline);
      found = 0;
      for (const std::string& record : JournalRecords()) {
        const std::string after_lsn = record.substr(record.find(':'));
        found += after_lsn.compare(0, kScoreMark.size(), kScoreMark) == 0;
      }
    }
  }

  std::vector<QueryName> CallsOf(const std::vector<std::string>& more,
                                 int exit_code) {
    place_.Write("calls.log", "");
    EXPECT_EQ(place_.Run(more), exit_code) << place_.err();
    return place_.Calls();
  }

  void ExpectEachAskedOnce(size_t queries) {
    const auto calls = place_.CallCounts();
    EXPECT_THAT(calls, SizeIs(queries));
    EXPECT_THAT(calls, Each(Pair(testing::_, 1)));
  }

  std::string UninterruptedResults() {
    Workplace other;
    other.options = place_.options;
    other.Write("questions.jsonl", place_.Read("questions.jsonl"));
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  Workplace place_;
};

// ---------------------------------------------------------------------------
// Signals

// Whether it has a handler for `signal` by now.
bool Catches(const RunnerProcess& runner, int signal) {
  std::ifstream status(absl::StrCat("/proc/", runner.pid(), "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("SigCgt:", 0) != 0) continue;
    return (strtoull(line.c_str() + 7, nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

class SignalTest : public ResumeTest,
                   public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(SignalTest, DrainsSavesAndGoesOn) {
  const auto [signal, exit_code] = GetParam();
  RunnerProcess runner = StartHeld();
  Interrupt(runner, signal);
  EXPECT_EQ(runner.WaitExit(), exit_code);
  EXPECT_THAT(runner.err(), AllOf(HasSubstr("Interrupt signal received"),
                                  HasSubstr("Checkpoint saved: "),
                                  HasSubstr("Resume: bench-runner resume "
                                            "journals/")));
  EXPECT_EQ(place_.ResultText("/status"), "incomplete");
  const size_t calls = place_.Calls().size();
  EXPECT_LT(calls, static_cast<size_t>(kQuestions));
  EXPECT_EQ(place_.ResultNumber("/completed"), calls);

  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.err(),
              HasSubstr(absl::StrCat("Loaded checkpoint: ", calls, "/60")));
  EXPECT_THAT(place_.InDoubtCounts(), IsEmpty());
  ExpectEachAskedOnce(kQuestions);
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

INSTANTIATE_TEST_SUITE_P(
    Signals, SignalTest,
    testing::Values(std::make_pair(SIGINT, 130), std::make_pair(SIGTERM, 143),
                    std::make_pair(SIGHUP, 129)),
    [](const testing::TestParamInfo<std::pair<int, int>>& info) {
      return absl::StrCat("Exit", info.param.second);
    });

TEST_F(ResumeTest, TheSecondSignalEndsAtOnce) {
  Behave({"--fault=hang:q5"});
  RunnerProcess runner = place_.Start({"--drain-timeout", "1h"});
  ASSERT_TRUE(place_.WaitForCalls(kQuestions, runner)) << runner.err();
  AwaitScores(kQuestions - 1);
  runner.Signal(SIGINT);
  ASSERT_TRUE(place_.WaitForMessage("Interrupt signal received", runner))
      << runner.err();
  EXPECT_FALSE(runner.EndsWithin(absl::Milliseconds(50)));
  runner.Signal(SIGINT);
  EXPECT_EQ(runner.WaitExit(), 130);
  EXPECT_TRUE(place_.EverybodyIsGone());
  Behave({});
  EXPECT_THAT(CallsOf({}, 0), ElementsAre("1/q5/0"));
  EXPECT_THAT(place_.InDoubtCounts(), ElementsAre(Pair("1/q5/0", 1)));
  EXPECT_THAT(place_.err(), HasSubstr("In doubt: 1 (q5)"));
}

TEST_F(ResumeTest, WhatDoesNotEndInTimeIsAskedAgain) {
  Behave({"--fault=hang:q5"});
  RunnerProcess runner = place_.Start({"--drain-timeout", "100ms"});
  ASSERT_TRUE(place_.WaitForCalls(kQuestions, runner)) << runner.err();
  AwaitScores(kQuestions - 1);
  runner.Signal(SIGTERM);
  EXPECT_EQ(runner.WaitExit(), 143);
  EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions - 1);
  Behave({});
  EXPECT_THAT(CallsOf({}, 0), ElementsAre("1/q5/0"));
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

TEST_F(ResumeTest, OneSignalEndsAWholeStudy) {
  place_.options["models"] = "a,b";
  place_.options["results"] = "{model}.json";
  RunnerProcess runner = StartHeld();
  Interrupt(runner, SIGINT);
  EXPECT_EQ(runner.WaitExit(), 130);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  Behave({});
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.Calls().size(), 2u * kQuestions);
  EXPECT_TRUE(place_.Exists("a.json") && place_.Exists("b.jsonl"));
}

// A signal before anything was asked must not pass for a finished run.
TEST_F(ResumeTest, AnEarlySignalIsAnInterruption) {
  Behave({"--hold=20:go"});
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForMessage("starting", runner));
  Interrupt(runner, SIGTERM);
  EXPECT_EQ(runner.WaitExit(), 143) << runner.err();
  EXPECT_LT(place_.Calls().size(), static_cast<size_t>(kQuestions));
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachAskedOnce(kQuestions);
}

// While the dataset is checked, say: long enough to be met with 20,000 rows.
TEST_F(ResumeTest, ASignalBeforeAnythingBeganIsAnInterruption) {
  place_.WriteDataset(20000);
  RunnerProcess runner = place_.Start();
  while (!Catches(runner, SIGTERM) &&
         !runner.EndsWithin(absl::Milliseconds(1))) {
  }
  runner.Signal(SIGTERM);
  EXPECT_EQ(runner.WaitExit(), 143) << runner.err();
  EXPECT_LT(place_.Calls().size(), 20000u);
}

// ---------------------------------------------------------------------------
// The lock

// Each would find no journal, and all would pay.
TEST_F(ResumeTest, OfSeveralThatStartAtOnceOneBegins) {
  std::vector<RunnerProcess> runners;
  for (int i = 0; i < 6; ++i) runners.push_back(place_.Start());
  int done = 0;
  for (RunnerProcess& runner : runners) {
    const int exit_code = runner.WaitExit();
    EXPECT_TRUE(exit_code == 0 || exit_code == 12) << runner.err();
    done += exit_code == 0 ? 1 : 0;
  }
  EXPECT_GE(done, 1);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  ExpectEachAskedOnce(kQuestions);
}

TEST_F(ResumeTest, AJournalInUseIsRefusedAtOnceWithItsHoldersPid) {
  Behave({"--fault=hang:q5"});
  RunnerProcess holder = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(kQuestions, holder)) << holder.err();
  AwaitScores(kQuestions - 1);
  ExpectRefused({}, 12);
  EXPECT_THAT(place_.err(), HasSubstr(absl::StrCat(holder.pid())));
  // The path of the lock names the journal: that is enough.
  const std::string run_id = place_.Journals().front();
  EXPECT_THAT(place_.err(), HasSubstr(absl::StrCat(run_id, "/LOCK: ")));
  EXPECT_THAT(place_.err(), Not(HasSubstr(absl::StrCat(run_id, ": "))));
  ExpectRefused({"--overwrite"}, 12);
  EXPECT_THAT(place_.err(), HasSubstr(absl::StrCat(run_id, "/LOCK: ")));
  EXPECT_THAT(place_.err(), Not(HasSubstr(absl::StrCat(run_id, ": "))));
  EXPECT_FALSE(holder.EndsWithin(absl::ZeroDuration())) << holder.err();

  EXPECT_TRUE(holder.Kill9());
  Behave({});
  EXPECT_THAT(CallsOf({}, 0), ElementsAre("1/q5/0"));
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

// ---------------------------------------------------------------------------
// The choice of a journal

TEST_F(ResumeTest, AFinishedOneIsNotRunAgain) {
  EXPECT_EQ(place_.Run(), 0);
  const std::string results = place_.ResultsWithoutTiming();
  EXPECT_THAT(CallsOf({}, 0), IsEmpty());
  EXPECT_THAT(place_.err(), HasSubstr("complete since "));
  EXPECT_EQ(place_.ResultsWithoutTiming(), results);
}

TEST_F(ResumeTest, OverwriteMovesTheOldJournalAsideAndStartsOver) {
  RunAndInterrupt();
  const std::string name = place_.Journals().front();
  const std::vector<std::string> old = JournalRecords();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(CallsOf({"--overwrite"}, 0), SizeIs(kQuestions));
    EXPECT_THAT(place_.Journals(), ElementsAre(name));
    EXPECT_TRUE(place_.Records("replaced/" + name) == old);
  }
}

TEST_F(ResumeTest, NoResumeStartsOneBeside) {
  RunAndInterrupt();
  const std::vector<std::string> old = JournalRecords();
  EXPECT_THAT(CallsOf({"--no-resume"}, 0), SizeIs(kQuestions));
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  EXPECT_TRUE(JournalRecords() == old);
  EXPECT_EQ(
      std::filesystem::read_symlink(place_.Path("journals/latest")).string(),
      place_.Journals().back());
}

TEST_F(ResumeTest, NewJournalGoesOnWhereNothingDiffers) {
  EXPECT_THAT(CallsOf({"--new-journal"}, 0), SizeIs(kQuestions));
  EXPECT_THAT(CallsOf({"--new-journal"}, 0), SizeIs(0));
  EXPECT_THAT(place_.Journals(), SizeIs(1));
}

TEST_F(ResumeTest, RetryFailedNeedsAJournal) {
  EXPECT_THAT(CallsOf({"--retry-failed"}, 2), SizeIs(0));
  EXPECT_THAT(place_.Journals(), SizeIs(0));
}

TEST_F(ResumeTest, ResultsNeverReplaceTheDataset) {
  place_.options["results"] = "questions.json";
  EXPECT_THAT(CallsOf({}, 2), SizeIs(0));
}

TEST_F(ResumeTest, ResultsLieInTheOutputDirectoryByRunId) {
  place_.options.erase("results");
  EXPECT_EQ(place_.Run({"--output-dir", "out"}), 0);
  const std::string path = "out/" + place_.Journals().front() + "/results.json";
  EXPECT_TRUE(place_.Exists(path));
  EXPECT_THAT(place_.err(), HasSubstr(path));
}

TEST_F(ResumeTest, WithoutCheckpointsThereIsNoJournal) {
  EXPECT_EQ(place_.Run({"--checkpoint-interval", "0"}), 0) << place_.err();
  EXPECT_FALSE(place_.Exists("journals"));
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
  std::vector<std::string> left;
  for (const auto& entry :
       std::filesystem::directory_iterator(place_.Path("."))) {
    if (entry.is_directory()) left.push_back(entry.path().string());
  }
  EXPECT_THAT(left, IsEmpty());
  EXPECT_THAT(CallsOf({"--disable-checkpointing"}, 0), SizeIs(kQuestions));
}

TEST_F(ResumeTest, ClearOnSuccessRemovesTheJournalOfASuccessOnly) {
  Behave({"--fault=permanent:q5"});
  EXPECT_EQ(place_.Run({"--clear-on-success"}), 3);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  Behave({});
  EXPECT_EQ(place_.Run({"--clear-on-success", "--retry-failed"}), 0);
  EXPECT_THAT(place_.Journals(), IsEmpty());
  EXPECT_FALSE(std::filesystem::is_symlink(place_.Path("journals/latest")));
}

// ---------------------------------------------------------------------------
// Another configuration

struct Change {
  std::string option;
  std::string value;
  std::string said;
};

class ChangeTest : public ResumeTest,
                   public testing::WithParamInterface<Change> {};

TEST_P(ChangeTest, IsRefusedKeyByKeyBesideAnUnfinishedJournal) {
  place_.options["benchmark-id"] = "b";
  place_.options["model"] = "old";
  RunAndInterrupt();
  place_.options[GetParam().option] = GetParam().value;
  ExpectRefused({}, 13);
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr(GetParam().said), HasSubstr("--new-journal")));
  EXPECT_THAT(CallsOf({"--new-journal"}, 0), SizeIs(kQuestions));
  EXPECT_THAT(place_.Journals(), SizeIs(2));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ChangeTest,
    testing::Values(Change{"model", "new", "model: \"old\" -> \"new\""},
                    Change{"seed", "7", "seed: 0 -> 7"},
                    Change{"worker-command", "./worker --scores",
                           "worker_command: \"./worker\" -> "
                           "\"./worker --scores\""}),
    [](const testing::TestParamInfo<Change>& info) {
      std::string name = info.param.option;
      name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
      return name;
    });

TEST_F(ResumeTest, AnotherConfigurationBesideAFinishedJournalStartsANewOne) {
  place_.options["benchmark-id"] = "b";
  EXPECT_EQ(place_.Run(), 0);
  place_.options["seed"] = "7";
  EXPECT_THAT(CallsOf({}, 0), SizeIs(kQuestions));
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  place_.options["seed"] = "0";
  EXPECT_THAT(CallsOf({}, 0), IsEmpty());
}

TEST_F(ResumeTest, OtherWaysToOperateAreNoDifference) {
  RunAndInterrupt();
  place_.options["workers"] = "2";
  EXPECT_EQ(place_.Run({"--sync", "each", "--timeout", "1m", "--max-retries",
                        "1", "--quiet"}),
            0)
      << place_.err();
  ExpectEachAskedOnce(kQuestions);
}

// ---------------------------------------------------------------------------
// Another dataset

TEST_F(ResumeTest, AChangedRowIsNamed) {
  RunAndInterrupt();
  const std::string before = place_.Read("questions.jsonl");
  std::string text = before;
  text.replace(text.find("\"id\":\"q5\",\"input\":\""), 20,
               "\"id\":\"q5\",\"input\":\"1");
  place_.Write("questions.jsonl", text);
  ExpectRefused({}, 13);
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("row q5: changed"), Not(HasSubstr("q6"))));
  place_.Write("questions.jsonl", before);
  EXPECT_EQ(place_.Run(), 0);
  ExpectEachAskedOnce(kQuestions);
}

TEST_F(ResumeTest, ARemovedRowIsNamed) {
  RunAndInterrupt();
  place_.WriteDataset(kQuestions - 1);
  ExpectRefused({}, 13);
  EXPECT_THAT(place_.err(), HasSubstr("row q60: removed"));
}

TEST_F(ResumeTest, MoreRowsExtendAnUnfinishedAndAFinishedBenchmark) {
  RunAndInterrupt();
  place_.WriteDataset(kQuestions + 5);
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  place_.WriteDataset(kQuestions + 9);
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachAskedOnce(kQuestions + 9);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

TEST_F(ResumeTest, MoreRunsAndSamplesExtend) {
  place_.options["num-samples"] = "20";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachAskedOnce(20);
  place_.options["num-samples"] = "30";
  place_.options["runs"] = "2";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachAskedOnce(2 * 30);
  EXPECT_EQ(place_.ResultNumber("/n"), 60);
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

TEST_F(ResumeTest, FewerRunsAndSamplesAskNothing) {
  place_.options["runs"] = "2";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  place_.options["runs"] = "1";
  place_.options["num-samples"] = "20";
  EXPECT_THAT(CallsOf({}, 0), IsEmpty());
  EXPECT_EQ(place_.ResultNumber("/n"), 20);
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

TEST_F(ResumeTest, OrderDoesNotMatterAndEqualIdsAreAskedOnceEach) {
  const std::string rows[] = {
      "{\"id\":\"d\",\"input\":\"1 + 1\",\"target\":\"2\"}\n",
      "{\"id\":\"d\",\"input\":\"2 + 2\",\"target\":\"4\"}\n",
      "{\"id\":\"d\",\"input\":\"1 + 1\",\"target\":\"2\"}\n",
      "{\"id\":\"e\",\"input\":\"3 + 3\",\"target\":\"6\"}\n"};
  place_.Write("questions.jsonl", rows[0] + rows[1] + rows[2] + rows[3]);
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(4));
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 1);
  for (const char* occurrence : {"0", "1", "2"}) {
    EXPECT_THAT(place_.Read("results.jsonl"),
                HasSubstr(absl::StrCat("\"d\",\"occurrence\":", occurrence)));
  }
  place_.Write("questions.jsonl", rows[3] + rows[1] + rows[2] + rows[0]);
  EXPECT_THAT(CallsOf({}, 0), IsEmpty());
  EXPECT_EQ(place_.ResultsWithoutTiming(), UninterruptedResults());
}

// ---------------------------------------------------------------------------
// Runs and seeds

// A worker that answers with the seed that it was given.
constexpr char kSeedWorker[] =
    "#!/bin/sh\n"
    "exec sed -u -E "
    "'s/^\\{\"id\":(\"[^\"]*\").*\"seed\":([0-9]+).*/"
    "{\"id\":\\1,\"output\":\"\\2\"}/'\n";

TEST_F(ResumeTest, RunsHaveSeedsThatDependOnNothingElse) {
  place_.Write("seeds", kSeedWorker);
  std::filesystem::permissions(place_.Path("seeds"),
                               std::filesystem::perms::owner_all);
  place_.options["worker-command"] = "./seeds";
  place_.options["runs"] = "3";
  std::vector<std::string> results;
  for (const char* workers : {"1", "8", "32"}) {
    place_.options["workers"] = workers;
    EXPECT_EQ(place_.Run({"--no-resume"}), 0) << place_.err();
    results.push_back(place_.ResultsWithoutTiming());
  }
  EXPECT_THAT(results, Each(results.front()));
  std::set<std::string> answers;
  for (const absl::string_view line :
       absl::StrSplit(place_.Read("results.jsonl"), '\n', absl::SkipEmpty())) {
    const std::vector<std::string> halves = absl::StrSplit(line, "\"output\":");
    ASSERT_EQ(halves.size(), 2u) << line;
    answers.insert(halves[1].substr(0, halves[1].find(',')));
  }
  EXPECT_THAT(answers, SizeIs(3 * kQuestions)) << "a seed was given twice";
}

// ---------------------------------------------------------------------------
// The command line

TEST_F(ResumeTest, AnUnknownOptionSuggestsTheNearest) {
  EXPECT_EQ(place_.Run({"--overwirte"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--overwrite"));
  EXPECT_FALSE(place_.Exists("calls.log"));
  EXPECT_EQ(place_.RunProgram({"rnu"}), 2);
  EXPECT_EQ(place_.RunProgram({"--version"}), 0);
  EXPECT_EQ(place_.RunProgram({"run", "--help"}), 0);
  EXPECT_THAT(place_.out(), HasSubstr("--worker-command"));
}

TEST_F(ResumeTest, BelowTheMinimumScore) {
  EXPECT_EQ(place_.Run({"--min-score", "0.9"}), 0);
  EXPECT_EQ(place_.Run({"--min-score", "0.91"}), 100);
  EXPECT_EQ(place_.Run({"--min-score", "exact_match=0.91"}), 100);
  EXPECT_THAT(place_.Calls(), SizeIs(kQuestions));
}

TEST_F(ResumeTest, WithoutATerminalThereAreWholeLinesOnly) {
  EXPECT_EQ(place_.Run(), 0);
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("Processed 60/60 queries"),
                    Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
  EXPECT_EQ(place_.err().back(), '\n');
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("0.9000"), Not(HasSubstr("\r"))));
}

TEST_F(ResumeTest, ATerminalShowsABar) {
  const Terminal terminal(place_.Path("pts"));
  RunnerProcess runner = place_.Start({}, terminal.name());
  const std::string seen = terminal.ReadAll();
  EXPECT_EQ(runner.WaitExit(), 0);
  EXPECT_THAT(seen, AllOf(HasSubstr("\r"), HasSubstr("60/60 ["),
                          HasSubstr("queries/s")));
}

// A pipe for stderr of which only the reading end is open yet.
int OpenPipe(const std::string& path) {
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

TEST_F(ResumeTest, AReaderThatLeavesEndsNothing) {
  Behave({"--slow=5"});
  const int reader = OpenPipe(place_.Path("pipe"));
  RunnerProcess runner = place_.Start({"--verbose"}, place_.Path("pipe"));
  ASSERT_TRUE(place_.WaitForCalls(1, runner));
  close(reader);
  EXPECT_EQ(runner.WaitExit(), 0);
  ExpectEachAskedOnce(kQuestions);
}

TEST_F(ResumeTest, AReaderThatDoesNotReadHoldsNothingUp) {
  Behave({"--stderr=8192"});
  const int reader = OpenPipe(place_.Path("pipe"));
  ASSERT_GE(fcntl(reader, F_SETPIPE_SZ, 4096), 0);
  RunnerProcess runner = place_.Start({"--verbose"}, place_.Path("pipe"));
  EXPECT_EQ(runner.WaitExit(), 0);
  close(reader);
  ExpectEachAskedOnce(kQuestions);
}

TEST_F(ResumeTest, JsonIsJsonLinesOnStdoutOnly) {
  EXPECT_EQ(place_.Run({"--json"}), 0);
  EXPECT_EQ(place_.err(), "");
  for (const absl::string_view line :
       absl::StrSplit(place_.out(), '\n', absl::SkipEmpty())) {
    EXPECT_THAT(std::string(line), AllOf(testing::StartsWith("{\"event\":"),
                                         testing::EndsWith("}")));
  }
  EXPECT_THAT(place_.out(), HasSubstr("\"event\":\"result\""));
}

}  // namespace
}  // namespace runner
