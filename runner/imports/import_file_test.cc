// Checkpoint files of other systems: whole, cut anywhere, and hostile.
#include "runner/imports/import_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kDraagon[] = R"({
  "benchmark_id": "retrieval", "created_at": "2026-01-02T03:00:00+00:00",
  "updated_at": "2026-01-02T03:04:05.500+00:00", "config_hash": "0123",
  "config": {"num_runs": 3, "api_key": "sk-hush", "max_tokens": 9},
  "current_run": 1, "total_runs": 3, "current_query_index": 3,
  "total_queries": 50,
  "completed_queries": {
    "q1": {"output": "Paris", "score": 0.5, "recall": 0.25},
    "q2": {"score": true},
    "q3": {"error": "the server said no", "retryable": false},
    "q\u00e4": "Rome"},
  "run_results": [{"mean": 0.7}], "elapsed_seconds": 61.5})";

constexpr char kRob[] = R"({
  "session_id": "rob_session_20260102_030405",
  "start_time": "2026-01-02T03:00:00", "checkpoint_time": "2026-01-02T04:00:00",
  "total_documents": 150, "completed_documents": ["a.pdf", "b.pdf"],
  "failed_documents": ["c.pdf", "d.pdf"], "current_batch": 1,
  "total_batches": 6, "config_snapshot": {"llm_models": [{"apiKey": "sk"}]},
  "batch_states": [{"batch_id": "1", "status": "completed",
                    "documents": ["a.pdf", "b.pdf", "c.pdf"]}],
  "cost_tracking": {"total_cost": 12.5, "cost_by_model": {"m": 12.5},
                    "token_usage": {"m": 100}},
  "error_log": [{"document": "c.pdf", "error": "no text",
                 "timestamp": "2026-01-02T03:30:00+00:00"},
                {"document": "a.pdf", "error": "mended since"}]})";

constexpr char kCobra[] = R"({
  "meta": {"timestamp": "2026-01-02T03:04:05", "config": {"k": 1},
           "method": "scratchpad", "samples_processed": 2, "total_samples": 100,
           "is_checkpoint": true},
  "checkpoint_info": {"processed_count": 2, "remaining_count": 98},
  "results": [
    {"image_id": 391895, "reference_captions": ["a man"],
     "generated_caption": "a dog", "reasoning_trace": "think",
     "metadata": {"passes": 2}, "metrics": {"bleu1": 0.5, "cider": NaN}},
    {"image_id": "x2", "generated_caption": "a cat \ud83d",
     "metrics": {"bleu1": 1}}]})";

constexpr char kDistllm[] = R"({
  "timestamp": "2026-01-02T03:04:05", "completed_count": 3,
  "completed_indices": [1, 2, 3],
  "results": [
    {"question_id": 1, "question": "2 + 2?", "reference_answer": "4",
     "model_answer": "four", "evaluation": {"score": 1}, "score": 1,
     "format": "qa", "model_time_seconds": 1.5, "skipped": false},
    {"question_id": 2, "error": "timed out", "skipped": true},
    {"question_id": 3, "question": "3 + 3?", "model_answer": "7", "score": 0}],
  "metadata": {}, "config": {"model": {"name": "m"}}, "version": "2.0"})";

constexpr char kAlgoverse[] =
    R"({"qid": "s1", "status": "success", "final_accuracy": 1, "turns": [)"
    R"({"answer": "4", "accuracy": 0}, {"answer": "5", "accuracy": 1}]})"
    "\n"
    R"({"qid": "s2", "status": "error", "error_type": "APIError",)"
    R"( "error_message": "429", "retryable": true, "timestamp": 1767323045.5})"
    "\n"
    R"({"qid": "s3", "status": "error", "error_type": "ValueError",)"
    R"( "error_message": "bad", "retryable": false})"
    "\n"
    R"({"qid": "s2", "status": "success", "response": "6"})"
    "\n"
    R"({"qid": "EXPERIMENT_TERMINATED", "status": "terminated"})"
    "\n";

