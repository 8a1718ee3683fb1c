/// Claims T1 and T4 on whole trainings: the path is Algorithm 1's.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/dynamics_step.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {

namespace {

/// A small training: T(u, x) = Ax + b between continuous laws, in which ties have probability zero; L = 1 or a few directions; a constant or falling step size.
struct PathCase {
  TrainingParts<double> parts;
  std::uint64_t steps = 1;
  double radius = 0.0;  ///< 0: SGD
  double noise = 0.0;

  [[nodiscard]] std::vector<NamedValues> values(const std::vector<Eigen::VectorXd>& path) const {
    Points<double> rows(static_cast<Index>(path.size()), parts.generator->parameters());
    for (Index t = 0; t < rows.rows(); ++t) rows.row(t) = path[static_cast<std::size_t>(t)].transpose();
    return {{"path", rows},
            named("alpha", parts.schedule->step_size(0)),
            named("radius", radius),
            named("noise", noise),
            named("seed, replicate", Eigen::Vector2d(static_cast<double>(parts.seed), static_cast<double>(parts.replicate)))};
  }
};

void draw_seed(PointDraws& draws, TrainingParts<double>& parts) {
  parts.seed = draws.below(std::uint64_t{1} << 52);  // a double shows it exactly
  parts.replicate = static_cast<std::uint32_t>(draws.below(1000));
}

PathCase draw_path_case(const RandomStream& stream, int size, bool projects) {
  PointDraws draws(stream, 0);
  PathCase c;
  const Index inputs = between(draws, 1, std::min(size, 3));
  const Index outputs = between(draws, 1, std::min(size, 3));
  draw_seed(draws, c.parts);
  c.parts.generator = std::make_shared<Affine<double>>(inputs, outputs);
  c.parts.loss = std::make_shared<ReferenceLoss>();
  const SamplerSettings settings{between(draws, 1, size), draws.below(2) == 0 ? 1 : between(draws, 1, size), c.parts.seed, c.parts.replicate};
  const auto target = std::make_shared<Gaussian>(Eigen::RowVectorXd::Constant(outputs, draws.uniform(-2.0, 2.0)), power_of_two(draws, -1.0, 1.0));
  c.parts.sampler = std::make_shared<FreshBatches<double>>(std::shared_ptr<const Law>(Gaussian::standard(inputs)), target, settings);
  c.steps = static_cast<std::uint64_t>(between(draws, 1, size + 2));
  const double alpha = power_of_two(draws, -6.0, -2.0);
  c.parts.schedule = make_schedule({.kind = draws.below(2) == 0 ? "constant" : "inverse-time", .initial = alpha, .steps = 2});
  if (projects) {
    c.radius = power_of_two(draws, -2.0, 2.0);
    c.noise = power_of_two(draws, -2.0, 2.0);
    c.parts.scheme = std::make_shared<NoisedProjectedSgd<double>>(c.radius, c.noise);
  } else {
    c.parts.scheme = std::make_shared<Sgd<double>>();
  }
  return c;
}

std::vector<Eigen::VectorXd> walked(const TrainingSubject& subject, const PathCase& c) {
  auto path = subject.path(c.parts, c.steps);
  expect_size("the path", static_cast<Index>(path.size()), static_cast<Index>(c.steps) + 1);
  for (const Eigen::VectorXd& u : path) expect_size("a point of the path", u.size(), c.parts.generator->parameters());
  return path;
}

/// u_{t+1} from the subject's own u_t, so that rounding does not add up along the path, and how far a right subject may be from it.
struct TextbookStep {
  Eigen::VectorXd u;
  double allowed = 0.0;
};

/// Plain loops for T = Ax + b, u = (A by rows, b), p = 2: z_k = A x_k + b, per direction both clouds sorted by insertion, φ = (Σ g_k x_kᵀ by rows, Σ g_k).
///
/// Rounding, per side: images err by γ_{d_x+2}(‖A‖‖x_k‖ + ‖b‖), gaps by that and tolerance::gap; a slope (2/(nL))Δ by 2/(nL) times that and a few roundings;
/// φ sums n·L of them times (θ x_kᵀ, θ), of norm √(1 + ‖x_k‖²). No two projections are so close that rounding changes the matching, but with a probability of
/// about n²·10⁻¹⁴; and then the claim and the subject differ only if the subject evaluates the loss otherwise than `parts.loss`.
TextbookStep textbook_step(const PathCase& c, const Eigen::VectorXd& u, std::uint64_t t) {
  const TrainingParts<double>& parts = c.parts;
  const Batch<double> batch = parts.sampler->draw(t);
  const Index n = batch.x.rows();
  const Index inputs = batch.x.cols();
  const Index d = batch.y.cols();
  const Eigen::Map<const Points<double>> a(u.data(), d, inputs);
  Points<double> z(n, d);
  for (Index k = 0; k < n; ++k) z.row(k) = (a * batch.x.row(k).transpose() + u.tail(d)).transpose();
  const LossGradient<double> loss = ReferenceLoss().evaluate(z, batch.y, batch.directions);
  Eigen::VectorXd phi = Eigen::VectorXd::Zero(u.size());
  for (Index k = 0; k < n; ++k)
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < inputs; ++j) phi[i * inputs + j] += loss.gradient(k, i) * batch.x(k, j);
      phi[d * inputs + i] += loss.gradient(k, i);
    }
  const double alpha = parts.schedule->step_size(t);
  State<double> state{u, t};
  parts.scheme->advance(state, phi, alpha, {parts.seed, Purpose::noise, parts.replicate, t});

  const double x_size = batch.x.rowwise().norm().maxCoeff();
  const double clouds = z.rowwise().norm().maxCoeff() + batch.y.rowwise().norm().maxCoeff();
  const double image_error = sum_rounding(static_cast<double>(inputs) + 3.0, a.norm() * x_size + u.tail(d).norm());
  const double gap_error = tolerance::gap(d, clouds, tolerance::unit_roundoff<double>()) + image_error;
  const double terms = static_cast<double>(n) + static_cast<double>(batch.directions.rows()) + 8.0;
  const double phi_error = 2.0 * std::sqrt(1.0 + x_size * x_size) * (gap_error + sum_rounding(terms, clouds));
  // A Box–Muller normal from 53 bits is below √(2·53·ln 2) < 8.6.
  const double noise_size = alpha * c.noise * 8.6 * std::sqrt(static_cast<double>(u.size()));
  const double step_error = alpha * phi_error + sum_rounding(5.0, u.norm() + alpha * phi.norm() + noise_size);
  return {state.u, 2.0 * (step_error + (c.radius > 0.0 ? projection_rounding(u.size(), c.radius) : 0.0))};
}

