// The option table's rows, by what they are about.
#ifndef RUNNER_CONFIG_OPTION_ROWS_H_
#define RUNNER_CONFIG_OPTION_ROWS_H_

#include <vector>

#include "runner/config/option_table.h"

namespace runner {

// question_rows.cc: what is asked, and how answers are scored.
std::vector<OptionRow> WhatRows();
std::vector<OptionRow> FieldRows();
std::vector<OptionRow> ScoringRows();

// request_rows.cc: who is asked, and how.
std::vector<OptionRow> RequestRows();
std::vector<OptionRow> EvaluatorRows();

// limit_rows.cc: what it may cost.
std::vector<OptionRow> LimitRows();

// operation_rows.cc: what never shows in results.
std::vector<OptionRow> CheckpointRows();
std::vector<OptionRow> ResumeRows();
std::vector<OptionRow> DisplayRows();
std::vector<OptionRow> ResultRows();

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_ROWS_H_
