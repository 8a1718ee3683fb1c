#pragma once
/// Layered networks written down once more, in plain loops, forwards and backwards, with bounds on what single precision may differ by.

#include <gtest/gtest.h>

#include <vector>

#include "rounded.h"
#include "slicecheck/torch/layered_network.h"

namespace slicecheck::testing {

/// n points of one shape.
struct Cloud {
  Index points = 0;
  LayerShape shape;
  std::vector<Rounded> entries;

  Cloud() = default;
  Cloud(Index count, LayerShape of) : points(count), shape(of), entries(static_cast<std::size_t>(count * of.size())) {}
  explicit Cloud(const Points<float>& values, LayerShape of) : Cloud(values.rows(), of) {
    for (Index i = 0; i < values.size(); ++i) entries[static_cast<std::size_t>(i)].value = values.data()[i];
  }
  Rounded& at(Index k, Index channel, Index row, Index column) {
    return entries[static_cast<std::size_t>(((k * shape.channels + channel) * shape.rows + row) * shape.columns + column)];
  }
  [[nodiscard]] const Rounded& at(Index k, Index channel, Index row, Index column) const {
    return entries[static_cast<std::size_t>(((k * shape.channels + channel) * shape.rows + row) * shape.columns + column)];
  }
};

/// A network at one (u, x): forwards on construction, backwards from a cotangent.
class PlainNetwork {
 public:
  PlainNetwork(const NetworkDescription& description, const Vector<float>& u, const Points<float>& x) : description_(description), u_(u) {
    clouds_.emplace_back(x, description.input);
    for (const Layer& layer : description.layers) {
      offsets_.push_back(offset_);
      clouds_.push_back(forwards(layer, clouds_.back()));
    }
    EXPECT_EQ(offset_, u.size());
  }

  /// What the first `layers` layers give.
  [[nodiscard]] const Cloud& after(std::size_t layers) const { return clouds_[layers]; }
  /// Means, then variances, of each batch normalisation.
  [[nodiscard]] const std::vector<Rounded>& statistics() const { return statistics_; }
  /// Whether single precision may be on the other side of the kink of a relu: then its slopes are not judged.
  [[nodiscard]] bool at_kink() const { return at_kink_; }

  struct Pulled {
    std::vector<Rounded> parameters;
    Cloud points;
  };
  /// From cotangents of after(i): empty ones (no entries) are zero.
  [[nodiscard]] Pulled backwards(const std::vector<Cloud>& cotangents) const {
    Pulled out{std::vector<Rounded>(static_cast<std::size_t>(u_.size())), Cloud(clouds_.back().points, clouds_.back().shape)};
    for (std::size_t i = description_.layers.size();; --i) {
      if (!cotangents[i].entries.empty())
        for (std::size_t e = 0; e < out.points.entries.size(); ++e) out.points.entries[e] = out.points.entries[e] + cotangents[i].entries[e];
      if (i == 0) return out;
      out.points = pull(i - 1, out.points, out.parameters);
    }
  }

 private:
  [[nodiscard]] Rounded parameter(Index i) const { return {static_cast<double>(u_[i]), 0.0}; }

  /// Calls visit(output channel, row, column, input channel, row, column, kernel entry) for every product of a convolution.
  template <class Visit>
  static void products(const Layer& layer, const LayerShape& in, const LayerShape& out, Visit&& visit) {
    const bool transposed = layer.kind == Layer::Kind::transposed_convolution;
    const LayerShape& fine = transposed ? out : in;
    const LayerShape& coarse = transposed ? in : out;
    for (Index a = 0; a < coarse.channels; ++a)
      for (Index b = 0; b < fine.channels; ++b)
        for (Index row = 0; row < coarse.rows; ++row)
          for (Index column = 0; column < coarse.columns; ++column)
            for (Index kr = 0; kr < layer.kernel; ++kr)
              for (Index kc = 0; kc < layer.kernel; ++kc) {
                const Index r = layer.stride * row - layer.padding + kr, c = layer.stride * column - layer.padding + kc;
                if (r < 0 || r >= fine.rows || c < 0 || c >= fine.columns) continue;
                const Index entry = ((a * fine.channels + b) * layer.kernel + kr) * layer.kernel + kc;
                if (transposed)
                  visit(b, r, c, a, row, column, entry);
                else
                  visit(a, row, column, b, r, c, entry);
              }
  }

