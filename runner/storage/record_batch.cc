#include "runner/storage/record_batch.h"

namespace runner {

absl::Status RecordBatch::Add(uint16_t type, std::string body) {
  // A record may be as large as what is appended at once.
  if (bytes_ + body.size() > kBatchBytesMax ||
      records_.size() >= kBatchRecordsMax) {
    if (absl::Status s = Flush(); !s.ok()) return s;
  }
  bytes_ += body.size();
  records_.emplace_back(type, std::move(body));
  return absl::OkStatus();
}

absl::Status RecordBatch::Flush() {
  if (records_.empty()) return absl::OkStatus();
  std::vector<journal::RecordView> views;
  views.reserve(records_.size());
  for (const auto& [type, body] : records_) {
    views.push_back({.type = type, .body = body, .sync_weight = 0});
  }
  absl::Status s = journal_.AppendCopies(views);
  records_.clear();
  bytes_ = 0;
  return s;
}

}  // namespace runner
