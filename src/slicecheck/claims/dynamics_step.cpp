#include "slicecheck/claims/dynamics_step.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/dynamics_trial.h"

namespace slicecheck {

namespace {

constexpr double kNoBall = 1e300;  ///< a radius that no iterate reaches
constexpr double kFarBall = 1e6;   ///< one that no noised iterate of our cases reaches: their norms are below 10⁴

/// u, φ and the settings of one step: d_u up to 2·size, cut into tensors at random; u at 0, inside B(0, r) or on the sphere; u − αφ well inside, well outside,
/// or on the sphere to rounding.
struct StepCase {
  double radius = 1.0;
  double noise = 1.0;
  double alpha = 0.1;
  std::vector<Index> tensors;
  Eigen::VectorXd u;
  Eigen::VectorXd phi;
  Eigen::VectorXd second_phi;
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
  std::uint64_t step = 0;

  [[nodiscard]] Index d() const { return u.size(); }
  [[nodiscard]] RandomStream stream(std::uint64_t later = 0) const { return {seed, Purpose::noise, replicate, step + later}; }
  [[nodiscard]] std::vector<NamedValues> values() const {
    Eigen::VectorXd sizes(static_cast<Index>(tensors.size()));
    for (Index i = 0; i < sizes.size(); ++i) sizes[i] = static_cast<double>(tensors[static_cast<std::size_t>(i)]);
    return {named("u", u), named("phi", phi), named("alpha", alpha), named("radius", radius), named("noise", noise), named("tensors", sizes)};
  }
};

Eigen::VectorXd unit_vector(PointDraws& draws, Index d) {
  Eigen::VectorXd v = normal_vector(draws, d);
  while (!(v.norm() > 0.0)) v = normal_vector(draws, d);
  return v / v.norm();
}

StepCase draw_step_case(const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  StepCase c;
  const Index d = between(draws, 1, Index{2} * size);
  c.tensors.assign(1, 1);
  for (Index i = 1; i < d; ++i) {
    if (draws.below(2) == 0)
      ++c.tensors.back();
    else
      c.tensors.push_back(1);
  }
  c.radius = power_of_two(draws, -4.0, 4.0);
  c.noise = power_of_two(draws, -2.0, 2.0);
  c.alpha = power_of_two(draws, -8.0, -1.0);
  const double from[] = {0.0, draws.uniform(), 1.0};
  c.u = unit_vector(draws, d) * (c.radius * from[draws.below(3)]);
  const double to[] = {draws.uniform(0.0, 0.9), power_of_two(draws, 0.2, 4.0), 1.0};
  c.phi = (c.u - unit_vector(draws, d) * (c.radius * to[draws.below(3)])) / c.alpha;
  c.second_phi = unit_vector(draws, d) * (c.radius * draws.uniform(0.1, 2.0) / c.alpha);
  c.seed = draws.below(std::uint64_t{1} << 62);
  c.replicate = static_cast<std::uint32_t>(draws.below(1000));
  c.step = draws.below(1000);
  return c;
}

/// The scheme's u⁺ from u.
Eigen::VectorXd stepped(const Scheme<double>& scheme, const Eigen::VectorXd& u, const Eigen::VectorXd& phi, double alpha, const RandomStream& stream,
                        std::uint64_t step) {
  State<double> state{u, step};
  scheme.advance(state, phi, alpha, stream);
  expect_size("u after the step", state.u.size(), u.size());
  return state.u;
}

/// Rounding of u − αφ: a product and a difference a coordinate; once for the subject and once for the claim, two more for another order of the operations.
double step_rounding(const StepCase& c) { return 2.0 * sum_rounding(4.0, c.u.norm() + c.alpha * c.phi.norm()); }

std::vector<NamedValues> with_result(const StepCase& c, const Eigen::VectorXd& result, const Eigen::VectorXd& expected) {
  auto values = c.values();
  values.push_back(named("u after", result));
  values.push_back(named("expected", expected));
  return values;
}

/// A check on schemes that project; all others are skipped.
TypedCheck<SchemeSubject> projecting(std::string name, Trial (*judge)(const SchemeSubject&, const StepCase&, int), bool randomised = false,
                                     std::uint64_t cost = 1) {
  return {std::move(name), 6,
          [judge](const SchemeSubject& subject, const RandomStream& stream, int size) {
            if (!subject.projects) return skipped_trial("the scheme does not project");
            return judge(subject, draw_step_case(stream, size), size);
          },
          randomised, cost};
}

Trial judge_plain_step(const SchemeSubject& subject, const StepCase& c) {
  const Eigen::VectorXd result = stepped(*subject.make(kNoBall, 0.0, c.tensors), c.u, c.phi, c.alpha, c.stream(), c.step);
  const Eigen::VectorXd expected = c.u - c.alpha * c.phi;
  return trial_of((result - expected).norm(), step_rounding(c), with_result(c, result, expected));
}

/// Two steps against a step and a fresh scheme at the same point.
Trial judge_memory(const SchemeSubject& subject, const StepCase& c, double radius, double noise) {
  const auto scheme = subject.make(radius, noise, c.tensors);
  State<double> state = scheme->start(c.u);
  expect_size("u_0", state.u.size(), c.d());
  const std::uint64_t first = state.step;
  scheme->advance(state, c.phi, c.alpha, c.stream());
  expect_size("u after the step", state.u.size(), c.d());
  const StepCase second{c.radius, c.noise, c.alpha, c.tensors, state.u, c.second_phi, c.second_phi, c.seed, c.replicate, c.step};
  const Eigen::VectorXd fresh = stepped(*subject.make(radius, noise, c.tensors), state.u, c.second_phi, c.alpha, c.stream(1), first + 1);
  scheme->advance(state, c.second_phi, c.alpha, c.stream(1));
  expect_size("u after two steps", state.u.size(), c.d());
  // One function of one argument, so equal up to the order of operations. A Box–Muller normal from 53 bits is below √(2·53·ln 2) < 8.6.
  const double noise_size = c.alpha * noise * 8.6 * std::sqrt(static_cast<double>(c.d()));
  const double ball = radius < kNoBall ? 2.0 * projection_rounding(c.d(), radius) : 0.0;
  return trial_of((state.u - fresh).norm(), step_rounding(second) + 2.0 * sum_rounding(4.0, noise_size) + ball, with_result(second, state.u, fresh));
}

Trial judge_counter(const SchemeSubject& subject, const StepCase& c) {
  const auto scheme = subject.make(c.radius, c.noise, c.tensors);
  State<double> state = scheme->start(c.u);
  double wrong = state.step == 0 ? 0.0 : 1.0;
  for (std::uint64_t t = 0; t < 3; ++t) {
    scheme->advance(state, c.phi, c.alpha, c.stream(t));
    if (state.step != t + 1) wrong += 1.0;
  }
  return trial_of(wrong, 0.0, c.values());
}

Trial judge_projected_step(const SchemeSubject& subject, const StepCase& c, int) {
  const Eigen::VectorXd result = stepped(*subject.make(c.radius, 0.0, c.tensors), c.u, c.phi, c.alpha, c.stream(), c.step);
  const Eigen::VectorXd expected = textbook_projection(c.u - c.alpha * c.phi, c.radius);
  // π_r is a contraction: it does not enlarge the rounding of its argument.
  return trial_of((result - expected).norm(), step_rounding(c) + 2.0 * projection_rounding(c.d(), c.radius), with_result(c, result, expected));
}

Trial judge_inside(const SchemeSubject& subject, const StepCase& c, int) {
  const Eigen::VectorXd expected = c.u - c.alpha * c.phi;
  const double radius = 1.5 * std::max(expected.norm(), c.u.norm()) + 0.01;
  const Eigen::VectorXd result = stepped(*subject.make(radius, 0.0, c.tensors), c.u, c.phi, c.alpha, c.stream(), c.step);
  return trial_of((result - expected).norm(), step_rounding(c), with_result(c, result, expected));
}

Trial judge_ball(const SchemeSubject& subject, const StepCase& c, int) {
  const auto scheme = subject.make(c.radius, c.noise, c.tensors);
  State<double> state = scheme->start(c.u);
  double largest = state.u.norm();
  bool number = state.u.allFinite();
  for (std::uint64_t t = 0; t < 20; ++t) {
    scheme->advance(state, t % 2 == 0 ? c.phi : c.second_phi, c.alpha, c.stream(t));
    largest = std::max(largest, state.u.norm());
    number = number && state.u.allFinite();
  }
  // How far outside; once for the projection and once for the norm that is taken here.
  return trial_of(number ? std::max(0.0, largest - c.radius) : std::nan(""), 2.0 * projection_rounding(c.d(), c.radius), with_result(c, state.u, c.u));
}

Trial judge_start(const SchemeSubject& subject, const StepCase& c, int) {
  const Eigen::VectorXd u0 = c.alpha * c.phi;  // inside, on the sphere, or outside
  const Eigen::VectorXd result = subject.make(c.radius, c.noise, c.tensors)->start(u0).u;
  expect_size("u_0", result.size(), c.d());
  const Eigen::VectorXd expected = textbook_projection(u0, c.radius);
  return trial_of((result - expected).norm(), 2.0 * projection_rounding(c.d(), c.radius), {named("u0", u0), named("radius", c.radius), named("start", result)});
}

/// With one stream the noise is one vector whatever the radius: the step in B(0, r) is the projection of the step in a ball that is never reached.
Trial judge_projection_of_noise(const SchemeSubject& subject, const StepCase& c, int) {
  const Eigen::VectorXd free = stepped(*subject.make(kFarBall, c.noise, c.tensors), c.u, c.phi, c.alpha, c.stream(), c.step);
  const Eigen::VectorXd result = stepped(*subject.make(c.radius, c.noise, c.tensors), c.u, c.phi, c.alpha, c.stream(), c.step);
  const Eigen::VectorXd expected = textbook_projection(free, c.radius);
  const double sizes = c.u.norm() + c.alpha * c.phi.norm() + (free - c.u).norm() + c.alpha * c.phi.norm();
  return trial_of((result - expected).norm(), 2.0 * sum_rounding(6.0, sizes) + 2.0 * projection_rounding(c.d(), c.radius), with_result(c, result, expected));
}

/// ε as the scheme has it, count×d: what `count` consecutive streams add to u − αφ, divided by α·a. Its rounding, below 10⁻⁸, is far below what any of the
/// statistics can see (their standard errors exceed 10⁻³).
Points<double> noise_of(const SchemeSubject& subject, const StepCase& c, double alpha, std::uint64_t seed, std::uint32_t replicate, std::uint64_t first,
                        Index count) {
  const auto scheme = subject.make(kFarBall, c.noise, c.tensors);
  Points<double> noise(count, c.d());
  for (Index i = 0; i < count; ++i) {
    const std::uint64_t t = first + static_cast<std::uint64_t>(i);
    noise.row(i) = ((stepped(*scheme, c.u, c.phi, alpha, {seed, Purpose::noise, replicate, t}, t) - (c.u - alpha * c.phi)) / (alpha * c.noise)).transpose();
  }
  if (!noise.allFinite()) throw Error("the noise is not finite");
  return noise;
}

/// z = ⟨x, y⟩/‖y‖: standard normal if x is, and independent of y.
double correlation_p_value(const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  const double norm = y.norm();
  return norm > 0.0 ? normal_p_value(x.dot(y) / norm) : 0.0;
}

Eigen::VectorXd flat(const Points<double>& points) { return Eigen::Map<const Eigen::VectorXd>(points.data(), points.size()); }

/// All coordinates of all streams together: mean 0, variance 1, and the normal law.
Trial judge_noise_law(const SchemeSubject& subject, const StepCase& c, int size) {
  const Index streams = Index{4096} * (size + 1) / c.d() + 1;
  const Eigen::VectorXd noise = flat(noise_of(subject, c, c.alpha, c.seed, c.replicate, c.step, streams));
  const auto n = static_cast<double>(noise.size());
  std::vector<double> uniform;
  for (const double value : noise) uniform.push_back(0.5 * std::erfc(-value / std::sqrt(2.0)));
  const double p =
      smallest_of({normal_p_value(noise.sum() / std::sqrt(n)), sum_of_squares_p_value(noise.squaredNorm(), n), kolmogorov_smirnov_p_value(uniform)});
  auto values = c.values();
  values.push_back(named("mean, mean square, count", Eigen::Vector3d(noise.mean(), noise.squaredNorm() / n, n)));
  return trial_of_p_value(p, std::move(values));
}

Trial judge_noise_independence(const SchemeSubject& subject, const StepCase& c, int) {
  constexpr Index streams = 512;
  const Points<double> noise = noise_of(subject, c, c.alpha, c.seed, c.replicate, c.step, streams);
  std::vector<double> p_values;
  for (Index j = 0; j < c.d(); ++j)
    for (Index k = 0; k < j; ++k) p_values.push_back(correlation_p_value(noise.col(j), noise.col(k)));
  const Points<double> even = noise(Eigen::seq(0, streams - 2, 2), Eigen::indexing::all);
  const Points<double> odd = noise(Eigen::seq(1, streams - 1, 2), Eigen::indexing::all);
  p_values.push_back(correlation_p_value(flat(even), flat(odd)));
  p_values.push_back(correlation_p_value(flat(noise), flat(noise_of(subject, c, c.alpha, c.seed, c.replicate + 1, c.step, streams))));
  p_values.push_back(correlation_p_value(flat(noise), flat(noise_of(subject, c, c.alpha, c.seed + 1, c.replicate, c.step, streams))));
  auto values = c.values();
  values.push_back({"first noise", noise.topRows(4)});
  return trial_of_p_value(smallest_of(p_values), std::move(values));
}

/// Noise at α and at α/4, from independent streams: divided by α both have one variance, whatever it is.
Trial judge_noise_scale(const SchemeSubject& subject, const StepCase& c, int) {
  const Index streams = 1024 / c.d() + 1;
  const Points<double> large = noise_of(subject, c, c.alpha, c.seed, c.replicate, c.step, streams);
  const Points<double> small = noise_of(subject, c, c.alpha / 4.0, c.seed, c.replicate, c.step + 5000, streams);
  const auto n = static_cast<double>(large.size());
  auto values = c.values();
  values.push_back(named("mean squares at alpha and alpha / 4", Eigen::Vector2d(large.squaredNorm() / n, small.squaredNorm() / n)));
  if (!(small.squaredNorm() > 0.0)) return trial_of_p_value(0.0, std::move(values));
  return trial_of_p_value(variance_ratio_p_value(large.squaredNorm() / small.squaredNorm(), n, n), std::move(values));
}

}  // namespace

std::vector<TypedCheck<SchemeSubject>> sgd_step_checks() {
  return {
      {"step", 6, [](const SchemeSubject& subject, const RandomStream& stream, int size) { return judge_plain_step(subject, draw_step_case(stream, size)); }},
      {"no memory", 6,
       [](const SchemeSubject& subject, const RandomStream& stream, int size) { return judge_memory(subject, draw_step_case(stream, size), kNoBall, 0.0); }},
      {"start moves nothing", 6,
       [](const SchemeSubject& subject, const RandomStream& stream, int size) {
         const StepCase c = draw_step_case(stream, size);
         const Eigen::VectorXd result = subject.make(kNoBall, 0.0, c.tensors)->start(c.u).u;
         expect_size("u_0", result.size(), c.d());
         return trial_of((result - c.u).norm(), 0.0, with_result(c, result, c.u));
       }},
      {"one step, one count", 6,
       [](const SchemeSubject& subject, const RandomStream& stream, int size) { return judge_counter(subject, draw_step_case(stream, size)); }},
  };
}

std::vector<TypedCheck<SchemeSubject>> npsgd_step_checks() {
  return {
      projecting("projected step", judge_projected_step),
      projecting("inside nothing is projected", judge_inside),
      projecting("stays in the ball", judge_ball),
      projecting("start is projected", judge_start),
      projecting("no memory", [](const SchemeSubject& subject, const StepCase& c, int) { return judge_memory(subject, c, c.radius, c.noise); }),
      projecting("one step, one count", [](const SchemeSubject& subject, const StepCase& c, int) { return judge_counter(subject, c); }),
      projecting("the noised point is projected", judge_projection_of_noise),
      projecting("law of the noise", judge_noise_law, true, 4),
      projecting("independent noise", judge_noise_independence, true, 2),
      projecting("noise in proportion to alpha", judge_noise_scale, true),
  };
}

}  // namespace slicecheck
