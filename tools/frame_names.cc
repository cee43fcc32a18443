#include "tools/frame_names.h"

#include "absl/strings/str_cat.h"
#include "runner/storage/record_codec.h"

namespace inspector {

std::string FrameKindName(journal::FrameKind kind) {
  switch (kind) {
    case journal::FrameKind::kRecord:
      return "RECORD";
    case journal::FrameKind::kWatermark:
      return "WATERMARK";
    case journal::FrameKind::kState:
      return "STATE";
    case journal::FrameKind::kSeal:
      return "SEAL";
    case journal::FrameKind::kClose:
      return "CLOSE";
  }
  return absl::StrCat("kind ", static_cast<int>(kind));
}

std::string FrameName(const journal::FrameHeader& header) {
  if (header.kind == journal::FrameKind::kRecord) {
    return runner::RecordTypeName(header.type);
  }
  return absl::StrCat(FrameKindName(header.kind), " frame");
}

std::string FrameFlagNames(uint8_t flags) {
  std::string names;
  const auto add = [&](uint8_t bit, absl::string_view name) {
    if ((flags & bit) == 0) return;
    absl::StrAppend(&names, names.empty() ? "" : ",", name);
    flags &= ~bit;
  };
  add(journal::kIgnorable, "ignorable");
  add(journal::kSpanContinues, "continues");
  add(journal::kEncrypted, "encrypted");
  add(journal::kSpanFollows, "follows");
  if (flags != 0) {
    absl::StrAppend(&names, names.empty() ? "" : ",", "unknown ",
                    static_cast<int>(flags));
  }
  return names.empty() ? "-" : names;
}

}  // namespace inspector
