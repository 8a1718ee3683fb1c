/// Clopper–Pearson: against closed forms, against its definition, and by its exact coverage.

#include "slicecheck/statistics/binomial.h"

#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

TEST(ClopperPearson, has_closed_forms_at_the_ends) {
  // k = 0: (1 − high)ⁿ = a; k = n: lowⁿ = a; a = (1 − confidence)/2. Relative accuracy of the inverse incomplete beta: about 10⁻¹⁴.
  for (const double n : {1.0, 7.0, 60.0, 2000.0}) {
    const double root = std::pow(0.025, 1.0 / n);
    const Interval none = clopper_pearson(0.0, n, 0.95);
    EXPECT_EQ(none.low, 0.0);
    EXPECT_TRUE(std::abs(none.high - (1.0 - root)) <= 1e-12) << n << ' ' << none.high;
    const Interval all = clopper_pearson(n, n, 0.95);
    EXPECT_EQ(all.high, 1.0);
    EXPECT_TRUE(std::abs(all.low - root) <= 1e-12) << n << ' ' << all.low;
  }
}

TEST(ClopperPearson, is_in_the_tables) {
  // 10 of 20: [0.2720, 0.7280]; 1 of 10: [0.0025, 0.4450].
  const Interval half = clopper_pearson(10.0, 20.0, 0.95);
  EXPECT_NEAR(half.low, 0.2720, 5e-5);
  EXPECT_NEAR(half.high, 0.7280, 5e-5);
  const Interval one = clopper_pearson(1.0, 10.0, 0.95);
  EXPECT_NEAR(one.low, 0.0025, 5e-5);
  EXPECT_NEAR(one.high, 0.4450, 5e-5);
}

TEST(ClopperPearson, ends_where_the_tails_do) {
  for (const double n : {5.0, 40.0, 500.0})
    for (double k = 1.0; k < n; k += std::ceil(n / 7.0)) {
      const Interval interval = clopper_pearson(k, n, 0.99);
      EXPECT_TRUE(interval.low < k / n && k / n < interval.high);
      const double upper = boost::math::cdf(boost::math::complement(boost::math::binomial(n, interval.low), k - 1.0));
      const double lower = boost::math::cdf(boost::math::binomial(n, interval.high), k);
      EXPECT_TRUE(std::abs(upper - 0.005) <= 1e-12) << k << " of " << n << ": " << upper;
      EXPECT_TRUE(std::abs(lower - 0.005) <= 1e-12) << k << " of " << n << ": " << lower;
      const Interval mirrored = clopper_pearson(n - k, n, 0.99);
      EXPECT_TRUE(std::abs(mirrored.low - (1.0 - interval.high)) <= 1e-12);
    }
}

/// Smallest coverage over a grid of p, exact: Σ_k P(K = k)·[p in the interval of k].
template <class IntervalOf>
double smallest_coverage(double n, const IntervalOf& interval_of) {
  double smallest = 1.0;
  for (int i = 1; i < 400; ++i) {
    const double p = static_cast<double>(i) / 400.0;
    double covered = 0.0;
    for (double k = 0.0; k <= n; k += 1.0) {
      const Interval interval = interval_of(k);
      if (interval.low <= p && p <= interval.high) covered += boost::math::pdf(boost::math::binomial(n, p), k);
    }
    smallest = std::min(smallest, covered);
  }
  return smallest;
}

TEST(ClopperPearson, covers_at_least_nominally_for_every_probability) {
  for (const double n : {3.0, 20.0, 60.0}) {
    const double coverage = smallest_coverage(n, [n](double k) { return clopper_pearson(k, n, 0.95); });
    EXPECT_TRUE(coverage >= 0.95 - 1e-12) << n << ": " << coverage;
  }
}

TEST(ClopperPearson, the_test_of_the_coverage_refuses_the_normal_approximation) {
  const double coverage = smallest_coverage(60.0, [](double k) {
    const double p = k / 60.0;
    const double half = 1.959964 * std::sqrt(p * (1.0 - p) / 60.0);
    return Interval{p - half, p + half};
  });
  EXPECT_LT(coverage, 0.9);
}

TEST(BinomialUpperTail, is_a_sum) {
  // P(K ≥ 2) of binomial(3, 1/4) = 3·(1/16)·(3/4) + 1/64 = 10/64.
  EXPECT_NEAR(binomial_upper_tail(2.0, 3.0, 0.25), 10.0 / 64.0, 1e-15);
  EXPECT_EQ(binomial_upper_tail(0.0, 3.0, 0.25), 1.0);
  EXPECT_EQ(binomial_upper_tail(0.0, 3.0, 0.0), 1.0);
  EXPECT_EQ(binomial_upper_tail(1.0, 3.0, 0.0), 0.0);
  EXPECT_EQ(binomial_upper_tail(3.0, 3.0, 1.0), 1.0);
  // Far out nothing is lost: P(K = 40 of 40) at 1/2 is 2⁻⁴⁰.
  EXPECT_NEAR(binomial_upper_tail(40.0, 40.0, 0.5) * 0x1p40, 1.0, 1e-12);
}

TEST(Binomial, rejects_what_are_no_counts) {
  for (const auto& [k, n] : {std::pair{-1.0, 5.0}, {6.0, 5.0}, {0.5, 5.0}, {0.0, 0.0}, {1.0, std::nan("")}, {std::nan(""), 5.0}}) {
    EXPECT_THROW(clopper_pearson(k, n, 0.95), InputError) << k << ' ' << n;
    EXPECT_THROW(binomial_upper_tail(k, n, 0.5), InputError) << k << ' ' << n;
  }
  for (const double confidence : {0.0, 1.0, -0.5, std::nan("")}) EXPECT_THROW(clopper_pearson(1.0, 2.0, confidence), InputError) << confidence;
  for (const double probability : {-0.1, 1.1, std::nan("")}) EXPECT_THROW(binomial_upper_tail(1.0, 2.0, probability), InputError) << probability;
}

}  // namespace
}  // namespace slicecheck
