#include <algorithm>
#include <cmath>
#include <set>

#include "slicecheck/gallery/broken_transport_parts.h"
#include "slicecheck/loss/regularised/transport_dual.h"

namespace slicecheck {

namespace {

using Indices = std::vector<Index>;

enum class BatchDefect { over_s, over_s4, divided_again, repeats_once, weights_ignored, mass_one, pairs_only };

/// One defect in `weights_of_batch`.
class BrokenBatches : public RegularisedTransport {
 public:
  explicit BrokenBatches(BatchDefect defect) : defect_(defect) {}

  [[nodiscard]] Points<double> weights_of_batch(const TransportProblem& problem, const DualPotentials& potentials, const Indices& x,
                                                const Indices& y) const override {
    const auto size = static_cast<double>(x.size());
    Points<double> weights = RegularisedTransport::weights_of_batch(problem, potentials, x, y);
    switch (defect_) {
      case BatchDefect::over_s: return weights * size;
      case BatchDefect::over_s4: return weights / (size * size);
      case BatchDefect::divided_again: return weights.cwiseQuotient(Points<double>(problem.a * problem.b.transpose()));
      case BatchDefect::repeats_once: {
        const std::set<Index> once_x(x.begin(), x.end());
        const std::set<Index> once_y(y.begin(), y.end());
        const Points<double> density = plan_density(problem, potentials);
        weights.setZero();
        for (const Index i : once_x)
          for (const Index j : once_y) weights(i, j) = density(i, j) / static_cast<double>(once_x.size() * once_y.size());
        return weights;
      }
      case BatchDefect::weights_ignored:
        return weights.cwiseProduct(Points<double>(problem.a * problem.b.transpose())) * static_cast<double>(problem.n() * problem.m());
      case BatchDefect::mass_one: return weights.sum() > 0.0 ? Points<double>(weights / weights.sum()) : weights;
      case BatchDefect::pairs_only: {
        const Points<double> density = plan_density(problem, potentials);
        weights.setZero();
        for (std::size_t k = 0; k < x.size(); ++k) weights(x[k], y[k]) += density(x[k], y[k]) / size;
        return weights;
      }
    }
    return weights;
  }

 private:
  BatchDefect defect_;
};

/// Solves the problem anew wherever potentials are given: the error of the oracle that they came from cannot be seen.
class Resolving : public RegularisedTransport {
 public:
  [[nodiscard]] Points<double> density(const TransportProblem& problem, const DualPotentials& potentials) const override {
    return RegularisedTransport::density(problem, best(problem, potentials));
  }
  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    return RegularisedTransport::weights_of_d(problem, best(problem, potentials));
  }
  [[nodiscard]] Points<double> weights_of_batch(const TransportProblem& problem, const DualPotentials& potentials, const Indices& x,
                                                const Indices& y) const override {
    return RegularisedTransport::weights_of_batch(problem, best(problem, potentials), x, y);
  }

 private:
  [[nodiscard]] DualPotentials best(const TransportProblem& problem, const DualPotentials& potentials) const {
    const SolverSettings settings{1e-12 * (problem.lambda + problem.cost.cwiseAbs().maxCoeff()), 20'000};
    return solve(problem, settings, &potentials).potentials;
  }
};

enum class DescentDefect {
  three_over_l1,
  two_over_l1,
  half_the_noise,
  error_not_squared,
  half_the_excess,
  noise_without_l,
  error_forgotten,
  noise_squared_step
};

/// One defect in `largest_step` or `stationarity`.
class BrokenDescent : public TransportBounds {
 public:
  explicit BrokenDescent(DescentDefect defect) : defect_(defect) {}

  [[nodiscard]] double largest_step(const CostConstants& constants) const override {
    const double times = defect_ == DescentDefect::three_over_l1 ? 3.0 : (defect_ == DescentDefect::two_over_l1 ? 2.0 : 1.0);
    return times * TransportBounds::largest_step(constants);
  }

  [[nodiscard]] double stationarity(double excess, double alpha, double steps, double delta_squared, double L, double sigma_squared) const override {
    double fall = 2.0 * excess / (alpha * steps);
    double error = delta_squared;
    double noise = L * alpha * sigma_squared;
    switch (defect_) {
      case DescentDefect::three_over_l1:
      case DescentDefect::two_over_l1: break;
      case DescentDefect::half_the_noise: noise /= 2.0; break;
      case DescentDefect::error_not_squared: error = std::sqrt(delta_squared); break;
      case DescentDefect::half_the_excess: fall /= 2.0; break;
      case DescentDefect::noise_without_l: noise = alpha * sigma_squared; break;
      case DescentDefect::error_forgotten: error = 0.0; break;
      case DescentDefect::noise_squared_step: noise *= alpha; break;
    }
    return fall + error + noise;
  }

