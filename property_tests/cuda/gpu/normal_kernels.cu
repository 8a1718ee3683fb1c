#include <cstring>

#include "cuda/gpu/normal_kernels.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/launch.h"
#include "slicecheck/dynamics/cuda/normals.cuh"

namespace slicecheck::testing {

namespace {

constexpr unsigned kThreads = 128;

__global__ void make_words(uint4 counter, uint2 key, const unsigned* blocks, unsigned count, uint4* words) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i < count) words[i] = cuda::philox_words(counter, key, blocks[i]);
}

__global__ void make_normals(const uint4* words, unsigned count, float2* normals) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= count) return;
  const cuda::NormalPair pair = cuda::normals_of(words[i]);
  normals[i] = make_float2(pair.first, pair.second);
}

cuda::Launch one_thread_each(unsigned count) { return {dim3((count + kThreads - 1) / kThreads), kThreads, 0, nullptr, "making random numbers"}; }

}  // namespace

std::vector<Words> device_words(const cuda::NoiseStream& stream, const std::vector<std::uint32_t>& blocks) {
  const auto count = static_cast<unsigned>(blocks.size());
  cuda::Buffer<unsigned> on_device;
  on_device.copy_from_host(blocks.data(), count, nullptr);
  cuda::Buffer<uint4> words(count);
  const auto& c = stream.counter;
  cuda::launch(one_thread_each(count), make_words, make_uint4(c[0], c[1], c[2], c[3]), make_uint2(stream.key[0], stream.key[1]), on_device.data(), count,
               words.data());
  std::vector<uint4> got(count);
  words.copy_to_host(got.data(), count, nullptr);
  std::vector<Words> out;
  for (const uint4& w : got) out.push_back({w.x, w.y, w.z, w.w});
  return out;
}

std::vector<std::array<float, 2>> device_normals(const std::vector<Words>& words) {
  const auto count = static_cast<unsigned>(words.size());
  std::vector<uint4> sent;
  for (const Words& w : words) sent.push_back(make_uint4(w[0], w[1], w[2], w[3]));
  cuda::Buffer<uint4> on_device;
  on_device.copy_from_host(sent.data(), count, nullptr);
  cuda::Buffer<float2> normals(count);
  cuda::launch(one_thread_each(count), make_normals, on_device.data(), count, normals.data());
  std::vector<float2> got(count);
  normals.copy_to_host(got.data(), count, nullptr);
  std::vector<std::array<float, 2>> out;
  for (const float2& pair : got) out.push_back({pair.x, pair.y});
  return out;
}

}  // namespace slicecheck::testing
