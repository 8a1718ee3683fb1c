#!/usr/bin/python3
"""The table of broken kernels: complete, and made of the kernels that ship. From the environment as run_row.py has it."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

from table import ENGINES, Broken, StaleTable, read_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gates"))
from ptx_text import Kernel, kernels  # noqa: E402
from shipped_code import device_code  # noqa: E402

ARCHITECTURE = 90
LEAST = 15  # rows


def words(kernel: Kernel) -> list[list[str]]:
    """The lines of a kernel without their indentation, which nvcc leaves out of what it embeds."""
    lines = (line.split() for line in kernel.text.splitlines())
    return [line for line in lines if line and not line[0].startswith((".loc", "//"))]


def built_kernels(stub: str) -> dict[str, list[list[str]]]:
    text = (Path(os.environ["SLICECHECK_BROKEN"]) / f"{stub}.ptx").read_text()
    return {kernel.name: words(kernel) for kernel in kernels(text)}


class Table(unittest.TestCase):
    def setUp(self) -> None:
        self.rows, self.stubs = read_table()
        texts = device_code(Path(os.environ["SLICECHECK_CUDA_CODE"]))[0][ARCHITECTURE]
        self.shipped = {kernel.name: words(kernel) for text in texts for kernel in kernels(text) if kernel.is_ours}

    def test_the_unbroken_twins_are_the_shipped_kernels(self) -> None:
        """The same text as in the library, but for the numbers of labels and for indentation."""
        for stub in self.stubs:
            twins = built_kernels(stub)
            self.assertGreater(len(twins), 0)
            for name, text in twins.items():
                with self.subTest(stub=stub, kernel=name):
                    self.assertEqual(text, self.shipped.get(name))

    def test_every_source_with_device_code_and_every_kernel_is_broken_somewhere(self) -> None:
        files = {row.file for row in self.rows}
        for file in ("loss/cuda/project.cuh", "loss/cuda/sort_gap.cuh", "loss/cuda/long_gap.cuh", "loss/cuda/slice_sum.cuh", "loss/cuda/sliced_loss.cu",
                     "dynamics/cuda/npsgd_step.cuh", "dynamics/cuda/normals.cuh", "cuda/block_sum.cuh", "cuda/launch.h", "cuda/buffer.h"):
            self.assertIn(file, files)
        words = " ".join(f"{row.name} {row.inside}" for row in self.rows)
        for kernel in {name.split("<")[0] for name in self.shipped}:
            self.assertIn(kernel, words)

    def test_every_engine_is_seen_to_catch(self) -> None:
        self.assertEqual({row.engine for row in self.rows}, set(ENGINES))
        self.assertGreaterEqual(len(self.rows), LEAST)
        caught = {word for row in self.rows if row.engine == "machine" for word in row.caught.split(" or ")}
        self.assertEqual(caught, {"race", "bounds", "unwritten", "alignment", "warp", "barrier"})

    def test_a_stale_row_is_refused(self) -> None:
        row = self.rows[0]
        fields = {name: getattr(row, name) for name in row.__dataclass_fields__}
        for changes in ({"line": "    nothing of the kind"}, {"becomes": row.line}, {"next": ""}, {"next": "nothing of the kind"}):
            with self.assertRaises(StaleTable):
                Broken(**{**fields, **changes}).text()


if __name__ == "__main__":
    unittest.main()
