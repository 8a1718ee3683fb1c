#include "slicecheck/torch/layered_network.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

constexpr double kBiasSpread = 1e-2;
constexpr double kDcganSpread = 0.02;
constexpr double kLeak = 0.2;
constexpr double kNormalisationEpsilon = 1e-5;
constexpr Index kLargest = Index{1} << 24;  // of a size in a description: products of a few stay within 64 bits

/// Shape after a layer. `number` and `name` say which layer, in errors.
LayerShape shape_after(const Layer& layer, const LayerShape& in, std::size_t number, const std::string& name) {
  const auto check = [&](Index value, Index least, std::string_view what) {
    if (value < least || value > kLargest) reject("{}, layer {}: {} is {}; it must be from {} to {}", name, number, what, value, least, kLargest);
  };
  switch (layer.kind) {
    case Layer::Kind::linear:
      check(layer.outputs, 1, "the number of outputs");
      if (in.rows != 1 || in.columns != 1)
        reject("{}, layer {}: a linear layer takes a vector, and gets {} × {} × {}; flatten it first", name, number, in.channels, in.rows, in.columns);
      return {layer.outputs, 1, 1};
    case Layer::Kind::convolution:
    case Layer::Kind::transposed_convolution: {
      check(layer.outputs, 1, "the number of output channels");
      check(layer.kernel, 1, "the kernel");
      check(layer.stride, 1, "the stride");
      check(layer.padding, 0, "the padding");
      const bool transposed = layer.kind == Layer::Kind::transposed_convolution;
      const auto side = [&](Index before) {
        const Index whole = transposed ? layer.stride * (before - 1) + layer.kernel - 2 * layer.padding : before + 2 * layer.padding - layer.kernel;
        if (whole < (transposed ? 1 : 0))
          reject("{}, layer {}: a kernel of {} with stride {} and padding {} leaves nothing of {} × {}", name, number, layer.kernel, layer.stride,
                 layer.padding, in.rows, in.columns);
        return transposed ? whole : whole / layer.stride + 1;
      };
      return {layer.outputs, side(in.rows), side(in.columns)};
    }
    case Layer::Kind::reshape: {
      if (layer.shape.size() == 0) return {in.size(), 1, 1};
      check(layer.shape.channels, 1, "the number of channels");
      check(layer.shape.rows, 1, "the number of rows");
      check(layer.shape.columns, 1, "the number of columns");
      if (layer.shape.size() != in.size())
        reject("{}, layer {}: {} × {} × {} are not the {} entries of {} × {} × {}", name, number, layer.shape.channels, layer.shape.rows, layer.shape.columns,
               in.size(), in.channels, in.rows, in.columns);
      return layer.shape;
    }
    case Layer::Kind::batch_normalisation:
    case Layer::Kind::relu:
    case Layer::Kind::leaky_relu:
    case Layer::Kind::tanh:
    case Layer::Kind::sigmoid: return in;
  }
  return in;
}

/// Appends the tensors that a layer adds to u.
void add_parts(const Layer& layer, const LayerShape& in, InitialValues initial, std::vector<LayeredNetwork::Part>& parts) {
  const auto he = [](Index fan_in) { return std::sqrt(2.0 / static_cast<double>(fan_in)); };
  const Index k = layer.kernel;
  switch (layer.kind) {
    case Layer::Kind::linear: {
      const double spread = initial == InitialValues::he ? he(in.channels) : std::sqrt(1.0 / (3.0 * static_cast<double>(in.channels)));
      parts.push_back({{layer.outputs, in.channels}, 0.0, spread});
      parts.push_back({{layer.outputs}, 0.0, kBiasSpread});
      return;
    }
    case Layer::Kind::convolution:
      parts.push_back({{layer.outputs, in.channels, k, k}, 0.0, initial == InitialValues::he ? he(in.channels * k * k) : kDcganSpread});
      if (layer.bias) parts.push_back({{layer.outputs}, 0.0, kBiasSpread});
      return;
    case Layer::Kind::transposed_convolution: {
      const Index fan_in = std::max<Index>(1, in.channels * k * k / (layer.stride * layer.stride));
      parts.push_back({{in.channels, layer.outputs, k, k}, 0.0, initial == InitialValues::he ? he(fan_in) : kDcganSpread});
      if (layer.bias) parts.push_back({{layer.outputs}, 0.0, kBiasSpread});
      return;
    }
    case Layer::Kind::batch_normalisation:
      parts.push_back({{in.channels}, 1.0, kDcganSpread});
      parts.push_back({{in.channels}, 0.0, kBiasSpread});
      return;
    case Layer::Kind::relu:
    case Layer::Kind::leaky_relu:
    case Layer::Kind::tanh:
    case Layer::Kind::sigmoid:
    case Layer::Kind::reshape: return;
  }
}

