// Every check of the PTX machine: a planted defect is found, and the kernel without it passes.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "cuda/ptx/machine.h"
#include "cuda/ptx/toys.h"

namespace ptx {
namespace {

/// How a kernel of toys/defects.cu is launched, and what finds its defect.
struct Defect {
  std::string kernel;
  Check check;
  std::string says;  ///< part of the message
  unsigned threads = 64;
  unsigned blocks = 1;
  bool out_written = false;
  unsigned shared_bytes = 0;
};

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.kernel; }

class Defects : public ::testing::TestWithParam<Defect> {
 protected:
  Caught run(bool broken, std::uint64_t seed, Order order) {
    const Defect& defect = GetParam();
    const unsigned n = defect.threads * defect.blocks;
    std::vector<float> in(n);
    std::iota(in.begin(), in.end(), 1.0F);
    std::vector<float> out(n, 1.0F);
    Machine machine(toy_text("defects"));
    machine.options.seed = seed;
    machine.options.order = order;
    machine.options.instruction_limit = 1'000'000;
    add(machine.memory(), in, true, true);
    add(machine.memory(), out, defect.out_written);
    return caught([&] {
      machine.launch(defect.kernel + (broken ? "ILb1E" : "ILb0E"), {defect.blocks}, {defect.threads}, defect.shared_bytes, in.data(), out.data(),
                     static_cast<int>(n));
    });
  }
};

TEST_P(Defects, are_found_in_every_order) {
  for (const Order order : {Order::warps, Order::lanes}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const Caught found = run(true, seed, order);
      EXPECT_EQ(found.check, GetParam().check) << found.message;
      EXPECT_NE(found.message.find(GetParam().says), std::string::npos) << found.message;
    }
  }
}

TEST_P(Defects, twins_without_them_pass) {
  for (const Order order : {Order::warps, Order::lanes}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      EXPECT_EQ(run(false, seed, order).message, "passed");
    }
  }
}

const std::vector<Defect> defects = {
    {"race_within_warp", Check::race, "shared memory with a", 32},
    {"race_between_warps", Check::race, "shared memory with a", 64},
    {"write_after_read", Check::race, "shared memory with", 64},
    {"partial_warp_barrier", Check::race, "shared memory with a", 32},
    {"bytes_beside", Check::race, "shared memory with a write by thread", 128},
    {"race_between_blocks", Check::race, "device memory with a", 64, 3, true},
    {"read_of_other_block", Check::race, "device memory with a", 64, 2, true},
    {"write_that_others_read", Check::race, "device memory with a", 64, 2, true},
    {"atomics_and_plain", Check::race, "shared memory with", 64},
    {"atomics_across_blocks", Check::race, "device memory with a", 64, 3, true},
    {"constant_cache", Check::race, "constant cache", 64, 1, true},
    {"global_bounds", Check::bounds, "outside device memory", 64},
    {"shared_bounds", Check::bounds, "outside shared memory (byte 256 of 256)", 64, 1, false, 256},
    {"local_bounds", Check::bounds, "outside the thread's own memory", 64},
    {"unwritten_shared", Check::unwritten, "shared memory that nothing wrote", 64},
    {"unwritten_global", Check::unwritten, "device memory that nothing wrote", 64},
    {"misaligned", Check::alignment, "no multiple of 8", 64},
    {"barrier_in_a_branch", Check::barrier, "never reach", 64},
    {"barriers_apart", Check::barrier, "lanes of a warp wait at different barriers", 64},
    {"barriers_of_warps_apart", Check::barrier, "warps wait at different barriers", 64},
    {"barrier_after_return", Check::barrier, "never reach", 64},
    {"shuffle_from_outside", Check::warp, "from a lane outside the mask", 32},
    {"shuffle_not_in_mask", Check::warp, "outside its own mask", 32},
    {"shuffle_with_the_gone", Check::warp, "has exited", 32},
    {"shuffle_never_joined", Check::warp, "never reaches", 32},
    {"shuffle_of_nobody", Check::warp, "does not exist", 16},
    {"vote_meets_shuffle", Check::warp, "different warp operations", 32},
    {"write_to_input", Check::read_only, "read-only memory", 64},
    {"write_to_constants", Check::read_only, "variable of the module", 64},
    {"some_of_the_block", Check::unsupported, "a part of the block", 64},
    {"other_barrier", Check::unsupported, "other than number 0", 64},
    {"trap", Check::control, "trap", 64},
    {"division_by_zero", Check::arithmetic, "division by zero", 64},
    {"endless", Check::endless, "limit", 64},
    {"unknown", Check::unsupported, "prefetch", 64},
};

