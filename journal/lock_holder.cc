#include "journal/lock_holder.h"

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace journal {
namespace {

// Positions of fields in proc(5), which counts from 1. The state is the first
// field behind the program's name.
constexpr size_t kStateField = 3;
constexpr size_t kStartTimeField = 22;

std::string ReadProcFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string BootId() {
  const std::string text = ReadProcFile("/proc/sys/kernel/random/boot_id");
  return std::string(absl::StripAsciiWhitespace(text));
}

}  // namespace

absl::optional<uint64_t> StartTimeOf(absl::string_view proc_stat) {
  // The name stands in parentheses and may itself hold blanks and parentheses.
  const size_t name_end = proc_stat.rfind(')');
  if (name_end == absl::string_view::npos) return absl::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(proc_stat.substr(name_end + 1), absl::ByAnyChar(" \n"),
                     absl::SkipEmpty());
  constexpr size_t kIndex = kStartTimeField - kStateField;
  uint64_t ticks = 0;
  if (fields.size() <= kIndex || !absl::SimpleAtoi(fields[kIndex], &ticks)) {
    return absl::nullopt;
  }
  const bool ended = fields[0] == "Z" || fields[0] == "X";
  if (ended) return absl::nullopt;
  return ticks;
}

absl::optional<LockHolder> ThisProcess() {
  const absl::optional<uint64_t> start =
      StartTimeOf(ReadProcFile("/proc/self/stat"));
  const std::string boot_id = BootId();
  if (!start.has_value() || boot_id.empty()) return absl::nullopt;
  return LockHolder{getpid(), boot_id, *start};
}

bool IsAlive(const LockHolder& holder) {
  if (holder.pid <= 0 || holder.boot_id != BootId()) return false;
  const absl::optional<uint64_t> start =
      StartTimeOf(ReadProcFile(absl::StrCat("/proc/", holder.pid, "/stat")));
  return start.has_value() && *start == holder.start_time_ticks;
}

std::string FormatLockHolder(const LockHolder& holder) {
  return absl::StrCat("pid=", holder.pid, " boot_id=", holder.boot_id,
                      " start_time=", holder.start_time_ticks, "\n");
}

absl::optional<LockHolder> ParseLockHolder(absl::string_view text) {
  const size_t line_end = text.find('\n');
  if (line_end == absl::string_view::npos) return absl::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(0, line_end), ' ');
  if (fields.size() != 3) return absl::nullopt;
  absl::string_view pid = fields[0];
  absl::string_view boot_id = fields[1];
  absl::string_view start_time = fields[2];
  if (!absl::ConsumePrefix(&pid, "pid=") ||
      !absl::ConsumePrefix(&boot_id, "boot_id=") ||
      !absl::ConsumePrefix(&start_time, "start_time=")) {
    return absl::nullopt;
  }
  LockHolder holder;
  holder.boot_id = std::string(boot_id);
  if (holder.boot_id.empty() || !absl::SimpleAtoi(pid, &holder.pid) ||
      holder.pid <= 0 ||
      !absl::SimpleAtoi(start_time, &holder.start_time_ticks)) {
    return absl::nullopt;
  }
  return holder;
}

}  // namespace journal
