#include "cuda/gpu/parity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/tie_membership.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::testing {

namespace {

constexpr double kFloat = tolerance::unit_roundoff<float>();
constexpr double kDouble = tolerance::unit_roundoff<double>();
constexpr Index kJudgedWhole = 1000;  // points up to which every direction's gradient is judged
constexpr Index kJudged = 8;          // directions beyond that

RandomStream stream(std::uint32_t replicate, Index n, Index d) {
  return {1, Purpose::cases, replicate, (static_cast<std::uint64_t>(n) << 16) + static_cast<std::uint64_t>(d)};
}

Points<double> normals(std::uint32_t replicate, Index n, Index d) {
  Eigen::VectorXd entries(n * d);
  stream(replicate, n, d).fill_normal(entries);
  return Eigen::Map<const Points<double>>(entries.data(), n, d);
}

Points<float> cloud_of(Kind kind, std::uint32_t replicate, Index n, Index d) {
  if (kind == Kind::lattice) return normals(replicate, n, d).unaryExpr([](double x) { return std::clamp(std::round(4.0 * x), -4.0, 4.0) / 4.0; }).cast<float>();
  if (kind == Kind::offset) return (normals(replicate, n, d).array() + 1000.0).cast<float>();
  if (kind == Kind::normal) return normals(replicate, n, d).cast<float>();
  const Points<float> distinct = normals(replicate, (n + 2) / 3, d).cast<float>();
  Points<float> out(n, d);
  for (Index i = 0; i < n; ++i) out.row(i) = distinct.row((7 * i) % distinct.rows());
  return out;
}

void raise(double& worst, double observed, double allowed) {
  const double ratio = observed / allowed;
  if (!(ratio <= worst)) worst = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
}

/// Both clouds in double, moved by the first target: exact but for the last bits of a double.
struct Moved {
  Points<double> z, y, theta;
  double size;
};

Moved moved(const Clouds& clouds) {
  const Eigen::RowVectorXd origin = clouds.y.row(0).cast<double>();
  Moved out{clouds.z.cast<double>().rowwise() - origin, clouds.y.cast<double>().rowwise() - origin, clouds.theta.cast<double>(), 0.0};
  out.size = largest_norm(out.z) + largest_norm(out.y);
  return out;
}

void compare_values(const Moved& exact, const LossGradient<float>& got, Parity& parity) {
  const Index count = exact.theta.rows();
  const LossGradient<double> reference = ReferenceLoss().evaluate(exact.z, exact.y, exact.theta);
  const double gap_error = tolerance::gap(exact.z.cols(), exact.size, kFloat) + tolerance::gap(exact.z.cols(), exact.size, kDouble);
  if (got.per_direction.size() != count) parity.values = std::numeric_limits<double>::infinity();
  for (Index l = 0; l < std::min(count, got.per_direction.size()); ++l)
    raise(parity.values, std::abs(got.per_direction[l] - reference.per_direction[l]),
          tolerance::value(reference.per_direction[l], 2.0, gap_error, exact.z.rows(), kFloat));
  const double mean = got.per_direction.sum() / static_cast<double>(count);
  raise(parity.values, std::abs(got.value - mean),
        2.0 * tolerance::gamma(static_cast<double>(count) + 1.0, kDouble) * mean + std::numeric_limits<double>::min());
}

void judge_single(const Moved& exact, Index l, const LossGradient<float>& single, Parity& parity) {
  LossSubject subject;
  subject.unit_roundoff = kFloat;
  const Slice slice = slice_of(subject, exact.z, exact.y, exact.theta.row(l));
  const Judgement judgement = judge_membership(slice, single.gradient.cast<double>());
  raise(parity.members, judgement.skipped.empty() ? judgement.ratio() : std::numeric_limits<double>::infinity(), 1.0);
}

}  // namespace

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::normal: return "normal";
    case Kind::duplicates: return "duplicates";
    case Kind::lattice: return "lattice";
    case Kind::offset: return "offset";
  }
  return "";
}

Clouds clouds_of(Kind kind, Index n, Index d, Index count) {
  Clouds out{cloud_of(kind, 20, n, d), cloud_of(kind, 21, n, d), uniform_directions<float>(stream(22, n, d), count, d)};
  if (kind == Kind::lattice)
    for (Index l = 0; l < std::min(count - 1, d); ++l) out.theta.row(l) = Eigen::RowVectorXf::Unit(d, l);
  return out;
}

double Parity::worst() const { return std::max({values, members, sums}); }

Parity parity_of(const Clouds& clouds, const Evaluate& evaluate, Index additions) {
  Parity parity;
  const Moved exact = moved(clouds);
  const Index n = clouds.z.rows();
  const Index d = clouds.z.cols();
  const Index count = clouds.theta.rows();
  const LossGradient<float> whole = evaluate(clouds.z, clouds.y, clouds.theta);
  compare_values(exact, whole, parity);
  // Terms gap·θ(k)·2/n of the gradient, as a single direction gives them: off by at most 3 roundings.
  Points<double> sum = Points<double>::Zero(n, d);
  Points<double> sizes = Points<double>::Zero(n, d);
  const Index judged = n <= kJudgedWhole ? count : std::min(count, kJudged);
  for (Index l = 0; l < count; ++l) {
    const LossGradient<float> single = evaluate(clouds.z, clouds.y, clouds.theta.row(l));
    if (single.gradient.rows() != n || single.gradient.cols() != d) return {parity.values, std::numeric_limits<double>::infinity(), parity.sums};
    if (l % ((count + judged - 1) / judged) == 0) judge_single(exact, l, single, parity);
    sum += single.gradient.cast<double>();
    sizes += single.gradient.cast<double>().cwiseAbs();
  }
  if (whole.gradient.rows() != n || whole.gradient.cols() != d) return {parity.values, parity.members, std::numeric_limits<double>::infinity()};
  const double relative = tolerance::gamma(static_cast<double>(additions) + 6.0, kFloat) + tolerance::gamma(static_cast<double>(count), kDouble);
  const double underflow = (static_cast<double>(count) + 3.0) * static_cast<double>(std::numeric_limits<float>::denorm_min());
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < d; ++k)
      raise(parity.sums, std::abs(static_cast<double>(whole.gradient(i, k)) - sum(i, k) / static_cast<double>(count)),
            relative * sizes(i, k) / static_cast<double>(count) + underflow);
  return parity;
}

}  // namespace slicecheck::testing
