// The golden journals of every release: what this one reads in them is what
// was written. A difference here means that journals of users are not read any
// more: mend the program, never the golden file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "journal/journal.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/record_codec.h"
#include "tests/golden_text.h"

namespace runner {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kGolden[] = "tests/golden/";
constexpr uint16_t kFirstType = 1;
constexpr uint16_t kLastType = 17;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// Whether `now` says all that `then` said: a later release may add fields.
bool Holds(const Json& then, const Json& now) {
  if (then.is_object()) {
    if (!now.is_object()) return false;
    for (const auto& [key, value] : then.items()) {
      if (!now.contains(key) || !Holds(value, now[key])) return false;
    }
    return true;
  }
  if (then.is_array()) {
    if (!now.is_array() || then.size() != now.size()) return false;
    for (size_t i = 0; i < then.size(); ++i) {
      if (!Holds(then[i], now[i])) return false;
    }
    return true;
  }
  return then == now;
}

// A copy of a golden journal, which a test may write to.
class Golden : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/golden_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  ~Golden() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  std::string Copy(const std::string& name) {
    const std::string copy = root_ + "/" + name;
    fs::create_directory(copy);
    for (const auto& entry : fs::directory_iterator(kGolden + name)) {
      // Not a link to it, and not read-only as in Bazel's tree.
      const std::string to = copy + "/" + entry.path().filename().string();
      std::ofstream(to, std::ios::binary) << Read(entry.path().string());
    }
    return copy;
  }

  std::string Unpack(const std::string& name) {
    const std::string command =
        absl::StrCat("tar -xzf ", kGolden, name, ".tar.gz -C ", root_);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return root_ + "/" + name;
  }

  static std::string Expected(const std::string& file) {
    return Read(kGolden + file);
  }

  std::string root_;
};

TEST_F(Golden, EngineJournalIsReadAsWritten) {
  EXPECT_EQ(JournalText(Copy("v1_engine")), Expected("v1_engine.txt"));
}

TEST_F(Golden, SnapshotsAreReadAsWritten) {
  EXPECT_EQ(JournalText(Copy("v1_snapshot")), Expected("v1_snapshot.txt"));
}

TEST_F(Golden, EncryptedJournalsAreReadAsWritten) {
  const auto key = GoldenKey();
  EXPECT_EQ(JournalText(Copy("v1_encrypted"), key.get()),
            Expected("v1_encrypted.txt"));
}

TEST_F(Golden, EngineJournalIsReadFromAnyLsnAndAtAnyPosition) {
  const std::string directory = Copy("v1_engine");
  auto all = journal::Reader::Open(directory, {});
  auto at = journal::Reader::Open(directory, {});
  ASSERT_TRUE(all.ok() && at.ok());
  for (;;) {
    const journal::ReadResult next = (*all)->Next();
    if (next.outcome != journal::ReadOutcome::kRecord) break;
    journal::ReaderOptions options;
    options.start_lsn = next.record.lsn;
    auto from = journal::Reader::Open(directory, options);
    ASSERT_TRUE(from.ok());
    EXPECT_EQ((*from)->Next().record.body, next.record.body);
    EXPECT_EQ((*at)->ReadAt(next.record.position).record.body,
              next.record.body);
  }
}

TEST_F(Golden, EngineJournalIsWrittenOn) {
  const std::string directory = Copy("v1_engine");
  const size_t before = Lines(JournalText(directory)).size();
  auto writer = journal::Writer::Open(directory, {});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append({.type = 7, .body = "today"}).ok());
  ASSERT_EQ((*writer)->Close(), absl::OkStatus());
  // A segment and a record more.
  EXPECT_EQ(Lines(JournalText(directory)).size(), before + 2);
}

TEST_F(Golden, TornTailIsSeenAndCut) {
  const std::string directory = Unpack("v1_torn");
  EXPECT_EQ(JournalText(directory), Expected("v1_torn.txt"));
  auto writer = journal::Writer::Open(directory, {});
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ((*writer)->recovery_report().outcome,
            journal::FindingKind::kTornTail);
  ASSERT_TRUE((*writer)->Append({.type = 4, .body = "after the cut"}).ok());
  ASSERT_EQ((*writer)->Close(), absl::OkStatus());
  EXPECT_EQ(JournalText(directory), Expected("v1_recovered.txt"));
}

TEST_F(Golden, CutTailIsKeptBesideItsSegment) {
  const std::string directory = Copy("v1_recovered");
  EXPECT_EQ(JournalText(directory), Expected("v1_recovered.txt"));
  const std::string kept = Read(directory + "/0000000001.seg.torn");
  EXPECT_EQ(kept.substr(kept.size() - 150), std::string(150, 't'));
}

TEST_F(Golden, StateIsRestoredAndSaysWhatTheRecordsSay) {
  const std::string directory = Unpack("v1_state");
  EXPECT_EQ(JournalText(directory), Expected("v1_state.txt"));
  CountingFolder quick, full;
  journal::ExamineOptions options;
  options.folder = &full;
  ASSERT_TRUE(journal::Examine(directory, options).ok());
  options.folder = &quick;
  options.full = false;
  const auto report = journal::Examine(directory, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(quick.restored());
  EXPECT_FALSE(full.restored());
  EXPECT_GT(report->state_lsn, 0u);
  EXPECT_EQ(quick.Save(), full.Save());
}

TEST_F(Golden, BenchmarkIsReadAsWritten) {
  const std::string directory = Copy("v1_benchmark");
  EXPECT_EQ(JournalText(directory), Expected("v1_benchmark.txt"));
  EXPECT_EQ(BenchmarkText(directory), Expected("v1_benchmark.results.txt"));
}

TEST_F(Golden, BenchmarkHasEveryRecordTypeAndNoFieldOfItIsLost) {
  const std::vector<std::string> now = Lines(RecordsText(Copy("v1_benchmark")));
  const std::vector<std::string> then = Lines(Expected("v1_benchmark.jsonl"));
  ASSERT_EQ(now.size(), then.size());
  std::set<std::string> types;
  for (size_t i = 0; i < then.size(); ++i) {
    const Json expected = Json::parse(then[i]);
    EXPECT_TRUE(Holds(expected, Json::parse(now[i])))
        << "then " << then[i] << "\nnow  " << now[i];
    types.insert(expected["type"].get<std::string>());
  }
  for (uint16_t type = kFirstType; type <= kLastType; ++type) {
    EXPECT_EQ(types.count(RecordTypeName(type)), 1u) << RecordTypeName(type);
  }
}

TEST_F(Golden, BenchmarkIsResumedAsComplete) {
  const std::string directory = Copy("v1_benchmark");
  auto resumed = BenchmarkJournal::Resume(directory, {});
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_TRUE((*resumed)->complete());
  EXPECT_EQ((*resumed)->warnings(), std::vector<std::string>());
  EXPECT_EQ((*resumed)->info().model, "m");
  EXPECT_EQ((*resumed)->totals().in_doubt, 1u);
}

}  // namespace
}  // namespace runner
