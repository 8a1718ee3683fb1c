#include "slicecheck/loss/expected_loss.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr double kPi = std::numbers::pi;

void check_probabilities(const char* what, const std::vector<double>& probabilities) {
  if (probabilities.empty()) reject("expected loss: the {} has no atoms", what);
  double sum = 0.0;
  for (const double p : probabilities) {
    if (!std::isfinite(p) || !(p > 0.0)) reject("expected loss: a probability of the {} is {}; it must be finite and positive", what, p);
    sum += p;
  }
  if (!(std::abs(sum - 1.0) <= 1e-9)) reject("expected loss: the probabilities of the {} add up to {}; they must add up to 1", what, sum);
}

bool all_equal(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
}

/// θ·(every row). A plain sum for each, so that equal rows have equal projections to the bit; a blocked product does not promise that.
template <class Theta>
void project(PointsView<double> points, const Theta& theta, Eigen::VectorXd& out) {
  out.setZero(points.rows());
  for (Index k = 0; k < points.rows(); ++k)
    for (Index j = 0; j < points.cols(); ++j) out[k] += points(k, j) * theta[j];
}

Eigen::VectorXd projections(PointsView<double> points, const Eigen::VectorXd& theta) {
  Eigen::VectorXd out;
  project(points, theta, out);
  return out;
}

void check_order(const std::vector<Index>& order, std::size_t atoms) {
  std::vector<bool> seen(atoms, false);
  for (const Index a : order) {
    if (a < 0 || a >= static_cast<Index>(atoms) || seen[static_cast<std::size_t>(a)])
      reject("expected loss: atom {} is out of range or comes twice in an order of {} atoms", a, atoms);
    seen[static_cast<std::size_t>(a)] = true;
  }
}

/// Atoms by ascending projection; equal ones by number. From any order of them: fast from one that is nearly it.
void sort_by(const Eigen::VectorXd& projections, std::vector<Index>& order) {
  const auto before = [&](Index a, Index b) { return projections[a] != projections[b] ? projections[a] < projections[b] : a < b; };
  if (order.size() > 64) {
    std::sort(order.begin(), order.end(), before);
    return;
  }
  for (std::size_t k = 1; k < order.size(); ++k) {
    const Index atom = order[k];
    std::size_t place = k;
    for (; place > 0 && before(atom, order[place - 1]); --place) order[place] = order[place - 1];
    order[place] = atom;
  }
}

std::vector<Index> sorted_by(const Eigen::VectorXd& projections) {
  std::vector<Index> order(static_cast<std::size_t>(projections.size()));
  std::iota(order.begin(), order.end(), Index{0});
  sort_by(projections, order);
  return order;
}

/// The angle φ in [0, π) where two points with difference v have equal projections on (cos φ, sin φ).
double angle_of_tie(double x, double y) {
  const double phi = std::atan2(-x, y);  // (cos φ, sin φ) ∝ (y, −x)
  const double in_range = phi < 0.0 ? phi + kPi : phi;
  return in_range >= kPi ? 0.0 : in_range;
}

void add_tie_angles(PointsView<double> points, std::vector<double>& angles) {
  for (Index a = 0; a < points.rows(); ++a)
    for (Index b = a + 1; b < points.rows(); ++b) {
      const double x = points(b, 0) - points(a, 0);
      const double y = points(b, 1) - points(a, 1);
      if (x != 0.0 || y != 0.0) angles.push_back(angle_of_tie(x, y));
    }
}

/// P(Binomial(n, p) ≥ k), k = 1, …, n: sums of the weights from k = n down, or incomplete beta functions where the weights could underflow.
void fill_tail(Eigen::Ref<Eigen::VectorXd> out, Index n, double p) {
  const auto count = static_cast<double>(n);
  const double least = std::pow(1.0 - p, count);
  if (!(least > 1e-200) || !(std::pow(p, count) > 1e-200)) {
    for (Index k = 1; k <= n; ++k) out[k - 1] = boost::math::ibeta(static_cast<double>(k), count - static_cast<double>(k) + 1.0, p);
    return;
  }
  double weight = least;
  for (Index k = 1; k <= n; ++k) {
    weight *= (count - static_cast<double>(k) + 1.0) / static_cast<double>(k) * (p / (1.0 - p));
    out[k - 1] = weight;
  }
  for (Index k = n - 1; k >= 1; --k) out[k - 1] += out[k];
}

