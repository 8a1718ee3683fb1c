/// run_on_ptx [--seed S] [--seeds K] [--counts] KIND NAME=VALUE… [-- KIND NAME=VALUE…]…
///
/// Runs the shipped host code on the PTX machine and says on the last line of standard output how it ended:
///
///     passed
///     fault race: what the machine says          a check of the PTX machine
///     wrong gradient …                           loops on the processor disagree
///     differs w …                                the same run under K orders of the warps (--seeds) does not give the same bits
///     error CUDA, …                              the CUDA runtime refused
///
/// With --counts it prints instead a JSON array, one entry a run: what each kernel was launched with and what the machine counted.
/// SLICECHECK_KERNELS names a PTX file whose kernels replace the shipped ones.

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cuda/broken/runs.h"
#include "cuda/fake_runtime/cuda_runtime_on_ptx.h"
#include "slicecheck/cuda/error.h"

namespace {

using slicecheck::shipped::Run;

struct Words {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  bool counts = false;
  std::vector<Run> runs;
};

Words read(const std::vector<std::string>& given) {
  Words out;
  std::vector<std::string> run;
  const auto finish = [&] {
    out.runs.push_back(slicecheck::shipped::run_of(run));
    run.clear();
  };
  for (std::size_t i = 0; i < given.size(); ++i) {
    const bool has_value = i + 1 < given.size();
    if (given[i] == "--seed" && has_value) {
      out.seed = std::stoull(given[++i]);
    } else if (given[i] == "--seeds" && has_value) {
      out.seeds = std::stoull(given[++i]);
    } else if (given[i] == "--counts") {
      out.counts = true;
    } else if (given[i] == "--") {
      finish();
    } else {
      run.push_back(given[i]);
    }
  }
  finish();
  return out;
}

nlohmann::json counts_of(const Run& run) {
  nlohmann::json kernels;
  for (const cuda_on_ptx::LaunchRecord& launch : cuda_on_ptx::launches()) {
    nlohmann::json& kernel = kernels[launch.kernel];
    kernel["threads"] = launch.block.count();
    kernel["dynamic_shared"] = launch.shared_bytes;
  }
  for (const auto& [name, c] : cuda_on_ptx::counters()) {
    kernels[name].update({{"launches", c.launches},
                          {"blocks", c.blocks},
                          {"instructions", c.instructions},
                          {"warp_instructions", c.warp_instructions},
                          {"barriers", c.barriers},
                          {"warp_operations", c.warp_operations},
                          {"shared_requests", c.shared_requests},
                          {"shared_wavefronts", c.shared_wavefronts},
                          {"shared_ideal_wavefronts", c.shared_ideal_wavefronts},
                          {"global_requests", c.global_requests},
                          {"global_sectors", c.global_sectors},
                          {"global_bytes", c.global_bytes},
                          {"local_requests", c.local_requests},
                          {"atomics", c.atomics}});
  }
  std::string words = run.kind;
  for (const auto& [name, value] : run.values) words += " " + name + "=" + value;
  return {{"run", words}, {"kernels", kernels}};
}

/// The last line of a run.
std::string ending(const Run& run, const Words& words) {
  try {
    cuda_on_ptx::set_seed(words.seed);
    if (const std::string wrong = wrong_with(run); !wrong.empty()) return "wrong " + wrong;
    if (words.seeds <= 1) return "passed";
    const auto first = bits_of(run);
    for (std::uint64_t seed = words.seed + 1; seed < words.seed + words.seeds; ++seed) {
      cuda_on_ptx::set_seed(seed);
      for (const auto& [name, bits] : bits_of(run))
        if (bits != first.at(name)) return "differs " + name + " between the orders of seeds " + std::to_string(words.seed) + " and " + std::to_string(seed);
    }
    return "passed";
  } catch (const cuda_on_ptx::KernelFault& fault) {
    return "fault " + std::string(ptx::name_of(fault.check)) + ": " + fault.what();
  } catch (const slicecheck::cuda::CudaError& error) {
    return std::string("error ") + error.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Words words = read({argv + 1, argv + argc});
    nlohmann::json all = nlohmann::json::array();
    for (const Run& run : words.runs) {
      cuda_on_ptx::options().count_requests = words.counts;
      cuda_on_ptx::reset_counters();
      cuda_on_ptx::forget_launches();
      const std::string end = ending(run, words);
      if (!words.counts) std::cout << end << std::endl;
      if (words.counts && end != "passed") {
        std::cerr << end << std::endl;
        return 1;
      }
      all.push_back(counts_of(run));
    }
    if (words.counts) std::cout << all.dump(1) << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "run_on_ptx: " << error.what() << std::endl;
    return 2;
  }
}
