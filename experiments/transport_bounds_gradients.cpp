/// Errors of the gradient off the optimum (R7), ∇d and ∇d̄ (R4), noise of a minibatch (R11).

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

constexpr const char* kHalfSweep = "error in ψ, then a half-step (mass 1)";
constexpr double kFarthest = 400.0;  // ε/λ; a plan of such potentials has a mass of hundreds

/// L0 and L̃0 of one θ: Theorem 4.1 needs no more.
CostConstants constants_at(const CostFamily& f, const Eigen::VectorXd& theta) {
  const std::vector<Points<double>> slopes = f.derivatives(theta);
  const Index p = f.parameters();
  CostConstants out;
  Eigen::MatrixXd second = Eigen::MatrixXd::Zero(p, p);
  for (Index i = 0; i < f.a.size(); ++i)
    for (Index j = 0; j < f.b.size(); ++j) {
      Eigen::VectorXd slope(p);
      for (Index k = 0; k < p; ++k) slope[k] = slopes[static_cast<std::size_t>(k)](i, j);
      out.L0 = std::max(out.L0, slope.norm());
      second += f.a[i] * f.b[j] * slope * slope.transpose();
    }
  out.rms_L0 = std::sqrt(std::max(0.0, Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(second).eigenvalues().maxCoeff()));
  return out;
}

/// One atom each and C = θ: the plan of any potentials is a multiple of the optimal one, and ∇C = 1.
CostFamily one_atom() {
  CostFamily f;
  f.kind = "one atom";
  f.a = f.b = Vector<double>::Ones(1);
  f.centre = Eigen::VectorXd::Ones(1);
  f.cost = [](const Eigen::VectorXd& theta) { return Points<double>(Points<double>::Constant(1, 1, theta[0])); };
  f.derivatives = [](const Eigen::VectorXd&) { return std::vector<Points<double>>{Points<double>::Ones(1, 1)}; };
  return f;
}

struct WrongGradient {
  std::string kind;    ///< of the potentials
  std::string family;  ///< of the cost
  bool is_kl = true;
  double s = 0.0;      ///< √(ε/λ)
  double error = 0.0;  ///< ‖G − ∇h‖/L0 (quadratic: /L̃0), less what the solver leaves open
  double mass = 1.0;
};

/// What was looked at, and why the rest was not.
struct WrongGradients {
  std::vector<WrongGradient> kept;
  Index constant = 0;     ///< ∇C = 0
  Index uncertified = 0;  ///< the optimum is open by more than 10⁻⁹ of λ
  Index infinite = 0;     ///< gap or error not finite
  Index near = 0;         ///< ε is not far above what the optimum leaves open
  Index far = 0;          ///< ε/λ above kFarthest
};

