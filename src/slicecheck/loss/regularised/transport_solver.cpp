#include "slicecheck/loss/regularised/transport_solver.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/dual_ascent.h"
#include "slicecheck/loss/regularised/half_step.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/tree_plan.h"

namespace slicecheck {

namespace {

/// One run: sweeps, then Newton's method, then sweeps again, each until the certificate suffices.
class Run {
 public:
  Run(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start, bool newton)
      : problem_(problem),
        settings_(settings),
        ascent_(problem),
        newton_(newton),
        started_(start != nullptr),
        newton_side_(problem.m() <= problem.n() ? 1 : 0),
        spread_(problem.cost.maxCoeff() - problem.cost.minCoeff()),
        small_lambda_(problem.lambda < spread_ / 64.0) {
    if (start != nullptr) ascent_.set_potentials(*start);
  }

  TransportSolution solve() {
    step(0);
    if (!postponed()) certify();
    if (!done()) sweep(newton_ ? patience() : settings_.most_sweeps);
    if (!done() && newton_) {
      continuation();
      while (!done() && affords(5)) {
        const double before = open();
        const double value = ascent_.value();
        newton(60);
        if (!done()) sweep(60);
        if (!(open() < before) && !(ascent_.value() > value + best_.floor)) return finish();
      }
    }
    if (!done()) sweep(settings_.most_sweeps);
    return finish();
  }

 private:
  static constexpr int kMostInVain = 20;

  /// Whether certificates in turn come to anything: the open part falls, or D grows by more than rounding.
  struct Advance {
    double open;
    double value;
    int in_vain = 0;
  };

