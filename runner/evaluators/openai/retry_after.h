// What a server's headers say about when to come back.
#ifndef RUNNER_EVALUATORS_OPENAI_RETRY_AFTER_H_
#define RUNNER_EVALUATORS_OPENAI_RETRY_AFTER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

// The values of a response's headers; empty: it has none.
struct RetryHeaders {
  absl::string_view retry_after_ms;  // Milliseconds; goes first.
  absl::string_view retry_after;     // Seconds, or a date.
  absl::string_view date;            // The server's clock.
};

// How long to wait, not negative; nullopt when nothing (or nothing that can be
// understood) is said. Numbers may have a fraction. Dates are read in the three
// forms of RFC 9110, 5.6.7, and are taken relative to the server's own `date`,
// so that a wrong clock on either side does not show; without one, to `now`.
absl::optional<absl::Duration> ParseRetryAfter(const RetryHeaders& headers,
                                               absl::Time now);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_OPENAI_RETRY_AFTER_H_
