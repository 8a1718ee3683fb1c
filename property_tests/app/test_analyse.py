"""slicecheck analyse: recorded runs, made by another program (NumPy), against the flow."""

import json
import os
import unittest
from pathlib import Path

import numpy
from program import ProgramTest

DATA = Path(os.environ["SLICECHECK_DATA"])
TRAINING = """
[generator]
kind = "affine"
[source]
law = "cube"
dimension = 2
[target]
file = "data:fashion-mnist/t10k-images-idx3-ubyte"
[training]
batch = 32
[analyse]
directions = 128
"""


def images() -> numpy.ndarray:
    raw = numpy.fromfile(DATA / "fashion-mnist/t10k-images-idx3-ubyte", dtype=numpy.uint8)[16:]
    return raw.reshape(-1, 784) / 127.5 - 1


def trained(step: float, steps: int, every: int, directions: int = 256, momentum: float = 0.0, scale: float = 1.0) -> numpy.ndarray:
    """SGD of T(u, x) = A x + b on SW_2², written from the definition: rows time, A by rows, b."""
    random = numpy.random.default_rng(5)
    target = images()
    a, b = random.normal(size=(784, 2)) / numpy.sqrt(2), random.normal(size=784)
    velocity = [numpy.zeros_like(a), numpy.zeros_like(b)]
    rows = []
    for t in range(steps + 1):
        if t % every == 0:
            rows.append([t * step, *a.ravel(), *b])
        x = random.uniform(-1, 1, size=(32, 2))
        y = target[random.integers(len(target), size=32)]
        theta = random.normal(size=(directions, 784))
        theta /= numpy.linalg.norm(theta, axis=1, keepdims=True)
        z = x @ a.T + b
        projected = z @ theta.T
        order = projected.argsort(axis=0)
        matched = numpy.empty_like(projected)
        numpy.put_along_axis(matched, order, numpy.sort(y @ theta.T, axis=0), axis=0)
        gradient = scale * 2 / (32 * directions) * (projected - matched) @ theta
        for part, g in zip(velocity, (gradient.T @ x, gradient.sum(axis=0))):
            part *= momentum
            part += g
        a, b = a - step * velocity[0], b - step * velocity[1]
    return numpy.array(rows)


class FashionMnist(ProgramTest):
    def analyse(self, rows: numpy.ndarray, code: int, *words: object) -> dict:
        self.write("mine.toml", TRAINING)
        numpy.savetxt(self.folder / "run.csv", rows, delimiter=",", fmt="%.9g")
        result = self.run_program("analyse", "run.csv", "--training", "mine.toml", "--json", *words)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout)["runs"][0]

    def test_plain_sgd_follows(self) -> None:
        got = self.analyse(trained(4.0, 60, 6), 0)
        self.assertEqual(got["verdict"], "follows the flow", got)
        self.assertTrue(got["factor"]["low"] < 1.1 and got["factor"]["high"] > 0.9, got["factor"])
        self.assertLess(got["objective"]["last"], got["objective"]["first"])

    def test_momentum_does_not(self) -> None:
        got = self.analyse(trained(1.0, 60, 6, momentum=0.9), 1)
        self.assertEqual(got["verdict"], "another time scale", got)
        self.assertGreater(got["factor"]["low"], 2.0)


