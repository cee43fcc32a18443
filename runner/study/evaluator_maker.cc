#include "runner/study/evaluator_maker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/base/shell_words.h"
#include "runner/evaluators/openai/openai_evaluator.h"
#include "runner/evaluators/replay_evaluator.h"
#include "runner/evaluators/worker_evaluator.h"
#include "runner/evaluators/worker_scorer.h"
#include "runner/study/benchmark_run.h"

namespace runner {
namespace {

absl::StatusOr<std::unique_ptr<Evaluator>> MakeReplay(
    const EvaluatorWish& wish) {
  ReplayEvaluatorOptions replay;
  replay.response_field = wish.options->fields.response_field;
  replay.slots = wish.workers;
  return NewReplayEvaluator(replay);
}

absl::StatusOr<std::unique_ptr<Evaluator>> MakeOpenAi(
    const EvaluatorWish& wish) {
  const RunOptions& options = *wish.options;
  OpenAiEvaluatorOptions openai;
  openai.base_url = wish.endpoint.base_url;
  openai.api_key = wish.endpoint.api_key;
  openai.request.system_prompt = options.request.system_prompt;
  openai.request.parameters_json = ChatParametersJson(options.request);
  openai.request.send_seed = options.seed != 0;
  openai.slots = wish.workers;
  openai.timeout = options.timeout;
  return NewOpenAiEvaluator(openai);
}

absl::StatusOr<std::unique_ptr<Evaluator>> MakeWorker(EvaluatorWish wish) {
  WorkerEvaluatorOptions worker;
  absl::StatusOr<std::vector<std::string>> words =
      SplitShellWords(wish.options->worker_command);
  if (!words.ok()) return words.status();
  worker.command = *std::move(words);
  worker.slots = wish.workers;
  worker.timeout = wish.options->timeout;
  worker.restore = std::move(wish.restore);
  worker.log = std::move(wish.log);
  return NewWorkerEvaluator(std::move(worker));
}

}  // namespace

absl::Status HandBackStates(const BenchmarkJournal& journal, Console& console,
                            EvaluatorWish* wish) {
  const size_t known = journal.worker_states();
  if (wish->options->evaluator != EvaluatorKind::kWorker || known == 0) {
    return absl::OkStatus();
  }
  absl::StatusOr<std::map<uint32_t, std::string>> states =
      journal.ReadWorkerStates(static_cast<uint32_t>(wish->workers));
  if (!states.ok()) return states.status();
  if (known > states->size()) {
    console.Say(
        absl::StrCat("The states of ", known - states->size(),
                     " more workers stay in the journal: there are only ",
                     wish->workers, " workers now"));
  }
  wish->restore = *std::move(states);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Evaluator>> MakeEvaluator(EvaluatorWish wish) {
  switch (wish.options->evaluator) {
    case EvaluatorKind::kReplay:
      return MakeReplay(wish);
    case EvaluatorKind::kOpenAi:
      return MakeOpenAi(wish);
    case EvaluatorKind::kWorker:
      break;
  }
  return MakeWorker(std::move(wish));
}

absl::StatusOr<std::unique_ptr<ExternalScorer>> MakeExternalScorer(
    const RunOptions& options, int workers,
    std::function<void(uint32_t slot, absl::string_view line)> log) {
  WorkerScorerOptions scorer;
  absl::StatusOr<std::vector<std::string>> words =
      SplitShellWords(options.scorer_command);
  if (!words.ok()) return words.status();
  scorer.command = *std::move(words);
  scorer.slots = std::min(workers, kFinishersMax);
  scorer.timeout = options.timeout;
  scorer.log = std::move(log);
  return NewWorkerScorer(std::move(scorer));
}

}  // namespace runner
