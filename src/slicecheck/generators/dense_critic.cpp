#include "slicecheck/generators/dense_critic.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/products.h"

namespace slicecheck {

namespace {

/// act(t).
template <class S>
S activated(CriticActivation act, S t) {
  if (act == CriticActivation::tanh) return std::tanh(t);
  return t > S{0} ? t : static_cast<S>(kCriticLeakySlope) * t;
}

/// act'(t), from t's sign or from h = act(t), which has it too.
template <class S>
S slope_from_value(CriticActivation act, S h) {
  if (act == CriticActivation::tanh) return S{1} - h * h;
  return h > S{0} ? S{1} : static_cast<S>(kCriticLeakySlope);
}

/// The parameters of one critic, as matrices.
template <class S>
class Layers {
 public:
  Layers(const DenseCritic<S>& net, VectorView<S> v) : net_(net), v_(v) {}

  [[nodiscard]] const DenseCritic<S>& net() const { return net_; }
  [[nodiscard]] Index count() const { return net_.layers(); }
  [[nodiscard]] Eigen::Map<const Points<S>> weights(Index m) const { return {v_.data() + net_.offset(m), net_.width(m), net_.fan_in(m)}; }
  [[nodiscard]] auto bias(Index m) const { return v_.segment(behind_weights(m), net_.width(m)); }
  [[nodiscard]] auto scale() const { return v_.segment(behind_weights(0) + net_.width(0), net_.width(0)); }
  [[nodiscard]] auto shift() const { return v_.segment(behind_weights(0) + 2 * net_.width(0), net_.width(0)); }
  [[nodiscard]] Index behind_weights(Index m) const { return net_.offset(m) + net_.width(m) * net_.fan_in(m); }

  /// h W_mᵀ, without the bias.
  [[nodiscard]] Points<S> forward(Index m, const Points<S>& h) const {
    Points<S> out(h.rows(), net_.width(m));
    multiply<S>(view_of(h), view_of(weights(m)).transposed(), out.data(), out.outerStride());
    return out;
  }
  /// c W_m: the cotangent of a layer's input from that of its output.
  [[nodiscard]] Points<S> backward(Index m, const Points<S>& c) const {
    Points<S> out(c.rows(), net_.fan_in(m));
    multiply<S>(view_of(c), view_of(weights(m)), out.data(), out.outerStride());
    return out;
  }
  /// Adds cᵀh to the gradient of W_m.
  void pull_weights(Index m, const Points<S>& c, const Points<S>& h, Vector<S>& gradient) const {
    multiply<S>(view_of(c).transposed(), view_of(h), gradient.data() + net_.offset(m), net_.fan_in(m), true);
  }
  /// Adds the sum over points to the gradient of b_m.
  void pull_bias(Index m, const Points<S>& c, Vector<S>& gradient) const {
    gradient.segment(behind_weights(m), net_.width(m)) += c.colwise().sum().transpose();
  }

 private:
  const DenseCritic<S>& net_;
  Vector<S> v_;
};

template <class S>
class DenseCriticLinearisation final : public CriticLinearisation<S> {
 public:
  DenseCriticLinearisation(const DenseCritic<S>& net, VectorView<S> v, PointsView<S> points) : at_(net, v) {
    const Index hidden = at_.count() - 1;
    h_.reserve(static_cast<std::size_t>(hidden) + 1);
    h_.emplace_back(points);
    for (Index m = 0; m < hidden; ++m) {
      Points<S> pre = at_.forward(m, h_.back());
      pre.rowwise() += at_.bias(m).transpose();
      if (m == 0 && net.normalised()) normalise(pre);
      const CriticActivation act = net.activation();
      pre = pre.unaryExpr([act](S t) { return activated(act, t); });
      h_.push_back(std::move(pre));
    }
    scores_ = at_.forward(hidden, h_.back()).col(0).array() + at_.bias(hidden)[0];
  }

  [[nodiscard]] const Points<S>& features() const override { return h_.back(); }
  [[nodiscard]] const Vector<S>& scores() const override { return scores_; }
  [[nodiscard]] const Vector<S>& statistics() const override { return statistics_; }

  [[nodiscard]] Vector<S> pullback_parameters(const CriticCotangent<S>& cotangent) const override {
    Vector<S> gradient = Vector<S>::Zero(at_.net().parameters());
    (void)pull(cotangent, &gradient);
    return gradient;
  }

  [[nodiscard]] Points<S> pullback_points(const CriticCotangent<S>& cotangent) const override { return at_.backward(0, pull(cotangent, nullptr)); }

