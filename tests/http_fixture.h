// A workplace and a server that knows the right answers.
#ifndef TESTS_HTTP_FIXTURE_H_
#define TESTS_HTTP_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/testing/fake_openai_server.h"
#include "tests/runner_fixture.h"

namespace runner {

class HttpFixture : public testing::Test {
 protected:
  explicit HttpFixture(int questions) { Ask(questions); }

  // The dataset, and its right answers on the server.
  void Ask(int questions) {
    place_.WriteDataset(questions);
    serve_.answers.clear();
    std::istringstream lines(place_.Read("questions.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      constexpr char kInput[] = "\"input\":\"";
      const size_t begin = line.find(kInput) + sizeof kInput - 1;
      const std::string prompt =
          line.substr(begin, line.find('"', begin) - begin);
      int a = 0, b = 0;
      EXPECT_EQ(std::sscanf(prompt.c_str(), "%d * %d", &a, &b), 2) << line;
      serve_.answers[prompt] = {absl::StrCat(a * b)};
    }
    place_.options["model"] = "m";
    place_.options["workers"] = "16";
  }

  void Serve(const std::vector<Fault>& faults = {}) {
    serve_.faults = faults;
    auto server = FakeOpenAiServer::Start(serve_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    place_.options["base-url"] = server_->base_url();
  }

  Workplace place_;
  FakeOpenAiOptions serve_;
  std::unique_ptr<FakeOpenAiServer> server_;
};

}  // namespace runner

#endif  // TESTS_HTTP_FIXTURE_H_
