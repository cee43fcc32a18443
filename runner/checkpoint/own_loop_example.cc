// A benchmark with a loop of its own that can be killed at any moment: what was
// answered is not asked again, and the numbers at the end are the same.
//
//   own_loop_example JOURNAL_DIR QUERIES RUNS
//
// What it benchmarks is made up: one answer for each query, and whether it is
// right is drawn from the query's seed.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runner/checkpoint/checkpoint_manager.h"
#include "runner/display/progress_tracker.h"

namespace {

constexpr uint32_t kQueriesMax = 1000000;
constexpr uint32_t kRunsMax = 1000;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}

// Where a real program would call its model.
runner::CheckpointResult Ask(const std::string& id, uint64_t seed) {
  runner::CheckpointResult result;
  result.output = absl::StrCat("the answer to ", id);
  result.scores = {{"right", seed % 3 == 0 ? 0.0 : 1.0}};
  result.usage = {.prompt_tokens = 12, .completion_tokens = 5, .metered = true};
  result.cost = 0.0001;
  return result;
}

absl::Status Evaluate(const runner::CheckpointOptions& options,
                      runner::CheckpointManager& checkpoint,
                      runner::ProgressTracker& tracker) {
  for (uint32_t run = 1; run <= options.runs; ++run) {
    for (const std::string& id : options.query_ids) {
      if (checkpoint.IsQueryCompleted(run, id)) continue;
      absl::Status s = checkpoint.BeginQuery(run, id);
      if (!s.ok()) return s;
      const runner::CheckpointResult result =
          Ask(id, checkpoint.SeedOf(run, id));
      s = checkpoint.Update(run, id, result);
      if (!s.ok()) return s;
      tracker.Completed({run, 0, id}, result.cost);
    }
    if (absl::Status s = checkpoint.CompleteRun(run); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Of everything that was ever answered, whichever program asked for it.
absl::Status PrintMeans(const runner::CheckpointOptions& options,
                        runner::CheckpointManager& checkpoint) {
  for (uint32_t run = 1; run <= options.runs; ++run) {
    double right = 0;
    for (const std::string& id : options.query_ids) {
      const auto result = checkpoint.GetCompletedResult(run, id);
      if (!result.ok()) return result.status();
      right += (*result)->scores.front().second;
    }
    std::printf("run %u: %.4f\n", run, right / options.query_ids.size());
  }
  return absl::OkStatus();
}

int Run(const runner::CheckpointOptions& options) {
  auto checkpoint = runner::CheckpointManager::LoadOrCreate(options);
  if (!checkpoint.ok()) return Fail(checkpoint.status());
  const runner::CheckpointStats stats = (*checkpoint)->GetStats();
  runner::ProgressDisplay display(
      runner::ProgressDisplay::Options::ForProcess());
  display.Message(absl::StrCat(stats.completed, " of ", stats.total,
                               " are done; in doubt: ", stats.in_doubt));
  runner::ProgressTracker tracker(display);
  runner::Progress start;
  start.title = options.benchmark_id;
  start.total = stats.total;
  start.done = start.resumed = stats.completed;
  start.runs = options.runs;
  start.cost = stats.cost;
  tracker.Begin(start);
  absl::Status status = Evaluate(options, **checkpoint, tracker);
  tracker.End();
  if (status.ok()) status = PrintMeans(options, **checkpoint);
  const absl::Status closed = (*checkpoint)->Close();
  if (status.ok()) status = closed;
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

int main(int argc, char** argv) {
  runner::CheckpointOptions options;
  uint32_t queries = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &queries) || queries == 0 ||
      queries > kQueriesMax || !absl::SimpleAtoi(argv[3], &options.runs) ||
      options.runs == 0 || options.runs > kRunsMax) {
    std::fprintf(stderr, "usage: own_loop_example JOURNAL_DIR QUERIES RUNS\n");
    return 2;
  }
  options.journal_dir = argv[1];
  options.benchmark_id = "made-up";
  options.config_json = R"({"model":"none"})";
  for (uint32_t i = 1; i <= queries; ++i) {
    options.query_ids.push_back(absl::StrCat("q", i));
  }
  return Run(options);
}
