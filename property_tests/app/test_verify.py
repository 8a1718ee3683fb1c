"""slicecheck verify, claims, report: exit codes, JSON, the same bits on any number of threads, coverage that cannot lie."""

import json
import os
import re
import subprocess
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


class Subjects(ProgramTest):
    def test_every_type_is_listed(self) -> None:
        listed = self.run_program("subjects").stdout
        for word in ("loss", "generator", "scheme", "sampler", "training", "law", "criticality", "flow", "transport", "transport-bounds", "torchscript:",
                     "gallery/tie-dropped"):
            self.assertIn(word, listed)

    def test_a_claim_that_does_not_apply(self) -> None:
        self.assert_refused(self.run_program("verify", "--claim", "N8", "--subject", "cpu"), "N8", "training")
        self.assert_refused(self.run_program("verify", "--claim", "T1", "N8", "--subject", "cpu", "training"), "cpu")

    def test_defects_of_every_type_are_refuted(self) -> None:
        for name, claim in (("pullback-missing-bias", "N7"), ("momentum", "T4"), ("cube-directions", "T1"), ("stale-gradient", "T1"), ("sum-not-checked", "A6")):
            result = self.run_program("verify", "--claim", claim, "--subject", f"gallery/{name}", "--cases", 100)
            self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
            self.assertIn("refuted", result.stdout)


