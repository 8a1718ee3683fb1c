#pragma once
/// PTX of the small kernels in toys/, made at build time, and helpers of the machine's tests.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>

#include "cuda/ptx/machine.h"

namespace ptx {

inline void PrintTo(Check check, std::ostream* out) { *out << name_of(check); }

/// The PTX of toys/NAME.cu.
inline const std::string& toy_text(const std::string& name) {
  static std::map<std::string, std::string> texts;
  std::string& text = texts[name];
  if (text.empty()) {
    std::ifstream file(std::string(SLICECHECK_PTX_TOYS) + "/" + name + ".ptx");
    text.assign(std::istreambuf_iterator<char>(file), {});
    if (text.empty()) {
      throw std::runtime_error("no PTX of toy " + name);
    }
  }
  return text;
}

/// What the function is refused for; nothing if it passes. The message is kept.
struct Caught {
  std::optional<Check> check;
  std::string message = "passed";
};

template <class Function>
Caught caught(Function function) {
  try {
    function();
  } catch (const Fault& fault) {
    return {fault.check, fault.what()};
  }
  return {};
}

template <class T>
void add(DeviceMemory& memory, const std::vector<T>& values, bool written, bool read_only = false) {
  memory.add(values.data(), values.size() * sizeof(T), written, read_only);
}

}  // namespace ptx
