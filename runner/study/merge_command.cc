#include "runner/study/merge_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/journal_lock.h"
#include "runner/base/exit_code.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/signals.h"
#include "runner/base/version.h"
#include "runner/data/selection.h"
#include "runner/display/progress_format.h"
#include "runner/storage/journal_head.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_merge.h"
#include "runner/study/journal_choice.h"
#include "runner/study/merge_inputs.h"

namespace runner {
namespace {

using MaybeRefusal = absl::optional<Refusal>;

Refusal RefuseStatus(absl::string_view where, const absl::Status& status) {
  return {ExitCodeOf(status),
          absl::StrCat(Printable(where), ": ", Printable(status.message()))};
}

using RowsByName =
    absl::flat_hash_map<std::pair<absl::string_view, uint32_t>, uint32_t>;

// Borrows the ids.
RowsByName ByName(const std::vector<RowInfo>& rows) {
  RowsByName by_name;
  by_name.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    by_name.emplace(
        std::make_pair(absl::string_view(rows[i].id), rows[i].occurrence),
        static_cast<uint32_t>(i));
  }
  return by_name;
}

class MergeCommand {
 public:
  MergeCommand(const MergeOptions& options, const journal::Cipher* cipher,
               Console& console)
      : output_(absl::StripSuffix(options.output, "/")),
        aside_(journal::JoinPath(
            journal::ParentDirectory(output_),
            absl::StrCat(".",
                         std::filesystem::path(output_).filename().string(),
                         ".merging"))),
        options_(options),
        console_(console) {
    access_.cipher = cipher;
  }

  int Run();

 private:
  MaybeRefusal Merge();
  MaybeRefusal CheckOutput() const;
  MaybeRefusal ClearAside() const;
  MaybeRefusal MatchRows();
  MaybeRefusal MapRows(const LocatedJournal& shard,
                       const std::vector<RowInfo>& rows);
  void DescribeWhole();
  MaybeRefusal Write();
  MaybeRefusal Publish() const;
  void RemoveAside() const;

  const std::string output_;
  const std::string aside_;  // Where it is made.
  const MergeOptions& options_;
  Console& console_;
  JournalAccess access_;
  std::unique_ptr<SignalCatcher> signals_;
  MergeInputs inputs_;
  std::vector<MergePart> parts_;
  MergeTarget target_;
  ProgressTotals totals_;
};

int MergeCommand::Run() {
  absl::StatusOr<std::unique_ptr<SignalCatcher>> signals =
      SignalCatcher::Install([](int) {});
  if (!signals.ok()) {
    console_.Error(Printable(signals.status().message()));
    return ExitCodeOf(signals.status());
  }
  signals_ = *std::move(signals);
  const MaybeRefusal refusal = Merge();
  if (!refusal.has_value()) return kExitDone;
  console_.Error(refusal->message);
  return refusal->exit_code;
}

MaybeRefusal MergeCommand::Merge() {
  MaybeRefusal refusal = CheckOutput();
  if (!refusal.has_value()) {
    refusal = FindMergeInputs(options_.inputs, access_, &inputs_);
  }
  for (const std::string& note : inputs_.notes) console_.Say(note);
  if (!refusal.has_value()) refusal = MatchRows();
  if (!refusal.has_value()) refusal = ClearAside();
  if (refusal.has_value()) return refusal;
  DescribeWhole();
  refusal = Write();
  if (!refusal.has_value()) refusal = Publish();
  if (refusal.has_value()) {
    RemoveAside();
    return refusal;
  }
  console_.Say(absl::StrCat(
      "Merged ", inputs_.shards.size(),
      " shards: ", WithThousands(totals_.completed), " queries completed, ",
      WithThousands(totals_.failed), " failed. Journal: ", Printable(output_),
      "\nIts results: the command of a shard, without --shard, with "
      "--journal-dir ",
      Printable(journal::ParentDirectory(output_))));
  return absl::nullopt;
}

MaybeRefusal MergeCommand::CheckOutput() const {
  const std::string name = std::filesystem::path(output_).filename().string();
  if (name.empty() || name == "." || name == "..") {
    return Refusal{kExitUsage, absl::StrCat("--output: ", Printable(output_),
                                            " is no name for a journal")};
  }
  absl::StatusOr<bool> exists = access_.file_system->Exists(output_);
  if (!exists.ok()) return RefuseStatus(output_, exists.status());
  if (!*exists) return absl::nullopt;
  return Refusal{kExitUsage,
                 absl::StrCat("--output: ", Printable(output_),
                              " is there already; nothing is overwritten")};
}

// What an interrupted merge left goes, unless another is at work there.
MaybeRefusal MergeCommand::ClearAside() const {
  absl::StatusOr<bool> exists = access_.file_system->Exists(aside_);
  if (!exists.ok()) return RefuseStatus(aside_, exists.status());
  if (!*exists) return absl::nullopt;
  absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
      journal::LockJournal(*access_.file_system, aside_);
  if (!lock.ok()) return RefuseJournal(aside_, lock.status());
  RemoveAside();
  return absl::nullopt;
}

// The merged journal lists the rows as the first shard does.
MaybeRefusal MergeCommand::MatchRows() {
  for (const LocatedJournal& shard : inputs_.shards) {
    absl::StatusOr<std::vector<RowInfo>> rows =
        ReadRows(shard.directory, shard.rows, access_);
    if (!rows.ok()) return RefuseJournal(shard.directory, rows.status());
    if (parts_.empty()) target_.rows = *rows;
    MaybeRefusal refusal = MapRows(shard, *rows);
    if (refusal.has_value()) return refusal;
  }
  return absl::nullopt;
}

MaybeRefusal MergeCommand::MapRows(const LocatedJournal& shard,
                                   const std::vector<RowInfo>& rows) {
  MergePart part;
  part.directory = shard.directory;
  part.shard = {shard.info->shard_index, shard.info->shard_count};
  const auto refuse = [&](const std::string& how) {
    return Refusal{kExitDifference,
                   absl::StrCat(Printable(shard.directory),
                                " was asked with another dataset than ",
                                Printable(parts_.front().directory), ":\n  ",
                                how, "\nNothing was merged.")};
  };
  const std::vector<RowInfo>& whole = target_.rows;
  if (rows.size() != whole.size()) {
    return refuse(
        absl::StrCat("it has ", rows.size(), " rows, not ", whole.size()));
  }
  const auto same = [](const RowInfo& a, const RowInfo& b) {
    return a.id == b.id && a.occurrence == b.occurrence &&
           a.content_hash == b.content_hash;
  };
  // Most often all stand where they stood: no table is needed then.
  RowsByName by_name;
  part.index_of_row.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    uint32_t index = static_cast<uint32_t>(i);
    if (!same(rows[i], whole[i])) {
      if (by_name.empty()) by_name = ByName(whole);
      const auto found =
          by_name.find({absl::string_view(rows[i].id), rows[i].occurrence});
      if (found == by_name.end() || !same(rows[i], whole[found->second])) {
        return refuse(
            absl::StrCat("dataset row ", Printable(rows[i].id), " differs"));
      }
      index = found->second;
    }
    part.index_of_row.push_back(index);
  }
  parts_.push_back(std::move(part));
  return absl::nullopt;
}

