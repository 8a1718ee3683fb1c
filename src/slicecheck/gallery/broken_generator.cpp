#include "slicecheck/gallery/broken_generator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

namespace {

enum class Defect {
  none,
  none_with_kinks,
  pullback_missing_bias,
  pullback_of_stale_parameters,
  pullback_half,
  certificate_without_offset,
  certificate_by_sampling,
  batch_norm,
  relu_through_root
};

/// Images as they are, pull-back as the defect has it.
class BrokenLinearisation final : public Linearisation<double> {
 public:
  BrokenLinearisation(Defect defect, const DenseMlp<double>& network, VectorView<double> u, PointsView<double> x)
      : defect_(defect), network_(network), right_(network.linearise(u, x)), images_(right_->images()) {
    if (defect == Defect::pullback_of_stale_parameters) stale_ = network.linearise(0.9 * u, x);
    at_kink_ = defect == Defect::relu_through_root && !activation_kinks(network, u, x).empty();
    if (defect == Defect::batch_norm) images_.rowwise() -= images_.colwise().mean().eval();
  }
  [[nodiscard]] const Points<double>& images() const override { return images_; }
  [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override {
    if (stale_) return stale_->pullback(cotangent);
    if (at_kink_) return Vector<double>::Constant(network_.parameters(), std::numeric_limits<double>::quiet_NaN());
    if (defect_ == Defect::batch_norm) return right_->pullback(cotangent.rowwise() - cotangent.colwise().mean());
    Vector<double> out = right_->pullback(cotangent);
    if (defect_ == Defect::pullback_half) out *= 0.5;
    if (defect_ == Defect::pullback_missing_bias)
      for (Index m = 0; m < network_.layers(); ++m) out.segment(network_.offset(m) + network_.width(m) * network_.fan_in(m), network_.width(m)).setZero();
    return out;
  }

 private:
  Defect defect_;
  const DenseMlp<double>& network_;
  std::unique_ptr<Linearisation<double>> right_;
  std::unique_ptr<Linearisation<double>> stale_;
  Points<double> images_;
  bool at_kink_ = false;
};

/// A softplus network: act(0) ≠ 0, which naive certificates forget. Or a ReLU network whose units are (t + √t²)/2: at t = 0 its derivative is 0/0.
class BrokenNetwork final : public Generator<double> {
 public:
  BrokenNetwork(Defect defect, Index inputs, std::vector<Index> hidden, Index outputs)
      : defect_(defect),
        network_(inputs, std::move(hidden), outputs,
                 defect == Defect::relu_through_root || defect == Defect::none_with_kinks ? Activation::relu : Activation::softplus) {}

  [[nodiscard]] std::string name() const override { return "broken " + network_.name(); }
  [[nodiscard]] Index parameters() const override { return network_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return network_.input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return network_.output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return network_.tensors(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return network_.initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    return std::make_unique<BrokenLinearisation>(defect_, network_, u, x);
  }
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<double> u0, double radius, const Eigen::RowVectorXd& x) const override {
    if (defect_ == Defect::certificate_without_offset) return naive_bounds(u0, radius, x);
    if (defect_ == Defect::certificate_by_sampling) return sampled_bounds(u0, radius, x);
    return network_.bounds(u0, radius, x);
  }

 private:
  /// The recursion of LayerBounds with act(0) = 0.
  [[nodiscard]] GeneratorBounds naive_bounds(VectorView<double> u0, double radius, const Eigen::RowVectorXd& x) const {
    LayerBounds naive(x.norm());
    for (Index m = 0; m < network_.layers(); ++m) {
      const Index seen = network_.fan_in(m);
      const Index width = network_.width(m);
      const Eigen::Map<const Points<double>> weights(u0.data() + network_.offset(m), width, seen);
      LayerBounds::Layer layer{.blocks = {},
                               .bias_norm = u0.segment(network_.offset(m) + width * seen, width).norm(),
                               .width = width,
                               .fan_in = seen,
                               .lipschitz = 1.0,
                               .at_zero = 0.0};
      layer.blocks.emplace_back(weights.leftCols(network_.input_dimension()));
      for (Index i = 0; i < m; ++i) layer.blocks.emplace_back(weights.middleCols(network_.fan_in(i), network_.width(i)));
      naive.add(layer, radius);
    }
    return naive.last();
  }

  [[nodiscard]] GeneratorBounds sampled_bounds(VectorView<double> u0, double radius, const Eigen::RowVectorXd& x) const {
    GeneratorBounds bounds = network_.bounds(u0, radius, x).value();
    bounds.lipschitz = 0.0;
    for (std::uint32_t i = 0; i < 3; ++i) {
      Eigen::VectorXd v(u0.size());
      RandomStream(1, Purpose::cases, i, 0).fill_normal(v);
      v *= 1e-4 / v.norm();
      bounds.lipschitz = std::max(bounds.lipschitz, (network_.forward(u0 + v, x) - network_.forward(u0, x)).norm() / v.norm());
    }
    return bounds;
  }

