// What a study says to people and programs while it runs.
#ifndef RUNNER_DISPLAY_CONSOLE_H_
#define RUNNER_DISPLAY_CONSOLE_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"
#include "runner/display/progress_display.h"
#include "runner/display/progress_format.h"

namespace runner {

// Thread-safe.
class Console {
 public:
  virtual ~Console() = default;

  // A timestamped line; nothing with --quiet.
  virtual void Say(absl::string_view text) = 0;
  // The same, with --verbose only.
  virtual void Detail(absl::string_view text) = 0;
  // Always shown: why the program ends as it does.
  virtual void Error(absl::string_view text) = 0;

  // Between these two the progress of one benchmark is shown.
  virtual void BeginProgress(const Progress& start) = 0;
  virtual void Scored(const QueryKey& key) = 0;
  virtual void Failed(const QueryKey& key) = 0;
  // An attempt that cost so many dollars has ended, whatever came of it.
  virtual void Spent(double dollars) = 0;
  virtual void EndProgress() = 0;
};

// On `display`, which is borrowed and outlives it.
std::unique_ptr<Console> NewDisplayConsole(ProgressDisplay& display);

}  // namespace runner

#endif  // RUNNER_DISPLAY_CONSOLE_H_
