// Everything at once on a real file system: 64 appenders in each sync mode,
// rotation, snapshots made by themselves and on demand, removal, four followers
// and a scrub. Meant for TSan as much as for what it checks itself.
//
//   JOURNAL_SOAK_SECONDS=600 bazel test --config=tsan --test_timeout=3600
//     //tests:soak_test
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/journal.h"

namespace journal {
namespace {

constexpr int kAppenders = 64;
constexpr double kSecondsDefault = 3;
constexpr absl::Duration kPatience = absl::Seconds(300);  // Then it hangs.

// Of an appender's records every fourth is needed for ever; of the others the
// newest one of each key is.
constexpr int kKeys = 8;
constexpr int kNeededEvery = 4;

constexpr Lsn kLagMax = 60'000;      // Appenders wait for the followers.
constexpr Lsn kKeptBehind = 20'000;  // What RemoveBefore leaves, mostly.
constexpr uint64_t kDiskMax = 512 << 20;

struct Name {
  int appender = 0;
  int number = 0;  // Of its records.
  bool needed() const { return number % kNeededEvery == 0; }
  int key() const { return number % kKeys; }
};

// A body says whose it is, and is its owner's to the last byte.
std::string BodyOf(Name name) {
  const uint32_t mix = (name.appender * 7919u + name.number) * 2654435761u;
  const size_t bytes = name.number % 997 == 5 ? 20'000 : mix >> 23;
  std::string body = absl::StrCat(name.appender, ":", name.number, ":");
  const size_t head = body.size();
  body.resize(head + bytes);
  for (size_t i = head; i < body.size(); ++i) {
    body[i] = static_cast<char>('a' + (mix + i * i) % 23);
  }
  return body;
}

bool ParseName(absl::string_view body, Name* name) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(body, absl::MaxSplits(':', 2));
  return parts.size() == 3 && absl::SimpleAtoi(parts[0], &name->appender) &&
         absl::SimpleAtoi(parts[1], &name->number) && name->appender >= 0 &&
         name->appender < kAppenders && name->number >= 0;
}

// The newest LSN of each key.
class NewestOfKey final : public Folder, public Compactor {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override {
    absl::MutexLock lock(&mutex_);
    newest_ = {};
  }
  absl::Status Restore(absl::string_view state) override {
    absl::MutexLock lock(&mutex_);
    if (state.size() != sizeof(newest_)) return absl::DataLossError("size");
    std::memcpy(newest_.data(), state.data(), sizeof(newest_));
    return absl::OkStatus();
  }
  void Fold(const Record& record) override {
    Name name;
    if (!ParseName(record.body, &name) || name.needed()) return;
    absl::MutexLock lock(&mutex_);
    newest_[name.appender][name.key()] = record.lsn;
    Lsn& ever = newest_ever_[name.appender][name.key()];
    ever = std::max(ever, record.lsn);
  }
  std::string Save() override {
    absl::MutexLock lock(&mutex_);
    return std::string(reinterpret_cast<const char*>(newest_.data()),
                       sizeof(newest_));
  }
  Lsn SupersededBy(const Record& record) override {
    Name name;
    if (!ParseName(record.body, &name) || name.needed()) return 0;
    absl::MutexLock lock(&mutex_);
    const Lsn newest = newest_[name.appender][name.key()];
    return newest == record.lsn ? 0 : newest;
  }
  // Also while an opening folds anew.
  bool WasSuperseded(Name name, Lsn lsn) {
    if (name.needed()) return false;
    absl::MutexLock lock(&mutex_);
    return newest_ever_[name.appender][name.key()] > lsn;
  }

 private:
  absl::Mutex mutex_;
  using Table = std::array<std::array<Lsn, kKeys>, kAppenders>;
  Table newest_ ABSL_GUARDED_BY(mutex_) = {};
  // By all writers of the test: Reset() forgets nothing here.
  Table newest_ever_ ABSL_GUARDED_BY(mutex_) = {};
};

// Follows LSNs that others publish, so that nobody needs to sleep.
class Tide {
 public:
  // Few callers at a time: what matters most runs without this lock.
  void Rise(Lsn lsn) {
    if (lsn <= level_.load(std::memory_order_relaxed)) return;
    absl::MutexLock lock(&mutex_);
    level_ = std::max(level_.load(), lsn);
    rose_.SignalAll();
  }
  Lsn level() const { return level_; }
  // Returns at the level, or after `most`.
  void Await(Lsn lsn, absl::Duration most) {
    const absl::Time deadline = absl::Now() + most;
    absl::MutexLock lock(&mutex_);
    while (level_ < lsn && !rose_.WaitWithDeadline(&mutex_, deadline)) {
    }
  }

