// The one place where what frames hold is decrypted.
#ifndef JOURNAL_BODY_DECRYPTOR_H_
#define JOURNAL_BODY_DECRYPTOR_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"

namespace journal {

// Whether such a frame's body is the application's, and encrypted where there
// is a key. All others are the engine's and never are.
constexpr bool HoldsApplicationBytes(FrameKind kind) {
  return kind == FrameKind::kRecord || kind == FrameKind::kState;
}

// As what the body of a frame is authenticated.
CipherContext FrameContext(const JournalUuid& uuid, uint64_t segment_id,
                           const FrameHeader& header);

// Not thread-safe. Memory is bounded by the largest frame.
class BodyDecryptor {
 public:
  // Not owned; outlives this. Null: encrypted bodies stay as they are stored,
  // and only what shows without a key is checked.
  explicit BodyDecryptor(const Cipher* cipher) : cipher_(cipher) {}

  // Replaces the body of a RECORD or STATE frame of an encrypted segment by
  // what was appended (8-byte aligned, valid until the next call) and clears
  // its flag kEncrypted. Leaves all others as they are. Returns what is wrong,
  // else
  // "". REQUIRES: the key, if
  // there is one, is the segment's (CheckKey).
  [[nodiscard]] absl::string_view Decrypt(const SegmentHeader& segment,
                                          Frame* frame);

 private:
  // At least `size` bytes.
  char* Room(uint64_t size);

  const Cipher* const cipher_;
  std::unique_ptr<char[]> buffer_;
  uint64_t capacity_ = 0;
};

}  // namespace journal

#endif  // JOURNAL_BODY_DECRYPTOR_H_
