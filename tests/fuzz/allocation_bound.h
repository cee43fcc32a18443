// Fails a fuzz target that allocates more than its input warrants.
#ifndef TESTS_FUZZ_ALLOCATION_BOUND_H_
#define TESTS_FUZZ_ALLOCATION_BOUND_H_

#include <cstddef>

namespace fuzz {

// While it lives, operator new of all threads together may take no more than
// `bytes_max` above what was taken before; its destructor fails if they did. At
// most one at a time.
//
//   const AllocationBound bound(kFixedBytes + kBytesPerByte * size);
class AllocationBound {
 public:
  explicit AllocationBound(size_t bytes_max);
  ~AllocationBound();
  AllocationBound(const AllocationBound&) = delete;
  AllocationBound& operator=(const AllocationBound&) = delete;

 private:
  const size_t bytes_max_;
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_ALLOCATION_BOUND_H_
