// Benchmarks' journals found among whatever lies in the journal directory.
//
// Input: the run id asked for on a line of its own; then on each line what it
// is ('j' a journal, 's' rubbish that is named like a segment, 'd' an empty
// directory, else a file) and its name.

#include <string>

#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "journal/testing/memory_file_system.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/records.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_model.h"

namespace {

constexpr char kDirectory[] = "/journals";
constexpr char kSegment[] = "0000000001.seg";
constexpr char kIdentity[] = "identity";
constexpr char kBenchmark[] = "benchmark";
constexpr size_t kEntriesMax = 16;

// A journal of no rows.
const std::string& JournalBytes() {
  static const std::string& bytes = *[] {
    runner::BenchmarkInfo info;
    info.benchmark_id = kBenchmark;
    info.identity_hash = kIdentity;
    info.created = absl::FromUnixSeconds(1760000000);
    fuzz::JournalModel model;
    model.AddRecord(runner::TypeNumber(info), runner::Encode(info));
    model.AddClose();
    model.Link();
    return new std::string(model.Files()[0].bytes);
  }();
  return bytes;
}

bool IsName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == absl::string_view::npos &&
         name.find('\0') == absl::string_view::npos;
}

void Put(journal::MemoryFileSystem& disk, char kind, absl::string_view name) {
  const std::string path = journal::JoinPath(kDirectory, name);
  if (disk.Has(path)) return;
  if (kind != 'j' && kind != 's' && kind != 'd') {
    disk.Put(path, "a file");
    return;
  }
  FUZZ_CHECK(disk.CreateDirectory(path).ok());
  const std::string segment = journal::JoinPath(path, kSegment);
  if (kind == 'j') disk.Put(segment, JournalBytes());
  if (kind == 's') disk.Put(segment, "rubbish");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  journal::MemoryFileSystem disk;
  if (!disk.CreateDirectory(kDirectory).ok()) return 0;
  const std::string run_id(input.TakeLine());
  for (size_t i = 0; i < kEntriesMax && !input.empty(); ++i) {
    const absl::string_view line = input.TakeLine();
    if (line.size() < 2 || !IsName(line.substr(1))) continue;
    Put(disk, line[0], line.substr(1));
  }
  const runner::JournalAccess access{.file_system = &disk, .cipher = nullptr};
  const auto journals = runner::ListJournals(access, kDirectory);
  FUZZ_CHECK(journals.ok());
  const auto match =
      runner::FindJournal(access, kDirectory, {kBenchmark, kIdentity, run_id});
  FUZZ_CHECK(match.ok());
  if (match->same.has_value()) {
    FUZZ_CHECK(*disk.Exists(match->same->directory));
  }
  if (IsName(run_id)) {
    const auto free = runner::FreeRunId(access, kDirectory, run_id);
    FUZZ_CHECK(free.ok() && IsName(*free));
    for (const runner::LocatedJournal& journal : *journals) {
      FUZZ_CHECK(journal.name != *free || !journal.info.has_value());
    }
  }
  for (const runner::LocatedJournal& journal : *journals) {
    FUZZ_CHECK(!runner::JournalConditionName(journal.condition).empty());
    FUZZ_CHECK(*disk.Exists(journal.directory));
  }
  return 0;
}
