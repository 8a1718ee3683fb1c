/// Algorithm 1 end to end: report 000's own loop, its network in LibTorch with our loss, our network with our loss; and what a step of a small training costs.

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <memory>

#include "agreement.h"
#include "cpu_candidate.h"
#include "session.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/measures/idx_images.h"
#include "torch_training.h"
#include "trainings.h"

namespace slicecheck::benchmarks {

namespace {

constexpr Index kBatch = 256;
constexpr Index kPairs = 1024;  // fixed pairs of report 000's loader: four whole batches
constexpr double kSeconds = 6.0;

/// What is trained: the network of report 000 on a source and a target.
struct Problem {
  std::string data;  ///< two-moons or fashion-mnist
  NetworkShape shape;
};

Problem two_moons() { return {"two-moons", {2, {256, 256}, 2}}; }

/// Report 000's images have 784 pixels and a source of 32 dimensions; its generator there is convolutional, ours is the dense one.
Problem fashion_mnist() { return {"fashion-mnist", {32, {256, 256}, 784}}; }

std::shared_ptr<const Law> target_of(const Problem& problem, const Session& session) {
  if (problem.data == "two-moons") return law_by_name("two-moons");
  return std::make_shared<ImageLaw>("FashionMNIST", read_idx_images(session.data / "fashion-mnist" / "train-images-idx3-ubyte"));
}

bool has_images(const Session& session) { return std::filesystem::exists(session.data / "fashion-mnist" / "train-images-idx3-ubyte"); }

struct Row {
  Problem problem;
  Index directions;
  StepRule rule;

