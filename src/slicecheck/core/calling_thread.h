#pragma once
/// Parallel loops kept on the thread that starts them, for work that calls back into code of one thread.

namespace slicecheck {

/// While one lives, every `parallel_for` that its thread starts runs in order on that thread; loops of other threads are not touched. They nest. What a loop
/// computes does not change with it.
class OnCallingThread {
 public:
  OnCallingThread();
  OnCallingThread(const OnCallingThread&) = delete;
  OnCallingThread& operator=(const OnCallingThread&) = delete;
  ~OnCallingThread();

  /// Whether one lives on the calling thread.
  static bool active();
};

}  // namespace slicecheck
