#include "runner/config/help_pages.h"

#include <algorithm>

namespace runner {
namespace {

constexpr absl::string_view kRunHead =
    R"(Usage: bench-runner run [-c FILE] --dataset FILE [options]
       bench-runner resume JOURNAL|latest [options]
       bench-runner rescore JOURNAL|latest [scoring options]
       bench-runner merge JOURNAL|DIR... --output JOURNAL  (merge --help)
       bench-runner estimate [the options of run]

Evaluates the queries of a dataset, scores the responses and journals each
step. The same command again goes on where it stopped; `resume` does so with
the options that the journal saved and those given, `latest` for all
benchmarks of the study last worked on. `rescore` scores what is answered
and asks nothing. `merge` makes one journal of those of shards. `estimate`
says what `run` would still ask, and what that costs.

Behind each option stands its class: changed [identity] means another
benchmark; [selection] more or less of the same; [scoring] how answers
are judged, which a journal keeps; the others, of operation, never show in
results.
Each option can also be set as BENCH_RUNNER_<OPTION>, with _ for -, and in
the file. The command line goes before the environment, that before the
file, that before what a resumed journal saved.
Times take ms, s, m or h; a bare number is seconds.
)";

constexpr absl::string_view kRunTail =
    R"(
Files
  journals/RUN_ID/             one journal a benchmark, and its errors.log
  journals/latest              the journal last opened for writing
  journals/replaced/           what --overwrite moved away
  results/RUN_ID/results.json  and results.jsonl, results.csv; with --sqlite
                               results.sqlite

Environment, besides BENCH_RUNNER_<OPTION>
  OPENAI_API_KEY, OPENAI_BASE_URL            the server's key and address
  BENCH_JOURNAL_KEY                          64 hex digits: encrypts
  SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX  --shard slurm/N, k8s/N
  http_proxy, https_proxy, no_proxy, NO_COLOR

Examples
  bench-runner run --dataset qa.jsonl --model m --scorer exact_match \
      --base-url http://localhost:8000/v1 --workers 32
  bench-runner run -c bench.yaml --models a,b --runs 3 --max-cost 20
  bench-runner resume latest --max-cost 40

Exit codes: 0 done, 1 an operation failed, 2 usage, 3 some queries failed,
10 torn tail (--validate-only), 11 journal damaged, 12 journal in use,
13 configuration or dataset differs, 14 journal of a newer version, 15 a
limit was reached, 100 below --min-score, 129, 130, 143 interrupted (the
same command resumes).
)";

constexpr absl::string_view kResumeHead =
    R"(Usage: bench-runner resume JOURNAL|latest [options]
       bench-runner resume FILE --dataset FILE [the options of run]

Goes on with a journal that stopped before its end: skips what is answered,
lists what may have been billed without an answer, asks that and the rest, and
writes the results. It needs nothing but the journal, which saved the options of
the session before; those given here go over them, and each that differs is said
and journaled.

  JOURNAL  its directory, or the results.json that was written from it; also
           given as -s JOURNAL
  latest   all benchmarks of the study last worked on, also those not begun yet;
           so does the path of that link, journals/latest
  FILE     a checkpoint of draagon, the ROB assessment tool, cobra_eval, distllm
           or Algoverse, or results a line each: a journal is made of it first,
           with the options of `run`, of which it saved none

Behind each option stands its class. Changed [identity] is refused with exit 13,
key by key, unless --accept-config-change is given; more of a [selection]
extends the benchmark; other [scoring] scores again what is answered; the others
may change at will. The command line goes before the environment, that before a
file given now, that before what the journal saved.
)";

constexpr absl::string_view kResumeTail =
    R"(
Exit codes: 0 done, or nothing left to do; 1 an operation failed, what was
journaled is kept; 2 usage, or nothing to resume; 3 some queries failed; 10 torn
tail (--validate-only); 11 journal damaged; 12 journal in use; 13 configuration
or dataset differs; 14 journal of a newer version; 15 a limit was reached; 100
below --min-score; 129, 130, 143 interrupted.

Examples
  bench-runner resume latest --max-cost 40
  bench-runner resume journals/20261121_gsm8k_gpt-4_1a2b3c4d --workers 4
)";

constexpr absl::string_view kRescoreHead =
    R"(Usage: bench-runner rescore JOURNAL|latest [scoring options]

Scores the recorded responses of a journal again, finished or not, and writes
the results. Nothing is asked, and nothing is paid. The old scores stay in the
journal as history. What the journal saved holds where no option is given.

  JOURNAL  its directory, or the results.json that was written from it
  latest   all benchmarks of the study last worked on
)";

