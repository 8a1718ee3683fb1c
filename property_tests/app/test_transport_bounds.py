"""Experiment transport-bounds in small: every bound holds, the false statements fail, every planted mistake is refused, formulas agree, the same bits again."""

import csv
import json
import math
import unittest
from pathlib import Path

from program import ProgramTest


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


SMALL = settings("lambdas=7", "smoothness.pairs=12", "smoothness.halvings=8", "smoothness.climbs=8", "gradient.problems=24", "gradient.potentials=8",
                 "stationarity.enumerated=4", "stationarity.longest=16", "stationarity.replicates=6", "batches.largest=8", "gap.half_sweeps=60")
ROUNDING = 1e-9    # of a ratio of two double-precision sums


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class TransportBounds(ProgramTest):
    def run_it(self, out: str, *further: str | int) -> Path:
        result = self.run_program("experiment", "run", "transport-bounds", "--out", out, "--seed", 5, *SMALL, *further)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.folder / out / "experiments/transport-bounds"

    def verdicts(self, folder: Path) -> dict[tuple[str, str], str]:
        return {(v["claim"], v["what"]): v["outcome"] for v in json.loads((folder / "summary.json").read_text())["verdicts"]}

    def rows(self, folder: Path, name: str) -> list[dict]:
        return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))

    def test_the_certificate_holds_down_to_what_rounding_leaves_open(self) -> None:
        """With so many half-sweeps the certified gap is smaller than that of the plan that rounding makes of the best potentials."""
        folder = self.run_it("long", *settings("gap.half_sweeps=2000"))
        self.assertEqual(self.verdicts(folder)["R2", "half-sweeps"], "holds")

    def test_what_it_measures(self) -> None:
        folder = self.run_it("one", "--threads", 1)
        closest = self.rows(folder, "closest.csv")
        self.assertEqual({row["claim"] for row in closest}, {"R2", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R15", "R16", "F3"})
        for row in closest:
            ratio = float(row["ratio"])
            if row["claim"] == "F3":
                self.assertGreater(ratio, 1.2, "no plan of another mass exceeds the printed bound")
            else:
                self.assertGreater(ratio, 0.0, row)
                self.assertLessEqual(ratio, 1.0 + ROUNDING, row)
        outcomes = self.verdicts(folder)
        self.assertEqual(set(outcomes.values()), {"holds"}, outcomes)
        self.assertEqual({claim for claim, _ in outcomes}, {row["claim"] for row in closest} - {"F3"})
        measured = {v["what"]: v["measured"] for v in json.loads((folder / "summary.json").read_text())["verdicts"]}
        self.assertIn("where 0 is allowed, the largest observed is -", measured["one-sided quotients"])
        attained = {row["statement"]: float(row["ratio"]) for row in closest if "checkerboard" in row["where"]}
        self.assertGreater(len(attained), 3)
        self.assertGreater(min(attained.values()), 0.95, "the checkerboard attains its bounds")
        for row in self.rows(folder, "minibatch.csv"):
            self.assertAlmostEqual(float(row["variance"]) / float(row["formula"]), 1.0, places=9)
        for row in self.rows(folder, "two-gradients.csv"):
            theta, lam = 1.0, float(row["lambda"])
            z = 2 * theta / lam
            exact = 2 * theta - 2 * math.tanh(z)
            self.assertAlmostEqual(float(row["d"]), exact, delta=1e-6)
            self.assertAlmostEqual(float(row["sharp_d"]), exact - 2 * z / math.cosh(z) ** 2, delta=1e-6)
        for row in self.rows(folder, "negative-loss.csv"):
            self.assertAlmostEqual(float(row["loss"]), float(row["formula"]), delta=1e-8 * max(1.0, float(row["lambda"])))
        minima = [row for row in self.rows(folder, "minima.csv") if row["kind"] == "solved"]
        self.assertEqual({float(row["h"]) == 0.0 for row in minima if float(row["lambda"]) >= 2.0}, {True})
        self.assertLess(max(abs(float(row["loss"]) - 1.0) for row in minima), 1e-6)
        summary = json.loads((folder / "summary.json").read_text())
        sentences = {entry["question"]: entry["sentence"] for entry in summary["advice"]}
        self.assertTrue(sentences["Must the step be as small as 1/(L₁ + L₀²/λ)?"].startswith("No: 1/L₁ will do."))
        self.assertNotIn("nan", json.dumps(summary))
        for entry in summary["advice"]:
            self.assertTrue(entry["evidence"], entry)
        drawn = self.run_program("report", "one")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        self.assertEqual(written(self.run_it("two", "--threads", 2)), written(folder), "the number of threads changed the bits")

    def test_stationarity_stays_below_its_bound(self) -> None:
        folder = self.run_it("one")
        rows = self.rows(folder, "stationarity.csv")
        bounds = {(row["arm"], row["T"]): float(row["value"]) for row in rows if row["kind"] == "bound"}
        exact = [row for row in rows if row["kind"] == "exact"]
        self.assertEqual(len(exact), 9 * 4)
        for row in exact:
            self.assertLessEqual(float(row["value"]), bounds[row["arm"], row["T"]], row)

    def test_every_mistake_is_refused(self) -> None:
        for defect, caught in [("smoothness-without-l0", [("R5", "KL, gradient, L₀"), ("R5", "KL, gradient, L₀⊥"), ("R6", "quadratic, gradient")]),
                               ("half-plan-stability", [("R5", "KL, plan"), ("R6", "quadratic, plan")]),
                               ("square-root-for-tau", [("R7", "KL, any mass")]), ("twice-the-step", [("R9", "one-sided quotients")]),
                               ("no-noise", [("R9", "α = 1/L₁"), ("R10", "α = 1/L₁, ε ≤ λ/100")]),
                               ("s4", [("R11", "sum over all minibatches")]), ("half-limits", [("R15", "KL"), ("R15", "quadratic")]),
                               ("tenth-of-the-spread", [("R16", "KL"), ("R16", "quadratic")]), ("half-gap", [("R2", "half-sweeps")])]:
            result = self.run_program("experiment", "run", "transport-bounds", "--out", defect, "--seed", 5, *SMALL, *settings(f'defect="{defect}"'))
            self.assertEqual(result.returncode, 1, f"{defect}: {result.stdout}{result.stderr}")
            outcomes = self.verdicts(self.folder / defect / "experiments/transport-bounds")
            self.assertEqual({what for what, outcome in outcomes.items() if outcome == "refuted"}, set(caught), defect)

    def test_wrong_settings(self) -> None:
        for assignment, complaint in [("lambdas=2", "lambdas"), ("stationarity.enumerated=10", "stationarity.enumerated"), ("batches.largest=1", "batches.largest"),
                                      ("smoothness.pairs=0", "smoothness.pairs"), ("gap.half_sweeps=0", "gap.half_sweeps"), ('defect="typo"', "'typo'")]:
            self.assert_refused(self.run_program("experiment", "run", "transport-bounds", "--out", "bad", *SMALL, *settings(assignment)), complaint)


if __name__ == "__main__":
    unittest.main()
