// What a record says, in the few words that a list of records needs.
#ifndef TOOLS_RECORD_FACTS_H_
#define TOOLS_RECORD_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/types.h"
#include "runner/base/query.h"

namespace inspector {

// Which query of which run, without its text.
struct AttemptId {
  uint32_t run = 0;
  uint32_t index = 0;
  uint32_t attempt = 0;

  friend bool operator<(const AttemptId& a, const AttemptId& b) {
    if (a.run != b.run) return a.run < b.run;
    if (a.index != b.index) return a.index < b.index;
    return a.attempt < b.attempt;
  }
};

struct RecordFacts {
  std::string type_name;
  // Not empty: the body is poison, or of an unknown type, and why.
  std::string unusable;
  bool unknown_type = false;
  absl::optional<absl::Time> at;
  absl::optional<runner::QueryKey> key;
  uint32_t attempt = 0;  // Of those that have a key; else 0.
  uint32_t run = 0;      // Also of records about a run as a whole.
  // Printable, one line, some hundred characters at most.
  std::string summary;
  // InDoubt only: the attempts it lists, and their queries.
  std::vector<AttemptId> in_doubt;
  std::vector<runner::QueryKey> in_doubt_keys;
};

RecordFacts FactsOf(const journal::Record& record);

// "q1", "q1#2" for the third of equal ids; printable.
std::string QueryName(const runner::QueryKey& key);

}  // namespace inspector

#endif  // TOOLS_RECORD_FACTS_H_
