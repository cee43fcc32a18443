#include "runner/scoring/extraction.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"

namespace runner {
namespace {

constexpr absl::string_view kLastLine = "last-line";
constexpr absl::string_view kAfter = "after:";

absl::optional<std::string> NotBlank(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return absl::nullopt;
  return std::string(text);
}

class WholeResponse : public Extractor {
 public:
  absl::optional<std::string> Extract(
      absl::string_view response) const override {
    return NotBlank(response);
  }
};

class LastLine : public Extractor {
 public:
  absl::optional<std::string> Extract(
      absl::string_view response) const override {
    response = absl::StripTrailingAsciiWhitespace(response);
    const size_t end = response.rfind('\n');
    if (end != absl::string_view::npos) response.remove_prefix(end + 1);
    return NotBlank(response);
  }
};

class AfterText : public Extractor {
 public:
  explicit AfterText(absl::string_view text) : text_(text) {}

  absl::optional<std::string> Extract(
      absl::string_view response) const override {
    const size_t found = response.rfind(text_);
    if (found == absl::string_view::npos) return absl::nullopt;
    response.remove_prefix(found + text_.size());
    response = absl::StripLeadingAsciiWhitespace(response);
    return NotBlank(response.substr(0, response.find('\n')));
  }

 private:
  const std::string text_;
};

class Pattern : public Extractor {
 public:
  explicit Pattern(absl::string_view pattern)
      : pattern_(re2::StringPiece(pattern.data(), pattern.size()), Quiet()),
        group_(std::min(1, pattern_.NumberOfCapturingGroups())) {}

  const RE2& pattern() const { return pattern_; }

  absl::optional<std::string> Extract(
      absl::string_view response) const override {
    const re2::StringPiece text(response.data(), response.size());
    absl::optional<std::string> last;
    re2::StringPiece match[2];
    // Each step goes forward by at least one byte.
    for (size_t at = 0; at <= text.size();) {
      if (!pattern_.Match(text, at, text.size(), RE2::UNANCHORED, match, 2)) {
        break;
      }
      const re2::StringPiece& found = match[group_];
      absl::optional<std::string> answer =
          NotBlank(absl::string_view(found.data(), found.size()));
      if (answer.has_value()) last = std::move(answer);
      const size_t end =
          static_cast<size_t>(match[0].data() - text.data()) + match[0].size();
      at = match[0].empty() ? end + StepOver(response.substr(end)) : end;
    }
    return last;
  }

 private:
  static RE2::Options Quiet() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
  }

  // An empty match must not be tried again inside of one character.
  static size_t StepOver(absl::string_view rest) {
    return std::max<size_t>(1, Utf8SequenceLength(rest));
  }

  const RE2 pattern_;
  const int group_;
};

}  // namespace

std::string Extractor::ExtractTarget(absl::string_view target) const {
  absl::optional<std::string> found = Extract(target);
  if (found.has_value()) return *std::move(found);
  return std::string(absl::StripAsciiWhitespace(target));
}

absl::StatusOr<std::unique_ptr<Extractor>> Extractor::Create(
    const ExtractionOptions& options) {
  using Result = std::unique_ptr<Extractor>;
  if (!options.regex.empty() && !options.extract.empty()) {
    return absl::InvalidArgumentError(
        "--extract-regex and --extract exclude each other");
  }
  if (!options.regex.empty()) {
    auto pattern = std::make_unique<Pattern>(options.regex);
    if (pattern->pattern().ok()) return Result(std::move(pattern));
    return absl::InvalidArgumentError(
        absl::StrCat("--extract-regex: ", Quoted(options.regex), ": ",
                     Excerpt(pattern->pattern().error(), kQuotedColumnsMax)));
  }
  absl::string_view way = options.extract;
  if (way.empty()) return Result(std::make_unique<WholeResponse>());
  if (way == kLastLine) return Result(std::make_unique<LastLine>());
  if (absl::ConsumePrefix(&way, kAfter) && !way.empty()) {
    return Result(std::make_unique<AfterText>(way));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--extract: ", Quoted(options.extract),
                   " is neither last-line nor after:TEXT"));
}

}  // namespace runner
