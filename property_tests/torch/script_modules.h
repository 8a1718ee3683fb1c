#pragma once
/// TorchScript generators that the tests make by hand.

#include <torch/script.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "slicecheck/core/files.h"

namespace slicecheck::testing {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// A module with parameters (trained) and buffers, compiled from the source of its methods.
inline torch::jit::Module script_module(const NamedTensors& parameters, const std::string& methods, const NamedTensors& buffers = {}) {
  torch::jit::Module module("__torch__.Net");
  for (const auto& [name, value] : parameters) module.register_parameter(name, value.clone().set_requires_grad(true), false);
  for (const auto& [name, value] : buffers) module.register_buffer(name, value);
  module.define(methods);
  return module;
}

inline std::filesystem::path saved(const torch::jit::Module& module, const std::filesystem::path& file) {
  std::ostringstream archive;
  module.save(archive);
  write_atomically(file, archive.str());
  return file;
}

}  // namespace slicecheck::testing
