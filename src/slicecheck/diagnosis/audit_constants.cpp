/// K_f and K_F at u0 (L3, L4), heuristics for the step size and the radius, and the sphere of T5.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/sample_objective.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/diagnosis/audit_parts.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

namespace {

constexpr const char* kEstimate = "estimated: a lower bound";

struct Batch {
  Points<double> x, y, directions;
};

Batch batch(const AuditContext& c, std::uint64_t number) {
  const Index n = std::clamp<Index>(c.training.practice.batch, 2, 256);
  const Index count = std::clamp<Index>(c.training.practice.directions, 1, 64);
  return {c.training.source->sample<double>(RandomStream(c.options.seed, Purpose::evaluation_source, 0xA0DAU, number), n),
          c.training.target->sample<double>(RandomStream(c.options.seed, Purpose::evaluation_target, 0xA0DAU, number), n),
          uniform_directions<double>(RandomStream(c.options.seed, Purpose::evaluation_directions, 0xA0DAU, number), count, c.y.cols())};
}

Eigen::RowVectorXd input_of_norm(const AuditContext& c, double norm) { return norm * Eigen::RowVectorXd::Unit(c.x.cols(), 0); }

/// ‖∂²f‖ at u0 for one batch, by power iteration on differences of gradients. Where two widths disagree a kink or a tie is crossed, and the smaller value is
/// taken: a lower bound of the norm on the pieces.
double curvature_of_objective(const AuditContext& c, const CpuLoss<double>& loss, std::uint64_t number) {
  const Batch b = batch(c, number);
  Eigen::VectorXd w = c.dense_direction(400 + static_cast<std::uint32_t>(number));
  const double h = std::sqrt(c.unit) * 16.0 * std::max(c.u0.norm(), 0.01 * c.radius);
  double value = 0.0;
  for (int iteration = 0; iteration < 6; ++iteration) {
    const auto product = [&](double step) -> Eigen::VectorXd {
      return (c.generator.objective(loss, c.u0 + step * w, b.x, b.y, b.directions).gradient -
              c.generator.objective(loss, c.u0 - step * w, b.x, b.y, b.directions).gradient) /
             (2.0 * step);
    };
    Eigen::VectorXd moved = product(h);
    if (iteration == 5) {
      const Eigen::VectorXd finer = product(0.25 * h);
      return std::min(moved.norm(), finer.norm());
    }
    value = moved.norm();
    if (!(value > 0.0) || !std::isfinite(value)) return 0.0;
    w = moved / value;
  }
  return value;
}

struct SphereRay {
  std::string what;
  Eigen::VectorXd direction;
};

AuditSphere sphere(const AuditContext& c, const CpuLoss<double>& loss, double radius, const std::string& what) {
  constexpr std::uint64_t kBatches = 4;
  AuditSphere out;
  out.radius = radius;
  out.what = what;
  std::vector<Eigen::VectorXd> rays;
  if (c.u0.norm() > 0.0) rays.push_back(c.u0.normalized());
  for (std::uint32_t k = 0; static_cast<Index>(rays.size()) < c.options.rays; ++k) rays.push_back(c.dense_direction(500 + k));
  out.inner.resize(rays.size());
  out.error.resize(rays.size());
  parallel_for(static_cast<Index>(rays.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    const Eigen::VectorXd u = radius * rays[k];
    std::vector<double> values;
    for (std::uint64_t b = 0; b < kBatches; ++b) {
      const Batch one = batch(c, 1000 + b);
      values.push_back(c.generator.objective(loss, u, one.x, one.y, one.directions).gradient.dot(u));
    }
    const MeanEstimate mean = mean_with_t_interval(values, 0.95);
    out.inner[k] = mean.mean;
    out.error[k] = mean.standard_error;
  });
  const auto least = static_cast<std::size_t>(std::min_element(out.inner.begin(), out.inner.end()) - out.inner.begin());
  out.least = out.inner[least];
  out.least_error = out.error[least];
  out.multiplier = std::max(0.0, -out.least) / (radius * radius);
  return out;
}

}  // namespace

