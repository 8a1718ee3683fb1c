#include "cuda/shipped_kernels.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>

#include "slicecheck/cuda/buffer.h"
#include "slicecheck/dynamics/cuda/npsgd_step.h"
#include "slicecheck/loss/cuda/sliced_loss.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::shipped {

namespace {

constexpr double kFloatRoundoff = 0x1p-24;
constexpr double kDoubleRoundoff = 0x1p-53;

double gamma_of(double k, double u) { return k * u / (1.0 - k * u); }

/// The words of block `block`, as docs/formats.md has them.
r123::Philox4x32::ctr_type words(const cuda::NoiseStream& stream, std::uint32_t block) {
  return r123::Philox4x32{}({{block, stream.counter[1], stream.counter[2], stream.counter[3]}}, {{stream.key[0], stream.key[1]}});
}

/// The two uniforms of a block in [0, 1).
struct Uniforms {
  double first, second;
};
Uniforms uniforms(const cuda::NoiseStream& stream, std::uint32_t block) {
  const auto w = words(stream, block);
  const auto bits = [](std::uint32_t low, std::uint32_t high) { return ((std::uint64_t{high} << 32) | low) >> 11; };
  return {static_cast<double>(bits(w[0], w[1])) * 0x1p-53, static_cast<double>(bits(w[2], w[3])) * 0x1p-53};
}

std::vector<float> cloud(std::ptrdiff_t entries, const LossCase& c, std::uint32_t which) {
  const cuda::NoiseStream stream{{0, which, 0, 0}, {static_cast<std::uint32_t>(c.seed), 77}};
  std::vector<float> out(static_cast<std::size_t>(entries));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double v = 4.0 * uniforms(stream, static_cast<std::uint32_t>(i)).first - 2.0;
    const double tied = std::floor(4.0 * v) / 4.0;
    out[i] = static_cast<float>(c.offset + (c.ties ? (tied == 0.0 && i % 2 == 0 ? -0.0 : tied) : v));
  }
  return out;
}

/// One projection as the kernel computes it.
float projected(const float* x, const float* origin, const float* theta, std::ptrdiff_t d) {
  float sum = 0.0F;
  for (std::ptrdiff_t k = 0; k < d; ++k) sum = std::fmaf(theta[k], x[k] - origin[k], sum);
  return sum + 0.0F;
}

std::string at(const char* what, const LossCase& c, std::size_t index, double got, double expected, double allowed) {
  return std::string(what) + " " + std::to_string(index) + " at n = " + std::to_string(c.n) + ", d = " + std::to_string(c.d) +
         ", L = " + std::to_string(c.count) + ": " + std::to_string(got) + ", expected " + std::to_string(expected) + " within " + std::to_string(allowed);
}

}  // namespace

std::string wrong_with_loss(const LossCase& c) {
  const std::vector<float> z = cloud(c.n * c.d, c, 1);
  const std::vector<float> y = cloud(c.n * c.d, c, 2);
  LossCase direction_case = c;
  direction_case.offset = 0.0;
  const std::vector<float> theta = cloud(c.count * c.d, direction_case, 3);  // of any length: the kernels are linear in θ
  const auto entries = z.size();
  const auto count = static_cast<std::size_t>(c.count);
  const auto n = static_cast<std::size_t>(c.n);
  const auto d = static_cast<std::size_t>(c.d);

  cuda::Buffer<float> device_z;
  cuda::Buffer<float> device_y;
  cuda::Buffer<float> device_theta;
  cuda::Buffer<float> device_gradient;
  cuda::Buffer<double> device_values;
  device_z.copy_from_host(z.data(), entries, nullptr);
  device_y.copy_from_host(y.data(), entries, nullptr);
  device_theta.copy_from_host(theta.data(), theta.size(), nullptr);
  std::vector<float> gradient(entries, std::numeric_limits<float>::quiet_NaN());
  std::vector<double> values(count, std::numeric_limits<double>::quiet_NaN());
  device_gradient.copy_from_host(gradient.data(), entries, nullptr);
  device_values.copy_from_host(values.data(), count, nullptr);
  cuda::SlicedLoss loss = c.working_bytes > 0 ? cuda::SlicedLoss(c.working_bytes) : cuda::SlicedLoss();
  loss.evaluate(device_z.data(), device_y.data(), device_theta.data(), c.n, c.d, c.count, device_values.data(), c.gradient ? device_gradient.data() : nullptr,
                nullptr);
  device_values.copy_to_host(values.data(), count, nullptr);
  device_gradient.copy_to_host(gradient.data(), entries, nullptr);

  std::vector<double> expected_gradient(entries, 0.0);
  std::vector<double> size_of_terms(entries, 0.0);
  std::vector<float> projected_z(n);
  std::vector<float> projected_y(n);
  std::vector<std::size_t> order(n);
  for (std::size_t l = 0; l < count; ++l) {
    for (std::size_t i = 0; i < n; ++i) {
      projected_z[i] = projected(&z[i * d], y.data(), &theta[l * d], c.d);
      projected_y[i] = projected(&y[i * d], y.data(), &theta[l * d], c.d);
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return projected_z[a] < projected_z[b]; });
    std::sort(projected_y.begin(), projected_y.end());
    double sum = 0.0;
    for (std::size_t rank = 0; rank < n; ++rank) {
      const float gap = projected_z[order[rank]] - projected_y[rank];
      sum += static_cast<double>(gap) * static_cast<double>(gap);
      for (std::size_t k = 0; k < d; ++k) {
        const double term = static_cast<double>(gap) * static_cast<double>(theta[l * d + k]);
        expected_gradient[order[rank] * d + k] += term;
        size_of_terms[order[rank] * d + k] += std::abs(term);
      }
    }
    const double value = sum / static_cast<double>(n);
    const double allowed = 2.0 * gamma_of(static_cast<double>(n) + 2.0, kDoubleRoundoff) * value;
    if (!(std::abs(values[l] - value) <= allowed)) return at("w", c, l, values[l], value, allowed);
  }
  if (!c.gradient) {
    for (std::size_t i = 0; i < entries; ++i)
      if (!std::isnan(gradient[i])) return at("gradient (not asked for)", c, i, static_cast<double>(gradient[i]), 0.0, 0.0);
    return {};
  }
  const double scale = 2.0 / (static_cast<double>(n) * static_cast<double>(count));
  const double rounding = gamma_of(static_cast<double>(count) + 4.0, kFloatRoundoff);
  for (std::size_t i = 0; i < entries; ++i) {
    const double allowed = scale * rounding * size_of_terms[i] + std::numeric_limits<float>::denorm_min();
    const double expected = scale * expected_gradient[i];
    if (!(std::abs(static_cast<double>(gradient[i]) - expected) <= allowed)) return at("gradient", c, i, static_cast<double>(gradient[i]), expected, allowed);
  }
  return {};
}

