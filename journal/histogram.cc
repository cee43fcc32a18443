#include "journal/histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace journal {
namespace {

// Nobody else adds at the same time: no need of a locked instruction.
void Add(std::atomic<uint64_t>& to, uint64_t amount) {
  to.store(to.load(std::memory_order_relaxed) + amount,
           std::memory_order_relaxed);
}

}  // namespace

// Bucket `shift * 32 + (value >> shift)`, where the shift leaves six bits, so
// that the last five count the buckets of the power of two. Values of less than
// six bits are their own buckets.
size_t Histogram::BucketOf(uint64_t value) {
  const int shift =
      std::max(static_cast<int>(std::bit_width(value)) - (kSubBits + 1), 0);
  return static_cast<size_t>(shift) * kSubBuckets + (value >> shift);
}

uint64_t Histogram::BucketMax(size_t bucket) {
  assert(bucket < kBuckets);
  if (bucket < 2 * kSubBuckets) return bucket;
  const size_t shift = bucket / kSubBuckets - 1;
  const uint64_t top = bucket % kSubBuckets + kSubBuckets;
  return ((top + 1) << shift) - 1;  // Of the last bucket: 2^64 - 1.
}

void Histogram::Record(uint64_t value) {
  if (value > max_.load(std::memory_order_relaxed)) {
    max_.store(value, std::memory_order_relaxed);
  }
  Add(sum_, value);
  Add(buckets_[BucketOf(value)], 1);
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot snapshot;
  snapshot.buckets.reserve(kBuckets);
  for (const std::atomic<uint64_t>& bucket : buckets_) {
    snapshot.buckets.push_back(bucket.load(std::memory_order_relaxed));
    snapshot.count += snapshot.buckets.back();
  }
  snapshot.sum = sum_.load(std::memory_order_relaxed);
  snapshot.max = max_.load(std::memory_order_relaxed);
  return snapshot;
}

double HistogramSnapshot::Mean() const {
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

uint64_t HistogramSnapshot::Percentile(double percent) const {
  if (count == 0) return 0;
  const double wanted = std::ceil(static_cast<double>(count) *
                                  std::clamp(percent, 0.0, 100.0) / 100);
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) return std::min(Histogram::BucketMax(i), max);
  }
  return max;
}

}  // namespace journal
