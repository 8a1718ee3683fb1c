#include "slicecheck/loss/plane_sweep.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/plane_arcs.h"
#include "slicecheck/loss/plane_events.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

namespace {

using namespace plane;  // NOLINT(google-build-using-namespace): its own arithmetic

constexpr double kLargest = 0x1p500;
/// Error of θᵀSθ from the running moments, per unit of their trace, and what of it is left as it is (P5).
constexpr double kMomentsError = 100.0 * kUnit;
constexpr double kLeftAsItIs = 0x1p-43;

/// Ranks low, …, high of one cloud that have equal projections at an event.
struct Block {
  bool in_z;
  std::uint32_t low;
  std::uint32_t high;
};

class PlaneSweep {
 public:
  explicit PlaneSweep(const PlaneEvents& events, const PlaneSweepOptions& options, std::optional<Real> floor = {})
      : events_(events), floor_(floor), n_(events.size()), options_(options) {
    order_.resize(2 * std::size_t{n_});
    rank_.resize(2 * std::size_t{n_});
    gaps_.resize(n_);
    sums_.resize(n_, 0.0L);
    terms_of_rank_.resize(n_, 0);
    if (options_.gradient) {
      gradient_.setZero(n_, 2);
      terms_of_point_.resize(n_, 0);
    }
    for (std::uint32_t k = 0; k < 2 * n_; ++k) {
      order_[k] = k;
      rank_[k] = k < n_ ? k : k - n_;
    }
    for (std::uint32_t r = 0; r < n_; ++r) open(r);
    update_moments();
  }

  PlaneSliced operator()() {
    sweep();
    if (options_.max) refine_maximum();
    return result();
  }

 private:
  void sweep() {
    const auto all = events_.events();
    for (std::size_t first = 0; first < all.size();) {
      const std::size_t end = events_.group_end(first);
      move_to(angle_of(all[first]));
      ++groups_;
      pass(all.subspan(first, end - first));
      first = end;
    }
    move_to({kPi, -1.0L, 0.0L});
    for (std::uint32_t r = 0; r < n_; ++r) close(r);
  }

  /// θ(φ) is orthogonal to the difference of the two points, with a positive sine.
  [[nodiscard]] Angle angle_of(const PlaneEvent& event) const {
    const PlanePoint& from = events_.point(event.first);
    const PlanePoint& to = events_.point(event.second);
    const Real x = Real{from.y} - Real{to.y};
    const Real y = Real{to.x} - Real{from.x};
    const Real scale = 1.0L / std::sqrt(x * x + y * y);
    return {std::atan2(y, x), scale * x, scale * y};
  }

  /// The gap of rank r holds from now on.
  void open(std::uint32_t r) {
    const PlanePoint& z = events_.point(order_[r]);
    const PlanePoint& y = events_.point(order_[n_ + r]);
    gaps_[r] = {Real{z.x} - Real{y.x}, Real{z.y} - Real{y.y}, now_, true};
    if (options_.max) running_.add(gaps_[r], 1.0L);
  }

  /// Adds what rank r contributes from where its gap began up to now.
  void close(std::uint32_t r) {
    Gap& gap = gaps_[r];
    gap.open = false;
    if (options_.max) running_.add(gap, -1.0L);
    if (floor_) return;
    const double squared = static_cast<double>(gap.x * gap.x + gap.y * gap.y);
    largest_squared_ = std::max(largest_squared_, squared);
    ++terms_;
    const Real x = now_.phi - gap.since.phi;
    if (x <= 0.0L) return;
    const Angle m = middle(gap.since, now_);
    const Real along = m.cosine * gap.x + m.sine * gap.y;
    const Real across = m.cosine * gap.y - m.sine * gap.x;
    const Real across_weight = half_of_x_minus_sine(x);
    const Real p = (x - across_weight) * along;
    const Real q = across_weight * across;
    sums_[r] += p * along + q * across;
    ++terms_of_rank_[r];
    squares_ += static_cast<double>(x) * squared;
    if (!options_.gradient) return;
    const std::uint32_t k = order_[r];
    gradient_(k, 0) += p * m.cosine - q * m.sine;
    gradient_(k, 1) += p * m.sine + q * m.cosine;
    ++terms_of_point_[k];
  }

