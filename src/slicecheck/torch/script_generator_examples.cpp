#include "slicecheck/torch/script_generator_examples.h"

#include <torch/script.h>

#include <cmath>
#include <sstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/random.h"

namespace slicecheck {

namespace {

constexpr const char* kLayer = "def forward(self, x):\n    return torch.matmul(x, torch.t(self.weight)) + self.bias\n";

struct Example {
  const char* file;
  const char* methods;
};

constexpr Example kExamples[] = {
    {"generator-mlp.pt", "def forward(self, x):\n    return self.out.forward(torch.relu(self.hidden.forward(x)))\n"},
    {"generator-batch-norm.pt",
     "def forward(self, x):\n    return self.out.forward(torch.relu(torch.batch_norm(self.hidden.forward(x), None, None, None, None, True, 0.1, 1e-5, "
     "False)))\n"},
    {"generator-detached.pt", "def forward(self, x):\n    return self.out.forward(torch.relu(self.hidden.forward(x)).detach())\n"},
    {"generator-tanh.pt", "def forward(self, x):\n    return torch.tanh(self.out.forward(torch.relu(self.hidden.forward(x))))\n"},
};

/// Entries N(0, spread²).
torch::Tensor drawn(std::vector<std::int64_t> shape, double spread, std::uint32_t number) {
  torch::Tensor out = torch::empty(shape, torch::kDouble);
  Eigen::VectorXd entries(out.numel());
  RandomStream(1, Purpose::initial, number, 0).fill_normal(entries);
  entries *= spread;
  std::copy(entries.data(), entries.data() + entries.size(), out.data_ptr<double>());
  return out.set_requires_grad(true);
}

torch::jit::Module layer(std::int64_t in, std::int64_t out, std::uint32_t number) {
  torch::jit::Module module("__torch__.Linear");
  module.register_parameter("weight", drawn({out, in}, std::sqrt(2.0 / static_cast<double>(in)), 2 * number), false);
  module.register_parameter("bias", drawn({out}, 0.1, 2 * number + 1), false);
  module.define(kLayer);
  return module;
}

}  // namespace

std::vector<std::filesystem::path> write_script_generator_examples(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& [name, methods] : kExamples) {
    std::ostringstream archive;
    try {
      torch::jit::Module module("__torch__.Generator");
      module.register_module("hidden", layer(2, 16, 0));
      module.register_module("out", layer(16, 2, 1));
      module.define(methods);
      module.save(archive);
    } catch (const std::exception& error) {
      throw Error(fmt::format("cannot compile the TorchScript module {}: {}", name, error.what()));
    }
    files.push_back(folder / name);
    write_atomically(files.back(), archive.str());
  }
  return files;
}

}  // namespace slicecheck
