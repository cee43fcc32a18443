// The names of frames and their flags.
#ifndef TOOLS_FRAME_NAMES_H_
#define TOOLS_FRAME_NAMES_H_

#include <string>

#include "journal/frame.h"

namespace inspector {

// "RECORD", "STATE", "kind 9".
std::string FrameKindName(journal::FrameKind kind);

// "Response" for a record, "STATE frame" for the engine's own.
std::string FrameName(const journal::FrameHeader& header);

// "ignorable,continues"; "-" for none.
std::string FrameFlagNames(uint8_t flags);

}  // namespace inspector

#endif  // TOOLS_FRAME_NAMES_H_
