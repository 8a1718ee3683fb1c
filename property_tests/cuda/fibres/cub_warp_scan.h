#pragma once
/// The step of CUB's warp scan of unsigned integers, which CUB writes in PTX (cub/warp/specializations/warp_scan_shfl.cuh): the one piece of PTX on the way of
/// cub::BlockRadixSort, whose digit counters are scanned with it.

#include <cub/warp/specializations/warp_scan_shfl.cuh>

#include "warp_functions.h"

CUB_NAMESPACE_BEGIN
namespace detail {

/// input + the input of the lane `offset` lanes below, where that is not below `first_lane`.
template <>
inline unsigned WarpScanShfl<unsigned, 32>::InclusiveScanStep(unsigned input, ::cuda::std::plus<> /*scan_op*/, int first_lane, int offset) {
  const int source = static_cast<int>(lane_id) - offset;
  const unsigned below = __shfl_sync(member_mask, input, source >= first_lane ? source : static_cast<int>(lane_id));
  return source >= first_lane ? input + below : input;
}

}  // namespace detail
CUB_NAMESPACE_END
