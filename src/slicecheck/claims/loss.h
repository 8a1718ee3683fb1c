#pragma once
/// Claims L: statements about the loss itself. One function per claim; statements and proofs in theory/loss.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

Claim claim_l1();  ///< order statistics: w is the optimal transport cost
Claim claim_l2();  ///< Lipschitz in the points, with the sharp constant
Claim claim_l5();  ///< invariances
Claim claim_l6();  ///< closed forms: translation

}  // namespace slicecheck
