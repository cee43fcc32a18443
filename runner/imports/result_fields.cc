#include "runner/imports/result_fields.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/evaluators/evaluator.h"
#include "runner/imports/import_values.h"

namespace runner {
namespace {

using Json = nlohmann::json;
using Names = std::initializer_list<const char*>;

constexpr double kLatencySecondsMax = 1e9;
constexpr uint64_t kQueryIndexMax = 0xffffffff;   // Of occurrences, too.
constexpr uint64_t kRunMax = kQueryIndexMax - 1;  // One more is a run, too.
// A `status`, in lower case. What is without an answer was not, or not to the
// end, asked.
constexpr absl::string_view kFailed[] = {"error", "failed", "failure"};
constexpr absl::string_view kWithoutAnswer[] = {
    "skipped",     "timeout",     "timed_out",  "timed out", "cancelled",
    "canceled",    "aborted",     "pending",    "queued",    "running",
    "in_progress", "interrupted", "not_started"};
constexpr absl::string_view kSucceeded[] = {"success", "ok", "completed"};
template <size_t kSize>
bool IsOneOf(const absl::string_view (&words)[kSize], absl::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

constexpr char kImportedErrorName[] = "imported";
// As many as a worker may give.
constexpr size_t kScoresOfResultMax = 256;

// Calls `take` with the first of the members `names` that it takes, and takes
// that away.
template <typename Take>
bool TakeFirst(Json& object, Names names, Take take) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found == object.end() || !take(*found)) continue;
    object.erase(found);
    return true;
  }
  return false;
}

class ResultReader {
 public:
  ResultReader(Json object, AnswerField answer, ScoreNames& names)
      : rest_(std::move(object)), answer_(answer), names_(names) {}

  ImportedResult Read();

 private:
  void ReadWho();
  void ReadWhat();
  void ReadScores();
  void ReadNamedScores(const char* member);
  void ReadCosts();
  void ReadTimes();
  void ReadPasses();
  bool ReadPass(const Json& value, size_t number);
  void ReadFailure();
  bool Is(const char* name, bool wanted) const;
  bool HasError() const;
  bool HasText() const;
  std::string Status() const;
  bool SaysFailed() const;
  void KeepOutput(ImportedError& error);

  Json rest_;  // What was not read yet.
  const AnswerField answer_;
  ScoreNames& names_;
  ImportedResult result_;
};

// The text of what a system recorded as an answer.
bool TakeOutput(const Json& value, absl::optional<std::string>* output) {
  if (value.is_null()) {
    *output = absl::nullopt;
  } else {
    *output = RenderText(value);
  }
  return true;
}

bool TakeText(const Json& value, std::string* text) {
  if (value.is_null()) return false;
  *text = RenderText(value);
  return true;
}

template <typename Value>
bool TakeIf(absl::optional<Value> value, absl::optional<Value>* out) {
  if (!value.has_value()) return false;
  *out = std::move(value);
  return true;
}

ImportedResult ResultReader::Read() {
  ReadWho();
  ReadPasses();
  ReadWhat();
  ReadScores();
  ReadCosts();
  ReadTimes();
  ReadFailure();
  if (!rest_.empty()) result_.metadata_json = CanonicalJson(rest_);
  return std::move(result_);
}

void ResultReader::ReadWho() {
  TakeFirst(rest_,
            {"query_id", "qid", "id", "question_id", "task_id", "sample_id",
             "image_id", "document"},
            [&](const Json& value) {
              result_.id = ImportName(value);
              result_.id_is_number = value.is_number();
              return !result_.id.empty();
            });
  TakeFirst(rest_, {"index", "query_index", "question_index", "sample_index"},
            [&](const Json& value) {
              return TakeIf(ImportCount(value, kQueryIndexMax), &result_.index);
            });
  TakeFirst(rest_, {"occurrence"}, [&](const Json& value) {
    const absl::optional<uint64_t> count = ImportCount(value, kQueryIndexMax);
    if (count.has_value()) result_.occurrence = static_cast<uint32_t>(*count);
    return count.has_value();
  });
  TakeFirst(rest_, {"run"}, [&](const Json& value) {
    const absl::optional<uint64_t> run = ImportCount(value, kRunMax);
    if (!run.has_value()) return false;
    result_.run = static_cast<uint32_t>(*run);
    result_.run_said = true;
    return true;
  });
  TakeFirst(rest_, {"question", "input", "prompt", "query"},
            [&](const Json& value) {
              return value.is_string() && TakeText(value, &result_.question);
            });
}

