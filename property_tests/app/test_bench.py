#!/usr/bin/python3
"""Tests of scripts/bench.sh and of the program behind it.

    test_bench.py Usage -v        what is asked of the script; builds nothing
    test_bench.py Measures -v     builds the benchmark and runs it, quickly: some minutes
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from program import ProgramTest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "build/release/bin/slicecheck_bench"
DEFECTS = ("unsorted-target", "scaled-gradient", "exchanged-rows", "scaled-value", "nan-gradient")


class BenchTest(ProgramTest):
    def run_script(self, *words: object) -> subprocess.CompletedProcess:
        return subprocess.run([ROOT / "scripts/bench.sh", *map(str, words)], capture_output=True, text=True, cwd=self.folder, timeout=1500, check=False)


class Usage(BenchTest):
    def test_help(self) -> None:
        done = self.run_script("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ("--json FILE", "--out RUN", "--quick", "--only NAME", "--skip-setup"):
            self.assertIn(option, done.stdout)

    def test_bad_usage(self) -> None:
        for words in (["--fast"], ["--json"], ["--only"], ["--json", self.folder], ["report"]):
            self.assert_refused(self.run_script(*words), "bench.sh: ")


class Measures(BenchTest):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(subprocess.run(["cmake", "--build", "--preset", "release", "--target", "benchmarks"], cwd=ROOT, capture_output=True, check=False).returncode, 0)

    def compare(self, *words: object) -> subprocess.CompletedProcess:
        return subprocess.run([BENCH, "--compare", "--quick", *map(str, words)], capture_output=True, text=True, cwd=self.folder, timeout=900, check=False)

    def test_everything(self) -> None:
        done = self.run_script("--quick", "--skip-setup", "--json", self.folder / "b.json", "--out", self.folder / "run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Loss and gradient", done.stdout)
        self.assertEqual(sorted(path.name for path in self.folder.rglob("*") if path.is_file()), ["b.json", "benchmark.json"])
        found = json.loads((self.folder / "b.json").read_text())
        self.assertEqual(found, json.loads((self.folder / "run/benchmark.json").read_text()))
        sizes = {(256, 2, 5000), (256, 784, 1000), (2048, 64, 500), (1000, 2, 1000), (16384, 3, 200)}
        for key in ("loss_gradient", "loss_value"):
            self.assertEqual({(row["n"], row["d"], row["directions"]) for row in found[key]}, sizes)
        for row in found["loss_gradient"]:
            self.assertGreater(row["ratio_to_libtorch"], 0)
            self.assertGreater(row["ratio_to_limit"], 0)
            self.assertEqual(row["threads"] == 1, "timings" in row)
        self.assertEqual({row["directions"] for row in found["training"] if row["data"] == "two-moons"}, {1, 100, 5000})
        for row in found["training"]:
            self.assertGreater(row["ratio_to_report_000"], 0)
        self.assertLessEqual({"n", "L", "d"}, {row["quantity"] for row in found["growth"]})
        for row in found["growth"]:
            self.assertTrue(row["low"] <= row["exponent"] <= row["high"] and math.isfinite(row["low"]))
        for row in found["memory"]:
            self.assertGreater(row["bytes"], 0)
        self.assertTrue(found["others"])
        page = subprocess.run([ROOT / "scripts/report.py", self.folder / "run"], capture_output=True, text=True, check=False)
        self.assertEqual(page.returncode, 0, page.stderr)
        self.assertIn('id="performance"', (self.folder / "run/index.html").read_text())

    def test_a_wrong_candidate_is_not_timed(self) -> None:
        for part in ("loss", "value"):
            for defect in DEFECTS if part == "loss" else ("unsorted-target", "scaled-value"):
                done = self.compare("--only", part, "--without-peers", "--plant-defect", defect, "--json", self.folder / "b.json")
                self.assertEqual(done.returncode, 1, defect)
                self.assertEqual(done.stdout, "")
                self.assertIn(f"the planted defect '{defect}' is WRONG", done.stderr)
                self.assertFalse((self.folder / "b.json").exists())

    def test_bad_usage(self) -> None:
        for words in (["--only", "everything"], ["--plant-defect", "none-such"], ["--fast"]):
            done = self.compare(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
