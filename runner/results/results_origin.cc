#include "runner/results/results_origin.h"

#include <algorithm>
#include <fstream>
#include <ios>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "runner/base/json.h"
#include "runner/base/whole_file.h"

namespace runner {
namespace {

// Nobody writes a larger one.
constexpr size_t kResultsBytesMax = 64 << 20;

std::string TextAt(const nlohmann::json& results, absl::string_view path) {
  const nlohmann::json* text = FindPath(results, path);
  return text != nullptr && text->is_string() ? text->get<std::string>() : "";
}

}  // namespace

absl::optional<ResultsOrigin> OriginOfResults(const std::string& results_path) {
  const absl::StatusOr<std::string> text =
      ReadWholeFile(results_path, kResultsBytesMax);
  if (!text.ok()) return absl::nullopt;
  const absl::StatusOr<nlohmann::json> results = ParseJson(*text);
  if (!results.ok()) return absl::nullopt;
  ResultsOrigin origin = {TextAt(*results, "timing.run_id"),
                          TextAt(*results, "timing.journal")};
  if (origin.run_id.empty()) return absl::nullopt;
  return origin;
}

bool IsResultLines(const std::string& path) {
  constexpr absl::string_view kFirst = "{\"run\":";
  constexpr absl::string_view kSecond = ",\"query_id\":";
  constexpr size_t kDigitsMax = 10;
  std::string text(kFirst.size() + kDigitsMax + kSecond.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return absl::StartsWith(text, kFirst) && absl::StrContains(text, kSecond);
}

absl::optional<ResultsOrigin> OriginOfResultLines(const std::string& path) {
  absl::string_view stem = path;
  if (!absl::ConsumeSuffix(&stem, ".jsonl")) return absl::nullopt;
  return OriginOfResults(absl::StrCat(stem, ".json"));
}

}  // namespace runner
