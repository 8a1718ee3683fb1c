#!/usr/bin/python3
"""Tests of scripts/report.py on run folders made by hand: the page, the verdicts, what is absent, what is refused, hostile text.

Runs without arguments, directly or as `/usr/bin/python3 -m unittest`. The kinds of figures: test_report_figures.py.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from report_runs import (PLOTS, SCRIPT, WRITERS, Case, Page, all_files, claims, gallery, manifest, report, run_script, verdict, verdicts, write_csv,
                         write_answers, write_idx, write_json, write_sample)


# ---- tests ----------------------------------------------------------------------------------------------------------------------------

class WholeReport(Case):
    """The page of a whole run folder, drawn once for the tests that only read it."""

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name) / "run"
        write_sample(cls.folder)
        cls.before = set(all_files(cls.folder))
        cls.done = run_script(cls.folder)

    def page(self) -> Page:
        self.assertEqual((self.done.returncode, self.done.stderr), (0, ""))
        return Page((self.folder / "index.html").read_text(encoding="utf-8"))

    def test_success(self) -> None:
        page, folder, before = self.page(), self.folder, self.before
        drawn = {f"plots/{name}.{ending}" for name in PLOTS for ending in ("svg", "png")}
        theory = {f"theory/{path.stem if path.stem != 'README' else 'index'}.html" for path in (SCRIPT.parent.parent / "theory").glob("*.md")}
        self.assertGreater(len(theory), 4)
        self.assertEqual(set(all_files(folder)) - before, drawn | theory | {"index.html", "report.md"})
        for wanted in ("order statistics", "counter-example", "two_point_line", "AVX2", "Table 1", "Figure 5", "0.125 [0.113, 0.140]", "by no claim",
                       "where the report’s own settings depart", "Cases by kind: spread 600, ties 200", "not tried", "a tie closer than rounding: 3",
                       "--claim L5 --subject cpu-float --seed 1"):
            self.assertIn(wanted.lower(), " ".join(page.text.split()).lower())
        self.assertLess((folder / "index.html").stat().st_size, 5_000_000)
        markdown = (folder / "report.md").read_text(encoding="utf-8")
        for name in PLOTS:
            self.assertIn(f"](plots/{name}.png)", markdown)
        verdicts, findings = page.headline.split("Published statements")  # two paragraphs
        for wanted in (verdicts.strip(), "Published statements" + findings.rstrip(), "| A5 bounded second derivatives (finding) |", "0.125 [0.113, 0.140]", "✗ refuted",
                "slicecheck verify --claim L5"):
            self.assertIn(wanted, markdown)
        self.assertEqual((folder / "plots" / "tightness.png").read_bytes()[:4], b"\x89PNG")
        self.assertIn(b"<svg", (folder / "plots" / "tightness.svg").read_bytes()[:400])

    def test_same_input_same_bytes(self) -> None:
        self.page()
        again = self.sample()
        self.assertEqual(run_script(again, "--quiet", TZ="Asia/Tokyo", PYTHONHASHSEED="7", MPLBACKEND="svg").returncode, 0)
        self.assertEqual(all_files(self.folder), all_files(again))

    def test_loads_nothing_from_elsewhere(self) -> None:
        page, folder = self.page(), self.folder
        self.assertGreaterEqual(len(page.loads), len(PLOTS))
        for address in page.loads:
            self.assertTrue(address.startswith("data:"), address[:80])
        pages = {"index.html": page} | {str(path.relative_to(folder)): Page(path.read_text(encoding="utf-8")) for path in (folder / "theory").glob("*.html")}
        ids = {name: [values["id"] for _, values in shown.tags if values.get("id")] for name, shown in pages.items()}
        for name, shown in pages.items():
            self.assertEqual(len(ids[name]), len(set(ids[name])))
            for link in shown.links:
                file, _, place = unquote(link).partition("#")
                target = os.path.normpath(Path(name).parent / file) if file else name
                self.assertIn(target, pages, link)
                self.assertTrue(not place or place in ids[target], f"{name}: {link}")
            for address in shown.loads:
                self.assertTrue(address.startswith("data:") or name != "index.html" and (folder / "theory" / address).is_file(), address[:80])
        self.assertIn("theory/loss.html#l2-lipschitz-in-the-points", page.links)
        text = (folder / "index.html").read_text(encoding="utf-8")
        style = re.search(r"<style>(.*?)</style>", text, re.S)
        self.assertIsNotNone(style)
        self.assertNotRegex(style.group(1), r"@import|url\(")
        self.assertNotIn("<script", text)
        for address in page.loads:
            if address.startswith("data:image/svg+xml;base64,"):
                svg = base64.b64decode(address.split(",", 1)[1]).decode()
                self.assertNotRegex(svg, r"<!DOCTYPE|<script|@import|(href|src)=\"(?!#|data:)")

    def test_describes_its_images_and_tables(self) -> None:
        page = self.page()
        images = [values for tag, values in page.tags if tag == "img"]
        self.assertEqual(len(images), len(PLOTS))
        self.assertIn("Distance to the flow against the step. Shaded: 95 % interval of the median.", [image["alt"] for image in images])
        heads = [values for tag, values in page.tags if tag == "th"]
        self.assertTrue(heads and all(values.get("scope") for values in heads))

    def test_leaves_no_temporary_file(self) -> None:
        self.page()
        self.assertEqual([name for name in all_files(self.folder) if "partial" in name or "tmp" in name or Path(name).name.startswith(".")], [])

    def test_leaves_no_temporary_file_when_writing_fails(self) -> None:
        folder = self.small()
        (folder / "index.html").mkdir()
        done = report(folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("index.html: cannot be written", done.stderr)
        self.assertEqual([path for path in folder.rglob("*") if "partial" in path.name], [])

    def test_terminal(self) -> None:
        folder = self.small()
        done = run_script(folder)
        self.assertRegex(done.stdout, r"(?m)^L5 +invariances +holds +holds +REFUTED +holds$")
        self.assertRegex(done.stdout, r"(?m)^L7 +Monte Carlo +no verdict")
        self.assertRegex(done.stdout, r"(?m)^A5 .*refuted \(finding\)")
        self.assertEqual(done.stdout.splitlines()[-1], str(folder / "index.html"))
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(report(folder, "--quiet").stdout, "")

    def test_colour_only_on_a_terminal_that_wants_it(self) -> None:
        from report_terminal import wants_colour

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True
        with environment(NO_COLOR=None):
            self.assertTrue(wants_colour(Terminal()))
            self.assertFalse(wants_colour(io.StringIO()))
        with environment(NO_COLOR="1"):
            self.assertFalse(wants_colour(Terminal()))


@contextlib.contextmanager
def environment(**values: str | None):
    """The environment with these variables set, or unset where None."""
    old = {name: os.environ.get(name) for name in values}
    change = lambda new: [os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value) for name, value in new.items()]
    change(values)
    try:
        yield
    finally:
        change(old)


class Verdicts(Case):
    """The headline and the table say what the verdicts say."""

    def test_headline_counts(self) -> None:
        page = self.rendered(self.small())
        self.assertIn("14 of 16 verdicts came out as declared", page.headline)
        self.assertIn("1 refuted: L5 on cpu-float", page.headline)
        self.assertIn("1 inconclusive: L6 on torch", page.headline)
        self.assertIn("Published statements that are false: 1 of 1 refuted, as declared (A5 on relu-net).", page.headline)
        self.assertIn("no verdict: L7", page.headline)

    def test_headline_flips_with_one_verdict(self) -> None:
        changed = verdicts()
        changed[0] |= {"outcome": "refuted", "worst_ratio": 2.0}
        page = self.rendered(self.small(verdicts=changed))
        self.assertIn("13 of 16 verdicts came out as declared", page.headline)
        self.assertIn("2 refuted: L1 on reference, L5 on cpu-float", page.headline)

    def test_finding_that_holds_is_a_failure(self) -> None:
        changed = verdicts()
        changed[-1] |= {"outcome": "holds", "worst_ratio": 0.5, "counter_example": None}
        folder = self.small(verdicts=changed)
        page = self.rendered(folder)
        self.assertIn("14 of 16 verdicts came out as declared", page.headline)
        self.assertIn("0 of 1 refuted, as declared; FAILED, as it holds though it was declared refuted: A5 on relu-net", page.headline)
        html = (folder / "index.html").read_text(encoding="utf-8")
        section = html[html.index('<section id="findings">'):html.index('<section id="claims">')]
        self.assertIn("<b>A failure:</b> on relu-net it holds", section)
        self.assertNotIn("smallest counter-example, on", section)
        self.assertIn("> **A failure:** on relu-net it holds", (folder / "report.md").read_text(encoding="utf-8"))

    def test_findings_have_a_section(self) -> None:
        """With the statement, its place, the counter-example's numbers and the command; on the page and in its twin; apart from the claims."""
        folder = self.small()
        html, markdown = self.rendered(folder) and (folder / "index.html").read_text(encoding="utf-8"), (folder / "report.md").read_text(encoding="utf-8")
        section = html[html.index('<section id="findings">'):html.index('<section id="claims">')]
        twin = markdown[markdown.index("## Published statements that are false"):markdown.index("## Claims and subjects")]
        own = next(v for v in verdicts() if v["claim"] == "A5")
        self.assertEqual(re.findall(r'<article class="false" id="([^"]+)"', section), ["claim-A5-false"])
        for text in (section, twin):
            for wanted in ("Report 000 says that A5 holds for every depth.", "refuted, as declared", own["reproduce"], own["counter_example"]["check"],
                           "smallest counter-example, on relu-net"):
                self.assertIn(wanted, text)
            for name in own["counter_example"]["values"]:
                self.assertIn(name, text)

    def test_no_findings_no_section(self) -> None:
        folder = self.small(verdicts=[v for v in verdicts() if v["claim"] != "A5"], claims=[c for c in claims() if c["id"] != "A5"])
        self.rendered(folder)
        for name in ("index.html", "report.md"):
            self.assertNotIn("Published statements", (folder / name).read_text(encoding="utf-8"))

    def test_field_finding(self) -> None:
        marked = [v | {"finding": v["expected"] == "refuted"} for v in verdicts()]
        self.assertIn("1 of 1 refuted, as declared (A5", self.rendered(self.small(verdicts=marked)).headline)
        marked[0]["finding"] = True
        done = report(self.small(verdicts=marked))
        self.assertEqual(done.returncode, 2)
        self.assertIn("'finding' is true, but 'expected' is 'holds'", done.stderr)

    def test_all_as_declared(self) -> None:
        changed = [v for v in verdicts() if v["outcome"] == "holds" or v["expected"] == "refuted"]
        folder = self.small(verdicts=changed, claims=[c for c in claims() if c["id"] != "L7"])
        page = self.rendered(folder)
        self.assertIn("14 of 14 verdicts came out as declared; 0 refuted; 0 inconclusive", page.headline)
        self.assertIn('class="headline good"', (folder / "index.html").read_text(encoding="utf-8"))

    def test_claim_without_verdict_is_shown(self) -> None:
        folder = self.small()
        page = self.rendered(folder)
        self.assertIn("No verdict on this claim in verdicts.json", page.text)
        html = (folder / "index.html").read_text(encoding="utf-8")
        row = re.search(r'<tr data-claim="L7">.*?</tr>', html, re.S)
        self.assertIsNotNone(row)
        self.assertIn("no verdict", row.group(0))
        self.assertIn("| L7 Monte Carlo | no verdict |", (folder / "report.md").read_text(encoding="utf-8"))

    def test_verdict_without_claim_is_shown(self) -> None:
        page = self.rendered(self.small(claims=[c for c in claims() if c["id"] != "L5"]))
        self.assertIn("No entry for L5 in claims.json", page.text)
        self.assertIn("1 refuted: L5 on cpu-float", page.headline)

    def test_ratio_beside_one_is_not_rounded_to_one(self) -> None:
        changed = verdicts()
        changed[0] |= {"outcome": "refuted", "worst_ratio": 1.00004}
        self.assertIn("1.00004", self.rendered(self.small(verdicts=changed)).text)

    def test_every_claim_has_its_row(self) -> None:
        """`slicecheck claims` looks for these attributes."""
        page = self.rendered(self.small())
        rows = [values.get("data-claim") for tag, values in page.tags if tag == "tr" and "data-claim" in values]
        self.assertEqual(sorted(rows), sorted(claim["id"] for claim in claims()))
        self.assertIn('<tr data-claim="L1">', (self.run_folder / "index.html").read_text(encoding="utf-8"))

    def test_the_page_counts_its_own_line(self) -> None:
        """`verify` leaves report_line open; a claim is covered once this page shows a verdict of it, and only with the rest of the evidence."""
        open_line = {"report_line": None, "covered": False}
        stale = {"name": "loss.L2", "cases": 1000, "passed": True, "fresh": False}
        entries = {claim["id"]: claim | open_line for claim in claims()}
        entries["L2"] |= {"property_test": stale}
        entries["L7"] |= {"property_test": entries["L1"]["property_test"]}    # no verdict of L7 is on the page
        page = self.rendered(self.small(claims=list(entries.values())))
        self.assertIn("claims covered3 / 6", page.text)    # L1, L5, A5; L6 catches no defect

    def test_ratios_that_are_not_finite(self) -> None:
        changed = verdicts()
        changed[0] |= {"outcome": "refuted", "worst_ratio": "inf"}
        changed[1] |= {"outcome": "refuted", "worst_ratio": "nan", "tightness": "nan"}
        page = self.rendered(self.small(verdicts=changed))
        self.assertIn("∞", page.text)
        self.assertIn("NaN", page.text)
        changed[0] |= {"outcome": "holds", "worst_ratio": "nan"}
        (self.run_folder / "index.html").unlink()
        self.refused(self.small(verdicts=changed), "verdicts.json, entry 0", "worst ratio is nan")

    def test_a_refutation_that_does_not_repeat_catches_nothing(self) -> None:
        folder, trials = self.small(), gallery()
        for trial in trials:
            if trial["defect"] == "one-norm":
                trial["caught"] = False
        write_json(folder / "gallery.json", trials)
        page = self.rendered(folder)
        self.assertIn("refuted, not confirmed", page.text)
        self.assertIn("planted defects caught1 / 3", page.text)
        trials[4]["caught"] = True
        write_json(folder / "gallery.json", trials)
        (folder / "index.html").unlink()
        self.refused(folder, "gallery.json, entry 4", "said to be caught")

    def test_defects_of_each_type_have_a_table_of_their_own(self) -> None:
        folder, trials = self.small(), gallery()
        for trial in trials:
            trial["type"] = "sampler" if trial["defect"] == "frozen-theta" else "loss"
        write_json(folder / "gallery.json", trials)
        text = self.rendered(folder).text
        self.assertIn("Loss: 2 defects", text)
        self.assertIn("Sampler: 1 defect", text)
        self.assertIn("Caught by one claim alone: one-norm by L1.", text)
        self.assertRegex(text, r"Redundant on this gallery \(whatever it catches, another claim catches too\): L5, L6\.")

    def test_a_claim_stands_in_the_table_of_each_type_it_was_judged_on(self) -> None:
        judged = [verdict("L1", "cpu", 0.5, type="loss"), verdict("L2", "cpu", 0.5, type="loss"), verdict("L2", "relu", 0.25, type="generator")]
        judged[2]["checks"] = [{"name": "pairs in u", "cases": 400, "worst_ratio": 0.25}]
        self.small(verdicts=judged, claims=[])
        self.rendered(self.run_folder)
        text = (self.run_folder / "report.md").read_text(encoding="utf-8")
        tables = text[text.index("### Judged on: loss"):text.index("## Claim by claim")].split("### Judged on: generator")
        self.assertEqual(len(tables), 2)
        for table, subject, other, ids in ((tables[0], "cpu", "relu", ("L1", "L2")), (tables[1], "relu", "cpu", ("L2",))):
            self.assertIn(f"| {subject} |", table)
            self.assertNotIn(other, table)
            self.assertEqual([id for id in ("L1", "L2") if f"| {id} " in table], list(ids))
        # The checks of L2 are in two tables, each with the subjects that they were run on.
        self.assertIn("Worst ratio, cpu |", text)
        self.assertIn("| pairs in u | 400 | 0.25 |", text)

    def test_contradictions_are_refused(self) -> None:
        for change, words in (({"cases": 0}, "0 cases"), ({"worst_ratio": 1.5}, "worst ratio is 1.5"), ({"outcome": "passed"}, "'passed'"),
                ({"subject": None}, "'subject'")):
            with self.subTest(words):
                changed = verdicts()
                changed[0] |= change
                self.refused(self.small(verdicts=changed), "verdicts.json, entry 0", words)
        self.refused(self.small(verdicts=verdicts() + verdicts()[:1]), "a second entry for L1 on reference")


