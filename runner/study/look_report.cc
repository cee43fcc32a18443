#include "runner/study/look_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "runner/base/json_writer.h"
#include "runner/base/printable.h"
#include "runner/config/identity.h"
#include "runner/config/option_table.h"
#include "runner/config/shown_options.h"
#include "runner/display/progress_format.h"

namespace runner {
namespace {

constexpr char kHidden[] = "(set)";
constexpr char kNotSet[] = "(not set)";

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, absl::LocalTimeZone());
}

std::string IsoDate(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// Its progress is known.
bool IsRead(const BenchmarkLook& look) {
  return look.journal.has_value() &&
         (look.journal->condition == JournalCondition::kComplete ||
          look.journal->condition == JournalCondition::kUnfinished);
}

std::string JournalName(const BenchmarkLook& look) {
  return look.journal.has_value() ? look.journal->directory : "";
}

void AppendIndented(absl::string_view text, std::string& out) {
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&out, "  ", Printable(line), "\n");
  }
}

void AppendFact(absl::string_view name, absl::string_view value,
                std::string& out) {
  absl::StrAppendFormat(&out, "  %-14s %s\n", std::string(name),
                        std::string(value));
}

// Notes and refusal, which say why it would do what it would.
std::string WhyText(const BenchmarkLook& look) {
  std::string text;
  for (const std::string& note : look.notes) AppendIndented(note, text);
  if (look.refusal.has_value()) AppendIndented(look.refusal->message, text);
  return text;
}

std::string WhyMessage(const BenchmarkLook& look) {
  std::string text;
  for (const std::string& note : look.notes) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", note);
  }
  if (look.refusal.has_value()) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", look.refusal->message);
  }
  return text;
}

// Answers of which nobody knows the cost, and none of which it is known.
bool CostIsUnknown(const ProgressTotals& totals) {
  return totals.unpriced > 0 && totals.cost <= 0;
}

std::string CostText(const ProgressTotals& totals) {
  if (CostIsUnknown(totals)) return "unknown";
  std::string text = FormatDollars(totals.cost);
  if (totals.unpriced > 0) {
    absl::StrAppend(&text, "; the cost of ", WithThousands(totals.unpriced),
                    " answers is unknown");
  }
  if (totals.unmetered > 0) {
    absl::StrAppend(&text, " (", WithThousands(totals.unmetered),
                    " attempts did not say their usage)");
  }
  return text;
}

void WriteDates(const BenchmarkLook& look, JsonWriter& json) {
  const LocatedJournal& journal = *look.journal;
  if (journal.info.has_value()) {
    json.Key("created").String(IsoDate(journal.info->created));
  }
  if (journal.totals.sessions > 0) {
    json.Key("session_started").String(IsoDate(journal.now.session_started));
  }
  if (journal.condition == JournalCondition::kComplete) {
    json.Key("complete_since").String(IsoDate(journal.complete_time));
  }
  json.Key("sessions").Number(uint64_t{journal.totals.sessions});
  json.Key("elapsed_seconds")
      .Number(absl::ToDoubleSeconds(journal.totals.elapsed));
}

void WriteJournal(const BenchmarkLook& look, JsonWriter& json) {
  json.Key("journal").StringOrNull(JournalName(look));
  if (!look.journal.has_value()) return;
  const LocatedJournal& journal = *look.journal;
  json.Key("state").String(JournalConditionName(journal.condition));
  json.Key("written_to").Bool(look.writer.has_value());
  if (!IsRead(look)) return;
  WriteDates(look, json);
  json.Key("journal_total").Number(look.journal_total);
  json.Key("completed").Number(journal.totals.completed);
  json.Key("failed").Number(journal.totals.failed);
  json.Key("in_doubt").Number(look.in_doubt);
  json.Key("attempts").Number(journal.totals.attempts);
  json.Key("cost");
  if (CostIsUnknown(journal.totals)) {
    json.Null();
  } else {
    json.Number(journal.totals.cost);
  }
  json.Key("unpriced").Number(journal.totals.unpriced);
  json.Key("unmetered").Number(journal.totals.unmetered);
  json.Key("mixed_config").Bool(journal.now.mixed_config);
}

void WriteWork(const BenchmarkLook& look, JsonWriter& json) {
  json.Key("total").Number(look.total);
  json.Key("skipped").Number(look.done);
  json.Key("remaining").Number(look.remaining.to_ask);
  json.Key("to_score").Number(look.remaining.to_score);
  json.Key("workers").Number(uint64_t{look.workers});
}