  static LayerShape shape_after(const Layer& layer, const LayerShape& in) {
    const auto side = [&](Index before) {
      return layer.kind == Layer::Kind::convolution ? (before + 2 * layer.padding - layer.kernel) / layer.stride + 1
                                                    : (before - 1) * layer.stride + layer.kernel - 2 * layer.padding;
    };
    switch (layer.kind) {
      case Layer::Kind::linear: return {layer.outputs, 1, 1};
      case Layer::Kind::convolution:
      case Layer::Kind::transposed_convolution: return {layer.outputs, side(in.rows), side(in.columns)};
      case Layer::Kind::reshape: return layer.shape.size() == 0 ? LayerShape{in.size(), 1, 1} : layer.shape;
      default: return in;
    }
  }

  Cloud forwards(const Layer& layer, const Cloud& in) {
    Cloud out(in.points, shape_after(layer, in.shape));
    const Index begin = offset_;
    switch (layer.kind) {
      case Layer::Kind::linear: {
        const Index inputs = in.shape.channels;
        for (Index k = 0; k < in.points; ++k)
          for (Index o = 0; o < layer.outputs; ++o) {
            Sum sum;
            for (Index i = 0; i < inputs; ++i) sum.add(parameter(begin + o * inputs + i), in.at(k, i, 0, 0));
            sum.add(parameter(begin + layer.outputs * inputs + o));
            out.at(k, o, 0, 0) = sum.total();
          }
        offset_ += layer.outputs * (inputs + 1);
        return out;
      }
      case Layer::Kind::convolution:
      case Layer::Kind::transposed_convolution: {
        const Index weights = in.shape.channels * layer.outputs * layer.kernel * layer.kernel;
        for (Index k = 0; k < in.points; ++k) {
          std::vector<Sum> sums(static_cast<std::size_t>(out.shape.size()));
          const auto sum_at = [&](Index o, Index r, Index c) -> Sum& {
            return sums[static_cast<std::size_t>((o * out.shape.rows + r) * out.shape.columns + c)];
          };
          products(layer, in.shape, out.shape, [&](Index o, Index r, Index c, Index i, Index row, Index column, Index entry) {
            sum_at(o, r, c).add(parameter(begin + entry), in.at(k, i, row, column));
          });
          for (Index o = 0; o < layer.outputs; ++o)
            for (Index r = 0; r < out.shape.rows; ++r)
              for (Index c = 0; c < out.shape.columns; ++c) {
                if (layer.bias) sum_at(o, r, c).add(parameter(begin + weights + o));
                out.at(k, o, r, c) = sum_at(o, r, c).total();
              }
        }
        offset_ += weights + (layer.bias ? layer.outputs : 0);
        return out;
      }
      case Layer::Kind::batch_normalisation: normalise(in, out); return out;
      case Layer::Kind::relu:
      case Layer::Kind::leaky_relu: {
        const double leak = layer.kind == Layer::Kind::relu ? 0.0 : 0.2;
        for (std::size_t e = 0; e < in.entries.size(); ++e) {
          const Rounded& t = in.entries[e];
          if (std::abs(t.value) <= t.error) at_kink_ = true;
          out.entries[e] = rounded(t.value > 0.0 ? t.value : leak * t.value, t.error, t.size(), 2.0);
        }
        return out;
      }
      case Layer::Kind::tanh:
        for (std::size_t e = 0; e < in.entries.size(); ++e) {
          const double value = std::tanh(in.entries[e].value);
          out.entries[e] = rounded(value, in.entries[e].error, std::abs(value) + in.entries[e].error, 8.0);  // slope ≤ 1; LibTorch errs by a few units itself
        }
        return out;
      case Layer::Kind::sigmoid:
        for (std::size_t e = 0; e < in.entries.size(); ++e)
          out.entries[e] = rounded(1.0 / (1.0 + std::exp(-in.entries[e].value)), in.entries[e].error, 1.0, 8.0);
        return out;
      case Layer::Kind::reshape: out.entries = in.entries; return out;
    }
    return out;
  }

