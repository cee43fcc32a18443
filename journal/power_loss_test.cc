// Random lives of a journal on a disk that loses power, and what must be true
// after each: everything acknowledged is there, nothing never written is, and
// no mere power loss is ever taken for damage.
//
// A failure prints the history's seed. To run that one again:
//   JOURNAL_POWER_SEED=<seed> JOURNAL_POWER_CRASHES=1
//   bazel-bin/…/power_loss_test
// A long run: JOURNAL_POWER_CRASHES=1000000 JOURNAL_POWER_SEED=<any number>.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/cipher.h"
#include "journal/compactor.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/testing/fake_clock.h"
#include "journal/testing/journal_fixture.h"
#include "journal/testing/memory_file_system.h"
#include "journal/testing/setting.h"
#include "journal/writer.h"

namespace journal {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kDefaultCrashes = 3000;
#else
constexpr uint64_t kDefaultCrashes = 20000;
#endif

// Short histories: each life reads again all that was written before it.
constexpr int kLivesPerHistory = 12;
constexpr absl::string_view kDirectory = "/home/journal";

// One key for all; only that there is one makes a difference.
const Cipher* SomeCipher() {
  static const Cipher* const cipher =
      Cipher::FromBytes(std::string(kKeyBytes, 'k')).value().release();
  return cipher;
}

struct Submitted {
  std::string body;
  uint32_t weight = 1;
  uint64_t append = 0;  // The records of a span have the same.
  Lsn lsn = 0;          // 0: Append did not return.
};

// Says of some records that the one appended after them replaces them.
class Replacements final : public Compactor {
 public:
  void Add(Lsn old, Lsn by) {
    absl::MutexLock lock(&mutex_);
    by_[old] = by;
  }
  // What lies above was never durable: its LSNs are given out again.
  void ForgetAbove(Lsn lsn) {
    absl::MutexLock lock(&mutex_);
    for (auto it = by_.begin(); it != by_.end();) {
      it = it->second > lsn ? by_.erase(it) : std::next(it);
    }
  }
  Lsn SupersededBy(const Record& record) override { return Of(record.lsn); }
  Lsn Of(Lsn lsn) {
    absl::MutexLock lock(&mutex_);
    const auto by = by_.find(lsn);
    return by == by_.end() ? 0 : by->second;
  }

