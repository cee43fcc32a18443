#include "runner/study/memory_pressure.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "journal/clock.h"
#include "runner/base/whole_file.h"

namespace runner {
namespace {

// No file of these is longer.
constexpr size_t kFileBytesMax = 64 << 10;

// So much waiting within the window wakes the watch. Whole multiples of two
// seconds are open to everybody, since Linux 6.5.
constexpr char kStallTrigger[] = "some 300000 2000000";

// Where the hierarchy of version 2 may be mounted.
constexpr const char* kGroupRoots[] = {"/sys/fs/cgroup",
                                       "/sys/fs/cgroup/unified"};

std::string Read(const std::string& path) {
  absl::StatusOr<std::string> text = ReadWholeFile(path, kFileBytesMax);
  return text.ok() ? *std::move(text) : std::string();
}

bool Exists(const std::string& path) {
  return !path.empty() && access(path.c_str(), R_OK) == 0;
}

// The number behind `name` and a space, on a line of its own.
absl::optional<uint64_t> Field(absl::string_view text, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    uint64_t number = 0;
    if (!absl::StartsWith(line, absl::StrCat(name, " "))) continue;
    if (absl::SimpleAtoi(line.substr(name.size() + 1), &number)) return number;
  }
  return absl::nullopt;
}

// A file of one number; "max" is none.
absl::optional<uint64_t> NumberIn(const std::string& path) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(Read(path), &number)) return absl::nullopt;
  return number;
}

// "some avg10=1.23 avg60=..."
absl::optional<double> StallPercent(absl::string_view text) {
  constexpr absl::string_view kStart = "some avg10=";
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, kStart)) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line.substr(kStart.size()), absl::MaxSplits(' ', 1));
    double percent = 0;
    if (absl::SimpleAtod(words[0], &percent)) return percent;
  }
  return absl::nullopt;
}

// The path behind "0::" in /proc/self/cgroup; empty without version 2, and
// outside of what this process can see.
std::string GroupPath() {
  const std::string groups = Read("/proc/self/cgroup");
  for (const absl::string_view line : absl::StrSplit(groups, '\n')) {
    if (!absl::StartsWith(line, "0::/")) continue;
    const std::string path(line.substr(3));
    return absl::StartsWith(path, "/..") ? "" : path;
  }
  return "";
}

// A descriptor that becomes ready (POLLPRI) when the kernel sees the stall, or
// -1. Written to nothing but the kernel's own files.
int OpenTrigger(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -1;
  struct statfs system = {};
  const bool kernels =
      fstatfs(fd, &system) == 0 && (system.f_type == PROC_SUPER_MAGIC ||
                                    system.f_type == CGROUP2_SUPER_MAGIC);
  if (kernels &&
      write(fd, kStallTrigger, sizeof kStallTrigger) == sizeof kStallTrigger) {
    return fd;
  }
  close(fd);
  return -1;
}

}  // namespace

PressureSources PressureSources::OfThisProcess() {
  PressureSources sources;
  const std::string group = GroupPath();
  for (const char* root : kGroupRoots) {
    const std::string directory = absl::StrCat(root, group == "/" ? "" : group);
    if (group.empty() || !Exists(absl::StrCat(directory, "/cgroup.procs"))) {
      continue;
    }
    if (!Exists(absl::StrCat(root, "/cgroup.controllers"))) continue;
    sources.group_directory = directory;
    break;
  }
  sources.pressure_file =
      absl::StrCat(sources.group_directory, "/memory.pressure");
  if (sources.group_directory.empty() || !Exists(sources.pressure_file)) {
    sources.pressure_file = "/proc/pressure/memory";
  }
  return sources;
}

PressureReader::PressureReader(PressureSources sources)
    : sources_(std::move(sources)) {
  const std::string& group = sources_.group_directory;
  usable_ =
      (!group.empty() && Exists(absl::StrCat(group, "/memory.events"))) ||
      (!group.empty() && Exists(absl::StrCat(group, "/memory.current"))) ||
      StallPercent(Read(sources_.pressure_file)).has_value();
  events_ = LimitEvents();
}

