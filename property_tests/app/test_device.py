"""slicecheck --device: which device is taken, what is said of it, and what is refused. Every test runs with and without a CUDA device; none is skipped."""

import json
import re
import unittest
from functools import cached_property

from program import ProgramTest

NO_DEVICE = "there is no CUDA device to use"
SMALL = ["--set", 'targets=["two-moons"]', "--set", "hidden=[4]", "--set", "steps=2", "--set", "evaluation.batches=2", "--set", "evaluation.directions=5",
         "--set", "evaluation.w2_points=10", "--set", "figure_points=10", "--set", "evaluate_every=0"]


class DeviceTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.x = self.write("x.csv", "0,0\n1,0\n0,2\n")
        self.y = self.write("y.csv", "3,4\n4,4\n3,6\n")

    @cached_property
    def built_with_cuda(self) -> bool:
        version = self.run_program("--version").stdout
        found = re.search(r"CUDA (on|off)\)$", version, re.MULTILINE)
        self.assertIsNotNone(found, version)
        return found.group(1) == "on"

    @cached_property
    def has_device(self) -> bool:
        """As the program itself says, in one sentence with a reason; a build without the kernels has none."""
        said = self.run_program("distance", self.x, self.y, "--device", "auto").stderr
        self.assertRegex(said, rf"^slicecheck: device: (cpu, as {NO_DEVICE}: .+|cuda, .+ \(compute capability .+\))\n$")
        has_device = "device: cuda" in said
        if not self.built_with_cuda:
            self.assertFalse(has_device)
            self.assertIn("this build has no CUDA kernels", said)
        return has_device

    def distance(self, *words: object) -> dict:
        result = self.run_program("distance", self.x, self.y, "--json", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)


