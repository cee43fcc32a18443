// What is in a journal, as text: what make_golden writes beside a golden
// journal, and what golden_test finds there again with a later program.
#ifndef TESTS_GOLDEN_TEXT_H_
#define TESTS_GOLDEN_TEXT_H_

#include <memory>
#include <string>

#include "journal/journal.h"

namespace runner {

// Counts records and their bytes.
class CountingFolder final : public journal::Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override { *this = CountingFolder(); }
  absl::Status Restore(absl::string_view state) override;
  void Fold(const journal::Record& record) override;
  std::string Save() override;
  bool restored() const { return restored_; }

 private:
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  bool restored_ = false;
};

// The key of golden journals that are encrypted, known to everybody.
std::unique_ptr<journal::Cipher> GoldenKey();

// The engine's view: segments, snapshot, what an examination finds, every
// record as the reader gives it. A body of more than 64 bytes is given by
// length and hash. `cipher` may be null.
std::string JournalText(const std::string& directory,
                        const journal::Cipher* cipher = nullptr);

// A line of JSON a record.
std::string RecordsText(const std::string& directory);

// The runner's view: the benchmark, its totals, its results.
std::string BenchmarkText(const std::string& directory);

}  // namespace runner

#endif  // TESTS_GOLDEN_TEXT_H_
