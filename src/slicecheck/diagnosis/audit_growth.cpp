/// How T and its second derivatives in u grow along rays.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/parallel.h"
#include "slicecheck/diagnosis/audit_parts.h"

namespace slicecheck {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Unbounded growth as slow as log log s multiplies the maximum by 1.2 over the last half of 40 doublings; an oscillation that has been looked at 300 times
/// adds less than 1 %. In between it is not decided.
constexpr double kSaturated = 1.01;
constexpr double kGrown = 1.10;

/// Slopes of second derivatives: constant ones, and those that grow at least like √s, over six doublings.
constexpr double kFlatExponent = 0.1;
constexpr double kGrowingExponent = 0.4;

/// A ray, or a curve of norm s for large s.
struct Ray {
  std::string what;
  std::function<Eigen::VectorXd(double)> at;
  Eigen::VectorXd direction;  ///< of length 1, for second derivatives
};

Ray straight(std::string what, const Eigen::VectorXd& from, const Eigen::VectorXd& direction) {
  return {std::move(what), [from, direction](double s) -> Eigen::VectorXd { return from + s * direction; }, direction};
}

/// One tensor grows to the norm s while another one shrinks as much: T of a network need not grow, and derivatives in the second one do.
std::vector<Ray> exchanges(const AuditContext& c) {
  std::vector<TensorRange> large = c.some_tensors(static_cast<Index>(c.tensors.size()));
  const auto norm = [&](const TensorRange& tensor) { return c.base.segment(tensor.offset, tensor.size).norm(); };
  std::erase_if(large, [&](const TensorRange& tensor) { return !(norm(tensor) > 0.05 * c.base.norm()); });  // biases that are hardly there say nothing
  std::vector<Ray> out;
  for (std::size_t k = 0; k + 1 < large.size() && k < 2; ++k) {
    const TensorRange shrinks = large[k];
    const TensorRange grows = large[k + 1];
    const double size = norm(grows);
    out.push_back({fmt::format("u0, {} times s, {} divided by it", grows.name, shrinks.name),
                   [base = c.base, shrinks, grows, size](double s) {
                     Eigen::VectorXd u = base;
                     u.segment(grows.offset, grows.size) *= s / size;
                     u.segment(shrinks.offset, shrinks.size) *= size / s;
                     return u;
                   },
                   c.tensor_direction(shrinks, 700 + static_cast<std::uint32_t>(k))});
  }
  return out;
}

std::vector<Ray> rays_of(const AuditContext& c) {
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(c.u0.size());
  std::vector<Ray> rays;
  if (c.u0.norm() > 0.0) rays.push_back(straight("s·u0/‖u0‖", zero, c.u0.normalized()));
  rays.push_back(straight("s·v, all tensors", zero, c.dense_direction(1)));
  std::uint32_t number = 50;
  for (const TensorRange& tensor : c.some_tensors(std::max<Index>(1, c.options.rays - static_cast<Index>(rays.size()))))
    rays.push_back(straight("u0 + s·v, " + tensor.name, c.base, c.tensor_direction(tensor, number++)));
  while (static_cast<Index>(rays.size()) < c.options.rays) {
    rays.push_back(straight(fmt::format("s·v, all tensors ({})", number), zero, c.dense_direction(number)));
    ++number;
  }
  for (Ray& ray : exchanges(c)) rays.push_back(std::move(ray));
  return rays;
}

/// The median of the slopes between any two of the last points (Theil and Sen): one outlier among five moves it by nothing.
double slope(const std::vector<double>& x, const std::vector<double>& y, std::size_t last) {
  std::vector<double> slopes;
  for (std::size_t k = y.size() > last ? y.size() - last : 0; k < y.size(); ++k)
    for (std::size_t j = k + 1; j < y.size(); ++j)
      if (y[k] > 0.0 && y[j] > 0.0 && std::isfinite(y[k]) && std::isfinite(y[j])) slopes.push_back(std::log2(y[j] / y[k]) / std::log2(x[j] / x[k]));
  if (slopes.empty()) return 0.0;
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
  std::nth_element(slopes.begin(), middle, slopes.end());
  return *middle;
}

/// The largest ‖∂²T[w, w]‖ of a row around u, over rows that are free of kinks within h. There the second differences at h, h/2 and h/4 agree. Of a kink at the
/// distance δ < h they are in the proportion (1 − δ/h) : 4(1/2 − δ/h)₊ : 16(1/4 − δ/h)₊, and no δ makes all three equal to a sixteenth.
struct Curvature {
  double value = kNaN;
  double noise = 0.0;  ///< what rounding alone would show
};
Curvature curvature(const std::function<Points<double>(double)>& along, double scale, double relative_noise) {
  Curvature best;
  const double h = scale * std::cbrt(relative_noise);  // the error of the quotient, noise/h², is then a cube root too
  const Points<double> middle = along(0.0);
  const double size = middle.rowwise().norm().maxCoeff();
  const auto quotient = [&](double step) -> Eigen::VectorXd { return (along(-step) - 2.0 * middle + along(step)).rowwise().norm() / (step * step); };
  const Eigen::VectorXd coarse = quotient(h);
  const Eigen::VectorXd half = quotient(0.5 * h);
  const Eigen::VectorXd fine = quotient(0.25 * h);
  best.noise = 64.0 * relative_noise * size / (h * h);  // four errors at h/4
  for (Index k = 0; k < coarse.size(); ++k) {
    const double largest = std::max({coarse[k], half[k], fine[k]});
    const double least = std::min({coarse[k], half[k], fine[k]});
    if (!std::isfinite(largest) || largest - least > largest / 16.0 + best.noise) continue;
    if (!(best.value >= coarse[k])) best.value = coarse[k];
  }
  return best;
}

/// Unit vectors along which second derivatives are taken: the ray itself, all tensors, one tensor, two tensors.
std::vector<Eigen::VectorXd> curvature_directions(const AuditContext& c, const Ray& ray) {
  std::vector<Eigen::VectorXd> out{ray.direction, c.dense_direction(3)};
  const auto tensors = c.some_tensors(4);
  std::uint32_t number = 200;
  for (const TensorRange& tensor : tensors) out.push_back(c.tensor_direction(tensor, number++));
  for (std::size_t k = 0; k + 1 < tensors.size(); ++k) out.push_back((out[2 + k] + out[3 + k]).normalized());
  return out;
}

struct CurvatureAlongRay {
  std::vector<double> at, value, noise;
};

AuditRay follow(const AuditContext& c, const Ray& ray, CurvatureAlongRay& curved) {
  AuditRay out;
  out.ray = ray.what;
  const int doublings = c.generator.in_double() ? 40 : 20;
  for (int k = -2; k <= doublings; ++k) {
    const double s = c.radius * std::exp2(k);
    const double size = c.generator.images(ray.at(s), c.x).rowwise().norm().maxCoeff();
    out.distance.push_back(s);
    out.image.push_back(size);
    if (!std::isfinite(size)) break;
  }
  out.image_exponent = slope(out.distance, out.image, 8);

  const auto directions = curvature_directions(c, ray);
  for (int k = -2; k <= 10; k += 2) {
    const double s = c.radius * std::exp2(k);
    const Eigen::VectorXd u = ray.at(s);
    const ProbedLine line = c.line("", u, ray.direction, -0.5 * s, 0.5 * s);
    const double size = line.at(0.0).rowwise().norm().maxCoeff();
    const double relative = std::max(measured_noise(line, 0.0, c.unit) / std::max(size, 1e-300), c.unit);
    Curvature largest;
    for (const Eigen::VectorXd& w : directions)
      for (const double scale : {u.norm(), std::max(c.u0.norm(), 0.01 * c.radius), c.u0.squaredNorm() / u.norm()}) {
        if (!(scale > 0.0)) continue;
        const Curvature one = curvature([&](double t) { return c.generator.images(u + t * w, c.x); }, scale, std::min(relative, 1e-3));
        if (std::isnan(one.value)) continue;
        const double above = one.value > 2.0 * one.noise ? one.value : 0.0;
        if (!(largest.value >= above)) largest = {above, one.noise};
        if (scale == u.norm() && k <= -2) break;  // near u0 the scales are the same
      }
    curved.at.push_back(s);
    curved.value.push_back(largest.value);
    curved.noise.push_back(largest.noise);
  }
  out.curved_at = curved.at;
  out.curvature = curved.value;
  out.curvature_exponent = slope(curved.at, curved.value, 5);
  return out;
}

void judge_image(const AuditRay& ray, GrowthFindings& out) {
  const std::size_t count = ray.image.size();
  const bool finite = std::isfinite(ray.image.back());
  const auto largest = [&](std::size_t end) {
    double value = 0.0;
    for (std::size_t k = 0; k < end; ++k)
      if (std::isfinite(ray.image[k])) value = std::max(value, ray.image[k]);
    return value;
  };
  const double early = largest(count / 2);
  const double late = largest(count);
  const double ratio = early > 0.0 ? late / early : late > 0.0 ? 1e300 : 1.0;
  const bool grows = finite ? ratio > kGrown : ray.image_exponent > kGrowingExponent;
  if (!finite || ratio > kSaturated) out.image_saturates = false;
  if (grows && (!out.image_grows || ray.image_exponent > out.image_exponent)) {
    out.image_grows = true;
    out.image_exponent = ray.image_exponent;
    out.image_ray = ray.ray;
  }
}

void judge_curvature(const AuditRay& ray, GrowthFindings& out) {
  const std::vector<double>& q = ray.curvature;
  if (std::isnan(q.back())) out.curvature_seen = false;
  double early = 0.0, late = 0.0;
  for (std::size_t k = 0; k < q.size(); ++k)
    if (!std::isnan(q[k])) {
      late = std::max(late, q[k]);
      if (k + 3 < q.size()) early = std::max(early, q[k]);
    }
  if (late > 0.0) out.curvature_vanishes = false;
  const bool last_above = !std::isnan(q.back()) && q.back() > 0.0;
  const bool grows = last_above && ray.curvature_exponent > kGrowingExponent && late > 1.5 * early;
  if (late > 1.25 * early && ray.curvature_exponent > kFlatExponent && last_above) out.curvature_saturates = false;
  if (grows && (!out.curvature_grows || ray.curvature_exponent > out.curvature_exponent)) {
    out.curvature_grows = true;
    out.curvature_exponent = ray.curvature_exponent;
    out.curvature_ray = ray.ray;
  }
}

/// The same for inputs that are scaled: only an unbounded source reaches them.
void follow_inputs(const AuditContext& c, GrowthFindings& out) {
  std::vector<double> scale, image, curved;
  const std::vector<Eigen::VectorXd> directions = curvature_directions(c, straight("", c.base, c.dense_direction(1)));
  for (int k = 0; k <= 16; k += 2) {
    const double s = std::exp2(k);
    const Points<double> x = s * c.x;
    scale.push_back(s);
    image.push_back(c.generator.images(c.base, x).rowwise().norm().maxCoeff());
    double largest = 0.0;
    for (const Eigen::VectorXd& w : directions) {
      const Curvature one = curvature([&](double t) { return c.generator.images(c.base + t * w, x); }, std::max(c.u0.norm(), 0.01 * c.radius), 64.0 * c.unit);
      if (!std::isnan(one.value) && one.value > 2.0 * one.noise) largest = std::max(largest, one.value);
    }
    curved.push_back(largest);
  }
  out.image_exponent_in_x = slope(scale, image, 5);
  out.curvature_exponent_in_x = slope(scale, curved, 5);
  out.image_grows_in_x = !std::isfinite(image.back()) || image.back() > kGrown * *std::max_element(image.begin(), image.begin() + 5);
  out.curvature_grows_in_x = curved.back() > 1.5 * *std::max_element(curved.begin(), curved.begin() + 5) && out.curvature_exponent_in_x > kGrowingExponent;
}

}  // namespace

