// A checkpoint file of another system, and what stands beside it.
//
// Input: u16 size of the resume state, u16 size of the error log, both; then
// the file.

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runner/base/json.h"
#include "runner/evaluators/evaluator.h"
#include "runner/imports/import_file.h"
#include "runner/imports/import_values.h"
#include "runner/imports/imported_file.h"
#include "runner/imports/result_log.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"

namespace {

using runner::ImportedFile;
using runner::ImportedResult;

constexpr size_t kFixedBytes = 2 << 20;
// A result of six bytes ("\"a\":0,") takes some hundreds.
constexpr size_t kBytesPerByte = 512;

void CheckLine(const std::string& text) {
  FUZZ_CHECK(fuzz::IsSafeForTerminal(text));
  FUZZ_CHECK(fuzz::IsPlainOrder(text));
}

void CheckJson(const std::string& text) {
  FUZZ_CHECK(text.empty() || runner::ParseJson(text).ok());
}

void CheckValues(const runner::NamedValues& values) {
  for (const auto& [name, value] : values) {
    FUZZ_CHECK(name.size() <= runner::kNameBytesMax);
    FUZZ_CHECK(std::abs(value) <= runner::kImportedScoreMax);
  }
}

void CheckResult(const ImportedResult& result, std::set<std::string>& names) {
  FUZZ_CHECK(result.run > 0);
  CheckValues(result.scores);
  for (const auto& [name, value] : result.scores) names.insert(name);
  FUZZ_CHECK(result.passes.size() <= runner::kImportedPassesMax);
  for (const runner::PassRecord& pass : result.passes) {
    CheckValues(pass.metrics);
  }
  FUZZ_CHECK(result.usage.prompt_tokens <= runner::kTokensMax);
  FUZZ_CHECK(!result.cost.has_value() ||
             (*result.cost >= 0 && *result.cost <= runner::kCostMax));
  FUZZ_CHECK(result.latency >= absl::ZeroDuration());
  CheckJson(result.metadata_json);
  if (!result.error.has_value()) return;
  FUZZ_CHECK(!result.output.has_value() && result.scores.empty());
  FUZZ_CHECK(!result.error->type.empty());
  FUZZ_CHECK(result.error->type.size() <= runner::kNameBytesMax);
  CheckLine(result.error->type);
  CheckJson(result.error->context_json);
}

void CheckFile(const ImportedFile& file, size_t size) {
  std::set<std::string> names;
  for (const ImportedResult& result : file.results) CheckResult(result, names);
  FUZZ_CHECK(names.size() <= runner::kImportedScoreNamesMax);
  FUZZ_CHECK(file.cut_at.value_or(0) <= size);
  FUZZ_CHECK(file.elapsed >= absl::ZeroDuration());
  CheckJson(file.config_json);
  CheckJson(file.cost_json);
  for (const std::string& note : file.notes) CheckLine(note);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  const auto state_size = input.Take<uint16_t>();
  const auto errors_size = input.Take<uint16_t>();
  const absl::string_view state = input.TakeBytes(state_size);
  const absl::string_view errors = input.TakeBytes(errors_size);
  std::string text(input.TakeRest());
  const size_t text_size = text.size();
  auto file = runner::ParseImport(text);
  // No offset changes.
  FUZZ_CHECK(text.size() == text_size);
  if (!file.ok()) {
    CheckLine(std::string(file.status().message()));
    return 0;
  }
  CheckFile(*file, text_size);
  runner::TakeAlgoverseSiblings(state, errors, *file);
  CheckFile(*file, text_size);
  // What was mended is read in the same way.
  const auto again = runner::ParseImport(text);
  FUZZ_CHECK(again.ok() && again->format == file->format);
  FUZZ_CHECK(again->results.size() <= file->results.size());
  return 0;
}
