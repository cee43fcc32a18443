// Checkpoints of other systems, gone on with by the real program: what is in
// them is not asked again, the rest is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "journal/journal_lock.h"
#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr int kQuestions = 6;

using Json = nlohmann::json;

// What the questions' inputs come to, as Workplace::Question makes them.
std::string Value(int number) {
  return absl::StrCat(number * 7 % 100 * (number * 13 % 90 + 1));
}

class ImportTest : public testing::Test {
 protected:
  ImportTest() {
    place_.options["workers"] = "2";
    place_.WriteDataset(kQuestions);
  }

  // `bench-runner resume FILE` with the options of a run.
  int Resume(const std::string& file,
             const std::vector<std::string>& more = {}) {
    EXPECT_EQ(place_.Run({"--dry-run"}), 0);  // Makes the worker.
    std::vector<std::string> words = {"resume", file, "--worker-command",
                                      "./worker"};
    for (const auto& [name, value] : place_.options) {
      words.push_back("--" + name);
      words.push_back(value);
    }
    words.insert(words.end(), more.begin(), more.end());
    return place_.RunProgram(words);
  }

  // Ids that a worker was asked for.
  std::set<std::string> Asked() const {
    std::set<std::string> ids;
    for (const QueryName& name : place_.Calls()) {
      EXPECT_TRUE(ids.insert(name.substr(2, name.rfind('/') - 2)).second)
          << name << " was asked twice";
    }
    return ids;
  }

  // A line of results.jsonl.
  Json Line(const std::string& id) const {
    const std::string all = place_.Read("results.jsonl");
    const size_t at = all.find(absl::StrCat("\"query_id\":\"", id, "\""));
    if (at == std::string::npos) return Json();
    const size_t begin = all.rfind('\n', at) + 1;
    return Json::parse(all.substr(begin, all.find('\n', at) - begin), nullptr,
                       false);
  }

  // An import was interrupted, or is under way.
  bool HasHalf() const {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator(place_.Path("journals"), error)) {
      if (entry.path().extension() == ".importing") return true;
    }
    return false;
  }

  // The name that the benchmark's first journal gets.
  std::string RunId() {
    EXPECT_EQ(place_.Run({"-n", "1"}), 0) << place_.err();
    std::string name = place_.Journals().front();
    fs::remove_all(place_.Path("journals"));
    fs::remove(place_.Path("calls.log"));
    return name;
  }

  // As a process that imports `run_id`, which is this one, holds it.
  std::unique_ptr<journal::FileLock> ImportUnderWay(const std::string& run_id) {
    const std::string aside =
        place_.Path(absl::StrCat("journals/.", run_id, ".importing"));
    fs::create_directories(aside);
    auto lock = journal::LockJournal(*journal::FileSystem::Posix(), aside);
    EXPECT_TRUE(lock.ok()) << lock.status();
    return lock.ok() ? *std::move(lock) : nullptr;
  }

  static std::string Draagon() {
    return absl::StrCat(
        R"({"benchmark_id": "b", "config": {"api_key": "sk-hush"},
            "created_at": "2026-01-02T03:00:00",
            "updated_at": "2026-01-02T03:10:00", "current_run": 0,
            "total_runs": 1, "current_query_index": 3, "total_queries": 6,
            "completed_queries": {
              "q1": {"output": ")",
        Value(1), R"(", "score": 0.5}, "q2": {"score": 0.25},
              "q3": {"error": "no"}}, "run_results": [],
            "elapsed_seconds": 600})");
  }

  Workplace place_;
};

