#include "tools/hex_printer.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace inspector {
namespace {

constexpr size_t kHexBytesPerLine = 16;
constexpr size_t kReadBytes = 64 << 10;
static_assert(kReadBytes % kHexBytesPerLine == 0);

}  // namespace

void HexPrinter::Print(uint64_t offset, absl::string_view bytes) {
  for (; !bytes.empty(); offset += kHexBytesPerLine) {
    const absl::string_view line = bytes.substr(0, kHexBytesPerLine);
    bytes.remove_prefix(line.size());
    const bool repeated = line == last_ && !bytes.empty();
    if (repeated && !starred_) out_ << "    *\n";
    starred_ = repeated;
    if (!repeated) PrintLine(offset, line);
    last_ = std::string(line);
  }
}

void HexPrinter::PrintLine(uint64_t offset, absl::string_view line) {
  std::string text = absl::StrFormat("    %08x ", offset);
  for (size_t i = 0; i < kHexBytesPerLine; ++i) {
    if (i < line.size()) {
      absl::StrAppendFormat(&text, " %02x",
                            static_cast<unsigned char>(line[i]));
    } else {
      text += "   ";
    }
  }
  text += "  |";
  for (const char c : line) text += c >= 0x20 && c < 0x7f ? c : '.';
  out_ << text << "|\n";
}

void PrintFileHex(journal::File& file, uint64_t from, uint64_t to,
                  std::ostream& out) {
  HexPrinter hex(out);
  std::string buffer;
  while (from < to) {
    buffer.resize(std::min<uint64_t>(kReadBytes, to - from));
    const absl::StatusOr<size_t> got =
        file.ReadAt(from, buffer.data(), buffer.size());
    if (!got.ok() || *got == 0) {
      out << "    unreadable from " << from << " on\n";
      return;
    }
    hex.Print(from, absl::string_view(buffer).substr(0, *got));
    from += *got;
  }
}

}  // namespace inspector
