#include "runner/config/prices.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"
#include "runner/config/yaml_tree.h"

namespace runner {
namespace {

constexpr absl::string_view kInput = "input";
constexpr absl::string_view kCachedInput = "cached_input";
constexpr absl::string_view kOutput = "output";

class PriceReader {
 public:
  explicit PriceReader(absl::string_view name) : name_(name) {}

  absl::StatusOr<ModelPrice> ReadModel(const std::string& model,
                                       const YamlNode& node) const {
    if (model.empty()) return Wrong(node, "a price without a model");
    if (node.kind != YamlNode::Kind::kMap) {
      return Wrong(node, absl::StrCat(Quoted(model),
                                      " needs {input, cached_input, output}"));
    }
    absl::optional<double> input, cached_input, output;
    for (const auto& [key, value] : node.entries) {
      absl::optional<double>* const price = key == kInput ? &input
                                            : key == kCachedInput
                                                ? &cached_input
                                            : key == kOutput ? &output
                                                             : nullptr;
      if (price == nullptr) return Unknown(model, key, value);
      absl::StatusOr<double> read = ReadPrice(model, key, value);
      if (!read.ok()) return read.status();
      *price = *read;
    }
    if (!input.has_value()) return Missing(model, kInput, node);
    if (!output.has_value()) return Missing(model, kOutput, node);
    return ModelPrice{*input, cached_input, *output};
  }

 private:
  absl::Status Wrong(const YamlNode& at, absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", at.line, ": ", message));
  }

  absl::Status Missing(const std::string& model, absl::string_view key,
                       const YamlNode& at) const {
    return Wrong(at, absl::StrCat(Quoted(model), " has no price `", key, "`"));
  }

  absl::Status Unknown(const std::string& model, const std::string& key,
                       const YamlNode& at) const {
    const std::vector<std::string> known = {
        std::string(kInput), std::string(kCachedInput), std::string(kOutput)};
    return Wrong(
        at,
        absl::StrCat(Quoted(model), ": unknown key ", Quoted(key),
                     DidYouMean(key, known,
                                "; known are input, cached_input and output")));
  }

  absl::StatusOr<double> ReadPrice(const std::string& model,
                                   const std::string& key,
                                   const YamlNode& value) const {
    if (value.kind == YamlNode::Kind::kScalar) {
      const absl::StatusOr<double> price = ParseNumber(value.text);
      // Not the other way round: NaN is within nothing.
      if (price.ok() && *price >= 0 && *price <= kPriceMax) return *price;
    }
    return Wrong(value,
                 absl::StrCat(Quoted(model), ": `", key,
                              "` needs dollars per million tokens, from 0 to ",
                              kPriceMax));
  }

  const absl::string_view name_;
};

}  // namespace

absl::optional<double> CostOf(const ModelPrice& price, const Usage& usage) {
  if (!usage.metered) return absl::nullopt;
  const uint64_t cached = std::min(usage.cached_tokens, usage.prompt_tokens);
  const auto fresh = static_cast<double>(usage.prompt_tokens - cached);
  return (fresh * price.input +
          static_cast<double>(cached) *
              price.cached_input.value_or(price.input) +
          static_cast<double>(usage.completion_tokens) * price.output) /
         kTokensOfAPrice;
}

absl::StatusOr<Prices> Prices::Read(const std::string& path) {
  absl::StatusOr<YamlNode> tree = ReadYamlFile(path);
  if (!tree.ok()) return tree.status();
  return FromTree(*tree, path);
}

absl::StatusOr<Prices> Prices::Parse(absl::string_view text,
                                     absl::string_view name) {
  absl::StatusOr<YamlNode> tree = ParseYaml(text, name);
  if (!tree.ok()) return tree.status();
  return FromTree(*tree, name);
}

absl::StatusOr<Prices> Prices::FromTree(const YamlNode& tree,
                                        absl::string_view name) {
  if (tree.kind != YamlNode::Kind::kMap || tree.entries.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": not a mapping of models to prices"));
  }
  Prices prices;
  for (const auto& [model, node] : tree.entries) {
    absl::StatusOr<ModelPrice> price = PriceReader(name).ReadModel(model, node);
    if (!price.ok()) return price.status();
    prices.by_model_.emplace(model, *price);
  }
  return prices;
}

absl::optional<ModelPrice> Prices::Find(absl::string_view model) const {
  const auto found = by_model_.find(model);
  if (found == by_model_.end()) return absl::nullopt;
  return found->second;
}

}  // namespace runner
