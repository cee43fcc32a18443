// Numbers that whoever runs a test may set, as environment variables.
#ifndef JOURNAL_TESTING_SETTING_H_
#define JOURNAL_TESTING_SETTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace journal {

// What the variable says, or `otherwise` if it is not set. One that is no
// number, or less than `least`, fails the test: a long run must not be a short
// one unseen.
inline uint64_t Setting(const char* name, uint64_t otherwise,
                        uint64_t least = 0) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  uint64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= least) return value;
  ADD_FAILURE() << name << "=" << text << " is not a number of at least "
                << least;
  return otherwise;
}

}  // namespace journal

#endif  // JOURNAL_TESTING_SETTING_H_
