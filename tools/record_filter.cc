#include "tools/record_filter.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"
#include "runner/storage/record_codec.h"

namespace inspector {
namespace {

constexpr uint16_t kRecordTypesMax = 1024;

// "AttemptError", "attempt-error" and "attempt_error" alike.
std::string Folded(absl::string_view name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name),
                             {{"-", ""}, {"_", ""}});
}

absl::Status ParseTypes(const std::string& text, std::set<uint16_t>* types) {
  absl::StatusOr<std::vector<std::string>> names = runner::ParseList(text);
  if (!names.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--type: ", names.status().message()));
  }
  std::vector<std::string> known;
  for (uint16_t type = 1; runner::IsKnownRecordType(type); ++type) {
    known.push_back(runner::RecordTypeName(type));
  }
  for (const std::string& name : *names) {
    uint32_t number = 0;
    const auto found = std::find_if(
        known.begin(), known.end(),
        [&](const std::string& each) { return Folded(each) == Folded(name); });
    if (found != known.end()) {
      types->insert(static_cast<uint16_t>(found - known.begin() + 1));
    } else if (absl::SimpleAtoi(name, &number) && number < kRecordTypesMax) {
      types->insert(static_cast<uint16_t>(number));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--type: unknown type ", runner::Quoted(name),
                       runner::DidYouMean(name, known),
                       " (known: ", absl::StrJoin(known, ", "), ")"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<StatusFilter> ParseStatus(absl::string_view text) {
  if (text.empty()) return StatusFilter::kAll;
  if (text == "ok") return StatusFilter::kOk;
  if (text == "failed") return StatusFilter::kFailed;
  if (text == "in-doubt") return StatusFilter::kInDoubt;
  return absl::InvalidArgumentError(absl::StrCat(
      "--status: ", runner::Quoted(text), " is none of ok, failed, in-doubt"));
}

bool ParseBefore(absl::string_view text, absl::Time now, absl::Time* time) {
  bool relative = absl::ConsumePrefix(&text, "-");
  relative |= absl::ConsumeSuffix(&text, " ago");
  if (!relative) return false;
  const absl::StatusOr<absl::Duration> before = runner::ParseDuration(text);
  if (!before.ok()) return false;
  *time = now - *before;
  return true;
}

}  // namespace

absl::StatusOr<absl::Time> ParseTime(absl::string_view text, absl::Time now,
                                     absl::TimeZone zone) {
  absl::Time time;
  const absl::CivilDay today(absl::ToCivilSecond(now, zone));
  if (text == "now") return now;
  if (text == "today") return absl::FromCivil(today, zone);
  if (text == "yesterday") return absl::FromCivil(today - 1, zone);
  if (ParseBefore(text, now, &time)) return time;
  absl::string_view unix_seconds = text;
  double seconds = 0;
  if (absl::ConsumePrefix(&unix_seconds, "@") &&
      absl::SimpleAtod(unix_seconds, &seconds)) {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }
  const std::string day = absl::FormatCivilTime(today);
  for (const absl::string_view format :
       {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M",
        "%Y-%m-%d"}) {
    if (absl::ParseTime(format, text, zone, &time, nullptr)) return time;
  }
  for (const absl::string_view format :
       {"%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M"}) {
    const std::string with_day = absl::StrCat(day, " ", text);
    if (absl::ParseTime(format, with_day, zone, &time, nullptr)) return time;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      runner::Quoted(text),
      " is no time: 2026-11-21 15:30:22, 15:30, -5m, today, RFC 3339 or "
      "@SECONDS"));
}

absl::StatusOr<FilterOptions> ParseFilterOptions(const Arguments& arguments,
                                                 absl::TimeZone zone) {
  FilterOptions options;
  if (arguments.Has("lsn")) {
    absl::StatusOr<LsnRange> range = ParseLsnRange(arguments.Get("lsn"));
    if (!range.ok()) return range.status();
    options.lsns = *range;
  }
  if (arguments.Has("run")) {
    absl::StatusOr<uint64_t> run =
        ParseNumber("--run", arguments.Get("run"), 1, UINT32_MAX);
    if (!run.ok()) return run.status();
    options.run = static_cast<uint32_t>(*run);
  }
  options.query_glob = arguments.Get("query-id");
  absl::StatusOr<StatusFilter> status = ParseStatus(arguments.Get("status"));
  if (!status.ok()) return status.status();
  options.status = *status;
  if (arguments.Has("type")) {
    absl::Status types = ParseTypes(arguments.Get("type"), &options.types);
    if (!types.ok()) return types;
  }
  const absl::Time now = absl::Now();
  for (const char* name : {"since", "until"}) {
    if (!arguments.Has(name)) continue;
    absl::StatusOr<absl::Time> time = ParseTime(arguments.Get(name), now, zone);
    if (!time.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, ": ", time.status().message()));
    }
    (name == std::string("since") ? options.since : options.until) = *time;
  }
  return options;
}

void RecordFilter::Learn(const journal::Record& record) {
  if (record.lsn <= learned_lsn_) return;
  learned_lsn_ = record.lsn;
  if (options_.status == StatusFilter::kInDoubt) {
    for (const AttemptId& attempt : FactsOf(record).in_doubt) {
      in_doubt_.insert(attempt);
    }
  }
  progress_.Fold(record);
}

void RecordFilter::EndLearning(bool writer_alive) {
  failed_.clear();
  for (const runner::OpenQuery& query : progress_.open_queries()) {
    if (query.failed) failed_.insert({query.run, query.index, 0});
    if (query.in_flight && !writer_alive) {
      in_doubt_.insert({query.run, query.index, query.attempts});
    }
  }
}

bool RecordFilter::Matches(const journal::Record& record,
                           const RecordFacts& facts) {
  time_ = facts.at.value_or(time_);
  if (record.lsn < options_.lsns.first || record.lsn > options_.lsns.last ||
      time_ < options_.since || time_ > options_.until) {
    return false;
  }
  if (!options_.types.empty() && options_.types.count(record.type) == 0) {
    return false;
  }
  return MatchesQuery(facts) && MatchesStatus(record, facts);
}

bool RecordFilter::MatchesQuery(const RecordFacts& facts) const {
  const std::string& glob = options_.query_glob;
  if (!options_.run.has_value() && glob.empty()) return true;
  const auto matches = [&](const runner::QueryKey& key) {
    return (!options_.run.has_value() || key.run == *options_.run) &&
           (glob.empty() || fnmatch(glob.c_str(), key.id.c_str(), 0) == 0);
  };
  if (facts.key.has_value()) return matches(*facts.key);
  if (std::any_of(facts.in_doubt_keys.begin(), facts.in_doubt_keys.end(),
                  matches)) {
    return true;
  }
  return glob.empty() && facts.run == *options_.run;
}

bool RecordFilter::MatchesStatus(const journal::Record& record,
                                 const RecordFacts& facts) const {
  if (options_.status == StatusFilter::kAll) return true;
  if (options_.status == StatusFilter::kInDoubt) {
    const bool is_start =
        record.type == static_cast<uint16_t>(runner::RecordType::kAttemptStart);
    return !facts.in_doubt.empty() ||
           (is_start && facts.key.has_value() &&
            in_doubt_.count({facts.key->run, facts.key->index, facts.attempt}) >
                0);
  }
  if (!facts.key.has_value()) return false;
  if (options_.status == StatusFilter::kFailed) {
    return failed_.count({facts.key->run, facts.key->index, 0}) > 0;
  }
  return progress_.IsDone(facts.key->run, facts.key->index);
}

}  // namespace inspector
