// Runs whose journal is encrypted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kQuestions = 40;
constexpr char kVariable[] = "BENCH_JOURNAL_KEY";

class EncryptedRunTest : public testing::Test {
 protected:
  EncryptedRunTest() {
    unsetenv(kVariable);
    place_.WriteDataset(kQuestions);
    place_.Write("key", absl::StrCat(key_, "\n"));
    place_.Write("other_key", journal::NewKeyHex());
  }
  ~EncryptedRunTest() override { unsetenv(kVariable); }

  void ExpectRefused(const std::vector<std::string>& more,
                     const std::string& text) {
    const size_t calls = place_.Calls().size();
    EXPECT_EQ(place_.Run(more), 2);
    EXPECT_THAT(place_.err(), AllOf(HasSubstr(text), Not(HasSubstr(key_))));
    EXPECT_THAT(place_.Calls(), SizeIs(calls)) << "something was asked";
  }

  // Whether any file below journals/ holds it.
  bool JournalsHold(const std::string& text) {
    namespace fs = std::filesystem;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(place_.Path("journals"))) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (absl::StrContains(bytes, text)) return true;
    }
    return false;
  }

  const std::string key_ = journal::NewKeyHex();
  Workplace place_;
};

TEST_F(EncryptedRunTest, IsKilledAndGoesOnWithTheSameResults) {
  Workplace plain;
  plain.WriteDataset(kQuestions);
  ASSERT_EQ(plain.Run(), 0) << plain.err();

  place_.options["encryption-key-file"] = "key";
  place_.worker_flags.push_back("--hold=10:go");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(10, runner));
  EXPECT_TRUE(runner.Kill9());
  place_.Write("go", "");
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), plain.ResultsWithoutTiming());
  // Once more: nothing is left, and the answers are read back.
  const size_t calls = place_.Calls().size();
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(calls));
  EXPECT_EQ(place_.ResultsWithoutTiming(), plain.ResultsWithoutTiming());
  EXPECT_FALSE(JournalsHold("questions.jsonl"));
  EXPECT_FALSE(JournalsHold(key_.substr(0, 16)));
}

TEST_F(EncryptedRunTest, NeedsItsKey) {
  ASSERT_EQ(place_.Run({"--encryption-key-file", "key"}), 0) << place_.err();
  ExpectRefused({}, "no key is given");
  ExpectRefused({}, "--encryption-key-file");
  ExpectRefused({"--encryption-key-file", "other_key"}, "the key given is");
  ExpectRefused({"--encryption-key-file", "nowhere"}, "nowhere: No such file");
  ExpectRefused({"--encryption-key-file", "questions.jsonl"}, "not hold a key");
  setenv(kVariable, key_.substr(1).c_str(), 1);
  ExpectRefused({}, kVariable);
}

TEST_F(EncryptedRunTest, APlainJournalIsNotGoneOnWithAKey) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_TRUE(JournalsHold("questions.jsonl"));
  ExpectRefused({"--encryption-key-file", "key"}, "is not encrypted");
}

TEST_F(EncryptedRunTest, TheKeyOfTheEnvironmentDoesNotReachWorkers) {
  place_.Write("spy", "env >worker.env\nexec ./worker\n");
  place_.options["worker-command"] = "sh spy";
  setenv(kVariable, key_.c_str(), 1);
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Read("worker.env"),
              AllOf(HasSubstr("PATH="), Not(HasSubstr(key_))));
  EXPECT_FALSE(JournalsHold("questions.jsonl"));
}

}  // namespace
}  // namespace runner
