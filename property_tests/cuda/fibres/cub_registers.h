#pragma once
/// Special registers and vector instructions that CUB names, on fibres.

#include <cuda/ptx>
#include <cuda/std/cstdint>

#include "fibres.h"

namespace cuda_on_host {

/// Stands before each `__shared__` variable of CUB, which would be one for all blocks here.
struct RefusedVariable {
  RefusedVariable() { throw KernelFault("CUB without a temporary storage, which the fibres cannot give: hand one in"); }
};

}  // namespace cuda_on_host

_LIBCUDACXX_BEGIN_NAMESPACE_CUDA_PTX
inline unsigned get_sreg_laneid() { return cuda_on_host::current_thread->lane; }
inline unsigned get_sreg_lanemask_lt() { return (1U << get_sreg_laneid()) - 1; }
inline unsigned get_sreg_lanemask_le() { return (2U << get_sreg_laneid()) - 1; }
inline unsigned get_sreg_lanemask_ge() { return ~get_sreg_lanemask_lt(); }
inline unsigned get_sreg_lanemask_gt() { return ~get_sreg_lanemask_le(); }
_LIBCUDACXX_END_NAMESPACE_CUDA_PTX

// CUB's operators for packed 16-bit integers name these; without a definition a program that uses them does not link.
unsigned __vmins2(unsigned a, unsigned b);
unsigned __vminu2(unsigned a, unsigned b);
unsigned __vmaxs2(unsigned a, unsigned b);
unsigned __vmaxu2(unsigned a, unsigned b);
