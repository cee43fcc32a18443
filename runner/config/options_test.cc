#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "runner/config/command.h"
#include "runner/config/help_pages.h"
#include "runner/config/option_table.h"
#include "runner/config/option_values.h"
#include "runner/config/overrides.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr absl::string_view kReplay =
    "--dataset d.jsonl --response-field r --scorer numeric ";

class OptionsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Command> Parse(absl::string_view options) {
    std::vector<std::string> args = {"run"};
    for (absl::string_view word :
         absl::StrSplit(options, ' ', absl::SkipEmpty())) {
      args.emplace_back(word);
    }
    return ParseCommand(args, environment_, "bench-runner 1");
  }
  // With what a replay needs before it.
  RunOptions Run(absl::string_view options) {
    const auto command = Parse(absl::StrCat(kReplay, options));
    EXPECT_TRUE(command.ok()) << command.status();
    return command.ok() ? command->run : RunOptions();
  }
  std::string Error(absl::string_view options) {
    const auto command = Parse(absl::StrCat(kReplay, options));
    EXPECT_TRUE(command.ok() || absl::IsInvalidArgument(command.status()));
    return std::string(command.status().message());
  }

  Environment environment_;
};

TEST_F(OptionsTest, DefaultsAreAsDocumented) {
  const RunOptions options = Run("");
  EXPECT_EQ(options.dataset, "d.jsonl");
  EXPECT_EQ(options.evaluator, EvaluatorKind::kReplay);
  EXPECT_EQ(options.runs, 1u);
  EXPECT_EQ(options.timeout, absl::Seconds(600));
  EXPECT_EQ(options.max_retries, 5u);
  EXPECT_EQ(options.workers, absl::nullopt);
  EXPECT_EQ(options.journal_dir, "journals");
  EXPECT_EQ(options.sync, journal::SyncMode::kBatch);
  EXPECT_EQ(options.checkpoint_interval, 50u);
  EXPECT_EQ(options.sync_interval, absl::Milliseconds(100));
  EXPECT_EQ(options.drain_timeout, absl::Seconds(10));
  EXPECT_TRUE(options.resume);
  EXPECT_TRUE(options.progress_bar);
}

TEST_F(OptionsTest, NamesThatUsersKnowAreAliases) {
  EXPECT_EQ(Run("--checkpoint-dir x").journal_dir, "x");
  EXPECT_EQ(Run("--checkpoint_interval=7").checkpoint_interval, 7u);
  EXPECT_EQ(Run("--checkpoint-every 8").checkpoint_interval, 8u);
  EXPECT_EQ(Run("--disable-checkpointing").checkpoint_interval, 0u);
  EXPECT_EQ(Run("--save-incremental").sync, journal::SyncMode::kEach);
  EXPECT_EQ(Run("--num_samples 9").num_samples, 9u);
  EXPECT_FALSE(Run("--no-auto-resume").resume);
  EXPECT_TRUE(Run("--resume_from_checkpoint").resume);
  EXPECT_TRUE(Run("--force-clean").overwrite);
  EXPECT_FALSE(Run("--no-progress-bar").progress_bar);
}

TEST_F(OptionsTest, ShortNames) {
  const RunOptions options = Run("-n5 -w 3 -q");
  EXPECT_EQ(options.num_samples, 5u);
  EXPECT_EQ(options.workers, 3u);
  EXPECT_TRUE(options.quiet);
}

TEST_F(OptionsTest, AValueMayBeginWithADash) {
  EXPECT_EQ(Run("--extract-regex -?[0-9]+").extract_regex, "-?[0-9]+");
  EXPECT_EQ(Run("--min-score -1").min_score->value, -1);
}

TEST_F(OptionsTest, CommandLineBeatsEnvironmentBeatsDefault) {
  environment_ = {{"BENCH_RUNNER_RUNS", "3"},
                  {"BENCH_RUNNER_SEED", "4"},
                  {"BENCH_RUNNER_WORKERS", ""},
                  {"BENCH_RUNNER_CHECKPOINT_DIR", "env"},
                  {"PATH", "/bin"}};
  const RunOptions options = Run("--seed 5");
  EXPECT_EQ(options.runs, 3u);
  EXPECT_EQ(options.seed, 5u);
  EXPECT_EQ(options.journal_dir, "env");
  for (const EffectiveOption& option : options.effective) {
    if (option.name == "runs") {
      EXPECT_EQ(option.source, OptionSource::kEnvironment);
    }
    if (option.name == "seed") {
      EXPECT_EQ(option.source, OptionSource::kCommandLine);
    }
  }
}

