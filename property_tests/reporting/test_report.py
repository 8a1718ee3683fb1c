#!/usr/bin/python3
"""Tests of scripts/report.py on run folders made here, as docs/formats.md describes them.

Runs without arguments, directly or as `/usr/bin/python3 -m unittest`.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "report.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
SUBJECTS = ("reference", "cpu", "cpu-float", "torch")
PLOTS = ("tightness", "two_point_line-distance", "two_point_line-paths", "two_moons-clouds", "two_moons-digits")


# ---- a run folder ---------------------------------------------------------------------------------------------------------------------

def verdict(claim: str, subject: str, worst_ratio: float, **other: Any) -> dict[str, Any]:
    titles = {"L1": "order statistics", "L2": "Lipschitz in the points", "L5": "invariances", "L6": "closed forms", "A5": "bounded second derivatives"}
    checks = {"L1": ["brute force, n ≤ 7", "ties"], "L2": ["random clouds", "tight family"], "L5": ["permutation", "translation", "rotation"],
              "L6": ["shift", "one point"], "A5": ["Hessian along rays"]}[claim]
    made = {"claim": claim, "title": titles[claim], "subject": subject, "outcome": "holds", "expected": "holds", "cases": 400 * len(checks), "skipped": {},
            "kinds": {"spread": 300 * len(checks), "ties": 100 * len(checks)}, "worst_ratio": worst_ratio, "tightness": None,
            "checks": [{"name": name, "cases": 400, "worst_ratio": worst_ratio / (k + 1)} for k, name in enumerate(checks)], "confidence": "deterministic",
            "seed": 1, "profile": "quick", "reproduce": f"slicecheck verify --claim {claim} --subject {subject} --seed 1",
            "detail": "Every case stayed within rounding of the value that brute force gives.", "counter_example": None}
    return made | other


def verdicts() -> list[dict[str, Any]]:
    made = [verdict("L1", s, r) for s, r in zip(SUBJECTS, (0.0, 0.0312, 0.41, 0.0625))]
    made += [verdict("L2", s, r, tightness=t, skipped={"a tie closer than rounding": 3}) for s, r, t in
             zip(SUBJECTS, (0.99988, 0.99988, 0.9997, 0.99988), (0.99988, 0.99988, 0.9996, 0.99988))]
    made += [verdict("L5", s, r) for s, r in zip(SUBJECTS, (0.12, 0.17, 3.62, 0.2))]
    made[-2] |= {"outcome": "refuted", "detail": "A common translation by 10⁶ moves the value by more than rounding allows: centre the clouds first.",
                 "counter_example": {"check": "translation", "observed": 2.4414062e-4, "allowed": 6.744e-05,
                                     "values": {"Z": [[0.0, 0.0], [1.0, 0.5]], "Y": [[0.25, -1.0], [0.3333333333333333, 2.0]], "shift": [1e6, -1e6],
                                                "theta": [0.6, 0.8], "n": 2}}}
    made += [verdict("L6", s, r) for s, r in zip(SUBJECTS, (0.05, 0.06, 0.3, 0.08))]
    made[-1] |= {"outcome": "inconclusive", "detail": "The budget of 40 cases is under the 200 that this claim needs.", "cases": 40,
                 "skipped": {"time budget spent": 160, "non-finite value": 2}}
    made.append(verdict("A5", "relu-net", 210.0, outcome="refuted", expected="refuted", detail="The Hessian grows like scale² for three layers of weights.",
                        counter_example={"check": "Hessian along rays", "observed": 2.1e4, "allowed": 100.0, "values": {"scale": 64.0}}))
    return made


def claims() -> list[dict[str, Any]]:
    entry = lambda id, title, statement, **other: {
        "id": id, "title": title, "statement": statement, "source": "theory/loss.md; report 000, §2", "judges": "Loss", "expected": "holds",
        "minimum_cases": 200, "covered": True, "property_test": {"name": f"loss.{id}", "cases": 1000, "passed": True, "fresh": True},
        "defects_rejected": ["unsorted-y"], "report_line": True} | other
    return [
        entry("L1", "order statistics", "`w_θ(Z,Y) = min_π (1/n) Σ_k (θ·z_k − θ·y_{π(k)})²`, by brute force for n ≤ 7."),
        entry("L2", "Lipschitz in the points", "`|w_θ(Z')−w_θ(Z'')| ≤ κ ‖Z'−Z''‖_{∞,2}` with κ = 2(r + ‖Z‖ + ‖Y‖)."),
        entry("L5", "invariances", "Permutation, common translation, common rotation, 2-homogeneity, symmetry."),
        entry("L6", "closed forms", "SW_2²(Z, Z+v) = ‖v‖²/d.", defects_rejected=[], covered=False, report_line=None),
        entry("L7", "Monte Carlo", "|mean − SW_2²| ≤ B √(ln(2/δ)/(2L)).", covered=False, property_test=None, report_line=False),
        entry("A5", "bounded second derivatives", "Report 000 says that A5 holds for every depth.", judges="Generator", expected="refuted"),
    ]


def gallery() -> list[dict[str, Any]]:
    trial = lambda defect, title, claim, outcome, ratio, check=None: {"defect": defect, "title": title, "claim": claim, "outcome": outcome,
                                                                     "caught": outcome == "refuted", "worst_ratio": ratio, "check": check,
                                                                     "counter_example": None}
    return [
        trial("unsorted-y", "targets are not sorted", "L1", "refuted", 8.1e12, "brute force, n ≤ 7"),
        trial("unsorted-y", "targets are not sorted", "L5", "refuted", 3.4e11, "permutation"),
        trial("one-norm", "mean absolute difference called SW_2", "L1", "refuted", 2.2e13, "brute force, n ≤ 7"),
        trial("one-norm", "mean absolute difference called SW_2", "L5", "holds", 0.2),
        trial("frozen-theta", "the same direction at every step", "L1", "holds", 0.03),
        trial("frozen-theta", "the same direction at every step", "L6", "inconclusive", 0.5),
    ]


def manifest(**other: Any) -> dict[str, Any]:
    return {
        "program": "slicecheck", "version": "0.1.0", "commit": "0123abc-dirty", "command": ["slicecheck", "verify", "--profile", "quick"],
        "profile": "quick", "seed": 1, "threads": 2, "settings": {"replicates": 200, "eta": 0.05},
        "build": {"type": "Release", "compiler": "GCC 12.2", "flags": "-O3 -march=native"}, "libraries": {"Eigen": "3.4.0", "Boost": "1.74.0"},
        "machine": {"cpu": "a processor", "cores": 2, "memory_gib": 15.6, "os": "Linux", "instruction_set": "AVX2"},
        "environment": {"OMP_NUM_THREADS": "2"}, "started": "2024-05-01T10:00:00Z", "duration_seconds": 83.25, "complete": True} | other


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


def write_line_experiment(folder: Path) -> None:
    """Curves, a table with intervals, departures."""
    rows = []
    for scheme, factor in (("SGD", 1.0), ("NPSGD", 1.4)):
        for j in range(2, 10):
            alpha, distance = 2.0 ** -j, factor * 0.5 * 2.0 ** (-j / 2)
            rows.append([scheme, alpha, distance, distance * 0.9, distance * 1.12, 200])
    write_csv(folder / "distance.csv", ["scheme", "alpha", "median", "low", "high", "runs"], rows)
    paths = [[start, 0.25 * t, 0.25 + (start - 0.25) * float(np.exp(-0.5 * t))] for start in (0.125, 0.5, 1.0) for t in range(40)]
    write_csv(folder / "paths.csv", ["start", "time", "u"], paths)
    write_json(folder / "manifest.json", manifest(command=["slicecheck", "experiment", "two_point_line"], duration_seconds=12.5))
    write_json(folder / "summary.json", {
        "name": "two_point_line", "title": "SGD on the two-point line",
        "description": "Interpolated SGD paths against the flow `u' = −F'(u)`, 200 independent runs a step size.",
        "profile": "quick", "seed": 1, "facts": ["The slope of log median d_C against log α is 0.499 ± 0.012.", "200 of 200 runs stayed in the ball."],
        "departures": [{"setting": "directions a step", "report": "100", "theory": "one", "here": "one"},
                       {"setting": "projection", "report": "each tensor by itself", "theory": "the whole vector", "here": "the whole vector"}],
        "tables": [
            {"id": "distance", "title": "Distance to the flow", "caption": "Median d_C with its 95 % interval (order statistics).", "file": "distance.csv",
             "columns": [{"name": "scheme", "header": "scheme", "format": "s"}, {"name": "alpha", "header": "α", "format": ".4g"},
                         {"name": "median", "header": "median d_C", "format": ".3f", "low": "low", "high": "high"},
                         {"name": "runs", "header": "runs", "format": "d"}]}],
        "figures": [
            {"kind": "curves", "id": "distance", "title": "Distance to the flow against the step", "caption": "Shaded: 95 % interval of the median.",
             "file": "distance.csv", "x": "alpha", "x_label": "step α", "y_label": "d_C", "log_x": True, "log_y": True,
             "panels": [{"title": "from u_0 = 1", "lines": [{"y": 0.05, "label": "η = 0.05"}], "series": [
                 {"label": "SGD", "y": "median", "low": "low", "high": "high", "where": {"scheme": "SGD"}},
                 {"label": "NPSGD", "y": "median", "low": "low", "high": "high", "where": {"scheme": "NPSGD"}, "style": "points"}]}]},
            {"kind": "curves", "id": "paths", "title": "Paths", "caption": "The flow from three starts.", "file": "paths.csv",
             "x": "time", "x_label": "time s", "y_label": "u(s)", "log_x": False, "log_y": False,
             "panels": [{"title": f"start {start}", "series": [{"label": "flow", "y": "u", "where": {"start": start}, "style": "dashed"}]}
                        for start in (0.125, 0.5, 1.0)]}]})


def two_moons(count: int, noise: float, random: np.random.Generator) -> np.ndarray:
    angle, upper = random.uniform(0, np.pi, count), random.integers(0, 2, count) == 1
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + noise * random.normal(size=(count, 2))


def write_moons_experiment(folder: Path) -> None:
    """Scatter panels, image grids."""
    random = np.random.default_rng(1)
    write_csv(folder / "target.csv", ["x", "y"], two_moons(900, 0.05, random).tolist())
    write_csv(folder / "generated.csv", ["step", "x", "y"], [[step, *point] for step, noise in ((0, 0.9), (100, 0.35), (1000, 0.1))
                                                             for point in two_moons(900, noise, random).tolist()])
    y, x = np.mgrid[0:14, 0:14]
    images = [np.clip(255 * np.exp(-((x - 7 - 3 * np.cos(k)) ** 2 + (y - 7 - 3 * np.sin(k)) ** 2) / 8), 0, 255).astype(np.uint8) for k in range(24)]
    write_idx(folder / "digits.idx", np.array(images))
    write_json(folder / "manifest.json", manifest(command=["slicecheck", "experiment", "two_moons"], duration_seconds=4000.0))
    write_json(folder / "summary.json", {
        "name": "two_moons", "title": "Two moons", "description": "A small network trained on two moons.", "profile": "quick", "seed": 1,
        "facts": [], "departures": [], "tables": [], "figures": [
            {"kind": "scatter", "id": "clouds", "title": "Generated points as training goes on", "caption": "900 points of each law.", "columns": 3,
             "panels": [{"title": f"step {step}", "series": [{"label": "generated", "file": "generated.csv", "x": "x", "y": "y", "where": {"step": step}},
                                                             {"label": "target", "file": "target.csv", "x": "x", "y": "y"}]} for step in (0, 100, 1000)]},
            {"kind": "images", "id": "digits", "title": "Images", "caption": "Blobs.", "columns": 2,
             "panels": [{"title": "first", "file": "digits.idx", "grid": [3, 8]}, {"title": "fewer", "file": "digits.idx", "grid": [2, 5]}]}]})


def write_idx(path: Path, images: np.ndarray) -> None:
    path.write_bytes(b"\x00\x00\x08\x03" + struct.pack(">III", *images.shape) + images.tobytes())


WRITERS = {"two_point_line": write_line_experiment, "two_moons": write_moons_experiment}


def write_sample(folder: Path) -> None:
    """A whole run folder."""
    write_json(folder / "manifest.json", manifest())
    write_json(folder / "claims.json", claims())
    write_json(folder / "verdicts.json", verdicts())
    write_json(folder / "gallery.json", gallery())
    for name, write in WRITERS.items():
        write(folder / "experiments" / name)


# ---- helpers --------------------------------------------------------------------------------------------------------------------------

def run_script(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as a process of its own."""
    return subprocess.run(["/usr/bin/python3", str(SCRIPT), str(folder), *options], capture_output=True, text=True, encoding="utf-8", timeout=300,
                          env={**os.environ, **environment})


