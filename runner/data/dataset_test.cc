// Datasets in all their forms, and the fields of their rows.
#include "runner/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/line_reader.h"
#include "runner/data/fields.h"
#include "runner/data/index_file.h"
#include "runner/data/selection.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A dataset file written by the test.
class DatasetTest : public ::testing::Test {
 protected:
  void Write(absl::string_view text) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~DatasetTest() override { unlink(path_.c_str()); }

  // The file's name from now on.
  void NameIt(absl::string_view ending) {
    unlink(path_.c_str());
    path_ = absl::StrCat(::testing::TempDir(), "/set.v2.", getpid(), ending);
  }

  std::string Error(absl::string_view text, std::string id_field = "") {
    Write(text);
    const auto dataset = Dataset::Load(path_, {.id_field = id_field});
    return dataset.ok() ? "" : std::string(dataset.status().message());
  }
  std::unique_ptr<Dataset> Load(absl::string_view text) {
    Write(text);
    auto dataset = Dataset::Load(path_, {});
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return dataset.ok() ? *std::move(dataset) : nullptr;
  }

  std::string path_ =
      absl::StrCat(::testing::TempDir(), "/set.v2.", getpid(), ".jsonl");
};

TEST_F(DatasetTest, ReadsRowsWithIdsOfAllKinds) {
  const auto set = Load(
      "\xEF\xBB\xBF{\"id\":\"q1\"}\r\n\n  \n{\"question_id\": 7}\n"
      "{\"task_id\":1.5,\"x\":1}\n{\"x\": 2}");
  ASSERT_EQ(set->size(), 4u);
  EXPECT_EQ(set->id(0), "q1");
  EXPECT_EQ(set->id(1), "7");
  EXPECT_EQ(set->id(2), "1.5");
  EXPECT_EQ(set->id(3), Xxh3Hex("{\"x\":2}"));
  EXPECT_EQ(*set->Row(0), "{\"id\":\"q1\"}");
  EXPECT_EQ(*set->Row(3), "{\"x\": 2}");
  EXPECT_THAT(set->name(), HasSubstr("set.v2."));
  EXPECT_THAT(set->name(), ::testing::Not(EndsWith(".jsonl")));
}

TEST_F(DatasetTest, BadLinesAreNamedBeforeAnythingRuns) {
  EXPECT_THAT(Error("{\"id\":1}\n\n{\"id\":}\n"),
              HasSubstr(absl::StrCat(path_, ":3: column 7")));
  EXPECT_THAT(Error("{\"id\":1}\n[2]"),
              HasSubstr(":2: expected a JSON object"));
  EXPECT_THAT(Error("{\"id\":null}"), HasSubstr(":1: field `id`, the id, is"));
  EXPECT_THAT(Error("{\"id\":\"\"}"), HasSubstr("is empty"));
  EXPECT_THAT(Error("{\"x\":\"\xff\"}"), HasSubstr(":1: "));
  EXPECT_THAT(Error("{\"x\":1}", "k.l"), HasSubstr(":1: no field `k.l`"));
  EXPECT_THAT(Error("\n \n"), HasSubstr("has no rows"));
}

TEST_F(DatasetTest, AnErrorMovesNoCursor) {
  EXPECT_THAT(Error("{\"x\": \x1b[2J}"), ::testing::Not(HasSubstr("\x1b")));
}

TEST_F(DatasetTest, WhatIsNoFileIsAnError) {
  EXPECT_EQ(Dataset::Load("/nowhere/x", {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Dataset::Load("/dev/null", {}).status().message()),
              HasSubstr("not a regular file"));
}

TEST_F(DatasetTest, ALineHasALimit) {
  const std::string most(kLineBytesMax - 8, 'x');
  EXPECT_EQ(Error(absl::StrCat("{\"x\":\"", most, "\"}")), "");
  EXPECT_THAT(Error(absl::StrCat("{}\n{\"x\":\"", most, "y\"}\n")),
              HasSubstr(":2: line 2 is longer than 16777216 bytes"));
}

TEST_F(DatasetTest, OrderAndSpacingOfTheFileDoNotMatter) {
  const auto a =
      Load("{\"id\":1,\"q\":\"a\"}\n{\"id\":1,\"q\":\"b\"}\n{\"id\":2}");
  const std::string fingerprint = a->fingerprint();
  std::map<uint64_t, uint32_t> occurrences;
  for (size_t i = 0; i < 3; ++i) {
    occurrences[a->content_hash(i)] = a->occurrence(i);
  }
  const auto b =
      Load("{\"id\":2}\n{\"q\":\"b\", \"id\":1}\n{\"id\":1,\"q\":\"a\"}");
  EXPECT_EQ(b->fingerprint(), fingerprint);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(occurrences.at(b->content_hash(i)), b->occurrence(i));
  }
  EXPECT_NE(Load("{\"id\":1,\"q\":\"a\"}\n{\"id\":2}")->fingerprint(),
            fingerprint);
}

