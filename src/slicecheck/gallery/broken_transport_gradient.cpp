#include <algorithm>
#include <cmath>

#include "slicecheck/gallery/broken_transport_parts.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"

namespace slicecheck {

namespace {

enum class Wrong {
  plan_for_sharp,
  sharp_for_plan,
  no_marginal_fit,
  rows_only,
  kl_stiffness,
  no_support,
  other_sign,
  unit_mass,
  smoothed_kink,
  kink_is_one,
  no_projection,
  no_two,
  no_norm,
};

Points<double> product(const TransportProblem& problem) { return problem.a * problem.b.transpose(); }

class WrongGradient final : public RegularisedTransport {
 public:
  explicit WrongGradient(Wrong wrong) : wrong_(wrong) {}

  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    const Points<double> plan = RegularisedTransport::weights_of_d(problem, potentials);
    if (wrong_ == Wrong::sharp_for_plan) return RegularisedTransport::weights_of_sharp_d(problem, potentials);
    if (wrong_ == Wrong::unit_mass) return plan / plan.sum();
    return plan;
  }

  [[nodiscard]] Points<double> weights_of_sharp_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    const Points<double> plan = plan_of(problem, potentials);
    const Points<double> right = RegularisedTransport::weights_of_sharp_d(problem, potentials);
    const bool kl = problem.regulariser == Regulariser::kl;
    Points<double> residual = problem.cost;
    switch (wrong_) {
      case Wrong::plan_for_sharp: return plan;
      case Wrong::other_sign: return 2.0 * plan - right;
      case Wrong::no_marginal_fit:  // a softmax over all pairs
        residual.array() -= plan.cwiseProduct(problem.cost).sum() / plan.sum();
        return kl ? Points<double>(plan - plan.cwiseProduct(residual) / problem.lambda) : right;
      case Wrong::rows_only:  // a softmax over each row
        residual.colwise() -= Vector<double>(plan.cwiseProduct(problem.cost).rowwise().sum().cwiseQuotient(plan.rowwise().sum()));
        return kl ? Points<double>(plan - plan.cwiseProduct(residual) / problem.lambda) : right;
      case Wrong::kl_stiffness: return kl ? right : sharp_gradient_weights(problem, plan, plan);
      case Wrong::no_support: return kl ? right : sharp_gradient_weights(problem, plan, product(problem));
      default: return right;
    }
  }

  [[nodiscard]] Points<double> pullback(GroundCost cost, PointsView<double> z, PointsView<double> y, PointsView<double> weights) const override {
    Points<double> out = RegularisedTransport::pullback(cost, z, y, weights);
    if (cost == GroundCost::squared && wrong_ == Wrong::no_two) return 0.5 * out;
    if (cost == GroundCost::cosine && wrong_ == Wrong::no_norm) return z.rowwise().norm().asDiagonal() * out;
    if (cost == GroundCost::cosine && wrong_ == Wrong::no_projection) {
      for (Index i = 0; i < z.rows(); ++i) out.row(i) = -(weights.row(i) * y.rowwise().normalized()) / z.row(i).norm();
      return out;
    }
    if (cost != GroundCost::l1 || (wrong_ != Wrong::smoothed_kink && wrong_ != Wrong::kink_is_one)) return out;
    for (Index i = 0; i < z.rows(); ++i)
      for (Index k = 0; k < z.cols(); ++k) {
        out(i, k) = 0.0;
        for (Index j = 0; j < y.rows(); ++j) {
          const double gap = z(i, k) - y(j, k);
          out(i, k) += weights(i, j) * (wrong_ == Wrong::kink_is_one ? (gap >= 0.0 ? 1.0 : -1.0) : std::clamp(gap, -1.0, 1.0));
        }
      }
    return out;
  }

 private:
  Wrong wrong_;
};

enum class WrongBound {
  L0_over_lambda,
  L1_only,
  rms_for_kl,
  L0_for_quadratic,
  half_lambda,
  plan_by_square,
  square_root,
  first_terms,
  simple_bound,
  square_root_of_gap,
  tau_for_unit_mass,
  L0_in_quadratic_error,
};

class WrongSmoothness final : public TransportBounds {
 public:
  explicit WrongSmoothness(WrongBound wrong) : wrong_(wrong) {}

  [[nodiscard]] double smoothness(const CostConstants& c, double lambda, Regulariser regulariser) const override {
    const bool kl = regulariser == Regulariser::kl;
    switch (wrong_) {
      case WrongBound::L0_over_lambda: return c.L1 + (kl ? c.L0 : c.rms_L0) / lambda;
      case WrongBound::L1_only: return c.L1;
      case WrongBound::rms_for_kl: return c.L1 + c.rms_L0 * c.rms_L0 / lambda;
      case WrongBound::L0_for_quadratic: return c.L1 + c.L0 * c.L0 / lambda;
      case WrongBound::half_lambda: return TransportBounds::smoothness(c, 2.0 * lambda, regulariser);
      default: return TransportBounds::smoothness(c, lambda, regulariser);
    }
  }

