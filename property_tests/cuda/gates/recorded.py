"""recorded.json: the exact figures of one version of nvcc.

    nvcc            the version
    architectures   by architecture and kernel: registers, stack, spills, static shared memory, instructions on doubles, hash of the PTX
    counts          what the PTX machine counted: one entry a run, by kernel
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limits import Shape
from ptx_text import demangled, name_of

RECORDED = Path(__file__).resolve().parent / "recorded.json"

# The runs that are counted: each tile full, each kernel of the gradient, a batch beyond the largest tile, a step.
RUNS = [
    "loss n=32 d=3 count=64",
    "loss n=128 d=3 count=64",
    "loss n=512 d=3 count=64",
    "loss n=1024 d=64 count=64",
    "loss n=256 d=784 count=64",
    "loss n=64 d=20 count=128",
    "loss n=2048 d=2 count=2",
    "loss n=4096 d=2 count=2",
    "loss n=8192 d=2 count=2",
    "loss n=16384 d=2 count=2",
    "step size=65536",
]


def named(counts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts as the program prints them, with kernels by their names for people."""
    out = []
    for run in counts:
        symbols = list(run["kernels"])
        names = [name_of(symbol, declaration) for symbol, declaration in zip(symbols, demangled(symbols), strict=True)]
        out.append({"run": run["run"], "kernels": {name: run["kernels"][symbol] for name, symbol in sorted(zip(names, symbols, strict=True))}})
    return out


def different_counts(recorded: list[dict[str, Any]], measured: list[dict[str, Any]]) -> list[str]:
    """One line a count that is not the recorded one. `measured` is as the program prints it; its runs have to be recorded."""
    by_run = {tuple(sorted(run["run"].split())): run["kernels"] for run in recorded}
    found = []
    for run in named(measured):
        known = by_run.get(tuple(sorted(run["run"].split())))
        if known is None:
            found.append(f"{run['run']}: nothing is recorded for this run")
            continue
        for kernel in sorted(known.keys() | run["kernels"].keys()):
            old, new = known.get(kernel, {}), run["kernels"].get(kernel, {})
            different = [what for what in sorted(old.keys() | new.keys()) if old.get(what) != new.get(what)]
            found += [f"{run['run']}, {kernel}: {what} {new.get(what)}, recorded {old.get(what)}" for what in different]
    return found


def shapes_of(counts: list[dict[str, Any]]) -> dict[str, Shape]:
    """How each kernel is launched, from recorded counts: the most threads and the most shared memory."""
    shapes: dict[str, Shape] = {}
    for run in counts:
        for kernel, count in run["kernels"].items():
            old = shapes.get(kernel, Shape(0, 0))
            shapes[kernel] = Shape(max(old.threads, count["threads"]), max(old.dynamic_shared, count["dynamic_shared"]))
    return shapes
