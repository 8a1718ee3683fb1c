/// One training of an arm of experiment `transport-plane`.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"
#include "transport_plane.h"

namespace slicecheck::oracle_plane {

namespace {

constexpr Index kAngles = 64;

double sliced(const Points<double>& z, const Points<double>& y) {
  Points<double> theta(kAngles, 2);
  for (Index k = 0; k < kAngles; ++k) {
    const double angle = std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(kAngles);
    theta.row(k) << std::cos(angle), std::sin(angle);
  }
  return CpuLoss<double>(2.0).values(z, y, theta).mean();
}

double spread(const Points<double>& points) {
  return std::sqrt((points.rowwise() - points.colwise().mean()).squaredNorm() / static_cast<double>(points.rows()));
}

/// The largest eigenvalue of E J(x)ᵀJ(x) at θ, by power iteration; J v by a difference.
double squared_jacobian(const Generator<double>& generator, const Vector<double>& theta, const Points<double>& x) {
  constexpr double kStep = 1e-6;
  const auto at = generator.linearise(theta, x);
  Vector<double> v = Vector<double>::Ones(theta.size()).normalized();
  double value = 0.0;
  for (int k = 0; k < 30; ++k) {
    const Points<double> forward = (generator.forward(theta + kStep * v, x) - at->images()) / kStep;
    const Vector<double> next = at->pullback(forward) / static_cast<double>(x.rows());
    value = next.norm();
    if (!(value > 0.0)) return 1.0;
    v = next / value;
  }
  return value;
}

/// With its plan held fixed, a loss has this curvature in the images, over that of E‖G − y‖².
double curvature(Loss loss, Index dimension) {
  switch (loss) {
    case Loss::transport: return 1.0;
    case Loss::sinkhorn: return 2.0;
    case Loss::sliced: return 1.0 / static_cast<double>(dimension);
  }
  throw Error("transport-plane: no such loss");
}

class Run {
 public:
  Run(const Design& design, const Arm& arm, Index multiple, std::uint64_t seed, Index replicate)
      : design_(design),
        arm_(arm),
        bed_(design.beds[arm.bed]),
        seed_(seed),
        stream_(stream_replicate(bed_.table, replicate)),
        atoms_(atoms_of(bed_, design.atoms, seed, stream_)) {
    theta_ = bed_.generator->initial({seed, Purpose::initial, stream_, 0});
    alpha_ = std::ldexp(1.0, static_cast<int>(multiple)) /
             (2.0 * curvature(arm.loss, bed_.target->dimension()) * squared_jacobian(*bed_.generator, theta_, atoms_.x));
  }

  /// False where it diverged.
  bool run(Eigen::Ref<Eigen::RowVectorXd> row) {
    row[kAlpha] = alpha_;
    std::unique_ptr<OracleSgd> oracle;
    OracleState state;
    if (arm_.loss != Loss::sliced) {
      OracleParts parts = parts_of(bed_, atoms_, arm_.share * atoms_.median_cost, alpha_, design_.tolerance_share, seed_, stream_);
      parts.objective = arm_.loss == Loss::sinkhorn ? OracleObjective::sinkhorn : OracleObjective::transport;
      oracle = make_oracle(std::move(parts), design_.defect);
      state = oracle->start();
    }
    const double frame = kFar * atoms_.y.cwiseAbs().maxCoeff();
    double gap = 0.0, sweeps = 0.0;
    auto look = design_.looks.begin();
    Index at = kCurve;
    for (std::uint64_t t = 0;; ++t) {
      const Points<double> z = bed_.generator->forward(theta_, atoms_.x);
      if (!z.allFinite() || z.cwiseAbs().maxCoeff() > frame) return false;
      if (look != design_.looks.end() && t == *look) {
        row[at++] = exact_w2_squared(z, atoms_.y);
        ++look;
      }
      if (t == 0) row[kW2Start] = exact_w2_squared(z, atoms_.y);
      if (t == design_.steps) return finish(z, gap, sweeps, at, row);
      if (oracle == nullptr) {
        sliced_step(t);
        continue;
      }
      const OracleReport report = oracle->advance(state);
      theta_ = state.training.u;
      gap = std::max({gap, report.between_gap, report.within_gap});
      sweeps += static_cast<double>(report.sweeps);
    }
  }

