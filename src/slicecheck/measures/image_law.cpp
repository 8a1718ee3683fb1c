/// The uniform law on a set of images.

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/measures/idx_images.h"

namespace slicecheck {

ImageLaw::ImageLaw(std::string name, IdxImages images) : name_(std::move(name)), images_(std::move(images)) {
  if (images_.count < 1 || static_cast<Index>(images_.pixels.size()) != images_.count * images_.height * images_.width)
    reject("image law {}: {} bytes for {} images of {} × {}", name_, images_.pixels.size(), images_.count, images_.height, images_.width);
}

Eigen::RowVectorXd ImageLaw::atom(Index k) const {
  if (k < 0 || k >= images_.count) reject("image law {}: image {} was asked for; there are {}", name_, k, images_.count);
  const std::uint8_t* begin = images_.pixels.data() + k * dimension();
  Eigen::RowVectorXd point(dimension());
  for (Index j = 0; j < point.size(); ++j) point[j] = static_cast<double>(begin[j]) / 127.5 - 1.0;
  return point;
}

Eigen::RowVectorXd ImageLaw::draw(PointDraws& draws) const { return atom(static_cast<Index>(draws.below(static_cast<std::uint64_t>(images_.count)))); }

std::optional<double> ImageLaw::support_radius() const { return std::sqrt(static_cast<double>(dimension())); }

}  // namespace slicecheck
