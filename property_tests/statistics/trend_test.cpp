/// The trend test: by hand, against the exact law of its statistic by enumeration, with and without equal values, and in the far tail.

#include "slicecheck/statistics/trend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

using Groups = std::vector<std::vector<double>>;
using PValue = std::function<double(const Groups&)>;

/// The logarithm of p adds up at most 12 terms, here with powers of at most 3 and logarithms of at most 40 (the smallest rate is 64·2⁻⁶⁰): its error is below
/// 16u · 12·3·40 < 3·10⁻¹².
constexpr double kRounding = 3e-12;

/// Pairs (wrong, all).
std::pair<double, double> pairs_of(const Groups& groups) {
  double wrong = 0.0;
  double all = 0.0;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t h = g + 1; h < groups.size(); ++h)
      for (const double early : groups[g])
        for (const double late : groups[h]) {
          all += 1.0;
          wrong += early < late ? 1.0 : early == late ? 0.5 : 0.0;
        }
  return {wrong, all};
}

double variance_without_ties(const Groups& groups) {
  double total = 0.0;
  double inside = 0.0;
  for (const auto& group : groups) {
    const auto n = static_cast<double>(group.size());
    total += n;
    inside += n * n * (2.0 * n + 3.0);
  }
  return (total * total * (2.0 * total + 3.0) - inside) / 72.0;
}

double normal_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2.0; }

double normal_approximation(const Groups& groups) {
  const auto [wrong, all] = pairs_of(groups);
  return normal_tail((all / 2.0 - wrong) / std::sqrt(variance_without_ties(groups)));
}

Groups split(const std::vector<double>& values, const std::vector<int>& labels) {
  Groups groups(static_cast<std::size_t>(*std::max_element(labels.begin(), labels.end()) + 1));
  for (std::size_t i = 0; i < values.size(); ++i) groups[static_cast<std::size_t>(labels[i])].push_back(values[i]);
  return groups;
}

std::vector<int> labels_of(const std::vector<int>& sizes) {
  std::vector<int> labels;
  for (std::size_t g = 0; g < sizes.size(); ++g) labels.insert(labels.end(), static_cast<std::size_t>(sizes[g]), static_cast<int>(g));
  return labels;
}

/// Largest P(p ≤ level)/level over the levels that occur; `probability` of each p-value.
double excess(const std::map<double, double>& probability) {
  double largest = 0.0;
  double below = 0.0;
  for (auto entry = probability.begin(); entry != probability.end(); ++entry) {
    below += entry->second;
    // p-values that differ by rounding only are one level.
    const auto next = std::next(entry);
    if (next == probability.end() || next->first > entry->first * (1.0 + kRounding)) largest = std::max(largest, below / entry->first);
  }
  return largest;
}

/// Under exchangeability all assignments of the values to the groups are equally likely: exact.
double excess_of(const PValue& p_value, const std::vector<int>& sizes, const std::vector<double>& values) {
  std::vector<int> labels = labels_of(sizes);
  std::map<double, double> count;
  double all = 0.0;
  do {
    count[p_value(split(values, labels))] += 1.0;
    all += 1.0;
  } while (std::next_permutation(labels.begin(), labels.end()));
  for (auto& [p, probability] : count) probability /= all;
  return excess(count);
}

const std::vector<std::vector<int>> kSizes{{1, 1}, {4, 4}, {1, 8}, {8, 1}, {1, 1, 1, 1, 1}, {3, 3, 3}, {1, 4, 2}, {2, 2, 2, 2}, {3, 4, 3}};

std::vector<double> values_with(std::size_t count, std::size_t distinct) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t level = i * distinct / count;
    values.push_back(static_cast<double>(level));
  }
  return values;
}

TEST(Trend, by_hand) {
  EXPECT_NEAR(decreasing_trend_p_value({{3.0}, {2.0}, {1.0}}), 1.0 / 6.0, kRounding);
  EXPECT_NEAR(decreasing_trend_p_value({{3.0, 4.0}, {1.0, 2.0}}), 1.0 / 6.0, kRounding);
  EXPECT_EQ(decreasing_trend_p_value({{1.0}, {2.0}, {3.0}}), 1.0);
  EXPECT_EQ(decreasing_trend_p_value({{1.0, 4.0}, {2.0, 3.0}}), 1.0) << "half of the pairs";
  EXPECT_EQ(decreasing_trend_p_value({{5.0, 5.0}, {5.0}, {5.0, 5.0, 5.0}}), 1.0) << "no order at all";
  // {2, 4}, {1, 3}: W = 1; E q^W = (1 + q + 2q² + q³ + q⁴)/6.
  double smallest = 1.0;
  for (int i = 1; i < 10'000; ++i) {
    const double q = i / 10'000.0;
    smallest = std::min(smallest, (1.0 + q + 2.0 * q * q + q * q * q + q * q * q * q) / (6.0 * q));
  }
  const double p = decreasing_trend_p_value({{2.0, 4.0}, {1.0, 3.0}});
  // The second derivative is below 10 near the minimum, and a grid point within 10⁻⁴.
  EXPECT_TRUE(p <= smallest + kRounding && smallest <= p + 5e-8) << p << ' ' << smallest;
  EXPECT_GE(p, 2.0 / 6.0) << "exact";
}

