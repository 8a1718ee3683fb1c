// Counts of kernels whose counts are known by hand.
#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "cuda/ptx/machine.h"
#include "cuda/ptx/toys.h"

namespace ptx {
namespace {

/// The counters of one launch of one warp.
template <class... Arguments>
Counters count(const char* kernel, std::size_t shared_bytes, Arguments... arguments) {
  Machine machine(toy_text("behaviour"));
  machine.launch(kernel, {1}, {32}, shared_bytes, arguments...);
  return machine.counters.at(kernel);
}

TEST(PtxCounters, shared_words_by_stride) {
  // Words i·s of 32 lanes fall on 32 / gcd(s, 32) banks; stride 0 would be one word.
  const std::vector<std::pair<int, unsigned>> cases = {{1, 1}, {2, 2}, {3, 1}, {4, 4}, {8, 8}, {16, 16}, {31, 1}, {32, 32}, {33, 1}, {48, 16}};
  for (const auto& [stride, wavefronts] : cases) {
    const Counters counted = count("shared_stride", 32 * 48 * 4, stride);
    EXPECT_EQ(counted.shared_requests, 1U);
    EXPECT_EQ(counted.shared_ideal_wavefronts, 1U);
    EXPECT_EQ(counted.shared_wavefronts, wavefronts) << "stride " << stride;
  }
}

TEST(PtxCounters, shared_pairs_go_by_half_warps_and_quads_by_quarter_warps) {
  // Pairs i·s of 16 lanes: words 2is and 2is + 1.
  const std::vector<std::pair<int, unsigned>> cases = {{1, 2}, {2, 4}, {3, 2}, {4, 8}, {8, 16}, {16, 32}, {17, 2}};
  for (const auto& [stride, wavefronts] : cases) {
    const Counters counted = count("shared_pairs", 32 * 17 * 8, stride);
    EXPECT_EQ(counted.shared_requests, 1U);
    EXPECT_EQ(counted.shared_ideal_wavefronts, 2U);
    EXPECT_EQ(counted.shared_wavefronts, wavefronts) << "stride " << stride;
  }
  const Counters quads = count("shared_quads", 32 * 16);
  EXPECT_EQ(quads.shared_ideal_wavefronts, 4U);
  EXPECT_EQ(quads.shared_wavefronts, 4U);
}

TEST(PtxCounters, one_word_for_all_is_one_wavefront) {
  Machine machine(toy_text("behaviour"));
  alignas(256) static std::array<float, 64> out;
  machine.memory().add(out.data(), sizeof(out), false);
  machine.launch("shared_broadcast", {1}, {64}, 0, 3.0F, out.data());
  const Counters counted = machine.counters.at("shared_broadcast");
  EXPECT_EQ(counted.shared_requests, 3U);  // a write, and a read of each warp
  EXPECT_EQ(counted.shared_wavefronts, 3U);
  EXPECT_EQ(counted.barriers, 1U);
  EXPECT_EQ(counted.global_requests, 2U);
  EXPECT_EQ(counted.global_sectors, 8U);
  EXPECT_EQ(counted.global_bytes, 256U);
}

/// Sectors of one store of 32 floats at words offset + i·stride of memory that is aligned to 256 bytes.
Counters global_stride(int offset, int stride) {
  Machine machine(toy_text("behaviour"));
  alignas(256) static std::array<float, 4096> out;
  machine.memory().add(out.data(), sizeof(out), false);
  machine.launch("global_stride", {1}, {32}, 0, out.data(), offset, stride);
  return machine.counters.at("global_stride");
}

TEST(PtxCounters, global_sectors) {
  EXPECT_EQ(global_stride(0, 1).global_sectors, 4U);
  EXPECT_EQ(global_stride(1, 1).global_sectors, 5U);
  EXPECT_EQ(global_stride(8, 1).global_sectors, 4U);
  EXPECT_EQ(global_stride(0, 2).global_sectors, 8U);
  EXPECT_EQ(global_stride(0, 3).global_sectors, 12U);
  EXPECT_EQ(global_stride(0, 8).global_sectors, 32U);
  EXPECT_EQ(global_stride(0, 100).global_sectors, 32U);
  EXPECT_EQ(global_stride(0, 100).global_requests, 1U);
  EXPECT_EQ(global_stride(0, 100).global_bytes, 128U);
}

TEST(PtxCounters, global_bytes_and_quads) {
  Machine machine(toy_text("behaviour"));
  alignas(256) static std::array<unsigned char, 1024> out;
  machine.memory().add(out.data(), sizeof(out), false);
  machine.launch("global_bytes", {1}, {64}, 0, out.data());
  machine.launch("global_quads", {1}, {32}, 0, out.data());
  EXPECT_EQ(machine.counters.at("global_bytes").global_requests, 2U);
  EXPECT_EQ(machine.counters.at("global_bytes").global_sectors, 2U);
  EXPECT_EQ(machine.counters.at("global_bytes").global_bytes, 64U);
  EXPECT_EQ(machine.counters.at("global_quads").global_sectors, 16U);
  EXPECT_EQ(machine.counters.at("global_quads").global_bytes, 512U);
}

TEST(PtxCounters, instructions_of_a_straight_kernel) {
  // Each block writes the same words, so that each runs alone.
  Machine machine(toy_text("behaviour"));
  std::vector<float> out(64);
  add(machine.memory(), out, false);
  const std::uint64_t length = machine.decoded("global_stride").code.size();
  machine.launch("global_stride", {1}, {40}, 0, out.data(), 0, 1);
  machine.launch("global_stride", {1}, {64}, 0, out.data(), 0, 1);
  const Counters counted = machine.counters.at("global_stride");
  EXPECT_EQ(counted.launches, 2U);
  EXPECT_EQ(counted.blocks, 2U);
  EXPECT_EQ(counted.instructions, (40 + 64) * length);
  EXPECT_EQ(counted.warp_instructions, 4 * length);
  EXPECT_EQ(counted.barriers, 0U);
  EXPECT_EQ(counted.atomics, 0U);
}

TEST(PtxCounters, lanes_that_part_meet_again) {
  // 32 different ways through a switch and a loop cost at most 32 times as much; the code behind them is executed once.
  Machine together(toy_text("behaviour"));
  Machine apart(toy_text("behaviour"));
  std::vector<int> same(33, 5);
  std::vector<int> different(33);
  for (int i = 0; i < 33; ++i) {
    different[static_cast<std::size_t>(i)] = i;
  }
  std::vector<int> out(33);
  for (auto* machine : {&together, &apart}) {
    add(machine->memory(), same, true, true);
    add(machine->memory(), different, true, true);
    add(machine->memory(), out, true);
  }
  together.launch("part_and_meet", {1}, {32}, 0, same.data(), out.data());
  apart.launch("part_and_meet", {1}, {32}, 0, different.data(), out.data());
  const Counters one_way = together.counters.at("part_and_meet");
  const Counters many_ways = apart.counters.at("part_and_meet");
  EXPECT_EQ(one_way.instructions, 32 * one_way.warp_instructions);
  EXPECT_GT(many_ways.warp_instructions, one_way.warp_instructions);
  EXPECT_EQ(many_ways.global_requests, one_way.global_requests + 1) << "case 0 loads";
}

TEST(PtxCounters, a_launch_that_fails_is_not_counted) {
  Machine machine(toy_text("behaviour"));
  std::vector<float> out(20);
  add(machine.memory(), out, false);
  EXPECT_EQ(caught([&] { machine.launch("global_stride", {1}, {32}, 0, out.data(), 0, 1); }).check, Check::bounds);
  EXPECT_TRUE(machine.counters.empty());
}

TEST(PtxCounters, counts_do_not_depend_on_the_order_of_warps_and_blocks) {
  std::vector<float> keys(1000);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = static_cast<float>(i * 7919 % 1000);
  }
  Counters first;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Machine machine(toy_text("behaviour"));
    machine.options.seed = seed;
    std::vector<float> out(1001);
    std::vector<unsigned> index(1000);
    add(machine.memory(), keys, true, true);
    add(machine.memory(), out, false);
    add(machine.memory(), index, false);
    machine.launch("sort_and_sumILb0E", {1}, {128}, 0, keys.data(), out.data(), index.data(), 1000);
    Counters counted = total(machine.counters);
    counted.global_sectors = 0;  // depend on where the host's vectors lie
    if (seed == 1) {
      first = counted;
    }
    EXPECT_TRUE(counted == first) << seed;
  }
}

}  // namespace
}  // namespace ptx
