#include "runner/study/batches.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

// Numbers go on over all sessions, and begin anew when they are used up.
constexpr uint32_t kNumberMax = std::numeric_limits<uint32_t>::max();

}  // namespace

BatchRange NextBatches(const BatchProgress& progress, uint64_t batches) {
  const bool used_up = batches > kNumberMax - progress.completed;
  const uint32_t completed = used_up ? 0 : progress.completed;
  return {.first = completed + 1, .total = completed + batches};
}

absl::Status RecordPlan(const BatchProgress& progress, const BatchRange& range,
                        BenchmarkJournal& journal) {
  std::vector<BatchRecord> records;
  for (const uint32_t open : progress.open) {
    BatchRecord& left = records.emplace_back();
    left.number = open;
    left.status = BatchStatus::kRegrouped;
  }
  const uint64_t count = range.total - range.first + 1;
  BatchRecord& planned = records.emplace_back();
  planned.number = range.first;
  planned.status = BatchStatus::kPending;
  planned.count = static_cast<uint32_t>(std::min<uint64_t>(count, kNumberMax));
  return journal.RecordBatches(records);
}

bool IsRedistributed(const BenchmarkJournal& journal, const BatchRange& range,
                     int workers) {
  // None, where all there is was imported.
  const uint32_t before = journal.session_workers();
  if (journal.totals().sessions == 0 || before == 0) return false;
  return range.first > 1 || !journal.batches().open.empty() ||
         before != static_cast<uint32_t>(workers);
}

std::string RedistributionText(const BatchRange& range, int workers) {
  return absl::StrCat("Redistributing remaining work across ", workers,
                      workers == 1 ? " worker" : " workers",
                      "; resuming from batch ", range.first, " of ",
                      range.total);
}

absl::optional<WorkItem> Batches::Next() {
  if (items_.empty()) Begin();
  if (items_.empty()) return absl::nullopt;
  const WorkItem item = items_.front();
  items_.pop_front();
  return item;
}

void Batches::Begin() {
  BatchRecord record;
  record.number = next_number_;
  record.status = BatchStatus::kRunning;
  if (!ahead_.has_value()) ahead_ = source_.Next();
  if (!ahead_.has_value()) return;
  record.run = ahead_->run;
  while (ahead_.has_value() && ahead_->run == record.run &&
         items_.size() < size_) {
    ahead_->batch = record.number;
    items_.push_back(*ahead_);
    record.indices.push_back(ahead_->row.index);
    ahead_ = source_.Next();
  }
  ++next_number_;
  {
    absl::MutexLock lock(&mutex_);
    open_[record.number] = {record.run, items_.size(), {}};
  }
  begun_.push_back(std::move(record));
}

std::vector<BatchRecord> Batches::TakeBegun() {
  return std::exchange(begun_, {});
}

absl::optional<BatchRecord> Batches::Ended(const WorkItem& item,
                                           uint32_t slot) {
  absl::MutexLock lock(&mutex_);
  const auto found = open_.find(item.batch);
  if (found == open_.end()) return absl::nullopt;
  Open& open = found->second;
  open.slots.insert(slot);
  if (--open.left > 0) return absl::nullopt;
  BatchRecord record;
  record.number = item.batch;
  record.run = open.run;
  record.status = BatchStatus::kCompleted;
  record.slots.assign(open.slots.begin(), open.slots.end());
  open_.erase(found);
  return record;
}

}  // namespace runner
