// The examples of README.md, which shows what stands between the marks, as a
// program outside the engine: it sees journal.h and links //journal only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/journal.h"

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// README: append
absl::Status AppendOne(const std::string& directory) {
  auto writer = journal::Writer::Open(directory, {});
  if (!writer.ok()) return writer.status();
  auto lsn = (*writer)->Append({.type = 1, .body = "a result"});
  if (!lsn.ok()) return lsn.status();  // It survives kill -9 from here on,
  absl::Status durable = (*writer)->WaitDurable(*lsn);
  if (!durable.ok()) return durable;  // and a power cut from here on.
  return (*writer)->Close();
}
// README: end

// README: span
absl::StatusOr<journal::Lsn> AppendTogether(journal::Writer& writer) {
  const journal::RecordView records[] = {
      {.type = 1, .body = "alice -5"},
      {.type = 1, .body = "bob +5"},
  };
  return writer.Append(records);  // Both are ever read back, or none.
}
// README: end

// README: async
absl::Status AppendManyAtOnce(const std::string& directory) {
  std::atomic<int> failed = 0;  // Outlives the writer, whose thread counts.
  auto writer = journal::Writer::Open(directory, {});
  if (!writer.ok()) return writer.status();
  for (int i = 0; i < 1000; ++i) {
    const std::string body = absl::StrCat("result ", i);  // It is copied.
    absl::Status queued = (*writer)->AppendAsync(
        {.type = 1, .body = body}, [&failed](absl::StatusOr<journal::Lsn> lsn) {
          if (!lsn.ok()) ++failed;
        });
    if (!queued.ok()) return queued;  // This one was not, and is not called.
  }
  absl::Status closed = (*writer)->Close();  // All callbacks have returned.
  if (!closed.ok()) return closed;
  return failed == 0 ? absl::OkStatus() : absl::InternalError("not all there");
}
// README: end

// README: follow
// Takes what is there; called again, what has come since.
absl::Status TakeNew(journal::Reader& reader, std::vector<std::string>* taken) {
  for (;;) {
    const journal::ReadResult next = reader.Next();
    switch (next.outcome) {
      case journal::ReadOutcome::kRecord:
        taken->emplace_back(next.record.body);  // Valid until the next call.
        break;
      case journal::ReadOutcome::kEnd:
        return absl::OkStatus();
      case journal::ReadOutcome::kCompacted:  // Open one that starts there.
        return absl::OutOfRangeError(
            absl::StrCat("records below LSN ", next.first_lsn, " are gone"));
      case journal::ReadOutcome::kDamaged:
        return absl::DataLossError(journal::Describe(next.finding));
    }
  }
}
// README: end

// README: folder
// The newest price of each thing, from records "thing=price". The engine keeps
// it as a state in the journal, so that opening reads the newest records only.
class Prices : public journal::Folder, public journal::Compactor {
 public:
  std::map<std::string, int> Get() const {
    absl::MutexLock lock(&mutex_);
    std::map<std::string, int> prices;
    for (const auto& [thing, newest] : newest_) prices[thing] = newest.price;
    return prices;
  }

  // Folder. Every line of a state is "thing=price=LSN".
  uint32_t version() const override { return 1; }
  void Reset() override {
    absl::MutexLock lock(&mutex_);
    newest_.clear();
  }
  absl::Status Restore(absl::string_view state) override {
    for (absl::string_view line : absl::StrSplit(state, '\n')) {
      if (line.empty()) continue;
      const std::vector<std::string> fields = absl::StrSplit(line, '=');
      journal::Lsn lsn = 0;
      if (fields.size() != 3 || !absl::SimpleAtoi(fields[2], &lsn) ||
          !Set(fields[0], fields[1], lsn)) {
        return absl::InvalidArgumentError("not a state of prices");
      }
    }
    return absl::OkStatus();
  }
  void Fold(const journal::Record& record) override {
    const std::pair<std::string, std::string> price =
        absl::StrSplit(record.body, absl::MaxSplits('=', 1));
    Set(price.first, price.second, record.lsn);
  }
  std::string Save() override {
    absl::MutexLock lock(&mutex_);
    std::string state;
    for (const auto& [thing, newest] : newest_) {
      absl::StrAppend(&state, thing, "=", newest.price, "=", newest.lsn, "\n");
    }
    return state;
  }

