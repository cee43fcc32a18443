#include "runner/config/config_file.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "runner/base/text.h"
#include "runner/config/existing_keys.h"
#include "runner/config/option_table.h"
#include "runner/config/option_values.h"
#include "runner/config/yaml_tree.h"

namespace runner {
namespace {

constexpr absl::string_view kMethodsKey = "methods";

// What only a command line can say.
constexpr absl::string_view kNotInFiles[] = {"config"};

// Identity options that say which cells there are, or what their rows are.
constexpr absl::string_view kOfTheStudy[] = {"model", "models", "method",
                                             "methods", "id-field"};

class FileReader {
 public:
  FileReader(const std::string& path, bool ignore_unknown)
      : path_(path), ignore_unknown_(ignore_unknown) {}

  absl::StatusOr<ConfigFile> Read() {
    absl::StatusOr<YamlNode> root = ReadYamlFile(path_);
    if (!root.ok()) return root.status();
    if (root->kind != YamlNode::Kind::kMap) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": not a mapping of options to values"));
    }
    for (const auto& [key, value] : root->entries) {
      if (absl::Status s = ReadIgnoring(key, value); !s.ok()) return s;
    }
    for (const auto& [key, value] : root->entries) {
      absl::Status s = ReadEntry(key, value);
      if (!s.ok()) return s;
    }
    if (!switched_off_.empty()) SwitchOff();
    return std::move(file_);
  }

 private:
  std::string Where(absl::string_view key, const YamlNode& value) const {
    return absl::StrCat(path_, ":", value.line, ": ", key);
  }
  absl::Status Wrong(absl::string_view key, const YamlNode& value,
                     absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(Where(Quoted(key), value), ": ", message));
  }

  // First, wherever it stands.
  absl::Status ReadIgnoring(absl::string_view key, const YamlNode& value) {
    const OptionRow* row = FindOption(key);
    if (row == nullptr || row->name != "ignore-unknown-config") {
      return absl::OkStatus();
    }
    const absl::StatusOr<bool> on = ParseBool(value.text);
    if (!on.ok()) return Wrong(key, value, on.status().message());
    ignore_unknown_ = ignore_unknown_ || *on;
    return absl::OkStatus();
  }

  // A system that is switched off keeps its settings in the file all the same.
  void SwitchOff() {
    file_.options.erase("sync");
    file_.options["checkpoint-interval"] = {"0", OptionSource::kFile,
                                            switched_off_};
  }

  absl::Status ReadEntry(absl::string_view key, const YamlNode& value) {
    if (IsExistingSection(key) && value.kind == YamlNode::Kind::kNull) {
      return absl::OkStatus();  // With nothing below it.
    }
    if (key == kMethodsKey && value.kind == YamlNode::Kind::kMap) {
      return ReadMethods(value);
    }
    if (!IsExistingSection(key) || value.kind != YamlNode::Kind::kMap) {
      return ReadKey(key, value);
    }
    for (const auto& [inner, inner_value] : value.entries) {
      absl::Status s = ReadKey(absl::StrCat(key, ".", inner), inner_value);
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // A key of an existing system goes before an option of the same name, whose
  // values it knows better.
  absl::Status ReadKey(absl::string_view key, const YamlNode& value) {
    absl::StatusOr<absl::optional<Translation>> existing =
        TranslateExistingKey(key, value);
    if (!existing.ok()) {
      return Wrong(key, value, existing.status().message());
    }
    if (existing->has_value()) return Take(**existing, key, value);
    // In their sections these systems have options under our names, too.
    const absl::string_view name = key.substr(key.rfind('.') + 1);
    const OptionRow* row = FindOption(name);
    for (const absl::string_view other : kNotInFiles) {
      if (row != nullptr && row->name == other) row = nullptr;
    }
    if (row == nullptr) return Unknown(key, value);
    return AddOption(*row, key, value, file_.options);
  }

  absl::Status Take(const Translation& translation, absl::string_view key,
                    const YamlNode& value) {
    file_.needs_key = file_.needs_key || translation.needs_key;
    if (translation.switches_off) switched_off_ = Where(key, value);
    if (!translation.note.empty()) {
      file_.notes.push_back(
          absl::StrCat(Where(key, value), ": ", translation.note));
    }
    if (translation.option.empty()) return absl::OkStatus();
    const OptionRow* row = FindOption(translation.option);
    if (row == nullptr) return Unknown(key, value);
    return AddGiven(*row, translation.value, OptionSource::kFile,
                    Where(key, value), file_.options);
  }

  absl::Status AddOption(const OptionRow& row, absl::string_view key,
                         const YamlNode& value, GivenOptions& given) {
    if (value.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    // Another system's section, under the name of an option.
    if (value.kind == YamlNode::Kind::kMap && ignore_unknown_) {
      return Unknown(key, value);
    }
    absl::StatusOr<std::string> text = OptionText(value);
    if (!text.ok()) return Wrong(key, value, text.status().message());
    if (row.is_shorthand()) {
      const absl::StatusOr<bool> on = ParseBool(*text);
      if (!on.ok()) return Wrong(key, value, on.status().message());
      if (!*on) return absl::OkStatus();
    }
    return AddGiven(row, *std::move(text), OptionSource::kFile,
                    Where(key, value), given);
  }

  // A list is what the command line writes as a,b.
  static absl::StatusOr<std::string> OptionText(const YamlNode& value) {
    if (value.kind == YamlNode::Kind::kScalar) return value.text;
    if (value.kind != YamlNode::Kind::kList) {
      return absl::InvalidArgumentError("needs one value, not a mapping");
    }
    std::vector<absl::string_view> items;
    for (const YamlNode& item : value.items) {
      if (item.kind != YamlNode::Kind::kScalar ||
          absl::StrContains(item.text, ',')) {
        return absl::InvalidArgumentError(
            "a list's entries are single values without a comma");
      }
      items.push_back(item.text);
    }
    return absl::StrJoin(items, ",");
  }

  absl::Status ReadMethods(const YamlNode& methods) {
    for (const auto& [name, settings] : methods.entries) {
      MethodSettings method;
      method.name = name;
      if (settings.kind != YamlNode::Kind::kMap &&
          settings.kind != YamlNode::Kind::kNull) {
        return Wrong(name, settings, "needs a mapping of identity options");
      }
      for (const auto& [key, value] : settings.entries) {
        const OptionRow* row = FindOption(key);
        if (row == nullptr) return Unknown(key, value);
        if (row->option_class != OptionClass::kIdentity) {
          return Wrong(key, value,
                       "only identity options make up a method; --help shows "
                       "each option's class");
        }
        for (const absl::string_view other : kOfTheStudy) {
          if (row->name != other) continue;
          return Wrong(key, value, "belongs to the study, not to a method");
        }
        absl::Status s = AddOption(*row, key, value, method.options);
        if (!s.ok()) return s;
      }
      file_.methods.push_back(std::move(method));
    }
    return absl::OkStatus();
  }

  absl::Status Unknown(absl::string_view key, const YamlNode& value) {
    if (ignore_unknown_) {
      file_.notes.push_back(
          absl::StrCat(Where(Quoted(key), value), ": unknown, ignored"));
      return absl::OkStatus();
    }
    std::vector<std::string> known = ExistingKeyNames();
    for (const absl::string_view section : ExistingSections()) {
      known.emplace_back(section);
    }
    for (const std::string& name : AllOptionNames()) {
      if (name == kNotInFiles[0]) continue;
      known.push_back(absl::StrReplaceAll(name, {{"-", "_"}}));
    }
    return Wrong(
        key, value,
        absl::StrCat(
            "unknown key",
            DidYouMean(key, known,
                       "; --ignore-unknown-config goes on without it")));
  }

  const std::string path_;
  bool ignore_unknown_;
  std::string switched_off_;  // Where the file does so; empty: it does not.
  ConfigFile file_;
};

}  // namespace

absl::StatusOr<ConfigFile> ReadConfigFile(const std::string& path,
                                          bool ignore_unknown) {
  return FileReader(path, ignore_unknown).Read();
}

}  // namespace runner
