#pragma once
/// Claims about steps, batches, paths, long runs and laws: theory/dynamics.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

Claim claim_t0();  ///< the flow loses what it dissipates
Claim claim_t1();  ///< SGD: its step, its batches, its path
Claim claim_t2();  ///< almost every step size
Claim claim_t3();  ///< solutions of the flow are not unique
Claim claim_t4();  ///< NPSGD: its step and its path, and that it enters a neighbourhood of C_r on the two-point line
Claim claim_t5();  ///< critical points on the sphere
Claim claim_t6();  ///< assumptions that matter
Claim claim_a6();  ///< finite laws

}  // namespace slicecheck
