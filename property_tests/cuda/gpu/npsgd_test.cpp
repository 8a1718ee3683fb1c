/// NPSGD on the device: its random words, its normals, its steps against those of the processor.

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "cuda/gpu/gpu.h"
#include "cuda/gpu/normal_kernels.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/dynamics/cuda/cuda_scheme.h"
#include "slicecheck/dynamics/scheme.h"

namespace slicecheck::testing {
namespace {

constexpr double kFloat = tolerance::unit_roundoff<float>();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Normals = GpuTest;

TEST_F(Normals, words_are_those_of_the_processor) {
  const std::vector<std::uint32_t> blocks{0, 1, 2, 3, 31, 32, 127, 128, 1000, (1U << 30) + 5, (1U << 31) - 1};
  for (const RandomStream& stream :
       {RandomStream(1, Purpose::noise, 0, 0), RandomStream(0xFEDC'BA98'7654'3210ULL, Purpose::noise, 0xFFFF'FFFFU, (1ULL << 40) - 1)}) {
    const auto words = device_words({stream.counter(), stream.key()}, blocks);
    for (std::size_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(words[i], stream.words(blocks[i])) << "block " << blocks[i];
  }
}

/// A block of words whose two uniforms are u·2^−53 and v·2^−53.
Words words_of(std::uint64_t u, std::uint64_t v) {
  const auto low = [](std::uint64_t bits) { return static_cast<std::uint32_t>(bits << 11); };
  const auto high = [](std::uint64_t bits) { return static_cast<std::uint32_t>(bits >> 21); };
  return {low(u), high(u), low(v), high(v)};
}

/// Box–Muller in double, from the bits, accurate at both ends.
std::array<double, 2> exact_normals(std::uint64_t u, std::uint64_t v) {
  const double radius = std::sqrt(-2.0 * std::log1p(-static_cast<double>(u) * 0x1p-53));
  const std::uint64_t one = 1ULL << 53;
  const double turns = v > one / 2 ? -static_cast<double>(one - v) * 0x1p-53 : static_cast<double>(v) * 0x1p-53;
  return {radius * std::cos(2.0 * std::numbers::pi * turns), radius * std::sin(2.0 * std::numbers::pi * turns)};
}

/// What normals.cuh promises.
double normal_error(double epsilon) { return 0x1p-20 * (1.0 + std::abs(epsilon)); }

TEST_F(Normals, are_accurate_at_the_ends_too) {
  constexpr std::uint64_t kOne = 1ULL << 53;
  const std::vector<std::uint64_t> u{0, 1, 2, 12345, kOne / 4, kOne / 2 - 1, kOne / 2, kOne / 2 + 1, kOne - 2, kOne - 1};
  const std::vector<std::uint64_t> v{0, 1, 999, kOne / 8, kOne / 4 - 1, kOne / 4, kOne / 4 + 1, kOne / 2 - 1, kOne / 2, kOne / 2 + 1, 3 * (kOne / 4), kOne - 1};
  std::vector<Words> words;
  for (const std::uint64_t a : u)
    for (const std::uint64_t b : v) words.push_back(words_of(a, b));
  const auto got = device_normals(words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto exact = exact_normals(u[i / v.size()], v[i % v.size()]);
    for (std::size_t j = 0; j < 2; ++j)
      EXPECT_LE(std::abs(static_cast<double>(got[i].at(j)) - exact.at(j)), normal_error(exact.at(j))) << "u " << u[i / v.size()] << ", v " << v[i % v.size()];
  }
}

/// One step of NPSGD from u, along φ.
struct Step {
  Step(Index size, double radius_, double noise_) : radius(radius_), noise(noise_), stream(stream_of(size, 0)) {
    Eigen::VectorXd entries(size);
    stream_of(size, 1).fill_normal(entries);
    u = entries.cast<float>();
    stream_of(size, 2).fill_normal(entries);
    phi = entries.cast<float>();
  }

  static RandomStream stream_of(Index size, std::uint32_t replicate) { return {1, Purpose::noise, replicate, static_cast<std::uint64_t>(size)}; }

  [[nodiscard]] std::string description() const { return fmt::format("{} parameters, r = {}, a = {}", u.size(), radius, noise); }

  double radius;
  double noise;
  double alpha = 0.125;
  RandomStream stream;
  Vector<float> u, phi;
};

/// Steps with and without noise; without a ball, inside one, and out of one.
std::vector<Step> steps_of(Index size) {
  std::vector<Step> out;
  for (const double noise : {0.0, 0.5})
    for (const double radius : {kInfinity, 1e9, 0.5 * std::sqrt(static_cast<double>(size))}) out.emplace_back(size, radius, noise);
  return out;
}

Vector<float> on_device(const Step& step) {
  State<float> state{step.u, 0};
  make_cuda_npsgd(step.radius, step.noise)->advance(state, step.phi, step.alpha, step.stream);
  EXPECT_EQ(state.step, 1U);
  return state.u;
}

/// u − αφ + αaε in float, as scheme.cpp has it: before the projection.
Vector<float> moved(const Step& step) {
  State<float> state{step.u, 0};
  Sgd<float>().advance(state, step.phi, step.alpha, step.stream);
  if (step.noise > 0.0) add_noise(state.u, step.alpha * step.noise, step.stream);
  return state.u;
}

/// How far the device's u may be from it: the normals' error and the rounding of scale, product and sum.
Eigen::VectorXd moved_error(const Step& step, const Vector<float>& moved) {
  Eigen::VectorXd error = Eigen::VectorXd::Zero(moved.size());
  const double scale = step.alpha * step.noise;
  if (scale == 0.0) return error;
  Eigen::VectorXd epsilon(moved.size());
  step.stream.fill_normal(epsilon);
  for (Index i = 0; i < moved.size(); ++i)
    error[i] = scale * (normal_error(epsilon[i]) * (1.0 + 4.0 * kFloat) + 4.0 * kFloat * std::abs(epsilon[i])) +
               2.0 * kFloat * (std::abs(static_cast<double>(moved[i])) + scale);
  return error;
}

void compare(const Step& step) {
  const Vector<float> before = moved(step);
  const Eigen::VectorXd error = moved_error(step, before);
  const bool ball = std::isfinite(step.radius);
  Vector<float> expected = before;
  if (ball) project_onto_ball(expected, step.radius);
  const Vector<float> got = on_device(step);
  // Both are scaled by min(1, r/‖·‖), which is Lipschitz in the norm with constant 1/‖·‖; then rounded to float.
  const double norm = before.cast<double>().norm();
  const double sums = tolerance::gamma(static_cast<double>(before.size()) + 8.0, tolerance::unit_roundoff<double>());
  const double relative = ball ? (error.norm() / norm + 2.0 * kFloat + sums) * (1.0 + 1e-3) : 0.0;
  for (Index i = 0; i < before.size(); ++i)
    ASSERT_LE(std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])), error[i] + std::abs(static_cast<double>(expected[i])) * relative)
        << "entry " << i;
  if (step.noise == 0.0 && norm < step.radius) {
    EXPECT_EQ(got, before) << "every operation is rounded as on the processor";
  }
  if (ball) {
    EXPECT_LE(got.cast<double>().norm(), step.radius * (1.0 + 2.0 * kFloat));
  }
}

