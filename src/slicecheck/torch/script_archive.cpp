#include "slicecheck/torch/script_archive.h"

#include <torch/script.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

/// The interpreter reports two traces of the script, then "CLASS: what went wrong" at the beginning of a line: that line.
std::string reason_in_trace(std::string_view message) {
  const std::size_t traces = message.rfind("<--- HERE");
  for (std::size_t end = message.find('\n', traces == std::string_view::npos ? 0 : traces); end != std::string_view::npos; end = message.find('\n', end + 1)) {
    const std::string_view line = message.substr(end + 1);
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos || colon == 0) continue;
    bool is_class = true;
    for (const char c : line.substr(0, colon)) is_class = is_class && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.');
    if (is_class) return first_line(line);
  }
  return first_line(message);
}

}  // namespace

std::string first_line(std::string_view message) {
  const std::size_t start = std::min(message.find_first_not_of(" \n"), message.size());
  return std::string(message.substr(start, message.find('\n', start) - start));
}

std::string script_reason(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  return reason_in_trace(of_torch != nullptr ? of_torch->what_without_backtrace() : error.what());
}

torch::jit::Module read_script_archive(const std::filesystem::path& file, std::string_view use) {
  const std::string bytes = read_file(file);
  if (bytes.empty()) reject("cannot use {} as {}: the file is empty; expected a TorchScript archive", file.string(), use);
  try {
    std::istringstream in(bytes);
    return torch::jit::load(in, torch::Device(torch::kCPU));
  } catch (const std::exception& error) {
    reject("cannot use {} as {}: it is no TorchScript archive that LibTorch {} can load ({}); expected a file written by torch.jit.save", file.string(), use,
           torch_version(), first_line(script_reason(error)));
  }
}

ScriptArguments forward_arguments(const torch::jit::Module& module, const std::filesystem::path& file, std::string_view use, std::string_view expected) {
  const auto forward = module.find_method("forward");
  if (!forward) reject("cannot use {} as {}: the module has no method forward; expected {}", file.string(), use, expected);
  ScriptArguments out;
  const std::vector<c10::Argument>& arguments = forward->function().getSchema().arguments();
  for (std::size_t i = 1; i < arguments.size(); ++i) {  // 0 is the module, by whatever name
    const c10::Argument& argument = arguments[i];
    const bool optional = argument.default_value().has_value();
    out.written.push_back(argument.name() + ": " + argument.type()->annotation_str() + (optional ? " = default" : ""));
    if (optional) continue;
    ++out.required;
    out.required_are_tensors = out.required_are_tensors && argument.type()->kind() == c10::TypeKind::TensorType;
  }
  return out;
}

}  // namespace slicecheck
