#include "runner/storage/benchmark_journal.h"

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "runner/base/hashing.h"
#include "runner/base/version.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_test_fixture.h"
#include "runner/storage/record_codec.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

class BenchmarkJournalTest : public JournalTest {
 protected:
  static void AnswerWithState(BenchmarkJournal& journal, uint32_t index,
                              uint32_t slot, const std::string& state,
                              uint64_t number = 1) {
    EvaluationResult result = Output("answer");
    result.slot = slot;
    result.state_json = state;
    result.state_number = number;
    EXPECT_EQ(journal.RecordResponse(Request(1, index), result),
              absl::OkStatus());
  }

  // The records of one type, decoded.
  template <typename Record>
  std::vector<Record> RecordsOf(const std::string& name) {
    std::vector<Record> records;
    auto reader = journal::Reader::Open(Path(name), {});
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (;;) {
      const journal::ReadResult next = (*reader)->Next();
      if (next.outcome != journal::ReadOutcome::kRecord) return records;
      if (next.record.type != static_cast<uint16_t>(Record::kType)) continue;
      records.push_back(*Decode<Record>(next.record.body));
    }
  }
};

TEST_F(BenchmarkJournalTest, KeepsWhatItIsAbout) {
  ASSERT_EQ(Create("deep/er/a")->Close(), absl::OkStatus());
  const auto journal = Resume("deep/er/a");
  EXPECT_EQ(journal->info().benchmark_id, "bench");
  EXPECT_EQ(journal->info().queries, 10u);
  EXPECT_EQ(journal->info().writer_version, kVersion);
  EXPECT_EQ(journal->directory(), Path("deep/er/a"));
  const auto rows = journal->ReadRows();
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 10u);
  EXPECT_EQ((*rows)[9].id, "q9");
  EXPECT_EQ((*rows)[9].content_hash, 63u);
  EXPECT_TRUE(journal->warnings().empty());
}

TEST_F(BenchmarkJournalTest, LongListsOfRowsAreManyRecords) {
  const uint32_t count = 100000;
  ASSERT_EQ(Create("a", Info(), count)->Close(), absl::OkStatus());
  const auto rows = Resume("a")->ReadRows();
  ASSERT_EQ(rows->size(), count);
  EXPECT_EQ(rows->back().id, absl::StrCat("q", count - 1));
  EXPECT_GT(RecordsOf<DatasetRowsRecord>("a").size(), 3u);
}

TEST_F(BenchmarkJournalTest, RemembersWhatIsDone) {
  const auto journal = Create("a");
  AnswerAndScore(*journal, 1, 0);
  Answer(*journal, 2, 3);
  Fail(*journal, 1, 1, "timeout");
  Start(*journal, 1, 2);
  CopyLive("a", "crashed");
  const auto after = Resume("crashed");
  EXPECT_TRUE(after->IsDone(1, 0) && after->IsDone(2, 3));
  EXPECT_FALSE(after->IsDone(1, 1) || after->IsDone(1, 2));
  EXPECT_EQ(after->totals().completed, 1u);
  EXPECT_EQ(after->totals().failed, 1u);
  EXPECT_EQ(after->totals().attempts, 4u);
  const std::vector<OpenQuery> open = after->open_queries();
  ASSERT_EQ(open.size(), 3u);
  EXPECT_TRUE(open[0].failed && open[0].retryable);
  EXPECT_TRUE(open[1].in_flight);
  EXPECT_TRUE(open[2].unscored);
}

TEST_F(BenchmarkJournalTest, SeveralAnswersAreRecordedAllOrNone) {
  const auto journal = Create("a");
  const EvaluationRequest asked[] = {Request(1, 0), Request(1, 1),
                                     Request(1, 2)};
  const EvaluationResult said = Output("b");
  const EvaluationResult too_long =
      Output(std::string(kRecordTextMax + 1, 'x'));
  const Answered good[] = {{&asked[0], &said}, {&asked[1], &said}};
  const Answered bad[] = {{&asked[2], &said}, {&asked[0], &too_long}};
  EXPECT_EQ(journal->RecordResponses(good), absl::OkStatus());
  EXPECT_EQ(journal::KindOf(journal->RecordResponses(bad)),
            journal::ErrorKind::kInvalidArgument);
  EXPECT_TRUE(journal->IsDone(1, 0) && journal->IsDone(1, 1));
  EXPECT_FALSE(journal->IsDone(1, 2));
  EXPECT_EQ(RecordsOf<ResponseRecord>("a").size(), 2u);
}

