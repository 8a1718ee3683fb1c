#pragma once
/// A feasible plan for small λ. Not part of the library's interface.

#include <optional>

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// The plan with what it lacks of the marginals added along the edges of a spanning tree of its largest entries; nothing if an entry would become negative.
/// `feasible_plan` adds a product instead, at the cost of its mass times the largest slack: where rounding leaves a mass of 2u·max|V|/λ to be added, that is
/// more than the tolerance for small λ. Along the tree it costs λ times the square of that mass.
std::optional<Points<double>> tree_plan(const TransportProblem& problem, Points<double> plan);

}  // namespace slicecheck
