// Before a header of CUB; cub_on_host_end.h comes after it. No include guard: each pair opens and closes.
//
// CUB is written for device code: it declares __shared__ variables, reads special registers and holds inline PTX, none of which a C++ compiler takes. All of it
// is in functions that the product does not call, except the step of the warp scan, which cub_warp_scan.h gives in C++. So:
//  - a function with a `__shared__` variable (of the constructors that are given no temporary storage) throws KernelFault;
//  - `asm(…)` and `asm volatile(…)` become an assembler error: a function that is called and has no C++ twin fails to compile.
// CUB also gives a member the name of a class template that it uses, which needs -fpermissive of g++.

#pragma GCC system_header  // macros named as keywords

#include <cuda/ptx>
#include <cuda/std/cstdint>

#include "cub_registers.h"

#pragma push_macro("__shared__")
#undef __shared__
#define __shared__                                                \
  [[maybe_unused]] const ::cuda_on_host::RefusedVariable refused; \
  static
#define asm(...) asm(".error \"inline PTX in a function that the host calls\"")
#define volatile(...) (".error \"inline PTX in a function that the host calls\"")