TEST_F(BenchmarkJournalTest, AttemptsInDoubtAreNamedOnce) {
  auto journal = Create("a");
  std::vector<AttemptStartRecord> starts = {MakeStart(Request(1, 4)),
                                            MakeStart(Request(1, 7))};
  starts[1].attempt = 3;
  starts[1].seed = 99;
  ASSERT_EQ(journal->RecordStarts(absl::MakeSpan(starts), true),
            absl::OkStatus());
  Fail(*journal, 1, 1, "timeout");
  CopyLive("a", "crashed");
  const auto after = Resume("crashed");
  ASSERT_EQ(after->RecordInDoubt(after->open_queries()), absl::OkStatus());
  ASSERT_EQ(after->RecordInDoubt(after->open_queries()), absl::OkStatus());
  EXPECT_EQ(after->totals().in_doubt, 2u);
  const auto records = RecordsOf<InDoubtRecord>("crashed");
  ASSERT_EQ(records.size(), 1u);
  ASSERT_EQ(records[0].starts.size(), 2u);
  EXPECT_EQ(records[0].starts[0].key.id, "q4");
  EXPECT_EQ(records[0].starts[1].attempt, 3u);
  EXPECT_EQ(records[0].starts[1].seed, 99u);
}

TEST_F(BenchmarkJournalTest, SessionsAreCountedAndTimed) {
  auto journal = Create("a");
  EXPECT_EQ(
      journal::KindOf(journal->EndSession(SessionStop::kCompleted, 0, 0, "")),
      journal::ErrorKind::kInvalidArgument);
  ASSERT_EQ(journal->BeginSession({.workers = 8, .config_json = "{}"}),
            absl::OkStatus());
  ASSERT_EQ(journal->EndSession(SessionStop::kSignal, 2, 130, "Ctrl-C"),
            absl::OkStatus());
  ASSERT_EQ(journal->Close(), absl::OkStatus());
  journal = Resume("a");
  ASSERT_EQ(journal->BeginSession({.workers = 4, .config_json = "{}"}),
            absl::OkStatus());
  const auto sessions = RecordsOf<SessionRecord>("a");
  const auto ends = RecordsOf<SessionEndRecord>("a");
  ASSERT_EQ(sessions.size(), 2u);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(sessions[1].number, 2u);
  EXPECT_EQ(sessions[1].elapsed_before, ends[0].elapsed);
  EXPECT_EQ(ends[0].session_id, sessions[0].session_id);
  EXPECT_NE(sessions[0].session_id, sessions[1].session_id);
  EXPECT_EQ(sessions[0].session_id.size(), 36u);
  EXPECT_EQ(sessions[0].pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(ends[0].reason, SessionStop::kSignal);
  EXPECT_EQ(ends[0].exit_code, 130);
}

TEST_F(BenchmarkJournalTest, CompleteIsTheNewestWordUntilThereIsMore) {
  auto journal = Create("a", Info(), 1);
  AnswerAndScore(*journal, 1, 0);
  ASSERT_EQ(
      journal->RecordRunEnd({.run = 1, .seed = 5, .n = 1, .completed = 1}),
      absl::OkStatus());
  ASSERT_EQ(journal->RecordComplete(3, "results/r"), absl::OkStatus());
  ASSERT_EQ(journal->Close(), absl::OkStatus());
  journal = Resume("a");
  EXPECT_TRUE(journal->complete());
  EXPECT_EQ(journal->complete_exit_code(), 3);
  EXPECT_GT(journal->complete_time(), absl::FromUnixSeconds(0));
  Start(*journal, 2, 0);
  EXPECT_FALSE(journal->complete());
}

TEST_F(BenchmarkJournalTest, RefusesWhatWouldNotBeCounted) {
  const auto journal = Create("a");
  EXPECT_EQ(journal::KindOf(journal->RecordStart(Request(1, 10), false)),
            journal::ErrorKind::kInvalidArgument);
  EXPECT_EQ(
      journal::KindOf(journal->RecordResponse(Request(0, 0), Output("a"))),
      journal::ErrorKind::kInvalidArgument);
  EXPECT_EQ(
      journal::KindOf(journal->RecordScore(Request(1, 0).key, {}, false, "")),
      journal::ErrorKind::kInvalidArgument);
  EXPECT_EQ(journal::KindOf(journal->RecordResponse(
                Request(1, 0), Output(std::string(17 << 20, 'x')))),
            journal::ErrorKind::kInvalidArgument);
  Answer(*journal, 1, 0, std::string(10 << 20, 'x'));
  EXPECT_TRUE(journal->warnings().empty());
}

TEST_F(BenchmarkJournalTest, ErrorsAreJournaledWholeAndLoggedForPeople) {
  const auto journal = Create("a");
  ASSERT_EQ(journal->RecordError(
                Request(2, 3),
                Failure("worker-exited", "\x1b[31mred\nline\xff"), false),
            absl::OkStatus());
  const std::string log = ReadFile("a/errors.log");
  EXPECT_TRUE(absl::StrContains(log,
                                " q3 run=2 attempt=1 worker-exited "
                                "retryable: \\x1b[31mred\\nline"))
      << log;
  EXPECT_EQ(RecordsOf<AttemptErrorRecord>("a")[0].message,
            "\x1b[31mred\nline\xff");
}

TEST_F(BenchmarkJournalTest, ErrorsOfAnySizeFit) {
  const auto journal = Create("a");
  EvaluationResult huge = Failure("protocol", std::string(30 << 20, 'x'));
  huge.error->context_json = "\"" + std::string(30 << 20, 'x') + "\"";
  ASSERT_EQ(journal->RecordError(Request(1, 0), huge, true), absl::OkStatus());
  const auto error = RecordsOf<AttemptErrorRecord>("a")[0];
  EXPECT_TRUE(absl::EndsWith(error.message, " more bytes were cut]"));
  EXPECT_EQ(error.context_json, "{\"cut\":\"a context of 31457282 bytes\"}");
}

TEST_F(BenchmarkJournalTest, ALogThatCannotBeWrittenStopsNothing) {
  const auto journal = Create("a");
  std::filesystem::create_directory(Path("a/errors.log"));
  Fail(*journal, 1, 0, "timeout");
  EXPECT_EQ(journal->totals().failed, 1u);
}

TEST_F(BenchmarkJournalTest, TakesOverAJournalWithoutARecordOnly) {
  ASSERT_EQ((*journal::Writer::Open(Path("empty"), {}))->Close(),
            absl::OkStatus());
  EXPECT_EQ(
      journal::KindOf(BenchmarkJournal::Resume(Path("empty"), {}).status()),
      journal::ErrorKind::kNotFound);
  ASSERT_EQ(Create("empty")->Close(), absl::OkStatus());
  EXPECT_EQ(Resume("empty")->info().benchmark_id, "bench");
  EXPECT_EQ(journal::KindOf(
                BenchmarkJournal::Create(Path("empty"), Info(), Rows(1), {})
                    .status()),
            journal::ErrorKind::kInvalidArgument);
}

TEST_F(BenchmarkJournalTest, AnInterruptedCreationIsNotAJournal) {
  BenchmarkInfo info = Info();
  info.queries = 5;
  AppendRaw("a", TypeNumber(info), Encode(info));
  EXPECT_EQ(journal::KindOf(BenchmarkJournal::Resume(Path("a"), {}).status()),
            journal::ErrorKind::kNotFound);
}

TEST_F(BenchmarkJournalTest, OneWriterAtATime) {
  const auto journal = Create("a");
  const absl::Status second = BenchmarkJournal::Resume(Path("a"), {}).status();
  EXPECT_EQ(journal::KindOf(second), journal::ErrorKind::kLocked);
  EXPECT_TRUE(absl::StrContains(second.message(), absl::StrCat(getpid())));
}

TEST_F(BenchmarkJournalTest, PoisonIsReportedAndGoneAround) {
  AnswerAndScore(*Create("a"), 1, 0);
  AppendRaw("a", 6, "not a FlatBuffer");
  const auto journal = Resume("a");
  ASSERT_EQ(journal->warnings().size(), 1u);
  EXPECT_TRUE(absl::StartsWith(journal->warnings()[0], "1 poison record at"));
  EXPECT_TRUE(journal->IsDone(1, 0));
}

TEST_F(BenchmarkJournalTest, AFirstRecordThatIsPoisonIsDamage) {
  AppendRaw("a", 1, "not a FlatBuffer");
  EXPECT_EQ(journal::KindOf(BenchmarkJournal::Resume(Path("a"), {}).status()),
            journal::ErrorKind::kDamage);
}

TEST_F(BenchmarkJournalTest, ANewersRecordsAreSkippedOnlyWhenIgnorable) {
  ASSERT_EQ(Create("a")->Close(), absl::OkStatus());
  AppendRaw("a", 99, "x", /*ignorable=*/true);
  ASSERT_EQ(Resume("a")->Close(), absl::OkStatus());
  AppendRaw("a", 99, "x", /*ignorable=*/false);
  EXPECT_EQ(journal::KindOf(BenchmarkJournal::Resume(Path("a"), {}).status()),
            journal::ErrorKind::kNewerVersion);
}

TEST_F(BenchmarkJournalTest, DamageIsRefused) {
  ASSERT_EQ(Create("a")->Close(), absl::OkStatus());
  DamageFirstRecord("a");
  EXPECT_EQ(journal::KindOf(BenchmarkJournal::Resume(Path("a"), {}).status()),
            journal::ErrorKind::kDamage);
}

// Of a large journal the newest part alone is read before the run goes on.
TEST_F(BenchmarkJournalTest, DamageFoundBehindEndsTheRunAndLosesNoAnswer) {
  std::string text;
  absl::BitGen random;
  while (text.size() < 2 << 20) {
    text += static_cast<char>(absl::Uniform<int>(random, 'a', 'z'));
  }
  {
    const auto journal = Create("a");
    // As much as makes the engine keep a state.
    for (int i = 0; i < 10; ++i) AnswerAndScore(*journal, 1, i, text);
  }
  std::string old = ReadFile("a/0000000002.seg");
  old[old.size() / 2] ^= 1;
  WriteFile("a/0000000002.seg", old);
  BenchmarkJournal::Options large;
  large.verified_bytes_max = 1;
  auto journal = BenchmarkJournal::Resume(Path("a"), large);
  ASSERT_TRUE(journal.ok()) << journal.status();
  const EvaluationRequest more = Request(2, 5);
  absl::Status status;
  EXPECT_TRUE(Eventually([&] {
    status = (*journal)->RecordStart(more, false);
    return !status.ok();
  }));
  EXPECT_EQ(journal::KindOf(status), journal::ErrorKind::kDamage) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "0000000002.seg")) << status;
  EXPECT_EQ((*journal)->RecordResponse(more, Output("paid")), absl::OkStatus());
}

