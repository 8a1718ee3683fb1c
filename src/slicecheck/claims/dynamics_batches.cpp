/// Claim T1 on samplers: what Algorithm 1 draws.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

#include "slicecheck/claims/dynamics_step.h"
#include "slicecheck/claims/dynamics_trial.h"

namespace slicecheck {

namespace {

/// Two finite laws with the atoms (0, 0, …), (1, 0, …), …, so that the first coordinate of a point is the number of its atom; or two continuous laws.
struct BatchCase {
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  SamplerSettings settings;

  [[nodiscard]] std::unique_ptr<Sampler<double>> make(const SamplerSubject& subject) const { return subject.make(source, target, settings); }
  [[nodiscard]] std::vector<NamedValues> values() const {
    return {named("n", static_cast<double>(settings.n)), named("directions", static_cast<double>(settings.directions)),
            named("dimensions", Eigen::Vector2d(static_cast<double>(source->dimension()), static_cast<double>(target->dimension()))),
            named("atoms", Eigen::Vector2d(static_cast<double>(source->atom_count()), static_cast<double>(target->atom_count()))),
            named("replicate", static_cast<double>(settings.replicate))};
  }
};

std::shared_ptr<const Law> finite_law(Index atoms, Index dimension, std::vector<double> probabilities) {
  Points<double> points = Points<double>::Zero(atoms, dimension);
  for (Index k = 0; k < atoms; ++k) points(k, 0) = static_cast<double>(k);
  if (probabilities.empty()) return std::make_shared<FiniteLaw>("numbered atoms", points);
  return std::make_shared<FiniteLaw>("numbered atoms", points, std::move(probabilities));
}

/// Multiples of 1/64 that add up to one exactly, none zero.
std::vector<double> dyadic_probabilities(PointDraws& draws, Index atoms) {
  std::vector<double> parts(static_cast<std::size_t>(atoms), 4.0);
  for (Index rest = 64 - 4 * atoms; rest > 0; --rest) parts[draws.below(static_cast<std::uint64_t>(atoms))] += 1.0;
  for (double& part : parts) part /= 64.0;
  return parts;
}

SamplerSettings draw_settings(PointDraws& draws, int size) {
  return {between(draws, 1, Index{2} * size), between(draws, 1, size), draws.below(std::uint64_t{1} << 62), static_cast<std::uint32_t>(draws.below(1000))};
}

/// Finite laws of 2 to size + 1 atoms, with probabilities of their own or, for a third of the cases, one and the same law.
BatchCase draw_finite_case(PointDraws& draws, int size) {
  const Index atoms = between(draws, 2, size + 1);
  auto source = finite_law(atoms, between(draws, 1, 2), dyadic_probabilities(draws, atoms));
  const Index others = between(draws, 2, size + 1);
  auto target = draws.below(3) == 0 ? source : finite_law(others, between(draws, 1, 2), dyadic_probabilities(draws, others));
  return {std::move(source), std::move(target), draw_settings(draws, size)};
}

/// Normal laws: no two points of them agree (to 53 bits, for the first coordinate: once in 10¹⁵).
BatchCase draw_continuous_case(PointDraws& draws, int size, Index least_dimension) {
  auto source = std::shared_ptr<const Law>(Gaussian::standard(between(draws, 1, size)));
  auto target = std::shared_ptr<const Law>(Gaussian::standard(between(draws, least_dimension, std::max<Index>(least_dimension, size + 1))));
  return {std::move(source), std::move(target), draw_settings(draws, size)};
}

Batch<double> drawn(const Sampler<double>& sampler, std::uint64_t t, const BatchCase& c) {
  Batch<double> batch = sampler.draw(t);
  const auto expect = [&](const char* what, const Points<double>& points, Index rows, Index columns) {
    if (points.rows() != rows || points.cols() != columns)
      throw Error(fmt::format("step {}: {} is {} × {}; expected {} × {}", t, what, points.rows(), points.cols(), rows, columns));
    if (!points.allFinite()) throw Error(fmt::format("step {}: {} is not finite", t, what));
  };
  expect("X", batch.x, c.settings.n, c.source->dimension());
  expect("Y", batch.y, c.settings.n, c.target->dimension());
  expect("the directions", batch.directions, c.settings.directions, c.target->dimension());
  return batch;
}

/// Shapes, everywhere in the range of t (drawn throws).
Trial judge_shapes(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_continuous_case(draws, size, 1);
  const auto sampler = c.make(subject);
  for (const std::uint64_t t : {std::uint64_t{0}, std::uint64_t{1}, draws.below(1000), (std::uint64_t{1} << 33) + 5}) drawn(*sampler, t, c);
  return trial_of(0.0, 0.0, c.values());
}

Trial judge_unit_directions(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_continuous_case(draws, size, 1);
  const auto sampler = c.make(subject);
  double worst = 0.0;
  Points<double> directions;
  for (std::uint64_t t = 0; t < 8; ++t) {
    directions = drawn(*sampler, t, c).directions;
    worst = std::max(worst, (directions.rowwise().norm().array() - 1.0).abs().maxCoeff());
  }
  auto values = c.values();
  values.push_back({"directions", directions});
  // The norm that the subject divides by, the quotient, and the norm that is taken here.
  return trial_of(worst, sum_rounding(2.0 * static_cast<double>(c.target->dimension()) + 8.0, 1.0), std::move(values));
}

double difference(const Batch<double>& a, const Batch<double>& b) {
  return (a.x - b.x).cwiseAbs().sum() + (a.y - b.y).cwiseAbs().sum() + (a.directions - b.directions).cwiseAbs().sum();
}

/// Forwards, backwards, and from another instance.
Trial judge_function_of_step(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_continuous_case(draws, size, 1);
  const auto sampler = c.make(subject);
  std::vector<Batch<double>> batches;
  for (std::uint64_t t = 0; t < 4; ++t) batches.push_back(drawn(*sampler, t, c));
  double worst = 0.0;
  for (std::uint64_t t = 4; t-- > 0;) worst = std::max(worst, difference(batches[t], drawn(*sampler, t, c)));
  worst = std::max(worst, difference(batches[2], drawn(*c.make(subject), 2, c)));
  return trial_of(worst, 0.0, c.values());
}

std::size_t repeated_rows(const std::vector<Points<double>>& clouds) {
  std::set<std::vector<double>> seen;
  std::size_t rows = 0;
  for (const Points<double>& cloud : clouds)
    for (Index k = 0; k < cloud.rows(); ++k, ++rows) {
      const Eigen::RowVectorXd row = cloud.row(k);
      seen.emplace(row.begin(), row.end());
    }
  return rows - seen.size();
}

/// 128 steps, another replicate, another seed: from continuous laws on R², R³, … no point comes twice, and in d ≥ 2 no direction. That they do by the
/// coincidence of 53-bit numbers has probability below 10⁻²⁰ for the at most 2304 points of either kind (two coordinates have to agree), and below 10⁻¹² for
/// the directions, which in the plane are one angle: only 24 + 4 + 4 of them are compared.
Trial judge_repetitions(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  BatchCase c = draw_continuous_case(draws, size, 2);
  c.source = Gaussian::standard(c.source->dimension() + 1);
  c.settings.directions = 1;
  std::vector<Points<double>> x;
  std::vector<Points<double>> y;
  std::vector<Points<double>> theta;
  const auto add = [&](const SamplerSettings& settings, std::uint64_t steps, std::uint64_t directions) {
    BatchCase other = c;
    other.settings = settings;
    const auto sampler = other.make(subject);
    for (std::uint64_t t = 0; t < steps; ++t) {
      Batch<double> batch = drawn(*sampler, t, other);
      x.push_back(std::move(batch.x));
      y.push_back(std::move(batch.y));
      if (t < directions) theta.push_back(std::move(batch.directions));
    }
  };
  add(c.settings, 128, 24);
  SamplerSettings other = c.settings;
  ++other.replicate;
  add(other, 32, 4);
  other = c.settings;
  ++other.seed;
  add(other, 32, 4);
  const Eigen::Vector3d repeated(static_cast<double>(repeated_rows(x)), static_cast<double>(repeated_rows(y)), static_cast<double>(repeated_rows(theta)));
  auto values = c.values();
  values.push_back(named("repeated rows of X, Y, directions", repeated));
  return trial_of(repeated.sum(), 0.0, std::move(values));
}

/// P(⟨θ, e⟩ ≤ s) for θ uniform on S^{d−1} and a fixed unit vector e, d ≥ 2: (1 ± I)/2 with I = P(⟨θ, e⟩² ≤ s²), ⟨θ, e⟩² being Beta(1/2, (d − 1)/2). In the
/// plane I is an arc, in space it is uniform (Archimedes), and two dimensions more add |s|(1 − s²)^b / (b·B(1/2, b)), b = (d − 1)/2.
double sphere_marginal(double s, Index d) {
  s = std::clamp(s, -1.0, 1.0);
  double inside = d % 2 == 0 ? 2.0 / std::numbers::pi * std::asin(std::abs(s)) : std::abs(s);
  double b = d % 2 == 0 ? 0.5 : 1.0;
  double added = std::abs(s) * (d % 2 == 0 ? 2.0 / std::numbers::pi * std::sqrt(1.0 - s * s) : 0.5 * (1.0 - s * s));
  for (Index dimension = d % 2 == 0 ? 2 : 3; dimension < d; dimension += 2) {
    inside += added;
    added *= (b + 0.5) / (b + 1.0) * (1.0 - s * s);
    b += 1.0;
  }
  return std::clamp(0.5 + std::copysign(0.5 * inside, s), 0.0, 1.0);
}

/// Statistics of 6400 directions: along a coordinate, along a fixed oblique vector, between neighbours of one batch and of consecutive steps (all four
/// Kolmogorov–Smirnov), and the mean of Σ θ_i⁴, which lies in [1/d, 1] and has the expectation 3/(d + 2) (Hoeffding): directions from a cube lean to its
/// corners. In the plane they have .715 in place of .75, a p-value of 10⁻²⁷. On the line: the sign is fair.
Trial judge_directions(const SamplerSubject& subject, const RandomStream& stream, int size) {
  constexpr Index kPerStep = 16;
  constexpr Index kSteps = 400;
  PointDraws draws(stream, 0);
  BatchCase c = draw_continuous_case(draws, size, 1);
  c.settings.n = 1;
  c.settings.directions = kPerStep;
  const Index d = c.target->dimension();
  const auto sampler = c.make(subject);
  Points<double> theta(kPerStep * kSteps, d);
  for (Index t = 0; t < kSteps; ++t) theta.middleRows(t * kPerStep, kPerStep) = drawn(*sampler, static_cast<std::uint64_t>(t), c).directions;
  auto values = c.values();
  values.push_back({"first directions", theta.topRows(4)});
  const auto n = static_cast<double>(theta.rows());
  if (d == 1) {
    const auto up = static_cast<double>((theta.array() > 0.0).count());
    return trial_of_p_value(binomial_p_value(up, n, 0.5), std::move(values));
  }
  Eigen::VectorXd oblique = normal_vector(draws, d);
  oblique /= oblique.norm();
  const Index coordinate = between(draws, 0, d - 1);
  std::vector<double> along;
  std::vector<double> across;
  std::vector<double> neighbours;
  std::vector<double> consecutive;
  for (Index l = 0; l < theta.rows(); ++l) {
    along.push_back(sphere_marginal(theta(l, coordinate), d));
    across.push_back(sphere_marginal(theta.row(l).dot(oblique), d));
    if (l % 2 == 0) neighbours.push_back(sphere_marginal(theta.row(l).dot(theta.row(l + 1)), d));
    if (l % (2 * kPerStep) < kPerStep) consecutive.push_back(sphere_marginal(theta.row(l).dot(theta.row(l + kPerStep)), d));
  }
  const double fourth = theta.array().pow(4).rowwise().sum().mean();
  const auto dimension = static_cast<double>(d);
  values.push_back(named("mean of the sum of fourth powers, expected", Eigen::Vector2d(fourth, 3.0 / (dimension + 2.0))));
  const double p = smallest_of({kolmogorov_smirnov_p_value(along), kolmogorov_smirnov_p_value(across), kolmogorov_smirnov_p_value(neighbours),
                                kolmogorov_smirnov_p_value(consecutive), bounded_mean_p_value(fourth, 3.0 / (dimension + 2.0), n, 1.0 / dimension, 1.0)});
  return trial_of_p_value(p, std::move(values));
}

/// Batches of n = m points from m equal atoms: all are different with probability m!/mᵐ. Exact.
Trial judge_replacement(const SamplerSubject& subject, const RandomStream& stream, int size) {
  constexpr std::uint64_t kSteps = 300;
  PointDraws draws(stream, 0);
  const Index atoms = size + 1;
  BatchCase c{finite_law(atoms, 1, {}), finite_law(atoms, between(draws, 1, 2), {}), draw_settings(draws, size)};
  c.settings.n = atoms;
  const auto sampler = c.make(subject);
  double x_different = 0.0;
  double y_different = 0.0;
  for (std::uint64_t t = 0; t < kSteps; ++t) {
    const Batch<double> batch = drawn(*sampler, t, c);
    x_different += repeated_rows({batch.x}) == 0 ? 1.0 : 0.0;
    y_different += repeated_rows({batch.y}) == 0 ? 1.0 : 0.0;
  }
  double probability = 1.0;
  for (Index k = 1; k <= atoms; ++k) probability *= static_cast<double>(k) / static_cast<double>(atoms);
  auto values = c.values();
  values.push_back(named("batches without a repetition: X, Y, expected", Eigen::Vector3d(x_different, y_different, probability * static_cast<double>(kSteps))));
  return trial_of_p_value(smallest_of({binomial_p_value(x_different, kSteps, probability), binomial_p_value(y_different, kSteps, probability)}),
                          std::move(values));
}

std::vector<double> probabilities_of(const Law& law) {
  std::vector<double> probabilities;
  for (Index k = 0; k < law.atom_count(); ++k) probabilities.push_back(law.probability(k));
  return probabilities;
}

std::vector<double> products(const std::vector<double>& p, const std::vector<double>& q) {
  std::vector<double> cells;
  for (const double a : p)
    for (const double b : q) cells.push_back(a * b);
  return cells;
}

/// The number of a point's atom. @throws Error where it is none.
std::size_t atom_number(const Points<double>& points, Index row, const Law& law) {
  const double k = points(row, 0);
  if (!(k >= 0.0 && k < static_cast<double>(law.atom_count())) || std::floor(k) != k || points.row(row) != law.atom(static_cast<Index>(k)))
    throw Error(fmt::format("a point of the batch is no atom of its law: its first coordinate is {}", k));
  return static_cast<std::size_t>(k);
}

struct AtomNumbers {
  std::vector<std::vector<std::size_t>> x;  ///< step, then row
  std::vector<std::vector<std::size_t>> y;
};

AtomNumbers draw_numbers(const SamplerSubject& subject, const BatchCase& c, std::uint64_t steps) {
  const auto sampler = c.make(subject);
  AtomNumbers numbers;
  for (std::uint64_t t = 0; t < steps; ++t) {
    const Batch<double> batch = drawn(*sampler, t, c);
    numbers.x.emplace_back();
    numbers.y.emplace_back();
    for (Index k = 0; k < c.settings.n; ++k) {
      numbers.x.back().push_back(atom_number(batch.x, k, *c.source));
      numbers.y.back().push_back(atom_number(batch.y, k, *c.target));
    }
  }
  return numbers;
}

/// Atoms come with their probabilities; X and Y are independent; the points of a batch are independent. Cells with their exact probabilities under the claim,
/// no margins are estimated: multinomial counts of independent draws.
Trial judge_atoms(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  BatchCase c = draw_finite_case(draws, size);
  c.settings.n = 2 * between(draws, 1, size);
  const auto p = probabilities_of(*c.source);
  const auto q = probabilities_of(*c.target);
  const AtomNumbers numbers = draw_numbers(subject, c, static_cast<std::uint64_t>(2000 / c.settings.n + 1));
  std::vector<double> x_counts(p.size(), 0.0);
  std::vector<double> y_counts(q.size(), 0.0);
  std::vector<double> joint(p.size() * q.size(), 0.0);
  std::vector<double> x_pairs(p.size() * p.size(), 0.0);
  std::vector<double> y_pairs(q.size() * q.size(), 0.0);
  for (std::size_t t = 0; t < numbers.x.size(); ++t) {
    const auto& x = numbers.x[t];
    const auto& y = numbers.y[t];
    for (std::size_t k = 0; k < x.size(); ++k) {
      x_counts[x[k]] += 1.0;
      y_counts[y[k]] += 1.0;
      joint[x[k] * q.size() + y[k]] += 1.0;
      if (k % 2 == 1) x_pairs[x[k - 1] * p.size() + x[k]] += 1.0;
      if (k % 2 == 1) y_pairs[y[k - 1] * q.size() + y[k]] += 1.0;
    }
  }
  auto values = c.values();
  values.push_back({"joint counts", Eigen::Map<const Points<double>>(joint.data(), static_cast<Index>(p.size()), static_cast<Index>(q.size()))});
  return trial_of_p_value(smallest_of({multinomial_p_value(x_counts, p), multinomial_p_value(y_counts, q), multinomial_p_value(joint, products(p, q)),
                                       multinomial_p_value(x_pairs, products(p, p)), multinomial_p_value(y_pairs, products(q, q))}),
                          std::move(values));
}

/// How often the first points of steps t and t + lag agree, over disjoint pairs: binomial with probability Σ p². Exact, for lags 1 to 64: a sampler that cycles
/// through up to 64 batches is refused.
double smallest_lag_p_value(const std::vector<std::vector<std::size_t>>& numbers, const std::vector<double>& p) {
  const double agree = std::inner_product(p.begin(), p.end(), p.begin(), 0.0);
  std::vector<double> p_values;
  for (std::size_t lag = 1; lag <= 64; ++lag) {
    double equal = 0.0;
    double trials = 0.0;
    for (std::size_t block = 0; block + 2 * lag <= numbers.size(); block += 2 * lag)
      for (std::size_t t = block; t < block + lag; ++t, trials += 1.0) equal += numbers[t][0] == numbers[t + lag][0] ? 1.0 : 0.0;
    p_values.push_back(binomial_p_value(equal, trials, agree));
  }
  return smallest_of(p_values);
}

Trial judge_steps(const SamplerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  BatchCase c = draw_finite_case(draws, size);
  c.settings.n = between(draws, 1, 3);
  const AtomNumbers numbers = draw_numbers(subject, c, 1024);
  return trial_of_p_value(
      smallest_of({smallest_lag_p_value(numbers.x, probabilities_of(*c.source)), smallest_lag_p_value(numbers.y, probabilities_of(*c.target))}), c.values());
}

}  // namespace

std::vector<TypedCheck<SamplerSubject>> batch_checks() {
  return {
      {"shapes", 6, judge_shapes},
      {"unit directions", 6, judge_unit_directions},
      {"a function of the step", 6, judge_function_of_step},
      {"nothing comes twice", 6, judge_repetitions, false, 4},
      {"uniform directions", 6, judge_directions, true, 8},
      {"with replacement", 6, judge_replacement, true, 2},
      {"atoms and their independence", 6, judge_atoms, true, 2},
      {"independent steps", 6, judge_steps, true, 2},
  };
}

}  // namespace slicecheck
