// Shows one segment as it lies on disk.
#ifndef TOOLS_SEGMENT_DUMP_H_
#define TOOLS_SEGMENT_DUMP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/body_decryptor.h"
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"
#include "tools/command.h"
#include "tools/dump_options.h"

namespace inspector {

// Used once. `context` is borrowed.
class SegmentDump {
 public:
  SegmentDump(absl::string_view directory, uint64_t segment_id,
              Context& context);

  // Reads the headers.
  absl::Status Open();

  // The header, from the copy that is whole; null if neither is.
  const journal::SegmentHeader* header() const;

  // REQUIRES: opened.
  void Print(const DumpOptions& options);

 private:
  void PrintHeader(int copy);
  void PrintFrames(journal::Lsn first_lsn);
  void PrintFrame(const journal::Frame& frame);
  void PrintBody(const journal::Frame& frame);
  void PrintBad(const journal::SegmentScanner::Bad& bad, uint64_t end);
  void PrintHex(uint64_t from, uint64_t to);

  const uint64_t id_;
  const std::string name_;
  const std::string path_;
  Context& context_;
  DumpOptions options_;
  journal::SegmentHeader known_;  // What frames are decrypted by.
  journal::BodyDecryptor decryptor_;
  std::unique_ptr<journal::File> file_;
  uint64_t bytes_ = 0;
  char head_[journal::kFirstFrameOffset] = {};
  journal::HeaderState state_[journal::kSegmentHeaderCopies] = {};
  journal::SegmentHeader copies_[journal::kSegmentHeaderCopies];
};

}  // namespace inspector

#endif  // TOOLS_SEGMENT_DUMP_H_
