// results.jsonl and results.csv while they are written.
#ifndef RUNNER_RESULTS_RESULT_FILES_H_
#define RUNNER_RESULTS_RESULT_FILES_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "runner/base/published_file.h"
#include "runner/results/result_lines.h"
#include "runner/results/result_sink.h"

namespace runner {

// Text that goes into a file in large pieces.
class ResultText {
 public:
  explicit ResultText(PublishedFile file) : file_(std::move(file)) {}

  // To append to; Appended() is to be called then.
  std::string& text() { return text_; }
  absl::Status Appended();
  absl::Status Restart();
  absl::Status Sync();
  absl::Status Publish() { return file_.Publish(); }

 private:
  absl::Status Flush();

  PublishedFile file_;
  std::string text_;
};

class LinesFile final : public ResultSink {
 public:
  explicit LinesFile(PublishedFile file) : text_(std::move(file)) {}

  absl::Status Append(const QueryResult& result) override;
  absl::Status Finish() override { return text_.Sync(); }
  absl::Status Publish() { return text_.Publish(); }

 private:
  ResultText text_;
};

class TableFile final : public ResultSink {
 public:
  explicit TableFile(PublishedFile file) : text_(std::move(file)) {}

  // Begins the table, also once more: what was appended is forgotten then.
  absl::Status Begin(CsvTable columns);
  // Null before it was begun.
  const CsvTable* columns() const { return columns_.get(); }

  // Begin() comes before.
  absl::Status Append(const QueryResult& result) override;
  absl::Status Finish() override { return text_.Sync(); }
  absl::Status Publish() { return text_.Publish(); }

 private:
  ResultText text_;
  std::unique_ptr<const CsvTable> columns_;
};

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULT_FILES_H_
