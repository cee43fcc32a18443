#include "runner/results/result_lines.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {
namespace {

constexpr char kRowEnd[] = "\r\n";

void AppendJsonUsage(const QueryResult& result, std::string& out) {
  const bool known = result.usage.metered || result.cost.has_value();
  if (result.failed || !known) {
    out += "null";
    return;
  }
  char separator = '{';
  if (result.usage.metered) {
    const Usage& usage = result.usage;
    absl::StrAppend(&out, R"({"prompt_tokens":)", usage.prompt_tokens,
                    R"(,"completion_tokens":)", usage.completion_tokens,
                    R"(,"cached_tokens":)", usage.cached_tokens,
                    R"(,"reasoning_tokens":)", usage.reasoning_tokens);
    separator = ',';
  }
  if (result.cost.has_value()) {
    out += separator;
    absl::StrAppend(&out, R"("cost":)", JsonNumber(*result.cost));
  }
  out += '}';
}

void AppendJsonScores(const QueryResult& result, std::string& out) {
  const NamedValues& scores = result.scores;
  out += '{';
  bool first = true;
  for (size_t i = 0; i < scores.size() && !result.failed; ++i) {
    if (IsRepeated(scores, i)) continue;
    if (!std::exchange(first, false)) out += ',';
    AppendJsonString(scores[i].first, out);
    out += ':';
    out += JsonNumber(scores[i].second);
  }
  out += '}';
}

void AppendText(absl::string_view text, std::string& out) {
  const bool all_ascii = AsciiPrefix(text) == text.size();
  const std::string mended = all_ascii ? std::string() : ValidUtf8(text);
  absl::string_view valid = all_ascii ? text : absl::string_view(mended);
  const auto has = [&](char c) {
    return valid.find(c) != absl::string_view::npos;
  };
  if (!text.empty() && !has(',') && !has('"') && !has('\r') && !has('\n')) {
    out.append(valid.data(), valid.size());
    return;
  }
  out += '"';
  while (!valid.empty()) {
    const size_t quote = valid.find('"');
    const size_t length =
        quote == absl::string_view::npos ? valid.size() : quote + 1;
    out.append(valid.data(), length);
    if (quote != absl::string_view::npos) out += '"';
    valid.remove_prefix(length);
  }
  out += '"';
}

void AppendNumber(double value, std::string& out) {
  if (std::isfinite(value)) out += JsonNumber(value);
}

}  // namespace

bool IsRepeated(const NamedValues& scores, size_t i) {
  return std::any_of(
      scores.begin(), scores.begin() + i,
      [&](const auto& score) { return score.first == scores[i].first; });
}

void AppendResultLine(const QueryResult& result, std::string& out) {
  absl::StrAppend(&out, R"({"run":)", result.key.run, R"(,"query_id":)");
  AppendJsonString(result.key.id, out);
  absl::StrAppend(&out, R"(,"occurrence":)", result.key.occurrence,
                  R"(,"status":)", result.failed ? R"("failed")" : R"("ok")",
                  R"(,"output":)");
  if (result.failed || !result.output.has_value()) {
    out += "null";
  } else {
    AppendJsonString(*result.output, out);
  }
  out += R"(,"scores":)";
  AppendJsonScores(result, out);
  out += R"(,"usage":)";
  AppendJsonUsage(result, out);
  out += R"(,"error_type":)";
  if (result.failed) {
    AppendJsonString(result.error_type, out);
  } else {
    out += "null";
  }
  out += "}\n";
}

CsvTable::CsvTable(std::vector<std::string> scores)
    : scores_(std::move(scores)) {}

std::string CsvTable::Header() const {
  std::string header = "run,query_id,occurrence,status,output";
  for (const std::string& score : scores_) {
    header += ',';
    AppendText(absl::StrCat("scores.", score), header);
  }
  absl::StrAppend(&header,
                  ",usage.prompt_tokens,usage.completion_tokens,"
                  "usage.cached_tokens,usage.reasoning_tokens,usage.cost,"
                  "error_type",
                  kRowEnd);
  return header;
}

void CsvTable::AppendRow(const QueryResult& result, std::string& out) const {
  absl::StrAppend(&out, result.key.run, ",");
  AppendText(result.key.id, out);
  absl::StrAppend(&out, ",", result.key.occurrence,
                  result.failed ? ",failed," : ",ok,");
  if (!result.failed && result.output.has_value()) {
    AppendText(*result.output, out);
  }
  for (const std::string& name : scores_) {
    out += ',';
    if (result.failed) continue;
    const auto score =
        std::find_if(result.scores.begin(), result.scores.end(),
                     [&](const auto& each) { return each.first == name; });
    if (score != result.scores.end()) AppendNumber(score->second, out);
  }
  const Usage& usage = result.usage;
  if (usage.metered && !result.failed) {
    absl::StrAppend(&out, ",", usage.prompt_tokens, ",",
                    usage.completion_tokens, ",", usage.cached_tokens, ",",
                    usage.reasoning_tokens, ",");
  } else {
    out += ",,,,,";
  }
  if (result.cost.has_value() && !result.failed) {
    AppendNumber(*result.cost, out);
  }
  out += ',';
  if (result.failed) AppendText(result.error_type, out);
  out += kRowEnd;
}

}  // namespace runner
