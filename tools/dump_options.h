// What `dump` is asked to show of each file.
#ifndef TOOLS_DUMP_OPTIONS_H_
#define TOOLS_DUMP_OPTIONS_H_

#include "journal/cipher.h"
#include "journal/segment_header.h"
#include "tools/command_line.h"

namespace inspector {

struct DumpOptions {
  bool hex = true;
  LsnRange lsns;
  // Of the journal, for a file that does not say it any more.
  journal::JournalUuid uuid = {};
  journal::KeyId key_id = {};
};

}  // namespace inspector

#endif  // TOOLS_DUMP_OPTIONS_H_
