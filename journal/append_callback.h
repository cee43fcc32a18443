// What Writer::AppendAsync and TryAppend tell when an append is done.
#ifndef JOURNAL_APPEND_CALLBACK_H_
#define JOURNAL_APPEND_CALLBACK_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "journal/types.h"

namespace journal {

// Called once, with what Append would have returned: the record's LSN, or the
// error. It owns what it captures; captures of up to two pointers cost no
// allocation. It must not throw.
using AppendCallback = absl::AnyInvocable<void(absl::StatusOr<Lsn>) &&>;

}  // namespace journal

#endif  // JOURNAL_APPEND_CALLBACK_H_
