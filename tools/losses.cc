#include "tools/losses.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/storage/progress_state.h"
#include "tools/record_facts.h"

namespace inspector {
namespace {

absl::StatusOr<uint64_t> CountRecords(absl::string_view path,
                                      journal::RecoveryMode mode,
                                      journal::Folder* folder,
                                      const journal::Cipher* cipher) {
  journal::ExamineOptions options;
  options.mode = mode;
  options.folder = folder;
  options.cipher = cipher;
  uint64_t count = 0;
  const absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(path, options, [&](const journal::Record&) { ++count; });
  if (!report.ok()) return report.status();
  return count;
}

// "q6 (run 1)", from the record that began it.
std::string NameOf(journal::Reader& reader, const runner::OpenQuery& query) {
  const journal::ReadResult read = reader.Read(query.lsn);
  if (read.outcome == journal::ReadOutcome::kRecord) {
    const RecordFacts facts = FactsOf(read.record);
    if (facts.key.has_value()) {
      return absl::StrCat(QueryName(*facts.key), " (run ", query.run, ")");
    }
  }
  return absl::StrCat("row ", query.index, " (run ", query.run, ")");
}

void FindOpen(absl::string_view path, const runner::ProgressState& progress,
              const journal::Cipher* cipher, Losses* losses) {
  journal::ReaderOptions options;
  options.cipher = cipher;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(path, options);
  for (const runner::OpenQuery& query :
       runner::InOrderOfLsn(progress.open_queries())) {
    if (query.unscored) ++losses->unscored_count;
    if (!query.in_flight) continue;
    ++losses->unanswered_count;
    if (losses->unanswered.size() < kQueriesNamedMax && reader.ok()) {
      losses->unanswered.push_back(NameOf(**reader, query));
    }
  }
}

}  // namespace

absl::StatusOr<Losses> FindLosses(absl::string_view path,
                                  journal::RecoveryMode mode,
                                  const journal::Cipher* cipher) {
  Losses losses;
  runner::ProgressState progress;
  absl::StatusOr<uint64_t> kept = CountRecords(path, mode, &progress, cipher);
  if (!kept.ok()) return kept.status();
  absl::StatusOr<uint64_t> whole =
      CountRecords(path, journal::RecoveryMode::kSalvage, nullptr, cipher);
  if (!whole.ok()) return whole.status();
  losses.kept = *kept;
  losses.given_up = *whole - *kept;
  losses.has_benchmark = progress.benchmark_lsn() != 0;
  if (progress.announced_queries() > progress.rows()) {
    losses.missing_rows = progress.announced_queries() - progress.rows();
  }
  FindOpen(path, progress, cipher, &losses);
  return losses;
}

std::string UnansweredText(const Losses& losses) {
  if (losses.unanswered_count == 0) return "";
  const uint64_t more = losses.unanswered_count - losses.unanswered.size();
  return absl::StrCat("Begun, with no end among what is kept; asked again: ",
                      absl::StrJoin(losses.unanswered, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

void PrintLosses(const Losses& losses, Context& context) {
  const Style& style = context.style;
  std::ostream& out = context.out;
  out << "Kept: " << style.Count(losses.kept) << " records\n";
  if (losses.given_up > 0) {
    out << "Given up: " << style.Count(losses.given_up)
        << " whole records behind the damage; --mode salvage keeps them\n";
  }
  const std::string unanswered = UnansweredText(losses);
  if (!unanswered.empty()) out << unanswered << "\n";
  if (losses.unscored_count > 0) {
    out << "Answered, with no score among what is kept; scored again, not "
           "asked: "
        << style.Count(losses.unscored_count) << "\n";
  }
  if (!losses.has_benchmark) {
    out << "The Benchmark record is lost: what is kept can be shown, but "
           "bench-runner cannot go on with it\n";
  } else if (losses.missing_rows > 0) {
    out << "The list of " << style.Count(losses.missing_rows)
        << " queries is lost: bench-runner cannot go on with it\n";
  }
}

}  // namespace inspector
