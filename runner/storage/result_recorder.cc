#include "runner/storage/result_recorder.h"

#include <vector>

#include "runner/storage/attempt_records.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

constexpr uint32_t kCounted = 1;  // Against the loss bound.
constexpr uint32_t kNotCounted = 0;

}  // namespace

ResultRecorder::ResultRecorder(journal::Writer* writer,
                               uint64_t snapshot_results)
    : writer_(writer) {
  if (snapshot_results > 0) {
    pacer_ = std::make_unique<SnapshotPacer>(*writer, snapshot_results);
  }
}

absl::Status ResultRecorder::Append(RecordType type, absl::string_view body,
                                    const EvaluationResult& result) {
  const journal::RecordView record = {.type = static_cast<uint16_t>(type),
                                      .body = body,
                                      .sync_weight = kCounted,
                                      .ignorable = false};
  if (result.state_json.empty()) return AppendAlone(record);
  return state_order_.InOrder(
      result.slot, result.state_number, [&](bool newest) {
        if (!newest) return AppendAlone(record);
        return AppendWithState(
            record, Encode(MakeWorkerState(result.slot, result.state_json)));
      });
}

absl::Status ResultRecorder::AppendAll(
    absl::Span<const std::string> responses) {
  std::vector<journal::RecordView> records;
  records.reserve(responses.size());
  for (const std::string& body : responses) {
    records.push_back({.type = static_cast<uint16_t>(RecordType::kResponse),
                       .body = body,
                       .sync_weight = kCounted,
                       .ignorable = false});
  }
  absl::Status status = writer_->Append(absl::MakeConstSpan(records)).status();
  if (status.ok() && pacer_ != nullptr) pacer_->NoteResults(records.size());
  return status;
}

absl::Status ResultRecorder::AppendAlone(const journal::RecordView& record) {
  absl::Status status = writer_->Append(record).status();
  if (status.ok() && pacer_ != nullptr) pacer_->NoteResults(1);
  return status;
}

// A worker that goes on from a state has answered what came before it, and
// nothing after.
absl::Status ResultRecorder::AppendWithState(const journal::RecordView& record,
                                             absl::string_view state) {
  const journal::RecordView both[] = {
      record,
      {.type = static_cast<uint16_t>(RecordType::kWorkerState),
       .body = state,
       .sync_weight = kNotCounted,
       .ignorable = false}};
  if (record.body.size() + state.size() > kRecordTextMax) {
    // More than is appended at once: one after the other.
    absl::Status status = AppendAlone(record);
    if (!status.ok()) return status;
    return writer_->Append(both[1]).status();
  }
  absl::Status status = writer_->Append(absl::MakeConstSpan(both)).status();
  if (status.ok() && pacer_ != nullptr) pacer_->NoteResults(1);
  return status;
}

}  // namespace runner
