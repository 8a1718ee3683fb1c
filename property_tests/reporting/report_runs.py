"""What the tests of the report share: run folders made by hand, as docs/formats.md describes them, and the page as a test asks of it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
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


def write_answers(folder: Path) -> None:
    """What `slicecheck regime` and `slicecheck audit` leave: summaries with a sentence."""
    regime, audit = folder / "regime" / "small-net", folder / "audit" / "small-net"
    write_csv(regime / "steps.csv", ["alpha", "distance"], [[2.0 ** -j, 0.4 * 2.0 ** (-j / 2)] for j in range(2, 8)])
    write_json(regime / "manifest.json", manifest(command=["slicecheck", "regime", "train.toml"]))
    write_json(regime / "summary.json", {
        "name": "small-net", "title": "A small network", "answer": "In the flow regime: halving α brings the paths closer at the predicted rate.",
        "description": "Three step sizes.", "profile": "quick", "seed": 1, "facts": [], "departures": [], "tables": [], "figures": [
            {"kind": "curves", "id": "distance", "title": "Distance", "caption": "", "file": "steps.csv", "x": "alpha", "x_label": "α", "y_label": "d_C",
             "log_x": True,
             "log_y": True, "panels": [{"title": "", "series": [{"label": "d_C", "y": "distance"}]}]}]})
    write_json(audit / "manifest.json", manifest(command=["slicecheck", "audit", "net.pt"]))
    write_json(audit / "summary.json", {
        "name": "small-net", "title": "A small network", "answer": "A1, A2 and A7 hold; A4 fails: the output layer is linear.",
        "description": "The assumptions one by one.",
        "profile": "quick", "seed": 1, "facts": [], "departures": [], "tables": [], "figures": [], "verdicts": [
            {"claim": "A4", "what": "net.pt", "statement": "bounded in u", "measured": "grows like 64 along a ray", "sample": "one ray",
             "confidence": "deterministic",
             "outcome": "refuted", "expected": "refuted"}]})


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

    def drawn(self, figure: dict[str, Any]):
        """One figure by itself, its files in the run folder."""
        from report_figures import draw
        from report_files import DataFolder, Record
        return draw(Record({"title": "title", "caption": "", "id": "x", **figure}, "summary.json"), DataFolder(self.run_folder))


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
