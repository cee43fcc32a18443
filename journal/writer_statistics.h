// What a writer counts about itself.
#ifndef JOURNAL_WRITER_STATISTICS_H_
#define JOURNAL_WRITER_STATISTICS_H_

#include <atomic>
#include <cstdint>

#include "journal/histogram.h"

namespace journal {

// Since the writer was opened, the watermark with which opening confirms what
// it found included. Closing does not count, nor do records that were refused.
struct WriterStatistics {
  uint64_t appends = 0;        // Of one record or a span.
  uint64_t records = 0;        // In them.
  uint64_t payload_bytes = 0;  // Their bodies.
  // Frames, headers and padding included, without the zeros written ahead.
  uint64_t log_bytes = 0;
  uint64_t batches = 0;  // Commits; those that wrote nothing, too.
  uint64_t writes = 0;
  uint64_t fsyncs = 0;      // But for those of a rotation.
  uint64_t rotations = 0;   // Segments sealed.
  uint64_t snapshots = 0;   // Manifests published.
  uint64_t states = 0;      // State frames.
  uint64_t watermarks = 0;  // Watermark frames.
  // Errors told to the listener or, without one, to nobody.
  uint64_t background_errors = 0;

  HistogramSnapshot batch_records;  // Records of each commit with any.
  HistogramSnapshot queue_depth;    // Callers of each commit.
  HistogramSnapshot write_ns;       // Each write; in mode none one of 16.
  HistogramSnapshot fsync_ns;       // Each fsync.
  // How long each call stood behind others before its append was done or led a
  // batch; 0: it did not have to. What AppendAsync queues counts as one call
  // for each hand-over.
  HistogramSnapshot wait_ns;
};

// Where a writer counts. Each field by one thread at a time: the leader of the
// moment, whoever has the writer's lock, or the snapshotter; only
// CountBackgroundError() by any. Snapshot() is thread-safe.
class StatisticsCollector {
 public:
  using Counter = std::atomic<uint64_t>;

  static void Add(Counter& counter, uint64_t amount) {
    // No need of a locked instruction.
    counter.store(counter.load(std::memory_order_relaxed) + amount,
                  std::memory_order_relaxed);
  }
  void CountBackgroundError() { ++background_errors; }

  WriterStatistics Snapshot() const {
    WriterStatistics snapshot;
    snapshot.appends = appends;
    snapshot.records = records;
    snapshot.payload_bytes = payload_bytes;
    snapshot.log_bytes = log_bytes;
    snapshot.batches = batches;
    snapshot.writes = writes;
    snapshot.fsyncs = fsyncs;
    snapshot.rotations = rotations;
    snapshot.snapshots = snapshots;
    snapshot.states = states;
    snapshot.watermarks = watermarks;
    snapshot.background_errors = background_errors;
    snapshot.batch_records = batch_records.Snapshot();
    snapshot.queue_depth = queue_depth.Snapshot();
    snapshot.write_ns = write_ns.Snapshot();
    snapshot.fsync_ns = fsync_ns.Snapshot();
    snapshot.wait_ns = wait_ns.Snapshot();
    return snapshot;
  }

  Counter appends = 0;
  Counter records = 0;
  Counter payload_bytes = 0;
  Counter log_bytes = 0;
  Counter batches = 0;
  Counter writes = 0;
  Counter fsyncs = 0;
  Counter rotations = 0;
  Counter snapshots = 0;
  Counter states = 0;
  Counter watermarks = 0;
  Counter background_errors = 0;
  Histogram batch_records;
  Histogram queue_depth;
  Histogram write_ns;
  Histogram fsync_ns;
  Histogram wait_ns;
};

}  // namespace journal

#endif  // JOURNAL_WRITER_STATISTICS_H_
