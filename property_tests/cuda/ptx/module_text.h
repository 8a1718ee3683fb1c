#pragma once
/// A PTX module, split into its kernels and variables; the kernels' bodies stay text until they are wanted.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/instruction.h"

namespace ptx {

/// A variable of the module or of a kernel, or a kernel's parameter: ".shared .align 16 .b8 name[128]".
struct Variable {
  std::string name;
  Space space = Space::generic;
  Type type;
  std::uint64_t bytes = 0;
  std::uint64_t align = 1;
  bool is_extern = false;
};

/// A .global or .const variable, with its initial contents (zero where none are given).
struct ModuleVariable {
  Variable declaration;
  std::unique_ptr<std::byte[]> contents;
  std::string refused;  ///< why it cannot be used; empty if it can
};

struct KernelText {
  std::string name;
  std::vector<Variable> parameters;
  unsigned max_threads = 1024;
  std::string body;        ///< between the outermost braces, without comments
  std::uint64_t hash = 0;  ///< of the head and the body, lines of .loc left out: 64-bit FNV-1a
};

struct ModuleText {
  std::map<std::string, KernelText, std::less<>> kernels;
  std::map<std::string, Variable, std::less<>> shared;  ///< shared memory declared outside kernels; extern: dynamic
  std::map<std::string, ModuleVariable, std::less<>> variables;
};

/// @throws Fault{unsupported} for a statement outside kernels that is not known. Device functions are skipped: a call of one is refused where it stands.
ModuleText split_module(std::string_view text);

/// Reads a declaration; the initial value, if any, is left out.
Variable parse_variable(std::string_view statement);

/// "f32" or "pred"; bits = 0 where the word is no type.
Type parse_type(std::string_view word);

/// Without blanks at both ends.
std::string_view trimmed(std::string_view text);

/// Splits at `separator` outside braces, brackets and parentheses; each part trimmed, an empty last part dropped.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace ptx