/// Potentials of several kinds that miss the optimum of one problem.
WrongGradients wrong_gradients(std::uint64_t seed, Index number, Index potentials) {
  const RandomStream stream(seed, Purpose::law, static_cast<std::uint32_t>(Draws::problems), static_cast<std::uint64_t>(number));
  PointDraws draws(stream, 0);
  const bool is_kl = number % 2 == 0;
  const Regulariser regulariser = is_kl ? Regulariser::kl : Regulariser::quadratic;
  CostFamily f = number < 2 ? one_atom() : draw_family(draws, static_cast<FamilyKind>(draws.below(6)), regulariser, 3);
  f.regulariser = regulariser;
  const Eigen::VectorXd theta = number < 2 ? f.centre : f.draw_theta(draws);
  const TransportProblem problem = f.at(theta);
  const TransportSolution exact = nearly_exact(problem);
  const CostConstants c = constants_at(f, theta);
  const double L = is_kl ? c.L0 : c.rms_L0;
  WrongGradients out;
  if (!(L > 0.0)) {
    out.constant = potentials;
    return out;
  }
  if (exact.gap + exact.floor > 1e-9 * f.lambda) out.uncertified = potentials;  // kept: `open` and `near` see to it
  const Points<double> best = plan_of(problem, exact.potentials);
  const Points<double> feasible = feasible_plan(problem, exact.potentials);
  const double open = is_kl ? mass_error((exact.gap + exact.floor) / f.lambda) : std::sqrt(2.0 * (exact.gap + exact.floor) / f.lambda);
  for (Index k = 0; k < potentials; ++k) {
    DualPotentials wrong = exact.potentials;
    std::string kind;
    const double amount = f.lambda * std::pow(10.0, draws.uniform(-3.0, 0.7));
    switch (k % 4) {
      case 0:
        kind = kHalfSweep;
        wrong.psi += amount * normal_vector(draws, f.b.size());
        wrong.phi = best_phi(problem, wrong.psi);
        break;
      case 1:
        kind = "random errors (any mass)";
        wrong.phi += amount * normal_vector(draws, f.a.size());
        wrong.psi += amount * normal_vector(draws, f.b.size());
        break;
      case 2:
        kind = "plan times a constant";
        wrong.phi.array() += is_kl ? f.lambda * std::log1p(amount / f.lambda) : amount;
        break;
      default: kind = "plan times a constant below 1"; wrong.phi.array() -= amount;
    }
    const Points<double> plan = plan_of(problem, wrong);
    const double epsilon = duality_gap(problem, wrong, feasible);  // at most exact.gap above the true error
    const double error = f.gradient(Points<double>(plan - best), theta).norm() / L - open;
    Index* const dropped = !std::isfinite(epsilon) || !std::isfinite(error) ? &out.infinite
                           : epsilon < 1e4 * (exact.gap + exact.floor)      ? &out.near
                           : epsilon > kFarthest * f.lambda                 ? &out.far
                                                                            : nullptr;
    if (dropped != nullptr) {
      ++*dropped;
      continue;
    }
    out.kept.push_back({kind, f.kind, is_kl, std::sqrt(epsilon / f.lambda), error, plan.sum()});
  }
  return out;
}

