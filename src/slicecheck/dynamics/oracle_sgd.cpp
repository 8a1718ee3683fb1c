#include "slicecheck/dynamics/oracle_sgd.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/checkpoint.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

namespace {

constexpr std::size_t kPotentials = 4;  // vectors behind the scheme's in a checkpoint

Vector<double> cumulative(const Vector<double>& weights) {
  Vector<double> sums(weights.size());
  double sum = 0.0;
  for (Index i = 0; i < weights.size(); ++i) sums[i] = sum += weights[i];
  return sums;
}

Index atom_at(const Vector<double>& sums, double uniform) {
  const double* found = std::upper_bound(sums.data(), sums.data() + sums.size(), uniform * sums[sums.size() - 1]);
  return std::min<Index>(found - sums.data(), sums.size() - 1);
}

void check(const OracleParts& parts) {
  if (!parts.generator) reject("oracle SGD: no generator");
  if (!parts.scheme) reject("oracle SGD: no scheme");
  if (!parts.schedule) reject("oracle SGD: no schedule");
  if (parts.x.rows() < 1 || parts.x.cols() != parts.generator->input_dimension())
    reject("oracle SGD: the inputs are {} × {}; the generator takes n × {}", parts.x.rows(), parts.x.cols(), parts.generator->input_dimension());
  if (parts.y.rows() < 1 || parts.y.cols() != parts.generator->output_dimension())
    reject("oracle SGD: the targets are {} × {}; the generator gives n × {}", parts.y.rows(), parts.y.cols(), parts.generator->output_dimension());
  if (parts.a.size() != parts.x.rows() || parts.b.size() != parts.y.rows())
    reject("oracle SGD: {} and {} weights for {} and {} atoms", parts.a.size(), parts.b.size(), parts.x.rows(), parts.y.rows());
  if (!parts.x.allFinite() || !parts.y.allFinite()) reject("oracle SGD: an atom is not finite");
  if (!(parts.tolerance > 0.0) || !std::isfinite(parts.tolerance))
    reject("oracle SGD: the oracle's tolerance is {}; expected a positive number", parts.tolerance);
  if (parts.most_sweeps < 1) reject("oracle SGD: most_sweeps is {}; expected at least 1", parts.most_sweeps);
  if (parts.batch < 0) reject("oracle SGD: batches of {} atoms; expected at least 1, or 0 for the full gradient", parts.batch);
}

void require_reached(const TransportSolution& solution, double tolerance, const char* name) {
  if (solution.gap <= tolerance && std::isfinite(solution.dual_value)) return;
  reject("oracle SGD: the oracle of {} reached the gap {:.3g} in {} sweeps; asked for was {:.3g}", name, solution.gap, solution.sweeps, tolerance);
}

/// Where to begin with d(G, G): both its potentials can be had with φ = −ψ, and ψ ↦ (ψ − φ*(ψ))/2 converges where alternating half-steps creep, as the plan
/// falls into blocks for small λ. Until its steps are of the size that a gap of `tolerance` allows, or one half-step is left of `most`.
struct SymmetricStart {
  DualPotentials at;
  Index sweeps = 0;
};
SymmetricStart symmetric_start(const TransportProblem& problem, const DualPotentials* start, double tolerance, Index most) {
  SymmetricStart out;
  DualPotentials& at = out.at;
  at.psi = start != nullptr ? Vector<double>(0.5 * (start->psi - start->phi)) : Vector<double>(Vector<double>::Zero(problem.n()));
  const double enough = 0.5 * std::sqrt(tolerance) * std::sqrt(problem.lambda);
  for (bool close = false; !close && out.sweeps + 2 < most;) {
    at.phi = best_phi(problem, at.psi);
    ++out.sweeps;
    const Vector<double> moved = 0.5 * (at.psi - at.phi);
    close = !((moved - at.psi).cwiseAbs().maxCoeff() > enough);
    at.psi = moved;
  }
  at.phi = -at.psi;
  if (most > 1) {
    at.phi = best_phi(problem, at.psi);
    ++out.sweeps;
  }
  return out;
}

/// d(G, G) or d(Y, Y), from there; `settings.most_sweeps` for both together.
TransportSolution solve_symmetric(const RegularisedTransport& transport, const TransportProblem& problem, const DualPotentials* start,
                                  SolverSettings settings) {
  const SymmetricStart begin = symmetric_start(problem, start, settings.tolerance, settings.most_sweeps);
  settings.most_sweeps -= begin.sweeps;
  TransportSolution solution = transport.solve(problem, settings, &begin.at);
  solution.sweeps += begin.sweeps;
  return solution;
}

void require_potentials(const DualPotentials& potentials, Index n, Index m, const char* name) {
  if (potentials.phi.size() == 0 && potentials.psi.size() == 0) return;
  if (potentials.phi.size() != n || potentials.psi.size() != m)
    reject("oracle SGD: the state has potentials of {} and {} entries for {}; expected {} and {}, or none", potentials.phi.size(), potentials.psi.size(), name,
           n, m);
  if (!potentials.phi.allFinite() || !potentials.psi.allFinite()) reject("oracle SGD: the state's potentials for {} are not finite", name);
}

/// One more half-step over φ: D does not fall, and every row of the plan gets its mass.
void end_on_rows(const TransportProblem& problem, TransportSolution& solution) {
  solution.potentials.phi = best_phi(problem, solution.potentials.psi);
  ++solution.sweeps;
}

}  // namespace