TEST_F(OptionsTest, TheNearerOfTwoThatExcludeEachOtherWins) {
  environment_ = {{"BENCH_RUNNER_EXTRACT", "last-line"},
                  {"BENCH_RUNNER_QUIET", "1"},
                  {"BENCH_RUNNER_NO_RESUME", "yes"}};
  const RunOptions options = Run("--extract-regex A:(.*) -v --resume");
  EXPECT_EQ(options.extract, "");
  EXPECT_FALSE(options.quiet);
  EXPECT_TRUE(options.resume);
}

TEST_F(OptionsTest, UnknownNamesSuggestTheNearest) {
  EXPECT_THAT(Error("--modle x"), HasSubstr("did you mean `--model`?"));
  EXPECT_THAT(Error("--checkpont-interval=3"),
              HasSubstr("did you mean `--checkpoint-interval`?"));
  EXPECT_THAT(Error("--zzzzzzzz"), HasSubstr("--help lists all"));
  EXPECT_THAT(Error("-z"), HasSubstr("unknown option"));
  environment_ = {{"BENCH_RUNNER_WORKRS", "3"}};
  EXPECT_THAT(Error(""), HasSubstr("did you mean `BENCH_RUNNER_WORKERS`?"));
}

TEST_F(OptionsTest, NamesAreNotGuessed) {
  EXPECT_THAT(Error("--work 3"), HasSubstr("unknown option `--work`"));
  // What a terminal would obey is not repeated raw.
  EXPECT_THAT(Error("--x\x1b[31m="),
              HasSubstr("unknown option `--x\\x1b[31m`"));
}

TEST_F(OptionsTest, MistakesAreNamedWithTheirOption) {
  EXPECT_THAT(Error("--runs"), HasSubstr("--runs needs a value: N"));
  EXPECT_THAT(Error("--runs="), HasSubstr("--runs"));
  EXPECT_THAT(Error("--quiet=1"), HasSubstr("--quiet takes no value"));
  EXPECT_THAT(Error("--runs 0"),
              HasSubstr("--runs: `0` is not a whole number"));
  EXPECT_THAT(Error("--runs 1 --runs 2"), HasSubstr("--runs is given twice"));
  EXPECT_THAT(Error("extra"), HasSubstr("unexpected argument `extra`"));
  EXPECT_THAT(Error("--timeout 5x"), HasSubstr("--timeout: `5x` is not a dur"));
  EXPECT_THAT(Error("--timeout 0"),
              HasSubstr("--timeout: must be more than 0"));
  EXPECT_THAT(Error("--workers some"), HasSubstr("nor auto"));
  EXPECT_THAT(Error("--batch-size 0"), HasSubstr("--batch-size"));
  EXPECT_THAT(Error("--sync often"), HasSubstr("each, batch and none"));
  EXPECT_THAT(Error("--seed -1"), HasSubstr("--seed"));
  EXPECT_THAT(Error("--models a,,b"), HasSubstr("--models"));
  EXPECT_THAT(Error("--models a,a"), HasSubstr("twice"));
}

TEST_F(OptionsTest, ContradictionsAreErrors) {
  EXPECT_THAT(Error("--sync batch --save-incremental"),
              HasSubstr("--sync and --save-incremental contradict"));
  EXPECT_THAT(Error("--resume --no-resume"), HasSubstr("contradict"));
  EXPECT_THAT(Error("--model a --models b,c"), HasSubstr("exclude each other"));
  EXPECT_THAT(Error("-q -v"), HasSubstr("exclude"));
  EXPECT_THAT(Error("--retry-failed --no-resume"), HasSubstr("exclude"));
  EXPECT_THAT(Error("--retry-failed --overwrite"), HasSubstr("exclude"));
  EXPECT_THAT(Error("--disable-checkpointing --retry-failed"),
              HasSubstr("--retry-failed needs a journal, which "
                        "--disable-checkpointing switches off"));
  EXPECT_THAT(Error("--worker-command bc"), HasSubstr("exclude"));
  EXPECT_EQ(Error("--sync each --save-incremental"), "");
}

TEST_F(OptionsTest, TheEvaluatorIsInferred) {
  const auto worker =
      Parse("--dataset d --worker-command bc --model m --workers auto");
  ASSERT_TRUE(worker.ok()) << worker.status();
  EXPECT_EQ(worker->run.evaluator, EvaluatorKind::kWorker);
  EXPECT_THAT(worker->run.models, ElementsAre("m"));
  EXPECT_THAT(std::string(Parse("--dataset d").status().message()),
              HasSubstr("no evaluator"));
  EXPECT_THAT(Error("--evaluator worker"), HasSubstr("no meaning"));
  EXPECT_THAT(Error("--evaluator other"),
              HasSubstr("not one of replay, worker and openai"));
}

TEST_F(OptionsTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(
      std::string(
          Parse("--response-field r --scorer numeric").status().message()),
      HasSubstr("--dataset is missing"));
  EXPECT_THAT(
      std::string(Parse("--dataset d --response-field r").status().message()),
      HasSubstr("no --scorer"));
}

