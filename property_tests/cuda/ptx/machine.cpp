#include "cuda/ptx/machine.h"

#include <fmt/format.h>

#include <cstring>
#include <numeric>

#include "cuda/ptx/block.h"
#include "cuda/ptx/decode.h"

namespace ptx {
namespace {

std::vector<std::byte> parameter_block(const Kernel& kernel, const std::vector<std::vector<std::byte>>& arguments) {
  if (arguments.size() != kernel.parameters.size()) {
    throw Fault(Check::launch, fmt::format("kernel {} has {} parameters, not {}", kernel.name, kernel.parameters.size(), arguments.size()));
  }
  std::vector<std::byte> block(kernel.parameter_bytes);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Parameter& parameter = kernel.parameters[i];
    if (arguments[i].size() != parameter.bytes) {
      throw Fault(Check::launch, fmt::format("argument {} of kernel {} has {} bytes, not {}", i, kernel.name, arguments[i].size(), parameter.bytes));
    }
    std::copy(arguments[i].begin(), arguments[i].end(), block.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
  }
  return block;
}

/// All blocks of a grid, in random order.
std::vector<Dimensions> blocks_of(Dimensions grid, OrderStream& order) {
  std::vector<Dimensions> blocks;
  blocks.reserve(grid.count());
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blocks.push_back({x, y, z});
      }
    }
  }
  order.shuffle(blocks);
  return blocks;
}

}  // namespace

Machine::Machine(std::string_view text) : Machine(text, std::make_shared<DeviceMemory>()) {}

Machine::Machine(std::string_view text, std::shared_ptr<DeviceMemory> memory) : text_(split_module(text)), memory_(std::move(memory)) {
  for (const auto& [name, variable] : text_.variables) {
    variables_.push_back({reinterpret_cast<std::uint64_t>(variable.contents.get()), variable.declaration.bytes});
  }
}

std::vector<std::string> Machine::kernels() const {
  std::vector<std::string> names;
  for (const auto& [name, kernel] : text_.kernels) {
    names.push_back(name);
  }
  return names;
}

const std::string& Machine::kernel(std::string_view part) const {
  if (const auto exact = text_.kernels.find(part); exact != text_.kernels.end()) {
    return exact->first;
  }
  const std::string* found = nullptr;
  for (const auto& [name, kernel] : text_.kernels) {
    if (name.find(part) != std::string::npos) {
      if (found != nullptr) {
        throw Fault(Check::launch, fmt::format("the kernels {} and {} both match '{}'", *found, name, part));
      }
      found = &name;
    }
  }
  if (found == nullptr) {
    throw Fault(Check::launch, fmt::format("no kernel matches '{}'", part));
  }
  return *found;
}

std::uint64_t Machine::hash(std::string_view name) const { return text_.kernels.find(kernel(name))->second.hash; }

const Kernel& Machine::decoded(std::string_view name) {
  const std::string& full = kernel(name);
  std::unique_ptr<Kernel>& slot = decoded_[full];
  if (slot == nullptr) {
    slot = std::make_unique<Kernel>(decode_kernel(text_.kernels.find(full)->second, text_));
  }
  return *slot;
}

std::vector<std::size_t> Machine::parameter_sizes(std::string_view name) {
  std::vector<std::size_t> sizes;
  for (const Parameter& parameter : decoded(name).parameters) {
    sizes.push_back(parameter.bytes);
  }
  return sizes;
}

void Machine::run(std::string_view name, Dimensions grid, Dimensions block, std::size_t shared_bytes, const std::vector<std::vector<std::byte>>& arguments) {
  const Kernel& kernel = decoded(name);
  const std::vector<std::byte> parameters = parameter_block(kernel, arguments);
  if (grid.count() == 0 || block.count() == 0 || block.count() > kernel.max_threads) {
    throw Fault(Check::launch, fmt::format("kernel {}: {} blocks of {} threads; at most {} threads are allowed", kernel.name, grid.count(), block.count(),
                                           kernel.max_threads));
  }
  Launch launch{kernel,
                options,
                *memory_,
                variables_,
                parameters,
                grid,
                block,
                kernel.static_shared_bytes + shared_bytes,
                memory_->next_epoch(),
                OrderStream(options.seed + 0x9E3779B97F4A7C15 * ++launch_number),
                {}};
  Block runner(launch);
  for (const Dimensions& id : blocks_of(grid, launch.order)) {
    runner.run(id);
  }
  launch.counters.launches = 1;
  counters[kernel.name] += launch.counters;
}

}  // namespace ptx
