// kill -9 of a process that appends with several threads, at random instants,
// many lives of one journal in a row. What Append had returned is there, byte
// for byte and in order, in every sync mode; nothing else is but what was being
// appended; appends of several records are there whole or not at all.
//
//   ENGINE_KILL_SEED=N    repeats the choices of an earlier run
//   ENGINE_KILLS=N        how many kills, instead of 80
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/segment_list.h"
#include "journal/segment_scanner.h"
#include "journal/testing/setting.h"
#include "journal/writer.h"

namespace journal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kKills = 80;
constexpr int kLivesOfAJournalMax = 8;
constexpr uint32_t kThreadsMax = 8;
constexpr uint64_t kSegmentBytes = 64 << 10;
constexpr uint32_t kBodyBytesMax = 6000;
constexpr uint32_t kSpanMax = 4;
// A life is killed after so many returned appends at the latest, …
constexpr uint64_t kAppendsMax = 400;
// … or, when it is to die while it opens the journal, after so long.
constexpr absl::Duration kOpeningMax = absl::Milliseconds(12);
constexpr absl::Duration kAfterAppendMax = absl::Microseconds(800);
constexpr int kPatienceMs = 60'000;

// How one life goes.
struct Plan {
  uint32_t life = 0;
  SyncMode mode = SyncMode::kBatch;
  uint32_t threads = 1;
  uint64_t seed = 0;
};

// One append of one thread.
struct AppendName {
  uint32_t life = 0;
  uint32_t thread = 0;
  uint32_t number = 0;
  auto operator<=>(const AppendName&) const = default;
};

std::string ToText(const AppendName& name) {
  return absl::StrCat("life ", name.life, ", thread ", name.thread, ", append ",
                      name.number);
}

// How many records an append has, and what is in each: known to both sides, so
// that only names need to be told.
uint32_t RecordsOf(const Plan& plan, const AppendName& name) {
  std::mt19937_64 random(plan.seed * 31 + name.thread * 1009 + name.number);
  return random() % 6 == 0 ? 2 + random() % (kSpanMax - 1) : 1;
}
std::string BodyOf(const Plan& plan, const AppendName& name, uint32_t index) {
  std::mt19937_64 random(plan.seed + (uint64_t{name.thread} << 48) +
                         (uint64_t{name.number} << 16) + index);
  std::string body = absl::StrCat(name.life, " ", name.thread, " ", name.number,
                                  " ", index, " ");
  const size_t bytes = random() % (random() % 8 == 0 ? kBodyBytesMax : 300);
  while (body.size() < bytes) body += static_cast<char>(random());
  return body;
}

// What the child tells, one whole message in one write: the order in the pipe
// is the order in which things happened.
struct Message {
  enum class Kind : uint32_t { kOpened, kBegin, kReturned, kFailed };
  Kind kind = Kind::kBegin;
  AppendName name;
  Lsn lsn = 0;
  // Of kOpened: the records found; else Writer::durable_lsn() after it.
  uint64_t value = 0;
};
static_assert(sizeof(Message) <= 512, "POSIX: written at once");

// ---------------------------------------------------------------------------
// The child

class Child {
 public:
  Child(std::string directory, const Plan& plan, int fd)
      : directory_(std::move(directory)), plan_(plan), fd_(fd) {}

  // Appends until it is killed.
  [[noreturn]] void Run() {
    WriterOptions options;
    options.sync_mode = plan_.mode;
    options.sync_interval = absl::Milliseconds(2);
    options.segment_bytes_min = options.segment_bytes_max = kSegmentBytes;
    auto writer = Writer::Open(directory_, options);
    if (!writer.ok()) Fail(writer.status());
    writer_ = writer->get();
    Tell({Message::Kind::kOpened, {}, 0, writer_->recovery_report().records});
    std::vector<std::thread> threads;
    for (uint32_t thread = 0; thread < plan_.threads; ++thread) {
      threads.emplace_back([this, thread] { Append(thread); });
    }
    for (std::thread& thread : threads) thread.join();
    _exit(1);  // Never: they do not end.
  }

 private:
  void Append(uint32_t thread) {
    for (uint32_t number = 0;; ++number) {
      const AppendName name = {plan_.life, thread, number};
      std::vector<std::string> bodies;
      std::vector<RecordView> views;
      const uint32_t records = RecordsOf(plan_, name);
      for (uint32_t i = 0; i < records; ++i) {
        bodies.push_back(BodyOf(plan_, name, i));
      }
      for (const std::string& body : bodies) {
        views.push_back({.type = 1, .body = body});
      }
      Tell({Message::Kind::kBegin, name, 0, 0});
      const auto lsn = writer_->Append(views);
      if (!lsn.ok()) Fail(lsn.status());
      Tell({Message::Kind::kReturned, name, *lsn, writer_->durable_lsn()});
    }
  }

