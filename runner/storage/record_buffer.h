// Verified access to a record's FlatBuffer. Private to the files that read
// records: it shows the generated tables.
#ifndef RUNNER_STORAGE_RECORD_BUFFER_H_
#define RUNNER_STORAGE_RECORD_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "flatbuffers/flatbuffers.h"
#include "runner/storage/record_codec.h"

namespace runner {

// `bytes` where FlatBuffers may read them: in place when they are 8-byte
// aligned, else a copy. Borrows `bytes`.
class AlignedBytes {
 public:
  explicit AlignedBytes(absl::string_view bytes);

  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::vector<uint64_t> copy_;
  const uint8_t* data_;
  size_t size_;
};

// The error of a body that cannot be believed.
absl::Status PoisonError(absl::string_view type_name, size_t bytes,
                         absl::string_view what);

// How many tables a record of so many bytes may have. Offsets may share what
// they point at, so that lists of lists could unfold to the square of the
// buffer's size; no encoder of ours does that, and a table that is not shared
// takes an offset to it and one to its own layout.
uint32_t RecordTablesMax(size_t bytes);

// The table in `bytes`, or null when the verifier rejects them.
template <typename Table>
const Table* VerifiedRoot(const AlignedBytes& bytes, uint32_t tables_max) {
  // The verifier asserts what an attacker can choose: the buffer's size.
  if (bytes.size() < sizeof(flatbuffers::uoffset_t) ||
      bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return nullptr;
  }
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), kRecordDepthMax,
                                 tables_max);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return nullptr;
  return flatbuffers::GetRoot<Table>(bytes.data());
}

// Copies text out of a verified buffer. Offsets may share what they point at,
// so that a small buffer could unfold into a huge structure; no encoder of ours
// does that, so all text together is no longer than the buffer.
class TextBudget {
 public:
  explicit TextBudget(size_t bytes) : left_(bytes) {}

  std::string Take(const flatbuffers::String* text);

  bool exceeded() const { return exceeded_; }

 private:
  size_t left_;
  bool exceeded_ = false;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORD_BUFFER_H_
