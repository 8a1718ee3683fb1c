"""scripts/test_times.py: sums by label, what is over its budget, what has none."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import test_times  # noqa: E402


class Table(unittest.TestCase):
    SECONDS = {"a": 2.0, "b": 3.5, "c": 7.0, "d": 1.0}
    LABELS = {"a": "unit", "b": "unit", "c": "cuda", "d": "new"}

    def lines(self, **budgets: float) -> list[str]:
        return test_times.table(self.SECONDS, self.LABELS, budgets)

    def test_sums_and_the_slowest_first(self) -> None:
        rows = [line.split() for line in self.lines(unit=10, cuda=20, new=5)]
        self.assertEqual(rows[1:5], [["cuda", "1", "7", "20"], ["unit", "2", "6", "10"], ["new", "1", "1", "5"], ["all", "4", "14", "35"]])
        self.assertEqual([row[-1] for row in rows[-4:]], ["c", "b", "a", "d"])
        self.assertEqual(len(rows), 10)

    def test_over_budget_is_said_once_for_each_label(self) -> None:
        said = [line for line in self.lines(unit=5.4, cuda=7, new=5) if line.startswith("OVER BUDGET")]
        self.assertEqual(len(said), 1)
        self.assertIn("label unit took 6 s, 5 are allowed", said[0])

    def test_a_label_without_a_budget_is_named(self) -> None:
        said = [line for line in self.lines(unit=10, cuda=20) if line.startswith("NO BUDGET")]
        self.assertEqual(said, ["NO BUDGET: the label new has none in property_tests/budgets.json"])

    def test_times_are_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "junit.xml"
            path.write_text('<testsuite><testcase name="a" time="1.25"/><testcase name="b"/></testsuite>')
            self.assertEqual(test_times.seconds_of(path), {"a": 1.25, "b": 0.0})


if __name__ == "__main__":
    unittest.main()
