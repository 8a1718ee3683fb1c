"""slicecheck distance: values known by hand, the gradient file, and every kind of bad input."""

import json
import math
import os
import resource
import unittest

from program import ProgramTest


class Values(ProgramTest):
    def distance(self, *words: object) -> dict:
        result = self.run_program("distance", *words, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_translation_along_an_orthonormal_frame(self) -> None:
        """SW_2²(Z, Z + v) = ‖v‖²/d, here 25/2, exactly."""
        x = self.write("x.csv", "0,0\n1,0\n0,2\n")
        y = self.write("y.csv", "3,4\n4,4\n3,6\n")
        frame = self.write("frame.csv", "1,0\n0,1\n")
        got = self.distance(x, y, "--directions-file", frame)
        self.assertEqual(got["value"], 12.5)
        self.assertIsNone(got["standard_error"])
        self.assertEqual((got["n"], got["d"], got["directions"]), (3, 2, 2))

    def test_exponent(self) -> None:
        x = self.write("x.csv", "0\n2\n")
        y = self.write("y.csv", "5\n1\n")
        one = self.write("one.csv", "1\n")
        self.assertEqual(self.distance(x, y, "--p", 1, "--directions-file", one)["value"], 2.0)
        self.assertEqual(self.distance(x, y, "--p", 3, "--directions-file", one)["value"], 14.0)

    def test_random_directions_agree_with_the_closed_form(self) -> None:
        """Deviation at most B√(ln(2/δ)/(2L)) with B = max‖z_k − y_l‖² and δ = 1e-9 (Hoeffding); the seed makes it repeatable."""
        x = self.write("x.csv", "0,0,0\n1,0,0\n")
        y = self.write("y.csv", "1,2,2\n2,2,2\n")
        got = self.distance(x, y, "--directions", 4000, "--seed", 5)
        largest = max(sum((a - b) ** 2 for a, b in zip(p, q)) for p in [(0, 0, 0), (1, 0, 0)] for q in [(1, 2, 2), (2, 2, 2)])
        self.assertLessEqual(abs(got["value"] - 3.0), largest * math.sqrt(math.log(2e9) / 8000))
        self.assertGreater(got["standard_error"], 0.0)
        self.assertEqual(got, self.distance(x, y, "--directions", 4000, "--seed", 5, "--threads", 2))
        self.assertNotEqual(got["value"], self.distance(x, y, "--directions", 4000, "--seed", 6)["value"])

    def test_exact_in_the_plane(self) -> None:
        """A translation by v: SW_2² = ‖v‖²/2, max-SW_2² = ‖v‖² along v, and every row of the gradient is −v/n."""
        x = self.write("x.csv", "0,0\n1,0\n0,2\n")
        y = self.write("y.csv", "3,4\n4,4\n3,6\n")
        got = self.distance(x, y, "--exact", "--max", "--gradient", "g.csv")
        self.assertLessEqual(abs(got["value"] - 12.5), got["error_bound"])
        self.assertLess(got["error_bound"], 1e-12)
        self.assertAlmostEqual(got["max_value"], 25.0, delta=1e-12)
        self.assertAlmostEqual(abs(got["max_direction"][0] * 3 + got["max_direction"][1] * 4), 5.0, delta=1e-12)
        for row in (self.folder / "g.csv").read_text().split():
            self.assertEqual(len(row.split(",")), 2)
            for got_entry, v in zip(map(float, row.split(",")), (3.0, 4.0)):
                self.assertAlmostEqual(got_entry, -v / 3, delta=1e-13)
        sampled = self.distance(x, y, "--directions", 4000)
        self.assertLess(abs(sampled["value"] - got["value"]), 6 * sampled["standard_error"])

    def test_exact_tells_of_duplicates(self) -> None:
        x = self.write("x.csv", "0,0\n0,0\n")
        y = self.write("y.csv", "1,0\n-1,0\n")
        result = self.run_program("distance", x, y, "--exact", "--gradient", "g.csv", "--json")
        self.assertTrue(json.loads(result.stdout)["duplicates"])
        self.assertIn("coincident", result.stderr)

    def test_exact_refuses_what_it_cannot_do(self) -> None:
        x = self.write("x.csv", "0,0,0\n1,0,0\n")
        self.assert_refused(self.run_program("distance", x, x, "--exact"), "plane", "3")
        plane = self.write("plane.csv", "0,0\n1,0\n")
        self.assert_refused(self.run_program("distance", plane, plane, "--exact", "--p", 1), "--p")
        self.assert_refused(self.run_program("distance", plane, plane, "--max"), "--exact")

    def test_gradient_file(self) -> None:
        x = self.write("x.csv", "0,0\n1,0\n")
        y = self.write("y.csv", "3,4\n4,4\n")
        frame = self.write("frame.csv", "1,0\n0,1\n")
        self.distance(x, y, "--directions-file", frame, "--gradient", "g.csv")
        rows = [[float(cell) for cell in line.split(",")] for line in (self.folder / "g.csv").read_text().splitlines()]
        self.assertEqual(rows, [[-1.5, -2.0], [-1.5, -2.0]])

    def test_gradient_at_equal_clouds_is_zero(self) -> None:
        x = self.write("x.csv", "0,0\n1,0\n1,0\n")
        for p in (1, 1.5, 2, 3):
            self.distance(x, x, "--p", p, "--gradient", "g.csv")
            self.assertEqual({float(c) for line in (self.folder / "g.csv").read_text().split() for c in line.split(",")}, {0.0})

    def test_comments_blank_lines_and_carriage_returns(self) -> None:
        x = self.write("x.csv", "# a cloud\r\n\r\n 0 , +1\r\n1e0,.5\r\n")
        self.assertEqual(self.distance(x, x)["value"], 0.0)


class BadInput(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.good = self.write("good.csv", "0,0\n1,1\n")

    def refused(self, text: str | bytes, *fragments: str) -> None:
        bad = self.write("bad.csv", text)
        for order in ((bad, self.good), (self.good, bad)):
            self.assert_refused(self.run_program("distance", *order), "bad.csv", *fragments)

    def test_rows(self) -> None:
        self.refused("0,0\n1\n", "line 2", "1 coordinates", "2")
        self.refused("0,0\n1,two\n", "line 2", "column 2", "'two'")
        self.refused("0,0\n1,\n", "line 2", "column 2", "number")
        self.refused("0,nan\n1,1\n", "line 1", "finite")
        self.refused("0,0\n-inf,1\n", "line 2", "finite")
        self.refused("0,0\n1e999,1\n", "line 2", "range")
        self.refused("", "no points")
        self.refused("# nothing\n\n", "no points")
        self.refused(b"\x00\x01\x02", "line 1", "number")
        self.refused("0;0\n1;1\n", "line 1", "number")

    def test_shapes(self) -> None:
        self.refused("0,0\n", "good.csv", "one size")
        self.refused("0,0,0\n1,1,1\n", "dimension 3", "dimension 2")

    def test_files(self) -> None:
        self.assert_refused(self.run_program("distance", "absent.csv", self.good), "absent.csv", "No such file")
        self.assert_refused(self.run_program("distance", self.folder, self.good), "folder")

    def test_directions(self) -> None:
        long = self.write("long.csv", "1,0\n1,1\n")
        self.assert_refused(self.run_program("distance", self.good, self.good, "--directions-file", long), "long.csv", "direction 2", "unit")
        three = self.write("three.csv", "1,0,0\n")
        self.assert_refused(self.run_program("distance", self.good, self.good, "--directions-file", three), "dimension 3")

    def test_options(self) -> None:
        self.assert_refused(self.run_program("distance", self.good, self.good, "--p", 0.5), "0.5", "at least 1")
        self.assert_refused(self.run_program("distance", self.good, self.good, "--p", "nan"), "at least 1")
        for words in (["--directions", 0], ["--directions", "many"], ["--unknown"], ["--threads", -1]):
            self.assertEqual(self.run_program("distance", self.good, self.good, *words).returncode, 2, words)
        self.assertEqual(self.run_program("distance", self.good).returncode, 2)
        self.assertEqual(self.run_program("frobnicate").returncode, 2)
        self.assertEqual(self.run_program().returncode, 2)

    def test_unwritable_output(self) -> None:
        self.assert_refused(self.run_program("distance", self.good, self.good, "--gradient", self.folder), "folder")
        self.assert_refused(self.run_program("distance", self.good, self.good, "--gradient", "good.csv/g.csv"), "good.csv")
        self.assert_refused(self.run_program("distance", self.good, self.good, "--gradient", "/dev/full"), "/dev/full", "No space left")

    def test_a_file_that_does_not_fit_leaves_nothing(self) -> None:
        """A limit on the size of files stands for the full disk."""
        cloud = self.write("cloud.csv", "".join(f"{k}.123456789,{k}\n" for k in range(2000)))
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        result = self.run_program("distance", cloud, self.write("other.csv", "".join(f"{k}.3,{-k}\n" for k in range(2000))), "--gradient", "g.csv", preexec_fn=small)
        self.assert_refused(result, "g.csv", "File too large")
        self.assertEqual(sorted(os.listdir(self.folder)), ["cloud.csv", "good.csv", "other.csv"])

    def test_standard_output_that_is_full(self) -> None:
        with open("/dev/full", "w", encoding="ascii") as full:
            import subprocess

            from program import PROGRAM

            result = subprocess.run([PROGRAM, "distance", str(self.good), str(self.good)], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("standard output", result.stderr)


if __name__ == "__main__":
    unittest.main()
