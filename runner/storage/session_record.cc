#include "runner/storage/session_record.h"

#include <unistd.h>

#include <string>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "runner/base/version.h"

namespace runner {
namespace {

// A random UUID (version 4).
std::string NewSessionId() {
  absl::BitGen random;
  const uint64_t high = absl::Uniform<uint64_t>(random);
  const uint64_t low = absl::Uniform<uint64_t>(random);
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", high >> 32,
                         high >> 16 & 0xffff, high & 0xfff,
                         0x8000 | (low >> 48 & 0x3fff), low & 0xffffffffffff);
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return "";
  return name;
}

}  // namespace

SessionRecord MakeSession(uint32_t workers, absl::string_view config_json,
                          const ProgressTotals& before) {
  SessionRecord record;
  record.session_id = NewSessionId();
  record.number = before.sessions + 1;
  record.started = absl::Now();
  record.pid = static_cast<uint32_t>(getpid());
  record.host = HostName();
  record.workers = workers;
  record.writer_version = kVersion;
  record.writer_commit = std::string(BuildCommit());
  record.config_json = std::string(config_json);
  record.elapsed_before = before.elapsed;
  return record;
}

}  // namespace runner
