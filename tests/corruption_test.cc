// What becomes of a journal whose bytes the disk has changed: nothing of it
// passes unseen, and nothing that only a crash has torn is called damage.
//
// Every bit is flipped; the engine looks for each, `verify` for one in each
// byte. For all of them by `verify`, which takes minutes:
//   bazel test //tests:corruption_test --test_env=CORRUPTION_LONG=1
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "runner/base/exit_code.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/record_codec.h"
#include "runner/study/journal_choice.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

// Few and long, so that 16 KiB are read quickly some 100,000 times.
constexpr int kQuestions = 5;
constexpr int kQuestionBytes = 900;
constexpr uint64_t kSegmentHeaders = 1024;
// Of the exhaustive tests, which are cut into so many pieces.
constexpr int kPieces = 8;
// A test that fails everywhere says so a few times only.
constexpr int kComplaintsMax = 5;
constexpr int kTornPieces = 4;
// Every so manieth byte of a torn record the real run goes on from.
constexpr int kRunEvery = 3;
// Every so manieth position the real programs look at, too. Prime, so that it
// meets all bits and all places in a sector.
constexpr int kRealEvery = 659;

class SilentConsole final : public Console {
 public:
  void Say(absl::string_view) override {}
  void Detail(absl::string_view) override {}
  void Error(absl::string_view) override {}
  void BeginProgress(const Progress&) override {}
  void Scored(const QueryKey&) override {}
  void Failed(const QueryKey&) override {}
  void Spent(double) override {}
  void EndProgress() override {}
};

// The worker answers each with the question itself.
void WriteQuestions(Workplace& place, int questions) {
  std::string rows;
  for (int i = 1; i <= questions; ++i) {
    const std::string text(kQuestionBytes, static_cast<char>('a' + i));
    absl::StrAppend(&rows, "{\"id\":\"q", i, "\",\"input\":\"", text,
                    "\",\"target\":\"", text, "\"}\n");
  }
  place.Write("questions.jsonl", rows);
  place.worker_flags = {"--log=calls.log"};
}

// Where something lies in a journal.
struct Place {
  std::string file;
  uint64_t offset = 0;
  int bit = 0;
};

std::string Describe(const Place& place) {
  return absl::StrCat(place.file, ", offset ", place.offset, ", bit ",
                      place.bit);
}

bool Names(const std::string& text, uint64_t lsn) {
  const std::string name = absl::StrCat("LSN ", lsn);
  for (size_t at = text.find(name); at != std::string::npos;
       at = text.find(name, at + 1)) {
    const size_t behind = at + name.size();
    if (behind == text.size() || text[behind] < '0' || text[behind] > '9') {
      return true;
    }
  }
  return false;
}

// A finished benchmark, in two sessions and so in two segments, closed: some 16
// KiB, in which a test changes this and that.
class ClosedJournal : public ::testing::Test {
 protected:
  void SetUp() override {
    RunTwice(place_);
    Look();
  }

  static void RunTwice(Workplace& place) {
    WriteQuestions(place, kQuestions);
    ASSERT_EQ(place.Run({"--workers", "1", "--num-samples", "2"}), 0)
        << place.err();
    ASSERT_EQ(place.Run({"--workers", "1"}), 0) << place.err();
  }

  void Look() {
    directory_ = place_.JournalDirectory();
    whole_ = ReadFiles(directory_);
    const auto located = LocateJournal({}, directory_);
    ASSERT_TRUE(located.has_value() && located->info.has_value());
    wish_.journal_dir = place_.Path("journals");
    wish_.benchmark_id = located->info->benchmark_id;
    wish_.identity_json = located->info->identity_json;
    wish_.identity_hash = located->info->identity_hash;
    wish_.run_id = located->info->run_id;
    for (const std::string& name : SegmentNames(whole_)) {
      frames_[name] = FramesOf(absl::StrCat(directory_, "/", name));
    }
  }

  // What a run would say of the journal before it asks anything: its steps,
  // in this process.
  Said Resume() {
    const JournalChoice choice = ChooseJournal(wish_, {}, console_);
    if (choice.refusal.has_value()) {
      return {choice.refusal->exit_code, choice.refusal->message};
    }
    if (choice.create) return {0, "a new journal"};
    auto resumed = BenchmarkJournal::Resume(choice.directory, {});
    if (resumed.ok()) return {0, "resumed"};
    const Refusal refusal = RefuseJournal(choice.directory, resumed.status());
    return {refusal.exit_code, refusal.message};
  }

