#pragma once
/// The trainings whose cost is measured: SGD in double precision, fresh batches of normals, in the plane unless told otherwise.

#include "slicecheck/dynamics/training.h"

namespace slicecheck::benchmarks {

/// Sizes of a step. Where one varies, the others stay at these.
struct Sizes {
  Index n = 64;           ///< points in a batch
  Index directions = 16;  ///< L
};

enum class Loss { reference, cpu };

/// T(u, x) = A x + b from R^dimension to itself; d_u = dimension² + dimension.
TrainingParts<double> affine_training(Loss loss, const Sizes& sizes, Index dimension = 2, std::uint32_t replicate = 0);

/// Two hidden layers of this width, with all earlier features as inputs, ReLU, from the plane to the plane.
TrainingParts<double> mlp_training(Loss loss, const Sizes& sizes, Index width);

}  // namespace slicecheck::benchmarks