  /// Ends an arc. Rounded angles may come out of order where exact ones do not; they are moved up to the one before.
  void move_to(Angle angle) {
    angle.phi = std::max(angle.phi, now_.phi);
    const Angle before = now_;
    now_ = angle;
    if (!options_.max) return;
    if (floor_) {
      scan_again(before);
    } else {
      scan(before);
    }
  }

  /// The maximum of n·w on the arc from `before` to now, a sinusoid of period π.
  void scan(const Angle& before) {
    consider(moments_.along(now_), now_);
    const Real length = now_.phi - before.phi;
    if (length > 1.0L) {
      const Real peak = moments_.angle_of_largest();
      if (peak >= before.phi && peak <= now_.phi) consider(moments_.largest(), {peak, std::cos(peak), std::sin(peak)});
    } else if (moments_.slope(before) > 0.0L && moments_.slope(now_) < 0.0L) {
      const Real peak = moments_.largest();
      if (peak > best_) {
        const Real phi = moments_.angle_of_largest();
        consider(peak, {phi, std::cos(phi), std::sin(phi)});
      }
    }
  }

  /// Error of what `scan` finds on an arc with moments of this trace, as a multiple of n·w.
  [[nodiscard]] Real scan_error(Real trace) const {
    const Real drift = static_cast<Real>(running_.additions()) * Real{kUnit};
    return Real{kMomentsError} * trace + drift * drift * Real{largest_trace_};
  }

  /// Where matched points are far apart across the direction, θᵀSθ cancels. Then a second sweep sums (θ·D_r)² itself, on the arcs that may hold the maximum.
  void refine_maximum() {
    const Real error = scan_error(largest_trace_);
    if (!(error > Real{kLeftAsItIs} * best_)) return;
    PlaneSweep again(events_, {.gradient = false, .max = true}, std::max(best_ - 5.0L * error, 0.0L));
    again.sweep();
    best_ = again.best_;
    best_angle_ = again.best_angle_;
    refined_ = true;
  }

  /// What `scan` does, from the gaps in the frame of the arc's middle.
  void scan_again(const Angle& before) {
    const Real length = now_.phi - before.phi;
    const Real trace = moments_.trace();
    // |d²(n·w)/dφ²| ≤ 2·trace: inside, w exceeds its larger end by at most a quarter of trace·length².
    const Real ends = std::max(moments_.along(before), moments_.along(now_));
    if (ends + 2.0L * scan_error(trace) + trace * length * length / 4.0L < std::max(*floor_, best_)) return;
    const Angle m = middle(before, now_);
    Moments inside{0.0L, 0.0L, 0.0L};
    for (const Gap& gap : gaps_) {
      const Real along = m.cosine * gap.x + m.sine * gap.y;
      const Real across = m.cosine * gap.y - m.sine * gap.x;
      inside.xx += along * along;
      inside.xy += along * across;
      inside.yy += across * across;
    }
    const auto consider_at = [&](Real turn) {
      const Real c = std::cos(turn);
      const Real s = std::sin(turn);
      consider(inside.along({turn, c, s}), {m.phi + turn, m.cosine * c - m.sine * s, m.sine * c + m.cosine * s});
    };
    consider_at(-length / 2.0L);
    consider_at(length / 2.0L);
    const Real peak = std::atan2(2.0L * inside.xy, inside.xx - inside.yy) / 2.0L;
    if (std::abs(peak) <= length / 2.0L) consider_at(peak);
  }

  void consider(Real w, const Angle& angle) {
    if (!(w > best_)) return;
    best_ = w;
    best_angle_ = angle;
  }

