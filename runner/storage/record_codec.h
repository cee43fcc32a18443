// From the plain structs of records.h to FlatBuffers bytes and back.
//
//   std::string body = runner::Encode(response);
//   writer->Append({.type = runner::TypeNumber(response), .body = body});
//   ...
//   absl::StatusOr<runner::ResponseRecord> response =
//       runner::Decode<runner::ResponseRecord>(record.body);
//
// A body passes its FlatBuffers verifier, with the limits below, before
// anything of it is touched, and costs no more memory than a small multiple of
// its size, whatever its offsets point at.
#ifndef RUNNER_STORAGE_RECORD_CODEC_H_
#define RUNNER_STORAGE_RECORD_CODEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/storage/records.h"

namespace runner {

// Limits of verification.
inline constexpr uint32_t kRecordDepthMax = 64;
inline constexpr uint32_t kRecordTablesMax = 1000000;

// "Response"; "type 99" for one that this program does not know.
std::string RecordTypeName(uint16_t type);

// True for the types of RecordType.
bool IsKnownRecordType(uint16_t type);

template <typename Record>
constexpr uint16_t TypeNumber(const Record&) {
  return static_cast<uint16_t>(Record::kType);
}

// "Signal", "Running"; the number for a value that this program does not know.
std::string SessionStopName(SessionStop reason);
std::string BatchStatusName(BatchStatus status);

// The record's body. The text in it must be well below 2 GiB together, which
// the journal's limit on records (16 MiB) demands anyway.
std::string Encode(const BenchmarkInfo& record);
std::string Encode(const DatasetRowsRecord& record);
std::string EncodeDatasetRows(uint32_t first_index,
                              absl::Span<const RowInfo> rows);
std::string Encode(const SessionRecord& record);
std::string Encode(const OverrideRecord& record);
std::string Encode(const AttemptStartRecord& record);
std::string Encode(const ResponseRecord& record);
std::string Encode(const ScoreRecord& record);
std::string Encode(const AttemptErrorRecord& record);
std::string Encode(const RunEndRecord& record);
std::string Encode(const BatchRecord& record);
std::string Encode(const WorkerStateRecord& record);
std::string Encode(const SessionEndRecord& record);
std::string Encode(const SelectionRecord& record);
std::string Encode(const LimitRecord& record);
std::string Encode(const CompleteRecord& record);
std::string Encode(const InDoubtRecord& record);
std::string Encode(const CheckpointRecord& record);
std::string Encode(const ScoringRecord& record);

// Decodes any of the structs above that has a kType. `body` may lie at any
// address; one that is 8-byte aligned, as journal::Record::body is, is read in
// place. Errors: journal::ErrorKind::kDamage, "poison record: …", naming the
// record's type.
template <typename Record>
absl::StatusOr<Record> Decode(absl::string_view body);

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORD_CODEC_H_
