#include "journal/scrubber.h"

#include "journal/error.h"
#include "journal/recovery.h"

namespace journal {
namespace {

// A place that a living writer is just writing may look damaged. What is
// damaged stays so.
constexpr int kLooksMax = 3;

// Not worth going to sleep for.
constexpr absl::Duration kShortest = absl::Milliseconds(2);

}  // namespace

Scrubber::Scrubber(const Options& options)
    : options_(options),
      start_(options.clock->Monotonic()),
      thread_([this] { Run(); }) {}

void Scrubber::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Scrubber::Run() {
  absl::Status status;
  for (int i = 0; i < kLooksMax; ++i) {
    status = ExamineOnce();
    if (status.ok() || absl::IsCancelled(status)) return;
  }
  // Snapshots that replace each other so fast are read by whoever makes them.
  if (KindOf(status) == ErrorKind::kBusy) return;
  if (options_.on_damage) options_.on_damage(status);
}

absl::Status Scrubber::ExamineOnce() {
  ExamineOptions examine;
  examine.file_system = options_.fs;
  examine.keep_going = [this](uint64_t bytes) { return KeepGoing(bytes); };
  absl::StatusOr<RecoveryReport> report = Examine(options_.directory, examine);
  if (!report.ok()) return report.status();
  // What is being written looks like a torn tail; a damaged second copy costs
  // nothing, but somebody should know.
  if (report->outcome == FindingKind::kSecondCopy) {
    report->action = RecoveryAction::kRefuse;
  }
  return StatusOf(*report);
}

bool Scrubber::KeepGoing(uint64_t bytes) {
  bytes_ += bytes;
  absl::MutexLock lock(&mutex_);
  while (!stop_) {
    const absl::Duration ahead =
        absl::Seconds(static_cast<double>(bytes_) /
                      static_cast<double>(options_.bytes_per_second)) -
        (options_.clock->Monotonic() - start_);
    if (ahead < kShortest) return true;
    options_.clock->WaitWithTimeout(&wake_, &mutex_, ahead);
  }
  return false;
}

}  // namespace journal
