#include "journal/cipher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/little_endian.h"
#include "sodium.h"

namespace journal {
namespace {

constexpr absl::string_view kKeyIdLabel = "bench-journal key id";
constexpr size_t kKeyHexDigits = 2 * kKeyBytes;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kCipherExtraBytes == kNonceBytes + kTagBytes);

constexpr absl::string_view kWhatAKeyIs =
    "32 bytes, or 64 hex digits (and perhaps a newline)";

// What is authenticated besides the body (FORMAT.md, section 9).
constexpr size_t kAssociatedBytes = 48;

struct AssociatedData {
  explicit AssociatedData(const CipherContext& context) {
    char* to = bytes;
    std::memcpy(to, context.uuid.data(), context.uuid.size());
    StoreLittleEndian<uint64_t>(to + 16, context.file_id);
    StoreLittleEndian<uint64_t>(to + 24, context.lsn);
    StoreLittleEndian<uint16_t>(to + 32, context.type);
    StoreLittleEndian<uint8_t>(to + 34, context.kind);
    StoreLittleEndian<uint8_t>(to + 35, context.flags);
  }
  char bytes[kAssociatedBytes] = {};
};

const unsigned char* Bytes(const char* data) {
  return reinterpret_cast<const unsigned char*>(data);
}

unsigned char* Bytes(char* data) {
  return reinterpret_cast<unsigned char*>(data);
}

absl::Status StartSodium() {
  // May be called again and from any thread.
  return sodium_init() >= 0
             ? absl::OkStatus()
             : MakeError(ErrorKind::kIo, "libsodium does not start");
}

KeyId IdOf(const unsigned char* key) {
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof(hash));
  crypto_generichash_update(&state, Bytes(kKeyIdLabel.data()),
                            kKeyIdLabel.size());
  crypto_generichash_update(&state, key, kKeyBytes);
  crypto_generichash_final(&state, hash, sizeof(hash));
  sodium_memzero(&state, sizeof(state));
  KeyId id;
  static_assert(sizeof(id) <= sizeof(hash));
  std::memcpy(id.data(), hash, id.size());
  return id;
}

// False unless `hex` is exactly a key's digits.
bool DecodeHex(absl::string_view hex, unsigned char* key) {
  size_t bytes = 0;
  const char* end = nullptr;
  return hex.size() == kKeyHexDigits &&
         sodium_hex2bin(key, kKeyBytes, hex.data(), hex.size(), nullptr, &bytes,
                        &end) == 0 &&
         bytes == kKeyBytes && end == hex.data() + hex.size();
}

// Of as many digits as a key has bytes: half a key, and no chance makes it.
bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
}

// Reads until the end or until `size` bytes are there; from a pipe, too.
absl::StatusOr<size_t> ReadAll(const std::string& path, char* to, size_t size) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return ErrnoError(errno, path);
  const absl::Cleanup closer = [fd] { close(fd); };
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(fd, to + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError(errno, path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace

// Guarded, locked pages where the system grants them (a container may refuse
// to lock memory), else ordinary memory. Wiped in any case.
struct Cipher::Key {
  explicit Key(const char* key)
      : guarded(static_cast<unsigned char*>(sodium_malloc(kKeyBytes))),
        bytes(guarded == nullptr ? plain : guarded) {
    std::memcpy(bytes, key, kKeyBytes);
    if (guarded != nullptr) sodium_mprotect_readonly(guarded);
  }
  ~Key() {
    sodium_free(guarded);  // Wipes; null is fine.
    sodium_memzero(plain, sizeof(plain));
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  unsigned char plain[kKeyBytes] = {};
  unsigned char* const guarded;
  unsigned char* const bytes;
};

Cipher::Cipher(std::unique_ptr<Key> key)
    : key_(std::move(key)), id_(IdOf(key_->bytes)) {}

Cipher::~Cipher() = default;

absl::StatusOr<std::unique_ptr<Cipher>> Cipher::FromBytes(
    absl::string_view key) {
  if (absl::Status s = StartSodium(); !s.ok()) return s;
  if (key.size() != kKeyBytes) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("an encryption key has ", kKeyBytes,
                                  " bytes, not ", key.size()));
  }
  return std::unique_ptr<Cipher>(new Cipher(std::make_unique<Key>(key.data())));
}

absl::StatusOr<std::unique_ptr<Cipher>> Cipher::FromFile(
    absl::string_view path) {
  if (absl::Status s = StartSodium(); !s.ok()) return s;
  // A byte more than the longest file that is a key: "\r\n" at the end.
  char content[kKeyHexDigits + 3];
  char key[kKeyBytes];
  const absl::Cleanup wipe = [&] {
    sodium_memzero(content, sizeof(content));
    sodium_memzero(key, sizeof(key));
  };
  const absl::StatusOr<size_t> size =
      ReadAll(std::string(path), content, sizeof(content));
  if (!size.ok()) return WithContext(size.status(), "encryption key file");
  absl::string_view text(content, *size);
  if (text.size() == kKeyBytes && !IsHex(text)) return FromBytes(text);
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (!DecodeHex(text, Bytes(key))) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("encryption key file: ", path,
                                  ": does not hold a key: ", kWhatAKeyIs));
  }
  return FromBytes(absl::string_view(key, sizeof(key)));
}

