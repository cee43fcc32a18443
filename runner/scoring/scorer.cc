#include "runner/scoring/scorer.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/nearest.h"
#include "runner/base/text.h"
#include "runner/scoring/choice_scorer.h"
#include "runner/scoring/numeric_scorer.h"
#include "runner/scoring/retrieval_scorers.h"
#include "runner/scoring/text_scorers.h"

namespace runner {
namespace {

using MaybeScorer = absl::StatusOr<std::unique_ptr<Scorer>>;

template <std::unique_ptr<Scorer> (*kNew)()>
MaybeScorer Plain(absl::string_view) {
  return kNew();
}

template <std::unique_ptr<Scorer> (*kNew)(uint32_t)>
MaybeScorer WithCutoff(absl::string_view parameter) {
  uint32_t k = 0;
  if (!absl::SimpleAtoi(parameter, &k) || k < 1 || k > kCutoffMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(parameter), " is not a number from 1 to ", kCutoffMax));
  }
  return kNew(k);
}

// What may follow a scorer's name.
enum class Parameter { kNone, kOptional, kRequired };

struct ScorerKind {
  absl::string_view name;
  Parameter parameter = Parameter::kNone;
  char separator = 0;  // Between name and parameter.
  absl::string_view parameter_name = {};
  // Takes the parameter; an empty text where an optional one is not given.
  MaybeScorer (*create)(absl::string_view parameter) = nullptr;
};

// All scorers there are.
constexpr ScorerKind kScorerKinds[] = {
    {.name = "exact_match", .create = Plain<NewExactMatch>},
    {.name = "contains", .create = Plain<NewContains>},
    {.name = "regex", .create = Plain<NewRegexScorer>},
    {.name = "numeric",
     .parameter = Parameter::kOptional,
     .separator = ':',
     .parameter_name = "TOL",
     .create = NewNumeric},
    {.name = "multiple_choice", .create = Plain<NewMultipleChoice>},
    {.name = "f1", .create = Plain<NewTokenF1>},
    {.name = "recall",
     .parameter = Parameter::kRequired,
     .separator = '@',
     .parameter_name = "K",
     .create = WithCutoff<NewRecallAt>},
    {.name = "precision",
     .parameter = Parameter::kRequired,
     .separator = '@',
     .parameter_name = "K",
     .create = WithCutoff<NewPrecisionAt>},
    {.name = "mrr", .create = Plain<NewReciprocalRank>},
    {.name = "ndcg",
     .parameter = Parameter::kRequired,
     .separator = '@',
     .parameter_name = "K",
     .create = WithCutoff<NewNdcgAt>},
};

std::string FormOf(const ScorerKind& kind) {
  if (kind.parameter == Parameter::kNone) return std::string(kind.name);
  const std::string parameter =
      absl::StrCat(std::string(1, kind.separator), kind.parameter_name);
  return kind.parameter == Parameter::kOptional
             ? absl::StrCat(kind.name, "[", parameter, "]")
             : absl::StrCat(kind.name, parameter);
}

// The parameter in `text`, if `text` names this kind.
absl::optional<absl::string_view> ParameterIn(absl::string_view text,
                                              const ScorerKind& kind) {
  if (text == kind.name) {
    if (kind.parameter == Parameter::kRequired) return absl::nullopt;
    return absl::string_view();
  }
  if (kind.parameter == Parameter::kNone || text.size() <= kind.name.size() ||
      text.substr(0, kind.name.size()) != kind.name ||
      text[kind.name.size()] != kind.separator) {
    return absl::nullopt;
  }
  return text.substr(kind.name.size() + 1);
}

// Leads over to the list of all.
std::string Suggestion(absl::string_view text) {
  std::vector<std::string> names;
  for (const ScorerKind& kind : kScorerKinds) names.emplace_back(kind.name);
  const std::string nearest =
      Nearest(text.substr(0, text.find_first_of("@:")), names);
  for (const ScorerKind& kind : kScorerKinds) {
    if (kind.name != nearest) continue;
    return absl::StrCat("; did you mean `", FormOf(kind), "`? Known are ");
  }
  return "; known are ";
}

}  // namespace

const std::string& KnownScorers() {
  static const std::string* const known =
      new std::string(absl::StrJoin(kScorerKinds, ", ",
                                    [](std::string* out, const auto& kind) {
                                      absl::StrAppend(out, FormOf(kind));
                                    }) +
                      ", " + kExternalScorer);
  return *known;
}

