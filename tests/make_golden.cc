// Writes the golden journals of the present format version:
//
//   bazel run //tests:make_golden -- /tmp/golden
//
// They are committed once for each release, below tests/golden/, and never
// changed: what golden_test reads in them is written beside them as text. Run
// it for a new release only, with a new name for what it writes.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/records.h"
#include "tests/golden_text.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "make_golden: %s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  Must(value.status());
  return *std::move(value);
}

// The disk as a crash at this moment would leave it.
void CopyLive(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive);
}

// ---------------------------------------------------------------------------
// The engine's journals

constexpr uint64_t kSegmentBytes = 64 << 10;

std::unique_ptr<journal::Writer> Open(const std::string& directory,
                                      journal::Folder* folder = nullptr) {
  journal::WriterOptions options;
  options.segment_bytes_min = kSegmentBytes;
  options.segment_bytes_max = kSegmentBytes;
  options.folder = folder;
  return Must(journal::Writer::Open(directory, options));
}

void Append(journal::Writer& writer, uint16_t type, const std::string& body,
            bool ignorable = false) {
  Must(writer
           .Append({.type = type,
                    .body = body,
                    .sync_weight = 1,
                    .ignorable = ignorable})
           .status());
}

// Bodies of all sizes around the format's alignments, of zeros, none, and one
// that is a whole segment itself; a span; a watermark; several segments by
// sessions and one by size.
void MakeEngine(const std::string& directory) {
  auto writer = Open(directory);
  for (size_t size : {0, 1, 7, 8, 9, 463, 464, 465, 512, 1000}) {
    Append(*writer, 1, std::string(size, 'a'));
  }
  Append(*writer, 2, std::string(100, '\0'));
  Append(*writer, 65535, "a type that nobody knows and may skip", true);
  const std::vector<journal::RecordView> span = {
      {.type = 3, .body = "all"},
      {.type = 3, .body = ""},
      {.type = 3, .body = "or nothing"}};
  const journal::Lsn end = Must(writer->Append(span));
  Must(writer->WaitDurable(end));
  Must(writer->Close());

  writer = Open(directory);
  std::ifstream first(directory + "/0000000001.seg", std::ios::binary);
  Append(*writer, 4, std::string(std::istreambuf_iterator<char>(first), {}));
  Append(*writer, 5, std::string(30 << 10, 'b'));
  Append(*writer, 5, std::string(36 << 10, 'c'));  // In the next segment.
  Must(writer->Sync());
  Append(*writer, 6, "after a sync: in a sector of its own");
  Must(writer->Close());
}

// Killed, and the last record half written.
void MakeTorn(const std::string& directory) {
  constexpr size_t kBytes = 300;
  const std::string live = directory + ".live";
  auto writer = Open(live);
  Append(*writer, 1, "confirmed by what comes after it");
  Must(writer->Sync());
  Append(*writer, 2, "whole, and confirmed by nothing");
  Append(*writer, 3, std::string(kBytes, 't'));
  CopyLive(live, directory);
  Must(writer->Close());
  fs::remove_all(live);
  fs::remove(directory + "/0000000002.seg.new");
  const std::string path = directory + "/0000000001.seg";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const size_t body = bytes.find(std::string(kBytes, 't'));
  file.clear();
  file.seekp(static_cast<std::streamoff>(body + kBytes / 2));
  file << std::string(kBytes / 2, '\0');
}

// The same, opened again: cut, kept beside it, and gone on from there.
void MakeRecovered(const std::string& torn, const std::string& directory) {
  CopyLive(torn, directory);
  auto writer = Open(directory);
  Append(*writer, 4, "after the cut");
  Must(writer->Close());
}

// A segment begins with a state frame when the log behind the last one could
// else grow beyond 16 MiB: most of this is one letter, and it is committed
// packed.
void MakeState(const std::string& directory) {
  CountingFolder folder;
  journal::WriterOptions options;
  options.folder = &folder;
  auto writer = Must(journal::Writer::Open(directory, options));
  for (int i = 0; i < 18; ++i) Append(*writer, 1, std::string(1 << 20, 's'));
  Append(*writer, 2, "after the state");
  Must(writer->Close());
  // The head of a later segment says where the state is.
  writer = Must(journal::Writer::Open(directory, options));
  Append(*writer, 3, "after opening from the state");
  Must(writer->Close());
}