  [[nodiscard]] double plan_stability(const CostConstants& c, double lambda, Regulariser regulariser) const override {
    const double right = TransportBounds::plan_stability(c, lambda, regulariser);
    if (wrong_ == WrongBound::rms_for_kl) return c.rms_L0 / lambda;
    if (wrong_ == WrongBound::plan_by_square) return right * right * lambda;
    return right;
  }

  [[nodiscard]] double gradient_error(double gap, const CostConstants& c, double lambda, Regulariser regulariser, bool unit_mass) const override {
    const double right = TransportBounds::gradient_error(gap, c, lambda, regulariser, unit_mass);
    const double kappa = gap / lambda;
    const double root = std::sqrt(2.0 * kappa);
    if (regulariser == Regulariser::quadratic) return wrong_ == WrongBound::L0_in_quadratic_error ? c.L0 * root : right;
    if (unit_mass) return wrong_ == WrongBound::tau_for_unit_mass ? c.L0 * mass_error(kappa) : right;
    switch (wrong_) {
      case WrongBound::square_root: return c.L0 * root;
      case WrongBound::first_terms: return c.L0 * (root + 2.0 * kappa / 3.0);
      case WrongBound::simple_bound: return c.L0 * (root + kappa);
      case WrongBound::square_root_of_gap: return c.L0 * mass_error(gap);
      default: return right;
    }
  }

 private:
  WrongBound wrong_;
};

TransportDefect gradient(const std::string& name, const std::string& title, Wrong wrong) {
  return transport_defect(name, title, std::make_shared<WrongGradient>(wrong));
}

TransportBoundsDefect smoothness(const std::string& name, const std::string& title, WrongBound wrong) {
  return transport_bounds_defect(name, title, std::make_shared<WrongSmoothness>(wrong));
}

}  // namespace

std::vector<TransportDefect> broken_gradients() {
  return {gradient("plan-for-sharp-gradient", "the plan taken for the gradient of d̄", Wrong::plan_for_sharp),
          gradient("sharp-gradient-for-plan", "the gradient of d̄ taken for that of d", Wrong::sharp_for_plan),
          gradient("sharp-gradient-unfitted", "KL: gradient of d̄ by a softmax over all pairs, marginals left to move", Wrong::no_marginal_fit),
          gradient("sharp-gradient-of-rows", "KL: gradient of d̄ by a softmax over each row, columns left to move", Wrong::rows_only),
          gradient("sharp-gradient-by-entropy", "quadratic: gradient of d̄ with KL's stiffness π", Wrong::kl_stiffness),
          gradient("sharp-gradient-off-support", "quadratic: gradient of d̄ as if every pair were in the support", Wrong::no_support),
          gradient("sharp-gradient-other-sign", "∇d + λ∇I for ∇d − λ∇I", Wrong::other_sign),
          gradient("plan-of-unit-mass", "plan normalised to mass 1 before the gradient", Wrong::unit_mass),
          gradient("l1-smoothed-at-kinks", "L1 cost smoothed within 1 of its kinks", Wrong::smoothed_kink),
          gradient("l1-kink-to-one-side", "L1 cost: derivative 1 at the kink instead of 0", Wrong::kink_is_one),
          gradient("cosine-without-projection", "cosine cost: the radial part left in the derivative", Wrong::no_projection),
          gradient("cosine-without-norm", "cosine cost: derivative not divided by ‖z‖", Wrong::no_norm),
          gradient("squared-without-two", "squared cost: factor 2 of the derivative lost", Wrong::no_two)};
}

std::vector<TransportBoundsDefect> broken_smoothness() {
  return {smoothness("slope-not-squared", "L1 + L0/λ for L1 + L0²/λ", WrongBound::L0_over_lambda),
          smoothness("smoothness-of-the-cost", "L1 alone for L1 + L0²/λ", WrongBound::L1_only),
          smoothness("mean-square-for-entropy", "KL: mean square of ∇C where the largest counts", WrongBound::rms_for_kl),
          smoothness("largest-for-quadratic", "quadratic: largest ∇C where the mean square does", WrongBound::L0_for_quadratic),
          smoothness("smoothness-of-half-lambda", "L0²/(2λ) for L0²/λ", WrongBound::half_lambda),
          smoothness("plan-moved-by-square", "L0²/λ for the plan's L0/λ", WrongBound::plan_by_square),
          smoothness("root-for-any-mass", "√(2κ) for plans whose mass is not 1", WrongBound::square_root),
          smoothness("tau-by-two-terms", "√(2κ) + 2κ/3 for τ(κ)", WrongBound::first_terms),
          smoothness("tau-by-its-bound", "√(2κ) + κ for τ(κ): true, and too much", WrongBound::simple_bound),
          smoothness("gap-not-divided", "τ(ε) for τ(ε/λ)", WrongBound::square_root_of_gap),
          smoothness("tau-for-unit-mass", "τ(κ) for plans of mass 1, where √(2κ) does", WrongBound::tau_for_unit_mass),
          smoothness("largest-in-quadratic-error", "quadratic: largest ∇C in the gradient's error", WrongBound::L0_in_quadratic_error)};
}

}  // namespace slicecheck