INSTANTIATE_TEST_SUITE_P(machine, Defects, ::testing::ValuesIn(defects), [](const auto& defect) { return defect.param.kernel; });

/// A module of one kernel `k` with a 64-bit parameter `p` and some registers.
std::string module_of(const std::string& body) {
  return ".version 9.0\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p) {\n.reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<4>;\n" + body +
         "\n}\n";
}

Caught run_text(const std::string& body) {
  std::vector<std::uint32_t> out(32);
  return caught([&] {
    Machine machine(module_of(body));
    add(machine.memory(), out, true);
    machine.launch("k", {1}, {1}, 0, out.data());
  });
}

TEST(PtxMachine, what_it_does_not_know_is_refused_by_name_when_it_is_executed) {
  const std::vector<std::pair<std::string, std::string>> unknown = {
      {"frobnicate.u32 %r1, %r2;", "instruction in 'frobnicate.u32 %r1, %r2'"},
      {"add.sat.s32 %r1, %r2, %r3;", "modifier .sat"},
      {"add.ftz.f32 %r1, %r2, %r3;", "operation in"},
      {"add.u32 %r1, %r2;", "operands"},
      {"add.u64 %rd1, %rd2, %r3;", "register of 32 bits where 64 are read"},
      {"mov.u32 %r1, %clock;", "name '%clock'"},
      {"shl.b32 %r1, %r2, %r99;", "name '%r99'"},
      {"bra NOWHERE;", "label 'NOWHERE'"},
      {"atom.global.add.f16 %r1, [%rd1], %r2;", "atomic operation of this type"},
      {"cvt.rn.f16.f32 %r1, %r2;", "half precision"},
      {"shfl.down.b32 %r1, %r2, 1, 31;", "without .sync"},
      {"call.uni (), elsewhere, ();", "instruction in 'call.uni"},
      {"ld.v8.u32 %r1, [%rd1];", "modifier .v8"},
      {"bar.arrive 0, 64;", "barrier"},
  };
  for (const auto& [statement, says] : unknown) {
    const Caught found = run_text(statement + "\nret;");
    EXPECT_EQ(found.check, Check::unsupported) << statement << ": " << found.message;
    EXPECT_NE(found.message.find(says), std::string::npos) << statement << ": " << found.message;
    EXPECT_EQ(run_text("bra DONE;\n" + statement + "\nDONE: ret;").message, "passed") << statement;
    EXPECT_EQ(run_text("setp.ne.u32 %p1, 1, 1;\n@%p1 " + statement + "\nret;").message, "passed") << statement;
  }
}

TEST(PtxMachine, the_end_without_a_return_is_refused) {
  EXPECT_EQ(run_text("add.u32 %r1, %r2, 3;").check, Check::control);
  EXPECT_EQ(run_text("add.u32 %r1, %r2, 3;\nret;").message, "passed");
}

TEST(PtxMachine, a_message_says_where) {
  const Caught found = run_text("ld.param.u64 %rd1, [p];\n.loc 1 77 3\nst.global.u32 [%rd1+128], 1;\nret;");
  EXPECT_EQ(found.check, Check::bounds);
  EXPECT_NE(found.message.find("kernel k, block (0, 0, 0), thread 0: line 77: st.global.u32 [%rd1+128], 1"), std::string::npos) << found.message;
}

