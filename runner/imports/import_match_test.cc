// Imported results and the rows that they are about.
#include "runner/imports/import_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ImportedResult Result(const std::string& id, const std::string& question = "",
                      bool failed = false) {
  ImportedResult result;
  result.id = id;
  result.question = question;
  result.output = "out";
  if (failed) result.error.emplace();
  return result;
}

ImportedResult Numbered(int number, const std::string& question = "") {
  ImportedResult result = Result(absl::StrCat(number), question);
  result.id_is_number = true;
  return result;
}

class ImportMatchTest : public testing::Test {
 protected:
  ~ImportMatchTest() override { unlink(path_.c_str()); }

  // Rows as JSON objects.
  void Rows(const std::vector<std::string>& rows) {
    std::ofstream file(path_);
    for (const std::string& row : rows) file << row << "\n";
    file.close();
    auto dataset = Dataset::Load(path_, {});
    ASSERT_TRUE(dataset.ok()) << dataset.status();
    dataset_ = *std::move(dataset);
  }

  void Match(std::vector<ImportedResult> results) {
    file_.results = std::move(results);
    const absl::StatusOr<Fields> fields = Fields::Create({}, "", "");
    ASSERT_TRUE(fields.ok());
    auto match = MatchImport(file_, *dataset_, *fields, options_);
    ASSERT_TRUE(match.ok()) << match.status();
    match_ = *std::move(match);
  }

  // "run.row=place in the file", in order.
  std::vector<std::string> Placed() const {
    std::vector<std::string> placed;
    for (const PlacedResult& each : match_.placed) {
      placed.push_back(absl::StrCat(each.result->run, ".", each.row, "=",
                                    each.result - file_.results.data()));
    }
    return placed;
  }

  const std::string path_ =
      absl::StrCat(testing::TempDir(), "/import_match.jsonl");
  std::unique_ptr<Dataset> dataset_;
  ImportedFile file_;
  ImportMatchOptions options_;
  ImportMatch match_;
};

TEST_F(ImportMatchTest, ByIdThenByQuestionThenByPosition) {
  Rows({R"({"id": "a", "input": "x"})", R"({"id": "b", "input": "y"})",
        R"({"id": "c", "input": "z"})"});
  Match({Result("b", "z"), Result("", "x"), Numbered(2)});
  EXPECT_THAT(Placed(), ElementsAre("1.0=1", "1.1=0"));
  EXPECT_THAT(match_.unmatched, SizeIs(1));
  options_.index_base = 0;
  Match({Result("b", "z"), Result("", "x"), Numbered(2)});
  EXPECT_THAT(Placed(), ElementsAre("1.0=1", "1.1=0", "1.2=2"));
  EXPECT_THAT(match_.unmatched, IsEmpty());
  Match({Numbered(3), Result("9999999999999999999999"), Result("")});
  EXPECT_THAT(match_.unmatched, SizeIs(3));
  options_.index_base = 1;
  Match({Numbered(3), Numbered(0)});
  EXPECT_THAT(Placed(), ElementsAre("1.2=0"));
  EXPECT_THAT(match_.unmatched, SizeIs(1));
}

TEST_F(ImportMatchTest, NumbersThatContradictTheQuestionsAreNoIds) {
  Rows({R"({"id": 0, "input": "x"})", R"({"id": 1, "input": "y"})",
        R"({"id": 2, "input": "z"})"});
  Match({Numbered(1, "y"), Numbered(2)});
  EXPECT_THAT(Placed(), ElementsAre("1.1=0", "1.2=1"));
  // Counted from 1: the second would be taken for the row with that id.
  Match({Numbered(1, "x"), Numbered(2)});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0"));
  EXPECT_THAT(match_.unmatched, SizeIs(1));
  options_.index_base = 1;
  Match({Numbered(1, "x"), Numbered(2)});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0", "1.1=1"));
}

TEST_F(ImportMatchTest, AMistypedIdIsNoOtherRow) {
  Rows({R"({"id": "a", "input": "x"})", R"({"id": "b", "input": "y"})"});
  Match({Result("a", "x"), Result("bb", "y")});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0"));
  EXPECT_THAT(match_.unmatched, ElementsAre(&file_.results[1]));
  // Ids of another kind altogether.
  Match({Result("s1", "y"), Result("s2", "x")});
  EXPECT_THAT(Placed(), ElementsAre("1.0=1", "1.1=0"));
}

