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

Cell MakeCell(const RunOptions& study, const std::string& dataset,
              const std::string& model, const std::string& method) {
  Cell cell;
  cell.options = study;
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

std::vector<Cell> StudyCells(const RunOptions& options) {
  const std::vector<std::string> datasets = StudyDatasets(options);
  std::vector<std::string> models = options.models;
  if (models.empty()) models.emplace_back();
  std::vector<std::string> methods = options.methods;
  if (methods.empty()) methods.push_back(options.method);
  std::vector<Cell> cells;
  for (size_t i = 0; i < datasets.size(); ++i) {
    for (const std::string& model : models) {
      for (const std::string& method : methods) {
        cells.push_back(MakeCell(options, datasets[i], model, method));
        cells.back().dataset = i;
      }
    }
  }
  return cells;
}

}  // namespace runner