 private:
  DescentDefect defect_;
};

enum class AverageDefect { plain_averages, smallest_error, one_step };

/// One defect in `weighted_stationarity`.
class BrokenAverages : public TransportBounds {
 public:
  explicit BrokenAverages(AverageDefect defect) : defect_(defect) {}

  [[nodiscard]] double weighted_stationarity(double excess, VectorView<double> alpha, VectorView<double> delta_squared, double L,
                                             VectorView<double> sigma_squared) const override {
    switch (defect_) {
      case AverageDefect::plain_averages: return 2.0 * excess / alpha.sum() + delta_squared.mean() + L * alpha.mean() * sigma_squared.mean();
      case AverageDefect::smallest_error: return (2.0 * excess + L * alpha.cwiseAbs2().dot(sigma_squared)) / alpha.sum() + delta_squared.minCoeff();
      case AverageDefect::one_step: return (2.0 * excess + alpha.dot(delta_squared)) / alpha.sum() + L * alpha.minCoeff() * sigma_squared.mean();
    }
    return 0.0;
  }

 private:
  AverageDefect defect_;
};

/// The variance of a minibatch as if its pairs were independent of each other, or all sharing an atom.
class BrokenVariance : public TransportBounds {
 public:
  explicit BrokenVariance(bool independent) : independent_(independent) {}

  [[nodiscard]] double batch_variance(double v_xy, double v_x, double v_y, double batch) const override {
    return (independent_ ? v_xy : v_xy + v_x + v_y) / (batch * batch);
  }

 private:
  bool independent_;
};

TransportDefect batch_defect(const char* name, const char* title, BatchDefect defect) {
  return transport_defect(name, title, std::make_shared<BrokenBatches>(defect));
}

TransportBoundsDefect descent_defect(const char* name, const char* title, DescentDefect defect) {
  return transport_bounds_defect(name, title, std::make_shared<BrokenDescent>(defect));
}

TransportBoundsDefect average_defect(const char* name, const char* title, AverageDefect defect) {
  return transport_bounds_defect(name, title, std::make_shared<BrokenAverages>(defect));
}

}  // namespace

std::vector<TransportDefect> broken_batches() {
  return {batch_defect("minibatch-over-s", "the sum over S² pairs is divided by S", BatchDefect::over_s),
          batch_defect("minibatch-over-s4", "the sum over S² pairs is divided by S⁴", BatchDefect::over_s4),
          batch_defect("minibatch-density-divided-again", "the density is divided by the weights once more", BatchDefect::divided_again),
          batch_defect("minibatch-repeats-once", "atoms drawn twice count once, as if drawn without replacement", BatchDefect::repeats_once),
          batch_defect("minibatch-weights-ignored", "the plan is divided by 1/(nm), whatever the weights", BatchDefect::weights_ignored),
          batch_defect("minibatch-of-mass-one", "the estimate is divided by its own mass", BatchDefect::mass_one),
          batch_defect("minibatch-of-pairs", "the k-th x meets the k-th y only: the mean is right, the variance is not", BatchDefect::pairs_only),
          transport_defect("solves-anew", "the problem is solved anew for whatever potentials are given", std::make_shared<Resolving>())};
}

std::vector<TransportBoundsDefect> broken_descent() {
  return {descent_defect("step-three-over-l1", "the largest step is 3/L1", DescentDefect::three_over_l1),
          descent_defect("step-two-over-l1", "the largest step is 2/L1, up to which h does not grow", DescentDefect::two_over_l1),
          descent_defect("half-the-noise", "Lασ²/2: the ½ of the descent inequality is kept where Δ has lost it", DescentDefect::half_the_noise),
          descent_defect("error-not-squared", "δ for δ²", DescentDefect::error_not_squared),
          descent_defect("half-the-excess", "Δ/(αT) for 2Δ/(αT)", DescentDefect::half_the_excess),
          descent_defect("noise-without-l", "ασ² for Lασ²", DescentDefect::noise_without_l),
          descent_defect("error-forgotten", "no δ²: as if gradients were unbiased", DescentDefect::error_forgotten),
          descent_defect("noise-by-squared-step", "Lα²σ² for Lασ²", DescentDefect::noise_squared_step),
          average_defect("plain-averages", "averages that are not weighted by the steps", AverageDefect::plain_averages),
          average_defect("smallest-error", "the smallest error of any step for the average", AverageDefect::smallest_error),
          average_defect("noise-of-the-shortest-step", "the shortest step in the noise", AverageDefect::one_step),
          transport_bounds_defect("variance-of-independent-pairs", "V_xy/S²: pairs that share an atom taken for independent",
                                  std::make_shared<BrokenVariance>(true)),
          transport_bounds_defect("variance-without-s-minus-one", "(V_xy + V_x + V_y)/S²", std::make_shared<BrokenVariance>(false))};
}

}  // namespace slicecheck
