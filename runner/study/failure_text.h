// Why queries failed, in one sentence for people.
#ifndef RUNNER_STUDY_FAILURE_TEXT_H_
#define RUNNER_STUDY_FAILURE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "runner/results/results_writer.h"

namespace runner {

// "150 failed: http-401 (149), timeout (1), "wrong key given"; all of them are
// in journals/R/errors.log; --retry-failed asks them again". The message is one
// of the commonest type. `where` is a file that lists them; the last part only
// if they `can_be_retried`. Empty when none failed.
std::string FailureText(const Results& results, absl::string_view where,
                        bool can_be_retried);

}  // namespace runner

#endif  // RUNNER_STUDY_FAILURE_TEXT_H_