GrowthFindings probe_growth(const AuditContext& c, Progress& progress) {
  GrowthFindings out;
  const std::vector<Ray> rays = rays_of(c);
  out.rays.resize(rays.size());
  std::vector<CurvatureAlongRay> curved(rays.size());
  parallel_for(static_cast<Index>(rays.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    out.rays[k] = follow(c, rays[k], curved[k]);
    progress.update("audit: growth along rays", (static_cast<double>(i) + 1.0) / static_cast<double>(rays.size() + 1));
  });
  for (const AuditRay& ray : out.rays) {
    judge_image(ray, out);
    judge_curvature(ray, out);
    for (std::size_t k = 0; k < ray.distance.size() && ray.distance[k] <= c.radius; ++k) {
      if (!std::isfinite(ray.image[k])) out.finite_in_ball = false;
      out.largest_image = std::max(out.largest_image, ray.image[k]);
    }
    for (std::size_t k = 0; k < ray.curved_at.size() && ray.curved_at[k] <= c.radius; ++k)
      if (!std::isnan(ray.curvature[k])) out.largest_curvature = std::max(out.largest_curvature, ray.curvature[k]);
  }
  follow_inputs(c, out);
  progress.update("audit: growth along rays", 1.0);
  return out;
}

}  // namespace slicecheck
