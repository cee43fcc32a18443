// What several answers to the same query say, and two answers to the same
// queries.
#ifndef RUNNER_SCORING_REPEATS_H_
#define RUNNER_SCORING_REPEATS_H_

#include <cstdint>
#include <vector>

namespace runner {

// Of a query with `right` right answers among `n`: the probability that at
// least one of k answers drawn from them is right. Its mean over queries is the
// unbiased estimate of pass@k (Chen et al. 2021, "Evaluating Large Language
// Models Trained on Code", arXiv:2107.03374, equation 1):
//   1 - C(n - right, k) / C(n, k)
// Needs right <= n and 1 <= k <= n.
double PassAtK(uint64_t n, uint64_t right, uint64_t k);

// That all of k answers drawn from them are right. Its mean is pass^k (Yao et
// al. 2024, "tau-bench", arXiv:2406.12045, section 4):
//   C(right, k) / C(n, k)
double PassHatK(uint64_t n, uint64_t right, uint64_t k);

// For which k both are reported over `runs` runs: the powers of two below
// `runs`, and `runs`.
std::vector<uint32_t> ReportedKs(uint32_t runs);

// The exact two-sided p-value of McNemar's test: two models answered the same
// queries, of which `only_first` were answered right by the first alone and
// `only_second` by the second alone. Under the hypothesis that both are equally
// good these divide like the flips of a fair coin (McNemar 1947; Fay 2010,
// "Two-sided exact tests and matching confidence intervals for discrete data",
// R Journal 2/1). 1 when there are none.
double McNemarExact(uint64_t only_first, uint64_t only_second);

}  // namespace runner

#endif  // RUNNER_SCORING_REPEATS_H_
