/// The networks of report 002.

#include "slicecheck/core/error.h"
#include "slicecheck/torch/layered_network.h"

namespace slicecheck {

namespace {

std::string widths_text(const std::vector<Index>& widths) {
  std::string out;
  for (const Index width : widths) out += fmt::format("{}{}", out.empty() ? "" : "-", width);
  return out;
}

std::vector<Layer> dense_layers(const std::vector<Index>& hidden_widths, Index outputs) {
  std::vector<Layer> layers;
  for (const Index width : hidden_widths) {
    layers.push_back(Layer::linear(width));
    layers.push_back(Layer::leaky_relu());
  }
  layers.push_back(Layer::linear(outputs));
  return layers;
}

}  // namespace

std::shared_ptr<const Generator<float>> plane_generator(const std::vector<Index>& hidden_widths, Index input_dimension) {
  return std::make_shared<LayeredGenerator>(NetworkDescription{
      fmt::format("plane-generator[{}-{}-2]", input_dimension, widths_text(hidden_widths)), {input_dimension, 1, 1}, dense_layers(hidden_widths, 2)});
}

std::shared_ptr<const Critic<float>> plane_critic(const std::vector<Index>& hidden_widths) {
  auto layers = dense_layers(hidden_widths, 1);
  const auto features = static_cast<Index>(layers.size()) - 1;
  return std::make_shared<LayeredCritic>(NetworkDescription{fmt::format("plane-critic[2-{}-1]", widths_text(hidden_widths)), {2, 1, 1}, std::move(layers)},
                                         features);
}

std::shared_ptr<const Generator<float>> image_generator(Index width) {
  if (width < 1) reject("generator of images: the width is {}; it must be at least 1", width);
  constexpr Index kLatent = 100;
  std::vector<Layer> layers;
  const auto add = [&](Index channels, Index stride, Index padding) {
    layers.push_back(Layer::transposed_convolution(channels, 4, stride, padding, false));
    layers.push_back(Layer::batch_normalisation());
    layers.push_back(Layer::relu());
  };
  add(8 * width, 1, 0);
  for (const Index factor : {4, 2, 1}) add(factor * width, 2, 1);
  layers.push_back(Layer::transposed_convolution(1, 1, 1, 2, false));
  layers.push_back(Layer::tanh());
  return std::make_shared<LayeredGenerator>(
      NetworkDescription{fmt::format("image-generator[width {}]", width), {kLatent, 1, 1}, std::move(layers), InitialValues::dcgan});
}

std::shared_ptr<const Critic<float>> image_critic(Index width, bool normalised) {
  if (width < 1) reject("critic of images: the width is {}; it must be at least 1", width);
  constexpr Index kSide = 28;
  constexpr Index kFeatures = 128;
  std::vector<Layer> layers;
  for (const Index factor : {1, 2, 4}) {
    layers.push_back(Layer::convolution(factor * width, 4, 2, 1, false));
    if (normalised && factor > 1) layers.push_back(Layer::batch_normalisation());
    layers.push_back(Layer::leaky_relu());
  }
  layers.push_back(Layer::convolution(kFeatures, 4, 2, 1, false));
  const auto features = static_cast<Index>(layers.size());
  layers.push_back(Layer::leaky_relu());
  layers.push_back(Layer::flatten());
  layers.push_back(Layer::linear(1));
  return std::make_shared<LayeredCritic>(NetworkDescription{fmt::format("image-critic[width {}{}]", width, normalised ? ", normalised" : ""),
                                                            {1, kSide, kSide},
                                                            std::move(layers),
                                                            normalised ? InitialValues::dcgan : InitialValues::he},
                                         features);
}

}  // namespace slicecheck