 private:
  absl::Mutex mutex_;
  absl::CondVar rose_;
  std::atomic<Lsn> level_ = 0;
};

// What one appender has been told, written by one thread at a time.
struct Account {
  int next_number = 0;
  std::vector<Lsn> lsns;  // By number; 0: not acknowledged.
  // The newest acknowledged one, for the follower that asks for it.
  std::atomic<uint64_t> newest = 0;  // number << 40 | LSN.

  void Acknowledge(int number, Lsn lsn) {
    lsns.resize(std::max<size_t>(lsns.size(), number + 1));
    lsns[number] = lsn;
    newest.store(uint64_t(number) << 40 | lsn, std::memory_order_relaxed);
  }
};

// What a follower saw, and whether it may have missed the rest.
class Sight {
 public:
  explicit Sight(const char* follower) : follower_(follower) {}

  void Take(const Record& record) {
    Name name;
    ASSERT_GT(record.lsn, last_lsn_) << follower_ << ": order";
    ASSERT_TRUE(ParseName(record.body, &name)) << follower_ << ": foreign";
    ASSERT_EQ(record.type, name.appender + 1) << follower_;
    ASSERT_EQ(record.body, BodyOf(name)) << follower_ << ": torn";
    last_lsn_ = record.lsn;
    std::vector<bool>& seen = seen_[name.appender];
    const size_t number = name.number;
    seen.resize(std::max(seen.size(), number + 1));
    ASSERT_FALSE(seen[number]) << follower_ << ": twice " << record.lsn;
    seen[number] = true;
    ++records_;
  }
  void Jump(Lsn first_lsn) {
    if (first_lsn <= last_lsn_ + 1) return;
    told_.push_back({last_lsn_ + 1, first_lsn});
    last_lsn_ = first_lsn - 1;
  }
  Lsn last_lsn() const { return last_lsn_; }
  uint64_t records() const { return records_; }

  // At the end: whatever was not seen is superseded by what was, or the
  // follower was told of its removal.
  void CheckMissed(int appender, const std::vector<Lsn>& lsns) {
    std::vector<bool>& seen = seen_[appender];
    ASSERT_LE(seen.size(), lsns.size()) << follower_ << ": never appended";
    seen.resize(lsns.size());
    std::array<bool, kKeys> later = {};
    for (int number = static_cast<int>(lsns.size()); number-- > 0;) {
      const Name name = {appender, number};
      const bool superseded = !name.needed() && later[name.key()];
      later[name.key()] = later[name.key()] || (!name.needed() && seen[number]);
      ASSERT_TRUE(seen[number] || superseded || WasTold(lsns[number]))
          << follower_ << " missed " << appender << ":" << number << ", LSN "
          << lsns[number] << " of " << last_lsn_;
    }
  }

 private:
  bool WasTold(Lsn lsn) const {
    return std::any_of(told_.begin(), told_.end(), [lsn](const auto& range) {
      return lsn >= range.first && lsn < range.second;
    });
  }

  const char* const follower_;
  Lsn last_lsn_ = 0;
  uint64_t records_ = 0;
  std::vector<bool> seen_[kAppenders];
  std::vector<std::pair<Lsn, Lsn>> told_;
};

class Listener final : public WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override {
    ADD_FAILURE() << error;
  }
  void OnSegmentSealed(uint64_t id, Lsn) override {
    EXPECT_GT(id, last_segment_);
    last_segment_ = id;
  }
  void OnSnapshot(Lsn last_lsn) override {
    EXPECT_GE(last_lsn, last_snapshot_);
    last_snapshot_ = last_lsn;
  }

 private:
  uint64_t last_segment_ = 0;
  Lsn last_snapshot_ = 0;
};

