#include "slicecheck/loss/cpu/evaluation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/cpu/few_points.h"

namespace slicecheck::cpu {

namespace {

constexpr Index kRowGroup = 12;             // directions of a task, by rows: two tiles of the product
constexpr Index kRowsOfGradient = 48;       // rows of a task of the gradient, by columns
constexpr Index kColumnsOfGradient = 1024;  // likewise, by rows
constexpr Index kValuesInFlight = 1 << 20;  // weights that may wait for the gradient, where there are several threads
constexpr Index kMostGroups = 16;
constexpr Index kManyPoints =
    4096;  // from here on a group is one panel where d is narrow: its weights stay in the cache, and threads share few directions evenly

/// The arguments of one evaluation, with everything that its passes share.
template <class S>
struct Task {
  PointsView<S> z;
  PointsView<S> y;
  PointsView<S> directions;
  double p;
  Workspace<S>& space;
  Vector<double>& per_direction;
  Points<S>* gradient;

  const Kernels<S>& kernels = cpu::kernels<S>();
  Index n = z.rows();
  Index d = z.cols();
  Index count = directions.rows();
  double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(count));

  void set_value(Index direction, double sum, bool finite) const {
    per_direction[direction] = finite ? sum / static_cast<double>(n) : std::numeric_limits<double>::quiet_NaN();
  }

  /// How many groups of `directions_each` wait for the gradient at once. It moves no bits: every entry of the gradient is summed in the order of the
  /// directions.
  [[nodiscard]] Index groups_in_flight(Index directions_each) const {
    const Index threads = thread_count();
    if (threads == 1) return 1;
    return std::clamp(kValuesInFlight / (n * directions_each), threads, std::max(threads, kMostGroups));
  }

