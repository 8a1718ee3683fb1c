#include "slicecheck/torch/script_examples.h"

#include <torch/script.h>

#include <sstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

namespace slicecheck {

namespace {

constexpr const char* kRight = R"(
def forward(self, X, Y, directions):
    projected_x = torch.matmul(X, torch.t(directions))
    projected_y = torch.matmul(Y, torch.t(directions))
    sorted_x, order_x = torch.sort(projected_x, 0)
    sorted_y, order_y = torch.sort(projected_y, 0)
    gaps = (sorted_x - sorted_y).double()
    return torch.mean(gaps * gaps)
)";

constexpr const char* kUnsortedTarget = R"(
def forward(self, X, Y, directions):
    projected_x = torch.matmul(X, torch.t(directions))
    projected_y = torch.matmul(Y, torch.t(directions))
    sorted_x, order_x = torch.sort(projected_x, 0)
    gaps = (sorted_x - projected_y).double()
    return torch.mean(gaps * gaps)
)";

constexpr const char* kRoot = R"(
def forward(self, X, Y, directions):
    projected_x = torch.matmul(X, torch.t(directions))
    projected_y = torch.matmul(Y, torch.t(directions))
    sorted_x, order_x = torch.sort(projected_x, 0)
    sorted_y, order_y = torch.sort(projected_y, 0)
    gaps = (sorted_x - sorted_y).double()
    distance = torch.sqrt(torch.mean(gaps * gaps))
    return distance * distance
)";

struct Example {
  const char* file;
  const char* methods;
};

constexpr Example kExamples[] = {
    {"sliced-wasserstein.pt", kRight}, {"sliced-wasserstein-unsorted-target.pt", kUnsortedTarget}, {"sliced-wasserstein-root.pt", kRoot}};

}  // namespace

std::vector<std::filesystem::path> write_script_examples(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& [name, methods] : kExamples) {
    files.push_back(folder / name);
    write_script_module(files.back(), methods);
  }
  return files;
}

void write_script_module(const std::filesystem::path& file, const std::string& methods) {
  std::ostringstream archive;
  try {
    torch::jit::Module module("__torch__.Loss");
    module.define(methods);
    module.save(archive);
  } catch (const std::exception& error) {
    throw Error(fmt::format("cannot compile the TorchScript module for {}: {}", file.string(), error.what()));
  }
  write_atomically(file, archive.str());
}

}  // namespace slicecheck
