// How another process asks the one that writes a journal for a snapshot: by an
// empty file in the journal's directory, of which the name says all.
//
//   snapshot-<token>.request    made by who asks
//   snapshot-<token>.taken      the writer has begun
//   snapshot-<token>.made       how it ended: so, or
//   snapshot-<token>.no-space     the disk is full,
//   snapshot-<token>.damaged      the log is damaged,
//   snapshot-<token>.failed       any other error
//
// The writer renames it from state to state; who asked removes it. Nothing is
// ever read from these files or written into them, a rename needs no space, and
// a writer that knows nothing of them is not disturbed. The engine does not
// know these names.
#ifndef RUNNER_STORAGE_SNAPSHOT_REQUEST_H_
#define RUNNER_STORAGE_SNAPSHOT_REQUEST_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

// A writer looks for requests so often.
inline constexpr absl::Duration kRequestLookInterval = absl::Seconds(1);
// One that has not taken a request by then, and has taken nobody else's,
// answers none: an older version, or another program.
inline constexpr absl::Duration kRequestTakenMax = absl::Seconds(10);
// How often who asks looks for the answer.
inline constexpr absl::Duration kAnswerLookInterval = absl::Milliseconds(50);
// How often a request that vanished unanswered is made anew.
inline constexpr int kRequestsLostMax = 3;

enum class RequestState {
  kRequested,
  kTaken,
  kMade,
  kNoSpace,
  kDamaged,
  kFailed,
};

struct RequestFile {
  std::string token;  // 16 hexadecimal digits, in lower case.
  RequestState state = RequestState::kRequested;
};

std::string RequestFileName(const RequestFile& file);
// Nothing for any other name.
absl::optional<RequestFile> ParseRequestFileName(absl::string_view name);

enum class AskOutcome {
  kMade,  // Of all that was journaled when it was asked for, at least.
  kNoSpace,
  kDamaged,
  kFailed,
  kNobodyWrites,  // No process has the journal open any more.
  kNotTaken,      // A living writer takes no requests.
  kTooLate,       // Taken, and not answered in time: it may still be made.
  kLost,          // Somebody else removes the requests.
  kInterrupted,   // `wait` said so.
};

struct AskOptions {
  // From the request to its answer, in time waited.
  absl::Duration timeout = absl::Minutes(10);
  // Sleeps; false to give up.
  std::function<bool(absl::Duration)> wait;
};

// Asks the process that has the journal in `directory` open, and waits for the
// answer. Leaves no file behind, whatever the outcome. Errors: kIo when no file
// can be made there.
absl::StatusOr<AskOutcome> AskForSnapshot(absl::string_view directory,
                                          const AskOptions& options);

}  // namespace runner

#endif  // RUNNER_STORAGE_SNAPSHOT_REQUEST_H_
