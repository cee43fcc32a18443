#include "runner/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "runner/config/command.h"
#include "runner/config/yaml_tree.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() : path_(absl::StrCat(::testing::TempDir(), "/c.yaml")) {}

  void Write(absl::string_view text) {
    std::ofstream(path_, std::ios::trunc | std::ios::binary) << text;
  }
  ConfigFile Read(absl::string_view text, bool ignore_unknown = false) {
    Write(text);
    absl::StatusOr<ConfigFile> file = ReadConfigFile(path_, ignore_unknown);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : ConfigFile();
  }
  std::string Error(absl::string_view text) {
    Write(text);
    const absl::Status status = ReadConfigFile(path_, false).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }
  std::string Value(absl::string_view text, const std::string& option) {
    const ConfigFile file = Read(text);
    const auto found = file.options.find(option);
    return found == file.options.end() ? "-" : found->second.value;
  }
  // With a dataset and an evaluator, as `bench-runner run -c` reads it.
  absl::StatusOr<Command> Parse(absl::string_view text,
                                std::vector<std::string> args = {},
                                Environment environment = {}) {
    Write(text);
    std::vector<std::string> all = {"run",       "-c",       path_,
                                    "--dataset", "d",        "--response-field",
                                    "r",         "--scorer", "numeric"};
    all.insert(all.end(), args.begin(), args.end());
    return ParseCommand(all, environment, "1");
  }

  const std::string path_;
};

TEST_F(ConfigFileTest, KeysAreOptionsWithUnderscores) {
  EXPECT_EQ(Value("num_samples: 12", "num-samples"), "12");
  EXPECT_EQ(Value("models: [a, b]", "models"), "a,b");
  EXPECT_EQ(Value("quiet: yes", "quiet"), "yes");
  EXPECT_EQ(Value("sync_interval: 250ms", "sync-interval"), "250ms");
  EXPECT_EQ(Value("runs: null", "runs"), "-");
  EXPECT_EQ(Value("no_progress_bar: true", "progress-bar"), "false");
  EXPECT_EQ(Value("no_progress_bar: false", "progress-bar"), "-");
}

TEST_F(ConfigFileTest, JsonIsRead) {
  EXPECT_EQ(Value("{\"runs\": 3,\n \"seed\": 7}", "seed"), "7");
}

TEST_F(ConfigFileTest, AValueSaysWhereItStands) {
  const ConfigFile file = Read("# comment\n\nruns: 3\n");
  EXPECT_EQ(file.options.at("runs").given_as, absl::StrCat(path_, ":3: runs"));
}

TEST_F(ConfigFileTest, NearerSourcesWin) {
  const auto command = Parse("runs: 3\nseed: 4\nworkers: 5", {"--runs", "9"},
                             {{"BENCH_RUNNER_SEED", "8"}});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->run.runs, 9u);
  EXPECT_EQ(command->run.seed, 8u);
  EXPECT_EQ(command->run.workers, 5u);
}

TEST_F(ConfigFileTest, AWrongValueIsNamedWithItsLine) {
  const auto command = Parse("seed: 1\nruns: many");
  EXPECT_THAT(command.status().message(),
              AllOf(HasSubstr("c.yaml:2: runs"), HasSubstr("`many`")));
}

TEST_F(ConfigFileTest, UnknownKeysSuggestTheNearest) {
  EXPECT_THAT(Error("runs: 1\nnum_sample: 3"),
              AllOf(HasSubstr(":2:"), HasSubstr("did you mean `num_samples`")));
  EXPECT_THAT(Error("processing:\n  enable_resum: true"),
              AllOf(HasSubstr(":2:"),
                    HasSubstr("did you mean `processing.enable_resume`")));
  EXPECT_THAT(Error("proccessing:\n  enable_resume: true"),
              HasSubstr("did you mean `processing`"));
  EXPECT_THAT(Error("llm_models: x"), HasSubstr("--ignore-unknown-config"));
}

