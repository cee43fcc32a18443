#include "runner/study/in_doubt.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "journal/reader.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

std::string NameOf(journal::Reader* reader, const OpenQuery& query) {
  if (reader != nullptr) {
    const absl::StatusOr<AttemptStartRecord> start =
        ReadRecord<AttemptStartRecord>(*reader, query.lsn);
    if (start.ok()) return Excerpt(start->key.id, 40);
  }
  return absl::StrCat("#", query.index);
}

}  // namespace

std::string NamesOfInFlight(const BenchmarkJournal& journal,
                            absl::Span<const OpenQuery> queries) {
  const absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal.OpenReader();
  std::vector<std::string> names;
  for (const OpenQuery& query : queries) {
    if (names.size() == kNamesShownMax) {
      names.push_back(absl::StrCat("...; all of them: journalctl-bench show ",
                                   Printable(journal.directory()),
                                   " --status in-doubt"));
      break;
    }
    names.push_back(NameOf(reader.ok() ? reader->get() : nullptr, query));
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace runner