  // Compactor: called from another thread. Snapshots leave out old prices.
  journal::Lsn SupersededBy(const journal::Record& record) override {
    const std::pair<std::string, std::string> price =
        absl::StrSplit(record.body, absl::MaxSplits('=', 1));
    absl::MutexLock lock(&mutex_);
    const auto newest = newest_.find(price.first);
    return newest != newest_.end() && newest->second.lsn > record.lsn
               ? newest->second.lsn
               : 0;
  }

 private:
  struct Newest {
    int price;
    journal::Lsn lsn;
  };

  bool Set(const std::string& thing, const std::string& text,
           journal::Lsn lsn) {
    int price = 0;
    if (!absl::SimpleAtoi(text, &price)) return false;
    absl::MutexLock lock(&mutex_);
    newest_[thing] = {price, lsn};
    return true;
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, Newest> newest_;  // Guarded by mutex_.
};
// README: end

// README: snapshot
absl::Status KeepPrices(const std::string& directory, const std::string& backup,
                        Prices* prices) {
  journal::WriterOptions options;
  options.folder = prices;  // After Open it holds what the journal holds.
  options.compactor = prices;
  options.snapshots.log_bytes = 64 << 20;       // One for every so many bytes,
  options.snapshots.on_close = true;            // a last one in the end,
  options.snapshots.backup_directory = backup;  // and a copy of each there.
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) return writer.status();
  for (const char* price : {"tea=3", "coffee=4", "tea=5"}) {
    auto lsn = (*writer)->Append({.type = 1, .body = price});
    if (!lsn.ok()) return lsn.status();
  }
  absl::Status made = (*writer)->Snapshot();  // On demand: published, verified.
  if (!made.ok()) return made;
  return (*writer)->Close();
}
// README: end

// README: restore
// A backup is a snapshot without a log: it is copied into a new journal.
absl::Status RestoreFrom(const std::string& backup,
                         const std::string& directory) {
  auto report = journal::Salvage(backup, directory, {});
  return report.status();
}
// README: end

// README: remove
// As a queue: what is consumed goes, as whole segments.
absl::Status Consume(journal::Writer& writer, journal::Lsn consumed) {
  return writer.RemoveBefore(consumed + 1);
}
// README: end

// README: encrypt
absl::Status AppendSecretly(const std::string& directory,
                            const std::string& key_file) {
  auto cipher = journal::Cipher::FromFile(key_file);  // 64 hex digits.
  if (!cipher.ok()) return cipher.status();
  journal::WriterOptions options;
  options.cipher = cipher->get();  // Declared before: outlives the writer.
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) return writer.status();  // kKey: another key's journal.
  auto lsn = (*writer)->Append({.type = 1, .body = "a secret"});
  if (!lsn.ok()) return lsn.status();
  return (*writer)->Close();
}
// README: end

// README: recover
// Opens a journal; of a damaged one, a copy of all that is whole in it.
absl::StatusOr<std::unique_ptr<journal::Writer>> OpenOrSalvage(
    const std::string& directory, const std::string& copy,
    std::vector<std::string>* messages) {
  auto writer = journal::Writer::Open(directory, {});
  if (writer.ok()) {
    const journal::RecoveryReport& report = (*writer)->recovery_report();
    if (report.outcome == journal::FindingKind::kTornTail) {
      messages->push_back(absl::StrCat("cut ", report.bytes_cut,
                                       " bytes that nothing had acknowledged"));
    }
    return writer;
  }
  if (journal::KindOf(writer.status()) != journal::ErrorKind::kDamage) {
    return writer;  // Locked, no permission, a newer version, …: not harmed.
  }
  auto report = journal::Salvage(directory, copy, {});
  if (!report.ok()) return report.status();
  for (const journal::Finding& finding : report->findings) {
    messages->push_back(journal::Describe(finding));  // File, offset, LSNs.
  }
  return journal::Writer::Open(copy, {});
}
// README: end

