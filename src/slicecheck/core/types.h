#pragma once
/// Points and vectors, as everything in SliceCheck passes them.

#include <Eigen/Core>

namespace slicecheck {

using Index = Eigen::Index;

/// An n×d cloud: rows are points. Row-major, so that it maps onto a LibTorch tensor without a copy.
template <class S>
using Points = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A read-only argument: any row-major block with unit inner stride, taken without a copy.
template <class S>
using PointsView = const Eigen::Ref<const Points<S>>&;

template <class S>
using Vector = Eigen::Matrix<S, Eigen::Dynamic, 1>;

template <class S>
using VectorView = const Eigen::Ref<const Vector<S>>&;

}  // namespace slicecheck
