#include "slicecheck/claims/dynamics.h"

#include "slicecheck/claims/dynamics_step.h"
#include "slicecheck/claims/neighbourhood.h"

namespace slicecheck {

Claim claim_t1() {
  Claim claim;
  claim.id = "T1";
  claim.title = "SGD: step, batches, path, drift";
  claim.statement =
      "u⁺ = u − αφ without memory; X and Y i.i.d. with replacement and θ uniform on the sphere, all fresh at every step; the path is Algorithm 1's, and "
      "follows the flow up to a "
      "martingale: max_t ‖u_t − u_0 + αΣ∇F(u_i)‖ stays below a bound that vanishes with α. The distance to the flow itself is measured by the experiment "
      "flow-limit.";
  claim.source = "report 000, Algorithm 1; Bianchi, Hachem & Schechtman";
  std::get<std::vector<TypedCheck<SchemeSubject>>>(claim.typed) = sgd_step_checks();
  std::get<std::vector<TypedCheck<SamplerSubject>>>(claim.typed) = batch_checks();
  auto& on_trainings = std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed);
  on_trainings = sgd_path_checks();
  for (auto& check : sgd_drift_checks()) on_trainings.push_back(std::move(check));
  return claim;
}

Claim claim_t4() {
  Claim claim;
  claim.id = "T4";
  claim.title = "NPSGD: step, path, neighbourhood of C_r";
  claim.statement =
      "u⁺ = π_r(u − αφ + α·a·ε) for the whole vector u, ε standard normal, fresh at every step and in every replicate; u_0 is in the ball. On the two-point "
      "line it "
      "then enters a neighbourhood of C_r, whether r is above c_n or below: E dist(u_t, C_r)² ≤ (1 − 2α)^{2t}(|u_0| − ρ)² + α(4 Var ξ + a²)/(4(1 − α)), "
      "ρ = min(c_n, r), so that P(dist > η), judged over independent replicates, vanishes with α.";
  claim.source = "report 000, section on NPSGD; Bianchi, Hachem & Schechtman";
  claim.leaves_out = [](const Subject& subject) {
    const auto* scheme = std::get_if<SchemeSubject>(&subject);
    return scheme != nullptr && !scheme->projects;
  };
  auto& on_schemes = std::get<std::vector<TypedCheck<SchemeSubject>>>(claim.typed);
  on_schemes = npsgd_step_checks();
  for (auto& check : neighbourhood_checks()) on_schemes.push_back(std::move(check));
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
