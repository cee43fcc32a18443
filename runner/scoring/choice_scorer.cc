#include "runner/scoring/choice_scorer.h"

#include <re2/re2.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/base/text.h"

namespace runner {
namespace {

// The rules of FindChoice for one kind of label, each with the label as its
// only group.
class Rules {
 public:
  // `any` is a label in any case, `plain` one that needs no dress.
  Rules(absl::string_view any, absl::string_view plain)
      : whole_(absl::StrReplaceAll(R"(^[\s(\[*_"'`$]*(LABEL)[\s)\]*_"'`$.:]*$)",
                                   {{"LABEL", any}})),
        leading_(absl::StrReplaceAll(R"(^[\s(\[*_]*(LABEL)[)\]*_]*[.):\]])",
                                     {{"LABEL", any}})),
        named_(absl::StrReplaceAll(
            R"((?i:answer|choice|option)(?i:\s+is)?[\s:=]*[(\[*_"'`$]*(LABEL))"
            R"((?:[^\pL\pN]|$))",
            {{"LABEL", plain}})),
        dressed_(
            absl::StrReplaceAll(R"([(\[*](LABEL)[)\]*])", {{"LABEL", any}})),
        alone_(
            absl::StrReplaceAll(R"((?:^|[^\pL\pN'-])(LABEL)(?:[^\pL\pN'-]|$))",
                                {{"LABEL", plain}})) {}

  absl::optional<char> Find(absl::string_view answer) const {
    re2::StringPiece label;
    const re2::StringPiece text(answer.data(), answer.size());
    if (RE2::PartialMatch(text, whole_, &label) ||
        RE2::PartialMatch(text, leading_, &label)) {
      return Capital(label);
    }
    for (const RE2* rule : {&named_, &dressed_, &alone_}) {
      const absl::optional<char> found = Last(text, *rule);
      if (found.has_value()) return found;
    }
    return absl::nullopt;
  }

 private:
  static char Capital(re2::StringPiece label) {
    return absl::ascii_toupper(static_cast<unsigned char>(label[0]));
  }

  // "A dog", "I think": an article and a pronoun.
  static bool IsWord(re2::StringPiece text, re2::StringPiece label) {
    if (label != "A" && label != "I") return false;
    const char* after = label.data() + 1;
    const char* const end = text.data() + text.size();
    if (after == end || *after != ' ') return false;
    while (after < end && *after == ' ') ++after;
    return after < end &&
           (absl::ascii_islower(static_cast<unsigned char>(*after)) ||
            static_cast<unsigned char>(*after) >= 0x80);
  }

  // The search goes on right behind each label: what follows one may stand
  // before the next.
  static absl::optional<char> Last(re2::StringPiece text, const RE2& rule) {
    absl::optional<char> last;
    re2::StringPiece match[2];
    for (size_t at = 0; at < text.size();) {
      if (!rule.Match(text, at, text.size(), RE2::UNANCHORED, match, 2)) break;
      at = static_cast<size_t>(match[1].data() - text.data()) + 1;
      if (!IsWord(text, match[1])) last = Capital(match[1]);
    }
    return last;
  }

  const RE2 whole_;
  const RE2 leading_;
  const RE2 named_;
  const RE2 dressed_;
  const RE2 alone_;
};

const Rules& RulesFor(ChoiceLabels labels) {
  static const Rules* const letters = new Rules("[A-Za-z]", "[A-Z]");
  static const Rules* const digits = new Rules("[0-9]", "[0-9]");
  return labels == ChoiceLabels::kLetters ? *letters : *digits;
}

// The label that a target is.
absl::optional<char> TargetLabel(absl::string_view target) {
  static const RE2* const pattern =
      new RE2(R"(^[\s(\[*]*([A-Za-z0-9])(?:[)\]*.:\s].*)?$)");
  re2::StringPiece label;
  if (!RE2::FullMatch(re2::StringPiece(target.data(), target.size()), *pattern,
                      &label)) {
    return absl::nullopt;
  }
  return absl::ascii_toupper(static_cast<unsigned char>(label[0]));
}

class MultipleChoice : public Scorer {
 public:
  absl::string_view name() const override { return "multiple_choice"; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const absl::optional<char> wanted = TargetLabel(target);
    if (!wanted.has_value()) return {.value = 0, .parsed = false};
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(*wanted));
    const absl::optional<char> given = FindChoice(
        answer, digit ? ChoiceLabels::kDigits : ChoiceLabels::kLetters);
    return {.value = given == wanted ? 1.0 : 0.0, .parsed = given.has_value()};
  }

  absl::Status CheckTarget(absl::string_view target) const override {
    if (TargetLabel(target).has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "the target ", Quoted(target),
        " is neither a letter nor a digit, which --scorer multiple_choice "
        "needs; --target-field and --extract-regex say where it is"));
  }
};

}  // namespace

absl::optional<char> FindChoice(absl::string_view answer, ChoiceLabels labels) {
  // What is not UTF-8 would end RE2's search.
  return RulesFor(labels).Find(ValidUtf8(answer));
}

std::unique_ptr<Scorer> NewMultipleChoice() {
  return std::make_unique<MultipleChoice>();
}

}  // namespace runner
