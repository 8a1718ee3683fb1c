#pragma once
/// A small classifier of images, trained here, and what its features and probabilities say of generated ones.

#include <cstdint>
#include <memory>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/generators/generator.h"
#include "slicecheck/measures/idx_images.h"

namespace slicecheck {

/// Images with their labels.
struct LabelledImages {
  IdxImages images;
  std::vector<std::uint8_t> labels;  ///< one for each image
};

/// How it is trained.
struct ClassifierSettings {
  Index classes = 10;  ///< labels are 0, …, classes − 1
  Index steps = 1000;
  Index batch = 64;
  double step_size = 2e-3;  ///< of Adam with β = 0.9, 0.999; falls linearly to 0 over the last half of the steps
  std::uint64_t seed = 1;
};

/// A network like LeNet: convolutions 1 → 8 → 16 channels, 4×4 of stride 2 and padding 1, then linear layers to 64 features and to a number for each class,
/// with relu between all; weights as He. Trained by Adam on the mean cross-entropy of batches drawn with replacement. Images are scaled to [−1, 1] as ImageLaw
/// does. A pure function of images, labels and settings. Thread-safe.
class ImageClassifier {
 public:
  static constexpr Index kFeatures = 64;

  /// @throws InputError where images and labels do not match, a label is no class, or a setting is below 1 (step_size: not finite and positive).
  ImageClassifier(const LabelledImages& training, const ClassifierSettings& settings, Progress& progress);

  [[nodiscard]] Index parameters() const { return network_->parameters(); }

  /// The layer before the last, n×kFeatures. points: n × pixels, in [−1, 1]. @throws InputError for another number of pixels.
  [[nodiscard]] Points<double> features(PointsView<float> points) const;
  /// Softmax of the last layer, n×classes: rows add up to 1 within rounding.
  [[nodiscard]] Points<double> probabilities(PointsView<float> points) const;
  /// Share of the images whose label is that of the largest probability (the first of equal ones).
  [[nodiscard]] double accuracy(const LabelledImages& test) const;

 private:
  std::shared_ptr<const Generator<float>> network_;         // to the classes
  std::shared_ptr<const Generator<float>> feature_layers_;  // its first layers, whose parameters come first
  Vector<float> u_;
};

/// exp of the mean of KL(p(·|x) ‖ mean p) over the rows of probabilities, from 1 to the number of classes: high where every image is of one class for certain
/// and all classes occur alike. The formula of the inception score; with another classifier it is another score, not to be compared with published ones.
/// @throws InputError for no rows, and rows that are no probabilities (negative, not finite, or a sum off 1 by more than 10⁻⁶).
double classifier_score(PointsView<double> probabilities);

/// Images `rows` of a set, as points in [−1, 1].
Points<float> points_of_images(const IdxImages& images, const std::vector<Index>& rows);

}  // namespace slicecheck
