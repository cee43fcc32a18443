// Child processes for tests, and how one process waits for another.
//
//   Pipe locked;
//   const pid_t holder = Fork([&] {
//     … take a lock …
//     locked.Signal();
//     while (true) pause();
//   });
//   ASSERT_TRUE(locked.AwaitByte());
//   Kill(holder);
#ifndef JOURNAL_TESTING_CHILD_PROCESS_H_
#define JOURNAL_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <functional>

#include "absl/types/optional.h"

namespace journal {

// An event is one byte, or the end of the pipe: the kernel closes it when the
// writer execs or dies. Waiting has a bound. Not thread-safe.
class Pipe {
 public:
  Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe();

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void CloseReader() { Close(ends_[0]); }
  void CloseWriter() { Close(ends_[1]); }

  void Signal(char byte = 'x') const;
  [[nodiscard]] bool AwaitByte() const { return Await().has_value(); }
  [[nodiscard]] bool AwaitEnd() const;
  // The next byte; nothing at the end, or when the wait was too long.
  absl::optional<char> Await() const;

 private:
  static void Close(int& end);

  int ends_[2] = {-1, -1};
};

// Runs `body` in a forked child and returns the child's pid. The child ends
// with status 0 if `body` returns true. Only while the caller has one thread.
pid_t Fork(const std::function<bool()>& body);

// Waits for the child's end. False unless it ended with status 0.
bool Succeeded(pid_t pid);

// SIGKILL, and waits until it is dead.
void Kill(pid_t pid);

// Execs a program that has no file open but its input and lives until that
// ends.
pid_t ExecUntilEndOf(const Pipe& input);

}  // namespace journal

#endif  // JOURNAL_TESTING_CHILD_PROCESS_H_
