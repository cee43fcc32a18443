#include "runner/storage/in_doubt_list.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

constexpr size_t kInDoubtPerRecordMax = 4096;
constexpr size_t kInDoubtBytesMax = 1 << 20;

absl::StatusOr<AttemptStartRecord> StartOf(journal::Reader& reader,
                                           const OpenQuery& query) {
  absl::StatusOr<AttemptStartRecord> start =
      ReadRecord<AttemptStartRecord>(reader, query.lsn);
  if (start.ok() ||
      journal::KindOf(start.status()) == journal::ErrorKind::kIo) {
    return start;
  }
  AttemptStartRecord unnamed;
  unnamed.key.run = query.run;
  unnamed.key.index = query.index;
  unnamed.attempt = query.attempts;
  return unnamed;
}

}  // namespace

absl::Status ListInDoubt(
    journal::Reader& reader, absl::Span<const OpenQuery> queries,
    absl::FunctionRef<absl::Status(InDoubtRecord)> record) {
  InDoubtRecord list;
  list.at = absl::Now();
  size_t bytes = 0;
  for (const OpenQuery& query : InOrderOfLsn(queries)) {
    if (!query.in_flight) continue;
    absl::StatusOr<AttemptStartRecord> start = StartOf(reader, query);
    if (!start.ok()) return start.status();
    list.starts.push_back(*std::move(start));
    bytes += list.starts.back().key.id.size();
    if (list.starts.size() < kInDoubtPerRecordMax && bytes < kInDoubtBytesMax) {
      continue;
    }
    if (absl::Status s = record(list); !s.ok()) return s;
    list.starts.clear();
    bytes = 0;
  }
  return list.starts.empty() ? absl::OkStatus() : record(std::move(list));
}

}  // namespace runner
