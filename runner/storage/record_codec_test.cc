#include "runner/storage/record_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "flatbuffers/flatbuffers.h"
#include "journal/error.h"
#include "schemas/records_generated.h"

namespace runner {
namespace {

constexpr char kInvalidUtf8[] = "\xff\xfe a \x80";

QueryKey SomeKey() {
  return {.run = 3, .index = 7, .id = "q7", .occurrence = 2};
}

absl::Time SomeTime() { return absl::FromUnixNanos(1700000000123456789); }

ResponseRecord SomeResponse() {
  ResponseRecord record;
  record.key = SomeKey();
  record.attempt = 2;
  record.slot = 4;
  record.at = SomeTime();
  record.latency = absl::Milliseconds(1234);
  record.output = kInvalidUtf8;
  record.reasoning = std::string("a\0b", 3);
  record.usage = {.prompt_tokens = 1,
                  .completion_tokens = 2,
                  .cached_tokens = 3,
                  .reasoning_tokens = 4,
                  .metered = true};
  record.cost = 0.25;
  record.passes = {{.name = "first",
                    .output = "o",
                    .reasoning = "r",
                    .metrics = {{"m", 1.5}}}};
  record.metrics = {{"speed", 3}, {"a", -1}};
  record.worker_scores = {{"own", 0.5}};
  record.metadata_json = "{}";
  record.finish_reason = "stop";
  return record;
}

// Encodes what was decoded: equal bytes mean that nothing was lost, since the
// encoder writes every field that is not empty.
template <typename Record>
Record ThereAndBack(const Record& record) {
  const std::string body = Encode(record);
  absl::StatusOr<Record> decoded = Decode<Record>(body);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (!decoded.ok()) return {};
  EXPECT_EQ(Encode(*decoded), body);
  return *decoded;
}

TEST(RecordCodec, ResponseKeepsEveryField) {
  const ResponseRecord decoded = ThereAndBack(SomeResponse());
  EXPECT_EQ(decoded.key.id, "q7");
  EXPECT_EQ(decoded.key.occurrence, 2u);
  EXPECT_EQ(decoded.output, kInvalidUtf8);
  EXPECT_EQ(decoded.reasoning, std::string("a\0b", 3));
  EXPECT_EQ(decoded.latency, absl::Milliseconds(1234));
  EXPECT_EQ(decoded.at, SomeTime());
  EXPECT_EQ(decoded.usage.reasoning_tokens, 4u);
  EXPECT_TRUE(decoded.usage.metered);
  EXPECT_EQ(decoded.cost, 0.25);
  EXPECT_EQ(decoded.passes[0].metrics, (NamedValues{{"m", 1.5}}));
  EXPECT_EQ(decoded.metrics, (NamedValues{{"speed", 3}, {"a", -1}}));
  EXPECT_EQ(decoded.worker_scores, (NamedValues{{"own", 0.5}}));
  EXPECT_EQ(decoded.metadata_json, "{}");
  EXPECT_EQ(decoded.finish_reason, "stop");
}

TEST(RecordCodec, NullAndEmptyOutputDiffer) {
  ResponseRecord record;
  EXPECT_FALSE(ThereAndBack(record).output.has_value());
  EXPECT_FALSE(ThereAndBack(record).cost.has_value());
  record.output = "";
  record.cost = 0;
  EXPECT_EQ(ThereAndBack(record).output, "");
  EXPECT_EQ(ThereAndBack(record).cost, 0);
}

TEST(RecordCodec, BenchmarkKeepsEveryField) {
  BenchmarkInfo info;
  info.benchmark_id = "b";
  info.run_id = "r";
  info.dataset_name = "d";
  info.dataset_path = "/d.jsonl";
  info.dataset_fingerprint = "f";
  info.model = "m";
  info.method = "x";
  info.identity_json = "{}";
  info.identity_hash = "h";
  info.scoring_json = "[]";
  info.scoring_hash = "s";
  info.config_json = "{\"a\":1}";
  info.seed = ~uint64_t{0};
  info.runs = 5;
  info.queries = 250;
  info.created = SomeTime();
  info.writer_version = "0.1.0";
  info.writer_commit = "abc";
  const BenchmarkInfo decoded = ThereAndBack(info);
  EXPECT_EQ(decoded.seed, ~uint64_t{0});
  EXPECT_EQ(decoded.runs, 5u);
  EXPECT_EQ(decoded.queries, 250u);
  EXPECT_EQ(decoded.created, SomeTime());
  EXPECT_EQ(decoded.config_json, "{\"a\":1}");
  EXPECT_EQ(decoded.writer_commit, "abc");
}

TEST(RecordCodec, DatasetRowsKeepTheirOrder) {
  const DatasetRowsRecord decoded = ThereAndBack(DatasetRowsRecord{
      .first_index = 9, .rows = {{"b", 0, 1}, {"", 3, ~uint64_t{0}}}});
  EXPECT_EQ(decoded.first_index, 9u);
  ASSERT_EQ(decoded.rows.size(), 2u);
  EXPECT_EQ(decoded.rows[0].id, "b");
  EXPECT_EQ(decoded.rows[1].occurrence, 3u);
  EXPECT_EQ(decoded.rows[1].content_hash, ~uint64_t{0});
}

TEST(RecordCodec, AttemptsKeepEveryField) {
  const AttemptStartRecord start = {
      .key = SomeKey(), .attempt = 1, .slot = 2, .seed = 3, .at = SomeTime()};
  EXPECT_EQ(ThereAndBack(start).seed, 3u);
  AttemptErrorRecord error;
  error.key = SomeKey();
  error.attempt = 2;
  error.type = "timeout";
  error.message = kInvalidUtf8;
  error.retryable = true;
  error.final = true;
  error.context_json = "{}";
  error.usage.metered = true;
  error.cost = 1;
  error.latency = absl::Seconds(600);
  const AttemptErrorRecord decoded = ThereAndBack(error);
  EXPECT_EQ(decoded.message, kInvalidUtf8);
  EXPECT_TRUE(decoded.retryable && decoded.final && decoded.usage.metered);
  EXPECT_EQ(decoded.cost, 1);
  const InDoubtRecord doubt = {"session", {start, start}, SomeTime()};
  EXPECT_EQ(ThereAndBack(doubt).starts[1].key.id, "q7");
}

TEST(RecordCodec, ScoresAndRunsKeepEveryField) {
  const ScoreRecord score = {SomeKey(), "hash", {{"exact", 1}},
                             true,      "42",   SomeTime()};
  EXPECT_EQ(ThereAndBack(score).extracted, "42");
  EXPECT_TRUE(ThereAndBack(score).unparsed);
  const RunEndRecord run = {1,       2,   3,          4, 5, 6, {{"exact", 0.5}},
                            Usage{}, 7.5, SomeTime(), 3, 4};
  EXPECT_EQ(ThereAndBack(run).means, (NamedValues{{"exact", 0.5}}));
  EXPECT_EQ(ThereAndBack(run).cost, 7.5);
  EXPECT_EQ(ThereAndBack(run).unmetered, 3u);
  EXPECT_EQ(ThereAndBack(run).unpriced, 4u);
  EXPECT_EQ(ThereAndBack(RunEndRecord{}).cost, absl::nullopt);
}

TEST(RecordCodec, SessionsKeepEveryField) {
  const SessionRecord session = {"id", 2,     SomeTime(), 77,   "host",
                                 8,    "0.1", "abc",      "{}", absl::Hours(2)};
  EXPECT_EQ(ThereAndBack(session).elapsed_before, absl::Hours(2));
  EXPECT_EQ(ThereAndBack(session).host, "host");
  const SessionEndRecord end = {
      "id",      SessionStop::kSignal, 2, 130, absl::Seconds(5), 10, 1, "x",
      SomeTime()};
  EXPECT_EQ(ThereAndBack(end).reason, SessionStop::kSignal);
  EXPECT_EQ(ThereAndBack(end).exit_code, 130);
}

TEST(RecordCodec, TheOthersKeepEveryField) {
  EXPECT_EQ(ThereAndBack(OverrideRecord{"workers", "8", "4", "command line"})
                .new_json,
            "4");
  EXPECT_EQ(
      ThereAndBack(
          BatchRecord{1, 2, BatchStatus::kRunning, {1, 2}, {3}, SomeTime()})
          .indices,
      (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(
      ThereAndBack(WorkerStateRecord{1, 2, "{}", {3}, SomeTime()}).state_json,
      "{}");
  EXPECT_EQ(ThereAndBack(SelectionRecord{2, 3, "{}", "f", SomeTime()}).queries,
            3u);
  EXPECT_EQ(ThereAndBack(LimitRecord{"cost", 1, 2, SomeTime()}).value, 2);
  EXPECT_EQ(ThereAndBack(CompleteRecord{1, 2, 3, "p", SomeTime()}).exit_code,
            3);
  EXPECT_EQ(ThereAndBack(ScoringRecord{"{}", "h", SomeTime()}).scoring_hash,
            "h");
  EXPECT_EQ(ThereAndBack(CheckpointRecord{"demand", 5, SomeTime()}).completed,
            5u);
}

TEST(RecordCodec, UnknownEnumerationsAreNumbers) {
  SessionEndRecord end;
  end.reason = static_cast<SessionStop>(200);
  EXPECT_EQ(SessionStopName(ThereAndBack(end).reason), "200");
  EXPECT_EQ(SessionStopName(SessionStop::kLimit), "Limit");
  EXPECT_EQ(BatchStatusName(static_cast<BatchStatus>(9)), "9");
  EXPECT_EQ(RecordTypeName(6), "Response");
  EXPECT_EQ(RecordTypeName(0), "type 0");
  EXPECT_EQ(RecordTypeName(65535), "type 65535");
}

void ExpectPoison(const absl::Status& status, absl::string_view type) {
  EXPECT_EQ(journal::KindOf(status), journal::ErrorKind::kDamage) << status;
  EXPECT_TRUE(
      absl::StartsWith(status.message(), absl::StrCat("poison record: ", type)))
      << status;
}

TEST(RecordCodec, EveryTruncationIsPoisonOrWhole) {
  const std::string body = Encode(SomeResponse());
  ExpectPoison(Decode<ResponseRecord>("").status(), "Response");
  for (size_t size = 0; size < body.size(); ++size) {
    // A copy of its own, so that a sanitizer sees a read behind it.
    const std::vector<char> cut(body.begin(), body.begin() + size);
    const absl::StatusOr<ResponseRecord> decoded =
        Decode<ResponseRecord>(absl::string_view(cut.data(), cut.size()));
    if (!decoded.ok()) ExpectPoison(decoded.status(), "Response");
  }
}

TEST(RecordCodec, FlippedAndMisplacedBytesNeverCrash) {
  const std::string body = Encode(SomeResponse());
  std::mt19937 random(7);
  int poison = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bad = absl::StrCat(std::string(i % 8, 'x'), body);
    for (int flips = 0; flips < 3; ++flips) {
      bad[i % 8 + random() % body.size()] = static_cast<char>(random());
    }
    const absl::string_view view = absl::string_view(bad).substr(i % 8);
    poison += !Decode<ResponseRecord>(view).ok();
    Decode<InDoubtRecord>(view).IgnoreError();
    Decode<DatasetRowsRecord>(view).IgnoreError();
  }
  EXPECT_GT(poison, 100);
}

TEST(RecordCodec, SharedTextThatUnfoldsIsPoison) {
  flatbuffers::FlatBufferBuilder builder;
  const auto id = builder.CreateString(std::string(10000, 'x'));
  const auto row = schemas::CreateDatasetRow(builder, id);
  std::vector<flatbuffers::Offset<schemas::DatasetRow>> rows(100000, row);
  builder.Finish(
      schemas::CreateDatasetRows(builder, 0, builder.CreateVector(rows)));
  const absl::string_view body(
      reinterpret_cast<const char*>(builder.GetBufferPointer()),
      builder.GetSize());
  ExpectPoison(Decode<DatasetRowsRecord>(body).status(), "DatasetRows");
}

TEST(RecordCodec, SharedTablesWithoutTextThatUnfoldArePoison) {
  flatbuffers::FlatBufferBuilder builder;
  const auto key =
      schemas::CreateQueryKey(builder, 1, 0, builder.CreateString(""));
  const auto value =
      schemas::CreateNamedValue(builder, builder.CreateString(""));
  const auto metrics = builder.CreateVector(
      std::vector<flatbuffers::Offset<schemas::NamedValue>>(900, value));
  schemas::PassBuilder pass_builder(builder);
  pass_builder.add_metrics(metrics);
  const auto pass = pass_builder.Finish();
  const auto passes = builder.CreateVector(
      std::vector<flatbuffers::Offset<schemas::Pass>>(900, pass));
  schemas::ResponseBuilder response(builder);
  response.add_key(key);
  response.add_passes(passes);
  builder.Finish(response.Finish());
  const absl::string_view body(
      reinterpret_cast<const char*>(builder.GetBufferPointer()),
      builder.GetSize());
  ASSERT_LT(body.size(), 8192u);
  ExpectPoison(Decode<ResponseRecord>(body).status(), "Response");
}

}  // namespace
}  // namespace runner
