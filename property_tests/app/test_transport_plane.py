"""Experiment transport-plane in small: what the theorems fix, every planted mistake refused, equal starts, the same bits again."""

import csv
import json
import math
import unittest
from pathlib import Path

from program import ProgramTest


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


SMALL = settings('targets=["two-moons"]', 'lambda_shares=["0.3", "10"]', "atoms=12", "hidden=[4]", "steps=6", "replicates=3", "step_multiples=[-1]",
                 "directions=4", 'line.lambdas=["1", "2", "4"]', "line.steps=80", "stationarity.atoms=10", "stationarity.steps=32", "stationarity.replicates=4",
                 "stationarity.step_divisors=[1]", "stationarity.batches=1500", "loose.atoms=8", "loose.steps=16", "loose.replicates=3",
                 'loose.tolerance_shares=["1e-4", "1"]')


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class TransportPlane(ProgramTest):
    def run_it(self, out: str, *further: str | int, codes: tuple[int, ...] = (0, 4)) -> Path:
        """4: so small a run leaves verdicts open."""
        result = self.run_program("experiment", "run", "transport-plane", "--out", out, "--seed", 5, *SMALL, *further)
        self.assertIn(result.returncode, codes, result.stderr)
        return self.folder / out / "experiments/transport-plane"

    def verdicts(self, folder: Path) -> dict[str, str]:
        return {verdict["what"]: verdict["outcome"] for verdict in json.loads((folder / "summary.json").read_text())["verdicts"]}

    def rows(self, folder: Path, name: str) -> list[dict]:
        return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))

    def test_what_it_measures(self) -> None:
        folder = self.run_it("one", "--threads", 1)
        summary = json.loads((folder / "summary.json").read_text())
        for verdict in summary["verdicts"]:
            self.assertNotEqual(verdict["outcome"], "refuted", verdict)
        outcomes = self.verdicts(folder)
        for what in ("line, h_λ", "line, L_λ", "loose oracles", "two moons, affine, h_λ", "two moons, affine, L_λ", "minibatches of L_λ, own",
                     "minibatches of L_λ, shared"):
            self.assertEqual(outcomes[what], "holds")
        ends = {row["lambda"]: row for row in self.rows(folder, "line_ends.csv")}
        self.assertAlmostEqual(float(ends["1"]["transport"]), 0.9575, places=4)
        self.assertAlmostEqual(float(ends["4"]["transport"]), 0.0, places=9)
        self.assertAlmostEqual(float(ends["4"]["sinkhorn"]), 1.0, places=3)
        final = self.rows(folder, "final.csv")
        self.assertEqual(len(final), 2 * (2 + 2 + 1))
        for bed in {row["bed"] for row in final}:
            self.assertEqual(len({row["W2_start"] for row in final if row["bed"] == bed}), 1, "trainings of one start do not start alike")
        for row in final:
            self.assertLessEqual(float(row["gap"]), 0.02 * (1 + 1e-12))
        for row in self.rows(folder, "loose.csv"):
            self.assertLessEqual(float(row["reached"]), float(row["tolerance"]))
        for row in self.rows(folder, "stationarity.csv"):
            self.assertLess(float(row["observed"]), float(row["bound"]))
        # h_λ contracts for large λ.
        spread = {(row["loss"], row["share"]): float(row["spread"]) for row in final if row["bed"] == "two moons, affine"}
        self.assertLess(spread["h_λ", "10"], spread["h_λ", "0.3"])
        for entry in summary["advice"]:
            self.assertTrue(entry["evidence"], entry)
            self.assertNotIn("nan", json.dumps(entry))
        self.assertEqual(self.run_program("report", "one").returncode, 0)
        expected = written(folder)
        (folder / "summary.json").unlink()
        self.run_it("one", "--threads", 2, "--resume")
        self.assertEqual(written(folder), expected)
        self.assertEqual(written(self.run_it("two", "--threads", 2)), expected, "the number of threads changed the bits")

    def test_every_mistake_is_refused(self) -> None:
        for defect, caught in [("sharp-gradient", ["two moons, affine, h_λ", "line, h_λ", "loose oracles"]),
                               ("sharp-value", ["two moons, affine, h_λ", "two moons, affine, L_λ"]),
                               ("no-self-term", ["two moons, affine, L_λ", "line, L_λ"]), ("half-self-term", ["two moons, affine, L_λ", "line, L_λ"]),
                               # stationarity decides with more starts than the few of this run
                               ("lost-square", ["minibatches, mean", "minibatches of L_λ, own", "minibatches of L_λ, shared"])]:
            outcomes = self.verdicts(self.run_it(defect, *settings(f'defect="{defect}"', 'generators=["affine"]'), codes=(1,)))
            for what in caught:
                self.assertEqual(outcomes[what], "refuted", f"{defect}: {outcomes}")

    def test_a_training_that_diverges_has_no_number(self) -> None:
        folder = self.run_it("wild", *settings('generators=["affine"]', "step_multiples=[10]", "steps=20"))
        for row in self.rows(folder, "final.csv"):
            self.assertEqual((row["diverged"], row["W2"]), ("3", ""))
        summary = (folder / "summary.json").read_text()
        self.assertIn("15 trainings diverged", summary)
        self.assertTrue(all(math.isfinite(float(row["observed"])) for row in self.rows(folder, "stationarity.csv")))
        self.assertEqual(self.run_program("report", "wild").returncode, 0)

    def test_wrong_settings(self) -> None:
        for assignment, complaint in [('targets=["moon"]', "'moon'"), ('targets=["two-points"]', "dimension 1"), ('generators=["deep"]', "'deep'"),
                                      ('targets=["two-moons", "two-moons"]', "twice"), ('lambda_shares=["0"]', "lambda_shares has '0'"),
                                      ('lambda_shares=["1", "1.0"]', "twice"), ('line.lambdas=["x"]', "line.lambdas has 'x'"),
                                      ("step_multiples=[]", "step_multiples"),
                                      ("step_multiples=[11]", "from -30 to 10"), ("stationarity.step_divisors=[0]", "step_divisors"),
                                      ('defect="typo"', "'typo'"),
                                      ("tolerance_share=0.0", "tolerance_share is 0"), ("replicates=2", "replicates"), ("replicates=1025", "replicates is 1025"),
                                      ("loose.steps=7", "loose.steps")]:
            self.assert_refused(self.run_program("experiment", "run", "transport-plane", "--out", "bad", *SMALL, *settings(assignment)), complaint)


if __name__ == "__main__":
    unittest.main()
