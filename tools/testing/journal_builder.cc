#include "tools/testing/journal_builder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "runner/storage/record_codec.h"

namespace inspector {
namespace {

namespace fs = std::filesystem;

constexpr char kIdentity[] = R"({"evaluator":"replay","model":"m"})";
constexpr char kSessionId[] = "s1";

}  // namespace

absl::Time JournalBuilder::StartTime() {
  return absl::FromUnixSeconds(1795275000);  // 2026-11-21 15:30:00 UTC
}

JournalBuilder::JournalBuilder(std::string directory, uint32_t queries,
                               uint32_t runs, absl::Time start,
                               const journal::Cipher* cipher)
    : directory_(std::move(directory)), cipher_(cipher), now_(start) {
  fs::remove_all(directory_);
  fs::create_directories(fs::path(directory_).parent_path());
  Open();
  runner::BenchmarkInfo info;
  info.benchmark_id = "numbers_m";
  info.run_id = "20261121_numbers_m_0badcafe";
  info.dataset_name = "numbers";
  info.dataset_path = "/data/numbers.jsonl";
  info.model = "m";
  info.identity_json = kIdentity;
  info.identity_hash = runner::Sha256Hex(kIdentity);
  info.scoring_hash = "scoring";
  info.config_json = R"({"workers":"2"})";
  info.runs = runs;
  info.queries = queries;
  info.created = Tick();
  Append(info);
  runner::DatasetRowsRecord rows;
  for (uint32_t i = 0; i < queries; ++i) {
    rows.rows.push_back({absl::StrCat("q", i), 0, i});
  }
  Append(rows);
  runner::SessionRecord session;
  session.session_id = kSessionId;
  session.number = 1;
  session.started = Tick();
  session.pid = 7;
  session.host = "here";
  session.workers = 2;
  Append(session);
}

JournalBuilder::~JournalBuilder() = default;

void JournalBuilder::Open() {
  journal::WriterOptions options;
  options.cipher = cipher_;
  absl::StatusOr<std::unique_ptr<journal::Writer>> writer =
      journal::Writer::Open(directory_, options);
  ASSERT_TRUE(writer.ok()) << writer.status();
  writer_ = *std::move(writer);
}

absl::Time JournalBuilder::Tick() {
  const absl::Time now = now_;
  now_ += absl::Seconds(1);
  return now;
}

journal::Lsn JournalBuilder::AppendRaw(uint16_t type, absl::string_view body,
                                       bool ignorable) {
  journal::RecordView record;
  record.type = type;
  record.body = body;
  record.ignorable = ignorable;
  const absl::StatusOr<journal::Lsn> lsn = writer_->Append(record);
  EXPECT_TRUE(lsn.ok()) << lsn.status();
  return lsn.value_or(0);
}

template <typename Record>
journal::Lsn JournalBuilder::Append(const Record& record) {
  return AppendRaw(runner::TypeNumber(record), runner::Encode(record));
}

runner::QueryKey JournalBuilder::Key(uint32_t index, uint32_t run) const {
  return {run, index, absl::StrCat("q", index), 0};
}

journal::Lsn JournalBuilder::Start(uint32_t index, uint32_t run) {
  runner::AttemptStartRecord start;
  start.key = Key(index, run);
  start.attempt = 1;
  start.at = Tick();
  return Append(start);
}

journal::Lsn JournalBuilder::Answer(uint32_t index, absl::string_view output,
                                    uint32_t run) {
  runner::ResponseRecord response;
  response.key = Key(index, run);
  response.attempt = 1;
  response.at = Tick();
  response.latency = absl::Milliseconds(12);
  response.output = std::string(output);
  response.cost = 0.5;
  response.usage.metered = true;
  response.usage.prompt_tokens = 10;
  response.usage.completion_tokens = 2;
  return Append(response);
}

journal::Lsn JournalBuilder::Score(uint32_t index, double value, uint32_t run) {
  runner::ScoreRecord score;
  score.key = Key(index, run);
  score.scoring_hash = "scoring";
  score.scores = {{"numeric", value}};
  score.extracted = "42";
  score.at = Tick();
  return Append(score);
}

journal::Lsn JournalBuilder::Error(uint32_t index, bool final, uint32_t run) {
  runner::AttemptErrorRecord error;
  error.key = Key(index, run);
  error.attempt = 1;
  error.at = Tick();
  error.type = "Timeout";
  error.message = "no answer in 600 s";
  error.retryable = true;
  error.final = final;
  return Append(error);
}

journal::Lsn JournalBuilder::InDoubt(uint32_t index, uint32_t run) {
  runner::InDoubtRecord in_doubt;
  in_doubt.session_id = kSessionId;
  runner::AttemptStartRecord start;
  start.key = Key(index, run);
  start.attempt = 1;
  start.at = now_;
  in_doubt.starts = {start};
  in_doubt.at = Tick();
  return Append(in_doubt);
}

journal::Lsn JournalBuilder::Complete() {
  runner::CompleteRecord complete;
  complete.at = Tick();
  return Append(complete);
}

void JournalBuilder::Finish(uint32_t index, uint32_t run) {
  Start(index, run);
  Answer(index, "42", run);
  Score(index, 1, run);
}

void JournalBuilder::Close() {
  runner::SessionEndRecord end;
  end.session_id = kSessionId;
  end.reason = runner::SessionStop::kCompleted;
  end.elapsed = absl::Seconds(90);
  end.at = Tick();
  Append(end);
  EXPECT_TRUE(writer_->Close().ok());
  writer_ = nullptr;
}

void JournalBuilder::Reopen() {
  writer_ = nullptr;
  Open();
}

void JournalBuilder::Snapshot() {
  const absl::Status made = writer_->Snapshot();
  EXPECT_TRUE(made.ok()) << made;
}

void JournalBuilder::Kill() {
  // Everything is confirmed, so that only what a test adds is torn.
  EXPECT_TRUE(writer_->Sync().ok());
  const std::string copy = directory_ + ".copy";
  fs::copy(directory_, copy);
  EXPECT_TRUE(writer_->Close().ok());
  writer_ = nullptr;
  fs::remove_all(directory_);
  fs::rename(copy, directory_);
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void WriteBytes(const std::string& path, absl::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), bytes.size());
  file.flush();
  EXPECT_TRUE(file.good()) << path;
}

void Overwrite(const std::string& path, uint64_t offset,
               absl::string_view bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(offset);
  file.write(bytes.data(), bytes.size());
  file.flush();
  EXPECT_TRUE(file.good()) << path;
}

void FlipBit(const std::string& path, uint64_t offset, int bit) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(offset);
  char byte = 0;
  file.get(byte);
  byte = static_cast<char>(byte ^ (1 << bit));
  file.seekp(offset);
  file.put(byte);
  file.flush();
  EXPECT_TRUE(file.good()) << path << " at " << offset;
}

}  // namespace inspector
