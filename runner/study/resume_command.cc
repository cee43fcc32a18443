#include "runner/study/resume_command.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "journal/file_system.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/data/selection.h"
#include "runner/imports/import_file.h"
#include "runner/results/results_origin.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/journal_choice.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

absl::Status NotFound(absl::string_view why) {
  return absl::NotFoundError(
      absl::StrCat(kNothingToResume, ": ", Printable(why)));
}

// The scoring that holds now goes before that which the journal was begun with.
void TakeScoring(const std::string& scoring_json, GivenOptions& saved) {
  const absl::StatusOr<nlohmann::json> parsed = ParseJson(scoring_json);
  if (!parsed.ok() || !parsed->is_object()) return;
  const nlohmann::json& scoring = *parsed;
  const auto take = [&](const std::string& name, std::string value) {
    saved.erase(name);
    if (value.empty()) return;
    saved[name] = {std::move(value), OptionSource::kJournal, "the journal"};
  };
  const auto text = [&](const char* key) {
    const auto found = scoring.find(key);
    return found != scoring.end() && found->is_string()
               ? found->get<std::string>()
               : std::string();
  };
  take("target-field", text("target_field"));
  take("extract-regex", text("extract_regex"));
  take("extract", text("extract"));
  take("scorer-command", text("scorer_command"));
  std::vector<std::string> scorers;
  const auto list = scoring.find("scorer");
  if (list != scoring.end() && list->is_array()) {
    for (const nlohmann::json& scorer : *list) {
      if (scorer.is_string()) scorers.push_back(scorer.get<std::string>());
    }
  }
  take("scorer", absl::StrJoin(scorers, ","));
}

// Those of a merged journal's sessions are those of its parts.
void TakeShard(const BenchmarkInfo& info, GivenOptions& saved) {
  saved.erase("shard");
  if (info.shard_count == 0) return;
  saved["shard"] = {ShardText({info.shard_index, info.shard_count}),
                    OptionSource::kJournal, "the journal"};
}

// `latest` is the whole study of which the journal is one benchmark. Methods
// that a file defines are known with that file only.
void TakeStudy(const std::string& config_json, GivenOptions& saved,
               ConfigFile& file) {
  GivenOptions lists = StudyOfJournal(config_json);
  const auto defined = lists.find(kStudyFile);
  if (defined != lists.end() && file.methods.empty()) {
    file.notes.push_back(
        absl::StrCat("Its methods are defined in ", defined->second.value,
                     ": this method alone goes on; -c ", defined->second.value,
                     " goes on with all of them"));
    lists.erase("methods");
  }
  lists.erase(kStudyFile);
  lists.erase(kStudyBegan);  // No option.
  for (auto& [name, list] : lists) {
    saved.erase(name.substr(0, name.size() - 1));  // "model" of "models".
    saved[name] = std::move(list);
  }
}

// What a named journal says of itself goes before what the study's options say
// of all.
GivenOptions PinsOf(const std::string& directory, const BenchmarkInfo& info) {
  GivenOptions pinned;
  const auto pin = [&pinned](const std::string& name, std::string value) {
    pinned[name] = {std::move(value), OptionSource::kJournal, "the journal"};
  };
  pin("resume-from", directory);
  pin("journal-dir", journal::ParentDirectory(directory));
  if (!info.model.empty()) pin("model", info.model);
  if (!info.method.empty()) pin("method", info.method);
  return pinned;
}

std::string WithoutSlashes(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return std::string(path);
}

absl::StatusOr<NamedJournal> FollowLatest(absl::string_view journal_dir) {
  const std::string link = journal::JoinPath(journal_dir, kLatestName);
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (error || target.filename() == kLatestName) {
    return NotFound(absl::StrCat(link, " points at no journal"));
  }
  return NamedJournal{
      journal::JoinPath(journal_dir, target.filename().string()),
      /*latest=*/true};
}

// A path that names `latest` says where the study's journals are, too.
void TakeJournalDir(const std::string& named, const std::string& directory,
                    Command& command) {
  if (named == kLatestName) return;
  command.nearer["journal-dir"] = {journal::ParentDirectory(directory),
                                   OptionSource::kCommandLine, named};
}

// Why `named`, which is imported and not resumed, lacks options of a run.
std::string ImportLacks(const std::string& named) {
  if (!IsResultLines(named)) {
    return absl::StrCat(Printable(named),
                        " is of another system: it is imported with the "
                        "options of `bench-runner run`,\n--dataset and an "
                        "evaluator at least");
  }
  std::string text = absl::StrCat(
      Printable(named),
      " holds results of bench-runner, and is no journal: it is imported with "
      "the options of\n`bench-runner run`, --dataset and an evaluator at "
      "least");
  const absl::optional<ResultsOrigin> origin = OriginOfResultLines(named);
  if (origin.has_value() && !origin->journal.empty()) {
    absl::StrAppend(&text, ". Their journal is ", Printable(origin->journal));
  }
  return text;
}

}  // namespace

