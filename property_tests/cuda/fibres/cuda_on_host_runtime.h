#pragma once
/// The CUDA runtime of the host world: one device, whose memory is the host's. cuda_on_host_runtime.cpp defines the functions of <cuda_runtime_api.h> that the
/// product calls; a program that calls another one does not link. All work is done when a call returns; streams are names.
///
/// Memory of the device is filled with 0xFF (NaN as a float), is undefined to MemorySanitizer, and has its exact size. Copies and fills are checked against the
/// allocations: a range that is not inside one is cudaErrorInvalidValue.

#include <cstddef>

namespace cuda_on_host {

/// Of the one device, at first 1 GiB. What is allocated stays.
void set_device_memory(std::size_t bytes);
/// Whether there is a device, at first true.
void set_device_present(bool present);
/// Bytes that are allocated now, and how many allocations they are.
std::size_t allocated_bytes();
std::size_t allocations();

}  // namespace cuda_on_host
