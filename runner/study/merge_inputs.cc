#include "runner/study/merge_inputs.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/data/selection.h"
#include "runner/storage/journal_head.h"
#include "runner/study/journal_choice.h"

namespace runner {
namespace {

// Missing shards named in one message; the rest is counted.
constexpr size_t kShardsNamedMax = 20;

using MaybeRefusal = absl::optional<Refusal>;

Shard ShardOf(const LocatedJournal& journal) {
  return {journal.info->shard_index, journal.info->shard_count};
}

std::string NameOf(const LocatedJournal& journal) {
  return Printable(journal.directory);
}

class InputFinder {
 public:
  InputFinder(const JournalAccess& access, MergeInputs& inputs)
      : access_(access), inputs_(inputs) {}

  // Finds what `path` names.
  MaybeRefusal Add(const std::string& path);
  // After the last path: checks that all make up a whole.
  MaybeRefusal Check();

 private:
  MaybeRefusal AddJournal(LocatedJournal journal, bool named);
  MaybeRefusal CheckSame(const LocatedJournal& journal) const;
  MaybeRefusal CheckShards() const;
  MaybeRefusal CheckFinished(const LocatedJournal& journal) const;
  MaybeRefusal CheckSelections();

  const JournalAccess& access_;
  MergeInputs& inputs_;
  std::set<std::string> seen_;  // Where they really lie.
};

MaybeRefusal InputFinder::Add(const std::string& path) {
  absl::optional<LocatedJournal> journal = LocateJournal(access_, path);
  if (journal.has_value()) return AddJournal(*std::move(journal), true);
  absl::StatusOr<std::vector<LocatedJournal>> all = ListJournals(access_, path);
  if (!all.ok()) {
    return Refusal{
        ExitCodeOf(all.status()),
        absl::StrCat(Printable(path), ": ", Printable(all.status().message()))};
  }
  if (all->empty()) {
    return Refusal{kExitUsage,
                   absl::StrCat(Printable(path), ": no journal is here")};
  }
  for (LocatedJournal& each : *all) {
    MaybeRefusal refusal = AddJournal(std::move(each), false);
    if (refusal.has_value()) return refusal;
  }
  return absl::nullopt;
}

MaybeRefusal InputFinder::AddJournal(LocatedJournal journal, bool named) {
  std::error_code error;
  std::string place =
      std::filesystem::canonical(journal.directory, error).string();
  if (!error && !seen_.insert(std::move(place)).second) return absl::nullopt;
  if (journal.condition == JournalCondition::kDamaged ||
      journal.condition == JournalCondition::kUnreadable) {
    return RefuseJournal(journal.directory, journal.status);
  }
  if (journal.now.mixed_config) {
    return Refusal{
        kExitDifference,
        absl::StrCat(NameOf(journal),
                     ": its answers were given under more than one "
                     "configuration or dataset (--accept-config-change).\n"
                     "Nothing was merged.")};
  }
  const bool sharded = journal.info.has_value() && !ShardOf(journal).whole();
  if (sharded) {
    inputs_.shards.push_back(std::move(journal));
    return absl::nullopt;
  }
  if (named) {
    return Refusal{
        kExitUsage,
        absl::StrCat(NameOf(journal), journal.info.has_value()
                                          ? ": not a shard: it was run without "
                                            "--shard"
                                          : ": holds nothing yet")};
  }
  inputs_.notes.push_back(
      absl::StrCat("Passed over, not a shard: ", NameOf(journal)));
  return absl::nullopt;
}

MaybeRefusal InputFinder::Check() {
  if (inputs_.shards.empty()) {
    return Refusal{kExitUsage, "There is no journal of a shard to be merged"};
  }
  for (const LocatedJournal& journal : inputs_.shards) {
    MaybeRefusal refusal = CheckSame(journal);
    if (refusal.has_value()) return refusal;
  }
  std::stable_sort(inputs_.shards.begin(), inputs_.shards.end(),
                   [](const LocatedJournal& a, const LocatedJournal& b) {
                     return a.info->shard_index < b.info->shard_index;
                   });
  MaybeRefusal refusal = CheckShards();
  for (size_t i = 0; !refusal.has_value() && i < inputs_.shards.size(); ++i) {
    refusal = CheckFinished(inputs_.shards[i]);
  }
  return refusal.has_value() ? refusal : CheckSelections();
}

// The benchmark, its configuration and its scoring are those of the first.
MaybeRefusal InputFinder::CheckSame(const LocatedJournal& journal) const {
  const LocatedJournal& first = inputs_.shards.front();
  std::string differences;
  if (journal.info->benchmark_id != first.info->benchmark_id) {
    absl::StrAppend(&differences,
                    "  benchmark: ", Printable(first.info->benchmark_id),
                    " -> ", Printable(journal.info->benchmark_id), "\n");
  }
  if (journal.info->identity_hash != first.info->identity_hash) {
    absl::StrAppend(&differences, DifferenceTable(first.info->identity_json,
                                                  journal.info->identity_json));
  }
  if (journal.info->scoring_hash != first.info->scoring_hash) {
    absl::StrAppend(&differences, DifferenceTable(first.info->scoring_json,
                                                  journal.info->scoring_json));
  }
  if (differences.empty()) return absl::nullopt;
  return Refusal{
      kExitDifference,
      absl::StrCat(NameOf(journal),
                   " was asked with another configuration than ", NameOf(first),
                   ":\n", differences, "Nothing was merged.")};
}

// Each of 1..n is there once.
MaybeRefusal InputFinder::CheckShards() const {
  const std::vector<LocatedJournal>& shards = inputs_.shards;
  const uint32_t count = shards.front().info->shard_count;
  for (size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].info->shard_count != count) {
      return Refusal{
          kExitUsage,
          absl::StrCat(NameOf(shards[i]), " is shard ",
                       ShardText(ShardOf(shards[i])), ", which overlaps ",
                       NameOf(shards.front()), ", shard ",
                       ShardText(ShardOf(shards.front())))};
    }
    if (i > 0 &&
        shards[i].info->shard_index == shards[i - 1].info->shard_index) {
      return Refusal{kExitUsage,
                     absl::StrCat("Shard ", ShardText(ShardOf(shards[i])),
                                  " is there twice: ", NameOf(shards[i - 1]),
                                  " and ", NameOf(shards[i]))};
    }
  }
  std::vector<std::string> missing;
  size_t next = 0;
  for (uint32_t index = 1; index <= count; ++index) {
    if (next < shards.size() && shards[next].info->shard_index == index) {
      ++next;
    } else {
      missing.push_back(ShardText({index, count}));
    }
  }
  if (missing.empty()) return absl::nullopt;
  const size_t named = std::min(missing.size(), kShardsNamedMax);
  return Refusal{
      kExitUsage,
      absl::StrCat(
          missing.size() == 1 ? "A shard is missing: " : "Shards are missing: ",
          absl::StrJoin(missing.begin(), missing.begin() + named, ", "),
          named < missing.size()
              ? absl::StrCat(" and ", missing.size() - named, " more")
              : "")};
}

