// What --info, --validate-only and --dry-run print of a benchmark: text for
// people, or one line of JSON. All of it ends with a newline.
#ifndef RUNNER_STUDY_LOOK_REPORT_H_
#define RUNNER_STUDY_LOOK_REPORT_H_

#include <string>

#include "runner/config/options.h"
#include "runner/study/benchmark_look.h"

namespace runner {

// How it would end, as an exit code: that of the refusal, or 0.
int LookExitCode(const BenchmarkLook& look);

std::string DryRunText(const BenchmarkLook& look);
std::string DryRunJson(const BenchmarkLook& look);

std::string ValidationText(const BenchmarkLook& look,
                           const JournalVerdict& verdict);
std::string ValidationJson(const BenchmarkLook& look,
                           const JournalVerdict& verdict);
// The gravest of both.
int ValidationExitCode(const BenchmarkLook& look,
                       const JournalVerdict& verdict);

std::string InfoText(const BenchmarkLook& look);
// Each effective value with source and class, in the table's order. Of those
// that are as in `except`, if it is given, only a count.
std::string OptionsText(const RunOptions& options,
                        const RunOptions* except = nullptr);
std::string InfoJson(const BenchmarkLook& look, const RunOptions& options);

}  // namespace runner

#endif  // RUNNER_STUDY_LOOK_REPORT_H_
