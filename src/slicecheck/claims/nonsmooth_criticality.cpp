#include "slicecheck/claims/nonsmooth_criticality.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/piecewise_linear.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

/// What a bracket must do beside holding the distance. "Closes" means to 2⁻³⁰ of the largest gradient and 1: a definition, not a bound on rounding.
enum class Sharpness { upper_is_exact, closes };
constexpr double kClosed = 0x1p-30;

/// `rounding`: of the distance that the judge computed; `size`: of the largest gradient.
Judgement judge_bracket(const DistanceBracket& bracket, double distance, double rounding, double size, Sharpness sharpness) {
  Judgement judgement;
  judgement.allowed = 1.0;
  if (std::isnan(bracket.lower) || std::isnan(bracket.upper)) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    return judgement;
  }
  judgement.observed = std::max({0.0, bracket.lower - distance, distance - bracket.upper}) / rounding;
  const double closed = kClosed * (size + 1.0) + rounding;
  if (sharpness == Sharpness::upper_is_exact) judgement.observed = std::max(judgement.observed, (bracket.upper - distance) / closed);
  if (sharpness == Sharpness::closes) judgement.observed = std::max(judgement.observed, (bracket.upper - bracket.lower) / closed);
  return judgement;
}

NamedValues named(const char* name, double value) { return {name, Points<double>::Constant(1, 1, value)}; }
NamedValues named(const char* name, const Eigen::VectorXd& value) { return {name, Points<double>(value.transpose())}; }

void add_bracket(const DistanceBracket& bracket, double distance, std::vector<NamedValues>& values) {
  values.push_back(named("lower", bracket.lower));
  values.push_back(named("distance", distance));
  values.push_back(named("upper", bracket.upper));
}

/// Testbed 1: F_n(u) = u² + 1 − 2c_n|u|, on the sphere as often as inside.
Trial two_point_line(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = size;
  const double c_n = line_minimiser(n);
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const double at[] = {0.0, c_n, 0.125, 0.5, draws.uniform(0.0, 2.0)};
  const double u = sign * at[draws.below(5)];
  const double radius = draws.below(2) == 0 && u != 0.0 ? std::abs(u) : std::abs(u) + 0.25;
  const std::shared_ptr<const Law> law = FiniteLaw::two_points();
  const CriticalityQuestion question{std::make_shared<TwoPointLine<double>>(), law, law, n, Eigen::VectorXd::Constant(1, u), radius};
  const DistanceBracket bracket = subject.bracket(question);
  const double low = u > 0.0 ? 2.0 * u - 2.0 * c_n : (u < 0.0 ? 2.0 * u + 2.0 * c_n : -2.0 * c_n);
  const double high = u == 0.0 ? 2.0 * c_n : low;
  double distance = std::max({0.0, low, -high});
  if (radius == std::abs(u)) distance = std::max(0.0, sign * low);  // the ray takes everything that points inwards
  const double gradient = 2.0 * (std::abs(u) + c_n);
  Trial trial;
  trial.judgement = judge_bracket(bracket, distance, tolerance::gamma(16.0, kUnitRoundoff) * 8.0 * (std::abs(u) + 1.0), gradient, Sharpness::closes);
  trial.values = {named("n", static_cast<double>(n)), named("u", u), named("radius", radius)};
  add_bracket(bracket, distance, trial.values);
  return trial;
}

std::vector<LineAtom> drawn_targets(PointDraws& draws) {
  std::vector<LineAtom> targets;
  const auto count = 1 + draws.below(3);
  const double weights[3][3] = {{1.0, 0.0, 0.0}, {0.25, 0.75, 0.0}, {0.5, 0.25, 0.25}};
  for (std::uint64_t i = 0; i < count; ++i)
    targets.push_back({0.5 * (static_cast<double>(draws.below(13)) - 6.0) + static_cast<double>(i) * 8.0, weights[count - 1][i]});
  const double shift = 4.0 * static_cast<double>(draws.below(count));
  for (LineAtom& atom : targets) atom.at -= shift;
  return targets;
}

std::shared_ptr<const Law> law_of(const std::vector<LineAtom>& atoms) {
  Points<double> points(static_cast<Index>(atoms.size()), 1);
  std::vector<double> probabilities;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    points(static_cast<Index>(i), 0) = atoms[i].at;
    probabilities.push_back(atoms[i].probability);
  }
  return std::make_shared<FiniteLaw>("atoms", points, probabilities);
}