  Said RunForReal() {
    const int exit_code = place_.Run({"--workers", "1"});
    return {exit_code, place_.err() + place_.out()};
  }

  // The LSN of the frame at an offset, or of the first one behind it; 0 for the
  // segment's header and for what lies behind its last frame.
  uint64_t LsnAt(const std::string& file, uint64_t offset) const {
    if (offset < kSegmentHeaders) return 0;
    for (const FramePlace& frame : frames_.at(file)) {
      if (offset < frame.end) return frame.lsn;
    }
    return 0;
  }

  // The LSN that a loss begins with when the frame `lsn` is lost: with it go
  // those before it that were appended all or nothing with it.
  uint64_t FirstWith(const std::string& file, uint64_t lsn) const {
    constexpr int kFlagsAt = 27;
    constexpr char kSpanContinues = 2;
    uint64_t first = 0;
    for (const FramePlace& frame : frames_.at(file)) {
      if (first == 0) first = frame.lsn;
      if (frame.lsn == lsn) break;
      const char flags = whole_.at(file)[frame.offset + kFlagsAt];
      if ((flags & kSpanContinues) == 0) first = 0;
    }
    return first;
  }

  // "Response" for a record whose body holds the offset, else nothing.
  std::string TypeAt(const std::string& file, uint64_t offset) const {
    constexpr int kHeader = 48, kTypeAt = 24, kKindAt = 26;
    constexpr char kRecordKind = 1;
    const std::string& bytes = whole_.at(file);
    for (const FramePlace& frame : frames_.at(file)) {
      if (offset < frame.offset + kHeader || offset >= frame.end) continue;
      if (bytes[frame.offset + kKindAt] != kRecordKind) return "";
      const auto low =
          static_cast<unsigned char>(bytes[frame.offset + kTypeAt]);
      return RecordTypeName(low);
    }
    return "";
  }

  bool IsNamed(const std::string& text, const std::string& file,
               uint64_t offset) const {
    const uint64_t lsn = LsnAt(file, offset);
    return lsn == 0 ? absl::StrContains(text, file)
                    : Names(text, lsn) || Names(text, FirstWith(file, lsn));
  }

  std::string DamageIsNamed(const Said& verify, const std::string& file,
                            uint64_t offset) const {
    if (verify.exit_code != kExitDamage) {
      return absl::StrCat("verify exits ", verify.exit_code);
    }
    if (!IsNamed(verify.text, file, offset)) {
      return absl::StrCat("verify does not name LSN ", LsnAt(file, offset));
    }
    const std::string type = TypeAt(file, offset);
    if (!absl::StrContains(verify.text, type)) {
      return absl::StrCat("verify does not say that it is a ", type);
    }
    return "";
  }

  static std::string IsRefused(const Said& run) {
    if (run.exit_code != kExitDamage) {
      return absl::StrCat("run exits ", run.exit_code);
    }
    const bool helps = absl::StrContains(run.text, "journalctl-bench verify") &&
                       absl::StrContains(run.text, "journalctl-bench repair") &&
                       absl::StrContains(run.text, "--overwrite");
    return helps ? "" : "run does not say what to do next";
  }

  // Each of these says what does not hold, by the real programs or by
  // their steps in this process.
  std::string VerifyFinds(const std::string& file, uint64_t offset, bool real) {
    const Said verify =
        real ? InspectForReal({"verify", directory_}, place_.Path(""))
             : Inspect({"verify", directory_});
    const std::string wrong = DamageIsNamed(verify, file, offset);
    return wrong.empty() ? "" : absl::StrCat(wrong, ":\n", verify.text);
  }

  // The same by the engine alone, which verify asks.
  std::string EngineFinds(const std::string& file, uint64_t offset) const {
    journal::ExamineOptions options;
    options.mode = journal::RecoveryMode::kSalvage;
    const auto report = journal::Examine(directory_, options);
    if (!report.ok()) return report.status().ToString();
    if (!report->damaged() ||
        report->outcome >= journal::FindingKind::kReadError) {
      return absl::StrCat("the engine finds ",
                          journal::FindingKindName(report->outcome));
    }
    std::string found;
    for (const journal::Finding& finding : report->findings) {
      absl::StrAppend(&found, journal::Describe(finding), "\n");
    }
    return IsNamed(found, file, offset) ? ""
                                        : absl::StrCat("not named:\n", found);
  }