class Findings(ProgramTest):
    """F1 to F6 are declared refuted."""

    HIDES_IT = "gallery/loss-never-below-zero"

    def test_refuted_is_as_declared_with_a_counter_example_that_repeats(self) -> None:
        result = self.run_program("verify", "--claim", "F5", "--subject", "regularised-transport", "--cases", 60)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("refuted, as declared", result.stdout)
        self.assertIn("lambda =\n    10\n", result.stdout)
        (command,) = [line.split("repeat: slicecheck ")[1] for line in result.stdout.splitlines() if "repeat: " in line]
        self.assertEqual(self.run_program(*command.split()).stdout, result.stdout)

    def test_one_that_holds_raises_the_exit_code(self) -> None:
        result = self.run_program("verify", "--claim", "F5", "--subject", self.HIDES_IT, "--cases", 60)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("holds, though declared refuted", result.stdout)
        both = self.run_program("verify", "--claim", "F5", "--subject", self.HIDES_IT, "regularised-transport", "--cases", 60)
        self.assertEqual(both.returncode, 1, both.stdout + both.stderr)

    def test_too_few_cases_to_refute_it_are_inconclusive(self) -> None:
        self.assertEqual(self.run_program("verify", "--claim", "F5", "--subject", self.HIDES_IT, "--cases", 10).returncode, 4)

    def test_what_hides_it_is_refuted_by_a_claim(self) -> None:
        self.assertEqual(self.run_program("verify", "--claim", "R14", "--subject", self.HIDES_IT, "--cases", 60).returncode, 1)

    def test_json_tells_findings_apart(self) -> None:
        run = self.folder / "run"
        result = self.run_program("verify", "--claim", "F5", "L5", "--subject", "regularised-transport", "cpu", "--cases", 150, "--out", run, "--json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for verdicts in (json.loads(result.stdout), json.loads((run / "verdicts.json").read_text())):
            self.assertEqual([(v["claim"], v["finding"], v["outcome"], v["expected"]) for v in verdicts],
                             [("F5", True, "refuted", "refuted"), ("L5", False, "holds", "holds")])
            self.assertEqual(verdicts[0]["counter_example"]["values"]["size"], 1)
        finding, claim = json.loads((run / "claims.json").read_text())
        self.assertEqual((finding["finding"], claim["finding"]), (True, False))
        self.assertIn("loss-never-below-zero", finding["defects_rejected"])
        caught = [r for r in json.loads((run / "gallery.json").read_text()) if r["claim"] == "F5" and r["caught"]]
        self.assertTrue(caught)
        self.assertEqual({r["outcome"] for r in caught}, {"holds"})


class OtherPeoplesLosses(ProgramTest):
    """The conformance kit: docs/conformance.md."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.run_program("examples", "--out", "examples").returncode, 0)

    def verify(self, file: str, *words: object) -> subprocess.CompletedProcess:
        return self.run_program("verify", "--subject", f"torchscript:examples/{file}.pt", "--cases", 200, *words)

    def test_the_right_one_holds(self) -> None:
        result = self.verify("sliced-wasserstein", "--json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        verdicts = {v["claim"]: v for v in json.loads(result.stdout)}
        self.assertEqual(set(verdicts), {"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N9", "G2"})
        self.assertIn("values per direction", verdicts["L1"]["not_run"])

    def test_a_defect_is_refuted_with_a_counter_example_in_files(self) -> None:
        result = self.verify("sliced-wasserstein-unsorted-target", "--counter-examples", "found")
        self.assertEqual(result.returncode, 1, result.stderr)
        stem = self.folder / "found" / "L1-sliced-wasserstein-unsorted-target.pt"
        clouds = {part: Path(f"{stem}-{part}.csv").read_text().split() for part in ("Z", "Y", "directions")}
        self.assertEqual([len(rows) for rows in clouds.values()], [2, 2, 1])

    def test_a_root_is_refuted_where_it_is_no_number(self) -> None:
        result = self.verify("sliced-wasserstein-root", "--claim", "L6", "--json")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout)[0]["counter_example"]["observed"], "nan")

    def test_what_is_no_such_file(self) -> None:
        whole = (self.folder / "examples" / "sliced-wasserstein.pt").read_bytes()
        for name, content in (("text.pt", b"import torch"), ("empty.pt", b""), ("cut.pt", whole[: len(whole) // 2])):
            self.write(name, content)
            self.assert_refused(self.run_program("verify", "--subject", f"torchscript:{name}"), name)
        self.assert_refused(self.run_program("verify", "--subject", "torchscript:absent.pt"), "absent.pt")
        self.assert_refused(self.run_program("verify", "--subject", "torchscript:"), "torchscript")


class Determinism(ProgramTest):
    def test_threads_do_not_matter(self) -> None:
        for threads in (1, 2, 3):
            result = self.run_program("verify", "--cases", 100, "--claim", "L1", "L4", "N4", "T1", "--subject", "cpu", "cpu-float", "torch-float",
                                      "dense-mlp/relu", "fresh-batches", "training", "--threads", threads, "--out", f"run{threads}")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for name in ("verdicts.json", "gallery.json"):
            self.assertEqual(len({(self.folder / f"run{threads}" / name).read_bytes() for threads in (1, 2, 3)}), 1, name)

    def test_threads_do_not_matter_to_what_is_said(self) -> None:
        said = set()
        for threads in (1, 3):
            result = self.run_program("verify", "--cases", 250, "--claim", "L7", "N7", "T1", "T4", "R2", "--subject", "cpu", "dense-mlp/relu", "npsgd", "training",
                                      "regularised-transport", "--threads", threads, "--json")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            said.add(re.sub(r" --threads \d+", "", result.stdout))
        self.assertEqual(len(said), 1)

    def test_seed_matters(self) -> None:
        one, two = (self.run_program("verify", "--claim", "L2", "--subject", "cpu", "--seed", seed, "--json").stdout for seed in (1, 2))
        self.assertNotEqual(json.loads(one)[0]["checks"], json.loads(two)[0]["checks"])


class Coverage(ProgramTest):
    def claims(self, evidence: Path, report: Path) -> dict:
        environment = dict(os.environ, SLICECHECK_EVIDENCE=str(evidence))
        result = self.run_program("claims", "--json", "--report", report, env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {claim["id"]: claim for claim in json.loads(result.stdout)}

    def test_evidence_of_other_sources_and_reports_of_other_claims_do_not_count(self) -> None:
        # The gallery is judged anew for every list of claims, which takes most of the time: two lists show everything.
        evidence = self.folder / "evidence"
        evidence.mkdir()
        forged = {"claim": "L1", "name": "forged", "cases": 1000, "passed": True, "fingerprint": "0123456789abcdef"}
        (evidence / "L1.forged.json").write_text(json.dumps(forged))
        run = self.folder / "run"
        self.assertEqual(self.run_program("verify", "--claim", "L1", "--subject", "cpu", "--out", run).returncode, 0)
        for claim in (before := self.claims(evidence, run)).values():
            self.assertFalse(claim["covered"], claim["id"])
            self.assertIsNone(claim["report_line"], claim["id"])  # no page yet
            self.assertTrue(claim["defects_rejected"], claim["id"])
            if claim["id"] != "L1":
                self.assertIsNone(claim["property_test"], claim["id"])
        self.assertFalse(before["L1"]["property_test"]["fresh"])
        drawn = self.run_program("report", run)
        self.assertEqual(drawn.returncode, 0, drawn.stdout + drawn.stderr)
        after = self.claims(self.folder / "none", run)  # a folder of evidence that is not there
        self.assertIsNone(after["L1"]["property_test"])
        self.assertTrue(after["L1"]["report_line"])
        self.assertFalse(after["L1"]["covered"])
        self.assertFalse(after["L2"]["report_line"])
        self.assertFalse([name for name in os.listdir(run) if name.endswith(".partial")])


class Report(ProgramTest):
    def test_bad_folders(self) -> None:
        self.assert_refused(self.run_program("report", "absent"), "absent")
        (self.folder / "empty").mkdir()
        self.assertEqual(self.run_program("report", "empty").returncode, 2)


class Help(ProgramTest):
    def test_every_command_has_help(self) -> None:
        for words in ([], ["verify"], ["claims"], ["distance"], ["subjects"], ["examples"], ["report"], ["experiment"], ["experiment", "run"], ["experiment", "list"]):
            result = self.run_program(*words, "--help")
            self.assertEqual(result.returncode, 0, words)
            self.assertIn("Usage", result.stdout)
        self.assertRegex(self.run_program("--version").stdout, r"^slicecheck \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
