"""slicecheck experiment: every experiment in small, interruption by SIGKILL, the same bits on any number of threads, bad settings."""

import csv
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

SMALL = ["evaluation.batches=3", "evaluation.directions=40", "evaluation.w2_points=40", "figure_points=50", "evaluate_every=0"]


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


def shown_files(folder: Path) -> dict[str, bytes]:
    """The files of an experiment that must not depend on threads or interruptions: all but the manifest and the private checkpoints."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class Interruption(ProgramTest):
    NAME = "plane-sgd"
    KILLS = int(os.environ.get("SLICECHECK_KILLS", "3"))
    STEPS = max(3000, 300 * KILLS)  # six checkpoints a kill: the program must not end before the last one

    def words(self, out: str) -> list[str]:
        return ["experiment", "run", self.NAME, "--out", out, "--seed", "7",
                *settings(*SMALL, 'targets=["two-moons", "swiss-roll"]', "hidden=[32, 32]", f"steps={self.STEPS}", "record_every=10", "checkpoint.steps=50",
                          "checkpoint.seconds=1000.0")]

    def test_killed_and_resumed_equals_undisturbed(self) -> None:
        whole = self.run_program(*self.words("whole"))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        expected = shown_files(self.folder / "whole/experiments" / self.NAME)
        checkpoints = self.folder / "killed/experiments" / self.NAME / "checkpoints"
        kills = 0
        for attempt in range(self.KILLS):
            resume = ["--resume"] if attempt else []
            with subprocess.Popen([PROGRAM, *self.words("killed"), *resume], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
                before = {path.name: path.stat().st_mtime_ns for path in checkpoints.glob("*.cbor")}
                while process.poll() is None:
                    if any(before.get(path.name) != path.stat().st_mtime_ns for path in checkpoints.glob("*.cbor")):
                        process.send_signal(signal.SIGKILL)
                        break
                    time.sleep(0.002)
                kills += process.wait() == -signal.SIGKILL
        self.assertGreaterEqual(kills, self.KILLS - 1, "the program ended before it could be killed; give it more steps")
        self.assertFalse((self.folder / "killed/experiments" / self.NAME / "summary.json").exists())
        self.assertFalse(json.loads((self.folder / "killed/experiments" / self.NAME / "manifest.json").read_text())["complete"])
        resumed = self.run_program(*self.words("killed"), "--resume", "--threads", 1)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(shown_files(self.folder / "killed/experiments" / self.NAME), expected)

    def test_other_settings_are_not_continued(self) -> None:
        small = ["experiment", "run", self.NAME, "--out", "run", *settings(*SMALL, 'targets=["two-moons"]', "hidden=[8]", "steps=20")]
        self.assertEqual(self.run_program(*small).returncode, 0)
        manifest = self.folder / "run/experiments" / self.NAME / "manifest.json"
        before = manifest.read_bytes()
        self.assert_refused(self.run_program(*small, "--resume", "--seed", 8), "checkpoint", "other settings")
        self.assertEqual(manifest.read_bytes(), before, "the tables are still those of the older run")
        self.assertEqual(self.run_program(*small, "--resume").returncode, 0)


class Small(ProgramTest):
    """Each experiment from its presets, with few steps."""

    def run_small(self, name: str, *assignments: str) -> Path:
        folders = []
        for threads in (1, 2):
            result = self.run_program("experiment", "run", name, "--out", f"run{threads}", "--threads", threads, *settings(*assignments))
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            folders.append(self.folder / f"run{threads}/experiments" / name)
        self.assertEqual(shown_files(folders[0]), shown_files(folders[1]), "the number of threads changed the bits")
        summary = json.loads((folders[0] / "summary.json").read_text())
        self.assertEqual(summary["name"], name)
        self.assertTrue(summary["departures"])
        for table in summary["tables"]:
            with open(folders[0] / table["file"], newline="", encoding="utf-8") as file:
                self.assertTrue(list(csv.DictReader(file)))
        drawn = self.run_program("report", "run1")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        return folders[0]

    def rows(self, folder: Path, name: str) -> list[dict]:
        with open(folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_plane_sgd_learns(self) -> None:
        folder = self.run_small("plane-sgd", *SMALL, "hidden=[32, 32]", "steps=300")
        rows = self.rows(folder, "final.csv")
        self.assertEqual(len(rows), 6)
        for row in rows:
            self.assertLess(float(row["ratio"]), 0.5, row)

    def test_plane_npsgd_stays_in_the_ball(self) -> None:
        folder = self.run_small("plane-npsgd", *SMALL, "hidden=[32, 32]", "steps=60", "record_every=1")
        rows = self.rows(folder, "trajectory.csv")
        whole = [float(row["u_norm"]) for row in rows if row["variant"].startswith("NPSGD, r = 10,")]
        self.assertTrue(whole)
        self.assertLessEqual(max(whole), 10 * (1 + 1e-6))
        per_tensor = [float(row["u_norm"]) for row in rows if row["variant"] == "as in the report's code"]
        self.assertGreater(max(per_tensor), 10.1, "projecting tensor by tensor should leave the ball: that is the report's defect")

    def test_fashion_mnist(self) -> None:
        folder = self.run_small("fashion-mnist", *SMALL[:3], "steps=4", "batch=8", "directions=4", "width=2", "figure_side=2", "evaluate_every=0")
        self.assertEqual((folder / "target.idx").read_bytes()[:16], bytes([0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28]))

    def test_fashion_mnist_without_its_data(self) -> None:
        self.assert_refused(self.run_program("experiment", "run", "fashion-mnist", "--data", "nowhere", "--out", "new/run"), "FashionMNIST", "nowhere", "fetch_data.sh")
        self.assertFalse((self.folder / "new").exists(), "a refused run leaves nothing")
        (self.folder / "old").mkdir()
        self.assert_refused(self.run_program("experiment", "run", "fashion-mnist", "--data", "nowhere", "--out", "old"), "FashionMNIST")
        self.assertEqual(list((self.folder / "old").iterdir()), [])

    def test_fashion_mnist_with_a_lying_header(self) -> None:
        data = self.folder / "data/fashion-mnist"
        data.mkdir(parents=True)
        (data / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784))
        self.assert_refused(self.run_program("experiment", "run", "fashion-mnist", "--data", "data"), "train-images-idx3-ubyte", "9 images", "784 bytes")


class Settings(ProgramTest):
    def refused(self, words: list[str], *fragments: str) -> None:
        self.assert_refused(self.run_program("experiment", "run", "plane-sgd", "--out", "run", *words), *fragments)
        self.assertFalse((self.folder / "run").exists())

    def test_bad_settings(self) -> None:
        self.refused(["--set", "stepz=3"], "'stepz'", "steps")
        self.refused(["--set", "steps"], "key=value")
        self.refused(["--set", "steps=many"], "'steps'", "integer", "word")
        self.refused(["--set", "step_size=true"], "'step_size'")
        self.refused(["--set", 'targets=["two-moons", 3]'], "'targets'", "mixes", "integer")
        self.refused(["--set", "hidden=[8, 4.5]"], "'hidden'", "mixes", "number")
        self.refused(["--set", "hidden=[8.5, 4.5]"], "'hidden'", "integers", "numbers")
        self.refused(["--set", "hidden=[]", "--set", "hidden=['a']"], "'hidden'")
        self.refused(["--profile", "medium"], "'medium'", "quick or full")
        self.refused(["--config", "absent.toml"], "absent.toml")
        self.write("broken.toml", "steps = 3\nbatch = = 4\n")
        self.refused(["--config", "broken.toml"], "broken.toml", "line 2")

    def test_bad_values(self) -> None:
        for assignment in ("steps=0", "batch=0", 'targets=["moon"]', "step_size=-1.0", "hidden=[0]", "evaluation.batches=1"):
            result = self.run_program("experiment", "run", "plane-sgd", "--out", "run", "--set", assignment)
            self.assert_refused(result, "")

    def test_config_file_and_show(self) -> None:
        shown = self.run_program("experiment", "show", "plane-sgd").stdout
        self.write("mine.toml", shown.replace("steps = 4000", "steps = 5"))
        result = self.run_program("experiment", "run", "plane-sgd", "--out", "run", "--config", "mine.toml", *settings(*SMALL, "hidden=[4]"))
        self.assertEqual(result.returncode, 0, result.stderr)
        manifest = json.loads((self.folder / "run/experiments/plane-sgd/manifest.json").read_text())
        self.assertEqual((manifest["settings"]["steps"], manifest["settings"]["hidden"], manifest["complete"]), (5, [4], True))

    def test_unknown_experiment(self) -> None:
        self.assert_refused(self.run_program("experiment", "run", "plane-gd"), "'plane-gd'", "plane-sgd")


class Divergence(ProgramTest):
    def test_a_step_that_is_too_large_is_named(self) -> None:
        result = self.run_program("experiment", "run", "plane-sgd", "--out", "run", *settings(*SMALL, "hidden=[16]", "steps=200", "step_size=1000.0", 'targets=["swiss-roll"]'))
        self.assert_refused(result, "step", "too large")


if __name__ == "__main__":
    os.environ.setdefault("SLICECHECK_DATA", str(Path(__file__).resolve().parents[2] / "data"))
    unittest.main()
