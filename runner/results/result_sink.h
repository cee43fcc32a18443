// Where results go, one by one in canonical order.
#ifndef RUNNER_RESULTS_RESULT_SINK_H_
#define RUNNER_RESULTS_RESULT_SINK_H_

#include "absl/status/status.h"
#include "runner/storage/result_store.h"

namespace runner {

// Used from one thread at a time.
class ResultSink {
 public:
  virtual ~ResultSink() = default;

  // After an error no other call.
  virtual absl::Status Append(const QueryResult& result) = 0;
  // After the last result. What is whole then is durable; nobody sees it yet.
  virtual absl::Status Finish() = 0;
};

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULT_SINK_H_