TEST_F(DatasetTest, EqualRowsAreCounted) {
  const auto set = Load("{\"x\":1}\n{\"x\":1}\n{\"x\":1}\n");
  EXPECT_EQ(set->id(0), set->id(2));
  EXPECT_EQ(set->occurrence(0), 0u);
  EXPECT_EQ(set->occurrence(1), 1u);
  EXPECT_EQ(set->occurrence(2), 2u);
}

TEST_F(DatasetTest, AChangeWhileInUseIsDetected) {
  const auto set = Load("{\"id\":1}\n{\"id\":2}\n");
  std::fstream(path_, std::ios::in | std::ios::out) << "{\"id\":5}";
  EXPECT_THAT(std::string(set->Row(0).status().message()),
              HasSubstr(":1: the file was changed"));
  EXPECT_TRUE(set->Row(1).ok());
  ASSERT_EQ(truncate(path_.c_str(), 12), 0);
  EXPECT_EQ(set->Row(1).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DatasetTest, LinesAcrossReadsStayWhole) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&text, "{\"id\":", i, ",\"x\":\"",
                    std::string(i % 700, 'x'), "\"}\n");
  }
  const auto set = Load(text);
  ASSERT_EQ(set->size(), 3000u);
  EXPECT_EQ(set->id(2999), "2999");
  EXPECT_THAT(*set->Row(2999), HasSubstr("{\"id\":2999,"));
}

// -- JSON arrays --------------------------------------------------------------

TEST_F(DatasetTest, AnArrayOfObjectsIsADataset) {
  const auto set = Load(
      "\xEF\xBB\xBF \n[\n  {\"id\": \"a\",\n   \"x\": \"]},{[\\\"\"} "
      ",{\"id\":2,"
      "\"y\":[{},[1]]}\n]\n\n");
  ASSERT_EQ(set->size(), 2u);
  EXPECT_EQ(set->id(0), "a");
  EXPECT_EQ(*set->Row(1), "{\"id\":2,\"y\":[{},[1]]}");
}

TEST_F(DatasetTest, FormDoesNotMatter) {
  const std::string lines =
      Load("{\"id\":\"1\",\"q\":\"a\"}\n{\"id\":\"2\",\"q\":\"b\"}")
          ->fingerprint();
  EXPECT_EQ(Load("[{\"id\":\"1\",\"q\":\"a\"},{\"id\":\"2\",\"q\":\"b\"}]")
                ->fingerprint(),
            lines);
  NameIt(".csv");
  EXPECT_EQ(Load("q,id\na,1\nb,2\n")->fingerprint(), lines);
}

TEST_F(DatasetTest, WhatIsWrongInAnArrayIsNamedByItsLine) {
  EXPECT_THAT(Error("[\n{\"id\":1},\n{\"id\":2\n,\"x\":}]"),
              HasSubstr(":4: column 6: "));
  EXPECT_THAT(Error("[\n{},\n7]"), HasSubstr(":3: expected a JSON object"));
  EXPECT_THAT(Error("[\n{}\n{}]"), HasSubstr(":3: expected ',' or ']'"));
  EXPECT_THAT(Error("[{},\n]"), HasSubstr(":2: expected a JSON object"));
  EXPECT_THAT(Error("[{}"), HasSubstr(":1: the file ends inside the array"));
  EXPECT_THAT(Error("[\n{\"x\":\"\n\n"), HasSubstr(":2: the file ends inside"));
  EXPECT_THAT(Error("[{}]\n{}"), HasSubstr(":2: more behind the array's end"));
  EXPECT_THAT(Error("[]"), HasSubstr("has no rows"));
  EXPECT_THAT(Error("[{\"x\":\"\xff\"}]"), HasSubstr(":1: "));
}

