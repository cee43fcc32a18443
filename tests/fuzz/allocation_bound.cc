#include "tests/fuzz/allocation_bound.h"

#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

// Relative to the bound's beginning.
std::atomic<long long> taken{0};
std::atomic<long long> most{0};

// Past the largest bound by so much that the rest of the program's memory is
// in danger: stops at once, where the stack shows who asked.
constexpr size_t kAtOnceMax = size_t{1} << 30;

void* Allocate(size_t size) {
  if (size > kAtOnceMax) {
    std::fprintf(stderr, "operator new(%zu)\n", size);
    std::abort();
  }
  void* pointer = std::malloc(size == 0 ? 1 : size);
  if (pointer == nullptr) std::abort();
  const long long bytes = static_cast<long long>(malloc_usable_size(pointer));
  const long long now = taken.fetch_add(bytes) + bytes;
  long long before = most.load();
  while (now > before && !most.compare_exchange_weak(before, now)) {
  }
  return pointer;
}

void Free(void* pointer) {
  if (pointer == nullptr) return;
  taken.fetch_sub(static_cast<long long>(malloc_usable_size(pointer)));
  std::free(pointer);
}

}  // namespace

// The sanitizers know malloc as well as operator new, so that they see through
// these.
void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void operator delete(void* pointer) noexcept { Free(pointer); }
void operator delete[](void* pointer) noexcept { Free(pointer); }
void operator delete(void* pointer, size_t) noexcept { Free(pointer); }
void operator delete[](void* pointer, size_t) noexcept { Free(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept {
  Free(pointer);
}
void operator delete[](void* pointer, const std::nothrow_t&) noexcept {
  Free(pointer);
}

namespace fuzz {

AllocationBound::AllocationBound(size_t bytes_max) : bytes_max_(bytes_max) {
  taken = 0;
  most = 0;
}

AllocationBound::~AllocationBound() {
  if (most.load() <= static_cast<long long>(bytes_max_)) return;
  std::fprintf(stderr, "%lld bytes were allocated; at most %zu are allowed\n",
               most.load(), bytes_max_);
  std::abort();
}

}  // namespace fuzz
