// Writes inputs to begin fuzzing with, for each target a folder:
//
//   bazel run //tests/fuzz:make_corpus -- /tmp/seeds
//
// tests/corpus/ holds the least of them, and of what was found from them, that
// covers the same: README.md says how it is made anew.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "flatbuffers/flatbuffers.h"
#include "journal/format.h"
#include "journal/manifest.h"
#include "journal/part_block.h"
#include "journal/types.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/records.h"
#include "schemas/records_generated.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_program.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

using Op = Operation;

// A program for journal_program.h, byte by byte.
class Script {
 public:
  Script& Do(Op operation) { return U8(static_cast<uint8_t>(operation)); }
  Script& U8(uint64_t value) { return Little(value, 1); }
  Script& U16(uint64_t value) { return Little(value, 2); }
  Script& U32(uint64_t value) { return Little(value, 4); }
  Script& U64(uint64_t value) { return Little(value, 8); }
  Script& Record(uint64_t size) {
    return Do(Op::kRecord).U16(size).U8('r').U8(size);
  }
  Script& Span(uint64_t more, uint64_t size) {
    return Do(Op::kSpan).U8(more).U16(size).U8('s');
  }
  Script& Bytes(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Script& Little(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      bytes_ += static_cast<char>(value >> (8 * i));
    }
    return *this;
  }

  std::string bytes_;
};

struct Seed {
  std::string name;
  std::string bytes;
};
using Seeds = std::vector<Seed>;

// Two segments of all kinds of frames; a third is there, or half there.
Script Written() {
  Script script;
  script.Record(0).Record(7).Record(600).Span(2, 40);
  script.Do(Op::kState).U8(24).Do(Op::kWatermark).Record(9).Do(Op::kClose);
  script.Do(Op::kRotate).Record(64).Do(Op::kSync).Record(8).Do(Op::kState);
  script.U8(8).Record(3);
  return script;
}

Seeds Programs() {
  Seeds seeds;
  const auto add = [&](const std::string& name, const Script& script) {
    seeds.push_back({name, script.bytes()});
  };
  add("open", Written().Do(Op::kTail).U16(3000).Do(Op::kZeroed));
  add("closed", Written().Do(Op::kClose));
  add("rotated", Written().Do(Op::kRotate));
  add("half_rotated", Written().Do(Op::kHalfRotate));
  add("torn", Written().Record(900).Do(Op::kTruncate).U8(1).U32(2500));
  for (int field = 0; field < 16; ++field) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{3}, ~uint64_t{0}}) {
      add(absl::StrCat("header_", field, "_", value),
          Written().Do(Op::kSetHeader).U8(1).U8(field).U64(value));
    }
  }
  for (int field = 0; field < 6; ++field) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{6}, uint64_t{9}}) {
      add(absl::StrCat("frame_", field, "_", value), Written()
                                                         .Do(Op::kSetFrame)
                                                         .U8(0)
                                                         .U8(3)
                                                         .U8(field)
                                                         .U64(value)
                                                         .Do(Op::kLink));
    }
  }
  for (int frame = 0; frame < 10; ++frame) {
    add(absl::StrCat("body_", frame),
        Written().Do(Op::kSetBody).U8(0).U8(frame).U16(0).U64(77));
    add(absl::StrCat("drop_", frame),
        Written().Do(Op::kDropFrame).U8(0).U8(frame));
    add(absl::StrCat("repeat_", frame),
        Written().Do(Op::kRepeatFrame).U8(0).U8(frame).Do(Op::kLink));
    add(absl::StrCat("move_", frame),
        Written().Do(Op::kMoveFrame).U8(0).U8(frame).U8(1));
    add(absl::StrCat("resize_", frame),
        Written().Do(Op::kResizeBody).U8(0).U8(frame).U16(5).Do(Op::kLink));
  }
  const Script three = Written().Do(Op::kRotate).Record(5);
  for (int segment = 0; segment < 3; ++segment) {
    add(absl::StrCat("drop_segment_", segment),
        Script(three).Do(Op::kDropSegment).U8(segment));
    add(absl::StrCat("file_id_", segment),
        Script(three).Do(Op::kFileId).U8(segment).U8(7));
    add(absl::StrCat("flip_", segment),
        Script(three).Do(Op::kFlipBit).U8(segment).U32(9001));
    add(absl::StrCat("flip_head_", segment),
        Script(three).Do(Op::kFlipBit).U8(segment).U32(801));
    add(absl::StrCat("zero_", segment),
        Script(three).Do(Op::kZeroSector).U8(segment).U16(2));
    add(absl::StrCat("copy_", segment),
        Script(three).Do(Op::kCopyFile).U8(segment).U8(3));
    add(absl::StrCat("swap_", segment),
        Script(three).Do(Op::kSwapFiles).U8(segment).U8(segment + 1));
    add(absl::StrCat("append_", segment),
        Script(three).Do(Op::kAppend).U8(segment).U16(700).U8('x'));
  }
  return seeds;
}

