#!/usr/bin/python3
"""docs/cuda.md holds what the scripts print, and the estimate rests on what was counted.

test_document.py            the tests
test_document.py --write    puts the scripts' output into docs/cuda.md
"""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "property_tests/cuda/broken")]
import cuda_estimate  # noqa: E402
import cuda_measured  # noqa: E402
import table  # noqa: E402

PAGE = ROOT / "docs/cuda.md"
PARTS = {"broken kernels": table.markdown, "measured": cuda_measured.report, "estimate": cuda_estimate.report}
MODEL_ERROR = 0.01  # of the instructions of a block of `project`, relative


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"


def part(page: str, name: str) -> str:
    begin, end = marks(name)
    return page.split(begin)[1].split(end)[0]


class Document(unittest.TestCase):
    def test_the_page_holds_what_the_scripts_print(self) -> None:
        page = PAGE.read_text()
        for name, text in PARTS.items():
            with self.subTest(part=name):
                self.assertEqual(part(page, name), text())

    def test_every_table_of_the_estimate_is_marked_as_one(self) -> None:
        blocks = cuda_estimate.report().split("\n\n")
        tables = [at for at, block in enumerate(blocks) if block.startswith("|")]
        self.assertGreaterEqual(len(tables), 4)
        for at in tables:
            self.assertIn("ESTIMATE", blocks[at - 1])


class Measured(unittest.TestCase):
    def setUp(self) -> None:
        self.measured = json.loads(cuda_measured.MEASURED.read_text())

    def test_the_record_says_where_and_when(self) -> None:
        for key in ("device", "driver", "cuda", "libtorch", "date", "commit", "kernel_sources"):
            self.assertTrue(self.measured[key], key)

    def test_every_size_of_the_estimate_was_measured(self) -> None:
        sizes = [tuple(call["sizes"]) for call in self.measured["calls"]]
        for size in [*cuda_estimate.LOADS, *((size,) for size in cuda_estimate.STEPS)]:
            self.assertIn(size, sizes)

    def test_what_was_recorded_is_sound(self) -> None:
        """The kernels of a call are those of the estimate, and together take what the call took, but for the time between them."""
        counts = cuda_estimate.Counts(json.loads(cuda_estimate.RECORDED.read_text()))
        for call in self.measured["calls"]:
            with self.subTest(sizes=call["sizes"]):
                self.assertLessEqual(call["least"], call["seconds"])
                self.assertLessEqual(call["seconds"], call["most"])
                self.assertEqual({one["kernel"] for one in call["kernels"]}, {cost.kernel for cost in cuda_measured.costs_of(counts, call["sizes"])})
        self.assertEqual([test["failed"] + test["skipped"] for test in self.measured["tests"].values()], [0] * len(self.measured["tests"]))

    def test_names_of_kernels(self) -> None:
        named = {
            "slicecheck::project(slicecheck::ProjectArguments)": "project",
            "void slicecheck::cuda::sort_gap<32, 4>(slicecheck::SortGapArguments)": "sort_gap<32, 4>",
            "void slicecheck::sum_slab<slicecheck::SlabShape<64, 4, 1, 1>>(slicecheck::SlabArguments)": "sum_slab<64, 4>",
            "slicecheck::add_slabs(const float *, unsigned int, unsigned long, bool, float, float *)": "add_slabs",
        }
        for name, expected in named.items():
            self.assertEqual(cuda_measured.kernel_name(name, 256), expected)
        cub = "void cub::DeviceSegmentedRadixSortKernel<cub::policy_hub<float, {}, int>::Policy1000, 1, 0, float, {}, int *>(const T4 *)"
        self.assertEqual(cuda_measured.kernel_name(cub.format("cub::NullType", "cub::NullType"), 384), "cub: segmented radix sort, keys, short digits")
        self.assertEqual(cuda_measured.kernel_name(cub.format("unsigned int", "unsigned int"), 192), "cub: segmented radix sort, pairs, long digits")

    def test_a_launch_without_its_call_is_refused(self) -> None:
        seen = [{"kernel": kernel, "grid": (1, 1, 2)} for kernel in ("project", "sort_gap<32, 1>", "project", "sort_gap<32, 1>", "npsgd_move", "npsgd_project")]
        calls = cuda_measured.calls_of(seen, [(8, 2, 128), (100,)])
        self.assertEqual([len(call) for call in calls], [4, 2], "64 directions a chunk")
        with self.assertRaises(ValueError):
            cuda_measured.calls_of(seen, [(8, 2, 128)])


class Estimate(unittest.TestCase):
    def setUp(self) -> None:
        self.recorded = json.loads(cuda_estimate.RECORDED.read_text())
        self.counts = cuda_estimate.Counts(self.recorded)

    def test_bytes_follow_the_formulas(self) -> None:
        seen = set()
        for run in self.recorded["counts"]:
            kind, *words = run["run"].split()
            sizes = dict(word.split("=") for word in words)
            if kind != "loss":
                continue
            for kernel, count in run["kernels"].items():
                asked = cuda_estimate.asked_bytes(kernel, int(sizes["n"]), int(sizes["d"]), int(sizes["count"]))
                if asked is not None:
                    seen.add(kernel.split("<")[0])
                    self.assertEqual(asked, count["global_bytes"], f"{run['run']}, {kernel}")
        self.assertEqual(seen, {"project", "sort_gap", "sum_slab", "add_slabs", "number_points", "long_gap", "add_partials"})

    def test_passes_of_the_long_sort(self) -> None:
        """Six passes: 20 bytes of an entry with its index, 12 without; and the ends of the segments, a byte each on 16,384 points at most."""
        run, entries = "loss n=16384 d=2 count=2", 16384 * 2
        for what, each in (("pairs", 20), ("keys", 12)):
            kernels = [self.counts.of(run, f"cub: segmented radix sort, {what}, {digits} digits") for digits in ("long", "short")]
            self.assertEqual(sum(kernel["launches"] for kernel in kernels), 6)
            self.assertAlmostEqual(sum(kernel["global_bytes"] for kernel in kernels) / entries / 6 / each, 1.0, delta=0.02)

    def test_instructions_of_a_projection_that_was_not_fitted(self) -> None:
        for what in ("warp_instructions", "shared_wavefronts"):
            counted = self.counts.of_block("loss n=64 d=20 count=128", "project", what)
            self.assertAlmostEqual(cuda_estimate.project_of_block(self.counts, 20, what) / counted, 1.0, delta=MODEL_ERROR)

    def test_occupancy(self) -> None:
        """By hand: 121 registers are given as 128, 512 threads take them all; 32 registers and 256 threads fill 64 warps; 33,792 bytes go twice into 64 KB."""
        sm_75, sm_90 = cuda_estimate.ARCHITECTURES["75"], cuda_estimate.ARCHITECTURES["90"]
        self.assertEqual(cuda_estimate.blocks_at_once(121, 512, 33792, sm_90), (1, "registers"))
        self.assertEqual(cuda_estimate.blocks_at_once(32, 256, 0, sm_90)[0], 8)
        self.assertEqual(cuda_estimate.blocks_at_once(16, 128, 32768, sm_75), (2, "shared memory"))
        self.assertEqual(cuda_estimate.blocks_at_once(16, 32, 1024, sm_90), (32, "blocks"))


def write() -> None:
    page = PAGE.read_text()
    for name, text in PARTS.items():
        begin, end = marks(name)
        page = page.replace(begin + part(page, name) + end, begin + text() + end)
    PAGE.write_text(page)


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
        sys.exit(0)
    unittest.main()
