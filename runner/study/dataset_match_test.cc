#include "runner/study/dataset_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DatasetMatchTest : public ::testing::Test {
 protected:
  std::unique_ptr<Dataset> Load(const std::vector<std::string>& lines) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/rows.jsonl");
    {
      std::ofstream file(path, std::ios::trunc);
      for (const std::string& line : lines) file << line << "\n";
    }
    absl::StatusOr<std::unique_ptr<Dataset>> dataset = Dataset::Load(path, {});
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return *std::move(dataset);
  }
  std::vector<RowInfo> Journal(const std::vector<std::string>& lines) {
    const std::unique_ptr<Dataset> dataset = Load(lines);
    std::vector<RowInfo> rows;
    for (size_t i = 0; i < dataset->size(); ++i) {
      rows.push_back(RowAt(*dataset, i));
    }
    return rows;
  }
};

constexpr char kA[] = R"({"id":"a","input":"1"})";
constexpr char kB[] = R"({"id":"b","input":"2"})";
constexpr char kC[] = R"({"id":"c","input":"3"})";
constexpr char kBChanged[] = R"({"id":"b","input":"20"})";

TEST_F(DatasetMatchTest, TheSameRowsKeepTheirPlaces) {
  const RowMatch match = MatchDataset(*Load({kA, kB}), Journal({kA, kB}));
  EXPECT_THAT(match.index_of_row, ElementsAre(0, 1));
  EXPECT_THAT(match.added, IsEmpty());
  EXPECT_THAT(match.differences, IsEmpty());
}

TEST_F(DatasetMatchTest, OrderDoesNotMatter) {
  const RowMatch match =
      MatchDataset(*Load({kC, kA, kB}), Journal({kA, kB, kC}));
  EXPECT_THAT(match.index_of_row, ElementsAre(2, 0, 1));
  EXPECT_THAT(match.differences, IsEmpty());
}

TEST_F(DatasetMatchTest, NewRowsContinueTheJournalsList) {
  const RowMatch match = MatchDataset(*Load({kC, kA, kB}), Journal({kA, kB}));
  EXPECT_THAT(match.index_of_row, ElementsAre(2, 0, 1));
  ASSERT_EQ(match.added.size(), 1);
  EXPECT_EQ(match.added[0].id, "c");
}

TEST_F(DatasetMatchTest, ChangedAndRemovedRowsAreNamed) {
  const RowMatch match =
      MatchDataset(*Load({kA, kBChanged}), Journal({kA, kB, kC}));
  ASSERT_EQ(match.differences.size(), 2);
  EXPECT_EQ(match.differences[0].id, "b");
  EXPECT_FALSE(match.differences[0].removed);
  EXPECT_EQ(match.differences[1].id, "c");
  EXPECT_TRUE(match.differences[1].removed);
}

TEST_F(DatasetMatchTest, DuplicatesAreRowsOfTheirOwn) {
  const RowMatch match = MatchDataset(*Load({kA, kA, kA}), Journal({kA, kA}));
  EXPECT_THAT(match.index_of_row, ElementsAre(0, 1, 2));
  ASSERT_EQ(match.added.size(), 1);
  EXPECT_EQ(match.added[0].occurrence, 2);
}

}  // namespace
}  // namespace runner