Program Run(const std::string& script) {
  FuzzInput input(reinterpret_cast<const uint8_t*>(script.data()),
                  script.size());
  return RunProgram(input);
}

// The files of the programs' journals, as journal_fuzz takes them.
std::string Journal(const std::string& script) {
  constexpr uint64_t kFiles = 3;
  Script heads;
  std::string files;
  const Program program = Run(script);
  for (uint64_t id = 1; id <= kFiles; ++id) {
    uint64_t size = 0;
    for (const SegmentFile& file : program.files) {
      if (file.id != id) continue;
      size = file.bytes.size();
      files += file.bytes;
    }
    heads.U32(size).U16(0);
  }
  return heads.bytes() + files;
}

// -- Snapshots ---------------------------------------------------------------

// A block for part_fuzz.
Script& AddBlock(Script& script, uint64_t raw, uint64_t records, uint64_t lsn,
                 uint64_t codec, const std::string& stored) {
  return script.U32(raw)
      .U32(records)
      .U64(lsn)
      .U64(records - 1)
      .U8(codec)
      .U16(stored.size())
      .Bytes(stored);
}

std::string Encoded(int records, size_t body_bytes, uint64_t lsn, int level,
                    journal::BlockHeader* header) {
  journal::BlockEncoder encoder({'f', 'u', 'z', 'z'}, 7, nullptr, level);
  const std::string body(body_bytes, 'b');
  for (int i = 0; i < records; ++i) {
    journal::Record record;
    record.lsn = lsn + i;
    record.body = body;
    encoder.Add(record);
  }
  std::string block;
  *header = encoder.Finish(0, &block);
  return block.substr(journal::kBlockHeaderBytes, header->stored_bytes);
}

Seeds Parts() {
  Seeds seeds;
  // Whole, and with a bit flipped in the header, in each block and its stored
  // bytes, in the index, in the footer.
  for (const int byte : {0, 20, 520, 570, 620, 670, 700, 720, 800, 1200}) {
    Script two;
    two.U8(byte == 0 ? 1 : 3).U64(5).U32(8 * byte);
    for (const uint64_t lsn : {uint64_t{2}, uint64_t{90}}) {
      journal::BlockHeader header;
      const std::string stored = Encoded(4, lsn * 30, lsn, 3, &header);
      AddBlock(two, header.raw_bytes, header.records, lsn,
               static_cast<uint64_t>(header.codec), stored);
    }
    seeds.push_back({absl::StrCat("two_blocks_", byte), two.bytes()});
  }
  journal::BlockHeader header;
  const std::string big = Encoded(1, 900 << 10, 1, 3, &header);
  const auto codec = static_cast<uint64_t>(header.codec);
  Script whole;
  AddBlock(whole.U8(1).U64(0).U32(0), header.raw_bytes, 1, 1, codec, big);
  seeds.push_back({"compressed", whole.bytes()});
  // Decompresses to more than it says, and says more than it decompresses to.
  for (const uint64_t raw :
       {uint64_t{64}, uint64_t{1} << 20, uint64_t{1} << 30}) {
    Script bomb;
    AddBlock(bomb.U8(1).U64(0).U32(0), raw, 1, 1, codec, big);
    seeds.push_back({absl::StrCat("bomb_", raw), bomb.bytes()});
  }
  Script plain;
  const std::string stored = Encoded(2, 3, 1, 0, &header);
  AddBlock(plain.U8(1).U64(2).U32(0), header.raw_bytes, 2, 1,
           static_cast<uint64_t>(header.codec), stored);
  seeds.push_back({"plain", plain.bytes()});
  return seeds;
}

