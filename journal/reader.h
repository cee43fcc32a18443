// Reads records in LSN order, from a dead journal or beside a living writer.
#ifndef JOURNAL_READER_H_
#define JOURNAL_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

struct ReaderOptions {
  Lsn start_lsn = 1;
  // The key of an encrypted journal. Not owned; outlives the reader. Not used
  // for a plain journal.
  const Cipher* cipher = nullptr;
  // Next() returns only records that the log itself says are durable: what a
  // power loss could still take is kEnd for now. Reads ahead of what it
  // returns. (ReadAt() and Read() are asked for one record, and give it.)
  bool confirmed_only = false;
  FileSystem* file_system = nullptr;  // Not owned; null means Posix().
};

enum class ReadOutcome {
  kRecord,     // `record` is the next one.
  kEnd,        // Nothing more for now; ask again to follow a living writer.
  kCompacted,  // The LSN asked for was removed; `first_lsn` is what is left.
  // `finding` says what and where. The reader stays there. Its kind tells
  // damage from kReadError, bytes that the system did not give.
  kDamaged,
};

struct ReadResult {
  ReadOutcome outcome = ReadOutcome::kEnd;
  Record record;
  Lsn first_lsn = 0;
  Finding finding;
};

// Takes no lock and needs no write permission. Never returns a torn record, nor
// part of a span: what is not whole is kEnd as long as nothing confirms it, and
// kDamaged once a later frame does. Goes from segment to segment as the writer
// rotates, and through a snapshot where it begins within one or where segments
// were removed under it: there, superseded records are not met. Not
// thread-safe; any number of readers may run beside each other.
//
//   auto reader = journal::Reader::Open("journals/R", {});
//   for (;;) {
//     journal::ReadResult next = (*reader)->Next();
//     if (next.outcome != journal::ReadOutcome::kRecord) break;
//     Use(next.record);
//   }
class Reader {
 public:
  // Errors: kNotFound, kIo, kDamage and kNewerVersion (of the segment to begin
  // with), kKey (encrypted, and the key is missing or another one).
  static absl::StatusOr<std::unique_ptr<Reader>> Open(
      absl::string_view directory, const ReaderOptions& options);

  virtual ~Reader() = default;

  // Never blocks but for the disk. The record's body is valid until the next
  // call.
  virtual ReadResult Next() = 0;

  // Reads the one record at `position` (from Record::position), wherever
  // Next() stands. Verified like any other: kDamaged if it is no longer whole,
  // kCompacted if its segment is gone: Read() may still find it.
  virtual ReadResult ReadAt(Position position) = 0;

  // Reads the record `lsn`, wherever Next() stands: from a snapshot by its
  // index, from the log by a walk through its segment (quick when LSNs are
  // asked for in order). kCompacted if it was superseded or removed, or is none
  // of the application's; kEnd if it is not written yet.
  virtual ReadResult Read(Lsn lsn) = 0;
};

}  // namespace journal

#endif  // JOURNAL_READER_H_