constexpr char kPlain[] =
    R"({"run": 2, "query_id": "p1", "occurrence": 1, "status": "ok",)"
    R"( "output": "A", "scores": {"exact_match": 1},)"
    R"( "usage": {"prompt_tokens": 5, "completion_tokens": 2, "cost": 1},)"
    R"( "cost": 0.25, "error_type": null})"
    "\n"
    R"({"run": 1, "query_id": "p2", "status": "failed", "output": null,)"
    R"( "scores": {}, "error_type": "timeout"})"
    "\n";

ImportedFile Parse(std::string text) {
  absl::StatusOr<ImportedFile> file = ParseImport(text);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : ImportedFile();
}

std::vector<std::string> Ids(const ImportedFile& file) {
  std::vector<std::string> ids;
  for (const ImportedResult& result : file.results) ids.push_back(result.id);
  return ids;
}

TEST(ImportFile, DraagonsQueriesAreOfTheCurrentRun) {
  const ImportedFile file = Parse(kDraagon);
  EXPECT_EQ(file.format, ImportFormat::kDraagon);
  EXPECT_EQ(file.name, "retrieval");
  EXPECT_EQ(file.total, 150u);
  EXPECT_EQ(file.elapsed, absl::Milliseconds(61500));
  ASSERT_TRUE(file.started.has_value() && file.updated.has_value());
  EXPECT_EQ(*file.updated - *file.started, absl::Milliseconds(245500));
  EXPECT_FALSE(file.cut_at.has_value());

  ASSERT_THAT(Ids(file), ElementsAre("q1", "q2", "q3", "q\xc3\xa4"));
  // Counted from 0 there: one run is in run_results, this is the second.
  for (const ImportedResult& each : file.results) EXPECT_EQ(each.run, 2u);
  EXPECT_EQ(file.results[0].output, "Paris");
  EXPECT_THAT(file.results[0].scores, ElementsAre(FieldsAre("imported", 0.5)));
  EXPECT_EQ(file.results[0].metadata_json, R"({"recall":0.25})");
  EXPECT_EQ(file.results[1].output, absl::nullopt);
  EXPECT_THAT(file.results[1].scores, ElementsAre(FieldsAre("imported", 1)));
  ASSERT_TRUE(file.results[2].error.has_value());
  EXPECT_EQ(file.results[2].error->message, "the server said no");
  EXPECT_FALSE(file.results[2].error->retryable);
  EXPECT_EQ(file.results[3].output, "Rome");
}

TEST(ImportFile, WhichRunIsTheCurrentOne) {
  const auto run_of = [](const std::string& counts) {
    const ImportedFile file = Parse(absl::StrCat(
        "{", counts, ", \"completed_queries\": {\"q\": {\"score\": 1}}}"));
    return file.results.empty() ? 0 : file.results[0].run;
  };
  EXPECT_EQ(run_of(R"("current_run": 0, "run_results": [], "total_runs": 3)"),
            1u);
  EXPECT_EQ(run_of(R"("current_run": 1, "run_results": [], "total_runs": 3)"),
            1u);
  EXPECT_EQ(run_of(R"("run_results": [1, 2], "current_run": 2)"), 3u);
  EXPECT_EQ(run_of(R"("run_results": [1], "current_run": 2)"), 2u);
  EXPECT_EQ(
      run_of(R"("run_results": [1, 2, 3], "current_run": 3, "total_runs": 3)"),
      3u);
  EXPECT_EQ(run_of(R"("current_run": 1e300)"), 1u);
}

TEST(ImportFile, SecretsOfAConfigurationAreHidden) {
  EXPECT_EQ(Parse(kDraagon).config_json,
            R"-({"api_key":"(hidden)","max_tokens":9,"num_runs":3})-");
  EXPECT_THAT(Parse(kRob).config_json, Not(HasSubstr("sk")));
}

