#include "runner/study/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Dollars a token.
const ModelPrice kPrice = {2e6, 1e6, 3e6};

EstimateInputs Fresh(uint64_t calls, uint64_t bytes) {
  EstimateInputs inputs;
  inputs.calls = calls;
  inputs.prompt_bytes = bytes;
  return inputs;
}

TEST(Estimate, WithoutAJournalByBytesAndByTheLongestAnswer) {
  EstimateInputs inputs = Fresh(10, 401);
  inputs.max_tokens = 7;
  inputs.price = kPrice;
  const Estimate estimate = MakeEstimate(inputs);
  EXPECT_EQ(estimate.prompt_tokens.value, 101);
  EXPECT_EQ(estimate.prompt_tokens.basis, kFromBytes);
  EXPECT_EQ(estimate.completion_tokens.value, 70);
  EXPECT_EQ(estimate.completion_tokens.basis, kFromMaxTokens);
  EXPECT_EQ(estimate.cost.value, 101 * 2 + 70 * 3);
}

TEST(Estimate, WithAJournalByWhatItsCallsUsed) {
  EstimateInputs inputs = Fresh(10, 401);
  inputs.max_tokens = 1000;
  inputs.price = kPrice;
  inputs.totals.metered = 4;
  inputs.totals.prompt_tokens = 20;
  inputs.totals.completion_tokens = 6;
  const Estimate estimate = MakeEstimate(inputs);
  EXPECT_EQ(estimate.prompt_tokens.value, 50);
  EXPECT_EQ(estimate.completion_tokens.value, 15);
  EXPECT_EQ(estimate.completion_tokens.basis, kFromJournal);
  EXPECT_EQ(estimate.cost.value, 145);
}

TEST(Estimate, WhatNobodyCanTellIsUnknownNotZero) {
  const Estimate estimate = MakeEstimate(Fresh(10, 400));
  EXPECT_EQ(estimate.completion_tokens.value, absl::nullopt);
  EXPECT_EQ(estimate.cost.value, absl::nullopt);
  EXPECT_EQ(MakeEstimate(Fresh(0, 0)).cost.value, 0);
}

TEST(Estimate, WithoutAPriceByWhatAnswersCost) {
  EstimateInputs inputs = Fresh(10, 400);
  inputs.totals.cost = 6;
  inputs.totals.unpriced = 1;
  inputs.answered = 4;
  EXPECT_EQ(MakeEstimate(inputs).cost.value, 20);
  EXPECT_EQ(MakeEstimate(inputs).cost.basis, kFromJournal);
  inputs.totals.unpriced = 4;
  EXPECT_EQ(MakeEstimate(inputs).cost.value, absl::nullopt);
}

EstimateRow Row(const std::string& label, absl::optional<double> cost) {
  EstimateRow row;
  row.label = label;
  row.done = 5;
  row.spent = 0.5;
  row.estimate.calls = 1234;
  row.estimate.prompt_tokens = {10, kFromBytes};
  row.estimate.completion_tokens = {20, kFromMaxTokens};
  row.estimate.cost = {cost, cost.has_value() ? kFromPrices : ""};
  return row;
}

TEST(Estimate, TheTableHasATotalAndSaysWhatItIsMadeOf) {
  const std::string table = EstimateTable({Row("a", 1.5), Row("b\x1b", 2)});
  EXPECT_THAT(table,
              AllOf(HasSubstr("benchmark"), HasSubstr("1,234"),
                    HasSubstr("total"), HasSubstr("2,468"), HasSubstr("$3.50"),
                    HasSubstr("4 bytes"), HasSubstr("--max-tokens"),
                    Not(HasSubstr("?:")), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(EstimateTable({Row("a", 1.5)}), Not(HasSubstr("total")));
}

TEST(Estimate, AnUnknownPartMakesTheWholeUnknown) {
  const std::vector<EstimateRow> rows = {Row("a", 1.5), Row("b", {})};
  EXPECT_EQ(TotalOf(rows).estimate.cost.value, absl::nullopt);
  EXPECT_EQ(TotalOf(rows).estimate.calls, 2468u);
  EXPECT_THAT(EstimateTable(rows), HasSubstr("?: nobody can tell"));
}

TEST(Estimate, AModelWithoutAPriceIsNamed) {
  EstimateRow row = Row("b", {});
  row.model = "m2";
  row.prices_without_it = "prices.yaml";
  EXPECT_THAT(EstimateTable({Row("a", 1.5), row}),
              AllOf(HasSubstr("?: prices.yaml has no price for m2.\n"),
                    Not(HasSubstr("nobody"))));
  row.estimate.completion_tokens = {};
  EXPECT_THAT(EstimateTable({row}), HasSubstr("give --max-tokens, or run"));
}

TEST(Estimate, WhatARunWouldSayIsSaid) {
  EstimateRow row = Row("b", 1.5);
  row.remark = "journals/R differs";
  row.exit_code = 13;
  EXPECT_THAT(EstimateTable({row}),
              HasSubstr("\nb: a run would not start (exit 13); its figures are "
                        "those of a new journal\njournals/R differs\n"));
}

TEST(Estimate, LinesAreForPrograms) {
  std::istringstream lines(EstimateLines({Row("a", 1.5), Row("b", {})}));
  std::vector<nlohmann::json> events;
  for (std::string line; std::getline(lines, line);) {
    events.push_back(nlohmann::json::parse(line));
  }
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["event"], "estimate");
  EXPECT_EQ(events[0]["cost"], 1.5);
  EXPECT_EQ(events[0]["prompt_tokens_from"], "bytes/4");
  EXPECT_EQ(events[1]["cost"], nullptr);
  EXPECT_EQ(events[2]["event"], "estimate_total");
  EXPECT_EQ(events[2]["spent"], 1);
}

}  // namespace
}  // namespace runner
