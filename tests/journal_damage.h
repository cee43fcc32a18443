// A journal's files, for hurting them: as they lie on the disk, put back,
// compared; and what the programs then say.
#ifndef TESTS_JOURNAL_DAMAGE_H_
#define TESTS_JOURNAL_DAMAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace runner {

// Name to content.
using Files = std::map<std::string, std::string>;

// The plain files right in a directory, but LOCK, which is no part of a
// journal.
Files ReadFiles(const std::string& directory);
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, absl::string_view content);

// Makes the plain files of a directory, but LOCK, exactly these.
void PutFiles(const std::string& directory, const Files& files);

// The names of those that are segments, in order.
std::vector<std::string> SegmentNames(const Files& files);

// Whether both are the same; the test's output says which file differs.
bool Same(const Files& before, const Files& after);

// How a program ended, and all that it said.
struct Said {
  int exit_code = -1;
  std::string text;
};

// journalctl-bench, in this process and as the real program.
Said Inspect(const std::vector<std::string>& args);
Said InspectForReal(const std::vector<std::string>& args,
                    const std::string& directory);

// A segment as a program of format version 1 + `newer`, which needs the
// features `features` besides, would have headed it.
std::string AsNewer(const std::string& segment, uint32_t newer,
                    uint32_t features);

// A whole frame of a segment.
struct FramePlace {
  uint64_t lsn = 0;
  uint64_t offset = 0;
  uint64_t end = 0;
};
// All whole frames of a segment, in order.
std::vector<FramePlace> FramesOf(const std::string& segment_path);

}  // namespace runner

#endif  // TESTS_JOURNAL_DAMAGE_H_
