// Means and how sure they are.
#ifndef RUNNER_SCORING_STATISTICS_H_
#define RUNNER_SCORING_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace runner {

using Interval = std::pair<double, double>;

// What is said of `k` answers to a query.
struct PassRate {
  uint32_t k = 1;
  double at = 0;   // pass@k: at least one is right.
  double hat = 0;  // pass^k: all are.
};

// What is said of a set of scores. What the data cannot say is nullopt: a mean
// of nothing, the spread of one score.
struct Summary {
  uint64_t n = 0;
  absl::optional<double> mean;
  absl::optional<double> deviation;       // Of the sample: divided by n - 1.
  absl::optional<double> standard_error;  // Clustered over several runs.
  absl::optional<Interval> ci95;
  // The mean if each failed query had scored the lowest, or the highest.
  absl::optional<Interval> bounds;
  // Over several runs, of the queries that have two scores or more: the mean of
  // each one's own variance (divided by its scores - 1).
  absl::optional<double> query_variance;
  // Over several runs, when all scores are 0 or 1: by ReportedKs, each over the
  // queries that have k scores or more; without such a query it is left out.
  std::vector<PassRate> pass_rates;
};

// The lowest and highest score there can be.
struct ScoreRange {
  double lowest = 0;
  double highest = 1;
};

// Takes scores one by one and keeps O(queries) numbers when there are several
// runs, else O(1).
//
// A sum of doubles depends on its order: feed scores in canonical order (run,
// dataset order), then equal data gives equal bytes. Not thread-safe.
//
// Standard error: sample std / sqrt(n). When a query has several scores these
// are no independent observations; then clustered by query (Miller 2024,
// "Adding Error Bars to Evals", arXiv:2411.00640, section 2.2; Liang and Zeger
// 1986), with the correction G / (G - 1) for G clusters (Cameron and Miller
// 2015, section II.B), which makes it the formula above when each query has one
// score:
//   SE^2 = G / (G - 1) * sum over queries (sum over runs (s - mean))^2 / n^2
//
// 95% interval: when all scores are 0 or 1, Wilson's (Wilson 1927; recommended
// by Brown, Cai and DasGupta 2001), which holds at 0% and 100% too; over
// several runs with the effective sample size n * SE_independent^2 / SE^2
// (Kish 1965; Dean and Pagano 2015), within [queries, n], and the number of
// queries where the spread is zero. Else mean +- t(G - 1) * SE, cut at the
// range.
class ScoreSummary {
 public:
  // `queries` bounds the index; `runs` is how many scores a query may have.
  ScoreSummary(uint32_t queries, uint32_t runs);

  void Add(uint32_t index, double score);

  // `failed` queries have no score and stand in `bounds` only, which need a
  // range.
  Summary Summarize(uint64_t failed, absl::optional<ScoreRange> range) const;

  // True when all scores so far lie in [0, 1].
  bool within_unit_range() const { return within_unit_range_; }

 private:
  struct Cluster {
    double sum = 0;
    double squares = 0;  // As squares_, of this query.
    uint32_t count = 0;
  };

  double Sum() const;
  double Mean() const;  // Needs a score.
  uint64_t Clusters() const;
  double ClusteredVariance() const;
  Interval WilsonInterval(double variance_of_mean) const;
  absl::optional<double> QueryVariance() const;
  std::vector<PassRate> PassRates() const;  // Needs scores of 0 and 1.

  const uint32_t runs_;
  const bool clustered_;
  std::vector<Cluster> by_query_;  // Empty when not clustered.
  uint64_t n_ = 0;
  // With the low bits that it has lost (Neumaier): 54 right answers of 60 are a
  // mean of 0.9, and not one below it.
  double sum_ = 0;
  double sum_rest_ = 0;
  double running_mean_ = 0;
  double squares_ = 0;  // Sum of squared distances from the mean (Welford).
  bool binary_ = true;
  bool within_unit_range_ = true;
};

// Wilson's score interval for a share `p` of `n` (any positive number).
Interval Wilson(double p, double n);

// The 97.5% quantile of Student's t with `degrees` of freedom, at least 1.
double TQuantile975(uint64_t degrees);

// The `p`-th percentile (0 to 100) of sorted data, linear between neighbours
// (Hyndman and Fan 1996, type 7, as NumPy's default). 0 for no data.
double Percentile(absl::Span<const float> sorted, double p);

}  // namespace runner

#endif  // RUNNER_SCORING_STATISTICS_H_
