#include "runner/results/result_lines.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/json_writer.h"
#include "runner/base/text.h"

namespace runner {
namespace {

constexpr char kRowEnd[] = "\r\n";

void WriteUsage(const QueryResult& result, JsonWriter& line) {
  const bool known = result.usage.metered || result.cost.has_value();
  if (result.failed || !known) return line.Null();
  line.BeginObject();
  if (result.usage.metered) {
    line.Key("prompt_tokens").Number(result.usage.prompt_tokens);
    line.Key("completion_tokens").Number(result.usage.completion_tokens);
    line.Key("cached_tokens").Number(result.usage.cached_tokens);
    line.Key("reasoning_tokens").Number(result.usage.reasoning_tokens);
  }
  if (result.cost.has_value()) line.Key("cost").Number(*result.cost);
  line.EndObject();
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
  JsonWriter line(out, /*indent=*/0);
  line.BeginObject();
  line.Key("run").Number(uint64_t{result.key.run});
  line.Key("query_id").String(result.key.id);
  line.Key("occurrence").Number(uint64_t{result.key.occurrence});
  line.Key("status").String(result.failed ? "failed" : "ok");
  line.Key("output");
  if (result.failed || !result.output.has_value()) {
    line.Null();
  } else {
    line.String(*result.output);
  }
  line.Key("scores").BeginObject();
  for (size_t i = 0; i < result.scores.size() && !result.failed; ++i) {
    const auto& [name, value] = result.scores[i];
    if (!IsRepeated(result.scores, i)) line.Key(name).Number(value);
  }
  line.EndObject();
  line.Key("usage");
  WriteUsage(result, line);
  line.Key("error_type");
  if (result.failed) {
    line.String(result.error_type);
  } else {
    line.Null();
  }
  line.EndObject();
  out += '\n';
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
