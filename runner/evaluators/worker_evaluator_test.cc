#include "runner/evaluators/worker_evaluator.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "runner/base/system_call.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kWorker[] = "runner/testing/fake_worker";

// The answers as they come, by query id: its output, or its error's type.
class Answers {
 public:
  Evaluator::Done Expect(const std::string& id) {
    absl::MutexLock lock(&mutex_);
    ++expected_;
    return [this, id](EvaluationResult result) {
      absl::MutexLock lock(&mutex_);
      results_.emplace_back(id, std::move(result));
    };
  }

  // Waits for all that were expected.
  const std::vector<std::pair<std::string, EvaluationResult>>& All() {
    absl::MutexLock lock(&mutex_);
    const auto complete = [this] {
      mutex_.AssertReaderHeld();
      return static_cast<int>(results_.size()) >= expected_;
    };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&complete), kPatience));
    return results_;
  }

 private:
  absl::Mutex mutex_;
  int expected_ = 0;
  std::vector<std::pair<std::string, EvaluationResult>> results_;
};

bool Alive(pid_t pid) {
  // A zombie is dead; only its parent has not looked yet.
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const size_t end = text.rfind(')');
  return end != std::string::npos && text.compare(end, 3, ") Z") != 0;
}

class WorkerEvaluatorTest : public testing::Test {
 protected:
  WorkerEvaluatorTest() { options_.timeout = kPatience; }

  absl::Status Open(std::vector<std::string> arguments, int slots = 1) {
    options_.command = std::move(arguments);
    options_.command.insert(options_.command.begin(), kWorker);
    return OpenCommand(slots);
  }

  absl::Status OpenCommand(int slots = 1) {
    options_.slots = slots;
    options_.log = [this](uint32_t, absl::string_view line) {
      absl::MutexLock lock(&log_mutex_);
      log_.push_back(std::string(line));
    };
    auto evaluator = NewWorkerEvaluator(options_);
    if (!evaluator.ok()) return evaluator.status();
    evaluator_ = *std::move(evaluator);
    return absl::OkStatus();
  }

  void Start(const std::string& id, Answers* answers, uint32_t attempt = 1) {
    EvaluationRequest request;
    request.key.id = id;
    request.attempt = attempt;
    request.prompt = "prompt " + id;
    request.query_json = absl::StrCat("{\"id\":\"", id, "\"}");
    evaluator_->Start(std::move(request), answers->Expect(id));
  }

  EvaluationResult Ask(const std::string& id, uint32_t attempt = 1) {
    Answers answers;
    Start(id, &answers, attempt);
    return answers.All().at(0).second;
  }

  // The output, or the error's type in brackets.
  std::string Output(const std::string& id, uint32_t attempt = 1) {
    const EvaluationResult result = Ask(id, attempt);
    if (result.error) {
      EXPECT_FALSE(result.output);
      EXPECT_NE(result.error->message, "");
      return absl::StrCat("[", result.error->type,
                          result.error->retryable ? "" : ", permanent", "]");
    }
    return result.output.value_or("null");
  }

  // A worker that does `kind` at query "bad" and is asked before and after.
  std::string OutputOfFault(const std::string& kind) {
    EXPECT_EQ(Open({"--fault=" + kind + ":bad"}), absl::OkStatus());
    EXPECT_EQ(Output("before"), "prompt before");
    const std::string output = Output("bad");
    EXPECT_EQ(Output("after"), "prompt after");
    return output;
  }

  std::string TempFile(const std::string& name) {
    const std::string path = testing::TempDir() + "/" + name;
    unlink(path.c_str());
    return path;
  }

  std::vector<std::string> LogLines() {
    absl::MutexLock lock(&log_mutex_);
    return log_;
  }

  WorkerEvaluatorOptions options_;
  absl::Mutex log_mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<Evaluator> evaluator_;
};

std::vector<pid_t> PidsIn(const std::string& path) {
  std::ifstream file(path);
  std::vector<pid_t> pids;
  std::string role;
  for (pid_t pid; file >> role >> pid;) pids.push_back(pid);
  return pids;
}

TEST_F(WorkerEvaluatorTest, AnswersOverManySlots) {
  ASSERT_EQ(Open({}, /*slots=*/4), absl::OkStatus());
  for (int round = 0; round < 25; ++round) {
    Answers answers;
    for (int i = 0; i < 4; ++i) Start(absl::StrCat("q", i), &answers);
    for (const auto& [id, result] : answers.All()) {
      EXPECT_EQ(result.output, "prompt " + id);
    }
  }
}

