// What models cost, from a file (--prices): YAML or JSON.

#include <cmath>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "runner/config/prices.h"
#include "runner/config/yaml_tree.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"

namespace {

constexpr char kName[] = "prices.yaml";

// The library's own nodes, and ours; the second is for what aliases make of a
// small file, which kYamlNodesMax and kYamlTextMax bound.
constexpr size_t kBytesPerByte = 4096;
constexpr size_t kFixedBytes = 96 << 20;

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
constexpr runner::Usage kUsages[] = {
    {.metered = true},
    {.prompt_tokens = 1000, .completion_tokens = 10, .metered = true},
    {.prompt_tokens = 1000,
     .completion_tokens = 10,
     .cached_tokens = 400,
     .metered = true},
    // More are cached than were sent.
    {.prompt_tokens = 1, .cached_tokens = kMost, .metered = true},
    {.prompt_tokens = kMost,
     .completion_tokens = kMost,
     .cached_tokens = kMost,
     .metered = true},
};

bool IsPrice(double price) { return price >= 0 && price <= runner::kPriceMax; }

void CheckPrice(const runner::ModelPrice& price) {
  FUZZ_CHECK(IsPrice(price.input) && IsPrice(price.output));
  FUZZ_CHECK(!price.cached_input.has_value() || IsPrice(*price.cached_input));
  FUZZ_CHECK(!runner::CostOf(price, runner::Usage()).has_value());
  for (const runner::Usage& usage : kUsages) {
    const auto cost = runner::CostOf(price, usage);
    FUZZ_CHECK(cost.has_value() && std::isfinite(*cost) && *cost >= 0);
  }
}

void TryPrices(const std::string& text) {
  const auto prices = runner::Prices::Parse(text, kName);
  const auto tree = runner::ParseYaml(text, kName);
  if (!prices.ok()) {
    const absl::string_view message = prices.status().message();
    FUZZ_CHECK(absl::IsInvalidArgument(prices.status()));
    FUZZ_CHECK(absl::StartsWith(message, kName));
    FUZZ_CHECK(fuzz::IsSafeForTerminal(message));
    FUZZ_CHECK(fuzz::IsPlainOrder(message));
    return;
  }
  // Every model that the file names has a price.
  FUZZ_CHECK(tree.ok() && !tree->entries.empty());
  for (const auto& [model, node] : tree->entries) {
    const auto price = prices->Find(model);
    FUZZ_CHECK(price.has_value());
    CheckPrice(*price);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  TryPrices(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