TEST_F(DatasetTest, AnArraysRowsAreBoundedInDepthAndSize) {
  EXPECT_THAT(Error("[{\"x\":" + std::string(1 << 20, '[')),
              HasSubstr(":1: nested deeper than 128"));
  const std::string most(kLineBytesMax - 7, 'x');
  EXPECT_THAT(Error(absl::StrCat("[{},\n{\"x\":\"", most, "\"}]")),
              HasSubstr(":2: a row of more than 16777216 bytes"));
  EXPECT_THAT(
      Error(absl::StrCat("[{\"x\":\"", most, std::string(1 << 19, ' '))),
      HasSubstr(":1: a row of more than 16777216 bytes"));
}

// -- CSV ----------------------------------------------------------------------

TEST_F(DatasetTest, CsvFieldsAreStringsByTheHeadersNames) {
  NameIt(".csv");
  const auto set = Load(
      "\xEF\xBB\xBFid,\"the \"\"q\"\"\",a\r\n1,\"x,\r\n\"\"y\"\"\", z \r\n"
      "\r\n2,,\"\"");
  ASSERT_EQ(set->size(), 2u);
  EXPECT_EQ(*set->Row(0), R"({"id":"1","the \"q\"":"x,\r\n\"y\"","a":" z "})");
  EXPECT_EQ(*set->Row(1), R"({"id":"2","the \"q\"":"","a":""})");
  EXPECT_EQ(set->id(1), "2");
  EXPECT_THAT(set->name(), ::testing::Not(EndsWith(".csv")));
}

TEST_F(DatasetTest, WhatIsWrongInCsvIsNamedByItsLine) {
  NameIt(".csv");
  EXPECT_THAT(Error("id,q\n1,\"a\n\"\n2\n"),
              HasSubstr(":4: has 1 field, the header 2"));
  EXPECT_THAT(Error("id\n\n5\" disk\n"), HasSubstr(":3: a quote inside"));
  EXPECT_THAT(Error("id\n\"a\n\" b\n"), HasSubstr(":3: text behind a closing"));
  EXPECT_THAT(Error("id\n\"a\n\nb"),
              HasSubstr(":2: a quoted field has no end"));
  EXPECT_THAT(Error("id\na\rb\n"), HasSubstr(":2: a carriage return"));
  EXPECT_THAT(Error("id\n\"a\n\xff\"\n"), HasSubstr(":3: a byte that is not"));
  EXPECT_THAT(Error("id,id\n1,2\n"),
              HasSubstr(":1: two columns are named `id`"));
  EXPECT_THAT(Error("id,q\n,2\n"),
              HasSubstr(":2: field `id`, the id, is empty"));
  EXPECT_THAT(Error("id,q\n"), HasSubstr("has no rows"));
  EXPECT_THAT(Error(""), HasSubstr("has no rows"));
}

TEST_F(DatasetTest, AnUnclosedQuoteTakesNoMoreThanARow) {
  NameIt(".csv");
  EXPECT_THAT(Error("q\n\"" + std::string(kLineBytesMax + (1 << 19), '\n')),
              HasSubstr(":2: a row of more than 16777216 bytes"));
}

TEST_F(DatasetTest, CsvHeadersAreBounded) {
  NameIt(".csv");
  std::string header = "c0";
  for (int i = 1; i < 5000; ++i) absl::StrAppend(&header, ",c", i);
  EXPECT_THAT(Error(header + "\n"),
              HasSubstr(":1: 5000 columns; at most 4096"));
  EXPECT_THAT(Error(std::string(2000, 'n') + "\nx\n"),
              HasSubstr("has more than 1024 bytes"));
}

// -- gzip ---------------------------------------------------------------------

