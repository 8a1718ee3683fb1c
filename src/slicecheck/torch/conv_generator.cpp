#include "slicecheck/torch/conv_generator.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

constexpr Index kForwardRows = 256;  // points whose features are in memory at once in forward()

/// One tensor of u.
struct Part {
  std::vector<std::int64_t> shape;
  double spread;  ///< standard deviation of its entries in u0

  [[nodiscard]] Index size() const { return std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>()); }
};

/// The tensors of u, in order.
std::vector<Part> parts(Index w, bool residual) {
  constexpr double kBiasSpread = 1e-2;
  const auto he = [](Index fan_in) { return std::sqrt(2.0 / static_cast<double>(fan_in)); };
  std::vector<Part> out{{{TransposedConvolutions::kInput, 4 * w, 7, 7}, he(TransposedConvolutions::kInput)}, {{4 * w}, kBiasSpread}};
  const auto add_upsampling = [&](Index in, Index channels) {
    const double spread = he(in * (residual ? 5 : 4));
    out.push_back({{in, channels, 4, 4}, spread});
    out.push_back({{channels}, kBiasSpread});
    if (residual) out.push_back({{channels, in, 1, 1}, spread});
  };
  add_upsampling(4 * w, 2 * w);
  add_upsampling(2 * w, 1);
  return out;
}

/// Reads the parts one after another.
class Cursor {
 public:
  Cursor(const torch::Tensor& u, Index w, bool residual) : parts_(parts(w, residual)) {
    std::vector<std::int64_t> sizes;
    for (const Part& part : parts_) sizes.push_back(part.size());
    tensors_ = u.split_with_sizes(sizes);
  }

  torch::Tensor next() {
    const std::size_t i = next_++;
    return tensors_[i].view(parts_[i].shape);
  }

 private:
  std::vector<Part> parts_;
  std::vector<torch::Tensor> tensors_;
  std::size_t next_ = 0;
};

/// A_m h + b_m + [up(S_m h)], twice the rows and columns of h.
torch::Tensor upsampling(const torch::Tensor& h, Cursor& u, bool residual) {
  const torch::Tensor weight = u.next();
  const torch::Tensor bias = u.next();
  torch::Tensor out = torch::conv_transpose2d(h, weight, bias, /*stride=*/2, /*padding=*/1);
  if (residual) out = out + torch::upsample_nearest2d(torch::conv2d(h, u.next()), {2 * h.size(2), 2 * h.size(3)});
  return out;
}

/// Images n×784. u: d_u; x: n×32.
torch::Tensor generate(const torch::Tensor& u, const torch::Tensor& x, Index w, bool residual) {
  Cursor cursor(u, w, residual);
  const torch::Tensor weight = cursor.next().view({TransposedConvolutions::kInput, 4 * w * 49});
  const torch::Tensor bias = cursor.next().view({1, 4 * w, 1, 1});
  const torch::Tensor h1 = torch::relu(x.matmul(weight).view({x.size(0), 4 * w, 7, 7}) + bias);
  const torch::Tensor h2 = torch::relu(upsampling(h1, cursor, residual));
  return torch::tanh(upsampling(h2, cursor, residual)).reshape({x.size(0), TransposedConvolutions::kSide * TransposedConvolutions::kSide});
}

torch::Tensor vector_view(VectorView<float> u) { return tensor_view<float>(Eigen::Map<const Points<float>>(u.data(), 1, u.size())).view({u.size()}); }

class ConvLinearisation final : public Linearisation<float> {
 public:
  ConvLinearisation(VectorView<float> u, PointsView<float> x, Index w, bool residual) {
    const torch::AutoGradMode recording(true);
    u_ = vector_view(u).clone().requires_grad_(true);
    graph_ = generate(u_, tensor_view<float>(x).clone(), w, residual);
    images_ = to_points<float>(graph_);
  }

  [[nodiscard]] const Points<float>& images() const override { return images_; }

  [[nodiscard]] Vector<float> pullback(PointsView<float> cotangent) const override {
    check_cotangent<float>(images_, cotangent);
    try {
      const torch::Tensor out = torch::autograd::grad({graph_}, {u_}, {tensor_view<float>(cotangent)}, /*retain_graph=*/true).front().contiguous();
      return Eigen::Map<const Vector<float>>(out.data_ptr<float>(), out.numel());
    } catch (...) {
      rethrow_torch_error();
    }
  }

 private:
  torch::Tensor u_;
  torch::Tensor graph_;
  Points<float> images_;
};

}  // namespace

TransposedConvolutions::TransposedConvolutions(Index base_width, bool residual, double initial_gain)
    : base_width_(base_width), residual_(residual), initial_gain_(initial_gain) {
  if (base_width < 1) reject("convolutional generator: the base width is {}; it must be at least 1", base_width);
  if (!std::isfinite(initial_gain) || initial_gain <= 0.0)
    reject("convolutional generator: the initial gain is {}; it must be finite and positive", initial_gain);
  use_one_torch_thread();
}

std::string TransposedConvolutions::name() const {
  const std::string gain = initial_gain_ == 1.0 ? "" : fmt::format(", initial gain {}", initial_gain_);
  return fmt::format("{}[width {}{}]", residual_ ? "residual-conv" : "conv", base_width_, gain);
}

Index TransposedConvolutions::parameters() const {
  const auto sizes = tensors();
  return std::accumulate(sizes.begin(), sizes.end(), Index{0});
}

std::vector<Index> TransposedConvolutions::tensors() const {
  std::vector<Index> sizes;
  for (const Part& part : parts(base_width_, residual_)) sizes.push_back(part.size());
  return sizes;
}

Vector<float> TransposedConvolutions::initial(const RandomStream& stream) const {
  Eigen::VectorXd u(parameters());
  stream.fill_normal(u);
  Index offset = 0;
  for (const Part& part : parts(base_width_, residual_)) {
    u.segment(offset, part.size()) *= initial_gain_ * part.spread;
    offset += part.size();
  }
  return u.cast<float>();
}

std::unique_ptr<Linearisation<float>> TransposedConvolutions::linearise(VectorView<float> u, PointsView<float> x) const {
  check_generator_arguments<float>(*this, u, x);
  try {
    return std::make_unique<ConvLinearisation>(u, x, base_width_, residual_);
  } catch (...) {
    rethrow_torch_error();
  }
}

Points<float> TransposedConvolutions::forward(VectorView<float> u, PointsView<float> x) const {
  check_generator_arguments<float>(*this, u, x);
  try {
    const torch::NoGradGuard no_recording;
    const torch::Tensor parameters = vector_view(u);
    const torch::Tensor inputs = tensor_view<float>(x);
    Points<float> images(x.rows(), output_dimension());
    for (Index first = 0; first < x.rows(); first += kForwardRows) {
      const Index rows = std::min(kForwardRows, x.rows() - first);
      images.middleRows(first, rows) = to_points<float>(generate(parameters, inputs.narrow(0, first, rows), base_width_, residual_));
    }
    return images;
  } catch (...) {
    rethrow_torch_error();
  }
}

}  // namespace slicecheck
