#pragma once
/// The angular sweep over both clouds (theory/plane.md), without the checks of its arguments; private to plane_sweep.cpp.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/plane_arcs.h"
#include "slicecheck/loss/plane_events.h"
#include "slicecheck/loss/plane_slabs.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck::plane {

/// Error of θᵀSθ from the running moments, per unit of their trace, and what of it is left as it is (P5).
inline constexpr double kMomentsError = 100.0 * kUnit;
inline constexpr double kLeftAsItIs = 0x1p-43;
/// Error of the running moments for every addition, per unit of the largest trace (P5).
inline constexpr Real kDrift = 0x1p-96L;

/// Ranks low, …, high of one cloud that have equal projections at an event.
struct Block {
  std::uint32_t offset;  ///< of its cloud: 0 or n
  std::uint32_t low;
  std::uint32_t high;
};

class PlaneSweep {
 public:
  explicit PlaneSweep(const PlaneClouds& clouds, const PlaneSweepOptions& options, std::optional<Real> floor = {})
      : clouds_(clouds), angles_(angle_table()), floor_(floor), n_(clouds.size()), options_(options) {
    at_.reserve(2 * std::size_t{n_});
    order_.resize(2 * std::size_t{n_});
    rank_.resize(2 * std::size_t{n_});
    since_.resize(n_, now_);
    open_.resize(n_, 1);
    reach_.resize(2 * std::size_t{n_}, 0);
    sums_.resize(n_, 0.0L);
    terms_of_rank_.resize(n_, 0);
    if (options_.gradient) {
      gradient_.setZero(n_, 2);
      terms_of_point_.resize(n_, 0);
    }
    for (std::uint32_t k = 0; k < 2 * n_; ++k) {
      at_.push_back(clouds.point(k));
      order_[k] = k;
      rank_[k] = k < n_ ? k : k - n_;
    }
    if (options_.max)
      for (std::uint32_t r = 0; r < n_; ++r) running_.add_square(at_[n_ + r], at_[r], 1.0);
    update_moments();
    last_end_ = moments_.along(now_);
  }

  PlaneSliced operator()() {
    sweep();
    if (options_.max) refine_maximum();
    return result();
  }

 private:
  static const AngleTable& angle_table() {
    static const AngleTable table;
    return table;
  }

  void sweep() {
    PlaneSlabs slabs(clouds_);
    while (slabs.next()) {
      events_ += slabs.events().size();
      groups_ += slabs.group_ends().size();
      std::uint32_t begin = 0;
      for (const std::uint32_t end : slabs.group_ends()) {
        move_to(angle_of(slabs.events()[begin]));
        if (end == begin + 1) {
          pass_one(slabs.events()[begin]);
        } else {
          pass(slabs.events().subspan(begin, end - begin));
        }
        begin = end;
      }
    }
    move_to({kPi, -1.0L, 0.0L});
    for (std::uint32_t r = 0; r < n_; ++r) close(r);
  }

  /// θ(φ) is orthogonal to the difference of the two points, with a positive sine.
  [[nodiscard]] Angle angle_of(const PlaneEvent& event) {
    const PlanePoint& from = clouds_.point(event.first);
    const PlanePoint& to = clouds_.point(event.second);
    const Real x = Real{from.y} - Real{to.y};
    const Real y = Real{to.x} - Real{from.x};
    const Real scale = 1.0L / std::sqrt(x * x + y * y);
    const Real cosine = scale * x;
    const Real sine = scale * y;
    return {angles_.angle_of(cosine, sine, cell_), cosine, sine};
  }

