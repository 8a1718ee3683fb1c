#pragma once
/// Assertions about random numbers, each with its probability of failing although the statement is true.
///
/// A whole run may fail by chance with probability 10⁻⁶: at most 100 assertions at 10⁻⁸ each (union bound), counted as they are made. An assertion over m
/// numbers asks every one of them at 10⁻⁸ / m. All bounds hold for every sample size, unless their comment says otherwise. No retries.

#include <vector>

namespace slicecheck::testing {

constexpr int kLargestNumberOfAssertions = 100;
constexpr double kFalseAlarm = 1e-8;

/// The level of one assertion; counts it.
double spend_false_alarm();

/// How many assertions have been made so far.
int assertions_spent();

/// Largest distance between the distribution function of n values in [0, 1] and that of the uniform law: what `kolmogorov_smirnov_bound` bounds. A law with a
/// continuous distribution function is tested by passing its values through that function first.
double kolmogorov_smirnov_distance(std::vector<double> values);

/// P(distance of n values > bound) ≤ failure: √(ln(2/failure)/(2n)) (Dvoretzky, Kiefer, Wolfowitz; Massart's constant).
double kolmogorov_smirnov_bound(double n, double failure);

/// The counts that a binomial law leaves with probability ≤ failure in all, failure/2 a side. Exact.
struct CountRange {
  double low;
  double high;
  [[nodiscard]] bool contains(double count) const { return low <= count && count <= high; }
};
CountRange binomial_range(double trials, double probability, double failure);

/// The values that χ² with so many degrees of freedom leaves with probability failure, failure/2 a side.
CountRange chi_squared_range(double degrees_of_freedom, double failure);

/// |mean of n standard normals| exceeds this with probability failure.
double normal_mean_bound(double n, double failure);

}  // namespace slicecheck::testing
