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
  const auto known = [&view](auto value) {
    return view.locked ? Json(nullptr) : Json(value);
  };
  json["completed"] = known(totals.completed);
  json["failed"] = known(totals.failed);
  json["total"] = known(view.total());
  json["percent"] =
      known(std::round(Percent(totals.completed, view.total()) * 10) / 10);
  json["started"] = JsonTime(view.started);
  json["updated"] = JsonTime(view.updated);
  json["cost"] = known(totals.cost);
  const runner::BenchmarkInfo info =
      view.benchmark.value_or(runner::BenchmarkInfo());
  json["benchmark_id"] = info.benchmark_id;
  json["dataset"] = info.dataset_name;
  json["model"] = info.model;
  json["method"] = info.method;
  json["bytes"] = view.bytes;
  json["key_id"] =
      view.report.key_id.empty() ? Json(nullptr) : Json(view.report.key_id);
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
                        {"closed", segment.closed},
                        {"covered", segment.covered}});
  }
  return segments;
}

Json SnapshotJson(const journal::RecoveryReport& report) {
  if (report.snapshot_file.empty()) return nullptr;
  return {{"file", report.snapshot_file},
          {"lsn", report.snapshot_lsn},
          {"parts", report.snapshot_parts},
          {"records", report.snapshot_records}};
}

}  // namespace inspector
