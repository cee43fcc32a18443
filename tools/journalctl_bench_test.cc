#include "tools/journalctl_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "journal/format.h"
#include "re2/re2.h"
#include "tools/journal_check.h"
#include "tools/journalctl_bench_fixture.h"
#include "tools/testing/journal_builder.h"

namespace inspector {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---------------------------------------------------------------------------
// Usage

TEST_F(JournalctlBenchTest, HelpFitsAndNamesOnlyWhatIsThere) {
  for (const char* command :
       {"list", "info", "show", "verify", "dump", "repair", "snapshot"}) {
    ASSERT_EQ(Run({command, "--help"}), 0);
    for (const std::string& line : Lines()) EXPECT_LE(line.size(), 80) << line;
  }
  ASSERT_EQ(Run({"--help"}), 0);
  for (const std::string& line : Lines()) EXPECT_LE(line.size(), 80) << line;
  EXPECT_THAT(out_, Not(HasSubstr("export")));
}

TEST_F(JournalctlBenchTest, NearestNamesAreSuggested) {
  EXPECT_EQ(Run({"verfy", journal_}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean `verify`?"));
  EXPECT_EQ(Run({"show", journal_, "--revers"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean `--reverse`?"));
  EXPECT_EQ(Run({"show", journal_, "--type", "Respnse"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean `Response`?"));
}

TEST_F(JournalctlBenchTest, WrongUsageExitsTwo) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"info"}), 2);
  EXPECT_EQ(Run({"info", "a", "b"}), 2);
  EXPECT_EQ(Run({"show", journal_, "-n"}), 2);
  EXPECT_EQ(Run({"info", root_ + "/nothing"}), 2);
  EXPECT_EQ(Run({"verify", root_}), 2);
  EXPECT_EQ(Run({"show", root_, "--lsn", "9..3"}), 2);
}

TEST_F(JournalctlBenchTest, VersionIsOneLine) {
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, ContainsRegex("^journalctl-bench .*format 1, commit"));
}

// ---------------------------------------------------------------------------
// list, info

TEST_F(JournalctlBenchTest, ListSaysWhatEachJournalIsNewestFirst) {
  JournalBuilder first(root_ + "/first", 2, 1,
                       JournalBuilder::StartTime() - absl::Hours(1));
  first.Finish(0);
  first.Complete();
  first.Close();
  WriteFinished();
  ASSERT_EQ(Run({"list", root_}), 0) << err_;
  EXPECT_THAT(Column(8), ElementsAre("STATUS", "complete", "complete"));
  EXPECT_THAT(Column(5), ElementsAre("PROGRESS", "3/3 100.0%", "1/2 50.0%"));
}

TEST_F(JournalctlBenchTest, ListTellsRunningFromInterrupted) {
  JournalBuilder running(root_ + "/running", 2);
  running.Start(0);
  JournalBuilder killed(root_ + "/killed", 2);
  killed.Start(0);
  killed.Kill();
  ASSERT_EQ(Run({"list", root_, "--json"}), 0) << err_;
  std::map<std::string, std::string> status;
  const nlohmann::json json = Json();
  EXPECT_EQ(json["format"], 1);
  for (const auto& journal : json["journals"]) {
    status[fs::path(journal["path"].get<std::string>()).filename()] =
        journal["status"];
  }
  EXPECT_EQ(status["running"], "running");
  EXPECT_EQ(status["killed"], "interrupted");
}

TEST_F(JournalctlBenchTest, ListPassesByWhatIsNoJournal) {
  WriteFinished();
  fs::create_directories(root_ + "/replaced/old");
  fs::create_directory_symlink("R", root_ + "/latest");
  WriteBytes(root_ + "/file", "no journal");
  ASSERT_EQ(Run({"list", root_}), 0) << err_;
  EXPECT_EQ(Lines().size(), 2);
}

TEST_F(JournalctlBenchTest, InfoJsonHasTheFieldsOfListAndMore) {
  JournalBuilder builder(journal_, 4, 2);
  builder.Finish(0);
  builder.Finish(1, 2);
  builder.Start(2);
  builder.Error(2, /*final=*/true);
  builder.Start(3);
  builder.Kill();
  ASSERT_EQ(Run({"info", journal_, "--json"}), 0) << err_;
  const nlohmann::json info = Json();
  EXPECT_EQ(info["format"], 1);
  EXPECT_EQ(info["status"], "interrupted");
  EXPECT_EQ(info["completed"], 2);
  EXPECT_EQ(info["failed"], 1);
  EXPECT_EQ(info["total"], 8);
  EXPECT_EQ(info["percent"], 25.0);
  EXPECT_EQ(info["cost"], 1.0);
  EXPECT_EQ(info["started"], "2026-11-21T15:30:00.000Z");
  EXPECT_EQ(info["in_flight"], 1);
  EXPECT_EQ(info["in_flight_queries"][0]["query"], "q3");
  EXPECT_EQ(info["runs"][1]["completed"], 1);
}

TEST_F(JournalctlBenchTest, InfoTextNamesWhatIsInDoubt) {
  JournalBuilder builder(journal_, 2);
  builder.Start(1);
  builder.Kill();
  ASSERT_EQ(Run({"info", journal_}), 0) << err_;
  EXPECT_THAT(out_, ContainsRegex("In doubt.*: q1 \\(run 1\\)"));
}

TEST_F(JournalctlBenchTest, RunningJournalNamesItsWriter) {
  JournalBuilder builder(journal_, 2);
  ASSERT_EQ(Run({"info", journal_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("running (pid ", getpid())));
}

// ---------------------------------------------------------------------------
// show

TEST_F(JournalctlBenchTest, ShowPrintsALineARecord) {
  WriteFinished();
  ASSERT_EQ(Run({"show", journal_}), 0) << err_;
  EXPECT_EQ(Lines().size(), 3 + 9 + 2);
  EXPECT_THAT(Lines()[4],
              ContainsRegex("\t2026-11-21T15:30:03.000Z\tResponse\t1\tq0\t"
                            "attempt 1, 0.012s, 10.2 tokens, .0.5000: 42"));
}

TEST_F(JournalctlBenchTest, ShowFilters) {
  WriteFinished();
  ASSERT_EQ(Run({"show", journal_, "--query-id", "q[12]", "--type",
                 "response,attempt-start"}),
            0);
  EXPECT_THAT(Column(4), ElementsAre("q1", "q1", "q2", "q2"));
  ASSERT_EQ(Run({"show", journal_, "--run", "2"}), 0);
  EXPECT_THAT(out_, IsEmpty());
  ASSERT_EQ(
      Run({"show", journal_, "--lsn", absl::StrCat(answer_, "..", answer_)}),
      0);
  EXPECT_THAT(Column(2), ElementsAre("Response"));
  ASSERT_EQ(Run({"show", journal_, "--since", "2026-11-21T15:30:03Z", "--until",
                 "2026-11-21 15:30:04"}),
            0);
  EXPECT_THAT(Column(2), ElementsAre("Response", "Score"));
}

TEST_F(JournalctlBenchTest, ShowByStatus) {
  JournalBuilder builder(journal_, 5);
  builder.Finish(0);
  builder.Start(1);
  builder.Error(1, /*final=*/true);
  builder.Start(2);
  builder.InDoubt(2);
  builder.Start(3);
  builder.Kill();
  ASSERT_EQ(Run({"show", journal_, "--status", "ok"}), 0) << err_;
  EXPECT_THAT(Column(4), ElementsAre("q0", "q0", "q0"));
  ASSERT_EQ(Run({"show", journal_, "--status", "failed"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q1", "q1"));
  ASSERT_EQ(Run({"show", journal_, "--status", "in-doubt"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q2", "-", "q3"));
  EXPECT_EQ(Run({"show", journal_, "--status", "good"}), 2);
}

TEST_F(JournalctlBenchTest, ShowLastAndReversed) {
  WriteFinished();
  ASSERT_EQ(Run({"show", journal_, "--type", "score", "-n", "2"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q1", "q2"));
  ASSERT_EQ(Run({"show", journal_, "--type", "score", "-r"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q2", "q1", "q0"));
  ASSERT_EQ(Run({"show", journal_, "-n", "0"}), 0);
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(JournalctlBenchTest, ShowFollowsAcrossRotationAndResume) {
  JournalBuilder builder(journal_, 4);
  builder.Finish(0);
  while_waiting_ = {[&] { builder.Finish(1); }, [&] { builder.Close(); },
                    [&] { builder.Reopen(); }, [&] { builder.Finish(2); }};
  ASSERT_EQ(Run({"show", journal_, "-f", "--type", "score"}), 0) << err_;
  EXPECT_THAT(Column(4), ElementsAre("q0", "q1", "q2"));
}

TEST_F(JournalctlBenchTest, ShowJsonForms) {
  WriteFinished();
  ASSERT_EQ(Run({"show", journal_, "-o", "json", "--type", "score"}), 0);
  EXPECT_EQ(Json()["records"].size(), 3);
  EXPECT_EQ(Json()["records"][0]["record"]["key"]["id"], "q0");
  ASSERT_EQ(Run({"show", journal_, "-o", "jsonl", "-n", "1"}), 0);
  EXPECT_EQ(Json()["type"], "SessionEnd");
  EXPECT_EQ(Run({"show", journal_, "-o", "json", "-f"}), 2);
}

TEST_F(JournalctlBenchTest, NothingFromARecordReachesTheTerminalRaw) {
  JournalBuilder builder(journal_, 1);
  builder.Start(0);
  builder.Answer(0,
                 "\x1b]0;owned\x07\nsecond line \x9b"
                 "31m\xc2\x9b");
  builder.Close();
  style_.terminal = true;
  style_.columns = 200;
  for (const char* form : {"short", "verbose", "json", "jsonl"}) {
    ASSERT_EQ(Run({"show", journal_, "-o", form}), 0) << err_;
    EXPECT_EQ(out_.find('\x1b'), std::string::npos) << form;
    EXPECT_EQ(out_.find('\x9b'), std::string::npos) << form;
    EXPECT_THAT(out_, HasSubstr("second line")) << form;
  }
}

TEST_F(JournalctlBenchTest, ColourOnlyWhenAskedFor) {
  WriteFinished();
  style_.terminal = true;
  ASSERT_EQ(Run({"list", root_}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("\x1b")));
  style_.colour = true;
  ASSERT_EQ(Run({"list", root_}), 0);
  EXPECT_THAT(out_, HasSubstr("\x1b[32mcomplete"));
}

TEST_F(JournalctlBenchTest, ShowGoesOnBehindDamageAndSaysSo) {
  WriteFinished();
  DamageAnswer();
  EXPECT_EQ(Run({"show", journal_, "--type", "response"}), 11);
  EXPECT_THAT(Column(4), ElementsAre("q0", "q2"));
  EXPECT_THAT(err_, HasSubstr("next: journalctl-bench repair "));
}

// ---------------------------------------------------------------------------
// verify

TEST_F(JournalctlBenchTest, VerifyOfAWholeJournal) {
  WriteFinished();
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("/R: ok"));
}

// Its checksum, the last of what is left of it, ends in a zero as one in 256
// does: it is not taken for the zeros behind what was written.
TEST_F(JournalctlBenchTest, VerifyNamesARecordOfWhichOnlyItsHeaderIsLeft) {
  constexpr uint64_t kTries = 5000;
  uint64_t end = 0;
  {
    JournalBuilder builder(journal_, 1);
    for (uint64_t i = 0; i < kTries; ++i) builder.Start(0);
    builder.Reopen();
    builder.Close();
  }
  ASSERT_EQ(Run({"dump", journal_, "--no-hex"}), 0) << err_;
  std::ifstream file(segment(), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  re2::StringPiece rest(out_);
  uint64_t frame = 0;
  while (end == 0 && RE2::FindAndConsume(
                         &rest, R"(frame (\d+): LSN .*AttemptStart)", &frame)) {
    if (bytes[frame + journal::kFrameHeaderBytes - 1] == '\0') {
      end = frame + journal::kFrameHeaderBytes;
    }
  }
  ASSERT_GT(end, 0u);
  std::filesystem::resize_file(segment(), end);
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, ContainsRegex("damaged record: .*AttemptStart"));
}

TEST_F(JournalctlBenchTest, VerifyNamesTheDamagedRecord) {
  WriteFinished();
  DamageAnswer();
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("not safe: LSN ", answer_)));
  EXPECT_THAT(out_, ContainsRegex("damaged record: .*Response"));
  EXPECT_THAT(out_, HasSubstr("asked again: q1 (run 1)"));
  EXPECT_THAT(out_, HasSubstr("next: journalctl-bench repair " + journal_));
  EXPECT_EQ(Run({"verify", journal_, "--json"}), 11);
  EXPECT_EQ(Json()["exit_code"], 11);
  EXPECT_EQ(Json()["journals"][0]["lost"][0]["lsn"], answer_);
}

TEST_F(JournalctlBenchTest, VerifyOfATornTail) {
  JournalBuilder builder(journal_, 2);
  builder.Finish(0);
  builder.Kill();
  Overwrite(segment(), (EndOffset() + 511) / 512 * 512, "half a frame");
  EXPECT_EQ(Run({"verify", journal_}), 10) << out_;
  EXPECT_THAT(out_, HasSubstr("nothing acknowledged is lost"));
  EXPECT_THAT(out_, HasSubstr("same bench-runner run command"));
  EXPECT_EQ(Run({"list", root_, "--json"}), 0);
  EXPECT_EQ(Json()["journals"][0]["status"], "torn");
}

TEST_F(JournalctlBenchTest, VerifyBesideAWriterIsNoTornTail) {
  JournalBuilder builder(journal_, 2);
  builder.Finish(0);
  Overwrite(segment(), (EndOffset() + 511) / 512 * 512, "half a frame");
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("/R: running"));
}

TEST_F(JournalctlBenchTest, VerifyReportsPoisonByLsn) {
  JournalBuilder builder(journal_, 1);
  const journal::Lsn lsn = builder.AppendRaw(6, "no FlatBuffer");
  builder.Close();
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, ContainsRegex(absl::StrCat("poison record: LSN ", lsn,
                                               " \\(Response\\)")));
}

TEST_F(JournalctlBenchTest, VerifyReportsRowsThatAreNotListed) {
  JournalBuilder builder(journal_, 1);
  const journal::Lsn lsn = builder.Start(5);
  builder.Close();
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("LSN ", lsn)));
  EXPECT_THAT(out_, HasSubstr("names row 5 of 1"));
}

TEST_F(JournalctlBenchTest, VerifyWantsABenchmarkFirst) {
  auto writer = journal::Writer::Open(journal_, {});
  ASSERT_TRUE(writer.ok());
  journal::RecordView record;
  record.type = 17;
  ASSERT_TRUE((*writer)->Append(record).ok());
  ASSERT_TRUE((*writer)->Close().ok());
  EXPECT_EQ(Run({"verify", journal_}), 11);
  EXPECT_THAT(out_, HasSubstr("the first record is not a Benchmark record"));
}

TEST_F(JournalctlBenchTest, UnknownTypesAreOfANewerVersionUnlessIgnorable) {
  JournalBuilder builder(journal_, 1);
  builder.AppendRaw(99, "later", /*ignorable=*/true);
  builder.Close();
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
  builder.Reopen();
  builder.AppendRaw(98, "later");
  builder.Close();
  EXPECT_EQ(Run({"verify", journal_}), 14) << out_;
  EXPECT_THAT(out_, HasSubstr("R: newer"));
}

TEST_F(JournalctlBenchTest, VerifyOfADirectoryExitsWithTheGravest) {
  JournalBuilder good(root_ + "/good", 1);
  good.Close();
  WriteFinished();
  EXPECT_EQ(Run({"verify", root_}), 0) << out_;
  DamageAnswer();
  EXPECT_EQ(Run({"verify", root_}), 11);
  EXPECT_THAT(out_, HasSubstr("/good: ok"));
}

TEST_F(JournalctlBenchTest, PathsWithBlanksAndNewlinesAreQuoted) {
  WriteFinished();
  DamageAnswer();
  const std::string odd = root_ + "/a b\nc";
  fs::rename(journal_, odd);
  EXPECT_EQ(Run({"verify", odd}), 11);
  EXPECT_THAT(out_, HasSubstr("repair $'" + root_ + "/a b\\nc'"));
}

// Each byte of the closed journal has one of its bits flipped, another one each
// time: nothing goes unseen, and each finding says where.
TEST_F(JournalctlBenchTest, EveryFlippedBitOfAClosedJournalIsDamage) {
  WriteFinished();
  const uint64_t bytes = fs::file_size(segment());
  ASSERT_LE(bytes, 16 << 10);
  for (uint64_t offset = 0; offset < bytes; ++offset) {
    const int bit = static_cast<int>(offset * 5 % 8);
    FlipBit(segment(), offset, bit);
    const absl::StatusOr<JournalCheck> check = CheckJournal(journal_, nullptr);
    ASSERT_TRUE(check.ok()) << check.status() << " at " << offset;
    ASSERT_EQ(check->exit_code(), kExitDamage) << "at " << offset;
    ASSERT_FALSE(check->view.report.findings.empty());
    ASSERT_GT(check->view.report.findings[0].first_lsn, 0) << "at " << offset;
    FlipBit(segment(), offset, bit);
  }
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
}

// ---------------------------------------------------------------------------
// dump

TEST_F(JournalctlBenchTest, DumpShowsBadBytesAndGoesOn) {
  WriteFinished();
  const uint64_t offset = OffsetOf(answer_);
  DamageAnswer();
  EXPECT_EQ(Run({"dump", journal_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("bad ", offset, "..")));
  EXPECT_THAT(out_, HasSubstr("body checksum does not match"));
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("LSN ", answer_ + 1, ", RECORD")));
  EXPECT_THAT(out_, HasSubstr("CLOSE"));
  EXPECT_THAT(out_, ContainsRegex("[0-9a-f]{8}  ([0-9a-f]{2} ){16} \\|"));
}

TEST_F(JournalctlBenchTest, DumpWorksWithoutAHeader) {
  WriteFinished();
  JournalBuilder other(root_ + "/S", 1);
  other.Close();
  other.Reopen();
  other.Close();
  FlipBit(root_ + "/S" + kFirstSegment, 100);
  FlipBit(root_ + "/S" + kFirstSegment, 612);
  EXPECT_EQ(Run({"dump", root_ + "/S", "--segment", "1", "--no-hex"}), 0);
  EXPECT_THAT(out_, HasSubstr("header 0: does not validate"));
  EXPECT_THAT(out_, HasSubstr("LSN 1, RECORD, type 1 Benchmark"));
  EXPECT_EQ(Run({"dump", root_ + "/S", "--segment", "7"}), 2);
}

// ---------------------------------------------------------------------------
// repair

TEST_F(JournalctlBenchTest, RepairInPlaceKeepsEveryOriginalByte) {
  WriteFinished();
  DamageAnswer();
  WriteBytes(journal_ + "/errors.log", "an error\n");
  const std::string before = ReadBytes(segment());
  EXPECT_EQ(Run({"repair", journal_}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("LSN ", answer_)));
  EXPECT_THAT(out_, HasSubstr("asked again: q1 (run 1)"));
  std::vector<std::string> replaced;
  for (const auto& entry : fs::directory_iterator(root_ + "/replaced")) {
    replaced.push_back(entry.path());
  }
  ASSERT_EQ(replaced.size(), 1);
  EXPECT_THAT(replaced[0], ContainsRegex("/R\\.damaged-[0-9]{8}T[0-9]{6}Z$"));
  EXPECT_EQ(ReadBytes(replaced[0] + kFirstSegment), before);
  EXPECT_EQ(ReadBytes(journal_ + "/errors.log"), "an error\n");
  EXPECT_EQ(Run({"verify", journal_}), 0) << out_;
  ASSERT_EQ(Run({"show", journal_, "--type", "response"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q0", "q2"));
}

TEST_F(JournalctlBenchTest, RepairPointInTimeStopsBeforeTheDamage) {
  WriteFinished();
  DamageAnswer();
  const std::string target = root_ + "/repaired";
  EXPECT_EQ(
      Run({"repair", journal_, "--mode", "point-in-time", "--output", target}),
      0)
      << out_ << err_;
  ASSERT_EQ(Run({"show", target, "--type", "response"}), 0);
  EXPECT_THAT(Column(4), ElementsAre("q0"));
  EXPECT_EQ(Run({"verify", journal_}), 11);
}

TEST_F(JournalctlBenchTest, RepairDryRunChangesNothing) {
  WriteFinished();
  DamageAnswer();
  EXPECT_EQ(Run({"repair", journal_, "--dry-run"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("asked again: q1 (run 1)"));
  EXPECT_FALSE(fs::exists(root_ + "/replaced"));
  EXPECT_EQ(Run({"verify", journal_}), 11);
}

TEST_F(JournalctlBenchTest, RepairOfAWholeJournalDoesNothing) {
  WriteFinished();
  EXPECT_EQ(Run({"repair", journal_}), 0);
  EXPECT_THAT(out_, HasSubstr("nothing to repair"));
  EXPECT_FALSE(fs::exists(root_ + "/replaced"));
}

TEST_F(JournalctlBenchTest, RepairOfALivingJournalIsRefused) {
  JournalBuilder builder(journal_, 1);
  EXPECT_EQ(Run({"repair", journal_}), 12);
  EXPECT_THAT(err_, HasSubstr(absl::StrCat(getpid())));
}

TEST_F(JournalctlBenchTest, RepairSaysWhenTooMuchIsLost) {
  WriteFinished();
  FlipBit(segment(), OffsetOf(1) + 60);
  EXPECT_EQ(Run({"repair", journal_}), 11) << out_;
  EXPECT_THAT(out_, HasSubstr("The Benchmark record is lost"));
}

// ---------------------------------------------------------------------------
// The program itself

TEST_F(ProgramTest, ExitCodes) {
  WriteFinished();
  EXPECT_EQ(RunProgram("verify " + journal_), 0);
  EXPECT_EQ(RunProgram("list " + root_), 0);
  EXPECT_EQ(RunProgram("nonsense"), 2);
  DamageAnswer();
  EXPECT_EQ(RunProgram("verify " + journal_), 11);
  EXPECT_EQ(RunProgram("info " + journal_), 11);
  EXPECT_EQ(RunProgram("repair " + journal_), 0);
  EXPECT_EQ(RunProgram("verify " + journal_), 0);
}

TEST_F(ProgramTest, ReadOnlyCommandsNeedNoWritePermission) {
  WriteFinished();
  const auto before = fs::last_write_time(journal_);
  fs::permissions(journal_ + "/LOCK", fs::perms::none);
  fs::permissions(journal_, fs::perms::owner_read | fs::perms::owner_exec);
  for (const char* command : {"verify ", "info ", "show ", "dump ", "list "}) {
    EXPECT_EQ(RunProgram(command + journal_), 0) << command;
  }
  EXPECT_EQ(fs::last_write_time(journal_), before);
  fs::permissions(journal_, fs::perms::owner_all);
}

TEST_F(ProgramTest, AFullOutputIsAnError) {
  WriteFinished();
  const int status = std::system(
      absl::StrCat("tools/journalctl-bench show ", journal_, " > /dev/full")
          .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace inspector
