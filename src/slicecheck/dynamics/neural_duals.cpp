#include "slicecheck/dynamics/neural_duals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

namespace {

/// V, n×m.
Points<double> violation(const TransportProblem& problem, const DualPotentials& potentials) {
  if (potentials.phi.size() != problem.n() || potentials.psi.size() != problem.m())
    reject("the potentials have {} and {} entries; expected {} and {}", potentials.phi.size(), potentials.psi.size(), problem.n(), problem.m());
  Points<double> v = -problem.cost;
  v.colwise() += potentials.phi;
  v.rowwise() -= potentials.psi.transpose();
  return v;
}

/// The root t of Σ w (v + t)₊ = λ.
double level(const Points<double>& v, const Points<double>& weights, double lambda) {
  std::vector<Index> order(static_cast<std::size_t>(v.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index k, Index l) { return v.data()[k] > v.data()[l]; });
  const double top = v.data()[order.front()];
  double mass = 0.0, moment = 0.0, height = 0.0;  // of top − v
  for (std::size_t k = 0; k < order.size(); ++k) {
    mass += weights.data()[order[k]];
    moment += weights.data()[order[k]] * (top - v.data()[order[k]]);
    height = (lambda + moment) / mass;
    if (k + 1 == order.size() || height <= top - v.data()[order[k + 1]]) break;
  }
  return height - top;
}

/// ‖∂c(z_i, y_j)/∂z_i‖, or a bound on it for l1: the root of the dimension.
Points<double> slopes(GroundCost cost, const Points<double>& c, PointsView<double> z) {
  switch (cost) {
    case GroundCost::l1: return Points<double>::Constant(c.rows(), c.cols(), std::sqrt(static_cast<double>(z.cols())));
    case GroundCost::squared: return 2.0 * c.cwiseSqrt();
    case GroundCost::cosine: break;
  }
  Points<double> sine = (c.array() * (2.0 - c.array())).max(0.0).sqrt();  // of the angle: 1 − cos² = c(2 − c)
  for (Index i = 0; i < z.rows(); ++i) sine.row(i) /= z.row(i).stableNorm();
  return sine;
}

/// Both networks at the points of a minibatch.
template <class S>
struct Evaluated {
  Evaluated(const Critic<S>& phi, const Critic<S>& psi, VectorView<S> parameters, PointsView<S> z, PointsView<S> y)
      : alpha(parameters.head(phi.parameters())),
        beta(parameters.segment(phi.parameters(), psi.parameters())),
        at_z(phi.linearise(alpha, z)),
        at_y(psi.linearise(beta, y)) {}

  /// scale · scores, and the constant t on φ.
  [[nodiscard]] DualPotentials potentials(double scale, S constant) const {
    DualPotentials out{scale * at_z->scores().template cast<double>(), scale * at_y->scores().template cast<double>()};
    out.phi.array() += static_cast<double>(constant);
    return out;
  }

  /// D at these potentials and its gradient in (α, β, t), the last 0.
  [[nodiscard]] DualGradient<S> gradient(const TransportProblem& problem, const DualPotentials& potentials, double scale) const {
    const DualPotentials slope = dual_derivative(problem, potentials);
    DualGradient<S> out{dual_value(problem, potentials), Vector<S>(alpha.size() + beta.size() + 1)};
    out.gradient << at_z->pullback_parameters({{}, (scale * slope.phi).template cast<S>()}),
        at_y->pullback_parameters({{}, (scale * slope.psi).template cast<S>()}), S{0};
    return out;
  }

  Vector<S> alpha;
  Vector<S> beta;
  std::unique_ptr<CriticLinearisation<S>> at_z;
  std::unique_ptr<CriticLinearisation<S>> at_y;
};

/// R7 in the points of the minibatch.
double gradient_bound(const TransportProblem& problem, const Points<double>& slope, double gap) {
  CostConstants constants;
  constants.L0 = slope.maxCoeff();
  const Vector<double> squares = problem.a.cwiseProduct(slope.cwiseAbs2() * problem.b);
  constants.rms_L0 = std::sqrt(squares.maxCoeff());
  return TransportBounds().gradient_error(std::max(gap, 0.0), constants, problem.lambda, problem.regulariser, true);
}

}  // namespace

DualPotentials with_best_constant(const TransportProblem& problem, DualPotentials potentials) {
  const Points<double> v = violation(problem, potentials);
  double t = 0.0;
  if (problem.regulariser == Regulariser::kl) {
    const double top = v.maxCoeff();
    const Points<double> scaled = ((v.array() - top) / problem.lambda).exp();
    t = -top - problem.lambda * std::log(problem.a.dot(scaled * problem.b));
  } else {
    t = level(v, problem.a * problem.b.transpose(), problem.lambda);
  }
  potentials.phi.array() += t;
  return potentials;
}