  std::string RunRefuses(bool real) {
    const Files before = ReadFiles(directory_);
    const Said run = real ? RunForReal() : Resume();
    const std::string wrong = IsRefused(run);
    if (!wrong.empty()) return absl::StrCat(wrong, ":\n", run.text);
    return Same(before, ReadFiles(directory_)) ? ""
                                               : "run has changed the journal";
  }

  void Complain(const Place& place, const std::string& wrong) {
    if (wrong.empty()) return;
    ADD_FAILURE() << Describe(place) << ": " << wrong;
    ++complaints_;
  }

  Workplace place_;
  std::string directory_;
  Files whole_;
  std::map<std::string, std::vector<FramePlace>> frames_;
  JournalWish wish_;
  SilentConsole console_;
  int complaints_ = 0;
};

TEST_F(ClosedJournal, IsSoundAndOfTheSizeThatTheseTestsAreAbout) {
  size_t bytes = 0;
  for (const std::string& name : SegmentNames(whole_)) {
    bytes += whole_[name].size();
  }
  EXPECT_GT(bytes, 12u << 10);
  EXPECT_LT(bytes, 24u << 10);
  EXPECT_EQ(SegmentNames(whole_).size(), 2u);
  EXPECT_EQ(Inspect({"verify", directory_}).exit_code, 0);
  EXPECT_EQ(Resume().exit_code, 0);
}

// The positions of a journal, dealt out to pieces that run side by side.
class EveryPosition : public ClosedJournal,
                      public ::testing::WithParamInterface<int> {
 protected:
  bool Mine(uint64_t offset) const {
    return offset % kPieces == static_cast<uint64_t>(GetParam());
  }
};

TEST_P(EveryPosition, FlippedBitIsFoundNamedAndRefused) {
  const bool every_bit = std::getenv("CORRUPTION_LONG") != nullptr;
  for (const std::string& name : SegmentNames(whole_)) {
    const std::string& bytes = whole_[name];
    const std::string path = absl::StrCat(directory_, "/", name);
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    for (uint64_t i = 0; i < bytes.size() * 8; ++i) {
      const uint64_t offset = i / 8;
      if (!Mine(offset) || complaints_ == kComplaintsMax) continue;
      const char flipped = static_cast<char>(bytes[offset] ^ 1 << i % 8);
      ASSERT_EQ(pwrite(fd, &flipped, 1, offset), 1);
      const Place place = {name, offset, static_cast<int>(i % 8)};
      // In each byte another bit.
      const bool thorough = i % 8 == offset / kPieces % 8;
      Complain(place, thorough || every_bit ? VerifyFinds(name, offset, false)
                                            : EngineFinds(name, offset));
      if (thorough) Complain(place, RunRefuses(false));
      if (i % kRealEvery == 0) {
        Complain(place, VerifyFinds(name, offset, true));
        Complain(place, RunRefuses(true));
      }
      ASSERT_EQ(pwrite(fd, &bytes[offset], 1, offset), 1);
    }
    close(fd);
  }
}