// README: statistics
class Alarm : public journal::WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override {
    absl::MutexLock lock(&mutex_);
    last_error_ = error;
  }
  absl::Status last_error() const {
    absl::MutexLock lock(&mutex_);
    return last_error_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Status last_error_;
};

absl::StatusOr<std::string> AppendAndReport(const std::string& directory) {
  Alarm alarm;
  journal::WriterOptions options;
  options.sync_mode = journal::SyncMode::kEach;
  options.listener = &alarm;
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) return writer.status();
  auto lsn = (*writer)->Append({.type = 1, .body = "durable at once"});
  if (!lsn.ok()) return lsn.status();
  const journal::WriterStatistics counted = (*writer)->statistics();
  absl::Status closed = (*writer)->Close();
  if (!closed.ok()) return closed;
  if (!alarm.last_error().ok()) return alarm.last_error();
  return absl::StrCat(
      counted.records, " record in ", counted.batches, " batches; fsync took ",
      absl::FormatDuration(absl::Nanoseconds(counted.fsync_ns.Percentile(99))));
}
// README: end

// ---------------------------------------------------------------------------

class Examples : public ::testing::Test {
 protected:
  Examples() {
    // One below the other's: tests run in any order, and beside each other.
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    place_ = absl::StrCat(::testing::TempDir(), "/", test->name());
    EXPECT_EQ(journal::FileSystem::Posix()->CreateDirectory(place_),
              absl::OkStatus());
    directory_ = Path("journal");
  }

  std::string Path(absl::string_view name) const {
    return absl::StrCat(place_, "/", name);
  }

  std::unique_ptr<journal::Writer> Open() {
    auto writer = journal::Writer::Open(directory_, {});
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }

  static std::vector<std::string> Read(const std::string& directory,
                                       const journal::Cipher* cipher = nullptr,
                                       journal::Lsn start = 1) {
    journal::ReaderOptions options;
    options.cipher = cipher;
    options.start_lsn = start;
    auto reader = journal::Reader::Open(directory, options);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> bodies;
    if (reader.ok()) {
      EXPECT_EQ(TakeNew(**reader, &bodies), absl::OkStatus());
    }
    return bodies;
  }

  std::string place_, directory_;
};

TEST_F(Examples, Append) {
  EXPECT_EQ(AppendOne(directory_), absl::OkStatus());
  EXPECT_THAT(Read(directory_), ElementsAre("a result"));
}

TEST_F(Examples, Span) {
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  EXPECT_TRUE(AppendTogether(*writer).ok());
  EXPECT_THAT(Read(directory_), ElementsAre("alice -5", "bob +5"));
}

TEST_F(Examples, Async) {
  EXPECT_EQ(AppendManyAtOnce(directory_), absl::OkStatus());
  EXPECT_THAT(Read(directory_), SizeIs(1000));
}