absl::StatusOr<std::unique_ptr<Scorer>> Scorer::Create(absl::string_view text) {
  for (const ScorerKind& kind : kScorerKinds) {
    const absl::optional<absl::string_view> parameter = ParameterIn(text, kind);
    if (!parameter.has_value()) continue;
    const bool missing = parameter->empty() && text.size() > kind.name.size();
    MaybeScorer scorer =
        missing ? absl::InvalidArgumentError(absl::StrCat(
                      "nothing follows the ", std::string(1, kind.separator)))
                : kind.create(*parameter);
    if (scorer.ok()) return scorer;
    return absl::InvalidArgumentError(absl::StrCat(
        "--scorer ", FormOf(kind), ": ", scorer.status().message()));
  }
  return absl::InvalidArgumentError(absl::StrCat("--scorer: unknown scorer ",
                                                 Quoted(text), Suggestion(text),
                                                 KnownScorers()));
}

absl::StatusOr<Scoring> Scoring::Create(
    const ExtractionOptions& extraction,
    const std::vector<std::string>& scorers) {
  Scoring scoring;
  absl::StatusOr<std::unique_ptr<Extractor>> extractor =
      Extractor::Create(extraction);
  if (!extractor.ok()) return extractor.status();
  scoring.extractor_ = *std::move(extractor);
  const auto twice = [](absl::string_view name) {
    return absl::InvalidArgumentError(
        absl::StrCat("--scorer: ", name, " is given twice"));
  };
  for (const std::string& text : scorers) {
    if (text == kExternalScorer) {
      if (scoring.needs_external_) return twice(kExternalScorer);
      scoring.needs_external_ = true;
      continue;
    }
    absl::StatusOr<std::unique_ptr<Scorer>> scorer = Scorer::Create(text);
    if (!scorer.ok()) return scorer.status();
    for (const std::unique_ptr<Scorer>& earlier : scoring.scorers_) {
      if (earlier->name() != (*scorer)->name()) continue;
      return twice(earlier->name());
    }
    scoring.scorers_.push_back(*std::move(scorer));
  }
  return scoring;
}

ScoredResponse Scoring::Evaluate(const absl::optional<std::string>& output,
                                 const absl::optional<std::string>& target,
                                 const NamedValues& evaluator_scores) const {
  ScoredResponse result;
  absl::optional<std::string> answer;
  if (output.has_value()) answer = extractor_->Extract(*output);
  result.unparsed = !answer.has_value();
  if (answer.has_value()) result.extracted = *answer;
  const std::string wanted =
      target.has_value() ? extractor_->ExtractTarget(*target) : "";
  for (const std::unique_ptr<Scorer>& scorer : scorers_) {
    Score score{.value = scorer->lowest(), .parsed = false};
    if (answer.has_value() && target.has_value()) {
      score = scorer->Evaluate(*answer, wanted);
      result.unparsed |= !score.parsed;
    }
    result.scores.emplace_back(std::string(scorer->name()), score.value);
  }
  result.scores.insert(result.scores.end(), evaluator_scores.begin(),
                       evaluator_scores.end());
  return result;
}

absl::StatusOr<ScoredResponse> Scoring::EvaluateWith(
    ExternalScorer* external, const QueryKey& key, absl::string_view query_json,
    const absl::optional<std::string>& output,
    const absl::optional<std::string>& target,
    const NamedValues& evaluator_scores) const {
  ScoredResponse result = Evaluate(output, target, evaluator_scores);
  if (!needs_external_) return result;
  if (external == nullptr) {
    return absl::InvalidArgumentError("there is no process that scores");
  }
  ExternalRequest request;
  request.key = key;
  request.output = output;
  if (output.has_value()) request.extracted = extractor_->Extract(*output);
  request.target = target;
  request.query_json = std::string(query_json);
  absl::StatusOr<ExternalScores> given = external->Score(request);
  if (!given.ok()) return given.status();
  result.unparsed |= given->unparsed;
  const auto behind_own =
      result.scores.begin() + static_cast<std::ptrdiff_t>(scorers_.size());
  result.scores.insert(behind_own, given->scores.begin(), given->scores.end());
  return result;
}

absl::Status Scoring::CheckTarget(
    const absl::optional<std::string>& target) const {
  if (scorers_.empty()) return absl::OkStatus();
  if (!target.has_value()) {
    return absl::InvalidArgumentError(
        "no target to score against: neither `target` nor `answer` is there; "
        "--target-field says where it is");
  }
  const std::string wanted = extractor_->ExtractTarget(*target);
  for (const std::unique_ptr<Scorer>& scorer : scorers_) {
    if (absl::Status status = scorer->CheckTarget(wanted); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace runner