void ResultReader::ReadWhat() {
  const auto take = [&](const Json& value) {
    return TakeOutput(value, &result_.output);
  };
  const bool found =
      TakeFirst(rest_,
                {"output", "model_answer", "generated_caption", "response",
                 "model_output", "model_response", "prediction",
                 "predicted_answer", "final_answer", "completion"},
                take);
  if (!found && answer_ == AnswerField::kIsOutput &&
      !TakeFirst(rest_, {"answer"}, take) && !result_.passes.empty()) {
    result_.output = result_.passes.back().output;
  }
  TakeFirst(rest_, {"reasoning", "reasoning_trace"}, [&](const Json& value) {
    return TakeText(value, &result_.reasoning);
  });
}

void ResultReader::ReadScores() {
  TakeFirst(rest_,
            {"score", "final_accuracy", "accuracy", "correct", "is_correct"},
            [&](const Json& value) {
              const absl::optional<double> score = ImportScore(value);
              if (!score.has_value() || !names_.Take(kImportedScore))
                return false;
              result_.scores.emplace_back(kImportedScore, *score);
              return true;
            });
  ReadNamedScores("scores");
  ReadNamedScores("metrics");
}

void ResultReader::ReadNamedScores(const char* member) {
  const auto found = rest_.find(member);
  if (found == rest_.end() || !found->is_object()) return;
  for (auto it = found->begin(); it != found->end();) {
    const absl::optional<double> score = ImportScore(*it);
    const std::string name = it.key() == kImportedScore
                                 ? it.key()
                                 : absl::StrCat(kImportedScore, ".", it.key());
    if (!score.has_value() || name.size() > kNameBytesMax ||
        result_.scores.size() >= kScoresOfResultMax || !names_.Take(name)) {
      ++it;
      continue;
    }
    result_.scores.emplace_back(name, *score);
    it = found->erase(it);
  }
  if (found->empty()) rest_.erase(found);
}

// Tokens as both APIs name them; nothing where it does not name both kinds.
bool TakeUsage(const Json& value, Usage* out) {
  if (!value.is_object()) return false;
  const auto tokens = [&](Names names) {
    for (const char* name : names) {
      const auto found = value.find(name);
      if (found != value.end()) return ImportCount(*found, kTokensMax);
    }
    return absl::optional<uint64_t>();
  };
  const auto prompt = tokens({"prompt_tokens", "input_tokens"});
  const auto completion = tokens({"completion_tokens", "output_tokens"});
  if (!prompt.has_value() || !completion.has_value()) return false;
  out->prompt_tokens = *prompt;
  out->completion_tokens = *completion;
  out->cached_tokens = tokens({"cached_tokens"}).value_or(0);
  out->reasoning_tokens = tokens({"reasoning_tokens"}).value_or(0);
  out->metered = true;
  return true;
}

void ResultReader::ReadCosts() {
  TakeFirst(rest_, {"usage", "token_usage"}, [&](const Json& value) {
    return TakeUsage(value, &result_.usage);
  });
  TakeFirst(rest_, {"cost", "cost_usd", "total_cost"}, [&](const Json& value) {
    return TakeIf(ImportNumber(value, kCostMax), &result_.cost);
  });
}

void ResultReader::ReadTimes() {
  const auto take = [&](double per_second) {
    return [this, per_second](const Json& value) {
      const absl::optional<double> number =
          ImportNumber(value, kLatencySecondsMax);
      if (!number.has_value()) return false;
      result_.latency = absl::Seconds(*number / per_second);
      return true;
    };
  };
  constexpr double kMsPerSecond = 1000;
  if (!TakeFirst(rest_, {"latency_ms"}, take(kMsPerSecond))) {
    TakeFirst(rest_,
              {"latency", "latency_seconds", "model_time_seconds",
               "duration_seconds", "elapsed_seconds", "time_seconds"},
              take(1));
  }
  TakeFirst(rest_,
            {"timestamp", "datetime", "checkpoint_datetime", "checkpoint_time",
             "completed_at"},
            [&](const Json& value) {
              return TakeIf(ImportTime(value), &result_.at);
            });
}

