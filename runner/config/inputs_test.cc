// JSON, hashes, words, datasets, fields and identities: what goes into a
// benchmark.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/line_reader.h"
#include "runner/base/shell_words.h"
#include "runner/base/text.h"
#include "runner/config/identity.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string Canonical(absl::string_view text) {
  const absl::StatusOr<std::string> result = CanonicalJson(text);
  return result.ok() ? *result : std::string(result.status().message());
}

TEST(Json, CanonicalFormForgetsSpacingAndOrder) {
  EXPECT_EQ(Canonical(R"( { "b" : [1, 2.0, 1e2], "a" : {} } )"),
            R"({"a":{},"b":[1,2,100]})");
  EXPECT_EQ(Canonical(R"({"a":1,"a":2})"), R"({"a":2})");
}

TEST(Json, CanonicalNumbersReadBackEqual) {
  EXPECT_EQ(
      Canonical("[0.1,-0.0,1e300,18446744073709551615,-5,0.30000000000000004]"),
      "[0.1,0,1e+300,18446744073709551615,-5,0.30000000000000004]");
}

TEST(Json, StringsKeepUnicodeAndEscapeControls) {
  EXPECT_EQ(Canonical(R"("\u00e9\u0001\"\\\/\n")"), "\"é\\u0001\\\"\\\\/\\n\"");
  EXPECT_EQ(JsonString("a\xff\xc0z"), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

TEST(Json, WrongTextIsAnErrorWithItsColumn) {
  EXPECT_THAT(Canonical(R"({"a": nope})"), HasSubstr("column 8"));
  EXPECT_THAT(Canonical("\"\xff\""), HasSubstr("column"));
  EXPECT_THAT(Canonical("1e999"), HasSubstr("overflow"));
  EXPECT_THAT(Canonical("[1] 2"), HasSubstr("column"));
  EXPECT_THAT(Canonical(""), HasSubstr("column 1"));
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(Canonical(nested(kJsonDepthMax)), nested(kJsonDepthMax));
  EXPECT_THAT(Canonical(nested(kJsonDepthMax + 1)), HasSubstr("deeper"));
  EXPECT_THAT(Canonical(std::string(1 << 20, '[')), HasSubstr("deeper"));
}

TEST(Json, PathsStepIntoObjectsAndArrays) {
  const nlohmann::json row = *ParseJson(R"({"a":{"b":[7,8]},"x.y":9})");
  EXPECT_EQ(RenderText(*FindPath(row, "a.b.1")), "8");
  EXPECT_EQ(RenderText(*FindPath(row, "x.y")), "9");
  EXPECT_EQ(FindPath(row, "a.b.2"), nullptr);
  EXPECT_EQ(FindPath(row, "a.b.1.c"), nullptr);
}

TEST(Hashing, KnownAnswers) {
  EXPECT_EQ(Sha256Hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Xxh3Hex(""), "2d06800538d394c2");
  EXPECT_EQ(Hex64(0xab), "00000000000000ab");
}

// Journals hold these seeds: they must never change.
TEST(Hashing, SeedsDependOnTheQuestionAndNothingElse) {
  const uint64_t seed = QuerySeed(0, 1, "q1", 0);
  EXPECT_EQ(seed, 707860153u);
  EXPECT_EQ(RunSeed(0, 1), 487834696u);
  EXPECT_NE(seed, QuerySeed(1, 1, "q1", 0));
  EXPECT_NE(seed, QuerySeed(0, 2, "q1", 0));
  EXPECT_NE(seed, QuerySeed(0, 1, "q2", 0));
  EXPECT_NE(seed, QuerySeed(0, 1, "q1", 1));
  EXPECT_LT(seed, kSeedLimit);
}

std::vector<std::string> Words(absl::string_view command) {
  const auto words = SplitShellWords(command);
  if (words.ok()) return *words;
  return {std::string(words.status().message())};
}

TEST(ShellWords, SplitAsAShellWould) {
  EXPECT_THAT(Words("python3  worker.py --x=1"),
              ElementsAre("python3", "worker.py", "--x=1"));
  EXPECT_THAT(Words(R"(sh -c 'a "b" | c' "d \"e\" \n" f\ g '')"),
              ElementsAre("sh", "-c", "a \"b\" | c", "d \"e\" \\n", "f g", ""));
  EXPECT_THAT(Words("a \\\n b$HOME*"), ElementsAre("a", "b$HOME*"));
}

TEST(ShellWords, WhatNoShellCouldReadIsAnError) {
  EXPECT_THAT(Words("a 'b"), ElementsAre(HasSubstr("unclosed '")));
  EXPECT_THAT(Words("a \"b"), ElementsAre(HasSubstr("unclosed \"")));
  EXPECT_THAT(Words("a \\"), ElementsAre(HasSubstr("backslash")));
  EXPECT_THAT(Words("  "), ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(Words("a | b"), ElementsAre(HasSubstr("sh -c")));
  EXPECT_THAT(Words(absl::string_view("a\0b", 3)),
              ElementsAre(HasSubstr("NUL")));
}

// A dataset file written by the test.
class DatasetTest : public ::testing::Test {
 protected:
  void Write(absl::string_view text) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~DatasetTest() override { unlink(path_.c_str()); }

  std::string Error(absl::string_view text, std::string id_field = "") {
    Write(text);
    const auto dataset = Dataset::Load(path_, {.id_field = id_field});
    return dataset.ok() ? "" : std::string(dataset.status().message());
  }
  std::unique_ptr<Dataset> Load(absl::string_view text) {
    Write(text);
    auto dataset = Dataset::Load(path_, {});
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return dataset.ok() ? *std::move(dataset) : nullptr;
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/set.v2.", getpid(), ".jsonl");
};

TEST_F(DatasetTest, ReadsRowsWithIdsOfAllKinds) {
  const auto set = Load(
      "\xEF\xBB\xBF{\"id\":\"q1\"}\r\n\n  \n{\"question_id\": 7}\n"
      "{\"task_id\":1.5,\"x\":1}\n{\"x\": 2}");
  ASSERT_EQ(set->size(), 4u);
  EXPECT_EQ(set->id(0), "q1");
  EXPECT_EQ(set->id(1), "7");
  EXPECT_EQ(set->id(2), "1.5");
  EXPECT_EQ(set->id(3), Xxh3Hex("{\"x\":2}"));
  EXPECT_EQ(*set->Row(0), "{\"id\":\"q1\"}");
  EXPECT_EQ(*set->Row(3), "{\"x\": 2}");
  EXPECT_THAT(set->name(), HasSubstr("set.v2."));
  EXPECT_THAT(set->name(), ::testing::Not(EndsWith(".jsonl")));
}

TEST_F(DatasetTest, BadLinesAreNamedBeforeAnythingRuns) {
  EXPECT_THAT(Error("{\"id\":1}\n\n{\"id\":}\n"),
              HasSubstr(absl::StrCat(path_, ":3: column 7")));
  EXPECT_THAT(Error("[{\"id\":1}]"), HasSubstr(":1: expected a JSON object"));
  EXPECT_THAT(Error("{\"id\":null}"), HasSubstr(":1: field `id`, the id, is"));
  EXPECT_THAT(Error("{\"id\":\"\"}"), HasSubstr("is empty"));
  EXPECT_THAT(Error("{\"x\":\"\xff\"}"), HasSubstr(":1: "));
  EXPECT_THAT(Error("{\"x\":1}", "k.l"), HasSubstr(":1: no field `k.l`"));
  EXPECT_THAT(Error("\n \n"), HasSubstr("has no rows"));
  EXPECT_THAT(Error("\x1f\x8b..."), HasSubstr("gzip"));
}

TEST_F(DatasetTest, AnErrorMovesNoCursor) {
  EXPECT_THAT(Error("{\"x\": \x1b[2J}"), ::testing::Not(HasSubstr("\x1b")));
}

TEST_F(DatasetTest, WhatIsNoFileIsAnError) {
  EXPECT_EQ(Dataset::Load("/nowhere/x", {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Dataset::Load("/dev/null", {}).status().message()),
              HasSubstr("not a regular file"));
}

TEST_F(DatasetTest, ALineHasALimit) {
  const std::string most(kLineBytesMax - 8, 'x');
  EXPECT_EQ(Error(absl::StrCat("{\"x\":\"", most, "\"}")), "");
  EXPECT_THAT(Error(absl::StrCat("{}\n{\"x\":\"", most, "y\"}\n")),
              HasSubstr(":2: line 2 is longer than 16777216 bytes"));
}

TEST_F(DatasetTest, OrderAndSpacingOfTheFileDoNotMatter) {
  const auto a =
      Load("{\"id\":1,\"q\":\"a\"}\n{\"id\":1,\"q\":\"b\"}\n{\"id\":2}");
  const std::string fingerprint = a->fingerprint();
  std::map<uint64_t, uint32_t> occurrences;
  for (size_t i = 0; i < 3; ++i) {
    occurrences[a->content_hash(i)] = a->occurrence(i);
  }
  const auto b =
      Load("{\"id\":2}\n{\"q\":\"b\", \"id\":1}\n{\"id\":1,\"q\":\"a\"}");
  EXPECT_EQ(b->fingerprint(), fingerprint);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(occurrences.at(b->content_hash(i)), b->occurrence(i));
  }
  EXPECT_NE(Load("{\"id\":1,\"q\":\"a\"}\n{\"id\":2}")->fingerprint(),
            fingerprint);
}

TEST_F(DatasetTest, EqualRowsAreCounted) {
  const auto set = Load("{\"x\":1}\n{\"x\":1}\n{\"x\":1}\n");
  EXPECT_EQ(set->id(0), set->id(2));
  EXPECT_EQ(set->occurrence(0), 0u);
  EXPECT_EQ(set->occurrence(1), 1u);
  EXPECT_EQ(set->occurrence(2), 2u);
}

TEST_F(DatasetTest, AChangeWhileInUseIsDetected) {
  const auto set = Load("{\"id\":1}\n{\"id\":2}\n");
  std::fstream(path_, std::ios::in | std::ios::out) << "{\"id\":5}";
  EXPECT_THAT(std::string(set->Row(0).status().message()),
              HasSubstr(":1: the file was changed"));
  EXPECT_TRUE(set->Row(1).ok());
  ASSERT_EQ(truncate(path_.c_str(), 12), 0);
  EXPECT_EQ(set->Row(1).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DatasetTest, LinesAcrossReadsStayWhole) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&text, "{\"id\":", i, ",\"x\":\"",
                    std::string(i % 700, 'x'), "\"}\n");
  }
  const auto set = Load(text);
  ASSERT_EQ(set->size(), 3000u);
  EXPECT_EQ(set->id(2999), "2999");
  EXPECT_THAT(*set->Row(2999), HasSubstr("{\"id\":2999,"));
}

RowFields Resolve(const FieldOptions& options, absl::string_view row,
                  absl::string_view model = "gpt-4.1") {
  const auto fields = Fields::Create(options, model, "");
  EXPECT_TRUE(fields.ok()) << fields.status();
  const auto resolved = fields->Resolve(row);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  return resolved.ok() ? *resolved : RowFields();
}

TEST(Fields, DefaultsTakeTheFirstThatIsThere) {
  const RowFields row =
      Resolve({}, R"({"question":"q","prompt":"p","answer":[1, 2]})");
  EXPECT_EQ(row.input, "p");
  EXPECT_EQ(row.target, "[1,2]");
  EXPECT_FALSE(row.has_response);
}

TEST(Fields, AModelsDotsSplitNothing) {
  const RowFields row = Resolve({.response_field = "{model}.solution"},
                                R"({"gpt-4.1":{"solution":"42"}})");
  EXPECT_EQ(row.response, "42");
}

TEST(Fields, ANullResponseIsThereButNoText) {
  const RowFields row = Resolve({.response_field = "r"}, R"({"r":null})");
  EXPECT_TRUE(row.has_response);
  EXPECT_EQ(row.response, absl::nullopt);
}

TEST(Fields, WhatIsAskedForAndMissingIsAnError) {
  const auto fields = Fields::Create({.target_field = "a.b"}, "m", "");
  EXPECT_THAT(std::string(fields->Resolve("{\"a\":1}").status().message()),
              HasSubstr("no field `a.b`, which --target-field asks for"));
  for (const char* path : {"{method}.x", "{modle}", "a..b"}) {
    EXPECT_FALSE(Fields::Create({.input_field = path}, "m", "").ok()) << path;
  }
}

TEST(Identity, OnlyWhatIsSetIsPartOfIt) {
  EXPECT_EQ(IdentityJson({.evaluator = "replay", .model = "m", .seed = 3}),
            R"({"evaluator":"replay","model":"m","seed":3})");
  EXPECT_EQ(ScoringJson({.extract = "last-line", .scorers = {"numeric"}}),
            R"({"extract":"last-line","scorer":["numeric"]})");
  EXPECT_EQ(SelectionJson({.runs = 2}), R"({"runs":2})");
}

TEST(Identity, DifferencesAreNamedKeyByKey) {
  const auto differences = DiffJson(R"({"a":1,"b":{"c":2,"d":3},"e":[1]})",
                                    R"({"a":1,"b":{"c":9},"e":[1],"f":0})");
  ASSERT_TRUE(differences.ok());
  ASSERT_EQ(differences->size(), 3u);
  EXPECT_EQ((*differences)[0].key, "b.c");
  EXPECT_EQ((*differences)[0].old_json, "2");
  EXPECT_EQ((*differences)[0].new_json, "9");
  EXPECT_EQ((*differences)[1].key, "b.d");
  EXPECT_EQ((*differences)[1].new_json, "");
  EXPECT_EQ((*differences)[2].key, "f");
}

TEST(Identity, BenchmarkIdsOmitWhatIsAbsent) {
  EXPECT_EQ(*BenchmarkId(kDefaultBenchmarkId, "d", "m", "x"), "d_m_x");
  EXPECT_EQ(*BenchmarkId(kDefaultBenchmarkId, "d", "m", ""), "d_m");
  EXPECT_EQ(*BenchmarkId(kDefaultBenchmarkId, "d", "", ""), "d");
  EXPECT_EQ(*BenchmarkId("{model}_run", "d", "", ""), "run");
  EXPECT_FALSE(BenchmarkId("{modell}", "d", "m", "").ok());
  EXPECT_FALSE(BenchmarkId("{model}", "d", "", "").ok());
}

TEST(Identity, RunIdsAreSafeFileNames) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);  // 2023-11-14
  const auto id = [&](absl::string_view dataset, absl::string_view model) {
    return RunId(start, absl::UTCTimeZone(), dataset, model, "",
                 "0123456789abcdef");
  };
  EXPECT_EQ(id("gsm8k", "org/m x.1"), "20231114_gsm8k_org_m_x.1_01234567");
  const std::string longest = id(std::string(500, 'd'), "m");
  EXPECT_EQ(longest.size(), kRunIdBytesMax);
  EXPECT_THAT(longest, EndsWith("_01234567"));
}

TEST(Identity, ATakenRunIdGetsASuffix) {
  const auto taken = [](const std::string& id) {
    return id == "r" || id == "r_2";
  };
  EXPECT_EQ(*FreeRunId("r", taken), "r_3");
  EXPECT_EQ(*FreeRunId("s", taken), "s");
  EXPECT_FALSE(FreeRunId("r", [](const std::string&) { return true; }).ok());
}

TEST(Text, OnlyValidUtf8IsASequence) {
  EXPECT_EQ(Utf8SequenceLength("\xE2\x82\xAC"), 3u);
  EXPECT_EQ(Utf8SequenceLength("\xF0\x9F\x98\x80"), 4u);
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                          "\xE2\x82", "\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_EQ(Utf8SequenceLength(bad), 0u);
  }
}

}  // namespace
}  // namespace runner
