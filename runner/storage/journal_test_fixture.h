// What the tests of this layer share: a journal directory, a benchmark in it,
// and the ways in which it is hurt.
#ifndef RUNNER_STORAGE_JOURNAL_TEST_FIXTURE_H_
#define RUNNER_STORAGE_JOURNAL_TEST_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/progress_state.h"

namespace runner {

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    std::string pattern = ::testing::TempDir() + "/journal_XXXXXX";
    root_ = mkdtemp(pattern.data());
  }

  ~JournalTest() override { std::filesystem::remove_all(root_); }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  static BenchmarkInfo Info(const std::string& identity = "hash",
                            int64_t created_seconds = 1000) {
    BenchmarkInfo info;
    info.benchmark_id = "bench";
    info.run_id = "run";
    info.identity_json = "{}";
    info.identity_hash = identity;
    info.scoring_hash = "scoring";
    info.runs = 2;
    info.created = absl::FromUnixSeconds(created_seconds);
    return info;
  }

  static std::vector<RowInfo> Rows(uint32_t count) {
    std::vector<RowInfo> rows;
    for (uint32_t i = 0; i < count; ++i) {
      rows.push_back({absl::StrCat("q", i), 0, i * 7});
    }
    return rows;
  }

  // Creates and opens; a test that gets none ends with a failure.
  std::unique_ptr<BenchmarkJournal> Create(const std::string& name,
                                           const BenchmarkInfo& info = Info(),
                                           uint32_t rows = 10) {
    auto journal = BenchmarkJournal::Create(Path(name), info, Rows(rows), {});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }

  std::unique_ptr<BenchmarkJournal> Resume(const std::string& name) {
    auto journal = BenchmarkJournal::Resume(Path(name), {});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }

  // The disk as a crash at this moment would leave it.
  void CopyLive(const std::string& from, const std::string& to) {
    std::filesystem::copy(Path(from), Path(to),
                          std::filesystem::copy_options::recursive);
  }

  static EvaluationRequest Request(uint32_t run, uint32_t index) {
    EvaluationRequest request;
    request.key.run = run;
    request.key.index = index;
    request.key.id = absl::StrCat("q", index);
    return request;
  }

  static EvaluationResult Output(const std::string& text) {
    EvaluationResult result;
    result.output = text;
    result.latency = absl::Milliseconds(5);
    return result;
  }

  static EvaluationResult Failure(const std::string& type,
                                  const std::string& message = "") {
    EvaluationResult result;
    result.error.emplace();
    result.error->type = type;
    result.error->message = message;
    result.error->retryable = true;
    return result;
  }

  static void Start(BenchmarkJournal& journal, uint32_t run, uint32_t index) {
    const EvaluationRequest request = Request(run, index);
    EXPECT_EQ(journal.RecordStart(request, true), absl::OkStatus());
  }

  static void Answer(BenchmarkJournal& journal, uint32_t run, uint32_t index,
                     const std::string& text = "answer") {
    Start(journal, run, index);
    EXPECT_EQ(journal.RecordResponse(Request(run, index), Output(text)),
              absl::OkStatus());
  }

  static void AnswerAndScore(BenchmarkJournal& journal, uint32_t run,
                             uint32_t index,
                             const std::string& text = "answer") {
    Answer(journal, run, index, text);
    EXPECT_EQ(journal.RecordScore(Request(run, index).key, {{"exact", 1}},
                                  false, text),
              absl::OkStatus());
  }

  static void Fail(BenchmarkJournal& journal, uint32_t run, uint32_t index,
                   const std::string& type, bool final = true) {
    Start(journal, run, index);
    EXPECT_EQ(
        journal.RecordError(Request(run, index), Failure(type, "m"), final),
        absl::OkStatus());
  }

  // Appends a record past all of this layer.
  void AppendRaw(const std::string& name, uint16_t type,
                 const std::string& body, bool ignorable = false) {
    journal::WriterOptions options;
    options.verify_all = true;
    auto writer = journal::Writer::Open(Path(name), options);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)
                    ->Append({.type = type,
                              .body = body,
                              .sync_weight = 1,
                              .ignorable = ignorable})
                    .ok());
    ASSERT_EQ((*writer)->Close(), absl::OkStatus());
  }

  // Two snapshots, so that all that was written has left the log.
  void Compact(const std::string& name) {
    for (int i = 0; i < 2; ++i) {
      ProgressState state;
      journal::WriterOptions options;
      options.folder = &state;
      auto writer = journal::Writer::Open(Path(name), options);
      ASSERT_TRUE(writer.ok()) << writer.status();
      ASSERT_EQ((*writer)->Snapshot(), absl::OkStatus());
      ASSERT_EQ((*writer)->Close(), absl::OkStatus());
    }
    ASSERT_FALSE(std::filesystem::exists(Path(name) + "/0000000001.seg"));
  }

  std::string ReadFile(const std::string& name) const {
    std::ifstream file(Path(name));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  void WriteFile(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(
        std::filesystem::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << text;
  }

  // Flips a bit in the first segment, where its first frame has its body.
  void DamageFirstRecord(const std::string& name) {
    std::fstream file(Path(name) + "/0000000001.seg",
                      std::ios::in | std::ios::out | std::ios::binary);
    constexpr int kInFirstBody = 1024 + 48 + 8;
    file.seekg(kInFirstBody);
    const char byte = static_cast<char>(file.get());
    file.seekp(kInFirstBody);
    file.put(byte ^ 1);
    ASSERT_TRUE(file.good());
  }

  std::string root_;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_TEST_FIXTURE_H_