class Plane(ProgramTest):
    """What is said of runs alone, and what is refused."""

    def test_two_runs_without_a_training(self) -> None:
        self.write("fine.csv", "0,0,0\n1,0.5,0\n2,1,0\n")
        self.write("coarse.csv", "# time, u\n0,0,0\n1,0.5,0.25\n2,1,0.5\n")
        result = self.run_program("analyse", "fine.csv", "coarse.csv", "--json", "--out", "run")
        self.assertEqual(result.returncode, 0, result.stderr)
        gap = json.loads(result.stdout)["gaps"][0]
        self.assertEqual(gap["largest_gap"], 0.5)
        self.assertEqual(gap["path_distance"], 0.25 / 2 + 0.5 / 4)
        self.assertNotIn("verdict", json.loads(result.stdout)["runs"][0])
        self.assertEqual(self.run_program("report", "run").returncode, 0)
        self.assertIn("Recorded runs: fine", (self.folder / "run/index.html").read_text())
        said = self.run_program("analyse", "fine.csv", "coarse.csv").stdout
        self.assertIn("largest gap 0.5", said)

    def test_a_projection_is_shown_and_not_compared(self) -> None:
        self.write("mine.toml", "[generator]\nhidden = [3]\n")
        self.write("run.csv", "0,1,2\n1,2,3\n2,3,5\n")
        result = self.run_program("analyse", "run.csv", "--training", "mine.toml")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("a projection of u, not compared", result.stdout)

    def test_records_too_far_apart_leave_it_undecided(self) -> None:
        """The exact flow of the two-point line, u = 1/4 + 3/4 e^(-2s), at times whose Heun steps are unstable; with enough steps it is followed."""
        self.write("line.csv", "-1\n1\n")
        self.write("line.toml", '[generator]\nkind = "two-point-line"\n[source]\nfile = "line.csv"\n[target]\nfile = "line.csv"\n[training]\nbatch = 2\n')
        self.write("run.csv", "".join(f"{s},{0.25 + 0.75 * numpy.exp(-2 * s)}\n" for s in (0, 3, 6, 9)))
        coarse = self.run_program("analyse", "run.csv", "--training", "line.toml", "--out", "run")
        self.assertEqual(coarse.returncode, 4, coarse.stdout + coarse.stderr)
        self.assertIn("analyse.substeps", coarse.stdout)
        self.assertTrue((self.folder / "run/regime/record-line-run/summary.json").exists())
        fine = self.run_program("analyse", "run.csv", "--training", "line.toml", "--set", "analyse.substeps=20", "--set", "analyse.batches=200")
        self.assertEqual(fine.returncode, 0, fine.stdout + fine.stderr)

    def test_a_run_that_rests_at_a_critical_point_is_undecided(self) -> None:
        self.write("line.csv", "-1\n1\n")
        self.write("line.toml", '[generator]\nkind = "two-point-line"\n[source]\nfile = "line.csv"\n[target]\nfile = "line.csv"\n[training]\nbatch = 2\n')
        self.write("run.csv", "0,0.25\n1,0.25\n2,0.25\n")
        for seed in range(1, 5):
            result = self.run_program("analyse", "run.csv", "--training", "line.toml", "--seed", seed, "--set", "analyse.substeps=8")
            self.assertEqual(result.returncode, 4, result.stdout + result.stderr)
            self.assertIn("batches", result.stdout)

    def test_refusals(self) -> None:
        self.write("mine.toml", '[generator]\nkind = "affine"\n')
        self.write("good.csv", "0,1\n1,2\n2,3\n")
        for name, text, fragment in (("short.csv", "0,1\n1,2\n", "3 records"), ("falling.csv", "0,1\n2,2\n1,3\n", "must rise"), ("narrow.csv", "0\n1\n2\n", "time, u_1"),
                                     ("wide.csv", "0" + ",1" * 7 + "\n1" + ",1" * 7 + "\n2" + ",1" * 7 + "\n", "has 6")):
            with self.subTest(name):
                self.write(name, text)
                self.assert_refused(self.run_program("analyse", name, "--training", "mine.toml"), fragment)
        self.assert_refused(self.run_program("analyse", "good.csv", "--set", "training.batch=3"), "--training")
        self.assert_refused(self.run_program("analyse", "good.csv", "--training", "mine.toml", "--set", "analyse.tolerance=0"), "tolerance")
        self.assert_refused(self.run_program("analyse", "missing.csv"), "missing.csv")
        self.assertEqual(self.run_program("analyse").returncode, 2)


if __name__ == "__main__":
    unittest.main()