TEST_P(EveryPosition, TruncationIsFoundNamedAndRefused) {
  for (const std::string& name : SegmentNames(whole_)) {
    const std::string& bytes = whole_[name];
    const std::string path = absl::StrCat(directory_, "/", name);
    for (uint64_t size = 0; size < bytes.size(); ++size) {
      if (!Mine(size) || complaints_ == kComplaintsMax) continue;
      WriteFile(path, absl::string_view(bytes).substr(0, size));
      const Place place = {name, size, 0};
      const bool real = size % kRealEvery == 0;
      Complain(place, VerifyFinds(name, size, real));
      Complain(place, RunRefuses(real));
    }
    WriteFile(path, bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Piece, EveryPosition, ::testing::Range(0, kPieces));

// A finished benchmark that was extended twice: three segments with records.
class ThreeSegments : public ClosedJournal {
 protected:
  void SetUp() override {
    RunThrice(place_);
    Look();
    ASSERT_EQ(SegmentNames(whole_).size(), 3u);
  }

  static void RunThrice(Workplace& place) {
    RunTwice(place);
    WriteQuestions(place, kQuestions + 2);
    ASSERT_EQ(place.Run({"--workers", "1"}), 0) << place.err();
  }

  static std::string Segment(int id) {
    return absl::StrCat("000000000", id, ".seg");
  }

  // Of this journal with other files.
  void ExpectDamage(const Files& files) {
    PutFiles(directory_, files);
    const Said verify = InspectForReal({"verify", directory_}, place_.Path(""));
    EXPECT_EQ(verify.exit_code, kExitDamage) << verify.text;
    EXPECT_TRUE(absl::StrContains(verify.text, "LSN ")) << verify.text;
    const Said run = RunForReal();
    EXPECT_EQ(IsRefused(run), "") << run.text;
    EXPECT_TRUE(Same(files, ReadFiles(directory_)));
  }

  void ExpectNewer(const Files& files) {
    PutFiles(directory_, files);
    for (const Said& said :
         {InspectForReal({"verify", directory_}, place_.Path("")),
          RunForReal()}) {
      EXPECT_EQ(said.exit_code, kExitNewer) << said.text;
      EXPECT_TRUE(absl::StrContains(said.text, "newer")) << said.text;
      EXPECT_FALSE(absl::StrContains(said.text, "corrupt")) << said.text;
      EXPECT_FALSE(absl::StrContains(said.text, "ACKED_LOSS")) << said.text;
      EXPECT_FALSE(absl::StrContains(said.text, "poison")) << said.text;
    }
    EXPECT_TRUE(Same(files, ReadFiles(directory_)));
  }
};

TEST_F(ThreeSegments, AreSound) {
  EXPECT_EQ(Inspect({"verify", directory_}).exit_code, 0);
}

TEST_F(ThreeSegments, AnyOneMissingIsDamage) {
  for (const std::string& name : SegmentNames(whole_)) {
    SCOPED_TRACE(name);
    Files files = whole_;
    files.erase(name);
    ExpectDamage(files);
  }
}

TEST_F(ThreeSegments, AnyTwoSwappedAreDamage) {
  for (const auto& [a, b] :
       {std::pair(1, 2), std::pair(2, 3), std::pair(1, 3)}) {
    SCOPED_TRACE(absl::StrCat(a, " and ", b));
    Files files = whole_;
    std::swap(files[Segment(a)], files[Segment(b)]);
    ExpectDamage(files);
  }
}

TEST_F(ThreeSegments, AnyOneDuplicatedIsDamage) {
  for (const std::string& name : SegmentNames(whole_)) {
    SCOPED_TRACE(name);
    Files files = whole_;
    files[Segment(4)] = whole_[name];
    ExpectDamage(files);
  }
}

TEST_F(ThreeSegments, OneOfAnotherJournalIsDamage) {
  Workplace other;
  RunThrice(other);
  const Files foreign = ReadFiles(other.JournalDirectory());
  for (const std::string& name : SegmentNames(whole_)) {
    SCOPED_TRACE(name);
    Files files = whole_;
    files[name] = foreign.at(name);
    ExpectDamage(files);
  }
}

TEST_F(ThreeSegments, OlderCopyOfTheNewestIsDamage) {
  // The second as it was before the third: closed, and never sealed.
  Files files = whole_;
  files.erase(Segment(3));
  files[Segment(2)].resize(frames_[Segment(2)].back().end);
  ExpectDamage(files);
}

TEST_F(ThreeSegments, NewerVersionFromSomeSegmentOnIsNotCalledDamage) {
  for (int first = 1; first <= 3; ++first) {
    SCOPED_TRACE(first);
    Files files = whole_;
    for (int id = first; id <= 3; ++id) {
      files[Segment(id)] = AsNewer(whole_[Segment(id)], 1, 0);
    }
    ExpectNewer(files);
  }
}

TEST_F(ThreeSegments, UnknownFeatureIsNotCalledDamage) {
  constexpr uint32_t kUnknown = uint32_t{1} << 31;
  Files files = whole_;
  files[Segment(3)] = AsNewer(whole_[Segment(3)], 0, kUnknown);
  ExpectNewer(files);
}

// A run that was killed with its last records unconfirmed, and the last of them
// zeroed from some byte on, as a power failure would leave it.
class TornTail : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    Workplace quiet;
    Prepare(quiet, "");
    ASSERT_EQ(quiet.Run(), 0) << quiet.err();
    expected_ = quiet.ResultsWithoutTiming();

    Prepare(place_, "--fault=hang:q5");
    RunnerProcess runner = place_.Start();
    ASSERT_TRUE(place_.WaitForCalls(kQuestions, runner)) << runner.err();
    ASSERT_TRUE(runner.Kill9());
    Prepare(place_, "");
    directory_ = place_.JournalDirectory();
    killed_ = ReadFiles(directory_);
    newest_ = SegmentNames(killed_).back();
    last_ = FramesOf(absl::StrCat(directory_, "/", newest_)).back();
  }

  static void Prepare(Workplace& place, const std::string& worker_flags) {
    place.WriteDataset(kQuestions);
    place.Write(
        "worker.sh",
        absl::StrCat(
            "exec ",
            (fs::current_path() / "runner/testing/fake_worker").string(),
            " --log=calls.log ", worker_flags));
    place.options["worker-command"] = "sh worker.sh";
    place.options["workers"] = "1";
    // Nothing confirms what was written but what comes after it.
    place.options["sync-interval"] = "1h";
  }

  // What is left when the last record is zeroed from its byte `from` on.
  Files ZeroedFrom(uint64_t from) const {
    Files files = killed_;
    std::string& bytes = files[newest_];
    std::fill(bytes.begin() + last_.offset + from, bytes.end(), '\0');
    return files;
  }

  // Nothing that was written is missing, or nothing of it is left.
  bool IsWhole(uint64_t from) const {
    return from == 0 || ZeroedFrom(from) == killed_;
  }

  // The real run to its end.
  void ExpectRunGoesOn(uint64_t from) {
    ASSERT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_EQ(absl::StrContains(place_.err(), "Cut a torn tail"),
              !IsWhole(from))
        << place_.err();
    EXPECT_EQ(place_.ResultsWithoutTiming(), expected_);
  }

  // What it does first, in this process.
  void ExpectResumes(uint64_t from) {
    const auto resumed = BenchmarkJournal::Resume(directory_, {});
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_EQ((*resumed)->recovery_report().outcome,
              IsWhole(from) ? journal::FindingKind::kCleanEnd
                            : journal::FindingKind::kTornTail);
  }

  void ExpectCut(uint64_t from) {
    PutFiles(directory_, ZeroedFrom(from));
    const Said verify = Inspect({"verify", directory_});
    EXPECT_EQ(verify.exit_code, IsWhole(from) ? 0 : kExitTornTail)
        << verify.text;
    if (from / kTornPieces % kRunEvery == 0) {
      ExpectRunGoesOn(from);
    } else {
      ExpectResumes(from);
    }
    ExpectKept(IsWhole(from)
                   ? ""
                   : ZeroedFrom(from).at(newest_).substr(last_.offset, from));
    EXPECT_EQ(Inspect({"verify", directory_}).exit_code, 0);
  }

  void ExpectKept(const std::string& torn) {
    const Files after = ReadFiles(directory_);
    const auto kept = after.find(newest_ + ".torn");
    ASSERT_EQ(kept != after.end(), !torn.empty());
    if (torn.empty()) return;
    // Zeros at its end are not there to be kept.
    const std::string without_zeros =
        torn.substr(0, torn.find_last_not_of('\0') + 1);
    EXPECT_EQ(kept->second, without_zeros);
  }

  Workplace place_;
  std::string expected_;
  std::string directory_;
  Files killed_;
  std::string newest_;
  FramePlace last_;
};

TEST_P(TornTail, ZeroedFromAnyByteIsCutAndTheRunGoesOn) {
  for (uint64_t from = GetParam(); from < last_.end - last_.offset;
       from += kTornPieces) {
    SCOPED_TRACE(absl::StrCat("zero from byte ", from, " of LSN ", last_.lsn));
    ExpectCut(from);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Piece, TornTail, ::testing::Range(0, kTornPieces));

}  // namespace
}  // namespace runner