TEST(ImportFile, RobDocumentsAreCompletedWithoutAnOutput) {
  const ImportedFile file = Parse(kRob);
  EXPECT_EQ(file.format, ImportFormat::kRob);
  EXPECT_EQ(file.total_cost, 12.5);
  EXPECT_THAT(file.cost_json, HasSubstr("\"token_usage\":{\"m\":100}"));
  ASSERT_THAT(Ids(file), ElementsAre("a.pdf", "b.pdf", "c.pdf", "d.pdf"));
  EXPECT_EQ(file.results[0].output, absl::nullopt);
  EXPECT_THAT(file.results[0].scores, IsEmpty());
  EXPECT_FALSE(file.results[0].error.has_value());
  ASSERT_TRUE(file.results[2].error.has_value());
  EXPECT_EQ(file.results[2].error->message, "no text");
  EXPECT_TRUE(file.results[2].error->retryable);
  EXPECT_TRUE(file.results[3].error.has_value());
}

TEST(ImportFile, OfABareCountWhatTheBatchesNameIsImported) {
  const ImportedFile file = Parse(absl::StrReplaceAll(
      kRob, {{R"(["a.pdf", "b.pdf"])", "90"}, {R"(["c.pdf", "d.pdf"])", "1"}}));
  EXPECT_THAT(Ids(file), ElementsAre("a.pdf", "b.pdf", "c.pdf"));
  EXPECT_TRUE(file.results[2].error.has_value());
  ASSERT_THAT(file.notes, SizeIs(1));
  EXPECT_THAT(file.notes[0], HasSubstr("counts 90 completed documents and "
                                       "names 1"));
}

TEST(ImportFile, CobraEvalCaptionsAndMetrics) {
  const ImportedFile file = Parse(kCobra);
  EXPECT_EQ(file.format, ImportFormat::kCobraEval);
  EXPECT_EQ(file.total, 100u);
  ASSERT_THAT(Ids(file), ElementsAre("391895", "x2"));
  EXPECT_TRUE(file.results[0].id_is_number);
  EXPECT_EQ(file.results[0].output, "a dog");
  EXPECT_EQ(file.results[0].reasoning, "think");
  // NaN, which is Python's and no JSON, is no score.
  EXPECT_THAT(file.results[0].scores,
              ElementsAre(FieldsAre("imported.bleu1", 0.5)));
  EXPECT_THAT(file.results[0].metadata_json, HasSubstr("\"passes\":2"));
  EXPECT_EQ(file.results[1].output, "a cat \xef\xbf\xbd");
}

TEST(ImportFile, DistllmsSkippedQuestionsHaveFailed) {
  const ImportedFile file = Parse(kDistllm);
  EXPECT_EQ(file.format, ImportFormat::kDistllm);
  ASSERT_THAT(Ids(file), ElementsAre("1", "2", "3"));
  EXPECT_EQ(file.results[0].question, "2 + 2?");
  EXPECT_EQ(file.results[0].output, "four");
  EXPECT_EQ(file.results[0].latency, absl::Milliseconds(1500));
  EXPECT_THAT(file.results[0].metadata_json,
              HasSubstr("\"reference_answer\":\"4\""));
  ASSERT_TRUE(file.results[1].error.has_value());
  EXPECT_EQ(file.results[1].error->message, "timed out");
  EXPECT_TRUE(file.results[1].error->retryable);
  EXPECT_THAT(file.results[2].scores, ElementsAre(FieldsAre("imported", 0)));
}

TEST(ImportFile, AlgoversesSuccessEndsWhatFailedBefore) {
  const ImportedFile file = Parse(kAlgoverse);
  EXPECT_EQ(file.format, ImportFormat::kAlgoverse);
  ASSERT_THAT(Ids(file), ElementsAre("s1", "s3", "s2"));
  EXPECT_EQ(file.results[0].output, "5");
  ASSERT_THAT(file.results[0].passes, SizeIs(2));
  EXPECT_EQ(file.results[0].passes[0].output, "4");
  EXPECT_THAT(file.results[0].passes[1].metrics,
              ElementsAre(FieldsAre("accuracy", 1)));
  EXPECT_EQ(file.results[1].error->type, "ValueError");
  EXPECT_FALSE(file.results[1].error->retryable);
  EXPECT_EQ(file.results[2].output, "6");
}