Seeds Manifests() {
  Seeds seeds;
  journal::Manifest manifest;
  manifest.uuid = {'f', 'u', 'z', 'z'};
  manifest.manifest_id = 1;
  manifest.last_segment = 4;
  manifest.last_lsn = 40;
  manifest.parts = {{1, 1, 2, 1, 20, 9, 4096, 5, 0},
                    {2, 3, 4, 21, 40, 9, 4096, 6, 0}};
  seeds.push_back(
      {"bytes", std::string(1, '\0') + journal::EncodeManifest(manifest)});
  const auto part = [](Script& script, uint64_t id, uint64_t first) {
    script.U32(id).U32(first).U32(first + 1).U32(10 * first + 1);
    script.U32(10 * first + 20)
        .U32(first)
        .U32(first + 2)
        .U32(9 * first)
        .U32(18);
  };
  Script fitting;
  fitting.U8(1);
  part(fitting, 1, 0);
  part(fitting, 2, 2);
  part(fitting, 3, 4);
  seeds.push_back({"fitting", fitting.bytes()});
  Script overlapping = fitting;
  part(overlapping, 4, 2);
  part(overlapping, 5, 3);
  seeds.push_back({"overlapping", overlapping.bytes()});
  return seeds;
}

// -- Records -----------------------------------------------------------------

absl::Time Now() { return absl::FromUnixSeconds(1760000000); }

template <typename Record>
void AddRecord(const std::string& name, const Record& record, Seeds* seeds) {
  seeds->push_back(
      {name, absl::StrCat(std::string(1, static_cast<char>(Record::kType)),
                          runner::Encode(record))});
}

runner::QueryKey Key() { return {1, 0, "q1", 0}; }

runner::ResponseRecord Response() {
  runner::ResponseRecord response;
  response.key = Key();
  response.attempt = 1;
  response.at = Now();
  response.latency = absl::Milliseconds(25);
  response.output = "an \xff answer\n";
  response.reasoning = "because";
  response.usage.metered = true;
  response.cost = 0.25;
  response.passes = {{"draft", "a", "b", {{"tokens", 3}}}};
  response.metrics = {{"speed", 40}};
  response.worker_scores = {{"fluency", 0.5}};
  response.metadata_json = "{\"k\":[1,2]}";
  response.finish_reason = "stop";
  return response;
}

runner::BenchmarkInfo Benchmark() {
  runner::BenchmarkInfo info;
  info.benchmark_id = "b";
  info.run_id = "20251009_b_00112233";
  info.identity_hash = "i";
  info.scoring_hash = "s";
  info.runs = 2;
  info.queries = 2;
  info.created = Now();
  return info;
}

runner::AttemptErrorRecord Error() {
  runner::AttemptErrorRecord error;
  error.key = Key();
  error.attempt = 1;
  error.type = "timeout";
  error.message = "no answer\x1b[31m";
  error.retryable = true;
  return error;
}

runner::SessionRecord Session() {
  runner::SessionRecord session;
  session.session_id = "s";
  session.number = 1;
  session.started = Now();
  return session;
}

runner::RunEndRecord RunEnd() {
  runner::RunEndRecord end;
  end.run = 1;
  end.n = 2;
  end.completed = 1;
  end.failed = 1;
  end.means = {{"e", 0.5}};
  return end;
}

runner::SessionEndRecord SessionEnd() {
  runner::SessionEndRecord end;
  end.session_id = "s";
  end.reason = runner::SessionStop::kSignal;
  end.signal = 15;
  return end;
}

// Small, and unfolds to the square of its size: metrics of passes that share
// them.
std::string Bomb() {
  constexpr size_t kCount = 900;
  flatbuffers::FlatBufferBuilder builder;
  const auto key =
      schemas::CreateQueryKey(builder, 1, 0, builder.CreateString(""));
  const auto value =
      schemas::CreateNamedValue(builder, builder.CreateString(""));
  const auto metrics = builder.CreateVector(
      std::vector<flatbuffers::Offset<schemas::NamedValue>>(kCount, value));
  schemas::PassBuilder pass_builder(builder);
  pass_builder.add_metrics(metrics);
  const auto pass = pass_builder.Finish();
  const auto passes = builder.CreateVector(
      std::vector<flatbuffers::Offset<schemas::Pass>>(kCount, pass));
  schemas::ResponseBuilder response(builder);
  response.add_key(key);
  response.add_passes(passes);
  builder.Finish(response.Finish());
  return absl::StrCat(
      std::string(1, static_cast<char>(runner::RecordType::kResponse)),
      absl::string_view(
          reinterpret_cast<const char*>(builder.GetBufferPointer()),
          builder.GetSize()));
}

