// JSON, hashes, words and identities: what a benchmark is told apart by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/shell_words.h"
#include "runner/base/text.h"
#include "runner/config/identity.h"

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

TEST(Json, EveryByteIsEscapedWhereverItStands) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string special(1, static_cast<char>(byte));
    const std::string escaped = JsonString(special);
    for (size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      std::string expected = '"' + text + '"';
      text.replace(at, 1, special);
      expected.replace(at + 1, 1, escaped.substr(1, escaped.size() - 2));
      EXPECT_EQ(JsonString(text), expected) << byte;
    }
  }
  EXPECT_EQ(JsonString("\x1f \x7f"), "\"\\u001f \x7f\"");
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

TEST(Identity, OnlyWhatIsSetIsPartOfIt) {
  EXPECT_EQ(IdentityJson({.evaluator = "replay", .model = "m", .seed = 3}),
            R"({"evaluator":"replay","model":"m","seed":3})");
  EXPECT_EQ(ScoringJson({.extract = "last-line", .scorers = {"numeric"}}),
            R"({"extract":"last-line","scorer":["numeric"]})");
  EXPECT_EQ(ScoringJson({.scorers = {"worker"}, .scorer_command = "./judge"}),
            R"({"scorer":["worker"],"scorer_command":"./judge"})");
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
