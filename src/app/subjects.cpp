#include <iostream>

#include "commands.h"
#include "console.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/installed.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/torch/script_examples.h"
#include "slicecheck/torch/script_generator_examples.h"
#include "slicecheck/torch/torch_loss.h"

namespace slicecheck::app {

std::vector<LossSubject> all_loss_subjects() {
  auto subjects = core_loss_subjects();
  subjects.push_back(
      make_loss_subject<double>("torch", "LibTorch's autograd through sort, in double", [](double p) { return std::make_unique<TorchLoss<double>>(p); }));
  subjects.push_back(
      make_loss_subject<float>("torch-float", "LibTorch's autograd through sort, in float", [](double p) { return std::make_unique<TorchLoss<float>>(p); }));
  if (cuda::built_with_cuda()) {
    subjects.push_back(make_loss_subject<float>(std::string(kCudaSubject), "our kernels on a CUDA device, in float", make_cuda_loss));
    subjects.back().squares_only = true;
  }
  return subjects;
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> all;
  const auto add = [&](auto subjects) {
    for (auto& subject : subjects) all.emplace_back(std::move(subject));
  };
  add(all_loss_subjects());
  add(generator_subjects());
  add(scheme_subjects());
  add(sampler_subjects());
  add(training_subjects());
  add(law_subjects());
  add(criticality_subjects());
  add(flow_subjects());
  add(max_sliced_subjects());
  add(two_player_subjects());
  add(coverage_subjects());
  add(transport_subjects());
  add(transport_bounds_subjects());
  return all;
}

std::vector<const Claim*> pointers_to_claims() {
  std::vector<const Claim*> all;
  for (const Claim& claim : claims()) all.push_back(&claim);
  return all;
}

void add_subjects_command(CLI::App& parser, Program&) {
  CLI::App* command =
      parser.add_subcommand("subjects",
                            "List what can be judged: losses, generators, schemes, samplers, trainings, laws, measures of criticality, solvers "
                            "of the flow, searches for max-SW, two-player trainings, measures of mode coverage, regularised transport and the bounds of its "
                            "theorems, and the planted defects");
  command->callback([] {
    std::vector<std::vector<std::string>> rows{{"type", "subject", "description"}};
    const auto add = [&](const Subject& subject) {
      rows.push_back({type_of(subject), name_of(subject), std::visit([](const auto& one) { return one.description; }, subject)});
    };
    for (const Subject& subject : all_subjects()) add(subject);
    rows.push_back({"loss", "torchscript:FILE.pt", "a TorchScript module forward(X, Y, directions) -> loss (docs/conformance.md)"});
    for (const PlantedDefect& defect : gallery()) rows.push_back({type_of(defect.subject), name_of(defect.subject), defect.title});
    std::cout << aligned(rows);
  });
}

void add_examples_command(CLI::App& parser, Program&) {
  auto out = std::make_shared<std::string>("examples");
  CLI::App* command = parser.add_subcommand(
      "examples",
      "Write example TorchScript files: losses, a right one and two with a defect, for `verify --subject torchscript:FILE`; generators, a right one and three "
      "others, for `audit`");
  command->add_option("--out", *out, "Folder for the files")->capture_default_str();
  command->callback([out] {
    for (const auto& file : write_script_examples(*out)) std::cout << file.string() << "\n";
    for (const auto& file : write_script_generator_examples(*out)) std::cout << file.string() << "\n";
  });
}

std::uint64_t cases_of_profile(const std::string& profile) {
  if (profile == "quick") return 500;
  if (profile == "full") return 5000;
  reject("unknown profile '{}'; expected quick or full", profile);
}

std::unique_ptr<FolderLock> hold_folder(const std::filesystem::path& folder, const std::string& what) {
  auto lock = std::make_unique<FolderLock>(folder, what);
  if (!lock->warning().empty()) std::cerr << fmt::format("slicecheck: warning: {}\n", lock->warning());
  remove_leftovers(folder);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))  // checkpoints, plots, …
    if (entry.is_directory(error)) remove_leftovers(entry.path());
  return lock;
}

std::filesystem::path script(const std::string& name) {
  namespace fs = std::filesystem;
  for (const fs::path& folder : {installed_files() / "scripts", fs::path(SLICECHECK_SCRIPTS_DIR)})
    if (fs::exists(folder / name)) return folder / name;
  reject("{} is neither beside the installed program nor in {}", name, SLICECHECK_SCRIPTS_DIR);
}

}  // namespace slicecheck::app
