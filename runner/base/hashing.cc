#include "runner/base/hashing.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace runner {
namespace {

// Failures of OpenSSL's digest mean that the library itself is unusable.
void Require(int openssl_result) {
  if (openssl_result != 1) std::abort();
}

void AppendLittleEndian(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> (8 * i) & 0xFF);
  }
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) std::abort();
  Require(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::Update(absl::string_view data) {
  Require(EVP_DigestUpdate(state_->context, data.data(), data.size()));
}

std::string Sha256::HexDigest() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(state_->context, digest, &size));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string Sha256Hex(absl::string_view data) {
  Sha256 hash;
  hash.Update(data);
  return hash.HexDigest();
}

uint64_t Xxh3(absl::string_view data) {
  return XXH3_64bits(data.data(), data.size());
}

std::string Hex64(uint64_t value) {
  return absl::StrCat(absl::Hex(value, absl::kZeroPad16));
}

std::string Xxh3Hex(absl::string_view data) { return Hex64(Xxh3(data)); }

uint64_t QuerySeed(uint64_t seed, uint32_t run, absl::string_view id,
                   uint32_t occurrence) {
  std::string key("query\0", 6);
  AppendLittleEndian(seed, 8, key);
  AppendLittleEndian(run, 4, key);
  AppendLittleEndian(occurrence, 4, key);
  absl::StrAppend(&key, id);
  return Xxh3(key) % kSeedLimit;
}

uint64_t RunSeed(uint64_t seed, uint32_t run) {
  std::string key("run\0", 4);
  AppendLittleEndian(seed, 8, key);
  AppendLittleEndian(run, 4, key);
  return Xxh3(key) % kSeedLimit;
}

}  // namespace runner