DualPotentials dual_derivative(const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> plan = plan_of(problem, potentials);
  return {problem.a - plan.rowwise().sum(), plan.colwise().sum().transpose() - problem.b};
}

template <class S>
NeuralDuals<S>::NeuralDuals(std::shared_ptr<const Critic<S>> phi, std::shared_ptr<const Critic<S>> psi, double scale)
    : phi_(std::move(phi)), psi_(std::move(psi)), scale_(scale) {
  if (!phi_ || !psi_) reject("neural potentials: a network is missing");
  if (phi_->statistics() != 0 || psi_->statistics() != 0) reject("neural potentials: a potential with normalising layers is no function of one point");
  if (phi_->input_dimension() != psi_->input_dimension())
    reject("neural potentials: the networks take {} and {} coordinates; expected equally many", phi_->input_dimension(), psi_->input_dimension());
  if (!std::isfinite(scale) || scale <= 0.0) reject("neural potentials: the scale is {}; it must be finite and positive", scale);
}

template <class S>
Vector<S> NeuralDuals<S>::initial(std::uint64_t seed, std::uint32_t replicate, std::uint64_t pair) const {
  Vector<S> out(parameters());
  Vector<S> alpha = phi_->initial({seed, Purpose::dual_initial, replicate, 2 * pair});
  Vector<S> beta = psi_->initial({seed, Purpose::dual_initial, replicate, 2 * pair + 1});
  alpha.tail(phi_->feature_dimension() + 1).setZero();
  beta.tail(psi_->feature_dimension() + 1).setZero();
  out << alpha, beta, S{0};
  return out;
}

template <class S>
DualPotentials NeuralDuals<S>::potentials(VectorView<S> parameters, PointsView<S> z, PointsView<S> y) const {
  return Evaluated<S>(*phi_, *psi_, parameters, z, y).potentials(scale_, parameters[parameters.size() - 1]);
}

template <class S>
DualGradient<S> NeuralDuals<S>::gradient(VectorView<S> parameters, PointsView<S> z, PointsView<S> y, const TransportProblem& problem) const {
  const Evaluated<S> at(*phi_, *psi_, parameters, z, y);
  return at.gradient(problem, at.potentials(scale_, parameters[parameters.size() - 1]), scale_);
}

template <class S>
double NeuralDuals<S>::ascend(State<S>& state, PointsView<S> z, PointsView<S> y, const TransportProblem& problem, const Scheme<S>& scheme, double step_size,
                              const RandomStream& noise) const {
  const Evaluated<S> at(*phi_, *psi_, state.u, z, y);
  S& constant = state.u[state.u.size() - 1];
  const DualPotentials now = at.potentials(scale_, constant);
  DualGradient<S> found;
  if (now.phi.allFinite() && now.psi.allFinite()) {
    constant += static_cast<S>(with_best_constant(problem, now).phi[0] - now.phi[0]);
    found = at.gradient(problem, at.potentials(scale_, constant), scale_);
  }
  if (found.gradient.size() == 0 || !std::isfinite(found.value) || !found.gradient.allFinite()) {
    ++state.step;
    return std::numeric_limits<double>::quiet_NaN();
  }
  scheme.advance(state, -found.gradient, step_size, noise);
  return found.value;
}

TransportProblem uniform_problem(GroundCost cost, PointsView<double> z, PointsView<double> y, double lambda, Regulariser regulariser) {
  return {Vector<double>::Constant(z.rows(), 1.0 / static_cast<double>(z.rows())), Vector<double>::Constant(y.rows(), 1.0 / static_cast<double>(y.rows())),
          cost_matrix(cost, z, y), lambda, regulariser};
}

DualCertificate certify_duals(const TransportProblem& problem, const DualPotentials& potentials, GroundCost cost, PointsView<double> z, PointsView<double> y,
                              const SolverSettings& settings) {
  if (z.rows() != problem.n() || y.rows() != problem.m())
    reject("the clouds have {} and {} points; the problem has {} and {} atoms", z.rows(), y.rows(), problem.n(), problem.m());
  const TransportSolution solved = solve_transport(problem, settings, &potentials);
  const Points<double> slope = slopes(cost, problem.cost, z);
  DualCertificate out;
  out.value = dual_value(problem, potentials);
  const double open = solved.floor + certificate_floor(problem, potentials);
  out.low = solved.dual_value - open;
  out.high = solved.primal_value() + open;
  out.certified = solved.outcome == SolverOutcome::certified;
  out.sweeps = solved.sweeps;
  out.bound = gradient_bound(problem, slope, out.epsilon_high());
  out.slack = gradient_bound(problem, slope, solved.gap + open);
  const Points<double> best = gradient_weights(problem, solved.potentials);
  out.size = cost_pullback(cost, z, y, best).norm();
  out.error = cost_pullback(cost, z, y, gradient_weights(problem, potentials) - best).norm();
  return out;
}

template class NeuralDuals<float>;
template class NeuralDuals<double>;

}  // namespace slicecheck
