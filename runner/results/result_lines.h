// One query's result as a line of results.jsonl and as a row of results.csv.
#ifndef RUNNER_RESULTS_RESULT_LINES_H_
#define RUNNER_RESULTS_RESULT_LINES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "runner/storage/result_store.h"

namespace runner {

// Whether an earlier score has the name of score `i`: it counts once, the first
// time.
bool IsRepeated(const NamedValues& scores, size_t i);

// Appends a JSON object and '\n'. A failed query has no usage: that would tell
// how often it was tried, which is not reproducible.
void AppendResultLine(const QueryResult& result, std::string& out);

// The same, flat: columns are named by the dotted path of the JSON member
// ("scores.f1", "usage.cost"). RFC 4180: CRLF, a field with a comma, a quote or
// a line break stands in quotes, a quote is doubled. What is null in JSON is an
// empty field, an empty text is "". Immutable and thread-safe.
class CsvTable {
 public:
  // A column for each of `scores`, in this order. A score that has none is left
  // out.
  explicit CsvTable(std::vector<std::string> scores);

  const std::vector<std::string>& scores() const { return scores_; }
  std::string Header() const;
  void AppendRow(const QueryResult& result, std::string& out) const;

 private:
  const std::vector<std::string> scores_;
};

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULT_LINES_H_
