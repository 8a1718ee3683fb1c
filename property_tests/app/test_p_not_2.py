"""Experiment p-not-2 in small: equal starts, trials counted, "never" as a value of its own, the powers near a point without gaps, the same bits again."""

import csv
import json
import math
import re
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
        self.check_which(summary["advice"][0])
        hovering = summary["advice"][-1]["sentence"]
        self.assertIn("p = 1.5 (shift), α^2.00 for α^2", hovering)
        self.assertEqual(hovering.startswith("No closer than a power of α, as the theory has it"), "another power" not in hovering, hovering)
        for entry in summary["advice"]:
            self.assertTrue(entry["evidence"], entry)
        drawn = self.run_program("report", "one")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        expected = written(folder)
        (folder / "summary.json").unlink()
        self.run_it("one", "--threads", 2, "--resume")  # from the rows that are there
        self.assertEqual(written(folder), expected)
        self.assertEqual(written(self.run_it("two", "--threads", 2)), expected, "the number of threads changed the bits")

    def check_which(self, entry: dict) -> None:
        """The sentence follows from the evidence; what a start never reached is censored for both exponents alike."""
        said: dict[str, set[str]] = {}
        for evidence in entry["evidence"]:
            if counts := re.match(r"SW_2².*, p = ([\d.]+): never reached from (\d+) of (\d+) starts, by p = 2 from (\d+)", evidence):
                p, never, starts, never_square = counts.groups()
                verdict = "more" if (never, never_square) == (starts, "0") else "fewer" if (never, never_square) == ("0", starts) else "open"
            elif numbers := re.match(r"SW_2².*, p = ([\d.]+): \S+ times the steps of p = 2 \[(\S+), (\S+)\]", evidence):
                p, low, high = numbers.groups()
                verdict = "fewer" if float(high) < 1 else "more" if float(low) > 1 else "open"
            else:
                continue
            said.setdefault(p, set()).add(verdict)
        self.assertEqual(set(said), {"1", "1.5", "3"})
        heads = {"more steps than": "more", "fewer steps than": "fewer", "fewer on one": "mixed", "not decided": "open"}
        for clause in entry["sentence"].split("): ", 1)[1].rstrip(".").split("; "):
            head = next(word for start, word in heads.items() if clause.startswith(start))
            for p in clause.rsplit("p = ", 1)[1].split(", "):
                decided = said[p] - {"open"}
                self.assertEqual(head, "open" if not decided else "mixed" if len(decided) == 2 else next(iter(decided)), entry)

    def test_without_images(self) -> None:
        folder = self.run_it("bare", "--data", "nowhere", *settings('exponents=["2"]'))
        summary = json.loads((folder / "summary.json").read_text())
        self.assertIn("FashionMNIST: not run", " ".join(summary["facts"]))
        self.assertEqual([entry["sentence"] for entry in summary["advice"]], ["Only p = 2 was run; there is nothing to compare.", "No p below 2 was run."])

    def test_nobody_arrives(self) -> None:
        folder = self.run_it("slow", "--data", "nowhere", *settings("share_exponents=[-22, -21, -20]"))
        which = json.loads((folder / "summary.json").read_text())["advice"][0]
        self.assertIn("not decided against p = 2: p = 1, 1.5, 3.", which["sentence"])
        self.assertNotIn("more steps", which["sentence"])
        self.assertIn("p = 3: never reached from 2 of 3 starts, by p = 2 from 2", " ".join(which["evidence"]))

    def test_hovering_that_overflows(self) -> None:
        folder = self.run_it("wild", "--data", "nowhere", *settings('exponents=["2", "3"]', "hover.network_first_step_size=1e6", "hover.network_steps=256"))
        hovering = json.loads((folder / "summary.json").read_text())["advice"][-1]
        self.assertIn("diverged from 2 of 2 starts", " ".join(hovering["evidence"]))
        self.assertNotIn("nan", json.dumps(hovering))
        wild = [row for row in self.rows(folder, "hover.csv") if row["testbed"] != "shift" and row["p"] == "3"]
        self.assertEqual({row["level"] for row in wild}, {""})

    def test_wrong_settings(self) -> None:
        for assignment, complaint in [('exponents=["1", "3"]', "must have 2"), ('exponents=["2", "0.5"]', "0.5"), ('exponents=["two"]', "'two'"),
                                      ("levels=[100]", "levels"), ("share_exponents=[1, 1, 2]", "share_exponents"), ("noise_share=0.0", "noise_share"),
                                      ('plane.targets=["moon"]', "'moon'"), ('plane.targets=["two-moons", "two-moons"]', "'two-moons' twice"),
                                      ("plane.batches=1001", "plane.batches"), ("plane.final_batches=1001", "plane.final_batches"),
                                      ('exponents=["2", "2.0"]', "exponents names a number twice"), ("levels=[50, 50]", "levels names a number twice"),
                                      ("hover.away=-1.0", "hover.away"), ("hover.network_first_step_size=0.0", "hover.network_first_step_size"),
                                      ("hover.step_sizes=2", "hover.step_sizes")]:
            self.assert_refused(self.run_program("experiment", "run", "p-not-2", "--out", "bad", *SMALL, *settings(assignment)), complaint)


if __name__ == "__main__":
    unittest.main()