  [[nodiscard]] std::string scheme() const { return rule.radius ? "npsgd" : "sgd"; }
  [[nodiscard]] std::string name() const { return fmt::format("{}/{}/L:{}", problem.data, scheme(), directions); }
};

std::vector<Row> rows() {
  const StepRule sgd{1e-3, std::nullopt, 0.0};
  const StepRule npsgd{1e-3, 10.0, 1.0};  // the report's radius and noise
  std::vector<Row> out;
  for (const Index directions : {1, 100, 5000}) out.push_back({two_moons(), directions, sgd});
  for (const Index directions : {1, 100, 5000}) out.push_back({two_moons(), directions, npsgd});
  out.push_back({fashion_mnist(), 100, sgd});
  return out;
}

template <class S>
DenseMlp<S> network_of(const NetworkShape& shape) {
  return {shape.input, shape.hidden, shape.output, Activation::relu};
}

template <class S>
std::shared_ptr<const FreshBatches<S>> batches_of(const Row& row, Index batch, const Session& session) {
  return std::make_shared<FreshBatches<S>>(Gaussian::standard(row.problem.shape.input), target_of(row.problem, session),
                                           SamplerSettings{batch, row.directions, 1, 0});
}

/// How far two correct computations in double of one step's φ can be apart, entry by entry.
///
/// φ is a sum of products of entries of u, x, ∂w/∂Z and slopes 0 or 1. Computed in any order it errs by at most γ_K times the same sum of absolute values, K
/// the number of roundings on the way (Higham, section 3.1): every layer's inputs forward and its outputs backward, the batch, the directions. With |u| and |x|
/// in place of u and x no ReLU is ever shut: that sum is the network's own pullback. A pre-activation or a gap of two projections within rounding of 0 would
/// make two correct answers differ by more; the fixed seed has none.
Vector<double> phi_tolerance(const DenseMlp<double>& net, const Vector<double>& u, const Batch<double>& batch, double* gap_error) {
  const auto absolute = net.linearise(u.cwiseAbs(), batch.x.cwiseAbs());
  const Points<double>& images = absolute->images();
  const double scale = 2.0 / static_cast<double>(batch.x.rows() * batch.directions.rows());
  const Points<double> theta = batch.directions.cwiseAbs();
  const Eigen::VectorXd largest = (batch.y.cwiseAbs() * theta.transpose()).colwise().maxCoeff();
  const Points<double> gaps = (images * theta.transpose()).rowwise() + largest.transpose();
  double roundings = static_cast<double>(batch.x.rows() + batch.directions.rows() + batch.directions.cols()) + 64.0;
  for (Index m = 0; m < net.layers(); ++m) roundings += static_cast<double>(net.fan_in(m) + net.width(m));
  const double gamma = tolerance::gamma(roundings, tolerance::unit_roundoff<double>());
  *gap_error = 2.0 * gamma * gaps.maxCoeff();
  return 2.0 * gamma * absolute->pullback(scale * gaps * theta).array() + std::numeric_limits<double>::min();
}

/// Both LibTorch trainings take the step that ours takes.
void check_row(const Row& row, Session& session) {
  const auto net = network_of<double>(row.problem.shape);
  const Batch<double> batch = batches_of<double>(row, kBatch, session)->draw(0);
  const Vector<double> u = net.initial({1, Purpose::initial, 0, 0});
  const OnThreads one(1);
  const CpuLoss<double> loss(2.0);
  const auto image = net.linearise(u, batch.x);
  const auto ours = loss.evaluate(image->images(), batch.y, batch.directions);
  const Vector<double> phi = image->pullback(ours.gradient);
  double gap_error = 0.0;
  const Vector<double> allowed = phi_tolerance(net, u, batch, &gap_error);
  const double value_allowed = tolerance::value(ours.value, 2.0, gap_error, batch.x.rows() * batch.directions.rows(), tolerance::unit_roundoff<double>());
  const auto require = [&](const std::string& who, const TorchGradient& theirs) {
    const double worst = ((theirs.phi - phi).cwiseAbs().array() / allowed.array()).maxCoeff();
    const double value = std::abs(theirs.loss - ours.value) / value_allowed;
    if (!(worst <= 1.0) || !(value <= 1.0))
      throw Error(fmt::format("the step of {} at {} is not ours: the loss is off by {} of what is allowed, φ by {}. Nothing was timed.", who, row.name(),
                              digits(value), digits(worst)));
  };
  if (!has_torch_trainings()) return;
  require("report 000's loop", report_000_gradient(row.problem.shape, u, batch));
  require("LibTorch's network with our loss", torch_network_gradient(row.problem.shape, u, batch, loss));
}

/// So many steps that one measurement lasts some hundredths of a second.
template <class Step>
Candidate stepping(const std::string& name, Step step) {
  step();
  const double once = clocked(step);
  return {name, repeated(std::clamp(static_cast<Index>(0.03 / once), Index{1}, Index{200}), step)};
}

std::function<void()> our_training(const Row& row, const Session& session) {
  std::shared_ptr<const Scheme<float>> scheme = std::make_shared<Sgd<float>>();
  if (row.rule.radius) scheme = std::make_shared<NoisedProjectedSgd<float>>(*row.rule.radius, row.rule.noise);
  const NetworkShape& shape = row.problem.shape;
  auto parts = std::make_shared<TrainingParts<float>>();
  parts->generator = std::make_shared<DenseMlp<float>>(shape.input, shape.hidden, shape.output, Activation::relu);
  parts->loss = std::make_shared<CpuLoss<float>>(2.0);
  parts->sampler = batches_of<float>(row, kBatch, session);
  parts->scheme = std::move(scheme);
  parts->schedule = make_schedule({.initial = row.rule.alpha});
  auto state = std::make_shared<State<float>>(start(*parts));
  return [parts, state] { (void)advance(*parts, *state); };
}

void measure_training(const Row& row, Session& session) {
  const OnThreads one(1);
  const auto net = network_of<float>(row.problem.shape);
  const Vector<float> u0 = net.initial({1, Purpose::initial, 0, 0});
  std::vector<Candidate> candidates;
  if (has_torch_trainings()) {
    const Batch<float> pairs = batches_of<float>(row, kPairs, session)->draw(0);
    for (const bool validate : {false, true}) {
      std::shared_ptr<TorchTraining> report = report_000_training(row.problem.shape, u0, pairs.x, pairs.y, kBatch, row.directions, row.rule, validate);
      candidates.push_back(stepping(validate ? "report 000 with validation" : "report 000", [report] { report->step(); }));
    }
    std::shared_ptr<TorchTraining> network =
        torch_network_training(row.problem.shape, u0, batches_of<float>(row, kBatch, session), std::make_shared<CpuLoss<float>>(2.0), row.rule);
    candidates.push_back(stepping("LibTorch's network", [network] { network->step(); }));
  }
  candidates.push_back(stepping("ours", our_training(row, session)));
  const auto timings = alternate(candidates, session.budget(kSeconds));
  const auto rate = [&](const char* name) {
    for (const Timing& t : timings)
      if (t.name == name) return 1.0 / t.median();
    return std::numeric_limits<double>::quiet_NaN();
  };
  const double ours = rate("ours");
  Json json = {{"network", net.name()},
               {"parameters", net.parameters()},
               {"data", row.problem.data},
               {"scheme", row.scheme()},
               {"batch", kBatch},
               {"directions", row.directions},
               {"steps_per_second", ours},
               {"ratio_to_report_000", number(ours / rate("report 000"))},
               {"ratio_to_report_000_with_validation", number(ours / rate("report 000 with validation"))},
               {"ratio_to_libtorch_network", number(ours / rate("LibTorch's network"))},
               {"report_000_steps_per_second", number(rate("report 000"))},
               {"report_000_with_validation_steps_per_second", number(rate("report 000 with validation"))},
               {"libtorch_network_steps_per_second", number(rate("LibTorch's network"))},
               {"rounds", timings.front().seconds.size()}};
  session.document["training"].push_back(json);
  session.tables.back().rows.push_back({fmt::format("{}, {}, L = {}", row.problem.data, row.scheme(), row.directions), digits(rate("report 000")),
                                        digits(rate("LibTorch's network")), digits(ours), digits(ours / rate("report 000")),
                                        digits(ours / rate("report 000 with validation")), digits(ours / rate("LibTorch's network"))});
}

/// Microseconds of a step of small trainings: what a table of replicates is made of.
void measure_small_steps(Session& session) {
  const OnThreads one(1);
  std::vector<Candidate> candidates;
  const auto add = [&](const std::string& name, const TrainingParts<double>& parts) {
    const auto shared = std::make_shared<TrainingParts<double>>(parts);
    const auto state = std::make_shared<State<double>>(start(*shared));
    candidates.push_back({name, repeated(200, [shared, state] { (void)advance(*shared, *state); })});
  };
  for (const Testbed& testbed : testbeds()) add(testbed.name, testbed_training(testbed, 1e-3, 1, 0));
  add("affine map of the plane, n = 64, L = 16", affine_training(Loss::cpu, {}));
  add("dense network 2 × 8, n = 64, L = 1", mlp_training(Loss::cpu, {.directions = 1}, 8));
  add("dense network 2 × 16, n = 64, L = 16", mlp_training(Loss::cpu, {}, 16));
  session.document["steps"] = Json::array();
  Table table{"A step of a small training, double precision, one thread: median in µs", {"training", "µs"}, {}, {}};
  for (const Timing& t : alternate(candidates, session.budget(kSeconds / 2.0))) {
    session.document["steps"].push_back({{"name", t.name}, {"microseconds", t.median() * 1e6}});
    table.rows.push_back({t.name, digits(t.median() * 1e6)});
  }
  session.tables.push_back(table);
}

}  // namespace

Section training_section(bool quick) {
  Section out;
  out.name = "training";
  out.key = "training";
  out.check = [](Session& session) {
    for (const Row& row : rows())
      if (row.problem.data != "fashion-mnist" || has_images(session)) check_row(row, session);
  };
  out.prepare = [](Session& session) {
    session.document["training"] = Json::array();
    session.tables.push_back({"Training, batch 256, single precision, one thread, end to end: steps a second from medians of alternating rounds",
                              {"data, scheme, directions", "report 000", "LibTorch's network", "ours", "ours/report", "ours/its whole loop", "ours/LibTorch"},
                              {},
                              {}});
  };
  for (const Row& row : rows())
    out.rows.emplace_back(row.name(), [row](Session& session) {
      if (row.problem.data == "fashion-mnist" && !has_images(session))
        session.tables.back().notes.push_back(fmt::format("{}: skipped, {} has no fashion-mnist: scripts/fetch_data.sh", row.name(), session.data.string()));
      else
        measure_training(row, session);
    });
  out.rows.emplace_back("small steps", measure_small_steps);
  (void)quick;
  return out;
}

}  // namespace slicecheck::benchmarks
