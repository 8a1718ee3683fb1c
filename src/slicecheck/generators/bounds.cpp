#include "slicecheck/generators/bounds.h"

#include <cmath>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/spectral_norm.h"

namespace slicecheck {

void LayerBounds::add(const Layer& layer, double radius) {
  const double u = tolerance::unit_roundoff<double>();
  const double up = 1.0 + tolerance::gamma(8.0 * static_cast<double>(layer.blocks.size()) + 32.0, u);  // the rounding of this very computation
  double sum = layer.bias_norm + radius;
  double features = 0.0;
  double carried_rounding = 0.0;
  double magnitude = layer.bias_norm + radius;
  std::vector<double> constants(lipschitz_.size(), 0.0);  // of layers 1, …, m: entry l − 1
  for (std::size_t i = 0; i < layer.blocks.size(); ++i) {
    const double norm = spectral_norm_bound(layer.blocks[i]) + radius;
    const double frobenius = layer.blocks[i].norm() * up + radius;
    sum += norm * image_[i];
    features += image_[i] * image_[i];
    carried_rounding += norm * rounding_[i];
    magnitude += frobenius * (image_[i] + rounding_[i]);
    for (std::size_t l = 0; l < lipschitz_[i].size(); ++l) constants[l] += norm * lipschitz_[i][l];
  }
  constants.back() += std::sqrt(1.0 + features);
  for (double& c : constants) c *= layer.lipschitz * up;
  const double image = (std::sqrt(static_cast<double>(layer.width)) * layer.at_zero + layer.lipschitz * sum) * up;
  // Pre-activation: products and sums of fan_in + 1 terms. Activation: at most 8 roundings of a value bounded by its image and act(0) terms.
  const double pre = carried_rounding + tolerance::gamma(static_cast<double>(layer.fan_in) + 3.0, u) * magnitude;
  image_.push_back(image);
  rounding_.push_back((layer.lipschitz * pre + tolerance::gamma(8.0, u) * (image + layer.lipschitz * pre)) * up);
  lipschitz_.push_back(std::move(constants));
}

GeneratorBounds LayerBounds::last() const {
  double square = 0.0;
  for (const double c : lipschitz_.back()) square += c * c;
  return {std::sqrt(square) * (1.0 + tolerance::gamma(static_cast<double>(lipschitz_.back().size()) + 4.0, tolerance::unit_roundoff<double>())), image_.back(),
          rounding_.back()};
}

}  // namespace slicecheck
