// Every history of up to four operations on a journal, power lost at every
// change in it, and every disk that the loss can leave: each subset of the
// unsynced sectors, sizes and directory entries, where a sector was written
// several times each of its versions. Nothing is sampled. Each disk is
// examined: everything acknowledged is there, byte for byte, in order, nothing
// else is, spans are whole, nothing confirmed is forgotten, and no mere power
// loss is called damage. From each disk of the shorter histories a writer goes
// on, and leaves a whole journal.
//
// A failure prints its history. To run that one alone, in all its crashes:
//   JOURNAL_HISTORY=bby bazel-bin/journal/exhaustive_test
// JOURNAL_HISTORY_LENGTH=5 tries all histories of up to five operations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "journal/error.h"
#include "journal/recovery.h"
#include "journal/testing/fake_clock.h"
#include "journal/testing/fault_file_system.h"
#include "journal/testing/journal_fixture.h"
#include "journal/testing/memory_file_system.h"
#include "journal/writer.h"

namespace journal {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kDefaultLength = 2;
#else
constexpr int kDefaultLength = 4;
#endif

// From the disks of histories shorter by this than the longest a writer goes
// on: that takes three times as long as looking.
constexpr int kLookOnly = 1;

constexpr absl::string_view kDirectory = "/home/journal";

// The operations.
constexpr char kSmall = 'a';      // Append a record of less than a sector.
constexpr char kSpanning = 'b';   // One that spans sectors.
constexpr char kSpan = 's';       // Three records, all or none.
constexpr char kSync = 'y';       //
constexpr char kRotate = 'r';     // Append one that needs another segment.
constexpr char kClose = 'c';      //
constexpr char kReopen = 'o';     // Open; kill -9 before it if not closed.
constexpr char kPowerLoss = 'p';  // The oldest unsynced thing is lost; open.
constexpr absl::string_view kOperations = "absyrcop";

// Of zeros, which in zero-written space leave no sector in doubt but those of
// the frame's ends. Two of them need two segments.
constexpr size_t kRotateBytes = 50000;

// Space that is prepared, or was left unused, is cleared away by the next
// opening whatever is in it, and the lock file's contents say nothing.
bool MakesNoDifference(absl::string_view path) {
  return absl::EndsWith(path, ".seg.new") || absl::EndsWith(path, "/LOCK");
}

// Whether each operation finds what it needs.
bool IsPossible(absl::string_view history) {
  bool open = true;
  for (const char operation : history) {
    if (!open && operation != kReopen) return false;
    open = operation != kClose;
  }
  return true;
}

struct Submitted {
  std::string body;
  int append = 0;  // The records of a span have the same.
};

// What the writer promised of the records submitted so far.
struct Promise {
  std::vector<Submitted> submitted;
  size_t returned = 0;  // So many have returned,
  size_t durable = 0;   // so many survive power loss,
  Lsn confirmed = 0;    // and up to here damage is never called a torn tail.
};

struct Setting {
  absl::string_view name;
  SyncMode sync_mode;
  // Whether space is zero-written ahead, or files grow as they are written.
  bool in_place;
  // Histories of so many operations fewer, for the sake of time.
  int shorter_by;
};

constexpr Setting kSettings[] = {
    {"each", SyncMode::kEach, true, 0},
    {"batch", SyncMode::kBatch, true, 0},
    {"growing", SyncMode::kBatch, false, 1},
};

// A disk, or a copy of one, as a journal sees it.
struct Machine {
  explicit Machine(const Setting& setting) {
    fs.SetTraits({"memory", setting.in_place});
  }
  MemoryFileSystem disk;
  FaultFileSystem fs{&disk};
  FakeClock clock;
};

WriterOptions OptionsFor(const Setting& setting, Machine* machine) {
  WriterOptions options;
  options.sync_mode = setting.sync_mode;
  options.segment_bytes_min = options.segment_bytes_max = 64 << 10;
  options.file_system = &machine->fs;
  options.clock = &machine->clock;
  return options;
}

// The records on a disk, and whether they keep the promise. After the death of
// the process alone, `power_lost` is false: then all that returned is there.
size_t CheckRecords(MemoryFileSystem& disk, const Promise& promise,
                    bool power_lost) {
  ExamineOptions options;
  options.file_system = &disk;
  BodyList bodies;
  const absl::StatusOr<RecoveryReport> report =
      Examine(kDirectory, options,
              [&](const Record& record) { bodies.emplace_back(record.body); });
  const size_t sure = power_lost ? promise.durable : promise.returned;
  if (KindOf(report.status()) == ErrorKind::kNotFound) {
    EXPECT_EQ(sure, 0) << report.status();
    return 0;
  }
  if (!report.ok()) {
    ADD_FAILURE() << report.status();
    return 0;
  }
  EXPECT_TRUE(report->action == RecoveryAction::kOpen ||
              report->action == RecoveryAction::kCut)
      << "a power loss was taken for damage: " << Text(*report);
  EXPECT_GE(report->watermark, promise.confirmed) << Text(*report);
  EXPECT_GE(bodies.size(), sure) << "lost: " << Text(*report);
  EXPECT_LE(bodies.size(), promise.submitted.size()) << Text(*report);
  for (size_t i = 0; i < bodies.size() && i < promise.submitted.size(); ++i) {
    EXPECT_EQ(bodies[i], promise.submitted[i].body) << "record " << i;
  }
  EXPECT_TRUE(bodies.empty() || bodies.size() >= promise.submitted.size() ||
              promise.submitted[bodies.size()].append !=
                  promise.submitted[bodies.size() - 1].append)
      << "part of a span";
  return bodies.size();
}

// One journal, from nothing to a point of its history.
class Play {
 public:
  // The power goes at change number `crash_at`, counted from the start.
  Play(const Setting& setting, uint64_t crash_at)
      : crash_at_(crash_at),
        machine_(setting),
        options_(OptionsFor(setting, &machine_)) {
    EXPECT_TRUE(disk_.CreateDirectory("/home").ok());
    EXPECT_TRUE(disk_.SyncDirectory("/").ok());
    Arm();
  }