  void Tell(const Message& message) {
    if (write(fd_, &message, sizeof message) != sizeof message) _exit(1);
  }
  [[noreturn]] void Fail(const absl::Status& status) {
    fprintf(stderr, "child: %s\n", status.ToString().c_str());
    Tell({Message::Kind::kFailed, {}, 0, 0});
    _exit(1);
  }

  const std::string directory_;
  const Plan plan_;
  const int fd_;
  Writer* writer_ = nullptr;
};

// ---------------------------------------------------------------------------
// The parent

// What it knows of one append.
struct Known {
  uint64_t begun_at = 0;     // Places in the order of all messages.
  uint64_t returned_at = 0;  // 0: it has not returned.
  Lsn lsn = 0;               // Of its last record, once it has returned.
  Lsn durable = 0;           // When it had returned.
};

// A journal through its lives.
class Journal {
 public:
  explicit Journal(std::string directory) : directory_(std::move(directory)) {}

  // One life, killed after `appends` returned appends and then `delay`; with 0
  // appends `delay` after its start.
  void LiveAndDie(Plan plan, uint64_t appends, absl::Duration delay) {
    plan.life = static_cast<uint32_t>(plans_.size());
    plans_.push_back(plan);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      close(ends[0]);
      Child(directory_, plan, ends[1]).Run();
    }
    close(ends[1]);
    uint64_t returned = 0;
    while (returned < appends && TakeMessage(ends[0], &returned)) {
    }
    // Up to here nothing depends on time. A nap is the point: any instant.
    absl::SleepFor(delay);
    kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    while (TakeMessage(ends[0], &returned)) {
    }
    close(ends[0]);
  }

  // After a death: what must be there, and what may be.
  void Verify() {
    there_.clear();
    const auto report =
        Examine(directory_, {}, [this](const Record& record) { Take(record); });
    if (KindOf(report.status()) == ErrorKind::kNotFound) {
      ASSERT_TRUE(known_.empty()) << report.status();
      return;
    }
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_TRUE(StatusOf(*report).ok()) << StatusOf(*report);
    records_ = report->records;
    CheckAcknowledged(report->last_lsn);
    CheckOrder();
    CheckWatermarks();
  }

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  // False when the child will say nothing more.
  bool TakeMessage(int fd, uint64_t* returned) {
    pollfd wanted = {fd, POLLIN, 0};
    int ready;
    do {
      ready = poll(&wanted, 1, kPatienceMs);
    } while (ready < 0 && errno == EINTR);
    EXPECT_EQ(ready, 1) << "the child hangs";
    Message message;
    if (ready != 1 || read(fd, &message, sizeof message) != sizeof message) {
      return false;
    }
    ++now_;
    switch (message.kind) {
      case Message::Kind::kOpened:
        EXPECT_EQ(message.value, records_) << "recovery found others";
        break;
      case Message::Kind::kBegin:
        known_[message.name].begun_at = now_;
        break;
      case Message::Kind::kReturned: {
        Known& known = known_[message.name];
        known.returned_at = now_;
        known.lsn = message.lsn;
        known.durable = message.value;
        ++*returned;
        ++acknowledged_;
        break;
      }
      case Message::Kind::kFailed:
        ADD_FAILURE() << "the child failed; it says why above";
        return false;
    }
    return true;
  }

  // A record that the journal holds: the next of its append.
  void Take(const Record& record) {
    if (testing::Test::HasFailure()) return;
    AppendName name;
    uint32_t index = 0;
    const std::string body(record.body);
    ASSERT_EQ(sscanf(body.c_str(), "%u %u %u %u ", &name.life, &name.thread,
                     &name.number, &index),
              4)
        << "LSN " << record.lsn << " was never submitted";
    ASSERT_TRUE(known_.count(name)) << ToText(name) << " was never submitted";
    ASSERT_EQ(body, BodyOf(plans_[name.life], name, index)) << ToText(name);
    std::vector<Lsn>& lsns = there_[name];
    ASSERT_EQ(lsns.size(), index) << ToText(name);
    ASSERT_TRUE(lsns.empty() || lsns.back() + 1 == record.lsn) << ToText(name);
    lsns.push_back(record.lsn);
  }

  void CheckAcknowledged(Lsn last_lsn) {
    for (auto it = known_.begin(); it != known_.end();) {
      const auto& [name, known] = *it;
      const auto there = there_.find(name);
      if (there == there_.end()) {
        ASSERT_EQ(known.returned_at, 0u)
            << ToText(name) << " had returned LSN " << known.lsn
            << " and is not there; the log ends at " << last_lsn;
        // Cut off for ever: it must not come back in a later life.
        it = known_.erase(it);
        continue;
      }
      ASSERT_EQ(there->second.size(), RecordsOf(plans_[name.life], name))
          << ToText(name) << " is there in part";
      if (known.returned_at != 0) {
        ASSERT_EQ(there->second.back(), known.lsn) << ToText(name);
      }
      ++it;
    }
  }

  // What had returned before another append began lies before it.
  void CheckOrder() {
    std::map<uint64_t, Lsn> returned;  // By when.
    for (const auto& [name, known] : known_) {
      if (known.returned_at != 0) returned[known.returned_at] = known.lsn;
    }
    Lsn highest = 0;
    for (auto& [when, lsn] : returned) lsn = highest = std::max(highest, lsn);
    for (const auto& [name, known] : known_) {
      const auto before = returned.lower_bound(known.begun_at);
      if (before == returned.begin()) continue;
      ASSERT_LT(std::prev(before)->second, there_[name].front())
          << ToText(name) << " was overtaken";
    }
  }

  // No frame says that more was durable than was when it was sealed.
  void CheckWatermarks() {
    std::map<Lsn, Lsn> durable;  // By the LSN after whose return it was.
    for (const auto& [name, known] : known_) {
      if (known.returned_at != 0) durable[known.lsn] = known.durable;
    }
    FileSystem* const files = FileSystem::Posix();
    const auto list = ListSegments(*files, directory_);
    ASSERT_TRUE(list.ok()) << list.status();
    for (const ListedSegment& segment : list->segments) {
      auto file =
          files->Open(JoinPath(directory_, segment.name), OpenMode::kRead);
      ASSERT_TRUE(file.ok()) << file.status();
      SegmentScanner scanner(file->get(), segment.file_bytes, list->uuid,
                             segment.id);
      scanner.Seek(kFirstFrameOffset, segment.header.first_lsn);
      for (Frame frame; scanner.Next(&frame) == ScanStep::kFrame;) {
        const Lsn watermark = frame.header.watermark;
        ASSERT_LT(watermark, frame.header.lsn);
        const auto returned = durable.find(frame.header.lsn);
        if (returned == durable.end()) continue;
        ASSERT_LE(watermark, returned->second) << "LSN " << frame.header.lsn;
      }
    }
  }

  const std::string directory_;
  std::vector<Plan> plans_;
  uint64_t now_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t records_ = 0;  // That the last examination found.
  std::map<AppendName, Known> known_;
  std::map<AppendName, std::vector<Lsn>> there_;
};

