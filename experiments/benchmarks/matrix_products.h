#pragma once
/// The matrix products of the loss, by the libraries that are at hand: what they cost at least.

#include <string>

#include "slicecheck/core/types.h"

namespace slicecheck::benchmarks {

/// The instruction set that OpenBLAS has chosen, such as "Cooperlake"; empty where it is not there.
std::string openblas_core();
/// Its version and options.
std::string openblas_configuration();
/// Keeps it on one thread.
void use_one_openblas_thread();

/// The 6ndL floating-point operations of the loss with its gradient, in single precision, on one thread: θ Zᵀ, θ Yᵀ and Wᵀ θ, for blocks of directions whose
/// projections stay in a cache.
class LossProducts {
 public:
  LossProducts(Index n, Index d, Index count);
  [[nodiscard]] double operations() const;
  double by_eigen();     ///< seconds
  double by_openblas();  ///< seconds; infinite where OpenBLAS is not there

 private:
  template <class Product>
  double run(Product&& product);

  Points<float> z_, y_, directions_, projected_, gradient_;
};

/// A square product of the size that BLAS libraries are tuned for: the rate that the machine has.
class SquareProduct {
 public:
  SquareProduct();
  [[nodiscard]] double operations() const;
  double by_eigen();
  double by_openblas();

 private:
  Points<float> a_, b_, c_;
};

}  // namespace slicecheck::benchmarks
