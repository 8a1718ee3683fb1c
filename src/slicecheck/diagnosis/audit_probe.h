#pragma once
/// T as a probe sees it: numbers in, numbers out, with the rounding of what computed them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/diagnosis/training_description.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// The generator of a training, in double precision where it exists in that, else in single. Arguments and results are double.
class ProbedGenerator {
 public:
  explicit ProbedGenerator(const TrainingDescription& training) : double_(training.generator), single_(training.generator_single) {}

  [[nodiscard]] Index parameters() const { return single_->parameters(); }
  [[nodiscard]] Index output_dimension() const { return single_->output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const { return single_->tensors(); }
  [[nodiscard]] std::string name() const { return single_->name(); }
  [[nodiscard]] bool in_double() const { return double_ != nullptr; }
  [[nodiscard]] double unit_roundoff() const;
  [[nodiscard]] const std::shared_ptr<const Generator<double>>& of_double() const { return double_; }

  /// T(u, x_k) for each row, n×d.
  [[nodiscard]] Points<double> images(const Eigen::VectorXd& u, const Points<double>& x) const;
  /// Σ_k J_uT(u, x_k)ᵀ c_k.
  [[nodiscard]] Eigen::VectorXd pullback(const Eigen::VectorXd& u, const Points<double>& x, const Points<double>& cotangent) const;
  /// w(T_u(x), y) and its gradient in u.
  struct Objective {
    double value;
    Eigen::VectorXd gradient;
  };
  [[nodiscard]] Objective objective(const SampleLoss<double>& loss, const Eigen::VectorXd& u, const Points<double>& x, const Points<double>& y,
                                    const Points<double>& directions) const;

 private:
  std::shared_ptr<const Generator<double>> double_;
  std::shared_ptr<const Generator<float>> single_;
};

/// A curve of clouds, s ↦ T(…), and where to look at it.
struct ProbedLine {
  std::string what;
  std::function<Points<double>(double)> at;
  double from = 0.0;
  double to = 1.0;
  std::function<Points<double>(double, Index)> shaken = {};  ///< with every number that goes into T moved by one rounding, up or down, in the k-th of two ways
};

/// The error of a computed T near one place, measured: third differences over steps so small that T itself has none, and what one rounding of u and x changes
/// (where T is steep that is more, and along a line it may come as a single step, which looks like a jump). Norm of a row, the largest over the rows; not below
/// one rounding of the largest row.
double measured_noise(const ProbedLine& line, double s, double unit_roundoff);

/// What T does along a line at ever smaller widths h: D(h) ~ h^p, D the largest second difference of a row.
///
///     p = 0 a jump · 0 < p < 1 no Lipschitz constant (a root) · p = 1 a kink · 1 < p < 2 an unbounded second derivative · p = 2 twice differentiable
///
/// and p < 0 a pole. p is fitted over the last eight halvings above rounding. At a kink D(h)/h lies between half the jump of the slope and all of it, so the
/// fit over k halvings is off by at most 1/k; the classes are cut at 1/4 and 3/4 beyond the integers, more than twice that.
enum class Irregularity { smooth, curved, kink, root, jump, pole };
std::string_view irregularity_name(Irregularity kind);

struct Zoom {
  Irregularity kind = Irregularity::smooth;
  double exponent = 2.0;
  double where = 0.0;       ///< s
  Index row = 0;            ///< of x
  double size = 0.0;        ///< D at the finest width above rounding
  double slope_jump = 0.0;  ///< D/h there
  bool finite = true;       ///< false: T was not finite, at `where`
  /// Eight halvings and more above rounding, and, but for jumps, down to 2⁻¹⁴ of the line: in single precision several kinks close to one another look like
  /// anything. Always true for smooth places.
  bool certain = true;
  std::vector<double> width, second;
};

/// Follows the largest second difference of a grid of `cells` cells, `places` times from different cells, halving h at every step; the most irregular one comes
/// first. Costs about cells + 60·places evaluations.
std::vector<Zoom> zoom_in(const ProbedLine& line, Index cells, Index places, double unit_roundoff);

/// Halves h around one fixed s, for one row (−1: the row that has the largest second difference at the first width).
Zoom zoom_at(const ProbedLine& line, double s, Index row, double unit_roundoff);

}  // namespace slicecheck
