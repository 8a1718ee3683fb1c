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

double width_of_differences(const AuditContext& c) { return std::sqrt(c.unit) * 16.0 * std::max(c.u0.norm(), 0.01 * c.radius); }

struct Curvature {
  std::optional<double> value;  ///< none: not decided
  bool gradient_finite = true;  ///< at u0
};

/// ‖∂²f‖ at u0 for one batch, by power iteration on differences of gradients. Over a kink or a tie the difference is jump/h: it grows as h falls. The quotients
/// over h, h/4, h/16, h/64 are compared, and the first neighbours that agree to a tenth are taken: a jump at u0 would make the second four times as large as
/// the first in its part, so that at most a thirtieth of the smaller one is due to it. Where none agree, nothing is decided.
Curvature curvature_of_objective(const AuditContext& c, const CpuLoss<double>& loss, std::uint64_t number) {
  const Batch b = batch(c, number);
  if (!c.generator.objective(loss, c.u0, b.x, b.y, b.directions).gradient.allFinite()) return {std::nullopt, false};
  Eigen::VectorXd w = c.dense_direction(400 + static_cast<std::uint32_t>(number));
  const double h = width_of_differences(c);
  constexpr int kIterations = 5;
  for (int iteration = 0;; ++iteration) {
    const auto product = [&](double step) -> Eigen::VectorXd {
      return (c.generator.objective(loss, c.u0 + step * w, b.x, b.y, b.directions).gradient -
              c.generator.objective(loss, c.u0 - step * w, b.x, b.y, b.directions).gradient) /
             (2.0 * step);
    };
    const Eigen::VectorXd moved = product(h);
    double value = moved.norm();
    if (!std::isfinite(value)) return {};
    if (value == 0.0 || iteration == kIterations) {
      for (const double part : {0.25, 0.0625, 0.015625}) {
        const double finer = product(part * h).norm();
        const double smaller = std::min(value, finer);
        if (!std::isfinite(finer)) return {};
        if (std::max(value, finer) <= 1.1 * smaller) return {smaller, true};
        value = finer;
      }
      return {};
    }
    w = moved / value;
  }
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
  // Where one gradient is not finite there is no least one.
  const bool finite = std::all_of(out.inner.begin(), out.inner.end(), [](double inner) { return std::isfinite(inner); });
  out.least = finite ? out.inner[least] : std::nan("");
  out.least_error = finite ? out.error[least] : std::nan("");
  out.multiplier = finite ? std::max(0.0, -out.least) / (radius * radius) : std::nan("");
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
  std::vector<double> values(count), bounds(count), lambda(count), images(count), inputs(count), targets(count);
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
    inputs[k] = b.x.rowwise().norm().maxCoeff();
    targets[k] = b.y.rowwise().norm().maxCoeff();
    lambda[k] = regularity.lipschitz_at_start;
    if (at_largest) {
      lambda[k] = at_largest->lipschitz;
      certified[k] = 1;
    } else if (c.generator.in_double() && !c.structure.known) {
      const CertifiedBall ball = certified_ball(*c.generator.of_double(), c.u0, epsilon, b.x);
      certified[k] = ball.known ? 1 : 0;
      if (ball.known) lambda[k] = ball.lipschitz;
    }
    bounds[k] = 2.0 * lambda[k] * (epsilon * lambda[k] + images[k] + targets[k]);
  });
  progress.update("audit: constants", 0.3);
  const bool known = std::all_of(certified.begin(), certified.end(), [](char yes) { return yes != 0; });
  const MeanEstimate objective = mean_with_t_interval(values, 0.95);
  const double largest_lambda = *std::max_element(lambda.begin(), lambda.end());
  const double mean_bound = mean_with_t_interval(bounds, 0.95).mean;
  const bool start_finite = std::isfinite(objective.mean);
  out.constants.push_back({"F(u0)", objective.mean,
                           start_finite
                               ? fmt::format("95 % t-interval [{:.4g}, {:.4g}] over {} batches", objective.interval.low, objective.interval.high, count)
                               : std::string("not finite at u0"),
                           ""});
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
  const auto largest = [](const std::vector<double>& all) { return *std::max_element(all.begin(), all.end()); };
  std::optional<AuditConstant> bound;
  if (known && c.structure.known) {
    // ∂²f = (2/n) Σ (Jᵀθ)(Jᵀθ)ᵀ + (2/n) Σ gap · θᵀ∂²T.
    if (c.structure.layers == 1 && !c.structure.cut_off)
      bound = AuditConstant{"C bound", 2.0 * largest_lambda * largest_lambda, "certified for these batches", "2Λ²: T is linear in u"};
    else if (growth.largest_curvature >= 0.0 && c.structure.layers == 2 && c.structure.piecewise_linear && !c.structure.cut_off) {
      const double x_norm = x_radius ? *x_radius : largest(inputs);
      const double second = std::sqrt(1.0 + x_norm * x_norm);
      const double reach = largest(images) + largest(targets);
      bound = AuditConstant{"C bound", 2.0 * largest_lambda * largest_lambda + 2.0 * (reach + epsilon * largest_lambda) * second, "certified for these batches",
                            "2Λ² + 2 (max‖T‖ + max‖y‖) √(1 + ‖x‖²) on B(u0, ε), over the batches: two piecewise linear layers"};
    }
  }
  std::vector<Curvature> curvatures(std::min<std::size_t>(3, count));  // of the batches that the bound is for
  parallel_for(static_cast<Index>(curvatures.size()),
               [&](Index i) { curvatures[static_cast<std::size_t>(i)] = curvature_of_objective(c, loss, static_cast<std::uint64_t>(i)); });
  std::optional<double> curvature;
  std::size_t decided = 0;
  bool gradient_finite = true;
  for (const Curvature& one : curvatures) {
    gradient_finite = gradient_finite && one.gradient_finite;
    if (!one.value || (bound && *one.value > bound->value * (1.0 + 1e-6))) continue;  // above what is certified: a jump after all
    curvature = std::max(curvature.value_or(0.0), bound ? std::min(*one.value, bound->value) : *one.value);
    ++decided;
  }
  if (!gradient_finite) curvature.reset();
  progress.update("audit: constants", 0.6);
  const std::string method = "‖∂²f‖ on a piece, by power iteration on differences of gradients";
  if (curvature)
    out.constants.push_back(
        {"C", *curvature, "estimated at u0: a lower bound of its supremum",
         fmt::format("{}, the largest of {} batches{}", method, decided, decided == curvatures.size() ? "" : "; the others are on a tie or kink at u0")});
  else if (gradient_finite)
    out.constants.push_back({"C", std::nan(""), "not decided: u0 is on a tie or kink",
                             fmt::format("{}: they do not settle as their width falls to {:.1g}", method, width_of_differences(c) / 64.0)});
  else
    out.constants.push_back({"C", std::nan(""), "not decided: the gradient at u0 is not finite", method});
  if (bound) out.constants.push_back(*bound);
  if (curvature && *curvature > 0.0)
    out.suggestions.push_back(
        {"step size below", 1.0 / *curvature, "heuristic: no theorem gives a step size; as C is a lower bound, this is an upper bound",
         fmt::format("1/C, C = {:.4g}: for steps below 1/sup C almost every step is admissible (T2); yours is {:.4g}", *curvature, practice.step_size)});
  const double time = practice.step_size * static_cast<double>(practice.steps);
  const double radius = start_finite && gradient_finite ? c.u0.norm() + std::sqrt(time * std::max(objective.mean, 0.0)) : std::nan("");
  if (std::isfinite(radius))
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
