// Reads records in LSN order from the segments alone.
#ifndef JOURNAL_LOG_READER_H_
#define JOURNAL_LOG_READER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/body_decryptor.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/reader.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"
#include "journal/span_collector.h"
#include "journal/types.h"

namespace journal {

// Not thread-safe. The outcomes are those of Reader.
class LogReader {
 public:
  // `cipher` may be null; not owned.
  LogReader(absl::string_view directory, FileSystem& fs, const Cipher* cipher)
      : directory_(directory), fs_(fs), cipher_(cipher) {}

  // Opens the segment that holds `start_lsn`: the first there is, if all begin
  // later, and then Next() says so once. A segment whose head cannot be used is
  // passed over: Next() says so when it gets there. Used once. Errors:
  // kNotFound when there is no segment; kKey; kDamage, kNewerVersion, kIo when
  // none that could hold it can be used.
  absl::Status Start(Lsn start_lsn);

  // Of the segment it began with.
  bool begins_late() const { return begins_late_; }

  // REQUIRES: started.
  ReadResult Next();

  // Everything up to here is confirmed by what was read.
  Lsn confirmed_lsn() const { return confirmed_lsn_; }

  // Whether the segment that Next() stands in ends before `lsn`, which Next()
  // returned from it: it was never durable, and another writer has cut it off.
  // REQUIRES: started.
  bool CutBackBefore(Lsn lsn);

  // REQUIRES: started.
  ReadResult ReadAt(Position position);

 private:
  struct ReadSegment {
    std::unique_ptr<File> file;
    SegmentHeader header;
    std::unique_ptr<SegmentScanner> scanner;
  };

  absl::StatusOr<ReadSegment> Open(uint64_t id);
  absl::StatusOr<ReadSegment> Find();
  bool SameJournal(const SegmentHeader& header) const {
    return header.uuid == current_.header.uuid &&
           header.key_id == current_.header.key_id;
  }
  ReadResult NextRecord();
  // Takes the frame; nullopt when there is nothing for the caller in it.
  absl::optional<ReadResult> TakeFrame(const Frame& frame);
  absl::optional<ReadResult> TakeRecord(const Frame& stored);
  ReadResult FromSpan();
  absl::optional<ReadResult> AtEnd(ScanStep step);
  absl::optional<ReadResult> EnterNext();
  void Enter(ReadSegment next);
  ReadResult CannotEnter(uint64_t id, const absl::Status& status);

  bool NothingNew();
  // What the next segment, if there is one, says of the end of this one.
  struct Successor {
    Lsn first_lsn = 0;
    Lsn confirmed = 0;
  };
  absl::optional<Successor> LookAtSuccessor();
  void ForgetHalfSpan();
  ReadResult Damaged(uint64_t offset, Lsn lsn, absl::string_view detail);

  const std::string directory_;
  FileSystem& fs_;
  const Cipher* const cipher_;
  Lsn start_lsn_ = 1;
  ReadSegment current_;
  bool sealed_ = false;
  bool closed_ = false;
  Lsn end_lsn_ = 0;                     // Of its seal, once that is known.
  bool begins_late_ = false;            // To be said once.
  absl::optional<ReadResult> damaged_;  // Once there, the reader stays.
  SpanCollector span_;
  size_t span_next_ = 0;
  BodyDecryptor decryptor_{cipher_};
  Lsn confirmed_lsn_ = 0;

  // Where an empty tail was last seen, so that following need not read it all
  // again each time.
  uint64_t empty_offset_ = 0;

  ReadSegment random_;  // For ReadAt.
  BodyDecryptor random_decryptor_{cipher_};
};

}  // namespace journal

#endif  // JOURNAL_LOG_READER_H_
