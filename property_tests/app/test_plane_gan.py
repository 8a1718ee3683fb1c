"""Experiment plane-gan in small: what it writes, equal beginnings, the same bits on any number of threads and after a kill, wrong settings."""

import csv
import json
import signal
import subprocess
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

LOSSES = ["gan", "gan-wide", "wgan-gp", "sw1-features", "sw2-squared-features", "sw2-features", "sw1-samples", "sw2-squared-samples", "sw2-samples",
          "max-sw-samples"]


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


SMALL = settings("replicates=2", "batch=16", "directions=4", "steps=40", "record_every=10", "evaluate_every=20", "points=60", "density_points=200",
                 "density_cells=8", "penalty.critic_steps=2")


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class PlaneGan(ProgramTest):
    def run_it(self, out: str, *further: str | int) -> Path:
        result = self.run_program("experiment", "run", "plane-gan", "--out", out, "--seed", 3, *SMALL, *further)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.folder / out / "experiments/plane-gan"

    def test_every_loss(self) -> None:
        folder = self.run_it("all", *settings(f"losses={json.dumps(LOSSES)}"))
        rows = list(csv.DictReader((folder / "final.csv").open()))
        self.assertEqual(len(rows), 2 * len(LOSSES))
        self.assertEqual(len({(row["loss"], row["optimiser"]) for row in rows}), 2 * len(LOSSES))
        for row in rows:
            self.assertGreaterEqual(float(row["setback"]), 0.0)
            self.assertGreater(float(row["W2"]), 0.0)
        evaluations = list(csv.DictReader((folder / "evaluations.csv").open()))
        self.assertEqual(len(evaluations), 2 * len(LOSSES) * 2 * 3)
        # Before the first step nothing but the replicate, and the box, tells trainings apart.
        first = {(row["replicate"], row["loss"].endswith("wide box"), row["W2"]) for row in evaluations if row["step"] == "0"}
        self.assertEqual(len(first), 4)
        summary = json.loads((folder / "summary.json").read_text())
        self.assertIn("Hash of u₀ and v₀", " ".join(summary["facts"]))
        densities = list(csv.DictReader((folder / "densities.csv").open()))
        self.assertEqual(len(densities), (2 * len(LOSSES) + 1) * 64)
        trajectory = list(csv.DictReader((folder / "trajectory.csv").open()))
        for row in trajectory:
            trained = row["loss"].endswith("features") or "GAN" in row["loss"]
            self.assertEqual(trained, row["critic_loss"].lower() != "nan", row)

    def test_the_same_bits_on_one_thread_and_after_a_kill(self) -> None:
        losses = settings('losses=["gan", "sw1-features", "sw2-squared-samples"]', "steps=3000", "checkpoint.seconds=0.05")
        expected = written(self.run_it("whole", *losses))
        words = ["experiment", "run", "plane-gan", "--out", "killed", "--seed", "3", *SMALL, *losses]
        checkpoints = self.folder / "killed/experiments/plane-gan/checkpoints"
        with subprocess.Popen([PROGRAM, *words], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(checkpoints.glob("*.cbor")):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(), -signal.SIGKILL, "the program ended before it could be killed; give it more steps")
        resumed = self.run_program(*words, "--resume", "--threads", 1)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(written(self.folder / "killed/experiments/plane-gan"), expected)

    def test_wrong_settings(self) -> None:
        for assignment, complaint in [('losses=["dcgan"]', "'dcgan'"), ('optimisers=["rmsprop"]', "'rmsprop'"), ("losses=[]", "losses"), ("batch=0", "batch"),
                                      ("sgd_step_size=-1.0", "-1"), ('losses=["gan", "gan"]', "twice"), ('losses=["wgan-gp"]', "penalty.weight")]:
            further = settings("penalty.weight=0.0") if complaint == "penalty.weight" else []
            self.assert_refused(self.run_program("experiment", "run", "plane-gan", "--out", "bad", *SMALL, *settings(assignment), *further), complaint)

    def test_the_full_profile_does_not_diverge_at_once(self) -> None:
        result = self.run_program("experiment", "run", "plane-gan", "--profile", "full", "--out", "full", *settings(
            'losses=["wgan-gp", "max-sw-samples"]', "replicates=2", "steps=120", "evaluate_every=0", "points=50", "density_points=100", "density_cells=4"))
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