 private:
  void normalise(Points<S>& pre) {
    const auto n = static_cast<S>(pre.rows());
    const Eigen::Matrix<S, 1, Eigen::Dynamic> mean = pre.colwise().sum() / n;
    pre.rowwise() -= mean;
    const Eigen::Matrix<S, 1, Eigen::Dynamic> variance = pre.colwise().squaredNorm() / n;
    statistics_.resize(2 * pre.cols());
    statistics_ << mean.transpose(), variance.transpose();
    inverse_deviation_ = (variance.array() + static_cast<S>(kNormalisationEpsilon)).sqrt().inverse();
    pre.array().rowwise() *= inverse_deviation_.array();
    normalised_ = pre;
    pre.array().rowwise() *= at_.scale().transpose().array();
    pre.rowwise() += at_.shift().transpose();
  }

  /// The cotangent of W_1 x + b_1; on the way the gradient in v, if it is asked for.
  [[nodiscard]] Points<S> pull(const CriticCotangent<S>& cotangent, Vector<S>* gradient) const {
    check_critic_cotangent<S>(*this, cotangent);
    const Index hidden = at_.count() - 1;
    Points<S> c = cotangent.features.size() != 0 ? cotangent.features : Points<S>::Zero(h_.back().rows(), h_.back().cols());
    if (cotangent.scores.size() != 0) {
      const Points<S> of_scores = cotangent.scores;
      c.noalias() += cotangent.scores * at_.weights(hidden);
      if (gradient != nullptr) {
        at_.pull_weights(hidden, of_scores, h_.back(), *gradient);
        at_.pull_bias(hidden, of_scores, *gradient);
      }
    }
    for (Index m = hidden - 1; m >= 0; --m) {
      const CriticActivation act = at_.net().activation();
      // Behind a normalisation act's argument is what h came from, and its sign or value decides the slope as before.
      c.array() *= h_[static_cast<std::size_t>(m) + 1].array().unaryExpr([act](S h) { return slope_from_value(act, h); });
      if (m == 0 && at_.net().normalised()) pull_normalisation(c, gradient);
      if (gradient != nullptr) {
        at_.pull_weights(m, c, h_[static_cast<std::size_t>(m)], *gradient);
        at_.pull_bias(m, c, *gradient);
      }
      if (m > 0) c = at_.backward(m, c);
    }
    return c;
  }

  /// From the cotangent of scale · x̂ + shift to that of a: (c scale − mean(c scale) − x̂ mean(c scale x̂))/√(variance + ε), the means over the batch.
  void pull_normalisation(Points<S>& c, Vector<S>* gradient) const {
    const Index width = c.cols();
    if (gradient != nullptr) {
      const Index begin = at_.behind_weights(0) + width;
      gradient->segment(begin, width) += c.cwiseProduct(normalised_).colwise().sum().transpose();
      gradient->segment(begin + width, width) += c.colwise().sum().transpose();
    }
    const auto n = static_cast<S>(c.rows());
    c.array().rowwise() *= at_.scale().transpose().array();
    const Eigen::Matrix<S, 1, Eigen::Dynamic> mean = c.colwise().sum() / n;
    const Eigen::Matrix<S, 1, Eigen::Dynamic> along = c.cwiseProduct(normalised_).colwise().sum() / n;
    c.rowwise() -= mean;
    c.array() -= normalised_.array().rowwise() * along.array();
    c.array().rowwise() *= inverse_deviation_.array();
  }

