// The opaque states that workers give: which is the newest of its slot, and
// reading them back.
#ifndef RUNNER_STORAGE_WORKER_STATES_H_
#define RUNNER_STORAGE_WORKER_STATES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "journal/reader.h"
#include "journal/types.h"

namespace runner {

// Several threads record a slot's states, in any order: the one with the
// highest number must be the last in the journal. Thread-safe.
class WorkerStateOrder {
 public:
  // Calls `record` while no other of the slot is called. `newest`: none of a
  // higher number was recorded. Returns what it returns.
  absl::Status InOrder(uint32_t slot, uint64_t number,
                       absl::FunctionRef<absl::Status(bool newest)> record)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    absl::Mutex mutex;
    uint64_t newest ABSL_GUARDED_BY(mutex) = 0;
  };

  absl::Mutex mutex_;
  std::map<uint32_t, std::unique_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
};

// The states that lie at `lsns`, by slot, of slots below `slots`. Errors: those
// of journal::Reader, kDamage.
absl::StatusOr<std::map<uint32_t, std::string>> ReadStates(
    journal::Reader& reader, const std::map<uint32_t, journal::Lsn>& lsns,
    uint32_t slots);

}  // namespace runner

#endif  // RUNNER_STORAGE_WORKER_STATES_H_