  /// One group of simultaneous events.
  void pass(std::span<const PlaneEvent> group) {
    blocks_.clear();
    for (const PlaneEvent& event : group) blocks_.push_back({events_.in_z(event.first), rank_[event.first], rank_[event.second]});
    if (blocks_.size() > 1) {
      std::sort(blocks_.begin(), blocks_.end(), [](const Block& left, const Block& right) {
        if (left.in_z != right.in_z) return left.in_z;
        return left.low != right.low ? left.low < right.low : left.high > right.high;
      });
    }
    // The outermost two points of a block are distinct and have an event of their own, so the first interval that starts in a block is the whole block.
    std::size_t kept = 0;
    for (const Block& block : blocks_)
      if (kept == 0 || blocks_[kept - 1].in_z != block.in_z || block.low > blocks_[kept - 1].high) blocks_[kept++] = block;
    blocks_.resize(kept);
    // All gaps end before any begins: no gap of a matching half-way through the group is ever seen.
    for (const Block& block : blocks_)
      for (std::uint32_t r = block.low; r <= block.high; ++r)
        if (gaps_[r].open) close(r);
    for (const Block& block : blocks_) reverse(block);
    for (const Block& block : blocks_)
      for (std::uint32_t r = block.low; r <= block.high; ++r)
        if (!gaps_[r].open) open(r);
    update_moments();
  }

  /// Before the angle a block is in the order along −θ′, afterwards along θ′: the reverse.
  void reverse(const Block& block) {
    const std::uint32_t offset = block.in_z ? 0 : n_;
    std::reverse(order_.begin() + offset + block.low, order_.begin() + offset + block.high + 1);
    for (std::uint32_t r = block.low; r <= block.high; ++r) rank_[order_[offset + r]] = r;
  }

  void update_moments() {
    if (!options_.max) return;
    moments_ = running_.value();
    largest_trace_ = std::max(largest_trace_, static_cast<double>(moments_.trace()));
  }

  [[nodiscard]] PlaneSliced result() const {
    PlaneSliced out;
    Real sum = 0.0L;
    for (const Real of_rank : sums_) sum += of_rank;
    const Real scale = 1.0L / (static_cast<Real>(n_) * kPi);
    out.value = static_cast<double>(scale * sum);
    out.events = events_.events().size();
    for (std::uint32_t k = 0; k + 1 < n_; ++k) out.duplicates = out.duplicates || coincide(k, k + 1);
    if (options_.gradient) write_gradient(2.0L * scale, out);
    if (options_.max) {
      const Real w = std::max(best_, 0.0L) / static_cast<Real>(n_);
      out.max_value = std::max(static_cast<double>(w), out.value);
      out.max_direction = {static_cast<double>(best_angle_.cosine), static_cast<double>(best_angle_.sine)};
    }
    write_errors(out);
    return out;
  }

  /// The rows of coincident points, which are neighbours in lexicographic order, become their mean.
  void write_gradient(Real scale, PlaneSliced& out) const {
    out.gradient.resize(n_, 2);
    for (std::uint32_t begin = 0; begin < n_;) {
      std::uint32_t end = begin + 1;
      while (end < n_ && coincide(begin, end)) ++end;
      const Eigen::Matrix<Real, 1, 2> mean = gradient_.middleRows(begin, end - begin).colwise().sum() / static_cast<Real>(end - begin);
      for (std::uint32_t k = begin; k < end; ++k) out.gradient.row(events_.row(k)) = (scale * mean).cast<double>();
      begin = end;
    }
  }

  [[nodiscard]] bool coincide(std::uint32_t k, std::uint32_t l) const {
    return events_.point(k).x == events_.point(l).x && events_.point(k).y == events_.point(l).y;
  }

