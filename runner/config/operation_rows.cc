#include <string>
#include <utility>

#include "journal/types.h"
#include "runner/base/text.h"
#include "runner/config/option_rows.h"
#include "runner/config/option_setters.h"

namespace runner {
namespace {

constexpr uint64_t kWorkersMax = 4096;
constexpr uint64_t kBatchSizeMax = 100000;
constexpr uint64_t kCheckpointIntervalMax = 1000000;
constexpr uint64_t kSnapshotsMax = 1000;
constexpr uint64_t kZstdLevelMax = 22;

absl::Status SetWorkers(absl::string_view value, RunOptions& options) {
  if (value == "auto") {
    options.workers = absl::nullopt;
    return absl::OkStatus();
  }
  const absl::StatusOr<uint64_t> count = ParseCount(value, 1, kWorkersMax);
  if (!count.ok()) {
    return absl::InvalidArgumentError(std::string(count.status().message()) +
                                      ", nor auto");
  }
  options.workers = static_cast<uint32_t>(*count);
  return absl::OkStatus();
}

absl::Status SetSync(absl::string_view value, RunOptions& options) {
  using journal::SyncMode;
  for (const SyncMode mode :
       {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    if (value != journal::SyncModeName(mode)) continue;
    options.sync = mode;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Quoted(value) +
                                    " is not one of each, batch and none");
}

absl::Status SetSession(absl::string_view, RunOptions&) {
  return absl::InvalidArgumentError("only `bench-runner resume` takes it");
}

absl::Status SetMinScore(absl::string_view value, RunOptions& options) {
  MinScore minimum;
  const size_t equals = value.find('=');
  if (equals != absl::string_view::npos) {
    minimum.scorer = std::string(value.substr(0, equals));
    value.remove_prefix(equals + 1);
  }
  const absl::StatusOr<double> number = ParseNumber(value);
  if (!number.ok()) return number.status();
  minimum.value = *number;
  options.min_score = std::move(minimum);
  return absl::OkStatus();
}

absl::Status SetIndexBase(absl::string_view value, RunOptions& options) {
  if (value != "0" && value != "1") {
    return absl::InvalidArgumentError(Quoted(value) + " is neither 0 nor 1");
  }
  options.index_base = value == "1" ? 1 : 0;
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionRow> CheckpointRows() {
  constexpr auto kGroup = OptionGroup::kCheckpoint;
  return {
      {.name = "workers",
       .short_name = 'w',
       .group = OptionGroup::kParallel,
       .value_name = "N|auto",
       .default_value = "auto",
       .help = "queries evaluated at once; auto: 1 below 10 remaining, 2 below "
               "50, else the machine's cores; for a server 16 instead, fewer "
               "while it says that they are too many",
       .set = SetWorkers},
      {.name = "batch-size",
       .group = OptionGroup::kParallel,
       .value_name = "N",
       .default_value = "25",
       .help = "queries are labelled in batches of N, for those who watch; "
               "none waits for another",
       .set = SetCount<&RunOptions::batch_size, 1, kBatchSizeMax>},
      {.name = "journal-dir",
       .aliases = {"checkpoint-dir"},
       .group = kGroup,
       .value_name = "DIR",
       .default_value = "journals",
       .help = "where journals lie",
       .set = SetText<&RunOptions::journal_dir>},
      {.name = "sync",
       .group = kGroup,
       .value_name = "MODE",
       .default_value = "batch",
       .help = "each (power loss loses nothing), batch, or none",
       .set = SetSync},
      {.name = "checkpoint-interval",
       .aliases = {"checkpoint-every"},
       .group = kGroup,
       .value_name = "N",
       .default_value = "50",
       .help = "fsync at least every N results; 0: no journal",
       .set = SetCount<&RunOptions::checkpoint_interval, 0,
                       kCheckpointIntervalMax>},
      {.name = "checkpoint-on-batch-complete",
       .group = kGroup,
       .help = "fsync at each batch's end, too",
       .set = SetSwitch<&RunOptions::sync_batches>},
      {.name = "disable-checkpointing",
       .group = kGroup,
       .help = "the same as --checkpoint-interval 0",
       .sets_name = "checkpoint-interval",
       .sets_value = "0"},
      {.name = "sync-interval",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "100ms",
       .help = "fsync at least this often",
       .set = SetDuration<&RunOptions::sync_interval, Zero::kRefused>},
      {.name = "keep-snapshots",
       .aliases = {"max-checkpoint-backups"},
       .group = kGroup,
       .value_name = "N",
       .default_value = "5",
       .help = "the newest N snapshots stay, at least 2",
       .set = SetCount<&RunOptions::keep_snapshots, 1, kSnapshotsMax>},
      {.name = "backup-dir",
       .group = kGroup,
       .value_name = "DIR",
       .help = "a copy of each snapshot in DIR/<run id>/, and a last one at "
               "the end",
       .set = SetText<&RunOptions::backup_dir>},
      {.name = "backup-interval",
       .group = kGroup,
       .value_name = "N",
       .help = "a snapshot at least every N results",
       .set = SetCount<&RunOptions::backup_interval, 1, kNoLimit>},
      {.name = "compression",
       .group = kGroup,
       .value_name = "LEVEL",
       .default_value = "3",
       .help = "of snapshots, zstd's: 1 (fast) to 22",
       .set = SetCount<&RunOptions::compression, 1, kZstdLevelMax>},
      {.name = "encryption-key-file",
       .group = kGroup,
       .value_name = "FILE",
       .help = "encrypt journals with the key in FILE (32 bytes, or 64 hex "
               "digits), or in $BENCH_JOURNAL_KEY (hex)",
       .set = SetText<&RunOptions::encryption_key_file>},
      {.name = "save-incremental",
       .group = kGroup,
       .help = "the same as --sync each",
       .sets_name = "sync",
       .sets_value = "each"},
  };
}

std::vector<OptionRow> ResumeRows() {
  constexpr auto kGroup = OptionGroup::kResume;
  return {
      {.name = "resume",
       .aliases = {"resume-from-checkpoint"},
       .group = kGroup,
       .default_value = "true",
       .help = "go on where the newest matching journal stopped",
       .set = SetSwitch<&RunOptions::resume>},
      {.name = "no-resume",
       .aliases = {"no-auto-resume"},
       .group = kGroup,
       .help = "start a new journal beside the old one",
       .sets_name = "resume",
       .sets_value = "false"},
      {.name = "resume-from",
       .aliases = {"load-results"},
       .group = kGroup,
       .value_name = "JOURNAL",
       .help = "go on with this one: its directory, its results.json, or "
               "`latest`; a checkpoint file of another system is imported "
               "first",
       .set = SetText<&RunOptions::resume_from>},
      {.name = "index-base",
       .group = kGroup,
       .value_name = "0|1",
       .help = "importing: results that match no query by id nor by question "
               "are about the query of their number, counted from 0 or 1",
       .set = SetIndexBase},
      {.name = "session",
       .short_name = 's',
       .group = kGroup,
       .value_name = "JOURNAL",
       .help = "the argument of `bench-runner resume`, for those who know it "
               "so",
       .set = SetSession},
      {.name = "new-journal",
       .group = kGroup,
       .help = "where configuration or dataset differ, start one beside",
       .set = SetSwitch<&RunOptions::new_journal>},
      {.name = "overwrite",
       .aliases = {"force-clean"},
       .group = kGroup,
       .help = "start over; the old journal moves to replaced/",
       .set = SetSwitch<&RunOptions::overwrite>},
      {.name = "retry-failed",
       .group = kGroup,
       .help = "failed queries only, permanent failures too",
       .set = SetSwitch<&RunOptions::retry_failed>},
      {.name = "accept-config-change",
       .group = kGroup,
       .help = "go on with an unfinished journal although configuration or "
               "dataset differ: what is not answered is asked as it is now; "
               "results say mixed_config, and merge refuses it",
       .set = SetSwitch<&RunOptions::accept_config_change>},
      {.name = "info",
       .group = kGroup,
       .help = "print the journal's state and every effective value with its "
               "source and class; nothing is done",
       .set = SetSwitch<&RunOptions::info>},
      {.name = "validate-only",
       .group = kGroup,
       .help = "check configuration, dataset and every byte of the journal; "
               "exit 0, 2, 10, 11, 13 or 14",
       .set = SetSwitch<&RunOptions::validate_only>},
      {.name = "dry-run",
       .group = kGroup,
       .help = "print what would be skipped and asked, by how many workers, "
               "and the cost so far",
       .set = SetSwitch<&RunOptions::dry_run>},
      {.name = "interactive",
       .group = kGroup,
       .help = "say what would be done and ask on the terminal: go on, start "
               "new ones, or quit (exit 2)",
       .set = SetSwitch<&RunOptions::interactive>},
      {.name = "yes",
       .group = kGroup,
       .help = "go on without being asked",
       .set = SetSwitch<&RunOptions::yes>},
  };
}

std::vector<OptionRow> DisplayRows() {
  constexpr auto kGroup = OptionGroup::kDisplay;
  return {
      {.name = "progress-bar",
       .group = kGroup,
       .default_value = "true",
       .help = "a bar on a terminal",
       .set = SetSwitch<&RunOptions::progress_bar>},
      {.name = "no-progress-bar",
       .group = kGroup,
       .help = "whole lines, as when stderr is not a terminal",
       .sets_name = "progress-bar",
       .sets_value = "false"},
      {.name = "quiet",
       .short_name = 'q',
       .group = kGroup,
       .help = "errors and results only",
       .set = SetSwitch<&RunOptions::quiet>},
      {.name = "verbose",
       .short_name = 'v',
       .group = kGroup,
       .help = "also what is skipped, failed attempts and snapshots",
       .set = SetSwitch<&RunOptions::verbose>},
      {.name = "log-file",
       .group = kGroup,
       .value_name = "FILE",
       .help = "append all messages, those of --verbose too, with full dates",
       .set = SetText<&RunOptions::log_file>},
      {.name = "json",
       .group = kGroup,
       .help = "JSON lines on stdout",
       .set = SetSwitch<&RunOptions::json>},
  };
}

std::vector<OptionRow> ResultRows() {
  constexpr auto kGroup = OptionGroup::kResult;
  return {
      {.name = "output-dir",
       .group = kGroup,
       .value_name = "DIR",
       .default_value = "results",
       .help = "results lie in DIR/<run id>/",
       .set = SetText<&RunOptions::output_dir>},
      {.name = "results",
       .group = kGroup,
       .value_name = "FILE",
       .help = "results.json as FILE, results.jsonl and .csv beside it; "
               "{dataset}, {model}, {method}, {shard} and {run_id} filled in",
       .set = SetText<&RunOptions::results>},
      {.name = "sqlite",
       .group = kGroup,
       .help = "also results.sqlite beside results.json: tables results, "
               "result_scores and summary, view scores",
       .set = SetSwitch<&RunOptions::sqlite>},
      {.name = "min-score",
       .group = kGroup,
       .value_name = "[SCORER=]X",
       .help = "exit 100 when the mean (of the first scorer) is below X",
       .set = SetMinScore},
      {.name = "drain-timeout",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "10s",
       .help = "what is in flight may finish for so long after a signal",
       .set = SetDuration<&RunOptions::drain_timeout, Zero::kAllowed>},
      {.name = "clear-on-success",
       .group = kGroup,
       .help = "remove the journal when all is done without a failure",
       .set = SetSwitch<&RunOptions::clear_on_success>},
  };
}

}  // namespace runner