TEST_F(BenchmarkJournalTest, TooManyResultsAreRefusedBeforeAnythingIsMade) {
  BenchmarkInfo info = Info();
  info.runs = 1u << 30;
  EXPECT_EQ(
      journal::KindOf(
          BenchmarkJournal::Create(Path("a"), info, Rows(2), {}).status()),
      journal::ErrorKind::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(Path("a")));
}

TEST_F(BenchmarkJournalTest, AStateIsReadBackWithItsSlot) {
  const auto journal = Create("a");
  AnswerWithState(*journal, 0, /*slot=*/0, "{\"n\":1}");
  AnswerWithState(*journal, 1, /*slot=*/5, "{\"n\":2}");
  EXPECT_EQ(journal->worker_states(), 2u);
  EXPECT_EQ(
      *journal->ReadWorkerStates(6),
      (std::map<uint32_t, std::string>{{0, "{\"n\":1}"}, {5, "{\"n\":2}"}}));
  EXPECT_EQ(journal->ReadWorkerStates(5)->size(), 1u);
}

// Threads that record a slot's answers may overtake one another.
TEST_F(BenchmarkJournalTest, AnOlderStateDoesNotReplaceANewer) {
  const auto journal = Create("a");
  AnswerWithState(*journal, 0, 0, "2", /*number=*/2);
  AnswerWithState(*journal, 1, 0, "1", /*number=*/1);
  EXPECT_EQ(journal->ReadWorkerStates(1)->at(0), "2");
  EXPECT_TRUE(journal->IsDone(1, 0) && journal->IsDone(1, 1));
}