 private:
  absl::Mutex mutex_;
  std::map<Lsn, Lsn> by_ ABSL_GUARDED_BY(mutex_);
};

// One journal through many lives.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {
    EXPECT_TRUE(disk_.CreateDirectory("/home").ok());
    EXPECT_TRUE(disk_.SyncDirectory("/").ok());
    options_.file_system = &disk_;
    options_.clock = &clock_;
    if (Chance(25)) options_.cipher = SomeCipher();
  }

  // One life and its end. Stops at the first failure.
  void Live() {
    ChooseOptions();
    // Often within the opening or soon after, else anywhere.
    if (Chance(90)) disk_.PowerOffAfter(1 + Pick(Chance(40) ? 30 : 400));
    TryToOpen();
    const uint64_t steps = writer_ == nullptr ? 0 : Pick(50);
    for (uint64_t i = 0; i < steps && !Over(); ++i) Step();
    if (writer_ != nullptr && !Over() && Chance(30)) Close();
    if (::testing::Test::HasFailure()) return;
    End();
  }

  // How often the power went, and how often the process alone.
  uint64_t power_losses() const { return power_losses_; }
  uint64_t deaths() const { return deaths_; }

  // What happened so far, in a few numbers.
  std::string Fingerprint() const {
    return absl::StrCat(disk_.changes(), " changes, ", submitted_.size(),
                        " records, W ", confirmed_);
  }

 private:
  uint64_t Pick(uint64_t below) { return random_() % below; }
  bool Chance(int percent) {
    return Pick(100) < static_cast<uint64_t>(percent);
  }
  bool Over() const {
    return disk_.powered_off() || ::testing::Test::HasFailure();
  }

  void ChooseOptions() {
    constexpr SyncMode kModes[] = {SyncMode::kEach, SyncMode::kBatch,
                                   SyncMode::kBatch, SyncMode::kNone};
    options_.sync_mode = kModes[Pick(4)];
    options_.sync_records =
        static_cast<uint32_t>(1 + Pick(Chance(50) ? 5 : 60));
    options_.segment_bytes_min = 64 << 10;
    options_.segment_bytes_max = (64 << 10) << Pick(3);
    options_.verify_all = Chance(50);
    options_.compactor = Chance(70) ? &replacements_ : nullptr;
    options_.snapshots.manifests_kept = static_cast<int>(2 + Pick(3));
    options_.snapshots.on_close = Chance(20);
  }

  void TryToOpen() {
    returned_here_ = submitted_.size();
    absl::StatusOr<std::unique_ptr<Writer>> writer =
        Writer::Open(kDirectory, options_);
    if (!writer.ok()) {
      EXPECT_TRUE(disk_.powered_off()) << writer.status();
      return;
    }
    writer_ = *std::move(writer);
    // What opening hands over it has made durable.
    durable_ = submitted_.size();
    EXPECT_EQ(writer_->recovery_report().records, submitted_.size());
  }

  std::string NewBody() {
    constexpr uint64_t kSizes[] = {0, 60, 60, 200, 600, 600, 3000};
    const uint64_t size = Chance(2) ? 40000 : Pick(1 + kSizes[Pick(7)]);
    std::string body = absl::StrCat("record ", ++bodies_, " ");
    const uint64_t filling = Pick(3);
    if (filling == 0) return body + std::string(size, '\0');
    if (filling == 1) return body + std::string(size, 'x');
    const uint64_t noise = random_();
    while (body.size() < size) {
      body.append(reinterpret_cast<const char*>(&noise), sizeof(noise));
    }
    return body;
  }

  void Step() {
    const uint64_t kind = Pick(100);
    if (kind < 75) {
      Append(1);
    } else if (kind < 85) {
      Append(2 + Pick(5));
    } else if (kind < 90) {
      const absl::Status status = writer_->Sync();
      EXPECT_EQ(status.ok(), !disk_.powered_off()) << status;
      if (status.ok()) durable_ = submitted_.size();
    } else if (kind < 93) {
      WaitForOne();
    } else if (kind < 96) {
      Snapshot();
    } else if (kind < 97) {
      RemoveSome();
    } else {
      LetTimePass();
    }
    NoteDurable();
  }

  void Append(uint64_t count) {
    const size_t first = submitted_.size();
    std::vector<RecordView> views;
    for (uint64_t i = 0; i < count; ++i) {
      submitted_.push_back(
          {NewBody(), static_cast<uint32_t>(Pick(4) != 0), next_append_, 0});
    }
    ++next_append_;
    for (size_t i = first; i < submitted_.size(); ++i) {
      views.push_back({.type = 1,
                       .body = submitted_[i].body,
                       .sync_weight = submitted_[i].weight});
    }
    absl::StatusOr<Lsn> lsn = writer_->Append(absl::MakeConstSpan(views));
    EXPECT_EQ(lsn.ok(), !disk_.powered_off()) << lsn.status();
    if (!lsn.ok()) return;
    for (size_t i = first; i < submitted_.size(); ++i) {
      submitted_[i].lsn = *lsn - (submitted_.size() - 1 - i);
    }
    if (first > 0 && submitted_[first - 1].lsn != 0 && Chance(40)) {
      replacements_.Add(submitted_[first - 1].lsn, submitted_[first].lsn);
    }
    returned_ = submitted_.size();
    if (options_.sync_mode == SyncMode::kEach) durable_ = returned_;
  }

  void Snapshot() {
    const absl::Status status = writer_->Snapshot();
    EXPECT_TRUE(status.ok() || disk_.powered_off()) << status;
    if (status.ok()) durable_ = submitted_.size();
  }

  void RemoveSome() {
    if (submitted_.empty() || Chance(60)) return;
    const size_t keep_from = Pick(submitted_.size());
    if (submitted_[keep_from].lsn == 0) return;
    may_be_gone_ = std::max(may_be_gone_, keep_from);
    gave_up_ = true;
    const absl::Status status =
        writer_->RemoveBefore(submitted_[keep_from].lsn);
    EXPECT_TRUE(status.ok() || disk_.powered_off()) << status;
  }

  void WaitForOne() {
    if (submitted_.empty()) return;
    const size_t which = submitted_.size() - 1 - Pick(submitted_.size()) % 5;
    const absl::Status status = writer_->WaitDurable(submitted_[which].lsn);
    EXPECT_EQ(status.ok(), !disk_.powered_off()) << status;
    if (status.ok()) durable_ = std::max(durable_, which + 1);
  }

  // The timer's thread syncs and confirms; waited for, so that nothing happens
  // beside the next step.
  void LetTimePass() {
    if (options_.sync_mode == SyncMode::kNone) return;
    if (returned_ == returned_here_) return;
    const Lsn newest = submitted_[returned_ - 1].lsn;
    if (writer_->confirmed_lsn() >= newest) return;
    ASSERT_TRUE(clock_.AwaitWaiters(1));
    clock_.Advance(options_.sync_interval);
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (writer_->confirmed_lsn() < newest && !disk_.powered_off()) {
      ASSERT_LT(absl::Now(), deadline) << "never confirmed";
      std::this_thread::yield();
    }
    // A timer that the power cut stopped may still be on its way.
  }

  void NoteDurable() {
    confirmed_ = std::max(confirmed_, writer_->confirmed_lsn());
    const Lsn durable = writer_->durable_lsn();
    while (durable_ < returned_ && submitted_[durable_].lsn <= durable) {
      ++durable_;
    }
  }

  void Close() {
    const absl::Status status = writer_->Close();
    EXPECT_EQ(status.ok(), !disk_.powered_off()) << status;
    NoteDurable();
    if (!status.ok()) return;
    EXPECT_EQ(durable_, returned_);
    ExamineOptions examine;
    examine.file_system = &disk_;  // Without a key: verifying needs none.
    const absl::StatusOr<RecoveryReport> report = Examine(kDirectory, examine);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->closed && report->outcome == FindingKind::kCleanEnd)
        << Text(*report);
    EXPECT_EQ(report->watermark + 1, report->last_lsn);
  }

  // The process dies, and with it, mostly, the power.
  void End() {
    disk_.PowerOff();
    writer_.reset();
    const bool power = Chance(75);
    ++(power ? power_losses_ : deaths_);
    if (power) {
      constexpr int kPercents[] = {0, 10, 50, 50, 90, 100};
      disk_.PowerOn({.seed = random_(), .survive_percent = kPercents[Pick(6)]});
    } else {
      disk_.PowerOnKeepingCache();
    }
    Verify(power);
  }

  void Verify(bool power) {
    ExamineOptions examine;
    examine.file_system = &disk_;
    examine.cipher = options_.cipher;
    BodyList bodies;
    const absl::StatusOr<RecoveryReport> report = Examine(
        kDirectory, examine,
        [&](const Record& record) { bodies.emplace_back(record.body); });
    const size_t sure = power ? durable_ : returned_;
    if (KindOf(report.status()) == ErrorKind::kNotFound) {
      ASSERT_EQ(sure, 0) << report.status();
      return Forget(0, power);
    }
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_TRUE(report->action == RecoveryAction::kOpen ||
                report->action == RecoveryAction::kCut)
        << "a power loss was taken for damage: " << Text(*report);
    EXPECT_GE(report->watermark, confirmed_) << Text(*report);
    // Records are counted whether a snapshot left them out or not.
    const size_t there = report->records;
    ASSERT_GE(there, sure) << "lost: " << Text(*report);
    ASSERT_LE(there, submitted_.size()) << Text(*report);
    CheckBodies(bodies, there);
    ASSERT_TRUE(there == submitted_.size() || there == 0 ||
                submitted_[there].append != submitted_[there - 1].append)
        << "part of a span";
    if (power && options_.sync_mode == SyncMode::kBatch) CheckLossBound(there);
    if (Chance(10)) CheckReader(bodies);
    replacements_.ForgetAbove(report->last_lsn);
    Forget(there, power);
  }

  // The first `there` records, but for those given up and those that one that
  // is here replaces.
  void CheckBodies(const BodyList& bodies, size_t there) {
    size_t next = 0;
    std::vector<bool> here(there);
    for (size_t i = 0; i < there; ++i) {
      here[i] = next < bodies.size() && bodies[next] == submitted_[i].body;
      if (here[i]) ++next;
    }
    ASSERT_EQ(next, bodies.size()) << "never written: " << bodies[next];
    for (size_t i = 0; i < there; ++i) {
      if (here[i] || i < may_be_gone_) continue;
      const Lsn by = replacements_.Of(submitted_[i].lsn);
      ASSERT_TRUE(by != 0) << "record " << i << " is not there";
      ASSERT_TRUE(i + 1 < there) << "record " << i << " and what replaces it";
    }
  }

  void CheckLossBound(size_t there) {
    uint64_t lost = 0;
    for (size_t i = std::max(there, returned_here_); i < returned_; ++i) {
      lost += submitted_[i].weight;
    }
    EXPECT_LE(lost, options_.sync_records);
  }

  void CheckReader(const BodyList& bodies) {
    absl::StatusOr<std::unique_ptr<Reader>> reader = Reader::Open(
        kDirectory, {.cipher = options_.cipher, .file_system = &disk_});
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (const std::string& body : bodies) {
      const ReadResult next = NextOf(**reader);
      ASSERT_EQ(next.outcome, ReadOutcome::kRecord) << next.finding.detail;
      ASSERT_EQ(next.record.body, body);
    }
    ASSERT_EQ(NextOf(**reader).outcome, ReadOutcome::kEnd);
  }

  ReadResult NextOf(Reader& reader) {
    ReadResult next = reader.Next();
    // What was given up is said once.
    return next.outcome == ReadOutcome::kCompacted && gave_up_ ? reader.Next()
                                                               : next;
  }

  void Forget(size_t there, bool power) {
    submitted_.resize(there);
    returned_ = there;
    // After a power cut only what is on the disk is there.
    durable_ = power ? there : std::min(durable_, there);
  }

  std::mt19937_64 random_;
  MemoryFileSystem disk_;
  FakeClock clock_;
  Replacements replacements_;
  WriterOptions options_;
  std::unique_ptr<Writer> writer_;

  std::vector<Submitted> submitted_;
  bool gave_up_ = false;      // Something, if only the engine's own frames.
  size_t may_be_gone_ = 0;    // So many were given up, or may have been.
  size_t returned_ = 0;       // So many have returned,
  size_t durable_ = 0;        // and so many are promised to survive power loss.
  size_t returned_here_ = 0;  // So many were there when this life began.
  Lsn confirmed_ = 0;
  uint64_t bodies_ = 0;
  uint64_t next_append_ = 1;
  uint64_t power_losses_ = 0;
  uint64_t deaths_ = 0;
};

