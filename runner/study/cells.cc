#include "runner/study/cells.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace runner {
namespace {

void SetEffective(absl::string_view name, absl::string_view value,
                  RunOptions& options) {
  for (EffectiveOption& option : options.effective) {
    if (option.name == name) option.value = std::string(value);
  }
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
  for (const absl::string_view several : {"datasets", "models", "methods"}) {
    SetEffective(several, "", cell.options);
  }
  SetEffective("dataset", dataset, cell.options);
  SetEffective("model", model, cell.options);
  SetEffective("method", method, cell.options);
  return cell;
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
  std::vector<Cell> cells;
  for (size_t i = 0; i < datasets.size(); ++i) {
    for (const std::string& model : models) {
      for (const std::string& method : names) {
        cells.push_back(MakeCell(OptionsOf(method, options, methods),
                                 options.resume_from, datasets[i], model,
                                 method));
        cells.back().dataset = i;
      }
    }
  }
  return cells;
}

}  // namespace runner
