"""slicecheck experiment mnist-transport, in small, on images that are made here: its files, equal starts, interruption, and what it refuses."""

import csv
import json
import random
import re
import signal
import subprocess
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest
from test_experiment import settings, shown_files
from test_mnist_gan import write_images

SMALL = ["width=2", "batch=8", "steps=4", "record_every=1", "evaluate_every=2", "images=30", "figure_side=2", "certificates=2", "classifier.steps=5",
         "classifier.batch=8", "duals.widths=[6]", "duals.steps=2", "encoder.every=2", "penalty.critic_steps=2"]
ARMS = ["h/l1/pixels", "sinkhorn/cosine/encoded", "sinkhorn/l1/encoded/sweeps", "wgan-gp"]


def write_cifar10(folder: Path) -> None:
    draw = random.Random("cifar10")
    folder.mkdir(parents=True)
    for name in [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]:
        (folder / f"{name}.bin").write_bytes(b"".join(bytes([k]) + bytes(draw.randrange(256) for _ in range(3072)) for k in range(10)))


class MnistTransport(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        for part, count in (("train", 120), ("t10k", 60)):
            write_images(self.folder / "data/mnist", part, count)

    def words(self, out: str, *assignments: str, arms: list[str] | None = None) -> list[str]:
        chosen = "arms=" + json.dumps(ARMS if arms is None else arms)
        return ["experiment", "run", "mnist-transport", "--out", out, "--data", str(self.folder / "data"), "--seed", "3", *settings(*SMALL, chosen, *assignments)]

    def rows(self, out: str, table: str) -> list[dict[str, str]]:
        with open(self.folder / out / "experiments/mnist-transport" / table, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_files_equal_starts_and_certificates(self) -> None:
        result = self.run_program(*self.words("run"))
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / "run/experiments/mnist-transport"
        summary = json.loads((folder / "summary.json").read_text())
        hashes = next(fact for fact in summary["facts"] if fact.startswith("Hash"))
        self.assertEqual(len(re.findall("[0-9a-f]{16}", hashes)), 1)
        said = next(fact for fact in summary["facts"] if fact.startswith("CIFAR-10: not run"))
        for part in ("cifar10/cifar-10-batches-bin/data_batch_1.bin is missing", "scripts/fetch_data.sh --cifar10", "cifar10=FOLDER"):
            self.assertIn(part, said)
        self.assertIn("mnist-transport: CIFAR-10 not run", result.stdout)
        self.assertNotIn("nan", json.dumps(summary["advice"]))
        for table in summary["tables"]:
            rows = self.rows("run", table["file"])
            self.assertEqual([row["name"] for row in rows if row["images"] == "CIFAR-10"], ["L_λ, ℓ₁, encoded", "L_λ, cosine, encoded", "WGAN-GP"])
            self.assertEqual({row["learns"] for row in rows if row["images"] == "CIFAR-10"}, {"not run"})
            self.assertEqual(len([row for row in rows if row["images"] == "MNIST"]), len(ARMS))
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
        keys = ["mnist-" + arm.replace("/", "-") for arm in ARMS]
        self.assertEqual(len({(folder / f"grid-{key}-0-0.idx").read_bytes() for key in keys}), 1, "all trainings begin with the same images")
        self.assertEqual(len({(folder / f"grid-{key}-0-4.idx").read_bytes() for key in keys}), len(keys))
        quality = self.rows("run", "quality.csv")
        self.assertEqual(len({row["frechet"] for row in quality if row["step"] == "0"}), 1)
        for row in quality:
            if row["name"] == "WGAN-GP":
                continue
            self.assertGreaterEqual(float(row["epsilon_high"]), float(row["epsilon_low"]))
            self.assertGreaterEqual(float(row["epsilon_low"]), 0.0)
            self.assertLessEqual(float(row["error"]), float(row["bound"]) * 1.01)
        for row in self.rows("run", "final.csv"):
            for column in ("exceeded", "negative"):
                self.assertIn(row[column], ("0 of 6", "–"))

    def test_what_diverges_is_compared_with_nothing(self) -> None:
        result = self.run_program(*self.words("run", "step_size=1e+30"))
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads((self.folder / "run/experiments/mnist-transport/summary.json").read_text())
        final = [row for row in self.rows("run", "final.csv") if row["images"] == "MNIST"]
        self.assertEqual([row["name"] for row in final if not row["learns"].startswith("diverged at step")], [])
        self.assertEqual({row["frechet"] for row in final}, {""})
        said = " ".join(entry["sentence"] for entry in summary["advice"])
        self.assertNotIn("nearer", said)
        for text in (said, *[",".join(row.values()) for table in ("final.csv", "quality.csv") for row in self.rows("run", table)]):
            self.assertNotIn("nan", text)

    def test_killed_and_resumed_equals_undisturbed(self) -> None:
        long = ["steps=40", "evaluate_every=20", "checkpoint.seconds=0.0"]
        whole = self.run_program(*self.words("whole", *long))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        checkpoints = self.folder / "killed/experiments/mnist-transport/checkpoints"
        with subprocess.Popen([PROGRAM, *self.words("killed", *long)], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(checkpoints.glob("*.cbor")):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(), -signal.SIGKILL, "the program ended before it could be killed")
        self.assertFalse((self.folder / "killed/experiments/mnist-transport/summary.json").exists())
        resumed = self.run_program(*self.words("killed", *long), "--resume", "--threads", 1)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(shown_files(self.folder / "killed/experiments/mnist-transport"), shown_files(self.folder / "whole/experiments/mnist-transport"))

    def test_quadratic_and_cifar10(self) -> None:
        write_cifar10(self.folder / "data/cifar10/cifar-10-batches-bin")  # the folder that is taken where none is named
        result = self.run_program(*self.words("run", "regulariser=quadratic", 'cifar10_arms=["sinkhorn/l1/encoded", "wgan-gp"]',
                                              arms=["h/cosine/pixels"]))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([row["images"] for row in self.rows("run", "final.csv")], ["MNIST", "CIFAR-10", "CIFAR-10"])

    def test_what_is_refused(self) -> None:
        for arm, fragment in (("h/l1", "neither wgan-gp nor OBJECTIVE/COST/SPACE"), ("d/l1/pixels", "unknown objective 'd'"), ("h/l3/pixels", "unknown ground cost 'l3'"),
                              ("h/l1/latent", "the cost is taken on 'latent'"), ("h/l1/pixels/exact", "ends in 'exact'")):
            self.assert_refused(self.run_program(*self.words("bad", arms=[arm])), fragment)
        self.assert_refused(self.run_program(*self.words("bad", arms=[])), "arms is empty")
        self.assert_refused(self.run_program(*self.words("bad", "lambda_share=0.0")), "lambda_share is 0")
        self.assert_refused(self.run_program(*self.words("bad", "regulariser=l2")), "unknown regulariser 'l2'")
        self.assert_refused(self.run_program(*self.words("bad", "penalty.weight=0.0")), "penalty.weight is 0")
        self.assert_refused(self.run_program(*self.words("bad", arms=["h/l1/pixels", "h/l1/pixels"])), "arms has h/l1/pixels twice")
        slow = self.run_program(*self.words("bad", "classifier.steps=1000000000", "cifar10_arms=[\"h/l3/pixels\"]"))  # refused before anything is trained
        self.assert_refused(slow, "unknown ground cost 'l3'")
        write_cifar10(self.folder / "cifar")
        (self.folder / "cifar/data_batch_2.bin").write_bytes(b"short")
        self.assert_refused(self.run_program(*self.words("bad", f"cifar10={self.folder / 'cifar'}", arms=["h/l1/pixels"])), "records of 3073 bytes")

    def test_without_its_data(self) -> None:
        (self.folder / "data/mnist/t10k-labels-idx1-ubyte").unlink()
        result = self.run_program(*self.words("absent"))
        self.assertEqual(result.returncode, 0, result.stderr)
        for text in (result.stdout, (self.folder / "absent/experiments/mnist-transport/summary.json").read_text()):
            self.assertIn("not run: MNIST is not there", text)
            self.assertIn("t10k-labels-idx1-ubyte", text)
            self.assertIn("data_batch_1.bin is missing", text)


if __name__ == "__main__":
    unittest.main()
