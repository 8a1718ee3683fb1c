/// Random streams: the published known answers, the documented layout, no two coordinates alike, and errors.

#include "slicecheck/core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/core/normals.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {
namespace {

using Words = std::array<std::uint32_t, 4>;

constexpr std::uint64_t kLastStep = (std::uint64_t{1} << 40) - 1;
constexpr std::uint64_t kLastBlock = (std::uint64_t{1} << 48) - 1;

// Random123's tests/kat_vectors, lines `philox4x32 10`: counter, key, output. The layout of docs/formats.md reaches all three.
TEST(RandomStream, known_answer_all_zero) {
  const RandomStream stream(0, Purpose{0}, 0, 0);
  EXPECT_EQ(stream.words(0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(RandomStream, known_answer_all_ones) {
  const RandomStream stream(~std::uint64_t{0}, Purpose{0xFF}, 0xFFFFFFFF, kLastStep);
  EXPECT_EQ(stream.words(kLastBlock), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(RandomStream, known_answer_digits_of_pi) {
  // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0.
  const RandomStream stream(0x299f31d0'a4093822, Purpose{0x44}, 0x13198a2e, 0x73'85a308d3);
  EXPECT_EQ(stream.words(0x0370'243f6a88), (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, every_coordinate_matters_and_none_collides) {
  std::set<Words> seen;
  std::size_t drawn = 0;
  const auto add = [&](std::uint64_t seed, int purpose, std::uint32_t replicate, std::uint64_t step, std::uint64_t block) {
    seen.insert(RandomStream(seed, static_cast<Purpose>(purpose), replicate, step).words(block));
    ++drawn;
  };
  // Philox is a bijection of the counter for a fixed key: equal outputs would mean that two coordinates share a counter. Every bit of each coordinate:
  for (std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{1} << 40}) {
    add(seed, 0, 0, 0, 0);
    for (int bit = 0; bit < 8; ++bit) add(seed, 1 << bit, 0, 0, 0);
    for (int bit = 0; bit < 32; ++bit) add(seed, 0, std::uint32_t{1} << bit, 0, 0);
    for (int bit = 0; bit < 40; ++bit) add(seed, 0, 0, std::uint64_t{1} << bit, 0);
    for (int bit = 0; bit < 48; ++bit) add(seed, 0, 0, 0, std::uint64_t{1} << bit);
  }
  for (int bit = 0; bit < 64; ++bit) add((std::uint64_t{1} << bit) ^ 0xABCD, 0, 0, 0, 0);
  for (int purpose = 1; purpose <= 12; ++purpose)
    for (std::uint32_t replicate = 0; replicate < 4; ++replicate)
      for (std::uint64_t step = 1; step < 4; ++step)
        for (std::uint64_t block = 1; block < 4; ++block) add(7, purpose, replicate, step, block);
  EXPECT_EQ(seen.size(), drawn);
}

TEST(RandomStream, has_no_state) {
  const RandomStream one(5, Purpose::source, 2, 9);
  const RandomStream two(5, Purpose::source, 2, 9);
  const Words later = one.words(100);
  (void)one.words(3);
  EXPECT_EQ(one.words(100), later);
  EXPECT_EQ(two.words(100), later);
}

TEST(RandomStream, rejects_coordinates_out_of_range) {
  EXPECT_THROW(RandomStream(1, Purpose::noise, 0, kLastStep + 1), InputError);
  const RandomStream stream(1, Purpose::noise, 0, kLastStep);
  EXPECT_NO_THROW((void)stream.words(kLastBlock));
  EXPECT_THROW((void)stream.words(kLastBlock + 1), InputError);
}

/// Within the rounding that core/normals.h states of √(−2 ln(1 − u))·(cos 2πv, sin 2πv), computed in long double.
void expect_normals(const std::array<double, 2>& normals, double first, double second) {
  const long double radius = std::sqrt(-2.0L * std::log(1.0L - static_cast<long double>(first)));
  const long double angle = 2.0L * std::numbers::pi_v<long double> * static_cast<long double>(second);
  const double allowed = static_cast<double>(radius) * (24.0 + 2.0 * std::numbers::pi) * 0x1p-53;
  EXPECT_LE(std::abs(static_cast<double>(static_cast<long double>(normals[0]) - radius * std::cos(angle))), allowed) << first << ", " << second;
  EXPECT_LE(std::abs(static_cast<double>(static_cast<long double>(normals[1]) - radius * std::sin(angle))), allowed) << first << ", " << second;
}

TEST(RandomStream, uniforms_and_normals_are_the_documented_functions_of_the_words) {
  const RandomStream stream(11, Purpose::cases, 3, 4);
  for (std::uint64_t block = 0; block < 200; ++block) {
    const auto w = stream.words(block);
    const double first = std::ldexp(static_cast<double>(((std::uint64_t{w[1]} << 32) + w[0]) >> 11), -53);
    const double second = std::ldexp(static_cast<double>(((std::uint64_t{w[3]} << 32) + w[2]) >> 11), -53);
    EXPECT_EQ(stream.uniforms(block), (std::array<double, 2>{first, second}));
    EXPECT_GE(first, 0.0);
    EXPECT_LT(first, 1.0);
    expect_normals(stream.normals(block), first, second);
  }
}

/// What a block gives does not depend on how many are made at once: whole vectors, the rest, one alone.
TEST(Normals, blocks_do_not_depend_on_their_neighbours) {
  const RandomStream stream(12, Purpose::cases, 3, (std::uint64_t{1} << 33) + 4);
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t i = 0; i < 101; ++i) blocks.push_back(i % 3 == 0 ? kLastBlock - i : (i << 16) + i);
  std::vector<double> together(2 * blocks.size(), std::nan(""));
  normals_of_blocks({stream.counter().data(), stream.key().data()}, blocks.data(), static_cast<Index>(blocks.size()), together.data());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto pair = stream.normals(blocks[i]);
    EXPECT_EQ(pair, (std::array<double, 2>{together[2 * i], together[2 * i + 1]}));
    const auto [first, second] = stream.uniforms(blocks[i]);
    expect_normals(pair, first, second);
  }
  EXPECT_THROW((void)stream.normals(kLastBlock + 1), InputError);
  Eigen::VectorXd three(3);
  EXPECT_THROW(stream.fill_normal(three, kLastBlock), InputError);
  Eigen::VectorXd one(1);
  EXPECT_NO_THROW(stream.fill_normal(one, kLastBlock));
}

TEST(RandomStream, fill_normal_takes_two_normals_of_each_block) {
  const RandomStream stream(11, Purpose::noise, 0, 1);
  Eigen::VectorXd filled(5);
  stream.fill_normal(filled, 40);
  EXPECT_EQ(filled[0], stream.normals(40)[0]);
  EXPECT_EQ(filled[1], stream.normals(40)[1]);
  EXPECT_EQ(filled[4], stream.normals(42)[0]);
  Eigen::VectorXd longer(1001);
  stream.fill_normal(longer, 40);
  EXPECT_EQ(longer.head(5), filled);
  for (Index i = 0; i < longer.size(); ++i) EXPECT_EQ(longer[i], stream.normals(40 + static_cast<std::uint64_t>(i / 2))[static_cast<std::size_t>(i % 2)]);
}

TEST(PointDraws, takes_one_block_a_draw_from_those_of_its_point) {
  const RandomStream stream(3, Purpose::target, 1, 2);
  PointDraws draws(stream, 6);
  constexpr std::uint64_t first = 6 * 65536;
  EXPECT_EQ(draws.uniform(), stream.uniforms(first)[0]);
  EXPECT_EQ(draws.normal(), stream.normals(first + 1)[0]);
  const double u = stream.uniforms(first + 2)[0];
  EXPECT_EQ(draws.uniform(2.0, 6.0), 2.0 + 4.0 * u);
  const auto w = stream.words(first + 3);
  __extension__ using Wide = unsigned __int128;
  EXPECT_EQ(draws.below(1000), static_cast<std::uint64_t>((Wide{(std::uint64_t{w[1]} << 32) + w[0]} * 1000) >> 64));
  EXPECT_EQ(draws.below(1), 0U);
}

TEST(PointDraws, never_reads_the_blocks_of_the_next_point) {
  const RandomStream stream(3, Purpose::target, 1, 2);
  PointDraws draws(stream, 0);
  for (int i = 0; i < 65536; ++i) (void)draws.uniform();
  EXPECT_THROW((void)draws.uniform(), InputError);
}

TEST(UniformDirections, are_unit_vectors) {
  const RandomStream stream(1, Purpose::directions, 0, 0);
  for (const Index d : {1, 2, 3, 7, 64, 1001}) {
    const Points<double> theta = uniform_directions<double>(stream, 50, d);
    const Points<float> single = uniform_directions<float>(stream, 50, d);
    ASSERT_EQ(theta.rows(), 50);
    ASSERT_EQ(theta.cols(), d);
    for (Index l = 0; l < 50; ++l) {
      // Two sums of d squares in double, a root, a quotient; in float one rounding more.
      const double allowed = tolerance::gamma(2.0 * static_cast<double>(d) + 4.0, tolerance::unit_roundoff<double>());
      EXPECT_LE(std::abs(theta.row(l).norm() - 1.0), allowed);
      EXPECT_LE(std::abs(single.row(l).cast<double>().norm() - 1.0), allowed + tolerance::unit_roundoff<float>());
    }
    EXPECT_EQ(single, theta.cast<float>());
  }
}

TEST(PointDraws, a_normal_is_that_of_its_block_whatever_was_drawn_before) {
  const RandomStream stream(3, Purpose::target, 1, 2);
  PointDraws draws(stream, 9);
  for (std::uint64_t block = 9 * 65536; block < 10 * 65536; ++block) {  // up to the last block of the point
    if (block % 7 == 3 || block % 29 < 12)
      ASSERT_EQ(draws.uniform(), stream.uniforms(block)[0]) << block;
    else
      ASSERT_EQ(draws.normal(), stream.normals(block)[0]) << block;
  }
}

TEST(UniformDirections, direction_l_is_the_normalised_normals_of_point_l) {
  const RandomStream stream(1, Purpose::directions, 0, 3);
  const Points<double> theta = uniform_directions<double>(stream, 4, 5);
  for (Index l = 0; l < 4; ++l) {
    Eigen::VectorXd normals(5);
    stream.fill_normal(normals, static_cast<std::uint64_t>(l) << 16);
    EXPECT_LE((theta.row(l).transpose() - normals.normalized()).norm(), 4.0 * tolerance::unit_roundoff<double>());
  }
  EXPECT_EQ(uniform_directions<double>(stream, 2, 5), theta.topRows(2));
}

TEST(UniformDirections, on_the_line_are_both_signs) {
  const Points<double> theta = uniform_directions<double>(RandomStream(1, Purpose::directions, 0, 0), 60, 1);
  EXPECT_EQ(theta.cwiseAbs(), Points<double>::Ones(60, 1));
  EXPECT_GT(theta.maxCoeff(), 0.0);
  EXPECT_LT(theta.minCoeff(), 0.0);
}

TEST(UniformDirections, rejects_bad_arguments) {
  const RandomStream stream(1, Purpose::directions, 0, 0);
  EXPECT_THROW(uniform_directions<double>(stream, 0, 2), InputError);
  EXPECT_THROW(uniform_directions<double>(stream, -1, 2), InputError);
  EXPECT_THROW(uniform_directions<double>(stream, 1, 0), InputError);
  EXPECT_THROW(uniform_directions<float>(stream, 1, 65537), InputError);
  EXPECT_NO_THROW(uniform_directions<float>(stream, 1, 65536));
}

}  // namespace
}  // namespace slicecheck
