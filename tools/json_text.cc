#include "tools/json_text.h"

#include <cmath>

namespace inspector {

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true,
                   Json::error_handler_t::replace);
}

Json JsonString(absl::string_view text) {
  return std::string(text.data(), text.size());
}

Json JsonTime(absl::optional<absl::Time> time) {
  if (!time.has_value()) return nullptr;
  return Rfc3339(*time);
}

Json SummaryJson(const JournalView& view) {
  const runner::ProgressTotals totals = view.progress->totals();
  Json json;
  json["path"] = view.path;
  json["run_id"] = view.run_id();
  json["status"] = JsonString(JournalStatusName(view.status));
  json["completed"] = totals.completed;
  json["failed"] = totals.failed;
  json["total"] = view.total();
  json["percent"] =
      std::round(Percent(totals.completed, view.total()) * 10) / 10;
  json["started"] = JsonTime(view.started);
  json["updated"] = JsonTime(view.updated);
  json["cost"] = totals.cost;
  const runner::BenchmarkInfo info =
      view.benchmark.value_or(runner::BenchmarkInfo());
  json["benchmark_id"] = info.benchmark_id;
  json["dataset"] = info.dataset_name;
  json["model"] = info.model;
  json["method"] = info.method;
  json["bytes"] = view.bytes;
  json["pid"] = view.holder.has_value() && view.holder->pid != 0
                    ? Json(view.holder->pid)
                    : Json(nullptr);
  return json;
}

Json FindingJson(const journal::Finding& finding) {
  return {{"kind", JsonString(journal::FindingKindName(finding.kind))},
          {"file", finding.file},
          {"offset", finding.offset},
          {"bytes", finding.bytes},
          {"first_lsn", finding.first_lsn},
          {"last_lsn", finding.last_lsn},
          {"detail", finding.detail}};
}

Json SegmentsJson(const journal::RecoveryReport& report) {
  Json segments = Json::array();
  for (const journal::SegmentInfo& segment : report.segments) {
    segments.push_back({{"file", segment.file},
                        {"first_lsn", segment.first_lsn},
                        {"last_lsn", segment.last_lsn},
                        {"bytes", segment.file_bytes},
                        {"created", JsonTime(segment.created)},
                        {"sealed", segment.sealed},
                        {"closed", segment.closed}});
  }
  return segments;
}

}  // namespace inspector
