// A small file, read at once.
#ifndef RUNNER_BASE_WHOLE_FILE_H_
#define RUNNER_BASE_WHOLE_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace runner {

// InvalidArgument when it cannot be read or has more than `bytes_max` bytes;
// the message does not name it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path,
                                          size_t bytes_max);

}  // namespace runner

#endif  // RUNNER_BASE_WHOLE_FILE_H_
