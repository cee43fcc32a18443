// One journal and several processes, and what a machine does to a process that
// has one: no descriptors left, no permission, the directory gone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/testing/child_process.h"
#include "journal/writer.h"

namespace journal {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

constexpr uint64_t kSegmentBytes = 64 << 10;

// Writes small pieces byte by byte, so that whoever reads beside it sees every
// state in between. Zeros, which are written ahead, at once.
class ByteByByteFile final : public File {
 public:
  explicit ByteByByteFile(std::unique_ptr<File> base)
      : base_(std::move(base)) {}
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) override {
    return base_->ReadAt(offset, buffer, size);
  }
  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    if (data.size() > kSegmentBytes / 2) return base_->WriteAt(offset, data);
    for (size_t i = 0; i < data.size(); ++i) {
      absl::Status s = base_->WriteAt(offset + i, data.substr(i, 1));
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }
  absl::Status Sync() override { return base_->Sync(); }
  absl::Status Truncate(uint64_t size) override {
    return base_->Truncate(size);
  }
  absl::StatusOr<uint64_t> Size() override { return base_->Size(); }
  absl::Status DropCache() override { return base_->DropCache(); }

 private:
  const std::unique_ptr<File> base_;
};

class ByteByByteFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view path,
                                             OpenMode mode) override {
    auto file = base_->Open(path, mode);
    if (!file.ok()) return file;
    return std::make_unique<ByteByByteFile>(*std::move(file));
  }
  absl::StatusOr<std::vector<std::string>> List(
      absl::string_view directory) override {
    return base_->List(directory);
  }
  absl::Status CreateDirectory(absl::string_view path) override {
    return base_->CreateDirectory(path);
  }
  absl::Status SyncDirectory(absl::string_view path) override {
    return base_->SyncDirectory(path);
  }
  absl::Status Rename(absl::string_view from, absl::string_view to) override {
    return base_->Rename(from, to);
  }
  absl::Status Remove(absl::string_view path) override {
    return base_->Remove(path);
  }
  absl::StatusOr<bool> Exists(absl::string_view path) override {
    return base_->Exists(path);
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(
      absl::string_view path) override {
    return base_->Lock(path);
  }
  absl::StatusOr<FileSystemTraits> Traits(absl::string_view path) override {
    return base_->Traits(path);
  }

 private:
  FileSystem* const base_ = FileSystem::Posix();
};

class EngineProcessesTest : public ::testing::Test {
 protected:
  EngineProcessesTest() {
    std::string name = JoinPath(::testing::TempDir(), "processes_XXXXXX");
    place_ = mkdtemp(name.data());
    directory_ = JoinPath(place_, "journal");
    options_.sync_mode = SyncMode::kNone;
    options_.segment_bytes_min = options_.segment_bytes_max = kSegmentBytes;
  }
  ~EngineProcessesTest() override {
    std::error_code ignored;
    fs::remove_all(place_, ignored);
  }

  // By its number, so that a reader knows what must come next.
  static std::string Body(int number) {
    return absl::StrCat(number, ":",
                        std::string(number * 37 % 500, 'a' + number % 26));
  }

  absl::StatusOr<std::unique_ptr<Writer>> TryOpen() {
    return Writer::Open(directory_, options_);
  }
  std::unique_ptr<Writer> Open() {
    auto writer = TryOpen();
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }
  // Records `first` to `last`.
  static absl::Status Append(Writer& writer, int first, int last) {
    for (int number = first; number <= last; ++number) {
      const std::string body = Body(number);
      const auto lsn = writer.Append({.type = 1, .body = body});
      if (!lsn.ok()) return lsn.status();
    }
    return absl::OkStatus();
  }
  void Create(int records) {
    const auto writer = Open();
    ASSERT_EQ(Append(*writer, 1, records), absl::OkStatus());
    ASSERT_EQ(writer->Close(), absl::OkStatus());
  }
  // Leaves what a killed writer leaves.
  void CreateAndDie(int records) {
    const pid_t child = Fork([&] {
      auto writer = Open();
      return writer != nullptr && Append(*writer, 1, records).ok() &&
             (writer.release(), true);
    });
    ASSERT_TRUE(Succeeded(child));
  }
  // Exactly these are there; the journal is whole.
  void ExpectRecords(int records) {
    int number = 0;
    const auto report = Examine(directory_, {}, [&](const Record& record) {
      EXPECT_EQ(record.body, Body(++number));
    });
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(StatusOf(*report), absl::OkStatus());
    EXPECT_EQ(number, records);
  }

