// Appends that nobody waits for: order, completeness, bounds, and what a
// callback may do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr char kFirst[] = "0000000001.seg";

// What callbacks were told, in the order of their calls.
class Calls {
 public:
  AppendCallback Callback() {
    return [this](absl::StatusOr<Lsn> result) { Note(std::move(result)); };
  }
  void Note(absl::StatusOr<Lsn> result) {
    absl::MutexLock lock(&mutex_);
    results_.push_back(std::move(result));
    changed_.SignalAll();
  }
  std::vector<absl::StatusOr<Lsn>> Await(size_t count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    absl::MutexLock lock(&mutex_);
    while (results_.size() < count) {
      if (changed_.WaitWithDeadline(&mutex_, deadline)) {
        ADD_FAILURE() << results_.size() << " of " << count << " calls";
        break;
      }
    }
    return results_;
  }
  // Those that are there now.
  std::vector<absl::StatusOr<Lsn>> Now() { return Await(0); }
  std::vector<Lsn> Lsns(size_t count) {
    std::vector<Lsn> lsns;
    for (const absl::StatusOr<Lsn>& result : Await(count)) {
      EXPECT_TRUE(result.ok()) << result.status();
      lsns.push_back(result.value_or(0));
    }
    return lsns;
  }
  std::vector<ErrorKind> Kinds(size_t count) {
    std::vector<ErrorKind> kinds;
    for (const absl::StatusOr<Lsn>& result : Await(count)) {
      kinds.push_back(KindOf(result.status()));
    }
    return kinds;
  }

 private:
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<absl::StatusOr<Lsn>> results_ ABSL_GUARDED_BY(mutex_);
};

class AsyncAppendTest : public JournalFixture {
 protected:
  AsyncAppendTest() { options_.sync_mode = SyncMode::kEach; }
  // Callbacks refer to calls_.
  ~AsyncAppendTest() override { writer_.reset(); }

  absl::Status TryQueue(absl::string_view body, AppendCallback done) {
    return writer_->TryAppend({.type = 1, .body = body}, std::move(done));
  }
  absl::Status TryQueue(absl::string_view body) {
    return TryQueue(body, calls_.Callback());
  }
  absl::Status QueueOrError(absl::string_view body, AppendCallback done) {
    return writer_->AppendAsync({.type = 1, .body = body}, std::move(done));
  }
  void Queue(absl::string_view body) {
    const absl::Status queued = QueueOrError(body, calls_.Callback());
    EXPECT_TRUE(queued.ok()) << queued;
  }
  // Queues one record, whose fsync stands still until Go(): what is queued
  // meanwhile is the next batch.
  void StandStill() {
    fs_.Block(FileOp::kSync, kFirst);
    Queue("first");
    ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  }
  void Go() { fs_.Unblock(FileOp::kSync); }

  // Runs `body` in a callback and returns when it has run.
  void InACallback(const std::function<void()>& body) {
    Calls ran;
    const absl::Status queued =
        QueueOrError("carrier", [&](absl::StatusOr<Lsn> result) {
          body();
          ran.Note(std::move(result));
        });
    ASSERT_TRUE(queued.ok()) << queued;
    ran.Lsns(1);
  }

  Calls calls_;
};

// ---------------------------------------------------------------------------
// What is promised of every record

TEST_F(AsyncAppendTest, WhatIsQueuedIsAppendedInOrder) {
  Open();
  for (const char* body : {"a", "", "c"}) Queue(body);
  EXPECT_THAT(calls_.Lsns(3), ElementsAre(1, 2, 3));
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("a", "", "c"));
}

