#include "runner/config/shown_options.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "runner/config/api_key.h"
#include "runner/config/overrides.h"

namespace runner {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string FromVariable(const char* name) {
  return absl::StrCat("environment ", name);
}

// In the order in which options decide it.
ShownOption InferredEvaluator(const RunOptions& options) {
  const char* from = nullptr;
  if (!options.fields.response_field.empty()) {
    from = "--response-field";
  } else if (!options.worker_command.empty()) {
    from = "--worker-command";
  } else if (!options.base_url.empty()) {
    from = "--base-url";
  } else {
    return {"", std::string(OptionSourceName(OptionSource::kDefault)), false};
  }
  return {std::string(EvaluatorName(options.evaluator)),
          absl::StrCat("inferred from ", from), false};
}

}  // namespace

bool operator==(const ShownOption& a, const ShownOption& b) {
  return a.value == b.value && a.source == b.source && a.hidden == b.hidden;
}

ShownOption ShownOf(const EffectiveOption& option, const RunOptions& options) {
  const bool given = option.source != OptionSource::kDefault;
  ShownOption shown = {option.value, OverrideSource(options, option.name),
                       option.secret && given};
  if (given) return shown;
  if (option.name == "evaluator") return InferredEvaluator(options);
  if (options.evaluator != EvaluatorKind::kOpenAi) return shown;
  if (option.name == "base-url") {
    shown.value = Variable(kOpenAiUrlVariable);
    if (!shown.value.empty()) {
      shown.source = FromVariable(kOpenAiUrlVariable);
    } else {
      shown.value = kOpenAiUrl;
    }
  }
  if (option.name == "api-key" && !Variable(kOpenAiKeyVariable).empty()) {
    shown.hidden = true;
    shown.source = FromVariable(kOpenAiKeyVariable);
  }
  return shown;
}

}  // namespace runner