class SoakTest : public ::testing::Test {
 protected:
  SoakTest() {
    std::string place = JoinPath(::testing::TempDir(), "soak_XXXXXX");
    place_ = mkdtemp(place.data());
    directory_ = JoinPath(place_, "journal");
    options_.segment_bytes_min = 64 << 10;
    options_.segment_bytes_max = 256 << 10;
    options_.sync_interval = absl::Milliseconds(20);
    options_.snapshots.log_bytes = 2 << 20;
    options_.snapshots.zstd_level = 1;
    options_.scrub_bytes_per_second = 16 << 20;
    options_.folder = &keys_;
    options_.compactor = &keys_;
    options_.listener = &listener_;
  }
  ~SoakTest() override { std::filesystem::remove_all(place_); }

  static absl::Duration Length() {
    double seconds = kSecondsDefault;
    if (const char* set = std::getenv("JOURNAL_SOAK_SECONDS")) {
      EXPECT_TRUE(absl::SimpleAtod(set, &seconds)) << set;
    }
    return absl::Seconds(seconds);
  }

  void Open(SyncMode mode) {
    options_.sync_mode = mode;
    auto writer = Writer::Open(directory_, options_);
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
  }
  // Until `end`, and closes.
  void Live(absl::Time end);

  void AppendUntil(int appender, absl::Time end);
  void AppendWaiting(int appender, int round);
  void AppendAsync(int appender);
  void KeepSnapshots(absl::Time end);
  void WatchStatistics(absl::Time end);

  void Follow(int index, Sight& sight, bool confirmed_only);
  void FollowReopening(int index, Sight& sight);
  void LookUp();
  bool AtEnd(Lsn last_lsn) const { return last_lsn >= final_lsn_; }
  void Progress(int index, Lsn lsn);
  bool Compacted(const ReadResult& next, Sight& sight);

  std::string place_, directory_;
  NewestOfKey keys_;
  Listener listener_;
  WriterOptions options_;
  std::unique_ptr<Writer> writer_;

  Account accounts_[kAppenders];
  Tide appended_;
  Tide followed_;  // By the slowest.
  std::atomic<Lsn> positions_[3] = {};
  std::atomic<Lsn> removed_before_ = 0;      // Asked for, at most.
  std::atomic<Lsn> final_lsn_ = UINT64_MAX;  // Of the last record of all.
  std::atomic<uint64_t> looked_up_ = 0;
};

// ---------------------------------------------------------------------------
// Appending

void SoakTest::AppendUntil(int appender, absl::Time end) {
  for (int round = 0; absl::Now() < end && !HasFailure(); ++round) {
    if (appended_.level() > followed_.level() + kLagMax) {
      followed_.Await(appended_.level() - kLagMax, absl::Milliseconds(100));
      continue;
    }
    appender % 2 == 0 ? AppendWaiting(appender, round) : AppendAsync(appender);
  }
}

void SoakTest::AppendWaiting(int appender, int round) {
  Account& account = accounts_[appender];
  const uint16_t type = appender + 1;
  const int count = round % 50 == 49 ? 3 : 1;
  std::string bodies[3];
  RecordView records[3];
  for (int i = 0; i < count; ++i) {
    bodies[i] = BodyOf({appender, account.next_number + i});
    records[i] = {.type = type, .body = bodies[i]};
  }
  const auto last = count == 1
                        ? writer_->Append(records[0])
                        : writer_->Append(absl::MakeConstSpan(records, count));
  ASSERT_TRUE(last.ok()) << last.status();
  for (int i = 0; i < count; ++i) {
    account.Acknowledge(account.next_number++, *last - (count - 1) + i);
  }
  appended_.Rise(*last);
  if (round % 200 == 199) {
    ASSERT_EQ(writer_->WaitDurable(*last), absl::OkStatus());
    ASSERT_GE(writer_->durable_lsn(), *last);
  }
}

void SoakTest::AppendAsync(int appender) {
  Account& account = accounts_[appender];
  const int number = account.next_number++;
  const std::string body = BodyOf({appender, number});
  const RecordView record = {.type = static_cast<uint16_t>(appender + 1),
                             .body = body};
  // Closing calls what is left, so that `this` is all that must outlive it.
  const auto done = [this, appender, number](absl::StatusOr<Lsn> lsn) {
    ASSERT_TRUE(lsn.ok()) << lsn.status();
    accounts_[appender].Acknowledge(number, *lsn);
    appended_.Rise(*lsn);
  };
  absl::Status queued = number % 3 == 0 ? writer_->TryAppend(record, done)
                                        : writer_->AppendAsync(record, done);
  if (KindOf(queued) == ErrorKind::kBusy) {
    queued = writer_->AppendAsync(record, done);
  }
  ASSERT_EQ(queued, absl::OkStatus());
}