class AbsentParts(Case):
    """What is absent is named."""

    def test_each_file(self) -> None:
        for name in ("manifest.json", "claims.json", "verdicts.json", "gallery.json"):
            with self.subTest(name):
                write_sample_without_experiments(self.run_folder)
                (self.run_folder / name).unlink()
                page = self.rendered(self.run_folder)
                self.assertRegex(page.text, rf"Absent from this run folder: [^.]*{re.escape(name)}")
                self.assertIn("experiments/*/summary.json", page.text)
                self.assertRegex((self.run_folder / "report.md").read_text(encoding="utf-8"), rf"Absent from this run folder:\*\* [^>]*{re.escape(name)}")

    def test_experiment_without_summary(self) -> None:
        write_json(self.run_folder / "experiments" / "two_moons" / "manifest.json", manifest(complete=False))
        page = self.rendered(self.run_folder)
        self.assertIn("experiments/two_moons/summary.json is absent", page.text)
        self.assertIn("Not complete when this page was drawn", page.text)
        self.assertIn("verdicts.json is absent", page.headline)
        self.assertIn("So the sections on claims, tightness, coverage and planted defects are left out.", page.text)
        self.assertNotIn("How to read a verdict", page.text)


class Top(Case):
    """The answer at the top is counted from the verdicts, and says what it does not know."""

    def measured(self, outcome: str, claim: str) -> dict[str, Any]:
        return {"claim": claim, "what": "the line", "statement": "it vanishes", "measured": "slope 0.5", "sample": "60 replicates at each of 6 step sizes",
                "confidence": "false alarm ≤ 2e-08: exact trend test", "outcome": outcome, "expected": "holds"}

    def run_with(self, *entries: dict[str, Any], **other: Any) -> Page:
        folder = self.small(**other)
        write_json(folder / "manifest.json", manifest(commit="0123abc"))
        write_json(folder / "gallery.json", gallery())
        for name, claim in (("flow-limit", "T1"), ("npsgd-neighbourhood", "T4")):
            own = [entry for entry in entries if entry["claim"] == claim]
            write_json(folder / "experiments" / name / "manifest.json", manifest(commit="0123abc"))
            write_json(folder / "experiments" / name / "summary.json", {"name": name, "title": name, "description": "", "profile": "quick", "seed": 1,
                                                                        "facts": [], "departures": [],
                                                                        "tables": [], "figures": [], "verdicts": own})
        return self.rendered(folder)

    def test_yes_only_where_both_limits_were_measured(self) -> None:
        self.assertIn("Yes, as far as this run can see: for small steps SGD follows", self.run_with(self.measured("holds", "T1"),
                                                                                                    self.measured("holds", "T4")).text)
        page = self.run_with(self.measured("holds", "T1"))
        self.assertNotIn("Yes,", page.text)
        self.assertIn("In part: SGD follows the subgradient flow (T1: 1 statement measured, no implementation judged); whether noised projected SGD", page.text)

    def test_parts_that_hold_are_not_the_limit(self) -> None:
        judged = verdicts() + [verdict("L1", "training", 0.5) | {"claim": claim, "title": "a part"} for claim in ("T1", "T4")]
        page = self.run_with(verdicts=judged)
        self.assertNotIn("Yes,", page.text)
        self.assertIn("This run does not say: the parts of T1 hold on 1 subject, but whether SGD follows the subgradient flow was not measured "
                      "(experiment flow-limit)", page.text)

    def test_no_and_not_decided(self) -> None:
        self.assertIn("No: that SGD follows the subgradient flow (T1) came out otherwise than declared on the line",
                      self.run_with(self.measured("refuted", "T1"), self.measured("holds", "T4")).text)
        page = self.run_with(self.measured("holds", "T1"), self.measured("inconclusive", "T4"))
        self.assertIn("Not decided: SGD follows", page.text)
        self.assertIn("Not decided: L6 on torch, T4 on the line. Not run: no verdict on L7.", page.text)
        self.assertIn("Smallest budget: 40 cases (L6 on torch); of the experiments, 60 replicates at each of 6 step sizes (T1 on the line).", page.text)

    def test_a_run_without_either_does_not_say(self) -> None:
        self.assertIn("This run does not say: whether SGD follows the subgradient flow (T1) was neither judged nor measured", self.rendered(self.small()).text)

    def test_evidence(self) -> None:
        changed = verdicts()
        changed[0]["confidence"] = "1125 of the cases are random tests, each with false-alarm probability 1e-12; every other tolerance is derived from rounding"
        page = self.run_with(self.measured("holds", "T1"), verdicts=changed)
        text = " ".join(page.text.split())
        self.assertIn("Planted defects caught! 2 of 3 deliberately broken", text)
        self.assertIn("not caught: frozen-theta", text)
        self.assertIn("≤ 2.1×10⁻⁸ that bad luck alone made any of 18 verdicts wrong (1126 random tests", text)
        self.assertIn("commit 0123abc, nothing uncommitted, all parts from the same sources", text)
        self.assertIn("Seed1 for everything on this page", text)

    def test_mixed_sources_are_named(self) -> None:
        self.run_with(self.measured("holds", "T1"))
        write_json(self.run_folder / "experiments" / "flow-limit" / "manifest.json", manifest(commit="fedc", seed=2, build={"fingerprint": "another"}))
        text = " ".join(self.rendered(self.run_folder).text.split())
        self.assertIn("! mixed the parts come from 2 different states of the sources (0123abc, fedc)", text)
        self.assertIn("Seeds1, 2 were used by its parts", text)