TEST_F(ImportTest, DraagonsCheckpointIsGoneOnWith) {
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("Imported checkpoint.json (draagon): 2 of 6 "
                              "queries completed, 1 failed"),
                    HasSubstr("Loaded checkpoint: 2/6 queries completed"),
                    Not(HasSubstr("No checkpoint found"))));
  // What failed is asked again.
  EXPECT_THAT(Asked(), UnorderedElementsAre("q3", "q4", "q5", "q6"));
  EXPECT_EQ(Line("q1")["scores"]["exact_match"], 1);
  EXPECT_EQ(Line("q1")["scores"]["imported"], 0.5);
  // Nobody has seen an answer that could be called wrong.
  EXPECT_TRUE(Line("q2")["output"].is_null());
  EXPECT_EQ(Line("q2")["scores"].dump(), R"({"imported":0.25})");
  EXPECT_EQ(place_.ResultNumber("/completed"), 6);
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/scored"), 5);
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 1);
  EXPECT_EQ(place_.ResultNumber("/metrics/imported/mean"), 0.375);
  EXPECT_GE(place_.ResultNumber("/timing/elapsed_seconds"), 600);
}

TEST_F(ImportTest, TheSecondStartImportsNothingAgain) {
  place_.Write("checkpoint.json", Draagon());
  ASSERT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  const std::string results = place_.ResultsWithoutTiming();
  const std::vector<std::string> records = place_.Records(place_.Journals()[0]);
  EXPECT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("is not imported again"),
                                  HasSubstr("complete since")));
  EXPECT_EQ(place_.Run({"--load-results", "checkpoint.json"}), 0);
  EXPECT_EQ(place_.Run(), 0);
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_EQ(place_.Records(place_.Journals()[0]), records);
  EXPECT_EQ(place_.ResultsWithoutTiming(), results);
  EXPECT_THAT(Asked(), SizeIs(4));
}

TEST_F(ImportTest, OtherScoringKeepsTheImportedScores) {
  place_.Write("checkpoint.json", Draagon());
  ASSERT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  place_.options["scorer"] = "f1";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(Line("q1")["scores"].dump(), R"({"f1":1,"imported":0.5})");
  EXPECT_EQ(Line("q2")["scores"].dump(), R"({"imported":0.25})");
  EXPECT_EQ(place_.ResultNumber("/completed"), 6);
  EXPECT_THAT(Asked(), SizeIs(4));
}

TEST_F(ImportTest, RobDocumentsAreCompletedAndUnscored) {
  place_.Write("rob.checkpoint.json",
               R"({"session_id": "s", "total_documents": 6,
                   "completed_documents": 3, "batch_states": [
                     {"batch_id": "1", "status": "completed",
                      "documents": ["q1", "q2"]},
                     {"batch_id": "2", "status": "running",
                      "documents": ["q3", "q4"]}],
                   "cost_tracking": {"total_cost": 12.5},
                   "error_log": [{"document": "q4", "error": "no text"}]})");
  EXPECT_EQ(Resume("rob.checkpoint.json"), 0) << place_.err();
  EXPECT_THAT(
      place_.err(),
      AllOf(HasSubstr("(ROB assessment): 2 of 6 queries completed, 1 failed"),
            HasSubstr("counts 3 completed documents and names 2"),
            HasSubstr("$12.50 were spent")));
  EXPECT_THAT(Asked(), UnorderedElementsAre("q3", "q4", "q5", "q6"));
  EXPECT_EQ(Line("q1")["status"], "ok");
  EXPECT_EQ(Line("q1")["scores"].dump(), "{}");
  EXPECT_EQ(place_.ResultNumber("/completed"), 6);
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/scored"), 4);
}

TEST_F(ImportTest, CobraEvalIsExtended) {
  place_.Write("checkpoint_base_2_1.json",
               absl::StrCat(R"({"meta": {"method": "base", "config": {}},
                    "checkpoint_info": {"processed_count": 2}, "results": [
                      {"image_id": "q1", "generated_caption": ")",
                            Value(1), R"(", "metrics": {"bleu1": 0.5}},
                      {"image_id": "q2", "generated_caption": "wrong",
                       "metrics": {"bleu1": 0}}]})"));
  EXPECT_EQ(place_.Run({"--load_results", "checkpoint_base_2_1.json",
                        "--num_samples", "4"}),
            0)
      << place_.err();
  EXPECT_THAT(Asked(), UnorderedElementsAre("q3", "q4"));
  EXPECT_EQ(Line("q2")["scores"].dump(),
            R"({"exact_match":0,"imported.bleu1":0})");
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 0.75);
}

