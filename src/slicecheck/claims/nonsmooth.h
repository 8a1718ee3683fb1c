#pragma once
/// Claims N: statements about the Clarke subdifferential of the loss and of u ↦ f. One function per claim; statements and proofs in theory/nonsmooth.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

Claim claim_n1();  ///< the subdifferential of w_θ
Claim claim_n2();  ///< membership is majorisation
Claim claim_n3();  ///< one-sided limits are vertices
Claim claim_n4();  ///< every tie-break is a member
Claim claim_n5();  ///< the support function, exact at finite steps
Claim claim_n6();  ///< harmful and harmless ties
Claim claim_n7();  ///< path differentiability
Claim claim_n8();  ///< what SGD meets
Claim claim_n9();  ///< criticality

}  // namespace slicecheck