class Statements(Case):
    """Each claim has its statement, its plot, its line, and its row from claim to experiment."""

    def test_a_claim(self) -> None:
        self.rendered(self.small())
        html = (self.run_folder / "index.html").read_text(encoding="utf-8")
        part = html[html.index('<details class="claim" id="claim-L2"'):html.index('<details class="claim" id="claim-L5"')]
        self.assertIn('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"', part)
        self.assertIn('href="theory/loss.html#l2-lipschitz-in-the-points"', part)
        self.assertEqual(part.count('class="strip" role="img"'), 2)
        self.assertIn("<code>slicecheck verify --claim L2 --seed 1</code>", part)
        row = re.search(r'<tr><th scope="row"><a href="#claim-L2">.*?</tr>', html, re.S)
        for wanted in ("theory/loss.html#l2-", "loss.L2", "passed, 1000 cases", "unsorted-y", "line in report"):
            self.assertIn(wanted, row.group(0))
        markdown = (self.run_folder / "report.md").read_text(encoding="utf-8")
        self.assertIn("κ = 2(r + ‖Z‖\\_{∞,2} + ‖Y‖\\_{∞,2})", markdown)
        self.assertIn("| L2 | theory/loss.md#l2-lipschitz-in-the-points | `loss.L2`: passed, 1000 cases |", markdown)

    def test_beyond_the_bound_is_another_mark(self) -> None:
        self.rendered(self.small())
        html = (self.run_folder / "index.html").read_text(encoding="utf-8")
        part = html[html.index('id="claim-L5"'):html.index('id="claim-L6"')]
        self.assertIn('<g class="over"><title>cpu-float: 3.62</title><path', part)
        self.assertIn('<g class="under"><title>torch: 0.20</title><circle', part)

    def test_an_experiment_can_show_a_claim_without_judging_it(self) -> None:
        folder = self.small()
        write_json(folder / "experiments" / "complexity" / "summary.json", {"name": "complexity", "title": "Rates", "description": "", "profile": "quick",
                                                                            "seed": 1, "facts": [],
                                                                            "departures": [], "tables": [], "figures": []})
        page = self.rendered(folder)
        self.assertIn("sample and projection complexity", page.text)
        self.assertIn("shown, not judged", page.text)
        self.assertNotIn("no verdict: L7, L9", page.headline)


