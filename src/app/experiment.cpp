/// slicecheck experiment list | run.

#include "experiment.h"

#include <cstdlib>
#include <iostream>
#include <optional>

#include "commands.h"
#include "console.h"
#include "device.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck::app {

namespace {

struct RunOptions {
  std::vector<std::string> names;
  std::string profile = "quick";
  std::string config;
  std::vector<std::string> assignments;
  std::uint64_t seed = 1;
  int threads = 0;
  std::string out = "reports/run";
  std::string data;
  std::string device = "cpu";
  bool resume = false;
};

std::filesystem::path data_folder(const RunOptions& options) {
  if (!options.data.empty()) return options.data;
  if (const char* folder = std::getenv("SLICECHECK_DATA")) return folder;
  return "data";
}

/// A run that is refused leaves its folder as it was: tables are written at the end, so the manifest of an older run is put back; where there was no folder,
/// and nothing but the manifest came into it, that goes again, and the lock removes the folder. A run that begins anew sets older checkpoints aside: a later
/// --resume must not meet those of other settings where this run was killed before it came to them.
class RefusedRun {
 public:
  RefusedRun(const std::filesystem::path& folder, bool folder_is_new, bool resume) : folder_(folder), folder_is_new_(folder_is_new) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / "manifest.json")) older_manifest_ = read_file(folder / "manifest.json");
    if (resume || !std::filesystem::exists(folder / "checkpoints")) return;
    std::filesystem::remove_all(older_checkpoints(), ignored);
    std::filesystem::rename(folder / "checkpoints", older_checkpoints(), ignored);
    if (ignored) reject("cannot rename {}: {}", (folder / "checkpoints").string(), ignored.message());
  }
  RefusedRun(const RefusedRun&) = delete;
  RefusedRun& operator=(const RefusedRun&) = delete;
  ~RefusedRun() {
    if (kept_) return;
    try {
      if (older_manifest_) write_atomically(folder_ / "manifest.json", *older_manifest_);
    } catch (const std::exception&) {  // the sentence that refused the run is on its way
    }
    std::error_code ignored;
    if (std::filesystem::exists(folder_ / "checkpoints", ignored))
      std::filesystem::remove_all(older_checkpoints(), ignored);  // what failed had begun: its own are worth more
    else
      std::filesystem::rename(older_checkpoints(), folder_ / "checkpoints", ignored);
    if (older_manifest_ || !folder_is_new_) return;
    const auto files = std::distance(std::filesystem::directory_iterator(folder_, ignored), std::filesystem::directory_iterator());
    if (files == 2) std::filesystem::remove(folder_ / "manifest.json", ignored);  // and the lock
  }
  void keep() {
    kept_ = true;
    std::error_code ignored;
    std::filesystem::remove_all(older_checkpoints(), ignored);
  }

 private:
  [[nodiscard]] std::filesystem::path older_checkpoints() const { return folder_ / "checkpoints.old"; }

  std::filesystem::path folder_;
  bool folder_is_new_;
  std::optional<std::string> older_manifest_;
  bool kept_ = false;
};

/// --threads; or OMP_NUM_THREADS; or, where several ranks share a machine, an even share of its cores.
void choose_threads(const RunOptions& options, const ProgramRanks& ranks) {
  if (options.threads > 0)
    set_thread_count(options.threads);
  else if (std::getenv("OMP_NUM_THREADS") == nullptr)
    set_thread_count(ranks.threads());
}

/// Prints the verdicts of an experiment that judges, and makes the exit code what `verify` would return for them: 1 where one contradicts its declaration, 4
/// where one is inconclusive.
void report_verdicts(const std::filesystem::path& summary_file, Program& program) {
  const Json summary = Json::parse(read_file(summary_file));
  if (!summary.contains("verdicts")) return;
  std::vector<std::vector<std::string>> rows{{"claim", "of", "outcome"}};
  for (const Json& verdict : summary.at("verdicts")) {
    const std::string outcome = verdict.at("outcome");
    const std::string expected = verdict.at("expected");
    if (outcome == "inconclusive" && program.exit_code == kHolds) program.exit_code = kInconclusive;
    if (outcome != "inconclusive" && outcome != expected) program.exit_code = kRefuted;
    const std::string remark = outcome == expected ? (expected == "refuted" ? ", as it should be" : "")
                                                   : fmt::format(", where it should {}", expected == "holds" ? "hold" : "be refuted");
    rows.push_back({verdict.at("claim"), verdict.at("what"), outcome + remark});
  }
  std::cout << aligned(rows);
}