TEST_F(ImportTest, DistllmMatchesByQuestionAndByNumber) {
  const Json question = Json::parse(Workplace::Question(2));
  place_.Write(
      "checkpoint_q_m_1.json",
      absl::StrCat(
          R"({"completed_count": 2, "completed_indices": [2, 3], "results": [
               {"question_id": 2, "question": )",
          question["input"].dump(), R"(, "model_answer": ")", Value(2),
          R"(", "score": 1}, {"question_id": 3, "error": "timed out",
               "skipped": true}], "version": "2.0"})"));
  // The one that failed has no question.
  EXPECT_EQ(Resume("checkpoint_q_m_1.json"), 13);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("1 of 2 results matches no query"),
                                  HasSubstr("`3`"), HasSubstr("--index-base")));
  EXPECT_FALSE(place_.Exists("journals/latest"));
  EXPECT_THAT(place_.Calls(), IsEmpty());

  EXPECT_EQ(Resume("checkpoint_q_m_1.json", {"--index-base", "1"}), 0)
      << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("(distllm): 1 of 6 queries completed, "
                                      "1 failed"));
  EXPECT_THAT(Asked(), UnorderedElementsAre("q1", "q3", "q4", "q5", "q6"));
  EXPECT_EQ(Line("q2")["scores"]["imported"], 1);
}

TEST_F(ImportTest, AlgoversesLogIsGoneOnWith) {
  place_.Write(
      "20260102_d_m_01234567.jsonl",
      absl::StrCat(R"({"qid": "q1", "status": "success", "turns": )",
                   R"([{"answer": ")", Value(1),
                   R"(", "accuracy": 1}], "final_accuracy": 1})", "\n",
                   R"({"qid": "q2", "status": "error", )",
                   R"("error_type": "ValueError", "retryable": false,)",
                   R"( "error_message": "bad"})", "\n",
                   R"({"qid": "q3", "status": "succ)"));
  place_.Write("20260102_d_m_01234567_errors.log",
               "2026-01-02T03:04:05 | q4 | APIError: 429\n");
  EXPECT_EQ(Resume("20260102_d_m_01234567.jsonl"), 3) << place_.err();
  EXPECT_THAT(
      place_.err(),
      AllOf(HasSubstr("(Algoverse): 1 of 6 queries completed, 2 failed"),
            HasSubstr("It is cut, or damaged, at byte ")));
  // A failure for good is not asked again, unless it is told to.
  EXPECT_THAT(Asked(), UnorderedElementsAre("q3", "q4", "q5", "q6"));
  EXPECT_EQ(Line("q2")["error_type"], "ValueError");
  EXPECT_EQ(Resume("20260102_d_m_01234567.jsonl", {"--retry-failed"}), 0);
  EXPECT_THAT(Asked(), SizeIs(5));
}

TEST_F(ImportTest, ResultsOfThisProgramAreImportedToo) {
  place_.options["results"] = "first.json";
  ASSERT_EQ(place_.Run({"-n", "3"}), 0) << place_.err();
  place_.options["results"] = "results.json";
  fs::remove_all(place_.Path("journals"));
  const size_t before = place_.Calls().size();
  EXPECT_EQ(Resume("first.jsonl"), 0) << place_.err();
  EXPECT_EQ(place_.Calls().size(), before + kQuestions - 3);
  EXPECT_EQ(Line("q1")["scores"]["imported.exact_match"], 1);
}

TEST_F(ImportTest, ItsOwnResultsAreOfNoOtherSystem) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.RunProgram({"resume", "results.jsonl"}), 2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("holds results of bench-runner"),
                                  HasSubstr("journals/" + place_.Journals()[0]),
                                  Not(HasSubstr("another system"))));
  fs::remove(place_.Path("results.json"));
  EXPECT_EQ(place_.RunProgram({"resume", "results.jsonl"}), 2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("holds results of bench-runner"),
                                  Not(HasSubstr("Their journal"))));
}

