#!/usr/bin/python3
"""Tests of `report --compare`: what flipped, went missing, moved, and how differently two runs were made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from report_runs import (SCRIPT, all_files, claims, gallery, manifest, verdict, verdicts, write_answers, write_csv, write_json, write_line_experiment)

PROGRAM = os.environ.get("SLICECHECK_PROGRAM")    # the program's own command is tried too where there is one


class Compare(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.old, self.new = self.root / "old", self.root / "new"
        for folder in (self.old, self.new):
            for name, value in (("manifest", manifest(commit="0123abc")), ("claims", claims()), ("verdicts", verdicts()), ("gallery", gallery())):
                write_json(folder / f"{name}.json", value)
            write_line_experiment(folder / "experiments" / "line")
            write_answers(folder)

    def run_it(self, *options: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        import contextlib
        import io
        import report
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                status = report.main(["--compare", str(self.old), str(self.new), *options])
            except SystemExit as stop:
                status = stop.code
        for stream in streams:
            stream.seek(0)
        return status, streams[0].read(), streams[1].read()

    def changed(self, *words: str, status: int, gravity: str = "", options: tuple[str, ...] = ()) -> dict[str, Any]:
        """The comparison as JSON; one change has all the words, and the gravity."""
        code, out, err = self.run_it("--json", *options)
        self.assertEqual((code, err), (status, ""), out)
        made = json.loads(out)
        hits = [c for c in made["changes"] if all(word in " ".join(c.values()) for word in words)]
        self.assertEqual(len(hits), 1, (words, made["changes"]))
        if gravity:
            self.assertEqual(hits[0]["gravity"], gravity)
        self.assertEqual(made["got_worse"], status == 1)
        return made

    def edit(self, name: str, change: Callable[[Any], Any], folder: Path | None = None) -> None:
        """Rewrite a JSON file of NEW."""
        path = (folder or self.new) / name
        value = json.loads(path.read_text(encoding="utf-8"))
        replaced = change(value)
        write_json(path, value if replaced is None else replaced)

    def test_equal_runs(self) -> None:
        before = all_files(self.root)
        code, out, err = self.run_it()
        self.assertEqual((code, err), (0, ""))
        self.assertIn("Nothing got worse; 0 better, 0 new, 0 missing, 0 moved; 18 verdicts compared.", out)
        self.assertIn("Same seed, profile, settings and device", out)
        self.assertEqual(all_files(self.root), before)    # nothing is written into either

    def test_flips_come_first_and_decide(self) -> None:
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", worst_ratio=3.0))
        made = self.changed("L1 on reference", "holds", "refuted", "--claim L1 --subject reference", status=1, gravity="worse")
        self.assertEqual(made["changes"][0]["where"], "L1 on reference")
        code, out, _ = self.run_it()
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?m)^WORSE    L1 on reference: holds → refuted")

    def test_the_other_way_is_better(self) -> None:
        self.old, self.new = self.new, self.old
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", worst_ratio=3.0), self.old)
        self.changed("L1 on reference", "refuted", "holds", status=0, gravity="better")

    def test_inconclusive_is_worse_than_holding_and_better_than_refuted(self) -> None:
        self.edit("verdicts.json", lambda v: v[0].update(outcome="inconclusive"))
        self.changed("L1 on reference", "inconclusive", status=1, gravity="worse")
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", worst_ratio=2.0), self.old)
        self.changed("L1 on reference", "inconclusive", status=0, gravity="better")

    def test_a_finding_that_holds_is_worse(self) -> None:
        self.edit("verdicts.json", lambda v: v[-1].update(outcome="holds", worst_ratio=0.5))
        self.changed("A5 on relu-net", "holds, though declared refuted", status=1, gravity="worse")

    def test_another_declaration_is_not_taken_silently(self) -> None:
        """Declaring a failure to be expected does not make it good."""
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", expected="refuted", worst_ratio=3.0))
        self.changed("L1 on reference", "declaration itself changed", status=1, gravity="worse")

    def test_missing_and_new(self) -> None:
        self.edit("verdicts.json", lambda v: v[1:] + [verdict("L1", "mine", 0.5), verdict("L2", "mine", 4.0, outcome="refuted")])
        self.changed("missing", "L1 on reference", "no verdict", status=1, gravity="worse")
        self.changed("new", "L1 on mine", status=1, gravity="other")
        self.changed("new", "L2 on mine", "refuted", status=1, gravity="worse")

    def test_only_new_is_not_worse(self) -> None:
        self.edit("verdicts.json", lambda v: v + [verdict("L1", "mine", 0.5)])
        self.changed("L1 on mine", status=0, gravity="other")

    def test_half_of_the_budget(self) -> None:
        self.edit("verdicts.json", lambda v: v[0].update(cases=399))
        self.changed("evidence", "800 cases", "399 cases", status=1, gravity="worse")

    def test_ratios_move_beyond_the_threshold_only(self) -> None:
        self.edit("verdicts.json", lambda v: v[1].update(worst_ratio=0.0312 * 1.9))
        self.assertEqual(json.loads(self.run_it("--json")[1])["changes"], [])
        self.changed("moved", "L1 on cpu, worst ratio", status=0, gravity="other", options=("--threshold", "1.5"))
        self.edit("verdicts.json", lambda v: v[1].update(worst_ratio=0.0))
        self.changed("moved", "L1 on cpu, worst ratio", "0.031", status=0)

    def test_planted_defects(self) -> None:
        self.edit("gallery.json", lambda g: [t.update(outcome="holds", caught=False) for t in g if t["defect"] == "one-norm"] and None)
        self.changed("planted defect one-norm", "caught by L1", "caught by no claim", status=1, gravity="worse")
        self.edit("gallery.json", lambda g: [t for t in g if t["defect"] != "unsorted-y"])
        self.changed("planted defect unsorted-y", "not planted", status=1, gravity="worse")

    def test_property_tests(self) -> None:
        self.edit("claims.json", lambda c: c[0]["property_test"].update(passed=False))
        self.changed("property test of L1", "failed", status=1, gravity="worse")
        self.edit("claims.json", lambda c: c[1:])
        self.changed("claim L1", "not in the registry", status=1, gravity="worse")

    def test_not_complete(self) -> None:
        self.edit("manifest.json", lambda m: m.update(complete=False))
        self.changed("verify", "not complete", status=1, gravity="worse")

    def test_files_that_went_missing(self) -> None:
        (self.new / "gallery.json").unlink()
        self.changed("gallery.json", "absent", status=1, gravity="worse")

    def test_experiments_and_answers(self) -> None:
        self.edit("audit/small-net/summary.json", lambda s: s["verdicts"][0].update(outcome="holds", measured="bounded"))
        self.changed("audit/small-net: A4 on net.pt", "grows like 64 along a ray → bounded", status=1, gravity="worse")
        self.edit("regime/small-net/summary.json", lambda s: s.update(answer="The step is too large."))
        self.changed("answer", "regime/small-net", "The step is too large.", status=1, gravity="other")
        self.edit("regime/small-net/summary.json", lambda s: s.update(regime={"regime": "in the flow regime"}), self.old)
        self.edit("regime/small-net/summary.json", lambda s: s.update(regime={"regime": "stuck on the ball"}))
        self.changed("answer", "regime/small-net", "The step is too large.", status=1, gravity="worse")
        (self.new / "experiments" / "line" / "summary.json").unlink()
        self.changed("missing", "experiments/line", "absent", status=1, gravity="worse")

    def test_intervals(self) -> None:
        """Intervals that meet have not moved, however far their middles are; those that do not meet have."""
        rows = [[s, 2.0 ** -j, f * 0.5 * 2.0 ** (-j / 2)] for s, f in (("SGD", 1.0), ("NPSGD", 1.4)) for j in range(2, 10)]
        write = lambda first: write_csv(self.new / "experiments" / "line" / "distance.csv", ["scheme", "alpha", "median", "low", "high", "runs"],
                                        [[s, a, m, m * 0.9, m * 1.12, 200] if k else [s, a, *first, 200] for k, (s, a, m) in enumerate(rows)])
        write((0.9, 0.27, 2.0))
        self.assertEqual(json.loads(self.run_it("--json")[1])["changes"], [])
        write((0.4, 0.3, 0.5))
        self.changed("SGD", "median d_C", "0.250 [0.225, 0.280]", "0.400 [0.300, 0.500]", "do not meet", status=0, gravity="other")

    def test_what_is_not_comparable_is_named(self) -> None:
        self.edit("manifest.json", lambda m: m.update(seed=2, profile="full", settings=m["settings"] | {"eta": 0.1}, commit="fedcba", device="cpu"))
        code, out, _ = self.run_it()
        self.assertEqual(code, 0)
        for wanted in ("seed (verify): 1 → 2", "profile (verify): quick → full", "settings eta (verify): 0.05 → 0.1", "commit (verify): 0123abc → fedcba",
                       "device (verify): none → cpu",
                       "Not made alike: seed (verify), profile (verify), settings eta (verify). Verdicts can be compared"):
            self.assertIn(wanted, out)

    def test_markdown(self) -> None:
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", worst_ratio=3.0, reproduce="slicecheck verify | tee"))
        self.edit("manifest.json", lambda m: m.update(seed=2))
        code, _, _ = self.run_it("--out", str(self.root / "changes" / "comment.md"))
        text = (self.root / "changes" / "comment.md").read_text(encoding="utf-8")
        self.assertEqual(code, 1)
        self.assertIn("❌ **1 got worse;", text)
        self.assertIn("| Verdicts that changed | L1 on reference | holds | refuted |", text)
        self.assertIn(r"slicecheck verify \| tee", text)
        self.assertIn("| seed (verify) | 1 | 2 | yes |", text)

    def test_bad_input(self) -> None:
        wrong = ((("--threshold", "1"), "a factor above 1"), (("--threshold", "nan"), "a factor above 1"), (("--threshold", "x"), "invalid float"),
                 (("more",), "one run folder is drawn"))
        for options, words in wrong:
            code, out, err = self.run_it(*options)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(words, err)
        good = self.new
        for make, words in ((lambda p: None, "no such folder"), (lambda p: p.mkdir(), "holds no run data"), (lambda p: write_json(p / "verdicts.json", {}),
                                                                                                             "expected a list"),
                            (lambda p: write_json(p / "verdicts.json", [verdict("L1", "other", 0.5)]), "nothing in common")):
            self.new = self.root / words.replace(" ", "-")
            make(self.new)
            code, out, err = self.run_it()
            self.assertEqual((code, out), (2, ""))
            self.assertIn(words, err)
        self.new = good
        self.assertEqual(subprocess.run(["/usr/bin/python3", str(SCRIPT), str(good), "--json"], capture_output=True, timeout=60).returncode, 2)

    @unittest.skipUnless(PROGRAM, "SLICECHECK_PROGRAM is not set")
    def test_the_program(self) -> None:
        ask = lambda *words: subprocess.run([str(PROGRAM), "report", *map(str, words)], capture_output=True, text=True, timeout=120)
        self.assertEqual(ask("--compare", self.old, self.new).returncode, 0)
        self.edit("verdicts.json", lambda v: v[0].update(outcome="refuted", worst_ratio=3.0))
        done = ask("--compare", self.old, self.new, "--out", self.root / "c.md", "--json", "--threshold", "3")
        self.assertEqual((done.returncode, json.loads(done.stdout)["threshold"]), (1, 3.0))
        self.assertTrue((self.root / "c.md").is_file())
        for words in ((), (self.old, "--compare", self.old, self.new), ("--compare", self.old, self.new, "--threshold", "0")):
            self.assertEqual(ask(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
