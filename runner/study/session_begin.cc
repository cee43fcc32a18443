#include "runner/study/session_begin.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/config/overrides.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/records.h"

namespace runner {
namespace {

std::string JsonOrNull(const std::string& value) {
  return value.empty() ? "null" : JsonString(value);
}

}  // namespace

absl::Status BeginSession(const RunOptions& options, uint32_t workers,
                          EnteredJournal& entered, Console& console) {
  std::vector<ConfigOverride> overrides;
  if (entered.resumed) {
    overrides = FindOverrides(entered.journal->info().config_json, options);
  }
  SessionInfo session;
  session.workers = workers;
  session.config_json = ConfigJson(options);
  absl::Status s = entered.journal->BeginSession(session);
  if (!s.ok() || overrides.empty()) return s;
  std::vector<OverrideRecord> records;
  for (const ConfigOverride& each : overrides) {
    console.Say(absl::StrCat("Configuration override: ",
                             Printable(OverrideText(each))));
    records.push_back({ConfigKey(each.name), JsonOrNull(each.old_value),
                       JsonOrNull(each.new_value), each.source});
  }
  return entered.journal->RecordOverrides(records);
}

}  // namespace runner
