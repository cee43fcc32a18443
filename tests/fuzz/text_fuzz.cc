// The small parsers and printers, which one the first byte says: what is shown
// is safe to show, and what is written reads back.
//
// Input: u8 which, then a line or two as it needs them, then its text.

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "journal/segment_header.h"
#include "runner/base/json.h"
#include "runner/base/placeholders.h"
#include "runner/base/printable.h"
#include "runner/base/shell_words.h"
#include "runner/base/text.h"
#include "runner/config/identity.h"
#include "runner/scoring/extraction.h"
#include "runner/scoring/number.h"
#include "runner/scoring/scorer.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"
#include "tools/json_text.h"
#include "tools/style.h"

namespace {

void CheckShown(absl::string_view text) {
  FUZZ_CHECK(fuzz::IsSafeForTerminal(text));
  FUZZ_CHECK(fuzz::IsPlainOrder(text));
}

template <typename T>
bool Succeeded(const absl::StatusOr<T>& result) {
  if (!result.ok()) CheckShown(result.status().message());
  return result.ok();
}

void TryShellWords(fuzz::FuzzInput& input) {
  const absl::string_view text = input.TakeRest();
  const auto words = runner::SplitShellWords(text);
  if (!Succeeded(words)) return;
  FUZZ_CHECK(!words->empty() && words->size() <= runner::kShellWordsMax);
  for (const std::string& word : *words) {
    FUZZ_CHECK(word.size() <= text.size());
    FUZZ_CHECK(word.find('\0') == std::string::npos);
  }
}

void TryShellWord(fuzz::FuzzInput& input) {
  const absl::string_view text = input.TakeRest();
  const std::string word = inspector::ShellWord(text);
  CheckShown(word);
  // What needs no $'...' reads back by our own splitting.
  if (runner::Printable(text) != text || word[0] == '$') return;
  const auto words = runner::SplitShellWords(word);
  FUZZ_CHECK(words.ok() && words->size() == 1 && (*words)[0] == text);
}

void TryPlaceholders(fuzz::FuzzInput& input) {
  const std::string value(input.TakeLine());
  const absl::string_view text = input.TakeRest();
  const auto filled =
      runner::FillPlaceholders(text, {{"model", value}, {"method", ""}});
  if (!Succeeded(filled)) return;
  FUZZ_CHECK(filled->size() <= text.size() * (value.size() + 1));
}

void TryNumber(fuzz::FuzzInput& input) {
  const auto number = runner::FindNumber(input.TakeRest());
  if (number.has_value()) FUZZ_CHECK(runner::SameNumber(*number, *number));
}

void TryExtraction(fuzz::FuzzInput& input) {
  runner::ExtractionOptions options;
  (input.Take<uint8_t>() % 2 == 0 ? options.regex : options.extract) =
      std::string(input.TakeLine());
  const auto extractor = runner::Extractor::Create(options);
  if (!Succeeded(extractor)) return;
  const absl::string_view response = input.TakeRest();
  const auto answer = (*extractor)->Extract(response);
  if (answer.has_value()) {
    FUZZ_CHECK(response.find(*answer) != absl::string_view::npos);
  }
  (*extractor)->ExtractTarget(response);
}

void TryScorer(fuzz::FuzzInput& input) {
  const auto scorer = runner::Scorer::Create(input.TakeLine());
  if (!Succeeded(scorer)) return;
  const std::string target(input.TakeLine());
  const absl::Status usable = (*scorer)->CheckTarget(target);
  if (!usable.ok()) {
    CheckShown(usable.message());
    return;
  }
  const runner::Score score = (*scorer)->Evaluate(input.TakeRest(), target);
  FUZZ_CHECK(score.value >= (*scorer)->lowest());
  FUZZ_CHECK(score.value <= (*scorer)->highest());
}

void TryPrintable(fuzz::FuzzInput& input) {
  const size_t columns = input.Take<uint8_t>();
  const absl::string_view text = input.TakeRest();
  const std::string shown = runner::Printable(text);
  CheckShown(shown);
  FUZZ_CHECK(runner::Printable(shown) == shown);
  const std::string cut = runner::CutToWidth(shown, columns);
  FUZZ_CHECK(shown.compare(0, cut.size(), cut) == 0);
  FUZZ_CHECK(runner::DisplayWidth(cut) <= columns);
  const std::string excerpt = runner::Excerpt(text, columns);
  CheckShown(excerpt);
  FUZZ_CHECK(columns < 3 || runner::DisplayWidth(excerpt) <= columns);
  CheckShown(runner::Quoted(text));
  const std::string valid = runner::ValidUtf8(text);
  FUZZ_CHECK(runner::ValidUtf8(valid) == valid);
}

void TryJson(fuzz::FuzzInput& input) {
  const std::string path(input.TakeLine());
  const absl::string_view text = input.TakeRest();
  const std::string tool = inspector::JsonText(inspector::JsonString(text));
  CheckShown(tool);
  FUZZ_CHECK(nlohmann::json::parse(tool, nullptr, false).is_string());
  const auto quoted = runner::ParseJson(runner::JsonString(text));
  FUZZ_CHECK(quoted.ok() && *quoted == runner::ValidUtf8(text));
  const auto json = runner::ParseJson(text);
  if (!Succeeded(json)) return;
  const std::string canonical = runner::CanonicalJson(*json);
  const auto again = runner::CanonicalJson(absl::string_view(canonical));
  FUZZ_CHECK(again.ok() && *again == canonical);
  const nlohmann::json* found = runner::FindPath(*json, path);
  if (found != nullptr) runner::RenderText(*found);
}

void TryNames(fuzz::FuzzInput& input) {
  const std::string pattern(input.TakeLine());
  const std::string dataset(input.TakeLine());
  const absl::string_view model = input.TakeRest();
  const auto id = runner::BenchmarkId(pattern, dataset, model, "");
  if (Succeeded(id)) FUZZ_CHECK(!id->empty());
  const std::string run_id =
      runner::RunId(absl::UnixEpoch(), absl::UTCTimeZone(), dataset, model,
                    pattern, "0123456789abcdef");
  FUZZ_CHECK(run_id.size() <= runner::kRunIdBytesMax);
  FUZZ_CHECK(runner::FileNameSafe(run_id) == run_id);
  FUZZ_CHECK(run_id.find('/') == std::string::npos);
  CheckShown(run_id);
  const auto segment = journal::ParseSegmentFileName(dataset);
  if (segment.has_value()) {
    FUZZ_CHECK(journal::SegmentFileName(*segment) == dataset);
  }
}

void TryDiff(fuzz::FuzzInput& input) {
  const std::string one(input.TakeLine());
  const std::string other(input.TakeRest());
  const auto differences = runner::DiffJson(one, other);
  if (!Succeeded(differences)) return;
  const auto none = runner::DiffJson(one, one);
  FUZZ_CHECK(none.ok() && none->empty());
  const auto canonical = [](const std::string& text) {
    return *runner::CanonicalJson(absl::string_view(text));
  };
  FUZZ_CHECK(differences->empty() == (canonical(one) == canonical(other)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr void (*kTries[])(fuzz::FuzzInput&) = {
      TryShellWords, TryShellWord, TryPlaceholders, TryNumber, TryExtraction,
      TryScorer,     TryPrintable, TryJson,         TryNames,  TryDiff,
  };
  fuzz::FuzzInput input(data, size);
  kTries[input.Take<uint8_t>() % std::size(kTries)](input);
  return 0;
}
