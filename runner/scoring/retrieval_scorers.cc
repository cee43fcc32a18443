#include "runner/scoring/retrieval_scorers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using Ids = std::vector<std::string>;
using Gains = absl::flat_hash_map<std::string, double>;

// Each at its first place only.
Ids WithoutRepetitions(Ids ids) {
  absl::flat_hash_set<std::string> seen;
  Ids once;
  for (std::string& id : ids) {
    if (seen.insert(id).second) once.push_back(std::move(id));
  }
  return once;
}

absl::optional<Ids> JsonIds(const nlohmann::json& list) {
  if (!list.is_array()) return absl::nullopt;
  Ids ids;
  for (const nlohmann::json& id : list) {
    if (!id.is_string() && !id.is_number()) return absl::nullopt;
    ids.push_back(RenderText(id));
  }
  return WithoutRepetitions(std::move(ids));
}

absl::optional<Ids> ParseIds(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return absl::nullopt;
  if (absl::StartsWith(text, "[") || absl::StartsWith(text, "{")) {
    const absl::StatusOr<nlohmann::json> list = ParseJson(text);
    return list.ok() ? JsonIds(*list) : absl::nullopt;
  }
  Ids ids;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) ids.emplace_back(line);
  }
  return WithoutRepetitions(std::move(ids));
}

// The relevant ones; nullopt when the target says nothing of the kind.
absl::optional<Gains> ParseGains(absl::string_view target) {
  Gains gains;
  if (!absl::StartsWith(absl::StripAsciiWhitespace(target), "{")) {
    absl::optional<Ids> ids = ParseIds(target);
    if (!ids.has_value()) return absl::nullopt;
    for (std::string& id : *ids) gains.emplace(std::move(id), 1);
    return gains;
  }
  const absl::StatusOr<nlohmann::json> object = ParseJson(target);
  if (!object.ok()) return absl::nullopt;
  for (auto it = object->begin(); it != object->end(); ++it) {
    if (!it.value().is_number()) return absl::nullopt;
    const double gain = it.value().get<double>();
    if (!std::isfinite(gain) || gain < 0) return absl::nullopt;
    if (gain > 0) gains.emplace(it.key(), gain);
  }
  return gains;
}

// Of the first `k`.
size_t CountRelevant(const Ids& ranking, const Gains& gains, size_t k) {
  const auto end = ranking.begin() + std::min(k, ranking.size());
  return static_cast<size_t>(
      std::count_if(ranking.begin(), end,
                    [&](const std::string& id) { return gains.contains(id); }));
}

double Recall(const Ids& ranking, const Gains& gains, size_t k) {
  return static_cast<double>(CountRelevant(ranking, gains, k)) /
         static_cast<double>(gains.size());
}

double Precision(const Ids& ranking, const Gains& gains, size_t k) {
  return static_cast<double>(CountRelevant(ranking, gains, k)) /
         static_cast<double>(k);
}

double ReciprocalRank(const Ids& ranking, const Gains& gains, size_t) {
  for (size_t i = 0; i < ranking.size(); ++i) {
    if (gains.contains(ranking[i])) return 1.0 / static_cast<double>(i + 1);
  }
  return 0;
}

double Discount(size_t place) {  // From 0.
  return 1 / std::log2(static_cast<double>(place) + 2);
}

double Ndcg(const Ids& ranking, const Gains& gains, size_t k) {
  std::vector<double> best;
  for (const auto& [id, gain] : gains) best.push_back(gain);
  std::sort(best.begin(), best.end(), std::greater<>());
  // Relative to the largest gain: a sum of huge ones stays finite.
  const double largest = best.front();
  double ideal = 0;
  for (size_t i = 0; i < std::min(k, best.size()); ++i) {
    ideal += best[i] / largest * Discount(i);
  }
  double sum = 0;
  for (size_t i = 0; i < std::min(k, ranking.size()); ++i) {
    const auto found = gains.find(ranking[i]);
    if (found != gains.end()) sum += found->second / largest * Discount(i);
  }
  return std::min(1.0, sum / ideal);
}

class Retrieval : public Scorer {
 public:
  using Measure = double (*)(const Ids& ranking, const Gains& gains, size_t k);

  Retrieval(std::string name, Measure measure, size_t k)
      : name_(std::move(name)), measure_(measure), k_(k) {}

  absl::string_view name() const override { return name_; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const absl::optional<Ids> ranking = ParseIds(answer);
    const absl::optional<Gains> gains = ParseGains(target);
    if (!ranking.has_value() || !gains.has_value() || gains->empty()) {
      return {.value = 0, .parsed = false};
    }
    return {.value = measure_(*ranking, *gains, k_)};
  }

  absl::Status CheckTarget(absl::string_view target) const override {
    const absl::optional<Gains> gains = ParseGains(target);
    if (gains.has_value() && !gains->empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "the target ", Quoted(target),
        " names nothing relevant, which --scorer ", name_,
        " needs: a JSON list of ids, one id a line, or {id: gain}"));
  }

 private:
  const std::string name_;
  const Measure measure_;
  const size_t k_;
};

}  // namespace

std::unique_ptr<Scorer> NewRecallAt(uint32_t k) {
  return std::make_unique<Retrieval>(absl::StrCat("recall@", k), Recall, k);
}

std::unique_ptr<Scorer> NewPrecisionAt(uint32_t k) {
  return std::make_unique<Retrieval>(absl::StrCat("precision@", k), Precision,
                                     k);
}

std::unique_ptr<Scorer> NewReciprocalRank() {
  return std::make_unique<Retrieval>("mrr", ReciprocalRank, kCutoffMax);
}

std::unique_ptr<Scorer> NewNdcgAt(uint32_t k) {
  return std::make_unique<Retrieval>(absl::StrCat("ndcg@", k), Ndcg, k);
}

}  // namespace runner