TEST(PowerLossTest, NothingAcknowledgedIsLostAndNothingElseIsFound) {
  const uint64_t crashes = Setting("JOURNAL_POWER_CRASHES", kDefaultCrashes);
  const uint64_t first_seed = Setting("JOURNAL_POWER_SEED", 1);
  uint64_t power_losses = 0, deaths = 0;
  for (uint64_t i = 0; i * kLivesPerHistory < crashes; ++i) {
    History history(first_seed + i);
    for (int life = 0; life < kLivesPerHistory; ++life) {
      history.Live();
      ASSERT_FALSE(::testing::Test::HasFailure())
          << "in life " << life << "; run this one again with "
          << "JOURNAL_POWER_SEED=" << first_seed + i
          << " JOURNAL_POWER_CRASHES=1";
    }
    power_losses += history.power_losses();
    deaths += history.deaths();
  }
  std::cout << "torture: " << power_losses
            << " power losses\ntorture: " << deaths
            << " deaths of the process alone\n";
}

TEST(PowerLossTest, ASeedGivesTheSameHistoryAgain) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    History one(seed);
    History two(seed);
    for (int life = 0; life < kLivesPerHistory; ++life) {
      one.Live();
      two.Live();
      ASSERT_EQ(one.Fingerprint(), two.Fingerprint())
          << "seed " << seed << ", life " << life;
    }
  }
}

