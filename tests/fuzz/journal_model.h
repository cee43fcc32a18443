// A journal as a list of segments and frames, not yet bytes, so that it can be
// changed anywhere and still have right checksums. Written from FORMAT.md and
// not by the engine's writer: the two check each other.
#ifndef TESTS_FUZZ_JOURNAL_MODEL_H_
#define TESTS_FUZZ_JOURNAL_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/frame.h"
#include "journal/segment_header.h"

namespace fuzz {

struct ModelFrame {
  journal::FrameHeader header;  // body_bytes and the checksums are computed.
  std::string body;
  bool at_sector = false;  // An fsync was issued before it.
  uint64_t offset = 0;     // Set by Place().
};

struct ModelSegment {
  uint64_t file_id = 0;  // In the file's name.
  journal::SegmentHeader header;
  std::vector<ModelFrame> frames;
  uint64_t tail_bytes = 0;  // Zeros behind the last frame.
  bool zeroed = false;      // The head says that all of it was zero-written.
};

struct SegmentFile {
  uint64_t id = 0;
  std::string bytes;
};

class JournalModel {
 public:
  JournalModel();

  // -- Writing, as a writer would. ------------------------------------------

  void AddRecord(uint16_t type, absl::string_view body, uint8_t flags = 0);
  void AddSpan(const std::vector<std::string>& bodies);
  void AddWatermark();
  void AddState(absl::string_view state, uint32_t folder_version = 1);
  void AddClose();
  // SEAL, and the next segment; without the seal: a rotation cut short.
  void Rotate(bool seal = true);
  // What comes next begins a sector, and confirms what came before.
  void Sync();

  // -- Changing -------------------------------------------------------------

  std::vector<ModelSegment>& segments() { return segments_; }
  size_t frames() const;
  // Gives every frame its place, from its segment's first.
  void Place();
  // Makes LSNs, chain, counts, and what the segments' heads say fit the frames
  // as they are now.
  void Link();

  // -- Bytes ----------------------------------------------------------------

  std::vector<SegmentFile> Files();

 private:
  ModelFrame& Add(journal::FrameKind kind, std::string body);
  void LinkFrame(ModelSegment& segment, ModelFrame& frame, uint64_t* chain,
                 uint64_t* segment_records);
  void AddSegment();

  std::vector<ModelSegment> segments_;
  journal::Lsn next_lsn_ = 1;
  journal::Lsn durable_ = 0;
  bool synced_ = true;
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_JOURNAL_MODEL_H_
