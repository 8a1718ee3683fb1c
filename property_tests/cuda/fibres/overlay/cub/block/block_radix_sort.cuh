#pragma once
#pragma GCC system_header  // #include_next
/// cub::BlockRadixSort on fibres: CCCL's own header, unchanged, with what its inline PTX does given in C++. This folder comes first among the include folders.

// The order matters.
// clang-format off
#include "cuda_on_host.h"
#include "cub_on_host_begin.h"

#include_next <cub/block/block_radix_sort.cuh>

#include "cub_on_host_end.h"
#include "cub_warp_scan.h"
// clang-format on
