/// Parallel loops: every piece once, the same errors for any number of threads.

#include "slicecheck/core/parallel.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "slicecheck/core/calling_thread.h"
#include "slicecheck/core/error.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr std::array<int, 4> kThreads{1, 2, 3, 8};

TEST(ParallelFor, visits_every_index_once) {
  for (const int threads : kThreads) {
    const ScopedThreads scope(threads);
    for (const Index count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      parallel_for(count, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
      for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1) << threads << " threads, " << count;
    }
  }
}

TEST(ParallelFor, what_was_written_is_visible_afterwards) {
  const ScopedThreads scope(2);
  std::vector<double> squares(500);
  parallel_for(500, [&](Index i) { squares[static_cast<std::size_t>(i)] = static_cast<double>(i * i); });
  for (Index i = 0; i < 500; ++i) ASSERT_EQ(squares[static_cast<std::size_t>(i)], static_cast<double>(i * i));
}

TEST(ParallelFor, uses_as_many_threads_as_allowed) {
  const ScopedThreads scope(2);
  // Each of two bodies waits for the other: both see it only if they run at the same time.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::atomic<int> arrived{0};
  std::atomic<int> met{0};
  parallel_for(2, [&](Index) {
    ++arrived;
    while (arrived.load() < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    met += arrived.load() == 2 ? 1 : 0;
  });
  EXPECT_EQ(met.load(), 2);
}

TEST(ParallelFor, throws_the_exception_of_the_smallest_index) {
  for (const int threads : kThreads) {
    const ScopedThreads scope(threads);
    for (int repetition = 0; repetition < 20; ++repetition) {
      try {
        parallel_for(100, [](Index i) {
          if (i % 10 == 7) reject("index {}", i);
        });
        FAIL() << "nothing was thrown";
      } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "index 7") << threads << " threads";
      }
    }
  }
}

TEST(ParallelFor, works_again_after_an_exception) {
  const ScopedThreads scope(2);
  EXPECT_THROW(parallel_for(4, [](Index) { throw std::runtime_error("once"); }), std::runtime_error);
  std::atomic<Index> sum{0};
  parallel_for(4, [&](Index i) { sum += i; });
  EXPECT_EQ(sum.load(), 6);
}

TEST(ParallelFor, nested_loops_run_in_order_on_the_calling_thread) {
  const ScopedThreads scope(2);
  std::atomic<int> wrong{0};
  parallel_for(8, [&](Index) {
    const auto caller = std::this_thread::get_id();
    Index expected = 0;
    parallel_for(10, [&](Index i) { wrong += (i != expected++ || std::this_thread::get_id() != caller) ? 1 : 0; });
    wrong += expected != 10 ? 1 : 0;
  });
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ParallelFor, an_error_in_a_nested_loop_comes_out) {
  const ScopedThreads scope(2);
  EXPECT_THROW(parallel_for(4,
                            [](Index) {
                              parallel_for(3, [](Index j) {
                                if (j == 2) reject("inner");
                              });
                            }),
               InputError);
}

TEST(OnCallingThread, loops_of_its_thread_stay_on_it_and_those_of_others_do_not) {
  const ScopedThreads scope(3);
  const auto elsewhere = [] {
    const std::thread::id here = std::this_thread::get_id();
    std::atomic<int> count{0};
    std::atomic<int> waiting{3};  // three bodies meet, so each needs a thread of its own
    parallel_for(3, [&](Index) {
      if (std::this_thread::get_id() != here) ++count;
      --waiting;
      while (waiting.load() > 0 && !OnCallingThread::active()) std::this_thread::yield();
    });
    return count.load();
  };
  EXPECT_EQ(elsewhere(), 2);
  {
    const OnCallingThread outer;
    {
      const OnCallingThread inner;
      EXPECT_EQ(elsewhere(), 0);
    }
    EXPECT_TRUE(OnCallingThread::active());
    EXPECT_EQ(elsewhere(), 0);
    int of_another_thread = 0;
    std::thread([&] { of_another_thread = elsewhere(); }).join();
    EXPECT_EQ(of_another_thread, 2);
  }
  EXPECT_FALSE(OnCallingThread::active());
  EXPECT_EQ(elsewhere(), 2);
}

TEST(OnCallingThread, bodies_run_in_order_and_errors_come_out) {
  const ScopedThreads scope(2);
  const OnCallingThread on_calling_thread;
  std::vector<Index> order;
  EXPECT_THROW(parallel_for(5,
                            [&](Index i) {
                              order.push_back(i);
                              if (i == 3) reject("three");
                            }),
               InputError);
  EXPECT_EQ(order, (std::vector<Index>{0, 1, 2, 3}));
}

TEST(ThreadCount, is_what_was_set) {
  const ScopedThreads scope(3);
  EXPECT_EQ(thread_count(), 3);
}

TEST(ThreadCount, rejects_less_than_one) {
  const int before = thread_count();
  EXPECT_GE(before, 1);
  EXPECT_THROW(set_thread_count(0), InputError);
  EXPECT_THROW(set_thread_count(-2), InputError);
  EXPECT_EQ(thread_count(), before);
}

}  // namespace
}  // namespace slicecheck::testing
