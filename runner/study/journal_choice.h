// Which journal a benchmark goes on with, or begins.
#ifndef RUNNER_STUDY_JOURNAL_CHOICE_H_
#define RUNNER_STUDY_JOURNAL_CHOICE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/display/console.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"

namespace runner {

inline constexpr absl::string_view kNothingToResume =
    "No checkpoint available for resume";
inline constexpr absl::string_view kNothingToRetry =
    "No checkpoint available: --retry-failed asks the failed queries of a "
    "journal again, and there is none";

// What is said where there is no journal at all.
inline constexpr char kNothingFound[] = "No checkpoint found, starting";

struct JournalWish {
  std::string journal_dir;
  std::string resume_from;  // This journal and no other; empty: found.
  bool imports = false;     // A new one is made of a checkpoint file.
  std::string benchmark_id;
  std::string identity_json;
  std::string identity_hash;
  uint32_t shard_index = 0;  // 0 of 0: the whole.
  uint32_t shard_count = 0;
  std::string run_id;  // For a new journal; a suffix is added if taken.
  // Journals made before it are another study's; asked for by name they count.
  absl::Time created_min = absl::InfinitePast();
  bool resume = true;          // --resume / --no-resume
  bool new_journal = false;    // --new-journal
  bool overwrite = false;      // --overwrite
  bool accept_change = false;  // --accept-config-change
  // `resume_from` is what the command is about: no option begins another.
  bool bound = false;
};

struct JournalChoice {
  absl::optional<Refusal> refusal;
  std::string directory;
  std::string run_id;
  bool create = false;
  // What was found there, without writing; with `create`, the one beside which
  // it is begun, if it was found first; with a refusal, the one that it is
  // about, if there is one.
  absl::optional<LocatedJournal> found;
  // --overwrite: every journal that this run would have gone on with, or would
  // have been refused for, is to step aside for the new one.
  std::vector<LocatedJournal> replaced;
};

// Looks, decides by runner.md's rules (identity, damage, what is finished), and
// says on the console what it found. Changes nothing.
JournalChoice ChooseJournal(const JournalWish& wish,
                            const JournalAccess& access, Console& console);

// The journal that would be gone on with, found without a word and without
// writing. Nothing where a new one would be begun, or none can be used.
absl::optional<LocatedJournal> FindWished(const JournalWish& wish,
                                          const JournalAccess& access);

// A new journal beside what is there.
JournalChoice NewJournal(const JournalWish& wish, const JournalAccess& access);

// Refusals that name the journal and the next step. `session_begun`: it may
// have been written to.
Refusal RefuseJournal(absl::string_view directory, const absl::Status& status,
                      bool session_begun = false);

// For a refusal: what can be done instead. `old` is what to repeat with,
// `beside` what --new-journal does, `bound` as in JournalWish.
std::string WaysOn(absl::string_view old, absl::string_view beside, bool bound);

// A further line for a refusal: how to go on with the journal all the same.
std::string AcceptChangeHint(absl::string_view directory);

// "a: 1 -> 2", a line each, for two canonical JSON objects.
std::string DifferenceTable(absl::string_view old_json,
                            absl::string_view new_json);

}  // namespace runner

#endif  // RUNNER_STUDY_JOURNAL_CHOICE_H_
