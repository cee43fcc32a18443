#include "runner/scoring/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>

#include "runner/scoring/repeats.h"

namespace runner {
namespace {

constexpr double kNormal975 = 1.959963984540054;
// Beyond it t differs from the normal quantile by less than 3e-5.
constexpr uint64_t kDegreesMax = 100000;

double Square(double x) { return x * x; }

}  // namespace

ScoreSummary::ScoreSummary(uint32_t queries, uint32_t runs)
    : runs_(runs), clustered_(runs > 1), by_query_(clustered_ ? queries : 0) {}

void ScoreSummary::Add(uint32_t index, double score) {
  ++n_;
  const double delta = score - running_mean_;
  running_mean_ += delta / static_cast<double>(n_);
  squares_ += delta * (score - running_mean_);
  const double sum = sum_ + score;
  sum_rest_ += std::abs(sum_) >= std::abs(score) ? (sum_ - sum) + score
                                                 : (score - sum) + sum_;
  sum_ = sum;
  binary_ &= score == 0 || score == 1;
  within_unit_range_ &= score >= 0 && score <= 1;
  if (!clustered_) return;
  assert(index < by_query_.size());
  Cluster& query = by_query_[index];
  if (query.count > 0) {
    const double before = query.sum / query.count;
    const double after = (query.sum + score) / (query.count + 1);
    query.squares += (score - before) * (score - after);
  }
  query.sum += score;
  ++query.count;
}

double ScoreSummary::Sum() const {
  const double sum = sum_ + sum_rest_;
  // Scores near the largest number overflow a sum, but not the running mean.
  return std::isfinite(sum) ? sum : running_mean_ * static_cast<double>(n_);
}

double ScoreSummary::Mean() const {
  const double sum = sum_ + sum_rest_;
  return std::isfinite(sum) ? sum / static_cast<double>(n_) : running_mean_;
}

uint64_t ScoreSummary::Clusters() const {
  if (!clustered_) return n_;
  return static_cast<uint64_t>(
      std::count_if(by_query_.begin(), by_query_.end(),
                    [](const Cluster& cluster) { return cluster.count > 0; }));
}

// Variance of the mean; needs two clusters.
double ScoreSummary::ClusteredVariance() const {
  const auto n = static_cast<double>(n_);
  if (!clustered_) return squares_ / (n - 1) / n;
  const double mean = Mean();
  double sum = 0;
  for (const Cluster& cluster : by_query_) {
    sum += Square(cluster.sum - cluster.count * mean);
  }
  const auto clusters = static_cast<double>(Clusters());
  return clusters / (clusters - 1) * sum / Square(n);
}

Interval ScoreSummary::WilsonInterval(double variance_of_mean) const {
  const auto n = static_cast<double>(n_);
  const auto clusters = static_cast<double>(Clusters());
  double effective = clusters;
  if (variance_of_mean > 0) {
    const double independent = squares_ / (n - 1) / n;
    effective = std::clamp(n * independent / variance_of_mean, clusters, n);
  }
  return Wilson(Mean(), effective);
}

absl::optional<double> ScoreSummary::QueryVariance() const {
  double sum = 0;
  uint64_t queries = 0;
  for (const Cluster& query : by_query_) {
    if (query.count < 2) continue;
    sum += query.squares / (query.count - 1);
    ++queries;
  }
  if (queries == 0) return absl::nullopt;
  return sum / static_cast<double>(queries);
}

std::vector<PassRate> ScoreSummary::PassRates() const {
  std::vector<PassRate> rates;
  for (const uint32_t k : ReportedKs(runs_)) {
    PassRate rate{.k = k};
    uint64_t queries = 0;
    for (const Cluster& query : by_query_) {
      if (query.count < k) continue;
      const auto right = static_cast<uint64_t>(query.sum);
      rate.at += PassAtK(query.count, right, k);
      rate.hat += PassHatK(query.count, right, k);
      ++queries;
    }
    if (queries == 0) continue;
    rate.at /= static_cast<double>(queries);
    rate.hat /= static_cast<double>(queries);
    rates.push_back(rate);
  }
  return rates;
}

Summary ScoreSummary::Summarize(uint64_t failed,
                                absl::optional<ScoreRange> range) const {
  Summary summary;
  summary.n = n_;
  const auto n = static_cast<double>(n_);
  if (range.has_value() && n_ + failed > 0) {
    const auto f = static_cast<double>(failed);
    const double all = n + f;
    summary.bounds = Interval((Sum() + f * range->lowest) / all,
                              (Sum() + f * range->highest) / all);
  }
  if (n_ == 0) return summary;
  summary.mean = Mean();
  if (n_ > 1) summary.deviation = std::sqrt(squares_ / (n - 1));
  if (clustered_) summary.query_variance = QueryVariance();
  if (clustered_ && binary_) summary.pass_rates = PassRates();
  const uint64_t clusters = Clusters();
  double variance = 0;
  if (clusters > 1) {
    variance = ClusteredVariance();
    summary.standard_error = std::sqrt(variance);
  }
  if (binary_) {
    summary.ci95 = WilsonInterval(variance);
  } else if (clusters > 1) {
    const double half = TQuantile975(clusters - 1) * *summary.standard_error;
    Interval interval(Mean() - half, Mean() + half);
    if (range.has_value()) {
      interval.first = std::max(interval.first, range->lowest);
      interval.second = std::min(interval.second, range->highest);
    }
    summary.ci95 = interval;
  }
  return summary;
}

Interval Wilson(double p, double n) {
  assert(n > 0);
  const double z2 = Square(kNormal975);
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half =
      kNormal975 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // At 0% and 100% one end is exactly there; rounding must not push it out.
  return Interval(p <= 0 ? 0 : std::max(0.0, center - half),
                  p >= 1 ? 1 : std::min(1.0, center + half));
}

double TQuantile975(uint64_t degrees) {
  assert(degrees >= 1);
  if (degrees > kDegreesMax) return kNormal975;
  const boost::math::students_t distribution(static_cast<double>(degrees));
  return boost::math::quantile(distribution, 0.975);
}

double Percentile(absl::Span<const float> sorted, double p) {
  if (sorted.empty()) return 0;
  const double rank =
      std::clamp(p, 0.0, 100.0) / 100 * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(rank);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  const double below = sorted[low];
  return below + (rank - static_cast<double>(low)) * (sorted[high] - below);
}

}  // namespace runner