Trial at_kinks(const CriticalitySubject& subject, PointDraws& draws, Index parameters, Index n, bool two_layers) {
  Eigen::VectorXd s(parameters);
  for (Index j = 0; j < parameters; ++j) s[j] = 0.5 * (static_cast<double>(draws.below(5)) - 2.0);
  const PiecewiseLinearMap map = drawn_piecewise_linear(draws, parameters, two_layers, s);
  const std::vector<LineAtom> inputs = draws.below(2) == 0 ? std::vector<LineAtom>{{0.0, 1.0}} : std::vector<LineAtom>{{0.0, 0.5}, {1.0, 0.25}, {-1.0, 0.25}};
  const std::vector<LineAtom> targets = drawn_targets(draws);
  const bool on_sphere = draws.below(3) == 0 && s.norm() > 0.0;
  const double radius = on_sphere ? s.norm() : s.norm() + 0.5;
  const Points<double> limits = all_limiting_gradients(map, s, inputs, targets, n);
  Trial trial;
  trial.values = {named("n", static_cast<double>(n)), named("s", s), named("radius", radius), {"limiting gradients", limits}};
  const double size = limits.rows() > 0 ? limits.rowwise().norm().maxCoeff() : 0.0;
  const double distance = distance_of_hull(limits, on_sphere ? s : Eigen::VectorXd::Zero(parameters));
  const DistanceBracket bracket = subject.bracket({map.network(), law_of(inputs), law_of(targets), n, s, radius});
  // The judge's gradients are exact: probabilities and coefficients are multiples of small powers of 1/2, and n ≤ 2. An edge of their hull costs a handful of
  // operations on numbers of their size, and the ray twice that.
  const double rounding = tolerance::gamma(256.0, kUnitRoundoff) * 8.0 * (size + 1.0);
  trial.judgement = judge_bracket(bracket, distance, rounding, size, Sharpness::upper_is_exact);
  add_bracket(bracket, distance, trial.values);
  return trial;
}

/// One parameter: ∂_C F is the interval between the two one-sided derivatives.
Trial one_parameter(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  return at_kinks(subject, draws, 1, 1 + size / 3, size > 2);
}

Trial two_parameters(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  return at_kinks(subject, draws, 2, 1 + size / 3, size > 2);
}

/// F and one of its subgradients on testbed 2, over all ordered batches.
struct PlaneValue {
  double value = 0.0;
  double error = 0.0;
  Eigen::VectorXd subgradient;
};

struct PlaneBed {
  std::shared_ptr<const Affine<double>> generator;
  Points<double> x;
  Points<double> y;

  [[nodiscard]] PlaneValue at(const Eigen::VectorXd& u, bool gradient) const {
    PlaneValue sum;
    sum.subgradient = Eigen::VectorXd::Zero(u.size());
    const double probability = 1.0 / static_cast<double>(x.rows() * x.rows() * y.rows() * y.rows());
    for (Index i = 0; i < x.rows() * x.rows(); ++i) {
      Points<double> batch(2, x.cols());
      batch << x.row(i % x.rows()), x.row(i / x.rows());
      const auto linear = generator->linearise(u, batch);
      Points<double> mean = Points<double>::Zero(2, 2);
      for (Index j = 0; j < y.rows() * y.rows(); ++j) {
        Points<double> targets(2, 2);
        targets << y.row(j % y.rows()), y.row(j / y.rows());
        const PlaneSliced sliced = exact_plane_sw(linear->images(), targets, {.gradient = gradient, .max = false});
        sum.value += probability * sliced.value;
        sum.error += probability * sliced.value_error;
        if (gradient) mean += probability * sliced.gradient;
      }
      if (gradient) sum.subgradient += linear->pullback(mean);
    }
    return sum;
  }
};

