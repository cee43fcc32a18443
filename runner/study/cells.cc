#include "runner/study/cells.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace runner {
namespace {

EffectiveOption* FindEffective(absl::string_view name, RunOptions& options) {
  for (EffectiveOption& option : options.effective) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

// Where several were given, the one comes from there.
void SetOneOf(absl::string_view several, absl::string_view one,
              absl::string_view value, RunOptions& options) {
  EffectiveOption* const all = FindEffective(several, options);
  EffectiveOption* const each = FindEffective(one, options);
  if (all == nullptr || each == nullptr) return;
  if (!all->value.empty()) {
    each->source = all->source;
    all->source = OptionSource::kDefault;
    all->value.clear();
  }
  each->value = std::string(value);
}

const RunOptions& OptionsOf(const std::string& method, const RunOptions& study,
                            absl::Span<const MethodOptions> methods) {
  for (const MethodOptions& known : methods) {
    if (known.name == method) return known.run;
  }
  return study;
}

Cell MakeCell(const RunOptions& options, const std::string& resume_from,
              const std::string& dataset, const std::string& model,
              const std::string& method) {
  Cell cell;
  cell.options = options;
  cell.options.resume_from = resume_from;
  cell.model = model;
  cell.options.dataset = dataset;
  cell.options.models.clear();
  if (!model.empty()) cell.options.models.push_back(model);
  cell.options.method = method;
  cell.options.datasets.clear();
  cell.options.methods.clear();
  SetOneOf("datasets", "dataset", dataset, cell.options);
  SetOneOf("models", "model", model, cell.options);
  SetOneOf("methods", "method", method, cell.options);
  return cell;
}

// What `resume latest` makes the study of again.
std::map<std::string, std::string> ListsOf(
    const RunOptions& study, absl::Span<const MethodOptions> methods) {
  std::map<std::string, std::string> lists;
  for (const EffectiveOption& option : study.effective) {
    const bool is_list = option.name == "datasets" || option.name == "models" ||
                         option.name == "methods";
    if (is_list && !option.value.empty()) lists[option.name] = option.value;
  }
  if (lists.count("methods") > 0 && !methods.empty()) {
    lists[kStudyFile] = study.config;
  }
  return lists;
}

}  // namespace

std::vector<std::string> StudyDatasets(const RunOptions& options) {
  if (!options.datasets.empty()) return options.datasets;
  return {options.dataset};
}

std::vector<Cell> StudyCells(const RunOptions& options,
                             absl::Span<const MethodOptions> methods) {
  const std::vector<std::string> datasets = StudyDatasets(options);
  std::vector<std::string> models = options.models;
  if (models.empty()) models.emplace_back();
  std::vector<std::string> names = options.methods;
  if (names.empty()) names.push_back(options.method);
  std::map<std::string, std::string> lists = ListsOf(options, methods);
  // One benchmark that goes on alone is one of its study still.
  lists.insert(options.study.begin(), options.study.end());
  std::vector<Cell> cells;
  for (size_t i = 0; i < datasets.size(); ++i) {
    for (const std::string& model : models) {
      for (const std::string& method : names) {
        cells.push_back(MakeCell(OptionsOf(method, options, methods),
                                 options.resume_from, datasets[i], model,
                                 method));
        cells.back().dataset = i;
        cells.back().options.study = lists;
      }
    }
  }
  return cells;
}

void MarkBegunAnew(absl::Time now, std::vector<Cell>* cells) {
  for (Cell& cell : *cells) {
    cell.options.study[kStudyBegan] =
        absl::FormatTime(absl::RFC3339_full, now, absl::UTCTimeZone());
  }
}

absl::Time BegunAnew(const RunOptions& cell) {
  const auto found = cell.study.find(kStudyBegan);
  absl::Time began;
  std::string error;
  if (found == cell.study.end() ||
      !absl::ParseTime(absl::RFC3339_full, found->second, &began, &error)) {
    return absl::InfinitePast();
  }
  return began;
}

}  // namespace runner
