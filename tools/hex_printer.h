// Bytes as `hexdump -C` shows them.
#ifndef TOOLS_HEX_PRINTER_H_
#define TOOLS_HEX_PRINTER_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace inspector {

// Repeated lines are shown once, then a `*`. `out` is borrowed.
class HexPrinter {
 public:
  explicit HexPrinter(std::ostream& out) : out_(out) {}

  // Consecutive parts of a range; all but the last whole lines.
  void Print(uint64_t offset, absl::string_view bytes);

 private:
  void PrintLine(uint64_t offset, absl::string_view line);

  std::ostream& out_;
  std::string last_;
  bool starred_ = false;
};

// The bytes [from, to) of a file, as far as they can be read.
void PrintFileHex(journal::File& file, uint64_t from, uint64_t to,
                  std::ostream& out);

}  // namespace inspector

#endif  // TOOLS_HEX_PRINTER_H_
