/// Parts of experiment `transport-plane` that are held against theorems: the line, stationarity, loose oracles, slopes, minibatches.

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "transport_plane.h"

namespace slicecheck::oracle_plane {

namespace {

constexpr double kTight = 1e-10;  // gap over λ at which ∇h is measured
constexpr double kLineTolerance = 1e-13;
constexpr std::uint32_t kTable = 64;  // streams of this part; the arms have smaller ones

/// The affine generator on two moons, with the constants of R5 and R7 for squared costs.
struct Testbed {
  Bed bed;
  Atoms atoms;
  double lambda = 0.0;
  double L1 = 0.0;  ///< 2 max ‖x̃‖², x̃ = (x, 1)
  double L0 = 0.0;  ///< 2 max ‖x̃‖ · max ‖y − ȳ‖, which holds wherever rows of the plan have their mass: after a half-sweep over φ

  /// δ of R7 for a gap (rounding may leave one below 0); plans have mass 1 after such a half-sweep.
  [[nodiscard]] double error(double gap) const { return TransportBounds().gradient_error(std::max(gap, 0.0), {L0, L0, L1}, lambda, Regulariser::kl, true); }
};

Testbed testbed(const ExperimentContext& context, const std::string& section, Index replicate) {
  const Settings& s = context.settings;
  Testbed out;
  out.bed = {"two-moons", "two moons, affine", "affine", kTable, law_by_name("two-moons"), std::make_shared<Affine<double>>(2, 2)};
  out.atoms = atoms_of(out.bed, s.integer_at_least(section + ".atoms", 2), context.seed, stream_replicate(kTable, replicate));
  out.lambda = s.number(section + ".lambda_share") * out.atoms.median_cost;
  const double inputs = std::sqrt(out.atoms.x.rowwise().squaredNorm().maxCoeff() + 1.0);
  const Eigen::RowVectorXd centre = out.atoms.y.colwise().mean();
  out.L1 = 2.0 * inputs * inputs;
  out.L0 = 2.0 * inputs * (out.atoms.y.rowwise() - centre).rowwise().norm().maxCoeff();
  return out;
}

OracleParts parts_at(const Testbed& bed, double alpha, double tolerance_share, const ExperimentContext& context, Index replicate) {
  return parts_of(bed.bed, bed.atoms, bed.lambda, alpha, tolerance_share, context.seed, stream_replicate(kTable, replicate));
}

/// Never wrong, whatever defect is planted in the trainings.
OracleSgd reference(const Testbed& bed, const ExperimentContext& context, Index replicate) { return OracleSgd(parts_at(bed, 1.0, kTight, context, replicate)); }

/// Above the floor of rounding wherever the images are.
double tight_tolerance(const Testbed& bed, const Points<double>& z) {
  const double cost = 2.0 * (z.rowwise().squaredNorm().maxCoeff() + bed.atoms.y.rowwise().squaredNorm().maxCoeff());
  return kTight * bed.lambda + 1e-14 * static_cast<double>(z.rows() + bed.atoms.y.rows() + 16) * cost;
}

/// σ² of R11 for g at the potentials, generator affine and cost squared.
double batch_variance(const Testbed& bed, const OracleParts& parts, const Points<double>& z, const DualPotentials& potentials, double batch) {
  const TransportProblem problem{parts.a, parts.b, cost_matrix(parts.cost, z, parts.y), parts.lambda, parts.regulariser};
  const Points<double> density = plan_density(problem, potentials);
  const Index n = z.rows(), m = parts.y.rows(), d = z.cols();
  Points<double> input(n, bed.atoms.x.cols() + 1);
  input << bed.atoms.x, Vector<double>::Ones(n);
  double both = 0.0, of_x = 0.0, of_y = 0.0;
  Points<double> mean = Points<double>::Zero(d, input.cols());
  std::vector<Points<double>> given_y(static_cast<std::size_t>(m), mean);
  for (Index i = 0; i < n; ++i) {
    Eigen::RowVectorXd given_x = Eigen::RowVectorXd::Zero(d);
    for (Index j = 0; j < m; ++j) {
      const Eigen::RowVectorXd slope = 2.0 * density(i, j) * (z.row(i) - parts.y.row(j));
      both += parts.a[i] * parts.b[j] * slope.squaredNorm() * input.row(i).squaredNorm();
      given_x += parts.b[j] * slope;
      given_y[static_cast<std::size_t>(j)] += parts.a[i] * slope.transpose() * input.row(i);
    }
    of_x += parts.a[i] * given_x.squaredNorm() * input.row(i).squaredNorm();
    mean += parts.a[i] * given_x.transpose() * input.row(i);
  }
  for (Index j = 0; j < m; ++j) of_y += parts.b[j] * given_y[static_cast<std::size_t>(j)].squaredNorm();
  const double square = mean.squaredNorm();
  return TransportBounds().batch_variance(both - square, of_x - square, of_y - square, batch);
}

/// σ² of R11 for an estimate of ∇d(G, G), whose pairs are two independent atoms of x.
double self_variance(const Testbed& bed, const OracleParts& parts, const Points<double>& z, const DualPotentials& potentials, double batch) {
  const TransportProblem problem{parts.a, parts.a, cost_matrix(parts.cost, z, z), parts.lambda, parts.regulariser};
  const Points<double> density = plan_density(problem, potentials);
  const Index n = z.rows(), d = z.cols();
  Points<double> input(n, bed.atoms.x.cols() + 1);
  input << bed.atoms.x, Vector<double>::Ones(n);
  double both = 0.0, of_first = 0.0, of_second = 0.0;
  const Points<double> zero = Points<double>::Zero(d, input.cols());
  Points<double> mean = zero;
  std::vector<Points<double>> given_first(static_cast<std::size_t>(n), zero), given_second(static_cast<std::size_t>(n), zero);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      const Points<double> slope = 2.0 * density(i, j) * (z.row(i) - z.row(j)).transpose() * (input.row(i) - input.row(j));
      both += parts.a[i] * parts.a[j] * slope.squaredNorm();
      given_first[static_cast<std::size_t>(i)] += parts.a[j] * slope;
      given_second[static_cast<std::size_t>(j)] += parts.a[i] * slope;
    }
  for (Index i = 0; i < n; ++i) {
    of_first += parts.a[i] * given_first[static_cast<std::size_t>(i)].squaredNorm();
    of_second += parts.a[i] * given_second[static_cast<std::size_t>(i)].squaredNorm();
    mean += parts.a[i] * given_first[static_cast<std::size_t>(i)];
  }
  const double square = mean.squaredNorm();
  return TransportBounds().batch_variance(both - square, of_first - square, of_second - square, batch);
}

/// ‖g − G‖² of L_λ over R12's bound, for every minibatch.
std::vector<double> loss_noise_ratios(const Testbed& bed, OracleParts parts, bool shared, Defect defect, Index batches) {
  parts.objective = OracleObjective::sinkhorn;
  parts.shared_batch = shared;
  const auto sgd = make_oracle(parts, defect);
  const OracleState state = sgd->start();
  const auto image = bed.bed.generator->linearise(state.training.u, bed.atoms.x);
  const OracleAnswer answer = sgd->ask(image->images(), state, parts.tolerance);
  const Vector<double> G = image->pullback(OracleSgd(parts).full_cotangent(image->images(), answer));
  const auto size = static_cast<double>(parts.batch);
  const double sigma = std::max(batch_variance(bed, parts, image->images(), answer.between.potentials, size),
                                self_variance(bed, parts, image->images(), answer.within.potentials, size));
  const double bound = TransportBounds().loss_noise(sigma, shared);
  std::vector<double> out;
  for (Index t = 0; t < batches; ++t) {
    const OracleBatch batch = sgd->draw((std::uint64_t{1} << 32) + static_cast<std::uint64_t>(t));
    out.push_back((image->pullback(sgd->batch_cotangent(image->images(), answer, batch)) - G).squaredNorm() / bound);
  }
  return out;
}

std::vector<std::uint64_t> doubling(std::uint64_t steps) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t t = 1; t < steps; t *= 2) out.push_back(t);
  out.push_back(steps);
  return out;
}

