/// The parts of the cpu loss on every instruction set that this processor runs: sorts, keys, products; and the whole in both layouts.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <type_traits>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/cpu/evaluation.h"
#include "slicecheck/loss/cpu/kernels.h"
#include "slicecheck/loss/cpu/row_sort.h"
#include "slicecheck/loss/cpu/scratch.h"
#include "support/loss_comparison.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// Runs the body once for each instruction set.
class EachTarget : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { cpu::use_target(GetParam()); }
  void TearDown() override { cpu::use_target(""); }
};

INSTANTIATE_TEST_SUITE_P(Cpu, EachTarget, ::testing::ValuesIn(cpu::targets()), [](const auto& name) { return name.param; });

TEST(CpuTargets, the_best_is_used_and_unknown_names_are_refused) {
  ASSERT_FALSE(cpu::targets().empty());
  EXPECT_EQ(cpu::target(), cpu::targets().front());
  EXPECT_THROW(cpu::use_target("AVX7"), InputError);
  EXPECT_EQ(cpu::target(), cpu::targets().front());
  cpu::use_target(cpu::targets().back());
  EXPECT_EQ(cpu::target(), cpu::targets().back());
  const Index narrow = cpu::kernels<float>().lanes;
  cpu::use_target("");
  EXPECT_EQ(cpu::target(), cpu::targets().front());
  EXPECT_LE(narrow, cpu::kernels<float>().lanes);
}

