#include "journal/writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/testing/child_process.h"

namespace journal {
namespace {

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() : directory_(absl::StrCat(::testing::TempDir(), "/journal")) {
    std::system(absl::StrCat("rm -rf ", directory_).c_str());
  }

  void Open(const WriterOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<Writer>> writer =
        Writer::Open(directory_, options);
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
  }
  Lsn Append(absl::string_view body) {
    RecordView record;
    record.type = 1;
    record.body = body;
    absl::StatusOr<Lsn> lsn = writer_->Append(record);
    EXPECT_TRUE(lsn.ok()) << lsn.status();
    return lsn.ok() ? *lsn : 0;
  }
  void Close() { EXPECT_TRUE(writer_->Close().ok()); }
  std::vector<std::string> ReadAll() {
    std::vector<std::string> bodies;
    absl::StatusOr<RecoveryReport> report = Examine(
        directory_, {},
        [&](const Record& record) { bodies.emplace_back(record.body); });
    EXPECT_TRUE(report.ok()) << report.status();
    if (report.ok()) {
      report_ = *report;
      EXPECT_EQ(report->outcome, FindingKind::kCleanEnd) << StatusOf(*report);
    }
    return bodies;
  }

  const std::string directory_;
  std::unique_ptr<Writer> writer_;
  RecoveryReport report_;
};

using Bodies = std::vector<std::string>;

TEST_F(WriterTest, WhatIsAppendedIsReadBackInOrder) {
  Open();
  Append("one");
  Append("");
  Append(std::string(100000, 'x'));
  Close();
  EXPECT_EQ(ReadAll(), (Bodies{"one", "", std::string(100000, 'x')}));
  EXPECT_TRUE(report_.closed);
  EXPECT_EQ(report_.watermark + 1, report_.last_lsn);
}

TEST_F(WriterTest, ReopeningGoesOnInANewSegment) {
  Open();
  Append("first life");
  Close();
  Open();
  Append("second life");
  Close();
  EXPECT_EQ(ReadAll(), (Bodies{"first life", "second life"}));
  EXPECT_EQ(report_.segments.size(), 2);
}

TEST_F(WriterTest, ReopensOftenWithoutAFolder) {
  for (int life = 0; life < 6; ++life) {
    Open();
    Append("life");
    Close();
  }
  EXPECT_EQ(ReadAll(), Bodies(6, "life"));
}

TEST_F(WriterTest, RotatesThroughManySegments) {
  WriterOptions options;
  options.segment_bytes_min = 64 << 10;
  options.segment_bytes_max = 128 << 10;
  options.sync_mode = SyncMode::kNone;
  Open(options);
  Bodies expected;
  for (int i = 0; i < 2000; ++i) {
    expected.push_back(absl::StrCat(i, std::string(i % 1000, 'r')));
    Append(expected.back());
  }
  Close();
  EXPECT_EQ(ReadAll(), expected);
  EXPECT_GT(report_.segments.size(), 5);
}

TEST_F(WriterTest, ManyThreadsAppendAtOnce) {
  for (SyncMode mode : {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    WriterOptions options;
    options.sync_mode = mode;
    Open(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([this] {
        for (int i = 0; i < 100; ++i) Append(std::string(i, 't'));
      });
    }
    for (std::thread& thread : threads) thread.join();
    Close();
  }
  EXPECT_EQ(ReadAll().size(), 3 * 8 * 100);
}

TEST_F(WriterTest, AForkedChildThatExitsHarmsNothing) {
  Open();
  Append("before");
  EXPECT_TRUE(Succeeded(Fork([] { return true; })));
  Append("after");
  Close();
  EXPECT_EQ(ReadAll(), (Bodies{"before", "after"}));
}

TEST_F(WriterTest, AnExecedChildKeepsNeitherLockNorFiles) {
  Open();
  Append("before");
  Pipe executing, lifetime;
  const pid_t child = ExecUntilEndOf(lifetime);
  executing.CloseWriter();
  ASSERT_TRUE(executing.AwaitEnd());
  const std::string journal = std::filesystem::canonical(directory_).string();
  for (const auto& entry : std::filesystem::directory_iterator(
           absl::StrCat("/proc/", child, "/fd"))) {
    const std::string target = std::filesystem::read_symlink(entry).string();
    EXPECT_FALSE(absl::StartsWith(target, journal)) << target;
  }
  Close();
  Open();
  Close();
  lifetime.CloseWriter();
  EXPECT_TRUE(Succeeded(child));
}

TEST_F(WriterTest, ASecondWriterIsRefused) {
  Open();
  absl::StatusOr<std::unique_ptr<Writer>> second = Writer::Open(directory_, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(KindOf(second.status()), ErrorKind::kLocked);
}

TEST_F(WriterTest, ReaderFollowsAcrossRotation) {
  Open();
  Append("a");
  auto reader = Reader::Open(directory_, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ReadResult next = (*reader)->Next();
  EXPECT_EQ(next.record.body, "a");
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kEnd);
  Append("b");
  next = (*reader)->Next();
  EXPECT_EQ(next.record.body, "b");
  EXPECT_EQ((*reader)->ReadAt(next.record.position).record.body, "b");
  Close();
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kEnd);
  Open();
  Append("c");
  next = (*reader)->Next();
  EXPECT_EQ(next.record.body, "c");
}

}  // namespace
}  // namespace journal
