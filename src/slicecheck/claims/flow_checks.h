#pragma once
/// The checks of claims T0 and T3 on solvers of the flow.

#include <vector>

#include "slicecheck/claims/flow_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// T0: the energy identity, the inclusion, the ball, closed forms and limits.
std::vector<TypedCheck<FlowSubject>> flow_energy_checks();

/// T3: the family from a tie, and which ways out of one there are.
std::vector<TypedCheck<FlowSubject>> flow_family_checks();

}  // namespace slicecheck
