// What happens between taking a journal's lock and its first append.
#ifndef JOURNAL_WRITER_OPEN_H_
#define JOURNAL_WRITER_OPEN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/recovery_report.h"
#include "journal/segment_log.h"
#include "journal/writer.h"

namespace journal {

struct OpenedLog {
  std::string directory;
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<SegmentLog> log;
  Manifest snapshot;  // That the log goes on from; manifest_id 0: none.
  RecoveryReport report;
};

// The steps of FORMAT.md, section 5, "Opening for append". Each may be
// interrupted; the next opening repeats it with the same outcome.
// `options.file_system` and `options.clock` are set.
absl::StatusOr<OpenedLog> OpenLog(absl::string_view directory,
                                  const WriterOptions& options);

}  // namespace journal

#endif  // JOURNAL_WRITER_OPEN_H_