  Defect defect_;
  DenseMlp<double> network_;
};

GeneratorSubject subject(const std::string& name, const std::string& title, Defect defect) {
  return {"gallery/" + name, title,
          [defect](PointDraws& draws, int size) {
            const auto up_to = [&](int largest) { return 1 + static_cast<Index>(draws.below(static_cast<std::uint64_t>(largest))); };
            const Index inputs = up_to(2);
            std::vector<Index> hidden{up_to(4 * size)};
            if (draws.below(2) == 0) hidden.push_back(up_to(size + 1));
            return std::make_shared<BrokenNetwork>(defect, inputs, hidden, up_to(2));
          },
          defect == Defect::relu_through_root || defect == Defect::none_with_kinks};
}

/// T(u, x)·1_{B(0, R)}(u), with the certificate of the smooth cut-off.
class IndicatorCutOff final : public Generator<double> {
 public:
  IndicatorCutOff(std::shared_ptr<const Generator<double>> inner, double radius) : inner_(inner), radius_(radius), smooth_(std::move(inner), radius) {}

  [[nodiscard]] std::string name() const override { return "indicator of " + inner_->name(); }
  [[nodiscard]] Index parameters() const override { return inner_->parameters(); }
  [[nodiscard]] Index input_dimension() const override { return inner_->input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return inner_->output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return inner_->tensors(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return inner_->initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    if (u.norm() <= radius_) return inner_->linearise(u, x);
    return std::make_unique<Zero>(x.rows(), output_dimension(), parameters());
  }
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<double> u0, double radius, const Eigen::RowVectorXd& x) const override {
    return smooth_.bounds(u0, radius, x);
  }

 private:
  class Zero final : public Linearisation<double> {
   public:
    Zero(Index n, Index outputs, Index parameters) : images_(Points<double>::Zero(n, outputs)), parameters_(parameters) {}
    [[nodiscard]] const Points<double>& images() const override { return images_; }
    [[nodiscard]] Vector<double> pullback(PointsView<double>) const override { return Vector<double>::Zero(parameters_); }

   private:
    Points<double> images_;
    Index parameters_;
  };
  std::shared_ptr<const Generator<double>> inner_;
  double radius_;
  BoundedGenerator<double> smooth_;
};

/// A softplus network of the gallery with a cut-off.
template <class CutOff>
GeneratorSubject cut_off_subject(const std::string& name, const std::string& title) {
  const GeneratorSubject network = subject(name, title, Defect::none);
  return {network.name, title, [make = network.make](PointDraws& draws, int size) {
            auto inner = make(draws, size);
            const double radius = std::sqrt(static_cast<double>(inner->parameters())) * std::exp2(draws.uniform(-1.0, 1.0));
            return std::make_shared<CutOff>(std::move(inner), radius);
          }};
}

}  // namespace

GeneratorSubject repaired_generator() { return subject("repaired-generator", "the gallery's network without a defect", Defect::none); }

GeneratorSubject repaired_relu_generator() {
  return subject("repaired-relu-generator", "the gallery's ReLU network without a defect", Defect::none_with_kinks);
}

GeneratorSubject repaired_bounded_generator() {
  return cut_off_subject<BoundedGenerator<double>>("repaired-bounded-generator", "the gallery's network with a smooth cut-off");
}

std::vector<GeneratorDefect> broken_generators() {
  struct Entry {
    const char* name;
    const char* title;
    Defect defect;
  };
  const Entry entries[] = {
      {"pullback-missing-bias", "the pull-back leaves the biases out", Defect::pullback_missing_bias},
      {"pullback-of-stale-parameters", "the pull-back is that of other parameters than the images", Defect::pullback_of_stale_parameters},
      {"pullback-half", "the pull-back is half as long", Defect::pullback_half},
      {"certificate-without-offset", "the Lipschitz certificate takes act(0) = 0 for granted; softplus has ln 2", Defect::certificate_without_offset},
      {"certificate-by-sampling", "the Lipschitz certificate is the largest of three sampled difference quotients", Defect::certificate_by_sampling},
      {"batch-norm", "the images of a batch are centred together: T(u, x_k) is no function of x_k", Defect::batch_norm},
      {"relu-through-root", "units are (t + √t²)/2: right off the kink, NaN gradients on it", Defect::relu_through_root},
  };
  std::vector<GeneratorDefect> gallery;
  for (const Entry& entry : entries) {
    GeneratorSubject broken = subject(entry.name, entry.title, entry.defect);
    GeneratorSubject twin = broken.kinks ? repaired_relu_generator() : repaired_generator();
    gallery.push_back({entry.name, entry.title, std::move(broken), std::move(twin)});
  }
  const std::string name = "indicator-cut-off";
  const std::string title = "T is cut off by the indicator of a ball, with the certificate of the smooth cut-off";
  gallery.push_back({name, title, cut_off_subject<IndicatorCutOff>(name, title), repaired_bounded_generator()});
  return gallery;
}

}  // namespace slicecheck
