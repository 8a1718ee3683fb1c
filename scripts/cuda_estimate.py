#!/usr/bin/python3
"""What the CUDA kernels should cost, on paper. Prints the tables of docs/cuda.md.

Everything is an ESTIMATE, never a measurement (those are in cuda_measured.py). It rests on the figures of property_tests/cuda/gates/recorded.json (registers from
ptxas; instructions, wavefronts and bytes counted by the PTX machine) and on public peak figures. Times are what peak rates allow; PTX instructions stand for
those of the machine.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).resolve().parents[1] / "property_tests/cuda/gates/recorded.json"

# src/slicecheck: tiles.h, project.cuh, slice_sum.cuh, long_gap.cuh, npsgd_step.cuh
TILES = [(32, 1), (32, 4), (128, 4), (128, 8), (256, 8), (256, 16), (512, 16)]
LARGEST = 8192
TILE, DEPTH, SLAB, NARROW = 64, 16, 64, 8
LONG_RANKS = 2048

LOADS = [(64, 2, 64), (256, 784, 128), (512, 2, 256), (1024, 64, 256), (4096, 3, 512), (8192, 2, 1024), (65536, 3, 128)]
STEPS = [10**5, 10**6, 10**7]


@dataclass(frozen=True)
class Device:
    """Public peak figures. A multiprocessor issues 4 warp instructions a cycle and serves one shared-memory wavefront (128 bytes) a cycle."""

    name: str
    multiprocessors: int
    hertz: float
    bytes_per_second: float
    flops: float  # float32, without tensor cores


H100 = Device("H100 SXM", 132, 1.98e9, 3.35e12, 67e12)
H200 = Device("H200 SXM", 132, 1.98e9, 4.8e12, 67e12)
A100 = Device("A100 SXM 80 GB", 108, 1.41e9, 2.039e12, 19.5e12)
LAUNCH = 2e-6  # seconds from one launch to the next in a stream: an assumption, of the size that is commonly reported


@dataclass(frozen=True)
class Architecture:
    """Of a multiprocessor: CUDA C++ Programming Guide, compute capabilities."""

    name: str
    warps: int
    blocks: int
    shared: int
    reserved: int  # bytes of shared memory that the system takes for each block
    granule: int  # shared memory is given out in multiples of it


ARCHITECTURES = {
    "75": Architecture("sm_75", 32, 16, 65536, 0, 256),
    "80": Architecture("sm_80", 64, 32, 167936, 1024, 128),
    "90": Architecture("sm_90", 64, 32, 233472, 1024, 128),
}


def up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def parts(value: int, unit: int) -> int:
    return -(-value // unit)


def blocks_at_once(registers: int, threads: int, shared: int, a: Architecture) -> tuple[int, str]:
    """Blocks of a multiprocessor, and what limits them."""
    warps = parts(threads, 32)
    by_registers = 16384 // up(registers * 32, 256) * 4 // warps  # four quarters of 16,384 registers, given to whole warps
    by_shared = a.shared // up(shared + a.reserved, a.granule) if shared else a.blocks
    return min((by_registers, "registers"), (by_shared, "shared memory"), (a.warps // warps, "warps"), (a.blocks, "blocks"))


class Counts:
    """The recorded counts, by run and kernel."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.runs = {frozenset(run["run"].split()): run["kernels"] for run in recorded["counts"]}

    def of(self, run: str, kernel: str) -> dict[str, int]:
        return self.runs[frozenset(run.split())][kernel]

    def of_block(self, run: str, kernel: str, what: str) -> float:
        count = self.of(run, kernel)
        return count[what] / count["blocks"]


@dataclass(frozen=True)
class Cost:
    """Of the launches of one kernel: bytes of its arrays, each moved once; warp instructions and wavefronts of a block, over its launches."""

    kernel: str
    launches: int
    blocks: int
    bytes: int
    instructions: float
    wavefronts: float

    def seconds(self, device: Device) -> tuple[float, str]:
        """At peak rates, and which rate sets it. The busiest multiprocessor has ⌈blocks / multiprocessors⌉ blocks."""
        share = parts(self.blocks, device.multiprocessors)
        return max(
            (self.bytes / device.bytes_per_second, "memory"),
            (share * self.instructions / (4 * device.hertz), "instructions"),
            (share * self.wavefronts / device.hertz, "shared memory"),
        )


