/// Real images of experiment `mnist-transport`, with networks and the classifier that judges.

#include <fmt/format.h>

#include <numeric>

#include "mnist_transport.h"
#include "slicecheck/core/error.h"
#include "slicecheck/measures/cifar10.h"
#include "slicecheck/measures/idx_labels.h"
#include "slicecheck/torch/layered_network.h"

namespace slicecheck::transport_mnist {

namespace {

constexpr std::uint32_t kRealReplicate = 0xFFFF'FFFFU;  // apart from every training's draws
constexpr Index kSide = 28;

LabelledImages mnist_part(const std::filesystem::path& data, const std::string& part) {
  const auto images = data / "mnist" / (part + "-images-idx3-ubyte");
  LabelledImages out{read_idx_images(images), read_idx_labels(data / "mnist" / (part + "-labels-idx1-ubyte"))};
  if (out.images.height != kSide || out.images.width != kSide)
    reject("{}: images of {} × {}; MNIST has {} × {}", images.string(), out.images.height, out.images.width, kSide, kSide);
  return out;
}

LabelledImages labelled(Cifar10Images images) { return {std::move(images.images), std::move(images.labels)}; }

/// The networks of report 002, a layer shorter, for three planes of 32 × 32.
std::shared_ptr<const Generator<float>> colour_generator(Index width) {
  std::vector<Layer> layers;
  for (const Index factor : {4, 2, 1}) {
    layers.push_back(Layer::transposed_convolution(factor * width, 4, factor == 4 ? 1 : 2, factor == 4 ? 0 : 1, false));
    layers.push_back(Layer::batch_normalisation());
    layers.push_back(Layer::relu());
  }
  layers.push_back(Layer::transposed_convolution(3, 4, 2, 1, false));
  layers.push_back(Layer::tanh());
  return std::make_shared<LayeredGenerator>(
      NetworkDescription{fmt::format("colour-generator[width {}]", width), {kLatent, 1, 1}, std::move(layers), InitialValues::dcgan});
}

std::shared_ptr<const Critic<float>> colour_critic(Index width) {
  std::vector<Layer> layers;
  for (const Index factor : {1, 2, 4}) {
    layers.push_back(Layer::convolution(factor * width, 4, 2, 1, false));
    layers.push_back(Layer::leaky_relu());
  }
  layers.push_back(Layer::convolution(128, 4, 1, 0, false));
  const auto features = static_cast<Index>(layers.size());
  layers.push_back(Layer::leaky_relu());
  layers.push_back(Layer::flatten());
  layers.push_back(Layer::linear(1));
  return std::make_shared<LayeredCritic>(NetworkDescription{fmt::format("colour-critic[width {}]", width), {3, 32, 32}, std::move(layers), InitialValues::he},
                                         features);
}

/// The classifier, and what it says of real images.
void judge(Pictures& pictures, LabelledImages training, const LabelledImages& test, const ExperimentContext& context) {
  const Settings& s = context.settings;
  pictures.rows = training.images.height;
  pictures.columns = training.images.width;
  ClassifierSettings settings;
  settings.steps = s.integer_at_least("classifier.steps", 1);
  settings.batch = s.integer_at_least("classifier.batch", 1);
  settings.step_size = s.number("classifier.step_size");
  settings.seed = context.seed;
  const auto classifier = std::make_shared<ImageClassifier>(training, settings, context.progress);
  pictures.classifier = classifier;
  pictures.accuracy = classifier->accuracy(test);
  std::vector<Index> all(static_cast<std::size_t>(test.images.count));
  std::iota(all.begin(), all.end(), Index{0});
  pictures.test = fit_gaussian(classifier->features(points_of_images(test.images, all)));
  pictures.images = std::make_shared<ImageLaw>(pictures.name, std::move(training.images));
  const Index count = s.integer_at_least("images", 2);
  const ImageLaw tests(pictures.name + " test images", test.images);
  const auto of_tests = tests.sample<float>({context.seed, Purpose::evaluation_target, kRealReplicate, 0}, count);
  const auto of_training = pictures.images->sample<float>({context.seed, Purpose::evaluation_target, kRealReplicate, 1}, count);
  pictures.real_score = classifier_score(classifier->probabilities(of_tests));
  pictures.real_frechet = frechet_distance(fit_gaussian(classifier->features(of_training)), pictures.test);
}

}  // namespace

std::optional<std::filesystem::path> missing_mnist(const std::filesystem::path& data) {
  for (const char* file : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
    if (!std::filesystem::exists(data / "mnist" / file)) return data / "mnist" / file;
  return std::nullopt;
}

PictureFiles read_mnist(const std::filesystem::path& data) { return {mnist_part(data, "train"), mnist_part(data, "t10k")}; }

PictureFiles read_cifar10_files(const std::filesystem::path& folder) {
  return {labelled(read_cifar10_training(folder)), labelled(read_cifar10(folder / "test_batch.bin"))};
}

std::shared_ptr<Pictures> mnist_pictures(const ExperimentContext& context, PictureFiles files) {
  auto out = std::make_shared<Pictures>();
  const Index width = context.settings.integer_at_least("width", 1);
  out->name = "MNIST";
  out->generator = image_generator(width);
  out->critic = image_critic(width, false);
  judge(*out, std::move(files.training), files.test, context);
  return out;
}

std::shared_ptr<Pictures> cifar10_pictures(const ExperimentContext& context, PictureFiles files) {
  auto out = std::make_shared<Pictures>();
  const Index width = context.settings.integer_at_least("width", 1);
  out->name = "CIFAR-10";
  out->colour = true;
  out->generator = colour_generator(width);
  out->critic = colour_critic(width);
  judge(*out, std::move(files.training), files.test, context);
  return out;
}

Points<float> generated_pictures(const Pictures& pictures, const Vector<float>& u, const RandomStream& stream, Index count, Index batch) {
  const Index batches = (count + batch - 1) / batch;
  const auto x = pictures.source->sample<float>(stream, batches * batch);
  Points<float> out(batches * batch, pictures.generator->output_dimension());
  for (Index b = 0; b < batches; ++b) out.middleRows(b * batch, batch) = pictures.generator->forward(u, x.middleRows(b * batch, batch));
  return out.topRows(count);
}

}  // namespace slicecheck::transport_mnist