void WriteHead(absl::string_view event, const BenchmarkLook& look,
               JsonWriter& json) {
  json.Key("event").String(event);
  json.Key("benchmark").String(look.names.label);
  json.Key("action").String(look.refusal.has_value() ? "refused"
                            : look.goes_on           ? "go_on"
                                                     : "begin");
  json.Key("exit_code").Number(static_cast<uint64_t>(LookExitCode(look)));
  json.Key("message").String(WhyMessage(look));
}

void WriteOptions(const RunOptions& options, JsonWriter& json) {
  json.Key("options").BeginArray();
  for (const EffectiveOption& option : options.effective) {
    const OptionRow* row = FindOption(option.name);
    const ShownOption shown = ShownOf(option, options);
    json.BeginObject();
    json.Key("name").String(option.name);
    json.Key("value").StringOrNull(shown.value);
    if (option.secret) json.Key("hidden").Bool(shown.hidden);
    json.Key("source").String(shown.source);
    json.Key("class").String(
        row == nullptr ? "" : OptionClassName(row->option_class));
    json.EndObject();
  }
  json.EndArray();
}

template <typename Fill>
std::string JsonLine(Fill fill) {
  std::string line;
  JsonWriter json(line, 0);
  json.BeginObject();
  fill(json);
  json.EndObject();
  return line + "\n";
}

std::string StateText(const BenchmarkLook& look) {
  std::string text(JournalConditionName(look.journal->condition));
  if (look.journal->condition == JournalCondition::kComplete) {
    absl::StrAppend(&text, " since ", Date(look.journal->complete_time));
  }
  if (look.writer.has_value()) {
    absl::StrAppend(&text, ", ", HolderName(*look.writer), " is writing to it");
  }
  return text;
}

void AppendIdentity(const BenchmarkInfo& info, std::string& out) {
  AppendFact("benchmark id", Printable(info.benchmark_id), out);
  AppendFact("config hash", info.identity_hash.substr(0, kShownHashDigits),
             out);
  AppendFact("scoring hash", info.scoring_hash.substr(0, kShownHashDigits),
             out);
}

void AppendProgress(const BenchmarkLook& look, std::string& out) {
  const LocatedJournal& journal = *look.journal;
  const ProgressTotals& totals = journal.totals;
  AppendFact("mixed config", journal.now.mixed_config ? "yes" : "no", out);
  AppendFact("created", Date(journal.info->created), out);
  AppendFact("sessions",
             totals.sessions == 0
                 ? "0"
                 : absl::StrCat(totals.sessions, ", the newest of ",
                                Date(journal.now.session_started), ", ",
                                FormatClock(totals.elapsed), " in all"),
             out);
  AppendFact(
      "completed",
      absl::StrCat(WithThousands(totals.completed), " of ",
                   WithThousands(look.journal_total), " (",
                   FormatPercent(totals.completed, look.journal_total), ")"),
      out);
  AppendFact("failed", WithThousands(totals.failed), out);
  AppendFact("in doubt", WithThousands(look.in_doubt), out);
  AppendFact("cost", CostText(totals), out);
}

// "go on with journals/R" and the like.
std::string ActionText(const BenchmarkLook& look) {
  if (look.refusal.has_value()) {
    return absl::StrCat("would not start (exit ", look.refusal->exit_code, ")");
  }
  if (!look.goes_on) return "would begin a new journal";
  return absl::StrCat("would go on with ", Printable(JournalName(look)));
}

bool SameValue(const std::string& name, const ShownOption& shown,
               const RunOptions& other) {
  return std::any_of(other.effective.begin(), other.effective.end(),
                     [&](const EffectiveOption& each) {
                       return each.name == name &&
                              ShownOf(each, other) == shown;
                     });
}

}  // namespace

int LookExitCode(const BenchmarkLook& look) {
  return look.refusal.has_value() ? look.refusal->exit_code
                                  : static_cast<int>(kExitDone);
}

std::string DryRunText(const BenchmarkLook& look) {
  std::string text = absl::StrCat(Printable(look.names.label), ": ",
                                  ActionText(look), "\n", WhyText(look));
  if (look.refusal.has_value()) return text;
  AppendFact(
      "skipped",
      absl::StrCat(WithThousands(look.done), " of ", WithThousands(look.total),
                   " (", FormatPercent(look.done, look.total), ")"),
      text);
  AppendFact("remaining", WithThousands(look.remaining.to_ask), text);
  if (look.remaining.to_score > 0) {
    AppendFact("to be scored", WithThousands(look.remaining.to_score), text);
  }
  AppendFact("workers", absl::StrCat(look.workers), text);
  if (look.goes_on && look.writer.has_value()) {
    AppendFact("in use",
               absl::StrCat(HolderName(*look.writer),
                            " is writing to it; a run would exit ",
                            static_cast<int>(kExitLocked)),
               text);
  }
  const bool paid = look.goes_on && look.journal.has_value();
  AppendFact("cost so far",
             CostText(paid ? look.journal->totals : ProgressTotals()), text);
  return text;
}

