// Writes small benchmark journals with the real engine, and harms them.
#ifndef TOOLS_TESTING_JOURNAL_BUILDER_H_
#define TOOLS_TESTING_JOURNAL_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "journal/journal.h"
#include "runner/storage/records.h"

namespace inspector {

// Every function fails the test on an error. `cipher` is borrowed.
class JournalBuilder {
 public:
  // The first record's time unless told; each later one is a second after.
  static absl::Time StartTime();

  // Starts a journal of `queries` queries (q0, q1, …) in `runs` runs.
  JournalBuilder(std::string directory, uint32_t queries, uint32_t runs = 1,
                 absl::Time start = StartTime(),
                 const journal::Cipher* cipher = nullptr);
  ~JournalBuilder();

  // Each returns the LSN of its record.
  journal::Lsn Start(uint32_t index, uint32_t run = 1);
  journal::Lsn Answer(uint32_t index, absl::string_view output = "42",
                      uint32_t run = 1);
  journal::Lsn Score(uint32_t index, double value = 1, uint32_t run = 1);
  journal::Lsn Error(uint32_t index, bool final, uint32_t run = 1);
  journal::Lsn InDoubt(uint32_t index, uint32_t run = 1);
  journal::Lsn Complete();
  journal::Lsn AppendRaw(uint16_t type, absl::string_view body,
                         bool ignorable = false);
  // Start, Answer, Score.
  void Finish(uint32_t index, uint32_t run = 1);

  // A clean end: session end, close.
  void Close();
  // Opens the same journal again, in a new segment.
  void Reopen();
  // A snapshot of all so far.
  void Snapshot();
  // What `kill -9` leaves: a copy of the directory as it is now, in its place.
  void Kill();

  const std::string& directory() const { return directory_; }

 private:
  void Open();
  template <typename Record>
  journal::Lsn Append(const Record& record);
  runner::QueryKey Key(uint32_t index, uint32_t run) const;
  absl::Time Tick();

  const std::string directory_;
  const journal::Cipher* const cipher_;
  absl::Time now_;
  std::unique_ptr<journal::Writer> writer_;
};

// Bytes of a file, for harming it.
std::string ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, absl::string_view bytes);
// Flips one bit of the byte at `offset`.
void FlipBit(const std::string& path, uint64_t offset, int bit = 0);
// Overwrites from `offset` on, as a write that was cut short.
void Overwrite(const std::string& path, uint64_t offset,
               absl::string_view bytes);

}  // namespace inspector

#endif  // TOOLS_TESTING_JOURNAL_BUILDER_H_