def report(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The program's main function in this process, which spares most tests the second that the imports take."""
    import report as program
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        status = program.main([str(folder), *options])
    for stream in streams:
        stream.seek(0)
    return subprocess.CompletedProcess([], status, streams[0].read(), streams[1].read())


class Page(HTMLParser):
    """What a test asks of the page: what it loads, its headline, its text and its images' descriptions."""

    def __init__(self, text: str):
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.headline = ""
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "a":
            self.links.append(values.get("href") or "")
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster", "action", "xlink:href",
            "background") or (name == "href" and tag != "a")]
        self._inside = "style" if tag == "style" else "headline" if "headline" in (values.get("class") or "").split() else None

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "headline":
            self.headline += data
        if self._inside != "style":
            self.text += data


class Case(unittest.TestCase):
    """A test with a run folder of its own."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.run_folder = Path(temporary.name) / "run"

    def sample(self) -> Path:
        write_sample(self.run_folder)
        return self.run_folder

    def small(self, **files: Any) -> Path:
        """A run folder with verdicts and claims only, which draws fast."""
        write_json(self.run_folder / "claims.json", files.get("claims", claims()))
        write_json(self.run_folder / "verdicts.json", files.get("verdicts", verdicts()))
        return self.run_folder

    def rendered(self, folder: Path, run=report) -> Page:
        done = run(folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return Page((folder / "index.html").read_text(encoding="utf-8"))

    def refused(self, folder: Path, *words: str, run=report) -> None:
        """Exit status 2, one sentence with these words on stderr, nothing on stdout, no page."""
        done = run(folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse((folder / "index.html").exists())


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


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
        self.assertEqual(set(all_files(folder)) - before, drawn | {"index.html", "report.md"})
        for wanted in ("order statistics", "counter-example", "two_point_line", "AVX2", "Table 1", "Figure 5", "0.125 [0.113, 0.140]", "by no claim",
                       "where the report’s own settings depart", "Cases by kind: spread 600, ties 200", "not tried", "a tie closer than rounding: 3",
                       "--claim L5 --subject cpu-float --seed 1"):
            self.assertIn(wanted.lower(), " ".join(page.text.split()).lower())
        self.assertLess((folder / "index.html").stat().st_size, 5_000_000)
        markdown = (folder / "report.md").read_text(encoding="utf-8")
        for name in PLOTS:
            self.assertIn(f"](plots/{name}.png)", markdown)
        for wanted in (page.headline.strip(), "| A5 bounded second derivatives (finding) |", "0.125 [0.113, 0.140]", "✗ refuted",
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
        for link in page.links:
            self.assertTrue(link.startswith("#"), link)
        ids = [values["id"] for _, values in page.tags if values.get("id")]
        self.assertEqual(len(ids), len(set(ids)))
        for link in page.links:
            self.assertIn(link[1:], ids)
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
        self.assertIn("15 of 17 verdicts came out as declared", page.headline)
        self.assertIn("1 refuted: L5 on cpu-float", page.headline)
        self.assertIn("1 inconclusive: L6 on torch", page.headline)
        self.assertIn("1 finding refuted as declared: A5 on relu-net", page.headline)
        self.assertIn("no verdict: L7", page.headline)

    def test_headline_flips_with_one_verdict(self) -> None:
        changed = verdicts()
        changed[0] |= {"outcome": "refuted", "worst_ratio": 2.0}
        page = self.rendered(self.small(verdicts=changed))
        self.assertIn("14 of 17 verdicts came out as declared", page.headline)
        self.assertIn("2 refuted: L1 on reference, L5 on cpu-float", page.headline)

    def test_finding_that_holds_is_a_failure(self) -> None:
        changed = verdicts()
        changed[-1] |= {"outcome": "holds", "worst_ratio": 0.5, "counter_example": None}
        page = self.rendered(self.small(verdicts=changed))
        self.assertIn("14 of 17 verdicts came out as declared", page.headline)
        self.assertIn("1 declared refuted, but held: A5 on relu-net", page.headline)

    def test_all_as_declared(self) -> None:
        changed = [v for v in verdicts() if v["outcome"] == "holds" or v["expected"] == "refuted"]
        folder = self.small(verdicts=changed, claims=[c for c in claims() if c["id"] != "L7"])
        page = self.rendered(folder)
        self.assertIn("15 of 15 verdicts came out as declared; 0 refuted; 0 inconclusive", page.headline)
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

    def drawn(self, figure: dict[str, Any]):
        from report_figures import draw
        from report_files import DataFolder, Record
        return draw(Record({"title": "title", "caption": "", "id": "x", **figure}, "summary.json"), DataFolder(self.run_folder))

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
