#pragma once
/// Claims about steps, batches, paths and laws. What they say of convergence is not judged yet: theory/dynamics.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

Claim claim_t1();  ///< SGD: its step, its batches, its path
Claim claim_t4();  ///< NPSGD: its step and its path
Claim claim_a6();  ///< finite laws

}  // namespace slicecheck