void SoakTest::KeepSnapshots(absl::Time end) {
  for (int round = 0; absl::Now() < end && !HasFailure(); ++round) {
    appended_.Await(appended_.level() + 4000, absl::Milliseconds(200));
    if (round % 4 == 1) {
      ASSERT_EQ(writer_->Snapshot(), absl::OkStatus());
    }
    // Now and then more than a follower has seen.
    const Lsn seen = followed_.level();
    const Lsn level = appended_.level();
    const Lsn lsn = round % 16 == 15     ? level - std::min<Lsn>(level, 100)
                    : seen > kKeptBehind ? seen - kKeptBehind
                                         : 0;
    if (round % 4 == 3 && lsn > removed_before_) {
      removed_before_ = lsn;
      ASSERT_EQ(writer_->RemoveBefore(lsn), absl::OkStatus());
    }
  }
}

void SoakTest::WatchStatistics(absl::Time end) {
  WriterStatistics before;
  while (absl::Now() < end && !HasFailure()) {
    const WriterStatistics now = writer_->statistics();
    EXPECT_GE(now.records, before.records);
    EXPECT_GE(now.rotations, before.rotations);
    EXPECT_EQ(now.background_errors, 0);
    EXPECT_LE(writer_->confirmed_lsn(), writer_->durable_lsn());
    before = now;
    appended_.Await(appended_.level() + 500, absl::Milliseconds(50));
  }
}