// "key value": the newest of each key is needed.
class NewestOfKey final : public journal::Compactor {
 public:
  void Add(journal::Writer& writer, const std::string& body) {
    newest_[body.substr(0, body.find(' '))] =
        Must(writer.Append({.type = 1, .body = body}));
  }
  journal::Lsn SupersededBy(const journal::Record& record) override {
    const std::string body(record.body);
    const journal::Lsn newest = newest_[body.substr(0, body.find(' '))];
    return newest == record.lsn ? 0 : newest;
  }

 private:
  std::map<std::string, journal::Lsn> newest_;
};

// Two snapshots, the log of the newer one, and what came after; superseded
// records, blocks of all kinds.
void MakeSnapshot(const std::string& directory, const journal::Cipher* cipher) {
  NewestOfKey newest;
  journal::WriterOptions options;
  options.segment_bytes_min = kSegmentBytes;
  options.segment_bytes_max = kSegmentBytes;
  options.compactor = &newest;
  options.cipher = cipher;
  auto writer = Must(journal::Writer::Open(directory, options));
  for (int i = 0; i < 30; ++i) newest.Add(*writer, absl::StrCat("a", i, " 1"));
  for (int i = 0; i < 9; ++i) newest.Add(*writer, absl::StrCat("a", i, " 1b"));
  newest.Add(*writer, "zeros " + std::string(40 << 10, '\0'));
  newest.Add(*writer, "");
  Must(writer->Snapshot());
  for (int i = 0; i < 10; ++i) newest.Add(*writer, absl::StrCat("a", i, " 2"));
  Must(writer->Snapshot());
  for (int i = 5; i < 15; ++i) newest.Add(*writer, absl::StrCat("a", i, " 3"));
  Must(writer->Close());
}

// ---------------------------------------------------------------------------
// A benchmark's journal

constexpr uint32_t kRows = 5;

absl::Time At(int second) { return absl::FromUnixSeconds(1760000000 + second); }

EvaluationRequest Request(uint32_t run, uint32_t index, uint32_t attempt = 1) {
  EvaluationRequest request;
  request.key.run = run;
  request.key.index = index;
  request.key.id = absl::StrCat("q", index);
  request.attempt = attempt;
  request.seed = 100 * run + index;
  return request;
}

void Start(BenchmarkJournal& journal, const EvaluationRequest& request) {
  Must(journal.RecordStart(request, true));
}

void Answer(BenchmarkJournal& journal, const EvaluationRequest& request,
            const std::string& output, bool right) {
  Start(journal, request);
  EvaluationResult result;
  result.output = output;
  result.reasoning = "because";
  result.latency = absl::Milliseconds(25);
  result.slot = 1;
  result.usage.prompt_tokens = 11;
  result.usage.completion_tokens = 5;
  result.usage.cached_tokens = 3;
  result.usage.reasoning_tokens = 2;
  result.usage.metered = true;
  result.cost = 0.25;
  result.metrics = {{"tokens_per_second", 40}};
  result.scores = {{"fluency", 0.5}};
  result.metadata_json = "{\"k\":[1,2]}";
  result.finish_reason = "stop";
  Must(journal.RecordResponse(request, result));
  Must(journal.RecordScore(request.key, {{"exact_match", right ? 1.0 : 0.0}},
                           false, output));
}

void Fail(BenchmarkJournal& journal, const EvaluationRequest& request,
          bool retryable, bool final) {
  Start(journal, request);
  EvaluationResult result;
  result.latency = absl::Milliseconds(5);
  result.error.emplace();
  result.error->type = retryable ? "timeout" : "refused";
  result.error->message = "no answer\nat all \xff";
  result.error->retryable = retryable;
  result.error->context_json = "{\"line\":3}";
  Must(journal.RecordError(request, result, final));
}

BenchmarkInfo Info() {
  BenchmarkInfo info;
  info.benchmark_id = "golden";
  info.run_id = "20251009_golden_0011223344556677";
  info.dataset_name = "golden";
  info.dataset_path = "golden.jsonl";
  info.dataset_fingerprint = std::string(64, 'f');
  info.model = "m";
  info.method = "cot";
  info.identity_json = "{\"model\":\"m\"}";
  info.identity_hash = std::string(64, '1');
  info.scoring_json = "{\"scorers\":[\"exact_match\"]}";
  info.scoring_hash = std::string(64, '2');
  info.config_json = "{\"workers\":\"2\"}";
  info.seed = 42;
  info.runs = 2;
  info.created = At(0);
  info.writer_version = "1";
  info.writer_commit = "golden";
  return info;
}

