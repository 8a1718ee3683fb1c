#!/usr/bin/python3
"""Tests of the page "Performance" that scripts/report.py draws from RUN/benchmark.json, on a small file made by hand, and of scripts/bench_peers.py.

Runs without arguments, directly or as `/usr/bin/python3 -m unittest`.
"""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from report_runs import SCRIPT, Case, report, run_script, write_json


def benchmark(**other: Any) -> dict[str, Any]:
    """A made-up benchmark.json with every part."""
    timing = lambda seconds: {"median_seconds": seconds, "quartiles": [0.9 * seconds, 1.1 * seconds], "rounds": 9}
    sizes = {"n": 256, "d": 2, "directions": 5000}
    growth = lambda quantity, exponent, xs: {
        "quantity": quantity, "fixed": "d = 2, 1 thread", "expected": "1", "exponent": exponent, "low": exponent - 0.021, "high": exponent + 0.021, "confidence": 0.95,
        "fitted_from": xs[1], "factor_seconds": 1e-6, "scatter_log2": 0.01, "rounds": 9, "points": [{"x": x, "seconds": 1e-6 * x ** exponent} for x in xs]}
    return {
        "program": "slicecheck_bench", "quick": False, "started": "2024-05-01T10:00:00Z", "duration_seconds": 272.5,
        "environment": {"cpu": "a processor", "cores": 2, "instruction_set": "avx2", "memory_gib": 7.7, "compiler": "GNU 12.2.0", "build_type": "Release", "flags": "-march=native",
                        "fingerprint": "0", "libtorch": "LibTorch 1.13.1, 1 thread(s)", "openblas": {"core": "Haswell", "configuration": "OpenBLAS 0.3.21"},
                        "variables": {"OPENBLAS_CORETYPE": "Haswell"}, "load": 0.25, "notes": ["OPENBLAS_CORETYPE=Haswell pins older kernels <b>."]},
        "peers": {"libraries": {"numpy": "1.24.2"}, "skipped": ["POT: no module named 'ot'"]},
        "loss_gradient": [
            {**sizes, "threads": 1, "seconds": 0.005, "ratio_to_libtorch": 33.2, "ratio_to_libtorch_with_fast_sort": 8.2, "ratio_to_numpy": 20.0, "ratio_to_pot": None,
             "ratio_to_limit": 1.47, "ratio_of_double_to_float": 2.21, "libtorch_form": "chunked, autograd", "limit": {"seconds": 0.0034},
             "timings": {"torch": timing(0.166), "torch+": timing(0.041), "numpy": timing(0.1), "cpu": timing(0.005)}},
            {**sizes, "threads": 2, "seconds": 0.0028, "ratio_to_libtorch": 59.3, "ratio_to_limit": 0.82, "speedup_over_one_thread": 1.79}],
        "loss_value": [{**sizes, "threads": 1, "seconds": 0.002, "ratio_to_numpy": 7.95, "ratio_to_pot": None, "ratio_to_libtorch": 41.5,
                        "timings": {"torch": timing(0.083), "numpy": timing(0.0159), "cpu": timing(0.002)}}],
        "training": [{"network": "dense-mlp[256-256, relu]", "parameters": 68102, "data": "two-moons", "scheme": "sgd", "batch": 256, "directions": 5000, "steps_per_second": 151.0,
                      "ratio_to_report_000": 26.5, "ratio_to_libtorch_network": 1.26, "report_000_steps_per_second": 5.7, "libtorch_network_steps_per_second": 120.0}],
        "steps": [{"name": "two-point-line", "microseconds": 0.71}],
        "memory": [{"n": n, "d": 2, "directions": count, "threads": threads, "bytes": 2048.0 * n * threads + 8 * count, "share_of_n_times_L_floats": 0.1}
                   for threads in (1, 2) for n in (256, 1024, 4096) for count in (1000, 10000)],
        "memory_growth": [],
        "growth": [growth("n", 1.093, [64, 256, 1024, 4096]), growth("threads", -0.912, [1, 1, 2])],
        "others": [{"name": "plane sweep", "size": "n = 1000", "seconds": 0.231, "rounds": 8, "aimed_at_seconds": 0.25},
                   {"name": "flow", "size": "tanh-plane", "seconds": 0.0105, "rounds": 50}]} | other


