// journalctl-bench and snapshots: shown, verified, made, and damaged.
#include <unistd.h>

#include "tools/journalctl_bench_fixture.h"

namespace inspector {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kFirstPart[] = "/0000000001.part";
constexpr char kFirstManifest[] = "/0000000001.manifest";

class SnapshotCommandTest : public JournalctlBenchTest {
 protected:
  // A finished journal whose first part is a second copy of its first segment.
  void WriteWithSnapshot() {
    JournalBuilder builder(journal_, 3);
    builder.Finish(0);
    builder.Start(1);
    answer_ = builder.Answer(1);
    builder.Snapshot();
    builder.Score(1);
    builder.Finish(2);
    builder.Complete();
    builder.Close();
  }
  // The same, with two snapshots and nothing left of the log before them.
  void WriteCompacted() {
    WriteFinished();
    ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
    ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
    ASSERT_FALSE(fs::exists(segment()));
  }
  std::string part() const { return journal_ + kFirstPart; }

  std::vector<std::string> RequestFiles() const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(journal_)) {
      if (absl::StrContains(entry.path().filename().string(), "snapshot-")) {
        paths.push_back(entry.path().string());
      }
    }
    return paths;
  }
  // The one request, as a writer that has answered leaves it.
  std::string Answered(const char* how) const {
    return fs::path(RequestFiles().at(0)).replace_extension(how).string();
  }
};

TEST_F(SnapshotCommandTest, TheSecondSnapshotLetsTheLogGo) {
  WriteFinished();
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("Snapshot 0000000001.manifest: up to LSN"));
  EXPECT_THAT(out_, HasSubstr("the next snapshot lets them go"));
  EXPECT_TRUE(fs::exists(segment()));
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  EXPECT_FALSE(fs::exists(segment()));
}

TEST_F(SnapshotCommandTest, ACompactedJournalReadsAsBefore) {
  WriteFinished();
  ASSERT_EQ(Run({"show", journal_}), 0);
  const std::string before = out_;
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  ASSERT_FALSE(fs::exists(segment()));
  ASSERT_EQ(Run({"show", journal_}), 0) << err_;
  EXPECT_EQ(out_, before);
  ASSERT_EQ(Run({"show", journal_, "--type", "score", "-r"}), 0) << err_;
  EXPECT_THAT(Column(4), ElementsAre("q2", "q1", "q0"));
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
  ASSERT_EQ(Run({"info", journal_, "--json"}), 0) << err_;
  EXPECT_EQ(Json()["status"], "complete");
  EXPECT_EQ(Json()["dataset"], "numbers");
  ASSERT_EQ(Run({"list", root_}), 0) << err_;
  EXPECT_THAT(Column(8), ElementsAre("STATUS", "complete"));
}

// The engine alone knows nothing of requests.
TEST_F(SnapshotCommandTest, AWriterThatTakesNoRequestsIsLeftAlone) {
  JournalBuilder builder(journal_, 1);
  while_waiting_.resize(1000, [] {});
  EXPECT_EQ(Run({"snapshot", journal_}), 12);
  EXPECT_THAT(err_, HasSubstr(absl::StrCat("pid ", getpid())));
  EXPECT_THAT(err_, HasSubstr("takes no requests"));
  EXPECT_THAT(while_waiting_, SizeIs(1000 - 200)) << "10 s";
  EXPECT_FALSE(fs::exists(journal_ + kFirstManifest));
  EXPECT_THAT(RequestFiles(), IsEmpty());
}

TEST_F(SnapshotCommandTest, ABusyWriterIsWaitedForUntilTheTimeIsUp) {
  JournalBuilder builder(journal_, 1);
  WriteBytes(journal_ + "/snapshot-0123456789abcdef.taken", "");
  while_waiting_.resize(1000, [] {});
  EXPECT_EQ(Run({"snapshot", journal_, "--timeout", "20s"}), 12);
  EXPECT_THAT(err_, HasSubstr("has not answered within 20"));
  EXPECT_THAT(while_waiting_, SizeIs(1000 - 400)) << "20 s";
  EXPECT_THAT(RequestFiles(), SizeIs(1)) << "not ours";
}

