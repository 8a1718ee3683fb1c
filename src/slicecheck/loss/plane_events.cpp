#include "slicecheck/loss/plane_events.h"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <numeric>

#include "slicecheck/loss/plane_exact.h"
#include "slicecheck/loss/plane_slabs.h"

namespace slicecheck {

using plane::exact_product;
using plane::exact_sum;
using plane::far_from_underflow;
using plane::TwoDoubles;

namespace {

int sign(double value) { return (value > 0.0 ? 1 : 0) - (value < 0.0 ? 1 : 0); }

/// A sum of doubles kept without error, as terms that do not overlap and grow in magnitude; adding one term is a chain of exact sums.
class ExactSum {
 public:
  void add(double term) {
    std::size_t kept = 0;
    for (std::size_t t = 0; t < count_; ++t) {
      const TwoDoubles sum = exact_sum(term, terms_[t]);
      if (sum.low != 0.0) terms_[kept++] = sum.low;
      term = sum.high;
    }
    if (term != 0.0) terms_[kept++] = term;
    count_ = kept;
  }

  /// ± a·b, with a and b sums of two doubles.
  void add_product(const TwoDoubles& a, const TwoDoubles& b, double factor) {
    for (const double left : {a.low, a.high}) {
      for (const double right : {b.low, b.high}) {
        const TwoDoubles product = exact_product(left, right);
        add(factor * product.low);
        add(factor * product.high);
      }
    }
  }

  /// The term of largest magnitude exceeds the sum of the others.
  [[nodiscard]] int sign_of_sum() const { return count_ == 0 ? 0 : sign(terms_[count_ - 1]); }

 private:
  std::array<double, 16> terms_{};
  std::size_t count_ = 0;
};

using Integer = boost::multiprecision::cpp_int;

/// 2^1126·x, which is an integer for every double.
Integer scaled(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  const Integer digits(static_cast<std::int64_t>(std::ldexp(fraction, 53)));
  // x is a multiple of 2^−1074 and its 53 digits may hang 52 below that.
  return digits << static_cast<unsigned>(exponent - 53 + 1126);
}

int integer_cross_sign(const PlanePoint& a, const PlanePoint& b, const PlanePoint& c, const PlanePoint& d) {
  const auto difference = [](double to, double from) { return Integer(scaled(to) - scaled(from)); };
  const Integer cross = difference(b.x, a.x) * difference(d.y, c.y) - difference(b.y, a.y) * difference(d.x, c.x);
  return cross.sign();
}

}  // namespace

int cross_sign(const PlanePoint& a, const PlanePoint& b, const PlanePoint& c, const PlanePoint& d) {
  const TwoDoubles left_x = exact_sum(b.x, -a.x);
  const TwoDoubles left_y = exact_sum(b.y, -a.y);
  const TwoDoubles right_x = exact_sum(d.x, -c.x);
  const TwoDoubles right_y = exact_sum(d.y, -c.y);
  if (!far_from_underflow(left_x) || !far_from_underflow(left_y) || !far_from_underflow(right_x) || !far_from_underflow(right_y))
    return integer_cross_sign(a, b, c, d);
  if (left_x.low == 0.0 && left_y.low == 0.0 && right_x.low == 0.0 && right_y.low == 0.0) {
    // Rounding is monotone: the rounded products decide unless they are equal, and then what they lost does.
    const TwoDoubles one = exact_product(left_x.high, right_y.high);
    const TwoDoubles other = exact_product(left_y.high, right_x.high);
    return one.high != other.high ? sign(one.high - other.high) : sign(one.low - other.low);
  }
  ExactSum cross;
  cross.add_product(left_x, right_y, 1.0);
  cross.add_product(left_y, right_x, -1.0);
  return cross.sign_of_sum();
}

PlaneClouds::PlaneClouds(PointsView<double> z, PointsView<double> y) : size_(static_cast<std::uint32_t>(z.rows())) {
  points_.reserve(2 * std::size_t{size_});
  rows_.reserve(2 * std::size_t{size_});
  add_cloud(z);
  add_cloud(y);
}

void PlaneClouds::add_cloud(PointsView<double> cloud) {
  std::vector<Index> order(static_cast<std::size_t>(cloud.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index i, Index j) {
    if (cloud(i, 0) != cloud(j, 0)) return cloud(i, 0) < cloud(j, 0);
    if (cloud(i, 1) != cloud(j, 1)) return cloud(i, 1) < cloud(j, 1);
    return i < j;
  });
  for (const Index row : order) {
    points_.push_back({cloud(row, 0), cloud(row, 1)});
    rows_.push_back(row);
  }
}

PlaneEvents::PlaneEvents(PointsView<double> z, PointsView<double> y) : PlaneClouds(z, y) {
  PlaneSlabs slabs(*this);
  while (slabs.next()) events_.insert(events_.end(), slabs.events().begin(), slabs.events().end());
}

std::size_t PlaneEvents::group_end(std::size_t first) const {
  std::size_t end = first + 1;
  while (end < events_.size() && compare(events_[first], events_[end]) == 0) ++end;
  return end;
}

}  // namespace slicecheck
