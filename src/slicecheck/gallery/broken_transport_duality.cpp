#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/gallery/broken_transport_parts.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

namespace {

bool is_kl(const TransportProblem& problem) { return problem.regulariser == Regulariser::kl; }

Points<double> product(const TransportProblem& problem) { return problem.a * problem.b.transpose(); }

/// V.
Points<double> violation(const TransportProblem& problem, const DualPotentials& potentials) {
  return ((-problem.cost).colwise() + potentials.phi).rowwise() - potentials.psi.transpose();
}

// ------------------------------------------------------------------------------------------------------------------------------------- plans, values

enum class PlanDefect {
  without_e,
  plus_psi,
  dual_loses_lambda,
  dual_of_centred_psi,
  weights_of_uniform_laws,
};

class BrokenPlan final : public RegularisedTransport {
 public:
  explicit BrokenPlan(PlanDefect defect) : defect_(defect) {}

  [[nodiscard]] TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    TransportSolution solution = RegularisedTransport::solve(problem, settings, start);
    if (defect_ == PlanDefect::dual_loses_lambda) solution.dual_value = dual(problem, solution.potentials);
    return solution;
  }

  [[nodiscard]] Points<double> density(const TransportProblem& problem, const DualPotentials& potentials) const override {
    switch (defect_) {
      case PlanDefect::without_e: return (is_kl(problem) ? std::numbers::e : 1.0) * plan_density(problem, potentials);
      case PlanDefect::plus_psi: return plan_density(problem, {potentials.phi, -potentials.psi});
      default: return plan_density(problem, potentials);
    }
  }

  [[nodiscard]] double dual(const TransportProblem& problem, const DualPotentials& potentials) const override {
    if (defect_ == PlanDefect::dual_of_centred_psi) return dual_value(problem, {potentials.phi, potentials.psi.array() - potentials.psi.mean()});
    if (defect_ != PlanDefect::dual_loses_lambda || !is_kl(problem)) return dual_value(problem, potentials);
    const DualPotentials printed{textbook_phi(problem, potentials), potentials.psi};
    const Points<double> mass = (violation(problem, printed).array() / problem.lambda - 1.0).exp();
    return problem.a.dot(printed.phi) - problem.b.dot(printed.psi) - problem.lambda * problem.a.dot(mass * problem.b);
  }

  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    if (defect_ != PlanDefect::weights_of_uniform_laws) return gradient_weights(problem, potentials);
    return plan_density(problem, potentials) / static_cast<double>(problem.cost.size());
  }

 private:
  PlanDefect defect_;
};

// --------------------------------------------------------------------------------------------------------------------------------------- regularisers

enum class RegulariserDefect { plain_entropy, unweighted_square, no_half };

/// Another regulariser in the place of I, in the values of a solution and in `regularisation_of`.
class BrokenRegulariser final : public RegularisedTransport {
 public:
  explicit BrokenRegulariser(RegulariserDefect defect) : defect_(defect) {}

  [[nodiscard]] TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    if (defect_ == RegulariserDefect::no_half && !is_kl(problem)) {
      TransportProblem twice = problem;
      twice.lambda *= 2.0;
      TransportSolution solution = RegularisedTransport::solve(twice, settings, start);
      solution.regularisation *= 2.0;
      return solution;
    }
    TransportSolution solution = RegularisedTransport::solve(problem, settings, start);
    const double right = solution.regularisation;
    solution.regularisation = regularisation_of(problem, feasible_plan(problem, solution.potentials));
    solution.dual_value += problem.lambda * (solution.regularisation - right);
    return solution;
  }

  [[nodiscard]] double regularisation_of(const TransportProblem& problem, PointsView<double> plan) const override {
    if (defect_ == RegulariserDefect::plain_entropy && is_kl(problem)) {
      double sum = 0.0;
      for (const double p : plan.reshaped<Eigen::RowMajor>()) sum += p > 0.0 ? p * std::log(p) : 0.0;
      return sum;
    }
    if (defect_ == RegulariserDefect::unweighted_square && !is_kl(problem)) return 0.5 * plan.squaredNorm();
    return (defect_ == RegulariserDefect::no_half && !is_kl(problem) ? 2.0 : 1.0) * regularisation(problem, plan);
  }

 private:
  RegulariserDefect defect_;
};

// ---------------------------------------------------------------------------------------------------------------------------------------- certificates

enum class CertificateDefect { no_masses, no_violation, no_marginals };

class BrokenCertificate final : public RegularisedTransport {
 public:
  explicit BrokenCertificate(CertificateDefect defect) : defect_(defect) {}

  [[nodiscard]] double gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) const override {
    double gap = duality_gap(problem, potentials, plan);
    const Vector<double> rows = plan.rowwise().sum() - problem.a;
    const Vector<double> columns = plan.colwise().sum().transpose() - problem.b;
    switch (defect_) {
      case CertificateDefect::no_masses:
        if (is_kl(problem)) gap += problem.lambda * (plan.sum() - plan_of(problem, potentials).sum());
        break;
      case CertificateDefect::no_violation:
        if (!is_kl(problem)) gap -= plan.cwiseProduct(Points<double>((-violation(problem, potentials)).cwiseMax(0.0))).sum();
        break;
      case CertificateDefect::no_marginals: gap -= potentials.phi.dot(rows) - potentials.psi.dot(columns); break;
    }
    return gap;
  }

 private:
  CertificateDefect defect_;
};

