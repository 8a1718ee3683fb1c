#include "slicecheck/claims/generative_textbook.h"

#include <utility>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

/// Σ_j w_j h_j + b, the weights from `next` on in the parameters.
Tracked affine_form(const std::vector<Tracked>& parameters, Index weights, Index bias, const std::vector<Tracked>& h) {
  std::vector<Tracked> terms;
  terms.reserve(h.size() + 1);
  for (std::size_t j = 0; j < h.size(); ++j) terms.push_back(parameters[static_cast<std::size_t>(weights) + j] * h[j]);
  terms.push_back(parameters[static_cast<std::size_t>(bias)]);
  return sum(terms);
}

/// ‖row‖, with its errors.
double largest_size(const TrackedCloud& cloud) {
  double largest = 0.0;
  for (const auto& point : cloud) {
    double squared = 0.0;
    for (const Tracked& entry : point) squared += entry.size() * entry.size();
    largest = std::max(largest, std::sqrt(squared));
  }
  return largest;
}

/// The projections of a cloud on one direction, sorted; their errors are the largest of them all, for sorting may exchange them.
void sorted_projections(const TrackedCloud& cloud, const Eigen::RowVectorXd& direction, std::vector<Tracked>& out) {
  out.clear();
  double error = 0.0;
  for (const auto& point : cloud) {
    std::vector<Tracked> terms;
    for (std::size_t j = 0; j < point.size(); ++j) terms.push_back(point[j] * Tracked(direction[static_cast<Index>(j)]));
    out.push_back(sum(terms));
    error = std::max(error, out.back().error);
  }
  std::sort(out.begin(), out.end(), [](const Tracked& a, const Tracked& b) { return a.value < b.value; });
  for (Tracked& entry : out) entry.error = error;
}

}  // namespace

TrackedCloud exactly(const Points<double>& points) {
  TrackedCloud out;
  for (Index k = 0; k < points.rows(); ++k) out.push_back(exactly(points.row(k).transpose().eval()));
  return out;
}

std::vector<Tracked> exactly(const Eigen::VectorXd& values, const Eigen::VectorXd& along) {
  std::vector<Tracked> out;
  for (Index i = 0; i < values.size(); ++i) out.emplace_back(values[i], along.size() == 0 ? 0.0 : along[i]);
  return out;
}

Tracked PlayersTextbook::piecewise_linear(const Tracked& a, double left) {
  near_kink_ = near_kink_ || std::abs(a.value) <= a.error;
  return a.value > 0.0 ? a : a * Tracked(left);
}

Tracked PlayersTextbook::root_of(const Tracked& a, double q) {
  if (a.value > 2.0 * a.error) return power(a, q);
  near_kink_ = true;  // the value is still bounded: roots are Hölder of order q ≤ 1
  Tracked out(std::pow(std::max(a.value, 0.0), q));
  out.error = std::pow(3.0 * a.error, q);
  return out;
}

TrackedCloud PlayersTextbook::images(const GeneratorShape& shape, const std::vector<Tracked>& u, const Points<double>& x) {
  TrackedCloud out;
  for (const auto& point : exactly(x)) {
    std::vector<Tracked> seen = point;
    std::vector<Tracked> layer;
    Index begin = 0;
    for (std::size_t m = 0; m < shape.widths.size(); ++m) {
      const Index width = shape.widths[m];
      const auto fan_in = static_cast<Index>(seen.size());
      layer.clear();
      for (Index i = 0; i < width; ++i) layer.push_back(affine_form(u, begin + i * fan_in, begin + width * fan_in + i, seen));
      begin += width * (fan_in + 1);
      if (m + 1 == shape.widths.size()) break;
      for (const Tracked& pre : layer) seen.push_back(shape.act == Activation::tanh ? tanh(pre) : piecewise_linear(pre, kLeakySlope));
    }
    out.push_back(std::move(layer));
  }
  return out;
}