  // What every history begins with: a journal whose first segment is half
  // full, so that kRotate rotates.
  void Begin() {
    Open();
    Append({std::string(kRotateBytes, '\0')});
    Sync();
  }

  void Do(char operation) {
    switch (operation) {
      case kSmall:
        return Append({NewBody(90)});
      case kSpanning:
        return Append({NewBody(620)});
      case kSpan:
        return Append({NewBody(60), NewBody(400), NewBody(0)});
      case kSync:
        return Sync();
      case kRotate:
        return Append({std::string(kRotateBytes, '\0')});
      case kClose:
        return Close();
      case kReopen:
        return Reopen();
      case kPowerLoss:
        return LosePower();
    }
  }

  // The process is dead, the power too; copies of the disk may be lit again.
  const MemoryFileSystem& DarkDisk() {
    disk_.PowerOff();
    writer_.reset();
    return disk_;
  }

  bool dark() const { return disk_.powered_off(); }
  uint64_t changes() const { return disk_.changes(); }
  const Promise& promise() const { return promise_; }

 private:
  void Arm() {
    if (crash_at_ > disk_.changes()) {
      disk_.PowerOffAfter(crash_at_ - disk_.changes());
    }
  }

  std::string NewBody(size_t size) {
    std::string body = absl::StrCat("record ", ++bodies_, " ");
    body.resize(std::max(size, body.size()), 'x');
    return body;
  }

  void Open() {
    if (dark()) return;
    auto writer = Writer::Open(kDirectory, options_);
    EXPECT_EQ(writer.ok(), !dark()) << writer.status();
    if (!writer.ok()) return;
    writer_ = *std::move(writer);
    // What opening hands over, it has made durable.
    EXPECT_EQ(writer_->recovery_report().records, promise_.submitted.size());
    promise_.durable = promise_.returned = promise_.submitted.size();
    Note();
  }

  void Append(const BodyList& bodies) {
    if (dark()) return;
    std::vector<RecordView> views;
    for (const std::string& body : bodies) {
      promise_.submitted.push_back({body, appends_});
      views.push_back({.type = 1, .body = body});
    }
    ++appends_;
    const auto lsn = writer_->Append(absl::MakeConstSpan(views));
    EXPECT_EQ(lsn.ok(), !dark()) << lsn.status();
    if (!lsn.ok()) return;
    promise_.returned = promise_.submitted.size();
    if (options_.sync_mode == SyncMode::kEach) {
      promise_.durable = promise_.returned;
    }
    Note();
  }

  void Sync() {
    if (dark()) return;
    const absl::Status status = writer_->Sync();
    EXPECT_EQ(status.ok(), !dark()) << status;
    if (!status.ok()) return;
    promise_.durable = promise_.returned;
    Note();
  }

  void Close() {
    if (dark()) return;
    const absl::Status status = writer_->Close();
    EXPECT_EQ(status.ok(), !dark()) << status;
    if (!status.ok()) return;
    promise_.durable = promise_.returned;
    Note();
    writer_.reset();
  }

  void Reopen() {
    if (dark()) return;
    disk_.PowerOff();
    writer_.reset();
    disk_.PowerOnKeepingCache();
    Arm();
    KeepOnly(CheckRecords(disk_, promise_, /*power_lost=*/false));
    Open();
  }

  void LosePower() {
    if (dark()) return;
    disk_.PowerOff();
    writer_.reset();
    bool first = true;
    PowerLoss loss;
    loss.choose = [&first](absl::string_view path, size_t versions) {
      const bool lost = first && !MakesNoDifference(path);
      first = first && !lost;
      return lost ? 0 : versions - 1;
    };
    disk_.PowerOn(loss);
    Arm();
    KeepOnly(CheckRecords(disk_, promise_, /*power_lost=*/true));
    Open();
  }