def plane(points: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """a, b, c with a + b·x + c·y = value at three points (x, y, value)."""
    (x1, y1, v1), (x2, y2, v2), (x3, y3, v3) = points
    determinant = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)
    b = ((v2 - v1) * (y3 - y1) - (v3 - v1) * (y2 - y1)) / determinant
    c = ((x2 - x1) * (v3 - v1) - (x3 - x1) * (v2 - v1)) / determinant
    return v1 - b * x1 - c * y1, b, c


PROJECT_RUNS = [("loss n=512 d=3 count=64", 3), ("loss n=1024 d=64 count=64", 64), ("loss n=256 d=784 count=64", 784)]


def project_of_block(counts: Counts, d: int, what: str) -> float:
    """A full block of `project`: a constant, so much for each 16 coordinates that are loaded, so much for each that is summed."""
    points = [(parts(at, DEPTH), float(at), counts.of_block(run, "project", what)) for run, at in PROJECT_RUNS]
    constant, each_load, each = plane(points)
    return constant + each_load * parts(d, DEPTH) + each * d


def asked_bytes(kernel: str, n: int, d: int, count: int) -> int | None:
    """Bytes that the lanes ask for, whether from the memory or a cache: exactly what the PTX machine counts. None for kernels inside CUB."""
    pitch = up(n, 4)
    slabs = parts(count, SLAB)
    name = kernel.split("<")[0]
    if name == "project":
        origins = 2 * parts(pitch, TILE) * parts(count, TILE) * 16 * d  # of each thread, for its coordinate of each 16
        return 4 * (parts(count, TILE) * 2 * n * d + origins + parts(pitch, TILE) * 2 * count * d + 2 * count * pitch)
    if name == "sort_gap":
        return 8 * count * pitch + 4 * count * n + 8 * count
    if name == "sum_slab":
        columns = parts(d, 4 if d <= NARROW else 64)
        return 4 * (columns * count * n + parts(n, 64) * count * d + slabs * n * d)
    if name == "add_slabs":
        return 4 * n * d * (slabs + 1)
    if name == "number_points":
        return 4 * count * n + 8 * count
    if name == "long_gap":
        return 16 * count * n + 8 * count * parts(n, LONG_RANKS)
    if name == "add_partials":
        return 8 * count * (parts(n, LONG_RANKS) + 1)
    return None


def loss_costs(counts: Counts, n: int, d: int, count: int) -> list[Cost]:
    """The kernels of one call with a gradient, in their order."""
    pitch = up(n, 4)
    slabs = parts(count, SLAB)
    blocks = 2 * parts(pitch, TILE) * parts(count, TILE)
    moved = 4 * (2 * n * d + count * d + 2 * count * pitch)
    out = [Cost("project", 1, blocks, moved, project_of_block(counts, d, "warp_instructions"), project_of_block(counts, d, "shared_wavefronts"))]
    if n <= LARGEST:
        threads, items = next(tile for tile in TILES if n <= tile[0] * tile[1])
        kernel = f"sort_gap<{threads}, {items}>"
        run = next(run for run, kernels in counts.runs.items() if kernel in kernels and f"n={threads * items}" in run)
        of_block = [counts.runs[run][kernel][what] / counts.runs[run][kernel]["blocks"] for what in ("warp_instructions", "shared_wavefronts")]
        out.append(Cost(kernel, 1, count, 8 * count * pitch + 4 * count * n + 8 * count, *of_block))
    else:
        out += long_costs(counts, n, count)
    kernel, run = ("sum_slab<64, 4>", "loss n=512 d=3 count=64") if d <= NARROW else ("sum_slab<64, 64>", "loss n=1024 d=64 count=64")
    columns = parts(d, 4 if d <= NARROW else 64)
    of_block = [counts.of_block(run, kernel, what) for what in ("warp_instructions", "shared_wavefronts")]
    out.append(Cost(kernel, 1, parts(n, 64) * columns * slabs, 4 * (count * n + count * d + slabs * n * d), *of_block))
    one, two = (counts.of_block(run, "add_slabs", "warp_instructions") for run in ("loss n=1024 d=64 count=64", "loss n=64 d=20 count=128"))
    out.append(Cost("add_slabs", 1, parts(n * d, 256), 4 * n * d * (slabs + 1), one + (slabs - 1) * (two - one), 0.0))
    return out


