#include "runner/study/failure_text.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/printable.h"
#include "runner/display/progress_format.h"

namespace runner {
namespace {

constexpr size_t kTypesShownMax = 4;
constexpr size_t kTypeColumnsMax = 40;
constexpr size_t kMessageColumnsMax = 160;

using TypeCount = std::pair<std::string, uint64_t>;

// The commonest first, of equally many by name.
std::vector<TypeCount> InOrder(const Results& results) {
  std::vector<TypeCount> types(results.failed_by_type.begin(),
                               results.failed_by_type.end());
  std::stable_sort(types.begin(), types.end(),
                   [](const TypeCount& a, const TypeCount& b) {
                     return a.second > b.second;
                   });
  if (types.size() > kTypesShownMax) types.resize(kTypesShownMax);
  return types;
}

// One that was met with `type`; empty: none says anything.
std::string MessageOf(const Results& results, const std::string& type) {
  for (const ErrorExample& error : results.errors) {
    if (error.type == type && !error.message.empty()) {
      return Excerpt(error.message, kMessageColumnsMax);
    }
  }
  return "";
}

}  // namespace

std::string FailureText(const Results& results, absl::string_view where,
                        bool can_be_retried) {
  if (results.failed == 0) return "";
  const std::vector<TypeCount> types = InOrder(results);
  std::vector<std::string> facts;
  uint64_t others = results.failed;
  for (const auto& [type, count] : types) {
    facts.push_back(absl::StrCat(Excerpt(type, kTypeColumnsMax), " (",
                                 WithThousands(count), ")"));
    others -= std::min(count, others);
  }
  if (others > 0) {
    facts.push_back(absl::StrCat("others (", WithThousands(others), ")"));
  }
  const std::string message =
      types.empty() ? "" : MessageOf(results, types.front().first);
  if (!message.empty()) facts.push_back(absl::StrCat("\"", message, "\""));
  return absl::StrCat(
      WithThousands(results.failed), " failed: ", absl::StrJoin(facts, ", "),
      results.failed == 1 ? "; it is in " : "; all of them are in ",
      Printable(where),
      can_be_retried
          ? absl::StrCat("; --retry-failed asks ",
                         results.failed == 1 ? "it" : "them", " again")
          : "");
}

}  // namespace runner
