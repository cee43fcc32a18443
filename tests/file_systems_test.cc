// The engine on the file systems that it names, each on a disk of its own:
// lives, rotation, a full disk that is emptied under a living writer, a
// read-only mount.
//
//   BENCH_JOURNAL_NO_LOOP_DEVICES=1   leaves out those that need loop devices
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "tests/mounted_disk.h"

namespace journal {
namespace {

namespace fs = std::filesystem;

using ::runner::EnterMountNamespace;
using ::runner::MountedDisk;
using ::testing::HasSubstr;

constexpr uint64_t kSegmentBytes = 128 << 10;
constexpr uint64_t kDiskBytes = 48 << 20;
// XFS makes none that is smaller.
constexpr uint64_t kXfsBytes = 320 << 20;
// A full disk must be felt after so many records.
constexpr int kRecordsUntilFullMax = 5000;

struct Kind {
  std::string name;
  std::string traits;  // Name in FileSystemTraits.
  std::string mkfs;    // "" where no image is needed.
  std::string options;

  friend void PrintTo(const Kind& kind, std::ostream* out) {
    *out << kind.name;
  }
};

class FileSystemsTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    const Kind& kind = GetParam();
    if (!kind.mkfs.empty() &&
        getenv("BENCH_JOURNAL_NO_LOOP_DEVICES") != nullptr) {
      GTEST_SKIP() << "BENCH_JOURNAL_NO_LOOP_DEVICES is set";
    }
    ASSERT_EQ(EnterMountNamespace(), "");
    std::string place = absl::StrCat(::testing::TempDir(), "/disk_XXXXXX");
    ASSERT_NE(mkdtemp(place.data()), nullptr);
    place_ = place;
    const std::string path = place_ + "/mnt";
    if (kind.mkfs.empty()) {
      disk_ = MountedDisk::Tmpfs(path, kDiskBytes);
    } else {
      disk_ = MountedDisk::Image(path, kind.mkfs, kind.options,
                                 kind.traits == "xfs" ? kXfsBytes : kDiskBytes);
    }
    ASSERT_TRUE(disk_->IsMounted());
    if (kind.traits == "overlayfs") {
      below_ = std::move(disk_);
      disk_ = MountedDisk::Overlay(place_ + "/over", below_->path());
      ASSERT_TRUE(disk_->IsMounted());
    }
    directory_ = disk_->path() + "/journal";
    options_.segment_bytes_min = options_.segment_bytes_max = kSegmentBytes;
    options_.sync_mode = SyncMode::kBatch;
  }
  ~FileSystemsTest() override {
    disk_.reset();
    below_.reset();
    std::error_code ignored;
    if (!place_.empty()) fs::remove_all(place_, ignored);
  }

  std::unique_ptr<Writer> Open() {
    auto writer = Writer::Open(directory_, options_);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }
  static std::string Body(int number) {
    return absl::StrCat(number, ":",
                        std::string(number * 97 % 4000, 'a' + number % 26));
  }
  // The next record.
  absl::Status Append(Writer& writer) {
    const std::string body = Body(records_ + 1);
    const auto lsn = writer.Append({.type = 1, .body = body});
    if (lsn.ok()) ++records_;
    return lsn.status();
  }
  void Append(Writer& writer, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(Append(writer), absl::OkStatus());
    }
  }
  // Fills the disk and appends until it is felt.
  void AppendUntilFull(Writer& writer) {
    disk_->Fill();
    absl::Status status;
    for (int i = 0; status.ok() && i < kRecordsUntilFullMax; ++i) {
      status = Append(writer);
    }
    EXPECT_EQ(KindOf(status), ErrorKind::kNoSpace) << status;
  }
  // Exactly what was appended is there, and the journal is whole.
  RecoveryReport ExpectAll() {
    int number = 0;
    const auto report = Examine(directory_, {}, [&](const Record& record) {
      EXPECT_EQ(record.body, Body(++number));
    });
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return RecoveryReport();
    EXPECT_EQ(StatusOf(*report), absl::OkStatus());
    EXPECT_EQ(number, records_);
    return *report;
  }

  std::string place_, directory_;
  std::unique_ptr<MountedDisk> below_, disk_;
  WriterOptions options_;
  int records_ = 0;
};