  /// Mean, variance and 1/√(variance + 10⁻⁵) of a channel.
  struct Moments {
    Rounded mean, variance, inverse;
  };
  static Moments moments(const Cloud& in, Index channel) {
    const double count = static_cast<double>(in.points * in.shape.rows * in.shape.columns);
    Sum sum, squares;
    const auto each = [&](auto&& visit) {
      for (Index k = 0; k < in.points; ++k)
        for (Index r = 0; r < in.shape.rows; ++r)
          for (Index c = 0; c < in.shape.columns; ++c) visit(in.at(k, channel, r, c));
    };
    each([&](const Rounded& t) { sum.add(t); });
    const Rounded mean = sum.total() / Rounded{count, 0.0};
    each([&](const Rounded& t) { squares.add(t - mean, t - mean); });
    Rounded variance = squares.total() / Rounded{count, 0.0};
    // However it is computed, by squares less the square of the mean too: 2·count + 8 roundings of terms that add up to at most twice the mean square.
    Sum whole;
    each([&](const Rounded& t) { whole.add(t, t); });
    variance.error += tolerance::gamma(2.0 * count + 8.0, kFloatUnit) * 2.0 * whole.size() / count;
    return {mean, variance, reciprocal(root(variance + Rounded{1e-5, 0.0}))};
  }

  void normalise(const Cloud& in, Cloud& out) {
    const Index channels = in.shape.channels;
    std::vector<Rounded> means, variances;
    for (Index channel = 0; channel < channels; ++channel) {
      const Moments of = moments(in, channel);
      means.push_back(of.mean);
      variances.push_back(of.variance);
      const Rounded scale = parameter(offset_ + channel) * of.inverse;
      const Rounded shift = parameter(offset_ + channels + channel) - of.mean * scale;
      for (Index k = 0; k < in.points; ++k)
        for (Index r = 0; r < in.shape.rows; ++r)
          for (Index c = 0; c < in.shape.columns; ++c) out.at(k, channel, r, c) = in.at(k, channel, r, c) * scale + shift;
    }
    statistics_.insert(statistics_.end(), means.begin(), means.end());
    statistics_.insert(statistics_.end(), variances.begin(), variances.end());
    offset_ += 2 * channels;
  }

