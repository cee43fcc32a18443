// What a worker says: cut into lines, and each line read.
//
// Input: u8 size of the pieces in which it arrives, then the worker's bytes.

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/base/json.h"
#include "runner/base/line_buffer.h"
#include "runner/evaluators/worker_protocol.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"

namespace {

constexpr size_t kLineBytesMax = 4096;
constexpr size_t kFixedBytes = 1 << 20;
// A parsed value of one byte ("0,") takes some dozens.
constexpr size_t kBytesPerByte = 256;

void CheckValues(const runner::NamedValues& values) {
  FUZZ_CHECK(values.size() <= runner::kScoresMax);
  FUZZ_CHECK(std::is_sorted(
      values.begin(), values.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; }));
  for (const auto& [name, value] : values) {
    FUZZ_CHECK(name.size() <= runner::kNameBytesMax);
    FUZZ_CHECK(std::abs(value) <= runner::kScoreMax);
  }
}

bool IsJson(const std::string& text) { return runner::ParseJson(text).ok(); }

void CheckAnswer(const runner::Answer& answer) {
  const runner::EvaluationResult& result = answer.result;
  CheckValues(result.scores);
  CheckValues(result.metrics);
  FUZZ_CHECK(result.state_json.empty() || IsJson(result.state_json));
  FUZZ_CHECK(result.metadata_json.empty() || IsJson(result.metadata_json));
  FUZZ_CHECK(result.state_json.size() <= runner::kStateBytesMax);
  FUZZ_CHECK(result.usage.prompt_tokens <= runner::kTokensMax);
  FUZZ_CHECK(!result.cost.has_value() ||
             (*result.cost >= 0 && *result.cost <= runner::kCostMax));
  if (!result.error.has_value()) return;
  FUZZ_CHECK(!result.error->type.empty());
  FUZZ_CHECK(fuzz::IsSafeForTerminal(result.error->type));
  FUZZ_CHECK(!result.output.has_value());
}

void TryLine(absl::string_view line,
             absl::StatusOr<runner::Answer> (*parse)(absl::string_view)) {
  const absl::StatusOr<runner::Answer> answer = parse(line);
  if (answer.ok()) {
    CheckAnswer(*answer);
    return;
  }
  FUZZ_CHECK(fuzz::IsSafeForTerminal(answer.status().message()));
  FUZZ_CHECK(fuzz::IsPlainOrder(answer.status().message()));
}

// As a worker's line, and as a scorer's.
void TryLine(absl::string_view line) {
  TryLine(line, runner::ParseAnswer);
  TryLine(line, runner::ParseScores);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  const size_t piece = 1 + input.Take<uint8_t>();
  runner::LineBuffer lines(kLineBytesMax);
  std::string unfinished;
  while (!input.empty()) {
    const absl::string_view bytes = input.TakeBytes(piece);
    lines.Append(bytes);
    unfinished.append(bytes.data(), bytes.size());
    while (!lines.oversize()) {
      const auto line = lines.Next();
      if (!line.has_value()) break;
      FUZZ_CHECK(line->size() <= kLineBytesMax);
      FUZZ_CHECK(
          unfinished.compare(0, line->size(), line->data(), line->size()) == 0);
      unfinished.erase(0, unfinished.find('\n') + 1);
      TryLine(*line);
    }
    if (lines.oversize()) return 0;
  }
  FUZZ_CHECK(lines.TakeRest() == unfinished);
  TryLine(unfinished);
  return 0;
}
