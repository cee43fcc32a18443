// A terminal of a test's own, for programs that behave otherwise on one.
#ifndef TESTS_TERMINAL_H_
#define TESTS_TERMINAL_H_

#include <string>
#include <vector>

namespace runner {

// Fails the test if there can be none. Not thread-safe.
class Terminal {
 public:
  // `folder`: an absent directory in which a bare system, that has no terminals
  // yet, gets them for as long as this process lives.
  explicit Terminal(const std::string& folder);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  // Its path, to be opened by the program.
  const std::string& name() const { return name_; }
  // Words before a program's that make it stdin.
  std::vector<std::string> AsStdin() const;
  // What somebody types, also before anybody reads.
  void Type(const std::string& text) const;
  // All that is shown until the last process has closed it.
  std::string ReadAll() const;
  // What is shown up to `text`, or to the end.
  std::string ReadUntil(const std::string& text) const;

 private:
  const std::string folder_;
  bool mounted_ = false;
  int fd_ = -1;
  std::string name_;
};

}  // namespace runner

#endif  // TESTS_TERMINAL_H_