class NpsgdStep : public GpuTest, public ::testing::WithParamInterface<Group<Index>> {};

TEST_P(NpsgdStep, is_that_of_the_processor) {
  for (const Index size : GetParam().cases)
    for (const Step& step : steps_of(size)) {
      SCOPED_TRACE(step.description());
      compare(step);
    }
}

TEST_P(NpsgdStep, gives_the_same_bits_in_twenty_runs) {
  for (const Index size : GetParam().cases) {
    const Step step(size, 0.5 * std::sqrt(static_cast<double>(size)), 0.5);
    const Vector<float> first = on_device(step);
    for (int run = 1; run < 20; ++run) ASSERT_EQ(on_device(step), first) << step.description() << ", run " << run;
  }
}

// Blocks have 256 threads, a thread moves pairs, and there are at most 1024 blocks.
INSTANTIATE_TEST_SUITE_P(small, NpsgdStep, ::testing::Values(Group<Index>{"parameters", {1, 2, 3, 511, 513}}), ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(large, NpsgdStep, ::testing::Values(Group<Index>{"parameters", {512, 1024, 1025, 524'288, 524'289, 1'048'577, 10'000'000}}),
                         ::testing::PrintToStringParamName());

using NpsgdArguments = GpuTest;

TEST_F(NpsgdArguments, what_is_no_ball_and_no_noise_is_refused) {
  EXPECT_THROW((void)make_cuda_npsgd(0.0, 1.0), InputError);
  EXPECT_THROW((void)make_cuda_npsgd(std::nan(""), 1.0), InputError);
  EXPECT_THROW((void)make_cuda_npsgd(1.0, -1.0), InputError);
  EXPECT_THROW((void)make_cuda_npsgd(1.0, kInfinity), InputError);
  cuda::NpsgdStep step;
  EXPECT_THROW(step.advance(nullptr, nullptr, 0, 0.1, 1.0, 1.0, {}, nullptr), InputError);
  EXPECT_THROW(step.advance(nullptr, nullptr, Index{1} << 31, 0.1, 1.0, 1.0, {}, nullptr), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
