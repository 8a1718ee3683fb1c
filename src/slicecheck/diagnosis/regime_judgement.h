#pragma once
/// The verdict on a training's regime, and what to change.

#include <optional>
#include <string>
#include <vector>

#include "slicecheck/diagnosis/regime_statistics.h"

namespace slicecheck {

/// What a training is in.
enum class Regime { flow, noise_dominated, step_too_large, stuck_on_the_ball, undecided };
/// As the program prints it.
std::string regime_name(Regime regime);

/// Every run at α comes with a relative error e = √(noise² + step²) (RegimeStatistics), judged against a tolerance that the user sets: WORDS, not a theorem.
///
/// 1. A run that leaves what can be computed, or F at the end above 10·F(u0) in half of the runs at α: the step is too large. No step that moves at all:
///    undecided.
/// 2. More than half of the last quarter's steps on the sphere, and descent pulls outwards there, both beyond the replicates' intervals: stuck on the ball.
/// 3. No drift beyond the replicates' interval: noise-dominated.
/// 4. The interval of e below the tolerance, and the spread falls with α, surely or so that it is not told from √α: the flow regime. The interval above it: the
///    step is too large where step ≥ noise, or where the spread falls with α much faster than √α (slope surely above 3/4: the step amplifies the noise); else
///    noise-dominated.
/// 5. Otherwise undecided.
struct RegimeJudgement {
  Regime regime = Regime::undecided;
  std::string answer;                ///< one sentence: regime, figures
  std::string advice;                ///< what to change
  std::vector<std::string> reasons;  ///< the facts it rests on
  std::optional<double>
      suggested_step_size;  ///< the largest measured that meets 0.9 of the tolerance, or extrapolated from the smallest: noise² ~ α, step² ~ α²
  std::optional<double> suggested_radius;      ///< ‖u0‖ + √(S·F(u0)): no solution of the flow from u0 goes further in the time S
  std::optional<RegimeStatistics> statistics;  ///< none where a run failed
};

/// The judgement above. confidence: of the intervals.
RegimeJudgement judge_regime(const RegimeMeasurements& measured, double tolerance, double confidence);

/// Said with every verdict.
constexpr std::string_view kNecessaryNotSufficient =
    "Agreement of the paths is necessary for the flow regime, not sufficient: they can agree with each other and follow no solution of the flow.";

}  // namespace slicecheck
