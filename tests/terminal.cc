#include "tests/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace runner {

Terminal::Terminal(const std::string& folder) : folder_(folder) {
  std::string names = "/dev/pts";
  fd_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd_ < 0 || access(names.c_str(), F_OK) != 0) {
    names = folder;
    std::filesystem::create_directories(folder);
    mounted_ =
        unshare(CLONE_NEWNS) == 0 &&
        mount("devpts", folder.c_str(), "devpts", 0, "ptmxmode=0666") == 0;
    EXPECT_TRUE(mounted_) << "no terminal: " << strerror(errno);
    fd_ = open((folder + "/ptmx").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  int number = 0;
  EXPECT_TRUE(fd_ >= 0 && unlockpt(fd_) == 0 &&
              ioctl(fd_, TIOCGPTN, &number) == 0)
      << "no terminal: " << strerror(errno);
  name_ = names + "/" + std::to_string(number);
}

Terminal::~Terminal() {
  if (fd_ >= 0) close(fd_);
  if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
}

std::vector<std::string> Terminal::AsStdin() const {
  return {"sh", "-c", "exec \"$@\" <\"$0\"", name_};
}

void Terminal::Type(const std::string& text) const {
  EXPECT_EQ(write(fd_, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}

std::string Terminal::ReadUntil(const std::string& text) const {
  std::string seen;
  char bytes[4096];
  while (text.empty() || seen.find(text) == std::string::npos) {
    const ssize_t size = read(fd_, bytes, sizeof bytes);
    // An error when the last process has closed the terminal.
    if (size <= 0) break;
    seen.append(bytes, static_cast<size_t>(size));
  }
  return seen;
}

std::string Terminal::ReadAll() const { return ReadUntil(""); }

}  // namespace runner