  /// Half-sweeps that cost about as much as five Newton steps, and twenty at least.
  [[nodiscard]] Index patience() const { return 20 + std::min(problem_.n(), problem_.m()); }
  [[nodiscard]] bool affords(Index steps) const { return best_.sweeps + steps <= settings_.most_sweeps; }
  /// |dual_value − d| is at most that.
  [[nodiscard]] double open() const { return best_.gap + best_.floor; }
  /// Certified; or rounding forbids it, and the gap is no larger than what rounding leaves open.
  [[nodiscard]] bool enough(double gap, double floor) const { return gap + floor <= settings_.tolerance || (floor >= settings_.tolerance && gap <= floor); }
  [[nodiscard]] bool done() const { return enough(best_.gap, best_.floor); }
  /// The first certificate of a large problem costs several half-steps, and without potentials to start with it says nothing.
  [[nodiscard]] bool postponed() const { return !started_ && settings_.most_sweeps > 8 && problem_.cost.size() > 10'000; }
  double step(int side) {
    ++best_.sweeps;
    return ascent_.maximise(side);
  }

  /// After a half-step over φ.
  void certify() {
    DualPotentials at = ascent_.potentials();
    Points<double> plan = feasible_plan(problem_, at);
    double gap = certified(duality_gap(problem_, at, plan));
    const double floor = certified(certificate_floor(problem_, at));
    if (small_lambda_ && !enough(gap, floor))
      if (auto other = tree_plan(problem_, plan_of(problem_, at))) {
        const double of_other = certified(duality_gap(problem_, at, *other));
        if (of_other < gap) {
          gap = of_other;
          plan = std::move(*other);
        }
      }
    last_gap_ = gap;
    if (!plan_.size() || (std::isfinite(open()) ? gap + floor < open() : std::isfinite(gap + floor) || !(gap >= best_.gap))) {
      best_.potentials = std::move(at);
      best_.gap = gap;
      best_.floor = floor;
      plan_ = std::move(plan);
    }
  }

  /// Rounding makes a gap of 0 negative; what is not a number bounds nothing.
  static double certified(double bound) { return std::isnan(bound) ? std::numeric_limits<double>::infinity() : std::max(bound, 0.0); }

  [[nodiscard]] bool in_vain(Advance& advance) const {
    const double value = ascent_.value();
    const bool better = open() < advance.open || value > advance.value + best_.floor;
    advance = {open(), better ? std::max(value, advance.value) : advance.value, better ? 0 : advance.in_vain + 1};
    return !std::isfinite(value) || !std::isfinite(last_gap_) || advance.in_vain >= kMostInVain;
  }

  /// Half-sweeps in pairs. The growth of D bounds the gap from below, so that a certificate is tried only where it can succeed.
  void sweep(Index most) {
    const Index end = std::min(settings_.most_sweeps, best_.sweeps + most);
    double ratio = 1.0;  // gap/growth when last tried
    Index untried = 0;
    bool certified_last = plan_.size() > 0;
    Advance advance{open(), ascent_.value()};
    while (best_.sweeps + 2 <= end) {
      const double growth = step(1);
      step(0);
      ++untried;
      certified_last = false;
      const double wanted = std::max(settings_.tolerance - best_.floor, best_.floor >= settings_.tolerance ? best_.floor : best_.floor / 64.0);
      if (problem_.regulariser == Regulariser::kl ? growth * ratio > wanted && untried < 1000 && std::isfinite(growth) : untried < 4 && best_.sweeps > 8)
        continue;
      certify();
      certified_last = true;
      untried = 0;
      if (done() || in_vain(advance)) return;
      if (growth > 0.0) ratio = std::clamp(0.5 * last_gap_ / growth, 1.0, 1e12);
    }
    if (!certified_last) certify();
  }

  void newton_once() {
    ++best_.sweeps;
    if (newton_side_ == 0) ascent_.maximise(1);
    if (!ascent_.newton_step(newton_side_)) {
      ascent_.maximise(1);
      ascent_.maximise(0);
      best_.sweeps += 2;
    } else if (newton_side_ == 0) {
      ascent_.maximise(0);
    }
  }

  /// For λ much below the spread of C: Newton's method moves potentials by little more than λ a step, so it follows λ downwards from where it is quick.
  void continuation() {
    if (!small_lambda_ || !affords(8)) return;
    constexpr double kRatio = 0.25;
    ascent_.set_potentials({Vector<double>::Zero(problem_.n()), Vector<double>::Zero(problem_.m())});
    for (double lambda = spread_ / 16.0; lambda * kRatio > problem_.lambda && affords(8); lambda *= kRatio) {
      ascent_.set_lambda(lambda);
      step(0);
      for (int k = 0; k < 25 && affords(4); ++k) {
        newton_once();
        if (ascent_.residual(1) < 0.02) break;
      }
    }
    ascent_.set_lambda(problem_.lambda);
    step(0);
    certify();
  }

  void newton(int most) {
    Advance advance{open(), ascent_.value()};
    for (int k = 0; k < most && !done() && affords(5); ++k) {
      newton_once();
      certify();
      if (in_vain(advance)) return;
    }
  }

  TransportSolution finish() {
    best_.dual_value = dual_value(problem_, best_.potentials);
    best_.transport = plan_.cwiseProduct(problem_.cost).sum();
    best_.regularisation = regularisation(problem_, plan_);
    best_.outcome = open() <= settings_.tolerance && std::isfinite(best_.dual_value) ? SolverOutcome::certified : SolverOutcome::inconclusive;
    return std::move(best_);
  }

  const TransportProblem& problem_;
  const SolverSettings& settings_;
  DualAscent ascent_;
  bool newton_;
  bool started_;
  int newton_side_;
  double spread_;
  bool small_lambda_;
  TransportSolution best_{{}, 0.0, std::numeric_limits<double>::infinity(), 0.0, 0.0, 0.0, 0, SolverOutcome::inconclusive};
  Points<double> plan_;
  double last_gap_ = 0.0;
};

void require_usable(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) {
  problem.validate();
  if (!(settings.tolerance > 0.0)) reject("the tolerance is {}; expected a positive number", settings.tolerance);
  if (settings.most_sweeps < 1) reject("most_sweeps is {}; expected at least 1", settings.most_sweeps);
  if (start == nullptr) return;
  if (start->phi.size() != problem.n() || start->psi.size() != problem.m())
    reject("the potentials to start with have {} and {} entries; expected {} and {}", start->phi.size(), start->psi.size(), problem.n(), problem.m());
  if (!start->phi.allFinite() || !start->psi.allFinite()) reject("the potentials to start with have an entry that is not finite");
}

}  // namespace

Vector<double> best_phi(const TransportProblem& problem, VectorView<double> psi) {
  if (psi.size() != problem.m()) reject("psi has {} entries; expected {}", psi.size(), problem.m());
  const bool careful = problem.lambda > problem.cost.cwiseAbs().maxCoeff();
  Vector<double> phi(problem.n());
  half_step::over_rows(problem.n(), problem.m(), [&](Index first, Index count) {
    Vector<double> t(problem.m());
    for (Index i = first; i < first + count; ++i) {
      t = -psi - problem.cost.row(i).transpose();
      phi[i] =
          problem.regulariser == Regulariser::kl ? half_step::kl(t, problem.b, problem.lambda, careful) : half_step::quadratic(t, problem.b, problem.lambda);
    }
  });
  return phi;
}

Vector<double> best_psi(const TransportProblem& problem, VectorView<double> phi) {
  if (phi.size() != problem.n()) reject("phi has {} entries; expected {}", phi.size(), problem.n());
  const TransportProblem turned{problem.b, problem.a, problem.cost.transpose(), problem.lambda, problem.regulariser};
  return -best_phi(turned, -phi);
}

TransportSolution solve_transport(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) {
  require_usable(problem, settings, start);
  return Run(problem, settings, start, true).solve();
}

TransportSolution solve_by_half_steps(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) {
  require_usable(problem, settings, start);
  return Run(problem, settings, start, false).solve();
}

}  // namespace slicecheck
