#include "slicecheck/claims/dynamics.h"

#include "slicecheck/claims/dynamics_step.h"

namespace slicecheck {

Claim claim_t1() {
  Claim claim;
  claim.id = "T1";
  claim.title = "SGD: step, batches, path";
  claim.statement =
      "What the theorem on interpolated SGD presupposes: u⁺ = u − αφ without memory; X and Y i.i.d. with replacement and θ uniform on the sphere, all fresh at "
      "every step; "
      "the path is Algorithm 1's. Its convergence to the subgradient flow as α → 0 is not judged yet.";
  claim.source = "report 000, Algorithm 1; Bianchi, Hachem & Schechtman";
  std::get<std::vector<TypedCheck<SchemeSubject>>>(claim.typed) = sgd_step_checks();
  std::get<std::vector<TypedCheck<SamplerSubject>>>(claim.typed) = batch_checks();
  std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed) = sgd_path_checks();
  return claim;
}

Claim claim_t4() {
  Claim claim;
  claim.id = "T4";
  claim.title = "NPSGD: step and path";
  claim.statement =
      "u⁺ = π_r(u − αφ + α·a·ε) for the whole vector u, ε standard normal, fresh at every step and in every replicate; u_0 is in the ball. That NPSGD enters a "
      "neighbourhood "
      "of C_r is not judged yet.";
  claim.source = "report 000, section on NPSGD; Bianchi, Hachem & Schechtman";
  claim.leaves_out = [](const Subject& subject) {
    const auto* scheme = std::get_if<SchemeSubject>(&subject);
    return scheme != nullptr && !scheme->projects;
  };
  std::get<std::vector<TypedCheck<SchemeSubject>>>(claim.typed) = npsgd_step_checks();
  std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed) = npsgd_path_checks();
  return claim;
}

Claim claim_a6() {
  Claim claim;
  claim.id = "A6";
  claim.title = "finite laws";
  claim.statement =
      "The laws x and y are finite: probabilities that are none (negative, not finite, not adding up to 1, too few) are refused, and atoms come with theirs.";
  claim.source = "assumption of T4; theory/dynamics.md";
  std::get<std::vector<TypedCheck<LawSubject>>>(claim.typed) = finite_law_checks();
  return claim;
}

}  // namespace slicecheck
