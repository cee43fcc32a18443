#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/help_text.h"
#include "runner/config/option_table.h"

namespace runner {
namespace {

constexpr size_t kHelpColumn = 30;

constexpr absl::string_view kHead =
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

constexpr absl::string_view kTail =
    R"(
Files
  journals/RUN_ID/             one journal a benchmark, and its errors.log
  journals/latest              the journal last opened for writing
  journals/replaced/           what --overwrite moved away
  results/RUN_ID/results.json  and results.jsonl, results.csv

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

std::string Names(const OptionRow& row) {
  std::string names =
      row.short_name == 0
          ? "    "
          : absl::StrCat("-", std::string(1, row.short_name), ", ");
  absl::StrAppend(&names, "--", row.name);
  if (!row.is_switch()) absl::StrAppend(&names, " ", row.value_name);
  return names;
}

std::string Description(const OptionRow& row) {
  std::string text(row.help);
  if (!row.default_value.empty() && !row.is_switch()) {
    absl::StrAppend(&text, " (", row.default_value, ")");
  }
  if (row.is_switch() && row.default_value == "true") {
    absl::StrAppend(&text, " (the default)");
  }
  if (!row.aliases.empty()) {
    absl::StrAppend(&text, "; also --", absl::StrJoin(row.aliases, ", --"));
  }
  if (row.option_class != OptionClass::kOperation) {
    absl::StrAppend(&text, " [", OptionClassName(row.option_class), "]");
  }
  return text;
}

void AppendRow(absl::string_view names, absl::string_view description,
               std::string& out) {
  AppendHelpRow(absl::StrCat("  ", names), kHelpColumn, description, out);
}

}  // namespace

std::string HelpText() {
  std::string out(kHead);
  for (int i = 0; i < kOptionGroupCount; ++i) {
    const auto group = static_cast<OptionGroup>(i);
    absl::StrAppend(&out, "\n", OptionGroupTitle(group), "\n");
    for (const OptionRow& row : OptionTable()) {
      if (row.group == group) AppendRow(Names(row), Description(row), out);
    }
    if (group != OptionGroup::kDisplay) continue;
    AppendRow("-h, --help", "this page", out);
    AppendRow("    --version", "version, format version and commit", out);
  }
  out.append(kTail.data(), kTail.size());
  return out;
}

}  // namespace runner
