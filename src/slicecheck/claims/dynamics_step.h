#pragma once
/// What claims T1, T4 and A6 say of one step, of batches, of a path and of finite laws. Convergence itself is not judged here.
///
/// Randomised checks judge a p-value against kTypedFalseAlarm (statistics/goodness_of_fit.h); every p-value used is valid for the sample size at hand, none is
/// asymptotic, and sample sizes are such that the gallery's defects have p-values below 10⁻¹² with overwhelming probability.

#include <vector>

#include "slicecheck/claims/dynamics_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// T1: u⁺ = u − αφ, whatever happened before. An NPSGD is judged with noise 0 and a radius of 10³⁰⁰.
std::vector<TypedCheck<SchemeSubject>> sgd_step_checks();

/// T4: u⁺ = π_r(u − αφ + α·a·ε) for the WHOLE vector, ε standard normal and fresh; u_0 is projected. A scheme that does not project is skipped.
std::vector<TypedCheck<SchemeSubject>> npsgd_step_checks();

/// T1 (Algorithm 1): X ~ x^n, Y ~ y^n with replacement, directions uniform on the sphere, all independent and fresh at every step.
std::vector<TypedCheck<SamplerSubject>> batch_checks();

/// T1: the path of SGD is Algorithm 1's.
std::vector<TypedCheck<TrainingSubject>> sgd_path_checks();

/// T1: the path, less the drift that the exact ∇F makes along it, is no larger than a martingale of its step size can be: testbed 2, n ≥ 4.
std::vector<TypedCheck<TrainingSubject>> sgd_drift_checks();

/// T4: the path of NPSGD is Algorithm 1's with the projected start, and replicates have noise of their own.
std::vector<TypedCheck<TrainingSubject>> npsgd_path_checks();

/// A6: probabilities that are none are refused; atoms come with their probabilities, independently.
std::vector<TypedCheck<LawSubject>> finite_law_checks();

}  // namespace slicecheck
