/// slicecheck regime.

#include <iostream>

#include "commands.h"
#include "console.h"
#include "regime_summary.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/diagnosis/regime_judgement.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/torch/torch_info.h"
#include "training_file.h"

namespace slicecheck::app {

namespace {

constexpr double kConfidence = 0.95;

struct RegimeOptions : TrainingOptions {
  std::string file;
  bool resume = false;
  bool defaults = false;
};

/// What the theorems say nothing about is not rerun: a limit of small steps of something else would answer another question.
void refuse_other_practices(const TrainingPractice& p, const std::string& file) {
  const auto refuse = [&](const std::string& what, const std::string& instead) {
    reject("{}: regime reruns SGD and NPSGD as the theorems have them, and {}; {}. `slicecheck audit` says what it does against the theory", file, what,
           instead);
  };
  if (p.scheme == "adam") refuse("training.scheme is adam", "ask for sgd or npsgd");
  if (p.momentum > 0.0) refuse(fmt::format("training.momentum is {}", p.momentum), "set it to 0");
  if (p.schedule != "constant") refuse(fmt::format("training.schedule is {}", p.schedule), "set constant");
  if (p.projection == "tensors") refuse("training.projection is tensors", "set whole");
  if (p.projection == "whole" && p.scheme == "sgd" && p.noise > 0.0) refuse("noise comes with the scheme npsgd", "set scheme = \"npsgd\"");
  if (!p.fresh_directions) refuse("training.fresh_directions is false", "set it to true");
  if (p.sampling == "shuffled") refuse("training.sampling is shuffled", "set fresh or cycling");
  if (p.noise > 0.0 && p.noise_scale != "alpha") refuse(fmt::format("training.noise_scale is {}", p.noise_scale), "set alpha");
}

RegimeSettings regime_settings(const TrainingFile& file) {
  const Settings& s = file.settings;
  const TrainingPractice& p = file.training.practice;
  RegimeSettings out;
  out.step_size = p.step_size;
  out.steps = p.steps;
  out.batch = p.batch;
  out.directions = p.directions;
  out.cycling_pairs = p.sampling == "cycling" ? p.pairs : 0;
  out.radius = p.radius;
  out.noise = p.noise;
  out.levels = s.integer("regime.levels");
  out.replicates = s.integer("regime.replicates");
  out.looks = std::min<Index>(s.integer_at_least("regime.looks", 1), static_cast<Index>(p.steps));
  out.residual_batches = s.integer_at_least("regime.residual_batches", 2);
  out.objective_batches = s.integer_at_least("regime.objective_batches", 2);
  out.objective_directions = s.integer_at_least("regime.objective_directions", 1);
  out.seed = file.training.seed;
  return out;
}

template <class S>
RegimeMeasurements measure(const TrainingFile& file, const RegimeSettings& settings, const RegimeFiles& files) {
  const TrainingDescription& t = file.training;
  RegimeProblem<S> problem;
  if constexpr (std::is_same_v<S, float>)
    problem.generator = t.generator_single;
  else
    problem.generator = t.generator;
  problem.loss = std::make_shared<CpuLoss<S>>(2.0);
  problem.source = t.source;
  problem.target = t.target;
  problem.u0 = start_of(t);
  problem.network = std::dynamic_pointer_cast<const DenseMlp<double>>(t.generator);
  ConsoleProgress progress;
  return measure_regime<S>(problem, settings, files, progress);
}

void print(const RegimeMeasurements& measured, const RegimeJudgement& judgement) {
  std::cout << judgement.answer << "\n" << judgement.advice << "\n\n";
  if (judgement.statistics) std::cout << aligned(regime_table(measured, *judgement.statistics)) << "\n";
  for (const std::string& reason : judgement.reasons) std::cout << "* " << reason << "\n";
  std::cout << "\n" << kNecessaryNotSufficient << "\n";
}

void run_regime(const RegimeOptions& options, Program& program) {
  if (options.defaults) {
    std::cout << default_training();
    return;
  }
  if (options.file.empty()) reject("regime: no training file; `slicecheck regime --defaults` prints one to start from");
  use_one_torch_thread();
  if (options.threads > 0) set_thread_count(options.threads);
  const TrainingFile file = read_training_file(options.file, options);
  refuse_other_practices(file.training.practice, options.file);
  const RegimeSettings settings = regime_settings(file);
  const double tolerance = file.settings.number("regime.tolerance");
  if (!(tolerance > 0.0 && tolerance < 1.0)) reject("{}: regime.tolerance is {}; expected a number in (0, 1)", options.file, tolerance);
  RegimeFiles files;
  std::filesystem::path folder;
  std::unique_ptr<FolderLock> lock;
  Manifest manifest(program.command, "user", settings.seed, thread_count());
  manifest.add_library("LibTorch", torch_version());
  manifest.set_settings(file.settings.json());
  if (!options.out.empty()) {
    folder = std::filesystem::path(options.out) / "regime" / file.training.name;
    lock = hold_folder(folder, "slicecheck regime");
    files.checkpoint = folder / "checkpoint";
    files.resume = options.resume;
    files.seconds = file.settings.number("regime.checkpoint_seconds");
    files.fingerprint = fmt::format("{}\n{}", build::fingerprint(), file.settings.json().dump());
    if (!options.resume) std::filesystem::remove(files.checkpoint);
    manifest.write(folder / "manifest.json", false);
  } else if (options.resume) {
    reject("regime --resume continues in the folder of --out, and none is given");
  }
  const RegimeMeasurements measured = file.training.single ? measure<float>(file, settings, files) : measure<double>(file, settings, files);
  const RegimeJudgement judgement = judge_regime(measured, tolerance, kConfidence);
  if (!folder.empty()) {
    write_regime(file, measured, judgement, tolerance, folder);
    manifest.write(folder / "manifest.json", true);
    std::filesystem::remove(files.checkpoint);
  }
  if (options.json)
    std::cout << regime_json(file, measured, judgement).dump(2) << "\n";
  else
    print(measured, judgement);
  if (!folder.empty() && !options.json) std::cout << fmt::format("\n{}; pages: slicecheck report {}\n", (folder / "summary.json").string(), options.out);
  if (judgement.regime == Regime::undecided)
    program.exit_code = kInconclusive;
  else if (judgement.regime != Regime::flow)
    program.exit_code = kRefuted;
}

}  // namespace

void add_regime_command(CLI::App& parser, Program& program) {
  auto options = std::make_shared<RegimeOptions>();
  CLI::App* command = parser.add_subcommand(
      "regime",
      "A verdict on your own training: rerun at α, α/2, α/4: in the flow regime, noise-dominated, step too large, or stuck on the ball? Exit code: 0 "
      "in the flow regime, 4 undecided, 1 otherwise");
  command->add_option("TRAINING", options->file, "Training file (TOML): generator, data, step size, …; docs/trainings.md");
  add_training_options(*command, *options, "regime/NAME", "The verdict");
  command->add_flag("--resume", options->resume, "Continue from the checkpoint in OUT, to the same bits");
  command->add_flag("--defaults", options->defaults, "Print a training file with every key, its default and its meaning");
  command->callback([options, &program] { run_regime(*options, program); });
}

}  // namespace slicecheck::app
