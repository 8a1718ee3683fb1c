#pragma once
/// Networks given as a list of layers, as generators and as critics: those of report 002, dense and convolutional, with batch normalisation where it has it.

#include "slicecheck/generators/critic.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// What passes between two layers, for each point: channels × rows × columns numbers, row-major. A vector of m numbers is m × 1 × 1.
struct LayerShape {
  Index channels = 1;
  Index rows = 1;
  Index columns = 1;

  [[nodiscard]] Index size() const { return channels * rows * columns; }
};

/// One layer. Made by the functions below it; each says which tensors it adds to u, in this order.
struct Layer {
  /// Which.
  enum class Kind { linear, convolution, transposed_convolution, batch_normalisation, relu, leaky_relu, tanh, sigmoid, reshape };

  /// W h + b for a vector h: W (outputs × inputs, by rows), b.
  static Layer linear(Index outputs);
  /// Square kernels, zero padding: weight (output channel, input channel, row, column), and a bias for each output channel where `bias`.
  static Layer convolution(Index outputs, Index kernel, Index stride, Index padding, bool bias = true);
  /// LibTorch's `conv_transpose2d`: weight (input channel, output channel, row, column), and a bias likewise. Rows become stride·(rows − 1) + kernel −
  /// 2·padding.
  static Layer transposed_convolution(Index outputs, Index kernel, Index stride, Index padding, bool bias = true);
  /// γ (h − m)/√(q + 10⁻⁵) + β with m and q the mean and the variance (divisor: the count) of a channel over the batch and the pixels: γ, then β, one entry a
  /// channel. A point's image then depends on the other points of its batch. WHERE q = 0, it is β.
  static Layer batch_normalisation();
  /// max(h, 0). AT THE KINK 0 the slope is 0, as LibTorch has it.
  static Layer relu() { return {Kind::relu}; }
  /// h where h > 0, else 0.2 h. AT THE KINK 0 the slope is 0.2.
  static Layer leaky_relu() { return {Kind::leaky_relu}; }
  static Layer tanh() { return {Kind::tanh}; }
  static Layer sigmoid() { return {Kind::sigmoid}; }
  /// The same numbers as channels × rows × columns.
  static Layer reshape(LayerShape shape);
  /// As a vector.
  static Layer flatten() { return {Kind::reshape}; }

  Kind kind = Kind::linear;
  Index outputs = 0;
  Index kernel = 1;
  Index stride = 1;
  Index padding = 0;
  bool bias = true;
  LayerShape shape{0, 0, 0};  ///< reshape; 0 × 0 × 0 for a vector
};

/// The law of u0. Biases and β are N(0, 10⁻⁴) in both, γ is N(1, 0.02²): absolutely continuous, as T1 asks.
enum class InitialValues {
  he,  ///< weights N(0, 2 / fan-in). Fan-in: the terms that are summed into one entry away from the border, inputs × kernel², for transposed ones / stride²
  dcgan,  ///< weights of convolutions N(0, 0.02²), as report 002's code has them for MNIST; of linear layers N(0, 1 / (3 · fan-in)), the variance of LibTorch's
          ///< default
};

/// A network: its name, what goes in, its layers.
struct NetworkDescription {
  std::string name;
  LayerShape input;
  std::vector<Layer> layers;
  InitialValues initial = InitialValues::he;
};

/// A description with everything that follows from it; for the two classes below.
class LayeredNetwork {
 public:
  /// One tensor of u.
  struct Part {
    std::vector<std::int64_t> shape;
    double mean;    ///< of its entries in u0
    double spread;  ///< their standard deviation
    [[nodiscard]] Index size() const;
  };

  /// Keeps LibTorch on one thread (`use_one_torch_thread`).
  /// @throws InputError, naming the layer, for layers that do not fit together: sizes below 1, a linear layer on an image, a kernel larger than its padded
  /// input, a reshape to another number of entries.
  explicit LayeredNetwork(NetworkDescription description);

  [[nodiscard]] const NetworkDescription& description() const { return description_; }
  /// What comes out of the first `layers` layers, for one point.
  [[nodiscard]] const LayerShape& shape_after(Index layers) const { return shapes_[static_cast<std::size_t>(layers)]; }
  [[nodiscard]] Index layers() const { return static_cast<Index>(description_.layers.size()); }
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] Index parameters() const;
  [[nodiscard]] Index statistics() const;  ///< two for each channel that is normalised
  [[nodiscard]] std::vector<Index> tensors() const;
  /// u0 of all parts, drawn from the stream.
  [[nodiscard]] Vector<float> initial(const RandomStream& stream) const;

 private:
  NetworkDescription description_;
  std::vector<LayerShape> shapes_;  // before each layer, and after the last
  std::vector<Part> parts_;
};