  Layers<S> at_;
  std::vector<Points<S>> h_;  // the points, then h_1, …, h_M
  Vector<S> scores_;
  Vector<S> statistics_;
  Points<S> normalised_;  // x̂
  Eigen::Matrix<S, 1, Eigen::Dynamic> inverse_deviation_;
};

}  // namespace

template <class S>
DenseCritic<S>::DenseCritic(Index input_dimension, std::vector<Index> hidden_widths, CriticActivation act, bool batch_normalisation)
    : input_(input_dimension), widths_(std::move(hidden_widths)), act_(act), normalised_(batch_normalisation) {
  if (input_ < 1) reject("dense critic: the input dimension is {}; it must be at least 1", input_);
  if (widths_.empty()) reject("dense critic: there is no hidden layer; the last one gives the features");
  for (const Index width : widths_)
    if (width < 1) reject("dense critic: a layer has width {}; every width must be at least 1", width);
  widths_.push_back(1);
}

template <class S>
std::string DenseCritic<S>::name() const {
  std::string widths;
  for (std::size_t m = 0; m + 1 < widths_.size(); ++m) widths += fmt::format("{}{}", m == 0 ? "" : "-", widths_[m]);
  return fmt::format("dense-critic[{}, {}{}]", widths, act_ == CriticActivation::tanh ? "tanh" : "leaky_relu", normalised_ ? ", batch-norm" : "");
}

template <class S>
Index DenseCritic<S>::offset(Index layer) const {
  Index begin = 0;
  for (Index m = 0; m < layer; ++m) begin += width(m) * (fan_in(m) + (m == 0 && normalised_ ? 3 : 1));
  return begin;
}

template <class S>
Vector<S> DenseCritic<S>::initial(const RandomStream& stream) const {
  Eigen::VectorXd v(parameters());
  stream.fill_normal(v);
  for (Index m = 0; m < layers(); ++m) {
    const Index weights = width(m) * fan_in(m);
    v.segment(offset(m), weights) *= std::sqrt(2.0 / static_cast<double>(fan_in(m)));
    v.segment(offset(m) + weights, offset(m + 1) - offset(m) - weights) *= 1e-2;
  }
  if (normalised_) v.segment(width(0) * (fan_in(0) + 1), width(0)).array() += 1.0;
  return v.cast<S>();
}

template <class S>
std::unique_ptr<CriticLinearisation<S>> DenseCritic<S>::linearise(VectorView<S> v, PointsView<S> points) const {
  check_critic_arguments<S>(*this, v, points);
  return std::make_unique<DenseCriticLinearisation<S>>(*this, v, points);
}

template <class S>
PenaltyGradient<S> DenseCritic<S>::gradient_penalty(VectorView<S> v, PointsView<S> points) const {
  check_critic_arguments<S>(*this, v, points);
  if (normalised_) reject("critic {}: with batch normalisation a score is no function of one point, and has no gradient penalty", name());
  const Layers<S> at(*this, v);
  const Index hidden = layers() - 1;
  const auto n = static_cast<double>(points.rows());

  // h_m, and act' there.
  std::vector<Points<S>> h{points};
  std::vector<Points<S>> slopes;
  for (Index m = 0; m < hidden; ++m) {
    Points<S> pre = at.forward(m, h.back());
    pre.rowwise() += at.bias(m).transpose();
    h.emplace_back(pre.unaryExpr([this](S t) { return activated(act_, t); }));
    slopes.emplace_back(h.back().unaryExpr([this](S value) { return slope_from_value(act_, value); }));
  }
  // g = ∇_x s.
  Points<S> g = at.weights(hidden).replicate(points.rows(), 1);
  for (Index m = hidden - 1; m >= 0; --m) g = at.backward(m, g.cwiseProduct(slopes[static_cast<std::size_t>(m)]));

  PenaltyGradient<S> out{0.0, Vector<S>::Zero(parameters())};
  Points<S> tangent = g;  // becomes c
  for (Index k = 0; k < g.rows(); ++k) {
    const double norm = g.row(k).template cast<double>().norm();
    out.value += (norm - 1.0) * (norm - 1.0) / n;
    tangent.row(k) *= static_cast<S>(norm > 0.0 ? 2.0 * (norm - 1.0) / (n * norm) : 0.0);
  }

  // Forward along c: tangents of h_0, …, h_M, and of the pre-activations.
  std::vector<Points<S>> h_tangents{tangent};
  std::vector<Points<S>> pre_tangents;
  for (Index m = 0; m < hidden; ++m) {
    pre_tangents.push_back(at.forward(m, h_tangents.back()));
    h_tangents.emplace_back(pre_tangents.back().cwiseProduct(slopes[static_cast<std::size_t>(m)]));
  }
  // Back from ds·c = W_{M+1} ḣ_M: cotangents of h_m (in `of_h`) and of its tangent.
  const Points<S> ones = Points<S>::Ones(points.rows(), 1);
  at.pull_weights(hidden, ones, h_tangents.back(), out.gradient);
  Points<S> of_h = Points<S>::Zero(points.rows(), width(hidden - 1));
  Points<S> of_tangent = at.weights(hidden).replicate(points.rows(), 1);
  for (Index m = hidden - 1; m >= 0; --m) {
    const auto i = static_cast<std::size_t>(m);
    Points<S> of_pre = of_h.cwiseProduct(slopes[i]);
    if (act_ == CriticActivation::tanh)  // tanh'' = −2 tanh tanh'; leaky_relu'' = 0
      of_pre.array() += of_tangent.array() * pre_tangents[i].array() * S{-2} * h[i + 1].array() * slopes[i].array();
    const Points<S> of_pre_tangent = of_tangent.cwiseProduct(slopes[i]);
    at.pull_weights(m, of_pre, h[i], out.gradient);
    at.pull_weights(m, of_pre_tangent, h_tangents[i], out.gradient);
    at.pull_bias(m, of_pre, out.gradient);
    if (m == 0) break;
    of_h = at.backward(m, of_pre);
    of_tangent = at.backward(m, of_pre_tangent);
  }
  return out;
}

template class DenseCritic<float>;
template class DenseCritic<double>;

}  // namespace slicecheck