def long_costs(counts: Counts, n: int, count: int) -> list[Cost]:
    """The kernels that sort and match beyond the largest tile. CUB takes one block for a direction and 6 passes: two of 6 bits, four of 5 bits; a pass reads
    the keys twice. All of it is linear in n, and taken from the counts at n = 16,384."""
    run, counted = "loss n=16384 d=2 count=2", 16384
    out = []
    for kernel, launches, bytes_each in (
        ("number_points", 1, 4),
        ("cub: segmented radix sort, pairs, long digits", 2, 20),
        ("cub: segmented radix sort, pairs, short digits", 4, 20),
        ("cub: segmented radix sort, keys, long digits", 2, 12),
        ("cub: segmented radix sort, keys, short digits", 4, 12),
        ("long_gap", 1, 16),
    ):
        one_block = kernel.startswith("cub")
        scale = launches * n / counted if one_block else 1.0
        blocks = count if one_block else count * parts(n, LONG_RANKS)
        of_block = [scale * counts.of_block(run, kernel, what) for what in ("warp_instructions", "shared_wavefronts")]
        out.append(Cost(kernel, launches, blocks, launches * bytes_each * n * count, *of_block))
    of_block = [counts.of_block(run, "add_partials", what) for what in ("warp_instructions", "shared_wavefronts")]
    return [*out, Cost("add_partials", 1, parts(count, 256), 8 * count * (parts(n, LONG_RANKS) + 1), *of_block)]


def step_costs(counts: Counts, size: int) -> list[Cost]:
    """The two kernels of a step. Instructions are taken as linear in the number of pairs that a thread moves; shared memory is for the sum of a block alone."""
    run, counted = "step size=65536", 65536
    blocks = min(1024, parts(size, 512))
    scale = size / blocks / (counted / 128)
    kernels = ("npsgd_move", "npsgd_project")
    move, project = ([scale * counts.of_block(run, kernel, "warp_instructions"), counts.of_block(run, kernel, "shared_wavefronts")] for kernel in kernels)
    return [Cost("npsgd_move", 1, blocks, 12 * size + 8 * blocks, *move), Cost("npsgd_project", 1, blocks, 8 * size + 8 * blocks, *project)]


# Bytes of a projected entry in PyTorch's composition, each operation a kernel of its own, float32, each array moved once: both products write 8; the gaps
# 8 + 4, their squares 4 + 4, the sum 4; backward 4 for the expanded sum, 4 + 4 and 8 + 4 for the square, 4 + 8 + 4 + 4 for zeros and scatter of the sort,
# 4 for the product.
TORCH_WITHOUT_SORTS = 8 + 12 + 8 + 4 + 4 + 8 + 12 + 20 + 4
TORCH_LAUNCHES = 16  # at least: two products, two sorts of 3, gaps, square, sum; expand, two for the square, zeros, scatter, product


def torch_sort_bytes(n: int) -> int:
    """Of an entry of one cloud, with its 64-bit index. Up to 4096 points, in one block: indices filled 8, keys copied 4 + 4, keys and indices in and out 24.
    Beyond (128 directions or more): indices filled 8, six passes of CUB's segmented radix sort, each 4 for its histogram, 12 in, 12 out."""
    return 40 if n <= 4096 else 8 + 6 * 28


def torch_bytes(n: int, d: int, count: int) -> int:
    return count * n * (TORCH_WITHOUT_SORTS + 2 * torch_sort_bytes(n)) + 4 * (3 * n * d + 2 * count * d)


def torch_seconds(counts: Counts, n: int, d: int, count: int, device: Device) -> float:
    """At peak rates: three products at the peak of float32, all else at the speed of the memory; a sort takes no fewer instructions than ours, whose keys are
    the same and whose indices are a quarter as long."""
    others = (count * n * TORCH_WITHOUT_SORTS + 4 * (3 * n * d + 2 * count * d)) / device.bytes_per_second
    ours = sum(cost.seconds(device)[0] for cost in loss_costs(counts, n, d, count) if cost.kernel.startswith(("sort_gap", "cub")))
    sorts = max(2 * count * n * torch_sort_bytes(n) / device.bytes_per_second, ours)
    return others + sorts + 6.0 * n * d * count / device.flops


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(0, digits)}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def occupancy_table(recorded: dict[str, Any]) -> str:
    shapes: dict[str, tuple[int, int]] = {}
    for run in recorded["counts"]:
        for kernel, count in run["kernels"].items():
            shapes[kernel] = (count["threads"], count["dynamic_shared"])
    rows = []
    order = [f"sort_gap<{t}, {i}>" for t, i in TILES]
    for kernel in sorted(shapes, key=lambda name: (name.startswith("cub"), name not in order, order.index(name) if name in order else 0, name)):
        threads, dynamic = shapes[kernel]
        cells = [f"`{kernel}`" if not kernel.startswith("cub") else kernel, str(threads)]
        for key, architecture in ARCHITECTURES.items():
            figure = recorded["architectures"][key][kernel]
            shared = dynamic + figure["static_shared"]
            blocks, limit = blocks_at_once(figure["registers"], threads, shared, architecture)
            if key == "75":
                cells.append(f"{shared:,}")
            cells.append(f"{figure['registers']} · {blocks} · {100 * blocks * parts(threads, 32) // architecture.warps} % ({limit})")
        rows.append(cells)
    return table(["kernel", "threads", "shared bytes", *(a.name for a in ARCHITECTURES.values())], rows)