std::string wrong_with_step(const StepCase& c) {
  const auto size = static_cast<std::size_t>(c.size);
  const cuda::NoiseStream data{{0, 5, 0, 0}, {static_cast<std::uint32_t>(c.seed), 78}};
  const cuda::NoiseStream noise{{0, 12, 3, 4}, {static_cast<std::uint32_t>(c.seed), 1}};
  std::vector<float> u(size);
  std::vector<float> phi(size);
  for (std::size_t i = 0; i < size; ++i) {
    const Uniforms drawn = uniforms(data, static_cast<std::uint32_t>(i));
    u[i] = static_cast<float>(drawn.first - 0.5);
    phi[i] = static_cast<float>(drawn.second - 0.5);
  }
  cuda::Buffer<float> device_u;
  cuda::Buffer<float> device_phi;
  device_u.copy_from_host(u.data(), size, nullptr);
  device_phi.copy_from_host(phi.data(), size, nullptr);
  cuda::NpsgdStep step;
  step.advance(device_u.data(), device_phi.data(), c.size, c.alpha, c.radius, c.noise, noise, nullptr);
  std::vector<float> got(size, std::numeric_limits<float>::quiet_NaN());
  device_u.copy_to_host(got.data(), size, nullptr);

  std::vector<double> expected(size);
  std::vector<double> allowed(size);
  double norm2 = 0.0;
  double norm_error2 = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const Uniforms drawn = uniforms(noise, static_cast<std::uint32_t>(i / 2));
    const double length = std::sqrt(-2.0 * std::log1p(-drawn.first));
    const double angle = 2.0 * std::numbers::pi * drawn.second;
    const double epsilon = c.noise == 0.0 ? 0.0 : length * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
    const double move = c.alpha * static_cast<double>(phi[i]);
    const double kick = c.alpha * c.noise * epsilon;
    expected[i] = static_cast<double>(u[i]) - move + kick;
    allowed[i] = c.alpha * c.noise * 0x1p-20 * (1.0 + std::abs(epsilon)) +
                 4.0 * kFloatRoundoff * (std::abs(static_cast<double>(u[i])) + 2.0 * std::abs(move) + 2.0 * std::abs(kick));
    norm2 += expected[i] * expected[i];
    norm_error2 += allowed[i] * allowed[i];
  }
  const double norm = std::sqrt(norm2);
  if (norm > c.radius) {
    for (std::size_t i = 0; i < size; ++i) {
      // The norm errs by at most the norm of the errors; the factor r/‖u‖ by that, relative to ‖u‖.
      allowed[i] = c.radius / norm * (allowed[i] + std::abs(expected[i]) * std::sqrt(norm_error2) / norm) * 1.0001;
      expected[i] *= c.radius / norm;
      allowed[i] += 2.0 * kFloatRoundoff * std::abs(expected[i]);
    }
  }
  for (std::size_t i = 0; i < size; ++i)
    if (!(std::abs(static_cast<double>(got[i]) - expected[i]) <= allowed[i] + std::numeric_limits<float>::denorm_min()))
      return "u " + std::to_string(i) + " of " + std::to_string(c.size) + ": " + std::to_string(got[i]) + ", expected " + std::to_string(expected[i]) +
             " within " + std::to_string(allowed[i]);
  return {};
}

std::vector<std::ptrdiff_t> points_around_tiles() {
  std::vector<std::ptrdiff_t> out{1, 2, 3, 4, 5};
  for (const cuda::Tile& tile : cuda::kTiles)
    for (const std::ptrdiff_t n : {tile.points() - 1, tile.points(), tile.points() + 1}) out.push_back(n);
  return out;
}

}  // namespace slicecheck::shipped