class Answers(Case):
    """What `slicecheck regime` and `slicecheck audit` leave is drawn like an experiment, its sentence first."""

    def test_beside_a_run(self) -> None:
        folder = self.small()
        write_answers(folder)
        page = self.rendered(folder)
        text = " ".join(page.text.split())
        self.assertIn("Regime of your training A small network In the flow regime: halving α", text)
        self.assertIn("Audit of the assumptions A small network A1, A2 and A7 hold; A4 fails", text)
        self.assertIn("A4 bounded generator", text)
        self.assertIn("refuted, as it should be", text)
        self.assertNotIn("Of the experiments", text)
        self.assertTrue((folder / "plots" / "regime-small-net-distance.svg").is_file())
        self.assertIn("In the flow regime", (folder / "report.md").read_text(encoding="utf-8"))

    def test_alone(self) -> None:
        write_answers(self.run_folder)
        page = self.rendered(self.run_folder)
        self.assertIn("In the flow regime", page.headline)
        for unwanted in ("Absent from this run folder", "verdicts.json is absent", "Does it converge", "This run folder holds no experiment"):
            self.assertNotIn(unwanted, page.text)
        (self.run_folder / "audit" / "small-net" / "manifest.json").unlink()
        self.assertIn("audit/small-net/manifest.json", self.rendered(self.run_folder).text)


