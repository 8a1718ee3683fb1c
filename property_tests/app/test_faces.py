"""Experiment faces-max-sw in small, on images that are made here; and what scripts/fetch_data.sh does where data cannot be had."""

import csv
import hashlib
import json
import os
import subprocess
import unittest
from pathlib import Path

from program import ProgramTest

ROOT = Path(__file__).resolve().parents[2]
LOSSES = ["sw", "max-sw", "sw-features", "max-sw-features"]


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


SMALL = settings("folder=faces", "side=0", "share_exponents=[-3]", "radius_exponents=[30, -20]", "inputs=3", "hidden=[8]", "critic_hidden=[8, 4]", "batch=6",
                 "directions=8", "steps=8", "replicates=2", "looks=2", "w2_points=10", "evaluation_directions=10", "figure_side=2")


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


class FacesMaxSw(ProgramTest):
    def make_images(self, name: str, height: int, width: int, planes: int = 1, count: int = 9) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        for number in range(count):
            pixels = b""
            while len(pixels) < height * width * planes:
                pixels += hashlib.sha256(b"%d %d" % (number, len(pixels))).digest()
            magic = b"P5" if planes == 1 else b"P6"
            self.write(f"{name}/{number}.{'pgm' if planes == 1 else 'ppm'}", magic + b"\n%d %d\n255\n" % (width, height) + pixels[:height * width * planes])

    def run_it(self, out: str, *further: str | int) -> Path:
        result = self.run_program("experiment", "run", "faces-max-sw", "--out", out, "--seed", 2, *SMALL, *further)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.folder / out / "experiments/faces-max-sw"

    def rows(self, folder: Path, name: str) -> list[dict]:
        return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))

    def test_every_loss(self) -> None:
        self.make_images("faces", 6, 5)
        folder = self.run_it("one", "--threads", 1)
        trainings = self.rows(folder, "trainings.csv")
        self.assertEqual(len(trainings), len(LOSSES) * 4 * 2)
        for replicate in ("0", "1"):
            self.assertEqual(len({row["hash"] for row in trainings if row["replicate"] == replicate}), 1, "trainings of one start do not start alike")
        self.assertEqual(len({row["hash"] for row in trainings}), 2)
        final = self.rows(folder, "final.csv")
        self.assertEqual(len({row["loss"] for row in final}), len(LOSSES))
        for loss in {row["loss"] for row in final}:
            by = {row["optimiser"]: row for row in final if row["loss"] == loss}
            self.assertEqual(by["SGD, ball of 2^30"]["active"], "0 %")
            self.assertEqual(by["SGD, ball of 2^-20"]["active"], "100 %")
            for column in ("W2", "max_sw", "sw", "moved"):  # a ball that holds every gradient changes no bit
                self.assertEqual(by["SGD, ball of 2^30"][column], by["SGD"][column])
            self.assertLess(float(by["SGD, ball of 2^-20"]["moved"]), 1e-3 * float(by["SGD"]["moved"]))
            for row in by.values():
                self.assertLessEqual(float(row["sw"]), float(row["max_sw"]) * (1 + 1e-9))
                self.assertLessEqual(float(row["max_sw"]), float(row["W2"]) * (1 + 1e-9))
                for beside in ("floor", "mean"):
                    self.assertLessEqual(float(row[beside + "_sw"]), float(row[beside + "_max_sw"]) * (1 + 1e-9))
                    self.assertLessEqual(float(row[beside + "_max_sw"]), float(row[beside + "_W2"]) * (1 + 1e-9))
                self.assertGreater(float(row["variance"]), 0)
        summary = json.loads((folder / "summary.json").read_text())
        self.assertIn("CelebA itself: not run", " ".join(summary["facts"]))
        self.assertEqual(len(summary["advice"]), 3)
        drawn = self.run_program("report", "one")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        expected = written(folder)
        (folder / "summary.json").unlink()
        self.run_it("one", "--threads", 2, "--resume")
        self.assertEqual(written(folder), expected)
        self.assertEqual(written(self.run_it("two", "--threads", 2)), expected, "the number of threads changed the bits")

    def test_the_floor_is_between_different_images(self) -> None:
        self.make_images("faces", 3, 3, count=2)
        one, other = ([2 * pixel / 255 - 1 for pixel in (self.folder / f"faces/{number}.pgm").read_bytes()[-9:]] for number in range(2))
        square = sum((a - b) ** 2 for a, b in zip(one, other))
        folder = self.run_it("two", *settings('losses=["sw"]'))
        for row in self.rows(folder, "final.csv"):  # halves of one image each: the mean of the other half is that image
            self.assertAlmostEqual(float(row["floor_W2"]), square, delta=1e-5 * square)
            self.assertAlmostEqual(float(row["mean_W2"]), square, delta=1e-5 * square)
        self.make_images("faces", 3, 3, count=9)
        row = self.rows(self.run_it("nine", *settings('losses=["sw"]')), "final.csv")[0]
        pixels = [[2 * pixel / 255 - 1 for pixel in (self.folder / f"faces/{number}.pgm").read_bytes()[-9:]] for number in range(9)]
        variance = sum(sum((image[k] - sum(other[k] for other in pixels) / 9) ** 2 for image in pixels) / 8 for k in range(9))
        self.assertAlmostEqual(float(row["variance_real"]), variance, delta=0.2 * variance)  # halves of 4, 16 splits

    def test_sentences(self) -> None:
        self.make_images("faces", 3, 3)
        folder = self.run_it("ball", *settings('losses=["sw", "max-sw"]', "radius_exponents=[30]"))
        ball, loss, optimiser = json.loads((folder / "summary.json").read_text())["advice"]
        # A ball that holds every gradient changes no bit: every ratio is 1, on every start.
        self.assertIn("SW₂² on samples, max-SW₂² on samples: not decisive at the largest step tried, not decisive each at its best", ball["sentence"])
        self.assertIn("best of 1 radii", ball["sentence"])
        self.assertIn("variance", loss["sentence"])
        self.assertIn("chosen by SW_2²", " ".join(loss["evidence"]))
        self.assertIn("SGD at the best of 2", optimiser["sentence"])
        self.assertNotIn("no difference", optimiser["sentence"])

    def test_a_step_that_is_too_large_is_a_result(self) -> None:
        self.make_images("faces", 3, 3)
        folder = self.run_it("wild", *settings('losses=["sw"]', "share_exponents=[40]", "radius_exponents=[-40]", "adam_step_size=1e38"))
        by = {row["optimiser"]: row for row in self.rows(folder, "final.csv")}
        self.assertEqual(by["SGD, ball of 2^-40"]["diverged"], "none")
        self.assertEqual((by["Adam"]["W2"], by["Adam"]["diverged"][:6]), ("", "2 of 2"))
        optimiser = json.loads((folder / "summary.json").read_text())["advice"][2]
        self.assertIn("SGD is better for SW₂² on samples", optimiser["sentence"])
        self.assertIn("diverged from 2 of 2 starts", optimiser["evidence"][0])

    def test_colour_and_other_sizes(self) -> None:
        self.make_images("faces", 6, 5, planes=3)
        folder = self.run_it("colour", *settings("colour=true", "side=4", 'losses=["sw"]'))
        self.assertEqual((folder / "images-real.idx").read_bytes()[:16], bytes([0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4]), "luma of 4 × 4")
        self.assertIn("dimension 48", " ".join(json.loads((folder / "summary.json").read_text())["facts"]))
        self.make_images("faces", 4, 4)
        self.assert_refused(self.run_program("experiment", "run", "faces-max-sw", "--out", "bad", *SMALL), "0.ppm", "one size")

    def test_without_images(self) -> None:
        result = self.run_program("experiment", "run", "faces-max-sw", "--data", "nowhere", "--out", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("not run", result.stdout)
        facts = json.loads((self.folder / "none/experiments/faces-max-sw/summary.json").read_text())["facts"]
        self.assertIn("not run", facts[0])
        self.assertIn("nowhere/faces-lfw-subset", facts[0])
        drawn = self.run_program("report", "none")
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)

    def test_wrong_settings(self) -> None:
        self.make_images("faces", 3, 3)
        for assignment, complaint in [('losses=["gan"]', "'gan'"), ("losses=[]", "losses"), ("side=4", "too few"), ("radius_exponents=[]", "radius_exponents"),
                                      ("adam_step_size=0.0", "adam_step_size"), ('losses=["sw", "sw"]', "'sw' twice"),
                                      ("share_exponents=[1, 1]", "share_exponents names a number twice"), ("margin=1.0", "margin"),
                                      ("radius_exponents=[0, 0]", "radius_exponents names a number twice")]:
            self.assert_refused(self.run_program("experiment", "run", "faces-max-sw", "--out", "bad", *SMALL, *settings(assignment)), complaint)


