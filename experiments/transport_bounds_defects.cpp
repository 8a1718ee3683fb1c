/// Mistakes in the bounds of `transport-bounds`, which its verdicts must refuse.

#include <algorithm>
#include <map>

#include "slicecheck/core/error.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

enum class Mistake { none, smoothness_without_l0, plan_half, square_root_for_tau, twice_the_step, no_noise, s4, half_limits, tenth_of_the_spread, half_gap };

class WrongBounds final : public HeldBounds {
 public:
  explicit WrongBounds(Mistake mistake) : mistake_(mistake) {}

  [[nodiscard]] double certificate(double gap) const override { return is(Mistake::half_gap) ? 0.5 * gap : gap; }

  [[nodiscard]] double smoothness(const CostConstants& c, double lambda, Regulariser regulariser) const override {
    return is(Mistake::smoothness_without_l0) ? c.L1 : HeldBounds::smoothness(c, lambda, regulariser);
  }

  [[nodiscard]] double plan_stability(const CostConstants& c, double lambda, Regulariser regulariser) const override {
    return (is(Mistake::plan_half) ? 0.5 : 1.0) * HeldBounds::plan_stability(c, lambda, regulariser);
  }

  [[nodiscard]] double gradient_error(double gap, const CostConstants& c, double lambda, Regulariser regulariser, bool unit_mass) const override {
    return HeldBounds::gradient_error(gap, c, lambda, regulariser, unit_mass || is(Mistake::square_root_for_tau));
  }

  [[nodiscard]] double largest_step(const CostConstants& c) const override { return (is(Mistake::twice_the_step) ? 2.0 : 1.0) * HeldBounds::largest_step(c); }

  [[nodiscard]] double stationarity(double excess, double alpha, double steps, double delta_squared, double L, double sigma_squared) const override {
    return HeldBounds::stationarity(excess, alpha, steps, delta_squared, L, is(Mistake::no_noise) ? 0.0 : sigma_squared);
  }

  [[nodiscard]] double batch_variance(double v_xy, double v_x, double v_y, double batch) const override {
    return HeldBounds::batch_variance(v_xy, v_x, v_y, batch) / (is(Mistake::s4) ? batch * batch : 1.0);
  }

  [[nodiscard]] TransportInterval small_lambda(const TransportProblem& problem, double exact) const override {
    TransportInterval out = HeldBounds::small_lambda(problem, exact);
    if (is(Mistake::half_limits)) out.high = 0.5 * (out.low + out.high);
    return out;
  }

  [[nodiscard]] TransportInterval large_lambda(const TransportProblem& problem) const override {
    TransportInterval out = HeldBounds::large_lambda(problem);
    if (!is(Mistake::tenth_of_the_spread)) return out;
    const double limit = problem.a.dot(problem.cost * problem.b) + (problem.regulariser == Regulariser::kl ? 0.0 : 0.5 * problem.lambda);
    out.low = limit - 0.1 * (limit - out.low);
    return {out.low, std::max(out.low, out.high)};
  }

 private:
  [[nodiscard]] bool is(Mistake mistake) const { return mistake_ == mistake; }

  Mistake mistake_;
};

const std::map<std::string, Mistake>& mistakes() {
  static const std::map<std::string, Mistake> all{{"none", Mistake::none},
                                                  {"smoothness-without-l0", Mistake::smoothness_without_l0},
                                                  {"half-plan-stability", Mistake::plan_half},
                                                  {"square-root-for-tau", Mistake::square_root_for_tau},
                                                  {"twice-the-step", Mistake::twice_the_step},
                                                  {"no-noise", Mistake::no_noise},
                                                  {"s4", Mistake::s4},
                                                  {"half-limits", Mistake::half_limits},
                                                  {"tenth-of-the-spread", Mistake::tenth_of_the_spread},
                                                  {"half-gap", Mistake::half_gap}};
  return all;
}

}  // namespace

std::unique_ptr<const HeldBounds> bounds_by_name(const std::string& defect) {
  const auto found = mistakes().find(defect);
  if (found != mistakes().end()) return std::make_unique<WrongBounds>(found->second);
  std::vector<std::string> names;
  for (const auto& entry : mistakes()) names.push_back(entry.first);
  reject("settings: unknown defect '{}'; the known ones are {}", defect, fmt::join(names, ", "));
}

}  // namespace slicecheck::transport_theorems