// As the benchmark's journal would say, had it been run as one.
void MergeCommand::DescribeWhole() {
  BenchmarkInfo& info = target_.info;
  info = *inputs_.shards.front().info;
  info.run_id = std::filesystem::path(output_).filename().string();
  info.shard_index = 0;
  info.shard_count = 0;
  info.writer_version = kVersion;
  info.writer_commit = std::string(BuildCommit());
  absl::StatusOr<nlohmann::json> config = ParseJson(info.config_json);
  if (config.ok() && config->is_object()) {
    config->erase("shard");
    info.config_json = CanonicalJson(*config);
  }
  target_.directory = aside_;
  target_.selection = inputs_.selections.front();
  target_.selection.queries = 0;
  for (size_t i = 0; i < inputs_.shards.size(); ++i) {
    info.created = std::min(info.created, inputs_.shards[i].info->created);
    target_.selection.queries += inputs_.selections[i].queries;
  }
}

MaybeRefusal MergeCommand::Write() {
  const absl::Status s = MergeJournals(
      parts_, target_, access_, [this] { return signals_->caught() != 0; },
      &totals_);
  if (s.ok()) return absl::nullopt;
  if (absl::IsCancelled(s)) {
    return Refusal{kExitSignal + signals_->caught(),
                   "Interrupted; nothing was merged. The shards are as they "
                   "were"};
  }
  Refusal refusal;
  refusal.exit_code = journal::KindOf(s) == journal::ErrorKind::kInvalidArgument
                          ? static_cast<int>(kExitUsage)
                          : ExitCodeOf(s);
  refusal.message =
      absl::StrCat(Printable(s.message()), "\nNothing was merged.");
  return refusal;
}

MaybeRefusal MergeCommand::Publish() const {
  absl::Status s = access_.file_system->Rename(aside_, output_);
  if (s.ok()) {
    s = access_.file_system->SyncDirectory(journal::ParentDirectory(output_));
  }
  if (s.ok()) return absl::nullopt;
  return RefuseStatus(output_, s);
}

void MergeCommand::RemoveAside() const {
  std::error_code ignored;  // The next merge to this place removes it.
  std::filesystem::remove_all(aside_, ignored);
}

}  // namespace

int RunMerge(const MergeOptions& options, const journal::Cipher* cipher,
             Console& console) {
  return MergeCommand(options, cipher, console).Run();
}

}  // namespace runner
