// Where a journal is made of a checkpoint file, until it is whole:
//
//   journals/.20261121_gsm8k_gpt-4_1a2b3c4d.importing/    locked by its maker
//     LOCK
//     20261121_gsm8k_gpt-4_1a2b3c4d/                      becomes the journal
#ifndef RUNNER_STUDY_IMPORT_ASIDE_H_
#define RUNNER_STUDY_IMPORT_ASIDE_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "runner/base/exit_code.h"

namespace runner {

// All three only under the creation lock: who makes one and has not locked it
// yet would lose it to another.

// Removed, with all that is in it, by the destructor.
class ImportAside {
 public:
  // For the journal `directory`. Refused: one that is at work there (12).
  static absl::optional<Refusal> Make(journal::FileSystem& fs,
                                      absl::string_view directory,
                                      std::unique_ptr<ImportAside>* aside);
  ImportAside(const ImportAside&) = delete;
  ImportAside& operator=(const ImportAside&) = delete;
  ~ImportAside();

  // Where the journal is to be made.
  const std::string& directory() const { return directory_; }

 private:
  ImportAside() = default;

  std::string place_;
  std::string directory_;
  std::unique_ptr<journal::FileLock> lock_;
};

// Refused (12, naming the process) while a journal whose run id differs from
// `run_id` in date and suffix at most is being made of a file: who began
// another would ask what is in the file.
absl::optional<Refusal> CheckNoImport(journal::FileSystem& fs,
                                      absl::string_view journal_dir,
                                      absl::string_view run_id);

// Removes what killed imports left. What cannot be removed stays.
void RemoveStaleImports(journal::FileSystem& fs, absl::string_view journal_dir);

}  // namespace runner

#endif  // RUNNER_STUDY_IMPORT_ASIDE_H_