std::string Gzip(absl::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(&packed[0]);
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST_F(DatasetTest, EveryFormMayBeCompressed) {
  const std::string lines = "\xEF\xBB\xBF{\"id\":\"1\"}\n{\"id\":\"2\"}\n";
  const std::string fingerprint = Load(lines)->fingerprint();
  NameIt(".jsonl.gz");
  EXPECT_EQ(Load(Gzip(lines))->fingerprint(), fingerprint);
  NameIt(".json.gz");
  EXPECT_EQ(Load(Gzip("[{\"id\":\"1\"},{\"id\":\"2\"}]"))->fingerprint(),
            fingerprint);
  NameIt(".csv.gz");
  const auto set = Load(Gzip("id\n1\n2\n"));
  EXPECT_EQ(set->fingerprint(), fingerprint);
  EXPECT_EQ(*set->Row(1), "{\"id\":\"2\"}");
  EXPECT_THAT(set->name(), ::testing::Not(HasSubstr(".csv")));
}

TEST_F(DatasetTest, CompressedPiecesFollowEachOther) {
  EXPECT_EQ(Load(Gzip("{\"id\":1}\n{\"i") + Gzip("d\":2}\n"))->size(), 2u);
}

// Larger than the buffers, so that output is left when the input has ended.
TEST_F(DatasetTest, ACompressedFileIsLargerThanAnyBuffer) {
  std::string text;
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&text, "{\"id\":", i, "}\n");
  text += "{\"x\":\"" + std::string(1 << 20, 'x') + "\"}";
  const auto set = Load(Gzip(text));
  ASSERT_EQ(set->size(), 10001u);
  EXPECT_EQ(*set->Row(7777), "{\"id\":7777}");
}

TEST_F(DatasetTest, DamagedGzipIsAnErrorWithItsLine) {
  const std::string whole = Gzip("{\"id\":1}\n{\"id\":2}\n");
  EXPECT_THAT(Error(whole.substr(0, whole.size() - 4)),
              HasSubstr(":3: the gzip data has no end"));
  EXPECT_THAT(Error("\x1f\x8b..."), HasSubstr(":1: the gzip data is damaged"));
  std::string wrong_sum = whole;
  wrong_sum[whole.size() - 8] ^= 1;
  EXPECT_THAT(Error(wrong_sum), HasSubstr("incorrect data check"));
  EXPECT_THAT(Error(whole + "rubbish"), HasSubstr(":3: the gzip data is"));
}

// Some 16 KiB that become more than a row may have.
TEST_F(DatasetTest, AGzipBombIsALongLine) {
  EXPECT_THAT(Error(Gzip(std::string(17 << 20, ' '))),
              HasSubstr(":1: line 1 is longer than 16777216 bytes"));
}

TEST_F(DatasetTest, NothingIsLeftOfAnUnpackedFile) {
  const std::string place = absl::StrCat(::testing::TempDir(), "/unpacked");
  mkdir(place.c_str(), 0700);
  setenv("TMPDIR", place.c_str(), 1);
  const auto set = Load(Gzip("{\"id\":1}"));
  EXPECT_EQ(rmdir(place.c_str()), 0) << "something is in it";
  EXPECT_EQ(set->id(0), "1");
  unsetenv("TMPDIR");
}

RowFields Resolve(const FieldOptions& options, absl::string_view row,
                  absl::string_view model = "gpt-4.1") {
  const auto fields = Fields::Create(options, model, "");
  EXPECT_TRUE(fields.ok()) << fields.status();
  const auto resolved = fields->Resolve(row);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  return resolved.ok() ? *resolved : RowFields();
}

TEST(Fields, DefaultsTakeTheFirstThatIsThere) {
  const RowFields row =
      Resolve({}, R"({"question":"q","prompt":"p","answer":[1, 2]})");
  EXPECT_EQ(row.input, "p");
  EXPECT_EQ(row.target, "[1,2]");
  EXPECT_FALSE(row.has_response);
}

TEST(Fields, AModelsDotsSplitNothing) {
  const RowFields row = Resolve({.response_field = "{model}.solution"},
                                R"({"gpt-4.1":{"solution":"42"}})");
  EXPECT_EQ(row.response, "42");
}

TEST(Fields, ANullResponseIsThereButNoText) {
  const RowFields row = Resolve({.response_field = "r"}, R"({"r":null})");
  EXPECT_TRUE(row.has_response);
  EXPECT_EQ(row.response, absl::nullopt);
}

TEST(Fields, WhatIsAskedForAndMissingIsAnError) {
  const auto fields = Fields::Create({.target_field = "a.b"}, "m", "");
  EXPECT_THAT(std::string(fields->Resolve("{\"a\":1}").status().message()),
              HasSubstr("no field `a.b`, which --target-field asks for"));
  for (const char* path : {"{method}.x", "{modle}", "a..b"}) {
    EXPECT_FALSE(Fields::Create({.input_field = path}, "m", "").ok()) << path;
  }
}

