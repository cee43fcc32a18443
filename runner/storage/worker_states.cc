#include "runner/storage/worker_states.h"

#include <utility>

#include "runner/storage/journal_read.h"
#include "runner/storage/records.h"

namespace runner {

absl::Status WorkerStateOrder::InOrder(
    uint32_t slot, uint64_t number,
    absl::FunctionRef<absl::Status(bool newest)> record) {
  Slot* turn = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<Slot>& found = slots_[slot];
    if (found == nullptr) found = std::make_unique<Slot>();
    turn = found.get();
  }
  absl::MutexLock lock(&turn->mutex);
  const bool newest = number >= turn->newest;
  absl::Status status = record(newest);
  if (newest && status.ok()) turn->newest = number;
  return status;
}

absl::StatusOr<std::map<uint32_t, std::string>> ReadStates(
    journal::Reader& reader, const std::map<uint32_t, journal::Lsn>& lsns,
    uint32_t slots) {
  std::map<uint32_t, std::string> states;
  for (const auto& [slot, lsn] : lsns) {
    if (slot >= slots) break;
    absl::StatusOr<WorkerStateRecord> record =
        ReadRecord<WorkerStateRecord>(reader, lsn);
    if (!record.ok()) return record.status();
    states[slot] = std::move(record->state_json);
  }
  return states;
}

}  // namespace runner