TEST_F(ImportMatchTest, ATextOfSeveralRowsIsMatchedOnlyAsAWhole) {
  Rows({R"({"id": "a", "input": "x"})", R"({"id": "b", "input": "x"})",
        R"({"id": "c", "input": "z"})"});
  Match({Result("", "x"), Result("", "x"), Result("", "z")});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0", "1.1=1", "1.2=2"));
  Match({Result("", "x"), Result("", "z")});
  EXPECT_THAT(Placed(), ElementsAre("1.2=1"));
  EXPECT_EQ(match_.ambiguous, 1u);
  Match({Result("", "x"), Result("", "x"), Result("", "x")});
  EXPECT_EQ(match_.ambiguous, 3u);
  Match({Result("", "x"), Result("b", "x")});
  EXPECT_THAT(Placed(), ElementsAre("1.1=1"));
  EXPECT_EQ(match_.ambiguous, 1u);
  options_.index_base = 1;
  Match({Numbered(2, "x"), Numbered(1, "z")});
  EXPECT_THAT(Placed(), ElementsAre("1.1=0", "1.2=1"));
}

TEST_F(ImportMatchTest, AnOccurrenceIsOfTheId) {
  Rows({R"({"id": "a", "input": "x"})", R"({"id": "b", "input": "x"})"});
  ImportedResult first = Result("", "x");
  first.occurrence = 1;
  ImportedResult second = Result("", "x");
  second.occurrence = 1;
  Match({first, second});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0", "1.1=1"));
}

TEST_F(ImportMatchTest, ManyRowsOfOneTextAreJudgedAtOnce) {
  constexpr int kMany = 5000;
  std::vector<std::string> rows = {R"({"id": 7, "input": "x"})"};
  std::vector<ImportedResult> results;
  // What agrees is one of many rows with the id, and of many with the text.
  for (int i = 0; i < kMany; ++i) {
    rows.push_back(absl::StrCat(R"({"id": 7, "input": "y", "n": )", i, "}"));
    rows.push_back(absl::StrCat(R"({"id": 8, "input": "x", "n": )", i, "}"));
    results.push_back(Numbered(7, "x"));
  }
  Rows(rows);
  Match(results);
  EXPECT_THAT(match_.placed, SizeIs(kMany));
}

TEST_F(ImportMatchTest, RowsOfEqualIdAreTakenInOrder) {
  Rows({R"({"id": "a", "input": "x"})", R"({"id": "a", "input": "y"})"});
  const uint32_t first = dataset_->occurrence(0) == 0 ? 0 : 1;
  Match({Result("a"), Result("a")});
  EXPECT_THAT(Placed(), ElementsAre(absl::StrCat("1.0=", first),
                                    absl::StrCat("1.1=", 1 - first)));
  ImportedResult second = Result("a");
  second.occurrence = 1;
  ImportedResult third = Result("a");
  third.occurrence = 2;
  Match({second, third});
  EXPECT_THAT(Placed(), ElementsAre(absl::StrCat("1.", 1 - first, "=0")));
  EXPECT_THAT(match_.unmatched, SizeIs(1));
}

TEST_F(ImportMatchTest, TheLastThatDidNotFailCounts) {
  Rows({R"({"id": "a"})", R"({"id": "b"})"});
  Match(
      {Result("a", "", true), Result("a"), Result("a", "", true), Result("b")});
  EXPECT_THAT(Placed(), ElementsAre("1.0=1", "1.1=3"));
  EXPECT_EQ(match_.replaced, 2u);
}

TEST_F(ImportMatchTest, RunsAndShardsAreKeptApart) {
  Rows(
      {R"({"id": "a"})", R"({"id": "b"})", R"({"id": "c"})", R"({"id": "d"})"});
  ImportedResult later = Result("a");
  later.run = 2;
  Match({Result("a"), later});
  EXPECT_THAT(Placed(), ElementsAre("1.0=0"));
  EXPECT_THAT(match_.beyond, SizeIs(1));
  options_.runs = 2;
  Match({later, Result("a")});
  EXPECT_THAT(Placed(), ElementsAre("1.0=1", "2.0=0"));

  size_t placed = 0;
  for (uint32_t i = 1; i <= 2; ++i) {
    options_.shard = {i, 2};
    Match({Result("a"), Result("b"), Result("c"), Result("d")});
    placed += match_.placed.size();
    EXPECT_EQ(match_.placed.size() + match_.other_shards, 4u);
    EXPECT_THAT(match_.unmatched, IsEmpty());
  }
  EXPECT_EQ(placed, 4u);
}

}  // namespace
}  // namespace runner
