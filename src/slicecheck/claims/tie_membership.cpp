#include "slicecheck/claims/tie_membership.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr double kDouble = tolerance::unit_roundoff<double>();

std::vector<Index> sorted_rows(const Eigen::VectorXd& values) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return values[i] < values[j]; });
  return order;
}

Eigen::VectorXd ascending(Eigen::VectorXd values) {
  std::sort(values.begin(), values.end());
  return values;
}

/// The largest a_j − a_i over pairs with m_i above m_j beyond their errors although a_i < a_j; 0 where there is none.
double worst_inversion(const Slice& slice, const Eigen::VectorXd& m) {
  double worst = 0.0;
  for (Index i = 0; i < slice.n(); ++i)
    for (Index j = 0; j < slice.n(); ++j)
      if (m[i] > m[j] + 2.0 * slice.target_error()) worst = std::max(worst, slice.a[j] - slice.a[i]);
  return worst;
}

/// Rado's inequalities within one run, as the worst ratio to the slack: the sum of the j largest m's is at most that of the j largest b's, with equality in
/// all.
double majorisation_ratio(const Slice& slice, const Eigen::VectorXd& m, std::pair<Index, Index> run) {
  const Index size = run.second - run.first;
  Eigen::VectorXd mine(size);
  for (Index i = 0; i < size; ++i) mine[i] = m[slice.order[static_cast<std::size_t>(run.first + i)]];
  std::sort(mine.begin(), mine.end());
  const double slack = slice.target_error() + slice.delta;
  double excess = 0.0;
  double ratio = 0.0;
  for (Index j = 1; j <= size; ++j) {
    excess += mine[size - j] - slice.b[run.second - j];
    const double signed_ratio = excess / (static_cast<double>(j) * slack);
    ratio = std::max(ratio, j == size ? std::abs(signed_ratio) : signed_ratio);
  }
  return ratio;
}

}  // namespace

double Slice::target_error() const {
  // m = a − (n/2)θ·g/‖θ‖²: the subject's gap errs by at most δ, its gradient by at most d + 8 roundings of a number below `size`, our own sums by d + 8 in
  // double.
  const double products = static_cast<double>(theta.size()) + 8.0;
  return delta + (tolerance::gamma(products, unit_roundoff) + tolerance::gamma(products, kDouble)) * size;
}

std::vector<std::pair<Index, Index>> Slice::runs(double width) const {
  std::vector<std::pair<Index, Index>> out;
  Index begin = 0;
  for (Index i = 1; i <= n(); ++i) {
    if (i < n() && a[order[static_cast<std::size_t>(i)]] - a[order[static_cast<std::size_t>(i - 1)]] <= width) continue;
    out.emplace_back(begin, i);
    begin = i;
  }
  return out;
}

Slice slice_of(const LossSubject& subject, const Points<double>& z, const Points<double>& y, const Eigen::RowVectorXd& theta, double moved) {
  Slice slice;
  slice.theta = theta;
  slice.a = z * theta.transpose();
  slice.b = ascending(y * theta.transpose());
  slice.order = sorted_rows(slice.a);
  slice.size = largest_norm(z) + largest_norm(y);
  slice.unit_roundoff = subject.unit_roundoff;
  slice.delta = tolerance::gap(z.cols(), slice.size, subject.unit_roundoff) + tolerance::gamma(static_cast<double>(z.cols()) + 2.0, kDouble) * slice.size +
                moved + std::numeric_limits<double>::min();
  return slice;
}

Eigen::VectorXd matched_targets(const Slice& slice, const Points<double>& gradient) {
  return slice.a - (0.5 * static_cast<double>(slice.n()) / slice.theta.squaredNorm()) * (gradient * slice.theta.transpose());
}

Judgement judge_membership(const Slice& slice, const Points<double>& gradient) {
  Judgement judgement;
  judgement.allowed = 1.0;
  if (!gradient.allFinite()) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    return judgement;
  }
  const Eigen::VectorXd m = matched_targets(slice, gradient);
  const Points<double> along = gradient_of_targets(slice, m);
  const double across = 0.5 * static_cast<double>(slice.n()) * (gradient - along).rowwise().norm().maxCoeff();
  judgement.observed = across / slice.target_error();
  const bool matching = (ascending(m) - slice.b).cwiseAbs().maxCoeff() <= slice.target_error();
  if (matching) {
    judgement.observed = std::max(judgement.observed, worst_inversion(slice, m) / (2.0 * slice.delta));
    return judgement;
  }
  for (const auto& run : slice.runs(2.0 * slice.delta)) {
    if (run.second - run.first > kLargestCluster) {
      judgement.skipped = fmt::format("an averaged gradient on a cluster of more than {} points", kLargestCluster);
      return judgement;
    }
    judgement.observed = std::max(judgement.observed, majorisation_ratio(slice, m, run));
  }
  return judgement;
}

Points<double> tie_vertices(const Slice& slice, const std::vector<std::pair<Index, Index>>& runs, Index most) {
  std::vector<std::vector<Index>> orders;  // of ranks: position in `order` → rank of the target
  std::vector<Index> identity(static_cast<std::size_t>(slice.n()));
  std::iota(identity.begin(), identity.end(), Index{0});
  orders.push_back(identity);
  for (const auto& [begin, end] : runs) {
    const auto previous = std::move(orders);
    orders.clear();
    for (std::vector<Index> order : previous) {
      const auto first = order.begin() + begin;
      const auto last = order.begin() + end;
      do {
        orders.push_back(order);
        if (static_cast<Index>(orders.size()) > most) reject("more than {} vertices at this tie", most);
      } while (std::next_permutation(first, last));
    }
  }
  Points<double> vertices(static_cast<Index>(orders.size()), slice.n());
  for (std::size_t v = 0; v < orders.size(); ++v)
    for (std::size_t position = 0; position < identity.size(); ++position)
      vertices(static_cast<Index>(v), slice.order[position]) = slice.b[orders[v][position]];
  return vertices;
}

Points<double> gradient_of_targets(const Slice& slice, const Eigen::VectorXd& targets) {
  return (2.0 / static_cast<double>(slice.n())) * (slice.a - targets) * slice.theta;
}

Eigen::VectorXd extreme_targets(const Slice& slice, const Eigen::VectorXd& along, bool alike) {
  Eigen::VectorXd targets(slice.n());
  for (const auto& [begin, end] : slice.runs(0.0)) {
    std::vector<Index> rows(slice.order.begin() + begin, slice.order.begin() + end);
    std::stable_sort(rows.begin(), rows.end(), [&](Index i, Index j) { return alike ? along[i] < along[j] : along[i] > along[j]; });
    for (std::size_t r = 0; r < rows.size(); ++r) targets[rows[r]] = slice.b[begin + static_cast<Index>(r)];
  }
  return targets;
}

}  // namespace slicecheck
