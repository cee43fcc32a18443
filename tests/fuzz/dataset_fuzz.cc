// A dataset's file, and the fields of its rows.
//
// Input: the path of the id field on a line of its own, and that of the input
// field; then the file. "csv:" before the former makes it CSV.

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/json.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"

namespace {

constexpr size_t kFixedBytes = 2 << 20;
constexpr size_t kBytesPerByte = 256;
// What deflate makes of a byte at most.
constexpr size_t kUnpackedBytesPerByte = 1032;
// Of a file that is unpacked: more takes too long.
constexpr size_t kPackedBytesMax = 4 << 10;
constexpr absl::string_view kGzipMagic = "\x1f\x8b";
constexpr absl::string_view kCsvPrefix = "csv:";

// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(absl::string_view bytes)
      : fd_(memfd_create("dataset", MFD_CLOEXEC)) {
    FUZZ_CHECK(fd_ >= 0);
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      FUZZ_CHECK(written > 0);
      bytes.remove_prefix(written);
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }

 private:
  const int fd_;
};

void CheckMessage(const absl::Status& status) {
  FUZZ_CHECK(fuzz::IsSafeForTerminal(status.message()));
  FUZZ_CHECK(fuzz::IsPlainOrder(status.message()));
}

void CheckRow(const runner::Dataset& dataset, size_t i,
              const runner::Fields* fields) {
  FUZZ_CHECK(!dataset.id(i).empty());
  FUZZ_CHECK(dataset.occurrence(i) < dataset.size());
  const absl::StatusOr<std::string> row = dataset.Row(i);
  FUZZ_CHECK(row.ok());
  const auto canonical = runner::CanonicalJson(absl::string_view(*row));
  FUZZ_CHECK(canonical.ok());
  const auto again = runner::CanonicalJson(absl::string_view(*canonical));
  FUZZ_CHECK(again.ok() && *again == *canonical);
  if (fields == nullptr) return;
  const auto resolved = fields->Resolve(*row);
  if (!resolved.ok()) CheckMessage(resolved.status());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  runner::DatasetOptions options;
  absl::string_view id_field = input.TakeLine();
  if (absl::ConsumePrefix(&id_field, kCsvPrefix)) {
    options.format = runner::DatasetFormat::kCsv;
  }
  options.id_field = std::string(id_field);
  runner::FieldOptions field_options;
  field_options.input_field = std::string(input.TakeLine());
  const absl::string_view bytes = input.TakeRest();
  const bool packed = absl::StartsWith(bytes, kGzipMagic);
  if (packed && bytes.size() > kPackedBytesMax) return 0;
  const fuzz::AllocationBound bound(kFixedBytes +
                                    kBytesPerByte * size *
                                        (packed ? kUnpackedBytesPerByte : 1));
  const absl::StatusOr<runner::Fields> fields =
      runner::Fields::Create(field_options, "gpt-4.1", "");
  if (!fields.ok()) CheckMessage(fields.status());

  const MemoryFile file(bytes);
  const auto dataset = runner::Dataset::Load(file.path(), options);
  if (!dataset.ok()) {
    CheckMessage(dataset.status());
    return 0;
  }
  FUZZ_CHECK((*dataset)->size() > 0);
  for (size_t i = 0; i < (*dataset)->size(); ++i) {
    CheckRow(**dataset, i, fields.ok() ? &*fields : nullptr);
  }
  return 0;
}