TEST_P(FileSystemsTest, ItsNameAndWhatItPromises) {
  const auto traits = FileSystem::Posix()->Traits(disk_->path());
  ASSERT_TRUE(traits.ok()) << traits.status();
  printf("file system: %s: \"%s\", %s\n", GetParam().name.c_str(),
         traits->name.c_str(),
         traits->overwrites_in_place ? "overwrites in place"
                                     : "does not overwrite in place");
  EXPECT_EQ(traits->name, GetParam().traits);
  EXPECT_TRUE(traits->overwrites_in_place);
}

TEST_P(FileSystemsTest, LivesThatRotateCloseAndGoOn) {
  for (const SyncMode mode :
       {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    options_.sync_mode = mode;
    const auto writer = Open();
    ASSERT_NE(writer, nullptr);
    EXPECT_EQ(writer->recovery_report().records,
              static_cast<uint64_t>(records_));
    Append(*writer, 150);
    ASSERT_EQ(writer->Close(), absl::OkStatus());
    EXPECT_TRUE(ExpectAll().closed);
  }
  EXPECT_GE(ExpectAll().segments.size(), 6u) << "never rotated";
}

TEST_P(FileSystemsTest, AFullDiskLosesNothingAndTheSameWriterGoesOn) {
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  Append(*writer, 50);
  for (int times = 0; times < 2; ++times) {
    AppendUntilFull(*writer);
    EXPECT_EQ(KindOf(Append(*writer)), ErrorKind::kNoSpace);
    EXPECT_EQ(writer->Sync(), absl::OkStatus());
    ExpectAll();
    disk_->Free();
    Append(*writer, 150);
  }
  EXPECT_EQ(writer->Close(), absl::OkStatus());
  EXPECT_TRUE(ExpectAll().closed);
}

TEST_P(FileSystemsTest, AFullDiskHasRoomToCloseAndIsNotOpened) {
  auto writer = Open();
  ASSERT_NE(writer, nullptr);
  AppendUntilFull(*writer);
  EXPECT_EQ(writer->Close(), absl::OkStatus());
  EXPECT_TRUE(ExpectAll().closed);
  // Close has trimmed: what that gave back, too.
  disk_->Free();
  disk_->Fill();
  const absl::Status refused = Writer::Open(directory_, options_).status();
  EXPECT_EQ(KindOf(refused), ErrorKind::kNoSpace) << refused;
  ExpectAll();
  disk_->Free();
  writer = Open();
  ASSERT_NE(writer, nullptr);
  Append(*writer, 10);
  EXPECT_EQ(writer->Close(), absl::OkStatus());
  ExpectAll();
}

TEST_P(FileSystemsTest, AReadOnlyMountIsReadAndRefusesWriters) {
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  Append(*writer, 20);
  ASSERT_EQ(writer->Close(), absl::OkStatus());
  disk_->MakeReadOnly();
  ExpectAll();
  const absl::Status refused = Writer::Open(directory_, options_).status();
  EXPECT_EQ(KindOf(refused), ErrorKind::kIo);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("Read-only file system"));
}

INSTANTIATE_TEST_SUITE_P(
    On, FileSystemsTest,
    ::testing::Values(
        Kind{"Ext4", "ext4", "mkfs.ext4 -q", ""},
        Kind{"Ext4WithoutJournal", "ext4", "mkfs.ext4 -q -O ^has_journal", ""},
        Kind{"Ext4DataJournaled", "ext4", "mkfs.ext4 -q", ",data=journal"},
        Kind{"Xfs", "xfs", "mkfs.xfs -q", ""}, Kind{"Tmpfs", "tmpfs", "", ""},
        Kind{"OverlayOnExt4", "overlayfs", "mkfs.ext4 -q", ""}),
    [](const ::testing::TestParamInfo<Kind>& info) { return info.param.name; });

}  // namespace
}  // namespace journal