// Rows are read by two libraries, the quick one first. What they say must not
// depend on which it was.
TEST(Fields, ValuesReadAsTheirCanonicalForm) {
  const std::string deep =
      std::string(kJsonDepthMax - 2, '[') + std::string(kJsonDepthMax - 2, ']');
  const std::string values[] = {
      R"("a\u00e9\ud83d\ude00\n\"\\\/")",
      R"("\u0000")",
      "\"\"",
      "7",
      "-0",
      "-0.0",
      "1.0",
      "1e2",
      "1.5e-7",
      "9007199254740993",
      "9223372036854775808",
      "18446744073709551615",
      "18446744073709551616",
      "-9223372036854775809",
      "123456789012345678901234567890",
      "true",
      "[1, {\"b\": 2.0, \"a\": []}]",
      "{\"z\":1,\"a\":1e0}",
      deep,
      absl::StrCat("\"", std::string(2 << 20, 'x'), "\"")};
  for (const std::string& value : values) {
    const std::string text =
        RenderText(*ParseJson(absl::StrCat("[", value, "]"))->begin());
    const RowFields row =
        Resolve({.target_field = "a.b"},
                absl::StrCat("{\"input\":", value,
                             ",\"a\":{\"b\":1,\"b\":", value, "}}"));
    EXPECT_EQ(row.input, text) << value.substr(0, 100);
    EXPECT_EQ(row.target, text) << value.substr(0, 100);
  }
}

TEST(Fields, WhatIsNoRowIsRefused) {
  const auto fields = Fields::Create({}, "m", "");
  const std::string too_deep =
      absl::StrCat("{\"a\":", std::string(kJsonDepthMax, '['),
                   std::string(kJsonDepthMax, ']'), "}");
  for (const absl::string_view row :
       {"[1]", "{\"a\":1} 2", "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\"}",
        "{\"a\":1e999}", "", "{\"a\":01}", too_deep.c_str()}) {
    EXPECT_FALSE(fields->Resolve(row).ok()) << row;
  }
}

TEST(Fields, AKeyWithDotsGoesBeforeSteps) {
  const FieldOptions options = {.target_field = "a.0"};
  EXPECT_EQ(Resolve(options, R"({"a":["x"],"a.0":"whole"})").target, "whole");
  EXPECT_EQ(Resolve(options, R"({"a":["x"]})").target, "x");
  EXPECT_EQ(Resolve(options, R"({"a":{"0":"y"}})").target, "y");
}

// -- Selection ----------------------------------------------------------------

// A dataset of which an index is kept.
class IndexedDatasetTest : public DatasetTest {
 protected:
  IndexedDatasetTest() {
    std::filesystem::remove_all(directory_);
    std::string text;
    for (int i = 0; i < 150; ++i) {
      absl::StrAppend(&text, "{\"id\":\"q", i / 2, "\",\"x\":", i, "}\n\n");
    }
    Write(text);
  }
  ~IndexedDatasetTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Dataset> Load() {
    DatasetOptions options;
    options.index_directory = directory_;
    options.indexed_bytes_min = 20;
    options.id_field = id_field_;
    auto dataset = Dataset::Load(path_, options);
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return dataset.ok() ? *std::move(dataset) : nullptr;
  }
  std::string IndexPath() { return IndexFilePath(directory_, path_); }
  IndexKey KeyOf() {
    auto file = OpenUnpacked(path_);
    return {.stamp = file->stamp, .options = 1, .unpacked_bytes = file->size};
  }
  static std::string Describe(const Dataset& dataset) {
    std::string text = dataset.fingerprint();
    for (size_t i = 0; i < dataset.size(); ++i) {
      absl::StrAppend(&text, "\n", dataset.id(i), " ", dataset.occurrence(i),
                      " ", dataset.content_hash(i), " ",
                      Xxh3(dataset.Row(i).value_or("none")));
    }
    return text;
  }

  std::string directory_ = ::testing::TempDir() + "/indices";
  std::string id_field_;
};