Seeds Records() {
  Seeds seeds;
  AddRecord("benchmark", Benchmark(), &seeds);
  AddRecord("rows", runner::DatasetRowsRecord{0, {{"q1", 0, 7}, {"q2", 1, 8}}},
            &seeds);
  AddRecord("session", Session(), &seeds);
  AddRecord("override", runner::OverrideRecord{"k", "1", "2", "cli"}, &seeds);
  AddRecord("start", runner::AttemptStartRecord{Key(), 1, 0, 7, Now()}, &seeds);
  AddRecord("response", Response(), &seeds);
  AddRecord("score",
            runner::ScoreRecord{Key(), "s", {{"exact", 1}}, true, "5", Now()},
            &seeds);
  AddRecord("error", Error(), &seeds);
  AddRecord("run_end", RunEnd(), &seeds);
  AddRecord("batch",
            runner::BatchRecord{
                1, 1, runner::BatchStatus::kRunning, {0, 1}, {1, 2}, Now()},
            &seeds);
  AddRecord("state", runner::WorkerStateRecord{0, 9, "{\"n\":1}", {0}, Now()},
            &seeds);
  AddRecord("session_end", SessionEnd(), &seeds);
  AddRecord("selection", runner::SelectionRecord{1, 2, "{}", "f", Now()},
            &seeds);
  AddRecord("limit", runner::LimitRecord{"cost", 10, 2.5, Now()}, &seeds);
  AddRecord("complete", runner::CompleteRecord{1, 1, 3, "r", Now()}, &seeds);
  AddRecord("in_doubt",
            runner::InDoubtRecord{"s", {{Key(), 1, 0, 7, Now()}}, Now()},
            &seeds);
  AddRecord("checkpoint", runner::CheckpointRecord{"demand", 3, Now()}, &seeds);
  AddRecord("scoring", runner::ScoringRecord{"{}", "t", Now()}, &seeds);
  seeds.push_back({"unknown", "\x63rubbish"});
  seeds.push_back({"bomb", Bomb()});
  return seeds;
}

// The state after the first, two, … of the records above that make a run.
Seeds States() {
  Seeds seeds;
  runner::ProgressState state;
  journal::Lsn lsn = 0;
  for (const Seed& each : Records()) {
    journal::Record record;
    record.lsn = ++lsn;
    record.position = lsn * 64;
    record.type = static_cast<unsigned char>(each.bytes[0]);
    record.body = absl::string_view(each.bytes).substr(1);
    state.Fold(record);
    seeds.push_back({each.name, state.Save()});
  }
  return seeds;
}

// -- Text --------------------------------------------------------------------

Seeds WorkerAnswers() {
  return {
      {"output", "\x20{\"id\":\"1\",\"output\":\"5\"}\n"},
      {"all",
       "\x05{\"id\":\"1\",\"output\":null,\"reasoning\":\"r\",\"scores\":{\"b\""
       ":1,\"a\":0.5},\"metrics\":{\"m\":-1e3},\"usage\":{\"prompt_tokens\":3,"
       "\"completion_tokens\":4,\"cached_tokens\":0,\"reasoning_tokens\":1},"
       "\"cost\":0.25,\"state\":{\"n\":[1,2,{}]},\"metadata\":{\"k\":\"v\"},"
       "\"finish_reason\":\"stop\"}\r\n{\"id\":\"2\""},
      {"error",
       "\xff{\"id\":\"1\",\"error\":{\"type\":\"t\",\"message\":\"m\\u001b\","
       "\"retryable\":true,\"context\":{\"line\":3}}}\n"},
      {"wrong", "\x10{\"id\":7}\n[]\n\"\xff\"\n{\"id\":\"\",\"cost\":-1}\n"},
      {"deep", "\xff" + std::string(200, '[') + "\n"},
  };
}

// The status 200 or 429, as the two bytes that the target reads.
const std::string kOk = "\xc8" + std::string(1, '\0');
constexpr char kTooMany[] = "\xad\x01";

