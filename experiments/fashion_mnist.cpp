/// Experiment `fashion-mnist`: report 000, Table 3 and Figures 3–4.

#include <cmath>

#include "arm.h"
#include "experiments.h"
#include "plane.h"
#include "slicecheck/core/error.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/torch/conv_generator.h"
#include "summary.h"

namespace slicecheck {

namespace {

constexpr Index kSide = 28;

std::shared_ptr<const Law> fashion_images(const std::filesystem::path& data) {
  const auto path = data / "fashion-mnist" / "train-images-idx3-ubyte";
  if (!std::filesystem::exists(path)) reject("FashionMNIST is not there: {} is missing; scripts/fetch_data.sh puts it there", path.string());
  IdxImages images = read_idx_images(path);
  if (images.height != kSide || images.width != kSide)
    reject("{}: images of {} × {}; FashionMNIST has {} × {}", path.string(), images.height, images.width, kSide, kSide);
  return std::make_shared<ImageLaw>("FashionMNIST", std::move(images));
}

std::shared_ptr<const Generator<float>> image_generator(const Settings& settings) {
  const Index width = settings.integer_at_least("width", 1);
  const std::string kind = settings.word("generator");
  const double gain = settings.number("initial_gain");
  if (kind == "conv") return std::make_shared<ConvGenerator>(width, gain);
  if (kind == "residual-conv") return std::make_shared<ResidualConvGenerator>(width, gain);
  reject("settings: unknown generator '{}'; expected conv or residual-conv", kind);
}

struct Laws {
  std::shared_ptr<const Law> normal;  ///< the report's source
  std::shared_ptr<const Law> atoms;   ///< the same, discretised (A6)
  std::shared_ptr<const Law> images;
};

/// What a variant decides.
struct Variant {
  std::string title;
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Scheme<float>> scheme;
  double radius = 0.0;    ///< 0 without a ball
  bool faithful = false;  ///< one direction a step and a constant step, as the theorems have it
  std::optional<double> report_f;
};

Arm make_arm(const Variant& variant, const Laws& laws, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Arm arm;
  arm.target = "FashionMNIST";
  arm.variant = variant.title;
  arm.source = variant.source;
  arm.target_law = laws.images;
  arm.report_f = variant.report_f;
  arm.sphere_radius = variant.radius;
  const Index directions = variant.faithful ? 1 : s.integer_at_least("directions", 1);
  const auto sampler =
      std::make_shared<FreshBatches<float>>(arm.source, arm.target_law, SamplerSettings{s.integer_at_least("batch", 1), directions, context.seed, 0});
  ScheduleSettings schedule;
  schedule.kind = variant.faithful ? "constant" : s.word("schedule");
  schedule.initial = s.number(variant.faithful ? "faithful_step_size" : "step_size");
  schedule.final = variant.faithful ? 0.0 : s.number("final_step_size");
  schedule.steps = static_cast<std::uint64_t>(s.integer_at_least("steps", 1));
  arm.parts = {image_generator(s), training_loss(context), sampler, variant.scheme, make_schedule(schedule), context.seed, 0};
  arm.id = slug(arm.variant);
  arm.description =
      fmt::format("{}; {}; {}; {}; {}", arm.parts.generator->name(), arm.source->name(), sampler->name(), arm.parts.scheme->name(), arm.parts.schedule->name());
  return arm;
}

/// Radius and noise of Table 3, and the F that it prints.
constexpr double kReportRadius = 10.0;
constexpr double kReportNoise = 0.001;
constexpr double kReportSgd = 0.02946;
constexpr double kReportNpsgd = 0.03135;

Variant variant_by_name(const std::string& name, const Laws& laws, const Settings& s) {
  const double noise = s.number("noise");
  if (name == "sgd") return {"SGD", laws.normal, std::make_shared<Sgd<float>>(), 0.0, false, kReportSgd};
  // A finite source is bounded too (A3, A6).
  if (name == "sgd-faithful") return {"Algorithm 1", laws.atoms, std::make_shared<Sgd<float>>(), 0.0, true, std::nullopt};
  if (name != "npsgd" && name != "npsgd-large" && name != "npsgd-faithful")
    reject("settings: unknown variant '{}'; expected sgd, sgd-faithful, npsgd, npsgd-large or npsgd-faithful", name);
  const double radius = s.number(name == "npsgd-large" ? "large_radius" : "radius");
  const bool faithful = name == "npsgd-faithful";
  Variant variant{fmt::format("NPSGD{}, r = {}, a = {}", faithful ? " as in T4" : "", radius, noise),
                  laws.atoms,
                  std::make_shared<NoisedProjectedSgd<float>>(radius, noise),
                  radius,
                  faithful,
                  std::nullopt};
  if (!faithful && radius == kReportRadius && noise == kReportNoise) variant.report_f = kReportNpsgd;
  return variant;
}

Json image_figure(const std::vector<ArmResult>& results, const ExperimentContext& context) {
  const Index side = context.settings.integer_at_least("figure_side", 1);
  Json panels = Json::array();
  const auto add = [&](const std::string& title, const std::string& file, const Points<float>& points) {
    write_idx_images(context.folder / file, images_from_points<float>(points, kSide, kSide));
    panels.push_back({{"title", title}, {"file", file}, {"grid", {side, side}}});
  };
  add("FashionMNIST", "target.idx", results.front().arm->target_law->sample<float>({context.seed, Purpose::figure, 1, 0}, side * side));
  add("before training", "generated-before.idx", generated_points(*results.front().arm, results.front().record.u0, side * side));
  for (const auto& result : results)
    add(result.arm->variant, "generated-" + result.arm->id + ".idx", generated_points(*result.arm, result.record.state.u, side * side));
  return {{"kind", "images"},
          {"id", "images"},
          {"title", "Real and generated images"},
          {"caption", "Fresh draws, not chosen. The same inputs in every panel of one source."},
          {"columns", panels.size() == 4 ? 2 : 3},
          {"panels", std::move(panels)}};
}

CsvTable final_table(const std::vector<ArmResult>& results, const Floor& floor) {
  CsvTable table({"variant", "report_F", "F", "F_low", "F_high", "F0", "ratio", "floor_F", "W2", "floor_W2", "u_norm", "on_sphere"});
  for (const auto& result : results) {
    std::uint64_t on_sphere = 0;
    for (const auto& row : result.record.rows) on_sphere += row.steps_on_sphere;
    table.add({result.arm->variant, report_cell(result.arm->report_f), result.last(kF), result.last(kFLow), result.last(kFHigh), result.first(kF),
               result.last(kF) / result.first(kF), floor.f.mean, result.last(kW2), floor.w2, result.record.state.u.cast<double>().norm(),
               static_cast<double>(on_sphere) / static_cast<double>(result.record.state.step)});
  }
  return table;
}

void run_fashion_mnist(const ExperimentContext& context) {
  const Settings& s = context.settings;
  const EvaluationSettings evaluation = evaluation_settings(s);
  Laws laws;
  laws.images = fashion_images(context.data);
  laws.normal = Gaussian::standard(TransposedConvolutions::kInput);
  laws.atoms = FiniteLaw::discretised(*laws.normal, s.integer_at_least("source_atoms", 1), {context.seed, Purpose::law, 0, 0});
  const double radius = s.number("radius");
  std::vector<Arm> arms;
  for (const std::string& name : s.words("variants")) arms.push_back(make_arm(variant_by_name(name, laws, s), laws, context));
  if (arms.empty()) reject("settings: variants is empty; name at least one of sgd, sgd-faithful, npsgd, npsgd-large, npsgd-faithful");
  const auto results = run_arms(arms, evaluation, context);
  const Floor floor = target_floor(*laws.images, evaluation, context.seed);
  write_arm_tables(results, context.folder);
  final_table(results, floor).write(context.folder / "final.csv");

  const double u0 = initial_norm(arms.front());
  Json summary{{"name", "fashion-mnist"}, {"profile", context.profile}, {"seed", context.seed}, {"title", "FashionMNIST"}};
  summary["description"] =
      "Report 000, Table 3 and Figures 3–4: a generator of transposed convolutions from 32 normals to 28×28 pixels, trained with the SW loss on the 60,000 "
      "training images by SGD and by NPSGD "
      "from a discretised source. Variants called Algorithm 1 and T4 are the faithful ones: one direction a step, a constant step, a finite source. The report "
      "does not give its network; ours is a plain one.";
  summary["facts"] = {
      fmt::format("{}: {} parameters; {} steps; batches of {}, {} directions a step (1 for the faithful variants).", arms.front().parts.generator->name(),
                  arms.front().parts.generator->parameters(), s.integer("steps"), s.integer("batch"), s.integer("directions")),
      fmt::format("u₀ has norm {:.1f}. {}", u0,
                  radius < u0 ? fmt::format("A ball of radius {} does not hold it: NPSGD starts there from u₀ scaled by {:.2f}.", radius, radius / u0)
                              : fmt::format("A ball of radius {} holds it.", radius)),
      fmt::format("The report trains for 5000 epochs; these {} steps of {} images are {:.3g} epochs of its 60,000.", s.integer("steps"), s.integer("batch"),
                  static_cast<double>(s.integer("steps") * s.integer("batch")) / 60000.0),
  };
  summary["departures"] = {
      departure("step size", "from 0.001 (text) or 0.01 (Figure 3), decreasing to 10⁻⁸", "constant (T1); α → 0 only between runs",
                fmt::format("{}, from {}, last {}; constant {} for the faithful variants", s.word("schedule"), s.number("step_size"),
                            s.number("final_step_size"), s.number("faithful_step_size"))),
      departure("directions a step", "not given (the code's default is 100)", "one θ a step",
                fmt::format("{}; 1 for the faithful variants", s.integer("directions"))),
      departure("source", "32 normals, not bounded; discretised for NPSGD", "bounded (A3); finite for NPSGD (A6)",
                fmt::format("normals for SGD; {} atoms for all others", s.integer("source_atoms"))),
      departure("projection", "each tensor onto its own ball", "the whole u onto B(0, r)", "the whole u"),
      departure("directions for F", "20,000 on the training pairs", "F is an expectation",
                fmt::format("{} on fresh batches, with an interval", evaluation.objective.batches * evaluation.objective.directions)),
  };
  summary["tables"] = {
      {{"id", "final"},
       {"title", "After training"},
       {"caption",
        "The scale of the report's images and its network are not given: its F stands beside ours for comparison, never as a verdict. F: expected minibatch "
        "loss on fresh "
        "samples in [−1, 1]⁷⁸⁴, 95 % t-interval over independent batches. Floor: two independent batches of real images. " +
            w2_sentence(evaluation)},
       {"file", "final.csv"},
       {"columns",
        {column("variant", "training", "s"), column("report_F", "F in the report", "s"), column("F", "F(u)", ".4g", "F_low", "F_high"),
         column("floor_F", "floor of F", ".3g"), column("F0", "F(u₀)", ".4g"), column("ratio", "F(u)/F(u₀)", ".2g"), column("W2", "W₂²", ".4g"),
         column("floor_W2", "floor of W₂²", ".4g"), column("u_norm", "‖u‖", ".3g"), column("on_sphere", "steps on the sphere", ".0%")}}}};
  summary["figures"] = {image_figure(results, context), objective_figure(results, {{"FashionMNIST", floor.f.mean}}),
                        trajectory_figure(results, "loss", "Minibatch loss", "Mean of f over the steps between two recorded rows.", "loss", "f", true),
                        trajectory_figure(results, "norm", "‖u‖", "The norm of the whole parameter vector.", "u_norm", "‖u‖", false)};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment fashion_mnist(std::string quick, std::string full) {
  Experiment out{"fashion-mnist", "FashionMNIST with SGD and NPSGD (report 000, Table 3, Figures 3-4)", std::move(quick), std::move(full), run_fashion_mnist};
  out.for_cuda = true;
  return out;
}

}  // namespace slicecheck