absl::optional<std::string> PressureReader::Look() {
  const absl::optional<double> used = UsedShare();
  const uint64_t before = std::exchange(events_, LimitEvents());
  if (events_ > before && used.value_or(1) >= kPressureEventShare) {
    return std::string("the control group came to its limit");
  }
  if (used.has_value() && *used >= kPressureUseShare) {
    return absl::StrFormat("%.0f%% of the control group's limit is in use",
                           *used * 100);
  }
  const absl::optional<double> stall =
      StallPercent(Read(sources_.pressure_file));
  if (stall.has_value() && *stall >= kPressureStallPercent) {
    return absl::StrFormat("%.0f%% of the time something waits for it", *stall);
  }
  return absl::nullopt;
}

absl::optional<double> PressureReader::UsedShare() const {
  if (sources_.group_directory.empty()) return absl::nullopt;
  const auto number = [this](const char* name) {
    return NumberIn(absl::StrCat(sources_.group_directory, "/", name));
  };
  const absl::optional<uint64_t> current = number("memory.current");
  const absl::optional<uint64_t> max = number("memory.max");
  const absl::optional<uint64_t> high = number("memory.high");
  const uint64_t limit =
      std::min(max.value_or(UINT64_MAX), high.value_or(UINT64_MAX));
  if (!current.has_value() || limit == UINT64_MAX || limit == 0) {
    return absl::nullopt;
  }
  // Pages of files that nobody has used for long are dropped without ado.
  const uint64_t droppable =
      Field(Read(absl::StrCat(sources_.group_directory, "/memory.stat")),
            "inactive_file")
          .value_or(0);
  return static_cast<double>(*current - std::min(*current, droppable)) /
         static_cast<double>(limit);
}

uint64_t PressureReader::LimitEvents() const {
  if (sources_.group_directory.empty()) return 0;
  const std::string events =
      Read(absl::StrCat(sources_.group_directory, "/memory.events"));
  return Field(events, "high").value_or(0) + Field(events, "max").value_or(0) +
         Field(events, "oom").value_or(0);
}

namespace {

class Watch final : public MemoryPressureWatch {
 public:
  Watch(const Options& options,
        std::function<void(const std::string& why)> on_pressure)
      : options_(options),
        on_pressure_(std::move(on_pressure)),
        reader_(options.sources) {}

  ~Watch() override {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      // Fails only when the counter is full, and then the thread wakes anyway.
      [[maybe_unused]] const ssize_t size = write(stop_fd_, &one, sizeof one);
      thread_.join();
    }
    if (trigger_fd_ >= 0) close(trigger_fd_);
    if (stop_fd_ >= 0) close(stop_fd_);
  }

  bool Begin() {
    if (!reader_.usable()) return false;
    stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd_ < 0) return false;
    trigger_fd_ = OpenTrigger(options_.sources.pressure_file);
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::exception&) {
      return false;  // Too many threads: without it, too.
    }
    return true;
  }

 private:
  void Run() {
    absl::Duration reported = -absl::InfiniteDuration();
    for (;;) {
      pollfd fds[] = {{stop_fd_, POLLIN, 0}, {trigger_fd_, POLLPRI, 0}};
      const int ready = poll(
          fds, 2,
          static_cast<int>(absl::ToInt64Milliseconds(options_.look_interval)));
      if (ready > 0 && fds[0].revents != 0) return;
      absl::optional<std::string> why = reader_.Look();
      if (ready > 0 && (fds[1].revents & POLLPRI) != 0 && !why.has_value()) {
        why = "processes wait for it";
      }
      // A group that was removed: its trigger is always ready.
      if (ready > 0 && (fds[1].revents & (POLLERR | POLLNVAL)) != 0) {
        close(std::exchange(trigger_fd_, -1));
      }
      const absl::Duration now = journal::Clock::Real()->Monotonic();
      if (!why.has_value() || now - reported < options_.report_interval) {
        continue;
      }
      reported = now;
      on_pressure_(*why);
    }
  }

  const Options options_;
  const std::function<void(const std::string& why)> on_pressure_;
  PressureReader reader_;  // The thread's.
  int stop_fd_ = -1;
  int trigger_fd_ = -1;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<MemoryPressureWatch> MemoryPressureWatch::Start(
    const Options& options,
    std::function<void(const std::string& why)> on_pressure) {
  auto watch = std::make_unique<Watch>(options, std::move(on_pressure));
  if (!watch->Begin()) return nullptr;
  return watch;
}

}  // namespace runner
