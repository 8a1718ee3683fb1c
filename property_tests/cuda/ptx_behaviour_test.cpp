// What right kernels compute on the PTX machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "cuda/ptx/machine.h"
#include "cuda/ptx/toys.h"

namespace ptx {
namespace {

/// The same small numbers for every test: 32 words.
std::vector<unsigned> words() {
  std::vector<unsigned> out(32);
  for (unsigned i = 0; i < 32; ++i) {
    out[i] = 100 + i * 37 % 50;
  }
  return out;
}

class EachOrder : public ::testing::TestWithParam<Order> {};

INSTANTIATE_TEST_SUITE_P(order, EachOrder, ::testing::Values(Order::warps, Order::lanes),
                         [](const auto& order) { return order.param == Order::warps ? "warps" : "lanes"; });

TEST_P(EachOrder, shuffles_votes_and_matches_follow_their_formulas) {
  const std::vector<unsigned> in = words();
  std::vector<unsigned> out(32 * 16);
  Machine machine(toy_text("behaviour"));
  machine.options.order = GetParam();
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("warp_operations", {1}, {32}, 0, in.data(), out.data());
  unsigned thirds = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    thirds |= unsigned{in[lane] % 3 == 0} << lane;
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned* mine = out.data() + 16 * static_cast<std::size_t>(lane);
    unsigned equal = 0;
    for (unsigned other = 0; other < 32; ++other) {
      equal |= unsigned{in[other] % 4 == in[lane] % 4} << other;
    }
    EXPECT_EQ(mine[0], in[lane / 2]);
    EXPECT_EQ(mine[1], in[lane / 8 * 8 + 5]);
    EXPECT_EQ(mine[2], in[lane < 3 ? lane : lane - 3]);
    EXPECT_EQ(mine[3], in[lane % 8 < 3 ? lane : lane - 3]);
    EXPECT_EQ(mine[4], in[lane + 5 > 31 ? lane : lane + 5]);
    EXPECT_EQ(mine[5], in[lane % 16 + 5 > 15 ? lane : lane + 5]);
    EXPECT_EQ(mine[6], in[lane ^ 9]);
    EXPECT_EQ(mine[7], thirds);
    EXPECT_EQ(mine[8], 1U);
    EXPECT_EQ(mine[9], 1U);
    EXPECT_EQ(mine[10], equal);
    EXPECT_EQ(mine[11], ~0U) << "all values are below 1000";
    EXPECT_EQ(mine[12], 1U);
    EXPECT_EQ(mine[13], static_cast<unsigned>(std::popcount(thirds)));
    EXPECT_EQ(mine[14], in[lane % 2 == 0 ? lane ^ 2 : lane ^ 4]);
    EXPECT_EQ(mine[15], GetParam() == Order::warps ? ~0U : 1U << lane);
  }
}

TEST_P(EachOrder, reductions_of_a_warp) {
  std::vector<int> in(32);
  for (int i = 0; i < 32; ++i) {
    in[static_cast<std::size_t>(i)] = i * 37 % 50 - 25;
  }
  std::vector<int> out(32 * 5);
  Machine machine(toy_text("behaviour"));
  machine.options.order = GetParam();
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, false);
  machine.launch("warp_sums", {1}, {32}, 0, in.data(), out.data());
  const auto fold = [&](int start, auto combine) { return std::accumulate(in.begin(), in.end(), start, combine); };
  for (std::size_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(out[5 * lane], fold(0, std::plus<>()));
    EXPECT_EQ(out[5 * lane + 1], *std::min_element(in.begin(), in.end()));
    EXPECT_EQ(out[5 * lane + 2], *std::max_element(in.begin(), in.end()));
    EXPECT_EQ(out[5 * lane + 3], fold(-1, std::bit_and<>()));
    EXPECT_EQ(out[5 * lane + 4], fold(0, std::bit_xor<>()));
  }
}