TEST_F(IndexedDatasetTest, IsFoundAgainAsItWas) {
  const auto first = Load();
  EXPECT_EQ(first->checked_rules(), 0u);
  ASSERT_EQ(first->KeepIndex(7), absl::OkStatus());
  const auto again = Load();
  EXPECT_EQ(again->checked_rules(), 7u);
  EXPECT_EQ(Describe(*again), Describe(*first));
  EXPECT_EQ(again->occurrence(0) + again->occurrence(1), 1u);
}

TEST_F(IndexedDatasetTest, IsNotBelievedOfAnotherFile) {
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  std::ofstream(path_, std::ios::app) << "{\"id\":\"new\",\"x\":-1}\n";
  const auto changed = Load();
  EXPECT_EQ(changed->checked_rules(), 0u);
  EXPECT_EQ(changed->id(changed->size() - 1), "new");
  ASSERT_EQ(changed->KeepIndex(7), absl::OkStatus());
  EXPECT_EQ(Load()->checked_rules(), 7u);
  id_field_ = "x";
  EXPECT_EQ(Load()->checked_rules(), 0u);
}

TEST_F(IndexedDatasetTest, IsForgottenWhenARowIsNotAsItSays) {
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  const auto found = Load();
  ASSERT_EQ(found->checked_rules(), 7u);
  {
    std::fstream file(path_, std::ios::in | std::ios::out);
    file.seekp(3);
    file << "j";
  }
  EXPECT_THAT(std::string(found->Row(0).status().message()),
              HasSubstr("the file was changed"));
  EXPECT_FALSE(std::filesystem::exists(IndexPath()));
}

TEST_F(IndexedDatasetTest, SmallDatasetsHaveNone) {
  Write("{\"id\":1}\n");
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(IndexedDatasetTest, OfCsvKnowsTheHeader) {
  NameIt(".csv");
  Write("id,x\nq1,\"two\nlines\"\nq2,yyy\n");
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  const auto again = Load();
  EXPECT_EQ(again->checked_rules(), 7u);
  EXPECT_THAT(again->Row(1).value_or(""),
              StartsWith("{\"id\":\"q2\",\"x\":\"yyy"));
}

// Whatever its bytes, it is the index that was kept or none.
TEST_F(IndexedDatasetTest, HostileIndicesAreNone) {
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  const IndexKey key = KeyOf();
  RowIndex rows;
  for (int i = 0; i < 100; ++i) {
    const nlohmann::json row = {{"id", absl::StrCat("q", i / 2)}};
    const std::string text = row.dump();
    ASSERT_EQ(rows.Add({text, 20u * i, 1u + i}, row, ""), absl::OkStatus());
  }
  rows.Finish();
  const std::string path = directory_ + "/hostile.rows";
  ASSERT_EQ(WriteIndexFile(path, key, rows, 7), absl::OkStatus());
  ASSERT_TRUE(ReadIndexFile(path, key).ok());
  std::stringstream whole;
  whole << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string bytes = whole.str();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string hostile = bytes;
    hostile[at] ^= 1 << at % 8;
    std::ofstream(path, std::ios::binary) << hostile;
    ASSERT_FALSE(ReadIndexFile(path, key).ok()) << at;
    if (at % 7 != 0) continue;
    std::ofstream(path, std::ios::binary) << bytes.substr(0, at);
    ASSERT_FALSE(ReadIndexFile(path, key).ok()) << at;
  }
  std::ofstream(path, std::ios::binary) << bytes << "x";
  EXPECT_FALSE(ReadIndexFile(path, key).ok());
}

TEST_F(IndexedDatasetTest, TheOldestGo) {
  for (size_t i = 0; i < kIndexFilesMax + 5; ++i) {
    std::filesystem::create_directories(directory_);
    std::ofstream(absl::StrCat(directory_, "/", i)) << "old";
  }
  ASSERT_EQ(Load()->KeepIndex(7), absl::OkStatus());
  EXPECT_TRUE(std::filesystem::exists(IndexPath()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}),
            static_cast<ptrdiff_t>(kIndexFilesMax));
}

class SelectionTest : public DatasetTest {
 protected:
  // Rows q0, q1, …
  SelectionTest() : set_(Load(Lines(200))) {}

  static std::string Lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, "{\"id\":\"q", i, "\"}\n");
    }
    return text;
  }
  std::vector<uint32_t> Select(const Selection& selection) {
    const auto rows = SelectRows(*set_, selection);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *rows : std::vector<uint32_t>();
  }

  const std::unique_ptr<Dataset> set_;
};

