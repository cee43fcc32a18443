// Which query each imported result is about.
#ifndef RUNNER_IMPORTS_IMPORT_MATCH_H_
#define RUNNER_IMPORTS_IMPORT_MATCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "runner/data/selection.h"
#include "runner/imports/imported_file.h"

namespace runner {

struct ImportMatchOptions {
  // The number of the first query, where results say no more than a number.
  absl::optional<uint64_t> index_base;
  uint32_t runs = 1;
  Shard shard;  // Results of queries of other shards are left out.
};

// Borrows the results.
struct PlacedResult {
  uint32_t row = 0;  // Of the dataset.
  const ImportedResult* result = nullptr;
};

struct ImportMatch {
  std::vector<PlacedResult> placed;  // In order of (run, row).
  // In the file's order.
  std::vector<const ImportedResult*> unmatched;  // About no query for certain.
  uint64_t ambiguous = 0;  // Of those: several queries have their question.
  std::vector<const ImportedResult*> beyond;  // Of runs that are not asked.
  uint64_t other_shards = 0;
  uint64_t replaced = 0;  // A later one of the same query counts.
};

// By id, else by equal question text, else by position. Several results that
// fit several queries (rows of equal id) are taken in order; of more of them
// than queries the last counts, but a failure replaces nothing.
//
// A text says which query is meant where one row has it, or where as many
// results of a run as rows have it and none of them has an id that is a text:
// these are taken in order, too. Of a result with such an id the text counts
// only where one row has it, and no such id of the file is in the dataset:
// otherwise the id is a mistake.
//
// Ids that are numbers may be positions: where the question of one of them is
// that of another row than the one with that id, none of the file's numbers is
// an id. Reads the rows themselves only where questions must be compared.
// Errors: those of Dataset::Row and Fields::Resolve.
absl::StatusOr<ImportMatch> MatchImport(const ImportedFile& file,
                                        const Dataset& dataset,
                                        const Fields& fields,
                                        const ImportMatchOptions& options);

}  // namespace runner

#endif  // RUNNER_IMPORTS_IMPORT_MATCH_H_
