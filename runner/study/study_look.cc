#include "runner/study/study_look.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "journal/clock.h"
#include "runner/base/exit_code.h"
#include "runner/base/printable.h"
#include "runner/study/benchmark_look.h"
#include "runner/study/look_limits.h"
#include "runner/study/look_report.h"
#include "runner/study/question.h"

namespace runner {
namespace {

absl::StatusOr<BenchmarkLook> LookAt(const StudyLook& study, const Cell& cell) {
  const StudyDataset& data = (*study.datasets)[cell.dataset];
  LookContext context;
  context.options = &cell.options;
  context.dataset = data.dataset.get();
  context.selected = &data.selected;
  context.slow_scores = study.scoring->needs_external();
  context.access.cipher = study.cipher;
  context.clock = journal::Clock::Real();
  return LookAtBenchmark(context, cell.model);
}

// What there is to say of one; `code` becomes the graver one.
std::string ReportOn(const StudyLook& study, const Cell& cell,
                     const BenchmarkLook& look, int* code) {
  const RunOptions& options = *study.options;
  if (options.dry_run) {
    *code = GraverCode(*code, LookExitCode(look));
    return options.json ? DryRunJson(look) : DryRunText(look);
  }
  if (options.validate_only) {
    JournalAccess access;
    access.cipher = study.cipher;
    const JournalVerdict verdict = VerifyJournal(look, access);
    *code = GraverCode(*code, ValidationExitCode(look, verdict));
    return options.json ? ValidationJson(look, verdict)
                        : ValidationText(look, verdict);
  }
  if (options.json) return InfoJson(look, cell.options);
  const bool several = study.cells->size() > 1;
  return absl::StrCat(InfoText(look),
                      OptionsText(cell.options, several ? &options : nullptr));
}

absl::StatusOr<std::vector<BenchmarkLook>> LookAtAll(const StudyLook& study) {
  std::vector<BenchmarkLook> looks;
  for (const Cell& cell : *study.cells) {
    absl::StatusOr<BenchmarkLook> look = LookAt(study, cell);
    if (!look.ok()) {
      study.console->Error(Printable(look.status().message()));
      return look.status();
    }
    looks.push_back(*std::move(look));
  }
  // Whether what is there is valid is no question of them.
  if (study.options->validate_only) return looks;
  JournalAccess access;
  access.cipher = study.cipher;
  ApplyLimits(*study.options, access, absl::MakeSpan(looks));
  return looks;
}

}  // namespace

int LookAtStudy(const StudyLook& study) {
  const RunOptions& options = *study.options;
  const absl::StatusOr<std::vector<BenchmarkLook>> looks = LookAtAll(study);
  if (!looks.ok()) return ExitCodeOf(looks.status());
  int code = kExitDone;
  for (size_t i = 0; i < looks->size(); ++i) {
    const std::string report =
        ReportOn(study, (*study.cells)[i], (*looks)[i], &code);
    std::fputs(report.c_str(), stdout);
  }
  if (options.info && study.cells->size() > 1 && !options.json) {
    std::fputs(absl::StrCat("The study\n", OptionsText(options)).c_str(),
               stdout);
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  study.console->Error("stdout did not take what there is to say");
  return kExitOperation;
}

absl::optional<int> AskFirst(const StudyLook& study,
                             const SignalCatcher& signals,
                             std::vector<Cell>* cells) {
  std::string summary;
  bool may_start_new = false;
  const absl::StatusOr<std::vector<BenchmarkLook>> looks = LookAtAll(study);
  if (!looks.ok()) return ExitCodeOf(looks.status());
  for (const BenchmarkLook& look : *looks) {
    absl::StrAppend(&summary, DryRunText(look));
    may_start_new = may_start_new || look.journal.has_value();
  }
  may_start_new = may_start_new && !study.options->overwrite;
  const Answer answer =
      Ask(summary, may_start_new, [&] { return signals.caught() != 0; });
  if (answer == Answer::kGoOn) return absl::nullopt;
  if (answer == Answer::kStartNew) {
    for (Cell& cell : *cells) {
      cell.options.resume = false;
      cell.options.resume_from.clear();
      cell.options.retry_failed = false;
      cell.options.accept_config_change = false;
    }
    MarkBegunAnew(journal::Clock::Real()->Now(), cells);
    return absl::nullopt;
  }
  if (signals.caught() != 0) return kExitSignal + signals.caught();
  study.console->Say("Nothing was started");
  return kExitUsage;
}

}  // namespace runner
