#include "runner/config/prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/config/run_limits.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string WhyNot(const std::string& text) {
  const absl::StatusOr<Prices> prices = Prices::Parse(text, "p.yaml");
  if (prices.ok()) return "";
  EXPECT_EQ(prices.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(prices.status().message());
}

Usage Used(uint64_t prompt, uint64_t cached, uint64_t completion) {
  return {.prompt_tokens = prompt,
          .completion_tokens = completion,
          .cached_tokens = cached,
          .metered = true};
}

TEST(Prices, YamlAndJsonAreTheSame) {
  for (const char* text :
       {"org/m-1.5:\n  input: 2\n  cached_input: 0.5\n  output: 8\nfree: "
        "{input: 0, output: 0}\n",
        R"({"org/m-1.5": {"input": 2, "cached_input": 0.5, "output": 8},
            "free": {"input": 0, "output": 0}})"}) {
    const absl::StatusOr<Prices> prices = Prices::Parse(text, "p");
    ASSERT_TRUE(prices.ok()) << prices.status();
    ASSERT_TRUE(prices->Find("org/m-1.5").has_value());
    EXPECT_EQ(prices->Find("org/m-1.5")->output, 8);
    EXPECT_EQ(prices->Find("org/m-1.5")->cached_input, 0.5);
    EXPECT_EQ(prices->Find("free")->cached_input, absl::nullopt);
    EXPECT_EQ(prices->Find("org/m"), absl::nullopt);
  }
}

TEST(Prices, CachedTokensHaveTheirOwnPriceOrThatOfTheRest) {
  const ModelPrice price = {2, 0.5, 8};
  EXPECT_DOUBLE_EQ(*CostOf(price, Used(1'000'000, 0, 0)), 2);
  EXPECT_DOUBLE_EQ(*CostOf(price, Used(1'000'000, 400'000, 0)), 1.4);
  EXPECT_DOUBLE_EQ(*CostOf({2, {}, 8}, Used(1'000'000, 400'000, 0)), 2);
  EXPECT_DOUBLE_EQ(*CostOf(price, Used(0, 0, 500'000)), 4);
  // More cached tokens than there are.
  EXPECT_DOUBLE_EQ(*CostOf(price, Used(1'000'000, ~uint64_t{0}, 0)), 0.5);
}

TEST(Prices, WhatIsNotMeteredIsNotFree) {
  EXPECT_EQ(CostOf({2, 0.5, 8}, {}), absl::nullopt);
  EXPECT_EQ(CostOf({0, {}, 0}, Used(5, 0, 5)), 0);
}

TEST(Prices, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_THAT(WhyNot("m:\n  input: 1\n  outputs: 2\n"),
              AllOf(StartsWith("p.yaml:3: "), HasSubstr("outputs"),
                    HasSubstr("did you mean `output`?")));
  EXPECT_THAT(WhyNot("m: {input: 1}"), HasSubstr("no price `output`"));
  EXPECT_THAT(WhyNot("m: {output: 1}"), HasSubstr("no price `input`"));
  EXPECT_THAT(WhyNot("m: 5"), HasSubstr("{input, cached_input, output}"));
  EXPECT_THAT(WhyNot("m: {input: 1, output: 1}\nm: {input: 1, output: 1}"),
              HasSubstr("twice"));
  EXPECT_THAT(WhyNot("\"\": {input: 1, output: 1}"),
              HasSubstr("without a model"));
}

TEST(Prices, OnlyNumbersThatArePricesAreTaken) {
  for (const char* price : {"-1", "-0.5", "nan", ".nan", "NaN", "inf", ".inf",
                            "1e7", "1e400", "x", "''", "~", "[1]", "{a: 1}"}) {
    EXPECT_THAT(WhyNot(absl::StrCat("m: {input: ", price, ", output: 1}")),
                HasSubstr("`input` needs dollars"))
        << price;
  }
  EXPECT_EQ(WhyNot("m: {input: 1e-3, output: 1000000}"), "");
}

TEST(Prices, AFileThatHoldsNoneIsAMistake) {
  for (const char* text : {"", "{}", "[]", "- m", "5", "~", "m", "\0"}) {
    EXPECT_THAT(WhyNot(text), HasSubstr("not a mapping of models")) << text;
  }
  EXPECT_NE(WhyNot("m: {input: 1"), "");
  EXPECT_NE(WhyNot(std::string(100000, '[')), "");
  EXPECT_NE(WhyNot("a: &a {input: *a, output: 1}"), "");
  EXPECT_FALSE(Prices::Read("/nowhere/prices.yaml").ok());
  EXPECT_FALSE(Prices::Read("/").ok());
}

TEST(RunLimits, FailuresAreACountOrAShare) {
  EXPECT_EQ(ParseMaxFailures("20")->count, 20u);
  EXPECT_EQ(ParseMaxFailures("20")->percent, 0);
  EXPECT_EQ(ParseMaxFailures("2.5%")->percent, 2.5);
  EXPECT_EQ(ParseMaxFailures("100%")->count, 0u);
  for (const char* text :
       {"", "0", "-1", "%", "0%", "-5%", "101%", "nan%", "1.5", "5%%", "x"}) {
    EXPECT_FALSE(ParseMaxFailures(text).ok()) << text;
  }
}

TEST(RunLimits, CostIsAnAmountOfDollars) {
  EXPECT_EQ(*ParseMaxCost("1.5"), 1.5);
  EXPECT_EQ(*ParseMaxCost("$20"), 20);
  for (const char* text :
       {"", "$", "0", "-1", "nan", "inf", "1e300", "5 EUR"}) {
    EXPECT_FALSE(ParseMaxCost(text).ok()) << text;
  }
}

}  // namespace
}  // namespace runner