TEST_P(EachOrder, lanes_that_part_compute_what_each_would_alone) {
  std::vector<int> in(64);
  std::iota(in.begin(), in.end(), -20);
  std::vector<int> out(65, 7);
  Machine machine(toy_text("behaviour"));
  machine.options.order = GetParam();
  add(machine.memory(), in, true, true);
  add(machine.memory(), out, true);
  machine.launch("part_and_meet", {1}, {64}, 0, in.data(), out.data());
  for (std::size_t i = 0; i < 64; ++i) {
    const int first = in[i];
    const int choices[] = {7 + 4, first * 3, first - 11, first * first, first ^ 0x55, -first, first / 3, first << 2};
    auto value = static_cast<unsigned>(choices[first & 7]);
    for (int j = 0; j < first % 5; ++j) {
      value = value * value + static_cast<unsigned>(j);
    }
    EXPECT_EQ(out[i + 1], static_cast<int>(value)) << first;
  }
}

/// Keys with many ties; what BlockRadixSort makes of them.
struct Sorted {
  std::vector<float> keys = std::vector<float>(1000);
  std::vector<float> out = std::vector<float>(1001);
  std::vector<unsigned> index = std::vector<unsigned>(1000);
};

Caught sort(Sorted& data, bool broken, std::uint64_t seed, Order order) {
  for (std::size_t i = 0; i < data.keys.size(); ++i) {
    data.keys[i] = static_cast<float>(i * 7919 % 199) - 99;
  }
  Machine machine(toy_text("behaviour"));
  machine.options.seed = seed;
  machine.options.order = order;
  add(machine.memory(), data.keys, true, true);
  add(machine.memory(), data.out, false);
  add(machine.memory(), data.index, false);
  return caught(
      [&] { machine.launch(broken ? "sort_and_sumILb1E" : "sort_and_sumILb0E", {1}, {128}, 0, data.keys.data(), data.out.data(), data.index.data(), 1000); });
}

TEST_P(EachOrder, block_radix_sort_of_cub_is_right) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Sorted data;
    ASSERT_EQ(sort(data, false, seed, GetParam()).message, "passed");
    std::vector<unsigned> expected(1000);
    std::iota(expected.begin(), expected.end(), 0U);
    std::stable_sort(expected.begin(), expected.end(), [&](unsigned a, unsigned b) { return data.keys[a] < data.keys[b]; });
    EXPECT_EQ(data.index, expected);
    EXPECT_TRUE(std::is_sorted(data.out.begin(), data.out.begin() + 1000));
    EXPECT_EQ(data.out[1000], std::accumulate(data.keys.begin(), data.keys.end(), 0.0F)) << "small integers: exact";
  }
}

TEST_P(EachOrder, a_barrier_missing_behind_a_sort_of_cub_is_a_race) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Sorted data;
    EXPECT_EQ(sort(data, true, seed, GetParam()).check, Check::race);
  }
}

TEST_P(EachOrder, seeds_choose_the_order_of_atomic_operations) {
  std::vector<float> in(256);
  for (std::size_t i = 0; i < in.size(); ++i) {
    in[i] = 1.0F / static_cast<float>(i + 1);
  }
  const auto sum = [&](std::uint64_t seed) {
    std::vector<float> out(1, 0.0F);
    Machine machine(toy_text("behaviour"));
    machine.options.seed = seed;
    machine.options.order = GetParam();
    add(machine.memory(), in, true, true);
    add(machine.memory(), out, true);
    machine.launch("order_of_atomics", {4}, {64}, 0, in.data(), out.data());
    return out[0];
  };
  std::set<float> sums;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(sum(seed), sum(seed)) << "one seed, one order";
    sums.insert(sum(seed));
  }
  EXPECT_GT(sums.size(), 3U);
}

TEST_P(EachOrder, a_warp_that_polls_lets_another_run) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<int> out(1);
    Machine machine(toy_text("behaviour"));
    machine.options.seed = seed;
    machine.options.order = GetParam();
    machine.options.instruction_limit = 10'000'000;
    add(machine.memory(), out, false);
    EXPECT_EQ(caught([&] { machine.launch("wait_for_warp", {1}, {64}, 0, out.data()); }).message, "passed");
    EXPECT_EQ(out[0], 1);
  }
}

