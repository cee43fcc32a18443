// The real program, whose system calls fail: one call of a kind after the
// other, by strace, and reads and writes that transfer less than asked for, by
// short_calls.cc. It ends with a documented exit code and a reason, or goes on;
// then the same command completes, with the results of an undisturbed run, and
// asks nothing twice but what it lists as in doubt.
//
//   INJECTED_EVERY_POINT=1   every call, instead of one of each kind
//
// strace counts the calls of each thread for itself: "the n-th" may fail once
// in several threads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

constexpr int kQuestions = 16;
// In the journal before the life that is disturbed, if there is one.
constexpr size_t kAskedBefore = 6;

// What strace can make fail here. Calls that change a file and are neither here
// nor unused fail a test below.
constexpr const char* kCalls[] = {"fdatasync", "fsync",  "pwrite64", "pread64",
                                  "openat",    "rename", "ftruncate"};
constexpr const char* kUnusedCalls[] = {
    "fallocate", "pwritev",         "pwritev2", "preadv",  "preadv2",
    "msync",     "sync_file_range", "renameat", "syncfs",  "renameat2",
    "truncate",  "copy_file_range", "sendfile", "openat2", "link"};

// Of the profile: call to the n that name one in some thread.
using Numbers = std::map<std::string, std::set<int>>;

bool EveryPoint() { return getenv("INJECTED_EVERY_POINT") != nullptr; }

// Of each question, and so of each answer: together more than the journal's
// first segment, when there is time.
size_t PromptBytes() { return EveryPoint() ? 72 << 10 : 600; }

// One life is disturbed: a journal's first, or one that finds a journal whose
// writer was killed.
enum class Life { kFirst, kResumed };