Seeds ChatResponses() {
  return {
      {"answer",
       kOk +
           "\n\n\n{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"message\":{"
           "\"content\":\"5\",\"reasoning_content\":\"r\"},\"finish_reason\":"
           "\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
           "\"prompt_tokens_details\":{\"cached_tokens\":1},"
           "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}"},
      {"null", kOk + "\n\n\n{\"choices\":[{\"message\":{\"content\":null,"
                     "\"refusal\":\"no\",\"tool_calls\":[]}}]}"},
      {"parts", kOk + "\n\n\n{\"choices\":[{\"message\":{\"content\":[{"
                      "\"type\":\"text\",\"text\":\"a\"},7]}}]}"},
      {"error_in_200", kOk + "\n\n\n{\"error\":{\"code\":\"429\"}}"},
      {"seconds", std::string(kTooMany) + "40.5\n7\n\n{\"error\":{\"code\":"
                                          "\"insufficient_quota\"}}"},
      {"imf_date", std::string(kTooMany) +
                       "\nSun, 06 Nov 1994 08:49:37 GMT\nSun, 06 Nov 1994 "
                       "08:49:30 GMT\n{\"detail\":[{\"msg\":\"\\u001b\"}]}"},
      {"rfc850_date", std::string(kTooMany) +
                          "\nSunday, 06-Nov-94 08:49:37 GMT\n\n<html>\x1b"},
      {"asctime", std::string(kTooMany) + "\nSun Nov  6 08:49:37 1994\n\n"},
  };
}

Seeds Datasets() {
  return {
      {"plain", "\n\n{\"id\":1,\"question\":\"2+3\",\"answer\":5}\n"},
      {"fields",
       "a.b\n{model}.q\n{\"a\":{\"b\":\"x\"},\"gpt-4.1\":{\"q\":[1,2]}}\n"},
      {"equal_ids",
       "\n\n\xef\xbb\xbf{\"id\":\"q\",\"n\":1.0}\n\n{\"n\":1,\"id\":\"q\"}\r\n"
       "{\"task_id\":\"\\u00e9\\ud83d\\ude00\",\"prompt\":null}"},
      {"wrong", "\n\n{\"id\":[]}\n"},
      {"not_json", "x\n{\n{\"a\":1e999,\"b\":\"\xff\"}"},
      {"gzip", "\n\n\x1f\x8b\x08"},
      {"packed", "\n\n" + absl::HexStringToBytes(
                              "1f8b0800000000000203ab56ca4c51b232d4512a2c4d2d"
                              "2ec9cccf53b25232d23656aae58a8ee50200ab6178c61d"
                              "000000")},
      {"array",
       "\n\n\xef\xbb\xbf [\n{\"id\":\"]\\\"\",\n\"x\":[{}]} ,{\"id\":2}]\n"},
      {"wrong_array", "\n\n[{\"id\":1}\n7,{\"x\":\"\\"},
      {"csv", "csv:\nq\nid,\"q\"\"\"\r\n1,\"a,\n\"\"b\"\"\"\r\n\r\n2,\xc3\xa9"},
      {"wrong_csv", "csv:q\n\nid,q\n1,\"a\" b\n2\"\rx,\"\xff"},
  };
}

// As import_fuzz takes it.
std::string Import(const std::string& file, const std::string& state = "",
                   const std::string& errors = "") {
  std::string input;
  for (const std::string* each : {&state, &errors}) {
    input += static_cast<char>(each->size() & 0xff);
    input += static_cast<char>(each->size() >> 8);
  }
  return input + state + errors + file;
}

