#include "runner/storage/record_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "runner/storage/record_codec.h"

namespace runner {
namespace {

using nlohmann::json;

template <typename Record>
std::string TextOf(const Record& record) {
  const std::string body = Encode(record);
  journal::Record raw;
  raw.lsn = 12;
  raw.type = TypeNumber(record);
  raw.body = body;
  return RecordToJson(raw);
}

std::string TextOfBytes(uint16_t type, absl::string_view body) {
  journal::Record raw;
  raw.lsn = 12;
  raw.type = type;
  raw.body = body;
  return RecordToJson(raw);
}

TEST(RecordJson, ShowsEveryField) {
  AttemptStartRecord start;
  start.key = {.run = 3, .index = 7, .id = "q7", .occurrence = 0};
  start.seed = std::numeric_limits<uint64_t>::max();
  start.at = absl::FromUnixNanos(5);
  EXPECT_EQ(TextOf(start),
            R"({"lsn":12,"type":"AttemptStart","record":{"key":{"run":3,)"
            R"("index":7,"id":"q7","occurrence":0},"attempt":0,"slot":0,)"
            R"("seed":18446744073709551615,"at_unix_ns":5}})");
}

TEST(RecordJson, AbsentFieldsShowTheirDefaults) {
  ResponseRecord response;
  response.metrics = {{"m", 0.5}, {"n", 2}};
  const json record = json::parse(TextOf(response))["record"];
  EXPECT_TRUE(record["output"].is_null());
  EXPECT_EQ(record["cost_known"], false);
  EXPECT_EQ(record["passes"], json::array());
  EXPECT_EQ(record["metrics"][1]["name"], "n");
  EXPECT_EQ(json::parse(TextOf(BenchmarkInfo()))["record"]["schema_version"],
            1);
}

TEST(RecordJson, EnumerationsHaveNames) {
  SessionEndRecord end;
  EXPECT_EQ(json::parse(TextOf(end))["record"]["reason"], "Completed");
  end.reason = SessionStop::kLimit;
  EXPECT_EQ(json::parse(TextOf(end))["record"]["reason"], "Limit");
  end.reason = static_cast<SessionStop>(77);
  EXPECT_EQ(json::parse(TextOf(end))["record"]["reason"], 77);
}

TEST(RecordJson, HostileTextIsSafeAndKept) {
  ResponseRecord response;
  response.output = "\x1b[31m\x7f\xc2\x9b quote\" \xff";
  response.reasoning = "gr\xc3\xbc\xc3\x9f";
  const std::string text = TextOf(response);
  for (const char c : text) EXPECT_TRUE(c < 0 || (c >= 32 && c != 127)) << text;
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
  const json record = json::parse(text)["record"];
  EXPECT_EQ(record["output"], "\x1b[31m\x7f\xc2\x9b quote\" \xef\xbf\xbd");
  EXPECT_EQ(record["output_base64"], "G1szMW1/wpsgcXVvdGUiIP8=");
  EXPECT_EQ(record["reasoning"], "gr\xc3\xbc\xc3\x9f");
}

TEST(RecordJson, NumbersThatJsonHasNotAreText) {
  LimitRecord limit;
  limit.name = "cost";
  limit.limit = std::numeric_limits<double>::infinity();
  limit.value = std::numeric_limits<double>::quiet_NaN();
  const json record = json::parse(TextOf(limit))["record"];
  EXPECT_EQ(record["limit"], "Infinity");
  EXPECT_EQ(record["value"], "NaN");
}

TEST(RecordJson, UnknownTypesAndPoisonShowTheirBytes) {
  EXPECT_EQ(TextOfBytes(99, "abc"),
            R"({"lsn":12,"type":99,"ignorable":false,"body_base64":"YWJj"})");
  const json poison = json::parse(TextOfBytes(6, "abc"));
  EXPECT_EQ(poison["type"], "Response");
  EXPECT_EQ(poison["body_base64"], "YWJj");
  EXPECT_TRUE(poison["poison"].is_string());
}

TEST(RecordJson, HostileBytesGiveValidJson) {
  InDoubtRecord doubt;
  doubt.starts.resize(3);
  doubt.starts[1].key.id = "q";
  const std::string body = Encode(doubt);
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string bad = body;
    bad[random() % bad.size()] = static_cast<char>(random());
    const std::string text = TextOfBytes(1 + random() % 17, bad);
    ASSERT_TRUE(json::accept(text)) << text;
  }
}

}  // namespace
}  // namespace runner
