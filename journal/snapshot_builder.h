// Makes parts: out of sealed segments, and out of older parts.
#ifndef JOURNAL_SNAPSHOT_BUILDER_H_
#define JOURNAL_SNAPSHOT_BUILDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "journal/cipher.h"
#include "journal/clock.h"
#include "journal/compactor.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/part_reader.h"
#include "journal/part_writer.h"
#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

// Not thread-safe; belongs to the snapshot's thread. Memory: one window of a
// segment and what PartWriter and PartReader need.
class SnapshotBuilder {
 public:
  struct Options {
    FileSystem* fs = nullptr;  // Not owned, like the others.
    Clock* clock = nullptr;
    std::string directory;
    JournalUuid uuid = {};
    const Cipher* cipher = nullptr;  // May be null.
    Compactor* compactor = nullptr;  // May be null: everything is kept.
    const std::atomic<bool>* stop = nullptr;
    int zstd_level = 3;
  };

  explicit SnapshotBuilder(const Options& options) : options_(options) {}

  // The segments first..last, all sealed, as a part of that id: written,
  // fsynced, named, read back from the disk and verified. Nothing is left
  // behind on an error. Errors: kNoSpace; kDamage (a segment is not whole, or
  // what came back differs from what was written); kIo; CancelledError.
  absl::StatusOr<ManifestEntry> CompactSegments(uint64_t part_id,
                                                uint64_t first, uint64_t last);

  // The parts of `entries`, which lie side by side, as one. A record is left
  // out if what supersedes it is not above `snapshot_lsn`.
  absl::StatusOr<ManifestEntry> RewriteParts(
      uint64_t part_id, absl::Span<const ManifestEntry> entries,
      Lsn snapshot_lsn);

  // Reads a part back from the disk and checks every byte of it, and how many
  // of its records are superseded by one not above `snapshot_lsn`.
  absl::Status VerifyPart(const ManifestEntry& entry);
  absl::StatusOr<uint64_t> CountSuperseded(const ManifestEntry& entry,
                                           Lsn snapshot_lsn);

  // Where the segments first..last join the log, from their heads.
  absl::StatusOr<PartSpan> SpanOf(uint64_t first, uint64_t last);

 private:
  bool Needed(const Record& record, Lsn snapshot_lsn);
  // Between two frames.
  struct Place {
    uint64_t chain;
    Lsn next_lsn;
  };
  // From `*at`, where the segment before it ended, to its own end.
  absl::Status CopySegment(uint64_t segment_id, Lsn snapshot_lsn, Place* at,
                           PartWriter& part);
  // The very part that the entry names.
  absl::StatusOr<std::unique_ptr<PartReader>> OpenPart(
      const ManifestEntry& entry);
  absl::Status CopyPart(const ManifestEntry& entry, Lsn snapshot_lsn,
                        PartWriter& part);
  absl::StatusOr<std::unique_ptr<PartWriter>> Begin(uint64_t part_id,
                                                    const PartSpan& span);
  absl::StatusOr<ManifestEntry> Finish(PartWriter& part);
  absl::Status Stopped() const;

  const Options options_;
};

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_BUILDER_H_
