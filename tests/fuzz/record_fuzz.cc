// A journal's record: verified, decoded, encoded again, and shown by the tools.
//
// Input: u8 type, then the record's body.

#include <nlohmann/json.hpp>
#include <string>

#include "journal/types.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/record_json.h"
#include "runner/storage/records.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"
#include "tools/record_facts.h"

namespace {

// What record_codec.h calls a small multiple, and the JSON of record_json.h
// with what nlohmann's parser makes of it here.
constexpr size_t kDecodeFixedBytes = 256 << 10;
constexpr size_t kDecodeBytesPerByte = 64;
constexpr size_t kJsonFixedBytes = 16 << 20;
constexpr size_t kJsonBytesPerByte = 2048;

// What is decoded can be encoded, and says the same again.
template <typename Record>
bool RoundTrip(absl::string_view body) {
  const absl::StatusOr<Record> record = runner::Decode<Record>(body);
  if (!record.ok()) return false;
  const std::string once = runner::Encode(*record);
  const absl::StatusOr<Record> again = runner::Decode<Record>(once);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(runner::Encode(*again) == once);
  return true;
}

template <typename Record>
bool Try(uint16_t type, absl::string_view body, bool* decoded) {
  if (type != static_cast<uint16_t>(Record::kType)) return false;
  *decoded = RoundTrip<Record>(body);
  return true;
}

template <typename... Records>
bool Decodes(uint16_t type, absl::string_view body) {
  bool decoded = false;
  (Try<Records>(type, body, &decoded) || ...);
  return decoded;
}

bool DecodesAsItsType(uint16_t type, absl::string_view body) {
  const fuzz::AllocationBound bound(kDecodeFixedBytes +
                                    kDecodeBytesPerByte * body.size());
  return Decodes<
      runner::BenchmarkInfo, runner::DatasetRowsRecord, runner::SessionRecord,
      runner::OverrideRecord, runner::AttemptStartRecord,
      runner::ResponseRecord, runner::ScoreRecord, runner::AttemptErrorRecord,
      runner::RunEndRecord, runner::BatchRecord, runner::WorkerStateRecord,
      runner::SessionEndRecord, runner::SelectionRecord, runner::LimitRecord,
      runner::CompleteRecord, runner::InDoubtRecord, runner::CheckpointRecord,
      runner::ScoringRecord>(type, body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  journal::Record record;
  record.lsn = 1;
  record.type = input.Take<uint8_t>();
  record.body = input.TakeRest();
  const bool decoded = DecodesAsItsType(record.type, record.body);

  const fuzz::AllocationBound bound(kJsonFixedBytes + kJsonBytesPerByte * size);
  const std::string json = runner::RecordToJson(record);
  FUZZ_CHECK(fuzz::IsSafeForTerminal(json));
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  FUZZ_CHECK(parsed.is_object());
  if (decoded)
    FUZZ_CHECK(parsed.contains("record") || parsed.contains("poison"));

  const inspector::RecordFacts facts = inspector::FactsOf(record);
  FUZZ_CHECK(fuzz::IsSafeForTerminal(facts.summary));
  FUZZ_CHECK(fuzz::IsSafeForTerminal(facts.unusable));
  FUZZ_CHECK(facts.unusable.empty() == decoded);

  runner::ProgressState state;
  state.Fold(record);
  const std::string saved = state.Save();
  runner::ProgressState restored;
  FUZZ_CHECK(restored.Restore(saved).ok());
  FUZZ_CHECK(restored.Save() == saved);
  return 0;
}
