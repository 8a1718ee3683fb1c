#include "npsgd_neighbourhood_broken.h"

#include <fmt/format.h>

#include <cmath>

#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::npsgd {

namespace {

class BentLinearisation final : public Linearisation<double> {
 public:
  BentLinearisation(Points<double> x, double h, double slope) : x_(std::move(x)), images_(h * x_), slope_(slope) {}
  [[nodiscard]] const Points<double>& images() const override { return images_; }
  [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override {
    check_cotangent<double>(images_, cotangent);
    return Vector<double>::Constant(1, slope_ * x_.cwiseProduct(cotangent).sum());
  }

 private:
  Points<double> x_;
  Points<double> images_;
  double slope_;
};

std::shared_ptr<const Law> atoms(const std::string& name, const std::vector<double>& values) {
  return std::make_shared<FiniteLaw>(name, Eigen::Map<const Points<double>>(values.data(), static_cast<Index>(values.size()), 1));
}

double wobble(double w) { return w == 0.0 ? 0.0 : w * (1.0 + 0.5 * std::sin(std::log(std::abs(w)))); }
double wobble_slope(double w) {
  if (w == 0.0) return 1.0;
  const double angle = std::log(std::abs(w));
  return 1.0 + 0.5 * std::sin(angle) + 0.5 * std::cos(angle);
}

/// Part of a tooth that rises.
constexpr double kRising = 0.75;

double place_in_tooth(double piece, double u) { return u - piece * std::floor(u / piece); }

}  // namespace

std::unique_ptr<Linearisation<double>> BentLine::linearise(VectorView<double> u, PointsView<double> x) const {
  check_generator_arguments<double>(*this, u, x);
  return std::make_unique<BentLinearisation>(x, h_(u[0]), slope_(u[0]));
}

std::string HeavyTailed::name() const { return fmt::format("Pareto tails of index {}", index_); }

Eigen::RowVectorXd HeavyTailed::draw(PointDraws& draws) const {
  const double sign = draws.below(2) == 0 ? -1.0 : 1.0;
  return Eigen::RowVectorXd::Constant(1, sign * scale_ * std::pow(1.0 - draws.uniform(), -1.0 / index_));
}

TrainingParts<double> line_training(const LineModel& model, double alpha, std::uint64_t seed, std::uint32_t replicate,
                                    std::shared_ptr<const Scheme<double>> scheme) {
  TrainingParts<double> parts;
  parts.generator = std::make_shared<StartsInBall>(model.generator, Eigen::VectorXd::Constant(1, model.centre), model.spread);
  parts.loss = std::make_shared<CpuLoss<double>>(2.0);
  parts.sampler = std::make_shared<FreshBatches<double>>(model.source, model.target, SamplerSettings{model.n, 1, seed, replicate});
  parts.scheme = scheme != nullptr ? std::move(scheme) : std::make_shared<Sgd<double>>();
  parts.schedule = make_schedule({.initial = alpha});
  parts.seed = seed;
  parts.replicate = replicate;
  return parts;
}

double line_end(const TrainingParts<double>& parts, double alpha, double horizon) {
  State<double> state = start(parts);
  const auto steps = static_cast<std::uint64_t>(std::ceil(horizon / alpha - 1e-9));
  for (std::uint64_t t = 0; t < steps; ++t) advance(parts, state);
  return state.u[0];
}

LineModel oscillating_model() {
  const std::shared_ptr<const Law> points = FiniteLaw::two_points();
  return {std::make_shared<BentLine>(
              "u(1 + ½ sin log|u|), moved to 1/4", [](double u) { return 0.25 + wobble(u - 0.25); }, [](double u) { return wobble_slope(u - 0.25); }),
          points,
          points,
          2,
          0.85,
          0.1};
}

std::vector<double> oscillating_critical_points() {
  std::vector<double> out;
  for (const double level : {-0.5, -0.25}) {
    double low = -4.0;  // g increases
    double high = 0.0;
    for (int halving = 0; halving < 200; ++halving) {
      const double middle = 0.5 * (low + high);
      (wobble(middle) < level ? low : high) = middle;
    }
    out.push_back(0.25 + high);
  }
  out.push_back(0.25);
  return out;
}

LineModel cut_off_model(double radius, bool smooth) {
  const std::shared_ptr<const Law> points = FiniteLaw::two_points();
  std::shared_ptr<const Generator<double>> generator;
  if (smooth)
    generator = std::make_shared<BoundedGenerator<double>>(std::make_shared<TwoPointLine<double>>(), radius);
  else
    generator = std::make_shared<BentLine>(
        "u·1(|u| ≤ R)", [radius](double u) { return std::abs(u) <= radius ? u : 0.0; }, [radius](double u) { return std::abs(u) <= radius ? 1.0 : 0.0; });
  return {std::move(generator), points, points, 2, 0.5 * radius, 0.1 * radius};
}

LineModel heavy_model(double index, double scale) {
  return {std::make_shared<BentLine>(
              "u", [](double u) { return u; }, [](double) { return 1.0; }),
          atoms("one", {1.0}),
          std::make_shared<HeavyTailed>(index, scale),
          1,
          0.5,
          0.01};
}

LineModel unbounded_model() {
  const std::shared_ptr<const Law> points = FiniteLaw::two_points();
  return {std::make_shared<TwoPointLine<double>>(), points, points, 2, 1.0, 0.01};
}

LineModel cubic_model(double centre, double spread) {
  const std::shared_ptr<const Law> points = FiniteLaw::two_points();
  return {std::make_shared<BentLine>(
              "u + u³", [](double u) { return u + u * u * u; }, [](double u) { return 1.0 + 3.0 * u * u; }),
          points,
          points,
          2,
          centre,
          spread};
}

LineModel continuous_model() {
  const auto law = std::make_shared<Uniform>(-1.0, 1.0, 1);
  return {std::make_shared<TwoPointLine<double>>(), law, law, 2, 0.8, 0.1};
}

LineModel toothed_model(double piece) {
  return {std::make_shared<BentLine>(
              "teeth",
              [piece](double u) {
                const double place = place_in_tooth(piece, u);
                const double rise = kRising * piece;
                return (2.0 * kRising - 1.0) * piece * std::floor(u / piece) + (place <= rise ? place : 2.0 * rise - place);
              },
              [piece](double u) { return place_in_tooth(piece, u) <= kRising * piece ? 1.0 : -1.0; }),
          atoms("one", {1.0}),
          atoms("around 1", {0.3, 0.55, 0.7, 0.95, 1.1, 1.25, 1.45, 1.7}),
          1,
          0.0,
          0.01};
}

double top_of_tooth(double piece, double u0) { return piece * (std::floor(u0 / piece) + kRising); }

double averaged_flow(double s) {
  const double mean = 2.0 * kRising - 1.0;
  return (1.0 - std::exp(-2.0 * mean * mean * s)) / mean;
}

}  // namespace slicecheck::npsgd
