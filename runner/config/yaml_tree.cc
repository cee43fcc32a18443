#include "runner/config/yaml_tree.h"

#include <yaml-cpp/yaml.h>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/base/whole_file.h"

namespace runner {
namespace {

// Copies what the library has parsed, within the bounds.
class TreeCopier {
 public:
  explicit TreeCopier(absl::string_view name) : name_(name) {}

  absl::Status Copy(const YAML::Node& from, int depth, YamlNode& to) {
    to.line = from.Mark().line + 1;
    if (++nodes_ > kYamlNodesMax) {
      return Wrong(to, absl::StrCat("more than ", kYamlNodesMax, " values"));
    }
    if (depth > kYamlDepthMax) {
      return Wrong(to, absl::StrCat("nested deeper than ", kYamlDepthMax));
    }
    switch (from.Type()) {
      case YAML::NodeType::Scalar:
        to.kind = YamlNode::Kind::kScalar;
        return CopyText(from.Scalar(), to, to.text);
      case YAML::NodeType::Sequence:
        return CopyList(from, depth, to);
      case YAML::NodeType::Map:
        return CopyMap(from, depth, to);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    to.kind = YamlNode::Kind::kNull;
    return absl::OkStatus();
  }

 private:
  absl::Status Wrong(const YamlNode& at, absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", at.line, ": ", message));
  }

  absl::Status CopyText(const std::string& from, const YamlNode& at,
                        std::string& to) {
    text_bytes_ += from.size();
    if (text_bytes_ > kYamlTextMax) {
      return Wrong(at, absl::StrCat("more than ", kYamlTextMax,
                                    " bytes of text, aliases counted"));
    }
    to = from;
    return absl::OkStatus();
  }

  absl::Status CopyList(const YAML::Node& from, int depth, YamlNode& to) {
    to.kind = YamlNode::Kind::kList;
    for (const YAML::Node& item : from) {
      to.items.emplace_back();
      absl::Status s = Copy(item, depth + 1, to.items.back());
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status CopyMap(const YAML::Node& from, int depth, YamlNode& to) {
    to.kind = YamlNode::Kind::kMap;
    absl::flat_hash_set<std::string> keys;
    for (const auto& entry : from) {
      YamlNode value;
      absl::Status s = Copy(entry.second, depth + 1, value);
      if (!s.ok()) return s;
      value.line = entry.first.Mark().line + 1;
      if (!entry.first.IsScalar()) return Wrong(value, "a key that is no text");
      std::string key;
      s = CopyText(entry.first.Scalar(), value, key);
      if (!s.ok()) return s;
      if (!keys.insert(key).second) {
        return Wrong(value, absl::StrCat(Quoted(key), " stands there twice"));
      }
      to.entries.emplace_back(std::move(key), std::move(value));
    }
    return absl::OkStatus();
  }

  const absl::string_view name_;
  size_t nodes_ = 0;
  size_t text_bytes_ = 0;
};

}  // namespace

YamlNode::YamlNode() = default;
YamlNode::YamlNode(const YamlNode&) = default;
YamlNode::YamlNode(YamlNode&&) noexcept = default;
YamlNode& YamlNode::operator=(const YamlNode&) = default;
YamlNode& YamlNode::operator=(YamlNode&&) noexcept = default;
YamlNode::~YamlNode() = default;

absl::StatusOr<YamlNode> ParseYaml(absl::string_view text,
                                   absl::string_view name) {
  YamlNode tree;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    absl::Status s = TreeCopier(name).Copy(root, 0, tree);
    if (!s.ok()) return s;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ":", error.mark.line + 1, ": ", Printable(error.msg)));
  }
  if (tree.kind == YamlNode::Kind::kNull) tree.kind = YamlNode::Kind::kMap;
  return tree;
}

absl::StatusOr<YamlNode> ReadYamlFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path, kYamlBytesMax);
  if (text.ok()) return ParseYaml(*text, path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", text.status().message()));
}

}  // namespace runner
