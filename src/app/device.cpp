#include "device.h"

#include <iostream>

#include "slicecheck/core/error.h"

namespace slicecheck::app {

void add_device_option(CLI::App& command, std::string& word, const std::string& what) {
  command.add_option("--device", word, "cpu, cuda (a CUDA device), or auto (cuda where it can be used; says on standard error which it took): " + what)
      ->capture_default_str();
}

cuda::Choice chosen_device(const std::string& word, const std::string& processor_only) {
  if (processor_only.empty()) return cuda::choose_device(word);
  if (word == "cuda") reject("--device cuda: {}", processor_only);
  if (word == "auto") return {cuda::Where::cpu, fmt::format("device: cpu, as {}", processor_only)};
  return cuda::choose_device(word);
}

void tell_choice(const std::string& word, const cuda::Choice& choice) {
  if (word == "auto") std::cerr << fmt::format("slicecheck: {}\n", choice.sentence);
}

std::string device_field(cuda::Where where) { return where == cuda::Where::cpu ? "cpu" : "cuda: " + cuda::devices().devices.front().name; }

}  // namespace slicecheck::app
