// File systems of a test's own: mounted in a mount namespace, so that nothing
// of them is seen, or left, outside; filled to the last byte and emptied.
//
//   ASSERT_EQ(EnterMountNamespace(), "");
//   auto disk = MountedDisk::Image(path, "mkfs.ext4 -q", "", 64 << 20);
//   disk->Fill();
//   …
//   disk->Free();
#ifndef TESTS_MOUNTED_DISK_H_
#define TESTS_MOUNTED_DISK_H_

#include <cstdint>
#include <memory>
#include <string>

namespace runner {

// Enters a mount namespace of its own; as another user than root within a user
// namespace. Says why it cannot, else "". Before the first thread starts; a
// second call does nothing.
std::string EnterMountNamespace();

// Unmounted at the end. Creating one fails the test where it cannot be, and
// says what is missing. Not thread-safe.
class MountedDisk {
 public:
  MountedDisk(const MountedDisk&) = delete;
  MountedDisk& operator=(const MountedDisk&) = delete;
  ~MountedDisk();

  // At `path`, which is created.
  static std::unique_ptr<MountedDisk> Tmpfs(const std::string& path,
                                            uint64_t bytes);
  // A file `path`.img, formatted by `mkfs` and the file's name, on a loop
  // device, mounted with `options` such as ",data=journal": needs root.
  static std::unique_ptr<MountedDisk> Image(const std::string& path,
                                            const std::string& mkfs,
                                            const std::string& options,
                                            uint64_t bytes);
  // `path` over an empty directory, writing to `upper` on another disk.
  static std::unique_ptr<MountedDisk> Overlay(const std::string& path,
                                              const std::string& upper);

  const std::string& path() const { return path_; }
  bool IsMounted() const;

  void Resize(uint64_t bytes);  // A tmpfs.
  void MakeReadOnly();
  // Writes a file until nothing more goes in, and removes it.
  void Fill();
  void Free();

 private:
  explicit MountedDisk(const std::string& path);
  void Mount(const std::string& type, unsigned long flags,
             const std::string& data);

  const std::string path_;
  std::string type_ = "none", image_;
};

}  // namespace runner

#endif  // TESTS_MOUNTED_DISK_H_