TEST_F(ImportTest, WhatIsNoJournalIsNotRescored) {
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(place_.RunProgram({"rescore", "checkpoint.json", "--scorer", "f1"}),
            2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("rescore reads journals"),
                                  Not(HasSubstr("no evaluator"))));
}

TEST_F(ImportTest, WhereNothingIsLeftNothingIsAsked) {
  place_.Write("done.jsonl",
               absl::StrCat("{\"id\":\"q1\",\"output\":\"", Value(1),
                            "\"}\n{\"id\":\"q2\",\"score\":0.5}\n"));
  EXPECT_EQ(Resume("done.jsonl", {"-n", "2"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), IsEmpty());
  EXPECT_EQ(place_.ResultText("/status"), "complete");
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 1);
  // Nobody said how long they took.
  EXPECT_THAT(place_.Results(), HasSubstr("\"latency_ms\": null"));
}

TEST_F(ImportTest, EachShardImportsWhatIsItsOwn) {
  place_.Write("checkpoint.json", Draagon());
  place_.options.erase("results");
  for (const std::string shard : {"1/2", "2/2"}) {
    EXPECT_EQ(Resume("checkpoint.json",
                     {"--shard", shard, "--journal-dir", "shards"}),
              0)
        << place_.err();
  }
  EXPECT_THAT(Asked(), UnorderedElementsAre("q3", "q4", "q5", "q6"));
  EXPECT_EQ(
      place_.RunProgram({"merge", "shards", "--output", "journals/whole"}), 0)
      << place_.err();
  place_.options["results"] = "results.json";
  EXPECT_EQ(place_.Run({"--resume-from", "journals/whole"}), 0) << place_.err();
  EXPECT_EQ(Line("q2")["scores"].dump(), R"({"imported":0.25})");
  EXPECT_THAT(Asked(), SizeIs(4));
}

TEST_F(ImportTest, ACutCheckpointGivesWhatIsWhole) {
  const std::string whole = Draagon();
  place_.Write("checkpoint.json", whole.substr(0, whole.find("\"q2\"") + 10));
  EXPECT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  EXPECT_THAT(place_.err(),
              HasSubstr("what is whole before is imported, 1 result"));
  EXPECT_THAT(Asked(), SizeIs(kQuestions - 1));
}

TEST_F(ImportTest, ACutBeforeTheFirstResultIsNoImport) {
  const std::string whole = Draagon();
  place_.Write("checkpoint.json", whole.substr(0, whole.find("\"q1\"") + 10));
  EXPECT_EQ(Resume("checkpoint.json"), 2);
  EXPECT_THAT(place_.err(), HasSubstr("no whole result is before that"));
  EXPECT_FALSE(place_.Exists("journals/latest"));
  EXPECT_THAT(place_.Calls(), IsEmpty());
}

TEST_F(ImportTest, OfEqualQuestionsOnlyAnIdTellsWhich) {
  const Json question = Json::parse(Workplace::Question(2));
  place_.Write("questions.jsonl",
               absl::StrCat(place_.Read("questions.jsonl"),
                            Json({{"id", "again"},
                                  {"input", question["input"]},
                                  {"target", question["target"]}})
                                .dump(),
                            "\n"));
  place_.Write("one.jsonl",
               absl::StrCat(R"({"question": )", question["input"].dump(),
                            R"(, "output": "x"})", "\n"));
  EXPECT_EQ(Resume("one.jsonl"), 13);
  EXPECT_THAT(place_.err(), HasSubstr("1 has a question that several queries"));
  EXPECT_FALSE(place_.Exists("journals/latest"));
}

