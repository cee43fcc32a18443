// Hashes in hex, and the seeds that derive from them.
#ifndef RUNNER_BASE_HASHING_H_
#define RUNNER_BASE_HASHING_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// SHA-256 over pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view data);
  // 64 lower-case hex digits. Ends the hash; call once.
  std::string HexDigest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// SHA-256 of `data`, 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view data);

// XXH3-64 of `data`, unseeded.
uint64_t Xxh3(absl::string_view data);

// 16 lower-case hex digits, most significant first.
std::string Hex64(uint64_t value);
std::string Xxh3Hex(absl::string_view data);

// Seeds are below this: 31 bits, which every consumer takes (NumPy refuses
// more than 32, a signed 32-bit integer more than 31).
inline constexpr uint64_t kSeedLimit = uint64_t{1} << 31;

// The seed of one query: the low 31 bits of XXH3-64 over
//   "query" NUL, seed (8 bytes), run (4), occurrence (4), id
// with the integers little-endian. It depends on what is asked and on nothing
// else, not on order, workers, attempts or interruptions. Part of what a
// journal means: never changed.
uint64_t QuerySeed(uint64_t seed, uint32_t run, absl::string_view id,
                   uint32_t occurrence);

// The seed of a run: the same over "run" NUL, seed (8 bytes), run (4).
uint64_t RunSeed(uint64_t seed, uint32_t run);

}  // namespace runner

#endif  // RUNNER_BASE_HASHING_H_
