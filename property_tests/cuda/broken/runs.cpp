#include "cuda/broken/runs.h"

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "cuda/broken/large_shared.h"
#include "cuda/shipped_kernels.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/error.h"
#include "slicecheck/dynamics/cuda/npsgd_step.h"
#include "slicecheck/loss/cuda/sliced_loss.h"

namespace slicecheck::shipped {

namespace {

/// Uniform in [−2, 2), a function of both arguments.
float number(std::uint32_t which, std::uint32_t index) {
  const auto words = r123::Philox4x32{}({{index, which, 0, 0}}, {{2024, 79}});
  return static_cast<float>(static_cast<double>(words[0]) * 0x1p-30 - 2.0);
}

std::vector<float> numbers(std::ptrdiff_t count, std::uint32_t which) {
  std::vector<float> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = number(which, static_cast<std::uint32_t>(i));
  return out;
}

template <class T>
cuda::Buffer<T> on_device(const std::vector<T>& values) {
  cuda::Buffer<T> out;
  out.copy_from_host(values.data(), values.size(), nullptr);
  return out;
}

template <class T>
void from_device(const cuda::Buffer<T>& buffer, std::vector<T>& out) {
  buffer.copy_to_host(out.data(), out.size(), nullptr);
}

struct LossResult {
  std::vector<double> w;
  std::vector<float> gradient;
};

LossResult loss(const std::vector<float>& z, const Run& run) {
  const std::ptrdiff_t n = run.size("n");
  const std::ptrdiff_t d = run.size("d");
  const std::ptrdiff_t count = run.size("count");
  const bool with_gradient = run.real("gradient", 1.0) != 0.0;
  const auto device_z = on_device(z);
  const auto device_y = on_device(numbers(n * d, 2));
  const auto directions = on_device(numbers(count * d, 3));
  LossResult out{std::vector<double>(static_cast<std::size_t>(count)), std::vector<float>(with_gradient ? z.size() : 0)};
  const cuda::Buffer<double> w(out.w.size());
  const cuda::Buffer<float> gradient(z.size());
  cuda::SlicedLoss sliced;
  sliced.evaluate(device_z.data(), device_y.data(), directions.data(), n, d, count, w.data(), with_gradient ? gradient.data() : nullptr, nullptr);
  from_device(w, out.w);
  if (with_gradient) from_device(gradient, out.gradient);
  return out;
}

std::vector<float> step(std::vector<float> u, const std::vector<float>& phi, double alpha, double radius, double noise) {
  const auto device_u = on_device(u);
  const auto device_phi = on_device(phi);
  cuda::NpsgdStep npsgd;
  npsgd.advance(device_u.data(), device_phi.data(), static_cast<std::ptrdiff_t>(u.size()), alpha, radius, noise, {{0, 1, 2, 3}, {4, 5}}, nullptr);
  from_device(device_u, u);
  return u;
}

constexpr double kAlpha = 0.3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string wrong_with_exact_step(std::ptrdiff_t size) {
  const std::vector<float> u = numbers(size, 4);
  const std::vector<float> phi = numbers(size, 5);
  const std::vector<float> moved = step(u, phi, kAlpha, kInfinity, 0.0);
  for (std::size_t i = 0; i < u.size(); ++i) {
    const volatile float product = static_cast<float>(kAlpha) * phi[i];  // rounded by itself, whatever the compiler likes
    const float expected = u[i] - product;
    if (moved[i] != expected)
      return "u " + std::to_string(i) + " is not that of the processor to the bit: it differs by " + std::to_string(moved[i] - expected);
  }
  return {};
}

std::string wrong_with_not_a_number(const Run& run) {
  std::vector<float> z = numbers(run.size("n") * run.size("d"), 1);
  z.front() = std::numeric_limits<float>::quiet_NaN();
  const LossResult result = loss(z, run);
  for (const double w : result.w)
    if (std::isfinite(w)) return "w is " + std::to_string(w) + " for a point that is not a number";
  return {};
}

std::string wrong_with_large_shared(std::size_t bytes) {
  const auto count = static_cast<unsigned>(bytes / sizeof(unsigned));
  const unsigned expected = count % 2 == 0 ? count / 2 * (count + 1) : (count + 1) / 2 * count;
  const cuda::Buffer<unsigned> out(1);
  launch_sum_in_shared(bytes, 64, out.data());
  unsigned sum = 0;
  out.copy_to_host(&sum, 1, nullptr);
  return sum == expected ? std::string() : "sum is " + std::to_string(sum) + ", expected " + std::to_string(expected);
}

std::string wrong_with_refused(unsigned threads) {
  const cuda::Buffer<unsigned> out(1);
  try {
    launch_sum_in_shared(4, threads, out.data());
  } catch (const cuda::CudaError&) {
    return {};
  }
  return "error: there is none, though a block of " + std::to_string(threads) + " threads cannot be launched";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

std::ptrdiff_t Run::size(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) throw std::invalid_argument(kind + " needs " + name + "=");
  return std::stoll(found->second);
}

double Run::real(const std::string& name, double otherwise) const {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : std::stod(found->second);
}

Run run_of(const std::vector<std::string>& words) {
  if (words.empty()) throw std::invalid_argument("a run is a kind and its values");
  Run run{words.front(), {}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t at = words[i].find('=');
    if (at == std::string::npos) throw std::invalid_argument("'" + words[i] + "' is not name=value");
    run.values[words[i].substr(0, at)] = words[i].substr(at + 1);
  }
  return run;
}

std::string wrong_with(const Run& run) {
  if (run.kind == "loss") {
    return wrong_with_loss({.n = run.size("n"),
                            .d = run.size("d"),
                            .count = run.size("count"),
                            .ties = run.real("ties", 0.0) != 0.0,
                            .offset = run.real("offset", 0.0),
                            .gradient = run.real("gradient", 1.0) != 0.0,
                            .working_bytes = static_cast<std::ptrdiff_t>(run.real("working_bytes", 0.0))});
  }
  if (run.kind == "step") {
    return wrong_with_step({.size = run.size("size"), .alpha = run.real("alpha", 0.125), .radius = run.real("radius", 1.0), .noise = run.real("noise", 1.0)});
  }
  if (run.kind == "exact_step") return wrong_with_exact_step(run.size("size"));
  if (run.kind == "not_a_number") return wrong_with_not_a_number(run);
  if (run.kind == "large_shared") return wrong_with_large_shared(static_cast<std::size_t>(run.size("bytes")));
  if (run.kind == "refused") return wrong_with_refused(static_cast<unsigned>(run.size("threads")));
  throw std::invalid_argument("unknown kind of run '" + run.kind + "'");
}

std::map<std::string, std::string> bits_of(const Run& run) {
  if (run.kind == "loss") {
    const LossResult result = loss(numbers(run.size("n") * run.size("d"), 1), run);
    return {{"w", bytes_of(result.w)}, {"gradient", bytes_of(result.gradient)}};
  }
  if (run.kind == "step") {
    const std::ptrdiff_t size = run.size("size");
    return {{"u", bytes_of(step(numbers(size, 4), numbers(size, 5), kAlpha, run.real("radius", 1.0), run.real("noise", 1.0)))}};
  }
  throw std::invalid_argument("a run of kind '" + run.kind + "' has no results to compare");
}

}  // namespace slicecheck::shipped