TEST_F(WorkerEvaluatorTest, EachSlotHasOneRequest) {
  ASSERT_EQ(Open({"--fault=hang:h"}, /*slots=*/4), absl::OkStatus());
  Answers hanging;
  for (int i = 0; i < 3; ++i) Start("h", &hanging);
  std::set<uint32_t> slots = {Ask("q").slot};
  evaluator_->Stop();
  for (const auto& [id, result] : hanging.All()) slots.insert(result.slot);
  EXPECT_THAT(slots, ElementsAre(0, 1, 2, 3));
}

TEST_F(WorkerEvaluatorTest, ReadsAllThatAnAnswerSays) {
  ASSERT_EQ(Open({"--scores"}), absl::OkStatus());
  const EvaluationResult result = Ask("q");
  EXPECT_THAT(result.scores, ElementsAre(Pair("a", 1), Pair("b", 0.5)));
  EXPECT_EQ(result.usage.prompt_tokens, 11);
  EXPECT_TRUE(result.usage.metered);
  EXPECT_EQ(result.cost, 0.25);
  EXPECT_EQ(result.reasoning, "because");
  EXPECT_EQ(result.metadata_json, "{\"k\":[1,2]}");
  EXPECT_GT(result.latency, absl::ZeroDuration());
}

TEST_F(WorkerEvaluatorTest, NullIsAnAnswer) {
  EXPECT_EQ(OutputOfFault("null"), "null");
}

TEST_F(WorkerEvaluatorTest, TheWorkersOwnErrors) {
  ASSERT_EQ(Open({"--fault=retryable:a", "--fault=permanent:b"}),
            absl::OkStatus());
  EXPECT_EQ(Output("a"), "[busy]");
  EXPECT_EQ(Output("b"), "[refused, permanent]");
}

// Each costs its own query and no other.
TEST_F(WorkerEvaluatorTest, Dies) {
  EXPECT_EQ(OutputOfFault("die"), "[worker-exited]");
  EXPECT_THAT(LogLines(), testing::Contains(HasSubstr("exit code 3")));
}
TEST_F(WorkerEvaluatorTest, Crashes) {
  EXPECT_EQ(OutputOfFault("crash"), "[worker-exited]");
}
TEST_F(WorkerEvaluatorTest, EndsInTheMiddleOfALine) {
  EXPECT_EQ(OutputOfFault("half"), "[worker-exited]");
}
TEST_F(WorkerEvaluatorTest, ClosesItsStdout) {
  EXPECT_EQ(OutputOfFault("close-stdout"), "[worker-exited]");
}

class BadAnswerTest : public WorkerEvaluatorTest,
                      public testing::WithParamInterface<const char*> {};

TEST_P(BadAnswerTest, IsAProtocolError) {
  EXPECT_EQ(OutputOfFault(GetParam()), "[protocol]");
}

INSTANTIATE_TEST_SUITE_P(Kinds, BadAnswerTest,
                         testing::Values("garbage", "array", "nul",
                                         "invalid-utf8", "deep", "wrong-types",
                                         "no-output", "huge-number",
                                         "negative-usage", "wrong-id"));

size_t PeakMemoryKiB() {
  std::ifstream status("/proc/self/status");
  std::string word;
  size_t value = 0;
  while (status >> word) {
    if (word == "VmHWM:") status >> value;
  }
  return value;
}

TEST_F(WorkerEvaluatorTest, AHundredMegabyteLineIsNotReadWhole) {
  options_.answer_bytes_max = 1 << 20;
  const size_t before = PeakMemoryKiB();
  EXPECT_EQ(OutputOfFault("oversize"), "[oversize]");
  EXPECT_LT(PeakMemoryKiB() - before, 32 << 10);
}

TEST_F(WorkerEvaluatorTest, HangsPastTheTimeout) {
  // The queries before and after have no longer, nor has a worker to start.
  options_.timeout = absl::Seconds(5);
  EXPECT_EQ(OutputOfFault("hang"), "[timeout]");
}

TEST_F(WorkerEvaluatorTest, ASecondAnswerHarmsNoQuery) {
  EXPECT_EQ(OutputOfFault("twice"), "prompt bad");
}