void PlayersTextbook::normalise(TrackedCloud& pre, std::vector<Tracked>& statistics) {
  std::vector<Tracked> variances;
  std::vector<Tracked> terms(pre.size());
  for (std::size_t i = 0; i < pre.front().size(); ++i) {
    for (std::size_t k = 0; k < pre.size(); ++k) terms[k] = pre[k][i];
    statistics.push_back(mean(terms));
    for (std::size_t k = 0; k < pre.size(); ++k) {
      pre[k][i] = pre[k][i] - statistics.back();
      terms[k] = pre[k][i] * pre[k][i];
    }
    variances.push_back(mean(terms));
    const Tracked inverse = power(variances.back() + Tracked(kNormalisationEpsilon), -0.5);
    for (auto& point : pre) point[i] = point[i] * inverse;
  }
  statistics.insert(statistics.end(), variances.begin(), variances.end());
}

TrackedCritic PlayersTextbook::critic(const DenseCritic<double>& net, const std::vector<Tracked>& v, const TrackedCloud& points) {
  TrackedCritic out;
  out.features = points;
  const Index hidden = net.layers() - 1;
  for (Index m = 0; m < hidden; ++m) {
    const Index width = net.width(m);
    const Index behind = net.offset(m) + width * net.fan_in(m);
    TrackedCloud pre;
    for (const auto& h : out.features) {
      pre.emplace_back();
      for (Index i = 0; i < width; ++i) pre.back().push_back(affine_form(v, net.offset(m) + i * net.fan_in(m), behind + i, h));
    }
    if (m == 0 && net.normalised()) {
      normalise(pre, out.statistics);
      for (auto& point : pre)
        for (Index i = 0; i < width; ++i) {
          Tracked& entry = point[static_cast<std::size_t>(i)];
          entry = entry * v[static_cast<std::size_t>(behind + width + i)] + v[static_cast<std::size_t>(behind + 2 * width + i)];
        }
    }
    for (auto& point : pre)
      for (Tracked& entry : point) entry = net.activation() == CriticActivation::tanh ? tanh(entry) : piecewise_linear(entry, kCriticLeakySlope);
    out.features = std::move(pre);
  }
  for (const auto& h : out.features) out.scores.push_back(affine_form(v, net.offset(hidden), net.offset(hidden) + net.fan_in(hidden), h));
  return out;
}

Tracked PlayersTextbook::gradient_penalty(const DenseCritic<double>& net, const std::vector<Tracked>& v, const Points<double>& points) {
  if (net.normalised()) throw Error("no gradient penalty behind a batch normalisation");
  const Index hidden = net.layers() - 1;
  std::vector<Tracked> terms;
  for (const auto& point : exactly(points)) {
    std::vector<std::vector<Tracked>> slopes;
    std::vector<Tracked> h = point;
    for (Index m = 0; m < hidden; ++m) {
      std::vector<Tracked> next;
      slopes.emplace_back();
      for (Index i = 0; i < net.width(m); ++i) {
        const Tracked pre = affine_form(v, net.offset(m) + i * net.fan_in(m), net.offset(m) + net.width(m) * net.fan_in(m) + i, h);
        if (net.activation() == CriticActivation::tanh) {
          next.push_back(tanh(pre));
          slopes.back().push_back(Tracked(1.0) - next.back() * next.back());
        } else {
          next.push_back(piecewise_linear(pre, kCriticLeakySlope));
          slopes.back().emplace_back(pre.value > 0.0 ? 1.0 : kCriticLeakySlope);
        }
      }
      h = std::move(next);
    }
    // g = ∇_x s, from the score back to the point.
    std::vector<Tracked> g;
    for (Index j = 0; j < net.fan_in(hidden); ++j) g.push_back(v[static_cast<std::size_t>(net.offset(hidden) + j)]);
    for (Index m = hidden - 1; m >= 0; --m) {
      std::vector<Tracked> before;
      for (Index j = 0; j < net.fan_in(m); ++j) {
        std::vector<Tracked> paths;
        for (Index i = 0; i < net.width(m); ++i)
          paths.push_back(g[static_cast<std::size_t>(i)] * slopes[static_cast<std::size_t>(m)][static_cast<std::size_t>(i)] *
                          v[static_cast<std::size_t>(net.offset(m) + i * net.fan_in(m) + j)]);
        before.push_back(sum(paths));
      }
      g = std::move(before);
    }
    std::vector<Tracked> squares;
    for (const Tracked& entry : g) squares.push_back(entry * entry);
    const Tracked excess = root_of(sum(squares), 0.5) - Tracked(1.0);
    terms.push_back(excess * excess);
  }
  return mean(terms);
}

