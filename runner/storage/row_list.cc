#include "runner/storage/row_list.h"

#include <utility>

#include "absl/types/span.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

// What is appended at once, and one record of the list of rows, are no larger.
constexpr size_t kAppendBytesMax = 4 << 20;
constexpr size_t kRowsBytesMax = 1 << 20;
// What a row takes besides its id: table, offsets, padding.
constexpr size_t kRowBytesExtra = 48;

}  // namespace

absl::StatusOr<journal::Lsn> AppendAll(journal::Writer& writer,
                                       const std::vector<Body>& bodies) {
  journal::Lsn last = 0;
  std::vector<journal::RecordView> views;
  size_t bytes = 0;
  for (size_t i = 0; i < bodies.size(); ++i) {
    views.push_back({.type = static_cast<uint16_t>(bodies[i].type),
                     .body = bodies[i].bytes,
                     .sync_weight = 0,
                     .ignorable = false});
    bytes += bodies[i].bytes.size();
    const bool more = i + 1 < bodies.size();
    if (more && bytes + bodies[i + 1].bytes.size() <= kAppendBytesMax) continue;
    absl::StatusOr<journal::Lsn> lsn =
        writer.Append(absl::MakeConstSpan(views));
    if (!lsn.ok()) return lsn.status();
    last = *lsn;
    views.clear();
    bytes = 0;
  }
  return last;
}

absl::Status AppendRows(journal::Writer& writer, uint64_t first_index,
                        uint64_t count,
                        absl::FunctionRef<RowInfo(uint64_t)> row,
                        std::vector<Body> before) {
  std::vector<Body> bodies = std::move(before);
  size_t bytes = 0;
  for (uint64_t next = 0; next < count;) {
    const uint64_t first = next;
    std::vector<RowInfo> rows;
    for (size_t size = 0; next < count && size < kRowsBytesMax; ++next) {
      rows.push_back(row(next));
      size += rows.back().id.size() + kRowBytesExtra;
    }
    bodies.push_back(
        {RecordType::kDatasetRows,
         EncodeDatasetRows(static_cast<uint32_t>(first_index + first), rows)});
    bytes += bodies.back().bytes.size();
    if (bytes < kAppendBytesMax || next == count) continue;
    absl::StatusOr<journal::Lsn> lsn = AppendAll(writer, bodies);
    if (!lsn.ok()) return lsn.status();
    bodies.clear();
    bytes = 0;
  }
  absl::StatusOr<journal::Lsn> lsn = AppendAll(writer, bodies);
  return lsn.ok() ? writer.Sync() : lsn.status();
}

}  // namespace runner
