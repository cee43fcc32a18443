#include "tests/fuzz/journal_program.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/little_endian.h"
#include "journal/segment_header.h"

namespace fuzz {
namespace {

using journal::FrameHeader;
using journal::FrameKind;
using journal::SegmentHeader;

class Runner {
 public:
  explicit Runner(FuzzInput& input) : input_(input) {}

  Program Run();

 private:
  bool Write(Operation operation);
  bool Change(Operation operation);
  void ChangeBytes(Operation operation);

  void AddRecord();
  void AddSpan();
  // Before the first change: what was written, linked.
  void BeginChanges();
  void SetHeader();
  void SetFrame();
  void SetBody();
  void MoveFrame();

  // Null when there is none.
  ModelSegment* TakeSegment();
  ModelFrame* TakeFrame();
  SegmentFile* TakeFile();
  uint64_t TakeId() { return 1 + uint64_t{input_.Take<uint8_t>()}; }
  // A file of that id, in place of one there may be.
  void PutFile(uint64_t id, std::string bytes);

  FuzzInput& input_;
  JournalModel model_;
  bool changed_ = false;
  bool ended_ = false;    // Half a rotation: nothing is written behind it.
  bool closed_ = false;   // Only a rotation can follow.
  bool emitted_ = false;  // `program_.files` is what counts from here on.
  Program program_;
};

// ---------------------------------------------------------------------------
// Writing

void Runner::AddRecord() {
  const size_t size = input_.Take<uint16_t>() % (kProgramBodyBytesMax + 1);
  const char filling = input_.Take<char>();
  const bool ignorable = (input_.Take<uint8_t>() & 1) != 0;
  program_.records.emplace_back(size, filling);
  model_.AddRecord(1, program_.records.back(),
                   ignorable ? journal::kIgnorable : 0);
}

void Runner::AddSpan() {
  const size_t count = 1 + input_.Take<uint8_t>() % kProgramSpanRecordsMax;
  const size_t size = input_.Take<uint16_t>() % (kProgramBodyBytesMax + 1);
  const std::vector<std::string> bodies(count,
                                        std::string(size, input_.Take<char>()));
  model_.AddSpan(bodies);
  program_.records.insert(program_.records.end(), bodies.begin(), bodies.end());
}

// False if the operation is of another kind.
bool Runner::Write(Operation operation) {
  if (operation > Operation::kZeroed) return false;
  // What no writer would do is a change. There is always room for a seal.
  if (changed_ || model_.frames() >= kProgramFramesMax) return true;
  ModelSegment& newest = model_.segments().back();
  if (operation == Operation::kTail) {
    newest.tail_bytes = input_.Take<uint16_t>() % (kProgramTailBytesMax + 1);
    return true;
  }
  if (operation == Operation::kZeroed) {
    newest.zeroed = true;
    return true;
  }
  const bool rotates =
      operation == Operation::kRotate || operation == Operation::kHalfRotate;
  if (ended_ || (closed_ && !rotates)) return true;
  if (rotates && model_.segments().size() >= kProgramSegmentsMax) return true;
  switch (operation) {
    case Operation::kRecord:
      AddRecord();
      break;
    case Operation::kSpan:
      AddSpan();
      break;
    case Operation::kWatermark:
      model_.AddWatermark();
      break;
    case Operation::kState:
      model_.AddState(std::string(input_.Take<uint8_t>(), 's'));
      break;
    case Operation::kSync:
      model_.Sync();
      break;
    case Operation::kClose:
      model_.AddClose();
      closed_ = true;
      break;
    case Operation::kRotate:
    case Operation::kHalfRotate:
      ended_ = operation == Operation::kHalfRotate;
      model_.Rotate(!ended_);
      closed_ = false;
      break;
    default:
      break;
  }
  return true;
}

// ---------------------------------------------------------------------------
// Changing

void Runner::BeginChanges() {
  if (changed_) return;
  changed_ = true;
  model_.Link();
}

ModelSegment* Runner::TakeSegment() {
  const size_t number = input_.Take<uint8_t>();
  std::vector<ModelSegment>& segments = model_.segments();
  return segments.empty() ? nullptr : &segments[number % segments.size()];
}

ModelFrame* Runner::TakeFrame() {
  ModelSegment* segment = TakeSegment();
  const size_t number = input_.Take<uint8_t>();
  if (segment == nullptr || segment->frames.empty()) return nullptr;
  return &segment->frames[number % segment->frames.size()];
}

void Runner::SetHeader() {
  ModelSegment* segment = TakeSegment();
  const uint8_t field = input_.Take<uint8_t>();
  const uint64_t value = input_.Take<uint64_t>();
  if (segment == nullptr) return;
  SegmentHeader& header = segment->header;
  uint64_t* const fields[] = {
      &header.segment_id,         &header.first_lsn,    &header.zeroed_bytes,
      &header.max_unsynced_bytes, &header.watermark,    &header.predecessor_id,
      &header.predecessor_bytes,  &header.chain_start,  &header.records_before,
      &header.state_segment_id,   &header.state_offset, &header.state_lsn,
  };
  constexpr size_t kCount = std::size(fields);
  switch (field % (kCount + 4)) {
    case kCount:
      header.format_version = static_cast<uint32_t>(value);
      break;
    case kCount + 1:
      header.required_features = static_cast<uint32_t>(value);
      break;
    case kCount + 2:
      header.uuid[0] = static_cast<char>(value);
      break;
    case kCount + 3:
      header.created_unix_ns = static_cast<int64_t>(value);
      break;
    default:
      *fields[field % (kCount + 4)] = value;
      segment->zeroed = false;
  }
}

void Runner::SetFrame() {
  ModelFrame* frame = TakeFrame();
  const uint8_t field = input_.Take<uint8_t>();
  const uint64_t value = input_.Take<uint64_t>();
  if (frame == nullptr) return;
  FrameHeader& header = frame->header;
  switch (field % 6) {
    case 0:
      header.lsn = value;
      break;
    case 1:
      header.watermark = value;
      break;
    case 2:
      header.type = static_cast<uint16_t>(value);
      break;
    case 3:
      header.kind = static_cast<FrameKind>(value & 0xff);
      break;
    case 4:
      header.flags = static_cast<uint8_t>(value);
      break;
    case 5:
      frame->at_sector = (value & 1) != 0;
      break;
  }
}

void Runner::SetBody() {
  ModelFrame* frame = TakeFrame();
  const size_t offset = input_.Take<uint16_t>();
  const uint64_t value = input_.Take<uint64_t>();
  if (frame == nullptr || frame->body.size() < sizeof(value)) return;
  journal::StoreLittleEndian<uint64_t>(
      frame->body.data() + offset % (frame->body.size() - sizeof(value) + 1),
      value);
}

void Runner::MoveFrame() {
  ModelSegment* from = TakeSegment();
  const size_t number = input_.Take<uint8_t>();
  ModelSegment* to = TakeSegment();
  if (from == nullptr || from->frames.empty()) return;
  const size_t at = number % from->frames.size();
  const ModelFrame frame = from->frames[at];
  from->frames.erase(from->frames.begin() + at);
  to->frames.push_back(frame);
}

bool Runner::Change(Operation operation) {
  if (operation > Operation::kDropSegment) return false;
  if (emitted_) return true;
  BeginChanges();
  switch (operation) {
    case Operation::kSetHeader:
      SetHeader();
      break;
    case Operation::kSetFrame:
      SetFrame();
      break;
    case Operation::kSetBody:
      SetBody();
      break;
    case Operation::kResizeBody:
      if (ModelFrame* frame = TakeFrame()) {
        frame->body.resize(input_.Take<uint16_t>() %
                           (kProgramBodyBytesMax + 1));
      }
      break;
    case Operation::kDropFrame:
      if (ModelSegment* segment = TakeSegment();
          segment != nullptr && !segment->frames.empty()) {
        segment->frames.erase(segment->frames.begin() +
                              input_.Take<uint8_t>() % segment->frames.size());
      }
      break;
    case Operation::kRepeatFrame:
      if (ModelSegment* segment = TakeSegment();
          segment != nullptr && !segment->frames.empty() &&
          model_.frames() < kProgramFramesMax) {
        const size_t at = input_.Take<uint8_t>() % segment->frames.size();
        const ModelFrame frame = segment->frames[at];
        segment->frames.insert(segment->frames.begin() + at, frame);
      }
      break;
    case Operation::kMoveFrame:
      MoveFrame();
      break;
    case Operation::kLink:
      model_.Link();
      break;
    case Operation::kFileId:
      if (ModelSegment* segment = TakeSegment()) {
        segment->file_id = TakeId();
      }
      break;
    case Operation::kDropSegment:
      if (ModelSegment* segment = TakeSegment()) {
        model_.segments().erase(model_.segments().begin() +
                                (segment - model_.segments().data()));
      }
      break;
    default:
      break;
  }
  return true;
}

// ---------------------------------------------------------------------------
// Changing bytes

SegmentFile* Runner::TakeFile() {
  const size_t number = input_.Take<uint8_t>();
  std::vector<SegmentFile>& files = program_.files;
  return files.empty() ? nullptr : &files[number % files.size()];
}

void Runner::PutFile(uint64_t id, std::string bytes) {
  for (SegmentFile& file : program_.files) {
    if (file.id == id) {
      file.bytes = std::move(bytes);
      return;
    }
  }
  if (program_.files.size() >= kProgramSegmentsMax) return;
  program_.files.push_back({id, std::move(bytes)});
}

void Runner::ChangeBytes(Operation operation) {
  if (operation > Operation::kSwapFiles) return;
  if (!emitted_) {
    emitted_ = true;
    BeginChanges();
    for (SegmentFile& file : model_.Files()) {
      PutFile(file.id, std::move(file.bytes));
    }
  }
  SegmentFile* file = TakeFile();
  if (file == nullptr) return;
  std::string& bytes = file->bytes;
  switch (operation) {
    case Operation::kFlipBit: {
      const uint32_t bit = input_.Take<uint32_t>();
      if (!bytes.empty()) {
        bytes[bit / 8 % bytes.size()] ^= static_cast<char>(1 << bit % 8);
      }
      break;
    }
    case Operation::kZeroSector: {
      const size_t at = input_.Take<uint16_t>() * journal::kSectorBytes;
      if (at >= bytes.size()) break;
      const size_t size =
          std::min<size_t>(bytes.size() - at, journal::kSectorBytes);
      bytes.replace(at, size, size, '\0');
      break;
    }
    case Operation::kTruncate:
      bytes.resize(input_.Take<uint32_t>() % (bytes.size() + 1));
      break;
    case Operation::kAppend: {
      const size_t size = input_.Take<uint16_t>() % (kProgramTailBytesMax + 1);
      if (bytes.size() < kProgramFramesMax * kProgramBodyBytesMax) {
        bytes.append(size, input_.Take<char>());
      }
      break;
    }
    case Operation::kCopyFile:
      // A copy: the list may move.
      PutFile(TakeId(), std::string(bytes));
      break;
    case Operation::kSwapFiles:
      std::swap(bytes, TakeFile()->bytes);
      break;
    default:
      break;
  }
}

Program Runner::Run() {
  for (size_t i = 0; i < kProgramOperationsMax && !input_.empty(); ++i) {
    const auto operation =
        static_cast<Operation>(input_.Take<uint8_t>() & 0x1f);
    if (!Write(operation) && !Change(operation)) ChangeBytes(operation);
  }
  if (!changed_) model_.Link();
  program_.intact = !changed_;
  if (!emitted_) {
    for (SegmentFile& file : model_.Files()) {
      PutFile(file.id, std::move(file.bytes));
    }
  }
  return std::move(program_);
}

}  // namespace

Program RunProgram(FuzzInput& input) { return Runner(input).Run(); }

void PutFiles(const Program& program, const std::string& directory,
              journal::MemoryFileSystem& disk) {
  FUZZ_CHECK(disk.CreateDirectory(directory).ok());
  for (const SegmentFile& file : program.files) {
    disk.Put(journal::JoinPath(directory, journal::SegmentFileName(file.id)),
             file.bytes);
  }
}

}  // namespace fuzz