TEST_P(EachTarget, a_sort_by_columns_sorts_every_lane) {
  const auto& kernels = cpu::kernels<float>();
  std::mt19937 random(7);
  cpu::Scratch<std::uint32_t> room;
  std::vector<Index> sizes;
  for (Index rows = 16; rows <= 608; rows += 16) sizes.push_back(rows);
  for (const Index rows : {1024, 1040, 2032, 2064, 4096, 4112}) sizes.push_back(rows);
  for (const Index rows : sizes) {
    for (const std::uint32_t largest : {1U, 5U, 0xFFFF'FFFFU}) {  // zeros and ones, many ties, few
      std::uint32_t* const keys = room.room(rows * kernels.lanes);
      std::uniform_int_distribution<std::uint32_t> draw(0, largest);
      std::vector<std::vector<std::uint32_t>> lanes(static_cast<std::size_t>(kernels.lanes));
      for (Index k = 0; k < rows; ++k)
        for (Index l = 0; l < kernels.lanes; ++l) lanes[static_cast<std::size_t>(l)].push_back(keys[k * kernels.lanes + l] = draw(random));
      kernels.sort_columns(keys, rows);
      for (Index l = 0; l < kernels.lanes; ++l) {
        auto& expected = lanes[static_cast<std::size_t>(l)];
        std::sort(expected.begin(), expected.end());
        for (Index k = 0; k < rows; ++k) ASSERT_EQ(keys[k * kernels.lanes + l], expected[static_cast<std::size_t>(k)]) << rows << " rows, lane " << l;
      }
    }
  }
}

/// A network sorts everything if it sorts all zeros and ones: here all of them, for sixteen rows.
TEST_P(EachTarget, the_network_of_sixteen_sorts_all_zeros_and_ones) {
  const auto& kernels = cpu::kernels<float>();
  cpu::Scratch<std::uint32_t> room;
  std::uint32_t* const keys = room.room(16 * kernels.lanes);
  for (std::uint32_t first = 0; first < 65536; first += static_cast<std::uint32_t>(kernels.lanes)) {
    for (Index k = 0; k < 16; ++k)
      for (Index l = 0; l < kernels.lanes; ++l) keys[k * kernels.lanes + l] = ((first + static_cast<std::uint32_t>(l)) >> k) & 1U;
    kernels.sort_columns(keys, 16);
    for (Index l = 0; l < kernels.lanes; ++l) {
      const int ones = std::popcount((first + static_cast<std::uint32_t>(l)) & 0xFFFFU);
      for (Index k = 0; k < 16; ++k) ASSERT_EQ(keys[k * kernels.lanes + l], k >= 16 - ones ? 1U : 0U) << "pattern " << first + static_cast<std::uint32_t>(l);
    }
  }
}

/// Rows of values that a sort may stumble over; n of each.
template <class S>
std::vector<std::pair<std::string, std::vector<S>>> awkward_rows(Index n) {
  const auto make = [n](auto&& entry) {
    std::vector<S> row;
    for (Index k = 0; k < n; ++k) row.push_back(static_cast<S>(entry(k)));
    return row;
  };
  std::mt19937_64 random(static_cast<std::uint64_t>(n));
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> digit(0, 9);
  using Limits = std::numeric_limits<S>;
  return {{"normal", make([&](Index) { return normal(random); })},
          {"descending", make([&](Index k) { return -static_cast<double>(k); })},
          {"all equal", make([](Index) { return 1.25; })},
          {"ten values", make([&](Index) { return digit(random); })},
          {"an outlier", make([&](Index k) { return k == n / 2 ? 1e30 : normal(random); })},
          {"neighbouring numbers", make([&](Index) { return 1.0 + static_cast<double>(digit(random)) * static_cast<double>(Limits::epsilon()); })},
          {"zeros of both signs", make([](Index k) { return k % 3 == 0 ? -0.0 : (k % 3 == 1 ? 0.0 : -1.0); })},
          {"subnormal", make([&](Index) { return static_cast<double>(Limits::denorm_min()) * digit(random); })},
          {"the whole range", make([&](Index k) { return (k % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(Limits::max()) / (1.0 + digit(random)); })}};
}

/// Rows in the order of (value, row): what a stable sort gives.
template <class S>
std::vector<Index> stable_order(const std::vector<S>& row) {
  std::vector<Index> order(row.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return row[static_cast<std::size_t>(a)] < row[static_cast<std::size_t>(b)]; });
  return order;
}

template <class S>
void expect_stable_pairs_by_columns() {
  const auto& kernels = cpu::kernels<S>();
  cpu::Scratch<S> room;
  cpu::Scratch<std::uint32_t> key_room;
  for (const Index n : {1, 2, 3, 15, 16, 17, 100, 257, 1000}) {
    const auto rows = awkward_rows<S>(n);
    S* const values = room.room(n * kernels.lanes);
    std::uint32_t* const keys = key_room.room(cpu::padded(n, cpu::kRowPadding) * kernels.lanes);
    for (std::size_t shift = 0; shift < rows.size(); shift += static_cast<std::size_t>(kernels.lanes)) {
      const auto row_of = [&](Index l) -> const auto& { return rows[(shift + static_cast<std::size_t>(l)) % rows.size()]; };
      for (Index k = 0; k < n; ++k)
        for (Index l = 0; l < kernels.lanes; ++l) values[k * kernels.lanes + l] = row_of(l).second[static_cast<std::size_t>(k)];
      std::vector<std::uint8_t> finite(static_cast<std::size_t>(kernels.lanes), 1);
      kernels.sort_pairs(values, n, kernels.lanes, keys, finite.data());
      const std::uint32_t mask = cpu::KeyFormat::for_columns(n).row_mask;
      for (Index l = 0; l < kernels.lanes; ++l) {
        EXPECT_EQ(finite[static_cast<std::size_t>(l)], 1);
        const std::vector<Index> order = stable_order(row_of(l).second);
        for (Index rank = 0; rank < n; ++rank)
          ASSERT_EQ(static_cast<Index>(keys[rank * kernels.lanes + l] & mask), order[static_cast<std::size_t>(rank)]) << row_of(l).first << ", n = " << n;
      }
    }
  }
}

TEST_P(EachTarget, pairs_come_out_in_the_order_of_value_and_row_float) { expect_stable_pairs_by_columns<float>(); }
TEST_P(EachTarget, pairs_come_out_in_the_order_of_value_and_row_double) { expect_stable_pairs_by_columns<double>(); }

template <class S>
void expect_stable_matching_by_rows() {
  const auto& kernels = cpu::kernels<S>();
  cpu::RowSort sort;
  for (const Index n : {1, 2, 17, 255, 256, 257, 3000, 70'000}) {
    const std::vector<S> y = awkward_rows<S>(n).front().second;
    std::vector<S> sorted_y = y;
    std::sort(sorted_y.begin(), sorted_y.end());
    std::vector<S> out(y.size());
    for (const auto& [name, z] : awkward_rows<S>(n)) {
      ASSERT_TRUE(sort.match(kernels, z.data(), y.data(), n, out.data()));
      const std::vector<Index> order = stable_order(z);
      for (Index rank = 0; rank < n; ++rank)
        ASSERT_EQ(out[static_cast<std::size_t>(order[static_cast<std::size_t>(rank)])], sorted_y[static_cast<std::size_t>(rank)]) << name << ", n = " << n;
      ASSERT_TRUE(sort.sort(kernels, z.data(), n, out.data()));
      for (Index rank = 0; rank < n; ++rank)
        ASSERT_EQ(out[static_cast<std::size_t>(rank)], z[static_cast<std::size_t>(order[static_cast<std::size_t>(rank)])]) << name << ", n = " << n;
    }
    for (const S bad : {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity(), -std::numeric_limits<S>::infinity()}) {
      std::vector<S> z = y;
      z[static_cast<std::size_t>(n / 2)] = bad;
      EXPECT_FALSE(sort.match(kernels, z.data(), y.data(), n, out.data()));
      EXPECT_FALSE(sort.match(kernels, y.data(), z.data(), n, out.data()));
      EXPECT_FALSE(sort.sort(kernels, z.data(), n, out.data()));
    }
  }
}

TEST_P(EachTarget, a_sort_by_rows_matches_in_the_order_of_value_and_row_float) { expect_stable_matching_by_rows<float>(); }
TEST_P(EachTarget, a_sort_by_rows_matches_in_the_order_of_value_and_row_double) { expect_stable_matching_by_rows<double>(); }

/// Keys alone do not give the order: without the repair of runs the comparison above would refuse them.
TEST_P(EachTarget, keys_without_repair_would_be_caught) {
  const auto& kernels = cpu::kernels<float>();
  const Index n = 1000;
  int wrong = 0;
  for (const auto& [name, row] : awkward_rows<float>(n)) {
    std::vector<std::uint32_t> keys(static_cast<std::size_t>(n));
    const cpu::KeyFormat format = cpu::KeyFormat::for_rows(n);
    ASSERT_TRUE(kernels.pack_row(row.data(), n, format, keys.data()));
    std::sort(keys.begin(), keys.end());
    const std::vector<Index> order = stable_order(row);
    const auto agrees = [&] {
      for (std::size_t rank = 0; rank < keys.size(); ++rank)
        if (static_cast<Index>(keys[rank] & format.row_mask) != order[rank]) return false;
      return true;
    };
    if (!agrees()) ++wrong;
    cpu::repair_runs(keys.data(), 1, n, format.row_bits, row.data());
    EXPECT_TRUE(agrees()) << name;
  }
  EXPECT_GE(wrong, 2) << "normal numbers and an outlier, at least";
}

template <class S>
void expect_products() {
  const auto& kernels = cpu::kernels<S>();
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  const double u = tolerance::unit_roundoff<S>();
  for (const Index rows : {1, 2, 3, 5, 6, 7, 13, 50}) {
    for (const Index depth : {1, 2, 31, 95, 97, 300}) {
      for (const Index vectors : {1, 2, 3, 5}) {
        const Index columns = vectors * kernels.columns;
        const auto draw = [&](Index r, Index c) { return Points<S>(Points<S>::NullaryExpr(r, c, [&] { return static_cast<S>(normal(random)); })); };
        const Points<S> a = draw(rows, depth);
        const Points<S> b = draw(depth, columns);
        const Points<S> before = draw(rows, columns);
        Points<S> c = before;
        cpu::Product<S> product{.a = a.data(), .a_row = depth, .b = b.data(), .b_row = columns, .c = c.data(), .c_row = columns};
        product.rows = rows;
        product.columns = columns;
        product.depth = depth;
        product.add = true;
        kernels.multiply(product);
        const Points<double> expected = before.template cast<double>() + a.template cast<double>() * b.template cast<double>();
        const Points<double> magnitude =
            before.cwiseAbs().template cast<double>() + a.cwiseAbs().template cast<double>() * b.cwiseAbs().template cast<double>();
        const double allowed = tolerance::gamma(static_cast<double>(depth) + 1.0, u);
        ASSERT_LE(((c.template cast<double>() - expected).cwiseAbs() - (allowed + 1e-13) * magnitude).maxCoeff(), 0.0)
            << rows << "×" << depth << "×" << columns;
        // However the work is cut, each entry has the same bits.
        Points<S> again = before;
        for (Index r = 0; r < rows; ++r) {
          product.a = a.data() + r * depth;
          product.c = again.data() + r * columns;
          product.rows = 1;
          kernels.multiply(product);
        }
        ASSERT_EQ(again, c);
        // A transposed, and stored in panels.
        const Points<S> transposed = a.transpose();
        const Index panels = (columns + kernels.lanes - 1) / kernels.lanes;
        std::vector<S> panelled(static_cast<std::size_t>(panels * rows * kernels.lanes));
        product = {.a = transposed.data(), .a_row = 1, .a_step = rows, .b = b.data(), .b_row = columns, .c = panelled.data(), .c_row = kernels.lanes};
        product.c_panel = rows * kernels.lanes;
        product.rows = rows;
        product.columns = columns;
        product.depth = depth;
        kernels.multiply(product);
        for (Index r = 0; r < rows; ++r) {
          for (Index j = 0; j < columns; ++j) {
            const auto got = static_cast<double>(panelled[static_cast<std::size_t>((j / kernels.lanes * rows + r) * kernels.lanes + j % kernels.lanes)]);
            ASSERT_LE(std::abs(got - (expected(r, j) - static_cast<double>(before(r, j)))), (allowed + 1e-13) * magnitude(r, j));
          }
        }
      }
    }
  }
}

TEST_P(EachTarget, products_agree_with_those_in_double_float) { expect_products<float>(); }
TEST_P(EachTarget, products_agree_with_those_in_double_double) { expect_products<double>(); }

template <class S>
void expect_the_loss() {
  const double u = tolerance::unit_roundoff<S>();
  cpu::Workspace<S> space;  // used again for other sizes: what is left in it must not matter
  for (const auto& [n, count, d] : {std::array<Index, 3>{1, 1, 1}, {17, 5, 2}, {100, 65, 3}, {257, 130, 6}, {90, 40, 70}, {300, 25, 2}, {64, 64, 16}}) {
    const Clouds<S> clouds = random_clouds<S>(n, count, d);
    const Clouds<double> exact = in_double(clouds);
    const double size = largest_norm(exact.z) + largest_norm(exact.y);
    for (const double p : {1.0, 1.5, 2.0}) {
      for (const cpu::Layout layout : {cpu::Layout::columns, cpu::Layout::rows}) {
        LossGradient<S> first;
        for (const int threads : {1, 2, 5}) {
          const ScopedThreads scope(threads);
          LossGradient<S> out;
          cpu::evaluate<S>(clouds.z, clouds.y, clouds.theta, p, space, out.per_direction, &out.gradient, layout);
          out.value = out.per_direction.mean();
          if (threads == 1) first = out;
          ASSERT_EQ(out.per_direction, first.per_direction) << "the bits depend on the number of threads";
          ASSERT_EQ(out.gradient, first.gradient) << "the bits depend on the number of threads";
        }
        const Ratios ratios = compare_with_reference(in_double(first), exact, p, size, u);
        EXPECT_LE(ratios.value, 1.0) << n << " points, " << count << " directions, d = " << d << ", p = " << p;
        EXPECT_LE(ratios.gradient, 1.0) << n << " points, " << count << " directions, d = " << d << ", p = " << p;
        Vector<double> values;
        cpu::evaluate<S>(clouds.z, clouds.y, clouds.theta, p, space, values, nullptr, layout);
        EXPECT_LE((values - first.per_direction).cwiseAbs().maxCoeff(), tolerance::gamma(32.0, u) * first.per_direction.maxCoeff());
      }
    }
  }
}

TEST_P(EachTarget, the_loss_agrees_with_the_reference_in_both_layouts_float) { expect_the_loss<float>(); }
TEST_P(EachTarget, the_loss_agrees_with_the_reference_in_both_layouts_double) { expect_the_loss<double>(); }

/// Random streams are dispatched too: every instruction set gives the normals of the best one up to twice the rounding that core/normals.h states.
TEST_P(EachTarget, normals_agree_with_those_of_the_best_instruction_set) {
  const RandomStream stream(5, Purpose::noise, 1, 2);
  Eigen::VectorXd here(1001);
  Eigen::VectorXd best(1001);
  stream.fill_normal(here);
  cpu::use_target("");
  stream.fill_normal(best);
  constexpr double kLargest = 8.6;  // √(2·53·ln 2) and more
  EXPECT_LE((here - best).cwiseAbs().maxCoeff(), 2.0 * (24.0 + 2.0 * std::numbers::pi) * 0x1p-53 * kLargest);
  EXPECT_GT(here.cwiseAbs().maxCoeff(), 2.0);
}

/// In float a direction's overflow must stay its own: the lanes beside it are right.
TEST_P(EachTarget, a_projection_that_overflows_spoils_its_own_direction_alone) {
  const Index n = 40;
  Clouds<float> clouds = random_clouds<float>(n, 30, 2);
  clouds.z.row(3).setConstant(0.9F * std::numeric_limits<float>::max());
  for (Index l = 0; l < 30; ++l) clouds.theta.row(l) << 0.8F, (l == 7 ? 0.6F : -0.6F);
  for (const cpu::Layout layout : {cpu::Layout::columns, cpu::Layout::rows}) {
    cpu::Workspace<float> space;
    Vector<double> values;
    Points<float> gradient;
    cpu::evaluate<float>(clouds.z, clouds.y, clouds.theta, 2.0, space, values, &gradient, layout);
    for (Index l = 0; l < 30; ++l) EXPECT_EQ(std::isnan(values[l]), l == 7) << "direction " << l;
    EXPECT_FALSE(gradient.allFinite());
  }
}

}  // namespace
}  // namespace slicecheck::testing