TEST_F(ImportTest, WhatIsToBeAddedIsSaid) {
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(place_.RunProgram({"resume", "checkpoint.json"}), 2);
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("--dataset"), HasSubstr("an evaluator")));
  EXPECT_EQ(place_.RunProgram(
                {"resume", "checkpoint.json", "--dataset", "questions.jsonl"}),
            2);
  EXPECT_THAT(place_.err(), HasSubstr("--worker-command"));
  EXPECT_EQ(Resume("checkpoint.json", {"--checkpoint-interval", "0"}), 2);
  place_.options.erase("results");
  EXPECT_EQ(Resume("checkpoint.json", {"--models", "a,b"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("of one benchmark, and 2"));
  place_.Write("junk.json", "{\"a\": 1}");
  EXPECT_EQ(Resume("junk.json"), 2);
  EXPECT_THAT(place_.err(), HasSubstr("neither a journal nor its results"));
  EXPECT_FALSE(place_.Exists("journals"));
}

TEST_F(ImportTest, RunsThatAreNotAskedForAreNamed) {
  place_.Write("checkpoint.json",
               R"({"current_run": 2, "run_results": [{}, {}], "total_runs": 3,
                   "completed_queries": {"q1": {"score": 1}}})");
  EXPECT_EQ(Resume("checkpoint.json"), 13);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("of run 3"), HasSubstr("`q1`")));
  EXPECT_FALSE(place_.Exists("journals/latest"));
  EXPECT_EQ(Resume("checkpoint.json", {"--runs", "3"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(3 * kQuestions - 1));
  EXPECT_EQ(place_.CallCounts().count("3/q1/0"), 0u);
}

TEST_F(ImportTest, AJournalThatHasNothingOfItIsNoPlaceForIt) {
  ASSERT_EQ(place_.Run({"-n", "2"}), 0);
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json"), 13);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("was not imported into it"),
                                  HasSubstr("--no-resume")));
  EXPECT_THAT(place_.Calls(), SizeIs(2));
  EXPECT_EQ(Resume("checkpoint.json", {"--no-resume"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  EXPECT_THAT(place_.Calls(), SizeIs(6));
  // The file has changed since.
  place_.Write("checkpoint.json", Draagon() + "\n");
  EXPECT_EQ(Resume("checkpoint.json"), 13);
  EXPECT_THAT(place_.err(), HasSubstr("was made of checkpoint.json"));
}

TEST_F(ImportTest, LookingChangesNothing) {
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json", {"--dry-run"}), 0) << place_.err();
  EXPECT_THAT(place_.out(),
              AllOf(HasSubstr("Would import checkpoint.json (draagon): 2 of 6"),
                    HasSubstr("skipped        2 of 6"),
                    HasSubstr("remaining      4\n")));
  EXPECT_EQ(Resume("checkpoint.json", {"--info"}), 0) << place_.err();
  EXPECT_EQ(Resume("checkpoint.json", {"--validate-only"}), 0);
  EXPECT_FALSE(place_.Exists("journals"));
  place_.WriteDataset(1);
  EXPECT_EQ(Resume("checkpoint.json", {"--dry-run"}), 13) << place_.out();
}

TEST_F(ImportTest, SecretsOfTheCheckpointAreNotJournaled) {
  place_.Write("checkpoint.json", Draagon());
  ASSERT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  const std::string all =
      absl::StrJoin(place_.Records(place_.Journals()[0]), "\n");
  EXPECT_THAT(all, AllOf(Not(HasSubstr("sk-hush")), HasSubstr("(hidden)")));
}

// Killed at any call of the import, it leaves a whole journal or none.
TEST_F(ImportTest, AnImportThatIsKilledIsDoneAgain) {
  place_.Write("checkpoint.json", Draagon());
  ASSERT_EQ(place_.Run({"--resume-from", "checkpoint.json"}), 0);
  const std::string undisturbed = place_.ResultsWithoutTiming();
  const char* asan = getenv("ASAN_OPTIONS");
  int killed = 0;
  int left_half = 0;
  for (const std::string call :
       {"pwrite64", "fdatasync", "fsync", "rename", "mkdir"}) {
    for (int when = 1; when <= 3; ++when) {
      SCOPED_TRACE(absl::StrCat(call, " ", when));
      fs::remove_all(place_.Path("journals"));
      fs::remove(place_.Path("calls.log"));
      place_.run_under = {
          "env",
          absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                       ":detect_leaks=0"),
          "strace",
          "-f",
          "--detach-on=execve",
          "-qq",
          "-o",
          "/dev/null",
          "-e",
          absl::StrCat("inject=", call, ":signal=KILL:when=", when)};
      killed += place_.Run({"--resume-from", "checkpoint.json"}) < 0 ? 1 : 0;
      place_.run_under.clear();
      left_half += HasHalf() ? 1 : 0;
      EXPECT_EQ(place_.Run({"--resume-from", "checkpoint.json"}), 0)
          << place_.err();
      EXPECT_THAT(place_.Journals(), SizeIs(1));
      EXPECT_EQ(place_.ResultsWithoutTiming(), undisturbed);
      EXPECT_EQ(place_.CallCounts().count("1/q1/0"), 0u);
      EXPECT_EQ(place_.CallCounts().count("1/q2/0"), 0u);
      EXPECT_FALSE(HasHalf());
    }
  }
  EXPECT_GT(killed, 5);
  EXPECT_GT(left_half, 1);
}

// With --overwrite: q1 and q2 were paid for.
TEST_F(ImportTest, ARefusedImportLeavesTheOldJournal) {
  ASSERT_EQ(place_.Run({"-n", "2"}), 0) << place_.err();
  const std::vector<std::string> names = place_.Journals();
  place_.Write("bad.jsonl", "{\"id\":\"nobody\",\"output\":\"1\"}\n");
  EXPECT_EQ(Resume("bad.jsonl", {"--overwrite"}), 13);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("Nothing was written"),
                                  Not(HasSubstr("Starting over"))));
  EXPECT_THAT(place_.Journals(), names);
  EXPECT_FALSE(place_.Exists("journals/replaced"));
  EXPECT_FALSE(HasHalf());
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(Asked(), SizeIs(kQuestions));
}

