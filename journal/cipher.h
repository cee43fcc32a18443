// Encrypts what a journal stores (FORMAT.md, section 9).
#ifndef JOURNAL_CIPHER_H_
#define JOURNAL_CIPHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

inline constexpr size_t kKeyBytes = 32;

// What encryption adds to a body: nonce and tag.
inline constexpr size_t kCipherExtraBytes = 24 + 16;

// What a block is authenticated as instead of a frame's kind.
inline constexpr uint8_t kCipherKindBlock = 255;

// Where something encrypted belongs; authenticated, so that it cannot be moved.
struct CipherContext {
  JournalUuid uuid = {};
  uint64_t file_id = 0;  // Of the segment or part.
  Lsn lsn = 0;
  uint16_t type = 0;
  uint8_t kind = 0;
  uint8_t flags = 0;
};

// One key. Thread-safe. The key is kept in locked memory, wiped at the end,
// and never part of a message.
class Cipher {
 public:
  // `key` has kKeyBytes. Errors: kInvalidArgument, kIo (libsodium does not
  // start).
  static absl::StatusOr<std::unique_ptr<Cipher>> FromBytes(
      absl::string_view key);
  // The file (or pipe) holds 32 raw bytes, or 64 hex digits and perhaps a
  // newline. kInvalidArgument, without its content, if it holds anything else
  // (32 hex digits, too: half a key);
  // kNotFound, kIo.
  static absl::StatusOr<std::unique_ptr<Cipher>> FromFile(
      absl::string_view path);
  // The variable holds 64 hex digits. kInvalidArgument, without its content, if
  // it does not, or is not set.
  static absl::StatusOr<std::unique_ptr<Cipher>> FromEnvironment(
      absl::string_view variable);

  ~Cipher();
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  const KeyId& id() const { return id_; }

  // Writes plain.size() + kCipherExtraBytes to `to`.
  void Encrypt(const CipherContext& context, absl::string_view plain,
               char* to) const;

  // Writes stored.size() - kCipherExtraBytes to `to`. False if `stored` is too
  // short, or was not made by Encrypt with this key and this context; `to` is
  // then unspecified.
  [[nodiscard]] bool Decrypt(const CipherContext& context,
                             absl::string_view stored, char* to) const;

 private:
  struct Key;
  explicit Cipher(std::unique_ptr<Key> key);

  std::unique_ptr<Key> key_;
  KeyId id_;
};

// Bytes that `body_bytes` of a RECORD or STATE frame take when stored with
// `cipher`, null: as they are.
constexpr uint64_t StoredBytes(const Cipher* cipher, uint64_t body_bytes) {
  return cipher == nullptr ? body_bytes : body_bytes + kCipherExtraBytes;
}

// OK if what was stored with the key `key_id` (zero: none) can be read with
// `cipher` (null: no key). Else kKey, naming the ids. What is not encrypted can
// be read with any.
absl::Status CheckKey(const KeyId& key_id, const Cipher* cipher);

// 64 hex digits of a new random key.
std::string NewKeyHex();

}  // namespace journal

#endif  // JOURNAL_CIPHER_H_
