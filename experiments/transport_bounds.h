#pragma once
/// What the files of experiment `transport-bounds` share: each theorem on regularised transport (claims R2–R16, findings F1–F6), bound against observed.

#include <limits>
#include <string>
#include <vector>

#include "experiment.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/loss/regularised/transport_solver.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck::transport_theorems {

/// Which numbers a part draws: the replicate of its streams (docs/formats.md).
enum class Draws : std::uint32_t { families = 1, pairs = 2, climbs = 3, problems = 4, batches = 5, limits = 6, gap = 7 };

/// An empty cell.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// The largest observed / bound of a theorem, and where it was met.
struct Closest {
  std::string claim;
  std::string statement;
  double observed = 0.0;
  double bound = 0.0;
  std::string where = {};

  /// 0 where nothing was observed yet.
  [[nodiscard]] double ratio() const { return bound > 0.0 ? observed / bound : 0.0; }
  /// Keeps the larger ratio.
  void see(double other_observed, double other_bound, const std::string& other_where);
};

/// What a part adds to summary.json; its CSV files are written already.
struct Part {
  std::vector<Closest> closest;
  std::vector<std::string> facts;
  Json advice = Json::array();
  Json figures = Json::array();
};

/// Gradients and plans between pairs of θ against λ: R5, R6, R9.
Part smoothness_part(const ExperimentContext& context);
/// Errors of the gradient off the optimum (R7, F3), ∇d and ∇d̄ (R4, F1), noise of a minibatch (R11).
Part gradient_part(const ExperimentContext& context);
/// Algorithm 1 on the line: R8, R9, F4.
Part stationarity_part(const ExperimentContext& context);
/// The Sinkhorn loss on the line and on a graph: R13, R14, F5, F6.
Part loss_part(const ExperimentContext& context);
/// λ → 0, λ → ∞, half-sweeps: R2, R15, R16.
Part limits_part(const ExperimentContext& context);

/// A declared figure of curves; `x`: the column.
Json curves_figure(const std::string& id, const std::string& title, const std::string& caption, const std::string& x, const std::string& x_label,
                   const std::string& y_label, bool log_x, bool log_y, Json panels);
/// A declared series of column `y`, style line, dashed or points.
Json curve(const std::string& label, const std::string& y, const std::string& style, Json where = Json::object());

/// count numbers from low to high, evenly spaced in the logarithm.
std::vector<double> logarithmic(double low, double high, Index count);

/// The line of theory/regularised_transport.md: x = ±1, y = ±1, G(θ) = θx, squared cost; y = 1 has the weight `right`.
TransportProblem line_problem(double theta, double lambda, double right = 0.5);

/// To a gap of 10⁻¹³ of the largest |C|, or as near as the solver gets in 20,000 half-sweeps: its own gap says.
TransportSolution nearly_exact(const TransportProblem& problem, const DualPotentials* start = nullptr);

}  // namespace slicecheck::transport_theorems
