#include "slicecheck/measures/law.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr double kPi = std::numbers::pi;

void check_spread(std::string_view law, double spread) {
  if (!std::isfinite(spread) || spread < 0.0) reject("{}: the spread is {}; it must be finite and not negative", law, spread);
}

/// A bounded shape plus Gaussian noise is bounded only without the noise.
std::optional<double> bounded_without_noise(double spread, double radius) {
  if (spread > 0.0) return std::nullopt;
  return radius;
}

}  // namespace

Eigen::RowVectorXd Law::atom(Index) const { reject("the law {} has no atoms: it is not finite (A6)", name()); }

double Law::probability(Index) const { reject("the law {} has no atoms: it is not finite (A6)", name()); }

template <class S>
Points<S> Law::sample(const RandomStream& stream, Index n) const {
  if (n < 1) reject("the law {}: a batch of {} points was asked for; at least 1 is needed", name(), n);
  Points<S> points(n, dimension());
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    points.row(k) = draw(draws).cast<S>();
  }
  return points;
}

template Points<float> Law::sample<float>(const RandomStream&, Index) const;
template Points<double> Law::sample<double>(const RandomStream&, Index) const;

Gaussian::Gaussian(Eigen::RowVectorXd mean, double spread) : mean_(std::move(mean)), spread_(spread) {
  check_spread("Gaussian", spread);
  if (mean_.size() < 1) reject("Gaussian: the mean is empty; the dimension must be at least 1");
}

std::unique_ptr<Gaussian> Gaussian::standard(Index dimension) { return std::make_unique<Gaussian>(Eigen::RowVectorXd::Zero(dimension), 1.0); }

std::string Gaussian::name() const {
  if (mean_.isZero(0.0) && spread_ == 1.0) return fmt::format("standard normal in {} dimensions", dimension());
  if ((mean_.array() == mean_[0]).all()) return fmt::format("N({}, {}) in {} dimensions", mean_[0], spread_, dimension());
  return fmt::format("Gaussian in {} dimensions", dimension());
}

Eigen::RowVectorXd Gaussian::draw(PointDraws& draws) const {
  Eigen::RowVectorXd point(mean_.size());
  for (Index j = 0; j < point.size(); ++j) point[j] = mean_[j] + spread_ * draws.normal();
  return point;
}

std::optional<double> Gaussian::support_radius() const { return bounded_without_noise(spread_, mean_.norm()); }

TwoMoons::TwoMoons(double noise_spread) : spread_(noise_spread) { check_spread("two moons", noise_spread); }

std::string TwoMoons::name() const { return fmt::format("two moons, noise {}", spread_); }

Eigen::RowVectorXd TwoMoons::draw(PointDraws& draws) const {
  const bool lower = draws.below(2) == 1;
  const double angle = kPi * draws.uniform();
  Eigen::RowVectorXd point(2);
  if (lower)
    point << 1.0 - std::cos(angle), 0.5 - std::sin(angle);
  else
    point << std::cos(angle), std::sin(angle);
  if (spread_ > 0.0) {
    point[0] += spread_ * draws.normal();
    point[1] += spread_ * draws.normal();
  }
  return point;
}

std::optional<double> TwoMoons::support_radius() const { return bounded_without_noise(spread_, std::hypot(2.0, 0.5)); }

SwissRoll::SwissRoll(double noise_spread, double scale) : spread_(noise_spread), scale_(scale) {
  check_spread("swiss roll", noise_spread);
  if (!std::isfinite(scale) || scale <= 0.0) reject("swiss roll: the scale is {}; it must be finite and positive", scale);
}

std::string SwissRoll::name() const { return fmt::format("swiss roll, scale {}, noise {}", scale_, spread_); }

Eigen::RowVectorXd SwissRoll::draw(PointDraws& draws) const {
  const double t = 1.5 * kPi * (1.0 + 2.0 * draws.uniform());
  Eigen::RowVectorXd point(2);
  point << scale_ * t * std::cos(t), scale_ * t * std::sin(t);
  if (spread_ > 0.0) {
    point[0] += spread_ * draws.normal();
    point[1] += spread_ * draws.normal();
  }
  return point;
}

std::optional<double> SwissRoll::support_radius() const { return bounded_without_noise(spread_, scale_ * 4.5 * kPi); }

Uniform::Uniform(double low, double high, Index dimension) : low_(low), high_(high), dimension_(dimension) {
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high)) reject("uniform: the bounds are {} and {}; low must be below high", low, high);
  if (dimension < 1) reject("uniform: the dimension is {}; it must be at least 1", dimension);
}

std::string Uniform::name() const { return fmt::format("uniform on [{}, {}]^{}", low_, high_, dimension_); }

Eigen::RowVectorXd Uniform::draw(PointDraws& draws) const {
  Eigen::RowVectorXd point(dimension_);
  for (Index j = 0; j < dimension_; ++j) point[j] = draws.uniform(low_, high_);
  return point;
}

std::optional<double> Uniform::support_radius() const { return std::sqrt(static_cast<double>(dimension_)) * std::max(std::abs(low_), std::abs(high_)); }

GaussianMixture::GaussianMixture(Points<double> centres, double spread) : centres_(std::move(centres)), spread_(spread) {
  check_spread("Gaussian mixture", spread);
  if (centres_.rows() < 1 || centres_.cols() < 1) reject("Gaussian mixture: there are no centres; at least one is needed");
}