constexpr absl::string_view kRescoreTail =
    R"(
Exit codes: 0 done; 1 an operation failed, what was journaled is kept; 2 usage,
or no such journal; 3 some answers could not be scored, or some queries have
failed; 11 journal damaged; 12 journal in use; 13 configuration or dataset
differs; 14 journal of a newer version; 100 below --min-score; 129, 130, 143
interrupted.

Examples
  bench-runner rescore latest --scorer numeric --extract-regex 'A: (.+)'
  bench-runner rescore results/R/results.json --scorer f1 --min-score 0.7
)";

constexpr absl::string_view kEstimateHead =
    R"(Usage: bench-runner estimate [-c FILE] --dataset FILE [the options of run]

Says what `run` with the same options would still ask, and what that costs, for
each benchmark and in total: calls, tokens and dollars. Asks nothing, writes
nothing and takes no lock. Where a journal has answers, tokens are the mean of
what its calls used; else prompts have a token for 4 bytes, and answers as many
as --max-tokens allows. Retries are not in it.

All options of `run` are taken, so that its command line can be had as it is;
those that change an estimate are below.
)";

constexpr absl::string_view kEstimateTail =
    R"(
Exit codes: 0 done; 1 stdout did not take it; 2 usage; 11, 13, 14 what `run`
with these options would be refused with for its journal: the figures are then
those of a new one.

Examples
  bench-runner estimate -c bench.yaml --models a,b --prices prices.yaml
  bench-runner estimate --dataset qa.jsonl --model m --scorer exact_match \
      --base-url http://localhost:8000/v1 --max-tokens 200
)";

std::vector<OptionGroup> AllGroups() {
  std::vector<OptionGroup> groups;
  for (int i = 0; i < kOptionGroupCount; ++i) {
    groups.push_back(static_cast<OptionGroup>(i));
  }
  return groups;
}

HelpPage ResumePage() {
  HelpPage page;
  page.command = "resume";
  page.head = kResumeHead;
  page.groups = AllGroups();
  page.without = {"resume",  "no-resume",    "resume-from",
                  "session", "benchmark-id", "disable-checkpointing",
                  "shard"};
  page.tail = kResumeTail;
  return page;
}

HelpPage RescorePage() {
  HelpPage page;
  page.command = "rescore";
  page.head = kRescoreHead;
  page.groups = {OptionGroup::kScoring, OptionGroup::kCheckpoint,
                 OptionGroup::kDisplay, OptionGroup::kResult};
  page.without = {"disable-checkpointing", "checkpoint-on-batch-complete"};
  page.also = {"config",  "ignore-unknown-config",
               "dataset", "target-field",
               "timeout", "workers",
               "info",    "validate-only",
               "dry-run", "interactive",
               "yes",     "accept-config-change"};
  page.tail = kRescoreTail;
  return page;
}

HelpPage EstimatePage() {
  HelpPage page;
  page.command = "estimate";
  page.head = kEstimateHead;
  page.groups = {OptionGroup::kWhat, OptionGroup::kFields,
                 OptionGroup::kScoring, OptionGroup::kRequest,
                 OptionGroup::kEvaluator};
  page.without = {"timeout", "total-timeout", "rate-limit", "max-retries",
                  "api-key"};
  page.also = {"prices",
               "journal-dir",
               "encryption-key-file",
               "resume",
               "no-resume",
               "resume-from",
               "new-journal",
               "overwrite",
               "retry-failed",
               "accept-config-change",
               "json"};
  page.tail = kEstimateTail;
  return page;
}

bool Has(const std::vector<absl::string_view>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const std::vector<HelpPage>& HelpPages() {
  static const std::vector<HelpPage>* const pages = new std::vector<HelpPage>{
      {"run", kRunHead, AllGroups(), {}, {}, kRunTail},
      ResumePage(),
      RescorePage(),
      EstimatePage()};
  return *pages;
}

const HelpPage& HelpPageOf(absl::string_view command) {
  for (const HelpPage& page : HelpPages()) {
    if (page.command == command) return page;
  }
  return HelpPages().front();
}

bool IsOn(const HelpPage& page, const OptionRow& row) {
  if (Has(page.also, row.name)) return true;
  return std::find(page.groups.begin(), page.groups.end(), row.group) !=
             page.groups.end() &&
         !Has(page.without, row.name);
}

}  // namespace runner
