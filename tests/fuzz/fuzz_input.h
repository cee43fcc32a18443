// What every fuzz target needs: its input taken apart, and a way to fail.
#ifndef TESTS_FUZZ_FUZZ_INPUT_H_
#define TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/string_view.h"

namespace fuzz {

// Ends the program, which is how libFuzzer and the replay know a finding.
#define FUZZ_CHECK(condition)                                       \
  do {                                                              \
    if (!(condition)) ::fuzz::Fail(__FILE__, __LINE__, #condition); \
  } while (false)

[[noreturn]] inline void Fail(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  std::abort();
}

// Hands out the input from its beginning; where it ends, zeros and nothing.
// Borrows the bytes.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  // Little-endian.
  template <typename Integer>
  Integer Take() {
    unsigned char bytes[sizeof(Integer)] = {};
    const absl::string_view taken = TakeBytes(sizeof(Integer));
    std::memcpy(bytes, taken.data(), taken.size());
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(Integer); ++i) {
      value |= uint64_t{bytes[i]} << (8 * i);
    }
    return static_cast<Integer>(value);
  }

  // At most `size` bytes.
  absl::string_view TakeBytes(size_t size) {
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // Up to the next line end, which is taken and not returned.
  absl::string_view TakeLine() {
    const absl::string_view line =
        TakeBytes(std::min(rest_.find('\n'), rest_.size()));
    TakeBytes(1);
    return line;
  }

  absl::string_view TakeRest() { return TakeBytes(rest_.size()); }

 private:
  absl::string_view rest_;
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_FUZZ_INPUT_H_
