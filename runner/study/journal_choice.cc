#include "runner/study/journal_choice.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "runner/base/printable.h"
#include "runner/config/encryption_key.h"
#include "runner/config/identity.h"
#include "runner/data/selection.h"
#include "runner/storage/journal_locator.h"

namespace runner {
namespace {

JournalQuery QueryOf(const JournalWish& wish) {
  JournalQuery query;
  query.benchmark_id = wish.benchmark_id;
  query.identity_hash = wish.identity_hash;
  query.run_id = wish.run_id;
  query.shard_index = wish.shard_index;
  query.shard_count = wish.shard_count;
  query.created_min = wish.created_min;
  return query;
}

JournalChoice Refuse(Refusal refusal,
                     absl::optional<LocatedJournal> found = absl::nullopt) {
  JournalChoice choice;
  choice.refusal = std::move(refusal);
  choice.found = std::move(found);
  return choice;
}

// Some errors begin with the directory, or with the path of a file in it.
std::string MessageWith(absl::string_view directory,
                        const absl::Status& status) {
  const std::string where = Printable(directory);
  std::string message = Printable(status.message());
  absl::string_view behind = message;
  if (absl::ConsumePrefix(&behind, where) &&
      (absl::StartsWith(behind, ":") || absl::StartsWith(behind, "/"))) {
    return message;
  }
  return absl::StrCat(where, ": ", message);
}

JournalChoice RefuseStatus(absl::string_view journal_dir,
                           const absl::Status& status) {
  return Refuse({ExitCodeOf(status), MessageWith(journal_dir, status)});
}

Refusal RefuseOther(const JournalWish& wish, const LocatedJournal& other) {
  const std::string where = Printable(other.directory);
  const bool complete = other.condition == JournalCondition::kComplete;
  std::string message = absl::StrCat(
      where, complete ? " is complete" : " is unfinished",
      " and was asked with another configuration:\n",
      DifferenceTable(other.info->identity_json, wish.identity_json));
  if (complete && wish.accept_change) {
    absl::StrAppend(&message,
                    "Nothing was changed. Nothing is left in it to go on with: "
                    "`run` starts one beside it");
  } else if (complete) {
    absl::StrAppend(&message,
                    "Nothing was changed. Repeat with the old configuration, "
                    "or `run`, naming no\njournal, starts one beside it");
  } else {
    absl::StrAppend(
        &message,
        WaysOn("the old configuration", "starts one beside it", wish.bound),
        AcceptChangeHint(where));
  }
  return {kExitDifference, std::move(message)};
}

JournalChoice GoOnWith(const LocatedJournal& found, Console& console) {
  if (found.condition == JournalCondition::kDamaged ||
      found.condition == JournalCondition::kUnreadable) {
    return Refuse(RefuseJournal(found.directory, found.status), found);
  }
  console.Say(absl::StrCat("Found journal: ", Printable(found.directory)));
  JournalChoice choice;
  choice.directory = found.directory;
  choice.run_id = found.name;
  choice.found = found;
  return choice;
}

Shard ShardOf(const BenchmarkInfo& info) {
  return {info.shard_index, info.shard_count};
}

// A shard's journal holds that shard and nothing else, or none could be merged.
Refusal RefuseShard(const LocatedJournal& found, const Shard& asked) {
  const auto named = [](const Shard& shard) {
    return shard.whole() ? std::string("no shard")
                         : absl::StrCat("shard ", ShardText(shard));
  };
  return {kExitDifference,
          absl::StrCat(Printable(found.directory), " is of ",
                       named(ShardOf(*found.info)), ", and ", named(asked),
                       " is asked for. Nothing was changed")};
}

// The one that is asked for by name: whatever it is, no other takes its place.
JournalChoice NamedJournal(const JournalWish& wish, const JournalAccess& access,
                           Console& console) {
  const absl::optional<LocatedJournal> found =
      LocateJournal(access, wish.resume_from);
  if (!found.has_value() || found->condition == JournalCondition::kUnborn) {
    return Refuse(
        {kExitUsage, absl::StrCat(kNothingToResume, ": no journal in ",
                                  Printable(wish.resume_from))});
  }
  const bool acceptable =
      wish.accept_change && found->condition != JournalCondition::kComplete;
  if (found->info.has_value() && !acceptable &&
      found->info->identity_hash != wish.identity_hash) {
    return Refuse(RefuseOther(wish, *found), found);
  }
  const Shard asked = {wish.shard_index, wish.shard_count};
  if (found->info.has_value() && !(ShardOf(*found->info) == asked)) {
    return Refuse(RefuseShard(*found, asked), found);
  }
  return GoOnWith(*found, console);
}

// A finished journal of the same benchmark with another configuration is no
// hindrance, but it is worth knowing why it was not found.
void SayWhyNew(const JournalWish& wish, const JournalAccess& access,
               Console& console) {
  absl::StatusOr<std::vector<LocatedJournal>> all =
      ListJournals(access, wish.journal_dir);
  if (all.ok()) {
    for (const LocatedJournal& other : *all) {
      if (other.condition != JournalCondition::kComplete ||
          !other.info.has_value() || other.info->created < wish.created_min ||
          other.info->benchmark_id != wish.benchmark_id ||
          other.info->shard_index != wish.shard_index ||
          other.info->shard_count != wish.shard_count) {
        continue;
      }
      console.Say(absl::StrCat(
          Printable(other.directory),
          " is complete with another configuration; starting a new journal "
          "beside it:\n",
          DifferenceTable(other.info->identity_json, wish.identity_json)));
      return;
    }
  }
  if (!wish.imports) console.Say(kNothingFound);
}

}  // namespace

Refusal RefuseJournal(absl::string_view directory, const absl::Status& status,
                      bool session_begun) {
  const std::string where = Printable(directory);
  Refusal refusal;
  refusal.exit_code = ExitCodeOf(status);
  refusal.message = MessageWith(directory, status);
  switch (refusal.exit_code) {
    case kExitDamage:
      absl::StrAppend(&refusal.message,
                      session_begun
                          ? "\nNothing new is asked; answers that were under "
                            "way are journaled. Next:\n"
                          : "\nNothing was changed, and nothing was asked. "
                            "Next:\n",
                      "  journalctl-bench verify ", where,
                      "   lists what is damaged\n"
                      "  journalctl-bench repair ",
                      where,
                      "   keeps all that is whole\n"
                      "  --overwrite moves it to replaced/ and starts over");
      break;
    case kExitLocked:
      absl::StrAppend(&refusal.message,
                      "\nWait for it to end, or stop it; nothing needs to be "
                      "removed.");
      break;
    case kExitNewer:
      absl::StrAppend(&refusal.message,
                      "\nUse the version that wrote it; it is not damaged.");
      break;
    default:
      if (journal::KindOf(status) == journal::ErrorKind::kKey) {
        absl::StrAppend(&refusal.message,
                        "\nGive its key by --encryption-key-file, or in ",
                        kEncryptionKeyVariable, ".");
      }
      if (journal::KindOf(status) == journal::ErrorKind::kNoSpace) {
        absl::StrAppend(&refusal.message,
                        "\nThe disk is full. What was journaled is kept: make "
                        "space and run the same command again.");
      }
  }
  return refusal;
}

std::string WaysOn(absl::string_view old, absl::string_view beside,
                   bool bound) {
  return absl::StrCat("Nothing was changed. Repeat with ", old,
                      " to go on, or\n",
                      bound ? "`run`, naming no journal, with\n" : "",
                      "  --new-journal  ", beside,
                      "\n  --overwrite    moves it to replaced/ and starts "
                      "over");
}

std::string AcceptChangeHint(absl::string_view directory) {
  return absl::StrCat("\n  bench-runner resume ", directory,
                      " --accept-config-change\n                 goes on with "
                      "what is not answered; results say mixed_config");
}

std::string DifferenceTable(absl::string_view old_json,
                            absl::string_view new_json) {
  absl::StatusOr<std::vector<JsonDifference>> differences =
      DiffJson(old_json, new_json);
  if (!differences.ok()) {
    return absl::StrCat("  ", Printable(differences.status().message()), "\n");
  }
  std::string table;
  for (const JsonDifference& each : *differences) {
    const auto shown = [](const std::string& json) {
      return json.empty() ? std::string("(not set)") : Printable(json);
    };
    absl::StrAppend(&table, "  ", Printable(each.key), ": ",
                    shown(each.old_json), " -> ", shown(each.new_json), "\n");
  }
  return table;
}

JournalChoice NewJournal(const JournalWish& wish, const JournalAccess& access) {
  absl::StatusOr<std::string> run_id =
      FreeRunId(access, wish.journal_dir, wish.run_id);
  if (!run_id.ok()) return RefuseStatus(wish.journal_dir, run_id.status());
  JournalChoice choice;
  choice.create = true;
  choice.run_id = *run_id;
  choice.directory = journal::JoinPath(wish.journal_dir, *run_id);
  return choice;
}

absl::optional<LocatedJournal> FindWished(const JournalWish& wish,
                                          const JournalAccess& access) {
  absl::optional<LocatedJournal> found;
  if (!wish.resume_from.empty()) {
    found = LocateJournal(access, wish.resume_from);
  } else if (wish.resume && !wish.overwrite) {
    absl::StatusOr<JournalMatch> match =
        FindJournal(access, wish.journal_dir, QueryOf(wish));
    if (match.ok() && !match->same.has_value() && wish.accept_change) {
      found = std::move(match->other_identity);
    } else if (match.ok()) {
      found = std::move(match->same);
    }
  }
  const bool usable =
      found.has_value() && (found->condition == JournalCondition::kComplete ||
                            found->condition == JournalCondition::kUnfinished);
  return usable ? found : absl::nullopt;
}

JournalChoice ChooseJournal(const JournalWish& wish,
                            const JournalAccess& access, Console& console) {
  if (!wish.resume_from.empty()) return NamedJournal(wish, access, console);
  if (!wish.resume && !wish.overwrite) return NewJournal(wish, access);

  absl::StatusOr<JournalMatch> match =
      FindJournal(access, wish.journal_dir, QueryOf(wish));
  if (!match.ok()) return RefuseStatus(wish.journal_dir, match.status());
  if (wish.overwrite) {
    JournalChoice choice = NewJournal(wish, access);
    for (absl::optional<LocatedJournal>* found :
         {&match->same, &match->other_identity}) {
      if (found->has_value()) choice.replaced.push_back(**std::move(found));
    }
    return choice;
  }
  if (!match->same.has_value()) {
    if (match->other_identity.has_value() && wish.accept_change) {
      return GoOnWith(*match->other_identity, console);
    }
    if (match->other_identity.has_value() && !wish.new_journal) {
      return Refuse(RefuseOther(wish, *match->other_identity),
                    match->other_identity);
    }
    SayWhyNew(wish, access, console);
    return NewJournal(wish, access);
  }
  return GoOnWith(*match->same, console);
}

}  // namespace runner