/// Names of the experiments whose trainings a CUDA device can help.
std::string experiments_for_cuda() {
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments())
    if (experiment.for_cuda) names.push_back(experiment.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Why an experiment is for the processor alone; empty where it is not.
std::string processor_only(const Experiment& experiment) {
  if (experiment.for_cuda) return {};
  return fmt::format("{} computes all its losses on the processor; those whose trainings can use a CUDA device are {}", experiment.name,
                     experiments_for_cuda());
}

/// Runs one experiment on the ranks it is given, and writes its manifest from rank 0.
void run_experiment(const Experiment& experiment, const Settings& settings, const RunOptions& options, cuda::Where device, Program& program, Ranks& ranks) {
  const std::filesystem::path folder = std::filesystem::path(options.out) / "experiments" / experiment.name;
  if (ranks.rank() != 0) {
    SilentProgress progress;
    experiment.run({settings, options.profile, options.seed, folder, data_folder(options), options.resume, progress, ranks, false, device});
    return;
  }
  const auto lock = hold_folder(folder, fmt::format("slicecheck experiment run {}", experiment.name));
  RefusedRun refused(folder, lock->made_folder(), options.resume);
  Manifest manifest(program.command, options.profile, options.seed, thread_count());
  manifest.set_ranks(ranks.size());
  manifest.set_device(device_field(device));
  manifest.add_library("LibTorch", torch_version());
  if (!mpi_version().empty()) manifest.add_library("MPI", mpi_version());
  manifest.set_settings(settings.json());
  manifest.write(folder / "manifest.json", false);
  {
    ConsoleProgress progress;
    experiment.run({settings, options.profile, options.seed, folder, data_folder(options), options.resume, progress, ranks, true, device});
  }
  refused.keep();
  manifest.write(folder / "manifest.json", true);
  report_verdicts(folder / "summary.json", program);
  std::cout << fmt::format("{}: {}\n", experiment.name, (folder / "summary.json").string());
}

void run_experiments(const RunOptions& options, Program& program) {
  use_one_torch_thread();
  choose_threads(options, program.ranks);
  // Names and kinds of all settings are judged before the first step is taken; their values, and the data, when their experiment begins.
  struct Chosen {
    const Experiment* experiment;
    Settings settings;
    cuda::Where device;
  };
  std::vector<Chosen> chosen;
  for (const std::string& name : options.names) {
    const Experiment& experiment = experiment_by_name(name);
    Settings settings = preset(experiment, options.profile);
    if (!options.config.empty()) settings.override_from_file(options.config);
    for (const std::string& assignment : options.assignments) settings.override_from_text(assignment);
    const cuda::Choice device = chosen_device(options.device, processor_only(experiment));
    if (program.ranks.rank() == 0) tell_choice(options.device, device);
    chosen.push_back({&experiment, std::move(settings), device.where});
  }
  SingleRank alone;
  for (const auto& [experiment, settings, device] : chosen) {
    if (experiment->distributed)
      run_experiment(*experiment, settings, options, device, program, program.ranks);
    else if (program.ranks.rank() == 0)
      run_experiment(*experiment, settings, options, device, program, alone);
  }
}

void list_experiments() {
  std::vector<std::vector<std::string>> rows{{"experiment", "what"}};
  for (const Experiment& experiment : experiments()) rows.push_back({experiment.name, experiment.title});
  std::cout << aligned(rows) << "\nSettings of an experiment: slicecheck experiment show NAME [--profile quick|full]\n";
}

}  // namespace

void add_experiment_command(CLI::App& parser, Program& program) {
  CLI::App* command = parser.add_subcommand("experiment", "Trainings whose outcome is shown, not judged");
  command->require_subcommand(1);
  command->add_subcommand("list", "The experiments")->callback(list_experiments);

  auto shown = std::make_shared<RunOptions>();
  CLI::App* show = command->add_subcommand("show", "The settings of an experiment, as TOML");
  show->add_option("name", shown->names, "The experiment")->required()->expected(1);
  show->add_option("--profile", shown->profile, "quick or full")->capture_default_str();
  show->callback([shown] {
    const Experiment& experiment = experiment_by_name(shown->names.front());
    preset(experiment, shown->profile);  // an unknown profile is refused
    std::cout << (shown->profile == "quick" ? experiment.quick : experiment.full);
  });

  auto options = std::make_shared<RunOptions>();
  CLI::App* run = command->add_subcommand("run", "Run experiments");
  run->add_option("names", options->names, "Names of experiments")->required();
  run->add_option("--profile", options->profile, "quick or full")->capture_default_str();
  run->add_option("--config", options->config, "TOML file that overrides settings of the preset");
  run->add_option("--set", options->assignments, "key=value overrides a setting; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  run->add_option("--seed", options->seed, "Seed of every random number")->capture_default_str();
  run->add_option("--threads", options->threads, "Threads of each rank; the results do not depend on it")->check(at_least_one());
  run->add_option("--out", options->out, "Run folder; files go to OUT/experiments/NAME")->capture_default_str();
  run->add_option("--data", options->data, "Folder of the data sets (default: SLICECHECK_DATA, or data)");
  add_device_option(*run, options->device,
                    fmt::format("the losses of the trainings of {}; their generators and their estimates of F stay on the processor, and the other experiments "
                                "run there altogether",
                                experiments_for_cuda()));
  run->add_flag("--resume", options->resume, "Continue from checkpoints, to the same bits");
  run->callback([options, &program] { run_experiments(*options, program); });
}

}  // namespace slicecheck::app