/// Blocks of positions whose atoms lie at one place: each atom's row of G becomes its share, by probability, of the block's sum.
template <class Same>
void share_rows(Eigen::MatrixXd& matching, const std::vector<Index>& order, const std::vector<double>& p, const Same& same) {
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && same(order[begin], order[end])) ++end;
    if (end > begin + 1) {
      Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(matching.cols());
      double mass = 0.0;
      for (std::size_t j = begin; j < end; ++j) {
        sum += matching.row(order[j]);
        mass += p[static_cast<std::size_t>(order[j])];
      }
      for (std::size_t j = begin; j < end; ++j) matching.row(order[j]) = (p[static_cast<std::size_t>(order[j])] / mass) * sum;
    }
    begin = end;
  }
}

}  // namespace

ExpectedLoss::ExpectedLoss(std::vector<double> source_probabilities, Points<double> targets, std::vector<double> target_probabilities, Index n)
    : p_(std::move(source_probabilities)), targets_(std::move(targets)), q_(std::move(target_probabilities)), n_(n) {
  if (targets_.cols() != 1 && targets_.cols() != 2)
    reject("expected loss: the targets have dimension {}; the average over all directions is exact for 1 and 2", targets_.cols());
  prepare();
}

ExpectedLoss::ExpectedLoss(std::vector<double> source_probabilities, Points<double> targets, std::vector<double> target_probabilities, Index n,
                           Points<double> directions)
    : p_(std::move(source_probabilities)), targets_(std::move(targets)), q_(std::move(target_probabilities)), n_(n), directions_(std::move(directions)) {
  if (directions_->rows() < 1 || directions_->cols() != targets_.cols() || !directions_->allFinite())
    reject("expected loss: the directions are {} × {}; expected at least one finite row of {} entries", directions_->rows(), directions_->cols(),
           targets_.cols());
  prepare();
}

void ExpectedLoss::prepare() {
  check_probabilities("source", p_);
  check_probabilities("target", q_);
  if (n_ < 1) reject("expected loss: the batch size is {}; it must be at least 1", n_);
  if (targets_.rows() != static_cast<Index>(q_.size())) reject("expected loss: there are {} targets and {} probabilities", targets_.rows(), q_.size());
  if (!targets_.allFinite()) reject("expected loss: the targets have an entry that is not finite");
  uniform_ = all_equal(p_) && all_equal(q_);
  if (uniform_) {
    std::vector<Index> source(p_.size());
    std::vector<Index> target(q_.size());
    std::iota(source.begin(), source.end(), Index{0});
    std::iota(target.begin(), target.end(), Index{0});
    by_position_ = matching_by_position(source, target);
  }
  if (directions_) {
    for (Index l = 0; l < directions_->rows(); ++l) target_orders_.push_back(sorted_by(projections(targets_, directions_->row(l).transpose())));
  } else if (dimension() == 1) {
    target_orders_.push_back(sorted_by(targets_.col(0)));
  } else {
    add_tie_angles(targets_, target_angles_);
    std::sort(target_angles_.begin(), target_angles_.end());
  }
}

Eigen::MatrixXd ExpectedLoss::tails(const std::vector<double>& probabilities, const std::vector<Index>& order) const {
  const auto atoms = static_cast<Index>(order.size());
  Eigen::MatrixXd out(n_, atoms + 1);
  out.col(0).setZero();
  out.col(atoms).setOnes();
  double sum = 0.0;
  for (Index j = 1; j < atoms; ++j) {
    sum += probabilities[static_cast<std::size_t>(order[static_cast<std::size_t>(j - 1)])];
    fill_tail(out.col(j), n_, std::min(sum, 1.0));
  }
  return out;
}