class EngineKillTest : public testing::Test {
 protected:
  EngineKillTest()
      : seed_(Setting("ENGINE_KILL_SEED",
                      absl::ToUnixNanos(absl::Now()) % 1000000)),
        random_(seed_) {
    printf("ENGINE_KILL_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  uint64_t Pick(uint64_t below) { return random_() % below; }
  absl::Duration Pick(absl::Duration below) {
    return absl::Nanoseconds(
        Pick(static_cast<uint64_t>(absl::ToInt64Nanoseconds(below))));
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
};

TEST_F(EngineKillTest, WhatAppendReturnedIsThereAfterKill9) {
  const auto wanted = static_cast<int64_t>(Setting("ENGINE_KILLS", kKills));
  uint64_t acknowledged = 0;
  for (int64_t kills = 0; kills < wanted;) {
    const std::string directory =
        absl::StrCat(testing::TempDir(), "/engine_kill_", getpid());
    fs::remove_all(directory);
    Journal journal(directory);
    const uint64_t lives = 1 + Pick(kLivesOfAJournalMax);
    for (uint64_t i = 0; i < lives && kills < wanted; ++i, ++kills) {
      constexpr SyncMode kModes[] = {SyncMode::kEach, SyncMode::kBatch,
                                     SyncMode::kNone};
      Plan plan;
      plan.mode = kModes[Pick(3)];
      plan.threads = 1 + static_cast<uint32_t>(Pick(kThreadsMax));
      plan.seed = random_();
      const uint64_t appends = Pick(4) == 0 ? 0 : 1 + Pick(kAppendsMax);
      journal.LiveAndDie(plan, appends,
                         Pick(appends == 0 ? kOpeningMax : kAfterAppendMax));
      if (!HasFailure()) journal.Verify();
      ASSERT_FALSE(HasFailure())
          << "in kill " << kills + 1 << "; the journal is kept in " << directory
          << "; repeat with ENGINE_KILL_SEED=" << seed_;
    }
    acknowledged += journal.acknowledged();
    fs::remove_all(directory);
  }
  printf("torture: %lld engine kills, %llu acknowledged appends\n",
         static_cast<long long>(wanted),
         static_cast<unsigned long long>(acknowledged));
}

}  // namespace
}  // namespace journal