// They stay in the metadata, too, if they say more than a pass can hold.
void ResultReader::ReadPasses() {
  TakeFirst(rest_, {"turns", "passes"}, [&](const Json& value) {
    if (!value.is_array() || value.size() > kImportedPassesMax) return false;
    bool all = !value.empty();
    for (size_t i = 0; i < value.size(); ++i) all &= ReadPass(value[i], i + 1);
    return all;
  });
}

// Whether that is all it says.
bool ResultReader::ReadPass(const Json& value, size_t number) {
  if (!value.is_object()) return false;
  Json rest = value;
  PassRecord pass;
  pass.name = absl::StrCat("turn ", number);
  TakeFirst(rest, {"name"}, [&](const Json& name) {
    return name.is_string() && TakeText(name, &pass.name);
  });
  TakeFirst(rest, {"output", "answer", "response", "final_answer"},
            [&](const Json& text) {
              TakeText(text, &pass.output);
              return true;
            });
  TakeFirst(rest, {"reasoning", "reasoning_trace"},
            [&](const Json& text) { return TakeText(text, &pass.reasoning); });
  for (auto it = rest.begin(); it != rest.end();) {
    const absl::optional<double> number_of = ImportScore(*it);
    if (!number_of.has_value() || it.key().size() > kNameBytesMax ||
        pass.metrics.size() >= kScoresOfResultMax) {
      ++it;
      continue;
    }
    pass.metrics.emplace_back(it.key(), *number_of);
    it = rest.erase(it);
  }
  const bool all = rest.empty();
  result_.passes.push_back(std::move(pass));
  return all;
}

bool ResultReader::Is(const char* name, bool wanted) const {
  const auto found = rest_.find(name);
  return found != rest_.end() && found->is_boolean() &&
         found->get<bool>() == wanted;
}

// Says something, that is.
bool ResultReader::HasError() const {
  const auto says = [&](const char* name) {
    const auto found = rest_.find(name);
    if (found == rest_.end()) return false;
    return found->is_string() ? !found->get_ref<const std::string&>().empty()
                              : found->is_object();
  };
  return says("error") || says("error_type") || says("error_message");
}

bool ResultReader::HasText() const {
  return result_.output.has_value() &&
         !absl::StripAsciiWhitespace(*result_.output).empty();
}

// In lower case.
std::string ResultReader::Status() const {
  const auto status = rest_.find("status");
  if (status == rest_.end() || !status->is_string()) return "";
  return absl::AsciiStrToLower(status->get_ref<const std::string&>());
}

bool ResultReader::SaysFailed() const {
  const std::string status = Status();
  if (Is("skipped", true) || IsOneOf(kFailed, status) ||
      IsOneOf(kWithoutAnswer, status)) {
    return true;
  }
  // A wrong answer may be called no success.
  if (Is("success", false)) return HasError() || !HasText();
  if (IsOneOf(kSucceeded, status)) return false;
  return HasError() && !HasText();
}

// The output of what failed says why, and would be lost otherwise.
void ResultReader::KeepOutput(ImportedError& error) {
  if (!HasText()) return;
  Json context = Json::object();
  TakeFirst(rest_, {"error_context"}, [&](Json& value) {
    if (value.is_object() && value.count("output") == 0) {
      context = std::move(value);
    } else if (!value.is_null()) {
      context["error_context"] = std::move(value);
    }
    return true;
  });
  context["output"] = *result_.output;
  error.context_json = CanonicalJson(context);
}