void gradient_errors(const ExperimentContext& context, const HeldBounds& bounds, Part& part) {
  const Index problems = 2 * context.settings.integer("gradient.problems");
  std::vector<WrongGradients> found(static_cast<std::size_t>(problems));
  parallel_for(problems,
               [&](Index k) { found[static_cast<std::size_t>(k)] = wrong_gradients(context.seed, k, context.settings.integer("gradient.potentials")); });
  Closest any{"R7", "KL, any mass", "‖G − ∇h‖ ≤ L₀ τ(ε/λ), KL, any mass"}, unit{"R7", "KL, mass 1", "‖G − ∇h‖ ≤ L₀ √(2ε/λ), KL, mass 1"},
      quadratic{"R7", "quadratic, any mass", "‖G − ∇h‖ ≤ L̃₀ √(2ε/λ), quadratic"},
      claimed{"F3", "KL, any mass", "‖G − ∇h‖ ≤ L₀ √(2ε/λ), KL, any mass (false)", Closest::Kind::false_bound};
  CsvTable table({"regulariser", "kind", "family", "s", "error", "mass", "root", "tau"});
  std::size_t exceeding = 0, unnormalised = 0;
  const std::vector<std::string> kinds{kHalfSweep, "random errors (any mass)", "plan times a constant", "plan times a constant below 1"};
  WrongGradients dropped;
  const auto allowed = [&](double s, Regulariser regulariser, bool unit_mass) {
    return bounds.gradient_error(s * s, {1.0, 1.0, 0.0}, 1.0, regulariser, unit_mass);
  };
  for (const auto& one : found) {
    dropped.constant += one.constant;
    dropped.uncertified += one.uncertified;
    dropped.infinite += one.infinite;
    dropped.near += one.near;
    dropped.far += one.far;
    for (const WrongGradient& w : one.kept) {
      table.add({std::string(w.is_kl ? "KL" : "quadratic"), w.kind, w.family, w.s, w.error, w.mass, kUnknown, kUnknown});
      const double root = std::sqrt(2.0) * w.s;
      const std::string where = fmt::format("{}, {}, √(ε/λ) = {:.3g}, mass {:.4g}", w.family, w.kind, w.s, w.mass);
      if (!w.is_kl) {
        quadratic.see(w.error, allowed(w.s, Regulariser::quadratic, false), where);
        continue;
      }
      any.see(w.error, allowed(w.s, Regulariser::kl, false), where);
      if (w.kind == kinds[0]) {
        unit.see(w.error, allowed(w.s, Regulariser::kl, true), where);
        continue;
      }
      claimed.see(w.error, root, where);
      ++unnormalised;
      exceeding += w.error > root ? 1 : 0;
    }
  }
  part.facts.push_back(
      fmt::format("Errors of the gradient: of {} potentials {} were not judged: {} have a constant cost, {} no finite gap, {} are nearer to the optimum than "
                  "10⁴ times what "
                  "the solver leaves open of it, {} are farther than ε/λ = {:g}. {} stand beside an optimum that is open by more than 10⁻⁹ λ.",
                  problems * context.settings.integer("gradient.potentials"), dropped.constant + dropped.infinite + dropped.near + dropped.far,
                  dropped.constant, dropped.infinite, dropped.near, dropped.far, kFarthest, dropped.uncertified));
  for (const double s : logarithmic(1e-3, std::sqrt(kFarthest), 91)) {
    table.add({std::string("KL"), std::string("bound"), std::string("-"), s, kUnknown, kUnknown, std::sqrt(2.0) * s, allowed(s, Regulariser::kl, false)});
    table.add({std::string("quadratic"), std::string("bound"), std::string("-"), s, kUnknown, kUnknown, std::sqrt(2.0) * s, kUnknown});
  }
  table.write(context.folder / "gradient-error.csv");
  Json panels = Json::array();
  for (const std::string regulariser : {"KL", "quadratic"}) {
    Json series = Json::array();
    for (const std::string& kind : kinds) series.push_back(curve(kind, "error", "points", {{"regulariser", regulariser}, {"kind", kind}}));
    if (regulariser == "KL") series.push_back(curve("τ(ε/λ): any mass, KL", "tau", "line", {{"regulariser", regulariser}, {"kind", "bound"}}));
    series.push_back(curve("√(2ε/λ): mass 1, or quadratic", "root", "dashed", {{"regulariser", regulariser}, {"kind", "bound"}}));
    panels.push_back({{"title", regulariser}, {"series", std::move(series)}});
  }
  part.figures.push_back(curves_figure(
      "gradient-error", "Error of the gradient against the dual gap ε",
      "‖G − ∇h‖ divided by L₀ (KL) or L̃₀ (quadratic), for potentials that miss the optimum by ε. One atom with a plan of too large a mass attains τ (R7). "
      "Where the plan has mass 1, or the regulariser is quadratic, the dashed line is a bound; KL plans of other masses may lie above it (F3).",
      "s", "√(ε/λ)", "‖G − ∇h‖ / L₀", true, true, std::move(panels)));
  for (const Closest& c : {any, unit, quadratic, claimed}) part.closest.push_back(c);
  part.advice.push_back(advice_entry(
      "May a KL gradient be taken from potentials that are far from the optimum?",
      any.exceeded() || unit.exceeded() ? std::string("Not decided: an error exceeded R7's bound; see the verdicts.")
      : claimed.ratio() > 1.0
          ? fmt::format("Only after the plan has been given mass 1 (a half-sweep, or division by Σπ): then the error was at most {:.2f}·L₀√(2ε/λ); without, it "
                        "was up to {:.3g} times L₀√(2ε/λ), and at most {:.4f} of L₀τ(ε/λ).",
                        unit.ratio(), claimed.ratio(), any.ratio())
          : std::string("Not decided: no plan of another mass exceeded L₀√(2ε/λ)."),
      {fmt::format("{} of {} plans whose mass was not set to 1 exceed L₀√(2ε/λ), the worst {} times: {}.", exceeding, unnormalised,
                   fmt::format("{:.3g}", claimed.ratio()), claimed.where),
       fmt::format("With τ: at most {:.4f} of the bound ({}).", any.ratio(), any.where),
       fmt::format("Quadratic, any mass: at most {:.4f} of L̃₀√(2ε/λ) ({}).", quadratic.ratio(), quadratic.where)}));
}