Seeds Imports() {
  return {
      {"draagon",
       Import("{\"benchmark_id\":\"b\",\"created_at\":\"2026-01-02T03:04:05\","
              "\"config\":{\"api_key\":\"k\"},\"current_run\":1,"
              "\"total_runs\":3,\"total_queries\":9,\"completed_queries\":{"
              "\"q1\":{\"output\":\"x\",\"score\":0.5},\"q2\":true,"
              "\"q3\":{\"error\":\"no\"}},\"run_results\":[{}],"
              "\"elapsed_seconds\":1.5}")},
      {"rob",
       Import("{\"session_id\":\"s\",\"total_documents\":3,"
              "\"completed_documents\":2,\"failed_documents\":[\"c\"],"
              "\"batch_states\":[{\"status\":\"completed\",\"documents\":["
              "\"a\",{\"document_path\":\"b\",\"status\":\"failed\"}]}],"
              "\"cost_tracking\":{\"total_cost\":1},\"error_log\":[{"
              "\"document\":\"c\",\"error\":{\"type\":\"t\"},"
              "\"timestamp\":1767323045}]}")},
      {"cobra",
       Import("{\"meta\":{\"method\":\"m\",\"total_samples\":9,\"config\":1},"
              "\"checkpoint_info\":{},\"results\":[{\"image_id\":1,"
              "\"generated_caption\":\"\\ud83d\",\"reasoning_trace\":[],"
              "\"metrics\":{\"bleu\":NaN,\"cider\":0.5}}]}")},
      {"distllm",
       Import("{\"completed_count\":2,\"completed_indices\":[1,2],"
              "\"results\":[{\"question_id\":1,\"question\":\"q\","
              "\"model_answer\":\"a\",\"score\":1,\"model_time_seconds\":1},"
              "{\"question_id\":2,\"error\":\"e\",\"skipped\":true}],"
              "\"version\":\"2.1\"}")},
      {"algoverse",
       Import(
           "{\"qid\":\"a\",\"status\":\"success\",\"turns\":[{\"answer\":"
           "\"x\",\"accuracy\":1}]}\n{\"qid\":\"b\",\"sta{\"qid\":\"c\","
           "\"status\":\"error\",\"error_type\":\"T\",\"retryable\":false}\n"
           "{\"qid\":\"EXPERIMENT_TERMINATED\",\"status\":\"terminated\"}\n{",
           "{\"last_update\":\"2026-01-02 03:04:05\",\"experiment\":{}}",
           "2026-01-02T03:04:05 | d | APIError: no\n| |")},
      {"plain",
       Import("\xef\xbb\xbf{\"run\":2,\"query_id\":\"q\",\"occurrence\":1,"
              "\"output\":null,\"scores\":{\"f1\":1,\"imported\":2},\"usage\":"
              "{\"input_tokens\":1,\"output_tokens\":2},\"cost\":1}\n")},
      {"array", Import("[{\"index\":1,\"response\":-Infinity},[[]],{}]")},
  };
}

Seeds CommandLines() {
  return {
      {"replay",
       "run\n--dataset\nd.jsonl\n--response-field\n{model}.r\n--model\nm\n"
       "--scorer\nnumeric:1%\n--extract-regex\n(\\d+)\n--runs=3\n--seed\n7\n"},
      {"worker",
       "run\nd.jsonl\n--worker-command=python3 w.py 'a b'\n--workers\nauto\n"
       "--timeout\n30s\n--sync\neach\n--min-score\nnumeric=0.5\n-q\n"},
      {"environment", "run\nd.jsonl\n$BENCH_RUNNER_MODEL=m\n$BENCH_RUNNER_X=1"},
      {"wrong", "--p\xd3=\n--no-resume\n--retry-failed\n--\n-z\n"},
      {"help", "run\n--help\n"},
      {"show",
       "J\n--lsn\n3..9\n--since\n2026-11-21 15:30\n--until\n-5m\n--status\n"
       "in-doubt\n--type\nResponse\n--run=2\n-q\nq*\n-r\n"},
      {"times",
       "@1760000000\nyesterday\n5m ago\n15:30\n2026-11-21T15:30:00Z\n"},
  };
}

Seeds Texts() {
  return {
      {"shell_words", std::string("\0python3 \"a \\\" b\" 'c' d\\ e", 26)},
      {"shell_operator", std::string("\0a | b", 6)},
      {"shell_word", "\x01it's a $HOME \x1b"},
      {"placeholders", "\x02gpt-4\n{model}/{}/{x y}{model}{"},
      {"number", "\x03the answer is -1,234,567.50% or 3/4 or 1.5e3 eggs"},
      {"regex",
       std::string("\x04\0answer: (-?\\d+)\nanswer: 5, answer: 6", 37)},
      {"last_line", "\x04\x01last-line\na\nb \n\n"},
      {"after",
       "\x04\x01"
       "after:A:\nA: 5\n"},
      {"scorer", "\x05numeric:1%\n18\n$18.1 eggs"},
      {"exact",
       "\x05"
       "exact_match\na\n a "},
      {"printable",
       "\x06\x0a a\x1b[31m\xe2\x80\xae\xc2\x9b\xf0\x9f\x98\x80\xff"},
      {"json",
       "\x07"
       "a.0\n{\"a\":[1.0,-0.0,1e300,\"\\u0000\\ud800\"],\"b\":{}}"},
      {"names", "\x08{dataset}_{model}\n0000000012.seg\nm/../\xff"},
      {"diff", "\x09{\"a\":{\"b\":1},\"c\":[1]}\n{\"a\":{\"b\":2},\"d\":null}"},
  };
}

