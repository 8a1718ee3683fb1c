"""slicecheck audit: the assumptions of trainings whose answers are known, on FashionMNIST, in the plane, and of TorchScript files with the same layers."""

import json
import unittest
from pathlib import Path

from program import ProgramTest

TRAININGS = Path(__file__).resolve().parents[2] / "experiments/trainings"
PLANE = """
[generator]
kind = "torchscript"
file = "examples/{file}.pt"
[source]
law = "cube"
dimension = 2
atoms = 50
[target]
law = "truncated-two-moons"
atoms = 50
[training]
step_size = 0.01
steps = 100
batch = 16
"""


class Audit(ProgramTest):
    def audit(self, file: object, code: int, *words: object) -> dict:
        result = self.run_program("audit", file, "--json", *words)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual([a["id"] for a in found["assumptions"]], [f"A{i}" for i in range(1, 8)])
        return found

    @staticmethod
    def standings(found: dict) -> dict:
        return {a["id"]: a["standing"] for a in found["assumptions"]}


class FashionMnist(Audit):
    """The answers were declared before they were computed."""

    def test_bounded(self) -> None:
        found = self.audit(TRAININGS / "fashion-audit-bounded.toml", 0)
        self.assertEqual(set(self.standings(found).values()), {"holds"})
        self.assertEqual([flag["what"] for flag in found["flags"] if not flag["harmless"]], [])
        self.assertEqual(next(a for a in found["assumptions"] if a["id"] == "A2")["basis"], "certified")
        self.assertEqual(found["ties"]["harmful"], 0)

    def test_relu(self) -> None:
        found = self.audit(TRAININGS / "fashion-audit-relu.toml", 1)
        got = self.standings(found)
        self.assertEqual([i for i in got if got[i] == "fails"], ["A3", "A4", "A5", "A6"])
        self.assertEqual([i for i in got if got[i] == "holds"], ["A1", "A2", "A7"])
        self.assertEqual(sorted(flag["what"] for flag in found["flags"]),
                         ["momentum", "per-tensor projection", "plateau schedule", "reused directions", "shuffled epochs", "unbounded source"])
        self.assertEqual({sphere["what"] for sphere in found["spheres"]}, {"the training's", "suggested"})