// Whatever has become of the query, the worker goes on from it.
TEST_F(BenchmarkJournalTest, AStateGivenWithAnErrorIsKept) {
  const auto journal = Create("a");
  AnswerWithState(*journal, 0, 0, "1", /*number=*/1);
  EvaluationResult failed = Failure("prompt");
  failed.state_json = "2";
  failed.state_number = 2;
  ASSERT_EQ(journal->RecordError(Request(1, 1), failed, true),
            absl::OkStatus());
  EXPECT_EQ(journal->ReadWorkerStates(1)->at(0), "2");
}

TEST_F(BenchmarkJournalTest, TheLargestAnswerAndStateFit) {
  const auto journal = Create("a");
  EvaluationResult result = Output(std::string((16 << 20) - (65 << 10), 'x'));
  result.state_json = "\"" + std::string(1 << 20, 's') + "\"";
  ASSERT_EQ(journal->RecordResponse(Request(1, 0), result), absl::OkStatus());
  EXPECT_EQ(journal->ReadWorkerStates(1)->at(0), result.state_json);
}

TEST_F(BenchmarkJournalTest, ACheckpointSaysWhyAndHowFar) {
  const auto journal = Create("a");
  AnswerAndScore(*journal, 1, 0);
  ASSERT_EQ(journal->RecordCheckpoint("memory"), absl::OkStatus());
  const auto checkpoints = RecordsOf<CheckpointRecord>("a");
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_EQ(checkpoints[0].reason, "memory");
  EXPECT_EQ(checkpoints[0].completed, 1u);
}

