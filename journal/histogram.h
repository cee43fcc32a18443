// Counts values by size; read from any thread, without a lock.
#ifndef JOURNAL_HISTOGRAM_H_
#define JOURNAL_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace journal {

// What a Histogram held at one moment.
struct HistogramSnapshot {
  uint64_t count = 0;
  uint64_t sum = 0;
  uint64_t max = 0;

  double Mean() const;

  // The value that `percent` (0 to 100) of all values do not exceed: never
  // below the exact one, and above it by at most 1/32 of it. 0 without values.
  uint64_t Percentile(double percent) const;

  std::vector<uint64_t> buckets;  // Histogram's.
};

// Log-linear: each power of two is cut into 32 equal buckets, so that a
// bucket's ends are at most 1/32 of its values apart, and values below 64 are
// exact. 15 KiB. Record() by one thread at a time, which costs no more than
// plain counters would; the rest is thread-safe.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  void Record(uint64_t value);

  // Values recorded meanwhile may be in it or not, and in some of its fields
  // before the others.
  HistogramSnapshot Snapshot() const;

  static constexpr int kSubBits = 5;
  static constexpr size_t kSubBuckets = size_t{1} << kSubBits;
  static constexpr size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;

  // The bucket of a value, and the greatest value of a bucket.
  static size_t BucketOf(uint64_t value);
  static uint64_t BucketMax(size_t bucket);

 private:
  std::array<std::atomic<uint64_t>, kBuckets> buckets_ = {};
  std::atomic<uint64_t> sum_ = 0;
  std::atomic<uint64_t> max_ = 0;
};

}  // namespace journal

#endif  // JOURNAL_HISTOGRAM_H_