  std::string place_, directory_;
  WriterOptions options_;
};

// ---------------------------------------------------------------------------
// Several processes

// In each round the journal is recovered by one of four and refused to three.
TEST_F(EngineProcessesTest, OfProcessesThatRaceToRecoverOneWins) {
  constexpr int kRounds = 15;
  constexpr int kRacers = 4;
  CreateAndDie(100);
  for (int round = 0; round < kRounds; ++round) {
    Pipe go, results, end;
    std::vector<pid_t> racers;
    for (int i = 0; i < kRacers; ++i) {
      racers.push_back(Fork([&] {
        go.CloseWriter();
        end.CloseWriter();
        if (!go.AwaitEnd()) return false;
        auto writer = TryOpen();
        const ErrorKind kind = KindOf(writer.status());
        results.Signal(writer.ok()                  ? 'w'
                       : kind == ErrorKind::kLocked ? 'l'
                                                    : 'x');
        if (!writer.ok()) return kind == ErrorKind::kLocked;
        const bool all = end.AwaitEnd();
        writer->release();  // As if killed.
        return all;
      }));
    }
    go.CloseWriter();
    std::string said;
    for (int i = 0; i < kRacers; ++i) said += results.Await().value_or('?');
    end.CloseWriter();
    for (const pid_t racer : racers) EXPECT_TRUE(Succeeded(racer));
    std::sort(said.begin(), said.end());
    ASSERT_EQ(said, "lllw") << "round " << round;
  }
  ExpectRecords(100);
}

TEST_F(EngineProcessesTest, AnExecedChildOfAKilledWriterKeepsNothing) {
  CreateAndDie(10);
  Pipe executing, lifetime, child_pid;
  const pid_t holder = Fork([&] {
    auto writer = Open();
    lifetime.CloseWriter();  // Left to the test alone.
    const pid_t child = ExecUntilEndOf(lifetime);
    const std::string pid = absl::StrCat(child, "\n");
    for (const char digit : pid) child_pid.Signal(digit);
    executing.CloseWriter();
    while (writer != nullptr) pause();
    return false;
  });
  executing.CloseWriter();
  ASSERT_TRUE(executing.AwaitEnd());  // Both have closed it: one by exec.
  EXPECT_EQ(KindOf(TryOpen().status()), ErrorKind::kLocked);
  std::string child;
  for (char digit = 0; (digit = child_pid.Await().value_or('\n')) != '\n';) {
    child += digit;
  }
  for (const auto& open : fs::directory_iterator("/proc/" + child + "/fd")) {
    EXPECT_THAT(fs::read_symlink(open).string(),
                ::testing::Not(HasSubstr(place_)));
  }
  Kill(holder);
  EXPECT_NE(Open(), nullptr);
}

TEST_F(EngineProcessesTest, AReaderSeesNoRecordInPartWhileAnotherWrites) {
  constexpr int kRecords = 700;
  const pid_t child = Fork([&] {
    ByteByByteFileSystem byte_by_byte;
    options_.file_system = &byte_by_byte;
    auto writer = Open();
    return writer != nullptr && Append(*writer, 1, kRecords).ok() &&
           writer->Close().ok();
  });
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  auto reader = Reader::Open(directory_, {});
  while (!reader.ok() && absl::Now() < deadline) {
    reader = Reader::Open(directory_, {});
  }
  ASSERT_TRUE(reader.ok()) << reader.status();
  int number = 0;
  while (number < kRecords && !HasFailure()) {
    const ReadResult next = (*reader)->Next();
    ASSERT_LT(absl::Now(), deadline) << "after record " << number;
    ASSERT_NE(next.outcome, ReadOutcome::kDamaged) << Describe(next.finding);
    if (next.outcome != ReadOutcome::kRecord) continue;
    ASSERT_EQ(next.record.body, Body(++number));
  }
  EXPECT_TRUE(Succeeded(child));
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kEnd);
  EXPECT_TRUE(fs::exists(JoinPath(directory_, "0000000003.seg")))
      << "never rotated";
}

