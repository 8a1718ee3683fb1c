/// slicecheck audit.

#include "slicecheck/diagnosis/audit.h"

#include <iostream>

#include "audit_summary.h"
#include "commands.h"
#include "console.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/torch/torch_info.h"
#include "training_file.h"

namespace slicecheck::app {

namespace {

struct AuditCommandOptions : TrainingOptions {
  std::string file;
};

AuditOptions audit_options(const TrainingFile& file) {
  const Settings& s = file.settings;
  AuditOptions out;
  out.radius = s.number("audit.radius");
  out.points = s.integer_at_least("audit.points", 2);
  out.rays = s.integer_at_least("audit.rays", 2);
  out.vicinity = s.number("audit.vicinity");
  out.batches = s.integer_at_least("audit.batches", 2);
  out.seed = file.training.seed;
  return out;
}

void run_audit(const AuditCommandOptions& options, Program& program) {
  use_one_torch_thread();
  if (options.threads > 0) set_thread_count(options.threads);
  const TrainingFile file = read_training_file(options.file, options);
  const AuditOptions settings = audit_options(file);
  Manifest manifest(program.command, "user", settings.seed, thread_count());
  manifest.add_library("LibTorch", torch_version());
  manifest.set_settings(file.settings.json());
  std::filesystem::path folder;
  std::unique_ptr<FolderLock> lock;
  if (!options.out.empty()) {
    folder = std::filesystem::path(options.out) / "audit" / file.training.name;
    lock = hold_folder(folder, "slicecheck audit");
    manifest.write(folder / "manifest.json", false);
  }
  ConsoleProgress progress;
  const Audit found = audit(file.training, settings, progress);
  progress.clear();
  if (!folder.empty()) {
    write_audit(file, found, folder);
    manifest.write(folder / "manifest.json", true);
  }
  if (options.json)
    std::cout << audit_json(file, found).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  else
    std::cout << audit_text(found);
  if (!folder.empty() && !options.json) std::cout << fmt::format("\n{}; pages: slicecheck report {}\n", (folder / "summary.json").string(), options.out);
  const Standing worst = found.worst();
  if (worst == Standing::fails) program.exit_code = kRefuted;
  if (worst == Standing::undecided) program.exit_code = kInconclusive;
}

}  // namespace

void add_audit_command(CLI::App& parser, Program& program) {
  auto options = std::make_shared<AuditCommandOptions>();
  CLI::App* command = parser.add_subcommand("audit",
                                            "The assumptions A1–A7 of the theorems for your own generator and data, one by one, with evidence; constants; what "
                                            "your training does against the theory");
  command->add_option("TRAINING", options->file, "Training file (TOML): generator, data, step size, …; docs/trainings.md, docs/audit.md")->required();
  add_training_options(*command, *options, "audit/NAME", "Everything that was found");
  command->footer("Exit code: 0 all of A1–A7 hold, on B(0, R) at least; 1 one fails; 2 bad input; 3 internal error; 4 none fails and one is not decided.");
  command->callback([options, &program] { run_audit(*options, program); });
}

}  // namespace slicecheck::app