TEST(ImportFile, EachRunOfAnAlgoverseLogIsKept) {
  const ImportedFile file =
      Parse(R"({"run": 1, "qid": "a", "status": "success", "output": "x"})"
            "\n"
            R"({"run": 2, "qid": "a", "status": "success", "output": "y"})"
            "\n"
            R"({"run": 2, "qid": "a", "status": "success", "output": "z"})");
  ASSERT_THAT(file.results, SizeIs(2));
  EXPECT_EQ(file.results[0].output, "x");
  EXPECT_EQ(file.results[1].output, "z");
  EXPECT_EQ(file.results[1].run, 2u);
  ASSERT_THAT(file.notes, SizeIs(1));
  EXPECT_THAT(file.notes[0], HasSubstr("same query and run: 1 result"));
}

TEST(ImportFile, OneLineMakesNoAlgoverseLog) {
  const ImportedFile file =
      Parse(R"({"question": "2 + 2?", "output": "4"})"
            "\n"
            R"({"question": "3 + 3?", "output": "6"})"
            "\n"
            R"({"qid": "a", "status": "success", "output": "x"})");
  EXPECT_EQ(file.format, ImportFormat::kPlain);
  EXPECT_THAT(Ids(file), ElementsAre("", "", "a"));
}

TEST(ImportFile, NaNIsNoAnswer) {
  const ImportedFile file = Parse(
      R"([{"id": 1, "output": NaN}, {"id": 2, "output": "NaN"},
          {"id": 3, "output": NaN, "error": "timeout"}])");
  EXPECT_THAT(Ids(file), ElementsAre("2", "3"));
  EXPECT_TRUE(file.results[1].error.has_value());
  EXPECT_THAT(Ids(Parse("{\"id\": 1, \"output\": NaN}\n"
                        "{\"id\": 2, \"output\": \"x\"}\n")),
              ElementsAre("2"));
}

TEST(ImportFile, WhatHasNoAnswerIsAFailure) {
  for (const std::string says :
       {R"("output": "", "error": "timeout")", R"("status": "Skipped")",
        R"("output": " ", "error_message": "no")", R"("status": "TIMEOUT")",
        R"("output": "", "status": "cancelled")", R"("status": "pending")"}) {
    const ImportedFile file = Parse(absl::StrCat("[{\"id\": 1, ", says, "}]"));
    ASSERT_THAT(file.results, SizeIs(1)) << says;
    ASSERT_TRUE(file.results[0].error.has_value()) << says;
    EXPECT_FALSE(file.results[0].output.has_value()) << says;
  }
  EXPECT_EQ(Parse(R"([{"id": 1, "output": "", "error": "timeout"}])")
                .results[0]
                .error->message,
            "timeout");
}

TEST(ImportFile, WhatIsNoSuccessKeepsItsOutput) {
  const ImportedFile wrong =
      Parse(R"([{"id": 1, "output": "4", "success": false, "score": 0}])");
  ASSERT_FALSE(wrong.results[0].error.has_value());
  EXPECT_EQ(wrong.results[0].output, "4");
  EXPECT_EQ(wrong.results[0].metadata_json, R"({"success":false})");
  const ImportedFile failed = Parse(
      R"([{"id": 1, "output": "4", "success": false, "error": "late",
           "error_context": {"a": 1}}])");
  ASSERT_TRUE(failed.results[0].error.has_value());
  EXPECT_EQ(failed.results[0].error->context_json, R"({"a":1,"output":"4"})");
  EXPECT_TRUE(
      Parse(R"([{"id": 1, "success": false}])").results[0].error.has_value());
}

