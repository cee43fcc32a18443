#include "runner/display/console.h"

#include "runner/display/progress_display.h"
#include "runner/display/progress_tracker.h"

namespace runner {
namespace {

class DisplayConsole final : public Console {
 public:
  explicit DisplayConsole(ProgressDisplay& display)
      : display_(display), tracker_(display) {}

  void Say(absl::string_view text) override { display_.Message(text); }
  void Detail(absl::string_view text) override {
    display_.Message(text, MessageLevel::kVerbose);
  }
  void Error(absl::string_view text) override {
    display_.Message(text, MessageLevel::kError);
  }

  void BeginProgress(const Progress& start) override { tracker_.Begin(start); }
  void Scored(const QueryKey& key) override {
    tracker_.Completed(key, /*cost=*/absl::nullopt);
  }
  void Failed(const QueryKey& key) override { tracker_.Failed(key); }
  void Spent(double dollars) override { tracker_.Spent(dollars); }
  void EndProgress() override { tracker_.End(); }

 private:
  ProgressDisplay& display_;
  ProgressTracker tracker_;
};

}  // namespace

std::unique_ptr<Console> NewDisplayConsole(ProgressDisplay& display) {
  return std::make_unique<DisplayConsole>(display);
}

}  // namespace runner