TEST_F(ImportTest, OverwriteImportsAndMovesTheOldJournalAside) {
  ASSERT_EQ(place_.Run({"-n", "2"}), 0) << place_.err();
  const std::string old = place_.Journals().front();
  const std::vector<std::string> records = place_.Records(old);
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json", {"--overwrite"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_TRUE(place_.Records("replaced/" + old) == records);
  EXPECT_THAT(Asked(), SizeIs(kQuestions));
  EXPECT_TRUE(place_.Exists("journals/latest/"));
}

// Killed at any renaming, the old journal is found, or the new one.
TEST_F(ImportTest, AKilledOverwriteAsksNothingTwice) {
  place_.Write("checkpoint.json", Draagon());
  const char* asan = getenv("ASAN_OPTIONS");
  int killed = 0;
  for (int when = 1; when <= 4; ++when) {
    SCOPED_TRACE(when);
    fs::remove_all(place_.Path("journals"));
    fs::remove(place_.Path("calls.log"));
    ASSERT_EQ(place_.Run({"-n", "2"}), 0) << place_.err();
    place_.run_under = {
        "env",
        absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                     ":detect_leaks=0"),
        "strace",
        "-f",
        "--detach-on=execve",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        absl::StrCat("inject=rename:signal=KILL:when=", when)};
    killed += Resume("checkpoint.json", {"--overwrite"}) < 0 ? 1 : 0;
    place_.run_under.clear();
    EXPECT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_THAT(Asked(), SizeIs(kQuestions));
  }
  EXPECT_GT(killed, 1);
}