std::unique_ptr<GaussianMixture> GaussianMixture::six_centres() {
  Points<double> centres(6, 2);
  centres << 0.5, 0.5, 0.45, 0.45, -0.5, 0.5, -0.5, -0.5, 0.5, -0.5, 0.0, 0.0;
  return std::make_unique<GaussianMixture>(std::move(centres), 0.02);
}

std::string GaussianMixture::name() const { return fmt::format("mixture of {} Gaussians of spread {}", centres_.rows(), spread_); }

Eigen::RowVectorXd GaussianMixture::draw(PointDraws& draws) const {
  Eigen::RowVectorXd point = centres_.row(static_cast<Index>(draws.below(static_cast<std::uint64_t>(centres_.rows()))));
  for (Index j = 0; j < point.size(); ++j) point[j] += spread_ * draws.normal();
  return point;
}

std::optional<double> GaussianMixture::support_radius() const { return bounded_without_noise(spread_, centres_.rowwise().norm().maxCoeff()); }

Truncated::Truncated(std::shared_ptr<const Law> inner, Eigen::RowVectorXd centre, double radius)
    : inner_(std::move(inner)), centre_(std::move(centre)), radius_(radius) {
  if (!std::isfinite(radius) || radius <= 0.0) reject("truncated law: the radius is {}; it must be finite and positive", radius);
  if (centre_.size() != inner_->dimension())
    reject("truncated law: the centre has dimension {} and the law {}; they must agree", centre_.size(), inner_->dimension());
}

std::string Truncated::name() const { return fmt::format("{}, truncated at distance {}", inner_->name(), radius_); }

Eigen::RowVectorXd Truncated::draw(PointDraws& draws) const {
  for (;;) {
    Eigen::RowVectorXd point = inner_->draw(draws);
    if ((point - centre_).norm() <= radius_) return point;
  }
}

std::optional<double> Truncated::support_radius() const {
  const double ball = centre_.norm() + radius_;
  const auto inner = inner_->support_radius();
  return inner ? std::min(*inner, ball) : ball;
}

FiniteLaw::FiniteLaw(std::string name, Points<double> atoms) : name_(std::move(name)), atoms_(std::move(atoms)) {
  if (atoms_.rows() < 1 || atoms_.cols() < 1) reject("finite law {}: there are no atoms; at least one is needed", name_);
  if (!atoms_.allFinite()) reject("finite law {}: an atom is not finite", name_);
}

FiniteLaw::FiniteLaw(std::string name, Points<double> atoms, std::vector<double> probabilities) : FiniteLaw(std::move(name), std::move(atoms)) {
  probabilities_ = std::move(probabilities);
  if (static_cast<Index>(probabilities_.size()) != atoms_.rows())
    reject("finite law {}: {} probabilities for {} atoms", name_, probabilities_.size(), atoms_.rows());
  double sum = 0.0;
  for (const double p : probabilities_) {
    if (!std::isfinite(p) || p < 0.0) reject("finite law {}: a probability is {}; each must be finite and not negative", name_, p);
    sum += p;
    cumulative_.push_back(sum);
  }
  // Each probability may have been rounded to relative 2^-53 and the sum takes one rounding per atom.
  const double allowed = 2.0 * static_cast<double>(probabilities_.size()) * 0x1p-53;
  if (!(std::abs(sum - 1.0) <= allowed)) reject("finite law {}: the probabilities add up to {}, not to 1", name_, sum);
}

std::unique_ptr<FiniteLaw> FiniteLaw::noisy_grid(Index side, double low, double high, double noise, const RandomStream& stream) {
  if (side < 2) reject("noisy grid: {} points a side; at least 2 are needed", side);
  const double step = (high - low) / static_cast<double>(side - 1);
  Points<double> atoms(side * side, 2);
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      const Index k = i * side + j;
      PointDraws draws(stream, static_cast<std::uint64_t>(k));
      atoms(k, 0) = low + step * static_cast<double>(i) + step * noise * draws.uniform(-1.0, 1.0);
      atoms(k, 1) = low + step * static_cast<double>(j) + step * noise * draws.uniform(-1.0, 1.0);
    }
  return std::make_unique<FiniteLaw>(fmt::format("noisy grid of {} points on [{}, {}]²", side * side, low, high), std::move(atoms));
}

std::unique_ptr<FiniteLaw> FiniteLaw::discretised(const Law& law, Index count, const RandomStream& stream) {
  return std::make_unique<FiniteLaw>(fmt::format("{} atoms drawn from: {}", count, law.name()), law.sample<double>(stream, count));
}

std::unique_ptr<FiniteLaw> FiniteLaw::two_points() {
  Points<double> atoms(2, 1);
  atoms << -1.0, 1.0;
  return std::make_unique<FiniteLaw>("two points −1, +1", std::move(atoms));
}

Eigen::RowVectorXd FiniteLaw::draw(PointDraws& draws) const {
  if (cumulative_.empty()) return atoms_.row(static_cast<Index>(draws.below(static_cast<std::uint64_t>(atoms_.rows()))));
  const double u = draws.uniform() * cumulative_.back();
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
  return atoms_.row(std::min<Index>(found - cumulative_.begin(), atoms_.rows() - 1));
}

std::optional<double> FiniteLaw::support_radius() const { return atoms_.rowwise().norm().maxCoeff(); }

double FiniteLaw::probability(Index k) const {
  if (k < 0 || k >= atoms_.rows()) reject("finite law {}: atom {} was asked for; there are {}", name_, k, atoms_.rows());
  return probabilities_.empty() ? 1.0 / static_cast<double>(atoms_.rows()) : probabilities_[static_cast<std::size_t>(k)];
}

}  // namespace slicecheck
