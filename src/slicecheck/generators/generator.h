#pragma once
/// Generators T(u, x): the maps that a training moves by their parameters u.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"
#include "slicecheck/generators/bounds.h"

namespace slicecheck {

/// T at one (u, x): the images, and the transposed derivative in u. Valid only while the generator, u and x that made it are alive and unchanged.
template <class S>
class Linearisation {
 public:
  Linearisation() = default;
  Linearisation(const Linearisation&) = delete;
  Linearisation& operator=(const Linearisation&) = delete;
  virtual ~Linearisation() = default;

  /// T(u, x_k) for each row, n×d.
  [[nodiscard]] virtual const Points<S>& images() const = 0;

  /// Σ_k J_u T(u, x_k)ᵀ c_k, a vector of d_u entries; cotangent c: n×d. At a kink of an activation: the convention of that activation (`activation.h`).
  [[nodiscard]] virtual Vector<S> pullback(PointsView<S> cotangent) const = 0;
};

/// A subject under test: a map T: R^{d_u} × R^{d_x} → R^d. All parameters are ONE flat vector u, so that projection, noise and norms act on u as the theory has
/// them.
template <class S>
class Generator {
 public:
  Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;
  virtual ~Generator() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Index parameters() const = 0;        ///< d_u
  [[nodiscard]] virtual Index input_dimension() const = 0;   ///< d_x
  [[nodiscard]] virtual Index output_dimension() const = 0;  ///< d

  /// Sizes of the consecutive tensors that u is made of (weights and biases), adding up to parameters(). The theory never looks at them; code that projects
  /// each tensor separately does.
  [[nodiscard]] virtual std::vector<Index> tensors() const { return {parameters()}; }

  /// u0, drawn from the stream. Its law is absolutely continuous wherever the theory needs that; the docstring of each generator says what it is.
  [[nodiscard]] virtual Vector<S> initial(const RandomStream& stream) const = 0;

  /// Images and pullback at (u, x). u: d_u entries; x: n×d_x.
  /// @throws InputError for wrong shapes and n = 0.
  [[nodiscard]] virtual std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const = 0;

  /// Images alone.
  [[nodiscard]] virtual Points<S> forward(VectorView<S> u, PointsView<S> x) const { return linearise(u, x)->images(); }

  /// Certified bounds at the input x on the ball of parameters around u0 (claims L3, L4); nothing where none are known. They are for exact T in real
  /// arithmetic; `rounding` is for double.
  [[nodiscard]] virtual std::optional<GeneratorBounds> bounds(VectorView<S> /*u0*/, double /*radius*/, const Eigen::RowVectorXd& /*x*/) const {
    return std::nullopt;
  }

  /// Pullback alone.
  [[nodiscard]] Vector<S> pullback(VectorView<S> u, PointsView<S> x, PointsView<S> cotangent) const { return linearise(u, x)->pullback(cotangent); }
};

/// Rejects u and x that do not fit the generator; the sentence names both sizes.
template <class S>
void check_generator_arguments(const Generator<S>& generator, VectorView<S> u, PointsView<S> x);

/// Rejects a cotangent whose shape is not that of the images.
template <class S>
void check_cotangent(const Points<S>& images, PointsView<S> cotangent);

}  // namespace slicecheck
