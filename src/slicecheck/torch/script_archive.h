#pragma once
/// TorchScript archives as files, and what went wrong in them in one line. For the .cpp files of this folder.

#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace torch::jit {
struct Module;
}

namespace slicecheck {

/// Reads an archive onto the CPU. `use` is what it is to be used as ("a loss"), for the sentence of the error.
/// @throws InputError, with the file and the reason, if it cannot be read or is no archive that this LibTorch can load.
torch::jit::Module read_script_archive(const std::filesystem::path& file, std::string_view use);

/// The arguments of a method beyond `self`, as "NAME: TYPE"; those that have a default value are marked by "= default".
struct ScriptArguments {
  std::vector<std::string> written;
  std::size_t required = 0;  ///< how many have no default value
  bool required_are_tensors = true;
};

/// Of `forward`.
/// @throws InputError, with the file and `expected` ("forward(X, Y, directions)"), where there is no method forward.
ScriptArguments forward_arguments(const torch::jit::Module& module, const std::filesystem::path& file, std::string_view use, std::string_view expected);

/// What the exception says, without the traces of the script and of LibTorch.
std::string script_reason(const std::exception& error);

/// The first line that is not empty.
std::string first_line(std::string_view message);

}  // namespace slicecheck