absl::StatusOr<NamedJournal> FindNamedJournal(absl::string_view text,
                                              absl::string_view journal_dir) {
  std::error_code error;
  const std::string path = WithoutSlashes(text);
  if (path == kLatestName && !fs::exists(fs::symlink_status(path, error))) {
    return FollowLatest(journal_dir);
  }
  const fs::path name = fs::path(path).filename();
  const bool is_link = fs::is_symlink(path, error);
  if (is_link && name == kLatestName) {
    return FollowLatest(journal::ParentDirectory(path));
  }
  if (fs::is_directory(path, error)) {
    if (!is_link && name != "." && name != "..") return NamedJournal{path};
    const fs::path real = fs::canonical(path, error);
    if (error) return NotFound(absl::StrCat(path, ": ", error.message()));
    return NamedJournal{real.string()};
  }
  const absl::optional<ResultsOrigin> origin = OriginOfResults(path);
  if (!origin.has_value() ||
      origin->run_id != fs::path(origin->run_id).filename()) {
    return NotFound(
        absl::StrCat(path,
                     " is neither a journal nor its results, and no "
                     "checkpoint of another system"));
  }
  // Journals of one run id may lie in several directories. Where it was, there
  // may be none any more.
  if (fs::is_directory(origin->journal, error)) {
    return NamedJournal{origin->journal};
  }
  return NamedJournal{journal::JoinPath(journal_dir, origin->run_id)};
}

absl::optional<Refusal> PrepareImport(Command& command, bool* imports) {
  const bool resumes = !command.journals.empty();
  const std::string named =
      resumes ? command.journals.front() : command.run.resume_from;
  *imports = IsImportFile(named);
  if (!*imports) return absl::nullopt;
  if (command.action == Action::kEstimate) {
    return Refusal{kExitUsage,
                   absl::StrCat("estimate reads journals: import ",
                                Printable(named), " first, by `run`")};
  }
  if (resumes) {
    const absl::Status s = ApplyJournal({}, {}, command);
    if (!s.ok() && command.action == Action::kRescore) {
      return Refusal{kExitUsage,
                     absl::StrCat("rescore reads journals: import ",
                                  Printable(named), " first, by `run`")};
    }
    if (!s.ok()) {
      return Refusal{kExitUsage, absl::StrCat(Printable(s.message()), "\n",
                                              ImportLacks(named))};
    }
  }
  const auto import = [&named](RunOptions& run) {
    run.import_from = named;
    run.resume_from.clear();
  };
  import(command.run);
  for (MethodOptions& method : command.methods) import(method.run);
  return absl::nullopt;
}

absl::optional<Refusal> PrepareResume(const JournalAccess& access,
                                      Command& command) {
  const std::string& named = command.journals.front();
  const absl::StatusOr<NamedJournal> found =
      FindNamedJournal(named, command.run.journal_dir);
  if (!found.ok()) {
    return Refusal{kExitUsage, std::string(found.status().message())};
  }
  const std::string& directory = found->directory;
  const absl::optional<LocatedJournal> located =
      LocateJournal(access, directory);
  if (!located.has_value() || located->condition == JournalCondition::kUnborn) {
    return Refusal{kExitUsage,
                   absl::StrCat(kNothingToResume, ": no journal in ",
                                Printable(directory))};
  }
  if (!located->info.has_value()) {
    return RefuseJournal(directory, located->status);
  }
  absl::StatusOr<GivenOptions> saved =
      OptionsOfJournal(located->info->config_json);
  if (!saved.ok()) return RefuseJournal(directory, saved.status());
  TakeScoring(located->info->scoring_json, *saved);
  TakeShard(*located->info, *saved);
  GivenOptions pinned;
  if (found->latest) {
    TakeJournalDir(named, directory, command);
    TakeStudy(located->info->config_json, *saved, command.file);
  } else {
    pinned = PinsOf(directory, *located->info);
    saved->erase("models");
    saved->erase("methods");
  }
  const absl::Status status = ApplyJournal(pinned, *saved, command);
  if (!status.ok()) {
    return Refusal{kExitUsage, Printable(status.message())};
  }
  for (const auto& [name, list] : StudyOfJournal(located->info->config_json)) {
    command.run.study[name] = list.value;
  }
  return absl::nullopt;
}

}  // namespace runner