def write_sample_without_experiments(folder: Path) -> None:
    for name, value in (("manifest", manifest()), ("claims", claims()), ("verdicts", verdicts()), ("gallery", gallery())):
        write_json(folder / f"{name}.json", value)


class Errors(Case):
    """Exit status 2 and one sentence for bad input."""

    def test_missing_folder(self) -> None:
        self.refused(self.run_folder, "no such folder", run=run_script)

    def test_file_instead_of_folder(self) -> None:
        self.run_folder.write_text("")
        done = run_script(self.run_folder)
        self.assertIn("is not a folder", done.stderr)
        self.assertEqual(done.returncode, 2)

    def test_no_argument(self) -> None:
        self.assertEqual(subprocess.run(["/usr/bin/python3", str(SCRIPT)], capture_output=True, timeout=60).returncode, 2)

    def test_no_run_data(self) -> None:
        (self.run_folder / "experiments" / "empty").mkdir(parents=True)
        self.refused(self.run_folder, "no run data")

    def test_a_claim_catches_a_defect_by_refuting_and_a_finding_by_holding(self) -> None:
        write_sample(self.run_folder)
        hidden = {"defect": "hidden-growth", "title": "second derivatives are cut off", "outcome": "holds", "caught": True, "worst_ratio": 0.5, "check": None}
        write_json(self.run_folder / "gallery.json", [*gallery(), hidden | {"claim": "A5"}, hidden | {"claim": "L1", "outcome": "refuted"}])
        done = run_script(self.run_folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hidden-growth", (self.run_folder / "index.html").read_text(encoding="utf-8"))
        (self.run_folder / "index.html").unlink()
        for wrong in (hidden | {"claim": "L1"}, hidden | {"claim": "A5", "outcome": "refuted"}, hidden | {"claim": "A5", "outcome": "inconclusive"}):
            write_json(self.run_folder / "gallery.json", [*gallery(), wrong])
            self.refused(self.run_folder, "gallery.json", f"hidden-growth is said to be caught by {wrong['claim']}, which says '{wrong['outcome']}'")

    def test_malformed_json(self) -> None:
        for name in ("manifest.json", "claims.json", "verdicts.json", "gallery.json", "experiments/x/summary.json", "experiments/x/manifest.json"):
            with self.subTest(name):
                path = self.run_folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text('[\n  {"claim": "L1",\n   "title": }\n]\n')
                self.refused(self.run_folder, f"{name}:3:", "malformed JSON")
                path.unlink()

    def test_wrong_shape(self) -> None:
        self.refused(self.small(verdicts={"claim": "L1"}), "verdicts.json", "expected a list")
        self.refused(self.small(verdicts=[{"claim": "L1"}]), "verdicts.json, entry 0", "missing")

    def experiment(self, name: str) -> Path:
        """A run folder with one experiment only."""
        WRITERS[name](self.run_folder / "experiments" / name)
        return self.run_folder

    def changed_summary(self, experiment: str, change) -> Path:
        folder = self.experiment(experiment)
        path = folder / "experiments" / experiment / "summary.json"
        summary = json.loads(path.read_text(encoding="utf-8"))
        change(summary)
        write_json(path, summary)
        return folder

    def test_missing_columns(self) -> None:
        changes = {
            "in a table": ("two_point_line", "distance.csv", lambda s: s["tables"][0]["columns"][1].update(name="missing")),
            "of an interval": ("two_point_line", "distance.csv", lambda s: s["tables"][0]["columns"][2].update(low="missing")),
            "of a curve": ("two_point_line", "distance.csv", lambda s: s["figures"][0]["panels"][0]["series"][0].update(y="missing")),
            "in where": ("two_point_line", "distance.csv", lambda s: s["figures"][0]["panels"][0]["series"][0].update(where={"missing": "1"})),
            "of a cloud": ("two_moons", "target.csv", lambda s: s["figures"][0]["panels"][0]["series"][1].update(x="missing")),
        }
        for name, (experiment, file, change) in changes.items():
            with self.subTest(name):
                self.refused(self.changed_summary(experiment, change), file, "no column 'missing'")

    def test_bad_csv(self) -> None:
        folder = self.experiment("two_point_line")
        path = folder / "experiments" / "two_point_line" / "distance.csv"
        text = path.read_text()
        for name, changed, words in (("a word", text.replace("0.25,", "none,", 1), "distance.csv:2"), ("a short row", text + "SGD,1\n", "distance.csv:18"),
                ("empty", "", "is empty")):
            with self.subTest(name):
                path.write_text(changed)
                self.refused(folder, words)
        path.unlink()
        self.refused(folder, "distance.csv", "does not exist")

    def test_bad_idx(self) -> None:
        folder = self.experiment("two_moons")
        path = folder / "experiments" / "two_moons" / "digits.idx"
        whole = path.read_bytes()
        for name, changed, words in (("cut", whole[:-10], "truncated IDX"), ("header cut", whole[:9], "truncated IDX"), ("too long", whole + b"x", "left over"),
                                     ("floats", b"\x00\x00\x0d" + whole[3:], "not an IDX file")):
            with self.subTest(name):
                path.write_bytes(changed)
                self.refused(folder, "digits.idx", words)

    def test_bad_declarations(self) -> None:
        changes = {
            "not inside": lambda s: s["figures"][0]["panels"][0]["series"][0].update(file="../../verdicts.json"),
            "cannot name a file": lambda s: s["figures"][0].update(id="../clouds"),
            "kind": lambda s: s["figures"][0].update(kind="pie"),
            "grid": lambda s: s["figures"][1]["panels"][0].update(grid=[0, 8]),
            "same file": lambda s: s["figures"][1].update(id="clouds"),
        }
        for words, change in changes.items():
            with self.subTest(words):
                self.refused(self.changed_summary("two_moons", change), words)


class Figures(Case):
    """What a figure cannot show is said; images keep their dots."""

    def curves(self, **other: Any):
        return self.drawn({"kind": "curves", "file": "c.csv", "x": "x", "x_label": "x", "y_label": "y", "log_x": False, "log_y": True,
                           "panels": [{"title": "p", "series": [{"label": "s", "y": "y", "low": "low", "high": "high"}], "lines": [{"y": 1,
                           "label": "bound"}]}]} | other)

    def test_hidden_values_are_counted(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y", "low", "high"], [[1, 0.5, 0, 1], [2, 0, 0, 1], [3, "", "", ""], [4, "nan", 0.1, "inf"], [5, 2, 1, 3]])
        self.assertEqual(self.curves().notes, ["3 of 5 values of “s” in “p” are not shown: empty, not finite or not positive on a logarithmic axis."])

    def test_no_data_is_said(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y", "low", "high"], [])
        self.assertEqual(self.curves().notes, ["No data for “s” in “p”."])

    def test_extreme_values_are_drawn(self) -> None:
        for name, rows in (("one", [[1, 2, 1, 3]]), ("constant", [[k, 5, 5, 5] for k in range(3)]), ("huge", [[1e300 * k, 1e-300, 1e-305,
                1e-290] for k in (1, 2)]),
                           ("negative", [[-k, -k, -k - 1, -k + 1] for k in range(3)])):
            for log in (False, True):
                with self.subTest(name, log=log):
                    write_csv(self.run_folder / "c.csv", ["x", "y", "low", "high"], rows)
                    self.assertIn(b"<svg", self.curves(log_x=log, log_y=log).svg[:400])

    def test_where_compares_as_text(self) -> None:
        from report_files import read_csv, ExactFloat
        write_csv(self.run_folder / "c.csv", ["a", "flag"], [["0.10", "true"], ["0.1", "true"], ["1", "false"]])
        table = read_csv(self.run_folder / "c.csv")
        self.assertEqual(table.matching({"a": ExactFloat("0.10")}), [0])
        self.assertEqual(table.matching({"a": 1}), [2])
        self.assertEqual(table.matching({"flag": True}), [0, 1])

    def test_images_keep_their_dots(self) -> None:
        self.run_folder.mkdir()
        random = np.random.default_rng(3)
        images = random.integers(0, 256, (6, 5, 7), dtype=np.uint8)
        write_idx(self.run_folder / "i.idx", images)
        drawing = self.drawn({"kind": "images", "columns": 1, "panels": [{"title": "p", "file": "i.idx", "grid": [2, 3]}]})
        from PIL import Image
        from report_images import GAP, mosaic
        dots = np.asarray(Image.open(io.BytesIO(drawing.png)))
        expected = mosaic(images, [2, 3], 16)
        self.assertEqual(expected.shape, (2 * 5 * 16 + GAP, 3 * 7 * 16 + 2 * GAP))
        places = [(i, j) for i in range(dots.shape[0] - expected.shape[0] + 1) for j in range(dots.shape[1] - expected.shape[1] + 1)
                  if dots[i, j] == expected[0, 0] and np.array_equal(dots[i:i + expected.shape[0], j:j + expected.shape[1]], expected)]
        self.assertEqual(len(places), 1)

    def test_many_points_go_into_the_page_as_png(self) -> None:
        random = np.random.default_rng(2)
        write_csv(self.run_folder / "c.csv", ["x", "y"], random.normal(size=(3001, 2)).tolist())
        panel = {"title": "p", "series": [{"label": "target", "file": "c.csv", "x": "x", "y": "y"}]}
        drawing = self.drawn({"kind": "scatter", "columns": 1, "panels": [panel]})
        self.assertTrue(drawing.as_png)
        self.assertLess(len(drawing.svg), 400_000)


class Numbers(unittest.TestCase):
    """Numbers for people."""

    def test_numbers(self) -> None:
        from report_numbers import duration, formatted, grouped, ratio, rounded, with_zeros
        for written, expected in ((ratio(0.0), "0"), (ratio(0.03125), "0.031"), (ratio(0.9996), "0.9996"), (ratio(1.0), "1"), (ratio(1 + 2e-9), "1 + 2×10⁻⁹"),
                                  (ratio(3.62), "3.62"), (ratio(float("inf")), "∞"), (ratio(None), "–"), (rounded(-1.5e-7, 2), "−1.5×10⁻⁷"),
                                  (grouped(1234567), "1\u202f234\u202f567"),
                                  (grouped(1234), "1234"), (formatted("1.14", with_zeros(".4g")), "1.140"),
                                  (formatted("100", with_zeros(".3g")), "100"),
                                  (formatted("0.00001", ".3g"), "1×10⁻⁵"), (formatted("12.0", "d"), "12"), (formatted("", ".3f"), "–"),
                                  (formatted("nan", ".3f"), "NaN"), (formatted("0.253", ".1%"), "25.3%"), (duration(3725), "1 h 2 min"), (duration(59.99),
                                  "60 s")):
            self.assertEqual(written, expected)
        for cell, spec in (("12.5", "d"), ("word", ".3f"), ("1", "q")):
            self.assertRaises(ValueError, formatted, cell, spec)


    def test_exponents_are_raised_whole(self) -> None:
        from report_numbers import with_scripts
        for written, shown in (("α^0.49 [0.46", "α<0.49> [0.46"), ("at 2^-9.", "at 2<-9>."), ("x^2, y", "x<2>, y"), ("|x|^p", "|x|<p>")):
            self.assertEqual(with_scripts(written, ("(", ")"), ("<", ">")), shown)


class HostileText(Case):
    """No text of the input becomes markup, mathematics or terminal control."""

    hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(2)> | $\\frac{1$ `a|b` \x1b[31m _x_ **b**"

    def test_hostile_strings(self) -> None:
        folder = self.sample()
        changed = verdicts()
        for field in ("title", "detail", "reproduce", "confidence"):
            changed[0][field] = self.hostile
        changed[1]["subject"] = self.hostile
        changed[2]["skipped"] = {self.hostile: 1}
        changed[0]["checks"][0]["name"] = self.hostile
        registry = claims()
        registry[1]["statement"] = registry[1]["source"] = registry[0]["title"] = self.hostile
        trials = gallery()
        trials[0]["title"] = trials[0]["check"] = self.hostile
        write_json(folder / "verdicts.json", changed)
        write_json(folder / "claims.json", registry)
        write_json(folder / "gallery.json", trials)
        write_json(folder / "manifest.json", manifest(commit=self.hostile, settings={self.hostile: self.hostile}))
        path = folder / "experiments" / "two_moons" / "summary.json"
        summary = json.loads(path.read_text(encoding="utf-8"))
        summary |= {"title": self.hostile, "description": self.hostile, "facts": [self.hostile],
                    "advice": [{"question": self.hostile, "sentence": self.hostile, "evidence": [self.hostile]}],
                    "departures": [{key: self.hostile for key in ("setting", "report", "theory", "here")}]}
        summary["figures"][0] |= {"title": self.hostile, "caption": self.hostile}
        summary["figures"][0]["panels"][0]["title"] = summary["figures"][0]["panels"][0]["series"][0]["label"] = self.hostile
        write_json(path, summary)
        done = report(folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("\x1b", done.stdout)
        html = (folder / "index.html").read_text(encoding="utf-8")
        page = Page(html)
        self.assertNotIn("script", [tag for tag, _ in page.tags])
        self.assertNotIn("onerror", [name for _, values in page.tags for name in values])
        self.assertEqual(len([tag for tag, _ in page.tags if tag == "img"]), len(PLOTS))
        self.assertIn("<script>alert(1)</script>", page.text)
        markdown = (folder / "report.md").read_text(encoding="utf-8")
        outside_code = re.sub(r"```.*?```", "", markdown, flags=re.S)
        self.assertNotRegex(re.sub(r"`[^`\n]*`", "", outside_code), r"<script|<img|(?<!\\)\$")
        for block in re.split(r"\n\n", outside_code):
            if block.startswith("| "):
                bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
                self.assertEqual(len(bars), 1, block[:300])


if __name__ == "__main__":
    unittest.main()
