#!/usr/bin/python3
"""What the CUDA kernels were measured to cost, on one device, beside the estimate for it. Prints a section of docs/cuda.md from docs/cuda_measured.json.

cuda_measured.py                                     prints the section
cuda_measured.py --record KEY=VALUE… BENCH NCU TESTS…  writes docs/cuda_measured.json from what was measured:
    BENCH   slicecheck_bench --benchmark_filter=cuda --benchmark_repetitions=9 --benchmark_out=BENCH; of several, separated by commas, the last one counts,
            and LibTorch's least time
    NCU     ncu --profile-from-start off --clock-control none --cache-control none --csv --page raw --metrics … (METRICS below) --log-file NCU
                slicecheck_bench --benchmark_filter=cuda --benchmark_min_time=0
    TESTS   NAME:FILE, the JSON of GoogleTest; several files of one name are added up
    KEYs    device, driver, cuda, libtorch, date, commit, copy (bytes a second), product (float32 operations a second)
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import cuda_estimate as estimate

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "docs/cuda_measured.json"
SOURCES = ("cuda", "loss/cuda", "dynamics/cuda")  # under src/slicecheck

TIME, INSTRUCTIONS = "gpu__time_duration.sum", "smsp__inst_executed.sum"
WAVEFRONTS, WARPS = "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum", "sm__warps_active.avg.pct_of_peak_sustained_active"
METRICS = (TIME, INSTRUCTIONS, WAVEFRONTS, WARPS)
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}


def kernel_sources_hash() -> str:
    """That of slicecheck/cuda/kernel_sources.h, from the sources themselves: cmake/write_kernel_sources_hash.cmake."""
    folders = [ROOT / "src/slicecheck" / folder for folder in SOURCES]
    files = sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file())
    lines = "".join(f"{name}={hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def kernel_name(name: str, threads: int) -> str:
    """As in recorded.json."""
    name = name.removeprefix("void ")
    if name.startswith("cub::DeviceSegmentedRadixSort"):
        return f"cub: segmented radix sort, {'keys' if 'NullType' in name else 'pairs'}, {'long' if threads == 192 else 'short'} digits"
    short = re.match(r"(?:\w+::)*(\w+)(?:<(?:(?:\w+::)*SlabShape<)?(\d+), (\d+))?", name)
    if short is None:
        raise ValueError(f"a kernel of an unknown name: {name}")
    return short[1] if short[2] is None else f"{short[1]}<{short[2]}, {short[3]}>"


def launches(path: Path) -> list[dict[str, Any]]:
    """The launches that ncu saw, in their order."""
    text = path.read_text()
    rows = list(csv.DictReader(io.StringIO(text[text.index('"ID"') :])))
    units, out = rows[0], []
    for row in rows[1:]:
        grid, block = (tuple(int(word) for word in re.findall(r"\d+", row[what])) for what in ("Grid Size", "Block Size"))
        number = {metric: float(row[metric].replace(",", "")) for metric in METRICS}
        out.append(
            {
                "kernel": kernel_name(row["Kernel Name"], block[0]),
                "grid": grid,
                "seconds": number[TIME] * UNITS[units[TIME]],
                "instructions": number[INSTRUCTIONS],
                "wavefronts": number[WAVEFRONTS],
                "warps": number[WARPS] / 100.0,
            }
        )
    return out


def by_kernel(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The launches of one call, added up by kernel; `warps` is the mean over time of the share of warps that are there."""
    out = []
    for kernel in dict.fromkeys(one["kernel"] for one in seen):
        these = [one for one in seen if one["kernel"] == kernel]
        total = {what: sum(one[what] for one in these) for what in ("seconds", "instructions", "wavefronts")}
        warps = sum(one["warps"] * one["seconds"] for one in these) / total["seconds"]
        out.append({"kernel": kernel, "launches": len(these), **total, "warps": round(warps, 4)})
    return out


