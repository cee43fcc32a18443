#include "runner/scoring/repeats.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cassert>

namespace runner {
namespace {

// C(part, k) / C(whole, k) as a product of shares, which overflows nowhere:
// the i-th of k drawn is one of the part, too.
double ShareOfDraws(uint64_t part, uint64_t whole, uint64_t k) {
  assert(part <= whole && k <= whole);
  if (part < k) return 0;
  double share = 1;
  for (uint64_t i = 0; i < k; ++i) {
    share *= static_cast<double>(part - i) / static_cast<double>(whole - i);
  }
  return share;
}

}  // namespace

double PassAtK(uint64_t n, uint64_t right, uint64_t k) {
  return 1 - ShareOfDraws(n - right, n, k);
}

double PassHatK(uint64_t n, uint64_t right, uint64_t k) {
  return ShareOfDraws(right, n, k);
}

std::vector<uint32_t> ReportedKs(uint32_t runs) {
  std::vector<uint32_t> ks;
  for (uint64_t k = 1; k < runs; k *= 2) ks.push_back(k);
  ks.push_back(runs);
  return ks;
}

double McNemarExact(uint64_t only_first, uint64_t only_second) {
  const uint64_t n = only_first + only_second;
  if (n == 0) return 1;
  const boost::math::binomial coin(static_cast<double>(n), 0.5);
  const auto fewer = static_cast<double>(std::min(only_first, only_second));
  return std::min(1.0, 2 * boost::math::cdf(coin, fewer));
}

}  // namespace runner
