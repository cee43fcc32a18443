#include "runner/evaluators/worker_protocol.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr size_t kExcerptColumns = 80;
constexpr size_t kParseMessageColumns = 240;
constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53
static_assert(kTokensMax < kExactIntegerMax);

// JSON text on one line. A raw line break can only stand between tokens: in a
// string it must be escaped.
std::string OneLine(absl::string_view json) {
  std::string line(json.empty() ? absl::string_view("null") : json);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

absl::Status Wrong(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Excerpt(field, kExcerptColumns), "\" ", what));
}

absl::StatusOr<Json> ParseObject(absl::string_view line) {
  absl::Status status = CheckJsonValueCount(line, kAnswerValuesMax);
  if (!status.ok()) return status;
  absl::StatusOr<Json> json = ParseJson(line);
  if (!json.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "not JSON: ", Excerpt(json.status().message(), kParseMessageColumns),
        ": ", Excerpt(line, kExcerptColumns)));
  }
  if (json->is_object()) return json;
  return absl::InvalidArgumentError(
      absl::StrCat("not a JSON object: ", Excerpt(line, kExcerptColumns)));
}

// The field, or null if it is missing or null.
const Json* Find(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

absl::Status ReadString(const Json& object, const char* name,
                        std::string* out) {
  const Json* value = Find(object, name);
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_string()) return Wrong(name, "is not a string");
  *out = value->get_ref<const std::string&>();
  return absl::OkStatus();
}

absl::Status ReadId(const Json& object, std::string* out) {
  if (Find(object, "id") == nullptr) return Wrong("id", "is missing");
  return ReadString(object, "id", out);
}

absl::Status ReadBool(const Json& object, const char* name, bool* out) {
  const Json* value = Find(object, name);
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_boolean()) return Wrong(name, "is not true or false");
  *out = value->get<bool>();
  return absl::OkStatus();
}

absl::Status ReadNumbers(const Json& object, const char* name,
                         NamedValues* out) {
  const Json* values = Find(object, name);
  if (values == nullptr) return absl::OkStatus();
  if (!values->is_object()) return Wrong(name, "is not an object");
  if (values->size() > kScoresMax) {
    return Wrong(name, absl::StrCat("has more than ", kScoresMax, " entries"));
  }
  for (const auto& [key, value] : values->items()) {
    const std::string path = absl::StrCat(name, ".", key);
    if (key.empty() || key.size() > kNameBytesMax) {
      return Wrong(path, "has an empty or too long name");
    }
    if (!value.is_number()) return Wrong(path, "is not a number");
    const double number = value.get<double>();
    if (!(std::abs(number) <= kScoreMax)) return Wrong(path, "is too large");
    out->emplace_back(key, number);
  }
  return absl::OkStatus();
}

absl::Status ReadTokens(const Json& usage, const char* name, uint64_t* out) {
  const Json* value = Find(usage, name);
  if (value == nullptr) return absl::OkStatus();
  const std::string path = absl::StrCat("usage.", name);
  if (!value->is_number()) return Wrong(path, "is not a number");
  const double number = value->get<double>();
  if (!(number >= 0)) return Wrong(path, "is negative");
  if (number > static_cast<double>(kTokensMax)) {
    return Wrong(path, "is too large");
  }
  if (number != std::floor(number)) return Wrong(path, "is not whole");
  *out = static_cast<uint64_t>(number);
  return absl::OkStatus();
}

