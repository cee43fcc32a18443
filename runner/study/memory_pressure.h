// Tells when memory runs short, before the kernel ends a process for it.
//
// Looked at, each where it exists (Linux with control groups of version 2, or
// with pressure stall information):
//   memory.events            how often the group came to its limits
//   memory.current, .stat    what it holds that cannot simply be dropped,
//   memory.max, memory.high  against its limits
//   memory.pressure,         which share of the time something waits for
//   /proc/pressure/memory    memory: the kernel wakes us, where it lets us ask
//                            for that, else the average is read
#ifndef RUNNER_STUDY_MEMORY_PRESSURE_H_
#define RUNNER_STUDY_MEMORY_PRESSURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

// How often the files are read.
inline constexpr absl::Duration kPressureLookInterval = absl::Seconds(1);
// Between two reports while it lasts.
inline constexpr absl::Duration kPressureReportInterval = absl::Seconds(5);
// Of the last ten seconds, in percent: so much waiting is pressure.
inline constexpr double kPressureStallPercent = 15;
// Of the nearest limit, that the group holds: pressure, and the share from
// which on having come to the limits is. Below it only caches were dropped.
inline constexpr double kPressureUseShare = 0.95;
inline constexpr double kPressureEventShare = 0.8;

// Where the kernel says it. Empty or missing ones are passed over.
struct PressureSources {
  std::string group_directory;  // Of the control group.
  std::string pressure_file;

  // This process's. Its group's file of pressure goes before the system's.
  static PressureSources OfThisProcess();
};

// Looks at the sources. Not thread-safe.
class PressureReader {
 public:
  // What is there before the first Look() counts as the past.
  explicit PressureReader(PressureSources sources);

  // Whether there is anything to look at.
  bool usable() const { return usable_; }

  // Why memory is short now, for people; nothing when it is not.
  absl::optional<std::string> Look();

 private:
  // Of the limit; nothing without one.
  absl::optional<double> UsedShare() const;
  // How often a limit was come to, ever.
  uint64_t LimitEvents() const;

  const PressureSources sources_;
  bool usable_ = false;
  uint64_t events_ = 0;
};

// Calls back from a thread of its own. Thread-safe.
class MemoryPressureWatch {
 public:
  struct Options {
    PressureSources sources;
    absl::Duration look_interval = kPressureLookInterval;
    absl::Duration report_interval = kPressureReportInterval;
  };

  // Null when there is nothing to look at, or no thread. `on_pressure` is given
  // the reason, again and again while it lasts, and must not destroy the watch.
  static std::unique_ptr<MemoryPressureWatch> Start(
      const Options& options,
      std::function<void(const std::string& why)> on_pressure);

  // Waits for a callback under way.
  virtual ~MemoryPressureWatch() = default;
};

}  // namespace runner

#endif  // RUNNER_STUDY_MEMORY_PRESSURE_H_