class InjectedCalls : public testing::Test {
 protected:
  static std::vector<std::string> Strace(const std::string& log,
                                         const std::string& expression) {
    const char* asan = getenv("ASAN_OPTIONS");
    return {"env",
            // A traced process cannot look for leaks.
            absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                         ":detect_leaks=0"),
            "strace", "-f",
            "--detach-on=execve",  // The workers are left alone.
            "-qq", "-o", log, "-e", expression};
  }

  static std::unique_ptr<Workplace> NewPlace() {
    auto place = std::make_unique<Workplace>();
    std::string rows;
    for (int i = 1; i <= kQuestions; ++i) {
      const std::string text =
          absl::StrCat(i, ":", std::string(PromptBytes(), 'a' + i % 26));
      absl::StrAppend(&rows, "{\"id\":\"q", i, "\",\"input\":\"", text,
                      "\",\"target\":\"", i % 10 == 0 ? "wrong" : text,
                      "\"}\n");
    }
    place->Write("questions.jsonl", rows);
    place->worker_flags = {"--log=calls.log"};
    place->options["workers"] = "2";
    place->options["drain-timeout"] = "200ms";
    return place;
  }

  // What a killed run has left, for all that go on from there.
  static const Workplace& Interrupted() {
    static const Workplace* const interrupted = [] {
      auto place = NewPlace();
      // Nobody makes this file: the run cannot end before it is killed.
      place->worker_flags.push_back(
          absl::StrCat("--hold=", kAskedBefore, ":go"));
      RunnerProcess runner = place->Start();
      EXPECT_TRUE(place->WaitForCalls(kAskedBefore, runner)) << runner.err();
      EXPECT_TRUE(runner.Kill9());
      EXPECT_TRUE(place->EverybodyIsGone());
      return place.release();
    }();
    return *interrupted;
  }

  static std::unique_ptr<Workplace> PlaceFor(Life life) {
    auto place = NewPlace();
    if (life == Life::kResumed) {
      fs::copy(Interrupted().Path("journals"), place->Path("journals"),
               fs::copy_options::recursive | fs::copy_options::copy_symlinks);
      fs::copy(Interrupted().Path("calls.log"), place->Path("calls.log"));
    }
    return place;
  }

  static const std::string& Undisturbed() {
    static const std::string* const results = [] {
      auto place = NewPlace();
      EXPECT_EQ(place->Run(), 0) << place->err();
      return new std::string(place->ResultsWithoutTiming());
    }();
    return *results;
  }

  // Fails the test, saying what is missing, where strace cannot work.
  static void SetUpTestSuite() {
    static const bool can_trace = [] {
      Workplace place;
      RunnerProcess traced({"strace", "-f", "--detach-on=execve", "-o", "log",
                            "-e", "inject=fsync:error=EIO", "true"},
                           place.Path(""));
      EXPECT_EQ(traced.WaitExit(), 0)
          << "strace cannot trace here. Needed: the package strace (6.1 or "
             "newer), and a kernel or container that permits ptrace(2) of "
             "one's children (for containers --cap-add=SYS_PTRACE). It said:\n"
          << traced.err();
      return !HasFailure();
    }();
    ASSERT_TRUE(can_trace) << "strace cannot trace here";
  }

  // One undisturbed life under strace. A call that has nothing to do with the
  // benchmark is not worth failing: what the loader opens, and the guard that
  // looks through all processes.
  static const Numbers& Profile(Life life) {
    static std::map<Life, Numbers>* const profiles =
        new std::map<Life, Numbers>;
    const auto [profile, is_new] = profiles->try_emplace(life);
    if (!is_new) return profile->second;
    auto place = PlaceFor(life);
    place->run_under = Strace(
        "strace.log", absl::StrCat("trace=", absl::StrJoin(kCalls, ","), ",?",
                                   absl::StrJoin(kUnusedCalls, ",?")));
    EXPECT_EQ(place->Run(), 0) << place->err();
    std::map<std::string, int> counts;  // By thread and call.
    for (const absl::string_view line :
         absl::StrSplit(place->Read("strace.log"), '\n')) {
      const std::vector<absl::string_view> words =
          absl::StrSplit(line, absl::ByAnyChar(" ("), absl::SkipEmpty());
      // Not "<... resumed>", signals and exits.
      if (words.size() < 3 || !absl::ascii_isalpha(words[1][0])) continue;
      const int number = ++counts[absl::StrCat(words[0], " ", words[1])];
      const bool of_the_system = absl::StrContains(line, "\"/proc/") ||
                                 absl::StrContains(line, "\"/sys/") ||
                                 absl::StrContains(line, "\"/lib") ||
                                 absl::StrContains(line, "\"/etc/") ||
                                 absl::StrContains(line, "\"/usr/") ||
                                 absl::StrContains(line, "\"/dev/");
      if (!of_the_system) {
        profile->second[std::string(words[1])].insert(number);
      }
    }
    return profile->second;
  }

  // After one disturbed run of `place`, which ended so.
  void ExpectEndedAsDocumented(const std::string& reason, int exit_code) {
    if (exit_code == 0) {
      EXPECT_EQ(place_->ResultsWithoutTiming(), Undisturbed());
      return;
    }
    // An operation that failed; nothing was started; queries failed.
    EXPECT_TRUE(exit_code == 1 || exit_code == 2 || exit_code == 3)
        << "exit " << exit_code << ": " << place_->err();
    EXPECT_TRUE(exit_code == 3 || absl::StrContains(place_->err(), reason) ||
                (reason == strerror(ENOSPC) &&
                 absl::StrContains(place_->err(), "disk is full")))
        << "exit " << exit_code << " without the reason \"" << reason << "\":\n"
        << place_->err();
  }

  void ExpectTheSameCommandCompletes() {
    EXPECT_TRUE(place_->EverybodyIsGone());
    const std::string said = place_->err();
    place_->run_under.clear();
    EXPECT_EQ(place_->Run(), 0) << place_->err() << "after:\n" << said;
    if (HasFailure()) return;
    place_->ExpectAskedOnceButInDoubt(kQuestions);
    EXPECT_EQ(place_->ResultsWithoutTiming(), Undisturbed());
    const Said verified = Inspect({"verify", place_->JournalDirectory()});
    EXPECT_EQ(verified.exit_code, 0) << verified.text;
  }

  std::unique_ptr<Workplace> place_;
};

