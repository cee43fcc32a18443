#include "runner/results/result_files.h"

namespace runner {

absl::Status ResultText::Appended() {
  return text_.size() < kPublishedPieceBytes ? absl::OkStatus() : Flush();
}

absl::Status ResultText::Flush() {
  const absl::Status status = file_.Append(text_);
  text_.clear();
  return status;
}

absl::Status ResultText::Restart() {
  text_.clear();
  return file_.Restart();
}

absl::Status ResultText::Sync() {
  const absl::Status status = Flush();
  return status.ok() ? file_.Sync() : status;
}

absl::Status LinesFile::Append(const QueryResult& result) {
  AppendResultLine(result, text_.text());
  return text_.Appended();
}

absl::Status TableFile::Begin(CsvTable columns) {
  if (columns_ != nullptr) {
    if (absl::Status s = text_.Restart(); !s.ok()) return s;
  }
  columns_ = std::make_unique<const CsvTable>(std::move(columns));
  text_.text() += columns_->Header();
  return text_.Appended();
}

absl::Status TableFile::Append(const QueryResult& result) {
  columns_->AppendRow(result, text_.text());
  return text_.Appended();
}

}  // namespace runner
