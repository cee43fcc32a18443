#include "runner/base/shell_words.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace runner {
namespace {

constexpr absl::string_view kBlanks = " \t\n\r";
constexpr absl::string_view kOperators = "|&;<>()";
constexpr absl::string_view kEscapedInDoubleQuotes = "\"\\$`";

bool Contains(absl::string_view set, char c) {
  return set.find(c) != absl::string_view::npos;
}

class Splitter {
 public:
  explicit Splitter(absl::string_view command) : rest_(command) {}

  absl::StatusOr<std::vector<std::string>> Split() {
    if (Contains(rest_, '\0')) return Error("has a NUL byte");
    while (!rest_.empty()) {
      absl::Status status = Step(Take());
      if (!status.ok()) return status;
      if (words_.size() > kShellWordsMax) {
        return Error(absl::StrCat("has more than ", kShellWordsMax, " words"));
      }
    }
    EndWord();
    if (words_.empty()) return Error("is empty");
    return std::move(words_);
  }

 private:
  static absl::Status Error(absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("the command ", what));
  }

  char Take() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  void EndWord() {
    if (in_word_) words_.push_back(std::exchange(word_, ""));
    in_word_ = false;
  }

  absl::Status Step(char c) {
    if (Contains(kBlanks, c)) {
      EndWord();
      return absl::OkStatus();
    }
    if (Contains(kOperators, c)) {
      return Error(absl::StrCat("has an unquoted `", std::string(1, c),
                                "`, which needs a shell: quote it, or use sh "
                                "-c '...'"));
    }
    if (c == '\\' && !rest_.empty() && rest_[0] == '\n') {
      Take();  // Joins lines: neither a blank nor part of a word.
      return absl::OkStatus();
    }
    in_word_ = true;
    if (c == '\'') return SingleQuoted();
    if (c == '"') return DoubleQuoted();
    if (c == '\\') return Escaped();
    word_ += c;
    return absl::OkStatus();
  }

  absl::Status SingleQuoted() {
    const size_t end = rest_.find('\'');
    if (end == absl::string_view::npos) return Error("has an unclosed '");
    absl::StrAppend(&word_, rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  absl::Status DoubleQuoted() {
    while (!rest_.empty()) {
      const char c = Take();
      if (c == '"') return absl::OkStatus();
      if (c != '\\' || rest_.empty()) {
        word_ += c;
      } else if (rest_[0] == '\n') {
        Take();
      } else if (Contains(kEscapedInDoubleQuotes, rest_[0])) {
        word_ += Take();
      } else {
        word_ += c;
      }
    }
    return Error("has an unclosed \"");
  }

  absl::Status Escaped() {
    if (rest_.empty()) return Error("ends in a backslash");
    word_ += Take();
    return absl::OkStatus();
  }

  absl::string_view rest_;
  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;  // Also true for '' and "".
};

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitShellWords(
    absl::string_view command) {
  return Splitter(command).Split();
}

}  // namespace runner
