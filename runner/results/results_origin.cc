#include "runner/results/results_origin.h"

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
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

}  // namespace runner
