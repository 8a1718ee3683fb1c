// Compiled without instrumentation of ThreadSanitizer and AddressSanitizer: the scheduler's own accesses are not the kernel's.
#include "fibre_switch.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "sanitizers.h"

#if !defined(__x86_64__)
#error "The switch between fibres is written for x86-64."
#endif

// A stack that is not in use ends in r15, r14, r13, r12, rbx, rbp and the address to go on at.
//
// The two operations that a kernel waits in return by a jump: a processor predicts a `ret` to go to the latest call, which another fibre made elsewhere.
#define SAVE_REGISTERS                      \
  "pushq %rbp\n .cfi_adjust_cfa_offset 8\n" \
  ".cfi_rel_offset %rbp, 0\n"               \
  "pushq %rbx\n .cfi_adjust_cfa_offset 8\n" \
  "pushq %r12\n .cfi_adjust_cfa_offset 8\n" \
  "pushq %r13\n .cfi_adjust_cfa_offset 8\n" \
  "pushq %r14\n .cfi_adjust_cfa_offset 8\n" \
  "pushq %r15\n .cfi_adjust_cfa_offset 8\n"
#define LOAD_REGISTERS "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
#define BEGIN_FUNCTION(name) ".globl " name "\n .hidden " name "\n .type " name ",@function\n" name ":\n .cfi_startproc\n"
#define END_FUNCTION(name) ".cfi_endproc\n .size " name ",.-" name "\n"

// clang-format off
asm(".text\n"
    BEGIN_FUNCTION("cuda_on_host_switch_stack")
    SAVE_REGISTERS
    "movq %rsp, (%rdi)\n"
    "movq %rsi, %rsp\n"
    LOAD_REGISTERS
    "ret\n"
    END_FUNCTION("cuda_on_host_switch_stack")

    BEGIN_FUNCTION("cuda_on_host_block_barrier")
    SAVE_REGISTERS
    "movq %rsp, %rcx\n"  // the argument after vote and place
    "subq $8, %rsp\n .cfi_adjust_cfa_offset 8\n"
    "call cuda_on_host_arrive_at_block\n"
    "movq %rax, %rsp\n"
    LOAD_REGISTERS
    "popq %rcx\n"
    "jmp *%rcx\n"
    END_FUNCTION("cuda_on_host_block_barrier")

    BEGIN_FUNCTION("cuda_on_host_warp_operation")
    SAVE_REGISTERS
    "movq %rsp, %rax\n"
    "pushq %rax\n .cfi_adjust_cfa_offset 8\n"  // the seventh argument
    "call cuda_on_host_arrive_at_warp\n"
    "movq %rax, %rsp\n"
    LOAD_REGISTERS
    "popq %rcx\n"
    "jmp *%rcx\n"
    END_FUNCTION("cuda_on_host_warp_operation"));
// clang-format on

namespace cuda_on_host {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSavedRegisters = 6;
constexpr std::size_t kStacksOfRegion = 32;
// Tops of stacks at the same place of their pages would share few lines of the cache, so they are moved by different numbers of lines.
constexpr std::size_t kColours = 29;
constexpr std::size_t kColourBytes = 576;  // nine lines
constexpr std::size_t kPlainStack = std::size_t{64} << 10;
constexpr std::size_t kSanitizedStack = std::size_t{256} << 10;  // a sanitizer writes its report on the stack of the thread

std::size_t stack_bytes() { return under_a_sanitizer() ? kSanitizedStack : kPlainStack; }
/// From one stack to the next: a page that must not be touched, the stack, and room for its colour.
std::size_t pitch() { return kPage + stack_bytes() + (kColours * kColourBytes / kPage + 1) * kPage; }

}  // namespace

Stacks::~Stacks() {
  for (void* region : regions_) munmap(region, kStacksOfRegion * pitch());
}

void Stacks::prepare(Flow& flow, std::size_t index, void (*entry)()) {
  while (index / kStacksOfRegion >= regions_.size()) {
    void* region = mmap(nullptr, kStacksOfRegion * pitch(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) throw std::bad_alloc();
    for (std::size_t i = 0; i < kStacksOfRegion; ++i) mprotect(static_cast<char*>(region) + i * pitch(), kPage, PROT_NONE);
    regions_.push_back(region);
  }
  char* bottom = static_cast<char*>(regions_[index / kStacksOfRegion]) + index % kStacksOfRegion * pitch() + kPage;
  flow.stack_bottom = bottom;
  flow.stack_bytes = stack_bytes() + index % kColours * kColourBytes;
  if (under_asan()) __asan_unpoison_memory_region(bottom, flow.stack_bytes);  // what an abandoned thread left
  auto** top = reinterpret_cast<void**>(bottom + flow.stack_bytes);
  *--top = nullptr;  // the return address of `entry`; with it the stack is aligned as at a call
  *--top = reinterpret_cast<void*>(entry);
  for (std::size_t i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  flow.stack_pointer = top;
  flow.asan_stack = nullptr;
}

void adopt_host(Flow& host) {
  if (under_tsan()) host.tsan_fibre = __tsan_get_current_fiber();
  if (!under_asan()) return;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  pthread_attr_getstack(&attributes, &host.stack_bottom, &host.stack_bytes);
  pthread_attr_destroy(&attributes);
}

void switch_flow_with_sanitizers(Flow& from, Flow& to) {
  constexpr unsigned no_order = 1;
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(to.tsan_fibre, no_order);
  if (__sanitizer_start_switch_fiber != nullptr) __sanitizer_start_switch_fiber(&from.asan_stack, to.stack_bottom, to.stack_bytes);
  cuda_on_host_switch_stack(&from.stack_pointer, to.stack_pointer);
  if (__sanitizer_finish_switch_fiber != nullptr) __sanitizer_finish_switch_fiber(from.asan_stack, nullptr, nullptr);
}

void arrive_on_stack() {
  if (__sanitizer_finish_switch_fiber != nullptr) __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

}  // namespace cuda_on_host
