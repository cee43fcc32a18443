// Preloaded into a program, makes its pread(2) and pwrite(2) transfer less than
// asked for, which strace cannot: it can only invent a result, and a device
// that says "written" and has not is another fault.
//
//   LD_PRELOAD=libshort_calls.so SHORT_CALLS=pwrite,7,100,EIO program …
//
// The 7th pwrite of the process (0: every one) transfers at most 100 bytes
// (below 0: so many less than asked for, but at least 1), and then …
//
//   go-on   says how many
//   EIO     fails the thread's next one with EIO, and so ENOSPC, EINTR
//   kill    the process dies by SIGKILL
//
// Says on stderr, once, that it was there: "short_calls: …". What the program
// starts is left alone.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

struct Wish {
  long call = 0;  // SYS_pread64, SYS_pwrite64, or none.
  long nth = 0;
  long bytes = 0;
  bool kill = false;
  int error_number = 0;
} wish;

std::atomic<long> calls{0};
thread_local bool next_fails = false;

__attribute__((constructor)) void ReadWish() {
  const char* text = getenv("SHORT_CALLS");
  char call[16], then[16];
  if (text == nullptr || sscanf(text, "%15[^,],%ld,%ld,%15s", call, &wish.nth,
                                &wish.bytes, then) != 4) {
    return;
  }
  const std::string_view after = then;
  wish.call = std::string_view(call) == "pwrite" ? SYS_pwrite64 : SYS_pread64;
  wish.kill = after == "kill";
  wish.error_number = after == "EIO"      ? EIO
                      : after == "ENOSPC" ? ENOSPC
                      : after == "EINTR"  ? EINTR
                                          : 0;
  unsetenv("SHORT_CALLS");
  unsetenv("LD_PRELOAD");
}

void SayOnce() {
  static std::atomic<bool> said{false};
  if (said.exchange(true)) return;
  constexpr char kText[] = "short_calls: here\n";
  syscall(SYS_write, 2, kText, sizeof kText - 1);
}

ssize_t Call(long number, int fd, void* buffer, size_t size, off_t offset) {
  if (number != wish.call) return syscall(number, fd, buffer, size, offset);
  if (next_fails) {
    next_fails = false;
    errno = wish.error_number;
    return -1;
  }
  const long count = ++calls;
  // One byte cannot be less.
  if ((wish.nth != 0 && count != wish.nth) || size < 2) {
    return syscall(number, fd, buffer, size, offset);
  }
  const long wanted = static_cast<long>(size);
  const long less = std::clamp(
      wish.bytes < 0 ? wanted + wish.bytes : wish.bytes, 1L, wanted - 1);
  SayOnce();
  const ssize_t done = syscall(number, fd, buffer, less, offset);
  if (wish.kill) syscall(SYS_kill, getpid(), SIGKILL);
  next_fails = done > 0 && wish.error_number != 0;
  return done;
}

}  // namespace

// Under their names in the C library, which its headers may declare inline.
extern "C" {
ssize_t ShortRead(int fd, void* buffer, size_t size,
                  off_t offset) __asm__("pread");
ssize_t ShortRead(int fd, void* buffer, size_t size, off_t offset) {
  return Call(SYS_pread64, fd, buffer, size, offset);
}

ssize_t ShortRead64(int fd, void* buffer, size_t size,
                    off_t offset) __asm__("pread64");
ssize_t ShortRead64(int fd, void* buffer, size_t size, off_t offset) {
  return Call(SYS_pread64, fd, buffer, size, offset);
}

ssize_t ShortReadChecked(int fd, void* buffer, size_t size, off_t offset,
                         size_t) __asm__("__pread_chk");
ssize_t ShortReadChecked(int fd, void* buffer, size_t size, off_t offset,
                         size_t) {
  return Call(SYS_pread64, fd, buffer, size, offset);
}

ssize_t ShortReadChecked64(int fd, void* buffer, size_t size, off_t offset,
                           size_t) __asm__("__pread64_chk");
ssize_t ShortReadChecked64(int fd, void* buffer, size_t size, off_t offset,
                           size_t) {
  return Call(SYS_pread64, fd, buffer, size, offset);
}

ssize_t ShortWrite(int fd, const void* buffer, size_t size,
                   off_t offset) __asm__("pwrite");
ssize_t ShortWrite(int fd, const void* buffer, size_t size, off_t offset) {
  return Call(SYS_pwrite64, fd, const_cast<void*>(buffer), size, offset);
}

ssize_t ShortWrite64(int fd, const void* buffer, size_t size,
                     off_t offset) __asm__("pwrite64");
ssize_t ShortWrite64(int fd, const void* buffer, size_t size, off_t offset) {
  return Call(SYS_pwrite64, fd, const_cast<void*>(buffer), size, offset);
}
}