class TorchScript(Audit):
    """Four modules with the parameters hidden.weight, hidden.bias, out.weight, out.bias: what is told apart is what they do."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.run_program("examples", "--out", "examples").returncode, 0)

    def of(self, file: str, code: int, *words: object) -> dict:
        return self.audit(self.write("training.toml", PLANE.format(file=file)), code, *words)

    def test_opposite_answers(self) -> None:
        plain = self.of("generator-mlp", 0)
        self.assertEqual(self.standings(plain), {"A1": "holds", "A2": "holds", "A3": "holds", "A4": "holds on B(0, R) only", "A5": "holds", "A6": "holds", "A7": "holds"})
        self.assertEqual({a["basis"] for a in plain["assumptions"]}, {"probed", "declared"})
        self.assertIn("estimated", plain["assumptions"][1]["evidence"])
        coupled = self.of("generator-batch-norm", 1)
        self.assertEqual(self.standings(coupled)["A2"], "fails")
        self.assertIn("samples coupled", [flag["what"] for flag in coupled["flags"]])
        detached = self.of("generator-detached", 1)
        self.assertEqual([i for i, standing in self.standings(detached).items() if standing == "fails"], ["A7"])
        self.assertEqual(self.standings(self.of("generator-tanh", 0))["A4"], "holds")

    def test_a_run_folder_and_its_page(self) -> None:
        first = self.of("generator-mlp", 0, "--out", "run", "--threads", 1)
        folder = self.folder / "run/audit/training"
        summary = json.loads((folder / "summary.json").read_text())
        self.assertEqual(summary["answer"], first["answer"])
        self.assertEqual([verdict["claim"] for verdict in summary["verdicts"]], [f"A{i}" for i in range(1, 8)])
        for part in summary["tables"] + summary["figures"]:
            self.assertGreater(len((folder / part["file"]).read_text().splitlines()), 1, part["file"])
        manifest = json.loads((folder / "manifest.json").read_text())
        self.assertTrue(manifest["complete"])
        self.assertEqual(manifest["settings"]["audit.rays"], 8)
        # The same bits on any number of threads; another seed looks elsewhere.
        self.assertEqual(first, self.of("generator-mlp", 0, "--threads", 3))
        self.assertNotEqual(first["constants"], self.of("generator-mlp", 0, "--seed", 2)["constants"])
        self.assertEqual(self.run_program("report", "run").returncode, 0)
        self.assertIn(first["answer"], (self.folder / "run/report.md").read_text())

    def test_text(self) -> None:
        file = self.write("training.toml", PLANE.format(file="generator-mlp"))
        result = self.run_program("audit", file, "--set", "training.momentum=0.5")
        self.assertEqual(result.returncode, 0, result.stderr)
        for fragment in ("A4 T bounded in u", "holds on B(0, R) only", "against the theory: momentum (T1)", "heuristic: no theorem", "sampled points", "1 thing in the training"):
            self.assertIn(fragment, result.stdout)

    def test_a_start_on_a_tie(self) -> None:
        self.write("pm.csv", "1\n-1\n")
        self.write("zero.csv", "0\n")
        file = self.write("line.toml", '[generator]\nkind = "two-point-line"\nparameters = "zero.csv"\n[source]\nfile = "pm.csv"\n[target]\nfile = "pm.csv"\n[training]\nbatch = 16\n')
        found = self.audit(file, 0, "--out", "run")
        self.assertEqual([c["value"] for c in found["constants"] if c["name"] in ("C", "C bound")], [None, 2.0])
        self.assertEqual([s["name"] for s in found["suggestions"]], ["radius at least"])
        self.assertEqual((found["ties"]["harmful"], found["ties"]["harmless"]), (4, 0))
        text = self.run_program("audit", file).stdout
        self.assertRegex(text, r"(?m)^C +- +not decided: u0 is on a tie or kink")
        for written in (text, (self.folder / "run/audit/line/constants.csv").read_text()):
            self.assertNotIn("nan", written)
            self.assertNotIn("step size", written)

    def test_refuses(self) -> None:
        file = self.write("training.toml", PLANE.format(file="generator-mlp"))
        self.assert_refused(self.run_program("audit", "missing.toml"), "missing.toml")
        self.assert_refused(self.run_program("audit", file, "--set", "audit.points=1"), "audit.points")
        self.assert_refused(self.run_program("audit", file, "--set", "audit.nonsense=1"), "audit.nonsense")
        self.assert_refused(self.run_program("audit", file, "--set", "source.dimension=3"), "generator-mlp.pt", "x with 3 columns")
        self.assert_refused(self.run_program("audit", file, "--set", "generator.file=training.toml"), "training.toml", "no TorchScript archive")
        self.assertEqual(self.run_program("audit").returncode, 2)


class ImageFolder(Audit):
    def test_a_folder_of_images_is_a_target(self) -> None:
        for k in range(6):
            self.write_image(f"images/{k}.pgm", bytes(30 * k + j for j in range(9)))
        file = self.write("training.toml", '[generator]\nkind = "affine"\n[source]\nlaw = "cube"\ndimension = 2\natoms = 9\n[target]\nfile = "images"\n[training]\nbatch = 8\n')
        found = self.audit(file, 0)
        self.assertIn("y has 6 atoms", found["assumptions"][5]["evidence"])
        self.write_image("images/7.pgm", b"1234", 2)
        self.assert_refused(self.run_program("audit", file), "7.pgm", "2 × 2")

    def write_image(self, name: str, pixels: bytes, side: int = 3) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        self.write(name, b"P5\n%d %d\n255\n" % (side, side) + pixels)


if __name__ == "__main__":
    unittest.main()