// Several threads at once: batches of many, and the order is the writer's.
class ThreadedHistory {
 public:
  explicit ThreadedHistory(uint64_t seed)
      : random_(seed), cipher_(seed % 4 == 0 ? SomeCipher() : nullptr) {
    EXPECT_TRUE(disk_.CreateDirectory("/home").ok());
    EXPECT_TRUE(disk_.SyncDirectory("/").ok());
  }

  void Live() {
    WriterOptions options;
    options.file_system = &disk_;
    options.segment_bytes_min = options.segment_bytes_max = 64 << 10;
    options.sync_mode = random_() % 2 ? SyncMode::kEach : SyncMode::kBatch;
    options.sync_interval = absl::Milliseconds(1);
    options.cipher = cipher_;
    options.snapshots.log_bytes = random_() % 2 ? 1 : 0;
    disk_.PowerOffAfter(1 + random_() % 150);
    absl::StatusOr<std::unique_ptr<Writer>> writer =
        Writer::Open(kDirectory, options);
    ASSERT_TRUE(writer.ok() || disk_.powered_off()) << writer.status();
    acknowledged_.clear();
    if (writer.ok()) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] { AppendUntilDark(**writer, t); });
      }
      for (std::thread& thread : threads) thread.join();
      durable_ = (*writer)->durable_lsn();
      *writer = nullptr;
    }
    disk_.PowerOn({.seed = random_(), .survive_percent = 50});
    Verify(options.sync_mode);
  }

 private:
  void AppendUntilDark(Writer& writer, int thread) {
    for (int i = 0;; ++i) {
      std::string body = absl::StrCat(life_, " ", thread, " ", i, " ",
                                      std::string(i % 700, 'b'));
      absl::StatusOr<Lsn> lsn = writer.Append({.type = 1, .body = body});
      if (!lsn.ok()) return;
      absl::MutexLock lock(&mutex_);
      acknowledged_[*lsn] = std::move(body);
    }
  }

  void Verify(SyncMode mode) {
    ++life_;
    std::map<Lsn, std::string> there;
    ExamineOptions examine;
    examine.file_system = &disk_;
    examine.cipher = cipher_;
    const absl::StatusOr<RecoveryReport> report =
        Examine(kDirectory, examine, [&](const Record& record) {
          there[record.lsn] = std::string(record.body);
        });
    if (KindOf(report.status()) == ErrorKind::kNotFound) {
      ASSERT_TRUE(kept_.empty() && acknowledged_.empty());
      return;
    }
    ASSERT_TRUE(report.ok() && StatusOf(*report).ok()) << Text(*report);
    for (const auto& [lsn, body] : kept_) ASSERT_EQ(there[lsn], body);
    for (const auto& [lsn, body] : acknowledged_) {
      if (mode == SyncMode::kEach || lsn <= durable_ ||
          lsn <= report->last_lsn) {
        ASSERT_EQ(there[lsn], body) << "LSN " << lsn << Text(*report);
      }
    }
    kept_ = std::move(there);
  }

  std::mt19937_64 random_;
  const Cipher* const cipher_;
  MemoryFileSystem disk_;
  int life_ = 0;
  Lsn durable_ = 0;
  absl::Mutex mutex_;
  std::map<Lsn, std::string> acknowledged_;
  std::map<Lsn, std::string> kept_;  // By the lives before.
};

TEST(PowerLossTest, TheSameWithManyThreads) {
  const uint64_t crashes =
      Setting("JOURNAL_POWER_CRASHES", kDefaultCrashes) / 20;
  const uint64_t first_seed = Setting("JOURNAL_POWER_SEED", 1);
  uint64_t power_losses = 0;
  for (uint64_t i = 0; i * 10 < crashes; ++i) {
    ThreadedHistory history(first_seed + i);
    for (int life = 0; life < 10; ++life) {
      history.Live();
      ++power_losses;
      ASSERT_FALSE(::testing::Test::HasFailure())
          << "seed " << first_seed + i << ", life " << life;
    }
  }
  std::cout << "torture: " << power_losses
            << " power losses under many threads\n";
}

}  // namespace
}  // namespace journal
