#include "runner/config/overrides.h"

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/config/option_table.h"

namespace runner {
namespace {

// Where the journal lies is no setting of it: it was found there.
constexpr absl::string_view kJournalDir = "journal-dir";

bool CanBeOverridden(const EffectiveOption& option) {
  const OptionRow* row = FindOption(option.name);
  return row != nullptr && row->option_class == OptionClass::kOperation &&
         !row->secret && !BelongsToSession(*row) && row->name != kJournalDir &&
         option.source != OptionSource::kJournal;
}

// An option that the configuration does not know had its default value.
std::string OldValue(const nlohmann::json& config, const std::string& name) {
  const auto found = config.find(ConfigKey(name));
  if (found != config.end() && found->is_string()) {
    return found->get<std::string>();
  }
  const OptionRow* row = FindOption(name);
  if (row->default_value.empty() && row->is_switch()) return "false";
  return std::string(row->default_value);
}

std::string SourceText(const RunOptions& options, OptionSource source) {
  if (source == OptionSource::kFile && !options.config.empty()) {
    return absl::StrCat("file ", options.config);
  }
  return std::string(OptionSourceName(source));
}

}  // namespace

std::vector<ConfigOverride> FindOverrides(absl::string_view config_json,
                                          const RunOptions& options) {
  std::vector<ConfigOverride> overrides;
  const absl::StatusOr<nlohmann::json> config = ParseJson(config_json);
  if (!config.ok() || !config->is_object()) return overrides;
  for (const EffectiveOption& option : options.effective) {
    if (!CanBeOverridden(option)) continue;
    std::string old_value = OldValue(*config, option.name);
    if (old_value == option.value) continue;
    overrides.push_back({option.name, std::move(old_value), option.value,
                         SourceText(options, option.source)});
  }
  return overrides;
}

std::string OverrideText(const ConfigOverride& change) {
  const auto shown = [](const std::string& value) {
    return value.empty() ? std::string("(not set)") : value;
  };
  return absl::StrCat(change.name, " changed from ", shown(change.old_value),
                      " to ", shown(change.new_value));
}

std::string OverrideSource(const RunOptions& options, absl::string_view name) {
  for (const EffectiveOption& option : options.effective) {
    if (option.name == name) return SourceText(options, option.source);
  }
  return std::string(OptionSourceName(OptionSource::kDefault));
}

}  // namespace runner
