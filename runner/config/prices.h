// What models cost, from a file that --prices names:
//
//   gpt-4.1: {input: 2, cached_input: 0.5, output: 8}
//
// in dollars per million tokens.
#ifndef RUNNER_CONFIG_PRICES_H_
#define RUNNER_CONFIG_PRICES_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"

namespace runner {

struct YamlNode;

// The highest price that is believed, in dollars per million tokens.
inline constexpr double kPriceMax = 1e6;

// Dollars for so many tokens.
inline constexpr double kTokensOfAPrice = 1e6;
struct ModelPrice {
  double input = 0;
  absl::optional<double> cached_input;  // nullopt: as `input`.
  double output = 0;
};

// In dollars; nullopt where the tokens are not known. Cached tokens are part of
// the prompt's, reasoning tokens of the completion's.
absl::optional<double> CostOf(const ModelPrice& price, const Usage& usage);

// Prices by model. Immutable.
class Prices {
 public:
  // A file, or a text that messages call `name`. YAML or JSON, within the
  // bounds of yaml_tree.h. InvalidArgument, with file and line: no model at
  // all, an unknown key (the nearest is named), a price that is missing, is not
  // a number or is not within 0 and kPriceMax.
  static absl::StatusOr<Prices> Read(const std::string& path);
  static absl::StatusOr<Prices> Parse(absl::string_view text,
                                      absl::string_view name);

  // By the model's whole name; nullopt when it has no price.
  absl::optional<ModelPrice> Find(absl::string_view model) const;

 private:
  static absl::StatusOr<Prices> FromTree(const YamlNode& tree,
                                         absl::string_view name);

  std::map<std::string, ModelPrice, std::less<>> by_model_;
};

}  // namespace runner

#endif  // RUNNER_CONFIG_PRICES_H_
