#pragma once
/// Memory that an evaluation takes beyond its arguments.

namespace slicecheck::benchmarks {

/// What `slicecheck_bench --measure-memory n d L threads` does in a process of its own: evaluates the cpu loss with its gradient once, in single precision, and
/// prints two numbers: the bytes that were allocated at most at one time beyond those before, and how many of them the result holds.
int measure_memory(int argc, char** argv);

}  // namespace slicecheck::benchmarks