Eigen::MatrixXd ExpectedLoss::matching_by_position(const std::vector<Index>& source_order, const std::vector<Index>& target_order) const {
  if (uniform_ && by_position_.size() > 0) return by_position_;
  const Eigen::MatrixXd source = tails(p_, source_order);
  const Eigen::MatrixXd target = tails(q_, target_order);
  const Eigen::MatrixXd c = source.rightCols(source.cols() - 1) - source.leftCols(source.cols() - 1);
  const Eigen::MatrixXd e = target.rightCols(target.cols() - 1) - target.leftCols(target.cols() - 1);
  return (c.transpose() * e) / static_cast<double>(n_);
}

Points<double> ExpectedLoss::matching(const std::vector<Index>& source_order, const std::vector<Index>& target_order) const {
  if (source_order.size() != p_.size() || target_order.size() != q_.size())
    reject("expected loss: orders of {} and {} atoms; there are {} and {}", source_order.size(), target_order.size(), p_.size(), q_.size());
  check_order(source_order, p_.size());
  check_order(target_order, q_.size());
  const Eigen::MatrixXd by_position = matching_by_position(source_order, target_order);
  Points<double> out(by_position.rows(), by_position.cols());
  for (std::size_t j = 0; j < source_order.size(); ++j)
    for (std::size_t l = 0; l < target_order.size(); ++l) out(source_order[j], target_order[l]) = by_position(static_cast<Index>(j), static_cast<Index>(l));
  return out;
}

ExpectedLossValue ExpectedLoss::evaluate(PointsView<double> images) const {
  if (images.rows() != source_atoms() || images.cols() != dimension())
    reject("expected loss: the images are {} × {}; expected {} × {}", images.rows(), images.cols(), source_atoms(), dimension());
  if (!images.allFinite()) reject("expected loss: the images have an entry that is not finite");
  if (directions_) return evaluate_directions(images);
  if (dimension() == 1) return evaluate_line(images, sorted_by(images.col(0)), true);
  return evaluate_plane(images);
}

ExpectedLossValue ExpectedLoss::evaluate_in_order(PointsView<double> images, const std::vector<Index>& source_order) const {
  if (directions_ || dimension() != 1) reject("expected loss: an order is given in dimension 1 only");
  if (images.rows() != source_atoms() || images.cols() != 1 || source_order.size() != p_.size())
    reject("expected loss: {} × {} images and an order of {} atoms; expected {} × 1", images.rows(), images.cols(), source_order.size(), source_atoms());
  if (!images.allFinite()) reject("expected loss: the images have an entry that is not finite");
  return evaluate_line(images, source_order, false);
}

ExpectedLossValue ExpectedLoss::evaluate_line(PointsView<double> images, const std::vector<Index>& source_order, bool share) const {
  Eigen::MatrixXd g = matching(source_order, target_orders_.front());
  if (share) share_rows(g, source_order, p_, [&](Index a, Index b) { return images(a, 0) == images(b, 0); });
  ExpectedLossValue out{0.0, Points<double>::Zero(images.rows(), 1)};
  for (Index a = 0; a < g.rows(); ++a)
    for (Index b = 0; b < g.cols(); ++b) {
      const double gap = images(a, 0) - targets_(b, 0);
      out.value += g(a, b) * gap * gap;
      out.gradient(a, 0) += 2.0 * g(a, b) * gap;
    }
  return out;
}

