// Small helpers over system calls for the files that deal with processes.
#ifndef RUNNER_BASE_SYSTEM_CALL_H_
#define RUNNER_BASE_SYSTEM_CALL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

// errno as a status: "<what>: <errno's text>". NotFound for ENOENT,
// PermissionDenied for EACCES and EPERM, ResourceExhausted for running out of
// descriptors, processes or memory (with what to do about it), else Internal.
absl::Status ErrnoStatus(absl::string_view what, int error);
absl::Status ErrnoStatus(absl::string_view what);  // Of errno.

// A pipe whose ends are close-on-exec and never one of 0, 1, 2, also when the
// program was started with those closed. Does not close itself.
struct Pipe {
  int read_fd = -1;
  int write_fd = -1;

  static absl::StatusOr<Pipe> Create();
  void Close();
};

// Closes the descriptors first..last. Async-signal-safe.
void CloseRange(unsigned first, unsigned last);

// Marks the descriptors from `first` on close-on-exec. Async-signal-safe.
void CloseOnExecFrom(unsigned first);

// write() to a pipe or socket that never raises SIGPIPE in this process: a
// closed reader is EPIPE, whatever the process's disposition is.
long WriteNoSignal(int fd, const void* data, unsigned long size);

}  // namespace runner

#endif  // RUNNER_BASE_SYSTEM_CALL_H_
