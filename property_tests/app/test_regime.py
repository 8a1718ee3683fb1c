"""slicecheck regime: verdicts on trainings whose answer is known, on FashionMNIST and in the plane."""

import json
import signal
import subprocess
import time
import tomllib
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

TRAININGS = Path(__file__).resolve().parents[2] / "experiments/trainings"
SMALL = """
[generator]
hidden = [8]
[source]
law = "normal"
atoms = 50
[target]
law = "two-moons"
[training]
step_size = 0.05
steps = 40
batch = 16
directions = 4
[regime]
replicates = 4
looks = 8
residual_batches = 4
objective_batches = 2
objective_directions = 8
"""


class FashionMnist(ProgramTest):
    """The answers were declared before they were computed; the trainings differ in one or two lines."""

    def regime(self, name: str, code: int, *words: str) -> dict:
        result = self.run_program("regime", TRAININGS / f"{name}.toml", "--json", *words)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def test_flow(self) -> None:
        got = self.regime("fashion-flow", 0)
        self.assertEqual(got["regime"], "in the flow regime")
        self.assertLess(got["error"]["high"], 0.25)
        self.assertTrue(got["spread_slope"]["low"] < 0.5 < got["spread_slope"]["high"], got["spread_slope"])
        self.assertLess(got["squared_residual"]["end"]["high"], got["squared_residual"]["start"]["low"])
        self.assertEqual(got["harmful_ties"], 0)
        self.assertGreater(got["steps_looked_at"], 0)
        self.assertIn("necessary for the flow regime, not sufficient", got["caveat"])

    def test_noise(self) -> None:
        got = self.regime("fashion-noise", 1)
        self.assertEqual(got["regime"], "noise-dominated")
        self.assertGreater(got["error"]["low"], 0.5)
        self.assertLess(got["suggested_step_size"], 0.125 / 4)

    def test_ball(self) -> None:
        got = self.regime("fashion-ball", 1)
        self.assertEqual(got["regime"], "stuck on the ball")
        self.assertGreater(got["suggested_radius"], 41.0)  # ‖u0‖


class Plane(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.training = self.write("mine.toml", SMALL)

    def test_advice_is_sound(self) -> None:
        """What is suggested for a training that is refused brings it where it was to go."""
        loud = ["--set", "training.directions=1", "--set", "training.step_size=0.2", "--set", "training.steps=20", "--set", "regime.replicates=12"]
        before = json.loads(self.run_program("regime", self.training, "--json", *loud).stdout)
        self.assertIn(before["regime"], ["noise-dominated", "step too large"])
        step = before["suggested_step_size"]
        after = self.run_program("regime", self.training, "--json", *loud, "--set", f"training.step_size={step}", "--set", f"training.steps={round(4.0 / step)}")
        self.assertEqual(json.loads(after.stdout)["regime"], "in the flow regime", after.stdout)
        self.assertEqual(after.returncode, 0)

    def test_single_and_double_precision_agree(self) -> None:
        got = [json.loads(self.run_program("regime", self.training, "--json", "--set", f"precision={p}").stdout) for p in ("single", "double")]
        self.assertNotEqual(got[0]["error"], got[1]["error"])
        self.assertAlmostEqual(got[0]["error"]["value"], got[1]["error"]["value"], delta=0.1 * got[1]["error"]["value"])

    def test_equal_bits_for_any_number_of_threads_and_another_seed_differs(self) -> None:
        one = self.run_program("regime", self.training, "--json", "--threads", 1).stdout
        self.assertEqual(one, self.run_program("regime", self.training, "--json", "--threads", 2).stdout)
        self.assertNotEqual(one, self.run_program("regime", self.training, "--json", "--seed", 2).stdout)

    def test_terminal(self) -> None:
        result = self.run_program("regime", self.training)
        self.assertIn(result.returncode, (0, 1, 4))
        for words in ("of the distance it travels", "spread of replicates", "Criticality residual", "Ties of projections", "not sufficient"):
            self.assertIn(words, result.stdout)

    def test_run_folder_and_report(self) -> None:
        result = self.run_program("regime", self.training, "--out", "run")
        self.assertIn(result.returncode, (0, 1, 4), result.stderr)
        folder = self.folder / "run/regime/mine"
        summary = json.loads((folder / "summary.json").read_text())
        self.assertTrue(json.loads((folder / "manifest.json").read_text())["complete"])
        self.assertTrue(result.stdout.startswith(summary["answer"]))
        for part in summary["tables"] + summary["figures"]:
            self.assertGreater(len((folder / part["file"]).read_text().splitlines()), 2)
        self.assertFalse((folder / "checkpoint").exists())
        drawn = self.run_program("report", "run")
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        self.assertIn("Regime of the training mine", (self.folder / "run/index.html").read_text())

    def test_killed_and_resumed_equals_undisturbed(self) -> None:
        words = ["--set", "training.steps=400", "--set", "regime.looks=400", "--set", "regime.checkpoint_seconds=0.0"]
        self.run_program("regime", self.training, "--out", "whole", *words)
        command = [PROGRAM, "regime", str(self.training), "--out", "killed", *words]
        kills = 0
        for pause in (0.3, 0.5, 0.8, 1.0):
            running = subprocess.Popen([*command, *(["--resume"] if kills else [])], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pause)
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
                kills += 1
            running.wait()
        self.assertGreater(kills, 0)
        last = self.run_program("regime", self.training, "--out", "killed", "--resume", *words)
        self.assertIn(last.returncode, (0, 1, 4), last.stderr)
        for name in ("summary.json", "levels.csv", "ends.csv", "paths.csv", "training.csv", "scaling.csv"):
            self.assertEqual(*((self.folder / run / "regime/mine" / name).read_bytes() for run in ("whole", "killed")), name)

    def test_defaults_are_a_training_file(self) -> None:
        text = self.run_program("regime", "--defaults").stdout
        self.assertEqual(tomllib.loads(text)["training"]["batch"], 256)
        self.write("defaults.toml", text)
        small = ["training.steps=8", "regime.looks=2", "regime.residual_batches=2", "regime.objective_batches=2", "generator.hidden=[4]", "training.batch=8"]
        words = [word for assignment in small for word in ("--set", assignment)]
        self.assertIn(self.run_program("regime", "defaults.toml", *words).returncode, (0, 1, 4))

    def test_refusals(self) -> None:
        refused = [("training.scheme=adam", "audit"), ("training.momentum=0.9", "momentum"), ("training.schedule=plateau", "constant"),
                   ("training.step_size=0", "step_size"), ("training.steps=-1", "steps"), ("regime.levels=2", "3 to 8"), ("regime.replicates=2", "replicates"),
                   ("regime.tolerance=2", "tolerance"), ("training.scheme=npsgd", "radius"), ("training.radius=3", "ball"), ("generator.kind=conv", "generator"),
                   ("target.law=nowhere", "nowhere"), ("target.file=missing.csv", "missing.csv"), ("generator.parameters=missing.csv", "missing.csv"),
                   ("no.such=1", "no.such"), ("training.sampling=cycling", "pairs")]
        for assignment, fragment in refused:
            with self.subTest(assignment):
                self.assert_refused(self.run_program("regime", self.training, "--set", assignment), fragment)
        self.assert_refused(self.run_program("regime", "missing.toml"), "missing.toml")
        self.assert_refused(self.run_program("regime"), "--defaults")
        self.assert_refused(self.run_program("regime", self.training, "--resume"), "--out")


if __name__ == "__main__":
    unittest.main()