/// θ = 1 on the line: the plan's formula, its correction for d̄, and differences of certified values.
void two_gradients(const ExperimentContext& context, Part& part) {
  CsvTable table({"kind", "lambda", "d", "sharp_d"});
  const std::vector<double> lambdas = logarithmic(0.05, 50.0, 4 * context.settings.integer("lambdas"));
  double first = 0.0, last = 0.0, largest_gap = 0.0, farthest = 0.0;
  Index opposed = 0;
  const auto slope = [](const Points<double>& weights) {
    Points<double> derivative(2, 2);  // of (θ ∓ 1)² at θ = 1
    derivative << 0.0, 4.0, 4.0, 0.0;
    return weights.cwiseProduct(derivative).sum();
  };
  for (std::size_t k = 0; k < lambdas.size(); ++k) {
    const double lambda = lambdas[k];
    const TransportProblem problem = line_problem(1.0, lambda);
    const TransportSolution s = nearly_exact(problem);
    const double d = slope(gradient_weights(problem, s.potentials));
    const double sharp = slope(sharp_gradient_weights(problem, s.potentials));
    if (k % 4 == 0) {
      const double step = 1e-4;
      const TransportSolution right = nearly_exact(line_problem(1.0 + step, lambda)), left = nearly_exact(line_problem(1.0 - step, lambda));
      const double difference = (right.dual_value - left.dual_value) / (2.0 * step);
      const double sharp_difference = (right.transport - left.transport) / (2.0 * step);
      farthest = std::max({farthest, std::abs(difference - d), std::abs(sharp_difference - sharp)});
      table.add({std::string("difference"), lambda, difference, sharp_difference});
    }
    if (d > 1e-6 && sharp < -1e-6) {
      first = first == 0.0 ? lambda : first;
      last = lambda;
      ++opposed;
    }
    largest_gap = std::max(largest_gap, std::abs(d - sharp));
    table.add({std::string("formula"), lambda, d, sharp});
  }
  table.write(context.folder / "two-gradients.csv");
  part.figures.push_back(curves_figure(
      "two-gradients", "∇d and ∇d̄ on the line at θ = 1",
      "x and y are ±1, uniform, G = θx, squared cost, KL: d = θ² + 1 − λ ln cosh(2θ/λ), and d̄ = d − λI(π*) is the transport cost alone. Lines: the formulas of "
      "R4 from the plan; points: differences of solved values at θ ± 10⁻⁴. The paper takes both gradients to be the same.",
      "lambda", "λ", "derivative in θ", true, false,
      Json::array(
          {{{"title", ""},
            {"series",
             {curve("∇d = Σπ∇C", "d", "line", {{"kind", "formula"}}), curve("∇d̄", "sharp_d", "dashed", {{"kind", "formula"}}),
              curve("difference of d", "d", "points", {{"kind", "difference"}}), curve("difference of d̄", "sharp_d", "points", {{"kind", "difference"}})}},
            {"lines", {{{"y", 0.0}}}}}})));
  const std::string opposite = first > 0.0 ? fmt::format("∇d > 0 > ∇d̄ at {} of the {} λ looked at, from {:.3g} to {:.3g}", opposed, lambdas.size(), first, last)
                                           : std::string("∇d > 0 > ∇d̄ at no λ looked at");
  part.facts.push_back(
      fmt::format("On the line at θ = 1, {}; ∇d and ∇d̄ differ by up to {:.3g}. Differences of solved values agree with the "
                  "formulas of R4 to {:.1e}.",
                  opposite, largest_gap, farthest));
  part.advice.push_back(advice_entry(
      "Does the plan's gradient Σπ∇C train d̄, the transport cost alone?",
      first > 0.0 ? fmt::format("No: Σπ∇C is the gradient of d. At θ = 1 on the line {}.", opposite) : std::string("Not decided: no opposite signs were met."),
      {fmt::format("Largest difference: {:.3g}. Differences of solved values agree with R4's formulas to {:.1e}.", largest_gap, farthest)}));
}