/// The word that `body` leaves in %r0, or in %rd0.
std::uint64_t result_of(const std::string& body, bool wide = false) {
  const std::string store = wide ? "st.global.u64 [%rd9], %rd0;" : "st.global.u32 [%rd9], %r0;";
  Machine machine(
      ".version 9.0\n.target sm_90\n.address_size 64\n.const .align 4 .u32 list[3] = {5, 0x10, -1};\n.visible .entry k(.param .u64 p) {\n"
      ".local .align 8 .b8 frame[16];\n.shared .align 8 .b8 scratch[16];\n"
      ".reg .pred %p<4>;\n.reg .b16 %h<4>;\n.reg .b32 %r<10>;\n.reg .b64 %rd<10>;\nld.param.u64 %rd9, [p];\n" +
      body + "\n" + store + "\nret;\n}\n");
  std::vector<std::uint64_t> out(1, 0);
  add(machine.memory(), out, true);
  machine.launch("k", {1}, {1}, 0, out.data());
  return out[0];
}

TEST(PtxMachineResults, single_instructions) {
  const std::vector<std::pair<std::string, std::uint64_t>> cases = {
      {"bfe.u32 %r0, 0x12345678, 8, 12;", 0x456},
      {"bfe.u32 %r0, 0x12345678, 28, 12;", 0x1},
      {"bfe.s32 %r0, 0x12F45678, 16, 8;", 0xFFFFFFF4},
      {"bfe.s32 %r0, 0x82345678, 28, 12;", 0xFFFFFFF8},
      {"bfe.s32 %r0, 0x82345678, 4, 0;", 0},
      {"bfi.b32 %r0, 0xAB, 0x12345678, 8, 8;", 0x1234AB78},
      {"bfi.b32 %r0, 0xAB, 0x12345678, 28, 8;", 0xB2345678},
      {"bfi.b32 %r0, 0xAB, 0x12345678, 32, 8;", 0x12345678},
      {"bfind.u32 %r0, 0x00F00000;", 23},
      {"bfind.u32 %r0, 0;", 0xFFFFFFFF},
      {"bfind.s32 %r0, -2;", 0},
      {"bfind.shiftamt.u32 %r0, 0x00F00000;", 8},
      {"bmsk.clamp.b32 %r0, 4, 8;", 0xFF0},
      {"bmsk.clamp.b32 %r0, 28, 8;", 0xF0000000},
      {"bmsk.clamp.b32 %r0, 32, 8;", 0},
      {"prmt.b32 %r0, 0x33221100, 0x77665544, 0x7150;", 0x77115500},
      {"prmt.b32 %r0, 0x33229900, 0x77665544, 0x9012;", 0xFF009922},
      {"lop3.b32 %r0, 0xF0F0F0F0, 0xCCCCCCCC, 0xAAAAAAAA, 0xE8;", 0xE8E8E8E8},
      {"shf.l.wrap.b32 %r0, 0x80000001, 0x00000001, 33;", 0x3},
      {"shf.l.clamp.b32 %r0, 0x80000001, 0x00000001, 33;", 0x80000001},
      {"shf.r.wrap.b32 %r0, 0x80000001, 0x00000003, 1;", 0xC0000000},
      {"shf.r.clamp.b32 %r0, 0x80000001, 0x00000003, 40;", 0x3},
      {"shl.b32 %r0, 1, 31;", 0x80000000},
      {"shl.b32 %r0, 1, 32;", 0},
      {"shr.u32 %r0, 0x80000000, 99;", 0},
      {"shr.s32 %r0, 0x80000000, 99;", 0xFFFFFFFF},
      {"mul.hi.s32 %r0, -1, 5;", 0xFFFFFFFF},
      {"mul.hi.u32 %r0, -1, 5;", 4},
      {"mad.hi.s32 %r0, -1, 5, 7;", 6},
      {"div.s32 %r0, 0x80000000, -1;", 0x80000000},
      {"rem.s32 %r0, -7, 3;", 0xFFFFFFFF},
      {"abs.s32 %r0, -7;", 7},
      {"neg.s32 %r0, 7;", 0xFFFFFFF9},
      {"popc.b32 %r0, 0xFF0;", 8},
      {"clz.b32 %r0, 0xFF0;", 20},
      {"brev.b32 %r0, 1;", 0x80000000},
      {"min.s32 %r0, -1, 1;", 0xFFFFFFFF},
      {"min.u32 %r0, -1, 1;", 1},
      {"mov.u16 %h1, 0xFF80;\ncvt.s32.s8 %r0, %h1;", 0xFFFFFF80},
      {"mov.u16 %h1, 0xFF80;\ncvt.u32.u8 %r0, %h1;", 0x80},
      {"mov.u16 %h1, 0x8000;\ncvt.s32.s16 %r0, %h1;", 0xFFFF8000},
      {"mov.b32 %r1, {0x1234, 0x5678};\nmov.b32 {%h1, %h2}, %r1;\ncvt.u32.u16 %r0, %h2;", 0x5678},
      {"cvt.rni.s32.f32 %r0, 0f40200000;", 2},                                     // 2.5
      {"cvt.rzi.s32.f32 %r0, 0fC0200000;", 0xFFFFFFFE},                            // -2.5
      {"cvt.rmi.s32.f32 %r0, 0fC0200000;", 0xFFFFFFFD},                            //
      {"cvt.rpi.s32.f32 %r0, 0f40200000;", 3},                                     //
      {"cvt.rzi.u32.f32 %r0, 0fBF800000;", 0},                                     // -1
      {"cvt.rzi.s32.f32 %r0, 0f7F800000;", 0x7FFFFFFF},                            // +infinity
      {"cvt.rzi.s32.f32 %r0, 0f7FC00000;", 0},                                     // NaN
      {"cvt.sat.f32.f32 %r0, 0f40200000;", 0x3F800000},                            // 2.5
      {"cvt.sat.f32.f32 %r0, 0f7FC00000;", 0},                                     // NaN
      {"add.f32 %r0, 0f7F800000, 0fFF800000;", 0x7FFFFFFF},                        // infinity - infinity
      {"add.rz.f32 %r0, 0f3F800000, 0f33FFFFFF;", 0x3F800000},                     // 1 + (2^-23 - 2^-47)
      {"add.rp.f32 %r0, 0f3F800000, 0f00000001;", 0x3F800001},                     // 1 + the least subnormal
      {"min.f32 %r0, 0f7FC00000, 0f3F800000;", 0x3F800000},                        // NaN, 1
      {"min.f32 %r0, 0f00000000, 0f80000000;", 0x80000000},                        // +0, -0
      {"ex2.approx.ftz.f32 %r0, 0f40400000;", 0x41000000},                         // 2^3
      {"ex2.approx.ftz.f32 %r0, 0fC3020000;", 0},                                  // 2^-130, flushed
      {"ex2.approx.f32 %r0, 0fC3020000;", 0x00080000},                             // 2^-130
      {"setp.lt.and.s32 %p1|%p2, 1, 2, 1;\nselp.u32 %r0, 3, 4, %p1;", 3},          //
      {"setp.lt.and.s32 %p1|%p2, 1, 2, 1;\nselp.u32 %r0, 3, 4, %p2;", 4},          //
      {"setp.ltu.f32 %p1, 0f7FC00000, 0f00000000;\nselp.u32 %r0, 3, 4, %p1;", 3},  // NaN
      {"setp.lt.f32 %p1, 0f7FC00000, 0f00000000;\nselp.u32 %r0, 3, 4, %p1;", 4},   //
      {"setp.ne.f32 %p1, 0f7FC00000, 0f00000000;\nselp.u32 %r0, 3, 4, %p1;", 4},   //
      {"setp.nan.f32 %p1, 0f7FC00000, 0f00000000;\nselp.u32 %r0, 3, 4, %p1;", 3},  //
      {"setp.hi.u32 %p1, -1, 1;\nxor.pred %p2, %p1, !%p1;\nselp.u32 %r0, 3, 4, %p2;", 3},
      {"mov.pred %p1, 0;\nnot.pred %p2, %p1;\nselp.u32 %r0, 3, 4, %p2;", 3},
      {"ld.const.u32 %r0, [list+4];", 16},
      {"mov.u64 %rd1, list;\ncvta.const.u64 %rd1, %rd1;\nld.u32 %r0, [%rd1+8];", 0xFFFFFFFF},
      {"mov.u64 %rd1, frame;\nst.local.v2.u32 [%rd1+8], {7, 9};\ncvta.local.u64 %rd2, %rd1;\nld.u32 %r0, [%rd2+12];", 9},
      {"mov.u32 %r1, scratch;\nst.shared.u16 [%r1+2], 0x1234;\nst.shared.u16 [%r1], 7;\nld.shared.u32 %r0, [scratch];", 0x12340007},
      {"mov.u64 %rd1, scratch;\ncvta.shared.u64 %rd1, %rd1;\nisspacep.shared %p1, %rd1;\nselp.u32 %r0, 3, 4, %p1;", 3},
      {"cvta.param.u64 %rd1, p;\nld.u32 %r1, [%rd1];\ncvt.u32.u64 %r2, %rd9;\nsub.u32 %r0, %r1, %r2;", 0},
      {"mov.u32 %r1, 2;\nbrx.idx %r1, CHOICES;\nCHOICES: .branchtargets A, B, C;\nA: mov.u32 %r0, 10;\nbra END;\nB: mov.u32 %r0, 11;\nbra END;\n"
       "C: mov.u32 %r0, 12;\nEND:",
       12},
      {"st.shared.u32 [scratch], 5;\natom.shared.add.u32 %r1, [scratch], 3;\nld.shared.u32 %r2, [scratch];\nmad.lo.s32 %r0, %r1, 100, %r2;", 508},
      {"st.shared.u32 [scratch], 5;\natom.shared.cas.b32 %r1, [scratch], 5, 9;\nld.shared.u32 %r2, [scratch];\nmad.lo.s32 %r0, %r1, 100, %r2;", 509},
      {"st.shared.u32 [scratch], 5;\natom.shared.cas.b32 %r1, [scratch], 6, 9;\nld.shared.u32 %r2, [scratch];\nmad.lo.s32 %r0, %r1, 100, %r2;", 505},
      {"st.shared.u32 [scratch], 5;\natom.shared.inc.u32 %r1, [scratch], 5;\nld.shared.u32 %r2, [scratch];\nmad.lo.s32 %r0, %r1, 100, %r2;", 500},
      {"st.shared.u32 [scratch], 0;\natom.shared.dec.u32 %r1, [scratch], 8;\nld.shared.u32 %r2, [scratch];\nmad.lo.s32 %r0, %r1, 100, %r2;", 8},
      {"st.shared.u32 [scratch], -5;\natom.shared.min.s32 %r1, [scratch], 3;\nld.shared.u32 %r0, [scratch];", 0xFFFFFFFB},
      {"st.shared.u32 [scratch], -5;\natom.shared.max.s32 %r1, [scratch], 3;\nld.shared.u32 %r0, [scratch];", 3},
      {"st.shared.u32 [scratch], 6;\nred.shared.xor.b32 [scratch], 3;\nld.shared.u32 %r0, [scratch];", 5},
      {"{\n.reg .b32 %r1;\nmov.u32 %r1, 8;\nmov.u32 %r0, %r1;\n}\nadd.u32 %r0, %r0, %r1;", 8},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(result_of(body), expected) << body;
  }
}

