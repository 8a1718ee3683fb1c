#pragma once
/// Claims L: statements about the loss itself. One function per claim; statements and proofs in theory/loss.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

Claim claim_l1();  ///< order statistics: w is the optimal transport cost
Claim claim_l2();  ///< Lipschitz in the points, with the sharp constant
Claim claim_l3();  ///< f is locally Lipschitz in u
Claim claim_l4();  ///< F is locally Lipschitz in u
Claim claim_l5();  ///< invariances
Claim claim_l6();  ///< closed forms
Claim claim_l7();  ///< Monte Carlo over directions
Claim claim_l8();  ///< the gradient for every exponent

}  // namespace slicecheck