TEST(ImportFile, RunsMayBeCountedFrom0) {
  const ImportedFile file = Parse(
      R"([{"id": 1, "run": 1, "output": "b"}, {"id": 1, "run": 0, "output": "a"},
          {"id": 2, "output": "c"}])");
  ASSERT_THAT(file.results, SizeIs(3));
  EXPECT_EQ(file.results[0].run, 2u);
  EXPECT_EQ(file.results[1].run, 1u);
  EXPECT_EQ(file.results[2].run, 1u);
  ASSERT_THAT(file.notes, SizeIs(1));
  EXPECT_THAT(file.notes[0], HasSubstr("runs from 0"));
}

TEST(ImportFile, ARecordGluedToATornOneIsNotLost) {
  const std::string first =
      R"({"qid": "a", "status": "success", "response": "1"})"
      "\n";
  const std::string second =
      R"({"qid": "b", "status": "suc{"qid": "c", "status": "success"})"
      "\n";
  const ImportedFile file =
      Parse(absl::StrCat(first, second, R"({"qid": "d", "sta)"));
  EXPECT_THAT(Ids(file), ElementsAre("a", "c"));
  ASSERT_THAT(file.notes, SizeIs(1));
  EXPECT_THAT(file.notes[0],
              HasSubstr(absl::StrCat("line 2 (byte ", first.size(), ")")));
  EXPECT_EQ(file.cut_at, first.size() + second.size());
}

TEST(ImportFile, ResultsOfThisProgramAreResultsToo) {
  const ImportedFile file = Parse(kPlain);
  EXPECT_EQ(file.format, ImportFormat::kPlain);
  ASSERT_THAT(Ids(file), ElementsAre("p1", "p2"));
  const ImportedResult& first = file.results[0];
  EXPECT_EQ(first.run, 2u);
  EXPECT_EQ(first.occurrence, 1u);
  EXPECT_THAT(first.scores, ElementsAre(FieldsAre("imported.exact_match", 1)));
  EXPECT_TRUE(first.usage.metered);
  EXPECT_EQ(first.usage.prompt_tokens, 5u);
  EXPECT_EQ(first.cost, 0.25);
  ASSERT_TRUE(file.results[1].error.has_value());
  EXPECT_EQ(file.results[1].error->type, "timeout");
}

TEST(ImportFile, QuestionsAloneAreNoResults) {
  std::string dataset =
      "{\"id\": \"q1\", \"question\": \"2 + 2?\", \"answer\": \"4\"}\n";
  EXPECT_FALSE(ParseImport(dataset).ok());
  std::string array = absl::StrCat("[", dataset, "]");
  EXPECT_FALSE(ParseImport(array).ok());
  std::string results =
      R"([{"id": "q1", "output": "4"}, {"id": "q2"}, 7, "x"])";
  const absl::StatusOr<ImportedFile> file = ParseImport(results);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(Ids(*file), ElementsAre("q1"));
}

TEST(ImportFile, CutAnywhereGivesWhatIsWhole) {
  for (const char* sample :
       {kDraagon, kRob, kCobra, kDistllm, kAlgoverse, kPlain}) {
    const std::string whole = sample;
    const std::vector<std::string> all = Ids(Parse(whole));
    size_t before = 0;
    for (size_t size = 0; size < whole.size(); ++size) {
      std::string cut = whole.substr(0, size);
      const absl::StatusOr<ImportedFile> file = ParseImport(cut);
      const std::vector<std::string> ids =
          file.ok() ? Ids(*file) : std::vector<std::string>();
      EXPECT_GE(ids.size() + 1, before) << whole.substr(0, size);
      for (const std::string& id : ids) {
        EXPECT_THAT(all, ::testing::Contains(id)) << whole.substr(0, size);
      }
      before = ids.size();
      if (file.ok()) {
        EXPECT_LE(file->cut_at.value_or(0), size);
      }
      const bool lines = whole.find("\n{\"") != std::string::npos;
      if (file.ok() && !lines) {
        EXPECT_TRUE(file->cut_at.has_value()) << size;
      }
    }
    EXPECT_EQ(before, all.size()) << whole;
  }
}

