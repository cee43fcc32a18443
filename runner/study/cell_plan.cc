#include "runner/study/cell_plan.h"

namespace runner {

RunPlan PlanOf(const RunOptions& options, const std::string& model,
               const std::vector<uint32_t>& selected,
               const std::vector<uint32_t>& index_of_row) {
  RunPlan plan;
  plan.rows.reserve(selected.size());
  for (const uint32_t row : selected) {
    plan.rows.push_back({row, index_of_row[row]});
  }
  plan.runs = options.runs;
  plan.max_retries = options.max_retries;
  plan.total_timeout = options.total_timeout;
  plan.rate_limit = options.rate_limit;
  plan.only_failed = options.retry_failed;
  plan.score_only = options.score_only;
  plan.drain_timeout = options.drain_timeout;
  plan.batch_size = options.batch_size;
  plan.sync_batches = options.sync_batches;
  plan.seed = options.seed;
  plan.model = model;
  plan.method = options.method;
  return plan;
}

}  // namespace runner
