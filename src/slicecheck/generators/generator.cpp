#include "slicecheck/generators/generator.h"

#include "slicecheck/core/error.h"

namespace slicecheck {

template <class S>
void check_generator_arguments(const Generator<S>& generator, VectorView<S> u, PointsView<S> x) {
  if (u.size() != generator.parameters()) reject("generator {}: u has {} entries; it has {} parameters", generator.name(), u.size(), generator.parameters());
  if (x.rows() == 0) reject("generator {}: x has no rows; at least one input is needed", generator.name());
  if (x.cols() != generator.input_dimension())
    reject("generator {}: x has dimension {}; its inputs have dimension {}", generator.name(), x.cols(), generator.input_dimension());
}

template <class S>
void check_cotangent(const Points<S>& images, PointsView<S> cotangent) {
  if (cotangent.rows() != images.rows() || cotangent.cols() != images.cols())
    reject("the cotangent is {} × {}; the images are {} × {}", cotangent.rows(), cotangent.cols(), images.rows(), images.cols());
}

template void check_generator_arguments<float>(const Generator<float>&, VectorView<float>, PointsView<float>);
template void check_generator_arguments<double>(const Generator<double>&, VectorView<double>, PointsView<double>);
template void check_cotangent<float>(const Points<float>&, PointsView<float>);
template void check_cotangent<double>(const Points<double>&, PointsView<double>);

}  // namespace slicecheck
