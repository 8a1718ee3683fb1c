#include "slicecheck/torch/image_classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/scheme.h"
#include "slicecheck/torch/layered_network.h"

namespace slicecheck {

namespace {

constexpr Index kRows = 256;  // images that are in memory as floats at once

void check_settings(const LabelledImages& training, const ClassifierSettings& settings) {
  if (static_cast<std::size_t>(training.images.count) != training.labels.size())
    reject("classifier: {} images with {} labels", training.images.count, training.labels.size());
  const auto check = [](Index value, std::string_view what) {
    if (value < 1) reject("classifier: {} is {}; it must be at least 1", what, value);
  };
  check(training.images.count, "the number of images");
  check(settings.classes, "the number of classes");
  check(settings.steps, "the number of steps");
  check(settings.batch, "the batch");
  if (!std::isfinite(settings.step_size) || settings.step_size <= 0.0)
    reject("classifier: the step size is {}; it must be finite and positive", settings.step_size);
  for (std::size_t i = 0; i < training.labels.size(); ++i)
    if (training.labels[i] >= settings.classes) reject("classifier: label {} is {}; there are {} classes", i, training.labels[i], settings.classes);
}

std::vector<Layer> layers_to_features() {
  return {Layer::convolution(8, 4, 2, 1),
          Layer::relu(),
          Layer::convolution(16, 4, 2, 1),
          Layer::relu(),
          Layer::flatten(),
          Layer::linear(ImageClassifier::kFeatures),
          Layer::relu()};
}

/// Softmax of each row.
Points<double> softmax(PointsView<float> logits) {
  Points<double> out = logits.cast<double>();
  for (auto row : out.rowwise()) {
    row.array() = (row.array() - row.maxCoeff()).exp();
    row /= row.sum();
  }
  return out;
}

/// f of the points, kRows at a time.
template <class F>
Points<double> in_pieces(PointsView<float> points, Index columns, F&& f) {
  Points<double> out(points.rows(), columns);
  for (Index first = 0; first < points.rows(); first += kRows) {
    const Index rows = std::min(kRows, points.rows() - first);
    out.middleRows(first, rows) = f(points.middleRows(first, rows));
  }
  return out;
}

}  // namespace

Points<float> points_of_images(const IdxImages& images, const std::vector<Index>& rows) {
  const Index pixels = images.height * images.width;
  Points<float> out(static_cast<Index>(rows.size()), pixels);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] < 0 || rows[k] >= images.count) reject("image {} of {}", rows[k], images.count);
    for (Index j = 0; j < pixels; ++j)
      out(static_cast<Index>(k), j) = static_cast<float>(images.pixels[static_cast<std::size_t>(rows[k] * pixels + j)] / 127.5 - 1.0);
  }
  return out;
}

ImageClassifier::ImageClassifier(const LabelledImages& training, const ClassifierSettings& settings, Progress& progress) {
  check_settings(training, settings);
  const LayerShape input{1, training.images.height, training.images.width};
  auto layers = layers_to_features();
  feature_layers_ = std::make_shared<LayeredGenerator>(NetworkDescription{"image-classifier-features", input, layers});
  layers.push_back(Layer::linear(settings.classes));
  network_ = std::make_shared<LayeredGenerator>(NetworkDescription{"image-classifier", input, std::move(layers)});
  const Adam<float> adam(0.9, 0.999);
  State<float> state = adam.start(network_->initial({settings.seed, Purpose::classifier, 0, 0}));
  for (Index t = 0; t < settings.steps; ++t) {
    const RandomStream stream(settings.seed, Purpose::classifier, 1, static_cast<std::uint64_t>(t));
    std::vector<Index> rows;
    for (Index k = 0; k < settings.batch; ++k)
      rows.push_back(static_cast<Index>(PointDraws(stream, static_cast<std::uint64_t>(k)).below(static_cast<std::uint64_t>(training.images.count))));
    const auto at = network_->linearise(state.u, points_of_images(training.images, rows));
    if (!at->images().allFinite()) reject("classifier: not finite at step {}; the step size {} is too large", t, settings.step_size);
    // The derivative of −ln softmax_label in the numbers before the softmax is softmax − the label's unit vector.
    Points<double> cotangent = softmax(at->images());
    for (std::size_t k = 0; k < rows.size(); ++k) cotangent(static_cast<Index>(k), training.labels[static_cast<std::size_t>(rows[k])]) -= 1.0;
    const double left = 2.0 * static_cast<double>(settings.steps - t) / static_cast<double>(settings.steps);
    adam.advance(state, at->pullback((cotangent / static_cast<double>(settings.batch)).cast<float>()), settings.step_size * std::min(1.0, left), stream);
    progress.update("classifier", static_cast<double>(t + 1) / static_cast<double>(settings.steps));
  }
  u_ = std::move(state.u);
}

Points<double> ImageClassifier::features(PointsView<float> points) const {
  return in_pieces(points, kFeatures,
                   [&](PointsView<float> part) { return feature_layers_->forward(u_.head(feature_layers_->parameters()), part).cast<double>().eval(); });
}

Points<double> ImageClassifier::probabilities(PointsView<float> points) const {
  return in_pieces(points, network_->output_dimension(), [&](PointsView<float> part) { return softmax(network_->forward(u_, part)); });
}

double ImageClassifier::accuracy(const LabelledImages& test) const {
  if (test.images.count < 1 || static_cast<std::size_t>(test.images.count) != test.labels.size())
    reject("classifier: {} images with {} labels", test.images.count, test.labels.size());
  Index right = 0;
  for (Index first = 0; first < test.images.count; first += kRows) {
    std::vector<Index> rows(static_cast<std::size_t>(std::min(kRows, test.images.count - first)));
    std::iota(rows.begin(), rows.end(), first);
    const Points<double> p = probabilities(points_of_images(test.images, rows));
    for (Index k = 0; k < p.rows(); ++k) {
      Index best = 0;
      p.row(k).maxCoeff(&best);
      right += best == test.labels[static_cast<std::size_t>(first + k)] ? 1 : 0;
    }
  }
  return static_cast<double>(right) / static_cast<double>(test.images.count);
}

double classifier_score(PointsView<double> probabilities) {
  constexpr double kOff = 1e-6;
  if (probabilities.rows() < 1) reject("a classifier score of no images");
  for (Index k = 0; k < probabilities.rows(); ++k) {
    const auto row = probabilities.row(k);
    if (!row.allFinite() || row.minCoeff() < 0.0 || std::abs(row.sum() - 1.0) > kOff)
      reject("row {} of the probabilities is none: from {} to {}, with sum {}", k, row.minCoeff(), row.maxCoeff(), row.sum());
  }
  const Eigen::RowVectorXd mean = probabilities.colwise().mean();
  double divergence = 0.0;
  for (Index k = 0; k < probabilities.rows(); ++k)
    for (Index c = 0; c < probabilities.cols(); ++c)
      if (probabilities(k, c) > 0.0) divergence += probabilities(k, c) * std::log(probabilities(k, c) / mean[c]);
  return std::exp(divergence / static_cast<double>(probabilities.rows()));
}

}  // namespace slicecheck
