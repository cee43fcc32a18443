// Naming the attempts that a crash left without an end.
#ifndef RUNNER_STUDY_IN_DOUBT_H_
#define RUNNER_STUDY_IN_DOUBT_H_

#include <string>

#include "absl/types/span.h"
#include "runner/storage/benchmark_journal.h"

namespace runner {

// "q91, q92, q93" of queries in flight, for people, from the records of their
// starts; one that cannot be read is "#" and its index. Beyond kNamesShownMax
// it says what lists them all.
inline constexpr size_t kNamesShownMax = 20;
std::string NamesOfInFlight(const BenchmarkJournal& journal,
                            absl::Span<const OpenQuery> queries);

}  // namespace runner

#endif  // RUNNER_STUDY_IN_DOUBT_H_