TEST(Trend, is_exact_where_every_pair_is_in_order) {
  Groups groups;
  for (int g = 0; g < 4; ++g) {
    groups.emplace_back();
    for (int i = 0; i < 10; ++i) groups.back().push_back(-10.0 * g + i);
  }
  const double exact = std::exp(4.0 * std::lgamma(11.0) - std::lgamma(41.0));
  // Logarithms add up to about 300 in 40 terms.
  EXPECT_NEAR(decreasing_trend_p_value(groups) / exact, 1.0, 1e-11);
  EXPECT_NEAR(smallest_trend_p_value({10, 10, 10, 10}) / exact, 1.0, 1e-11);
  EXPECT_NEAR(smallest_trend_p_value({1, 2}), 1.0 / 3.0, kRounding);
}

TEST(Trend, is_valid_for_all_assignments_without_equal_values) {
  for (const auto& sizes : kSizes) {
    const auto count = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), 0));
    EXPECT_LE(excess_of(decreasing_trend_p_value, sizes, values_with(count, count)), 1.0 + kRounding) << count;
  }
}

TEST(Trend, is_valid_for_all_assignments_with_equal_values) {
  for (const auto& sizes : kSizes) {
    const auto count = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), 0));
    for (std::size_t distinct = 1; distinct < count; ++distinct)
      EXPECT_LE(excess_of(decreasing_trend_p_value, sizes, values_with(count, distinct)), 1.0 + kRounding) << count << ' ' << distinct;
    std::vector<double> one_larger(count, 0.0);
    one_larger.back() = 1.0;
    EXPECT_LE(excess_of(decreasing_trend_p_value, sizes, one_larger), 1.0 + kRounding) << count;
    std::vector<double> one_smaller(count, 0.0);
    one_smaller.front() = -1.0;
    EXPECT_LE(excess_of(decreasing_trend_p_value, sizes, one_smaller), 1.0 + kRounding) << count;
  }
}

TEST(Trend, the_enumeration_refuses_what_is_not_valid) {
  EXPECT_GT(excess_of(normal_approximation, {3, 3, 3}, values_with(9, 9)), 1.05) << "too small near the centre";
  EXPECT_GT(excess_of([](const Groups& groups) { return 0.9 * decreasing_trend_p_value(groups); }, {3, 3, 3}, values_with(9, 9)), 1.1);
}

/// Independent values 0 and 1 with P(1) = a ≤ b ≤ c in three groups of three: exact, over the 64 numbers of ones.
TEST(Trend, is_valid_where_values_grow) {
  const auto mass = [](int ones, double p) { return (ones % 3 == 0 ? 1.0 : 3.0) * std::pow(p, ones) * std::pow(1.0 - p, 3 - ones); };
  for (const auto& [a, b, c] : std::vector<std::array<double, 3>>{{0.5, 0.5, 0.5}, {0.1, 0.1, 0.1}, {0.9, 0.9, 0.9}, {0.3, 0.5, 0.6}, {0.1, 0.1, 0.9}}) {
    std::map<double, double> probability;
    for (int i = 0; i <= 3; ++i)
      for (int j = 0; j <= 3; ++j)
        for (int k = 0; k <= 3; ++k) {
          Groups groups;
          for (const int ones : {i, j, k}) groups.push_back({ones > 0 ? 1.0 : 0.0, ones > 1 ? 1.0 : 0.0, ones > 2 ? 1.0 : 0.0});
          probability[decreasing_trend_p_value(groups)] += mass(i, a) * mass(j, b) * mass(k, c);
        }
    EXPECT_LE(excess(probability), 1.0 + kRounding) << a << ' ' << b << ' ' << c;
  }
}

TEST(Trend, the_normal_approximation_with_corrected_variance_is_wrong_by_any_factor) {
  Groups groups{{1.0}, std::vector<double>(100, 0.0)};
  EXPECT_NEAR(decreasing_trend_p_value(groups), 1.0 / 101.0, 1e-13);
  // W is 0 with probability 1/101, else 50.5: deviation 50 from the mean.
  const double corrected = 50.5 * 50.5 * (1.0 / 101.0) * (100.0 / 101.0);
  EXPECT_LT(normal_tail(50.0 / std::sqrt(corrected)), 2e-23);
}

/// The exact law of W without equal values: multiply by 1 − q^i and divide by it, in place.
std::vector<double> exact_law(const std::vector<std::size_t>& sizes) {
  std::size_t total = 0;
  std::size_t pairs = 0;
  for (const std::size_t n : sizes) {
    pairs += total * n;
    total += n;
  }
  std::vector<double> law{1.0};
  law.resize(pairs + 1, 0.0);
  std::size_t placed = 0;
  double arrangements = 1.0;
  for (const std::size_t n : sizes) {
    for (std::size_t i = 1; i <= n; ++i) {
      const std::size_t up = placed + i;
      for (std::size_t w = pairs; w >= up && w <= pairs; --w) law[w] -= law[w - up];
      for (std::size_t w = i; w <= pairs; ++w) law[w] += law[w - i];
      arrangements *= static_cast<double>(up) / static_cast<double>(i);
    }
    placed += n;
  }
  for (double& mass : law) mass /= arrangements;
  return law;
}