torch::Tensor vector_view(VectorView<float> u) { return tensor_view<float>(Eigen::Map<const Points<float>>(u.data(), 1, u.size())).view({u.size()}); }

Vector<float> to_vector(const torch::Tensor& tensor) {
  const torch::Tensor entries = tensor.contiguous();
  return Eigen::Map<const Vector<float>>(entries.data_ptr<float>(), entries.numel());
}

/// The tensors of u, one after another.
class Cursor {
 public:
  Cursor(const torch::Tensor& u, const LayeredNetwork& network) : parts_(network.parts()) {
    const auto sizes = network.tensors();
    tensors_ = u.split_with_sizes(std::vector<std::int64_t>(sizes.begin(), sizes.end()));
  }
  torch::Tensor next() {
    const std::size_t i = next_++;
    return tensors_[i].view(parts_[i].shape);
  }
  torch::Tensor next_if(bool there) { return there ? next() : torch::Tensor(); }

 private:
  const std::vector<LayeredNetwork::Part>& parts_;
  std::vector<torch::Tensor> tensors_;
  std::size_t next_ = 0;
};

/// h as the layer takes it: a matrix for vectors, n × channels × rows × columns for images.
torch::Tensor shaped(const torch::Tensor& h, const LayerShape& shape, bool as_image) {
  if (as_image) return h.reshape({h.size(0), shape.channels, shape.rows, shape.columns});
  return h.reshape({h.size(0), shape.size()});
}

/// One layer. Means and variances of a normalisation are appended to `statistics` where there is one.
torch::Tensor apply(const Layer& layer, const torch::Tensor& in, const LayerShape& shape, Cursor& u, std::vector<torch::Tensor>* statistics) {
  switch (layer.kind) {
    case Layer::Kind::linear: {
      const torch::Tensor weight = u.next();
      return torch::addmm(u.next(), shaped(in, shape, false), weight.t());
    }
    case Layer::Kind::convolution: {
      const torch::Tensor weight = u.next();
      return torch::conv2d(shaped(in, shape, true), weight, u.next_if(layer.bias), layer.stride, layer.padding);
    }
    case Layer::Kind::transposed_convolution: {
      const torch::Tensor weight = u.next();
      return torch::conv_transpose2d(shaped(in, shape, true), weight, u.next_if(layer.bias), layer.stride, layer.padding);
    }
    case Layer::Kind::batch_normalisation: {
      const torch::Tensor h = shaped(in, shape, true);
      if (statistics != nullptr) {
        const torch::NoGradGuard no_recording;
        const auto [variance, mean] = torch::var_mean(h, torch::IntArrayRef{0, 2, 3}, /*unbiased=*/false);
        statistics->push_back(mean);
        statistics->push_back(variance);
      }
      const torch::Tensor scale = u.next();
      return torch::batch_norm(h, scale, u.next(), {}, {}, /*training=*/true, /*momentum=*/0.0, kNormalisationEpsilon, /*cudnn_enabled=*/false);
    }
    case Layer::Kind::relu: return torch::relu(in);
    case Layer::Kind::leaky_relu: return torch::leaky_relu(in, kLeak);
    case Layer::Kind::tanh: return torch::tanh(in);
    case Layer::Kind::sigmoid: return torch::sigmoid(in);
    case Layer::Kind::reshape: return in;  // every layer shapes what it takes
  }
  return in;
}

/// Layers first, …, end − 1.
torch::Tensor run(const LayeredNetwork& network, Index first, Index end, torch::Tensor h, Cursor& u, std::vector<torch::Tensor>* statistics) {
  for (Index i = first; i < end; ++i) h = apply(network.description().layers[static_cast<std::size_t>(i)], h, network.shape_after(i), u, statistics);
  return h.reshape({h.size(0), network.shape_after(end).size()});
}

class GeneratorGraph final : public Linearisation<float> {
 public:
  GeneratorGraph(const LayeredNetwork& network, VectorView<float> u, PointsView<float> x) {
    const torch::AutoGradMode recording(true);
    u_ = vector_view(u).clone().requires_grad_(true);
    Cursor cursor(u_, network);
    graph_ = run(network, 0, network.layers(), tensor_view<float>(x).clone(), cursor, nullptr);
    images_ = to_points<float>(graph_);
  }

  [[nodiscard]] const Points<float>& images() const override { return images_; }