TEST_F(SnapshotCommandTest, WhatTheWriterAnswersDecides) {
  JournalBuilder builder(journal_, 1);
  const auto answer = [this](const char* how) {
    return [this, how] { fs::rename(RequestFiles().at(0), Answered(how)); };
  };
  while_waiting_ = {[] {}, answer(".taken"), answer(".no-space")};
  EXPECT_EQ(Run({"snapshot", journal_}), 1);
  EXPECT_THAT(err_, HasSubstr("no room on its disk"));
  while_waiting_ = {answer(".damaged")};
  EXPECT_EQ(Run({"snapshot", journal_}), 11);
  EXPECT_THAT(err_, HasSubstr("next: journalctl-bench verify"));
  while_waiting_ = {answer(".failed")};
  EXPECT_EQ(Run({"snapshot", journal_}), 1);
  EXPECT_THAT(RequestFiles(), IsEmpty());
}

TEST_F(SnapshotCommandTest, OfAWriterThatEndsItIsMadeHere) {
  JournalBuilder builder(journal_, 1);
  builder.Finish(0);
  while_waiting_ = {[] {}, [&] { builder.Close(); }};
  EXPECT_EQ(Run({"snapshot", journal_}), 0) << err_;
  EXPECT_TRUE(fs::exists(journal_ + kFirstManifest));
  EXPECT_THAT(RequestFiles(), IsEmpty());
}

TEST_F(SnapshotCommandTest, ARequestThatVanishesIsMadeAgain) {
  JournalBuilder builder(journal_, 1);
  const auto lose = [this] { fs::remove(RequestFiles().at(0)); };
  while_waiting_ = {lose, lose, [&] { builder.Close(); }};
  EXPECT_EQ(Run({"snapshot", journal_}), 0) << err_;
  builder.Reopen();
  while_waiting_ = {lose, lose, lose};
  EXPECT_EQ(Run({"snapshot", journal_}), 12);
  EXPECT_THAT(err_, HasSubstr("removes the requests"));
}

TEST_F(SnapshotCommandTest, OfADamagedJournalItIsRefused) {
  WriteFinished();
  DamageAnswer();
  EXPECT_EQ(Run({"snapshot", journal_}), 11);
  EXPECT_THAT(err_, HasSubstr("next: journalctl-bench repair"));
  EXPECT_FALSE(fs::exists(journal_ + kFirstManifest));
  EXPECT_EQ(Run({"snapshot", root_ + "/nothing"}), 2);
}