void ResultReader::ReadFailure() {
  const bool failed = SaysFailed();
  if (!failed) {
    rest_.erase("skipped");
    if (!Is("success", false)) rest_.erase("success");
    rest_.erase("status");
    return;
  }
  ImportedError error;
  TakeFirst(rest_, {"error", "error_message"}, [&](const Json& value) {
    error = ReadImportedError(value);
    return !value.is_null();
  });
  TakeFirst(rest_, {"error_message"}, [&](const Json& value) {
    return value.is_string() && TakeText(value, &error.message);
  });
  TakeFirst(rest_, {"error_type"}, [&](const Json& value) {
    if (!value.is_string()) return false;
    error.type = ImportedErrorType(value.get_ref<const std::string&>());
    return true;
  });
  TakeFirst(rest_, {"retryable"}, [&](const Json& value) {
    if (value.is_boolean()) error.retryable = value.get<bool>();
    return value.is_boolean();
  });
  KeepOutput(error);
  TakeFirst(rest_, {"error_context"}, [&](const Json& value) {
    error.context_json = CanonicalJson(value);
    return true;
  });
  if (error.type.empty()) error.type = kImportedErrorName;
  if (const std::string status = Status();
      error.message.empty() && IsOneOf(kWithoutAnswer, status)) {
    error.message = absl::StrCat("the checkpoint says `", status, "`");
  }
  if (error.message.empty()) error.message = "the checkpoint does not say why";
  result_.output.reset();
  result_.scores.clear();
  result_.error = std::move(error);
}

}  // namespace

bool ScoreNames::Take(const std::string& name) {
  if (name.empty()) return false;
  if (names_.count(name) > 0) return true;
  if (names_.size() >= kImportedScoreNamesMax) return false;
  names_.insert(name);
  return true;
}

bool ImportRoom::Take(const ImportedResult& result) {
  if (!full_.empty()) return false;
  passes_ += result.passes.size();
  if (++results_ > limits_.results) {
    full_ = MoreThan(limits_.results, "results");
  } else if (passes_ > limits_.passes) {
    full_ = MoreThan(limits_.passes, "turns or passes of results");
  }
  return full_.empty();
}

ImportedResult ReadResult(Json value, AnswerField answer, ScoreNames& names) {
  if (value.is_object()) {
    return ResultReader(std::move(value), answer, names).Read();
  }
  ImportedResult result;
  const absl::optional<double> score = ImportScore(value);
  if (score.has_value() && names.Take(kImportedScore)) {
    result.scores.emplace_back(kImportedScore, *score);
  } else if (!value.is_null()) {
    result.output = RenderText(value);
  }
  return result;
}

void CountRunsFromOne(ImportedFile& file) {
  if (!std::any_of(file.results.begin(), file.results.end(),
                   [](const ImportedResult& each) { return each.run == 0; })) {
    return;
  }
  for (ImportedResult& each : file.results) each.run += each.run_said ? 1 : 0;
  file.notes.push_back(
      "It counts runs from 0: its run 0 is imported as run 1, and so on");
}

bool LooksLikeResult(const ImportedResult& result) {
  const bool who =
      !result.id.empty() || !result.question.empty() || result.index;
  return who && (result.output.has_value() || !result.scores.empty() ||
                 result.error.has_value());
}

ImportedError ReadImportedError(const Json& value) {
  ImportedError error;
  error.type = kImportedErrorName;
  if (!value.is_object()) {
    if (!value.is_null()) error.message = RenderText(value);
    return error;
  }
  const auto text = [&](const char* name) {
    const auto found = value.find(name);
    return found == value.end() ? std::string() : RenderText(*found);
  };
  if (const std::string type = text("type"); !type.empty()) {
    error.type = ImportedErrorType(type);
  }
  error.message = text("message");
  if (error.message.empty()) error.message = CanonicalJson(value);
  const auto retryable = value.find("retryable");
  if (retryable != value.end() && retryable->is_boolean()) {
    error.retryable = retryable->get<bool>();
  }
  return error;
}

std::string ImportedErrorType(absl::string_view text) {
  const std::string printable = Printable(text);
  size_t bytes = 0;
  while (bytes < printable.size()) {
    const size_t next =
        Utf8SequenceLength(absl::string_view(printable).substr(bytes));
    if (bytes + next > kNameBytesMax) break;
    bytes += next;
  }
  return bytes == 0 ? kImportedErrorName : printable.substr(0, bytes);
}

}  // namespace runner