  [[nodiscard]] Vector<float> pullback(PointsView<float> cotangent) const override {
    check_cotangent<float>(images_, cotangent);
    try {
      return to_vector(torch::autograd::grad({graph_}, {u_}, {tensor_view<float>(cotangent)}, /*retain_graph=*/true).front());
    } catch (...) {
      rethrow_torch_error();
    }
  }

 private:
  torch::Tensor u_;
  torch::Tensor graph_;
  Points<float> images_;
};

class CriticGraph final : public CriticLinearisation<float> {
 public:
  CriticGraph(const LayeredNetwork& network, Index feature_layers, VectorView<float> v, PointsView<float> points) {
    const torch::AutoGradMode recording(true);
    v_ = vector_view(v).clone().requires_grad_(true);
    points_ = tensor_view<float>(points).clone().requires_grad_(true);
    Cursor cursor(v_, network);
    std::vector<torch::Tensor> statistics;
    feature_graph_ = run(network, 0, feature_layers, points_, cursor, &statistics);
    score_graph_ = run(network, feature_layers, network.layers(), feature_graph_, cursor, &statistics);
    features_ = to_points<float>(feature_graph_);
    scores_ = to_vector(score_graph_);
    if (!statistics.empty()) statistics_ = to_vector(torch::cat(statistics));
  }

  [[nodiscard]] const Points<float>& features() const override { return features_; }
  [[nodiscard]] const Vector<float>& scores() const override { return scores_; }
  [[nodiscard]] const Vector<float>& statistics() const override { return statistics_; }

  [[nodiscard]] Vector<float> pullback_parameters(const CriticCotangent<float>& cotangent) const override {
    const torch::Tensor out = pull(cotangent, v_);
    return out.defined() ? to_vector(out) : Vector<float>::Zero(v_.numel());
  }
  [[nodiscard]] Points<float> pullback_points(const CriticCotangent<float>& cotangent) const override {
    const torch::Tensor out = pull(cotangent, points_);
    return out.defined() ? to_points<float>(out) : Points<float>::Zero(points_.size(0), points_.size(1));
  }

 private:
  /// Undefined where the cotangent is empty or the form does not depend on `input`.
  [[nodiscard]] torch::Tensor pull(const CriticCotangent<float>& cotangent, const torch::Tensor& input) const {
    check_critic_cotangent(*this, cotangent);
    try {
      std::vector<torch::Tensor> outputs, forms;
      if (cotangent.features.size() != 0) {
        outputs.push_back(feature_graph_);
        forms.push_back(tensor_view<float>(cotangent.features));
      }
      if (cotangent.scores.size() != 0) {
        outputs.push_back(score_graph_);
        forms.push_back(vector_view(cotangent.scores).view({cotangent.scores.size(), 1}));
      }
      if (outputs.empty()) return {};
      return torch::autograd::grad(outputs, {input}, forms, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true).front();
    } catch (...) {
      rethrow_torch_error();
    }
  }

  torch::Tensor v_;
  torch::Tensor points_;
  torch::Tensor feature_graph_;
  torch::Tensor score_graph_;
  Points<float> features_;
  Vector<float> scores_;
  Vector<float> statistics_;
};

}  // namespace

Layer Layer::linear(Index outputs) {
  Layer layer{Kind::linear};
  layer.outputs = outputs;
  return layer;
}

Layer Layer::convolution(Index outputs, Index kernel, Index stride, Index padding, bool bias) {
  return {Kind::convolution, outputs, kernel, stride, padding, bias};
}

Layer Layer::transposed_convolution(Index outputs, Index kernel, Index stride, Index padding, bool bias) {
  return {Kind::transposed_convolution, outputs, kernel, stride, padding, bias};
}

Layer Layer::batch_normalisation() { return {Kind::batch_normalisation}; }

Layer Layer::reshape(LayerShape shape) {
  Layer layer{Kind::reshape};
  layer.shape = shape;
  return layer;
}

Index LayeredNetwork::Part::size() const { return std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>()); }

LayeredNetwork::LayeredNetwork(NetworkDescription description) : description_(std::move(description)) {
  const LayerShape& in = description_.input;
  for (const Index size : {in.channels, in.rows, in.columns})
    if (size < 1 || size > kLargest)
      reject("{}: the input is {} × {} × {}; each must be from 1 to {}", description_.name, in.channels, in.rows, in.columns, kLargest);
  if (description_.layers.empty()) reject("{}: there is no layer", description_.name);
  shapes_.push_back(in);
  for (std::size_t i = 0; i < description_.layers.size(); ++i) {
    const Layer& layer = description_.layers[i];
    add_parts(layer, shapes_.back(), description_.initial, parts_);
    shapes_.push_back(slicecheck::shape_after(layer, shapes_.back(), i + 1, description_.name));
  }
  if (parts_.empty()) reject("{}: no layer has parameters", description_.name);
  use_one_torch_thread();
}

