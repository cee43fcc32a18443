#include "runner/config/given_options.h"

namespace runner {

absl::string_view OptionSourceName(OptionSource source) {
  switch (source) {
    case OptionSource::kDefault:
      return "default";
    case OptionSource::kJournal:
      return "journal";
    case OptionSource::kFile:
      return "file";
    case OptionSource::kEnvironment:
      return "environment";
    case OptionSource::kCommandLine:
      return "command line";
  }
  return "";
}

GivenOptions MergeGiven(GivenOptions nearer, const GivenOptions& farther) {
  for (const auto& [name, option] : farther) nearer.emplace(name, option);
  return nearer;
}

bool IsGiven(const GivenOptions& given, absl::string_view name) {
  const auto found = given.find(std::string(name));
  return found != given.end() && found->second.value != "false";
}

}  // namespace runner
