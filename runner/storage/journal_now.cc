#include "runner/storage/journal_now.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

absl::Status BadChange(journal::Lsn lsn) {
  return journal::MakeError(
      journal::ErrorKind::kDamage,
      absl::StrCat("LSN ", lsn, ": an accepted change that cannot be read"));
}

absl::Status ReadScoring(journal::Reader& reader, journal::Lsn lsn,
                         BenchmarkInfo& info) {
  absl::StatusOr<ScoringRecord> scoring =
      ReadRecord<ScoringRecord>(reader, lsn);
  if (!scoring.ok()) return scoring.status();
  info.scoring_json = std::move(scoring->scoring_json);
  info.scoring_hash = std::move(scoring->scoring_hash);
  return absl::OkStatus();
}

absl::Status ReadIdentity(journal::Reader& reader, journal::Lsn lsn,
                          BenchmarkInfo& info) {
  absl::StatusOr<OverrideRecord> change =
      ReadRecord<OverrideRecord>(reader, lsn);
  if (!change.ok()) return change.status();
  const absl::StatusOr<nlohmann::json> identity = ParseJson(change->new_json);
  if (!identity.ok() || !identity->is_object()) return BadChange(lsn);
  info.model = TextOf(*identity, "model");
  info.method = TextOf(*identity, "method");
  info.identity_json = std::move(change->new_json);
  info.identity_hash = Sha256Hex(info.identity_json);
  return absl::OkStatus();
}

absl::Status ReadDataset(journal::Reader& reader, journal::Lsn lsn,
                         JournalNow& now) {
  absl::StatusOr<OverrideRecord> change =
      ReadRecord<OverrideRecord>(reader, lsn);
  if (!change.ok()) return change.status();
  const absl::StatusOr<nlohmann::json> dataset = ParseJson(change->new_json);
  if (!dataset.ok() || !dataset->is_string()) return BadChange(lsn);
  now.accepted_dataset = dataset->get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadSession(journal::Reader& reader, journal::Lsn lsn,
                         BenchmarkInfo& info, JournalNow& now) {
  absl::StatusOr<SessionRecord> session =
      ReadRecord<SessionRecord>(reader, lsn);
  if (!session.ok()) return session.status();
  now.session_started = session->started;
  if (!session->config_json.empty()) {
    info.config_json = std::move(session->config_json);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadWhatHolds(journal::Reader& reader, const ProgressState& state,
                           BenchmarkInfo& info, JournalNow& now) {
  now.mixed_config = state.mixed_config();
  absl::Status s;
  if (const journal::Lsn lsn = state.newest_scoring_lsn(); lsn != 0) {
    s = ReadScoring(reader, lsn, info);
  }
  if (const journal::Lsn lsn = state.newest_identity_lsn();
      s.ok() && lsn != 0) {
    s = ReadIdentity(reader, lsn, info);
  }
  if (const journal::Lsn lsn = state.newest_dataset_lsn(); s.ok() && lsn != 0) {
    s = ReadDataset(reader, lsn, now);
  }
  if (const journal::Lsn lsn = state.newest_session_lsn(); s.ok() && lsn != 0) {
    s = ReadSession(reader, lsn, info, now);
  }
  return s;
}

}  // namespace runner
