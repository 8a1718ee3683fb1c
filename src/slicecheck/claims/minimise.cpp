#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"

namespace slicecheck {

namespace {

Points<double> without_row(const Points<double>& points, Index row) {
  Points<double> out(points.rows() - 1, points.cols());
  out.topRows(row) = points.topRows(row);
  out.bottomRows(points.rows() - 1 - row) = points.bottomRows(points.rows() - 1 - row);
  return out;
}

LossCase without_point(LossCase c, Index k) {
  for (Points<double>* cloud : {&c.z, &c.y, &c.w}) *cloud = without_row(*cloud, k);
  std::vector<Index> order;
  for (const Index i : c.order)
    if (i != k) order.push_back(i > k ? i - 1 : i);
  c.order = std::move(order);
  return c;
}

Points<double> without_column(const Points<double>& points, Index column) {
  Points<double> out(points.rows(), points.cols() - 1);
  out.leftCols(column) = points.leftCols(column);
  out.rightCols(points.cols() - 1 - column) = points.rightCols(points.cols() - 1 - column);
  return out;
}

LossCase without_coordinate(LossCase c, Index j) {
  for (Points<double>* cloud : {&c.z, &c.y, &c.w, &c.theta}) *cloud = without_column(*cloud, j);
  c.v = without_column(Points<double>(c.v), j).row(0);
  return c;
}

LossCase without_direction(LossCase c, Index l) {
  c.theta = without_row(c.theta, l);
  return c;
}

/// The numbers of a case that may be made rounder; directions stay unit vectors, so they are only replaced whole, by axes.
std::vector<double*> free_numbers(LossCase& c) {
  std::vector<double*> numbers{&c.s};
  for (Points<double>* cloud : {&c.z, &c.y, &c.w})
    for (Index i = 0; i < cloud->size(); ++i) numbers.push_back(cloud->data() + i);
  for (Index j = 0; j < c.v.size(); ++j) numbers.push_back(c.v.data() + j);
  return numbers;
}

class Minimiser {
 public:
  Minimiser(const LossCheck& check, const LossSubject& subject, LossCase c, int attempts)
      : check_(check), subject_(subject), best_(std::move(c)), attempts_(attempts) {}

  LossCase operator()() {
    // Rounder numbers may let another point go, so all of it again until nothing shrinks.
    for (Index size = -1; size != best_.n() + best_.theta.rows() && attempts_ > 0;) {
      size = best_.n() + best_.theta.rows();
      for (bool smaller = true; smaller && attempts_ > 0;) {
        smaller = drop_points();
        smaller = drop_directions() || smaller;
      }
      simplify_directions();
      drop_coordinates();
      simplify_numbers();
      simplify_case_number();
      drop_points();
    }
    return best_;
  }

 private:
  /// Keeps the candidate if the check still refuses it.
  bool accept(const LossCase& candidate) {
    if (attempts_-- <= 0) return false;
    const LossCase c = rounded_case(subject_, candidate);
    if (!judge(check_, subject_, c).refutes()) return false;
    best_ = c;
    return true;
  }

  bool drop_points() {
    bool any = false;
    for (Index k = best_.n() - 1; k >= 0 && best_.n() > 1; --k) any = accept(without_point(best_, k)) || any;
    return any;
  }

  bool drop_directions() {
    bool any = false;
    for (Index l = best_.theta.rows() - 1; l >= 0 && best_.theta.rows() > 1; --l) any = accept(without_direction(best_, l)) || any;
    return any;
  }

  /// Coordinates that no direction looks at: what is left of every direction stays a unit vector.
  void drop_coordinates() {
    for (Index j = best_.d() - 1; j >= 0 && best_.d() > check_.limits.least_dimension; --j)
      if ((best_.theta.col(j).array() == 0.0).all()) accept(without_coordinate(best_, j));
  }

  void simplify_directions() {
    for (Index l = 0; l < best_.theta.rows(); ++l)
      for (Index j = 0; j < best_.d(); ++j) {
        LossCase candidate = best_;
        candidate.theta.row(l).setZero();
        candidate.theta(l, j) = 1.0;
        if (accept(candidate)) break;
      }
  }

  void simplify_numbers() {
    const std::size_t count = free_numbers(best_).size();
    for (std::size_t i = 0; i < count; ++i) {
      const double value = *free_numbers(best_)[i];
      for (const double rounder : {0.0, 1.0, std::round(value), std::round(value * 4.0) / 4.0}) {
        if (rounder == value) break;
        LossCase candidate = best_;
        double* number = free_numbers(candidate)[i];
        *number = rounder;
        if (candidate.s > 0.0 && accept(candidate)) break;
      }
    }
  }

  void simplify_case_number() {
    for (std::uint64_t number = 0; number < std::min<std::uint64_t>(4, best_.number); ++number) {
      LossCase candidate = best_;
      candidate.number = number;
      if (accept(candidate)) break;
    }
  }

  const LossCheck& check_;
  const LossSubject& subject_;
  LossCase best_;
  int attempts_;
};

}  // namespace

LossCase minimise(const LossCheck& check, const LossSubject& subject, LossCase c, int attempts) { return Minimiser(check, subject, std::move(c), attempts)(); }

}  // namespace slicecheck
