// What may change between two sessions of a benchmark: settings, which are
// journaled as overrides, and configuration and dataset where that is accepted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "journal/reader.h"
#include "runner/storage/record_codec.h"
#include "tests/runner_fixture.h"
#include "tests/unfinished.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ChangesTest : public UnfinishedTest {
 protected:
  // Refused by name; nothing was asked.
  void ExpectRefused(int exit_code, const std::string& message) {
    EXPECT_THAT(place_.err(), HasSubstr(message));
    EXPECT_EQ(exit_code, 13) << place_.err();
    EXPECT_THAT(place_.Calls(), SizeIs(kAnswered));
  }

  // "workers: "8" -> "4", command line", an Override each.
  std::vector<std::string> Overrides() const {
    std::vector<std::string> overrides;
    auto reader = journal::Reader::Open(place_.JournalDirectory(), {});
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (;;) {
      const journal::ReadResult next = (*reader)->Next();
      if (next.outcome != journal::ReadOutcome::kRecord) break;
      if (next.record.type != TypeNumber(OverrideRecord())) continue;
      const auto record = Decode<OverrideRecord>(next.record.body);
      EXPECT_TRUE(record.ok()) << record.status();
      overrides.push_back(absl::StrCat(record->key, ": ", record->old_json,
                                       " -> ", record->new_json, ", ",
                                       record->source));
    }
    return overrides;
  }

  void EditDataset(const std::string& from, const std::string& to) {
    const std::string text = place_.Read("questions.jsonl");
    ASSERT_THAT(text, HasSubstr(from));
    place_.Write("questions.jsonl", absl::StrReplaceAll(text, {{from, to}}));
  }

  std::string MixedMember() const {
    return absl::StrContains(place_.Results(), "\"mixed_config\": true")
               ? "mixed"
               : "pure";
  }
};

// ---------------------------------------------------------------------------
// Overrides

TEST_F(ChangesTest, AChangedSettingIsSaidAndJournaled) {
  RunAndInterrupt();
  place_.options["workers"] = "3";
  EXPECT_EQ(place_.Run({"--sync-interval", "50ms", "--quiet"}), 0);
  EXPECT_THAT(Overrides(),
              ElementsAre("workers: \"1\" -> \"3\", command line",
                          "sync_interval: \"100ms\" -> \"50ms\", command "
                          "line"));
}

TEST_F(ChangesTest, ASettingOfTheFileIsNamedByTheFile) {
  RunAndInterrupt();
  place_.options.erase("workers");
  place_.Write("bench.yaml", "workers: 2\n");
  EXPECT_EQ(place_.Run({"-c", "bench.yaml"}), 0) << place_.err();
  EXPECT_THAT(place_.err(),
              HasSubstr("] Configuration override: workers changed from 1 to "
                        "2\n"));
  EXPECT_THAT(Overrides(),
              ElementsAre("workers: \"1\" -> \"2\", file bench.yaml"));
}

TEST_F(ChangesTest, ResumeGoesOnWithTheNewestSession) {
  RunAndInterrupt({"--runs", "2"});
  EXPECT_EQ(Resume({"--workers", "2", "--timeout", "9s", "--num-samples", "30",
                    "--runs", "1"}),
            0)
      << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(30));
  EXPECT_EQ(Resume({"--runs", "2"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(60));
  EXPECT_THAT(place_.err(), Not(HasSubstr("override")));
  EXPECT_THAT(Overrides(), SizeIs(2));
}

TEST_F(ChangesTest, WhatIsTheSameIsNoOverride) {
  RunAndInterrupt();
  EXPECT_EQ(place_.Run({"--verbose", "--no-progress-bar"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("override")));
  EXPECT_THAT(Overrides(), IsEmpty());
}

// ---------------------------------------------------------------------------
// --accept-config-change

TEST_F(ChangesTest, AnotherConfigurationGoesOnWhereItIsAccepted) {
  RunAndInterrupt();
  const auto before = place_.Records(place_.Journals().front());
  ExpectRefused(Resume({"--seed", "9"}), "--accept-config-change");
  EXPECT_EQ(place_.Records(place_.Journals().front()), before);

  EXPECT_EQ(Resume({"--seed", "9", "--accept-config-change"}), 0)
      << place_.err();
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("  seed: 0 -> 9\n"), HasSubstr("mixed_config")));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(MixedMember(), "mixed");
  EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions);
}

