#include <algorithm>
#include <cmath>

#include "slicecheck/gallery/broken_transport_parts.h"
#include "slicecheck/loss/regularised/transport_gradient.h"

namespace slicecheck {

namespace {

/// What is wrong with the loss.
enum class LossDefect {
  value_of_sharp_d,
  gradient_of_sharp_d,
  one_slot,
  self_gradient_by_independent_plan,
  self_gradient_by_plan_between,
  self_term_twice,
  target_term_dropped,
  between_once,
  half_of_the_value,
  never_below_zero,
};

class BrokenLoss final : public RegularisedTransport {
 public:
  explicit BrokenLoss(LossDefect defect) : defect_(defect) {}

  [[nodiscard]] SinkhornLoss loss(const SinkhornProblem& problem, const SolverSettings& settings) const override {
    SinkhornLoss loss = RegularisedTransport::loss(problem, settings);
    switch (defect_) {
      case LossDefect::value_of_sharp_d: loss.value = loss.sharp_value; break;
      case LossDefect::self_term_twice:
        loss.value -= loss.xx.dual_value;
        loss.sharp_value -= loss.xx.transport;
        break;
      case LossDefect::target_term_dropped:
        loss.value += loss.yy.dual_value;
        loss.sharp_value += loss.yy.transport;
        break;
      case LossDefect::between_once:
        loss.value -= loss.xy.dual_value;
        loss.sharp_value -= loss.xy.transport;
        break;
      case LossDefect::half_of_the_value:
        loss.value *= 0.5;
        loss.sharp_value *= 0.5;
        break;
      case LossDefect::never_below_zero:
        loss.value = std::max(0.0, loss.value);
        loss.sharp_value = std::max(0.0, loss.sharp_value);
        break;
      default: break;
    }
    return loss;
  }

  [[nodiscard]] Points<double> loss_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z,
                                             PointsView<double> y) const override {
    const bool sharp = defect_ == LossDefect::gradient_of_sharp_d;
    const auto weights = [sharp](const TransportProblem& term, const DualPotentials& potentials) {
      return sharp ? sharp_gradient_weights(term, potentials) : gradient_weights(term, potentials);
    };
    const Points<double> between = weights(problem.between(), loss.xy.potentials);
    Points<double> within = weights(problem.within_x(), loss.xx.potentials);
    if (defect_ == LossDefect::self_gradient_by_independent_plan) within = problem.a * problem.a.transpose();
    if (defect_ == LossDefect::self_gradient_by_plan_between) within = between * problem.b.cwiseInverse().asDiagonal() * between.transpose();
    const double of_between = defect_ == LossDefect::between_once ? 1.0 : 2.0;
    const double of_within = defect_ == LossDefect::self_term_twice ? 2.0 : 1.0;
    Points<double> gradient = of_between * cost_pullback(cost, z, y, between) - of_within * cost_pullback(cost, z, z, within);
    if (defect_ != LossDefect::one_slot) gradient -= of_within * cost_pullback(cost, z, z, within.transpose());
    return gradient;
  }

 private:
  LossDefect defect_;
};

TransportDefect defect(const std::string& name, const std::string& title, LossDefect kind) {
  return transport_defect("loss-" + name, title, std::make_shared<BrokenLoss>(kind));
}

/// What is wrong with a bound.
enum class BoundDefect {
  error_of_two_terms,
  error_in_quadrature,
  shared_as_own_batches,
  noise_not_squared,
  between_once,
  self_dropped,
};

class BrokenLossBounds final : public TransportBounds {
 public:
  explicit BrokenLossBounds(BoundDefect defect) : defect_(defect) {}

  [[nodiscard]] double loss_gradient_error(double delta) const override {
    if (defect_ == BoundDefect::error_of_two_terms) return 2.0 * delta;
    if (defect_ == BoundDefect::error_in_quadrature) return std::sqrt(5.0) * delta;
    return TransportBounds::loss_gradient_error(delta);
  }

  [[nodiscard]] double loss_noise(double sigma_squared, bool shared_batch) const override {
    if (defect_ == BoundDefect::shared_as_own_batches) return TransportBounds::loss_noise(sigma_squared, false);
    if (defect_ == BoundDefect::noise_not_squared && !shared_batch) return 3.0 * sigma_squared;
    return TransportBounds::loss_noise(sigma_squared, shared_batch);
  }

  [[nodiscard]] double loss_smoothness(double between, double within) const override {
    if (defect_ == BoundDefect::between_once) return between + within;
    if (defect_ == BoundDefect::self_dropped) return 2.0 * between;
    return TransportBounds::loss_smoothness(between, within);
  }

 private:
  BoundDefect defect_;
};

TransportBoundsDefect defect(const std::string& name, const std::string& title, BoundDefect kind) {
  return transport_bounds_defect("loss-" + name, title, std::make_shared<BrokenLossBounds>(kind));
}

}  // namespace

std::vector<TransportDefect> broken_sinkhorn() {
  return {defect("value-of-sharp-d", "2d̄ − d̄ − d̄ descended by the plans' gradient", LossDefect::value_of_sharp_d),
          defect("gradient-of-sharp-d", "the gradient of 2d̄ − d̄ − d̄ for the loss with d", LossDefect::gradient_of_sharp_d),
          defect("self-term-in-one-slot", "the self term's gradient through its first slot alone", LossDefect::one_slot),
          defect("self-term-by-independent-plan", "the self term's gradient with the product of the weights for its plan",
                 LossDefect::self_gradient_by_independent_plan),
          defect("self-term-by-plan-between", "the self term's gradient with the plan to the target and back", LossDefect::self_gradient_by_plan_between),
          defect("self-term-twice", "2d(G, G) in place of d(G, G)", LossDefect::self_term_twice),
          defect("target-term-dropped", "d(Y, Y) left out of the value", LossDefect::target_term_dropped),
          defect("between-once", "d(G, Y) in place of 2d(G, Y)", LossDefect::between_once),
          defect("half-of-the-value", "half of the loss with the gradient of the whole", LossDefect::half_of_the_value),
          defect("never-below-zero", "a loss below 0 shown as 0", LossDefect::never_below_zero)};
}

std::vector<TransportBoundsDefect> broken_loss_bounds() {
  return {defect("error-of-two-terms", "2δ in place of 3δ", BoundDefect::error_of_two_terms),
          defect("error-in-quadrature", "√5 δ in place of 3δ, as if errors were independent", BoundDefect::error_in_quadrature),
          defect("noise-of-a-shared-batch", "5σ² where the terms share a batch", BoundDefect::shared_as_own_batches),
          defect("noise-not-squared", "3σ² in place of 5σ²", BoundDefect::noise_not_squared),
          defect("smoothness-between-once", "L + L_self in place of 2L + L_self", BoundDefect::between_once),
          defect("smoothness-without-self", "2L in place of 2L + L_self", BoundDefect::self_dropped)};
}

}  // namespace slicecheck
