#pragma once
/// Laws: the probability measures x and y that batches are drawn from.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// A probability law on R^d. Batches are i.i.d. (WITH replacement for a finite law), and point k of a batch is a pure function of (stream, k).
class Law {
 public:
  Law() = default;
  Law(const Law&) = delete;
  Law& operator=(const Law&) = delete;
  virtual ~Law() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Index dimension() const = 0;

  /// One point.
  [[nodiscard]] virtual Eigen::RowVectorXd draw(PointDraws& draws) const = 0;

  /// sup ‖x‖ over the support (assumption A3), or nothing where the support is not bounded. A valid bound, attained or nearly so.
  [[nodiscard]] virtual std::optional<double> support_radius() const = 0;

  /// Number of atoms of a finite law (assumption A6); 0 for any other.
  [[nodiscard]] virtual Index atom_count() const { return 0; }
  /// Atom number k < atom_count().
  [[nodiscard]] virtual Eigen::RowVectorXd atom(Index k) const;
  /// Its probability.
  [[nodiscard]] virtual double probability(Index k) const;

  /// n i.i.d. points, n×d. @throws InputError unless n ≥ 1.
  template <class S>
  [[nodiscard]] Points<S> sample(const RandomStream& stream, Index n) const;
};

/// Coordinates independent N(mean_j, spread²). N(5, 2) of report 000 is `Gaussian((5, 5), 2)`: spread is the standard deviation of each coordinate.
class Gaussian final : public Law {
 public:
  /// @throws InputError unless the mean has an entry and spread ≥ 0 is finite.
  Gaussian(Eigen::RowVectorXd mean, double spread);
  /// N(0, I) in d dimensions.
  static std::unique_ptr<Gaussian> standard(Index dimension);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return mean_.size(); }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;

 private:
  Eigen::RowVectorXd mean_;
  double spread_;
};

/// Two interleaving half circles of radius 1, the upper around (0, 0), the lower around (1, 1/2), each with probability 1/2 and uniform angle, plus Gaussian
/// noise of the given spread.
class TwoMoons final : public Law {
 public:
  /// @throws InputError unless noise_spread ≥ 0 is finite.
  explicit TwoMoons(double noise_spread);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return 2; }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;

 private:
  double spread_;
};

/// scale · t (cos t, sin t) with t uniform on [3π/2, 9π/2], plus Gaussian noise of the given spread (after scaling). With scale 1 the roll reaches 9π/2 ≈ 14.1
/// from the origin.
class SwissRoll final : public Law {
 public:
  /// @throws InputError unless noise_spread ≥ 0 and scale > 0 are finite.
  SwissRoll(double noise_spread, double scale);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return 2; }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;

 private:
  double spread_;
  double scale_;
};

/// Uniform on the cube [low, high]^d.
class Uniform final : public Law {
 public:
  /// @throws InputError unless low < high are finite and dimension ≥ 1.
  Uniform(double low, double high, Index dimension);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return dimension_; }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;

 private:
  double low_;
  double high_;
  Index dimension_;
};

/// Equal mixture of Gaussians of one spread around the rows of `centres`.
class GaussianMixture final : public Law {
 public:
  /// @throws InputError unless there is a centre and spread ≥ 0 is finite.
  GaussianMixture(Points<double> centres, double spread);
  /// Six centres in [−1/2, 1/2]², the closest two 0.0707 apart, spread 0.02: after report 002, whose text does not list its own centres.
  static std::unique_ptr<GaussianMixture> six_centres();

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return centres_.cols(); }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;
  [[nodiscard]] const Points<double>& centres() const { return centres_; }

 private:
  Points<double> centres_;
  double spread_;
};

/// A law conditioned on ‖x − centre‖ ≤ radius, by rejection: bounded support (A3). A law that puts almost no mass there makes `draw` throw InputError.
class Truncated final : public Law {
 public:
  /// @throws InputError unless the centre has the law's dimension and radius > 0 is finite.
  Truncated(std::shared_ptr<const Law> inner, Eigen::RowVectorXd centre, double radius);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return inner_->dimension(); }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;

 private:
  std::shared_ptr<const Law> inner_;
  Eigen::RowVectorXd centre_;
  double radius_;
};

/// Finitely many atoms (A6) with given probabilities.
class FiniteLaw final : public Law {
 public:
  /// Equal probabilities.
  FiniteLaw(std::string name, Points<double> atoms);
  /// @throws InputError unless there is one probability per atom, each finite and ≥ 0, and they add up to 1 within rounding.
  FiniteLaw(std::string name, Points<double> atoms, std::vector<double> probabilities);

  /// The 45×45 = 2025 points of report 000's "noisy grid": a regular grid on [low, high]², each point moved by uniform noise of at most `noise` grid steps a
  /// coordinate.
  static std::unique_ptr<FiniteLaw> noisy_grid(Index side, double low, double high, double noise, const RandomStream& stream);
  /// `count` draws of a law, taken as atoms: the discretisation that A6 asks for.
  static std::unique_ptr<FiniteLaw> discretised(const Law& law, Index count, const RandomStream& stream);
  /// Testbed 1: atoms −1 and +1, probability 1/2 each.
  static std::unique_ptr<FiniteLaw> two_points();

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Index dimension() const override { return atoms_.cols(); }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;
  [[nodiscard]] Index atom_count() const override { return atoms_.rows(); }
  [[nodiscard]] Eigen::RowVectorXd atom(Index k) const override { return atoms_.row(k); }
  [[nodiscard]] double probability(Index k) const override;

 private:
  std::string name_;
  Points<double> atoms_;
  std::vector<double> probabilities_;  // empty when equal
  std::vector<double> cumulative_;
};

/// A law by its name, as settings files have it: `normal-5-2`, `standard-normal`, `two-moons`, `swiss-roll`, `uniform`, `six-gaussians`, `noisy-grid`,
/// `two-points`, and `truncated-…` of the first six (mass outside: below 10⁻³ of the Gaussian parts; each docstring in law_by_name.cpp gives the radius).
/// @throws InputError for any other name; the sentence lists the known ones.
std::unique_ptr<Law> law_by_name(const std::string& name);

/// The names that `law_by_name` knows.
std::vector<std::string> law_names();

}  // namespace slicecheck
