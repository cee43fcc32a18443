#include "runner/display/log_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class LogFileTest : public testing::Test {
 protected:
  LogFile::Complaint Complaint() {
    return [this](absl::string_view message) {
      complaints_.emplace_back(message);
    };
  }
  std::vector<std::string> complaints_;
};

TEST_F(LogFileTest, LinesBearTheFullDate) {
  const absl::Time time = absl::FromUnixSeconds(1763739022);
  EXPECT_EQ(LogLines("one\nt\033wo", time, absl::UTCTimeZone()),
            "2025-11-21 15:30:22 one\n2025-11-21 15:30:22 t\\x1bwo\n");
}

TEST_F(LogFileTest, WhatWasThereStays) {
  const std::string path = testing::TempDir() + "/appended.log";
  std::ofstream(path) << "before\n";
  LogFile(path, Complaint()).Append("one\n");
  LogFile(path, Complaint()).Append("two\n");
  EXPECT_EQ(ReadFile(path), "before\none\ntwo\n");
  EXPECT_THAT(complaints_, IsEmpty());
}

TEST_F(LogFileTest, AnErrorIsToldOnce) {
  LogFile absent(testing::TempDir() + "/no/such/directory", Complaint());
  absent.Append("one\n");
  LogFile full("/dev/full", Complaint());
  full.Append("one\n");
  full.Append("two\n");
  EXPECT_THAT(complaints_,
              ElementsAre(HasSubstr("No such file or directory; nothing more"),
                          HasSubstr("/dev/full: No space left on device")));
}

}  // namespace
}  // namespace runner