/// A network as a generator: T(u, x_k) is what the last layer gives for point k. With batch normalisation it depends on the other points of the batch: it is no
/// map T(u, x) of a point as the theory has it, and no claim is about it; forward() normalises by the very points it is given.
///
/// Thread-safe: linearisations may be made and pulled back on several threads at the same time; the same call gives the same bits on any thread. A
/// linearisation copies u and x.
class LayeredGenerator final : public Generator<float> {
 public:
  /// @throws InputError as `LayeredNetwork`.
  explicit LayeredGenerator(NetworkDescription description) : network_(std::move(description)) {}

  [[nodiscard]] std::string name() const override { return network_.description().name; }
  [[nodiscard]] Index parameters() const override { return network_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return network_.shape_after(0).size(); }
  [[nodiscard]] Index output_dimension() const override { return network_.shape_after(network_.layers()).size(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return network_.tensors(); }
  [[nodiscard]] Vector<float> initial(const RandomStream& stream) const override { return network_.initial(stream); }
  /// @throws Error with the first line of LibTorch's message where LibTorch fails (out of memory).
  [[nodiscard]] std::unique_ptr<Linearisation<float>> linearise(VectorView<float> u, PointsView<float> x) const override;
  [[nodiscard]] Points<float> forward(VectorView<float> u, PointsView<float> x) const override;

  [[nodiscard]] const LayeredNetwork& network() const { return network_; }

 private:
  LayeredNetwork network_;
};

/// A network as a critic: the features are what its first `feature_layers` layers give, flattened, n×m; the layers after them, the head, give the score.
/// statistics(): for each batch normalisation in order, the means m of its channels, then their variances q. Threads and copies as in `LayeredGenerator`.
class LayeredCritic final : public Critic<float> {
 public:
  /// @throws InputError as `LayeredNetwork`, and where 1 ≤ feature_layers < layers does not hold or the last layer does not give one number.
  LayeredCritic(NetworkDescription description, Index feature_layers);

  [[nodiscard]] std::string name() const override { return network_.description().name; }
  [[nodiscard]] Index parameters() const override { return network_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return network_.shape_after(0).size(); }
  [[nodiscard]] Index feature_dimension() const override { return network_.shape_after(feature_layers_).size(); }
  [[nodiscard]] Index statistics() const override { return network_.statistics(); }
  [[nodiscard]] Vector<float> initial(const RandomStream& stream) const override { return network_.initial(stream); }
  /// @throws Error with the first line of LibTorch's message where LibTorch fails (out of memory).
  [[nodiscard]] std::unique_ptr<CriticLinearisation<float>> linearise(VectorView<float> v, PointsView<float> points) const override;
  /// By differentiating twice. @throws InputError where the network has a batch normalisation: there ∇_x s of one point is not defined by that point.
  [[nodiscard]] PenaltyGradient<float> gradient_penalty(VectorView<float> v, PointsView<float> points) const override;

  [[nodiscard]] const LayeredNetwork& network() const { return network_; }
  [[nodiscard]] Index feature_layers() const { return feature_layers_; }

 private:
  LayeredNetwork network_;
  Index feature_layers_;
};

/// Dense generator of the plane: input → hidden widths with leaky relu → 2, weights as He.
std::shared_ptr<const Generator<float>> plane_generator(const std::vector<Index>& hidden_widths, Index input_dimension);

/// Dense critic of the plane: 2 → hidden widths with leaky relu (the features are the last of them) → one number, weights as He.
std::shared_ptr<const Critic<float>> plane_critic(const std::vector<Index>& hidden_widths);

/// Report 002's generator for MNIST: 100 normals as 100×1×1, transposed convolutions without bias to 8w×4×4, 4w×8×8, 2w×16×16, w×32×32, each with batch
/// normalisation and relu; then one of kernel 1 and padding 2 to 1×28×28 and tanh. Rows of pixels in [−1, 1]. Weights as dcgan. w = `width`; the report has 64.
std::shared_ptr<const Generator<float>> image_generator(Index width);

/// Report 002's critic for MNIST: convolutions 4×4 of stride 2 and padding 1 without bias, 1×28×28 → w×14×14 → 2w×7×7 → 4w×3×3 → 128×1×1, with leaky relu
/// between them and, where `normalised`, batch normalisation before the second and the third leaky relu. The features are the 128 outputs of the last; the head
/// is leaky relu and a linear form. Weights as dcgan where normalised, else as He: 0.02 without normalisation lets nothing through.
std::shared_ptr<const Critic<float>> image_critic(Index width, bool normalised);

}  // namespace slicecheck
