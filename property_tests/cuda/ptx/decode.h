#pragma once
/// From the text of a kernel to instructions.

#include <string_view>

#include "cuda/ptx/instruction.h"
#include "cuda/ptx/module_text.h"
#include "cuda/ptx/symbols.h"

namespace ptx {

/// One statement, "@!%p1 add.s32 %r1, %r2, 3" without its semicolon. What is not known becomes an instruction that is refused when it is executed.
Instruction decode(std::string_view statement, Symbols& symbols);

/// A whole kernel. `module` must outlive it: addresses of its variables are in the code.
Kernel decode_kernel(const KernelText& text, const ModuleText& module);

}  // namespace ptx