// Records that this release does not write yet, and that its readers know.
void AppendReserved(const std::string& directory) {
  auto writer = Must(journal::Writer::Open(directory, {}));
  const auto append = [&](const auto& record) {
    Append(*writer, TypeNumber(record), Encode(record));
  };
  append(OverrideRecord{"workers", "1", "2", "command line"});
  append(WorkerStateRecord{1, 0, "{\"asked\":4}", {}, At(1)});
  append(BatchRecord{1, 1, BatchStatus::kRunning, {0, 1}, {1, 2}, At(1)});
  SelectionRecord selection;
  selection.runs = 2;
  selection.queries = kRows;
  selection.selection_json = "{\"runs\":2}";
  selection.dataset_fingerprint = std::string(64, 'f');
  selection.at = At(2);
  append(selection);
  append(LimitRecord{"cost", 10, 2.5, At(3)});
  append(CheckpointRecord{"demand", 3, At(4)});
  Must(writer->Close());
}

// Two runs of five rows; of run 1 one fails in the end, of run 2 one was in
// doubt after a crash.
void MakeBenchmark(const std::string& directory) {
  const std::string live = directory + ".live";
  std::vector<RowInfo> rows;
  for (uint32_t i = 0; i < kRows; ++i) {
    rows.push_back({absl::StrCat("q", i), 0, i * 7});
  }
  auto journal = Must(BenchmarkJournal::Create(live, Info(), rows, {}));
  Must(journal->BeginSession({2, "{\"workers\":\"2\"}"}));
  for (uint32_t i = 0; i < 4; ++i) {
    Answer(*journal, Request(1, i), absl::StrCat("answer ", i), i % 2 == 0);
  }
  Fail(*journal, Request(1, 4), true, false);
  Fail(*journal, Request(1, 4, 2), false, true);
  Answer(*journal, Request(2, 0), "", false);
  Start(*journal, Request(2, 1));
  Must(journal->Sync());
  CopyLive(live, directory);
  Must(journal->Close());
  fs::remove_all(live);

  AppendReserved(directory);
  journal = Must(BenchmarkJournal::Resume(directory, {}));
  Must(journal->RecordInDoubt(journal->open_queries()));
  Must(journal->BeginSession({2, "{\"workers\":\"2\"}"}));
  for (uint32_t i = 1; i < kRows; ++i) {
    Answer(*journal, Request(2, i, i == 1 ? 2 : 1), "same", true);
  }
  Must(journal->RecordRunEnd({.run = 1,
                              .seed = 7,
                              .n = kRows,
                              .completed = 4,
                              .failed = 1,
                              .means = {{"exact_match", 0.5}}}));
  Must(journal->RecordRunEnd({.run = 2,
                              .seed = 8,
                              .n = kRows,
                              .completed = 5,
                              .means = {{"exact_match", 0.8}}}));
  Must(journal->EndSession(SessionStop::kCompleted, 0, 3, "done"));
  Must(journal->RecordComplete(3, "results/golden/results.json"));
  Must(journal->Close());
}

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

int Main(const std::string& directory) {
  fs::create_directories(directory);
  MakeEngine(directory + "/v1_engine");
  MakeTorn(directory + "/v1_torn");
  MakeRecovered(directory + "/v1_torn", directory + "/v1_recovered");
  MakeState(directory + "/v1_state");
  MakeBenchmark(directory + "/v1_benchmark");
  const auto key = GoldenKey();
  MakeSnapshot(directory + "/v1_snapshot", nullptr);
  MakeSnapshot(directory + "/v1_encrypted", key.get());
  WriteText(directory + "/v1_encrypted.txt",
            JournalText(directory + "/v1_encrypted", key.get()));
  fs::remove(directory + "/v1_encrypted/LOCK");
  for (const char* name : {"v1_engine", "v1_torn", "v1_recovered", "v1_state",
                           "v1_benchmark", "v1_snapshot"}) {
    const std::string path = absl::StrCat(directory, "/", name);
    fs::remove(path + "/LOCK");
    WriteText(path + ".txt", JournalText(path));
  }
  const std::string benchmark = directory + "/v1_benchmark";
  WriteText(benchmark + ".jsonl", RecordsText(benchmark));
  WriteText(benchmark + ".results.txt", BenchmarkText(benchmark));
  std::printf(
      "written to %s; pack what is large: for j in v1_state v1_torn; "
      "do tar -C %s -cf - $j | gzip -9n > $j.tar.gz; done\n",
      directory.c_str(), directory.c_str());
  return 0;
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden DIRECTORY\n");
    return 2;
  }
  return runner::Main(argv[1]);
}
