#pragma once
/// What the files of experiment `transport-bounds` share: each theorem on regularised transport (claims R2–R16, findings F1–F6), bound against observed.

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "convergence.h"
#include "experiment.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_solver.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck::transport_theorems {

/// Which numbers a part draws: the replicate of its streams (docs/formats.md).
enum class Draws : std::uint32_t { families = 1, pairs = 2, climbs = 3, problems = 4, batches = 5, limits = 6, gap = 7 };

/// An empty cell.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Of observed / bound: sums of up to 10⁵ products in double precision, over a bound that is one too.
constexpr double kRounding = 1e-9;

/// The theorems' bounds, with the certificate of R2; what a planted mistake overrides.
class HeldBounds : public TransportBounds {
 public:
  /// An upper bound of d − D for a duality gap (R2).
  [[nodiscard]] virtual double certificate(double gap) const { return gap; }
};

/// Right, or with the mistake of that name. @throws InputError for an unknown name; the sentence lists the known ones.
std::unique_ptr<const HeldBounds> bounds_by_name(const std::string& defect);

/// A theorem's worst case: the largest observed / bound, for an equality the one farthest from 1, and where it was met.
struct Closest {
  enum class Kind { bound, equality, false_bound };

  std::string claim;
  std::string what;
  std::string statement;
  Kind kind = Kind::bound;
  bool sampled = false;  ///< rests on intervals too
  double observed = kUnknown;
  double bound = kUnknown;
  std::string where = {};
  Index looked = 0;              ///< cases
  Index unknown = 0;             ///< of them without a number
  Index zeros = 0;               ///< of them with the bound 0
  double above_zero = kUnknown;  ///< the largest observed at a bound of 0
  std::string above_zero_where = {};

  /// NaN where nothing was observed yet.
  [[nodiscard]] double ratio() const { return observed / bound; }
  [[nodiscard]] bool exceeded() const;
  void see(double other_observed, double other_bound, const std::string& other_where);
  /// Inconclusive where no case, or one without a number, was looked at.
  [[nodiscard]] ExperimentVerdict verdict() const;
};

/// What a part adds to summary.json; its CSV files are written already.
struct Part {
  std::vector<Closest> closest;
  std::vector<std::string> facts;
  Json advice = Json::array();
  Json figures = Json::array();
};

/// Gradients and plans between pairs of θ against λ: R5, R6, R9.
Part smoothness_part(const ExperimentContext& context, const HeldBounds& bounds);
/// Errors of the gradient off the optimum (R7, F3), ∇d and ∇d̄ (R4, F1), noise of a minibatch (R11).
Part gradient_part(const ExperimentContext& context, const HeldBounds& bounds);
/// Algorithm 1 on the line: R8, R9, R10, F4.
Part stationarity_part(const ExperimentContext& context, const HeldBounds& bounds);
/// The Sinkhorn loss on the line and on a graph: R13, R14, F5, F6.
Part loss_part(const ExperimentContext& context, const HeldBounds& bounds);
/// λ → 0, λ → ∞, half-sweeps: R2, R15, R16.
Part limits_part(const ExperimentContext& context, const HeldBounds& bounds);

/// A declared figure of curves; `x`: the column.
Json curves_figure(const std::string& id, const std::string& title, const std::string& caption, const std::string& x, const std::string& x_label,
                   const std::string& y_label, bool log_x, bool log_y, Json panels);
/// A declared series of column `y`, style line, dashed or points.
Json curve(const std::string& label, const std::string& y, const std::string& style, Json where = Json::object());

/// count numbers from low to high, evenly spaced in the logarithm.
std::vector<double> logarithmic(double low, double high, Index count);

/// The line of theory/regularised_transport.md: x = ±1, y = ±1, G(θ) = θx, squared cost; y = 1 has the weight `right`.
TransportProblem line_problem(double theta, double lambda, double right = 0.5);

/// "λ = 0.1, 1"; "no λ tried" for none.
std::string lambdas_text(const std::vector<std::string>& lambdas);

/// To a gap of 10⁻¹³ of the largest |C|, or as near as the solver gets in 20,000 half-sweeps: its own gap says.
TransportSolution nearly_exact(const TransportProblem& problem, const DualPotentials* start = nullptr);

}  // namespace slicecheck::transport_theorems
