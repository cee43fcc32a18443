// Reading single records of a benchmark's journal. Private to the files that
// read journals.
#ifndef RUNNER_STORAGE_JOURNAL_READ_H_
#define RUNNER_STORAGE_JOURNAL_READ_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "runner/storage/record_codec.h"

namespace runner {

// Why a read gave no record, with place and reason: kDamage, kIo where the
// system did not give the bytes, kNewerVersion.
absl::Status ReadFailure(const journal::ReadResult& result);

// `record` as a Record; kDamage, naming the LSN, if it is of another type or
// poison.
template <typename Record>
absl::StatusOr<Record> DecodeRecord(const journal::Record& record) {
  if (record.type != static_cast<uint16_t>(Record::kType)) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat("LSN ", record.lsn, ": a record of ",
                     RecordTypeName(record.type), " where one of ",
                     RecordTypeName(static_cast<uint16_t>(Record::kType)),
                     " belongs"));
  }
  absl::StatusOr<Record> decoded = Decode<Record>(record.body);
  if (decoded.ok()) return decoded;
  return journal::WithContext(decoded.status(),
                              absl::StrCat("LSN ", record.lsn));
}

template <typename Record>
absl::StatusOr<Record> ReadRecord(journal::Reader& reader, journal::Lsn lsn) {
  const journal::ReadResult result = reader.Read(lsn);
  if (result.outcome != journal::ReadOutcome::kRecord) {
    return ReadFailure(result);
  }
  return DecodeRecord<Record>(result.record);
}

// Where a record was met. The position finds it at once; the LSN finds it also
// where a snapshot has taken the place of its segment since.
struct RecordPlace {
  journal::Position position = 0;
  journal::Lsn lsn = 0;  // 0: nowhere.
};

inline journal::ReadResult ReadPlace(journal::Reader& reader,
                                     const RecordPlace& place) {
  journal::ReadResult result = reader.ReadAt(place.position);
  if (result.outcome != journal::ReadOutcome::kCompacted) return result;
  return reader.Read(place.lsn);
}

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_READ_H_
