#include "version.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "slicecheck/core/build_info.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/loss/cpu/kernels.h"
#include "slicecheck/mpi/mpi_ranks.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck::app {

std::string version_text() {
  const bool with_cuda = cuda::built_with_cuda();
  std::string text =
      fmt::format("slicecheck {} ({}, {}, {}, CUDA {})", build::version(), build::type(), build::compiler(), build::flags(), with_cuda ? "on" : "off");
  std::vector<std::pair<std::string, std::string>> parts{
      {"revision", source_revision()},
      {"sources", std::string(build::fingerprint())},
      {"instruction set", fmt::format("{}, chosen when it runs, of {}", cpu::target(), fmt::join(cpu::targets(), ", "))}};
  auto libraries = core_library_versions();
  libraries["CUDA toolkit"] = with_cuda ? SLICECHECK_CUDA_TOOLKIT : "none";
  libraries["LibTorch"] = torch_version();
  libraries["MPI"] = mpi_version().empty() ? "none" : mpi_version();
  parts.insert(parts.end(), libraries.begin(), libraries.end());
  std::size_t width = 0;
  for (const auto& [name, version] : parts) width = std::max(width, name.size());
  for (const auto& [name, version] : parts) text += fmt::format("\n  {:<{}}  {}", name, width, version);
  return text;
}

}  // namespace slicecheck::app