TEST_F(ConfigFileTest, UnknownKeysCanBePassedOver) {
  const ConfigFile file = Read("llm_models: [x]\nruns: 2", true);
  EXPECT_EQ(file.options.at("runs").value, "2");
  EXPECT_THAT(file.notes, ElementsAre(HasSubstr("llm_models")));
  // The file may say so itself, and a section may bear an option's name.
  const ConfigFile other = Read(
      "model: {generator_settings: {x: 1}}\nprocessing:\n"
      "ignore_unknown_config: true\n");
  EXPECT_THAT(other.notes, ElementsAre(HasSubstr("model")));
  EXPECT_THAT(Error("model: {generator_settings: 1}"),
              HasSubstr("not a mapping"));
}

TEST_F(ConfigFileTest, KeysOfAFlatSystem) {
  const ConfigFile file =
      Read("checkpoint_dir: cp\ncheckpoint_interval: 10\nnum_runs: 5\n");
  EXPECT_EQ(file.options.at("journal-dir").value, "cp");
  EXPECT_EQ(file.options.at("checkpoint-interval").value, "10");
  EXPECT_EQ(file.options.at("runs").value, "5");
}

TEST_F(ConfigFileTest, KeysInSections) {
  const ConfigFile file = Read(
      "processing: {enable_resume: true}\n"
      "parallel:\n"
      "  checkpoint_interval: 7\n"
      "  checkpoint_on_batch_complete: true\n"
      "  checkpoint_on_error: false\n"
      "paths:\n"
      "  checkpoint_file: cp/run.checkpoint.json\n"
      "  checkpoint_backup_dir: backups\n"
      "max_checkpoint_backups: 3\n"
      "checkpoint_system:\n"
      "  compression: true\n"
      "  encryption: false\n"
      "  validation_on_save: false\n"
      "  auto_cleanup_old: true\n"
      "  backup_interval: 100\n"
      "  recovery_mode: automatic\n");
  EXPECT_EQ(file.options.at("checkpoint-interval").value, "7");
  EXPECT_EQ(file.options.at("checkpoint-on-batch-complete").value, "true");
  EXPECT_EQ(file.options.at("journal-dir").value, "cp");
  EXPECT_EQ(file.options.at("backup-dir").value, "backups");
  EXPECT_EQ(file.options.at("keep-snapshots").value, "3");
  EXPECT_EQ(file.options.at("backup-interval").value, "100");
  EXPECT_THAT(file.notes,
              ElementsAre(HasSubstr("always on"), HasSubstr("folder"),
                          HasSubstr("always on"), HasSubstr("keep_snapshots")));
  EXPECT_FALSE(file.needs_key);
}

TEST_F(ConfigFileTest, KeysOfAnEvaluationScript) {
  const ConfigFile file = Read(
      "processing:\n"
      "  enable_checkpointing: true\n"
      "  checkpoint_interval: 50\n"
      "  checkpoint_directory: checkpoints\n"
      "  resume_from_checkpoint: null\n"
      "  auto_resume: false\n"
      "  progress_bar: false\n"
      "  save_incremental: true\n"
      "  parallel_workers: 4\n");
  EXPECT_EQ(file.options.at("journal-dir").value, "checkpoints");
  EXPECT_EQ(file.options.at("resume").value, "false");
  EXPECT_EQ(file.options.at("progress-bar").value, "false");
  EXPECT_EQ(file.options.at("sync").value, "each");
  EXPECT_EQ(file.options.at("workers").value, "4");
  EXPECT_EQ(file.options.count("resume-from"), 0u);
}

TEST_F(ConfigFileTest, EachWayToSwitchTheJournalOff) {
  for (const absl::string_view text :
       {"checkpoint_interval: 0", "disable_checkpointing: true",
        "enable_checkpointing: false", "processing: {enable_resume: false}",
        "enable_checkpointing: false\ncheckpoint_interval: 50",
        "processing: {save_incremental: true, enable_checkpointing: false}"}) {
    EXPECT_EQ(Value(text, "checkpoint-interval"), "0") << text;
  }
}

TEST_F(ConfigFileTest, ResumeFromACheckpointIsAPathOrASwitch) {
  EXPECT_EQ(Value("resume_from_checkpoint: journals/x", "resume-from"),
            "journals/x");
  EXPECT_EQ(Value("resume_from_checkpoint: true", "resume"), "true");
}