/// Every vector of n counts with sum S, and its multinomial probability under w.
struct CountVector {
  std::vector<Index> atoms;  ///< S indices
  double probability = 1.0;
};

void extend_counts(std::vector<CountVector>& out, VectorView<double> w, Index atom, Index left, CountVector soFar, double logarithm) {
  if (atom + 1 == w.size()) {
    for (Index k = 0; k < left; ++k) soFar.atoms.push_back(atom);
    soFar.probability = std::exp(logarithm + static_cast<double>(left) * std::log(w[atom]) - std::lgamma(static_cast<double>(left) + 1.0));
    out.push_back(std::move(soFar));
    return;
  }
  for (Index k = 0; k <= left; ++k) {
    const double of_k = static_cast<double>(k) * std::log(w[atom]) - std::lgamma(static_cast<double>(k) + 1.0);
    extend_counts(out, w, atom + 1, left - k, soFar, logarithm + of_k);
    soFar.atoms.push_back(atom);
  }
}

std::vector<CountVector> all_counts(VectorView<double> w, Index S) {
  std::vector<CountVector> out;
  extend_counts(out, w, 0, S, {}, std::lgamma(static_cast<double>(S) + 1.0));
  return out;
}

/// Var g over all minibatches of S and S atoms.
void minibatch_noise(const ExperimentContext& context, const HeldBounds& bounds, Part& part) {
  CsvTable table({"problem", "S", "variance", "formula", "pairs", "marginals"});
  Closest equality{"R11", "sum over all minibatches", "Var g = [V_xy + (S − 1)(V_x + V_y)]/S²", Closest::Kind::equality};
  Json panels = Json::array();
  double unbiased = 0.0, slowest = 4.0;
  std::vector<std::string> evidence;
  for (const double lambda_share : {0.05, 0.5, 5.0}) {
    CostFamily f;
    const RandomStream stream(context.seed, Purpose::law, static_cast<std::uint32_t>(Draws::batches), 0);
    PointDraws draws(stream, 0);
    Points<double> x(2, 1), y(3, 1);
    for (double& entry : x.reshaped()) entry = draws.normal();
    for (double& entry : y.reshaped()) entry = draws.normal();
    f.a = Vector<double>::Constant(2, 0.5);
    f.b.resize(3);
    f.b << 0.2, 0.3, 0.5;
    const double theta = 0.8;
    TransportProblem problem{f.a, f.b, Points<double>(2, 3), 1.0, Regulariser::kl};
    Points<double> derivative(2, 3);
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 3; ++j) {
        problem.cost(i, j) = (theta * x(i, 0) - y(j, 0)) * (theta * x(i, 0) - y(j, 0));
        derivative(i, j) = 2.0 * (theta * x(i, 0) - y(j, 0)) * x(i, 0);
      }
    problem.lambda = lambda_share * (problem.cost.maxCoeff() - problem.cost.minCoeff());
    const TransportSolution s = nearly_exact(problem);  // R11 holds for any potentials
    const Points<double> z = plan_density(problem, s.potentials).cwiseProduct(derivative);
    const Vector<double> of_x = z * problem.b, of_y = z.transpose() * problem.a;
    const double mean = problem.a.dot(of_x);
    const double v_xy = problem.a.dot(Points<double>((z.array() - mean).square()) * problem.b);
    const double v_x = problem.a.dot(Vector<double>((of_x.array() - mean).square())), v_y = problem.b.dot(Vector<double>((of_y.array() - mean).square()));
    const std::string name = fmt::format("λ = {:g}·osc C", lambda_share);
    double first = 0.0, last = 0.0, before = 0.0, last_S = 1.0;
    for (Index S = 1; S <= context.settings.integer("batches.largest"); S *= 2) {
      const auto of_a = all_counts(problem.a, S), of_b = all_counts(problem.b, S);
      std::vector<double> sums(of_a.size()), squares(of_a.size());
      parallel_for(static_cast<Index>(of_a.size()), [&](Index k) {
        const CountVector& one = of_a[static_cast<std::size_t>(k)];
        for (const CountVector& other : of_b) {
          const double g = minibatch_weights(problem, s.potentials, one.atoms, other.atoms).cwiseProduct(derivative).sum();
          const double p = one.probability * other.probability;
          sums[static_cast<std::size_t>(k)] += p * g;
          squares[static_cast<std::size_t>(k)] += p * (g - mean) * (g - mean);
        }
      });
      double expected = 0.0, variance = 0.0;
      for (std::size_t k = 0; k < sums.size(); ++k) {
        expected += sums[k];
        variance += squares[k];
      }
      const double size = static_cast<double>(S);
      const double formula = bounds.batch_variance(v_xy, v_x, v_y, size);
      table.add({name, static_cast<std::int64_t>(S), variance, formula, v_xy / (size * size), (size - 1.0) * (v_x + v_y) / (size * size)});
      equality.see(variance, formula, fmt::format("{}, S = {}", name, S));
      unbiased = std::max(unbiased, std::abs(expected - mean));
      first = S == 1 ? variance : first;
      before = last;
      last = variance;
      last_S = size;
    }
    const Json where{{"problem", name}};
    slowest = std::min(slowest, before / last);
    evidence.push_back(
        fmt::format("{}: from S = 1 to {} the variance fell {:.3g}-fold, and {:.3g}-fold with the last doubling.", name, last_S, first / last, before / last));
    panels.push_back({{"title", name},
                      {"series",
                       {curve("formula of R11", "formula", "line", where), curve("its term of pairs, V/S²", "pairs", "dashed", where),
                        curve("its term of shared points, (S − 1)(V_x + V_y)/S²", "marginals", "dashed", where),
                        curve("sum over all minibatches", "variance", "points", where)}}});
  }
  table.write(context.folder / "minibatch.csv");
  part.closest.push_back(equality);
  part.figures.push_back(curves_figure(
      "minibatch", "Noise of Algorithm 1's gradient against the minibatch",
      "S atoms of each law make S² pairs, which are not independent: where the term of shared points is the larger one the variance falls like 1/S, not 1/S². "
      "Points: sums over all minibatches "
      "with their probabilities, no sampling. V is the variance of m∇C over pairs, V_x and V_y those of its means given x and given y. Two atoms x, three y, "
      "squared cost, KL.",
      "S", "S", "Var g", true, true, std::move(panels)));
  part.facts.push_back(fmt::format("Over all minibatches the mean of g differs from the gradient by at most {:.1e}.", unbiased));
  part.advice.push_back(advice_entry("Does a minibatch of S points on each side average S² gradients?",
                                     slowest < 3.0
                                         ? fmt::format("No: the S² pairs share their points. The last doubling of S divided the variance by {:.3g} at the "
                                                       "least; 1/S² would give 4, and 1/S gives 2 (R11).",
                                                       slowest)
                                         : std::string("Not decided at these S: the variance still falls almost like 1/S²."),
                                     evidence));
}

}  // namespace

Part gradient_part(const ExperimentContext& context, const HeldBounds& bounds) {
  Part part;
  gradient_errors(context, bounds, part);
  two_gradients(context, part);
  minibatch_noise(context, bounds, part);
  return part;
}

}  // namespace slicecheck::transport_theorems