absl::Status ReadUsage(const Json& object, Usage* out) {
  const Json* usage = Find(object, "usage");
  if (usage == nullptr) return absl::OkStatus();
  if (!usage->is_object()) return Wrong("usage", "is not an object");
  out->metered = true;
  const std::pair<const char*, uint64_t*> fields[] = {
      {"prompt_tokens", &out->prompt_tokens},
      {"completion_tokens", &out->completion_tokens},
      {"cached_tokens", &out->cached_tokens},
      {"reasoning_tokens", &out->reasoning_tokens}};
  for (const auto& [name, tokens] : fields) {
    absl::Status status = ReadTokens(*usage, name, tokens);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadCost(const Json& object, absl::optional<double>* out) {
  const Json* cost = Find(object, "cost");
  if (cost == nullptr) return absl::OkStatus();
  if (!cost->is_number()) return Wrong("cost", "is not a number");
  const double dollars = cost->get<double>();
  if (!(dollars >= 0)) return Wrong("cost", "is negative");
  if (dollars > kCostMax) return Wrong("cost", "is too large");
  *out = dollars;
  return absl::OkStatus();
}

absl::Status ReadError(const Json& error, EvaluationError* out) {
  if (!error.is_object()) return Wrong("error", "is not an object");
  absl::Status status = ReadString(error, "type", &out->type);
  if (status.ok()) status = ReadString(error, "message", &out->message);
  if (!status.ok()) return status;
  if (out->type.empty() || out->type.size() > kNameBytesMax ||
      Printable(out->type) != out->type) {
    return Wrong("error.type", "is missing, too long or not printable");
  }
  if (out->message.size() > kErrorMessageBytesMax) {
    return Wrong("error.message", "is too long");
  }
  status = ReadBool(error, "retryable", &out->retryable);
  if (!status.ok()) return status;
  if (const Json* context = Find(error, "context")) {
    out->context_json = CanonicalJson(*context);
    if (out->context_json.size() > kErrorMessageBytesMax) {
      return Wrong("error.context", "is too long");
    }
  }
  return absl::OkStatus();
}

// The fields that only an answer without an error has.
absl::Status ReadOutput(const Json& object, EvaluationResult* out) {
  const auto output = object.find("output");
  if (output == object.end()) {
    return absl::InvalidArgumentError("neither \"output\" nor \"error\"");
  }
  if (!output->is_null()) {
    if (!output->is_string()) {
      return Wrong("output", "is neither a string nor null");
    }
    out->output = output->get_ref<const std::string&>();
  }
  absl::Status status = ReadString(object, "reasoning", &out->reasoning);
  if (status.ok()) status = ReadNumbers(object, "scores", &out->scores);
  if (status.ok()) status = ReadNumbers(object, "metrics", &out->metrics);
  if (status.ok()) {
    status = ReadString(object, "finish_reason", &out->finish_reason);
  }
  if (!status.ok()) return status;
  if (const Json* metadata = Find(object, "metadata")) {
    out->metadata_json = CanonicalJson(*metadata);
  }
  return absl::OkStatus();
}

absl::Status ReadState(const Json& object, std::string* out) {
  const Json* state = Find(object, "state");
  if (state == nullptr) return absl::OkStatus();
  *out = CanonicalJson(*state);
  if (out->size() <= kStateBytesMax) return absl::OkStatus();
  return Wrong("state",
               absl::StrCat("is larger than ", kStateBytesMax, " bytes"));
}

absl::Status ReadAnswer(const Json& object, Answer* answer) {
  absl::Status status = ReadId(object, &answer->id);
  EvaluationResult& result = answer->result;
  if (status.ok()) status = ReadUsage(object, &result.usage);
  if (status.ok()) status = ReadCost(object, &result.cost);
  if (status.ok()) status = ReadState(object, &result.state_json);
  if (!status.ok()) return status;
  if (const Json* error = Find(object, "error")) {
    return ReadError(*error, &result.error.emplace());
  }
  return ReadOutput(object, &result);
}

absl::Status ReadScores(const Json& object, Answer* answer) {
  EvaluationResult& result = answer->result;
  absl::Status status = ReadId(object, &answer->id);
  if (!status.ok()) return status;
  if (const Json* error = Find(object, "error")) {
    return ReadError(*error, &result.error.emplace());
  }
  status = ReadNumbers(object, "scores", &result.scores);
  if (status.ok()) status = ReadBool(object, "unparsed", &result.unparsed);
  if (!status.ok() || !result.scores.empty()) return status;
  return absl::InvalidArgumentError("neither \"scores\" nor \"error\"");
}

}  // namespace

std::string RequestLine(const EvaluationRequest& request,
                        absl::string_view id) {
  return absl::StrCat("{\"id\":", JsonString(id), ",\"run\":", request.key.run,
                      ",\"seed\":", request.seed,
                      ",\"attempt\":", request.attempt,
                      ",\"model\":", JsonString(request.model),
                      ",\"method\":", JsonString(request.method),
                      ",\"prompt\":", JsonString(request.prompt),
                      ",\"query\":", OneLine(request.query_json), "}\n");
}

std::string RestoreLine(absl::string_view state_json) {
  return absl::StrCat("{\"restore\":", OneLine(state_json), "}\n");
}

absl::StatusOr<Answer> ParseAnswer(absl::string_view line) {
  absl::StatusOr<Json> object = ParseObject(line);
  if (!object.ok()) return object.status();
  Answer answer;
  absl::Status status = ReadAnswer(*object, &answer);
  if (!status.ok()) return status;
  return answer;
}

std::string ScoreRequestFields(const ExternalRequest& request) {
  const auto text = [](const absl::optional<std::string>& value) {
    return value.has_value() ? JsonString(*value) : std::string("null");
  };
  return absl::StrCat("\"run\":", request.key.run,
                      ",\"query_id\":", JsonString(request.key.id),
                      ",\"output\":", text(request.output),
                      ",\"extracted\":", text(request.extracted),
                      ",\"target\":", text(request.target),
                      ",\"query\":", OneLine(request.query_json));
}

std::string ScoreRequestLine(const EvaluationRequest& request,
                             absl::string_view id) {
  return absl::StrCat("{\"id\":", JsonString(id), ",", request.query_json,
                      "}\n");
}

absl::StatusOr<Answer> ParseScores(absl::string_view line) {
  absl::StatusOr<Json> object = ParseObject(line);
  if (!object.ok()) return object.status();
  Answer answer;
  absl::Status status = ReadScores(*object, &answer);
  if (!status.ok()) return status;
  return answer;
}

}  // namespace runner