Trial judge_start(const TrainingSubject& subject, const PathCase& c) {
  const auto path = walked(subject, c);
  Eigen::VectorXd expected = c.parts.generator->initial({c.parts.seed, Purpose::initial, c.parts.replicate, 0});
  if (c.radius > 0.0) expected = textbook_projection(expected, c.radius);
  const double allowed = c.radius > 0.0 ? 2.0 * projection_rounding(expected.size(), c.radius) : 0.0;
  auto values = c.values(path);
  values.push_back(named("u_0 expected", expected));
  return trial_of((path[0] - expected).norm(), allowed, std::move(values));
}

Trial judge_algorithm(const TrainingSubject& subject, const PathCase& c) {
  const auto path = walked(subject, c);
  double observed = 0.0;
  double allowed = 1.0;
  std::vector<NamedValues> values = c.values(path);
  for (std::uint64_t t = 0; t < c.steps; ++t) {
    const TextbookStep step = textbook_step(c, path[t], t);
    const double error = (path[t + 1] - step.u).norm();
    if (!(error * allowed <= observed * step.allowed)) {  // the worst step, NaN included
      observed = error;
      allowed = step.allowed;
    }
    if (!(error <= step.allowed)) {
      values.push_back(named("step", static_cast<double>(t)));
      values.push_back(named("u expected after it", step.u));
      break;
    }
  }
  return trial_of(observed, allowed, std::move(values));
}

Trial judge_ball(const TrainingSubject& subject, const PathCase& c) {
  const auto path = walked(subject, c);
  double outside = 0.0;
  bool number = true;
  for (const Eigen::VectorXd& u : path) {
    outside = std::max(outside, u.norm() - c.radius);
    number = number && u.allFinite();
  }
  return trial_of(number ? outside : std::nan(""), 2.0 * projection_rounding(c.parts.generator->parameters(), c.radius), c.values(path));
}

Trial judge_same_seed(const TrainingSubject& subject, const PathCase& c) {
  const auto first = walked(subject, c);
  const auto second = walked(subject, c);
  double worst = 0.0;
  for (std::size_t t = 0; t < first.size(); ++t) worst = std::max(worst, (first[t] - second[t]).cwiseAbs().maxCoeff());
  const bool number = std::all_of(first.begin(), first.end(), [](const Eigen::VectorXd& u) { return u.allFinite(); });
  return trial_of(number ? worst : std::nan(""), 0.0, c.values(first));
}

/// T(u, x) = x: φ = 0, and u_0 = 0. Only the noise moves u.
class Still final : public Generator<double> {
 public:
  explicit Still(Index parameters) : parameters_(parameters) {}
  [[nodiscard]] std::string name() const override { return "still"; }
  [[nodiscard]] Index parameters() const override { return parameters_; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] Vector<double> initial(const RandomStream&) const override { return Vector<double>::Zero(parameters_); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double>, PointsView<double> x) const override {
    return std::make_unique<Image>(x, parameters_);
  }

