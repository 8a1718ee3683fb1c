#include "slicecheck/statistics/trend.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "slicecheck/core/error.h"

namespace slicecheck {

// Why E q^W is at most the product, for 0 < q < 1.
//
// Exchangeable, no equal values: write the values in the order of their groups. Their rank permutation is uniform, and its non-inversions are W and those
// inside each group. The order inside a group is uniform and independent of the orders inside the others and of which ranks each group holds, on which W
// depends. Of n values in uniform order the i-th makes 0, …, i − 1 non-inversions with those before it, equally likely and independent of the others': the
// generating function is G_n = Π_{i≤n} (1 − q^i)/(i(1 − q)). So G_N = E q^W · Π_g G_{n_g}.
//
// Exchangeable, with equal values: break them by an independent uniform order. The broken W' has the law above and E[W' | values] = W; by Jensen
// E q^W ≤ E q^{W'}.
//
// Independent, X in group g with distribution function F_g, F_1 ≥ F_2 ≥ … (stochastically no smaller): U = F_g(X−) + V(F_g(X) − F_g(X−)), V uniform, is uniform
// and X = F_g^{−1}(U). Let W_U be the W of the U, which has the law above. For x earlier and y later: U_x < U_y gives x ≤ y. If x = y, then U_x is uniform on
// an interval neither of whose ends lies below that of U_y, so that U_x < U_y has probability ≤ 1/2. So E[W_U | values] ≤ W, and E q^W ≤ E q^{W_U} by Jensen
// again.
//
// P(W ≤ w) ≤ q^{−w} E q^W for every q, whichever the minimisation finds.
//
// Why p ≤ exp(−z²/2): W is a sum over groups g of independent Mann–Whitney counts of g against all later values (Terpstra). For m against n values
// E e^{λ(mn/2 − W)} = Π_{i≤m} [sinh((n+i)y)/((n+i)y)] / [sinh(iy)/(iy)], y = λ/2. With sinh(x)/x = Π_k (1 + x²/(kπ)²) and (1 + aA)/(1 + aB) ≤ e^{a(A−B)} for A
// ≥ B ≥ 0 it is at most exp(λ²/24 · Σ_i ((n+i)² − i²)), whose exponent is λ²/2 times the variance. λ = z/σ.

namespace {

/// W of the docstring. Exact: a whole number of halves.
double wrong_pairs(const std::vector<std::vector<double>>& groups) {
  std::vector<std::pair<double, std::size_t>> pooled;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const double value : groups[g]) pooled.emplace_back(value, g);
  std::sort(pooled.begin(), pooled.end());
  std::vector<double> below(groups.size(), 0.0);  // of each group, smaller than the present block of equal values
  std::vector<double> equal(groups.size(), 0.0);
  double wrong = 0.0;
  for (std::size_t first = 0; first < pooled.size();) {
    std::fill(equal.begin(), equal.end(), 0.0);
    std::size_t end = first;
    for (; end < pooled.size() && pooled[end].first == pooled[first].first; ++end) equal[pooled[end].second] += 1.0;
    double earlier = 0.0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      wrong += equal[g] * earlier;
      earlier += below[g] + 0.5 * equal[g];
    }
    for (std::size_t g = 0; g < groups.size(); ++g) below[g] += equal[g];
    first = end;
  }
  return wrong;
}

/// Entry i − 1 is the power c_i of (1 − q^i)/i in E q^W: 1 less one for every group of at least i values. They add up to 0.
std::vector<double> powers(const std::vector<std::size_t>& sizes) {
  std::size_t total = 0;
  for (const std::size_t size : sizes) total += size;
  std::vector<double> power(total, 1.0);
  for (const std::size_t size : sizes)
    for (std::size_t i = 0; i < size; ++i) power[i] -= 1.0;
  return power;
}

/// ln(q^{−wrong} E q^W), q = e^{−rate}.
double log_bound(const std::vector<double>& power, double wrong, double rate) {
  double sum = rate * wrong;
  for (std::size_t k = 0; k < power.size(); ++k) {
    const double i = static_cast<double>(k) + 1.0;
    if (power[k] != 0.0) sum += power[k] * std::log(-std::expm1(-i * rate) / i);
  }
  return sum;
}

/// The derivative of `log_bound` in the rate, which grows with it.
double log_bound_slope(const std::vector<double>& power, double wrong, double rate) {
  double sum = wrong;
  for (std::size_t k = 0; k < power.size(); ++k) {
    const double i = static_cast<double>(k) + 1.0;
    if (power[k] != 0.0) sum += power[k] * i / std::expm1(i * rate);
  }
  return sum;
}

void check_sizes(const std::vector<std::size_t>& sizes) {
  if (sizes.size() < 2) reject("trend: {} groups; at least 2 are needed", sizes.size());
  for (std::size_t g = 0; g < sizes.size(); ++g)
    if (sizes[g] == 0) reject("trend: group {} holds no values; at least one is needed", g);
}

}  // namespace

double decreasing_trend_p_value(const std::vector<std::vector<double>>& groups) {
  std::vector<std::size_t> sizes;
  for (const auto& group : groups) sizes.push_back(group.size());
  check_sizes(sizes);
  double before = 0.0;
  double pairs = 0.0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t i = 0; i < sizes[g]; ++i)
      if (std::isnan(groups[g][i])) reject("trend: value {} of group {} is {}; it has no place in an order", i, g, groups[g][i]);
    pairs += before * static_cast<double>(sizes[g]);
    before += static_cast<double>(sizes[g]);
  }
  const double wrong = wrong_pairs(groups);
  if (wrong >= pairs / 2.0) return 1.0;
  const std::vector<double> power = powers(sizes);
  // At the rate 64 the bound is its limit to a factor 1 + e^{−64}·N; halving 60 times leaves 64·2^{−60}.
  double low = 0.0;
  double high = 64.0;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2.0;
    (log_bound_slope(power, wrong, middle) < 0.0 ? low : high) = middle;
  }
  return std::exp(std::min(0.0, log_bound(power, wrong, high)));
}

double smallest_trend_p_value(const std::vector<std::size_t>& sizes) {
  check_sizes(sizes);
  return std::exp(std::min(0.0, log_bound(powers(sizes), 0.0, 64.0)));
}

}  // namespace slicecheck
