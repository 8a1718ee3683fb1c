#pragma once
/// Solvers of the subgradient flow with one planted defect each (claims T0 and T3).

#include <string>
#include <vector>

#include "slicecheck/claims/flow_subject.h"

namespace slicecheck {

/// A planted defect in a solver of the flow.
struct FlowDefect {
  std::string name;  ///< as in `gallery/NAME`
  std::string title;
  FlowSubject subject;
};

/// All of them.
std::vector<FlowDefect> broken_flows();

/// The library's solver through the same code. The broken ones are made of it, with one part wrong.
FlowSubject repaired_flow();

}  // namespace slicecheck