ConstantFindings probe_constants(const AuditContext& c, const RegularityFindings& regularity, const GrowthFindings& growth, Progress& progress) {
  ConstantFindings out;
  const CpuLoss<double> loss(2.0);
  const TrainingPractice& practice = c.training.practice;
  const auto d = static_cast<double>(c.y.cols());
  const double epsilon = c.options.vicinity * (c.u0.norm() > 0.0 ? c.u0.norm() : c.radius);
  const auto count = static_cast<std::size_t>(c.options.batches);

  // F(u0), and K_f of every batch.
  std::vector<double> values(count), bounds(count), lambda(count), images(count);
  std::vector<char> certified(count);
  std::optional<GeneratorBounds> at_largest;
  if (c.structure.known && c.generator.in_double()) {  // certificates of the library's own generators depend on ‖x‖ alone, and grow with it
    double largest = 0.0;
    for (std::uint64_t i = 0; i < count; ++i) largest = std::max(largest, batch(c, i).x.rowwise().norm().maxCoeff());
    at_largest = c.generator.of_double()->bounds(c.u0, epsilon, input_of_norm(c, largest));
  }
  parallel_for(c.options.batches, [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    const Batch b = batch(c, static_cast<std::uint64_t>(i));
    const Points<double> z = c.generator.images(c.u0, b.x);
    values[k] = loss.evaluate(z, b.y, b.directions).value;
    images[k] = z.rowwise().norm().maxCoeff();
    lambda[k] = regularity.lipschitz_at_start;
    if (at_largest) {
      lambda[k] = at_largest->lipschitz;
      certified[k] = 1;
    } else if (c.generator.in_double() && !c.structure.known) {
      const CertifiedBall ball = certified_ball(*c.generator.of_double(), c.u0, epsilon, b.x);
      certified[k] = ball.known ? 1 : 0;
      if (ball.known) lambda[k] = ball.lipschitz;
    }
    bounds[k] = 2.0 * lambda[k] * (epsilon * lambda[k] + images[k] + b.y.rowwise().norm().maxCoeff());
  });
  progress.update("audit: constants", 0.3);
  const bool known = std::all_of(certified.begin(), certified.end(), [](char yes) { return yes != 0; });
  const MeanEstimate objective = mean_with_t_interval(values, 0.95);
  const double largest_lambda = *std::max_element(lambda.begin(), lambda.end());
  const double mean_bound = mean_with_t_interval(bounds, 0.95).mean;
  out.constants.push_back(
      {"F(u0)", objective.mean, fmt::format("95 % t-interval [{:.4g}, {:.4g}] over {} batches", objective.interval.low, objective.interval.high, count), ""});
  out.constants.push_back(
      {"Λ", largest_lambda, known ? "certified" : kEstimate, fmt::format("Lipschitz constant of u ↦ T(u, x) on B(u0, ε), ε = {:.4g}", epsilon)});
  out.constants.push_back({"K_f", *std::max_element(bounds.begin(), bounds.end()), known ? "certified for these batches" : kEstimate,
                           fmt::format("L3: 2Λ(εΛ + max‖T‖ + max‖y‖), the largest of {} batches of {}", count, std::clamp<Index>(practice.batch, 2, 256))});
  const auto x_radius = c.training.source->support_radius();
  const auto y_radius = c.training.target->support_radius();
  out.constants.push_back({"K_F", mean_bound / d, known ? "K_f certified, the expectation estimated" : kEstimate,
                           fmt::format("L4: E K_f / d, d = {}, the mean of {} batches", d, count)});
  if (known && c.structure.known && x_radius && y_radius)
    if (const auto at = c.generator.of_double()->bounds(c.u0, epsilon, input_of_norm(c, *x_radius)))
      out.constants.push_back({"K_F bound", 2.0 * at->lipschitz * (at->image + *y_radius) / d, "certified for the laws",
                               fmt::format("L4: 2Λ(max‖T‖ + max‖y‖) / d over the supports, ‖x‖ ≤ {:.4g}, ‖y‖ ≤ {:.4g}, max‖T‖ on B(u0, ε) by its certificate",
                                           *x_radius, *y_radius)});

  // Step size.
  std::vector<double> curvatures(3);
  parallel_for(3, [&](Index i) { curvatures[static_cast<std::size_t>(i)] = curvature_of_objective(c, loss, static_cast<std::uint64_t>(i)); });
  const double curvature = *std::max_element(curvatures.begin(), curvatures.end());
  progress.update("audit: constants", 0.6);
  out.constants.push_back({"C", curvature, "estimated at u0: a lower bound of its supremum",
                           "‖∂²f‖ on a piece, by power iteration on differences of gradients, the largest of 3 batches"});
  if (known && c.structure.known) {
    // ∂²f = (2/n) Σ (Jᵀθ)(Jᵀθ)ᵀ + (2/n) Σ gap · θᵀ∂²T.
    if (c.structure.layers == 1 && !c.structure.cut_off)
      out.constants.push_back({"C bound", 2.0 * largest_lambda * largest_lambda, "certified for these batches", "2Λ²: T is linear in u"});
    else if (growth.largest_curvature >= 0.0 && c.structure.layers == 2 && c.structure.piecewise_linear && !c.structure.cut_off) {
      const double x_norm = x_radius ? *x_radius : c.x.rowwise().norm().maxCoeff();
      const double second = std::sqrt(1.0 + x_norm * x_norm);
      const double reach = *std::max_element(images.begin(), images.end()) + c.y.rowwise().norm().maxCoeff();
      out.constants.push_back({"C bound", 2.0 * largest_lambda * largest_lambda + 2.0 * (reach + epsilon * largest_lambda) * second,
                               "certified for these batches", "2Λ² + 2 (max‖T‖ + max‖y‖) √(1 + ‖x‖²) on B(u0, ε): two piecewise linear layers"});
    }
  }
  if (curvature > 0.0)
    out.suggestions.push_back(
        {"step size below", 1.0 / curvature, "heuristic: no theorem gives a step size; as C is a lower bound, this is an upper bound",
         fmt::format("1/C, C = {:.4g}: for steps below 1/sup C almost every step is admissible (T2); yours is {:.4g}", curvature, practice.step_size)});
  const double time = practice.step_size * static_cast<double>(practice.steps);
  const double radius = c.u0.norm() + std::sqrt(time * std::max(objective.mean, 0.0));
  out.suggestions.push_back({"radius at least", radius, "heuristic: a bound for the flow from u0, not for the noise around it",
                             fmt::format("‖u0‖ + √(S·F(u0)), S = {:.4g} x {} = {:.4g}: the flow cannot leave that ball up to time S (energy, T1)",
                                         practice.step_size, practice.steps, time)});

  // The sphere.
  if (practice.radius > 0.0) out.spheres.push_back(sphere(c, loss, practice.radius, "the training's"));
  if (std::isfinite(radius) && std::abs(radius - practice.radius) > 1e-3 * radius) out.spheres.push_back(sphere(c, loss, radius, "suggested"));
  progress.update("audit: constants", 1.0);
  return out;
}

}  // namespace slicecheck