TEST_F(AsyncAppendTest, TheBodyIsCopied) {
  Open();
  for (size_t bytes : {100, 60'000, 70'000, 3'000'000}) {
    std::string body(bytes, 'b');
    Queue(body);
    body.assign(bytes, 'X');
  }
  calls_.Lsns(4);
  Close();
  EXPECT_THAT(
      Bodies(),
      ElementsAre(std::string(100, 'b'), std::string(60'000, 'b'),
                  std::string(70'000, 'b'), std::string(3'000'000, 'b')));
}

TEST_F(AsyncAppendTest, TypeWeightAndIgnorableArePassedOn) {
  options_.sync_mode = SyncMode::kBatch;
  options_.sync_records = 7;
  Open();
  const RecordView record = {
      .type = 77, .body = "r", .sync_weight = 7, .ignorable = true};
  ASSERT_TRUE(writer_->AppendAsync(record, calls_.Callback()).ok());
  EXPECT_THAT(calls_.Lsns(1), ElementsAre(1));
  EXPECT_EQ(writer_->durable_lsn(), 1);
  Close();
  const std::string header = Bytes(1).substr(FrameOf("r").offset, 48);
  EXPECT_EQ(header[24], 77);
  EXPECT_EQ(header[27], kIgnorable);
}

TEST_F(AsyncAppendTest, InModeEachTheCallbackComesWhenTheRecordIsDurable) {
  Open();
  StandStill();
  Queue("second");
  EXPECT_TRUE(calls_.Now().empty());
  Lsn durable = 0;
  ASSERT_TRUE(QueueOrError("third", [&](absl::StatusOr<Lsn> lsn) {
                durable = writer_->durable_lsn();
                calls_.Note(lsn);
              }).ok());
  Go();
  EXPECT_EQ(calls_.Lsns(3).back(), durable);
  PowerCut({.survive_percent = 0});
  EXPECT_THAT(Bodies(), ElementsAre("first", "second", "third"));
}

TEST_F(AsyncAppendTest, WhatIsQueuedMeanwhileSharesOneWriteAndOneFsync) {
  Open();
  StandStill();
  fs_.ClearCalls();
  for (int i = 0; i < 50; ++i) Queue("later");
  Go();
  calls_.Lsns(51);
  EXPECT_EQ(fs_.Count(FileOp::kWrite, kFirst), 1);
  EXPECT_EQ(fs_.Count(FileOp::kSync, kFirst), 1);
}

TEST_F(AsyncAppendTest, EachRecordIsAnAppendOfItsOwn) {
  Open();
  StandStill();
  for (const char* body : {"one", "two", "three"}) Queue(body);
  fs_.Inject({.op = FileOp::kWrite,
              .name_part = kFirst,
              .written_bytes = 2 * (kFrameHeaderBytes + 8) + 10});
  Go();
  EXPECT_THAT(calls_.Kinds(4), ElementsAre(ErrorKind::kNone, ErrorKind::kIo,
                                           ErrorKind::kIo, ErrorKind::kIo));
  Kill();
  Open();
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("first", "one", "two"));
}

TEST_F(AsyncAppendTest, CallbacksComeInLsnOrderWhateverTheOthersDo) {
  Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string body = absl::StrCat("thread ", t, " record ", i);
        if (i % 4 == t % 4) {
          Append(body);
        } else {
          Queue(body);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<Lsn> lsns = calls_.Lsns(8 * 150);
  EXPECT_EQ(lsns.size(), 8 * 150);
  EXPECT_TRUE(std::is_sorted(lsns.begin(), lsns.end()));
  EXPECT_EQ(std::set<Lsn>(lsns.begin(), lsns.end()).size(), lsns.size());
  Close();
  EXPECT_EQ(Bodies().size(), 8 * 200);
}

TEST_F(AsyncAppendTest, RecordsOfOneThreadKeepTheirOrder) {
  Open();
  BodyList expected;
  for (int i = 0; i < 2000; ++i) {
    expected.push_back(absl::StrCat(i, std::string(i % 300, '.')));
    Queue(expected.back());
  }
  Close();
  EXPECT_EQ(Bodies(), expected);
}

// ---------------------------------------------------------------------------
// Bounds

TEST_F(AsyncAppendTest, TryAppendIsBusyWhenThereIsNoRoomAndQueuesNothing) {
  options_.async_bytes_max = 20'000;
  Open();
  StandStill();
  const std::string body(1000, 'b');
  int queued = 0;
  absl::Status status;
  while ((status = TryQueue(body)).ok()) ++queued;
  EXPECT_EQ(KindOf(status), ErrorKind::kBusy) << status;
  EXPECT_TRUE(absl::IsUnavailable(status));
  // Half of the bytes, some 1250 for each record.
  EXPECT_EQ(queued, 8);
  Go();
  calls_.Lsns(1 + queued);
  EXPECT_TRUE(TryQueue("there is room again").ok());
  Close();
  EXPECT_EQ(Bodies().size(), 1 + queued + 1);
}

TEST_F(AsyncAppendTest, EmptyRecordsAreBoundedToo) {
  options_.async_bytes_max = 20'000;
  Open();
  StandStill();
  int queued = 0;
  while (TryQueue("").ok()) ++queued;
  EXPECT_LT(queued, 60);
  Go();
}

TEST_F(AsyncAppendTest, AppendAsyncWaitsForRoom) {
  options_.async_bytes_max = 20'000;
  Open();
  StandStill();
  while (TryQueue(std::string(1000, 'b')).ok()) {
  }
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    Queue("waits" + std::string(1000, '.'));
    returned = true;
  });
  EXPECT_EQ(KindOf(TryQueue(std::string(1000, 'b'))), ErrorKind::kBusy);
  EXPECT_FALSE(returned);
  Go();
  waiter.join();
  Close();
  EXPECT_EQ(Bodies().back().substr(0, 5), "waits");
}

TEST_F(AsyncAppendTest, ARecordLargerThanTheBufferIsLetInAlone) {
  options_.async_bytes_max = 1000;
  Open();
  StandStill();
  EXPECT_TRUE(TryQueue(std::string(100'000, 'l')).ok());
  EXPECT_EQ(KindOf(TryQueue("s")), ErrorKind::kBusy);
  Go();
  Queue("s");
  Close();
  EXPECT_EQ(Bodies().size(), 3);
}

TEST_F(AsyncAppendTest, WhatIsTooLongIsRefusedAtOnceAndNotCalledBack) {
  options_.max_record_bytes = 100;
  Open();
  EXPECT_EQ(KindOf(TryQueue(std::string(101, 'x'))),
            ErrorKind::kInvalidArgument);
  Queue("y");
  EXPECT_THAT(calls_.Lsns(1), ElementsAre(1));
}

// ---------------------------------------------------------------------------
// Errors

TEST_F(AsyncAppendTest, AFailedFsyncReachesEveryCallbackOnce) {
  Open();
  StandStill();
  for (int i = 0; i < 1000; ++i) Queue("q");
  fs_.Inject({.op = FileOp::kSync, .name_part = kFirst, .nth = 2});
  Go();
  std::vector<ErrorKind> kinds = calls_.Kinds(1001);
  EXPECT_EQ(kinds.front(), ErrorKind::kNone);
  kinds.erase(kinds.begin());
  EXPECT_THAT(kinds, Each(ErrorKind::kIo));
  EXPECT_EQ(KindOf(QueueOrError("later", calls_.Callback())),
            ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(TryQueue("later")), ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(writer_->Close()), ErrorKind::kPoisoned);
  EXPECT_EQ(calls_.Now().size(), 1001);
}

TEST_F(AsyncAppendTest, WhatWaitsBehindAFailureIsPoisoned) {
  Open();
  fs_.Block(FileOp::kSync, kFirst);
  fs_.Inject({.op = FileOp::kSync, .name_part = kFirst});
  Queue("first");
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  Queue("second");
  Queue("third");
  Go();
  EXPECT_THAT(calls_.Kinds(3), ElementsAre(ErrorKind::kIo, ErrorKind::kPoisoned,
                                           ErrorKind::kPoisoned));
}

TEST_F(AsyncAppendTest, AFullDiskIsOneRecordsErrorAndLaterOnesGoOn) {
  Open();
  StandStill();
  disk_.SetCapacity(disk_.UsedBytes());
  Queue("before");
  Queue(std::string(200'000, 'f'));
  Queue("after");
  Go();
  EXPECT_THAT(calls_.Kinds(4),
              ElementsAre(ErrorKind::kNone, ErrorKind::kNone,
                          ErrorKind::kNoSpace, ErrorKind::kNone));
  disk_.SetCapacity(1 << 30);
  Queue(std::string(200'000, 'g'));
  EXPECT_EQ(calls_.Kinds(5).back(), ErrorKind::kNone);
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("first", "before", "after",
                                    std::string(200'000, 'g')));
}

// ---------------------------------------------------------------------------
// The end

TEST_F(AsyncAppendTest, CloseCompletesThousandsThatAreQueued) {
  Open();
  StandStill();
  for (int i = 0; i < 5000; ++i) Queue(absl::StrCat(i));
  std::thread closer([this] { Close(); });
  Go();
  closer.join();
  EXPECT_EQ(calls_.Now().size(), 5001);
  EXPECT_EQ(Bodies().size(), 5001);
  EXPECT_TRUE(Examine().closed);
}

TEST_F(AsyncAppendTest, SoDoesTheDestructor) {
  Open();
  for (int i = 0; i < 100; ++i) Queue("q");
  writer_.reset();
  EXPECT_EQ(calls_.Lsns(100).size(), 100);
  EXPECT_TRUE(Examine().closed);
}

TEST_F(AsyncAppendTest, AfterCloseNothingIsQueued) {
  Open();
  Queue("q");
  ASSERT_TRUE(writer_->Close().ok());
  EXPECT_EQ(KindOf(QueueOrError("r", calls_.Callback())), ErrorKind::kClosed);
  EXPECT_EQ(KindOf(TryQueue("r")), ErrorKind::kClosed);
  EXPECT_EQ(calls_.Now().size(), 1);
}

TEST_F(AsyncAppendTest, CloseWakesWhoWaitsForRoom) {
  options_.async_bytes_max = 0;
  Open();
  StandStill();
  Queue("fills the other half");
  std::thread waiter([this] {
    const absl::Status status = QueueOrError("waits", calls_.Callback());
    EXPECT_TRUE(status.ok() || KindOf(status) == ErrorKind::kClosed) << status;
  });
  std::thread closer([this] { EXPECT_TRUE(writer_->Close().ok()); });
  Go();
  waiter.join();
  closer.join();
}

// Whatever is under way when an fsync fails, or the journal is closed: every
// call returns, and of what was queued nothing is lost or told twice.
class EverythingAtOnceTest : public AsyncAppendTest,
                             public ::testing::WithParamInterface<int> {};

TEST_P(EverythingAtOnceTest, EndsWithOneCallbackEach) {
  options_.sync_mode = SyncMode::kBatch;
  options_.async_bytes_max = 8 << 10;
  options_.segment_bytes_max = 64 << 10;
  Open();
  if (GetParam() > 0) {
    fs_.Inject({.op = FileOp::kSync, .name_part = ".seg", .nth = GetParam()});
  }
  std::atomic<size_t> queued = 0;
  std::atomic<int> calls = 0;
  const std::string body(1000, 'e');
  const std::function<absl::Status()> work[] = {
      [&] { return writer_->Append({.type = 1, .body = body}).status(); },
      [&] {
        absl::Status s = QueueOrError(body, calls_.Callback());
        queued += s.ok();
        return s;
      },
      [&] {
        absl::Status s = TryQueue(body);
        queued += s.ok();
        return KindOf(s) == ErrorKind::kBusy ? absl::OkStatus() : s;
      },
      [&] { return writer_->Sync(); },
      [&] {
        absl::Status s = writer_->WaitDurable(
            writer_->durable_lsn() + 1, absl::Now() + absl::Milliseconds(1));
        return absl::IsDeadlineExceeded(s) ? absl::OkStatus() : s;
      },
      [&] { return writer_->Snapshot(); },
      [&] { return writer_->RemoveBefore(writer_->durable_lsn() / 2); },
  };
  std::vector<std::thread> threads;
  for (const auto& call : work) {
    threads.emplace_back([&] {
      for (absl::Status s; s.ok(); ++calls) {
        s = call();
        const ErrorKind kind = KindOf(s);
        EXPECT_TRUE(s.ok() || kind == ErrorKind::kClosed ||
                    kind == ErrorKind::kPoisoned || kind == ErrorKind::kIo)
            << s;
      }
    });
  }
  while (calls < 500 && writer_->statistics().background_errors == 0) {
    std::this_thread::yield();
  }
  std::thread other([this] { writer_->Close().IgnoreError(); });
  writer_->Close().IgnoreError();
  other.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls_.Now().size(), queued);
  writer_.reset();
  EXPECT_FALSE(Examine().damaged()) << Text(Examine());
}

INSTANTIATE_TEST_SUITE_P(FsyncThatFails, EverythingAtOnceTest,
                         ::testing::Values(0, 1, 5, 30));

// ---------------------------------------------------------------------------
// In a callback

TEST_F(AsyncAppendTest, ACallbackMayTryAppend) {
  Open();
  InACallback([this] { EXPECT_TRUE(TryQueue("from a callback").ok()); });
  calls_.Lsns(1);
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("carrier", "from a callback"));
}

TEST_F(AsyncAppendTest, ACallbackMustNotWaitForItself) {
  Open();
  InACallback([this] {
    const Lsn later = writer_->durable_lsn() + 1;
    EXPECT_EQ(KindOf(QueueOrError("x", calls_.Callback())),
              ErrorKind::kInvalidArgument);
    EXPECT_EQ(KindOf(TryAppend("x").status()), ErrorKind::kInvalidArgument);
    EXPECT_EQ(KindOf(writer_->Sync()), ErrorKind::kInvalidArgument);
    EXPECT_EQ(KindOf(writer_->WaitDurable(later)), ErrorKind::kInvalidArgument);
    EXPECT_EQ(KindOf(writer_->Close()), ErrorKind::kInvalidArgument);
    EXPECT_TRUE(writer_->WaitDurable(later - 1).ok());
  });
  Append("others may");
  Close();
  EXPECT_THAT(Bodies(), ElementsAre("carrier", "others may"));
}

TEST_F(AsyncAppendTest, ACallbackThatGoesOnForEverIsEndedByClose) {
  Open();
  std::function<void(absl::StatusOr<Lsn>)> again =
      [&](absl::StatusOr<Lsn> lsn) {
        calls_.Note(lsn);
        TryQueue("again", again).IgnoreError();
      };
  ASSERT_TRUE(QueueOrError("once", again).ok());
  calls_.Await(10);
  Close();
  EXPECT_EQ(Bodies().size(), calls_.Now().size());
}

}  // namespace
}  // namespace journal