bool too_far(const Testbed& bed, const Points<double>& z) { return !z.allFinite() || z.cwiseAbs().maxCoeff() > kFar * bed.atoms.y.cwiseAbs().maxCoeff(); }

/// observed, bound and noise at every horizon, side by side; NaN throughout where it diverged.
void stationarity_row(const Design& design, const ExperimentContext& context, Index divisor, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
  const Settings& s = context.settings;
  const Testbed bed = testbed(context, "stationarity", replicate);
  const double alpha = 1.0 / (static_cast<double>(divisor) * bed.L1);
  OracleParts parts = parts_at(bed, alpha, s.number("stationarity.tolerance_share"), context, replicate);
  parts.batch = s.integer_at_least("stationarity.batch", 1);
  const auto sgd = make_oracle(parts, design.defect);
  const OracleSgd exact = reference(bed, context, replicate);
  const TransportBounds bounds;
  const auto horizons = doubling(static_cast<std::uint64_t>(s.integer_at_least("stationarity.steps", 2)));
  const auto count = static_cast<Index>(horizons.size());
  OracleState state = sgd->start();
  OracleState tight;
  double start = 0.0, observed = 0.0, delta = 0.0, sigma = 0.0;
  Index at = 0;
  for (std::uint64_t t = 0; t < horizons.back(); ++t) {
    const Vector<double> theta = state.training.u;
    const Points<double> z = bed.bed.generator->forward(theta, bed.atoms.x);
    if (too_far(bed, z)) {
      row.setConstant(kNoNumber);
      return;
    }
    OracleAnswer answer;
    const double norm = exact.gradient(theta, tight_tolerance(bed, z), tight, &answer).norm() + bed.error(answer.gap);
    tight.between = answer.between.potentials;
    if (t == 0) start = answer.value + answer.gap;
    const OracleReport report = sgd->advance(state);
    observed += norm * norm;
    delta += std::pow(bed.error(report.error), 2);
    sigma += batch_variance(bed, parts, z, state.between, static_cast<double>(parts.batch));
    if (t + 1 != horizons[static_cast<std::size_t>(at)]) continue;
    const double T = static_cast<double>(t + 1);
    row[at] = observed / T;
    row[count + at] = bounds.stationarity(start, alpha, T, delta / T, bed.L1, sigma / T);
    row[2 * count + at] = bed.L1 * alpha * sigma / T;
    ++at;
  }
}