Tracked PlayersTextbook::sliced(const TrackedCloud& z, const TrackedCloud& y, const Points<double>& directions, double p, bool root) {
  // Projections of clouds that an implementation may first have moved by the mean of Y (tolerances.h, `gap`).
  const double moved = tolerance::gap(directions.cols(), largest_size(z) + largest_size(y), Tracked::u);
  std::vector<Tracked> of_directions;
  std::vector<Tracked> a;
  std::vector<Tracked> b;
  std::vector<Tracked> terms;
  for (Index l = 0; l < directions.rows(); ++l) {
    sorted_projections(z, directions.row(l), a);
    sorted_projections(y, directions.row(l), b);
    terms.clear();
    for (std::size_t k = 0; k < a.size(); ++k) {
      near_tie_ = near_tie_ || (k > 0 && a[k].value - a[k - 1].value <= 2.0 * (a[k].error + moved));
      Tracked gap = a[k] - b[k];
      gap.error += moved;
      if (p == 1.0) near_kink_ = near_kink_ || std::abs(gap.value) <= gap.error;
      terms.push_back(gap_power_of(gap, p));
    }
    of_directions.push_back(mean(terms));
  }
  const Tracked value = mean(of_directions);
  return root ? root_of(value, 1.0 / p) : value;
}

Tracked PlayersTextbook::generator_objective(GeneratorObjective::Kind kind, const std::vector<Tracked>& scores) {
  std::vector<Tracked> terms;
  for (const Tracked& s : scores) {
    switch (kind) {
      case GeneratorObjective::Kind::bce: terms.push_back(softplus(-s)); break;
      case GeneratorObjective::Kind::sigmoid_mean: terms.push_back(-logistic_of(s)); break;
      case GeneratorObjective::Kind::score_mean: terms.push_back(-s); break;
      default: throw Error("a sliced loss is no function of scores");
    }
  }
  return mean(terms);
}

Tracked PlayersTextbook::critic_objective(CriticObjective::Kind kind, const std::vector<Tracked>& real, const std::vector<Tracked>& generated) {
  const auto mean_of = [](const std::vector<Tracked>& scores, auto&& term) {
    std::vector<Tracked> terms;
    for (const Tracked& s : scores) terms.push_back(term(s));
    return mean(terms);
  };
  switch (kind) {
    case CriticObjective::Kind::bce:
      return mean_of(real, [](const Tracked& s) { return softplus(-s); }) + mean_of(generated, [](const Tracked& s) { return softplus(s); });
    case CriticObjective::Kind::sigmoid_mean: return mean_of(generated, logistic_of) - mean_of(real, logistic_of);
    case CriticObjective::Kind::score_mean: return mean(generated) - mean(real);
    case CriticObjective::Kind::none: break;
  }
  throw Error("a critic without an objective has no loss");
}

Tracked PlayersTextbook::mean_slope(const std::vector<Tracked>& scores) {
  std::vector<Tracked> terms;
  for (const Tracked& s : scores) terms.push_back(logistic_of(s) * logistic_of(-s));
  return mean(terms);
}

double roundings_on_a_path(const GeneratorShape& shape, const DenseCritic<double>* net, Index points, Index directions) {
  Index chain = 2 * points + 2 * directions + 100;
  Index parameters = 0;
  Index seen = shape.input;
  for (const Index width : shape.widths) {
    chain += 2 * (seen + width + 10);
    parameters += width * (seen + 1);
    seen += width;
  }
  if (net != nullptr) {
    for (Index m = 0; m < net->layers(); ++m) chain += 4 * (net->fan_in(m) + net->width(m) + 10);
    parameters = std::max(parameters, net->parameters());
    if (net->normalised()) chain += 4 * points + 40;
  }
  return static_cast<double>(chain + parameters);
}

}  // namespace slicecheck
