// A YAML or JSON file as a tree that says where each value stands.
#ifndef RUNNER_CONFIG_YAML_TREE_H_
#define RUNNER_CONFIG_YAML_TREE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

// What a file may hold. Aliases count as often as they are used.
inline constexpr size_t kYamlBytesMax = 4 << 20;
inline constexpr size_t kYamlNodesMax = 100'000;
inline constexpr int kYamlDepthMax = 32;
// Bytes of all keys and values together.
inline constexpr size_t kYamlTextMax = 16 << 20;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  // Not inline: Clang would need the whole type for pairs that hold it.
  YamlNode();
  YamlNode(const YamlNode&);
  YamlNode(YamlNode&&) noexcept;
  YamlNode& operator=(const YamlNode&);
  YamlNode& operator=(YamlNode&&) noexcept;
  ~YamlNode();

  Kind kind = Kind::kNull;
  int line = 0;      // From 1.
  std::string text;  // kScalar: as it stands there, quotes taken off.
  std::vector<YamlNode> items;                            // kList
  std::vector<std::pair<std::string, YamlNode>> entries;  // kMap, in order.
};

// JSON is YAML. InvalidArgument, with file and line: what is neither, a key
// that stands twice or is no text, what exceeds the bounds. An empty file is a
// map without entries.
absl::StatusOr<YamlNode> ReadYamlFile(const std::string& path);
absl::StatusOr<YamlNode> ParseYaml(absl::string_view text,
                                   absl::string_view name);

}  // namespace runner

#endif  // RUNNER_CONFIG_YAML_TREE_H_