 private:
  bool finish(const Points<double>& z, double gap, double sweeps, Index at, Eigen::Ref<Eigen::RowVectorXd> row) const {
    row[kW2] = exact_w2_squared(z, atoms_.y);
    row[kSlicedEnd] = sliced(z, atoms_.y);
    row[kSpread] = spread(z) / spread(atoms_.y);
    const auto x = Gaussian::standard(bed_.generator->input_dimension())->sample<double>({seed_, Purpose::evaluation_source, stream_, 0}, design_.atoms);
    const auto y = bed_.target->sample<double>({seed_, Purpose::evaluation_target, stream_, 0}, design_.atoms);
    row[kFresh] = exact_w2_squared(bed_.generator->forward(theta_, x), y);
    row[kGap] = arm_.share > 0.0 ? gap / (arm_.share * atoms_.median_cost) : 0.0;
    row[kSweeps] = sweeps / static_cast<double>(design_.steps);
    for (Index k = 0; k < z.size(); ++k) row[at + k] = z.data()[k];
    return true;
  }

  void sliced_step(std::uint64_t t) {
    const auto image = bed_.generator->linearise(theta_, atoms_.x);
    const auto directions = uniform_directions<double>({seed_, Purpose::directions, stream_, t}, design_.directions, bed_.target->dimension());
    theta_ -= alpha_ * image->pullback(CpuLoss<double>(2.0).evaluate(image->images(), atoms_.y, directions).gradient);
  }

  const Design& design_;
  const Arm& arm_;
  const Bed& bed_;
  std::uint64_t seed_;
  std::uint32_t stream_;
  Atoms atoms_;
  Vector<double> theta_;
  double alpha_ = 0.0;
};

}  // namespace

Atoms atoms_of(const Bed& bed, Index count, std::uint64_t seed, std::uint32_t stream) {
  Atoms atoms;
  atoms.x = Gaussian::standard(bed.generator->input_dimension())->sample<double>({seed, Purpose::law, stream, 0}, count);
  atoms.y = bed.target->sample<double>({seed, Purpose::law, stream, 1}, count);
  std::vector<double> costs;
  for (Index i = 0; i < count; ++i)
    for (Index j = 0; j < i; ++j) costs.push_back((atoms.y.row(i) - atoms.y.row(j)).squaredNorm());
  const auto middle = costs.begin() + static_cast<std::ptrdiff_t>(costs.size() / 2);
  std::nth_element(costs.begin(), middle, costs.end());
  atoms.median_cost = *middle;
  return atoms;
}

std::shared_ptr<const Schedule> constant_step(double alpha) {
  ScheduleSettings settings;
  settings.initial = alpha;
  return make_schedule(settings);
}

OracleParts parts_of(const Bed& bed, const Atoms& atoms, double lambda, double alpha, double tolerance_share, std::uint64_t seed, std::uint32_t stream) {
  OracleParts parts;
  parts.generator = bed.generator;
  parts.x = atoms.x;
  parts.y = atoms.y;
  parts.a = Vector<double>::Constant(atoms.x.rows(), 1.0 / static_cast<double>(atoms.x.rows()));
  parts.b = Vector<double>::Constant(atoms.y.rows(), 1.0 / static_cast<double>(atoms.y.rows()));
  parts.lambda = lambda;
  parts.tolerance = tolerance_share * lambda;
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = constant_step(alpha);
  parts.seed = seed;
  parts.replicate = stream;
  return parts;
}

Index row_width(const Design& design) { return kCurve + static_cast<Index>(design.looks.size()) + 2 * design.atoms; }

void train(const Design& design, const Arm& arm, Index multiple, std::uint64_t seed, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
  row.setConstant(kNoNumber);
  const bool finite = with_place(fmt::format("{}, {}, start {}, step 2^{}", design.beds[arm.bed].title, arm_name(arm), replicate, multiple),
                                 [&] { return Run(design, arm, multiple, seed, replicate).run(row); });
  if (!finite) row.setConstant(kNoNumber);
  row[kDiverged] = finite ? 0.0 : 1.0;
}

std::vector<double> ArmResult::values(Index column) const {
  std::vector<double> out;
  for (Index i = 0; i < rows.rows(); ++i) out.push_back(rows(i, column));
  return out;
}

Index ArmResult::diverged() const {
  Index count = 0;
  for (Index i = 0; i < rows.rows(); ++i) count += rows(i, kDiverged) > 0.0 ? 1 : 0;
  return count;
}

}  // namespace slicecheck::oracle_plane
