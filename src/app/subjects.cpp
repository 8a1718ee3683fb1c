#include "commands.h"
#include "slicecheck/core/error.h"
#include "slicecheck/torch/torch_loss.h"

namespace slicecheck::app {

std::vector<LossSubject> all_loss_subjects() {
  auto subjects = core_loss_subjects();
  subjects.push_back(
      make_loss_subject<double>("torch", "LibTorch's autograd through sort, in double", [](double p) { return std::make_unique<TorchLoss<double>>(p); }));
  subjects.push_back(
      make_loss_subject<float>("torch-float", "LibTorch's autograd through sort, in float", [](double p) { return std::make_unique<TorchLoss<float>>(p); }));
  return subjects;
}

std::uint64_t cases_of_profile(const std::string& profile) {
  if (profile == "quick") return 500;
  if (profile == "full") return 5000;
  reject("unknown profile '{}'; expected quick or full", profile);
}

std::filesystem::path script(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {program.parent_path().parent_path() / "share" / "slicecheck" / "scripts", fs::path(SLICECHECK_SCRIPTS_DIR)})
    if (fs::exists(folder / name)) return folder / name;
  reject("{} is neither beside the installed program nor in {}", name, SLICECHECK_SCRIPTS_DIR);
}

}  // namespace slicecheck::app
