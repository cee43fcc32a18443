#include "runner/study/import_entry.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/journal_lock.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/display/progress_format.h"
#include "runner/imports/import_file.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/dataset_match.h"
#include "runner/study/journal_choice.h"

namespace runner {
namespace {

using MaybeRefusal = absl::optional<Refusal>;

// Results named in one message; the rest is counted.
constexpr size_t kResultsNamedMax = 20;

std::string NameOfFile(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// As people find it in the file again.
std::string NameOf(const ImportedResult& result) {
  std::string name = !result.id.empty() ? Quoted(result.id) : std::string();
  if (name.empty() && !result.question.empty()) name = Quoted(result.question);
  if (name.empty() && result.index.has_value()) {
    name = absl::StrCat("number ", *result.index);
  }
  if (name.empty()) name = "one without id, question or number";
  if (result.occurrence.has_value() && *result.occurrence > 0) {
    absl::StrAppend(&name, " (occurrence ", *result.occurrence, ")");
  }
  return name;
}

std::string NamesOf(const std::vector<const ImportedResult*>& results) {
  std::string text;
  for (size_t i = 0; i < results.size() && i < kResultsNamedMax; ++i) {
    absl::StrAppend(&text, "  ", NameOf(*results[i]), "\n");
  }
  if (results.size() > kResultsNamedMax) {
    absl::StrAppend(&text, "  and ",
                    WithThousands(results.size() - kResultsNamedMax),
                    " more\n");
  }
  return text;
}

Refusal RefuseUnmatched(const RunOptions& options, const Dataset& dataset,
                        const PlannedImport& planned) {
  const size_t count = planned.match.unmatched.size();
  std::string message = absl::StrCat(
      Printable(options.import_from), ": ", WithThousands(count), " of ",
      WithThousands(planned.file.results.size()),
      count == 1 ? " results matches" : " results match", " no query of ",
      Printable(dataset.path()), ", neither by id nor by question",
      options.index_base.has_value() ? ", nor by number" : "", ":\n",
      NamesOf(planned.match.unmatched),
      "Nothing was written. --id-field and --input-field say where the dataset "
      "has ids and\nquestions");
  if (planned.match.ambiguous > 0) {
    absl::StrAppend(&message, ". Of those named, ",
                    WithThousands(planned.match.ambiguous),
                    planned.match.ambiguous == 1 ? " has" : " have",
                    " a question that several queries\nhave: only an id tells "
                    "which is meant");
  }
  if (!options.index_base.has_value()) {
    absl::StrAppend(&message,
                    "; --index-base 0|1 goes by position where results have "
                    "numbers");
  }
  return {kExitDifference, std::move(message)};
}

// All of it would be asked again, as if the file had been of use.
Refusal RefuseEmpty(const RunOptions& options, const ImportedFile& file) {
  return {kExitUsage,
          absl::StrCat(Printable(options.import_from),
                       ": cut, or damaged, at byte ", *file.cut_at, " (",
                       Printable(file.cut_why),
                       "), and no whole result is before that: nothing is "
                       "imported.\nWithout the file, everything is asked: "
                       "bench-runner run")};
}

Refusal RefuseRuns(const RunOptions& options, const PlannedImport& planned) {
  const std::vector<const ImportedResult*>& beyond = planned.match.beyond;
  uint32_t last = 0;
  for (const ImportedResult* each : beyond) last = std::max(last, each->run);
  return {
      kExitDifference,
      absl::StrCat(Printable(options.import_from), ": ",
                   WithThousands(beyond.size()), " results are of run ", last,
                   beyond.size() == 1 ? "" : " and those before", ", and ",
                   options.runs, options.runs == 1 ? " run is" : " runs are",
                   " asked for:\n", NamesOf(beyond),
                   "Nothing was written. --runs ", last, " asks for them")};
}

// "1 result", "1,200 results".
std::string Results(uint64_t count) {
  return absl::StrCat(WithThousands(count),
                      count == 1 ? " result" : " results");
}

void AddNotes(PlannedImport& planned) {
  ImportedFile& file = planned.file;
  std::vector<std::string>& notes = planned.notes;
  if (file.cut_at.has_value()) {
    notes.push_back(absl::StrCat("It is cut, or damaged, at byte ",
                                 *file.cut_at, " (", Printable(file.cut_why),
                                 "): what is whole before is imported, ",
                                 Results(file.results.size())));
  }
  for (std::string& note : file.notes) notes.push_back(std::move(note));
  const auto without_output =
      std::count_if(planned.match.placed.begin(), planned.match.placed.end(),
                    [](const PlacedResult& each) {
                      return !each.result->error.has_value() &&
                             !each.result->output.has_value();
                    });
  if (without_output > 0) {
    notes.push_back(absl::StrCat(
        "Without an output: ", Results(static_cast<uint64_t>(without_output)),
        "; completed, with the scores that came with them or none: no scorer "
        "can score them"));
  }
  if (planned.match.replaced > 0) {
    notes.push_back(absl::StrCat(
        "Of queries that have another: ", Results(planned.match.replaced),
        "; the last that did not fail counts"));
  }
  if (planned.match.other_shards > 0) {
    notes.push_back(absl::StrCat("Of other shards, and left to them: ",
                                 Results(planned.match.other_shards)));
  }
  if (file.total_cost.has_value()) {
    notes.push_back(absl::StrFormat(
        "It says that $%.2f were spent, but not on what: kept, and not held "
        "against --max-cost",
        *file.total_cost));
  }
}

// The configuration of the imported session: that of the run, and what the file
// says of its own.
std::string SessionJson(const std::string& marked_config,
                        const ImportedFile& file) {
  absl::StatusOr<nlohmann::json> config = ParseJson(marked_config);
  if (!config.ok() || !config->is_object()) return marked_config;
  nlohmann::json& imported = (*config)["imported"];
  const auto add = [&](const char* key, const std::string& json) {
    const absl::StatusOr<nlohmann::json> value = ParseJson(json);
    if (value.ok()) imported[key] = *value;
  };
  add("config", file.config_json);
  add("cost", file.cost_json);
  if (!file.name.empty()) imported["name"] = ValidUtf8(file.name);
  return CanonicalJson(*config);
}

}  // namespace

MaybeRefusal PlanImport(const RunOptions& options, absl::string_view model,
                        const Dataset& dataset, PlannedImport* planned) {
  const auto refuse = [](const absl::Status& status) {
    return Refusal{kExitUsage, Printable(status.message())};
  };
  absl::StatusOr<ImportedFile> file = ReadImportFile(options.import_from);
  if (!file.ok()) return refuse(file.status());
  planned->file = *std::move(file);
  if (planned->file.cut_at.has_value() && planned->file.results.empty()) {
    return RefuseEmpty(options, planned->file);
  }
  planned->mark = {NameOfFile(options.import_from),
                   std::string(ImportFormatName(planned->file.format)),
                   planned->file.sha256};
  const absl::StatusOr<Fields> fields =
      Fields::Create(options.fields, model, options.method);
  if (!fields.ok()) return refuse(fields.status());
  ImportMatchOptions match;
  match.index_base = options.index_base;
  match.runs = options.runs;
  match.shard = options.shard;
  absl::StatusOr<ImportMatch> matched =
      MatchImport(planned->file, dataset, *fields, match);
  if (!matched.ok()) return refuse(matched.status());
  planned->match = *std::move(matched);
  if (!planned->match.unmatched.empty()) {
    return RefuseUnmatched(options, dataset, *planned);
  }
  if (!planned->match.beyond.empty()) return RefuseRuns(options, *planned);
  for (const PlacedResult& each : planned->match.placed) {
    ++(each.result->error.has_value() ? planned->failed : planned->completed);
  }
  AddNotes(*planned);
  return absl::nullopt;
}

std::string ImportText(const PlannedImport& planned, uint64_t total) {
  std::string text =
      absl::StrCat(Printable(planned.mark.file), " (", planned.mark.format,
                   "): ", WithThousands(planned.completed), " of ",
                   WithThousands(total), " queries completed");
  if (planned.failed > 0) {
    absl::StrAppend(&text, ", ", WithThousands(planned.failed), " failed");
  }
  return text;
}

ImportCounts CountImport(const PlannedImport& planned, uint32_t runs,
                         const std::vector<uint32_t>& selected) {
  const absl::flat_hash_set<uint32_t> rows(selected.begin(), selected.end());
  ImportCounts counts;
  for (const PlacedResult& each : planned.match.placed) {
    if (each.result->run > runs || !rows.contains(each.row)) continue;
    const absl::optional<ImportedError>& error = each.result->error;
    counts.completed += error.has_value() ? 0 : 1;
    counts.failed += error.has_value() ? 1 : 0;
    counts.failed_for_good += error.has_value() && !error->retryable ? 1 : 0;
  }
  return counts;
}

MaybeRefusal MakeImport(const PlannedImport& planned,
                        const std::string& directory, BenchmarkInfo info,
                        const Dataset& dataset, const JournalAccess& access,
                        const std::function<bool()>& stopped) {
  ImportTarget target;
  target.directory = directory;
  target.info = std::move(info);
  target.info.config_json =
      WithImportMark(target.info.config_json, planned.mark);
  target.session_json = SessionJson(target.info.config_json, planned.file);
  target.rows = dataset.size();
  target.row = [&dataset](uint64_t i) { return RowAt(dataset, i); };
  const absl::Status s =
      WriteImport(planned.file, planned.match.placed, target, access, stopped);
  if (s.ok()) return absl::nullopt;
  if (absl::IsCancelled(s)) {
    return Refusal{kExitOperation, "Interrupted; nothing was imported"};
  }
  return RefuseJournal(directory, s);
}

Refusal RefuseBegunMeanwhile(const std::string& directory) {
  return {kExitLocked,
          absl::StrCat(Printable(directory),
                       " was begun by another process meanwhile; nothing was "
                       "imported. --no-resume imports\ninto a new journal "
                       "beside it")};
}

MaybeRefusal PublishImport(const std::string& made,
                           const std::string& directory,
                           const JournalAccess& access) {
  // A name may be taken by what another creation left, without a record.
  const absl::optional<LocatedJournal> found = LocateJournal(access, directory);
  if (found.has_value() && found->condition != JournalCondition::kUnborn) {
    return RefuseBegunMeanwhile(directory);
  }
  journal::FileSystem& fs = *access.file_system;
  absl::StatusOr<bool> exists = fs.Exists(directory);
  if (!exists.ok()) return RefuseJournal(directory, exists.status());
  if (*exists) {
    absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
        journal::LockJournal(fs, directory);
    if (!lock.ok()) return RefuseJournal(directory, lock.status());
    std::error_code ignored;  // What stays in the way shows at once.
    std::filesystem::remove_all(directory, ignored);
  }
  absl::Status s = fs.Rename(made, directory);
  if (s.ok()) s = fs.SyncDirectory(journal::ParentDirectory(directory));
  if (s.ok()) return absl::nullopt;
  return RefuseJournal(directory, s);
}

MaybeRefusal CheckImported(const RunOptions& options,
                           const std::string& directory,
                           const JournalAccess& access, Console& console) {
  const std::string file = Printable(NameOfFile(options.import_from));
  const absl::StatusOr<std::string> hash = HashImportFile(options.import_from);
  if (!hash.ok()) {
    return Refusal{kExitUsage, Printable(hash.status().message())};
  }
  const absl::StatusOr<absl::optional<ImportMark>> mark =
      ReadImportMark(directory, access);
  if (!mark.ok()) return RefuseJournal(directory, mark.status());
  if (mark->has_value() && (*mark)->sha256 == *hash) {
    console.Say(absl::StrCat(
        file, " was imported into it before, and is not imported again"));
    return absl::nullopt;
  }
  const std::string where = Printable(directory);
  const std::string what =
      mark->has_value()
          ? absl::StrCat(" was made of ", Printable((*mark)->file), " (",
                         Printable((*mark)->format), ", SHA-256 ",
                         Printable((*mark)->sha256.substr(0, 16)),
                         "), and not of what ", file, " holds now")
          : absl::StrCat(" is there already, and ", file,
                         " was not imported into it");
  return Refusal{kExitDifference,
                 absl::StrCat(where, what,
                              ".\nNothing was changed. Either\n"
                              "  bench-runner resume ",
                              where,
                              "   goes on without the file, or\n"
                              "  --no-resume   imports it into a new journal "
                              "beside this one")};
}

}  // namespace runner