TEST(PtxMachine, a_module_that_cannot_be_read_is_refused) {
  EXPECT_EQ(caught([] { Machine machine(".version 9.0\n.visible .entry k() { ret;"); }).check, Check::unsupported);
  EXPECT_EQ(caught([] { Machine machine(".version 9.0\n.tex .u64 t;"); }).check, Check::unsupported);
  EXPECT_EQ(run_text(".frob 3;\nret;").check, Check::unsupported);
  EXPECT_EQ(run_text("L: ret;\nL: ret;").check, Check::unsupported);
}

TEST(PtxMachine, launches_that_cannot_be_made_are_refused) {
  Machine machine(toy_text("behaviour"));
  std::vector<float> out(64);
  add(machine.memory(), out, false);
  const auto launch = [&](auto... arguments) { return caught([&] { machine.launch("global_stride", {1}, {32}, 0, arguments...); }).check; };
  EXPECT_EQ(launch(out.data(), 0, 1), std::nullopt);
  EXPECT_EQ(launch(out.data(), 0), Check::launch);
  EXPECT_EQ(launch(out.data(), 0, std::int64_t{1}), Check::launch);
  EXPECT_EQ(caught([&] { machine.launch("global", {1}, {32}, 0, out.data(), 0, 1); }).check, Check::launch) << "several match";
  EXPECT_EQ(caught([&] { machine.launch("nothing", {1}, {32}, 0); }).check, Check::launch);
  EXPECT_EQ(caught([&] { machine.launch("sort_and_sumILb0E", {1}, {256}, 0, out.data(), out.data(), out.data(), 3); }).check, Check::launch)
      << "__launch_bounds__(128)";
  EXPECT_EQ(caught([&] { machine.launch("global_stride", {0}, {32}, 0, out.data(), 0, 1); }).check, Check::launch);
}

TEST(PtxMachine, memory_that_was_removed_is_out_of_bounds) {
  Machine machine(toy_text("behaviour"));
  std::vector<float> out(64);
  add(machine.memory(), out, false);
  EXPECT_FALSE(machine.memory().is_written(out.data(), 128));
  machine.launch("global_stride", {1}, {32}, 0, out.data(), 0, 1);
  EXPECT_TRUE(machine.memory().is_written(out.data(), 128));
  EXPECT_FALSE(machine.memory().is_written(out.data(), 132));
  machine.memory().remove(out.data());
  EXPECT_EQ(caught([&] { machine.launch("global_stride", {1}, {32}, 0, out.data(), 0, 1); }).check, Check::bounds);
}

TEST(PtxMachine, two_launches_do_not_race) {
  Machine machine(toy_text("behaviour"));
  std::vector<float> out(64);
  add(machine.memory(), out, false);
  for (int i = 0; i < 3; ++i) {
    machine.launch("global_stride", {1}, {32}, 0, out.data(), 0, 1);
  }
  EXPECT_EQ(machine.counters.at("global_stride").launches, 3U);
}

TEST(PtxMachine, the_hash_is_that_of_the_code) {
  const std::string code = "add.u32 %r1, %r2, 3;\nret;";
  const std::uint64_t hash = Machine(module_of(code)).hash("k");
  EXPECT_EQ(hash, Machine(module_of("// a remark\n.loc 1 5 2\nadd.u32 %r1, %r2, 3;\n\n\t.loc 1 6 2\n   ret;")).hash("k"));
  EXPECT_NE(hash, Machine(module_of("add.u32 %r1, %r2, 4;\nret;")).hash("k"));
  EXPECT_NE(hash, Machine(module_of("add.u32 %r1, %r2, 3;\nbar.sync 0;\nret;")).hash("k"));
}

}  // namespace
}  // namespace ptx