Index LayeredNetwork::parameters() const {
  return std::accumulate(parts_.begin(), parts_.end(), Index{0}, [](Index sum, const Part& part) { return sum + part.size(); });
}

Index LayeredNetwork::statistics() const {
  Index count = 0;
  for (std::size_t i = 0; i < description_.layers.size(); ++i)
    if (description_.layers[i].kind == Layer::Kind::batch_normalisation) count += 2 * shapes_[i].channels;
  return count;
}

std::vector<Index> LayeredNetwork::tensors() const {
  std::vector<Index> sizes;
  for (const Part& part : parts_) sizes.push_back(part.size());
  return sizes;
}

Vector<float> LayeredNetwork::initial(const RandomStream& stream) const {
  Eigen::VectorXd u(parameters());
  stream.fill_normal(u);
  Index offset = 0;
  for (const Part& part : parts_) {
    u.segment(offset, part.size()) = (part.spread * u.segment(offset, part.size()).array() + part.mean).matrix().eval();
    offset += part.size();
  }
  return u.cast<float>();
}

std::unique_ptr<Linearisation<float>> LayeredGenerator::linearise(VectorView<float> u, PointsView<float> x) const {
  check_generator_arguments<float>(*this, u, x);
  try {
    return std::make_unique<GeneratorGraph>(network_, u, x);
  } catch (...) {
    rethrow_torch_error();
  }
}

Points<float> LayeredGenerator::forward(VectorView<float> u, PointsView<float> x) const {
  check_generator_arguments<float>(*this, u, x);
  try {
    const torch::NoGradGuard no_recording;
    Cursor cursor(vector_view(u), network_);
    return to_points<float>(run(network_, 0, network_.layers(), tensor_view<float>(x), cursor, nullptr));
  } catch (...) {
    rethrow_torch_error();
  }
}

LayeredCritic::LayeredCritic(NetworkDescription description, Index feature_layers) : network_(std::move(description)), feature_layers_(feature_layers) {
  if (feature_layers < 1 || feature_layers >= network_.layers())
    reject("{}: {} of {} layers give the features; it must be at least 1, and one must be left for the score", name(), feature_layers, network_.layers());
  const Index outputs = network_.shape_after(network_.layers()).size();
  if (outputs != 1) reject("{}: the last layer gives {} numbers; a critic's score is one", name(), outputs);
}

std::unique_ptr<CriticLinearisation<float>> LayeredCritic::linearise(VectorView<float> v, PointsView<float> points) const {
  check_critic_arguments<float>(*this, v, points);
  try {
    return std::make_unique<CriticGraph>(network_, feature_layers_, v, points);
  } catch (...) {
    rethrow_torch_error();
  }
}

PenaltyGradient<float> LayeredCritic::gradient_penalty(VectorView<float> v, PointsView<float> points) const {
  check_critic_arguments<float>(*this, v, points);
  if (statistics() != 0) reject("critic {}: no gradient penalty with batch normalisation, where a score depends on the other points of the batch", name());
  try {
    const torch::AutoGradMode recording(true);
    const torch::Tensor parameters = vector_view(v).clone().requires_grad_(true);
    const torch::Tensor x = tensor_view<float>(points).clone().requires_grad_(true);
    Cursor cursor(parameters, network_);
    const torch::Tensor scores = run(network_, 0, network_.layers(), x, cursor, nullptr);
    const torch::Tensor slopes = torch::autograd::grad({scores.sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true).front();
    // The square root has no slope at 0: there the norm is a constant.
    const torch::Tensor squares = slopes.square().sum(1);
    const torch::Tensor moves = squares > 0;
    const torch::Tensor norms = torch::where(moves, torch::where(moves, squares, torch::ones_like(squares)).sqrt(), torch::zeros_like(squares));
    const torch::Tensor penalty = (norms - 1).square().mean();
    const torch::Tensor gradient = torch::autograd::grad({penalty}, {parameters}, {}, false, false, /*allow_unused=*/true).front();
    return {static_cast<double>(penalty.item<float>()), gradient.defined() ? to_vector(gradient) : Vector<float>::Zero(v.size()).eval()};
  } catch (...) {
    rethrow_torch_error();
  }
}

}  // namespace slicecheck
