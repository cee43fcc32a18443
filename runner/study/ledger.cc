#include "runner/study/ledger.h"

#include <cmath>

#include "runner/storage/usage_totals.h"

namespace runner {

uint64_t Spending::tokens() const {
  return SaturatingAdd(prompt_tokens, completion_tokens);
}

void Spending::Add(const Spending& other) {
  if (std::isfinite(cost + other.cost)) cost += other.cost;
  prompt_tokens = SaturatingAdd(prompt_tokens, other.prompt_tokens);
  completion_tokens = SaturatingAdd(completion_tokens, other.completion_tokens);
  unmetered = SaturatingAdd(unmetered, other.unmetered);
  unpriced = SaturatingAdd(unpriced, other.unpriced);
  failed = SaturatingAdd(failed, other.failed);
  answered = SaturatingAdd(answered, other.answered);
  elapsed += other.elapsed;
}

void Ledger::BeginSession(size_t benchmark) {
  absl::MutexLock lock(&mutex_);
  session_ = Session{benchmark, clock_->Monotonic()};
}

void Ledger::EndSession() {
  absl::MutexLock lock(&mutex_);
  CountTime();
  session_.reset();
}

void Ledger::CountTime() const {
  if (!session_.has_value()) return;
  const absl::Duration now = clock_->Monotonic();
  accounts_[session_->benchmark].spending.elapsed += now - session_->counted;
  session_->counted = now;
}

void Ledger::Carry(size_t benchmark, absl::string_view model,
                   const ProgressTotals& totals) {
  absl::MutexLock lock(&mutex_);
  Account& account = accounts_[benchmark];
  account.model = std::string(model);
  account.spending = {.cost = totals.cost,
                      .prompt_tokens = totals.prompt_tokens,
                      .completion_tokens = totals.completion_tokens,
                      .unmetered = totals.unmetered,
                      .unpriced = totals.unpriced,
                      .failed = totals.failed,
                      .answered = totals.answered,
                      .elapsed = totals.elapsed};
}

void Ledger::AddAttempt(size_t benchmark, const Usage& usage,
                        const absl::optional<double>& cost, bool answered) {
  Spending attempt;
  attempt.prompt_tokens = usage.prompt_tokens;
  attempt.completion_tokens = usage.completion_tokens;
  attempt.unmetered = usage.metered ? 0 : 1;
  attempt.cost = cost.value_or(0);
  attempt.unpriced = answered && !cost.has_value() ? 1 : 0;
  absl::MutexLock lock(&mutex_);
  accounts_[benchmark].spending.Add(attempt);
}

void Ledger::SetEnded(size_t benchmark, uint64_t answered, uint64_t failed) {
  absl::MutexLock lock(&mutex_);
  Spending& spending = accounts_[benchmark].spending;
  spending.answered = answered;
  spending.failed = failed;
}

Spending Ledger::total() const {
  absl::MutexLock lock(&mutex_);
  CountTime();
  Spending total;
  for (const auto& [benchmark, account] : accounts_) {
    total.Add(account.spending);
  }
  return total;
}

std::map<std::string, Spending> Ledger::by_model() const {
  absl::MutexLock lock(&mutex_);
  CountTime();
  std::map<std::string, Spending> models;
  for (const auto& [benchmark, account] : accounts_) {
    models[account.model].Add(account.spending);
  }
  return models;
}

}  // namespace runner
