#include "runner/config/existing_keys.h"

#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"

namespace runner {
namespace {

constexpr absl::string_view kSections[] = {"processing", "parallel", "paths",
                                           "checkpoint_system"};

using Result = absl::StatusOr<Translation>;

Translation Set(absl::string_view option, std::string value,
                std::string note = "") {
  Translation translation;
  translation.option = option;
  translation.value = std::move(value);
  translation.note = std::move(note);
  return translation;
}

Result NeedsText(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("needs ", what));
}

// The value goes to the option as it is.
template <const char* kOption>
Result Same(const YamlNode& value) {
  if (value.kind != YamlNode::Kind::kScalar) return NeedsText("one value");
  return Set(kOption, value.text);
}

constexpr char kCheckpointInterval[] = "checkpoint-interval";
constexpr char kJournalDir[] = "journal-dir";
constexpr char kBackupDir[] = "backup-dir";
constexpr char kKeepSnapshots[] = "keep-snapshots";
constexpr char kBackupInterval[] = "backup-interval";
constexpr char kResume[] = "resume";
constexpr char kWorkers[] = "workers";
constexpr char kRuns[] = "runs";
constexpr char kSyncBatches[] = "checkpoint-on-batch-complete";

// False switches the journal off; true is what is done anyway.
Result Journaling(const YamlNode& value) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return on.status();
  Translation translation;
  translation.switches_off = !*on;
  return translation;
}

Result AlwaysOn(const YamlNode& value, absl::string_view what) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return on.status();
  if (*on) return Translation{};
  return Set("", "", absl::StrCat("always on: ", what));
}

Result OnError(const YamlNode& value) {
  return AlwaysOn(value, "each error is journaled when it occurs");
}

Result ValidationOnSave(const YamlNode& value) {
  return AlwaysOn(value, "records are checksummed, snapshots read back");
}

Result CheckpointFile(const YamlNode& value) {
  if (value.kind != YamlNode::Kind::kScalar) return NeedsText("a path");
  const std::string folder =
      std::filesystem::path(value.text).parent_path().string();
  return Set(kJournalDir, folder.empty() ? "." : folder,
             "journals lie in its folder");
}

// A path of a journal, or a switch.
Result ResumeFromCheckpoint(const YamlNode& value) {
  if (value.kind == YamlNode::Kind::kNull) return Translation{};
  if (value.kind != YamlNode::Kind::kScalar) return NeedsText("a path");
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (on.ok()) return Set(kResume, value.text);
  return Set("resume-from", value.text);
}

Result SaveIncremental(const YamlNode& value) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return on.status();
  if (*on) return Set("sync", "each");
  return Translation{};
}

Result Compression(const YamlNode& value) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return Set("compression", value.text);
  if (*on) return Translation{};
  return Set("compression", "1",
             "snapshots are always compressed: the fastest level");
}

// With a key it is on; a switch alone cannot turn it on.
Result Encryption(const YamlNode& value) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return on.status();
  Translation translation;
  translation.needs_key = *on;
  return translation;
}

Result AutoCleanupOld(const YamlNode& value) {
  const absl::StatusOr<bool> on = ParseBool(value.text);
  if (!on.ok()) return on.status();
  return Set(
      "", "",
      *on ? "concerns snapshots, of which keep_snapshots stay; a journal goes "
            "only by `journalctl-bench cleanup`"
          : "snapshots beyond keep_snapshots are removed all the same; nothing "
            "in them is lost");
}

Result RecoveryModeOf(const YamlNode& value) {
  if (value.text == "automatic" || value.text == "strict") return Translation{};
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(value.text),
      " is not known here: a journal opens by itself unless acknowledged data "
      "is damaged; then `journalctl-bench repair` salvages on request"));
}

struct ExistingKey {
  absl::string_view section;  // Empty: at the top.
  absl::string_view name;
  Result (*translate)(const YamlNode& value);
};

constexpr ExistingKey kKeys[] = {
    {"", "num_runs", Same<kRuns>},
    {"processing", "enable_resume", Journaling},
    {"processing", "enable_checkpointing", Journaling},
    {"processing", "checkpoint_interval", Same<kCheckpointInterval>},
    {"processing", "checkpoint_directory", Same<kJournalDir>},
    {"processing", "resume_from_checkpoint", ResumeFromCheckpoint},
    {"processing", "auto_resume", Same<kResume>},
    {"processing", "save_incremental", SaveIncremental},
    {"processing", "parallel_workers", Same<kWorkers>},
    {"parallel", "checkpoint_interval", Same<kCheckpointInterval>},
    {"parallel", "checkpoint_on_batch_complete", Same<kSyncBatches>},
    {"parallel", "checkpoint_on_error", OnError},
    {"paths", "checkpoint_file", CheckpointFile},
    {"paths", "checkpoint_backup_dir", Same<kBackupDir>},
    {"", "max_checkpoint_backups", Same<kKeepSnapshots>},
    {"checkpoint_system", "max_checkpoint_backups", Same<kKeepSnapshots>},
    {"checkpoint_system", "compression", Compression},
    {"checkpoint_system", "encryption", Encryption},
    {"checkpoint_system", "validation_on_save", ValidationOnSave},
    {"checkpoint_system", "auto_cleanup_old", AutoCleanupOld},
    {"checkpoint_system", "backup_interval", Same<kBackupInterval>},
    {"checkpoint_system", "recovery_mode", RecoveryModeOf},
};

}  // namespace

absl::Span<const absl::string_view> ExistingSections() { return kSections; }

bool IsExistingSection(absl::string_view key) {
  for (const absl::string_view section : kSections) {
    if (key == section) return true;
  }
  return false;
}

absl::StatusOr<absl::optional<Translation>> TranslateExistingKey(
    absl::string_view key, const YamlNode& value) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(key, absl::MaxSplits('.', 1));
  const absl::string_view section = parts.size() == 2 ? parts[0] : "";
  const absl::string_view name = parts.back();
  for (const ExistingKey& existing : kKeys) {
    if (existing.name != name) continue;
    // Those who write a key without its section mean the same.
    if (!section.empty() && section != existing.section) continue;
    Result result = existing.translate(value);
    if (!result.ok()) return result.status();
    return absl::make_optional(*std::move(result));
  }
  return absl::optional<Translation>();
}

std::vector<std::string> ExistingKeyNames() {
  std::vector<std::string> names;
  for (const ExistingKey& key : kKeys) {
    names.push_back(key.section.empty()
                        ? std::string(key.name)
                        : absl::StrCat(key.section, ".", key.name));
  }
  return names;
}

}  // namespace runner