class FetchData(ProgramTest):
    """With stand-ins for the programs that would reach a network or look into installed packages."""

    def setUp(self) -> None:
        super().setUp()
        given = Path(os.environ["SLICECHECK_DATA"])
        if not (given / "fashion-mnist").is_dir():
            self.skipTest("no FashionMNIST: scripts/fetch_data.sh installs it")
        (self.folder / "data").mkdir()
        (self.folder / "bin").mkdir()
        for name in ("fashion-mnist", "mnist"):
            if (given / name).is_dir():
                (self.folder / "data" / name).symlink_to(given / name)
        for name in ("npm", "curl", "apt-get", "dpkg"):
            self.stand_in(name, "exit 9")

    def stand_in(self, name: str, script: str) -> None:
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def fetch(self, *words: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "SLICECHECK_DATA": str(self.folder / "data")}
        return subprocess.run([ROOT / "scripts/fetch_data.sh", *words], capture_output=True, text=True, env=environment, timeout=120, check=False)

    def test_faces_out_of_reach_are_a_warning(self) -> None:
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("apt-get could not download", result.stdout)
        self.assertIn("faces-max-sw will say that it was not run", result.stderr)
        self.assertFalse((self.folder / "data/faces-lfw-subset").exists())
        self.assertEqual([path for path in (self.folder / "data").iterdir() if path.name.startswith(".fetch")], [])

    def test_another_file_is_not_taken_for_the_faces(self) -> None:
        inside = self.folder / "package/usr/lib/python3/dist-packages/skimage/data"
        inside.mkdir(parents=True)
        (inside / "lfw_subset.npy").write_bytes(b"other faces")
        (self.folder / "package/DEBIAN").mkdir()
        control = "Package: python3-skimage\nVersion: 0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: none\n"
        (self.folder / "package/DEBIAN/control").write_text(control)
        made = self.folder / "python3-skimage_0_all.deb"
        subprocess.run(["dpkg-deb", "-b", self.folder / "package", made], check=True, capture_output=True)
        self.stand_in("apt-get", f"cp {made} .")
        result = self.fetch()
        self.assertEqual(result.returncode, 0)
        self.assertIn("has not the SHA-256", result.stdout)
        self.assertFalse((self.folder / "data/faces-lfw-subset").exists())

    def test_the_faces_that_are_there(self) -> None:
        given = Path(os.environ["SLICECHECK_DATA"]) / "faces-lfw-subset"
        if not given.is_dir():
            self.skipTest("no faces: scripts/fetch_data.sh installs them")
        faces = self.folder / "data/faces-lfw-subset"
        faces.mkdir()
        for path in given.glob("*.pgm"):
            (faces / path.name).write_bytes(path.read_bytes())
        self.assertIn("The faces are there and right", self.fetch().stdout)
        self.assertEqual(len(list(faces.iterdir())), 100)
        self.assertEqual((faces / "000.pgm").read_bytes()[:13], b"P5\n25 25\n255\n")
        (faces / "000.pgm").write_bytes((faces / "001.pgm").read_bytes())
        changed = self.fetch()
        self.assertNotIn("The faces are there and right", changed.stdout)
        self.assertEqual(changed.returncode, 0)

    def test_large_archives_out_of_reach(self) -> None:
        for option, name in (("--celeba", "CelebA"), ("--cifar10", "CIFAR-10")):
            result = self.fetch(option)
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(f"{name} could not be fetched", result.stderr)
            self.assertIn("not exercised by any test", result.stdout)
            self.assertIn("place of the file", result.stdout)

    def test_an_archive_of_another_content_is_removed(self) -> None:
        (self.folder / "data/cifar-10-binary.tar.gz").write_bytes(b"half of it")
        result = self.fetch("--cifar10")
        self.assertEqual(result.returncode, 1)
        self.assertIn("has not the SHA-256", result.stdout)
        self.assertFalse((self.folder / "data/cifar-10-binary.tar.gz").exists())

    def test_usage(self) -> None:
        self.assertEqual(self.fetch("--faces").returncode, 2)
        shown = self.fetch("--help").stdout
        for word in ("--celeba", "--cifar10", "SHA-256", "No test has ever"):
            self.assertIn(word, shown)


if __name__ == "__main__":
    unittest.main()