TEST_F(WorkerEvaluatorTest, AWorkerThatEndsAfterEachAnswerFailsNothing) {
  ASSERT_EQ(Open({"--fault=exit-after:*"}), absl::OkStatus());
  for (int i = 0; i < 20; ++i) {
    const std::string id = absl::StrCat(i);
    EXPECT_EQ(Output(id), "prompt " + id);
  }
}

TEST_F(WorkerEvaluatorTest, AnotherAttemptMayGoWell) {
  ASSERT_EQ(Open({"--fault=die:*", "--first-attempt"}), absl::OkStatus());
  EXPECT_EQ(Output("q", 1), "[worker-exited]");
  EXPECT_EQ(Output("q", 2), "prompt q");
}

TEST_F(WorkerEvaluatorTest, AskedOnceEach) {
  const std::string log = TempFile("asked");
  ASSERT_EQ(Open({"--log=" + log, "--fault=die:b"}), absl::OkStatus());
  for (const char* id : {"a", "b", "c"}) Output(id);
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), "1 a 0 1\n1 b 0 1\n1 c 0 1\n");
}

TEST_F(WorkerEvaluatorTest, StateIsHandedBack) {
  options_.restore[0] = "{\"answers\":\n41}";
  ASSERT_EQ(Open({"--state", "--fault=die:bad"}), absl::OkStatus());
  const EvaluationResult result = Ask("q");
  EXPECT_EQ(result.output, "41:prompt q");
  EXPECT_EQ(result.state_json, "{\"answers\":42}");
  // Also within a session, to the worker that replaces a dead one.
  EXPECT_EQ(Output("bad"), "[worker-exited]");
  EXPECT_EQ(Output("q"), "42:prompt q");
}

TEST_F(WorkerEvaluatorTest, AFloodOnStderrBlocksNothing) {
  ASSERT_EQ(Open({"--stderr=4000000"}), absl::OkStatus());
  EXPECT_EQ(Output("q"), "prompt q");
  evaluator_.reset();
  EXPECT_LT(LogLines().size(), 10 * 250);
  EXPECT_THAT(LogLines(), testing::Contains(HasSubstr("more lines left out")));
}

TEST_F(WorkerEvaluatorTest, StderrIsPrintable) {
  options_.command = {"sh", "-c", "printf '\\033[31mred\\007\\n' >&2; cat"};
  ASSERT_EQ(OpenCommand(), absl::OkStatus());
  EXPECT_TRUE(Eventually([this] { return !LogLines().empty(); }));
  EXPECT_EQ(LogLines().at(0), "\\x1b[31mred\\x07");
}

TEST_F(WorkerEvaluatorTest, ALargeRequestPassesAPipe) {
  ASSERT_EQ(Open({}), absl::OkStatus());
  EvaluationRequest request;
  request.prompt = std::string(5 << 20, 'p');
  request.query_json = "{\"a\":\n1}";
  Answers answers;
  evaluator_->Start(request, answers.Expect("q"));
  EXPECT_EQ(answers.All().at(0).second.output, request.prompt);
}

// Commands that cannot work are found before anything is asked.
TEST_F(WorkerEvaluatorTest, NoSuchProgram) {
  options_.command = {"no-such-program-at-all"};
  EXPECT_EQ(OpenCommand(),
            absl::NotFoundError("cannot run 'no-such-program-at-all': no such "
                                "program in PATH"));
  options_.command = {"/nowhere/worker"};
  EXPECT_TRUE(absl::IsNotFound(OpenCommand()));
  options_.command = {};
  EXPECT_TRUE(absl::IsInvalidArgument(OpenCommand()));
}

TEST_F(WorkerEvaluatorTest, NotExecutable) {
  const std::string path = TempFile("script");
  std::ofstream(path) << "no program\n";
  options_.command = {path};
  EXPECT_TRUE(absl::IsPermissionDenied(OpenCommand()));
  chmod(path.c_str(), 0755);
  EXPECT_THAT(OpenCommand().message(), HasSubstr("script that starts with #!"));
}

TEST_F(WorkerEvaluatorTest, EndsAtOnce) {
  options_.startup_grace = kPatience;
  const absl::Status status = Open({"--exit=127"}, /*slots=*/3);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("exit code 127"), HasSubstr("exiting at once"),
                    HasSubstr("fake_worker")));
}