Seeds Directories() {
  return {
      {"all",
       "20251009_b_m_0\nj20251009_b_m_0\nj20251008_b_m_0_2\nsx_3\ndempty\nf.\n"
       "jlatest\njreplaced\nj.hidden\ns20259999_b_m_0_10\n"},
      {"taken", "a\nja\nsa_2\nda_3\nfa_4\n"},
  };
}

// For each kind of change, file and choice of snapshot_fuzz.
Seeds Snapshots() {
  constexpr int kFiles = 10;
  constexpr int kChanges = 11;
  constexpr int kBody = 10;
  Seeds seeds;
  int choice = 0;
  for (int change = 0; change < kChanges; ++change) {
    for (int file = 0; file < kFiles; ++file) {
      for (const int encrypted : {0, 1}) {
        choice = (choice + 2) % 0x40;
        Script script;
        script.U8(choice + encrypted).U8(change).U8(file);
        if (change == kBody) {
          script.U8(file * 7).U16(40).Bytes(std::string(40, 'b'));
        } else {
          script.U32(40 * file + 24).U64(3);
        }
        script.U8(9).U8(file).U8(9).U8(0);
        seeds.push_back(
            {absl::StrCat(change, "_", file, "_", encrypted), script.bytes()});
      }
    }
  }
  return seeds;
}

void Write(const std::string& directory, const std::string& target,
           const Seeds& seeds) {
  const std::string folder = absl::StrCat(directory, "/", target);
  fs::create_directories(folder);
  for (const Seed& seed : seeds) {
    std::ofstream file(absl::StrCat(folder, "/", seed.name), std::ios::binary);
    if (!(file << seed.bytes).flush()) {
      std::fprintf(stderr, "make_corpus: cannot write to %s\n", folder.c_str());
      std::exit(1);
    }
  }
}

void WriteJournals(const std::string& directory) {
  const Seeds programs = Programs();
  Seeds frames;
  Seeds journals;
  Seeds recoveries;
  uint8_t mode = 0;
  for (const Seed& program : programs) {
    for (const SegmentFile& file : Run(program.bytes).files) {
      frames.push_back({absl::StrCat(program.name, "_", file.id), file.bytes});
    }
    journals.push_back({program.name, Journal(program.bytes)});
    // All modes by turns, with and without appending after damage.
    mode = (mode + 1) % 16;
    const auto choice = static_cast<char>(mode % 4 + mode / 4 * 0x40);
    recoveries.push_back({program.name, choice + program.bytes});
  }
  Write(directory, "frame_fuzz", frames);
  Write(directory, "journal_fuzz", journals);
  Write(directory, "journal_program_fuzz", programs);
  Write(directory, "recovery_fuzz", recoveries);
}

int Main(const std::string& directory) {
  WriteJournals(directory);
  Write(directory, "snapshot_fuzz", Snapshots());
  Write(directory, "part_fuzz", Parts());
  Write(directory, "manifest_fuzz", Manifests());
  Write(directory, "record_fuzz", Records());
  Write(directory, "progress_state_fuzz", States());
  Write(directory, "worker_answer_fuzz", WorkerAnswers());
  Write(directory, "chat_response_fuzz", ChatResponses());
  Write(directory, "dataset_fuzz", Datasets());
  Write(directory, "import_fuzz", Imports());
  Write(directory, "options_fuzz", CommandLines());
  Write(directory, "text_fuzz", Texts());
  Write(directory, "journal_locator_fuzz", Directories());
  std::printf("written to %s\n", directory.c_str());
  return 0;
}

}  // namespace
}  // namespace fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus DIRECTORY\n");
    return 2;
  }
  return fuzz::Main(argv[1]);
}