/// Without kinks −F is regular: F'(u; v) = min_{g ∈ ∂_C F(u)} ⟨g, v⟩, so the distance is at least F'(u; v) for every unit v with ⟨u, v⟩ ≥ 0 on the sphere.
/// F(u + tv) ≤ F(u) + tF'(u; v) + t²M at every t > 0, M = E(1/2n)Σ‖J_k v‖², so F'(u; v) ≥ (F(u + tv) − F(u))/t − tM. And the distance is at most that of one
/// subgradient.
Trial affine_plane(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d_x = 1 + static_cast<Index>(draws.below(2));
  const bool lattice = draws.below(2) == 0;
  const auto number = [&] { return lattice ? static_cast<double>(draws.below(3)) - 1.0 : draws.normal(); };
  PlaneBed bed{std::make_shared<Affine<double>>(d_x, 2), Points<double>(1 + std::min(size, 2), d_x), Points<double>(1 + size / 2, 2)};
  Eigen::VectorXd u(bed.generator->parameters());
  for (Index i = 0; i < bed.x.size(); ++i) bed.x.data()[i] = number();
  for (Index i = 0; i < bed.y.size(); ++i) bed.y.data()[i] = 2.0 * number();
  for (Index i = 0; i < u.size(); ++i) u[i] = number();
  const bool on_sphere = draws.below(3) == 0 && u.norm() > 0.0;
  const double radius = on_sphere ? u.norm() : u.norm() + 1.0;
  const DistanceBracket bracket =
      subject.bracket({bed.generator, std::make_shared<FiniteLaw>("inputs", bed.x), std::make_shared<FiniteLaw>("targets", bed.y), 2, u, radius});
  const PlaneValue here = bed.at(u, true);
  const double ray = on_sphere ? std::max(0.0, -here.subgradient.dot(u)) / u.squaredNorm() : 0.0;
  const Eigen::VectorXd best = here.subgradient + ray * u;
  const double input_norm = std::sqrt(1.0 + bed.x.rowwise().squaredNorm().maxCoeff());
  const double terms = static_cast<double>(bed.x.rows() * bed.x.rows() * bed.y.rows() * bed.y.rows());
  const double magnitude = 2.0 * input_norm * (bed.generator->forward(u, bed.x).rowwise().norm().maxCoeff() + bed.y.rowwise().norm().maxCoeff());
  // A subgradient: sums over the batches of arcs of bounded functions; those of the sweep have at most n² arcs each.
  const double rounding = tolerance::gamma(64.0 * terms + 512.0, kUnitRoundoff) * 4.0 * (magnitude + 1.0);
  Trial trial;
  trial.judgement.allowed = 1.0;
  double worst = (bracket.lower - best.norm()) / rounding;
  constexpr double kStep = 0x1p-12;
  for (int probe = 0; probe < 4; ++probe) {
    Eigen::VectorXd v = probe == 0 ? best : Eigen::VectorXd(u.size());
    if (probe > 0)
      for (Index i = 0; i < v.size(); ++i) v[i] = draws.normal();
    if (on_sphere && v.dot(u) < 0.0) v -= v.dot(u) / u.squaredNorm() * u;
    if (!(v.norm() > 0.0)) continue;
    v.normalize();
    const PlaneValue there = bed.at(u + kStep * v, false);
    const double curvature = 0.5 * input_norm * input_norm;
    const double at_least = (there.value - here.value) / kStep - kStep * curvature;
    const double error = (there.error + here.error + tolerance::gamma(terms + 64.0, kUnitRoundoff) * 2.0 * (here.value + there.value + magnitude)) / kStep;
    worst = std::max(worst, (at_least - bracket.upper) / error);
  }
  // Every subgradient is at most this long, and the ray only helps.
  worst = std::max(worst, (bracket.upper - magnitude) / (kClosed * magnitude + rounding));
  // Images that do not coincide: F is differentiable, the set is one vector.
  const Points<double> images = bed.generator->forward(u, bed.x);
  bool distinct = true;
  for (Index i = 0; i < images.rows(); ++i)
    for (Index j = 0; j < i; ++j) distinct = distinct && (images.row(i) - images.row(j)).norm() > 1e-3;
  if (distinct) {
    const double closed = kClosed * magnitude + rounding;
    worst = std::max({worst, (bracket.upper - best.norm()) / closed, (best.norm() - bracket.lower) / closed});
  }
  if (std::isnan(bracket.lower) || std::isnan(bracket.upper)) worst = std::numeric_limits<double>::quiet_NaN();
  trial.judgement.observed = std::isnan(worst) ? worst : std::max(0.0, worst);
  trial.values = {{"x", bed.x}, {"y", bed.y}, named("u", u), named("radius", radius), named("subgradient", here.subgradient)};
  add_bracket(bracket, best.norm(), trial.values);
  return trial;
}

