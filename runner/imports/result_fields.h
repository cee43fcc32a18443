// What one result of another system says, by the names that such systems use.
#ifndef RUNNER_IMPORTS_RESULT_FIELDS_H_
#define RUNNER_IMPORTS_RESULT_FIELDS_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runner/imports/imported_file.h"

namespace runner {

// The names of scores that were met in one file; bounded. Not thread-safe.
class ScoreNames {
 public:
  // Whether a score may have this name.
  bool Take(const std::string& name);

 private:
  std::set<std::string> names_;
};

// How much of one file is kept. Not thread-safe.
class ImportRoom {
 public:
  explicit ImportRoom(const ImportLimits& limits) : limits_(limits) {}

  // Whether there is room for it, too.
  bool Take(const ImportedResult& result);
  // Not empty: there was no room for something, and why.
  const std::string& full() const { return full_; }

 private:
  const ImportLimits limits_;
  size_t results_ = 0;
  size_t passes_ = 0;
  std::string full_;
};

// A plain one may as well be a question with its target: `answer` is that then.
enum class AnswerField { kIsOutput, kIsTarget };

// Reads an object. What has no place of its own in ImportedResult stays in its
// metadata; what has the wrong type, or is out of range, does, too. A value
// that is no object is the output or, if it is a number or a truth value, the
// score. Failed is what says so: `skipped`, a `status` that does or says that
// there is no answer yet, `success` that does, or an `error` without an output.
// What only `success` calls a failure, and has an output, is an answer; the
// output of any other failure is in its context.
ImportedResult ReadResult(nlohmann::json value, AnswerField answer,
                          ScoreNames& names);

// ReadResult leaves runs as the file counts them. If that is from 0, adds one
// to all that it says, and a note.
void CountRunsFromOne(ImportedFile& file);

// Whether a plain object says anything that only a result has.
bool LooksLikeResult(const ImportedResult& result);

// An error of a log: its message is a text, or an object with type and message.
ImportedError ReadImportedError(const nlohmann::json& value);

// A text as an error's type: printable, not empty, not too long.
std::string ImportedErrorType(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_IMPORTS_RESULT_FIELDS_H_