TEST_F(SelectionTest, AllRowsUnlessFewerAreAskedFor) {
  EXPECT_EQ(Select({}).size(), 200u);
  EXPECT_THAT(Select({.num_samples = 3}), ElementsAre(0, 1, 2));
  EXPECT_EQ(Select({.num_samples = 500}).size(), 200u);
}

TEST_F(SelectionTest, GlobsChooseById) {
  EXPECT_THAT(Select({.sample_ids = {"q1?", "q[78]"}, .num_samples = 4}),
              ElementsAre(7, 8, 10, 11));
  const auto none = SelectRows(*set_, {.sample_ids = {"q1", "x*"}});
  EXPECT_THAT(std::string(none.status().message()),
              HasSubstr("--sample-id: no id matches `x*`"));
}

TEST_F(SelectionTest, WhatIsDrawnDependsOnTheSeedAndGrows) {
  const auto few = Select({.shuffle = true, .seed = 1, .num_samples = 10});
  const auto more = Select({.shuffle = true, .seed = 1, .num_samples = 50});
  const auto other = Select({.shuffle = true, .seed = 2, .num_samples = 10});
  EXPECT_EQ(few.size(), 10u);
  EXPECT_TRUE(std::is_sorted(few.begin(), few.end()));
  EXPECT_TRUE(std::includes(more.begin(), more.end(), few.begin(), few.end()));
  EXPECT_NE(few, other);
  EXPECT_NE(few, Select({.num_samples = 10}));
}

TEST_F(SelectionTest, ShardsDivideWhatIsSelected) {
  const Selection all = {.shuffle = true, .seed = 7, .num_samples = 120};
  std::vector<uint32_t> together;
  for (uint32_t i = 1; i <= 4; ++i) {
    Selection part = all;
    part.shard = {i, 4};
    const auto rows = Select(part);
    EXPECT_GT(rows.size(), 10u);
    together.insert(together.end(), rows.begin(), rows.end());
  }
  std::sort(together.begin(), together.end());
  EXPECT_EQ(together, Select(all));
}

// Journals of shards rely on it.
TEST(Shard, AQueryStaysInItsShard) {
  EXPECT_TRUE(IsInShard({}, "q1", 0));
  std::string shards;
  for (const char* id : {"q1", "q2", "q3", "q4", "q5"}) {
    for (uint32_t i = 1; i <= 4; ++i) {
      if (IsInShard({i, 4}, id, 0)) absl::StrAppend(&shards, i);
    }
  }
  EXPECT_EQ(shards, "11121");
}

std::string ShardOf(absl::string_view text, std::string value = "") {
  const auto shard =
      ParseShard(text, [&](const std::string&) { return value; });
  return shard.ok() ? ShardText(*shard) : std::string(shard.status().message());
}

TEST(Shard, SlurmCountsFromOneAndKubernetesFromZero) {
  EXPECT_EQ(ShardOf("2/4"), "2/4");
  EXPECT_EQ(ShardOf("slurm/4", "4"), "4/4");
  EXPECT_EQ(ShardOf("k8s/4", "0"), "1/4");
  EXPECT_EQ(ShardOf("k8s/4", "3"), "4/4");
}

TEST(Shard, WhatIsNoShardIsAnError) {
  for (const char* text : {"", "2", "/", "2/0", "2/x", "x/2", "1/100001"}) {
    EXPECT_THAT(ShardOf(text), HasSubstr(text)) << text;
  }
  EXPECT_THAT(ShardOf("0/4"), HasSubstr("shards of 4 are 1/4 to 4/4"));
  EXPECT_THAT(ShardOf("5/4"), HasSubstr("shards of 4 are 1/4 to 4/4"));
  EXPECT_THAT(ShardOf("slurm/4"), HasSubstr("SLURM_ARRAY_TASK_ID is not set"));
  EXPECT_THAT(ShardOf("slurm/4", "0"), HasSubstr("--array=1-4"));
  EXPECT_THAT(ShardOf("slurm/4", "5"), HasSubstr("not within 1 to 4"));
  EXPECT_THAT(ShardOf("k8s/4", "4"), HasSubstr("not within 0 to 3"));
}

}  // namespace
}  // namespace runner
