// What a repair keeps of a damaged journal, and what it cannot.
#ifndef TOOLS_LOSSES_H_
#define TOOLS_LOSSES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/journal.h"
#include "tools/command.h"

namespace inspector {

struct Losses {
  uint64_t kept = 0;      // Records in the repaired journal.
  uint64_t given_up = 0;  // Whole records behind the first damage.
  // Queries that, by what is kept, were begun and have no end: at most
  // kQueriesNamedMax by name.
  std::vector<std::string> unanswered;
  uint64_t unanswered_count = 0;
  uint64_t unscored_count = 0;  // Answered, and the score is lost.
  bool has_benchmark = false;
  uint64_t missing_rows = 0;  // Of the announced list of queries.
};
inline constexpr size_t kQueriesNamedMax = 50;

// For repairing `path` in `mode` (salvage or point-in-time). Changes nothing.
absl::StatusOr<Losses> FindLosses(absl::string_view path,
                                  journal::RecoveryMode mode,
                                  const journal::Cipher* cipher);

// "Begun, with no end among what is kept; asked again: q6 (run 1)"; empty when
// there is none.
std::string UnansweredText(const Losses& losses);

void PrintLosses(const Losses& losses, Context& context);

}  // namespace inspector

#endif  // TOOLS_LOSSES_H_
