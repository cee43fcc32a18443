// JSON as the tools print it: any bytes become valid JSON in plain ASCII,
// which no terminal obeys.
#ifndef TOOLS_JSON_TEXT_H_
#define TOOLS_JSON_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "tools/journal_view.h"

namespace inspector {

using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 become U+FFFD.
std::string JsonText(const Json& json);

Json JsonString(absl::string_view text);
Json JsonTime(absl::optional<absl::Time> time);  // RFC 3339 in UTC, or null.

// The fields of list --json, with which info --json begins.
Json SummaryJson(const JournalView& view);

Json FindingJson(const journal::Finding& finding);
Json SegmentsJson(const journal::RecoveryReport& report);

// The snapshot that was read; null without one.
Json SnapshotJson(const journal::RecoveryReport& report);

}  // namespace inspector

#endif  // TOOLS_JSON_TEXT_H_
