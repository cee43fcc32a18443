// What the tests of journalctl-bench share: a directory with a journal, and
// the commands in this process or as a program.
#ifndef TOOLS_JOURNALCTL_BENCH_FIXTURE_H_
#define TOOLS_JOURNALCTL_BENCH_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "re2/re2.h"
#include "tools/journalctl_bench.h"
#include "tools/testing/journal_builder.h"

namespace inspector {

inline constexpr char kFirstSegment[] = "/0000000001.seg";

class JournalctlBenchTest : public ::testing::Test {
 protected:
  JournalctlBenchTest()
      : root_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())),
        journal_(root_ + "/R") {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }

  // Runs a command; what it prints is in out_ and err_.
  int Run(const std::vector<std::string>& args) {
    std::ostringstream out;
    std::ostringstream err;
    Context context{out, err, style_, [this](absl::Duration) {
                      if (while_waiting_.empty()) return false;
                      while_waiting_.front()();
                      while_waiting_.pop_front();
                      return true;
                    }};
    const int exit_code = RunJournalctlBench(args, context);
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines = absl::StrSplit(out_, '\n');
    if (lines.back().empty()) lines.pop_back();
    return lines;
  }

  // Column `column` of what show printed.
  std::vector<std::string> Column(size_t column) const {
    std::vector<std::string> cells;
    for (const std::string& line : Lines()) {
      const std::vector<std::string> row = absl::StrSplit(line, '\t');
      cells.push_back(row.at(column));
    }
    return cells;
  }

  // Where the frame of an LSN lies in the first segment.
  uint64_t OffsetOf(journal::Lsn lsn) {
    EXPECT_EQ(Run({"dump", journal_, "--no-hex"}), 0) << err_;
    uint64_t offset = 0;
    EXPECT_TRUE(RE2::PartialMatch(
        out_, absl::StrCat(R"(frame (\d+): LSN )", lsn, ","), &offset))
        << out_;
    return offset;
  }
  // Where what was written of the first segment ends.
  uint64_t EndOffset() {
    uint64_t offset = 0;
    EXPECT_EQ(Run({"dump", journal_, "--no-hex"}), 0) << err_;
    EXPECT_TRUE(RE2::PartialMatch(out_, R"(zero (\d+)\.\.)", &offset)) << out_;
    return offset;
  }

  std::string segment() const { return journal_ + kFirstSegment; }

  // A closed journal of three finished queries; q1's answer is LSN answer_.
  void WriteFinished() {
    JournalBuilder builder(journal_, 3);
    builder.Finish(0);
    builder.Start(1);
    answer_ = builder.Answer(1);
    builder.Score(1);
    builder.Finish(2);
    builder.Complete();
    builder.Close();
  }
  void DamageAnswer() { FlipBit(segment(), OffsetOf(answer_) + 60); }

  nlohmann::json Json() const { return nlohmann::json::parse(out_); }

  const std::string root_;
  const std::string journal_;
  Style style_;
  std::deque<std::function<void()>> while_waiting_;
  std::string out_;
  std::string err_;
  journal::Lsn answer_ = 0;
};

class ProgramTest : public JournalctlBenchTest {
 protected:
  int RunProgram(const std::string& arguments) {
    const std::string command =
        absl::StrCat("tools/journalctl-bench ", arguments, " > ", root_,
                     "/out 2> ", root_, "/err");
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

}  // namespace inspector

#endif  // TOOLS_JOURNALCTL_BENCH_FIXTURE_H_