  /// Adds what rank r contributes from where its gap began up to now.
  void close(std::uint32_t r) {
    if (floor_) return;
    const PlanePoint& z = at_[r];
    const PlanePoint& y = at_[n_ + r];
    const double rounded_x = z.x - y.x;
    const double rounded_y = z.y - y.y;
    const double squared = rounded_x * rounded_x + rounded_y * rounded_y;
    largest_squared_ = std::max(largest_squared_, squared);
    ++terms_;
    const Real x = now_.phi - since_[r].phi;
    if (x <= 0.0L) return;
    ++terms_of_rank_[r];
    squares_ += static_cast<double>(x) * squared;
    const Real gap_x = Real{z.x} - Real{y.x};
    const Real gap_y = Real{z.y} - Real{y.y};
    Real m_x;
    Real m_y;
    PieceWeights weights;
    if (x <= 0x1p-3L) {
      m_x = since_[r].cosine + now_.cosine;
      m_y = since_[r].sine + now_.sine;
      weights = piece_weights(x);
    } else {
      const Angle m = middle(since_[r], now_);
      m_x = m.cosine;
      m_y = m.sine;
      weights.across = half_of_x_minus_sine(x);
      weights.along = x - weights.across;
    }
    const Real along = m_x * gap_x + m_y * gap_y;
    const Real across = m_x * gap_y - m_y * gap_x;
    const Real p = weights.along * along;
    const Real q = weights.across * across;
    sums_[r] += p * along + q * across;
    if (!options_.gradient) return;
    const std::uint32_t k = order_[r];
    gradient_(k, 0) += p * m_x - q * m_y;
    gradient_(k, 1) += p * m_y + q * m_x;
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
    const Real end = moments_.along(now_);
    const Real highest = std::max(end, last_end_);
    last_end_ = end;
    consider(end, now_);
    const Real length = now_.phi - before.phi;
    const Real trace = moments_.trace();
    // |d²(n·w)/dφ²| ≤ 2·trace: inside, w exceeds its larger end by at most a quarter of trace·length². It is continuous, so its end before is that of the arc
    // before.
    if (highest + 2.0L * scan_error(trace) + trace * length * length / 4.0L < best_) return;
    if (length > 1.0L) {
      const Real peak = moments_.angle_of_largest();
      if (peak >= before.phi && peak <= now_.phi) consider(moments_.largest(), {peak, std::cos(peak), std::sin(peak)});
    } else if (moments_.slope(before) > 0.0L && moments_.slope(now_) < 0.0L) {
      const Real peak = moments_.largest();
      // Rounding gives these signs on a very short arc at the LEAST value of the sinusoid too. Where its maximum is on the arc, one end is above its mean.
      if (peak > best_ && std::max(moments_.along(before), end) >= trace / 2.0L) {
        const Real phi = moments_.angle_of_largest();
        consider(peak, {phi, std::cos(phi), std::sin(phi)});
      }
    }
  }

  /// Error of what `scan` finds on an arc with moments of this trace, as a multiple of n·w.
  [[nodiscard]] Real scan_error(Real trace) const {
    return Real{kMomentsError} * trace + static_cast<Real>(running_.additions()) * kDrift * Real{largest_trace_};
  }