// ---------------------------------------------------------------------------
// What a machine does to a process

// With so many descriptors left: whatever it comes to, it is an error that
// names its reason, and what had been appended is there.
TEST_F(EngineProcessesTest, WithoutFileDescriptorsAnErrorAndNoLoss) {
  constexpr int kEnough = 12;
  constexpr int kBefore = 50;
  int completed = 0;
  for (int left = 0; left <= kEnough; ++left) {
    fs::remove_all(directory_);
    Create(kBefore);
    Pipe said;
    const pid_t child = Fork([&] {
      const auto open_now = std::distance(
          fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
      // One of them was the look at the directory itself.
      const rlim_t limit = static_cast<rlim_t>(open_now - 1 + left);
      const rlimit few = {limit, limit};
      if (setrlimit(RLIMIT_NOFILE, &few) != 0) return false;
      auto writer = TryOpen();
      absl::Status status = writer.status();
      for (int number = kBefore + 1; status.ok() && number <= 500; ++number) {
        status = Append(**writer, number, number);
        if (status.ok()) said.Signal();
      }
      if (status.ok()) status = (*writer)->Close();
      if (status.ok()) return true;
      return KindOf(status) == ErrorKind::kIo &&
             absl::StrContains(status.message(), "Too many open files");
    });
    said.CloseWriter();
    int acknowledged = kBefore;
    while (said.AwaitByte()) ++acknowledged;
    EXPECT_TRUE(Succeeded(child)) << left << " descriptors";
    ExpectRecords(acknowledged);
    completed += acknowledged == 500 ? 1 : 0;
  }
  EXPECT_GT(completed, 0) << "the limit is so low that nothing was tested";
  EXPECT_LT(completed, kEnough);
}

// As root, who may do everything, after becoming nobody.
TEST_F(EngineProcessesTest, WithoutPermissionToWriteReadersReadOn) {
  Create(20);
  fs::permissions(directory_, fs::perms(0555));
  for (const auto& file : fs::directory_iterator(directory_)) {
    fs::permissions(file, fs::perms(0444));
  }
  EXPECT_TRUE(Succeeded(Fork([&] {
    // Nobody need not be able to go through the directories above.
    if (chdir(directory_.c_str()) != 0) return false;
    constexpr uid_t kNobody = 65534;
    if (getuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 ||
                          setuid(kNobody) != 0)) {
      return false;
    }
    directory_ = ".";
    ExpectRecords(20);
    const absl::Status refused = TryOpen().status();
    EXPECT_EQ(KindOf(refused), ErrorKind::kIo) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("Permission denied"));
    EXPECT_TRUE(Reader::Open(directory_, {}).ok());
    return !HasFailure();
  })));
  fs::permissions(directory_, fs::perms(0700));
}

TEST_F(EngineProcessesTest, ARemovedDirectoryIsAnErrorAtTheNextSegment) {
  auto writer = Open();
  ASSERT_EQ(Append(*writer, 1, 10), absl::OkStatus());
  fs::remove_all(directory_);
  absl::Status status;
  int number = 10;
  while (status.ok() && number < 2000) {
    ++number;
    status = Append(*writer, number, number);
  }
  EXPECT_FALSE(status.ok()) << "segment after segment in no directory";
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("No such file or directory"));
  EXPECT_EQ(KindOf(Append(*writer, 1, 1)), ErrorKind::kPoisoned);
  EXPECT_FALSE(writer->Close().ok());
  writer.reset();
  Create(5);
  ExpectRecords(5);
}

TEST_F(EngineProcessesTest, AnyPathWillDo) {
  directory_ =
      JoinPath(place_, "with space\nnewline \xc3\xa4\xe6\x97\xa5 \xff");
  CreateAndDie(400);
  auto writer = Open();
  EXPECT_THAT(std::string(TryOpen().status().message()), HasSubstr("locked"));
  ASSERT_EQ(Append(*writer, 401, 800), absl::OkStatus());
  ASSERT_EQ(writer->Close(), absl::OkStatus());
  ExpectRecords(800);
}

}  // namespace
}  // namespace journal
