// Fixed-width little-endian integers in byte buffers.
#ifndef JOURNAL_LITTLE_ENDIAN_H_
#define JOURNAL_LITTLE_ENDIAN_H_

#include <bit>
#include <cstdint>
#include <cstring>

namespace journal {

// A big-endian machine would need byte swaps here; none is supported, and this
// says so at compile time instead of writing a foreign journal.
static_assert(std::endian::native == std::endian::little);

template <typename T>
void StoreLittleEndian(char* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

template <typename T>
T LoadLittleEndian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

}  // namespace journal

#endif  // JOURNAL_LITTLE_ENDIAN_H_