  /// Where matched points are far apart across the direction, θᵀSθ cancels. Then a second sweep sums (θ·D_r)² itself, on the arcs that may hold the maximum.
  void refine_maximum() {
    const Real error = scan_error(largest_trace_);
    if (!(error > Real{kLeftAsItIs} * best_)) return;
    PlaneSweep again(clouds_, {.gradient = false, .max = true}, std::max(best_ - 5.0L * error, 0.0L));
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
    for (std::uint32_t r = 0; r < n_; ++r) {
      const Real x = Real{at_[r].x} - Real{at_[n_ + r].x};
      const Real y = Real{at_[r].y} - Real{at_[n_ + r].y};
      const Real along = m.cosine * x + m.sine * y;
      const Real across = m.cosine * y - m.sine * x;
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

  /// One event alone on its angle, of points of neighbouring ranks.
  void pass_one(const PlaneEvent& event) {
    const std::uint32_t r = rank_[event.first];
    const std::uint32_t offset = clouds_.in_z(event.first) ? 0 : n_;
    close(r);
    close(r + 1);
    // (z − y)² + (z′ − y′)² less (z′ − y)² + (z − y′)² is 2(z − z′)(y′ − y), for Z as for Y, and so are the other moments.
    if (options_.max) running_.add_pair(at_[r], at_[r + 1], at_[n_ + r], at_[n_ + r + 1]);
    std::swap(at_[offset + r], at_[offset + r + 1]);
    order_[offset + r] = event.second;
    order_[offset + r + 1] = event.first;
    rank_[event.second] = r;
    rank_[event.first] = r + 1;
    since_[r] = now_;
    since_[r + 1] = now_;
    update_moments();
  }

  /// One group of simultaneous events.
  void pass(std::span<const PlaneEvent> group) {
    find_blocks(group);
    // All gaps end before any begins: no gap of a matching half-way through the group is ever seen.
    for (const Block& block : blocks_) {
      for (std::uint32_t r = block.low; r <= block.high; ++r) {
        if (!open_[r]) continue;
        open_[r] = 0;
        close(r);
        if (options_.max) running_.add_square(at_[n_ + r], at_[r], -1.0);
      }
    }
    for (const Block& block : blocks_) reverse(block);
    for (const Block& block : blocks_) {
      for (std::uint32_t r = block.low; r <= block.high; ++r) {
        if (open_[r]) continue;
        open_[r] = 1;
        since_[r] = now_;
        if (options_.max) running_.add_square(at_[n_ + r], at_[r], 1.0);
      }
    }
    update_moments();
  }

  /// The outermost two points of a block are distinct and have an event of their own, so of the intervals that start in a block, the longest from its first
  /// rank is the whole block.
  void find_blocks(std::span<const PlaneEvent> group) {
    starts_.clear();
    for (const PlaneEvent& event : group) {
      const std::uint32_t offset = clouds_.in_z(event.first) ? 0 : n_;
      const std::uint32_t low = offset + rank_[event.first];
      if (reach_[low] == 0) starts_.push_back(low);
      reach_[low] = std::max(reach_[low], offset + rank_[event.second]);
    }
    std::sort(starts_.begin(), starts_.end());
    blocks_.clear();
    std::uint32_t covered = 0;
    for (const std::uint32_t low : starts_) {
      if (low >= covered) {
        const std::uint32_t offset = low < n_ ? 0 : n_;
        blocks_.push_back({offset, low - offset, reach_[low] - offset});
        covered = reach_[low] + 1;
      }
      reach_[low] = 0;
    }
  }

  /// Before the angle a block is in the order along −θ′, afterwards along θ′: the reverse.
  void reverse(const Block& block) {
    const auto ends = [&](auto& items) {
      const auto first = items.begin() + block.offset;
      std::reverse(first + block.low, first + block.high + 1);
    };
    ends(order_);
    ends(at_);
    for (std::uint32_t r = block.low; r <= block.high; ++r) rank_[order_[block.offset + r]] = r;
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
    out.events = events_;
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
      for (std::uint32_t k = begin; k < end; ++k) out.gradient.row(clouds_.row(k)) = (scale * mean).cast<double>();
      begin = end;
    }
  }

  [[nodiscard]] bool coincide(std::uint32_t k, std::uint32_t l) const {
    return clouds_.point(k).x == clouds_.point(l).x && clouds_.point(k).y == clouds_.point(l).y;
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
      out.max_error = spare * (found + unit * out.max_value) + out.value_error + static_cast<double>(8 * running_.additions() + 1) * underflow;
    }
  }

  const PlaneClouds& clouds_;
  const AngleTable& angles_;
  std::size_t cell_ = 0;              ///< of `angles_`, the one of now_
  std::vector<std::uint32_t> order_;  ///< order_[r]: the point of Z of rank r; order_[n + r]: that of Y
  std::vector<PlanePoint> at_;        ///< their coordinates
  std::vector<std::uint32_t> rank_;   ///< of every point in its cloud
  std::vector<Angle> since_;          ///< where the gap of a rank began
  std::vector<std::uint8_t> open_;    ///< by rank: its gap has not been closed
  std::vector<std::uint32_t> reach_;  ///< n + r for Y; while blocks are looked for: how far an event reaches from here
  std::vector<std::uint32_t> starts_;
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
  Real last_end_ = 0.0L;       ///< n·w at now_
  std::optional<Real> floor_;  ///< of the second sweep: below it there is no maximum
  // What the error bounds need.
  double squares_ = 0.0;  ///< Σ of (length of arc)·‖Δ‖²
  double largest_squared_ = 0.0;
  double largest_trace_ = 0.0;
  std::uint64_t terms_ = 0;
  std::uint64_t groups_ = 0;
  std::uint64_t events_ = 0;
  std::uint32_t n_;
  PlaneSweepOptions options_;
  bool refined_ = false;
};

}  // namespace slicecheck::plane
