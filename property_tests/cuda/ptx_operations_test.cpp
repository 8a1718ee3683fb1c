// Operations of the PTX machine against the host's compiler: the same expressions, the same inputs, the same bits.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "cuda/ptx/launch.h"
#include "cuda/ptx/machine.h"
#include "cuda/ptx/toys.h"
#include "cuda/ptx/toys/expressions.h"

namespace ptx {
namespace {

using std::uint32_t;
using std::uint64_t;

constexpr int inputs = 4096;

/// Words that are often special: zeros, infinities, NaN, the least and the largest numbers, floats of moderate size.
uint32_t special_word(OrderStream& stream) {
  constexpr std::array<uint32_t, 19> corners{0,          1,          2,          31,         32,         0x7FFFFFFF, 0x80000000,
                                             0xFFFFFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F8F24C9, 0x3F800000, 0xBF800000,
                                             0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x33800000};
  switch (stream.below(4)) {
    case 0: return corners[stream.below(corners.size())];
    case 1: {
      const double mantissa = static_cast<double>(stream.below(1U << 31)) / double{1U << 30} - 1;
      return std::bit_cast<uint32_t>(static_cast<float>(std::ldexp(mantissa, static_cast<int>(stream.below(40)) - 20)));
    }
    default: return static_cast<uint32_t>(stream.next());
  }
}

bool is_nan(uint32_t bits) { return (bits & 0x7FFFFFFF) > 0x7F800000; }
bool is_signalling(uint32_t bits) { return is_nan(bits) && (bits & 0x00400000) == 0; }

/// Results that are NaN need not have the same bits.
bool agree(uint64_t a, uint64_t b) {
  const auto nan = [](uint64_t bits) { return bits >> 32 == 0 ? is_nan(static_cast<uint32_t>(bits)) : (bits & 0x7FFFFFFFFFFFFFFF) > 0x7FF0000000000000; };
  return a == b || (nan(a) && nan(b));
}

#define NAME_OF(expression) #expression,
const std::vector<std::string> names = {EXPRESSIONS(NAME_OF)};
#undef NAME_OF

TEST(PtxOperations, expressions_give_the_hosts_bits) {
  OrderStream stream(3);
  std::vector<uint32_t> in(3 * inputs);
  for (uint32_t& word : in) {
    word = special_word(stream);
  }
  std::vector<uint64_t> out(static_cast<std::size_t>(inputs) * expressions::count);
  Machine machine(toy_text("operations"));
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("evaluate_expressions", {inputs / 128}, {128}, 0, in.data(), out.data(), inputs);
  ASSERT_TRUE(machine.memory().is_written(out.data(), out.size() * sizeof(uint64_t)));

  std::map<std::string, std::size_t> excepted;
  std::vector<uint64_t> expected(expressions::count);
  for (std::size_t i = 0; i < inputs; ++i) {
    const uint32_t a = in[3 * i];
    const uint32_t b = in[3 * i + 1];
    expressions::evaluate(a, b, in[3 * i + 2], expected.data());
    for (std::size_t k = 0; k < names.size(); ++k) {
      const uint64_t result = out[i * expressions::count + k];
      if (agree(result, expected[k])) {
        continue;
      }
      // The host's fminf and fmaxf give NaN where an operand is a signalling NaN, PTX the other operand; and PTX orders -0 below +0, the host need not.
      const bool minimum_or_maximum = names[k] == "bits(fminf(fa, fb))" || names[k] == "bits(fmaxf(fa, fb))";
      const bool zeros = (a | b) == 0x80000000 && (a & b) == 0;
      if (minimum_or_maximum && (is_signalling(a) || is_signalling(b) || zeros)) {
        ++excepted[names[k]];
        continue;
      }
      ADD_FAILURE() << names[k] << " of " << a << ", " << b << ", " << in[3 * i + 2] << ": " << result << ", the host has " << expected[k];
    }
  }
  EXPECT_GE(names.size(), 76U);
  EXPECT_LE(excepted.size(), 2U);
}

constexpr std::array<int, 4> modes{FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

/// Runs with a rounding mode of the host.
template <class Function>
auto rounded(int mode, Function function) {
  std::fesetround(mode);
  const volatile auto value = function();  // it is written before the mode changes again
  std::fesetround(FE_TONEAREST);
  return decltype(function())(value);
}

bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

TEST(PtxOperations, rounding_modes_give_the_hosts_bits) {
  OrderStream stream(5);
  std::vector<float> in(3 * inputs);
  for (float& value : in) {
    value = std::bit_cast<float>(special_word(stream));
  }
  std::vector<float> out(24 * inputs);
  Machine machine(toy_text("operations"));
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("round_floats", {inputs / 128}, {128}, 0, in.data(), out.data(), inputs);
  std::size_t differ_between_modes = 0;
  for (std::size_t i = 0; i < inputs; ++i) {
    const volatile float a = in[3 * i];
    const volatile float b = in[3 * i + 1];
    const volatile float c = in[3 * i + 2];
    for (std::size_t mode = 0; mode < 4; ++mode) {
      const float* results = out.data() + 24 * i + 6 * mode;
      const std::array<float, 6> expected{
          rounded(modes[mode], [&] { return a + b; }),
          rounded(modes[mode], [&] { return a - b; }),
          rounded(modes[mode], [&] { return a * b; }),
          rounded(modes[mode], [&] { return a / b; }),
          rounded(modes[mode], [&] { return std::fma(float{a}, float{b}, float{c}); }),
          rounded(modes[mode], [&] { return std::sqrt(std::fabs(float{a})); }),
      };
      for (std::size_t k = 0; k < 6; ++k) {
        EXPECT_TRUE(same(results[k], expected[k])) << "operation " << k << " mode " << mode << " of " << a << ", " << b << ", " << c;
        differ_between_modes += !same(results[k], out[24 * i + k]);
      }
    }
  }
  EXPECT_GT(differ_between_modes, std::size_t{inputs});
}

TEST(PtxOperations, conversions_round_as_they_are_told) {
  OrderStream stream(7);
  std::vector<double> in(inputs);
  for (double& value : in) {
    value = (static_cast<double>(stream.next() >> 11) / 9007199254740992.0 - 0.5) * std::ldexp(1.0, static_cast<int>(stream.below(22)));
  }
  std::vector<double> out(12 * inputs);
  Machine machine(toy_text("operations"));
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("round_conversions", {inputs / 128}, {128}, 0, in.data(), out.data(), inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    const volatile double a = in[i];
    const volatile float nearest = static_cast<float>(a);
    for (std::size_t mode = 0; mode < 4; ++mode) {
      const double* results = out.data() + 12 * i + 3 * mode;
      const volatile uint32_t product = static_cast<uint32_t>(static_cast<int>(a)) * 4099U;
      EXPECT_EQ(results[0], double{rounded(modes[mode], [&] { return static_cast<float>(a); })}) << a;
      EXPECT_EQ(results[1], rounded(modes[mode], [&] { return std::nearbyint(double{nearest}); })) << a;
      EXPECT_EQ(results[2], double{rounded(modes[mode], [&] { return static_cast<float>(static_cast<int>(product)); })}) << a;
    }
  }
}

/// |got − right| in units of the last place of `right` as a float.
double float_ulps(double got, double right) {
  const auto as_float = static_cast<float>(std::fabs(right));
  const double unit = double{std::nextafter(as_float, std::numeric_limits<float>::infinity())} - double{as_float};
  return std::fabs(got - right) / unit;
}

TEST(PtxOperations, mathematical_functions_are_as_exact_as_cuda_says) {
  OrderStream stream(9);
  std::vector<float> in(inputs);
  for (float& value : in) {
    value = static_cast<float>(std::ldexp(static_cast<double>(stream.below(1U << 30)) / double{1U << 29} - 1, static_cast<int>(stream.below(16)) - 8));
  }
  std::vector<double> out(9 * inputs);
  Machine machine(toy_text("operations"));
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("functions", {inputs / 128}, {128}, 0, in.data(), out.data(), inputs);
  // The errors of "Mathematical functions" in the programming guide, and half a unit for ours.
  constexpr double pi = 3.14159265358979323846;
  std::array<double, 9> worst{};
  for (std::size_t i = 0; i < inputs; ++i) {
    const double x = double{in[i]};
    const double positive = double{std::fabs(in[i]) + 1e-30F};
    const double reduced = std::remainder(x, 2.0);  // exact
    const std::array<double, 6> right{std::log(positive), std::log1p(positive), std::sin(pi * reduced), std::cos(pi * reduced), std::exp(x / 64), std::sin(x)};
    for (std::size_t k = 0; k < 6; ++k) {
      if (std::fabs(right[k]) > 1e-6) {
        worst[k] = std::max(worst[k], float_ulps(out[9 * i + k], right[k]));
      }
    }
    const std::array<double, 3> doubles{1.0 / std::sqrt(positive), std::sqrt(positive) / 3.0, 1.0 / positive};
    for (std::size_t k = 0; k < 3; ++k) {
      worst[6 + k] = std::max(worst[6 + k], std::fabs(out[9 * i + 6 + k] - doubles[k]) / (doubles[k] * std::numeric_limits<double>::epsilon()));
    }
  }
  EXPECT_LE(worst[0], 1.5) << "logf";
  EXPECT_LE(worst[1], 1.5) << "log1pf";
  EXPECT_LE(worst[2], 1.5) << "sincospif: sine";
  EXPECT_LE(worst[3], 1.5) << "sincospif: cosine";
  EXPECT_LE(worst[4], 1.5) << "expf";
  EXPECT_LE(worst[5], 2.5) << "sinf";
  EXPECT_LE(worst[6], 1.0) << "rsqrt";
  EXPECT_EQ(worst[7], 0.0) << "√x / 3, both rounded to nearest";
  EXPECT_EQ(worst[8], 0.0) << "1 / x";
}

}  // namespace
}  // namespace ptx