/// T = u, one input: on B frozen batches of n targets in {−1, 1} every gradient is 2(v − mean), the mean an even multiple of 1/(nB). Half way between two of
/// them no mean is nearer than 1/(nB), so with δ = 1/(4nB) Goldstein's distance is at least 3/(2nB). Fresh batches at every point have 0 in their hull.
Trial frozen_batches(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  GoldsteinSettings settings;
  settings.n = Index{8} * size;
  settings.batches = 4;
  settings.directions = 1;
  const double total = static_cast<double>(settings.n * settings.batches);
  const double odd = 2.0 * static_cast<double>(draws.below(3)) - 3.0;  // −3, −1, 1
  const double u = odd / total;
  settings.delta = 0.25 / total;
  settings.radius = 1.0;
  const auto source = std::make_shared<FiniteLaw>("one", Points<double>::Ones(1, 1));
  const double norm = subject.goldstein({std::make_shared<TwoPointLine<double>>(), source, FiniteLaw::two_points(), 1, Eigen::VectorXd::Constant(1, u), 1.0},
                                        settings, draws.below(1'000'000));
  const double least = 1.5 / total;
  Trial trial;
  trial.judgement.allowed = tolerance::gamma(4.0 * total + 64.0, kUnitRoundoff) * 8.0;
  trial.judgement.observed = std::isnan(norm) ? norm : std::max(0.0, least - norm);
  trial.values = {named("u", u), named("delta", settings.delta), named("draws", total), named("reported", norm), named("at least", least)};
  return trial;
}

/// Goldstein's distance for T = u and one target: every gradient is 2(v − target).
struct OneTarget {
  double u;
  double target;
  double delta;
  double radius;

  Trial judge(const CriticalitySubject& subject, std::uint64_t seed, double least, double most) const {
    GoldsteinSettings settings;
    settings.n = 4;
    settings.batches = 2;
    settings.directions = 1;
    settings.delta = delta;
    settings.radius = radius;
    const auto source = std::make_shared<FiniteLaw>("one", Points<double>::Ones(1, 1));
    const auto law = std::make_shared<FiniteLaw>("target", Points<double>::Constant(1, 1, target));
    const double norm = subject.goldstein({std::make_shared<TwoPointLine<double>>(), source, law, 1, Eigen::VectorXd::Constant(1, u), radius}, settings, seed);
    Trial trial;
    trial.judgement.allowed = tolerance::gamma(256.0, kUnitRoundoff) * 8.0 * (radius + std::abs(target));
    trial.judgement.observed = std::isnan(norm) ? norm : std::max({0.0, least - norm, norm - most});
    trial.values = {named("u", u),           named("target", target),  named("delta", delta), named("radius", radius),
                    named("reported", norm), named("at least", least), named("at most", most)};
    return trial;
  }
};

/// u near or on the sphere. The target outside of it: −gradients point outwards, so that with the ray 0 is reached. The target on the other side of 0: the ray
/// does not help, and the distance is at least 2(u − δ − target).
Trial the_ray(const CriticalitySubject& subject, const RandomStream& stream, int /*size*/) {
  PointDraws draws(stream, 0);
  constexpr double kDelta = 0.0625;
  const double radius = draws.uniform(0.5, 2.0);
  const double u = radius - draws.uniform(0.0, 1.0) * kDelta;
  const bool outwards = draws.below(2) == 0;
  const double target = outwards ? radius + draws.uniform(0.5, 2.0) : -draws.uniform(0.0, 2.0);
  const double least = outwards ? 0.0 : 2.0 * (u - kDelta - target);
  const double most = outwards ? 0.0 : 2.0 * (radius - target);
  return OneTarget{u, target, kDelta, radius}.judge(subject, draws.below(1'000'000), least, most);
}

/// u far inside the ball, the target at u ± δ/4: gradients on B(u, δ) have both signs, so 0 is in their hull although the gradient at u is not 0.
Trial the_hull(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double delta = std::exp2(-static_cast<double>(size) - 1.0);
  const double u = draws.uniform(-1.0, 1.0);
  const double target = u + (draws.below(2) == 0 ? 0.25 : -0.25) * delta;
  return OneTarget{u, target, delta, 4.0}.judge(subject, draws.below(1'000'000), 0.0, 0.0);
}

}  // namespace

double line_minimiser(Index n) {
  double central = 1.0;  // C(2n, n)/4ⁿ
  for (Index k = 1; k <= n; ++k) central *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
  return 1.0 - 2.0 * central;
}

std::vector<TypedCheck<CriticalitySubject>> criticality_checks() {
  return {{"bracket on the two-point line", 3, two_point_line},
          {"bracket at a kink, one parameter", 4, one_parameter},
          {"bracket at kinks, two parameters", 4, two_parameters, false, 2},
          {"bracket of affine maps in the plane", 3, affine_plane, false, 5},
          {"Goldstein, frozen batches", 4, frozen_batches},
          {"Goldstein, the hull", 4, the_hull},
          {"Goldstein, the ray", 1, the_ray}};
}

}  // namespace slicecheck