  ThreadSpace<S>& thread(Index slot) const { return *space.threads[static_cast<std::size_t>(slot)]; }
};

/// The mean of Y, rounded once to S: the same vector for both clouds, so that no gap moves.
template <class S>
Eigen::Map<const Eigen::Matrix<S, 1, Eigen::Dynamic>> centre_of(PointsView<S> y, Workspace<S>& space) {
  const Index d = y.cols();
  Eigen::Map<Eigen::RowVectorXd> mean(space.mean.room(d), d);
  mean.setZero();
  for (Index k = 0; k < y.rows(); ++k) mean += y.row(k).template cast<double>();
  mean /= static_cast<double>(y.rows());
  S* const rounded = space.centre.room(d);
  Eigen::Map<Eigen::Matrix<S, 1, Eigen::Dynamic>>(rounded, d) = mean.cast<S>();
  return {rounded, d};
}

/// out = in transposed, in squares that the cache holds.
template <class In, class Out>
void transpose(const In& in, Out&& out) {
  constexpr Index kSquare = 16;
  for (Index i = 0; i < in.rows(); i += kSquare) {
    const Index height = std::min(kSquare, in.rows() - i);
    for (Index j = 0; j < in.cols(); j += kSquare) {
      const Index width = std::min(kSquare, in.cols() - j);
      out.block(j, i, width, height) = in.block(i, j, height, width).transpose();
    }
  }
}

/// match(first group, i, slot) for the groups first + i, `in_flight` of them at a time and in parallel; after each flight add(first group, groups begun).
template <class Match, class Add>
void in_flights(Index groups, Index in_flight, const Match& match, const Add& add) {
  for (Index first = 0; first < groups; first += in_flight) {
    const Index begun = std::min(in_flight, groups - first);
    const auto match_one = [&](Index i, Index slot) { match(first, i, slot); };
    parallel_for_slots(begun, std::ref(match_one));
    add(first, begun);
  }
}

// ---------------------------------------------------------------------------------------------------------------------------------------------- by columns

/// The n×d cloud minus the centre.
template <class S, class Centre>
const S* centred(PointsView<S> cloud, const Centre& centre, Scratch<S>& room) {
  Eigen::Map<Points<S>> out(room.room(cloud.size()), cloud.rows(), cloud.cols());
  out = cloud.rowwise() - centre;
  return out.data();
}

/// Directions of one group, laid out for the two products.
template <class S>
struct Group {
  Index first;  ///< of the directions
  Index size;   ///< ≤ kGroup
  Index panels;
  S* theta_by_column;     ///< d×kGroup, columns beyond size are zero
  const S* theta_by_row;  ///< panels·lanes rows of d (rounded up to a vector); rows beyond size are zero
  Index theta_row;        ///< from one of them to the next
  S* weights;             ///< panels of n×lanes
  S* gradient;            ///< where d is narrow: n×d, the sum over the group
};

template <class S>
void lay_out(const Task<S>& task, Group<S>& group, S* row_room, Index padded_d, bool narrow) {
  Eigen::Map<Points<S>> by_column(group.theta_by_column, task.d, kGroup);
  const auto theta = task.directions.middleRows(group.first, group.size);
  transpose(theta, by_column);
  by_column.rightCols(kGroup - group.size).setZero();
  if (narrow || task.gradient == nullptr) return;
  const Index rows = group.panels * task.kernels.lanes;
  if (rows == group.size && padded_d == task.d) {
    group.theta_by_row = theta.data();
    group.theta_row = theta.outerStride();
    return;
  }
  Eigen::Map<Points<S>> by_row(row_room, rows, padded_d);
  by_row.setZero();
  by_row.topLeftCorner(group.size, task.d) = theta;
  group.theta_by_row = row_room;
  group.theta_row = padded_d;
}

/// Projects, matches and weighs the directions of a group; where d is narrow, a panel at a time, and adds up their gradient while the cache has the weights.
template <class S>
void match_group(const Task<S>& task, const Group<S>& group, const S* z, const S* y, bool narrow, ThreadSpace<S>& room) {
  const Kernels<S>& kernels = task.kernels;
  const Index n = task.n;
  const Index panel_size = n * kernels.lanes;
  S* const projected_z = room.projected_z.room(narrow ? panel_size : n * kGroup);
  S* const projected_y = room.projected_y.room(narrow ? panel_size : n * kGroup);
  Product<S> product{.a = z, .a_row = task.d, .b_row = kGroup, .c_row = kernels.lanes, .c_panel = panel_size};
  product.rows = n;
  product.depth = task.d;
  const auto project = [&](Index first_panel, Index panels) {
    product.b = group.theta_by_column + first_panel * kernels.lanes;
    product.columns = panels * kernels.lanes;
    product.a = z;
    product.c = projected_z;
    kernels.multiply(product);
    product.a = y;
    product.c = projected_y;
    kernels.multiply(product);
  };
  if (!narrow) project(0, group.panels);
  Panel<S> panel{.n = n};
  panel.z_keys = room.z_keys.room(padded(n, kRowPadding) * kernels.lanes);
  panel.y_keys = room.y_keys.room(padded(n, kRowPadding) * kernels.lanes);
  std::array<std::uint8_t, kGroup> finite{};
  std::array<double, kGroup> sums{};
  for (Index i = 0; i < group.panels; ++i) {
    if (narrow) project(i, 1);
    panel.z = projected_z + (narrow ? 0 : i * panel_size);
    panel.y = projected_y + (narrow ? 0 : i * panel_size);
    panel.directions = std::min(kernels.lanes, group.size - i * kernels.lanes);
    if (task.gradient != nullptr) {
      panel.matched = group.weights + i * panel_size;
      kernels.match(panel, finite.data());
      kernels.weigh(panel.z, panel.matched, n, task.p, task.scale, sums.data());
    } else {
      kernels.values(panel, task.p, sums.data(), finite.data());
    }
    for (Index l = 0; l < panel.directions; ++l) {
      const bool good = finite[static_cast<std::size_t>(l)] != 0;
      task.set_value(group.first + i * kernels.lanes + l, sums[static_cast<std::size_t>(l)], good);
      if (!good && task.gradient != nullptr)
        for (Index k = 0; k < n; ++k) panel.matched[k * kernels.lanes + l] = std::numeric_limits<S>::quiet_NaN();
    }
  }
  if (!narrow || task.gradient == nullptr) return;
  std::fill(group.gradient, group.gradient + n * task.d, S(0));
  kernels.add_narrow(group.weights, group.panels, n, group.theta_by_column, task.d, 0, n, group.gradient, task.d);
}

template <class S>
void evaluate_by_columns(const Task<S>& task) {
  const Kernels<S>& kernels = task.kernels;
  const Index n = task.n;
  const Index d = task.d;
  const auto centre = centre_of<S>(task.y, task.space);
  const S* const z = centred<S>(task.z, centre, task.space.z);
  const S* const y = centred<S>(task.y, centre, task.space.y);
  const bool wanted = task.gradient != nullptr;
  const bool narrow = kernels.is_narrow(d);
  const Index padded_d = narrow ? d : padded(d, kernels.columns);
  const Index group_size = narrow && n >= kManyPoints ? kernels.lanes : kGroup;
  const Index groups = (task.count + group_size - 1) / group_size;
  const Index in_flight = std::min(groups, wanted ? task.groups_in_flight(group_size) : groups);
  const Index rooms = wanted ? in_flight : thread_count();  // without a gradient nothing outlives a task
  S* const by_column = task.space.theta_by_column.room(rooms * d * kGroup);
  S* const by_row = wanted && !narrow ? task.space.theta_by_row.room(rooms * kGroup * padded_d) : nullptr;
  S* const weights = wanted ? task.space.weights.room((narrow ? thread_count() : rooms) * n * group_size) : nullptr;
  S* const gradient = wanted ? task.space.gradient.room(n * padded_d) : nullptr;
  S* const group_gradients = wanted && narrow ? task.space.group_gradients.room(rooms * n * d) : nullptr;
  if (wanted) std::fill(gradient, gradient + n * padded_d, S(0));
  auto* const flight = reinterpret_cast<Group<S>*>(task.space.groups.room(static_cast<Index>(sizeof(Group<S>)) * (wanted ? in_flight : 0)));
  const auto match = [&](Index first_group, Index i, Index slot) {
    const Index at = wanted ? i : slot;
    Group<S> group{};
    group.first = (first_group + i) * group_size;
    group.size = std::min(group_size, task.count - group.first);
    group.panels = (group.size + kernels.lanes - 1) / kernels.lanes;
    group.theta_by_column = by_column + at * d * kGroup;
    group.weights = wanted ? weights + (narrow ? slot : at) * n * group_size : nullptr;
    group.gradient = group_gradients == nullptr ? nullptr : group_gradients + at * n * d;
    lay_out(task, group, by_row == nullptr ? nullptr : by_row + at * kGroup * padded_d, padded_d, narrow);
    match_group(task, group, z, y, narrow, task.thread(slot));
    if (wanted) flight[i] = group;
  };
  const auto add = [&](Index begun, Index first, Index last) {
    for (const Group<S>* group = flight; group != flight + begun; ++group) {
      Product<S> product{.a = group->weights + first * kernels.lanes, .a_row = kernels.lanes, .a_chunk = kernels.lanes, .a_panel = n * kernels.lanes};
      product.b = group->theta_by_row;
      product.b_row = group->theta_row;
      product.c = gradient + first * padded_d;
      product.c_row = padded_d;
      product.rows = last - first;
      product.columns = padded_d;
      product.depth = group->panels * kernels.lanes;
      product.add = true;
      kernels.multiply(product);
    }
  };
  in_flights(groups, in_flight, match, [&](Index /*first_group*/, Index begun) {
    if (!wanted) return;
    if (narrow) {
      for (Index i = 0; i < begun; ++i) Eigen::Map<Vector<S>>(gradient, n * d) += Eigen::Map<const Vector<S>>(flight[i].gradient, n * d);
      return;
    }
    const Index rows = thread_count() == 1 ? n : kRowsOfGradient;
    const auto add_rows = [&](Index i) { add(begun, i * rows, std::min(n, (i + 1) * rows)); };
    parallel_for((n + rows - 1) / rows, std::ref(add_rows));
  });
  if (wanted) *task.gradient = Eigen::Map<Points<S>, 0, Eigen::OuterStride<>>(gradient, n, d, Eigen::OuterStride<>(padded_d));
}

// ------------------------------------------------------------------------------------------------------------------------------------------------- by rows

/// The cloud minus the centre, d×n, rows rounded up to vectors.
template <class S, class Centre>
const S* centred_transposed(PointsView<S> cloud, const Centre& centre, Index padded_n, Scratch<S>& room) {
  const Index n = cloud.rows();
  const Index d = cloud.cols();
  Eigen::Map<Points<S>> out(room.room(d * padded_n), d, padded_n);
  transpose(cloud.rowwise() - centre, out);
  out.rightCols(padded_n - n).setZero();
  return out.data();
}

template <class S>
void evaluate_by_rows(const Task<S>& task) {
  const Kernels<S>& kernels = task.kernels;
  const Index n = task.n;
  const Index d = task.d;
  const Index padded_n = padded(n, kernels.columns);
  const bool wanted = task.gradient != nullptr;
  const auto centre = centre_of<S>(task.y, task.space);
  const S* const z = centred_transposed<S>(task.z, centre, padded_n, task.space.z);
  const S* const y = centred_transposed<S>(task.y, centre, padded_n, task.space.y);
  const S* const theta = task.directions.data();
  const Index theta_row = task.directions.outerStride();
  const Index groups = (task.count + kRowGroup - 1) / kRowGroup;
  const Index in_flight = std::min(groups, wanted ? static_cast<Index>(thread_count()) : groups);
  S* const weights = wanted ? task.space.weights.room(in_flight * kRowGroup * padded_n) : nullptr;
  S* const gradient = wanted ? task.space.gradient.room(d * padded_n) : nullptr;
  if (wanted) std::fill(gradient, gradient + d * padded_n, S(0));
  const auto match = [&](Index first_group, Index i, Index slot) {
    ThreadSpace<S>& room = task.thread(slot);
    const Index first = (first_group + i) * kRowGroup;
    const Index size = std::min(kRowGroup, task.count - first);
    S* const projected_z = room.projected_z.room(kRowGroup * padded_n);
    S* const projected_y = room.projected_y.room(kRowGroup * padded_n);
    Product<S> product{.a = theta + first * theta_row, .a_row = theta_row, .b = z, .b_row = padded_n, .c = projected_z, .c_row = padded_n};
    product.rows = size;
    product.columns = padded_n;
    product.depth = d;
    kernels.multiply(product);
    product.b = y;
    product.c = projected_y;
    kernels.multiply(product);
    for (Index l = 0; l < size; ++l) {
      S* const z_row = projected_z + l * padded_n;
      S* const y_row = projected_y + l * padded_n;
      if (!wanted) {
        S* const sorted = room.sorted.room(2 * n);
        bool finite = room.row_sort.sort(kernels, z_row, n, sorted);
        finite = room.row_sort.sort(kernels, y_row, n, sorted + n) && finite;
        task.set_value(first + l, kernels.row_value(sorted, sorted + n, n, task.p), finite);
        continue;
      }
      S* const w = weights + (i * kRowGroup + l) * padded_n;
      const bool finite = room.row_sort.match(kernels, z_row, y_row, n, w);
      task.set_value(first + l, kernels.weigh_row(z_row, w, n, task.p, task.scale), finite);
      if (!finite) std::fill(w, w + n, std::numeric_limits<S>::quiet_NaN());
      std::fill(w + n, w + padded_n, S(0));
    }
  };
  const auto add = [&](Index first_direction, Index directions, Index first, Index last) {
    Product<S> product{.a = theta + first_direction * theta_row, .a_row = 1, .a_step = theta_row, .b = weights + first, .b_row = padded_n};
    product.c = gradient + first;
    product.c_row = padded_n;
    product.rows = d;
    product.columns = last - first;
    product.depth = directions;
    product.add = true;
    kernels.multiply(product);
  };
  in_flights(groups, in_flight, match, [&](Index first_group, Index begun) {
    if (!wanted) return;
    const Index first_direction = first_group * kRowGroup;
    const Index directions = std::min(begun * kRowGroup, task.count - first_direction);
    const auto add_columns = [&](Index i) { add(first_direction, directions, i * kColumnsOfGradient, std::min(padded_n, (i + 1) * kColumnsOfGradient)); };
    parallel_for((padded_n + kColumnsOfGradient - 1) / kColumnsOfGradient, std::ref(add_columns));
  });
  if (!wanted) return;
  task.gradient->resize(n, d);
  const Eigen::Map<const Points<S>> transposed(gradient, d, padded_n);
  transpose(transposed.leftCols(n), *task.gradient);
}

}  // namespace