TEST(ImportFile, TheCutIsToldByItsByte) {
  const std::string whole = kDistllm;
  const size_t third = whole.find("{\"question_id\": 3");
  EXPECT_EQ(Parse(whole.substr(0, third + 5)).cut_at, third + 5);
  std::string damaged = whole;
  damaged[third] = '?';
  const ImportedFile file = Parse(damaged);
  EXPECT_EQ(file.cut_at, third);
  EXPECT_THAT(Ids(file), ElementsAre("1", "2"));
}

TEST(ImportFile, WhatIsNoneOfThemIsRefused) {
  for (const char* text :
       {"", " ", "{}", "[]", "[[[[", "null", "7", "text", "{\"a\": 1}\n",
        "\x1f\x8b\x08\x00", "{\"results\": []}",
        "{\"format\": 1, \"runs\": []}", "\xff\xfe{\"completed_queries\"",
        "{\"config\": {\"completed_queries\": "
        "{\"a\": 1}}}"}) {
    std::string copy = text;
    const absl::StatusOr<ImportedFile> file = ParseImport(copy);
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_EQ(Printable(file.status().message()), file.status().message());
  }
}

TEST(ImportFile, HostileValuesAreNoValues) {
  const ImportedFile file = Parse(
      R"({"current_run": -5, "total_runs": 1e18, "total_queries": "many",
          "elapsed_seconds": -1, "created_at": "2026-13-45", "config": [[]],
          "completed_queries": {
            "": {"score": 1}, "a": [1, {"b": null}], "c": null,
            "d": {"score": 1e300, "cost": -1, "latency": 1e300, "usage": 7,
                  "metrics": {"x": "y", "": 1}, "run": 0, "turns": [7],
                  "timestamp": 99999999999, "error": 0, "output": {"z": 1}},
            "c": {"score": 0.5}}})");
  EXPECT_THAT(Ids(file), ElementsAre("", "a", "c", "d", "c"));
  for (const ImportedResult& each : file.results) EXPECT_EQ(each.run, 1u);
  EXPECT_EQ(file.elapsed, absl::ZeroDuration());
  EXPECT_FALSE(file.started.has_value());
  const ImportedResult& odd = file.results[3];
  EXPECT_THAT(odd.scores, ElementsAre(FieldsAre("imported.", 1)));
  EXPECT_FALSE(odd.cost.has_value());
  EXPECT_FALSE(odd.usage.metered);
  EXPECT_FALSE(odd.error.has_value());
  EXPECT_EQ(odd.output, "{\"z\":1}");
}

TEST(ImportFile, DeepNestingIsACut) {
  const std::string deep(100000, '[');
  ImportedFile file = Parse(
      absl::StrCat(R"({"completed_queries": {"a": {"score": 1}, "b": )", deep));
  EXPECT_THAT(Ids(file), ElementsAre("a"));
  EXPECT_THAT(file.cut_why, HasSubstr("nested deeper"));
  std::string lines =
      absl::StrCat("{\"id\": 1, \"score\": 1}\n{\"id\": ", deep, "\n");
  EXPECT_THAT(Ids(Parse(lines)), ElementsAre("1"));
}

TEST(ImportFile, InvalidUtf8IsACutAndNeverPassedOn) {
  const std::string text =
      "{\"completed_queries\": {\"a\": {\"score\": 1}, \"\xff\": 1}}";
  const ImportedFile file = Parse(text);
  EXPECT_THAT(Ids(file), ElementsAre("a"));
  EXPECT_EQ(file.cut_at, text.find('\xff'));
  EXPECT_EQ(Printable(file.cut_why), file.cut_why);
}

