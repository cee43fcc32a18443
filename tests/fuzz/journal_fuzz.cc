// Examine in all modes and Reader over a journal of arbitrary segment files.
//
// Input: for each of three files u32 how many bytes it has (0: it is not there)
// and u16 how many zeros follow them; then the bytes of the files.

#include <string>

#include "absl/strings/str_cat.h"
#include "journal/segment_header.h"
#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_checks.h"

namespace {

constexpr char kDirectory[] = "/journal";
constexpr uint64_t kFiles = 3;

// A reader and an examination have a window each, and keep what they deliver;
// findings are up to a thousand of some hundred bytes, in a few copies.
constexpr size_t kFixedBytes = 8 << 20;
constexpr size_t kBytesPerByte = 64;

struct Head {
  uint32_t bytes = 0;
  uint16_t zeros = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  Head heads[kFiles];
  for (Head& head : heads) {
    head.bytes = input.Take<uint32_t>();
    head.zeros = input.Take<uint16_t>();
  }
  journal::MemoryFileSystem disk;
  if (!disk.CreateDirectory(kDirectory).ok()) return 0;
  bool any = false;
  for (uint64_t id = 1; id <= kFiles; ++id) {
    const Head& head = heads[id - 1];
    if (head.bytes == 0) continue;
    any = true;
    const absl::string_view bytes = input.TakeBytes(head.bytes);
    disk.Put(journal::JoinPath(kDirectory, journal::SegmentFileName(id)),
             absl::StrCat(bytes, std::string(head.zeros, '\0')));
  }
  if (any) fuzz::CheckJournal(disk, kDirectory);
  return 0;
}