// The new configuration is that of the journal, and the old one another.
TEST_F(ChangesTest, AfterItRunFindsTheJournalByTheNewConfiguration) {
  RunAndInterrupt();
  place_.worker_flags.push_back("--hold=30:go2");
  RunnerProcess resumed =
      place_.Start({"--seed", "9", "--accept-config-change"});
  ASSERT_TRUE(place_.WaitForCalls(30, resumed)) << resumed.err();
  ASSERT_TRUE(resumed.Kill9());
  place_.worker_flags.pop_back();

  EXPECT_EQ(place_.Run(), 13) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("  seed: 9 -> 0\n"));
  EXPECT_EQ(place_.Run({"--seed", "9"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("more than one configuration"));
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(MixedMember(), "mixed");
}

TEST_F(ChangesTest, AnotherModelGoesOnByResume) {
  RunAndInterrupt({"--model", "a"});
  EXPECT_EQ(Resume({"--model", "b", "--accept-config-change"}), 0)
      << place_.err();
  EXPECT_EQ(place_.ResultText("/model"), "b");
  EXPECT_EQ(place_.ResultText("/benchmark_id"), "questions_a");
  EXPECT_EQ(Resume({}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(MixedMember(), "mixed");
}

TEST_F(ChangesTest, ChangedRowsAreAcceptedAsTheyAre) {
  RunAndInterrupt();
  const std::string answered = place_.Question(3);
  EditDataset(answered,
              "{\"id\":\"q3\",\"input\":\"1 * 1\",\"target\":\"1\"}\n");
  EditDataset(place_.Question(35),
              "{\"id\":\"q35\",\"input\":\"2 * 3\",\"target\":\"6\"}\n");
  EditDataset(place_.Question(5), "");   // Answered.
  EditDataset(place_.Question(36), "");  // Not answered.
  ExpectRefused(Resume({}), "dataset row q35: changed");

  EXPECT_EQ(Resume({"--accept-config-change"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("  dataset row q3: changed\n"),
                                  HasSubstr("  dataset row q36: removed\n")));
  EXPECT_THAT(place_.Calls(), SizeIs(kQuestions - 1));  // All but q36.
  EXPECT_EQ(place_.ResultNumber("/n"), kQuestions - 2);
  EXPECT_EQ(MixedMember(), "mixed");
  const std::string lines = place_.Read("results.jsonl");
  EXPECT_THAT(lines, AllOf(HasSubstr("\"query_id\":\"q35\",\"occurrence\":0,"
                                     "\"status\":\"ok\",\"output\":\"6\""),
                           Not(HasSubstr("\"q5\""))));
  // Its answer is that to the old question: 21 * 40.
  EXPECT_THAT(lines, HasSubstr("\"query_id\":\"q3\",\"occurrence\":0,"
                               "\"status\":\"ok\",\"output\":\"840\""));
}

TEST_F(ChangesTest, AcceptedRowsAreNotAskedForAgain) {
  RunAndInterrupt();
  EditDataset(place_.Question(40), "");
  EXPECT_EQ(Resume({"--accept-config-change", "--runs", "2"}), 0)
      << place_.err();
  EXPECT_EQ(place_.Run({"--runs", "3"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_EQ(MixedMember(), "mixed");
  EXPECT_EQ(place_.ResultNumber("/n"), 3 * (kQuestions - 1));
}

TEST_F(ChangesTest, NothingIsAcceptedWhereNothingIsLeft) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const auto before = place_.Records(place_.Journals().front());
  EXPECT_EQ(Resume({"--seed", "9", "--accept-config-change"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("is complete"));
  EditDataset(place_.Question(40), "");
  EXPECT_EQ(Resume({"--accept-config-change"}), 13) << place_.err();
  EXPECT_EQ(place_.Records(place_.Journals().front()), before);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
}

TEST_F(ChangesTest, TheFirstRowsAreADifferenceOnceOthersWereAccepted) {
  RunAndInterrupt();
  const std::string first = place_.Read("questions.jsonl");
  EditDataset(place_.Question(35),
              "{\"id\":\"q35\",\"input\":\"2 * 3\",\"target\":\"6\"}\n");
  EXPECT_EQ(Resume({"--accept-config-change"}), 0) << place_.err();
  const size_t calls = place_.Calls().size();
  place_.Write("questions.jsonl", first);
  EXPECT_EQ(Resume({"--runs", "2"}), 13) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("others were accepted since"));
  EXPECT_THAT(place_.Calls(), SizeIs(calls));
}

// It, and no other in its place, was asked for.
TEST_F(ChangesTest, ANamedJournalWhoseRowsDifferIsRefusedWhereItIsFinished) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EditDataset(place_.Question(40), "");
  EXPECT_EQ(Resume({}), 13) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("is complete and differs"));
  EXPECT_EQ(place_.RunProgram(
                {"rescore", place_.JournalDirectory(), "--scorer", "contains"}),
            13)
      << place_.err();
  EXPECT_EQ(place_.RunProgram({"rescore", "latest", "--scorer", "contains"}),
            13)
      << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(2));
}

TEST_F(ChangesTest, WhatIsOfferedInsteadWorks) {
  RunAndInterrupt();
  const std::string journal = place_.JournalDirectory();
  EXPECT_EQ(place_.Run({"--resume-from", journal, "--seed", "9"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("`run`, naming no journal, with\n"));
  EXPECT_EQ(place_.Run({"--seed", "9", "--new-journal"}), 0) << place_.err();

  const std::vector<std::string> resume = {"resume", journal, "--seed", "8"};
  EXPECT_EQ(place_.RunProgram(resume), 13);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("  --new-journal  starts one"),
                                  Not(HasSubstr("naming no journal"))));
  EXPECT_EQ(
      place_.RunProgram({"resume", journal, "--seed", "8", "--new-journal"}), 0)
      << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(3));
}

// Nothing was answered under the first configuration: nothing is mixed.
TEST_F(ChangesTest, BeforeTheFirstQuestionNothingIsMixed) {
  place_.options["worker-command"] = "./absent";
  EXPECT_EQ(place_.Run(), 2) << place_.err();
  place_.options["worker-command"] = "./worker";
  EXPECT_EQ(place_.Run({"--resume-from", place_.JournalDirectory(),
                        "--accept-config-change"}),
            0)
      << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_EQ(MixedMember(), "pure");
}

TEST_F(ChangesTest, MergeRefusesWhatIsMixed) {
  place_.options.erase("results");
  RunAndInterrupt({"--shard", "1/1"});
  EXPECT_EQ(Resume({"--seed", "9", "--accept-config-change"}), 0)
      << place_.err();
  EXPECT_EQ(place_.RunProgram({"merge", "journals", "--output", "whole"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("more than one configuration"));
  EXPECT_FALSE(place_.Exists("whole"));
}

}  // namespace
}  // namespace runner