TEST_F(SnapshotCommandTest, ATornTailIsCutAndKept) {
  JournalBuilder builder(journal_, 2);
  builder.Finish(0);
  builder.Kill();
  Overwrite(segment(), (EndOffset() + 511) / 512 * 512, "half a frame");
  EXPECT_EQ(Run({"snapshot", journal_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("kept in a .torn file"));
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
}

TEST_F(SnapshotCommandTest, WhatWasInFlightIsNamedFromItsPart) {
  JournalBuilder builder(journal_, 2);
  builder.Start(1);
  builder.Kill();
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  ASSERT_EQ(Run({"snapshot", journal_}), 0) << err_;
  ASSERT_EQ(Run({"info", journal_}), 0) << err_;
  EXPECT_THAT(out_, ContainsRegex("In doubt.*: q1 \\(run 1\\)"));
}

TEST_F(SnapshotCommandTest, FollowingGoesOnAcrossSnapshots) {
  JournalBuilder builder(journal_, 4);
  builder.Finish(0);
  while_waiting_ = {[&] { builder.Finish(1); }, [&] { builder.Snapshot(); },
                    [&] { builder.Finish(2); }, [&] { builder.Snapshot(); },
                    [&] { builder.Finish(3); }};
  ASSERT_EQ(Run({"show", journal_, "-f", "--type", "score"}), 0) << err_;
  EXPECT_THAT(Column(4), ElementsAre("q0", "q1", "q2", "q3"));
  EXPECT_FALSE(fs::exists(segment()));
}

// ---------------------------------------------------------------------------
// info, verify

TEST_F(SnapshotCommandTest, InfoShowsSnapshotsAndSecondCopies) {
  WriteWithSnapshot();
  ASSERT_EQ(Run({"info", journal_}), 0) << err_;
  EXPECT_THAT(out_, ContainsRegex("Snapshot     0000000001.manifest, up to "
                                  "LSN [0-9]+, 1 part, 8 records"));
  EXPECT_THAT(out_, ContainsRegex("0000000001.seg.*second copy"));
  EXPECT_THAT(out_, ContainsRegex("File system  [a-z]"));
  EXPECT_THAT(out_, HasSubstr("Encryption   none"));
  ASSERT_EQ(Run({"info", journal_, "--json"}), 0) << err_;
  EXPECT_EQ(Json()["snapshot"]["file"], "0000000001.manifest");
  EXPECT_EQ(Json()["snapshots"][0]["used"], true);
  EXPECT_EQ(Json()["snapshots"][0]["bytes"],
            fs::file_size(part()) + fs::file_size(journal_ + kFirstManifest));
  EXPECT_EQ(Json()["segments"][0]["covered"], true);
  EXPECT_EQ(Json()["segments"][1]["covered"], false);
  EXPECT_FALSE(Json()["file_system"].get<std::string>().empty());
}

TEST_F(SnapshotCommandTest, VerifyReportsAllThatRecoverySays) {
  WriteWithSnapshot();
  ASSERT_EQ(Run({"verify", journal_, "--json"}), 0) << out_;
  const nlohmann::json whole = Json()["journals"][0];
  EXPECT_EQ(whole["mode"], "salvage");
  EXPECT_EQ(whole["strict_action"], "open");
  EXPECT_EQ(whole["reason"], "clean end");
  EXPECT_EQ(whole["snapshot"]["records"], 8);
  EXPECT_EQ(whole["torn_bytes"], 0);
  EXPECT_TRUE(whole["first_bad"].is_null());
  EXPECT_TRUE(whole["lost_lsns"].empty());
  EXPECT_GE(whole["elapsed_seconds"], 0.0);

  fs::remove(part());
  fs::remove(journal_ + kFirstManifest);
  DamageAnswer();
  ASSERT_EQ(Run({"verify", journal_, "--json"}), 11) << out_;
  const nlohmann::json damaged = Json()["journals"][0];
  EXPECT_EQ(damaged["strict_action"], "refuse");
  EXPECT_EQ(damaged["first_bad"]["first_lsn"], answer_);
  EXPECT_EQ(damaged["lost_lsns"], nlohmann::json::array({{answer_, answer_}}));
}

TEST_F(SnapshotCommandTest, OneOfTwoCopiesCostsNothingAndSaysSo) {
  WriteWithSnapshot();
  for (const char* file : {kFirstPart, kFirstManifest, kFirstSegment}) {
    FlipBit(journal_ + file, 600 % fs::file_size(journal_ + file));
    EXPECT_EQ(Run({"verify", journal_}), 11) << file;
    EXPECT_THAT(out_, AllOf(HasSubstr("safe: all 14 records"),
                            HasSubstr("nothing is lost"),
                            HasSubstr("next: journalctl-bench repair")))
        << file;
    EXPECT_THAT(out_, Not(HasSubstr("not safe: LSN"))) << file;
    EXPECT_EQ(Run({"show", journal_, "--type", "response"}), 11);
    EXPECT_THAT(Column(4), ElementsAre("q0", "q1", "q2")) << file;
    FlipBit(journal_ + file, 600 % fs::file_size(journal_ + file));
  }
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
}

TEST_F(SnapshotCommandTest, RepairMakesACleanCopyOfOneOfTwo) {
  WriteWithSnapshot();
  FlipBit(part(), 600);
  EXPECT_EQ(Run({"repair", journal_}), 0) << out_ << err_;
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
  ASSERT_EQ(Run({"show", journal_, "--type", "response"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q0", "q1", "q2"));
}

TEST_F(SnapshotCommandTest, ADamagedPartWithoutItsLogIsLoss) {
  WriteCompacted();
  FlipBit(part(), 600);
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(
      out_, AllOf(HasSubstr("0000000001.part"), HasSubstr("not safe: LSN 1")));
}

// Every so manieth byte of a part and a manifest that are all there is has a
// bit flipped: all is seen, and dump shows the file all the same. Prime, so
// that all fields are met.
TEST_F(SnapshotCommandTest, FlippedBitsOfASnapshotAreSeen) {
  WriteCompacted();
  for (const char* file : {kFirstPart, "/0000000002.manifest"}) {
    const std::string path = journal_ + file;
    for (uint64_t offset = 0; offset < fs::file_size(path); offset += 13) {
      const int bit = static_cast<int>(offset * 5 % 8);
      FlipBit(path, offset, bit);
      ASSERT_EQ(Run({"verify", journal_}), 11) << file << " at " << offset;
      ASSERT_EQ(Run({"dump", journal_, "--part", file + 1}), 0);
      ASSERT_THAT(out_, ContainsRegex("bad |does not validate|not zero"))
          << file << " at " << offset;
      FlipBit(path, offset, bit);
    }
  }
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
}

// ---------------------------------------------------------------------------
// dump

TEST_F(SnapshotCommandTest, DumpShowsPartsAndManifests) {
  WriteWithSnapshot();
  ASSERT_EQ(Run({"dump", journal_, "--part", "all", "--no-hex"}), 0) << err_;
  EXPECT_THAT(out_, Not(HasSubstr("segment 0")));
  EXPECT_THAT(out_, HasSubstr("part 0000000001.part, "));
  EXPECT_THAT(out_, ContainsRegex("header 0: format 1.*segments 1..1"));
  EXPECT_THAT(out_, ContainsRegex("footer [0-9]+: .*8 records.* in 1 blocks"));
  EXPECT_THAT(out_, ContainsRegex("block 512: LSN 1..[0-9]+, 8 records, [0-9]+ "
                                  "bytes stored, [0-9]+ raw, codec zstd.* ok"));
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("record LSN ", answer_,
                                           ", type 6 Response")));
  EXPECT_THAT(out_, ContainsRegex("index [0-9]+: 1 blocks, ok"));
  EXPECT_THAT(out_, ContainsRegex("manifest 0000000001.manifest.*\n.*1 parts\n"
                                  "  part 1: segments 1..1, LSN 1.."));
  ASSERT_EQ(Run({"dump", journal_}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("segment 0"), HasSubstr("part 0")));
  ASSERT_EQ(Run({"dump", journal_, "--part", kFirstManifest + 1}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("block")));
  EXPECT_EQ(Run({"dump", journal_, "--part", "0000000009.part"}), 2);
  EXPECT_EQ(Run({"dump", journal_, "--part", "../R"}), 2);
}

TEST_F(SnapshotCommandTest, DumpFindsBlocksWithoutAFooter) {
  WriteWithSnapshot();
  const uint64_t bytes = fs::file_size(part());
  fs::resize_file(part(), bytes - 100);
  ASSERT_EQ(Run({"dump", journal_, "--part", kFirstPart + 1, "--no-hex"}), 0);
  EXPECT_THAT(out_, ContainsRegex("footer [0-9]+: does not validate"));
  EXPECT_THAT(out_, HasSubstr("block 512: LSN 1.."));
  EXPECT_THAT(out_, HasSubstr("index and footer lie here"));
  FlipBit(part(), 100);
  ASSERT_EQ(Run({"dump", journal_, "--part", kFirstPart + 1, "--no-hex"}), 0);
  EXPECT_THAT(out_, HasSubstr("header 0: does not validate"));
  EXPECT_THAT(out_, HasSubstr("block 512: LSN 1.."));
  fs::resize_file(part(), 700);
  EXPECT_EQ(Run({"dump", journal_, "--part", "all"}), 0);
  EXPECT_THAT(out_, HasSubstr("too short for a part"));
}

}  // namespace
}  // namespace inspector