  void KeepOnly(size_t records) {
    promise_.submitted.resize(std::min(records, promise_.submitted.size()));
    promise_.returned = promise_.submitted.size();
    promise_.durable = std::min(promise_.durable, promise_.returned);
  }

  void Note() {
    promise_.confirmed = std::max(promise_.confirmed, writer_->confirmed_lsn());
  }

  const uint64_t crash_at_;
  Machine machine_;
  MemoryFileSystem& disk_ = machine_.disk;
  const WriterOptions options_;
  std::unique_ptr<Writer> writer_;
  Promise promise_;
  int bodies_ = 0;
  int appends_ = 0;
};

class ExhaustiveTest : public ::testing::TestWithParam<Setting> {
 protected:
  // All histories that begin with this one and have so many operations.
  void TryAll(const std::string& history, int length) {
    if (!IsPossible(history)) return;
    if (static_cast<int>(history.size()) == length) return Try(history);
    for (const char operation : kOperations) {
      TryAll(history + operation, length);
      if (HasFailure()) return;
    }
  }

  // Each crash within the last operation, or right behind it. (One within an
  // earlier operation is a shorter history's.)
  void Try(const std::string& history) {
    ++histories_;
    uint64_t from = 0;
    Play whole(GetParam(), UINT64_MAX);
    if (!history.empty()) {
      whole.Begin();
      for (const char operation : history.substr(0, history.size() - 1)) {
        whole.Do(operation);
      }
      from = whole.changes();
      whole.Do(history.back());
    } else {
      whole.Begin();
    }
    const uint64_t to = whole.changes();
    for (uint64_t crash = from + 1; crash <= to && !HasFailure(); ++crash) {
      Play play(GetParam(), crash);
      play.Begin();
      for (const char operation : history) play.Do(operation);
      TryDisks(history, play);
    }
    if (!HasFailure()) TryDisks(history, whole);
  }

  void TryDisks(const std::string& history, Play& play) {
    ++crashes_;
    const MemoryFileSystem& dark = play.DarkDisk();
    uint64_t disks = 0;
    AllLosses losses(MakesNoDifference);
    do {
      ++disks;
      Machine machine(GetParam());
      machine.disk.CopyFrom(dark);
      machine.disk.PowerOn(losses.Next());
      const size_t there =
          CheckRecords(machine.disk, play.promise(), /*power_lost=*/true);
      if (go_on_) GoOn(&machine, play.promise(), there);
      if (HasFailure()) {
        ADD_FAILURE() << "history \"" << history << "\", setting "
                      << GetParam().name << ", power lost at change "
                      << play.changes() << ", disk " << disks;
        return;
      }
    } while (losses.More());
    disks_ += disks;
    most_disks_ = std::max(most_disks_, disks);
  }

  // Opening makes a whole journal of it, with one record more.
  void GoOn(Machine* machine, Promise promise, size_t there) {
    auto writer = Writer::Open(kDirectory, OptionsFor(GetParam(), machine));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append({.type = 1, .body = "next"}).ok());
    ASSERT_TRUE((*writer)->Close().ok());
    promise.submitted.resize(there);
    promise.submitted.push_back({"next", -1});
    promise.returned = promise.durable = there + 1;
    promise.confirmed = (*writer)->confirmed_lsn();
    EXPECT_EQ(CheckRecords(machine->disk, promise, /*power_lost=*/false),
              there + 1);
  }

  bool go_on_ = true;
  uint64_t histories_ = 0;
  uint64_t crashes_ = 0;
  uint64_t disks_ = 0;
  uint64_t most_disks_ = 0;
};

TEST_P(ExhaustiveTest, EveryDiskOfEveryCrashOfEveryShortHistory) {
  if (const char* one = std::getenv("JOURNAL_HISTORY")) {
    Try(one);
  } else {
    int longest = kDefaultLength;
    if (const char* text = std::getenv("JOURNAL_HISTORY_LENGTH")) {
      ASSERT_TRUE(absl::SimpleAtoi(text, &longest)) << text;
    }
    longest -= GetParam().shorter_by;
    for (int length = 0; length <= longest && !HasFailure(); ++length) {
      go_on_ = length <= longest - kLookOnly;
      TryAll("", length);
      std::printf(
          "histories of up to %d operations: %llu, crashes %llu, disks %llu, "
          "at most %llu of one crash\n",
          length, static_cast<unsigned long long>(histories_),
          static_cast<unsigned long long>(crashes_),
          static_cast<unsigned long long>(disks_),
          static_cast<unsigned long long>(most_disks_));
      std::fflush(stdout);
    }
    std::printf("torture: %llu crashes\ntorture: %llu disks\n",
                static_cast<unsigned long long>(crashes_),
                static_cast<unsigned long long>(disks_));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExhaustiveTest, ::testing::ValuesIn(kSettings),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace journal
