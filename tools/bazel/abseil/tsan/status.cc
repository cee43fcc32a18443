// Tells ThreadSanitizer about the reference counts of the system's Abseil.
//
// Copies of an absl::Status share its text. The last one to go frees it, in
// libabsl_status, whose atomic count ThreadSanitizer does not see: it would
// report that a thread frees what another has read. The function here stands in
// front of the library's own, as those of synchronization.cc do.
//
// Linked by --config=tsan only.

#include "absl/status/status.h"

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace absl {
ABSL_NAMESPACE_BEGIN

void Status::UnrefNonInlined(uintptr_t rep) {
  constexpr char kSymbol[] = "_ZN4absl7debian36Status15UnrefNonInlinedEm";
  static const auto next =
      reinterpret_cast<void (*)(uintptr_t)>(dlsym(RTLD_NEXT, kSymbol));
  if (next == nullptr) {
    std::fprintf(stderr, "the system's Abseil has no %s\n", kSymbol);
    std::abort();
  }
  void* const count = reinterpret_cast<void*>(rep & ~uintptr_t{7});  // Tags.
  __tsan_release(count);
  __tsan_acquire(count);
  next(rep);
}

ABSL_NAMESPACE_END
}  // namespace absl