ExpectedLossValue ExpectedLoss::evaluate_plane(PointsView<double> images) const {
  std::vector<double> angles;
  angles.reserve(static_cast<std::size_t>(images.rows() * (images.rows() - 1) / 2));
  add_tie_angles(images, angles);
  std::sort(angles.begin(), angles.end());
  std::vector<double> ends{0.0};
  ends.reserve(angles.size() + target_angles_.size() + 2);
  std::merge(angles.begin(), angles.end(), target_angles_.begin(), target_angles_.end(), std::back_inserter(ends));
  ends.push_back(kPi);
  ExpectedLossValue out{0.0, Points<double>::Zero(images.rows(), 2)};
  const auto same = [&](Index a, Index b) { return images(a, 0) == images(b, 0) && images(a, 1) == images(b, 1); };
  bool coincident = false;
  for (Index a = 0; a < images.rows(); ++a)
    for (Index b = 0; b < a; ++b) coincident = coincident || same(a, b);
  // Of one arc, used again for the next: this is called thousands of times for a flow.
  Eigen::VectorXd projected;
  std::vector<Index> source_order(p_.size());
  std::vector<Index> target_order(q_.size());
  std::iota(source_order.begin(), source_order.end(), Index{0});
  std::iota(target_order.begin(), target_order.end(), Index{0});
  Eigen::MatrixXd by_position;
  Eigen::MatrixXd g(images.rows(), targets_.rows());
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    const double from = ends[i];
    const double to = ends[i + 1];
    if (!(to > from)) continue;
    const double middle = 0.5 * (from + to);
    const double half = 0.5 * (to - from);
    // (1/π)∫θθᵀ over the arc: ∫cos² = half + cos(2·middle) sin(2·half)/2, and so on.
    const double turn = 0.5 * std::sin(2.0 * half);
    const double cosine = std::cos(2.0 * middle);
    const double xx = (half + cosine * turn) / kPi;
    const double yy = (half - cosine * turn) / kPi;
    const double xy = std::sin(2.0 * middle) * turn / kPi;
    const Eigen::Vector2d theta(std::cos(middle), std::sin(middle));
    project(images, theta, projected);
    sort_by(projected, source_order);
    project(targets_, theta, projected);
    sort_by(projected, target_order);
    if (!uniform_) by_position = matching_by_position(source_order, target_order);
    const Eigen::MatrixXd& weights = uniform_ ? by_position_ : by_position;
    for (Index l = 0; l < g.cols(); ++l)
      for (Index j = 0; j < g.rows(); ++j) g(source_order[static_cast<std::size_t>(j)], target_order[static_cast<std::size_t>(l)]) = weights(j, l);
    if (coincident) share_rows(g, source_order, p_, same);
    for (Index a = 0; a < g.rows(); ++a)
      for (Index b = 0; b < g.cols(); ++b) {
        const double x = images(a, 0) - targets_(b, 0);
        const double y = images(a, 1) - targets_(b, 1);
        const double gx = g(a, b) * (xx * x + xy * y);
        const double gy = g(a, b) * (xy * x + yy * y);
        out.value += gx * x + gy * y;
        out.gradient(a, 0) += 2.0 * gx;
        out.gradient(a, 1) += 2.0 * gy;
      }
  }
  return out;
}

ExpectedLossValue ExpectedLoss::evaluate_directions(PointsView<double> images) const {
  const Points<double>& theta = *directions_;
  const double share = 1.0 / static_cast<double>(theta.rows());
  ExpectedLossValue out{0.0, Points<double>::Zero(images.rows(), images.cols())};
  Eigen::VectorXd slopes(images.rows());
  for (Index l = 0; l < theta.rows(); ++l) {
    const Eigen::VectorXd z = projections(images, theta.row(l).transpose());
    const Eigen::VectorXd y = projections(targets_, theta.row(l).transpose());
    const std::vector<Index> source_order = sorted_by(z);
    Eigen::MatrixXd g = matching(source_order, target_orders_[static_cast<std::size_t>(l)]);
    share_rows(g, source_order, p_, [&](Index a, Index b) { return z[a] == z[b]; });
    slopes.setZero();
    for (Index a = 0; a < g.rows(); ++a)
      for (Index b = 0; b < g.cols(); ++b) {
        const double gap = z[a] - y[b];
        out.value += share * g(a, b) * gap * gap;
        slopes[a] += 2.0 * share * g(a, b) * gap;
      }
    out.gradient += slopes * theta.row(l);
  }
  return out;
}

}  // namespace slicecheck
