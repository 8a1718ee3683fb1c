#pragma once
/// What the experiment `npsgd-neighbourhood` measures of balls of all sizes (claim T5), and how it is shown.

#include <optional>
#include <string>
#include <vector>

#include "npsgd_neighbourhood.h"
#include "slicecheck/statistics/rate.h"

namespace slicecheck::npsgd {

constexpr double kNear = 0.05;  ///< "at the sphere": within this part of r

/// What is known of a ball without running anything.
struct Ball {
  double radius;
  double outward;       ///< smallest ⟨g, u⟩/r over the sphere: > 0 says that no point of C_r is on it
  double multiplier;    ///< largest λ̂ of the points of C_r on the sphere; 0 where there are none
  Index on_sphere;      ///< points of C_r on the sphere
  Index minima_inside;  ///< local minima inside
};

/// Runs in one ball.
struct BallRuns {
  std::vector<std::vector<double>> gaps;  ///< [step size][replicate]: r − ‖u‖ at flow time S
  std::vector<double> exactly;            ///< [step size]: share of runs with ‖u‖ = r up to rounding
};

struct Measured {
  const Testbed* testbed;
  double horizon;
  std::vector<double> step_sizes;
  std::vector<Ball> balls;
  std::vector<BallRuns> runs;
  std::vector<double> plain;  ///< ‖u‖ at the end of plain SGD, without ball and noise, at the smallest step size
};

/// The smallest ball of the list without a point of C_r on its sphere; nothing where all have one.
std::optional<std::size_t> first_free(const Measured& measured);
/// The ball whose sphere holds runs most closely, of those without a minimum inside: a run is held within about α/(λ̂r), in terms of r within α/(λ̂r²).
std::optional<std::size_t> ball_that_holds(const Measured& measured);
/// Slope of the log of the mean gap against log α. The median will not do: where more than half of the runs are exactly on the sphere it is 0.
std::optional<PowerLawFit> slope_of_gaps(const Measured& measured, std::size_t b);

/// boundary.csv and radii.csv.
void write_balls(const ExperimentContext& context, const std::vector<Measured>& all);
/// Tables, figures and facts; a threshold for each testbed, where there is one.
void show_balls(const std::vector<Measured>& all, const std::vector<std::optional<double>>& thresholds, ConvergencePart& part);

}  // namespace slicecheck::npsgd
