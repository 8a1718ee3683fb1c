// Compiled without instrumentation of ThreadSanitizer and AddressSanitizer: the scheduler's own accesses are not the kernel's.
#include "block_runner.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "sanitizers.h"

namespace cuda_on_host {

constinit thread_local const ThreadPosition* current_thread = nullptr;
constinit thread_local const BlockPosition* current_block = nullptr;

namespace {

// The runner of this host thread, while it runs a grid.
[[gnu::tls_model("initial-exec")]] constinit thread_local BlockRunner* active = nullptr;

constexpr std::size_t kLaneOrders = 256;

/// SplitMix64: a permutation of the 64-bit words.
std::uint64_t mix(std::uint64_t word) {
  word += 0x9E37'79B9'7F4A'7C15U;
  word = (word ^ word >> 30) * 0xBF58'476D'1CE4'E5B9U;
  word = (word ^ word >> 27) * 0x94D0'49BB'1331'11EBU;
  return word ^ word >> 31;
}

std::uint64_t first_seed() {
  const char* given = std::getenv("CUDA_ON_HOST_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

/// What kernels ask for, while a grid runs; an exception takes it away too.
class RunningGrid {
 public:
  RunningGrid(BlockRunner* runner, const BlockPosition* position) {
    active = runner;
    current_block = position;
  }
  RunningGrid(const RunningGrid&) = delete;
  RunningGrid& operator=(const RunningGrid&) = delete;
  ~RunningGrid() {
    active = nullptr;
    current_block = nullptr;
    current_thread = nullptr;
  }
};

}  // namespace

BlockRunner::BlockRunner() : sanitized_(under_a_sanitizer()), seed_(first_seed()), random_(mix(seed_)), lane_orders_(kLaneOrders) {
  for (LaneOrder& order : lane_orders_) {
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    for (unsigned i = kLanes; i > 1; --i) std::swap(order[i - 1], order[draw() % i]);
  }
}

BlockRunner& BlockRunner::mine() {
  thread_local BlockRunner runner;
  return runner;
}

// The order of the fibres.

std::uint64_t BlockRunner::draw() { return random_ = mix(random_); }

/// All threads are ready, in a new order.
void BlockRunner::new_round() {
  for (std::size_t i = warp_order_.size(); i > 1; --i) std::swap(warp_order_[i - 1], warp_order_[draw() % i]);
  warp_position_ = 0;
  warp_ = &warps_[warp_order_[0]];
  for (Warp& warp : warps_) {
    const std::uint64_t word = draw();
    warp.ready = warp.present;
    warp.order = &lane_orders_[word % kLaneOrders];
    warp.cursor = static_cast<unsigned>(word >> 32) % kLanes;
  }
}

/// No lane of `warp_` is ready, and none will be in this round. Goes on to a warp with a ready lane; returns false when all threads have ended.
bool BlockRunner::next_warp() {
  for (;;) {
    if (warp_->open_meetings != 0) fail_stuck();
    if (++warp_position_ == warp_order_.size()) break;
    warp_ = &warps_[warp_order_[warp_position_]];
    if (warp_->ready != 0) return true;
  }
  if (ended_ != threads_) fail_stuck();
  return false;
}

/// The fibre to go on with: a lane of the same warp where one is ready; the host when all threads have ended.
inline Flow& BlockRunner::choose_next() {
  if (warp_->ready == 0 && !next_warp()) return host_;
  Fibre& next = warp_->next_fibre();
  running_ = &next;
  current_thread = &next.position;
  return next;
}

/// Lets other fibres run until this one is chosen again.
void BlockRunner::wait() {
  Flow& self = *running_;
  Flow& next = choose_next();
  if (&next != &self) switch_flow(self, next, sanitized_);
}

inline void* BlockRunner::arrive_at_block(bool vote, Place place, void* stack_pointer) {
  Barrier& barrier = barriers_[turn_ & 1U];
  if (barrier.arrived == 0)
    barrier.place = place;
  else if (!(barrier.place == place)) [[unlikely]]
    fail_at_barrier(place);
  if (vote) ++barrier.votes;
  Fibre& self = *running_;
  warp_->ready &= ~(1U << self.position.lane);
  if (sanitized_) [[unlikely]]
    release(&barrier.memory_order);
  if (++barrier.arrived == threads_) {
    position_.votes = barrier.votes;
    barrier.arrived = barrier.votes = 0;
    ++turn_;
    new_round();
  }
  if (sanitized_) [[unlikely]] {
    races_.note_stack(self, stack_pointer);
    wait();
    acquire(&barrier.memory_order);
    return stack_pointer;
  }
  self.stack_pointer = stack_pointer;
  return choose_next().stack_pointer;
}

inline void* BlockRunner::arrive_at_warp(WarpOperation operation, unsigned mask, std::uint64_t word, unsigned source, Place place, void* stack_pointer) {
  Warp& warp = *warp_;
  Fibre& self = *running_;
  const unsigned lane = self.position.lane;
  WarpMeeting* meeting = warp.meeting(lane, operation, mask, place);
  if (meeting == nullptr) [[unlikely]]
    fail_in_warp(operation, mask, place);
  if ((mask >> source & 1U) == 0) [[unlikely]]
    fail_at_source(source, place);
  warp.words[lane] = word;
  warp.sources[lane] = static_cast<std::uint8_t>(source);
  if (warp.arrive(lane, *meeting)) {
    if (operation == WarpOperation::barrier) races_.order_lanes(warp, mask, self);
    return stack_pointer;
  }
  if (sanitized_) [[unlikely]] {
    races_.note_stack(self, stack_pointer);
    wait();
    return stack_pointer;
  }
  self.stack_pointer = stack_pointer;
  return choose_next().stack_pointer;
}

// Faults. The fibre that calls never goes on, so it must own no memory then.

void BlockRunner::fail_at_barrier(Place place) {
  note_fault("threads wait at different barriers: at " + to_string(barriers_[turn_ & 1U].place) + " and at " + to_string(place));
  leave();
}

void BlockRunner::fail_in_warp(WarpOperation operation, unsigned mask, Place place) {
  note_fault(warp_->misfit(running_->position.lane, operation, mask, place));
  leave();
}

void BlockRunner::fail_at_source(unsigned source, Place place) {
  note_fault("a shuffle from lane " + std::to_string(source) + ", which is outside the mask, at " + to_string(place));
  leave();
}

/// No thread can go on, and not all have ended.
void BlockRunner::fail_stuck() {
  const Barrier& barrier = barriers_[turn_ & 1U];
  if (warp_->open_meetings != 0)
    note_fault(warp_->stuck());
  else
    note_fault("some threads never reach a barrier of the block: " + std::to_string(barrier.arrived) + " of " + std::to_string(threads_) + " wait at " +
               to_string(barrier.place) + ", " + std::to_string(ended_) + " have ended");
  leave();
}

void BlockRunner::note_fault(const std::string& what) {
  const uint3 block = position_.block;
  fault_ = what + " (block " + std::to_string(block.x) + "," + std::to_string(block.y) + "," + std::to_string(block.z) + ", thread " +
           std::to_string(running_ - fibres_.data()) + ")";
}

void BlockRunner::leave() {
  switch_flow(*running_, host_, sanitized_);
  std::abort();
}

// Blocks and grids.

void BlockRunner::fibre_main() {
  arrive_on_stack();
  BlockRunner& runner = *active;
  for (;;) {
    try {
      runner.body_(runner.argument_);
    } catch (...) {
      runner.exception_ = std::current_exception();
      if (under_msan()) __msan_unpoison(&runner.exception_, sizeof runner.exception_);  // written by the standard library, which is not instrumented
    }
    if (runner.exception_) runner.leave();
    runner.races_.note_stack(*runner.running_, __builtin_frame_address(0));
    runner.races_.end_thread();
    const unsigned bit = 1U << runner.running_->position.lane;
    runner.warp_->ready &= ~bit;
    runner.warp_->ended |= bit;
    ++runner.ended_;
    runner.wait();
  }
}

void BlockRunner::prepare_fibres(dim3 block) {
  threads_ = block.x * block.y * block.z;
  if (fibres_.size() < threads_) fibres_.resize(threads_);
  for (unsigned i = 0; i < threads_; ++i) {
    Fibre& fibre = fibres_[i];
    fibre.position = {{i % block.x, i / block.x % block.y, i / block.x / block.y}, i % kLanes, 0};
    if (fibre.stack_pointer == nullptr) stacks_.prepare(fibre, i, &BlockRunner::fibre_main);
  }
  warps_.resize((threads_ + kLanes - 1) / kLanes);
  for (std::size_t w = 0; w < warps_.size(); ++w) {
    warps_[w].lanes = &fibres_[w * kLanes];
    warps_[w].present = ~0U >> (kLanes - std::min<std::size_t>(kLanes, threads_ - w * kLanes));
  }
  warp_order_.resize(warps_.size());
  std::iota(warp_order_.begin(), warp_order_.end(), 0U);
}

void BlockRunner::run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, void (*body)(const void*), const void* argument) {
  prepare_fibres(block);
  adopt_host(host_);
  const RunningGrid running(this, &position_);
  body_ = body;
  argument_ = argument;
  position_ = {{0, 0, 0}, block, grid, nullptr, 0};
  std::uint64_t number = 0;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        position_.block = {x, y, z};
        position_.dynamic_shared = shared_.start_block(shared_bytes);
        run_block(number++);
      }
  races_.end_grid(fibres_);
  shared_.end_grid();
}

void BlockRunner::run_block(std::uint64_t number) {
  random_ = mix(seed_ ^ mix(number));
  turn_ = ended_ = 0;
  for (Barrier& barrier : barriers_) barrier.arrived = barrier.votes = 0;
  for (Warp& warp : warps_) warp.start_block();
  races_.start_block(fibres_, threads_, host_);
  new_round();
  switch_flow(host_, choose_next(), sanitized_);
  if (exception_ || !fault_.empty()) abandon();
}

/// The fibres stay where they are: their stacks are prepared again for the next launch.
void BlockRunner::abandon() {
  for (Fibre& fibre : fibres_) fibre.stack_pointer = nullptr;
  races_.abandon(fibres_, host_);
  shared_.end_grid();
  std::string fault;
  std::swap(fault, fault_);
  if (const std::exception_ptr thrown = std::exchange(exception_, nullptr)) std::rethrow_exception(thrown);
  throw KernelFault(fault);
}

void* block_storage(unsigned slot) { return active->block_storage(slot); }

}  // namespace cuda_on_host

void* cuda_on_host_arrive_at_block(bool vote, cuda_on_host::Place place, void* stack_pointer) {
  return cuda_on_host::active->arrive_at_block(vote, place, stack_pointer);
}

void* cuda_on_host_arrive_at_warp(cuda_on_host::WarpOperation operation, unsigned mask, std::uint64_t word, unsigned source, cuda_on_host::Place place,
                                  void* stack_pointer) {
  return cuda_on_host::active->arrive_at_warp(operation, mask, word, source, place, stack_pointer);
}