TEST_F(InjectedCalls, NoCallThatChangesFilesIsForgottenHere) {
  for (const Life life : {Life::kFirst, Life::kResumed}) {
    for (const char* call : kUnusedCalls) {
      EXPECT_EQ(Profile(life).count(call), 0u) << call;
    }
    for (const char* call : kCalls) {
      EXPECT_EQ(Profile(life).count(call), 1u) << call;
    }
  }
}

// ---------------------------------------------------------------------------
// Calls that fail

class FailingCalls
    : public InjectedCalls,
      public testing::WithParamInterface<
          std::tuple<const char*, std::pair<const char*, int>, Life>> {
 protected:
  const char* call() const { return std::get<0>(GetParam()); }
  const char* error() const { return std::get<1>(GetParam()).first; }
  int error_number() const { return std::get<1>(GetParam()).second; }
  Life life() const { return std::get<2>(GetParam()); }

  // True if the call came.
  bool FailsAt(int number) {
    SCOPED_TRACE(absl::StrCat("call ", number));
    place_ = PlaceFor(life());
    place_->run_under = Strace(
        "strace.log",
        absl::StrCat("inject=", call(), ":error=", error(), ":when=", number));
    const int exit_code = place_->Run();
    const bool came =
        absl::StrContains(place_->Read("strace.log"), "(INJECTED)");
    EXPECT_TRUE(came || exit_code == 0) << place_->err();
    ExpectEndedAsDocumented(strerror(error_number()), exit_code);
    ExpectTheSameCommandCompletes();
    return came;
  }

  // One of the profile: another for each kind of case.
  int SomeNumber(const std::set<int>& numbers) const {
    constexpr double kGoldenRatio = 0.6180339887;
    const double place = (error_number() % 5 + 1) * kGoldenRatio +
                         (life() == Life::kFirst ? 0.25 : 0.75) +
                         static_cast<double>(strlen(call())) / 7;
    const double fraction = place - static_cast<int>(place);
    return *std::next(numbers.begin(),
                      static_cast<int>(fraction * numbers.size()));
  }
};

TEST_P(FailingCalls, EndClearlyOrGoOnAndTheSameCommandCompletes) {
  const Numbers& profile = Profile(life());
  ASSERT_EQ(profile.count(call()), 1u) << call() << " is never called";
  const std::set<int>& numbers = profile.at(call());
  int tried = 0;
  if (EveryPoint()) {
    for (const int number : numbers) {
      tried += FailsAt(number) ? 1 : 0;
      ASSERT_FALSE(HasFailure()) << "call " << number;
    }
  } else {
    tried += FailsAt(SomeNumber(numbers)) ? 1 : 0;
  }
  printf("torture: %d injected calls\n", tried);
}

INSTANTIATE_TEST_SUITE_P(
    Points, FailingCalls,
    testing::Combine(testing::ValuesIn(kCalls),
                     testing::Values(std::make_pair("EIO", EIO),
                                     std::make_pair("ENOSPC", ENOSPC),
                                     std::make_pair("EINTR", EINTR)),
                     testing::Values(Life::kFirst, Life::kResumed)),
    [](const testing::TestParamInfo<FailingCalls::ParamType>& info) {
      return absl::StrCat(
          std::get<0>(info.param), std::get<1>(info.param).first,
          std::get<2>(info.param) == Life::kFirst ? "First" : "Resumed");
    });

// ---------------------------------------------------------------------------
// Calls that transfer less

