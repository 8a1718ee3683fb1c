"""The report's Markdown: texts in which nothing is markup by accident, and tables as GitHub reads them."""

from __future__ import annotations

import html
import re
from typing import Any

from markupsafe import Markup

from report_compare import KINDS, Comparison, caution
from report_content import MANIFEST_COLUMNS, manifest_rows, manifest_value, matrix_view
from report_mathematics import plain
from report_numbers import grouped, ratio
from report_run import Advice, CounterExample, Measured
from report_views import Cell, CheckTable, ClaimGroup, ClaimView, Content, DefectGroup, DefectRow, TableView


def text(value: Any) -> Markup:
    """Text on one line: nothing in it is markup but code between backticks."""
    pieces = re.split(r"(`[^`]+`)", re.sub(r"\s+", " ", str(value)).strip())
    return Markup("".join(piece if k % 2 else escaped(piece) for k, piece in enumerate(pieces)))


def escaped(piece: str) -> str:
    piece = re.sub(r"([\\`*\[\]|~$])", r"\\\1", piece)
    piece = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", piece)
    piece = re.sub(r"^([#+>-]|\d+[.)])(?=\s)", r"\\\1", piece)
    return html.escape(piece, quote=False)


def cell(value: Any) -> str:
    """A table's cell, where even code must not hold a bare bar; Markup is taken as it is."""
    return str(value) if isinstance(value, Markup) else re.sub(r"(?<!\\)\|", r"\\|", text(value))


def table(headers: list[Any], rows: list[list[Any]], align: str) -> Markup:
    """A table; `align` has an l or an r a column."""
    lines = [[cell(h) for h in headers], ["---:" if a == "r" else "---" for a in align]] + [[cell(value) for value in row] for row in rows]
    return Markup("\n".join("| " + " | ".join(line) + " |" for line in lines))


def fence(block: str) -> Markup:
    """A block of code."""
    ticks = "`" * (1 + max([2] + [len(run) for run in re.findall(r"`+", block)]))
    return Markup(f"{ticks}\n{block}\n{ticks}")


def outcome(shown: Cell) -> Markup:
    """An outcome in a cell; what a reader should not miss is bold."""
    words = f"{shown.mark} {shown.word}".strip()
    words = f"**{words}**" if shown.state in ("refuted", "surprise", "inconclusive") else words
    return Markup(f"{words} ({shown.note})" if shown.note else words)


def code(value: str) -> str:
    """A name in code, unless it has backticks of its own."""
    return value if "`" in value or not value else f"`{value}`"


# ---- the tables of the report ---------------------------------------------------------------------------------------------------------

def claims_table(group: ClaimGroup) -> Markup:
    subjects = group.subjects or ["verdict"]
    name = lambda c: f"{c.id} {c.title}" + (" (finding)" if c.is_finding else "")
    rows = [[name(c), *(outcome(c.cells.get(s, Cell("none"))) for s in subjects)] for c in group.claims]
    return table(["Claim", *subjects], rows, "l" * (1 + len(subjects)))


def rollup_table(content: Content) -> Markup:
    """One row a claim: what was judged, what was measured, on what evidence."""
    rows = []
    for c in content.claims:
        evidence = [f"{grouped(c.cases)} cases, worst {ratio(c.worst)}"] if c.verdicts else []
        evidence += [f"{len(c.caught)} of {c.tried} planted defects caught"] if c.tried else []
        rows.append([f"{c.id} {c.title}" + (" (finding)" if c.is_finding else ""), plain(c.statement.formulas[0]) if c.statement else "–",
                     outcome(c.rollup), outcome(c.measured_rollup), "; ".join(evidence) or "–"])
    return table(["Claim", "In mathematics", "Judged", "Measured", "Evidence"], rows, "lllll")


def verdicts_table(claim: ClaimView) -> Markup:
    rows = [[v.subject, outcome(Cell(v.state)), grouped(v.cases), "; ".join(f"{why}: {grouped(n)}" for why, n in v.skipped.items()) or "none",
             ratio(v.worst_ratio), ratio(v.tightness), v.confidence] for v in claim.verdicts]
    return table(["Subject", "Verdict", "Cases", "Skipped", "Worst ratio", "Tightness", "Confidence"], rows, "llrlrrl")


def checks_table(claim: ClaimView, shown: CheckTable) -> Markup:
    rows = []
    for name in shown.names:
        common, checks = claim.common_cases(name), [claim.check(v, name) for v in shown.verdicts]
        rows.append([name, common or "differ", *(worst if common or not cases else f"{worst} ({cases} cases)" for cases, worst in checks)])
    return table(["Check", "Cases", *(f"Worst ratio, {v.subject}" for v in shown.verdicts)], rows, "lr" + "r" * len(shown.verdicts))


def values_text(example: CounterExample) -> str:
    """The values of a counter-example in columns."""
    lines = []
    for name, value in example.values.items():
        cells, more = matrix_view(value)
        widths = [max(len(row[k]) for row in cells if k < len(row)) for k in range(max((len(row) for row in cells), default=0))]
        rows = ["  ".join(x.rjust(widths[k]) for k, x in enumerate(row)) for row in cells] + ([f"… {more} more rows"] if more else [])
        lines += [f"{name} = {rows[0]}"] if len(rows) == 1 else [f"{name} =", *(f"    {row}" for row in rows)]
    return "\n".join(lines)


