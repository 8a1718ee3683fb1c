"""Experiment p-not-2 in small: equal starts, trials counted, "never" as a value of its own, the powers near a point without gaps, the same bits again."""

import csv
import json
import math
import unittest
from pathlib import Path

from program import ProgramTest


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


SMALL = settings('exponents=["1", "1.5", "2", "3"]', "share_exponents=[-20, -1, 14]", "source_atoms=50", "plane.hidden=[8]", "plane.batch=16",
                 "plane.directions=4", "plane.steps=12", "plane.trials=2", "plane.replicates=3", "plane.batches=2", "plane.evaluation_directions=8",
                 "plane.final_batches=2", "plane.final_directions=8", "plane.w2_points=12", "plane.figure_points=5", "images.width=1", "images.batch=6",
                 "images.directions=4", "images.steps=2", "images.batches=2", "images.evaluation_directions=4", "images.final_batches=2",
                 "images.final_directions=4", "images.w2_points=4", "images.figure_points=4", "hover.replicates=2", "hover.step_sizes=3", "hover.steps=2048",
                 "hover.network_steps=32")


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class PNot2(ProgramTest):
    def run_it(self, out: str, *further: str | int) -> Path:
        result = self.run_program("experiment", "run", "p-not-2", "--out", out, "--seed", 5, *SMALL, *further)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.folder / out / "experiments/p-not-2"

    def rows(self, folder: Path, name: str) -> list[dict]:
        return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))

    def test_what_it_measures(self) -> None:
        folder = self.run_it("one", "--threads", 1)
        summary = json.loads((folder / "summary.json").read_text())
        final = self.rows(folder, "final.csv")
        self.assertEqual(len(final), 2 * 2 * 4)
        for testbed in ("two moons", "FashionMNIST"):
            for column in ("u0_hash", "batch_hash"):
                self.assertEqual(len({row[column] for row in final if row["testbed"] == testbed}), 1, "trainings of one start do not start alike")
        trials = self.rows(folder, "trials.csv")
        for p in ("1", "1.5", "2", "3"):
            tried = [row for row in trials if row["testbed"] == "two moons" and row["p"] == p]
            self.assertEqual([row["share_text"] for row in tried], ["2^-20", "2^-1", "2^14"], "every p has the same trials")
            unit = {round(float(row["alpha"]) / float(row["share"]), 12) for row in tried}
            self.assertEqual(len(unit), 1)
            self.assertEqual(sum(row["kept"] == "kept" for row in tried), 1)
        # A cubic loss does not bear a step that takes 2^14 of it off; what diverged has no F, and is never kept.
        wild = next(row for row in trials if row["testbed"] == "two moons" and row["p"] == "3" and row["share_text"] == "2^14")
        self.assertEqual((wild["diverged"], wild["F"], wild["kept"]), ("2", "", ""))
        # And 2^-20 of it is nothing in 12 steps.
        slow = next(row for row in trials if row["testbed"] == "two moons" and row["p"] == "2" and row["share_text"] == "2^-20")
        self.assertEqual(slow["steps"], "never reached in 12 steps by 2 of 2")
        facts = " ".join(summary["facts"])
        self.assertIn("24 trials of 12 steps by SGD, 6 for each p", facts)
        # Near a point without gaps a step is the same at every α, up to scale: the power is exact for p = 1.5, and 1 up to chance for p = 1.
        slopes = {row["p"]: float(row["slope"]) for row in self.rows(folder, "hover_slopes.csv") if row["testbed"] == "shift" and row["slope"]}
        self.assertAlmostEqual(slopes["1.5"], 2.0, places=9)
        self.assertAlmostEqual(slopes["1"], 1.0, delta=0.1)
        self.assertLess(slopes["3"], -0.9)
        for row in self.rows(folder, "steps.csv"):
            self.assertTrue("never reached" in row["text_90"] or math.isfinite(float(row["steps_90"])), row)
            self.assertEqual("never reached" in row["text_90"], row["steps_90"] == "never")
        for entry in summary["advice"]:
            self.assertTrue(entry["evidence"], entry)
        drawn = self.run_program("report", "one")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        expected = written(folder)
        (folder / "summary.json").unlink()
        self.run_it("one", "--threads", 2, "--resume")  # from the rows that are there
        self.assertEqual(written(folder), expected)
        self.assertEqual(written(self.run_it("two", "--threads", 2)), expected, "the number of threads changed the bits")

    def test_without_images(self) -> None:
        folder = self.run_it("bare", "--data", "nowhere", *settings('exponents=["2"]'))
        self.assertIn("FashionMNIST: not run", " ".join(json.loads((folder / "summary.json").read_text())["facts"]))

    def test_wrong_settings(self) -> None:
        for assignment, complaint in [('exponents=["1", "3"]', "must have 2"), ('exponents=["2", "0.5"]', "0.5"), ('exponents=["two"]', "'two'"),
                                      ("levels=[100]", "levels"), ("share_exponents=[1, 1, 2]", "share_exponents"), ("noise_share=0.0", "noise_share"),
                                      ('plane.targets=["moon"]', "'moon'")]:
            self.assert_refused(self.run_program("experiment", "run", "p-not-2", "--out", "bad", *SMALL, *settings(assignment)), complaint)


if __name__ == "__main__":
    unittest.main()
