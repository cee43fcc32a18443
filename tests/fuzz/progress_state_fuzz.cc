// The runner's folded state, as a STATE frame brings it back.
//
// Input: the state.

#include <string>

#include "journal/types.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/records.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

constexpr size_t kFixedBytes = 1 << 20;
constexpr size_t kBytesPerByte = 64;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  runner::ProgressState state;
  if (!state.Restore(input.TakeRest()).ok()) return 0;
  const std::string saved = state.Save();
  runner::ProgressState again;
  FUZZ_CHECK(again.Restore(saved).ok());
  FUZZ_CHECK(again.Save() == saved);

  // Whatever it is, the journal goes on from it.
  runner::AttemptStartRecord start;
  start.attempt = 1;
  const std::string body = runner::Encode(start);
  journal::Record record;
  record.lsn = 1;
  record.type = runner::TypeNumber(start);
  record.body = body;
  state.Fold(record);
  FUZZ_CHECK(state.open_queries().size() == state.open_count());
  state.totals();
  state.run_counts();
  state.IsDone(1, 0);
  return 0;
}