TEST(ImportFile, WhatIsKeptOfOneFileIsBounded) {
  const auto why = [](std::string text, const ImportLimits& limits) {
    return std::string(ParseImport(text, limits).status().message());
  };
  ImportLimits two_results;
  two_results.results = 2;
  for (const char* whole : {kDraagon, kRob, kDistllm, kAlgoverse}) {
    EXPECT_THAT(why(whole, two_results), HasSubstr("more than 2 ")) << whole;
  }
  EXPECT_EQ(why(kPlain, two_results), "");
  ImportLimits one_pass;
  one_pass.passes = 1;
  EXPECT_THAT(why(kAlgoverse, one_pass), HasSubstr("more than 1 turns"));
  ImportLimits five_values;
  five_values.values = 5;
  const std::string row = R"({"id": 1, "output": "x", "more": [1, 2, 3]})";
  for (const std::string& text :
       {"[" + row + "]", "[\n" + row + "\n]", row + "\n" + row}) {
    EXPECT_THAT(why(text, five_values), HasSubstr("more than 5 values"))
        << text;
    EXPECT_EQ(why(text, {}), "");
  }
}

TEST(ImportFile, NamesOfScoresAreBounded) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&text, "{\"id\": ", i, ", \"output\": \"\", \"metrics\": {",
                    "\"m", i, "\": 1}}\n");
  }
  const ImportedFile file = Parse(text);
  std::set<std::string> names;
  for (const ImportedResult& each : file.results) {
    for (const auto& [name, value] : each.scores) names.insert(name);
  }
  EXPECT_THAT(names, SizeIs(kImportedScoreNamesMax));
  EXPECT_EQ(file.results.back().metadata_json, R"({"metrics":{"m99":1}})");
}

// Files in a directory of their own.
class ImportFilesTest : public testing::Test {
 protected:
  ImportFilesTest() {
    std::string name = testing::TempDir() + "/importsXXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~ImportFilesTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = absl::StrCat(directory_, "/", name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string directory_;
};

TEST_F(ImportFilesTest, AlgoversesThreeFilesAreOne) {
  const std::string log = Write("r.jsonl", kAlgoverse);
  const std::string state = Write(
      "r_resume_state.json",
      R"({"last_update": "2026-01-02T03:04:05+00:00", "completed_count": 2,
          "random_state": {"python_random": [3, [1, 2], NaN]},
          "experiment": {"model": "m", "token": "t"}})");
  Write("r_errors.log",
        "2026-01-02T03:04:05 | s9 | APIError: no: really\n"
        "2026-01-02T03:04:05 | s1 | APIError: mended since\nrubbish\n");
  for (const std::string& path : {log, state}) {
    EXPECT_TRUE(IsImportFile(path));
    const absl::StatusOr<ImportedFile> file = ReadImportFile(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_THAT(Ids(*file), ElementsAre("s1", "s3", "s2", "s9"));
    EXPECT_EQ(file->results[3].error->message, "no: really");
    EXPECT_EQ(file->config_json, R"-({"model":"m","token":"(hidden)"})-");
    EXPECT_TRUE(file->updated.has_value());
    EXPECT_EQ(file->sha256, *HashImportFile(path));
  }
  EXPECT_EQ(*HashImportFile(log), *HashImportFile(state));
}

TEST_F(ImportFilesTest, TheMarkIsOfTheTextAsItWasRead) {
  const std::string path = Write("nan.json", kCobra);
  EXPECT_EQ(ReadImportFile(path)->sha256, *HashImportFile(path));
}

TEST_F(ImportFilesTest, WhatIsNoFileIsNone) {
  EXPECT_FALSE(IsImportFile(directory_));
  EXPECT_FALSE(IsImportFile(directory_ + "/nowhere"));
  EXPECT_FALSE(IsImportFile(Write("empty", "")));
  EXPECT_FALSE(IsImportFile("/dev/zero"));
  EXPECT_FALSE(ReadImportFile(directory_).ok());
  EXPECT_FALSE(HashImportFile(directory_ + "/nowhere").ok());
}

TEST_F(ImportFilesTest, ALongConfigurationDoesNotHideTheFormat) {
  const std::string path = Write(
      "late.json", absl::StrCat("{\"config\": \"", std::string(3 << 20, 'x'),
                                "\", \"completed_queries\": {\"a\": 1}}"));
  EXPECT_TRUE(IsImportFile(path));
  EXPECT_THAT(Ids(*ReadImportFile(path)), ElementsAre("a"));
}

}  // namespace
}  // namespace runner