MaybeRefusal InputFinder::CheckFinished(const LocatedJournal& journal) const {
  if (journal.condition == JournalCondition::kComplete) return absl::nullopt;
  return Refusal{
      kExitUsage,
      absl::StrCat(NameOf(journal), ", shard ", ShardText(ShardOf(journal)),
                   ", is unfinished (", journal.totals.completed,
                   " queries completed); run it to its end first")};
}

// What was asked for, without the shard; as it stands if it is no JSON.
std::string WholeSelection(const std::string& selection_json) {
  absl::StatusOr<nlohmann::json> json = ParseJson(selection_json);
  if (!json.ok() || !json->is_object()) return selection_json;
  json->erase("shard");
  return CanonicalJson(*json);
}

MaybeRefusal InputFinder::CheckSelections() {
  for (const LocatedJournal& journal : inputs_.shards) {
    absl::StatusOr<SelectionRecord> selection = ReadSelection(
        journal.directory, *journal.info, journal.selection_lsn, access_);
    if (!selection.ok()) {
      return RefuseJournal(journal.directory, selection.status());
    }
    selection->selection_json = WholeSelection(selection->selection_json);
    inputs_.selections.push_back(*std::move(selection));
    const SelectionRecord& first = inputs_.selections.front();
    const SelectionRecord& last = inputs_.selections.back();
    if (first.runs == last.runs &&
        first.selection_json == last.selection_json) {
      continue;
    }
    return Refusal{
        kExitDifference,
        absl::StrCat(NameOf(journal), " was asked for another selection than ",
                     NameOf(inputs_.shards.front()), ":\n",
                     DifferenceTable(first.selection_json, last.selection_json),
                     "Nothing was merged.")};
  }
  return absl::nullopt;
}

}  // namespace

absl::optional<Refusal> FindMergeInputs(const std::vector<std::string>& paths,
                                        const JournalAccess& access,
                                        MergeInputs* inputs) {
  InputFinder finder(access, *inputs);
  for (const std::string& path : paths) {
    MaybeRefusal refusal = finder.Add(path);
    if (refusal.has_value()) return refusal;
  }
  return finder.Check();
}

}  // namespace runner
