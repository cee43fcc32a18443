// The record with which a session begins.
#ifndef RUNNER_STORAGE_SESSION_RECORD_H_
#define RUNNER_STORAGE_SESSION_RECORD_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

// Of this process, from now on, with an id of its own. `before`: what the
// sessions before it came to.
SessionRecord MakeSession(uint32_t workers, absl::string_view config_json,
                          const ProgressTotals& before);

}  // namespace runner

#endif  // RUNNER_STORAGE_SESSION_RECORD_H_