TEST_F(OptionsTest, WhatCanBeCheckedBeforeIsChecked) {
  EXPECT_THAT(Error("--extract-regex ("), HasSubstr("--extract-regex"));
  EXPECT_THAT(Error("--min-score f1=0.5"), HasSubstr("not among --scorer"));
  EXPECT_EQ(Run("--min-score numeric=0.5").min_score->scorer, "numeric");
  EXPECT_THAT(Error("--target-field {method}.x"), HasSubstr("{method}"));
  EXPECT_THAT(Error("--benchmark-id {modl}"), HasSubstr("--benchmark-id"));
  EXPECT_THAT(Error("--models a,b --results r.json"),
              HasSubstr("--results must contain {model}"));
  EXPECT_THAT(Error("--models a,b --benchmark-id x"),
              HasSubstr("--benchmark-id must contain {model}"));
  EXPECT_EQ(Error("--models a,b --results {model}/r.json"), "");
  EXPECT_THAT(
      std::string(Parse("--dataset d --worker-command a|b").status().message()),
      HasSubstr("--worker-command: the command has an unquoted"));
}

TEST_F(OptionsTest, MessagesMoveNoCursor) {
  EXPECT_THAT(Error("--\x1b[2J"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(Error("--runs \x1b[2J"), Not(HasSubstr("\x1b")));
}

TEST_F(OptionsTest, CommandsHelpAndVersion) {
  const auto parse = [](std::vector<std::string> args) {
    return ParseCommand(args, {}, "bench-runner 1.0");
  };
  EXPECT_EQ(parse({"--version"})->text, "bench-runner 1.0\n");
  EXPECT_EQ(parse({"run", "--nope", "--help"})->action, Action::kShow);
  EXPECT_EQ(parse({"-h"})->text, HelpText());
  EXPECT_FALSE(parse({}).ok());
  EXPECT_THAT(std::string(parse({"resum", "x"}).status().message()),
              HasSubstr("did you mean `resume`"));
}

TEST_F(OptionsTest, ResumeTakesAJournalAndMayLeaveTheRestToIt) {
  const auto parse = [](std::vector<std::string> args) {
    return ParseCommand(args, {}, "1");
  };
  const auto command = parse({"resume", "journals/x", "--workers", "4"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_THAT(command->journals, ElementsAre("journals/x"));
  EXPECT_THAT(parse({"resume", "-s", "latest"})->journals,
              ElementsAre("latest"));
  EXPECT_THAT(std::string(parse({"resume"}).status().message()),
              HasSubstr("needs a journal"));
  EXPECT_FALSE(parse({"resume", "a", "b"}).ok());
  EXPECT_FALSE(parse({"resume", "a", "-s", "b"}).ok());
  EXPECT_FALSE(parse({"run", "--session", "a"}).ok());
}

TEST_F(OptionsTest, AJournalsOptionsGoBeforeDefaultsOnly) {
  auto command = ParseCommand({"resume", "j", "--workers", "4"},
                              {{"BENCH_RUNNER_SYNC", "each"}}, "1");
  ASSERT_TRUE(command.ok()) << command.status();
  const auto saved = OptionsOfJournal(
      "{\"dataset\":\"d\",\"response_field\":\"r\",\"scorer\":\"numeric\","
      "\"workers\":\"8\",\"sync\":\"none\",\"seed\":\"7\",\"quiet\":\"true\","
      "\"retry_failed\":\"true\",\"from_the_future\":\"1\"}");
  ASSERT_TRUE(saved.ok()) << saved.status();
  ASSERT_TRUE(ApplyJournal({}, *saved, *command).ok());
  EXPECT_EQ(command->run.workers, 4u);
  EXPECT_EQ(command->run.sync, journal::SyncMode::kEach);
  EXPECT_EQ(command->run.seed, 7u);
  EXPECT_FALSE(command->run.quiet);
  EXPECT_FALSE(command->run.retry_failed);
}

TEST_F(OptionsTest, HelpShowsEveryOptionInEightyColumns) {
  const std::string help = HelpText();
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_LE(line.size(), 80u) << line;
  }
  for (const std::string& name : AllOptionNames()) {
    EXPECT_THAT(help, HasSubstr("--" + name));
  }
  EXPECT_THAT(help, AllOf(HasSubstr("[identity]"), HasSubstr("[scoring]"),
                          HasSubstr("[selection]"), HasSubstr("(100ms)")));
}

TEST_F(OptionsTest, EachCommandHasAPageOfItsOwnOptions) {
  const auto help = [](const char* command) {
    return ParseCommand({command, "--help"}, {}, "1")->text;
  };
  for (const HelpPage& page : HelpPages()) {
    const std::string text = help(std::string(page.command).c_str());
    EXPECT_THAT(text,
                AllOf(HasSubstr("bench-runner " + std::string(page.command)),
                      HasSubstr("Exit codes: "), HasSubstr("Examples")));
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      EXPECT_LE(line.size(), 80u) << line;
    }
    for (const auto* names : {&page.without, &page.also}) {
      for (const absl::string_view name : *names) {
        EXPECT_NE(FindOption(name), nullptr) << name;
      }
    }
  }
  EXPECT_THAT(help("resume"),
              AllOf(HasSubstr("--workers"), Not(HasSubstr("--resume-from "))));
  EXPECT_THAT(help("rescore"),
              AllOf(HasSubstr("--extract-regex"), HasSubstr("--target-field"),
                    Not(HasSubstr("--max-cost"))));
  EXPECT_THAT(help("estimate"),
              AllOf(HasSubstr("--prices"), HasSubstr("--max-tokens"),
                    Not(HasSubstr("--output-dir"))));
}

TEST_F(OptionsTest, TheTableIsSound) {
  for (const OptionRow& row : OptionTable()) {
    EXPECT_EQ(FindOption(row.name), &row) << row.name;
    EXPECT_EQ(row.is_shorthand(), row.set == nullptr) << row.name;
    if (row.is_shorthand()) {
      EXPECT_NE(FindOption(row.sets_name), nullptr);
    }
  }
  for (const auto& [one, other] : ExclusiveTable()) {
    EXPECT_NE(FindOption(one), nullptr);
    EXPECT_NE(FindOption(other), nullptr);
  }
}

TEST_F(OptionsTest, TheConfigurationIsKeptWhole) {
  const auto config = nlohmann::json::parse(ConfigJson(Run("--seed 5")));
  EXPECT_EQ(config["seed"], "5");
  EXPECT_EQ(config["journal_dir"], "journals");
  EXPECT_EQ(config["quiet"], "false");
  EXPECT_FALSE(config.contains("results"));
}

TEST(OptionValues, Durations) {
  EXPECT_EQ(*ParseDuration("100ms"), absl::Milliseconds(100));
  EXPECT_EQ(*ParseDuration("1.5"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  for (const char* bad : {"", "x", "-1s", "inf", "nan", "1d", "-inf"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

TEST(OptionValues, AutoWorkersFollowWhatRemains) {
  EXPECT_EQ(AutoWorkers(0, 8), 1u);
  EXPECT_EQ(AutoWorkers(9, 8), 1u);
  EXPECT_EQ(AutoWorkers(10, 8), 2u);
  EXPECT_EQ(AutoWorkers(49, 8), 2u);
  EXPECT_EQ(AutoWorkers(50, 8), 8u);
  EXPECT_EQ(AutoWorkers(50, 0), 1u);
}

// ---------------------------------------------------------------------------
// What differs from an earlier session

std::vector<std::string> OverridesOf(const RunOptions& before,
                                     const RunOptions& now) {
  std::vector<std::string> texts;
  for (const ConfigOverride& each : FindOverrides(ConfigJson(before), now)) {
    texts.push_back(absl::StrCat(OverrideText(each), " (", each.source, ")"));
  }
  return texts;
}

TEST_F(OptionsTest, OperationThatDiffersIsAnOverride) {
  const RunOptions before = Run("--workers 8 --timeout 5s --backup-dir b");
  environment_["BENCH_RUNNER_SYNC"] = "each";
  EXPECT_THAT(
      OverridesOf(before, Run("--workers 4 --timeout 5s --rate-limit 2")),
      UnorderedElementsAre("rate-limit changed from (not set) to 2 "
                           "(command line)",
                           "workers changed from 8 to 4 (command line)",
                           "sync changed from batch to each (environment)",
                           "backup-dir changed from b to (not set) (default)"));
}

TEST_F(OptionsTest, OtherClassesAndSessionsAndSecretsAreNoOverrides) {
  EXPECT_THAT(OverridesOf(Run(""), Run("--seed 4 -n 3 --quiet --journal-dir j "
                                       "--retry-failed --extract last-line")),
              IsEmpty());
  const auto server = [&](const std::string& key) {
    const auto command = Parse(
        absl::StrCat("--dataset d --model m --scorer numeric --base-url u "
                     "--api-key ",
                     key));
    EXPECT_TRUE(command.ok()) << command.status();
    return command->run;
  };
  EXPECT_THAT(OverridesOf(server("one"), server("two")), IsEmpty());
}

TEST_F(OptionsTest, AnUnreadableConfigurationHasNoOverrides) {
  for (const char* config : {"", "[", "[]", "null"}) {
    EXPECT_THAT(FindOverrides(config, Run("--workers 3")), IsEmpty());
  }
  EXPECT_THAT(FindOverrides(R"({"dataset":"d.jsonl","workers":3})", Run("")),
              IsEmpty());
}

}  // namespace
}  // namespace runner