TEST(PtxMachineResults, single_instructions_of_64_bits) {
  const std::vector<std::pair<std::string, std::uint64_t>> cases = {
      {"mul.wide.u32 %rd0, -1, -1;", 0xFFFFFFFE00000001},
      {"mul.wide.s32 %rd0, -1, 5;", static_cast<std::uint64_t>(-5)},
      {"mad.wide.u32 %rd0, -1, 2, 3;", 0x200000001},
      {"mul.hi.u64 %rd0, -1, 5;", 4},
      {"mul.hi.s64 %rd0, -1, 5;", static_cast<std::uint64_t>(-1)},
      {"mov.b64 %rd0, {1, 2};", 0x200000001},
      {"cvt.s64.s32 %rd0, -3;", static_cast<std::uint64_t>(-3)},
      {"cvt.rn.f64.s32 %rd0, 3;", std::bit_cast<std::uint64_t>(3.0)},
      {"cvt.rzi.s64.f64 %rd0, 0dC00C000000000000;", static_cast<std::uint64_t>(-3)},  // -3.5
      {"cvt.rmi.f64.f64 %rd0, 0dC00C000000000000;", std::bit_cast<std::uint64_t>(-4.0)},
      {"div.rn.f64 %rd0, 0d3FF0000000000000, 0d4008000000000000;", std::bit_cast<std::uint64_t>(1.0 / 3.0)},
      {"rsqrt.approx.f64 %rd0, 0d4010000000000000;", std::bit_cast<std::uint64_t>(0.5)},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(result_of(body, true), expected) << body;
  }
}

}  // namespace
}  // namespace ptx
