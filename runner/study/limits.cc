#include "runner/study/limits.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "runner/display/progress_format.h"

namespace runner {
namespace {

absl::optional<LimitReached> CheckFailures(const FailureLimit& limit,
                                           const Spending& spending) {
  const uint64_t ended = spending.failed + spending.answered;
  const std::string of = absl::StrCat(WithThousands(spending.failed), " of ",
                                      WithThousands(ended), " queries failed");
  LimitReached reached;
  reached.name = kMaxFailures;
  if (limit.count > 0 && spending.failed >= limit.count) {
    reached.limit = static_cast<double>(limit.count);
    reached.value = static_cast<double>(spending.failed);
    reached.text = absl::StrCat("--max-failures ", limit.count, ": ", of);
    return reached;
  }
  if (limit.percent <= 0 || ended < kEndedForShareMin) return absl::nullopt;
  reached.share = true;
  reached.limit = limit.percent;
  reached.value =
      100.0 * static_cast<double>(spending.failed) / static_cast<double>(ended);
  if (reached.value < limit.percent) return absl::nullopt;
  reached.text = absl::StrFormat("--max-failures %g%%: %s (%.1f%%)",
                                 limit.percent, of, reached.value);
  return reached;
}

}  // namespace

absl::optional<LimitReached> CheckLimits(const RunLimits& limits,
                                         const Spending& spending) {
  if (limits.cost.has_value() &&
      spending.cost >= *limits.cost * (1 - kCostRounding)) {
    return LimitReached{
        "max-cost", *limits.cost, spending.cost, /*share=*/false,
        absl::StrCat("--max-cost ", FormatDollars(*limits.cost), ": ",
                     FormatDollars(spending.cost), " spent")};
  }
  if (limits.tokens > 0 && spending.tokens() >= limits.tokens) {
    return LimitReached{
        "max-tokens-total", static_cast<double>(limits.tokens),
        static_cast<double>(spending.tokens()), /*share=*/false,
        absl::StrCat("--max-tokens-total ", WithThousands(limits.tokens), ": ",
                     WithThousands(spending.tokens()), " used")};
  }
  if (spending.elapsed >= limits.duration) {
    return LimitReached{
        kMaxDuration, absl::ToDoubleSeconds(limits.duration),
        absl::ToDoubleSeconds(spending.elapsed), /*share=*/false,
        absl::StrCat("--max-duration ", absl::FormatDuration(limits.duration),
                     ": ", FormatClock(spending.elapsed), " in all sessions")};
  }
  return CheckFailures(limits.failures, spending);
}

void LimitWatch::Watch(std::function<void()> stop) {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = std::move(stop);
    watching_ = true;
  }
  Check();
  if (limits_.duration == absl::InfiniteDuration()) return;
  timer_ = std::thread([this] { WaitForTheTime(); });
}

void LimitWatch::Unwatch() {
  {
    absl::MutexLock lock(&mutex_);
    watching_ = false;
    stop_ = nullptr;
    unwatched_.SignalAll();
  }
  if (timer_.joinable()) timer_.join();
}

void LimitWatch::Check() {
  if (!IsLimited(limits_)) return;
  const Spending spending = ledger_->total();
  std::function<void()> stop;
  {
    absl::MutexLock lock(&mutex_);
    if (!reached_.has_value()) reached_ = CheckLimits(limits_, spending);
    if (reached_.has_value()) std::swap(stop, stop_);
  }
  if (stop != nullptr) stop();
}

absl::optional<LimitReached> LimitWatch::reached() const {
  absl::MutexLock lock(&mutex_);
  return reached_;
}

void LimitWatch::WaitForTheTime() {
  for (;;) {
    const absl::Duration left = limits_.duration - ledger_->total().elapsed;
    if (left <= absl::ZeroDuration()) return Check();
    absl::MutexLock lock(&mutex_);
    if (!watching_ || reached_.has_value()) return;
    clock_->WaitWithTimeout(&unwatched_, &mutex_, left);
    if (!watching_) return;
  }
}

}  // namespace runner
