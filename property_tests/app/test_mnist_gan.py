"""slicecheck experiment mnist-gan, in small, on images that are made here: its files, equal starts, interruption, and what it refuses."""

import csv
import json
import random
import re
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest
from test_experiment import settings, shown_files

SMALL = ["width=2", "batch=8", "steps=3", "record_every=1", "evaluate_every=2", "images=30", "figure_side=2", "directions=5", "classifier.steps=5",
         "classifier.batch=8"]
ARMS = 'arms=["gan-bce/bce", "sw1/linear"]'


def write_images(folder: Path, part: str, count: int) -> None:
    """Bright bars in 28×28, upright for even labels; enough for every step of the program to have something to do."""
    draw = random.Random(part)
    labels = bytes(k % 10 for k in range(count))
    pixels = bytearray()
    for label in labels:
        place, upright = 4 + 2 * label, label % 2 == 0
        places = ((column if upright else row) for row in range(28) for column in range(28))
        pixels += bytes(draw.randrange(200, 256) if abs(at - place) < 3 else draw.randrange(30) for at in places)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, 28, 28) + bytes(pixels))
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)


class MnistGan(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        for part, count in (("train", 120), ("t10k", 60)):
            write_images(self.folder / "data/mnist", part, count)

    def words(self, out: str, *assignments: str) -> list[str]:
        return ["experiment", "run", "mnist-gan", "--out", out, "--data", str(self.folder / "data"), "--seed", "3", *settings(*SMALL, *assignments)]

    def rows(self, out: str, table: str) -> list[dict[str, str]]:
        with open(self.folder / out / "experiments/mnist-gan" / table, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_files_and_equal_starts(self) -> None:
        result = self.run_program(*self.words("run", 'arms=["gan-bce/bce", "gan-report/linear/sgd", "sw2/linear", "wgan/wgan-gp"]', "penalty.critic_steps=2"))
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / "run/experiments/mnist-gan"
        summary = json.loads((folder / "summary.json").read_text())
        hashes = next(fact for fact in summary["facts"] if fact.startswith("Hash"))
        self.assertRegex(hashes, r"replicate 0: [0-9a-f]{16} \(all 3 trainings with image-critic\[width 2, normalised\]\)")
        self.assertEqual(len(re.findall("[0-9a-f]{16}", hashes)), 2)
        self.assertEqual(len({entry["question"] for entry in summary["advice"]}), len(summary["advice"]))
        for table in summary["tables"]:
            rows = self.rows("run", table["file"])
            self.assertTrue(rows)
            for column in table["columns"]:
                self.assertIn(column["name"], rows[0])
        for figure in summary["figures"]:
            for panel in figure["panels"]:
                if figure["kind"] == "images":
                    self.assertEqual((folder / panel["file"]).stat().st_size, 16 + 4 * 784)
                else:
                    rows = self.rows("run", figure["file"])
                    for series in panel["series"]:
                        self.assertTrue([row for row in rows if all(row[key] == value for key, value in series["where"].items())], series)
        grids = [(folder / f"grid-{arm}-0-0.idx").read_bytes() for arm in ("gan-bce-bce-adam", "gan-report-linear-sgd", "sw2-linear-adam", "wgan-wgan-gp-adam")]
        self.assertEqual(len(set(grids)), 1, "all trainings begin with the same images")
        self.assertNotEqual((folder / "grid-gan-bce-bce-adam-0-3.idx").read_bytes(), grids[0])
        self.assertNotEqual((folder / "grid-gan-bce-bce-adam-0-3.idx").read_bytes(), (folder / "grid-sw2-linear-adam-0-3.idx").read_bytes())
        start = {row["frechet"] for row in self.rows("run", "quality.csv") if row["step"] == "0"}
        self.assertEqual(len(start), 1)
        self.assertEqual(len(self.rows("run", "trajectory.csv")), 4 * 3)

    def test_killed_and_resumed_equals_undisturbed(self) -> None:
        long = [ARMS, "steps=40", "evaluate_every=20", "replicates=2", "checkpoint.seconds=0.0"]
        whole = self.run_program(*self.words("whole", *long))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        checkpoints = self.folder / "killed/experiments/mnist-gan/checkpoints"
        with subprocess.Popen([PROGRAM, *self.words("killed", *long)], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(checkpoints.glob("*.cbor")):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(), -signal.SIGKILL, "the program ended before it could be killed")
        self.assertFalse((self.folder / "killed/experiments/mnist-gan/summary.json").exists())
        resumed = self.run_program(*self.words("killed", *long), "--resume", "--threads", 1)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(shown_files(self.folder / "killed/experiments/mnist-gan"), shown_files(self.folder / "whole/experiments/mnist-gan"))

    def test_what_is_refused(self) -> None:
        for arm, fragment in (("gan-bce", "GENERATOR/CRITIC"), ("gan/bce", "unknown objective of the generator 'gan'"),
                              ("sw1/hinge", "unknown objective of the critic 'hinge'"), ("sw1/bce/rmsprop", "unknown optimiser 'rmsprop'")):
            self.assert_refused(self.run_program(*self.words("bad", f'arms=["{arm}"]')), fragment)
        self.assert_refused(self.run_program(*self.words("bad", "arms=[]")), "arms is empty")
        self.assert_refused(self.run_program(*self.words("bad", 'arms=["gan-bce/bce", "gan-bce/bce/adam"]')), "gan-bce-bce-adam-0 is there twice")

    def test_without_its_data(self) -> None:
        (self.folder / "data/mnist/t10k-labels-idx1-ubyte").unlink()
        result = self.run_program(*self.words("absent", ARMS))
        self.assertEqual(result.returncode, 0, result.stderr)
        for text in (result.stdout, (self.folder / "absent/experiments/mnist-gan/summary.json").read_text()):
            self.assertIn("not run: MNIST is not there", text)
            self.assertIn("t10k-labels-idx1-ubyte", text)


if __name__ == "__main__":
    unittest.main()
