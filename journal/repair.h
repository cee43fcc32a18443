// What opening for append mends before anything is written behind it.
#ifndef JOURNAL_REPAIR_H_
#define JOURNAL_REPAIR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/examiner.h"
#include "journal/file_system.h"

namespace journal {

// Makes a journal that the mode lets a writer open end where `found` says:
// segments given up step aside, a torn tail is kept in its .torn file and
// zeroed, and a header of which one copy is bad has two again. Durable on
// return. May be interrupted anywhere; the next opening repeats it with the
// same outcome. REQUIRES: the journal's lock.
absl::Status Repair(FileSystem& fs, absl::string_view directory,
                    const Examination& found);

}  // namespace journal

#endif  // JOURNAL_REPAIR_H_
