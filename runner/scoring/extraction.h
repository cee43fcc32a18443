// Finds the answer in a response.
#ifndef RUNNER_SCORING_EXTRACTION_H_
#define RUNNER_SCORING_EXTRACTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

// At most one of the two is set; none: the whole response is the answer.
struct ExtractionOptions {
  std::string regex = {};    // RE2 syntax.
  std::string extract = {};  // "last-line" or "after:TEXT".
};

// Immutable and thread-safe.
class Extractor {
 public:
  // InvalidArgument for a pattern that RE2 refuses and an unknown way.
  static absl::StatusOr<std::unique_ptr<Extractor>> Create(
      const ExtractionOptions& options);

  virtual ~Extractor() = default;

  // The answer in `response`, without blanks around it; nullopt when there is
  // none ("unparsed").
  //   regex       the last match's first group, or the whole match when the
  //               pattern has no group; matches whose group took no part, or
  //               is blank, are passed over
  //   last-line   the last line that is not blank
  //   after:TEXT  after TEXT's last occurrence, the first line that is not
  //               blank
  virtual absl::optional<std::string> Extract(
      absl::string_view response) const = 0;

  // The same for a target, which may be the bare answer already: itself where
  // nothing is found.
  std::string ExtractTarget(absl::string_view target) const;
};

}  // namespace runner

#endif  // RUNNER_SCORING_EXTRACTION_H_
