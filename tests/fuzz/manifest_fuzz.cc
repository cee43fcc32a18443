// A snapshot's manifest, and one made anew from what parts say of themselves.
//
// Input: u8 how. If it is even, the manifest's bytes as they are; if it is odd,
// parts: for each nine times u32.

#include <string>
#include <vector>

#include "journal/manifest.h"
#include "journal/part_footer.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"

namespace journal {
namespace {

constexpr size_t kPartsMax = 64;
constexpr size_t kFixedBytes = 1 << 20;
constexpr size_t kBytesPerByte = 64;

// What decodes is encoded to the very same bytes.
void TryBytes(absl::string_view bytes) {
  Manifest manifest;
  if (DecodeManifest(bytes, &manifest) != HeaderState::kGood) return;
  FUZZ_CHECK(EncodeManifest(manifest) == bytes);
  for (size_t i = 1; i < manifest.parts.size(); ++i) {
    FUZZ_CHECK(manifest.parts[i - 1].last_lsn < manifest.parts[i].first_lsn);
  }
}

PartFooter TakeFooter(fuzz::FuzzInput& input) {
  PartFooter footer;
  footer.uuid = {'f', 'u', 'z', 'z'};
  footer.part_id = input.Take<uint32_t>();
  footer.span.first_segment = input.Take<uint32_t>();
  footer.span.last_segment = input.Take<uint32_t>();
  footer.span.first_lsn = input.Take<uint32_t>();
  footer.span.last_lsn = input.Take<uint32_t>();
  footer.span.chain_start = input.Take<uint32_t>();
  footer.span.chain_end = input.Take<uint32_t>();
  footer.span.records_before = input.Take<uint32_t>();
  footer.records = input.Take<uint32_t>();
  footer.span.records_after = footer.span.records_before + footer.records;
  footer.span.seal_end = 4096;
  return footer;
}

void TryParts(fuzz::FuzzInput& input) {
  std::vector<PartFooter> footers;
  Manifest listed;
  listed.manifest_id = 1;
  while (!input.empty() && footers.size() < kPartsMax) {
    footers.push_back(TakeFooter(input));
    listed.uuid = footers.back().uuid;
    listed.parts.push_back(EntryOf(footers.back(), 4096));
    listed.last_segment = footers.back().span.last_segment;
    listed.last_lsn = footers.back().span.last_lsn;
  }
  TryBytes(EncodeManifest(listed));
  const std::vector<uint64_t> file_bytes(footers.size(), 4096);
  absl::optional<Manifest> rebuilt = RebuildManifest(footers, file_bytes);
  if (!rebuilt.has_value()) return;
  FUZZ_CHECK(!rebuilt->parts.empty());
  for (size_t i = 1; i < rebuilt->parts.size(); ++i) {
    const ManifestEntry& before = rebuilt->parts[i - 1];
    FUZZ_CHECK(before.last_lsn + 1 == rebuilt->parts[i].first_lsn);
    FUZZ_CHECK(before.last_segment + 1 == rebuilt->parts[i].first_segment);
  }
}

}  // namespace
}  // namespace journal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(journal::kFixedBytes +
                                    journal::kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  if (input.Take<uint8_t>() % 2 == 0) {
    journal::TryBytes(input.TakeRest());
  } else {
    journal::TryParts(input);
  }
  return 0;
}
