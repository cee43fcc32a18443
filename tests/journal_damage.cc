#include "tests/journal_damage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"
#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

// Offsets of FORMAT.md, read here without the engine's own code.
constexpr size_t kSector = 512;
constexpr size_t kHeaderCopies = 2;
constexpr size_t kVersionAt = 8;
constexpr size_t kFeaturesAt = 12;
constexpr size_t kChecksumAt = 504;
constexpr size_t kFrameHeader = 48;
constexpr size_t kBodyBytesAt = 4;
constexpr size_t kLsnAt = 8;
constexpr absl::string_view kFrameMagic = "bjF1";

uint64_t GetNumber(absl::string_view bytes, size_t at, int size) {
  uint64_t value = 0;
  for (int i = size; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

void PutNumber(uint64_t value, int size, char* to) {
  for (int i = 0; i < size; ++i) to[i] = static_cast<char>(value >> 8 * i);
}

constexpr size_t AlignUp(size_t value, size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

bool IsFrame(const std::string& segment, size_t at) {
  return at + kFrameHeader <= segment.size() &&
         segment.compare(at, kFrameMagic.size(), kFrameMagic.data(),
                         kFrameMagic.size()) == 0;
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  std::string content(static_cast<size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  EXPECT_TRUE(file.good()) << path;
  return content;
}

void WriteFile(const std::string& path, absl::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  EXPECT_TRUE(file.good()) << path;
}

Files ReadFiles(const std::string& directory) {
  Files files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != "LOCK") {
      files[name] = ReadFile(entry.path().string());
    }
  }
  return files;
}

void PutFiles(const std::string& directory, const Files& files) {
  for (const auto& [name, content] : ReadFiles(directory)) {
    if (files.count(name) == 0) fs::remove(fs::path(directory) / name);
  }
  for (const auto& [name, content] : files) {
    WriteFile(absl::StrCat(directory, "/", name), content);
  }
}

std::vector<std::string> SegmentNames(const Files& files) {
  std::vector<std::string> names;
  for (const auto& [name, content] : files) {
    if (absl::EndsWith(name, ".seg")) names.push_back(name);
  }
  return names;
}

bool Same(const Files& before, const Files& after) {
  if (before == after) return true;
  for (const auto& [name, content] : before) {
    const auto now = after.find(name);
    EXPECT_FALSE(now == after.end()) << name << " is gone";
    EXPECT_TRUE(now == after.end() || now->second == content)
        << name << " has changed";
  }
  for (const auto& [name, content] : after) {
    EXPECT_EQ(before.count(name), 1u) << name << " is new";
  }
  return false;
}

Said Inspect(const std::vector<std::string>& args) {
  std::ostringstream said;
  inspector::Context context{
      said, said, {}, [](absl::Duration) { return false; }};
  const int exit_code = inspector::RunJournalctlBench(args, context);
  return {exit_code, said.str()};
}

Said InspectForReal(const std::vector<std::string>& args,
                    const std::string& directory) {
  std::vector<std::string> words = {
      (fs::current_path() / "tools/journalctl-bench").string()};
  words.insert(words.end(), args.begin(), args.end());
  RunnerProcess program(words, directory);
  const int exit_code = program.WaitExit();
  return {exit_code, program.out() + program.err()};
}

std::string AsNewer(const std::string& segment, uint32_t newer,
                    uint32_t features) {
  std::string changed = segment;
  for (size_t copy = 0; copy < kHeaderCopies; ++copy) {
    char* const header = changed.data() + copy * kSector;
    PutNumber(1 + newer, 4, header + kVersionAt);
    PutNumber(features, 4, header + kFeaturesAt);
    PutNumber(Xxh3({header, kChecksumAt}), 8, header + kChecksumAt);
  }
  return changed;
}

std::vector<FramePlace> FramesOf(const std::string& segment_path) {
  const std::string segment = ReadFile(segment_path);
  std::vector<FramePlace> frames;
  size_t at = kHeaderCopies * kSector;
  for (;;) {
    const size_t sector = AlignUp(at, kSector);
    if (!IsFrame(segment, at) && IsFrame(segment, sector)) at = sector;
    if (!IsFrame(segment, at)) return frames;
    const size_t body = GetNumber(segment, at + kBodyBytesAt, 4);
    const size_t end = at + kFrameHeader + AlignUp(body, 8);
    frames.push_back({GetNumber(segment, at + kLsnAt, 8), at, end});
    at = end;
  }
}

}  // namespace runner
