#include "runner/storage/snapshot_request.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "runner/storage/journal_holder.h"

namespace runner {
namespace {

constexpr absl::string_view kPrefix = "snapshot-";
constexpr size_t kTokenDigits = 16;

// In the order in which a file goes through them.
constexpr std::pair<RequestState, absl::string_view> kSuffixes[] = {
    {RequestState::kRequested, ".request"},
    {RequestState::kTaken, ".taken"},
    {RequestState::kMade, ".made"},
    {RequestState::kNoSpace, ".no-space"},
    {RequestState::kDamaged, ".damaged"},
    {RequestState::kFailed, ".failed"},
};

bool IsToken(absl::string_view text) {
  return text.size() == kTokenDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string NewToken() {
  absl::BitGen random;
  return absl::StrCat(
      absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

// One request, from its making to its removal.
class Request {
 public:
  explicit Request(absl::string_view directory)
      : directory_(directory), token_(NewToken()) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() {
    for (const auto& [state, suffix] : kSuffixes) {
      unlink(PathIn(state).c_str());
    }
  }

  absl::Status Make() const {
    const std::string path = PathIn(RequestState::kRequested);
    const int fd =
        open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             0600);
    if (fd < 0) return journal::ErrnoError(errno, path);
    close(fd);
    return absl::OkStatus();
  }

  // Nothing when there is no such file. Asked for in the order in which it
  // moves, so that it cannot slip by.
  absl::optional<RequestState> state() const {
    for (const auto& [state, suffix] : kSuffixes) {
      if (access(PathIn(state).c_str(), F_OK) == 0) return state;
    }
    return absl::nullopt;
  }

 private:
  std::string PathIn(RequestState state) const {
    return journal::JoinPath(directory_, RequestFileName({token_, state}));
  }

  const std::string directory_;
  const std::string token_;
};

// A writer that is busy with another's request will come to this one.
bool AnotherIsTaken(absl::string_view directory) {
  const absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(directory);
  if (!names.ok()) return false;
  return std::any_of(names->begin(), names->end(), [](const auto& name) {
    const absl::optional<RequestFile> file = ParseRequestFileName(name);
    return file.has_value() && file->state == RequestState::kTaken;
  });
}

absl::optional<AskOutcome> OutcomeOf(RequestState state) {
  switch (state) {
    case RequestState::kRequested:
    case RequestState::kTaken:
      return absl::nullopt;
    case RequestState::kMade:
      return AskOutcome::kMade;
    case RequestState::kNoSpace:
      return AskOutcome::kNoSpace;
    case RequestState::kDamaged:
      return AskOutcome::kDamaged;
    case RequestState::kFailed:
      return AskOutcome::kFailed;
  }
  return absl::nullopt;
}

// Makes one request; `waited` goes on counting.
absl::StatusOr<AskOutcome> AskOnce(absl::string_view directory,
                                   const AskOptions& options,
                                   absl::Duration& waited) {
  const Request request(directory);
  if (absl::Status s = request.Make(); !s.ok()) return s;
  absl::Duration untaken;
  for (;;) {
    // Before its state: a writer that ends has answered by then, or never will.
    const bool held = FindHolder(directory).has_value();
    const absl::optional<RequestState> state = request.state();
    if (!state.has_value()) return AskOutcome::kLost;
    if (const auto outcome = OutcomeOf(*state)) return *outcome;
    if (!held) return AskOutcome::kNobodyWrites;
    if (waited >= options.timeout) return AskOutcome::kTooLate;
    if (*state == RequestState::kRequested && untaken >= kRequestTakenMax &&
        !AnotherIsTaken(directory)) {
      return AskOutcome::kNotTaken;
    }
    if (!options.wait(kAnswerLookInterval)) return AskOutcome::kInterrupted;
    waited += kAnswerLookInterval;
    untaken += kAnswerLookInterval;
  }
}

}  // namespace

std::string RequestFileName(const RequestFile& file) {
  for (const auto& [state, suffix] : kSuffixes) {
    if (state == file.state) return absl::StrCat(kPrefix, file.token, suffix);
  }
  return "";
}

absl::optional<RequestFile> ParseRequestFileName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix)) return absl::nullopt;
  for (const auto& [state, suffix] : kSuffixes) {
    absl::string_view token = name;
    if (!absl::ConsumeSuffix(&token, suffix)) continue;
    if (!IsToken(token)) return absl::nullopt;
    return RequestFile{std::string(token), state};
  }
  return absl::nullopt;
}

absl::StatusOr<AskOutcome> AskForSnapshot(absl::string_view directory,
                                          const AskOptions& options) {
  absl::Duration waited;
  for (int lost = 0; lost < kRequestsLostMax; ++lost) {
    const absl::StatusOr<AskOutcome> outcome =
        AskOnce(directory, options, waited);
    if (!outcome.ok() || *outcome != AskOutcome::kLost) return outcome;
  }
  return AskOutcome::kLost;
}

}  // namespace runner