// --------------------------------------------------------------------------------------------------------------------------------------------- solvers

enum class SolverDefect {
  stops_on_growth,
  gap_of_own_plan,
  always_certified,
  kernel_domain,
  negative_densities,
  psi_with_other_sign,
  ignores_weights,
  single_atom_without_regulariser,
  least_lambda,
  no_floor,
};

class BrokenSolver final : public RegularisedTransport {
 public:
  explicit BrokenSolver(SolverDefect defect) : defect_(defect) {}

  [[nodiscard]] TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    switch (defect_) {
      case SolverDefect::stops_on_growth:
      case SolverDefect::gap_of_own_plan: return half_steps(problem, settings);
      case SolverDefect::kernel_domain: return is_kl(problem) ? kernel(problem, settings) : solve_transport(problem, settings, start);
      case SolverDefect::negative_densities: return is_kl(problem) ? solve_transport(problem, settings, start) : linear(problem);
      default: break;
    }
    TransportProblem given = problem;
    if (defect_ == SolverDefect::ignores_weights) {
      given.a.setConstant(1.0 / static_cast<double>(problem.n()));
      given.b.setConstant(1.0 / static_cast<double>(problem.m()));
    }
    if (defect_ == SolverDefect::least_lambda) given.lambda = std::max(problem.lambda, 0.1 * (problem.cost.maxCoeff() - problem.cost.minCoeff()));
    TransportSolution solution = solve_transport(given, settings, start);
    if (defect_ == SolverDefect::no_floor) solution.floor = 0.0;
    if (defect_ == SolverDefect::always_certified) solution.outcome = SolverOutcome::certified;
    if (defect_ == SolverDefect::psi_with_other_sign) solution.potentials.psi *= -1.0;
    if (defect_ == SolverDefect::single_atom_without_regulariser && problem.n() == 1 && problem.m() == 1 && !is_kl(problem)) {
      solution.dual_value -= 0.5 * problem.lambda;
      solution.regularisation = 0.0;
    }
    return solution;
  }

  [[nodiscard]] Points<double> density(const TransportProblem& problem, const DualPotentials& potentials) const override {
    if (defect_ != SolverDefect::negative_densities || is_kl(problem)) return plan_density(problem, potentials);
    return violation(problem, potentials) / problem.lambda;
  }

 private:
  /// Exact half-steps, with the wrong rule to stop, or the gap of the plan of the potentials, feasible or not.
  [[nodiscard]] TransportSolution half_steps(const TransportProblem& problem, const SolverSettings& settings) const {
    TransportSolution solution;
    DualPotentials& at = solution.potentials;
    at.psi = Vector<double>::Zero(problem.m());
    at.phi = best_phi(problem, at.psi);
    double value = dual_value(problem, at);
    for (solution.sweeps = 1; solution.sweeps < std::min<Index>(settings.most_sweeps, 4000); solution.sweeps += 2) {
      at.psi = best_psi(problem, at.phi);
      at.phi = best_phi(problem, at.psi);
      const double next = dual_value(problem, at);
      const double growth = next - value;
      value = next;
      const double own = std::max(0.0, duality_gap(problem, at, plan_of(problem, at)));
      solution.gap = defect_ == SolverDefect::gap_of_own_plan ? own : duality_gap(problem, at, feasible_plan(problem, at));
      if ((defect_ == SolverDefect::gap_of_own_plan ? own : growth) <= settings.tolerance) break;
    }
    const Points<double> plan = feasible_plan(problem, at);
    solution.dual_value = value;
    solution.floor = certificate_floor(problem, at);
    solution.transport = plan.cwiseProduct(problem.cost).sum();
    solution.regularisation = regularisation(problem, plan);
    solution.outcome = solution.floor <= settings.tolerance ? SolverOutcome::certified : SolverOutcome::inconclusive;
    return solution;
  }

  /// u = 1/(K b v), v = 1/(Kᵀ a u) with K = e^{−C/λ}; the potentials are λ ln u, −λ ln v.
  static TransportSolution kernel(const TransportProblem& problem, const SolverSettings& settings) {
    const Points<double> k = (-problem.cost.array() / problem.lambda).exp();
    Vector<double> u = Vector<double>::Ones(problem.n());
    Vector<double> v = Vector<double>::Ones(problem.m());
    TransportSolution solution;
    for (solution.sweeps = 1; solution.sweeps < std::min<Index>(settings.most_sweeps, 4000); solution.sweeps += 2) {
      u = (k * problem.b.cwiseProduct(v)).cwiseInverse();
      v = (k.transpose() * problem.a.cwiseProduct(u)).cwiseInverse();
      u = (k * problem.b.cwiseProduct(v)).cwiseInverse();
      solution.potentials = {problem.lambda * u.array().log(), -problem.lambda * v.array().log()};
      solution.gap = duality_gap(problem, solution.potentials, feasible_plan(problem, solution.potentials));
      if (!(solution.gap > settings.tolerance)) break;
    }
    const Points<double> plan = feasible_plan(problem, solution.potentials);
    solution.dual_value = dual_value(problem, solution.potentials);
    solution.floor = certificate_floor(problem, solution.potentials);
    solution.transport = plan.cwiseProduct(problem.cost).sum();
    solution.regularisation = regularisation(problem, plan);
    if (solution.gap <= settings.tolerance && solution.floor <= settings.tolerance) solution.outcome = SolverOutcome::certified;
    return solution;
  }

  /// M(V) = V/λ, of any sign: linear equations, solved by a sweep.
  static TransportSolution linear(const TransportProblem& problem) {
    TransportSolution solution;
    DualPotentials& at = solution.potentials;
    at.phi = problem.cost * problem.b;
    at.phi.array() += problem.lambda;
    at.psi = (-problem.cost).transpose() * problem.a;
    at.psi.array() += problem.a.dot(at.phi) - problem.lambda;
    const Points<double> m = violation(problem, at) / problem.lambda;
    const Points<double> plan = product(problem).cwiseProduct(m);
    solution.transport = plan.cwiseProduct(problem.cost).sum();
    solution.regularisation = 0.5 * plan.cwiseProduct(m).sum();
    solution.dual_value = solution.transport + problem.lambda * solution.regularisation;
    solution.outcome = SolverOutcome::certified;
    return solution;
  }

  SolverDefect defect_;
};