/// Groups without equal values in which exactly `wrong` pairs are in the wrong order: the later values climb over the earlier ones.
Groups with_wrong_pairs(std::size_t early, std::size_t late, std::size_t wrong) {
  Groups groups(2);
  for (std::size_t i = 0; i < early; ++i) groups[0].push_back(static_cast<double>(i));
  for (std::size_t i = 0; i < late; ++i) {
    const std::size_t over = std::min(early, wrong);
    wrong -= over;
    groups[1].push_back(static_cast<double>(over) - 0.5 - 1e-3 * static_cast<double>(i));
  }
  return groups;
}

TEST(Trend, follows_the_exact_tail) {
  // Counts of arrangements are whole numbers below 2⁵³ = 9·10¹⁵: exact. C(50, 25) = 1.3·10¹⁴.
  for (const auto& [early, late] : std::vector<std::pair<std::size_t, std::size_t>>{{25, 25}, {5, 45}, {45, 5}, {1, 40}}) {
    const std::vector<double> law = exact_law({early, late});
    double tail = 0.0;
    for (std::size_t wrong = 0; 2 * wrong < early * late; ++wrong) {
      tail += law[wrong];
      const Groups groups = with_wrong_pairs(early, late, wrong);
      ASSERT_EQ(pairs_of(groups).first, static_cast<double>(wrong));
      const double p = decreasing_trend_p_value(groups);
      const double z = (0.5 * static_cast<double>(early * late) - static_cast<double>(wrong)) / std::sqrt(variance_without_ties(groups));
      // Up to 50 terms and logarithms up to 64.
      EXPECT_GE(p, tail * (1.0 - 1e-11)) << early << ' ' << late << ' ' << wrong;
      EXPECT_LE(p, std::exp(-0.5 * z * z) * (1.0 + 1e-11)) << early << ' ' << late << ' ' << wrong;
      // The price of Chernoff's bound: no more than the bound √(2π)(z + √(z² + 4))/2 for a normal law (Birnbaum). No theorem here, but what is.
      EXPECT_LE(p, std::sqrt(std::numbers::pi / 2.0) * (z + std::sqrt(z * z + 4.0)) * tail) << early << ' ' << late << ' ' << wrong << ' ' << z;
      EXPECT_TRUE(z < 3.0 || normal_tail(z) >= tail) << "the normal approximation is on the safe side far out: " << early << ' ' << late << ' ' << wrong;
    }
  }
}

TEST(Trend, depends_on_the_order_alone) {
  const Groups groups{{9.0, 7.0, 3.0}, {8.0, 2.0}, {5.0, 1.0, 0.5}};
  const double p = decreasing_trend_p_value(groups);
  EXPECT_LT(p, 1.0);
  EXPECT_EQ(decreasing_trend_p_value({{3.0, 9.0, 7.0}, {2.0, 8.0}, {0.5, 5.0, 1.0}}), p);
  Groups logarithms = groups;
  for (auto& group : logarithms)
    for (double& value : group) value = std::log(value);
  EXPECT_EQ(decreasing_trend_p_value(logarithms), p);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(decreasing_trend_p_value({{infinity, 7.0, 3.0}, {8.0, 2.0}, {5.0, 1.0, -infinity}}), p);
  EXPECT_GT(decreasing_trend_p_value({groups[1], groups[0], groups[2]}), p) << "the order of the groups matters";
}

TEST(Trend, of_large_groups_is_small_and_positive) {
  Groups groups;
  for (int g = 0; g < 8; ++g) {
    groups.emplace_back();
    for (int i = 0; i < 200; ++i) groups.back().push_back(static_cast<double>((i * 7919 + g * 104729) % 1000) - 30.0 * g);
  }
  const auto [wrong, all] = pairs_of(groups);
  const double z = (all / 2.0 - wrong) / std::sqrt(variance_without_ties(groups));
  const double p = decreasing_trend_p_value(groups);
  EXPECT_GT(p, 0.0);
  EXPECT_LE(p, std::exp(-0.5 * z * z) * (1.0 + 1e-9)) << z;  // 1600 terms and logarithms up to 64·10⁴
  EXPECT_GT(p, normal_approximation(groups) / 100.0) << z;
}

TEST(Trend, rejects_what_has_no_order) {
  EXPECT_THROW((void)decreasing_trend_p_value({}), InputError);
  EXPECT_THROW((void)decreasing_trend_p_value({{1.0, 2.0}}), InputError);
  EXPECT_THROW((void)decreasing_trend_p_value({{1.0}, {}, {2.0}}), InputError);
  EXPECT_THROW((void)decreasing_trend_p_value({{1.0}, {std::nan("")}}), InputError);
  EXPECT_THROW((void)smallest_trend_p_value({3}), InputError);
  EXPECT_THROW((void)smallest_trend_p_value({3, 0}), InputError);
}

}  // namespace
}  // namespace slicecheck