TEST_F(Examples, FollowALivingWriter) {
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  const auto reader = journal::Reader::Open(directory_, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> taken;
  EXPECT_EQ(TakeNew(**reader, &taken), absl::OkStatus());
  EXPECT_THAT(taken, IsEmpty());
  EXPECT_TRUE(AppendTogether(*writer).ok());
  EXPECT_EQ(TakeNew(**reader, &taken), absl::OkStatus());
  EXPECT_THAT(taken, ElementsAre("alice -5", "bob +5"));
}

TEST_F(Examples, SnapshotAndRestore) {
  Prices prices;
  EXPECT_EQ(KeepPrices(directory_, Path("backup"), &prices), absl::OkStatus());
  EXPECT_THAT(prices.Get(), ElementsAre(Pair("coffee", 4), Pair("tea", 5)));
  EXPECT_EQ(RestoreFrom(Path("backup"), Path("restored")), absl::OkStatus());
  EXPECT_THAT(Read(Path("restored")), ElementsAre("coffee=4", "tea=5"));
}

TEST_F(Examples, AStateComesBack) {
  Prices prices, again;
  EXPECT_EQ(KeepPrices(directory_, Path("backup"), &prices), absl::OkStatus());
  EXPECT_EQ(KeepPrices(directory_, Path("backup"), &again), absl::OkStatus());
  EXPECT_EQ(again.Get(), prices.Get());
  Prices restored;
  EXPECT_EQ(restored.Restore(again.Save()), absl::OkStatus());
  EXPECT_EQ(restored.Save(), again.Save());
  EXPECT_FALSE(restored.Restore("tea=five=1").ok());
}

TEST_F(Examples, Remove) {
  EXPECT_EQ(AppendOne(directory_), absl::OkStatus());  // A segment of its own.
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  const auto lsn = writer->Append({.type = 1, .body = "not consumed"});
  ASSERT_TRUE(lsn.ok()) << lsn.status();
  EXPECT_EQ(Consume(*writer, *lsn - 1), absl::OkStatus());
  EXPECT_THAT(Read(directory_, nullptr, *lsn), ElementsAre("not consumed"));
  const auto reader = journal::Reader::Open(directory_, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Next().outcome, journal::ReadOutcome::kCompacted);
}

TEST_F(Examples, Encrypt) {
  std::ofstream(Path("key")) << journal::NewKeyHex() << "\n";
  EXPECT_EQ(AppendSecretly(directory_, Path("key")), absl::OkStatus());
  const auto cipher = journal::Cipher::FromFile(Path("key"));
  ASSERT_TRUE(cipher.ok()) << cipher.status();
  EXPECT_THAT(Read(directory_, cipher->get()), ElementsAre("a secret"));
  const auto plain = journal::Writer::Open(directory_, {});
  EXPECT_EQ(journal::KindOf(plain.status()), journal::ErrorKind::kKey);
}

TEST_F(Examples, RecoverACopyOfWhatIsWhole) {
  {
    const auto writer = Open();
    ASSERT_NE(writer, nullptr);
    ASSERT_TRUE(AppendTogether(*writer).ok());
    ASSERT_TRUE(writer->Append({.type = 1, .body = "harmed"}).ok());
  }
  const std::string segment = absl::StrCat(directory_, "/0000000001.seg");
  std::stringstream bytes;
  bytes << std::ifstream(segment).rdbuf();
  std::fstream file(segment, std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(bytes.str().find("harmed")));
  file << 'H';
  file.close();
  std::vector<std::string> messages;
  const auto writer = OpenOrSalvage(directory_, Path("copy"), &messages);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_THAT(Read(Path("copy")), ElementsAre("alice -5", "bob +5"));
  EXPECT_THAT(messages, SizeIs(1));
}

TEST_F(Examples, Statistics) {
  const auto report = AppendAndReport(directory_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(absl::StartsWith(*report, "1 record in ")) << *report;
}

// ---------------------------------------------------------------------------

// What stands between a line that begins with `begin` and the next that begins
// with `end`, each time.
std::vector<std::string> Blocks(const char* path, absl::string_view begin,
                                absl::string_view end) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && absl::StartsWith(line, end)) {
      inside = false;
    } else if (inside) {
      absl::StrAppend(&blocks.back(), line, "\n");
    } else if (absl::StartsWith(line, begin)) {
      inside = true;
      blocks.emplace_back();
    }
  }
  return blocks;
}

TEST(ExamplesInReadme, AreThese) {
  const std::vector<std::string> here =
      Blocks("journal/examples_test.cc", "// README: ", "// README: end");
  const std::vector<std::string> there =
      Blocks("journal/README.md", "```cpp", "```");
  EXPECT_THAT(there, SizeIs(11));
  ASSERT_EQ(there.size(), here.size());
  for (size_t i = 0; i < here.size(); ++i) EXPECT_EQ(there[i], here[i]);
}

TEST(ExamplesInReadme, TheTopPageShowsTheFirst) {
  const std::vector<std::string> here =
      Blocks("journal/examples_test.cc", "// README: ", "// README: end");
  const std::vector<std::string> there = Blocks("README.md", "```cpp", "```");
  ASSERT_THAT(there, SizeIs(1));
  EXPECT_EQ(there[0],
            absl::StrCat("#include \"journal/journal.h\"\n\n", here.front()));
}

}  // namespace