absl::StatusOr<std::unique_ptr<Cipher>> Cipher::FromEnvironment(
    absl::string_view variable) {
  if (absl::Status s = StartSodium(); !s.ok()) return s;
  const char* hex = std::getenv(std::string(variable).c_str());
  if (hex == nullptr) {
    return MakeError(
        ErrorKind::kInvalidArgument,
        absl::StrCat("environment variable ", variable, " is not set"));
  }
  char key[kKeyBytes];
  const absl::Cleanup wipe = [&] { sodium_memzero(key, sizeof(key)); };
  if (!DecodeHex(hex, Bytes(key))) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("environment variable ", variable,
                                  " does not hold a key: 64 hex digits"));
  }
  return FromBytes(absl::string_view(key, sizeof(key)));
}

void Cipher::Encrypt(const CipherContext& context, absl::string_view plain,
                     char* to) const {
  const AssociatedData associated(context);
  // With 24 bytes, chance may choose: it does not choose the same twice.
  randombytes_buf(to, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      Bytes(to + kNonceBytes), nullptr, Bytes(plain.data()), plain.size(),
      Bytes(associated.bytes), sizeof(associated.bytes), nullptr, Bytes(to),
      key_->bytes);
}

bool Cipher::Decrypt(const CipherContext& context, absl::string_view stored,
                     char* to) const {
  if (stored.size() < kCipherExtraBytes) return false;
  const AssociatedData associated(context);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             Bytes(to), nullptr, nullptr, Bytes(stored.data() + kNonceBytes),
             stored.size() - kNonceBytes, Bytes(associated.bytes),
             sizeof(associated.bytes), Bytes(stored.data()), key_->bytes) == 0;
}

absl::Status CheckKey(const KeyId& key_id, const Cipher* cipher) {
  if (key_id == KeyId()) return absl::OkStatus();
  if (cipher == nullptr) {
    return MakeError(ErrorKind::kKey,
                     absl::StrCat("encrypted with key ", KeyIdHex(key_id),
                                  ", and no key is given"));
  }
  if (cipher->id() == key_id) return absl::OkStatus();
  return MakeError(ErrorKind::kKey,
                   absl::StrCat("encrypted with key ", KeyIdHex(key_id),
                                ", the key given is ", KeyIdHex(cipher->id())));
}

std::string NewKeyHex() {
  // As in NewUuid: without randomness nothing sensible can go on.
  if (!StartSodium().ok()) std::abort();
  unsigned char key[kKeyBytes];
  randombytes_buf(key, sizeof(key));
  std::string hex(kKeyHexDigits + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), key, sizeof(key));
  sodium_memzero(key, sizeof(key));
  hex.pop_back();  // sodium_bin2hex ends it with a zero byte.
  return hex;
}

}  // namespace journal