def calls_of(seen: list[dict[str, Any]], bench: list[tuple[int, ...]]) -> list[list[dict[str, Any]]]:
    """The launches of each benchmark's call: one of the loss ends when all its directions have been projected and the next one's projection, or a step, begins;
    a step is npsgd_move and npsgd_project."""
    out, left = [], list(seen)
    for sizes in bench:
        call: list[dict[str, Any]] = []
        directions = 0
        while left:
            kernel = left[0]["kernel"]
            first = kernel in ("project", "npsgd_move")
            if first and call and (len(sizes) == 1 or directions >= sizes[2]):
                break
            if kernel == "project":
                directions += estimate.TILE * left[0]["grid"][1]
            call.append(left.pop(0))
        out.append(call)
    if left:
        raise ValueError(f"{len(left)} launches belong to no benchmark")
    return out


def record(words: list[str]) -> None:
    keys = dict(word.split("=", 1) for word in words if "=" in word)
    bench_path, ncu_path, *test_paths = (word for word in words if "=" not in word)
    iterations: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    libtorch: dict[tuple[int, ...], float] = {}
    for path in bench_path.split(","):
        iterations.clear()
        for one in json.loads(Path(path).read_text())["benchmarks"]:
            if one["run_type"] == "iteration":
                sizes = tuple(int(word) for word in re.findall(r":(\d+)", one["run_name"]))
                iterations.setdefault(sizes, []).append(one)
                if "LibTorch" in one:
                    libtorch[sizes] = min(libtorch.get(sizes, one["LibTorch"]), one["LibTorch"])
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}
    calls = []
    for (sizes, runs), seen in zip(iterations.items(), calls_of(launches(Path(ncu_path)), list(iterations)), strict=True):
        seconds = sorted(run["real_time"] * scale[run["time_unit"]] for run in runs)
        call: dict[str, Any] = {"sizes": sizes, "seconds": statistics.median(seconds), "least": seconds[0], "most": seconds[-1]}
        if sizes in libtorch:
            call["libtorch"] = libtorch[sizes]
        calls.append({**call, "kernels": by_kernel(seen)})
    tests: dict[str, dict[str, int]] = {}
    for word in test_paths:
        name, path = word.split(":", 1)
        of_file = json.loads(Path(path).read_text())
        count = tests.setdefault(name, {"passed": 0, "failed": 0, "skipped": 0})
        skipped = sum(case["result"] == "SKIPPED" for suite in of_file["testsuites"] for case in suite["testsuite"])
        count["failed"] += of_file["failures"] + of_file["errors"]
        count["skipped"] += skipped
        count["passed"] += of_file["tests"] - of_file["failures"] - of_file["errors"] - skipped
    text = json.dumps({**keys, "kernel_sources": kernel_sources_hash(), "tests": tests, "calls": calls}, indent=1)
    MEASURED.write_text(text + "\n")


def costs_of(counts: estimate.Counts, sizes: list[int]) -> list[estimate.Cost]:
    return estimate.step_costs(counts, sizes[0]) if len(sizes) == 1 else estimate.loss_costs(counts, *sizes)


def microseconds(seconds: float) -> str:
    return estimate.number(1e6 * seconds)


def call_table(measured: dict[str, Any], counts: estimate.Counts, device: estimate.Device, size_head: list[str]) -> str:
    rows = []
    with_torch = len(size_head) > 1
    for call in measured["calls"]:
        if len(call["sizes"]) != len(size_head):
            continue
        costs = costs_of(counts, call["sizes"])
        expected, kernels = estimate.total(costs, device), sum(one["seconds"] for one in call["kernels"])
        row = [*(f"{size:,}" for size in call["sizes"]), microseconds(call["seconds"]), f"{microseconds(call['least'])} … {microseconds(call['most'])}"]
        row += [microseconds(kernels), microseconds(expected), estimate.number(call["seconds"] / expected)]
        if with_torch:
            row += [microseconds(call["libtorch"]), estimate.number(call["libtorch"] / call["seconds"])]
        rows.append(row)
    head = [*size_head, "measured µs, median", "least … most", "its kernels, measured µs", "ESTIMATE µs", "measured / ESTIMATE"]
    return estimate.table(head + (["LibTorch, measured µs", "LibTorch / ours"] if with_torch else []), rows)


