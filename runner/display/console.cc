#include "runner/display/console.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "runner/display/progress_display.h"

namespace runner {
namespace {

class DisplayConsole final : public Console {
 public:
  explicit DisplayConsole(ProgressDisplay& display) : display_(display) {}

  void Say(absl::string_view text) override { display_.Message(text); }
  void Detail(absl::string_view text) override {
    display_.Message(text, MessageLevel::kVerbose);
  }
  void Error(absl::string_view text) override {
    display_.Message(text, MessageLevel::kError);
  }

  void BeginProgress(const Progress& start) override {
    absl::MutexLock lock(&mutex_);
    progress_ = start;
    display_.Begin(progress_);
  }

  void Scored(const QueryKey& key, absl::optional<double> cost) override {
    absl::MutexLock lock(&mutex_);
    if (cost.has_value()) {
      progress_.cost = progress_.cost.value_or(0) + *cost;
    }
    Advance(key);
  }

  void Failed(const QueryKey& key) override {
    absl::MutexLock lock(&mutex_);
    ++progress_.failed;
    Advance(key);
  }

  void EndProgress() override { display_.Finish(); }

 private:
  void Advance(const QueryKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++progress_.done;
    progress_.run = key.run;
    progress_.query_id = key.id;
    display_.Update(progress_);
  }

  ProgressDisplay& display_;
  absl::Mutex mutex_;
  Progress progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Console> NewDisplayConsole(ProgressDisplay& display) {
  return std::make_unique<DisplayConsole>(display);
}

}  // namespace runner
