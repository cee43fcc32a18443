// Cases by name that need the machine's own system calls. named_cases_test.cc
// lists them all.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/testing/journal_fixture.h"
#include "journal/writer.h"

// While set, every second call is interrupted by a signal before it does
// anything, and no call transfers more than seven bytes. These stand before the
// C library's.
static std::atomic<bool> trickling = false;
static std::atomic<int> trickled_calls = 0;

static bool Interrupted() {
  if (!trickling || ++trickled_calls % 2 == 0) return false;
  errno = EINTR;
  return true;
}

static size_t Trickle(size_t size) {
  return trickling ? std::min<size_t>(size, 7) : size;
}

extern "C" ssize_t pread(int fd, void* to, size_t size, off_t offset) {
  if (Interrupted()) return -1;
  return syscall(SYS_pread64, fd, to, Trickle(size), offset);
}
extern "C" ssize_t pwrite(int fd, const void* from, size_t size, off_t offset) {
  if (Interrupted()) return -1;
  return syscall(SYS_pwrite64, fd, from, Trickle(size), offset);
}
extern "C" int ftruncate(int fd, off_t size) noexcept {
  if (Interrupted()) return -1;
  return static_cast<int>(syscall(SYS_ftruncate, fd, size));
}
extern "C" int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
  va_end(arguments);
  if (Interrupted()) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

namespace journal {
namespace {

class NamedPosixCases : public ::testing::Test {
 protected:
  NamedPosixCases() {
    std::string name = absl::StrCat(::testing::TempDir(), "/named_XXXXXX");
    parent_ = mkdtemp(name.data());
    options_.segment_bytes_min = options_.segment_bytes_max = 64 << 10;
  }
  ~NamedPosixCases() override { std::filesystem::remove_all(parent_); }

  std::unique_ptr<Writer> Open(const std::string& directory) {
    auto writer = Writer::Open(directory, options_);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }
  static BodyList Bodies(const std::string& directory) {
    BodyList bodies;
    const auto report = Examine(directory, {}, [&](const Record& record) {
      bodies.emplace_back(record.body);
    });
    EXPECT_TRUE(report.ok() && report->outcome == FindingKind::kCleanEnd);
    return bodies;
  }

  WriterOptions options_;
  std::string parent_;
};

TEST_F(NamedPosixCases, Case15_ShortTransfersAndSignalsEverywhere) {
  const std::string directory = parent_ + "/journal";
  BodyList expected;
  trickling = true;
  for (int life = 0; life < 3; ++life) {
    auto writer = Open(directory);
    for (int i = 0; i < 3; ++i) {
      expected.push_back(absl::StrCat(life, std::string(20000, 'r')));
      EXPECT_TRUE(writer->Append({.type = 1, .body = expected.back()}).ok());
    }
    EXPECT_EQ(writer->Close(), absl::OkStatus());
  }
  EXPECT_EQ(Bodies(directory), expected);
  auto reader = Reader::Open(directory, {}).value();
  for (const std::string& body : expected) {
    EXPECT_EQ(reader->Next().record.body, body);
  }
  EXPECT_EQ(reader->Next().outcome, ReadOutcome::kEnd);
  trickling = false;
  EXPECT_GT(trickled_calls, 10000);
}

// What is fsynced in a file without a name is lost, whatever fsync says.
TEST_F(NamedPosixCases, CaseAlso_AnFsyncInARemovedDirectoryIsAnError) {
  const std::string directory = parent_ + "/journal";
  auto writer = Open(directory);
  ASSERT_TRUE(writer->Append({.type = 1, .body = "a"}).ok());
  std::filesystem::remove_all(directory);
  EXPECT_EQ(KindOf(writer->Sync()), ErrorKind::kIo);
  EXPECT_EQ(KindOf(writer->Append({.type = 1, .body = "b"}).status()),
            ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(writer->Close()), ErrorKind::kPoisoned);
}

}  // namespace
}  // namespace journal