template <class S>
void evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions, double p, Workspace<S>& space, Vector<double>& per_direction, Points<S>* gradient,
              Layout layout) {
  const Index n = z.rows();
  const Index count = directions.rows();
  per_direction.resize(count);
  if (layout == Layout::automatic) {
    if (n <= kFewPoints && count <= kFewPoints)
      layout = Layout::few_points;
    else
      layout = n <= kSortByColumns<S> && count > few_directions(n) ? Layout::columns : Layout::rows;
  }
  if (layout == Layout::few_points) return evaluate_few_points<S>(z, y, directions, p, per_direction, gradient);
  while (space.threads.size() < static_cast<std::size_t>(thread_count())) space.threads.push_back(std::make_unique<ThreadSpace<S>>());
  const Task<S> task{.z = z, .y = y, .directions = directions, .p = p, .space = space, .per_direction = per_direction, .gradient = gradient};
  if (layout == Layout::columns)
    evaluate_by_columns(task);
  else
    evaluate_by_rows(task);
}

template void evaluate<float>(PointsView<float>, PointsView<float>, PointsView<float>, double, Workspace<float>&, Vector<double>&, Points<float>*, Layout);
template void evaluate<double>(PointsView<double>, PointsView<double>, PointsView<double>, double, Workspace<double>&, Vector<double>&, Points<double>*,
                               Layout);

}  // namespace slicecheck::cpu