// Of how many bytes a call transfers only so many, and below 0 so many less.
// 48 is a frame's header.
constexpr int kShortBytes[] = {1, 47, 48, 49, 511, 512, 513, -1};

class ShortCalls : public InjectedCalls,
                   public testing::WithParamInterface<
                       std::tuple<const char*, const char*, Life>> {
 protected:
  std::string call() const { return std::get<0>(GetParam()); }
  std::string then() const { return std::get<1>(GetParam()); }
  Life life() const { return std::get<2>(GetParam()); }

  std::string Reason() const {
    return then() == "EIO" ? strerror(EIO) : strerror(ENOSPC);
  }

  // Call `number` (0: every one) transfers only `bytes`, and then … True if it
  // came.
  bool IsShortAt(int number, int bytes) {
    SCOPED_TRACE(absl::StrCat("call ", number, ", ", bytes, " bytes"));
    place_ = PlaceFor(life());
    const char* asan = getenv("ASAN_OPTIONS");
    place_->run_under = {
        "env",
        // The library is in front of the sanitizer's.
        absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                     ":verify_asan_link_order=0"),
        absl::StrCat("LD_PRELOAD=",
                     (fs::current_path() / "tests/libshort_calls.so").string()),
        absl::StrCat("SHORT_CALLS=", call(), ",", number, ",", bytes, ",",
                     then())};
    const int exit_code = place_->Run();
    const bool came = absl::StrContains(place_->err(), "short_calls: here");
    if (came && then() == "kill") {
      EXPECT_EQ(exit_code, -SIGKILL) << place_->err();
    } else if (!came || then() == "go-on" || then() == "EINTR") {
      EXPECT_EQ(exit_code, 0) << place_->err();
    } else {
      ExpectEndedAsDocumented(Reason(), exit_code);
    }
    ExpectTheSameCommandCompletes();
    return came;
  }
};

TEST_P(ShortCalls, AreNeitherTheEndNorALoss) {
  // By thread; over all threads there are more.
  const std::set<int>& numbers = Profile(life()).at(call() + "64");
  const int last = *numbers.rbegin();
  int tried = 0;
  if (EveryPoint()) {
    for (int number = 1; number <= last; ++number) {
      for (const int bytes : kShortBytes) {
        tried += IsShortAt(number, bytes) ? 1 : 0;
        ASSERT_FALSE(HasFailure()) << "call " << number << ", bytes " << bytes;
      }
    }
  } else {
    tried += IsShortAt(1 + last * 2 / 3, kShortBytes[then().size()]) ? 1 : 0;
  }
  printf("torture: %d short calls\n", tried);
}

INSTANTIATE_TEST_SUITE_P(
    Points, ShortCalls,
    testing::Combine(testing::Values("pread", "pwrite"),
                     testing::Values("go-on", "EIO", "ENOSPC", "kill"),
                     testing::Values(Life::kFirst, Life::kResumed)),
    [](const testing::TestParamInfo<ShortCalls::ParamType>& info) {
      const std::string then = std::get<1>(info.param);
      return absl::StrCat(
          std::get<0>(info.param), then == "go-on" ? "GoesOn" : then,
          std::get<2>(info.param) == Life::kFirst ? "First" : "Resumed");
    });

class EveryCallIsShort : public ShortCalls {};

TEST_P(EveryCallIsShort, AndNothingIsDifferent) {
  EXPECT_TRUE(IsShortAt(0, -1));
}

INSTANTIATE_TEST_SUITE_P(
    Calls, EveryCallIsShort,
    testing::Combine(testing::Values("pread", "pwrite"),
                     testing::Values("go-on", "EINTR"),
                     testing::Values(Life::kResumed)),
    [](const testing::TestParamInfo<ShortCalls::ParamType>& info) {
      return absl::StrCat(
          std::get<0>(info.param),
          std::string(std::get<1>(info.param)) == "EINTR" ? "ThenEintr" : "");
    });

}  // namespace
}  // namespace runner
