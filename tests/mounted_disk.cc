#include "tests/mounted_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBallastStep = 64 << 10;

void WriteText(const char* path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string Enter() {
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return absl::StrCat("unshare: ", strerror(errno));
    }
    WriteText("/proc/self/setgroups", "deny");
    WriteText("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1"));
    WriteText("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1"));
  }
  // In a chroot "/" is no mount point: then what is mounted below it is seen
  // outside as well, until it is unmounted.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 &&
      errno != EINVAL) {
    return absl::StrCat("make mounts private: ", strerror(errno));
  }
  return "";
}

// Runs a command line of words without blanks; what it said if it failed.
std::string Shell(const std::string& command) {
  // Where mkfs lies, and not every path leads.
  FILE* const pipe = popen(
      absl::StrCat("PATH=$PATH:/usr/sbin:/sbin; ", command, " 2>&1").c_str(),
      "re");
  if (pipe == nullptr) return strerror(errno);
  std::string said;
  char piece[512];
  while (const size_t got = fread(piece, 1, sizeof piece, pipe)) {
    said.append(piece, got);
  }
  const int status = pclose(pipe);
  return status == 0 ? ""
                     : absl::StrCat(command, ": ", said, " (", status, ")");
}

}  // namespace

std::string EnterMountNamespace() {
  static const std::string* const error = new std::string(Enter());
  return *error;
}

MountedDisk::MountedDisk(const std::string& path) : path_(path) {
  fs::create_directories(path);
}

MountedDisk::~MountedDisk() {
  umount2(path_.c_str(), MNT_DETACH);
  std::error_code ignored;
  if (!image_.empty()) fs::remove(image_, ignored);
}

void MountedDisk::Mount(const std::string& type, unsigned long flags,
                        const std::string& data) {
  type_ = type;
  EXPECT_EQ(mount(type.c_str(), path_.c_str(), type.c_str(), flags,
                  data.empty() ? nullptr : data.c_str()),
            0)
      << path_ << ": mount " << type << ": " << strerror(errno)
      << "; this test mounts file systems: run it as root, or where user "
         "namespaces are allowed";
}

std::unique_ptr<MountedDisk> MountedDisk::Tmpfs(const std::string& path,
                                                uint64_t bytes) {
  std::unique_ptr<MountedDisk> disk(new MountedDisk(path));
  disk->Mount("tmpfs", 0, absl::StrCat("size=", bytes));
  return disk;
}

std::unique_ptr<MountedDisk> MountedDisk::Image(const std::string& path,
                                                const std::string& mkfs,
                                                const std::string& options,
                                                uint64_t bytes) {
  std::unique_ptr<MountedDisk> disk(new MountedDisk(path));
  disk->image_ = path + ".img";
  std::ofstream(disk->image_).close();
  fs::resize_file(disk->image_, bytes);
  EXPECT_EQ(Shell(absl::StrCat(mkfs, " ", disk->image_)), "")
      << "needed: the packages e2fsprogs and xfsprogs (tools/setup.sh)";
  EXPECT_EQ(Shell(absl::StrCat("mount -o loop", options, " ", disk->image_, " ",
                               path)),
            "")
      << "needed: root, and loop devices (/dev/loop-control, /dev/loop0…; "
         "kernel module loop). Where there are none, "
         "BENCH_JOURNAL_NO_LOOP_DEVICES=1 leaves these tests out";
  return disk;
}

std::unique_ptr<MountedDisk> MountedDisk::Overlay(const std::string& path,
                                                  const std::string& upper) {
  const std::string lower = path + ".lower";
  fs::create_directories(lower);
  fs::create_directories(upper + "/upper");
  fs::create_directories(upper + "/work");
  std::unique_ptr<MountedDisk> disk(new MountedDisk(path));
  disk->Mount("overlay", 0,
              absl::StrCat("lowerdir=", lower, ",upperdir=", upper,
                           "/upper,workdir=", upper, "/work"));
  return disk;
}

void MountedDisk::Resize(uint64_t bytes) {
  Mount(type_, MS_REMOUNT, absl::StrCat("size=", bytes));
}

void MountedDisk::MakeReadOnly() {
  EXPECT_EQ(mount("none", path_.c_str(), nullptr,
                  MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
            0)
      << path_ << ": remount read-only: " << strerror(errno);
}

// Else it would be the machine's own disk that is filled.
bool MountedDisk::IsMounted() const {
  struct stat here = {}, above = {};
  return stat(path_.c_str(), &here) == 0 &&
         stat(fs::path(path_).parent_path().c_str(), &above) == 0 &&
         here.st_dev != above.st_dev;
}

void MountedDisk::Fill() {
  ASSERT_TRUE(IsMounted()) << path_;
  const std::string ballast = path_ + "/ballast";
  const int fd = open(ballast.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0) << strerror(errno);
  // The bulk of it without writing.
  struct statvfs info = {};
  ASSERT_EQ(fstatvfs(fd, &info), 0);
  for (off_t step = static_cast<off_t>(info.f_bavail * info.f_frsize);
       step >= static_cast<off_t>(kBallastStep);) {
    // One that fails may have taken some of it.
    if (fallocate(fd, 0, lseek(fd, 0, SEEK_END), step) != 0) step /= 2;
  }
  lseek(fd, 0, SEEK_END);
  const std::string zeros(kBallastStep, '\0');
  // Less and less, so that no page is left.
  for (size_t step = kBallastStep; step > 0;) {
    if (write(fd, zeros.data(), step) <= 0) step /= 2;
  }
  EXPECT_EQ(errno, ENOSPC);
  fsync(fd);
  close(fd);
}

void MountedDisk::Free() {
  fs::remove(path_ + "/ballast");
  // Some give back what is free a moment later.
  const int fd = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(fd, 0) << strerror(errno);
  EXPECT_EQ(syncfs(fd), 0);
  close(fd);
}

}  // namespace runner
