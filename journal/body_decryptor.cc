#include "journal/body_decryptor.h"

#include <algorithm>

namespace journal {
namespace {

constexpr uint64_t kBufferBytesMin = 64 << 10;

constexpr absl::string_view kTampered = "authentication failed: tampered";
constexpr absl::string_view kNotEncrypted =
    "authentication failed: tampered (not encrypted, the segment is)";
constexpr absl::string_view kEncryptedAnyway =
    "authentication failed: tampered (encrypted, the segment is not)";

}  // namespace

CipherContext FrameContext(const JournalUuid& uuid, uint64_t segment_id,
                           const FrameHeader& header) {
  CipherContext context;
  context.uuid = uuid;
  context.file_id = segment_id;
  context.lsn = header.lsn;
  context.type = header.type;
  context.kind = static_cast<uint8_t>(header.kind);
  context.flags = header.flags;
  return context;
}

absl::string_view BodyDecryptor::Decrypt(const SegmentHeader& segment,
                                         Frame* frame) {
  FrameHeader& header = frame->header;
  if (!HoldsApplicationBytes(header.kind)) return "";
  const bool encrypted = (header.flags & kEncrypted) != 0;
  if (segment.key_id == KeyId()) return encrypted ? kEncryptedAnyway : "";
  if (!encrypted) return kNotEncrypted;
  if (frame->body.size() < kCipherExtraBytes) return kTampered;
  if (cipher_ == nullptr) return "";
  const uint64_t plain_bytes = frame->body.size() - kCipherExtraBytes;
  char* const plain = Room(plain_bytes);
  if (!cipher_->Decrypt(FrameContext(segment.uuid, segment.segment_id, header),
                        frame->body, plain)) {
    return kTampered;
  }
  frame->body = absl::string_view(plain, plain_bytes);
  header.flags &= static_cast<uint8_t>(~kEncrypted);
  return "";
}

// The frame is in memory already: its size is proven.
char* BodyDecryptor::Room(uint64_t size) {
  if (size > capacity_ || buffer_ == nullptr) {
    capacity_ = std::max({size, 2 * capacity_, kBufferBytesMin});
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  return buffer_.get();
}

}  // namespace journal