def trace_table(claims: list[ClaimView]) -> Markup:
    """From claim to theory, property test, planted defects and experiment."""
    rows = []
    for view in claims:
        c = view.claim
        theory = f"{view.statement.place}#{view.statement.anchor}" if view.statement else "✗ none known"
        by = "; ".join(title for _, title in view.shown_by) + (f" ({view.measured_rollup.word})" if view.measured else "") or "–"
        if not c:
            rows.append([view.id, theory, "–", "–", by, "shown only"])
            continue
        test = c.property_test
        went = ("passed" if test.passed else "✗ failed") + ("" if test.fresh else ", on other sources") if test else ""
        tested = f"{code(test.name)}: {went}, {grouped(test.cases)} cases" if test else "✗ none on record"
        line = "line in report not looked for" if c.report_line is None else "line in report" if c.report_line else "✗ no line in report"
        rows.append([c.id, theory, tested, rejected(c.defects_rejected), by, Markup(f"{'✓ yes' if c.covered else '**✗ no**'}; {line}")])
    return table(["Claim", "Theory", "Property test", "Planted defects caught", "Experiment", "Covered"], rows, "llllll")


def rejected(defects: list[str]) -> str | Markup:
    """The names of a few; of many their number, since the matrix has them all."""
    return f"{len(defects)}, see the matrix" if len(defects) > 6 else Markup(", ".join(map(code, defects))) or "✗ none"


def defects_table(group: DefectGroup) -> Markup:
    caught = lambda d: "✓ yes" if d.caught_by else Markup("**✗ by no claim**")
    rows = [[f"{d.title} {code(d.defect)}", caught(d), *(cell.sign for cell in d.cells)] for d in group.rows]
    return table(["Defect", "Caught", *group.claims], rows, "ll" + "l" * len(group.claims))


def catches_table(defects: list[DefectRow]) -> Markup:
    rows = [[code(d.defect), t.claim, t.check or "–", ratio(t.worst_ratio)] for d in defects for t in d.caught_by]
    return table(["Defect", "Claim", "Check", "Worst ratio"], rows, "lllr")


def measured_table(verdicts: list[tuple[Measured, Cell]]) -> Markup:
    rows = [[v.claim, v.what, v.statement, v.measured, v.sample, v.confidence, outcome(shown)] for v, shown in verdicts]
    return table(["Claim", "On", "Statement", "Measured", "Sample", "Confidence", "Verdict"], rows, "lllllll")


def advice_table(advice: list[Advice]) -> Markup:
    return table(["Question", "What the data support"], [[a.question, a.sentence] for a in advice], "ll")


def data_table(view: TableView) -> Markup:
    joined = lambda value, interval, numeric: Markup(f"{value} {interval}") if interval and numeric else f"{value} {interval}".strip()
    rows = [[joined(*entry) for entry in row] for row in view.rows]
    return table([header for header, _ in view.headers], rows, "".join("r" if numeric else "l" for _, numeric in view.headers))


def departures_table(departures: list[dict[str, str]]) -> Markup:
    return table(["Setting", "Report", "Theory", "Here"], [[d["setting"], d["report"], d["theory"], d["here"]] for d in departures], "llll")


def runs_table(manifests: list[tuple[str, dict[str, Any]]]) -> Markup:
    rows = [[name, *(manifest_value(key, manifest.get(key)) for key in MANIFEST_COLUMNS)] for name, manifest in manifests]
    return table(["Run", "Profile", "Seed", "Threads", "Started", "Duration", "Complete"], rows, "llrrlrl")


def manifest_table(manifest: dict[str, Any]) -> Markup:
    rows = [[label, f"{key}: {code(value)}" if key else code(value)] for label, entries in manifest_rows(manifest) for key, value in entries]
    return table(["Field", "Value"], rows, "ll")


# ---- a comparison of two runs ---------------------------------------------------------------------------------------------------------

def comparison_page(made: Comparison) -> str:
    """What changed between two runs, for a comment on a pull request."""
    worse = bool(made.of("worse"))
    lines = ["# SliceCheck: what changed", "", f"{'❌' if worse else '✅'} **{text(made.headline)}**", "",
             f"From `{made.old}` to `{made.new}`. {text(caution(made))}", ""]
    for gravity, title in (("worse", "Got worse"), ("better", "Got better"), ("other", "Other changes")):
        own = made.of(gravity)
        if own:
            lines += [f"## {title}", "", str(table(["What", "Where", "Before", "Now", "Note"], [[KINDS[c.kind], c.where, c.old or "–", c.new or "–",
                                                                                                 c.note] for c in own], "lllll")), ""]
    if made.made:
        rows = [[what, a, b, "yes" if matters else "no"] for what, a, b, matters in made.made]
        lines += ["## How the runs were made", "", str(table(["What", "Before", "Now", "Makes figures other figures"], rows, "llll")), ""]
    lines += [f"A figure has moved when intervals do not meet or, without an interval, by more than a factor of {made.threshold:g}."]
    return "\n".join(lines) + "\n"