def kernel_table(measured: dict[str, Any], counts: estimate.Counts, device: estimate.Device) -> str:
    rows = []
    for call in measured["calls"]:
        costs = {cost.kernel: cost for cost in costs_of(counts, call["sizes"])}
        for one in call["kernels"]:
            cost = costs[one["kernel"]]
            expected, limit = cost.seconds(device)
            wavefronts = estimate.number(one["wavefronts"] / (cost.wavefronts * cost.blocks)) if cost.wavefronts else "-"
            name = one["kernel"] if one["kernel"].startswith("cub") else f"`{one['kernel']}`"
            row = [f"({', '.join(f'{size:,}' for size in call['sizes'])})", name, f"{one['launches']}", microseconds(one["seconds"])]
            row += [f"{microseconds(expected)} ({limit})", estimate.number(one["seconds"] / expected), f"{100 * one['warps']:.0f} %"]
            rows.append([*row, estimate.number(one["instructions"] / (cost.instructions * cost.blocks)), wavefronts])
    head = ["sizes", "kernel", "launches", "measured µs", "ESTIMATE µs", "measured / ESTIMATE", "warps, measured"]
    return estimate.table([*head, "instructions, measured / counted in PTX", "wavefronts, measured / counted"], rows)


def report() -> str:
    measured = json.loads(MEASURED.read_text())
    counts = estimate.Counts(json.loads(estimate.RECORDED.read_text()))
    device = next(one for one in (estimate.H200, estimate.H100, estimate.A100) if one.name.split()[0] in measured["device"])
    same = measured["kernel_sources"] == kernel_sources_hash()
    state = "The sources of the kernels are the same now" if same else "**The sources of the kernels have changed since**"
    tests = [[name, *(f"{count[what]}" for what in ("passed", "failed", "skipped"))] for name, count in measured["tests"].items()]
    return f"""MEASURED on one {measured["device"]}, driver {measured["driver"]}, CUDA {measured["cuda"]}, LibTorch {measured["libtorch"]}, on {measured["date"]}; commit {measured["commit"]}.
{state} (hash {measured["kernel_sources"][:12]}). The ESTIMATE beside it takes the peak figures of that device:
{device.multiprocessors} multiprocessors at {device.hertz / 1e9:.2f} GHz, {device.bytes_per_second / 1e12:.3g} TB/s, {device.flops / 1e12:g} TFLOP/s. For comparison, a copy of 4 GB
within the device was measured at {float(measured["copy"]) / 1e12:.3g} TB/s (bytes read and written), cuBLAS's float32 product of 8192×8192 matrices at {float(measured["product"]) / 1e12:.3g} TFLOP/s.

Tests, with SLICECHECK_REQUIRE_GPU=1; those that name a tool of compute-sanitizer ran under it, and it reported nothing:

{estimate.table(["tests", "passed", "failed", "skipped"], tests)}

One call of the loss with its gradient. Times are those between two events around ten calls, the median of nine repetitions; LibTorch's is its own composition (product,
sort, difference, square, mean, backward) on the same device, timed in the same way, the least median of several runs:

{call_table(measured, counts, device, ["n", "d", "L"])}

One step of NPSGD with noise and projection:

{call_table(measured, counts, device, ["parameters"])}

By kernel, from the counters of the device (ncu, clocks and caches left alone). Instructions are warp instructions of the machine code, over those of the PTX that the PTX
machine counts; wavefronts are those of the shared memory:

{kernel_table(measured, counts, device)}
"""


if __name__ == "__main__":
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2:])
    else:
        print(report(), end="")
