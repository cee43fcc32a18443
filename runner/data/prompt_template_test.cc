#include "runner/data/prompt_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace runner {
namespace {

using ::testing::HasSubstr;

constexpr char kRow[] =
    R"({"q": "2 {{n}} 3", "n": 7, "a": {"b": [true, null]}, "x.y": "dot"})";

std::string Render(absl::string_view text) {
  const auto prompt = PromptTemplate::Parse(text);
  if (!prompt.ok()) return std::string(prompt.status().message());
  const auto rendered = prompt->Render(kRow);
  return rendered.ok() ? *rendered : std::string(rendered.status().message());
}

TEST(PromptTemplateTest, FillsFieldsIn) {
  EXPECT_EQ(Render("Q: {{q}}\nn={{ n }}"), "Q: 2 {{n}} 3\nn=7");
  EXPECT_EQ(Render("{{a.b.0}}{{a.b.1}}{{x.y}}{{a}}"),
            R"(truedot{"b":[true,null]})");
}

TEST(PromptTemplateTest, OtherBracesAreText) {
  EXPECT_EQ(Render(""), "");
  EXPECT_EQ(Render("{\"json\": {\"a\": 1} }} {q}"),
            "{\"json\": {\"a\": 1} }} {q}");
}

TEST(PromptTemplateTest, UnknownFieldsAndHalfFieldsAreErrors) {
  EXPECT_THAT(Render("{{other}}"),
              HasSubstr("no field `other`, which --prompt-template asks for"));
  EXPECT_THAT(Render("{{a.c}}"), HasSubstr("no field `a.c`"));
  EXPECT_THAT(Render("a {{q"), HasSubstr("{{ without }} before `q`"));
  EXPECT_THAT(Render("{{ }}"), HasSubstr("{{}} names no field"));
}

}  // namespace
}  // namespace runner