class Performance(Case):
    def written(self, **other: Any) -> Path:
        write_json(self.run_folder / "benchmark.json", benchmark(**other))
        return self.run_folder

    def test_page(self) -> None:
        page = self.rendered(self.written())
        text = " ".join(page.text.split())
        for wanted in ("Performance", "measured 2024-05-01T10:00:00Z", "in 4 min 32 s", "Table 1. The loss with its gradient", "33.2", "1.47", "1.79", "2.21", "Table 2. The value alone",
                       "7.95", "dense-mlp[256-256, relu] on two-moons", "26.5", "1.093 [1.072, 1.114]", "−0.912 [−0.933, −0.891]", "plane sweep", "231", "Figure 1.", "Figure 2.",
                       "a processor, 2 cores, avx2", "OPENBLAS_CORETYPE=Haswell", "Skipped: POT: no module named 'ot'.", "LibTorch 1.13.1", "pins older kernels <b>."):
            self.assertIn(wanted, text)
        self.assertNotIn("a quick run", text)
        self.assertIn(("a", "#performance"), [(tag, values.get("href")) for tag, values in page.tags])
        markdown = (self.run_folder / "report.md").read_text(encoding="utf-8")
        for wanted in ("## Performance", "1.093 [1.072, 1.114]", "](plots/performance-growth.png)", "](plots/performance-memory.png)", "| 256 | 2 | 5000 |"):
            self.assertIn(wanted, markdown)
        for name in ("growth", "memory"):
            self.assertIn(b"<svg", (self.run_folder / "plots" / f"performance-{name}.svg").read_bytes()[:400])

    def test_peers_that_are_absent_have_no_column(self) -> None:
        self.rendered(self.written())
        headers = [" ".join(text.split()) for text in self.headers()]
        self.assertIn("NumPy", headers)
        self.assertNotIn("POT", headers)

    def headers(self) -> list[str]:
        return re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", (self.run_folder / "index.html").read_text(encoding="utf-8"))

    def test_parts_that_were_not_measured_are_left_out(self) -> None:
        data = benchmark()
        for key in ("loss_value", "training", "steps", "memory", "growth", "others"):
            del data[key]
        write_json(self.run_folder / "benchmark.json", data | {"quick": True})
        page = self.rendered(self.run_folder)
        self.assertIn("a quick run", page.text)
        self.assertIn("Table 1.", page.text)
        self.assertNotIn("Table 2.", page.text)
        self.assertNotIn("Figure 1.", page.text)

    def test_a_run_without_it_has_no_such_section(self) -> None:
        page = self.rendered(self.small())
        self.assertNotIn("Performance", page.text)
        self.assertNotIn("benchmark.json", page.text)

    def test_beside_the_rest_of_a_run(self) -> None:
        folder = self.sample()
        write_json(folder / "benchmark.json", benchmark())
        page = self.rendered(folder)
        self.assertIn("Table 2. The loss with its gradient", " ".join(page.text.split()))
        self.assertIn("Performance", page.text)

    def test_damage_is_refused_by_name(self) -> None:
        def refused(change, *words: str) -> None:
            data = copy.deepcopy(benchmark())
            change(data)
            write_json(self.run_folder / "benchmark.json", data)
            self.refused(self.run_folder, "benchmark.json", *words)

        refused(lambda data: data.pop("environment"), "environment", "missing")
        refused(lambda data: data["loss_gradient"][0]["timings"].update(cpu={"median_seconds": "fast"}), "median_seconds", "a number")
        refused(lambda data: data["loss_gradient"][0].pop("n"), "'n'", "missing")
        refused(lambda data: data["growth"][0]["points"][0].update(x=-1.0), "'x'", "positive")
        refused(lambda data: data["growth"][0].update(exponent=None), "exponent", "finite")
        (self.run_folder / "benchmark.json").write_text("{", encoding="utf-8")
        self.refused(self.run_folder, "benchmark.json:1", "malformed JSON")

    def test_same_input_same_bytes(self) -> None:
        folder = self.written()
        run_script(folder, "--quiet")
        first = (folder / "index.html").read_bytes()
        run_script(folder, "--quiet", TZ="Asia/Tokyo", PYTHONHASHSEED="7")
        self.assertEqual(first, (folder / "index.html").read_bytes())


class Peers(Case):
    """scripts/bench_peers.py, asked as slicecheck_bench asks it."""

    def asked(self, *requests: str) -> list[str]:
        done = subprocess.run([sys.executable, str(SCRIPT.parent / "bench_peers.py"), str(self.run_folder)], input="".join(f"{r}\n" for r in requests), capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_names_who_is_there_and_who_is_not(self) -> None:
        answers = self.asked("who", "next", "next")
        self.assertEqual(answers[-1], "done")
        self.assertRegex(answers[0], r"^peer numpy [0-9.]+ gradient$")
        self.assertRegex(answers[1], r"^(skipped POT: .* has no module '(ot|torch)'|peer pot .* gradient)$")

    def test_numpy_has_the_value_and_the_gradient(self) -> None:
        random = np.random.default_rng(1)
        z, y, theta = (random.normal(size=shape).astype(np.float32) for shape in ((20, 3), (20, 3), (7, 3)))
        theta /= np.linalg.norm(theta, axis=1, keepdims=True)
        self.run_folder.mkdir(parents=True)
        for name, array in (("z", z), ("y", y), ("directions", theta)):
            array.tofile(self.run_folder / name)
        answers = self.asked("load 20 3 7", "evaluate numpy gradient", "evaluate numpy value", "time numpy value", "time numpy gradient")
        wide = [a.astype(np.float64) for a in (z, y, theta)]
        value, gradient = 0.0, np.zeros((20, 3))
        for t in wide[2]:
            p, q = wide[0] @ t, np.sort(wide[1] @ t)
            order = np.argsort(p)
            value += np.mean((p[order] - q) ** 2) / 7
            gradient[order] += 2 / (20 * 7) * np.outer(p[order] - q, t)
        self.assertAlmostEqual(float(answers[1]), value, delta=1e-5 * value)    # n, d, L are small: some tens of roundings of 6e-8
        self.assertAlmostEqual(float(answers[2]), value, delta=1e-5 * value)
        found = np.fromfile(self.run_folder / "gradient", dtype=np.float32).reshape(20, 3)
        self.assertLess(np.abs(found - gradient).max(), 1e-5 * np.abs(gradient).max())
        for answer in answers[3:]:
            self.assertGreater(float(answer), 0)

    def test_a_failure_is_an_answer(self) -> None:
        self.assertRegex(self.asked("evaluate nobody value")[0], r"^error KeyError")
        self.assertRegex(self.asked("load 1 1 1")[0], r"^error FileNotFoundError")


if __name__ == "__main__":
    unittest.main()
