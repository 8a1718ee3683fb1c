#include "slicecheck/claims/criticality_subject.h"

#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/finite_objective.h"

namespace slicecheck {

namespace {

CriticalitySubject subject_of(std::string name, std::string description, OuterRule rule) {
  return {std::move(name), std::move(description),
          [rule](const CriticalityQuestion& q) {
            CriticalityOptions options;
            options.rule = rule;
            const Criticality found = criticality(FiniteObjective(q.generator, *q.source, *q.target, q.n), q.u, q.radius, options);
            return DistanceBracket{found.lower, found.upper};
          },
          [](const CriticalityQuestion& q, const GoldsteinSettings& settings, std::uint64_t seed) {
            return goldstein_criticality(*q.generator, ReferenceLoss(2.0), *q.source, *q.target, q.u, settings, seed).norm;
          }};
}

}  // namespace

std::vector<CriticalitySubject> criticality_subjects() {
  return {subject_of("criticality", "dist(0, ∂_C F(u) + N_r(u)), all terms of F in one activation cell; Goldstein's version from frozen batches",
                     OuterRule::joint_cells),
          subject_of("criticality-sum-rule", "the same with the larger outer set of the sum rule", OuterRule::sum_rule)};
}

}  // namespace slicecheck
