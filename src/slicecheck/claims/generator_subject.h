#pragma once
/// Generators under test, with the certificate that the Lipschitz claims rest on.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// A family of generators under test. `make` draws one: small for small sizes.
struct GeneratorSubject {
  std::string name;
  std::string description;
  std::function<std::shared_ptr<const Generator<double>>(PointDraws& draws, int size)> make;
  bool kinks = false;  ///< networks whose units have kinks; their tensors() begin with the weights and the biases of the first hidden layer
};

/// The families of this library: the two-point line, affine maps, dense networks with each activation, and those made bounded by a cut-off.
std::vector<GeneratorSubject> generator_subjects();

/// An affine map or a dense network of some activation: 1 to 3 inputs, up to two hidden layers of up to `size` + 1 units.
std::shared_ptr<const Generator<double>> drawn_network(PointDraws& draws, int size, Index outputs);

}  // namespace slicecheck