  /// The cotangent of what goes into layer i; that of its parameters is put where they are.
  [[nodiscard]] Cloud pull(std::size_t i, const Cloud& cotangent, std::vector<Rounded>& parameters) const {
    const Layer& layer = description_.layers[i];
    const Cloud& in = clouds_[i];
    const Cloud& image = clouds_[i + 1];
    const Index begin = offsets_[i];
    Cloud out(in.points, in.shape);
    std::vector<Sum> to_input(in.entries.size());
    std::vector<Sum> to_parameters(parameters.size());
    const auto finish = [&](Index count) {
      for (std::size_t e = 0; e < to_input.size(); ++e) out.entries[e] = to_input[e].total();
      for (Index j = begin; j < begin + count; ++j) parameters[static_cast<std::size_t>(j)] = to_parameters[static_cast<std::size_t>(j)].total();
    };
    switch (layer.kind) {
      case Layer::Kind::linear: {
        const Index inputs = in.shape.channels;
        for (Index k = 0; k < in.points; ++k)
          for (Index o = 0; o < layer.outputs; ++o) {
            for (Index j = 0; j < inputs; ++j) {
              to_input[static_cast<std::size_t>(k * inputs + j)].add(parameter(begin + o * inputs + j), cotangent.at(k, o, 0, 0));
              to_parameters[static_cast<std::size_t>(begin + o * inputs + j)].add(in.at(k, j, 0, 0), cotangent.at(k, o, 0, 0));
            }
            to_parameters[static_cast<std::size_t>(begin + layer.outputs * inputs + o)].add(cotangent.at(k, o, 0, 0));
          }
        finish(layer.outputs * (inputs + 1));
        return out;
      }
      case Layer::Kind::convolution:
      case Layer::Kind::transposed_convolution: {
        const Index weights = in.shape.channels * layer.outputs * layer.kernel * layer.kernel;
        for (Index k = 0; k < in.points; ++k) {
          products(layer, in.shape, image.shape, [&](Index o, Index r, Index c, Index channel, Index row, Index column, Index entry) {
            const auto input = static_cast<std::size_t>(((k * in.shape.channels + channel) * in.shape.rows + row) * in.shape.columns + column);
            to_input[input].add(parameter(begin + entry), cotangent.at(k, o, r, c));
            to_parameters[static_cast<std::size_t>(begin + entry)].add(in.entries[input], cotangent.at(k, o, r, c));
          });
          for (Index o = 0; layer.bias && o < layer.outputs; ++o)
            for (Index r = 0; r < image.shape.rows; ++r)
              for (Index c = 0; c < image.shape.columns; ++c) to_parameters[static_cast<std::size_t>(begin + weights + o)].add(cotangent.at(k, o, r, c));
        }
        finish(weights + (layer.bias ? layer.outputs : 0));
        return out;
      }
      case Layer::Kind::batch_normalisation: {
        const Index channels = in.shape.channels;
        const Rounded count{static_cast<double>(in.points * in.shape.rows * in.shape.columns), 0.0};
        for (Index channel = 0; channel < channels; ++channel) {
          const Moments of = moments(in, channel);
          const auto each = [&](auto&& visit) {
            for (Index k = 0; k < in.points; ++k)
              for (Index r = 0; r < in.shape.rows; ++r)
                for (Index c = 0; c < in.shape.columns; ++c) visit(k, r, c);
          };
          Sum plain, product;
          each([&](Index k, Index r, Index c) {
            plain.add(cotangent.at(k, channel, r, c));
            product.add(in.at(k, channel, r, c) - of.mean, cotangent.at(k, channel, r, c));
          });
          const Rounded slope = product.total() * of.inverse * of.inverse / count;
          const Rounded mean = plain.total() / count;
          each([&](Index k, Index r, Index c) {
            const Rounded centred = cotangent.at(k, channel, r, c) - mean - (in.at(k, channel, r, c) - of.mean) * slope;
            out.at(k, channel, r, c) = centred * of.inverse * parameter(begin + channel);
          });
          parameters[static_cast<std::size_t>(begin + channel)] = product.total() * of.inverse;
          parameters[static_cast<std::size_t>(begin + channels + channel)] = plain.total();
        }
        return out;
      }
      case Layer::Kind::relu:
      case Layer::Kind::leaky_relu: {
        const double leak = layer.kind == Layer::Kind::relu ? 0.0 : 0.2;
        for (std::size_t e = 0; e < out.entries.size(); ++e)
          out.entries[e] = Rounded{in.entries[e].value > 0.0 ? 1.0 : leak, leak * kFloatUnit} * cotangent.entries[e];
        return out;
      }
      case Layer::Kind::tanh:
        for (std::size_t e = 0; e < out.entries.size(); ++e) out.entries[e] = (Rounded{1.0, 0.0} - image.entries[e] * image.entries[e]) * cotangent.entries[e];
        return out;
      case Layer::Kind::sigmoid:
        for (std::size_t e = 0; e < out.entries.size(); ++e) out.entries[e] = (Rounded{1.0, 0.0} - image.entries[e]) * image.entries[e] * cotangent.entries[e];
        return out;
      case Layer::Kind::reshape: out.entries = cotangent.entries; return out;
    }
    return out;
  }

  NetworkDescription description_;
  Vector<float> u_;
  Index offset_ = 0;
  std::vector<Index> offsets_;
  std::vector<Cloud> clouds_;
  std::vector<Rounded> statistics_;
  bool at_kink_ = false;
};

}  // namespace slicecheck::testing
