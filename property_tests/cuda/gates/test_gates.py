#!/usr/bin/python3
"""Gates on the machine code of the shipped kernels: what ptxas says, what the PTX holds, what the PTX machine counts.

test_gates.py [CLASS…]     the tests
test_gates.py --record     writes recorded.json anew, with the figures of this nvcc

From the environment: SLICECHECK_CUDA_CODE (the library with the kernels), SLICECHECK_RUN_ON_PTX (the program that runs it on the PTX machine),
SLICECHECK_PTXAS, SLICECHECK_ARCHITECTURES ("75,80,90"). Exit code 77: everything was skipped.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import ptxas
import shipped_code
from limits import Shape, over_limits
from ptx_text import Kernel, kernels
from recorded import RECORDED, RUNS, different_counts, named, shapes_of

SKIPPED = 77
PTXAS = Path(os.environ.get("SLICECHECK_PTXAS", "/usr/local/cuda/bin/ptxas"))
ARCHITECTURES = [int(word) for word in os.environ.get("SLICECHECK_ARCHITECTURES", "75,80,90").split(",")]
NOTES = {".note.nv.tkinfo"}  # the command line and the versions of the tools


@functools.cache
def library() -> tuple[dict[int, list[str]], dict[int, list[bytes]]]:
    """PTX texts and machine code of the shipped library."""
    return shipped_code.device_code(Path(os.environ["SLICECHECK_CUDA_CODE"]))


@functools.cache
def assembled(architecture: int) -> list[tuple[list[Kernel], dict[str, ptxas.Use], bytes]]:
    """For each PTX text of the library: its kernels, what ptxas says about them, the machine code it makes."""
    return [(kernels(text), *ptxas.assemble(PTXAS, text, architecture)) for text in library()[0][architecture]]


def figures(architecture: int) -> dict[str, dict[str, Any]]:
    """What is recorded of each kernel."""
    out = {}
    for found, use, _ in assembled(architecture):
        for kernel in found:
            out[kernel.name] = {**dataclasses.asdict(use[kernel.symbol]), "double": kernel.double_precision(), "ptx": kernel.hash}
    return dict(sorted(out.items()))


@functools.cache
def counts() -> list[dict[str, Any]]:
    """What the PTX machine counts in the recorded runs."""
    words = " -- ".join(RUNS).split()
    run = subprocess.run([os.environ["SLICECHECK_RUN_ON_PTX"], "--counts", *words], capture_output=True, text=True, timeout=600, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stdout + run.stderr)
    return json.loads(run.stdout)


@functools.cache
def recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text())


def version_is_recorded() -> bool:
    return recorded()["nvcc"] == ptxas.version(PTXAS)


class Limits(unittest.TestCase):
    """Of every version of nvcc: no spills, no stack, no stray double, nothing left to ptxas, registers and shared memory of a block; ceilings for CUB."""

    def test_every_kernel_is_within_its_limits(self) -> None:
        shapes = shapes_of(recorded()["counts"])
        for architecture in ARCHITECTURES:
            for found, use, _ in assembled(architecture):
                for kernel in found:
                    with self.subTest(architecture=architecture, kernel=kernel.name):
                        self.assertEqual(over_limits(kernel, use[kernel.symbol], architecture, shapes.get(kernel.name)), [])

    def test_every_kernel_of_ours_has_a_recorded_shape(self) -> None:
        shapes = shapes_of(recorded()["counts"])
        ours = {kernel.name for found, _, _ in assembled(ARCHITECTURES[-1]) for kernel in found if kernel.is_ours}
        self.assertLessEqual(ours, shapes.keys())
        self.assertGreaterEqual(len(ours), 14)


class MachineCode(unittest.TestCase):
    """The machine code of the library is what ptxas makes of the PTX of the library: what is said about the one holds for the other."""

    def test_every_section_is_what_ptxas_makes_of_the_ptx(self) -> None:
        for architecture in ARCHITECTURES:
            shipped = library()[1][architecture]
            made = [machine_code for _, _, machine_code in assembled(architecture)]
            self.assertEqual(len(shipped), len(made))
            for ours, theirs in zip(made, shipped, strict=True):
                ours_by_name, theirs_by_name = shipped_code.sections(ours), shipped_code.sections(theirs)
                self.assertEqual(ours_by_name.keys(), theirs_by_name.keys())
                self.assertGreater(sum(name.startswith(".text.") for name in ours_by_name), 1)
                for name in ours_by_name.keys() - NOTES:
                    self.assertTrue(ours_by_name[name] == theirs_by_name[name], f"sm_{architecture}: {name} differs")

    def test_all_architectures_are_there_with_the_same_kernels(self) -> None:
        ptx, machine_code = library()
        self.assertEqual(sorted(ptx), ARCHITECTURES)
        self.assertEqual(sorted(machine_code), ARCHITECTURES)
        names = [sorted(kernel.name for found, _, _ in assembled(architecture) for kernel in found) for architecture in ARCHITECTURES]
        self.assertTrue(all(some == names[0] for some in names))


class Figures(unittest.TestCase):
    """The exact figures of the recorded version of nvcc."""

    def setUp(self) -> None:
        if not version_is_recorded():
            self.skipTest(f"figures are recorded for nvcc {recorded()['nvcc']}; this is {ptxas.version(PTXAS)}")

    def test_registers_stack_doubles_and_text_are_the_recorded_ones(self) -> None:
        for architecture in ARCHITECTURES:
            known, now = recorded()["architectures"][str(architecture)], figures(architecture)
            self.assertEqual(known.keys(), now.keys())
            for kernel, figure in now.items():
                with self.subTest(architecture=architecture, kernel=kernel):
                    self.assertEqual(figure, known[kernel])


class Counts(unittest.TestCase):
    """Instructions, barriers, wavefronts and sectors of the recorded runs, seed 1."""

    def test_threads_and_shared_memory_are_the_recorded_ones(self) -> None:
        self.assertEqual(shapes_of(named(counts())), shapes_of(recorded()["counts"]))

    def test_counts_are_the_recorded_ones(self) -> None:
        if not version_is_recorded():
            self.skipTest(f"counts are recorded for nvcc {recorded()['nvcc']}; this is {ptxas.version(PTXAS)}")
        self.assertEqual(different_counts(recorded()["counts"], counts()), [])
        self.assertEqual(len(recorded()["counts"]), len(RUNS))


class Defects(unittest.TestCase):
    """Each gate can fail."""

    FREE = ptxas.Use(registers=40, stack=0, spill_stores=0, spill_loads=0, static_shared=0)

    def kernel(self, lines: str, name: str = "project") -> Kernel:
        return Kernel(name, name, f"{name}()\n{{\n{lines}\n}}")

    def found(self, kernel: Kernel, shape: Shape | None = None, **changes: int) -> list[str]:
        return [sentence.split(":")[0] for sentence in over_limits(kernel, dataclasses.replace(self.FREE, **changes), 75, shape)]

    def test_what_ptxas_says(self) -> None:
        kernel = self.kernel("\tadd.f32 \t%f1, %f2, %f3;")
        self.assertEqual(self.found(kernel, Shape(256, 8192)), [])
        self.assertEqual(self.found(kernel, spill_loads=4), ["spill"])
        self.assertEqual(self.found(kernel, stack=8), ["stack"])
        self.assertEqual(self.found(kernel, Shape(512, 0), registers=129), ["registers"])
        self.assertEqual(self.found(kernel, Shape(512, 65536), static_shared=1), ["shared"])

    def test_doubles(self) -> None:
        self.assertEqual(self.found(self.kernel("\tadd.f64 \t%fd1, %fd2, %fd3;")), ["double"])
        self.assertEqual(self.found(self.kernel("\t@%p1 cvt.rn.f32.f64 \t%f1, %fd3;")), ["double"])
        self.assertEqual(self.found(self.kernel("\tld.shared.f64 \t%fd1, [%r1];")), [])
        self.assertEqual(self.found(self.kernel("\tfma.rn.f64 \t%fd1, %fd2, %fd3, %fd4;", "sort_gap<32, 1>")), [])
        self.assertEqual(self.found(self.kernel("\tsqrt.rn.f64 \t%fd1, %fd2;", "sort_gap<32, 1>")), ["double"])

    def test_what_is_left_to_ptxas(self) -> None:
        self.assertEqual(self.found(self.kernel("\tmul.f32 \t%f1, %f2, %f3;\n\tsub.f32 \t%f4, %f5, %f1;")), ["left to ptxas"])
        self.assertEqual(self.found(self.kernel("\tmul.rn.f32 \t%f1, %f2, %f3;\n\tsub.f32 \t%f4, %f5, %f1;")), [])
        self.assertEqual(self.found(self.kernel("\tmul.f32 \t%f1, %f2, %f3;\n\tsub.rn.f32 \t%f4, %f5, %f1;")), [])
        self.assertEqual(self.found(self.kernel("\tmul.f32 \t%f1, %f2, 0f25800000;\n\tadd.f32 \t%f4, %f1, %f1;")), [])
        self.assertEqual(self.found(self.kernel("\tmul.f32 \t%f1, %f2, 0f25800001;\n\tadd.f32 \t%f4, %f1, %f1;")), ["left to ptxas"])
        self.assertEqual(self.found(self.kernel("\tex2.approx.ftz.f32 \t%f1, %f2;")), ["left to ptxas"])

    def test_kernels_of_cub(self) -> None:
        self.assertEqual(self.found(self.kernel("", "cub: of another version")), ["unknown"])
        sort = self.kernel("", "cub: segmented radix sort, pairs, short digits")
        self.assertEqual(self.found(sort, spill_loads=24, spill_stores=24, stack=24), [])
        self.assertEqual(self.found(sort, spill_loads=48, spill_stores=24, stack=32), ["spill", "stack"])

    def test_a_count_that_is_not_the_recorded_one(self) -> None:
        known = [{"run": "step size=1", "kernels": {"npsgd_move": {"instructions": 5}}}]
        symbol = "_ZN10slicecheck4cuda10npsgd_moveENS0_14NpsgdArgumentsE"
        self.assertEqual(different_counts(known, [{"run": "step size=1", "kernels": {symbol: {"instructions": 5}}}]), [])
        self.assertEqual(len(different_counts(known, [{"run": "step size=1", "kernels": {symbol: {"instructions": 6}}}])), 1)
        self.assertEqual(len(different_counts(known, [{"run": "step size=2", "kernels": {symbol: {"instructions": 5}}}])), 1)
        self.assertEqual(len(different_counts(known, [{"run": "step size=1", "kernels": {}}])), 1)


def record() -> None:
    """Writes recorded.json."""
    contents = {
        "nvcc": ptxas.version(PTXAS),
        "architectures": {str(architecture): figures(architecture) for architecture in ARCHITECTURES},
        "counts": named(counts()),
    }
    RECORDED.write_text(json.dumps(contents, indent=1) + "\n")


if __name__ == "__main__":
    if "--record" in sys.argv:
        record()
        sys.exit(0)
    program = unittest.main(exit=False)
    all_skipped = program.result.testsRun > 0 and len(program.result.skipped) == program.result.testsRun
    sys.exit(SKIPPED if all_skipped else not program.result.wasSuccessful())