  /// The bounds P3, P4 and P5 of theory/plane.md, with a thousandth to spare for their own rounding.
  void write_errors(PlaneSliced& out) const {
    constexpr double spare = 1.001;
    constexpr double unit = tolerance::unit_roundoff<double>();
    constexpr double underflow = std::numeric_limits<double>::denorm_min();
    const double n = n_;
    const double pi = std::numbers::pi;
    const double mean_square = squares_ / (n * pi) + kAngleError * static_cast<double>(groups_) * largest_squared_ / pi;
    const double size = std::sqrt(mean_square);
    const double root = std::sqrt(out.value);
    out.condition = out.value > 0.0 ? std::max(1.0, std::sqrt(squares_ / (n * pi)) / root) : 1.0;
    const double shift = 64.0 * kUnit * size;
    const double terms = *std::max_element(terms_of_rank_.begin(), terms_of_rank_.end());
    out.value_error = spare * (2.0 * shift * root + shift * shift + (kUnit * (80.0 + terms + n) + unit) * out.value) + underflow;
    if (options_.gradient) {
      const double additions = *std::max_element(terms_of_point_.begin(), terms_of_point_.end());
      const double ends = 4.0 * kAngleError * static_cast<double>(terms_) * std::sqrt(largest_squared_) / (n * pi);
      const double rows = out.gradient.rowwise().norm().sum();
      // The sum over a block of coincident points adds at most n.
      out.gradient_error = spare * (2.0 * kUnit * (132.0 + additions + n) * size + ends + unit * rows) + 2.0 * n * underflow;
    }
    if (options_.max) {
      const double square = largest_trace_ / n;
      const double far = 64.0 * kUnit * std::sqrt(square);
      const double again = 2.0 * far * std::sqrt(out.max_value) + far * far + 8.0 * (n + 20.0) * kUnit * out.max_value;
      const double found = refined_ ? again : 4.0 * static_cast<double>(scan_error(largest_trace_)) / n;
      out.max_error = spare * (found + unit * out.max_value) + out.value_error + underflow;
    }
  }

  const PlaneEvents& events_;
  std::vector<std::uint32_t> order_;  ///< order_[r]: the point of Z of rank r; order_[n + r]: that of Y
  std::vector<std::uint32_t> rank_;   ///< of every point in its cloud
  std::vector<Gap> gaps_;
  std::vector<Real> sums_;
  std::vector<std::uint32_t> terms_of_rank_;
  Points<Real> gradient_;
  std::vector<std::uint32_t> terms_of_point_;
  std::vector<Block> blocks_;
  RunningMoments running_;
  Moments moments_{0.0L, 0.0L, 0.0L};
  Angle now_{0.0L, 1.0L, 0.0L};
  Angle best_angle_{0.0L, 1.0L, 0.0L};
  Real best_ = -1.0L;
  std::optional<Real> floor_;  ///< of the second sweep: below it there is no maximum
  // What the error bounds need.
  double squares_ = 0.0;  ///< Σ of (length of arc)·‖Δ‖²
  double largest_squared_ = 0.0;
  double largest_trace_ = 0.0;
  std::uint64_t terms_ = 0;
  std::uint64_t groups_ = 0;
  std::uint32_t n_;
  PlaneSweepOptions options_;
  bool refined_ = false;
};

void check_cloud(PointsView<double> cloud, const char* name) {
  if (cloud.cols() != 2) reject("exact SW in the plane: {} is {} × {}; it must be n × 2", name, cloud.rows(), cloud.cols());
  for (Index k = 0; k < cloud.rows(); ++k)
    for (Index j = 0; j < 2; ++j)
      if (std::isfinite(cloud(k, j)) && std::abs(cloud(k, j)) > kLargest)
        reject("exact SW in the plane: {} has {} in row {}, column {}; the largest magnitude whose square is a double is 2^500", name, cloud(k, j), k + 1,
               j + 1);
}

}  // namespace

PlaneSliced exact_plane_sw(PointsView<double> z, PointsView<double> y, const PlaneSweepOptions& options) {
  check_cloud(z, "Z");
  check_cloud(y, "Y");
  check_loss_arguments<double>(z, y, Points<double>::Identity(1, 2));
  if (z.rows() >= Index{1} << 31) reject("exact SW in the plane: {} points are too many; at most 2^31 − 1", z.rows());
  const PlaneEvents events(z, y);
  return PlaneSweep(events, options)();
}

}  // namespace slicecheck
