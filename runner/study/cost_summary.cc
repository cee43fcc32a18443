#include "runner/study/cost_summary.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/json_writer.h"
#include "runner/base/printable.h"
#include "runner/display/progress_format.h"

namespace runner {
namespace {

// Models named in one line; the rest is counted.
constexpr size_t kModelsShownMax = 8;

bool NothingIsKnown(const Spending& total) {
  return total.cost <= 0 && total.tokens() == 0;
}

std::string ByModel(const std::map<std::string, Spending>& models) {
  std::vector<std::string> parts;
  for (const auto& [model, spending] : models) {
    if (parts.size() == kModelsShownMax) {
      parts.push_back(
          absl::StrCat("and ", models.size() - kModelsShownMax, " more"));
      break;
    }
    parts.push_back(absl::StrCat(model.empty() ? "no model" : Printable(model),
                                 " ", FormatDollars(spending.cost)));
  }
  return absl::StrJoin(parts, ", ");
}

void WriteSpending(const Spending& spending, JsonWriter& json) {
  json.Key("cost").Number(spending.cost);
  json.Key("prompt_tokens").Number(spending.prompt_tokens);
  json.Key("completion_tokens").Number(spending.completion_tokens);
  json.Key("unmetered").Number(spending.unmetered);
  json.Key("unpriced").Number(spending.unpriced);
}

}  // namespace

std::string CostSummary(const Ledger& ledger) {
  const Spending total = ledger.total();
  if (NothingIsKnown(total)) return "";
  std::string text = total.cost > 0
                         ? absl::StrCat("Cost: ", FormatDollars(total.cost))
                         : std::string("Cost: unknown");
  const std::map<std::string, Spending> models = ledger.by_model();
  if (total.cost > 0 && models.size() > 1) {
    absl::StrAppend(&text, " (", ByModel(models), ")");
  }
  if (total.tokens() > 0) {
    absl::StrAppend(&text, "; ", WithThousands(total.prompt_tokens),
                    " prompt and ", WithThousands(total.completion_tokens),
                    " completion tokens");
  }
  if (total.cost > 0 && total.unpriced > 0) {
    absl::StrAppend(&text, "; the cost of ", WithThousands(total.unpriced),
                    " answers is unknown");
  }
  return text;
}

std::string SpendingEvent(const Ledger& ledger) {
  const Spending total = ledger.total();
  if (NothingIsKnown(total)) return "";
  std::string line;
  JsonWriter json(line, 0);
  json.BeginObject();
  json.Key("event").String("spending");
  WriteSpending(total, json);
  json.Key("models").BeginObject();
  for (const auto& [model, spending] : ledger.by_model()) {
    json.Key(model).BeginObject();
    WriteSpending(spending, json);
    json.EndObject();
  }
  json.EndObject();
  json.EndObject();
  line += "\n";
  return line;
}

}  // namespace runner
