#include "journal/cipher.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"

namespace journal {
namespace {

constexpr char kVariable[] = "CIPHER_TEST_KEY";

class CipherTest : public ::testing::Test {
 protected:
  CipherTest() { unsetenv(kVariable); }

  static std::unique_ptr<Cipher> FromHex(const std::string& hex) {
    absl::StatusOr<std::unique_ptr<Cipher>> cipher =
        Cipher::FromBytes(absl::HexStringToBytes(hex));
    EXPECT_TRUE(cipher.ok()) << cipher.status();
    return *std::move(cipher);
  }

  absl::StatusOr<std::unique_ptr<Cipher>> FromFile(absl::string_view content) {
    std::ofstream(path_, std::ios::binary) << content;
    return Cipher::FromFile(path_);
  }

  std::string Encrypt(absl::string_view plain) const {
    std::string stored(plain.size() + kCipherExtraBytes, '\0');
    cipher_->Encrypt(context_, plain, stored.data());
    return stored;
  }

  static bool Opens(const Cipher& cipher, const CipherContext& context,
                    const std::string& stored) {
    std::string plain(stored.size(), '\0');
    return cipher.Decrypt(context, stored, plain.data());
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "/key");
  const std::string hex_ = NewKeyHex();
  const std::unique_ptr<Cipher> cipher_ = FromHex(hex_);
  const CipherContext context_ = {
      .uuid = {'u'}, .file_id = 3, .lsn = 7, .type = 9, .kind = 1, .flags = 4};
};

TEST_F(CipherTest, WhatIsEncryptedComesBack) {
  for (const size_t size : {0, 1, 63, 64, 65, 16 << 20}) {
    const std::string plain(size, 'p');
    const std::string stored = Encrypt(plain);
    std::string back(size, '\0');
    ASSERT_TRUE(cipher_->Decrypt(context_, stored, back.data())) << size;
    EXPECT_EQ(back, plain);
  }
}

// What every later version must still read.
TEST_F(CipherTest, TheFormatStays) {
  const std::unique_ptr<Cipher> cipher = FromHex(
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  EXPECT_EQ(KeyIdHex(cipher->id()), "42373f1122000b3f43e50d57f69a037d");
  const std::string stored = absl::HexStringToBytes(
      "6465666768696a6b6c6d6e6f707172737475767778797a7b"
      "1d539bdf9b5755bf48cf7f61f3ad1b1fd60cc9f142b5");
  std::string plain(stored.size() - kCipherExtraBytes, '\0');
  ASSERT_TRUE(cipher->Decrypt(context_, stored, plain.data()));
  EXPECT_EQ(plain, "a body");
}

TEST_F(CipherTest, TheSameBodyIsNeverStoredTwiceAlike) {
  const std::string stored = Encrypt("a body");
  EXPECT_NE(stored, Encrypt("a body"));
  EXPECT_FALSE(absl::StrContains(stored, "body"));
}

TEST_F(CipherTest, NothingCanBeMovedOrChanged) {
  const std::string stored = Encrypt("a body");
  ASSERT_TRUE(Opens(*cipher_, context_, stored));
  std::vector<CipherContext> elsewhere(6, context_);
  elsewhere[0].uuid = {'v'};
  elsewhere[1].file_id = 4;
  elsewhere[2].lsn = 8;
  elsewhere[3].type = 10;
  elsewhere[4].kind = 2;
  elsewhere[5].flags = 5;
  for (const CipherContext& context : elsewhere) {
    EXPECT_FALSE(Opens(*cipher_, context, stored));
  }
  for (size_t i = 0; i < stored.size(); ++i) {
    std::string changed = stored;
    changed[i] ^= 1;
    EXPECT_FALSE(Opens(*cipher_, context_, changed)) << i;
    EXPECT_FALSE(Opens(*cipher_, context_, stored.substr(0, i))) << i;
  }
}

TEST_F(CipherTest, AnotherKeyHasAnotherIdAndOpensNothing) {
  const std::unique_ptr<Cipher> other = FromHex(NewKeyHex());
  EXPECT_NE(other->id(), cipher_->id());
  EXPECT_NE(cipher_->id(), KeyId());
  EXPECT_FALSE(Opens(*other, context_, Encrypt("a body")));
}

TEST_F(CipherTest, AKeyComesFromBytesAFileOrTheEnvironment) {
  for (const std::string& content :
       {hex_, hex_ + "\n", hex_ + "\r\n", absl::HexStringToBytes(hex_)}) {
    const auto from_file = FromFile(content);
    ASSERT_TRUE(from_file.ok()) << from_file.status();
    EXPECT_EQ((*from_file)->id(), cipher_->id());
  }
  setenv(kVariable, hex_.c_str(), 1);
  const auto from_environment = Cipher::FromEnvironment(kVariable);
  ASSERT_TRUE(from_environment.ok()) << from_environment.status();
  EXPECT_EQ((*from_environment)->id(), cipher_->id());
}

TEST_F(CipherTest, WhatIsNoKeyIsRefusedWithoutShowingIt) {
  const std::string secret = hex_.substr(0, 62);
  for (const std::string& content :
       {std::string(), std::string("\n"), secret, secret + "zz", hex_ + "\n\n",
        hex_ + " ", " " + hex_, hex_ + hex_, secret + std::string(2, '\0'),
        std::string(31, 'k'), std::string(33, 'k'), hex_.substr(0, 32)}) {
    const absl::Status refused = FromFile(content).status();
    EXPECT_EQ(KindOf(refused), ErrorKind::kInvalidArgument) << refused;
    EXPECT_FALSE(absl::StrContains(refused.message(), hex_.substr(0, 8)));
    EXPECT_TRUE(absl::StrContains(refused.message(), path_)) << refused;
  }
  for (const std::string& value : {std::string(), secret, hex_ + "\n"}) {
    setenv(kVariable, value.c_str(), 1);
    const absl::Status refused = Cipher::FromEnvironment(kVariable).status();
    EXPECT_EQ(KindOf(refused), ErrorKind::kInvalidArgument) << refused;
    EXPECT_FALSE(absl::StrContains(refused.message(), hex_.substr(0, 8)));
    EXPECT_TRUE(absl::StrContains(refused.message(), kVariable)) << refused;
  }
  unsetenv(kVariable);
  EXPECT_EQ(KindOf(Cipher::FromEnvironment(kVariable).status()),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(Cipher::FromBytes(hex_).status()),
            ErrorKind::kInvalidArgument);
  std::remove(path_.c_str());
  EXPECT_EQ(KindOf(Cipher::FromFile(path_).status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(Cipher::FromFile(::testing::TempDir()).status()),
            ErrorKind::kIo);
}

TEST_F(CipherTest, WorksWhereMemoryMayNotBeLocked) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
  const std::unique_ptr<Cipher> cipher = FromHex(hex_);
  EXPECT_TRUE(Opens(*cipher, context_, Encrypt("a body")));
  setrlimit(RLIMIT_MEMLOCK, &before);
}

}  // namespace
}  // namespace journal