TransportDefect plan(const std::string& name, const std::string& title, PlanDefect kind) {
  return transport_defect(name, title, std::make_shared<BrokenPlan>(kind));
}
TransportDefect regulariser(const std::string& name, const std::string& title, RegulariserDefect kind) {
  return transport_defect(name, title, std::make_shared<BrokenRegulariser>(kind));
}
TransportDefect certificate(const std::string& name, const std::string& title, CertificateDefect kind) {
  return transport_defect(name, title, std::make_shared<BrokenCertificate>(kind));
}
TransportDefect solver(const std::string& name, const std::string& title, SolverDefect kind) {
  return transport_defect(name, title, std::make_shared<BrokenSolver>(kind));
}

}  // namespace

std::vector<TransportDefect> broken_duality() {
  return {
      plan("density-without-e", "KL: the 1/e of M(V) is dropped, and the mass of the plan is e", PlanDefect::without_e),
      plan("density-plus-psi", "V with +ψ for −ψ", PlanDefect::plus_psi),
      plan("dual-loses-lambda", "KL: D in the numbers of the paper, φ with λ in it, which loses uλ", PlanDefect::dual_loses_lambda),
      plan("dual-of-centred-psi", "ψ is centred before D is formed, and φ is not", PlanDefect::dual_of_centred_psi),
      plan("weights-of-uniform-laws", "the weights of the gradient are m/(nm), not ab m", PlanDefect::weights_of_uniform_laws),
      regulariser("plain-entropy", "KL: Σ π ln π in place of Σ π ln(π/ab)", RegulariserDefect::plain_entropy),
      regulariser("unweighted-square", "quadratic: Σ π²/2 in place of Σ π²/(2ab)", RegulariserDefect::unweighted_square),
      regulariser("square-without-half", "quadratic: Σ π²/(ab), twice what it should be", RegulariserDefect::no_half),
      certificate("gap-without-masses", "KL: the gap is λ Σ π' ln(π'/π), without −π' + π", CertificateDefect::no_masses),
      certificate("gap-without-violation", "quadratic: Σ π' V₋ is dropped from the gap", CertificateDefect::no_violation),
      certificate("gap-without-marginals", "the gap takes every plan for feasible: no Σ φ(r − a) − Σ ψ(s − b)", CertificateDefect::no_marginals),
      solver("stops-on-growth", "stops, and calls it certified, when a sweep adds less than the tolerance to D", SolverDefect::stops_on_growth),
      solver("gap-of-own-plan", "the gap is that of the potentials' own plan, which is not feasible", SolverDefect::gap_of_own_plan),
      solver("always-certified", "never inconclusive", SolverDefect::always_certified),
      solver("kernel-domain", "KL by e^{−C/λ} without logarithms: rows of zeros for small λ", SolverDefect::kernel_domain),
      solver("negative-densities", "quadratic: V/λ for V₊/λ, so that plans have negative entries", SolverDefect::negative_densities),
      solver("psi-with-other-sign", "the solution gives −ψ for ψ", SolverDefect::psi_with_other_sign),
      solver("solver-ignores-weights", "every atom has the same weight to the solver", SolverDefect::ignores_weights),
      solver("single-atom-without-regulariser", "quadratic: d = c between single atoms, not c + λ/2", SolverDefect::single_atom_without_regulariser),
      solver("least-lambda", "a λ below a tenth of the spread of C is raised to it", SolverDefect::least_lambda),
      solver("no-floor", "the floor is 0: D and the gap are taken for exact", SolverDefect::no_floor),
  };
}

}  // namespace slicecheck