def total(costs: list[Cost], device: Device) -> float:
    return sum(cost.seconds(device)[0] for cost in costs)


def load_table(counts: Counts) -> str:
    rows = []
    for n, d, count in LOADS:
        costs = loss_costs(counts, n, d, count)
        ours, theirs = total(costs, H100), torch_seconds(counts, n, d, count, H100)
        launches = sum(cost.launches for cost in costs)
        longest = max(costs, key=lambda cost: cost.seconds(H100)[0])
        rows.append(
            [
                f"{n:,}",
                f"{d}",
                f"{count:,}",
                f"{launches}",
                number(sum(cost.bytes for cost in costs) / 1e6),
                number(sum(cost.instructions * cost.blocks for cost in costs) / 1e6),
                number(1e6 * ours),
                number(1e6 * total(costs, A100)),
                f"{longest.kernel.removeprefix('cub: ')}: {longest.seconds(H100)[1]}",
                number(torch_bytes(n, d, count) / 1e6),
                number(1e6 * theirs),
                number((theirs + TORCH_LAUNCHES * LAUNCH) / (ours + launches * LAUNCH)),
            ]
        )
    ours_head = ["n", "d", "L", "launches", "MB", "10⁶ warp instructions", "H100 µs", "A100 µs", "longest on H100"]
    head = [*ours_head, "torch MB", "torch H100 µs", "torch / ours, launches included"]
    return table(head, rows)


def kernel_table(counts: Counts) -> str:
    rows = []
    for n, d, count in LOADS:
        for cost in loss_costs(counts, n, d, count):
            seconds, limit = cost.seconds(H100)
            kernel = cost.kernel if cost.kernel.startswith("cub") else f"`{cost.kernel}`"
            amounts = [number(cost.bytes / 1e6), number(cost.instructions), number(cost.wavefronts), f"{number(1e6 * seconds)} ({limit})"]
            rows.append([f"({n:,}, {d}, {count:,})", kernel, f"{cost.blocks:,}", *amounts])
    return table(["(n, d, L)", "kernel", "blocks", "MB", "warp instructions of a block", "wavefronts of a block", "H100 µs"], rows)


def step_table(counts: Counts) -> str:
    rows = []
    for size in STEPS:
        costs = step_costs(counts, size)
        megabytes, instructions = sum(cost.bytes for cost in costs) / 1e6, sum(cost.instructions * cost.blocks for cost in costs) / 1e6
        limits = ", ".join(f"{cost.kernel}: {cost.seconds(H100)[1]}" for cost in costs)
        times = [number(1e6 * total(costs, device)) for device in (H100, A100)]
        rows.append([f"{size:,}", number(megabytes), number(instructions), *times, limits])
    return table(["parameters", "MB", "10⁶ warp instructions", "H100 µs", "A100 µs", "set by, on H100"], rows)


def report() -> str:
    recorded = json.loads(RECORDED.read_text())
    counts = Counts(recorded)
    peaks = "; ".join(
        f"{d.name}: {d.multiprocessors} multiprocessors at {d.hertz / 1e9:.2f} GHz, {d.bytes_per_second / 1e12:.3g} TB/s, {d.flops / 1e12:g} TFLOP/s"
        for d in (H100, A100)
    )
    return f"""**ESTIMATE, not a measurement.** Peak figures: {peaks}. Launches: {LAUNCH * 1e6:g} µs each, assumed.

Occupancy (registers of a thread · blocks of a multiprocessor · share of its warps), ESTIMATE from ptxas (nvcc {recorded['nvcc']}):

{occupancy_table(recorded)}

One call of the loss with its gradient, ESTIMATE:

{load_table(counts)}

The same by kernel, ESTIMATE:

{kernel_table(counts)}

One step of NPSGD with noise and projection, ESTIMATE:

{step_table(counts)}
"""


if __name__ == "__main__":
    print(report(), end="")
