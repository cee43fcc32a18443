#include "runner/data/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "runner/base/text.h"

namespace runner {
namespace {

constexpr char kSlurmVariable[] = "SLURM_ARRAY_TASK_ID";
constexpr char kKubernetesVariable[] = "JOB_COMPLETION_INDEX";

void AppendLittleEndian(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> 8 * i & 0xff);
  }
}

absl::StatusOr<uint32_t> IndexFrom(const std::string& variable,
                                   const std::string& value, uint32_t add,
                                   uint32_t count) {
  uint32_t number = 0;
  if (value.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(variable, " is not set; is this the job it names?"));
  }
  if (!absl::SimpleAtoi(value, &number) || number > count - add ||
      number + add < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        variable, " is ", Quoted(value), ", which is not within ", 1 - add,
        " to ", count - add,
        number + add < 1
            ? absl::StrCat("; begin the array at 1: --array=1-", count)
            : ""));
  }
  return number + add;
}

// The rows that a glob matches, in order.
absl::StatusOr<std::vector<uint32_t>> MatchIds(
    const Dataset& dataset, const std::vector<std::string>& globs) {
  std::vector<uint32_t> rows;
  std::vector<bool> used(globs.size());
  for (uint32_t row = 0; row < dataset.size(); ++row) {
    const std::string id = dataset.id(row);
    bool matches = globs.empty();
    for (size_t i = 0; i < globs.size(); ++i) {
      if (fnmatch(globs[i].c_str(), id.c_str(), 0) != 0) continue;
      used[i] = true;
      matches = true;
    }
    if (matches) rows.push_back(row);
  }
  for (size_t i = 0; i < globs.size(); ++i) {
    if (used[i]) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--sample-id: no id matches ", Quoted(globs[i])));
  }
  return rows;
}

// The first `count` of the order that `seed` draws.
void KeepDrawn(const Dataset& dataset, uint64_t seed, uint64_t count,
               std::vector<uint32_t>& rows) {
  std::vector<std::pair<uint64_t, uint32_t>> drawn;
  drawn.reserve(rows.size());
  for (const uint32_t row : rows) {
    std::string text = "shuffle";
    text += '\0';
    AppendLittleEndian(seed, 8, text);
    AppendLittleEndian(dataset.occurrence(row), 4, text);
    text += dataset.id(row);
    drawn.emplace_back(Xxh3(text), row);
  }
  std::nth_element(drawn.begin(), drawn.begin() + count, drawn.end());
  rows.clear();
  for (uint64_t i = 0; i < count; ++i) rows.push_back(drawn[i].second);
  std::sort(rows.begin(), rows.end());
}

}  // namespace

std::string ShardText(const Shard& shard) {
  return shard.whole() ? "" : absl::StrCat(shard.index, "/", shard.count);
}

absl::StatusOr<Shard> ParseShard(
    absl::string_view text,
    const std::function<std::string(const std::string&)>& variable) {
  const size_t slash = text.find('/');
  const absl::string_view which = text.substr(0, slash);
  Shard shard;
  if (slash == absl::string_view::npos ||
      !absl::SimpleAtoi(text.substr(slash + 1), &shard.count) ||
      shard.count < 1 || shard.count > kShardsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(text), " is not i/n, slurm/n or k8s/n with n from 1 to ",
        kShardsMax));
  }
  absl::StatusOr<uint32_t> index(0u);
  if (which == "slurm") {
    index = IndexFrom(kSlurmVariable, variable(kSlurmVariable), 0, shard.count);
  } else if (which == "k8s") {
    index = IndexFrom(kKubernetesVariable, variable(kKubernetesVariable), 1,
                      shard.count);
  } else if (!absl::SimpleAtoi(which, &*index) || *index < 1 ||
             *index > shard.count) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), ": shards of ", shard.count, " are 1/",
                     shard.count, " to ", shard.count, "/", shard.count));
  }
  if (!index.ok()) return index.status();
  shard.index = *index;
  return shard;
}

bool IsInShard(const Shard& shard, absl::string_view id, uint32_t occurrence) {
  if (shard.whole()) return true;
  std::string text(id);
  AppendLittleEndian(occurrence, 4, text);
  return Xxh3(text) % shard.count == shard.index - 1;
}

absl::StatusOr<std::vector<uint32_t>> SelectRows(const Dataset& dataset,
                                                 const Selection& selection) {
  absl::StatusOr<std::vector<uint32_t>> rows =
      MatchIds(dataset, selection.sample_ids);
  if (!rows.ok()) return rows;
  const uint64_t count = selection.num_samples;
  if (count > 0 && count < rows->size()) {
    if (selection.shuffle) {
      KeepDrawn(dataset, selection.seed, count, *rows);
    } else {
      rows->resize(count);
    }
  }
  if (selection.shard.whole()) return rows;
  rows->erase(std::remove_if(rows->begin(), rows->end(),
                             [&](uint32_t row) {
                               return !IsInShard(selection.shard,
                                                 dataset.id(row),
                                                 dataset.occurrence(row));
                             }),
              rows->end());
  return rows;
}

}  // namespace runner