void SoakTest::Live(absl::Time end) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kAppenders; ++i) {
    threads.emplace_back([this, i, end] { AppendUntil(i, end); });
  }
  threads.emplace_back([this, end] { KeepSnapshots(end); });
  threads.emplace_back([this, end] { WatchStatistics(end); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(writer_->Close(), absl::OkStatus());
  const WriterStatistics counted = writer_->statistics();
  std::printf("%s: %zu records, %zu rotations, %zu snapshots, %zu fsyncs\n",
              std::string(SyncModeName(options_.sync_mode)).c_str(),
              size_t{counted.records}, size_t{counted.rotations},
              size_t{counted.snapshots}, size_t{counted.fsyncs});
  EXPECT_GT(counted.rotations, 0);
}

// ---------------------------------------------------------------------------
// Following

void SoakTest::Progress(int index, Lsn lsn) {
  positions_[index] = lsn;
  if (lsn % 256 == 0 || AtEnd(lsn)) {
    followed_.Rise(std::min(
        {positions_[0].load(), positions_[1].load(), positions_[2].load()}));
  }
}

// Only what was given up may be answered so.
bool SoakTest::Compacted(const ReadResult& next, Sight& sight) {
  EXPECT_LE(next.first_lsn, removed_before_.load());
  sight.Jump(next.first_lsn);
  return next.first_lsn <= removed_before_.load();
}

void SoakTest::Follow(int index, Sight& sight, bool confirmed_only) {
  auto reader = Reader::Open(directory_, {.confirmed_only = confirmed_only});
  ASSERT_TRUE(reader.ok()) << reader.status();
  absl::Time heard = absl::Now();
  while (!AtEnd(sight.last_lsn()) && !HasFailure()) {
    const ReadResult next = (*reader)->Next();
    switch (next.outcome) {
      case ReadOutcome::kRecord:
        sight.Take(next.record);
        heard = absl::Now();
        break;
      case ReadOutcome::kCompacted:
        if (!Compacted(next, sight)) return;
        break;
      case ReadOutcome::kEnd:
        ASSERT_LT(absl::Now() - heard, kPatience) << sight.last_lsn();
        appended_.Await(sight.last_lsn() + 1, absl::Milliseconds(5));
        break;
      case ReadOutcome::kDamaged:
        FAIL() << index << " behind " << sight.last_lsn() << ": "
               << Describe(next.finding);
    }
    Progress(index, sight.last_lsn());
  }
}

// Opens anew, reads some, and falls behind before it does so again.
void SoakTest::FollowReopening(int index, Sight& sight) {
  std::minstd_rand random(1);
  const absl::Time deadline = absl::Now() + Length() + kPatience;
  while (!AtEnd(sight.last_lsn()) && !HasFailure()) {
    ASSERT_LT(absl::Now(), deadline);
    auto reader = Reader::Open(directory_, {.start_lsn = sight.last_lsn() + 1});
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (int left = random() % 20'000; left > 0; --left) {
      const ReadResult next = (*reader)->Next();
      if (next.outcome == ReadOutcome::kEnd) break;
      ASSERT_NE(next.outcome, ReadOutcome::kDamaged)
          << "behind " << sight.last_lsn() << ": " << Describe(next.finding);
      if (next.outcome == ReadOutcome::kRecord) {
        sight.Take(next.record);
      } else if (!Compacted(next, sight)) {
        return;
      }
      Progress(index, sight.last_lsn());
    }
    appended_.Await(sight.last_lsn() + random() % 30'000,
                    absl::Milliseconds(100));
  }
}

// Asks for what was acknowledged a moment ago, and for what is older.
void SoakTest::LookUp() {
  auto reader = Reader::Open(directory_, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::pair<Name, Lsn>> older;
  std::minstd_rand random(2);
  for (int i = 0; final_lsn_ == UINT64_MAX && !HasFailure(); ++i) {
    const int appender = random() % kAppenders;
    const uint64_t newest =
        accounts_[appender].newest.load(std::memory_order_relaxed);
    if (newest == 0) continue;
    std::pair<Name, Lsn> asked = {{appender, static_cast<int>(newest >> 40)},
                                  newest & ((uint64_t{1} << 40) - 1)};
    if (older.size() < 1000) {
      older.push_back(asked);
    } else if (i % 4 == 0) {
      std::swap(asked, older[random() % older.size()]);
    }
    const auto [name, lsn] = asked;
    const ReadResult found = (*reader)->Read(lsn);
    if (found.outcome == ReadOutcome::kRecord) {
      ASSERT_EQ(found.record.lsn, lsn);
      ASSERT_EQ(found.record.body, BodyOf(name)) << lsn;
    } else {
      ASSERT_EQ(found.outcome, ReadOutcome::kCompacted)
          << lsn << ": " << Describe(found.finding);
      ASSERT_TRUE(keys_.WasSuperseded(name, lsn) || lsn < removed_before_)
          << lsn << " is not there";
    }
    ++looked_up_;
  }
}

TEST_F(SoakTest, EverybodySeesWhatWasAcknowledged) {
  constexpr SyncMode kModes[] = {SyncMode::kEach, SyncMode::kBatch,
                                 SyncMode::kNone};
  Sight plain("from 1"), confirmed("confirmed"), reopening("reopening");
  std::vector<std::thread> followers;
  for (const SyncMode mode : kModes) {
    Open(mode);
    if (HasFatalFailure()) break;
    if (followers.empty()) {
      followers.emplace_back([&] { Follow(0, plain, false); });
      followers.emplace_back([&] { Follow(1, confirmed, true); });
      followers.emplace_back([&] { FollowReopening(2, reopening); });
      followers.emplace_back([&] { LookUp(); });
    }
    Live(absl::Now() + Length() / std::size(kModes));
  }
  final_lsn_ = appended_.level();
  for (std::thread& follower : followers) follower.join();
  if (HasFailure()) return;
  for (int i = 0; i < kAppenders; ++i) {
    EXPECT_EQ(accounts_[i].lsns.size(), accounts_[i].next_number);
    for (Sight* sight : {&plain, &confirmed, &reopening}) {
      sight->CheckMissed(i, accounts_[i].lsns);
    }
  }
  const auto report = Examine(directory_, {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->outcome, FindingKind::kCleanEnd) << StatusOf(*report);
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    bytes += file.file_size();
  }
  EXPECT_LT(bytes, kDiskMax);
  std::printf(
      "torture: %zu records appended, %zu/%zu/%zu followed, %zu looked up; "
      "%zu bytes left\n",
      size_t{final_lsn_}, size_t{plain.records()}, size_t{confirmed.records()},
      size_t{reopening.records()}, size_t{looked_up_}, size_t{bytes});
}

}  // namespace
}  // namespace journal
