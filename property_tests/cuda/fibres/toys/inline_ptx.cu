// Does not compile on the host: this load of CUB's is inline PTX, and no C++ is given for it.
#include <cub/block/block_radix_sort.cuh>

float first(const float* from) { return cub::ThreadLoad<cub::LOAD_CG>(from); }