std::string DryRunJson(const BenchmarkLook& look) {
  return JsonLine([&](JsonWriter& json) {
    WriteHead("dry_run", look, json);
    WriteJournal(look, json);
    WriteWork(look, json);
  });
}

std::string ValidationText(const BenchmarkLook& look,
                           const JournalVerdict& verdict) {
  const int code = ValidationExitCode(look, verdict);
  std::string text =
      absl::StrCat(Printable(look.names.label), ": ",
                   code == kExitDone ? "valid" : "not valid", "\n");
  AppendFact("dataset", "all rows can be asked and scored", text);
  AppendFact(
      "journal",
      look.journal.has_value()
          ? absl::StrCat(Printable(JournalName(look)), ": ", verdict.message)
          : verdict.message,
      text);
  for (const std::string& finding : verdict.findings) {
    AppendIndented(finding, text);
  }
  if (code != kExitDone || !look.goes_on) text += WhyText(look);
  return text;
}

std::string ValidationJson(const BenchmarkLook& look,
                           const JournalVerdict& verdict) {
  return JsonLine([&](JsonWriter& json) {
    json.Key("event").String("validation");
    json.Key("benchmark").String(look.names.label);
    json.Key("exit_code")
        .Number(static_cast<uint64_t>(ValidationExitCode(look, verdict)));
    json.Key("message").String(WhyMessage(look));
    json.Key("verdict").String(verdict.message);
    json.Key("findings").BeginArray();
    for (const std::string& finding : verdict.findings) json.String(finding);
    json.EndArray();
    WriteJournal(look, json);
  });
}

int ValidationExitCode(const BenchmarkLook& look,
                       const JournalVerdict& verdict) {
  return GraverCode(LookExitCode(look), verdict.exit_code);
}

std::string InfoText(const BenchmarkLook& look) {
  std::string text = absl::StrCat(Printable(look.names.label), "\n");
  if (look.journal.has_value()) {
    AppendFact("journal", Printable(JournalName(look)), text);
    AppendFact("state", StateText(look), text);
    if (look.journal->info.has_value()) {
      AppendIdentity(*look.journal->info, text);
    }
    if (IsRead(look)) AppendProgress(look, text);
  } else {
    AppendFact("journal", "none", text);
  }
  AppendFact("now", absl::StrCat("a run ", ActionText(look)), text);
  if (!look.refusal.has_value()) {
    AppendFact("remaining",
               absl::StrCat(WithThousands(look.remaining.to_ask), " of ",
                            WithThousands(look.total)),
               text);
  }
  return text + WhyText(look);
}

std::string OptionsText(const RunOptions& options, const RunOptions* except) {
  std::string text;
  size_t same = 0;
  for (const EffectiveOption& option : options.effective) {
    const ShownOption shown = ShownOf(option, options);
    if (except != nullptr && SameValue(option.name, shown, *except)) {
      ++same;
      continue;
    }
    const OptionRow* row = FindOption(option.name);
    const std::string value = shown.hidden          ? kHidden
                              : shown.value.empty() ? kNotSet
                                                    : Printable(shown.value);
    absl::StrAppendFormat(
        &text, "  %-22s %s  [%s; %s]\n", option.name, value,
        Printable(shown.source),
        std::string(row == nullptr ? "" : OptionClassName(row->option_class)));
  }
  if (same > 0) {
    absl::StrAppend(&text, "  and ", same, " options as of the study\n");
  }
  return text;
}

std::string InfoJson(const BenchmarkLook& look, const RunOptions& options) {
  return JsonLine([&](JsonWriter& json) {
    WriteHead("info", look, json);
    WriteJournal(look, json);
    const bool known =
        look.journal.has_value() && look.journal->info.has_value();
    json.Key("benchmark_id")
        .String(known ? look.journal->info->benchmark_id
                      : look.names.benchmark_id);
    json.Key("config_hash")
        .String((known ? look.journal->info->identity_hash
                       : look.names.identity_hash)
                    .substr(0, kShownHashDigits));
    json.Key("scoring_hash")
        .String(
            (known ? look.journal->info->scoring_hash : look.names.scoring_hash)
                .substr(0, kShownHashDigits));
    WriteWork(look, json);
    WriteOptions(options, json);
  });
}

}  // namespace runner