TEST_F(WorkerEvaluatorTest, NeverComesUpAgain) {
  options_.startup_grace = absl::ZeroDuration();
  // A busy machine may see its end already when it opens, but not every time.
  ASSERT_TRUE(Eventually([this] { return Open({"--exit-later=20:1"}).ok(); }));
  EXPECT_EQ(Output("q"), "[worker-exited]");
}

TEST_F(WorkerEvaluatorTest, StopEndsWhatIsUnderWay) {
  ASSERT_EQ(Open({"--fault=hang:*"}, /*slots=*/2), absl::OkStatus());
  Answers answers;
  Start("a", &answers);
  Start("b", &answers);
  evaluator_->Stop();
  for (const auto& [id, result] : answers.All()) {
    EXPECT_EQ(result.error->type, "stopped") << id;
    EXPECT_TRUE(result.error->retryable);
  }
  EXPECT_EQ(Output("late"), "[stopped]");
  evaluator_->Stop();  // Harmless.
}

TEST_F(WorkerEvaluatorTest, NothingSurvivesStop) {
  const std::string pids = TempFile("pids_stop");
  options_.stop_grace = absl::Milliseconds(50);
  ASSERT_EQ(
      Open({"--pids=" + pids, "--grandchild", "--daemon", "--ignore-term"}),
      absl::OkStatus());
  ASSERT_TRUE(Eventually([&] { return PidsIn(pids).size() == 3; }));
  evaluator_->Stop();
  EXPECT_TRUE(Eventually([&] {
    for (pid_t pid : PidsIn(pids)) {
      if (Alive(pid)) return false;
    }
    return true;
  }));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
}

// The guard must not keep alive what its parent had open, such as a lock.
TEST_F(WorkerEvaluatorTest, ChildrenInheritNoDescriptor) {
  const int leaked = open("/dev/null", O_RDONLY);  // Not close-on-exec.
  options_.command = {"sh", "-c", "ls /proc/self/fd >&2; cat"};
  ASSERT_EQ(OpenCommand(), absl::OkStatus());
  // 3 is what ls itself has opened.
  ASSERT_TRUE(Eventually([this] { return LogLines().size() == 4; }));
  EXPECT_THAT(LogLines(), ElementsAre("0", "1", "2", "3"));
  close(leaked);
}

// A runner of its own: `slots` workers with grandchildren, killed at once
// when `slots` queries hang.
pid_t ForkRunner(const std::string& pids, int slots, int ready_fd) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  WorkerEvaluatorOptions options;
  options.command = {kWorker,        "--fault=hang:*", "--pids=" + pids,
                     "--grandchild", "--daemon",       "--ignore-term"};
  options.slots = slots;
  auto evaluator = NewWorkerEvaluator(options);
  if (!evaluator.ok()) _exit(1);
  for (int i = 0; i < slots; ++i) {
    (*evaluator)->Start(EvaluationRequest(), [](EvaluationResult) {});
  }
  if (write(ready_fd, "r", 1) != 1) _exit(1);
  for (;;) pause();
}

TEST_F(WorkerEvaluatorTest, NothingSurvivesTheRunnersDeath) {
  constexpr int kSlots = 4;
  // Orphans become our children, so that we see each of them end.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const std::string pids = TempFile("pids_kill");
  absl::StatusOr<Pipe> ready = Pipe::Create();
  ASSERT_TRUE(ready.ok());
  const pid_t runner = ForkRunner(pids, kSlots, ready->write_fd);
  char byte;
  ASSERT_EQ(read(ready->read_fd, &byte, 1), 1);
  ASSERT_TRUE(Eventually([&] { return PidsIn(pids).size() == 3 * kSlots; }));
  for (pid_t pid : PidsIn(pids)) EXPECT_TRUE(Alive(pid));

  kill(runner, SIGKILL);

  // Until there is no child: runner, guard, workers, grandchildren, daemons.
  int reaped = 0;
  EXPECT_TRUE(Eventually([&] {
    while (waitpid(-1, nullptr, WNOHANG) > 0) ++reaped;
    return errno == ECHILD;
  }));
  EXPECT_GE(reaped, 2 + 3 * kSlots);
  for (pid_t pid : PidsIn(pids)) EXPECT_FALSE(Alive(pid));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  ready->Close();
}

}  // namespace
}  // namespace runner