std::string_view oracle_objective_name(OracleObjective objective) { return objective == OracleObjective::transport ? "transport" : "sinkhorn"; }

OracleSgd::OracleSgd(OracleParts parts) : parts_(std::move(parts)), transport_(parts_.transport) {
  check(parts_);
  if (!transport_) transport_ = std::make_shared<RegularisedTransport>();
  const Points<double> self = cost_matrix(parts_.cost, parts_.y, parts_.y);
  const TransportProblem problem{parts_.b, parts_.b, self, parts_.lambda, parts_.regulariser};
  problem.validate();
  TransportProblem{parts_.a, parts_.b, Points<double>::Zero(parts_.a.size(), parts_.b.size()), parts_.lambda, parts_.regulariser}.validate();
  cumulative_a_ = cumulative(parts_.a);
  cumulative_b_ = cumulative(parts_.b);
  if (parts_.objective == OracleObjective::transport) return;
  const TransportSolution found = solve_symmetric(*transport_, problem, nullptr, {parts_.tolerance, parts_.most_sweeps});
  require_reached(found, parts_.tolerance, "d(Y, Y)");
  within_y_ = found.dual_value;
  within_y_gap_ = found.gap + found.floor;
}

OracleState OracleSgd::start() const { return start_at(parts_.generator->initial({parts_.seed, Purpose::initial, parts_.replicate, 0})); }

OracleState OracleSgd::start_at(Vector<double> theta) const {
  if (theta.size() != parts_.generator->parameters())
    reject("oracle SGD: θ has {} entries; the generator has {}", theta.size(), parts_.generator->parameters());
  return {parts_.scheme->start(std::move(theta)), {}, {}};
}

TransportProblem OracleSgd::between(PointsView<double> z) const {
  return {parts_.a, parts_.b, cost_matrix(parts_.cost, z, parts_.y), parts_.lambda, parts_.regulariser};
}

TransportProblem OracleSgd::within(PointsView<double> z) const {
  return {parts_.a, parts_.a, cost_matrix(parts_.cost, z, z), parts_.lambda, parts_.regulariser};
}

OracleAnswer OracleSgd::ask(PointsView<double> z, const OracleState& state, double tolerance) const {
  const SolverSettings settings{tolerance, parts_.most_sweeps};
  if (parts_.warm_start) {
    require_potentials(state.between, parts_.a.size(), parts_.b.size(), "d(G, Y)");
    if (parts_.objective == OracleObjective::sinkhorn) require_potentials(state.within, parts_.a.size(), parts_.a.size(), "d(G, G)");
  }
  const auto begin = [&](const DualPotentials& potentials) { return parts_.warm_start && potentials.psi.size() > 0 ? &potentials : nullptr; };
  OracleAnswer answer;
  const TransportProblem problem = between(z);
  answer.between = transport_->solve(problem, settings, begin(state.between));
  require_reached(answer.between, tolerance, "d(G, Y)");
  end_on_rows(problem, answer.between);
  answer.value = answer.between.dual_value;
  answer.gap = answer.between.gap + answer.between.floor;
  if (parts_.objective == OracleObjective::transport) return answer;
  const TransportProblem self = within(z);
  answer.within = solve_symmetric(*transport_, self, begin(state.within), settings);
  require_reached(answer.within, tolerance, "d(G, G)");
  end_on_rows(self, answer.within);
  answer.value = 2.0 * answer.value - answer.within.dual_value - within_y_;
  answer.gap = 2.0 * answer.gap + answer.within.gap + answer.within.floor + within_y_gap_;
  return answer;
}

