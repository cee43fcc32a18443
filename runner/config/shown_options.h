// What people and programs are shown of an option: its effective value, also
// where another option or a foreign variable decides it.
#ifndef RUNNER_CONFIG_SHOWN_OPTIONS_H_
#define RUNNER_CONFIG_SHOWN_OPTIONS_H_

#include <string>

#include "runner/config/options.h"

namespace runner {

struct ShownOption {
  std::string value;    // Empty: not set, or `hidden`.
  std::string source;   // "file bench.yaml", "inferred from --base-url", …
  bool hidden = false;  // A secret that is set.
};

bool operator==(const ShownOption& a, const ShownOption& b);

// Of `option`, which is one of `options.effective`. What is inferred is not
// written back there: it would be saved, and be another identity. Reads the
// environment: not safe beside setenv.
ShownOption ShownOf(const EffectiveOption& option, const RunOptions& options);

}  // namespace runner

#endif  // RUNNER_CONFIG_SHOWN_OPTIONS_H_