class Distance(DeviceTest):
    def test_the_processor_is_taken_unless_asked(self) -> None:
        plain = self.run_program("distance", self.x, self.y, "--json")
        named = self.run_program("distance", self.x, self.y, "--json", "--device", "cpu")
        self.assertEqual((plain.stdout, plain.stderr), (named.stdout, ""))
        self.assertEqual(named.stderr, "")
        self.assertEqual((json.loads(plain.stdout)["device"], json.loads(plain.stdout)["precision"]), ("cpu", "double"))

    def test_auto(self) -> None:
        got = self.distance("--device", "auto")
        if self.has_device:
            self.assertEqual((got["device"], got["precision"]), ("cuda", "single"))
        else:
            self.assertEqual(got, self.distance("--device", "cpu"))

    def test_cuda(self) -> None:
        """Along the frame SW_2² is 25/2, up to some roundings of float; without a device exit code 2 and the reason."""
        frame = self.write("frame.csv", "1,0\n0,1\n")
        words = ["distance", self.x, self.y, "--directions-file", frame, "--device", "cuda", "--json"]
        if not self.has_device:
            self.assert_refused(self.run_program(*words), "--device cuda", NO_DEVICE)
            return
        result = self.run_program(*words, "--gradient", "g.csv")
        self.assertEqual(result.returncode, 0, result.stderr)
        got = json.loads(result.stdout)
        self.assertEqual((got["device"], got["precision"]), ("cuda", "single"))
        self.assertLess(abs(got["value"] - 12.5), 12.5 * 2**-20)
        rows = [[float(cell) for cell in line.split(",")] for line in (self.folder / "g.csv").read_text().splitlines()]
        for row in rows:
            for got, expected in zip(row, (-1.0, -4.0 / 3.0)):
                self.assertLess(abs(got - expected), 2**-22)

    def test_what_the_processor_alone_can_do(self) -> None:
        for words, reason in ((["--exact"], "angular sweep"), (["--p", 1], "p = 2 alone")):
            self.assert_refused(self.run_program("distance", self.x, self.y, *words, "--device", "cuda"), "--device cuda", reason)
            result = self.run_program("distance", self.x, self.y, *words, "--device", "auto", "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stderr, rf"^slicecheck: device: cpu, as .*{reason}.*\n$")
            self.assertEqual(json.loads(result.stdout)["device"], "cpu")

    def test_another_word(self) -> None:
        for words in ([], ["--exact"], ["--p", 1]):
            self.assert_refused(self.run_program("distance", self.x, self.y, *words, "--device", "gpu"), "'gpu'", "cpu, cuda or auto")


class Experiments(DeviceTest):
    def run_small(self, device: str):
        return self.run_program("experiment", "run", "plane-sgd", "--out", device, *SMALL, "--device", device)

    def device_of(self, folder: str) -> str:
        return json.loads((self.folder / folder / "experiments/plane-sgd/manifest.json").read_text())["device"]

    def test_the_manifest_says_where_losses_were_computed(self) -> None:
        result = self.run_small("auto")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("slicecheck: device: ", result.stderr)
        self.assertEqual(self.device_of("auto").split(":")[0], "cuda" if self.has_device else "cpu")
        self.assertEqual(self.run_small("cpu").returncode, 0)
        self.assertEqual(self.device_of("cpu"), "cpu")

    def test_cuda(self) -> None:
        result = self.run_small("cuda")
        if self.has_device:
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(self.device_of("cuda").startswith("cuda: "))
        else:
            self.assert_refused(result, "--device cuda", NO_DEVICE)
            self.assertFalse((self.folder / "cuda").exists())

    def test_a_checkpoint_of_another_device_is_not_continued(self) -> None:
        if not self.has_device:  # then there is no other device, and cpu continues what cpu began
            self.assertEqual(self.run_small("cpu").returncode, 0)
            again = self.run_program("experiment", "run", "plane-sgd", "--out", "cpu", *SMALL, "--device", "auto", "--resume")
            self.assertEqual(again.returncode, 0, again.stderr)
            return
        self.assertEqual(self.run_small("cuda").returncode, 0)
        again = self.run_program("experiment", "run", "plane-sgd", "--out", "cuda", *SMALL, "--device", "cpu", "--resume")
        self.assert_refused(again, "other settings")

    def test_an_experiment_for_the_processor(self) -> None:
        words = ["experiment", "run", "clarke-set", "--out", "run", "--device"]
        self.assert_refused(self.run_program(*words, "cuda"), "--device cuda", "clarke-set", "plane-sgd")
        result = self.run_program(*words, "auto")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("device: cpu, as clarke-set", result.stderr)
        self.assert_refused(self.run_program(*words, "gpu"), "'gpu'")


class Subject(DeviceTest):
    def test_it_is_listed_where_the_build_has_it(self) -> None:
        listed = [line.split()[1] for line in self.run_program("subjects").stdout.splitlines()]
        self.assertEqual("cuda" in listed, self.built_with_cuda)

    def test_by_name(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--subject", "cuda", "--cases", 60, "--out", "run")
        if self.has_device:
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertTrue(json.loads((self.folder / "run/manifest.json").read_text())["device"].startswith("cuda: "))
        else:
            self.assert_refused(result, "cuda", NO_DEVICE)
            self.assertFalse((self.folder / "run").exists())

    def test_it_is_left_out_by_name_where_there_is_no_device(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--cases", 60, "--json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        judged = [verdict["subject"] for verdict in json.loads(result.stdout)]
        self.assertEqual("cuda" in judged, self.has_device)
        left_out = [line for line in result.stderr.splitlines() if "subject cuda is not judged" in line]
        self.assertEqual(len(left_out), 1 if self.built_with_cuda and not self.has_device else 0, result.stderr)
        for line in left_out:
            self.assertIn(NO_DEVICE, line)

    def test_nothing_is_said_where_no_claim_judges_it(self) -> None:
        result = self.run_program("verify", "--claim", "A6", "--cases", 60)
        self.assertNotIn("subject cuda", result.stderr)


if __name__ == "__main__":
    unittest.main()