Points<double> OracleSgd::full_cotangent(PointsView<double> z, const OracleAnswer& answer) const {
  Points<double> out = transport_->pullback(parts_.cost, z, parts_.y, transport_->weights_of_d(between(z), answer.between.potentials));
  if (parts_.objective == OracleObjective::transport) return out;
  const Points<double> self = transport_->weights_of_d(within(z), answer.within.potentials);
  return 2.0 * out - transport_->pullback(parts_.cost, z, z, self + self.transpose());
}

Points<double> OracleSgd::batch_cotangent(PointsView<double> z, const OracleAnswer& answer, const OracleBatch& batch) const {
  Points<double> out = transport_->pullback(parts_.cost, z, parts_.y, transport_->weights_of_batch(between(z), answer.between.potentials, batch.x, batch.y));
  if (parts_.objective == OracleObjective::transport) return out;
  const Points<double> self = transport_->weights_of_batch(within(z), answer.within.potentials, batch.first, batch.second);
  return 2.0 * out - transport_->pullback(parts_.cost, z, z, self + self.transpose());
}

OracleBatch OracleSgd::draw(std::uint64_t t) const {
  const RandomStream stream(parts_.seed, Purpose::oracle_batch, parts_.replicate, t);
  OracleBatch batch;
  for (Index k = 0; k < parts_.batch; ++k) {
    const auto uniform = [&](std::uint64_t slot) { return PointDraws(stream, 4 * static_cast<std::uint64_t>(k) + slot).uniform(); };
    batch.x.push_back(atom_at(cumulative_a_, uniform(0)));
    batch.y.push_back(atom_at(cumulative_b_, uniform(1)));
    if (parts_.objective == OracleObjective::transport) continue;
    batch.first.push_back(parts_.shared_batch ? batch.x.back() : atom_at(cumulative_a_, uniform(2)));
    batch.second.push_back(atom_at(cumulative_a_, uniform(3)));
  }
  return batch;
}

Vector<double> OracleSgd::gradient(VectorView<double> theta, double tolerance, const OracleState& state, OracleAnswer* answer) const {
  const auto image = parts_.generator->linearise(theta, parts_.x);
  OracleAnswer found = ask(image->images(), state, tolerance);
  Vector<double> out = image->pullback(full_cotangent(image->images(), found));
  if (answer != nullptr) *answer = std::move(found);
  return out;
}

OracleReport OracleSgd::advance(OracleState& state) const {
  const std::uint64_t t = state.training.step;
  const double alpha = parts_.schedule->step_size(t);
  const auto image = parts_.generator->linearise(state.training.u, parts_.x);
  const Points<double>& z = image->images();
  const auto refuse = [&](const char* what) { reject("step {}: {} not finite; the step size {} is too large for this training", t, what, alpha); };
  // Costs beyond 1e150 are no problem of transport: squares of them overflow.
  if (!z.allFinite() || !(z.cwiseAbs().maxCoeff() < 1e70)) refuse("the generator's images are");
  const OracleAnswer answer = ask(z, state, parts_.tolerance);
  if (!std::isfinite(answer.value)) refuse("the objective is");
  const Vector<double> g = image->pullback(parts_.batch == 0 ? full_cotangent(z, answer) : batch_cotangent(z, answer, draw(t)));
  if (!g.allFinite()) refuse("the gradient is");
  parts_.scheme->advance(state.training, g, alpha, {parts_.seed, Purpose::noise, parts_.replicate, t});
  state.between = answer.between.potentials;
  state.within = answer.within.potentials;
  return {answer.value, answer.gap, answer.between.gap, answer.within.gap, answer.between.sweeps + answer.within.sweeps, alpha, g.norm()};
}

void save_oracle_state(const std::filesystem::path& path, const std::string& fingerprint, const OracleState& state) {
  TrainingRecord<double> record;
  record.state = state.training;
  for (const Vector<double>* part : {&state.between.phi, &state.between.psi, &state.within.phi, &state.within.psi}) record.state.memory.push_back(*part);
  save_checkpoint(path, fingerprint, record);
}

OracleState load_oracle_state(const std::filesystem::path& path, const std::string& fingerprint) {
  OracleState state;
  state.training = load_checkpoint<double>(path, fingerprint).state;
  std::vector<Vector<double>>& memory = state.training.memory;
  if (memory.size() < kPotentials) reject("{}: not a checkpoint of oracle SGD; it has no potentials", path.string());
  Vector<double>* const parts[kPotentials] = {&state.between.phi, &state.between.psi, &state.within.phi, &state.within.psi};
  for (std::size_t k = 0; k < kPotentials; ++k) *parts[k] = std::move(memory[memory.size() - kPotentials + k]);
  memory.resize(memory.size() - kPotentials);
  return state;
}

}  // namespace slicecheck
