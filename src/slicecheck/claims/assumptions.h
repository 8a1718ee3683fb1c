#pragma once
/// What claim T6 says of assumptions that must not be dropped: noise in proportion to α, and a cut-off that is Lipschitz in u.

#include <vector>

#include "slicecheck/claims/dynamics_subject.h"
#include "slicecheck/claims/generator_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// Schemes that project: the noise of a flow time S adds up to the variance αa²S.
std::vector<TypedCheck<SchemeSubject>> noise_over_time_checks();

/// A2: T(·, x) is Lipschitz with its certified constant, along rays that cross every sphere around 0.
std::vector<TypedCheck<GeneratorSubject>> lipschitz_ray_checks();

}  // namespace slicecheck