void loose_row(const Design& design, const ExperimentContext& context, double tolerance, bool warm, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
  row.setConstant(kNoNumber);
  const Testbed bed = testbed(context, "loose", replicate);
  OracleParts parts = parts_at(bed, 1.0 / bed.L1, tolerance, context, replicate);
  parts.warm_start = warm;
  const auto sgd = make_oracle(parts, design.defect);
  const OracleSgd exact = reference(bed, context, replicate);
  const auto steps = static_cast<std::uint64_t>(context.settings.integer_at_least("loose.steps", 8));
  OracleState state = sgd->start();
  OracleState tight;
  double square = 0.0, bound = 0.0, reached = 0.0, ratio = 0.0, sweeps = 0.0, first = 0.0, counted = 0.0;
  OracleAnswer answer;
  for (std::uint64_t t = 0; t < steps; ++t) {
    const Vector<double> theta = state.training.u;
    const Points<double> z = bed.bed.generator->forward(theta, bed.atoms.x);
    if (too_far(bed, z)) {
      row[kLooseRatio] = ratio;  // of what was visited
      return;
    }
    const Vector<double> truth = exact.gradient(theta, tight_tolerance(bed, z), tight, &answer);
    tight.between = answer.between.potentials;
    if (t == 0) first = answer.value;
    const OracleReport report = sgd->advance(state);
    // A full step by SGD: G = (θ_t − θ_{t+1})/α, to within a rounding of θ.
    const Vector<double> G = (theta - state.training.u) * bed.L1;
    const double delta = bed.error(report.error);
    const double error = (G - truth).norm() / (delta + bed.error(answer.gap) + 1e-14 * bed.L1 * theta.norm());
    ratio = worse_of(ratio, error);
    reached = std::max(reached, report.between_gap / bed.lambda);
    sweeps += static_cast<double>(report.sweeps) / static_cast<double>(steps);
    if (4 * t < 3 * steps) continue;
    square += truth.squaredNorm();
    bound += delta * delta;
    counted += 1.0;
  }
  row[kLooseStationarity] = square / counted;
  row[kLooseBound] = bound / counted;
  row[kLooseReached] = reached;
  row[kLooseRatio] = ratio;
  row[kLooseValue] = answer.value / first;
  row[kLooseSweeps] = sweeps;
}

