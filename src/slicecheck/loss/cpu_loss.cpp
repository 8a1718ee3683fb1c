#include "slicecheck/loss/cpu_loss.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/gap_power.h"

namespace slicecheck {

namespace {

constexpr Index kBlock = 32;  // directions projected by one matrix product
constexpr Index kLanes = 16;  // gradient accumulators; lane i sums the blocks i, i + kLanes, … in order

/// A projected value with the row it came from, ordered by value, then row.
template <class S>
struct KeyIndex {
  S key;
  std::int32_t row;
  friend bool operator<(const KeyIndex& a, const KeyIndex& b) { return a.key < b.key || (a.key == b.key && a.row < b.row); }
};

/// For float: both in one integer whose order is that of (value, row).
std::uint64_t pack(float value, std::uint32_t row) {
  auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);  // −0 becomes +0: equal values are equal keys
  bits ^= (bits & 0x8000'0000U) != 0U ? 0xFFFF'FFFFU : 0x8000'0000U;
  return (static_cast<std::uint64_t>(bits) << 32) | row;
}

float unpack(std::uint64_t packed) {
  auto bits = static_cast<std::uint32_t>(packed >> 32);
  bits ^= (bits & 0x8000'0000U) != 0U ? 0x8000'0000U : 0xFFFF'FFFFU;
  return std::bit_cast<float>(bits);
}

/// Sorts one row of projections of Z with its rows, and one of Y without; hands (rank → row of Z, gap) to `use`.
template <class S>
class DirectionSorter {
 public:
  explicit DirectionSorter(Index n) : keyed_(static_cast<std::size_t>(n)), plain_(static_cast<std::size_t>(n)) {}

  template <class Use>
  void for_each_gap(const S* projected_z, const S* projected_y, Use&& use) {
    const std::size_t n = keyed_.size();
    std::copy(projected_y, projected_y + n, plain_.begin());
    std::sort(plain_.begin(), plain_.end());
    for (std::size_t k = 0; k < n; ++k) {
      if constexpr (std::is_same_v<S, float>)
        keyed_[k] = pack(projected_z[k], static_cast<std::uint32_t>(k));
      else
        keyed_[k] = {projected_z[k], static_cast<std::int32_t>(k)};
    }
    std::sort(keyed_.begin(), keyed_.end());
    for (std::size_t rank = 0; rank < n; ++rank) {
      if constexpr (std::is_same_v<S, float>)
        use(static_cast<Index>(keyed_[rank] & 0xFFFF'FFFFU), unpack(keyed_[rank]) - plain_[rank]);
      else
        use(static_cast<Index>(keyed_[rank].row), keyed_[rank].key - plain_[rank]);
    }
  }

 private:
  std::vector<std::conditional_t<std::is_same_v<S, float>, std::uint64_t, KeyIndex<S>>> keyed_;
  std::vector<S> plain_;
};

/// Both clouds minus the mean of Y. The mean is rounded once, to S, and is the same vector for both: no gap moves.
template <class S>
std::pair<Points<S>, Points<S>> centred(PointsView<S> z, PointsView<S> y) {
  const Eigen::RowVectorXd mean = y.template cast<double>().colwise().mean();
  const Eigen::Matrix<S, 1, Eigen::Dynamic> centre = mean.template cast<S>();
  return {z.rowwise() - centre, y.rowwise() - centre};
}

/// Value per direction; the gradient too where `gradient` is not null.
template <class S>
Vector<double> evaluate_blocks(PointsView<S> z_in, PointsView<S> y_in, PointsView<S> directions, double p, Points<S>* gradient) {
  check_loss_arguments<S>(z_in, y_in, directions);
  if (z_in.rows() > std::numeric_limits<std::int32_t>::max()) reject("n is {}; the cpu loss takes fewer than 2^31 points", z_in.rows());
  const auto [z, y] = centred<S>(z_in, y_in);
  const Index n = z.rows();
  const Index count = directions.rows();
  const Index blocks = (count + kBlock - 1) / kBlock;
  const Index lanes = std::min(blocks, kLanes);
  const double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(count));
  Vector<double> values(count);
  std::vector<Points<S>> lane_gradients(gradient != nullptr ? static_cast<std::size_t>(lanes) : 0, Points<S>::Zero(n, z.cols()));
  parallel_for(lanes, [&, &z = z, &y = y](Index lane) {
    DirectionSorter<S> sorter(n);
    Points<S> weights;
    for (Index block = lane; block < blocks; block += lanes) {
      const Index first = block * kBlock;
      const Index size = std::min(kBlock, count - first);
      const auto theta = directions.middleRows(first, size);
      const Points<S> projected_z = theta * z.transpose();
      const Points<S> projected_y = theta * y.transpose();
      if (gradient != nullptr) weights.resize(size, n);
      for (Index l = 0; l < size; ++l) {
        if (!projected_z.row(l).allFinite() || !projected_y.row(l).allFinite()) {  // overflow: NaN has no place in an order
          values[first + l] = std::numeric_limits<double>::quiet_NaN();
          if (gradient != nullptr) weights.row(l).setConstant(std::numeric_limits<S>::quiet_NaN());
          continue;
        }
        double sum = 0.0;
        sorter.for_each_gap(projected_z.row(l).data(), projected_y.row(l).data(), [&](Index row, S gap) {
          sum += static_cast<double>(gap_power(gap, p));
          if (gradient != nullptr) weights(l, row) = static_cast<S>(scale * static_cast<double>(gap_power_derivative(gap, p)));
        });
        values[first + l] = sum / static_cast<double>(n);
      }
      if (gradient != nullptr) lane_gradients[static_cast<std::size_t>(lane)].noalias() += weights.transpose() * theta;
    }
  });
  if (gradient != nullptr) {
    *gradient = std::move(lane_gradients.front());
    for (std::size_t lane = 1; lane < lane_gradients.size(); ++lane) *gradient += lane_gradients[lane];
  }
  return values;
}

}  // namespace

template <class S>
std::string_view CpuLoss<S>::name() const {
  return std::is_same_v<S, float> ? "cpu-float" : "cpu";
}

template <class S>
LossGradient<S> CpuLoss<S>::evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  LossGradient<S> out;
  out.per_direction = evaluate_blocks<S>(z, y, directions, p_, &out.gradient);
  out.value = out.per_direction.sum() / static_cast<double>(directions.rows());
  return out;
}

template <class S>
Vector<double> CpuLoss<S>::values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  return evaluate_blocks<S>(z, y, directions, p_, nullptr);
}

template class CpuLoss<float>;
template class CpuLoss<double>;

}  // namespace slicecheck
