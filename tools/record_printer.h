// How `show` prints a record.
#ifndef TOOLS_RECORD_PRINTER_H_
#define TOOLS_RECORD_PRINTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/types.h"
#include "tools/command.h"
#include "tools/record_facts.h"

namespace inspector {

// Begin, then Print for each record, then End.
class RecordPrinter {
 public:
  virtual ~RecordPrinter() = default;
  virtual void Begin() {}
  virtual void Print(const journal::Record& record,
                     const RecordFacts& facts) = 0;
  virtual void End() {}
};

// `output` is short, verbose, json or jsonl; else InvalidArgument. The context
// is borrowed.
absl::StatusOr<std::unique_ptr<RecordPrinter>> MakeRecordPrinter(
    absl::string_view output, Context& context);

}  // namespace inspector

#endif  // TOOLS_RECORD_PRINTER_H_
