// Scorers of retrieval: the answer is a ranking, the target what is relevant.
//
// Both are lists of ids: a JSON list of strings or numbers, or one id a line.
// An id counts at its first place only. The target may instead be an object
// {id: gain} with gains of at least 0, of which those above 0 are relevant; in
// a list each has gain 1. A target without a relevant id is refused: nothing
// could be measured. An answer that is neither is "unparsed"; an empty JSON
// list is an answer that found nothing.
#ifndef RUNNER_SCORING_RETRIEVAL_SCORERS_H_
#define RUNNER_SCORING_RETRIEVAL_SCORERS_H_

#include <cstdint>
#include <memory>

#include "runner/scoring/scorer.h"

namespace runner {

inline constexpr uint32_t kCutoffMax = 1000000;

// `k`: only the first k of the answer count, at least 1. The measures are those
// of trec_eval (NIST) by the names recall.k, P.k, recip_rank and ndcg_cut.k.

// The share of what is relevant that is among the first k.
std::unique_ptr<Scorer> NewRecallAt(uint32_t k);

// The share of k places that hold something relevant. An answer of fewer than k
// ids leaves places empty.
std::unique_ptr<Scorer> NewPrecisionAt(uint32_t k);

// One over the rank of the first relevant id; 0 when there is none. Its mean is
// the MRR.
std::unique_ptr<Scorer> NewReciprocalRank();

// The discounted gain of the first k over that of the best order: the sum of
// gain / log2(1 + rank) (Järvelin and Kekäläinen 2002, "Cumulated gain-based
// evaluation of IR techniques", with the discount that Burges et al. 2005 made
// usual; gains are linear).
std::unique_ptr<Scorer> NewNdcgAt(uint32_t k);

}  // namespace runner

#endif  // RUNNER_SCORING_RETRIEVAL_SCORERS_H_
