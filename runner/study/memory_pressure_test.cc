#include "runner/study/memory_pressure.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

// The kernel's files, in a folder of our own.
class MemoryPressureTest : public testing::Test {
 protected:
  MemoryPressureTest() {
    std::string pattern = testing::TempDir() + "/pressure-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    sources_.group_directory = directory_;
    sources_.pressure_file = directory_ + "/memory.pressure";
  }
  ~MemoryPressureTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/new") << text << "\n";
    std::filesystem::rename(directory_ + "/new", directory_ + "/" + name);
  }
  void HoldMiB(uint64_t current, uint64_t inactive_file = 0) {
    Write("memory.current", absl::StrCat(current << 20));
    Write("memory.stat", absl::StrCat("anon 7\ninactive_file ",
                                      inactive_file << 20, "\nslab 3"));
  }
  void Events(int high, int max) {
    Write("memory.events",
          absl::StrCat("low 0\nhigh ", high, "\nmax ", max, "\noom 0"));
  }
  void Stall(const std::string& percent) {
    Write("memory.pressure", absl::StrCat("some avg10=", percent,
                                          " avg60=0.00 avg300=0.00 total=9\n"
                                          "full avg10=0.00"));
  }

  std::string directory_;
  PressureSources sources_;
};

TEST_F(MemoryPressureTest, NothingToLookAtIsNoWatch) {
  EXPECT_FALSE(PressureReader(sources_).usable());
  EXPECT_FALSE(PressureReader({}).usable());
  EXPECT_EQ(MemoryPressureWatch::Start({sources_}, [](const auto&) {}),
            nullptr);
}

TEST_F(MemoryPressureTest, WhatIsHeldCountsAgainstTheNearestLimit) {
  Write("memory.max", absl::StrCat(1000 << 20));
  Write("memory.high", "max");
  HoldMiB(940);
  PressureReader reader(sources_);
  EXPECT_TRUE(reader.usable());
  EXPECT_FALSE(reader.Look().has_value());
  HoldMiB(960);
  EXPECT_EQ(reader.Look().value(),
            "96% of the control group's limit is in use");
  Write("memory.high", absl::StrCat(2000 << 20));
  EXPECT_TRUE(reader.Look().has_value());
  HoldMiB(960, /*inactive_file=*/100);
  EXPECT_FALSE(reader.Look().has_value());
}

TEST_F(MemoryPressureTest, ALimitThatWasComeToIsPressureOnce) {
  Events(3, 4);
  PressureReader reader(sources_);
  EXPECT_FALSE(reader.Look().has_value()) << "that was before";
  Events(3, 5);
  EXPECT_EQ(reader.Look().value(), "the control group came to its limit");
  EXPECT_FALSE(reader.Look().has_value());
}

TEST_F(MemoryPressureTest, DroppedCachesAreNone) {
  Write("memory.max", absl::StrCat(1000 << 20));
  HoldMiB(1000, /*inactive_file=*/400);
  Events(0, 0);
  PressureReader reader(sources_);
  Events(0, 9);
  EXPECT_FALSE(reader.Look().has_value());
}

TEST_F(MemoryPressureTest, StallIs) {
  Stall("14.99");
  PressureReader reader(sources_);
  EXPECT_FALSE(reader.Look().has_value());
  Stall("15.00");
  EXPECT_EQ(reader.Look().value(), "15% of the time something waits for it");
}

TEST_F(MemoryPressureTest, OddFilesAreNone) {
  for (const char* odd : {"", "max", "-1", "some avg10=x", "\n\n", "nan"}) {
    for (const char* name : {"memory.current", "memory.max", "memory.high",
                             "memory.events", "memory.pressure"}) {
      Write(name, odd);
    }
    PressureReader reader(sources_);
    EXPECT_FALSE(reader.Look().has_value()) << odd;
  }
}

TEST_F(MemoryPressureTest, TheWatchTellsAgainWhileItLasts) {
  Stall("0.00");
  absl::Notification once, twice;
  int told = 0;
  const auto watch = MemoryPressureWatch::Start(
      {sources_, absl::Milliseconds(5), absl::Milliseconds(10)},
      [&](const std::string&) {
        if (++told == 1) once.Notify();
        if (told == 2) twice.Notify();
      });
  ASSERT_NE(watch, nullptr);
  EXPECT_FALSE(once.HasBeenNotified());
  Stall("40.00");
  EXPECT_TRUE(twice.WaitForNotificationWithTimeout(kPatience));
}

// Whatever this machine has: found, read, and watched without an error.
TEST(MemoryPressure, ThisProcesssSourcesAreRead) {
  const PressureSources sources = PressureSources::OfThisProcess();
  PressureReader reader(sources);
  reader.Look();
  const auto watch =
      MemoryPressureWatch::Start({sources}, [](const std::string&) {});
  EXPECT_EQ(watch != nullptr, reader.usable());
}

}  // namespace
}  // namespace runner
