// What is asked of a benchmark, from its options.
#ifndef RUNNER_STUDY_CELL_PLAN_H_
#define RUNNER_STUDY_CELL_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runner/config/options.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// `selected` are the dataset's rows that are asked for, in its order,
// `index_of_row` the places of all of its rows in the journal's own list.
// Workers and the first batch are the session's.
RunPlan PlanOf(const RunOptions& options, const std::string& model,
               const std::vector<uint32_t>& selected,
               const std::vector<uint32_t>& index_of_row);

}  // namespace runner

#endif  // RUNNER_STUDY_CELL_PLAN_H_
