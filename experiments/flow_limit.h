#pragma once
/// The parts of the experiment `flow-limit`: SGD against the subgradient flow (claims T0–T3).

#include <string>
#include <vector>

#include "convergence.h"
#include "slicecheck/dynamics/testbeds.h"

namespace slicecheck {

/// Verdicts of `flow-limit` are judged at this level each; there are at most kFlowLimitVerdicts of them.
constexpr Index kFlowLimitVerdicts = 50;
constexpr double kFlowLimitLevel = kExperimentFalseAlarm / static_cast<double>(kFlowLimitVerdicts);

/// Numbers of tables of replicates (stream_replicate).
enum FlowLimitTable : std::uint32_t { kFlowPaths = 0, kFlowDefects = 64, kFlowSteps = 256, kFlowFan = 257, kFlowNetwork = 258 };

/// Settings shared by the parts.
struct FlowLimitSettings {
  std::vector<std::string> testbeds;
  Index replicates;
  std::vector<double> step_sizes;
  double horizon;
  std::vector<double> etas;
};
FlowLimitSettings flow_limit_settings(const Settings& settings);

/// How far the solutions from K lie apart: d_C(·, S(K)) ≥ d_C(·, S({u0})) − slack for u0 ∈ K.
struct FlowSpread {
  double slack;      ///< twice the largest d_C between the solution from the centre of K and those from its sphere that were tried
  double expansion;  ///< λ: the largest ln(‖v(s) − u(s)‖/ρ)/s over them and over s = 1, 2, …
  Index starts;      ///< how many were tried
};
FlowSpread flow_spread(const Testbed& testbed, double horizon);

/// T0 and T1 on the testbeds: energy, distances, rates. Writes energy.csv, distances.csv, exceedances.csv, rates.csv, fan.csv.
ConvergencePart flow_limit_paths(const ExperimentContext& context, const FlowLimitSettings& settings);

/// T1 must refuse: biased gradients, reused directions, the gallery's schemes, samplers and trainings. Writes defects.csv.
ConvergencePart flow_limit_defects(const ExperimentContext& context, const FlowLimitSettings& settings);

/// T2: the step sizes that are not admissible. T3: the fan of solutions from the tie. Writes step_sizes.csv, exits.csv, tie_*.csv.
ConvergencePart flow_limit_ties(const ExperimentContext& context, const FlowLimitSettings& settings);

/// A large network against a step-halved reference. Writes network*.csv.
ConvergencePart flow_limit_network(const ExperimentContext& context);

}  // namespace slicecheck