/// The positive root of θ = tanh(2θ/λ), or 0 for λ ≥ 2: the minimiser of h_λ on the line (R13).
double minimiser_on_line(double lambda) {
  if (lambda >= 2.0) return 0.0;
  double low = 1e-9, high = 1.0;
  for (int k = 0; k < 200; ++k) {
    const double middle = 0.5 * (low + high);
    (std::tanh(2.0 * middle / lambda) > middle ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double train_on_line(const Design& design, double lambda, OracleObjective objective, double alpha, double start, std::uint64_t steps) {
  OracleParts parts;
  parts.generator = std::make_shared<TwoPointLine<double>>();
  parts.x = parts.y = (Points<double>(2, 1) << -1.0, 1.0).finished();
  parts.a = parts.b = Vector<double>::Constant(2, 0.5);
  parts.lambda = lambda;
  parts.objective = objective;
  parts.tolerance = kLineTolerance;
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = constant_step(alpha);
  const auto sgd = make_oracle(std::move(parts), design.defect);
  OracleState state = sgd->start_at(Vector<double>::Constant(1, start));
  for (std::uint64_t t = 0; t < steps; ++t) {
    if (std::abs(state.training.u[0]) > 1000.0) return kNoNumber;
    sgd->advance(state);
  }
  return state.training.u[0];
}

/// A radius r in which the end must lie: outside of it the closed slope points back by more than the oracle's error. NaN where none up to 0.1 is enough.
template <class Slope>
double radius_about(double centre, double error, Slope&& slope) {
  for (double r = 1e-6; r <= 0.1; r *= 2.0)
    if (slope(centre + r) > error && slope(centre - r) < -error) return r;
  return kNoNumber;
}

}  // namespace

std::vector<LineResult> measure_line(const Design& design, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const auto steps = static_cast<std::uint64_t>(s.integer_at_least("line.steps", 1));
  const double start = s.number("line.start");
  const auto table = replicate_table(context, "line", static_cast<Index>(design.lambdas.size()), 2, [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& out) {
    Eigen::Ref<Eigen::RowVectorXd> row = out;
    const double lambda = design.lambdas[static_cast<std::size_t>(i)];
    row[0] = train_on_line(design, lambda, OracleObjective::transport, 0.5, start, steps);
    row[1] = train_on_line(design, lambda, OracleObjective::sinkhorn, 0.125, start, steps);
  });
  std::vector<LineResult> out;
  for (std::size_t k = 0; k < design.lambdas.size(); ++k) {
    LineResult line;
    line.lambda = design.lambdas[k];
    const double lambda = line.lambda;
    line.transport = table(static_cast<Index>(k), 0);
    line.sinkhorn = table(static_cast<Index>(k), 1);
    line.closed = minimiser_on_line(lambda);
    // R7 on |θ| ≤ start + 1: |∂C| ≤ 2(|θ| + 1), and 8|θ| in the self term.
    const double delta = 2.0 * (start + 2.0) * std::sqrt(2.0 * kLineTolerance / lambda);
    if (lambda >= 2.0) {
      line.predicted_transport = start;  // each step is θ ↦ tanh(2θ/λ), which is not longer than 2/λ ≤ 1 times the one before
      for (std::uint64_t t = 0; t < steps; ++t) line.predicted_transport = std::tanh(2.0 * line.predicted_transport / lambda);
      line.allowed_transport = 0.5 * delta * static_cast<double>(steps);
    } else {
      line.predicted_transport = line.closed;
      line.allowed_transport = radius_about(line.closed, delta, [&](double theta) { return 2.0 * theta - 2.0 * std::tanh(2.0 * theta / lambda); });
    }
    line.allowed_sinkhorn = radius_about(1.0, 2.0 * delta + 8.0 * (start + 1.0) * std::sqrt(2.0 * kLineTolerance / lambda), [&](double theta) {
      return 4.0 * theta * std::tanh(2.0 * theta * theta / lambda) - 4.0 * std::tanh(2.0 * theta / lambda);
    });
    out.push_back(line);
  }
  return out;
}

std::vector<StationarityResult> measure_stationarity(const Design& design, const ExperimentContext& context) {
  const Index replicates = context.settings.integer_at_least("stationarity.replicates", 3);
  const auto horizons = doubling(static_cast<std::uint64_t>(context.settings.integer_at_least("stationarity.steps", 2)));
  const auto count = static_cast<Index>(horizons.size());
  const auto table = replicate_table(context, "stationarity", static_cast<Index>(design.divisors.size()) * replicates, 3 * count,
                                     [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
                                       const Index divisor = design.divisors[static_cast<std::size_t>(i / replicates)];
                                       with_place(fmt::format("stationarity, α = 1/({} L1), start {}", divisor, i % replicates),
                                                  [&] { stationarity_row(design, context, divisor, i % replicates, row); });
                                     });
  std::vector<StationarityResult> out;
  for (std::size_t k = 0; k < design.divisors.size(); ++k) {
    const auto rows = table.middleRows(static_cast<Index>(k) * replicates, replicates);
    StationarityResult result{design.divisors[k], horizons, rows.leftCols(count), rows.middleCols(count, count), rows.rightCols(count), 0};
    for (Index r = 0; r < replicates; ++r) result.diverged += std::isfinite(rows(r, 0)) ? 0 : 1;
    out.push_back(std::move(result));
  }
  return out;
}

std::vector<LooseResult> measure_loose(const Design& design, const ExperimentContext& context) {
  const Index replicates = context.settings.integer_at_least("loose.replicates", 3);
  const auto tolerances = static_cast<Index>(design.tolerances.size());
  const auto table = replicate_table(context, "loose", 2 * tolerances * replicates, kLooseValues, [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
    const Index arm = i / replicates;
    const double tolerance = design.tolerances[static_cast<std::size_t>(arm % tolerances)];
    with_place(fmt::format("loose oracles, ε/λ = {:g}, {} starts, start {}", tolerance, arm >= tolerances ? "warm" : "cold", i % replicates),
               [&] { loose_row(design, context, tolerance, arm >= tolerances, i % replicates, row); });
  });
  std::vector<LooseResult> out;
  for (Index arm = 0; arm < 2 * tolerances; ++arm)
    out.push_back({design.tolerances[static_cast<std::size_t>(arm % tolerances)], arm >= tolerances, table.middleRows(arm * replicates, replicates)});
  return out;
}

std::vector<SlopeResult> measure_slopes(const Design& design, const ExperimentContext& context) {
  constexpr double kGap = 1e-11;  // over λ
  constexpr Index kPoints = 4;
  std::vector<SlopeResult> out;
  for (const OracleObjective objective : {OracleObjective::transport, OracleObjective::sinkhorn})
    for (const double share : {0.1, 1.0}) {
      SlopeResult result;
      result.objective = objective == OracleObjective::sinkhorn ? "L_λ" : "h_λ";
      result.share = share;
      for (Index point = 0; point < kPoints; ++point) {
        const Testbed bed = testbed(context, "stationarity", point);
        const double lambda = share * bed.atoms.median_cost;
        OracleParts parts = parts_of(bed.bed, bed.atoms, lambda, 1.0, kGap, context.seed, stream_replicate(kTable, point));
        parts.objective = objective;
        const auto sgd = make_oracle(parts, design.defect);
        const OracleState state = sgd->start();
        const Vector<double> theta = state.training.u;
        OracleAnswer answer;
        const Vector<double> g = sgd->gradient(theta, parts.tolerance, state, &answer);
        const Vector<double> v = g.normalized();
        double apart = 0.0;
        for (Index i = 0; i < bed.atoms.x.rows(); ++i) apart = std::max(apart, (bed.atoms.x.rowwise() - bed.atoms.x.row(i)).rowwise().norm().maxCoeff());
        const double self_L0 = 2.0 * (theta.norm() + 1.0) * apart * apart, self_L1 = 2.0 * apart * apart;
        const bool self = objective == OracleObjective::sinkhorn;
        const TransportBounds bounds;
        double L = bounds.smoothness({bed.L0, bed.L0, bed.L1}, lambda, Regulariser::kl);
        if (self) L = bounds.loss_smoothness(L, bounds.smoothness({self_L0, self_L0, self_L1}, lambda, Regulariser::kl));
        const double step = std::sqrt(2.0 * kGap * lambda / L);
        OracleAnswer up, down;
        (void)sgd->gradient(theta + step * v, parts.tolerance, state, &up);
        (void)sgd->gradient(theta - step * v, parts.tolerance, state, &down);
        const double slope = (up.value - down.value) / (2.0 * step);
        const double plan = std::sqrt(2.0 * kGap) * ((self ? 2.0 : 1.0) * bed.L0 + (self ? self_L0 : 0.0));
        const double allowed = 0.5 * L * step + (up.gap + down.gap) / (2.0 * step) + plan;
        const double ratio = std::abs(slope - g.norm()) / allowed;
        result.ratio = worse_of(result.ratio, ratio);
        result.allowed = std::max(result.allowed, allowed / g.norm());
      }
      out.push_back(result);
    }
  return out;
}

BatchResult measure_batches(const Design& design, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const Testbed bed = testbed(context, "stationarity", 0);
  OracleParts parts = parts_at(bed, 1.0, 1e-6, context, 0);
  parts.batch = s.integer_at_least("stationarity.batch", 1);
  const auto sgd = make_oracle(parts, design.defect);
  const OracleState state = sgd->start();
  const auto image = bed.bed.generator->linearise(state.training.u, bed.atoms.x);
  const OracleAnswer answer = sgd->ask(image->images(), state, parts.tolerance);
  const Vector<double> G = image->pullback(OracleSgd(parts).full_cotangent(image->images(), answer));
  const double sigma = batch_variance(bed, parts, image->images(), answer.between.potentials, static_cast<double>(parts.batch));
  BatchResult out;
  out.batches = s.integer_at_least("stationarity.batches", 16);
  std::vector<double> projections, variances;
  for (Index t = 0; t < out.batches; ++t) {
    // Steps from 2^32 on: none of a training.
    const OracleBatch batch = sgd->draw((std::uint64_t{1} << 32) + static_cast<std::uint64_t>(t));
    const Vector<double> g = image->pullback(sgd->batch_cotangent(image->images(), answer, batch));
    projections.push_back(g.dot(G) / G.squaredNorm());
    variances.push_back((g - G).squaredNorm() / sigma);
  }
  const double confidence = 1.0 - kExperimentFalseAlarm / 10.0;
  out.projection = mean_with_t_interval(projections, confidence);
  out.variance = mean_with_t_interval(variances, confidence);
  out.own_loss = mean_with_t_interval(loss_noise_ratios(bed, parts, false, design.defect, out.batches), confidence);
  out.shared_loss = mean_with_t_interval(loss_noise_ratios(bed, parts, true, design.defect, out.batches), confidence);
  return out;
}

}  // namespace slicecheck::oracle_plane