 private:
  class Image final : public Linearisation<double> {
   public:
    Image(PointsView<double> x, Index parameters) : images_(x), parameters_(parameters) {}
    [[nodiscard]] const Points<double>& images() const override { return images_; }
    [[nodiscard]] Vector<double> pullback(PointsView<double>) const override { return Vector<double>::Zero(parameters_); }

   private:
    Points<double> images_;
    Index parameters_;
  };
  Index parameters_;
};

/// One point, always the same.
class OnePoint final : public Sampler<double> {
 public:
  [[nodiscard]] std::string name() const override { return "one point"; }
  [[nodiscard]] Batch<double> draw(std::uint64_t) const override {
    return {Points<double>::Zero(1, 1), Points<double>::Ones(1, 1), Points<double>::Ones(1, 1)};
  }
};

/// ⟨x, y⟩/‖y‖ is standard normal if x is, and independent of y.
double correlation_p_value(const Eigen::VectorXd& x, const Eigen::VectorXd& y) { return y.norm() > 0.0 ? normal_p_value(x.dot(y) / y.norm()) : 0.0; }

/// Where nothing but the noise moves u: the noise of replicate r against that of replicate r + 1, of seed s + 1, and of the next step; 512 numbers at least, so
/// that one noise for both has |z| ≥ 20.
Trial judge_noise(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  PathCase c;
  draw_seed(draws, c.parts);
  const Index d = between(draws, 1, size);
  c.steps = static_cast<std::uint64_t>(2 * (512 / d + 1));
  c.radius = 1e6;  // never reached
  c.noise = power_of_two(draws, -2.0, 2.0);
  c.parts.generator = std::make_shared<Still>(d);
  c.parts.loss = std::make_shared<ReferenceLoss>();
  c.parts.sampler = std::make_shared<OnePoint>();
  c.parts.scheme = std::make_shared<NoisedProjectedSgd<double>>(c.radius, c.noise);
  const double alpha = power_of_two(draws, -6.0, -2.0);
  c.parts.schedule = make_schedule({.initial = alpha});
  const auto noise_of = [&](const PathCase& one) {
    const auto path = walked(subject, one);
    Points<double> noise(static_cast<Index>(one.steps), d);
    for (Index t = 0; t < noise.rows(); ++t)
      noise.row(t) = (path[static_cast<std::size_t>(t) + 1] - path[static_cast<std::size_t>(t)]).transpose() / (alpha * one.noise);
    if (!noise.allFinite()) throw Error("the path is not finite");
    return noise;
  };
  const auto flat = [](const Points<double>& points) -> Eigen::VectorXd { return Eigen::Map<const Eigen::VectorXd>(points.data(), points.size()); };
  PathCase other_replicate = c;
  ++other_replicate.parts.replicate;
  PathCase other_seed = c;
  ++other_seed.parts.seed;
  const Points<double> noise = noise_of(c);
  const Points<double> even = noise(Eigen::seq(0, noise.rows() - 2, 2), Eigen::indexing::all);
  const Points<double> odd = noise(Eigen::seq(1, noise.rows() - 1, 2), Eigen::indexing::all);
  const Points<double> replicate_noise = noise_of(other_replicate);
  const double p = smallest_of({correlation_p_value(flat(noise), flat(replicate_noise)), correlation_p_value(flat(noise), flat(noise_of(other_seed))),
                                correlation_p_value(flat(even), flat(odd)), sum_of_squares_p_value(noise.squaredNorm(), static_cast<double>(noise.size()))});
  return trial_of_p_value(
      p,
      {{"first noise", noise.topRows(4)}, {"first noise of the next replicate", replicate_noise.topRows(4)}, named("alpha", alpha), named("noise", c.noise)});
}

TypedCheck<TrainingSubject> on_paths(std::string name, bool projects, Trial (*judge)(const TrainingSubject&, const PathCase&)) {
  return {std::move(name), 6, [projects, judge](const TrainingSubject& subject, const RandomStream& stream, int size) {
            return judge(subject, draw_path_case(stream, size, projects));
          }};
}

}  // namespace

std::vector<TypedCheck<TrainingSubject>> sgd_path_checks() {
  return {on_paths("start", false, judge_start), on_paths("the path of Algorithm 1", false, judge_algorithm),
          on_paths("one seed, one path", false, judge_same_seed)};
}

std::vector<TypedCheck<TrainingSubject>> npsgd_path_checks() {
  return {on_paths("start is projected", true, judge_start),
          on_paths("the path of Algorithm 1", true, judge_algorithm),
          on_paths("stays in the ball", true, judge_ball),
          on_paths("one seed, one path", true, judge_same_seed),
          {"noise of its own", 6, judge_noise, true}};
}

}  // namespace slicecheck
