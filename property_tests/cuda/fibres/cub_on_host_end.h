// After a header of CUB; see cub_on_host_begin.h.
#undef asm
#undef volatile
#pragma pop_macro("__shared__")
