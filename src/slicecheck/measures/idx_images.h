#pragma once
/// Images in the IDX format of MNIST, and the finite law that they are.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "slicecheck/measures/law.h"

namespace slicecheck {

/// N grey images of height × width bytes each, one after the other, rows from the top.
struct IdxImages {
  Index count = 0;
  Index height = 0;
  Index width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Reads an IDX file of three dimensions of unsigned bytes.
/// @throws InputError with the file, what its header says and what was expected: a wrong magic number, a size of 0, a truncated file, bytes left over.
IdxImages read_idx_images(const std::filesystem::path& path);

/// Writes the format that `read_idx_images` reads, atomically.
void write_idx_images(const std::filesystem::path& path, const IdxImages& images);

/// Images from points in [−1, 1]^{h·w} (values outside are clipped): pixel = round((x + 1)·127.5).
/// @throws InputError for another dimension and for entries that are not finite.
template <class S>
IdxImages images_from_points(PointsView<S> points, Index height, Index width);

/// The uniform law on a set of images: atom k is image k scaled to [−1, 1], x = b/127.5 − 1, as a vector of height·width coordinates. Finite (A6), bounded
/// (A3).
class ImageLaw final : public Law {
 public:
  /// `images` as `read_idx_images` gives them.
  ImageLaw(std::string name, IdxImages images);
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Index dimension() const override { return images_.height * images_.width; }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override;
  [[nodiscard]] Index atom_count() const override { return images_.count; }
  [[nodiscard]] Eigen::RowVectorXd atom(Index k) const override;
  [[nodiscard]] double probability(Index) const override { return 1.0 / static_cast<double>(images_.count); }

 private:
  std::string name_;
  IdxImages images_;
};

}  // namespace slicecheck