// Where no new journal can be begun, the old one has its name again.
TEST_F(ImportTest, AnOverwriteThatFailsPutsTheOldJournalBack) {
  const char* asan = getenv("ASAN_OPTIONS");
  bool put_back = false;
  for (int when = 1; when <= 4; ++when) {
    SCOPED_TRACE(when);
    fs::remove_all(place_.Path("journals"));
    fs::remove(place_.Path("calls.log"));
    ASSERT_EQ(place_.Run({"-n", "2"}), 0) << place_.err();
    place_.run_under = {
        "env",
        absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                     ":detect_leaks=0"),
        "strace",
        "-f",
        "--detach-on=execve",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        absl::StrCat("inject=mkdir:error=ENOSPC:when=", when)};
    const int ended = place_.Run({"--overwrite"});
    const bool began = place_.Calls().size() > 2;
    put_back |= absl::StrContains(place_.err(), "again");
    place_.run_under.clear();
    if (began) continue;
    EXPECT_NE(ended, 0);
    EXPECT_TRUE(place_.Exists("journals/latest/"));
    EXPECT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_THAT(Asked(), SizeIs(kQuestions));
  }
  EXPECT_TRUE(put_back);
}

TEST_F(ImportTest, ACompleteJournalOfOtherRowsHasTheImportBesideIt) {
  place_.WriteDataset(kQuestions + 1);
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  place_.WriteDataset(kQuestions);
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json"), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("Imported checkpoint.json"));
  EXPECT_THAT(place_.Journals(), SizeIs(2));
}

TEST_F(ImportTest, WhoeverFindsAnImportUnderWayIsToldWhose) {
  const std::string run_id = RunId();
  place_.Write("checkpoint.json", Draagon());
  std::unique_ptr<journal::FileLock> importing = ImportUnderWay(run_id);
  EXPECT_EQ(place_.Run(), 12);
  EXPECT_THAT(place_.err(), HasSubstr(absl::StrCat(getpid())));
  EXPECT_EQ(place_.Run({"--resume-from", "checkpoint.json"}), 12);
  EXPECT_THAT(place_.Calls(), IsEmpty());
  EXPECT_TRUE(HasHalf());
  // Another benchmark has nothing to do with it.
  EXPECT_EQ(place_.Run({"--seed", "7", "-n", "1"}), 0) << place_.err();
  importing.reset();
  EXPECT_EQ(place_.Run({"--resume-from", "checkpoint.json"}), 0)
      << place_.err();
  EXPECT_FALSE(HasHalf());
}

TEST_F(ImportTest, WhatIsNoJournalYetIsNotListed) {
  ASSERT_EQ(place_.Run({"-n", "1"}), 0) << place_.err();
  const std::string name = place_.Journals().front();
  fs::copy(place_.Path("journals/" + name),
           place_.Path("journals/.other.importing"));
  std::ostringstream out;
  inspector::Context context{
      out, out, {}, [](absl::Duration) { return false; }, nullptr};
  EXPECT_EQ(
      inspector::RunJournalctlBench({"list", place_.Path("journals")}, context),
      0);
  EXPECT_THAT(out.str(), AllOf(HasSubstr(name), Not(HasSubstr("importing"))));
  // The next import removes what nobody makes.
  place_.Write("checkpoint.json", Draagon());
  EXPECT_EQ(Resume("checkpoint.json", {"--no-resume"}), 0) << place_.err();
  EXPECT_FALSE(HasHalf());
}

TEST_F(ImportTest, ASignalEndsTheWaitForAnothersBeginning) {
  fs::create_directories(place_.Path("journals"));
  auto held = journal::FileSystem::Posix()->Lock(place_.Path("journals/.lock"));
  ASSERT_TRUE(held.ok()) << held.status();
  RunnerProcess waiting = place_.Start();
  ASSERT_TRUE(
      place_.WaitForMessage("Waiting until a journal is begun", waiting))
      << waiting.err();
  EXPECT_THAT(waiting.err(), HasSubstr(absl::StrCat(getpid())));
  waiting.Signal(SIGTERM);
  EXPECT_EQ(waiting.WaitExit(), 128 + SIGTERM) << waiting.err();
  EXPECT_THAT(place_.Journals(), IsEmpty());
  EXPECT_THAT(place_.Calls(), IsEmpty());
}

}  // namespace
}  // namespace runner
