"""slicecheck verify, claims, report: exit codes, JSON, the same bits on any number of threads, coverage that cannot lie."""

import json
import os
import unittest
from pathlib import Path

from program import ProgramTest


class ExitCodes(ProgramTest):
    def test_holds(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--subject", "reference", "--cases", 60, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        (verdict,) = json.loads(result.stdout)
        self.assertEqual((verdict["claim"], verdict["subject"], verdict["outcome"]), ("L1", "reference", "holds"))
        self.assertEqual(verdict["cases"], 180)
        self.assertLessEqual(verdict["worst_ratio"], 1.0)

    def test_refuted_with_a_counter_example_that_repeats(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--subject", "gallery/unsorted-target", "--cases", 60, "--json")
        self.assertEqual(result.returncode, 1, result.stderr)
        (verdict,) = json.loads(result.stdout)
        self.assertEqual(verdict["outcome"], "refuted")
        self.assertGreater(verdict["counter_example"]["observed"], verdict["counter_example"]["allowed"])
        self.assertEqual(len(verdict["counter_example"]["values"]["Z"]), 2)  # the smallest cloud that shows it
        words = verdict["reproduce"].split()
        self.assertEqual(words[0], "slicecheck")
        again = self.run_program(*words[1:], "--json")
        self.assertEqual(again.stdout, result.stdout)

    def test_inconclusive(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--subject", "cpu", "--cases", 3)
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("inconclusive", result.stdout)
        self.assertIn("at least 50", result.stdout)

    def test_refuted_outranks_inconclusive(self) -> None:
        result = self.run_program("verify", "--claim", "L1", "--subject", "cpu", "gallery/unsorted-target", "--cases", 30)
        self.assertEqual(result.returncode, 1, result.stdout)

    def test_unknown_names(self) -> None:
        self.assert_refused(self.run_program("verify", "--claim", "L99"), "'L99'", "L1, L2")
        self.assert_refused(self.run_program("verify", "--subject", "gpu"), "'gpu'", "reference")
        self.assert_refused(self.run_program("verify", "--profile", "slow"), "'slow'", "quick")

    def test_unwritable_folder(self) -> None:
        self.write("file", "")
        self.assert_refused(self.run_program("verify", "--claim", "L1", "--subject", "cpu", "--out", "file/run"), "file")


class Determinism(ProgramTest):
    def test_threads_do_not_matter(self) -> None:
        for threads in (1, 2, 3):
            result = self.run_program("verify", "--cases", 80, "--subject", "cpu", "cpu-float", "torch-float", "--threads", threads, "--out", f"run{threads}")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for name in ("verdicts.json", "gallery.json"):
            self.assertEqual(len({(self.folder / f"run{threads}" / name).read_bytes() for threads in (1, 2, 3)}), 1, name)

    def test_seed_matters(self) -> None:
        one, two = (self.run_program("verify", "--claim", "L2", "--subject", "cpu", "--seed", seed, "--json").stdout for seed in (1, 2))
        self.assertNotEqual(json.loads(one)[0]["checks"], json.loads(two)[0]["checks"])


class Coverage(ProgramTest):
    def claims(self, evidence: Path, report: Path) -> dict:
        environment = dict(os.environ, SLICECHECK_EVIDENCE=str(evidence))
        result = self.run_program("claims", "--json", "--report", report, env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {claim["id"]: claim for claim in json.loads(result.stdout)}

    def test_nothing_is_covered_without_evidence(self) -> None:
        for claim in self.claims(self.folder / "none", self.folder / "none").values():
            self.assertFalse(claim["covered"])
            self.assertIsNone(claim["property_test"])
            self.assertIsNone(claim["report_line"])
            self.assertTrue(claim["defects_rejected"], claim["id"])

    def test_evidence_of_other_sources_does_not_count(self) -> None:
        evidence = self.folder / "evidence"
        evidence.mkdir()
        forged = {"claim": "L1", "name": "forged", "cases": 1000, "passed": True, "fingerprint": "0123456789abcdef"}
        (evidence / "L1.forged.json").write_text(json.dumps(forged))
        claim = self.claims(evidence, self.folder)["L1"]
        self.assertFalse(claim["property_test"]["fresh"])
        self.assertFalse(claim["covered"])

    def test_a_report_counts_only_for_the_claims_it_shows(self) -> None:
        run = self.folder / "run"
        self.assertEqual(self.run_program("verify", "--claim", "L1", "--subject", "cpu", "--out", run).returncode, 0)
        self.assertIsNone(self.claims(self.folder, run)["L1"]["report_line"])  # no page yet
        drawn = self.run_program("report", run)
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        claims = self.claims(self.folder, run)
        self.assertTrue(claims["L1"]["report_line"])
        self.assertFalse(claims["L2"]["report_line"])
        self.assertFalse([name for name in os.listdir(run) if name.endswith(".partial")])


class Report(ProgramTest):
    def test_bad_folders(self) -> None:
        self.assert_refused(self.run_program("report", "absent"), "absent")
        (self.folder / "empty").mkdir()
        self.assertEqual(self.run_program("report", "empty").returncode, 2)


class Help(ProgramTest):
    def test_every_command_has_help(self) -> None:
        for words in ([], ["verify"], ["claims"], ["distance"], ["report"], ["experiment"], ["experiment", "run"], ["experiment", "list"]):
            result = self.run_program(*words, "--help")
            self.assertEqual(result.returncode, 0, words)
            self.assertIn("Usage", result.stdout)
        self.assertRegex(self.run_program("--version").stdout, r"^slicecheck \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