TEST_F(ConfigFileTest, EncryptionNeedsAKey) {
  EXPECT_TRUE(Read("checkpoint_system: {encryption: true}").needs_key);
}

TEST_F(ConfigFileTest, AnUnknownRecoveryModeIsRefusedWithTheWayOut) {
  EXPECT_THAT(Error("checkpoint_system: {recovery_mode: manual}"),
              AllOf(HasSubstr("manual"), HasSubstr("journalctl-bench repair")));
}

TEST_F(ConfigFileTest, MethodsAreSetsOfIdentityOptions) {
  const auto command = Parse(
      "input_field: q\n"
      "methods:\n"
      "  direct:\n"
      "  cot: {input_field: cot_question}\n");
  ASSERT_TRUE(command.ok()) << command.status();
  ASSERT_EQ(command->methods.size(), 2u);
  EXPECT_EQ(command->methods[0].name, "direct");
  EXPECT_EQ(command->methods[0].run.fields.input_field, "q");
  EXPECT_EQ(command->methods[1].run.method, "cot");
  EXPECT_EQ(command->methods[1].run.fields.input_field, "cot_question");
}

TEST_F(ConfigFileTest, AllMethodsAreThoseOfTheFile) {
  const std::string file = "methods:\n  direct:\n  cot: {seed: 3}\n";
  const auto command = Parse(file, {"--methods", "all"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_THAT(command->run.methods, ElementsAre("direct", "cot"));
  EXPECT_THAT(Parse(file, {"--method", "cott"}).status().message(),
              HasSubstr("did you mean `cot`"));
  EXPECT_THAT(Parse("runs: 1", {"--methods", "all"}).status().message(),
              HasSubstr("defines `methods`"));
  EXPECT_TRUE(Parse("runs: 1", {"--methods", "a,b"}).ok());
}

TEST_F(ConfigFileTest, AMethodHasNoOtherOptions) {
  EXPECT_THAT(Error("methods: {cot: {id_field: x}}"), HasSubstr("the study"));
  EXPECT_THAT(Error("methods: {cot: {workers: 3}}"),
              HasSubstr("only identity options"));
}

TEST_F(ConfigFileTest, WhatIsGivenTwiceIsNoChoice) {
  EXPECT_THAT(Error("runs: 1\nruns: 2"), HasSubstr("twice"));
  EXPECT_THAT(Error("checkpoint_dir: a\njournal_dir: b"),
              HasSubstr("contradict"));
}

TEST_F(ConfigFileTest, WhatIsNoMappingIsRefused) {
  EXPECT_THAT(Error("- a\n- b"), HasSubstr("mapping"));
  EXPECT_THAT(Error("a: [b"), HasSubstr("c.yaml:"));
  EXPECT_THAT(Error("runs: {a: 1}"), HasSubstr("one value"));
  EXPECT_THAT(Read("").options, IsEmpty());
  EXPECT_FALSE(ReadConfigFile("/nonexistent/c.yaml", false).ok());
}

TEST(YamlTreeTest, AnAliasBombIsBounded) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [");
    for (int k = 0; k < 10; ++k) absl::StrAppend(&text, "*a", i - 1, ",");
    absl::StrAppend(&text, "x]\n");
  }
  EXPECT_THAT(ParseYaml(text, "bomb").status().message(), HasSubstr("more"));
}

TEST(YamlTreeTest, ALongTextThatIsRepeatedIsBounded) {
  std::string text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 20; ++i) text += "*a,";
  EXPECT_THAT(ParseYaml(text + "]", "bomb").status().message(),
              HasSubstr("bytes of text"));
}

TEST(YamlTreeTest, WhatTheLibrarySaysIsPrintable) {
  EXPECT_THAT(ParseYaml("\"a\\\x07\"", "bell").status().message(),
              Not(HasSubstr("\x07")));
}

TEST(YamlTreeTest, DepthIsBounded) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(ParseYaml(deep, "deep").status().message(), HasSubstr("deeper"));
  EXPECT_FALSE(ParseYaml(std::string(100'000, '['), "deep").ok());
}

TEST(YamlTreeTest, AnAliasOfItselfIsBounded) {
  EXPECT_FALSE(ParseYaml("&a [*a]", "ring").ok());
}

}  // namespace
}  // namespace runner
