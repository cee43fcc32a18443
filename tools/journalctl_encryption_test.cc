// journalctl-bench and encrypted journals, with their key and without.
#include <cstdlib>
#include <memory>

#include "journal/cipher.h"
#include "tools/journalctl_bench_fixture.h"

namespace inspector {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class EncryptedTest : public ProgramTest {
 protected:
  EncryptedTest() {
    unsetenv(kVariable);
    WriteBytes(root_ + "/key", key_ + "\n");
    WriteBytes(root_ + "/other", journal::NewKeyHex());
    cipher_ = *journal::Cipher::FromFile(root_ + "/key");
    JournalBuilder builder(journal_, 3, 1, JournalBuilder::StartTime(),
                           cipher_.get());
    builder.Finish(0);
    builder.Start(1);
    answer_ = builder.Answer(1);
    builder.Snapshot();
    builder.Score(1);
    builder.Finish(2);
    builder.Complete();
    builder.Close();
    id_ = journal::KeyIdHex(cipher_->id());
  }
  ~EncryptedTest() override { unsetenv(kVariable); }

  int RunWithKey(std::vector<std::string> args,
                 const std::string& key_file = "key") {
    args.insert(args.end(), {"--encryption-key-file", root_ + "/" + key_file});
    return Run(args);
  }

  // Only the segment, so that damage to it is damage.
  void RemoveSnapshots() {
    std::filesystem::remove(journal_ + "/0000000001.part");
    std::filesystem::remove(journal_ + "/0000000001.manifest");
  }

  static constexpr char kVariable[] = "BENCH_JOURNAL_KEY";
  const std::string key_ = journal::NewKeyHex();
  std::unique_ptr<journal::Cipher> cipher_;
  std::string id_;
};

TEST_F(EncryptedTest, EveryCommandReadsItWithItsKey) {
  ASSERT_EQ(RunWithKey({"list", root_}), 0) << err_;
  EXPECT_THAT(Column(8), ElementsAre("STATUS", "complete"));
  ASSERT_EQ(RunWithKey({"info", journal_, "--json"}), 0) << err_;
  EXPECT_EQ(Json()["completed"], 3);
  EXPECT_EQ(Json()["key_id"], id_);
  ASSERT_EQ(RunWithKey({"show", journal_, "--type", "response", "-n", "2"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q1", "q2"));
  ASSERT_EQ(RunWithKey({"verify", journal_}), 0) << out_;
  EXPECT_THAT(out_, AllOf(HasSubstr("/R: ok"), Not(HasSubstr("encrypted"))));
  ASSERT_EQ(RunWithKey({"dump", journal_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("|..../data/number|"));
  ASSERT_EQ(RunWithKey({"repair", journal_}), 0) << err_;
}

TEST_F(EncryptedTest, TheKeyMayComeFromTheEnvironment) {
  setenv(kVariable, key_.c_str(), 1);
  ASSERT_EQ(Run({"show", journal_, "--type", "score", "-r"}), 0) << err_;
  EXPECT_THAT(Column(4), ElementsAre("q2", "q1", "q0"));
  setenv(kVariable, key_.c_str(), 1);
  EXPECT_EQ(RunProgram("show " + journal_), 0);
  setenv(kVariable, "no key", 1);
  EXPECT_EQ(Run({"show", journal_}), 2);
  EXPECT_THAT(err_, HasSubstr(kVariable));
}

TEST_F(EncryptedTest, WithoutAKeyStructureIsShownAndVerified) {
  ASSERT_EQ(Run({"verify", journal_}), 0) << out_;
  EXPECT_THAT(out_,
              AllOf(HasSubstr("/R: ok"), HasSubstr("encrypted with key " + id_),
                    Not(HasSubstr("no record yet"))));
  ASSERT_EQ(Run({"verify", journal_, "--json"}), 0);
  EXPECT_EQ(Json()["journals"][0]["bodies_checked"], false);
  EXPECT_EQ(Json()["journals"][0]["records"], 14);
  ASSERT_EQ(Run({"info", journal_}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("Encryption   key " + id_),
                          HasSubstr("0000000001.manifest")));
  ASSERT_EQ(Run({"list", root_}), 0);
  EXPECT_THAT(Column(8), ElementsAre("STATUS", "encrypted"));
  EXPECT_THAT(Column(5), ElementsAre("PROGRESS", "-"));
  EXPECT_THAT(err_, HasSubstr(id_));
  ASSERT_EQ(Run({"list", root_, "--json"}), 0);
  EXPECT_TRUE(Json()["journals"][0]["completed"].is_null());
  for (const bool hex : {true, false}) {
    ASSERT_EQ(
        hex ? Run({"dump", journal_}) : Run({"dump", journal_, "--no-hex"}), 0);
    EXPECT_THAT(out_,
                AllOf(HasSubstr("key " + id_), HasSubstr("flags encrypted"),
                      HasSubstr("zstd, encrypted"), Not(HasSubstr("numbers"))));
  }
}

TEST_F(EncryptedTest, WithoutAKeyDamageIsFoundAllTheSame) {
  const uint64_t offset = OffsetOf(answer_);
  RemoveSnapshots();
  FlipBit(segment(), offset + 60);
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("not safe: LSN ", answer_)));
  EXPECT_THAT(out_, HasSubstr("Response"));
}

TEST_F(EncryptedTest, WhatNeedsTheKeySaysHowItIsGiven) {
  EXPECT_EQ(Run({"show", journal_}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr(id_), HasSubstr("--encryption-key-file"),
                          HasSubstr(kVariable)));
  EXPECT_EQ(Run({"snapshot", journal_}), 2);
  EXPECT_THAT(err_, HasSubstr("--encryption-key-file"));
  const uint64_t offset = OffsetOf(answer_);
  RemoveSnapshots();
  FlipBit(segment(), offset + 60);
  EXPECT_EQ(Run({"repair", journal_}), 2);
  EXPECT_THAT(err_, HasSubstr("--encryption-key-file"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/replaced"));
}

TEST_F(EncryptedTest, AWrongKeyIsAnErrorAndIsNeverShown) {
  const std::string other = ReadBytes(root_ + "/other");
  for (const char* command :
       {"info", "show", "verify", "dump", "repair", "snapshot"}) {
    EXPECT_EQ(RunWithKey({command, journal_}, "other"), 2) << command;
    EXPECT_THAT(err_, AllOf(HasSubstr(id_), Not(HasSubstr(key_)),
                            Not(HasSubstr(other))))
        << command;
  }
  EXPECT_EQ(RunWithKey({"show", journal_}, "nowhere"), 2);
  EXPECT_EQ(RunWithKey({"show", journal_}, "R/LOCK"), 2);
}

TEST_F(EncryptedTest, ARepairedCopyIsEncryptedWithTheSameKey) {
  const uint64_t offset = OffsetOf(answer_);
  RemoveSnapshots();
  FlipBit(segment(), offset + 60);
  EXPECT_EQ(RunWithKey({"repair", journal_}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("asked again: q1 (run 1)"));
  EXPECT_EQ(Run({"show", journal_}), 2);
  ASSERT_EQ(RunWithKey({"show", journal_, "--type", "response"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q0", "q2"));
}

TEST_F(EncryptedTest, APlainJournalNeedsNoKeyAndTakesAny) {
  WriteFinished();
  for (const char* command :
       {"info", "show", "verify", "dump", "repair", "snapshot"}) {
    EXPECT_EQ(RunWithKey({command, journal_}), 0) << command << err_;
  }
}

}  // namespace
}  // namespace inspector