TEST_F(BenchmarkJournalTest, GoesOnFromASnapshotAlone) {
  {
    const auto journal = Create("a");
    EXPECT_EQ(journal->BeginSession({}), absl::OkStatus());
    AnswerAndScore(*journal, 1, 1);
    Fail(*journal, 1, 2, "timeout");
    Start(*journal, 2, 3);
  }
  const std::vector<OpenQuery> before = Resume("a")->open_queries();
  Compact("a");
  const auto journal = Resume("a");
  EXPECT_TRUE(journal->IsDone(1, 1));
  EXPECT_EQ(journal->info().identity_hash, "hash");
  const absl::StatusOr<std::vector<RowInfo>> rows = journal->ReadRows();
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->size(), 10u);
  ASSERT_EQ(journal->open_queries().size(), before.size());
  EXPECT_EQ(journal->open_queries().back().lsn, before.back().lsn);
  // The attempt is named by its record, which a part holds.
  EXPECT_EQ(journal->RecordInDoubt(journal->open_queries()), absl::OkStatus());
  const auto listed = RecordsOf<InDoubtRecord>("a");
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].starts.at(0).key.id, "q3");
}

// What was accepted holds for the open journal, after it is opened again, and
// for whoever looks at it without a lock.
TEST_F(BenchmarkJournalTest, JournalNowHoldFromThenOn) {
  {
    const auto journal = Create("a");
    EXPECT_EQ(journal->BeginSession({1, R"({"workers":"8"})"}),
              absl::OkStatus());
    Answer(*journal, 1, 1);
    const OverrideRecord changes[] = {
        {kIdentityOverride, "{}", R"({"method":"x","model":"b"})", "test"},
        {kDatasetOverride, R"("old")", R"("new")", "test"}};
    EXPECT_EQ(journal->AcceptChanges(changes), absl::OkStatus());
    EXPECT_EQ(journal->info().model, "b");
    EXPECT_EQ(journal->BeginSession({1, R"({"workers":"4"})"}),
              absl::OkStatus());
  }
  const auto located = LocateJournal({}, Path("a"));
  const auto opened = Resume("a");
  for (const BenchmarkInfo& info : {*located->info, opened->info()}) {
    EXPECT_EQ(info.model, "b");
    EXPECT_EQ(info.method, "x");
    EXPECT_EQ(info.identity_hash, Sha256Hex(R"({"method":"x","model":"b"})"));
    EXPECT_EQ(info.config_json, R"({"workers":"4"})");
  }
  for (const JournalNow& now : {located->now, opened->now()}) {
    EXPECT_TRUE(now.mixed_config);
    EXPECT_EQ(now.accepted_dataset, "new");
  }
}

TEST_F(BenchmarkJournalTest, AChangeThatIsNoJsonIsDamage) {
  ASSERT_EQ(Create("a")->Close(), absl::OkStatus());
  AppendRaw("a", TypeNumber(OverrideRecord()),
            Encode(OverrideRecord{kIdentityOverride, "{}", "[1", "test"}));
  EXPECT_EQ(journal::KindOf(BenchmarkJournal::Resume(Path("a"), {}).status()),
            journal::ErrorKind::kDamage);
  EXPECT_EQ(LocateJournal({}, Path("a"))->condition,
            JournalCondition::kDamaged);
}

}  // namespace
}  // namespace runner
