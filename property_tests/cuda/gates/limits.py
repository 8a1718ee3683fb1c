"""What our kernels may take. These limits hold for every version of nvcc; recorded.json has the exact figures of one."""

from __future__ import annotations

from dataclasses import dataclass

from ptx_text import Kernel
from ptxas import Use

REGISTERS = 65_536  # of a multiprocessor, and so of a block, on every architecture from sm_75 on
SHARED = {75: 64 * 1024, 80: 163 * 1024, 90: 227 * 1024}  # bytes of a block, opted in

# Instructions on doubles, by kernel: sums of squares, their mean, and the norm. All other arithmetic is in float.
SUM_OF_SQUARES = {"add", "cvt", "fma"}
DOUBLES = {
    "sort_gap": SUM_OF_SQUARES | {"div"},
    "long_gap": SUM_OF_SQUARES,
    "add_partials": {"add", "cvt", "div"},
    "npsgd_move": SUM_OF_SQUARES,
    "npsgd_project": {"add", "cvt", "sqrt", "setp", "div", "mul"},
}


@dataclass(frozen=True)
class Ceiling:
    """Of a kernel inside CUB: bytes, and registers of a thread."""

    registers: int = 255
    spilled: int = 0
    stack: int = 0


# cub::DeviceSegmentedRadixSort as it comes with CUDA 13.0
CUB = {
    "cub: empty": Ceiling(registers=16),
    "cub: segmented radix sort, pairs, long digits": Ceiling(),
    "cub: segmented radix sort, pairs, short digits": Ceiling(spilled=48, stack=24),
    "cub: segmented radix sort, keys, long digits": Ceiling(spilled=8, stack=8),
    "cub: segmented radix sort, keys, short digits": Ceiling(),
}


@dataclass(frozen=True)
class Shape:
    """How a kernel is launched: threads of a block, bytes of dynamic shared memory."""

    threads: int
    dynamic_shared: int


def over_limits(kernel: Kernel, use: Use, architecture: int, shape: Shape | None) -> list[str]:
    """Sentences that each begin with what is over its limit: registers, spill, stack, shared, double, left to ptxas. Without a shape, what needs one is left
    out."""
    ceiling = Ceiling() if kernel.is_ours else CUB.get(kernel.name)
    if ceiling is None:
        return [f"unknown: {kernel.name} is a kernel of CUB that no ceiling is recorded for"]
    found = []
    spilled = use.spill_stores + use.spill_loads
    if spilled > ceiling.spilled:
        found.append(f"spill: {spilled} bytes are stored and loaded; at most {ceiling.spilled}")
    if use.stack > ceiling.stack:
        found.append(f"stack: {use.stack} bytes; at most {ceiling.stack}")
    if use.registers > ceiling.registers:
        found.append(f"registers: {use.registers} of a thread; at most {ceiling.registers}")
    if shape is not None and use.registers * shape.threads > REGISTERS:
        found.append(f"registers: {use.registers} of {shape.threads} threads are {use.registers * shape.threads}; a block has {REGISTERS}")
    if shape is not None and use.static_shared + shape.dynamic_shared > SHARED[architecture]:
        found.append(f"shared: {use.static_shared} + {shape.dynamic_shared} bytes; a block of sm_{architecture} has {SHARED[architecture]}")
    if kernel.is_ours:
        allowed = DOUBLES.get(kernel.name.split("<")[0], set())
        strays = {word: count for word, count in kernel.double_precision().items() if word.split(".")[0] not in allowed}
        if strays:
            found.append(f"double: {', '.join(f'{count} {word}' for word, count in strays.items())}")
        if unclear := kernel.left_to_ptxas():
            found.append(f"left to ptxas: {'; '.join(unclear)}")
    return [f"{sentence} [{kernel.name}, sm_{architecture}]" for sentence in found]
