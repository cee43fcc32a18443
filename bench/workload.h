// What the benchmarks append, and where.
#ifndef BENCH_WORKLOAD_H_
#define BENCH_WORKLOAD_H_

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace bench {

inline constexpr size_t kRecordBytes = 1024;

// Looks like a result, and does not compress to nothing.
inline std::string MakeRecord() {
  std::string record = R"({"id":"q1","output":")";
  for (unsigned i = 0; record.size() < kRecordBytes - 2; ++i) {
    record += static_cast<char>('a' + (i * 2654435761u >> 24) % 26);
  }
  return record + "\"}";
}

// A path in $BENCH_DIR, else in the working directory, at which nothing is.
inline std::string Scratch(const char* name) {
  const char* directory = std::getenv("BENCH_DIR");
  const std::string path = std::string(directory == nullptr ? "." : directory) +
                           "/bench_" + name + "_" + std::to_string(getpid());
  std::filesystem::remove_all(path);
  return path;
}

}  // namespace bench

#endif  // BENCH_WORKLOAD_H_
