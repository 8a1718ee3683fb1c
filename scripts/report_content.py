"""What the report says: a run folder turned into headline, tables and numbered figures, for the templates to lay out."""

from __future__ import annotations

import re
from typing import Any

from report_figures import draw
from report_files import InputError, Record, as_text
from report_numbers import duration, formatted, grouped, pretty, ratio, with_zeros
from report_performance import performance_view
from report_run import Experiment, Measured, Run, Trial, Verdict, plot_stem
from report_tightness import Block, draw_tightness
from report_views import Cell, ClaimGroup, ClaimView, Content, DefectGroup, DefectRow, ExperimentView, FigureView, Headline, TableView

MOST_NAMED = 8          # verdicts that the headline names one by one
MOST_ROWS = 12          # rows of a counter-example's matrix that are shown
EXPECTED_WORDS = {"finding": "refuted, as it should be", "surprise": "holds, though it should be refuted"}    # of an experiment's verdict
MANIFEST_COLUMNS = ("profile", "seed", "threads", "started", "duration_seconds", "complete")
TIGHTNESS_CAPTION = (
    "Every mark is one verdict. Left: the largest observed / allowed over all checks of the claim, where what is allowed includes rounding or the "
    "standard error; beyond the line at 1 the claim is refuted. Right: the largest observed / theoretical bound, rounding aside, where the claim is an "
    "inequality: the nearer to 1, the less slack in the bound; empty where the claim has no such bound. An arrow at an edge stands for a value at or "
    "beyond it, 0 included.")


class Counter:
    """Gives figures and tables their numbers through the whole page."""

    def __init__(self) -> None:
        self.figures = self.tables = 0

    def figure(self) -> int:
        self.figures += 1
        return self.figures

    def table(self) -> int:
        self.tables += 1
        return self.tables


def make_content(run: Run) -> Content:
    """Everything the templates need; draws the figures on the way."""
    counter = Counter()
    claims = claim_views(run)
    order, groups = [claim.id for claim in claims], claim_groups(claims)
    incomplete = ["manifest.json"] if run.manifest and run.manifest.value.get("complete") is False else []
    incomplete += [f"experiments/{e.name}/manifest.json" for e in run.experiments if e.manifest and e.manifest.value.get("complete") is False]
    content = Content(
        subtitle=subtitle(run), headline=headline(run, claims), measured=measured_headline(run), absent=run.absent, incomplete=incomplete, groups=groups,
        claims=claims, registry=run.claims, has_verdicts=run.verdicts is not None, tightness=tightness(groups, counter),
        defects=defect_rows(run.trials, order) if run.trials is not None else None,
        defect_groups=defect_groups(run.trials or [], order), sole_catches=sole_catches(run.trials or [], order),
        experiments=[experiment_view(e, counter) for e in run.experiments],
        performance=performance_view(run.performance, counter) if run.performance else None,
        manifests=([("verify", run.manifest.value)] if run.manifest else []) + [(e.name, e.manifest.value) for e in run.experiments if e.manifest],
    )
    content.numbers = numbers(run, content)
    stems = [figure.stem for figure in content.figures]
    for stem in stems:
        if stems.count(stem) > 1:
            raise InputError(f"two figures would be drawn to the same file plots/{stem}.svg: give them different ids")
    return content


def anchor(prefix: str, name: str) -> str:
    """An id for the page."""
    return f"{prefix}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}"


def subtitle(run: Run) -> list[str]:
    """Profile, seed, version and the like, of the whole run or, failing that, of its verdicts."""
    if run.manifest:
        value = dict(run.manifest.value)
        if isinstance(value.get("commit"), str):
            value["commit"] = re.sub(r"^([0-9a-f]{10})[0-9a-f]+", r"\1", value["commit"])
        words = [f"{label}{as_text(value[key])}" for key, label in (("profile", "profile "), ("seed", "seed "), ("version", "version "), ("commit", "commit "),
                                                                   ("started", "started ")) if value.get(key) not in (None, "")]
        if isinstance(value.get("duration_seconds"), (int, float)):
            words.append(f"claims judged in {duration(value['duration_seconds'])}")
        return words
    profiles = dict.fromkeys(f"profile {v.profile}, seed {v.seed}" for v in run.verdicts or [])
    return list(profiles)


def named(verdicts: list[Verdict] | list[Measured]) -> str:
    """`L2 on cpu and torch, L5 on cpu`: which verdicts these are."""
    shown = verdicts[:MOST_NAMED]
    by_claim: dict[str, dict[str, None]] = {}
    for verdict in shown:
        by_claim.setdefault(verdict.claim, {})[verdict.subject] = None
    text = ", ".join(f"{claim} on {' and '.join(subjects)}" for claim, subjects in by_claim.items())
    return text + (f" and {len(verdicts) - MOST_NAMED} more" if len(verdicts) > MOST_NAMED else "")


def headline(run: Run, claims: list[ClaimView]) -> Headline:
    """One sentence, counted from the verdicts."""
    if not run.verdicts:
        what = "No claim was judged by itself" if measured_verdicts(run) else "This run folder holds no verdicts"
        return Headline(f"{what}: verdicts.json is {'absent' if run.verdicts is None else 'empty'}.", "open")
    of = lambda state: [v for v in run.verdicts if v.state == state]
    declared = [v for v in run.verdicts if v.as_declared]
    parts = [f"{len(declared)} of {len(run.verdicts)} verdicts came out as declared"]
    for state, words in (("refuted", "refuted"), ("surprise", "declared refuted, but held"), ("inconclusive", "inconclusive")):
        parts.append(f"{len(of(state))} {words}: {named(of(state))}" if of(state) else f"0 {words}" if state != "surprise" else "")
    if of("finding"):
        count = len(of("finding"))
        parts.append(f"{count} finding{'s' * (count > 1)} refuted as declared: {named(of('finding'))}")
    silent = [claim.id for claim in claims if not claim.verdicts]
    if silent:
        more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
        parts.append(f"no verdict: {', '.join(silent[:MOST_NAMED])}{more}")
    tone = "bad" if of("refuted") or of("surprise") else "open" if of("inconclusive") or silent else "good"
    return Headline("; ".join(part for part in parts if part) + ".", tone)


def measured_verdicts(run: Run) -> list[Measured]:
    return [verdict for experiment in run.experiments for verdict in experiment.verdicts]


def measured_headline(run: Run) -> Headline | None:
    """One sentence, counted from the experiments' verdicts and from nothing else."""
    verdicts = measured_verdicts(run)
    if not verdicts:
        return None
    other = [v for v in verdicts if v.state in ("refuted", "surprise")]
    undecided = [v for v in verdicts if v.state == "inconclusive"]
    count = len(verdicts) - len(other) - len(undecided)
    text = f"Of the experiments: {count} verdict{'s' * (count != 1)} as declared, {len(other)} not, {len(undecided)} inconclusive"
    for words, own in (("not as declared", other), ("inconclusive", undecided)):
        text += f"; {words}: {named(own)}" if own else ""
    return Headline(f"{text}.", "bad" if other else "open" if undecided else "good")


def numbers(run: Run, content: Content) -> list[tuple[str, str]]:
    """The few counts at the top of the page."""
    out = []
    if run.verdicts:
        out.append(("verdicts as declared", f"{sum(v.as_declared for v in run.verdicts)} / {len(run.verdicts)}"))
        out.append(("cases judged", grouped(sum(v.cases for v in run.verdicts))))
        out.append(("cases skipped", grouped(sum(sum(v.skipped.values()) for v in run.verdicts))))
    if content.defects is not None:
        out.append(("planted defects caught", f"{sum(bool(d.caught_by) for d in content.defects)} / {len(content.defects)}"))
    if run.claims is not None:
        out.append(("claims covered", f"{sum(c.covered for c in run.claims)} / {len(run.claims)}"))
    measured = measured_verdicts(run)
    if measured:
        out.append(("experiments’ verdicts as declared", f"{sum(v.outcome == v.expected for v in measured)} / {len(measured)}"))
    if content.experiments:
        out.append(("experiments" if len(content.experiments) > 1 else "experiment", str(len(content.experiments))))
    return out


# ---- claims ---------------------------------------------------------------------------------------------------------------------------

def claim_views(run: Run) -> list[ClaimView]:
    """Every claim of the registry, then every claim that only the verdicts know."""
    registry = {claim.id: claim for claim in run.claims or []}
    verdicts = run.verdicts or []
    views = []
    for id in dict.fromkeys([*registry, *(v.claim for v in verdicts)]):
        claim, own = registry.get(id), [v for v in verdicts if v.claim == id]
        cells = {v.subject: Cell(v.state, ratio(v.worst_ratio)) for v in own}
        names = list(dict.fromkeys(check.name for v in own for check in v.checks))
        views.append(ClaimView(id, anchor("claim", id), claim.title if claim else own[0].title, claim.judges if claim else "", claim, own, cells, names))
    return views


def claim_groups(claims: list[ClaimView]) -> list[ClaimGroup]:
    """One table for each type of subject. A claim stands in the table of every type that it was judged on; one without a verdict, in that of what it judges."""
    groups: dict[str, list[ClaimView]] = {}
    for claim in claims:
        types = dict.fromkeys(v.type or claim.judges for v in claim.verdicts) or {claim.judges.split(", ")[0]: None}
        for type in types:
            groups.setdefault(type, []).append(claim)
    return [ClaimGroup(type, list(dict.fromkeys(v.subject for claim in own for v in claim.verdicts if (v.type or claim.judges) == type)), own)
            for type, own in groups.items()]


def tightness(groups: list[ClaimGroup], counter: Counter) -> FigureView | None:
    blocks = []
    for group in groups:
        judged = [claim for claim in group.claims if claim.verdicts]
        if judged:
            blocks.append(Block(group.type, [claim.id for claim in judged], group.subjects, [v for claim in judged for v in claim.verdicts if v.subject in group.subjects]))
    if not blocks:
        return None
    return FigureView(counter.figure(), "tightness-figure", "How close every claim comes to its bound", TIGHTNESS_CAPTION, "tightness", draw_tightness(blocks),
                      ["verdicts.json"])


def matrix_view(value: Any) -> tuple[list[list[str]], int]:
    """A counter-example's value as rows of rounded cells, and how many rows were left out."""
    if value == []:
        return [["none"]], 0
    rows = value if isinstance(value, list) and any(isinstance(row, list) for row in value) else [value]
    cells = [[number_text(x) for x in (row if isinstance(row, list) else [row])] for row in rows]
    return cells[:MOST_ROWS], max(0, len(cells) - MOST_ROWS)


def number_text(value: Any) -> str:
    """An integer in full, another number with six digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else pretty(as_text(value))
    return pretty(str(value) if isinstance(value, int) else format(value, ".6g"))


# ---- planted defects ------------------------------------------------------------------------------------------------------------------

def defect_claims(trials: list[Trial], order: list[str]) -> list[str]:
    """The claims that were tried on a defect, in the order of the registry."""
    tried = dict.fromkeys(t.claim for t in trials)
    return [claim for claim in order if claim in tried] + [claim for claim in tried if claim not in order]


def defect_rows(trials: list[Trial], order: list[str]) -> list[DefectRow]:
    states = {"refuted": "unconfirmed", "holds": "missed", "inconclusive": "inconclusive"}
    rows = []
    for defect in dict.fromkeys(t.defect for t in trials):
        own = {t.claim: t for t in trials if t.defect == defect}
        cells = [Cell("caught" if own[c].caught else states[own[c].outcome]) if c in own else Cell("untried") for c in defect_claims(trials, order)]
        rows.append(DefectRow(defect, next(iter(own.values())).title, [t for t in own.values() if t.caught], cells))
    return rows


def defect_groups(trials: list[Trial], order: list[str]) -> list[DefectGroup]:
    """A table for every type of subject: no claim judges all of them."""
    groups = []
    for kind in dict.fromkeys(t.type for t in trials):
        own = [t for t in trials if t.type == kind]
        groups.append(DefectGroup(kind, defect_claims(own, order), defect_rows(own, order)))
    return groups


def sole_catches(trials: list[Trial], order: list[str]) -> list[tuple[str, list[str]]]:
    """For every claim that was tried, the defects that it alone caught; none: it is redundant on this gallery."""
    catchers: dict[str, list[str]] = {}
    for t in trials:
        if t.caught:
            catchers.setdefault(t.defect, []).append(t.claim)
    return [(claim, [defect for defect, by in catchers.items() if by == [claim]]) for claim in defect_claims(trials, order)]


# ---- experiments ----------------------------------------------------------------------------------------------------------------------

def experiment_view(experiment: Experiment, counter: Counter) -> ExperimentView:
    name, summary = experiment.name, experiment.summary
    complete = not (experiment.manifest and experiment.manifest.value.get("complete") is False)
    if summary is None:
        return ExperimentView(name, anchor("experiment", name), name, "", "", "", [], [], [], [], [], [], complete, True)
    return ExperimentView(
        name, anchor("experiment", name), summary.text("title"), summary.text("description"), summary.text("profile"), str(summary.integer("seed")),
        experiment.advice, summary.texts("facts"), [(v, Cell(v.state, other=EXPECTED_WORDS.get(v.state, ""))) for v in experiment.verdicts],
        [table_view(name, table, experiment, counter) for table in summary.records("tables")],
        [figure_view(name, figure, experiment, counter) for figure in summary.records("figures")],
        [{key: row.text(key) for key in ("setting", "report", "theory", "here")} for row in summary.records("departures", optional=True)], complete, False)


def table_view(name: str, table: Record, experiment: Experiment, counter: Counter) -> TableView:
    """A table of an experiment: the declared columns of a CSV, formatted, an interval beside its value."""
    data = experiment.data.table(table.text("file"))
    columns = table.records("columns")
    headers = [(column.text("header"), column.text("format", "s") not in ("", "s")) for column in columns]
    specs = []
    for column in columns:
        if column.has("low") != column.has("high"):
            raise InputError(f"{column.where}: 'low' and 'high' come together")
        keys = [key for key in ("name", "low", "high") if column.has(key) or key == "name"]
        specs.append((column.text("format", "s"), [data.position(column.text(key)) for key in keys], column))
    rows = []
    for row, line in zip(data.rows, data.lines):
        cells = []
        for spec, positions, column in specs:
            try:
                texts = [formatted(row[k], with_zeros(spec) if len(positions) == 3 else spec) for k in positions]
            except ValueError:
                raise InputError(f"{data.path}:{line}: the cell of column '{column.text('name')}' does not suit the format '{spec}' that the summary gives it: "
                                 f"'{', '.join(row[k] for k in positions)}'") from None
            cells.append((texts[0], f"[{texts[1]}, {texts[2]}]" if len(texts) == 3 else "", spec not in ("", "s")))
        rows.append(cells)
    return TableView(counter.table(), anchor(f"table-{name}", table.text("id")), table.text("title"), table.text("caption", ""), headers, rows,
                     f"experiments/{name}/{table.text('file')}")


def figure_view(name: str, figure: Record, experiment: Experiment, counter: Counter) -> FigureView:
    panels = [p for p in figure.array("panels") if isinstance(p, dict)]
    parts = [part for p in panels for key in ("series", "density", "contours", "paths", "points")
             for part in (p[key] if isinstance(p.get(key), list) else [p.get(key)])]
    files = dict.fromkeys(str(part["file"]) for part in [figure.value, *panels, *parts] if isinstance(part, dict) and part.get("file"))
    return FigureView(counter.figure(), anchor(f"figure-{name}", figure.text("id")), figure.text("title"), figure.text("caption", ""), plot_stem(name, figure),
                      draw(figure, experiment.data), [f"experiments/{name}/{file}" for file in files])


# ---- manifests ------------------------------------------------------------------------------------------------------------------------

LABELS = {"duration_seconds": "duration", "memory_gib": "memory (GiB)", "instruction_set": "instruction set"}


def manifest_value(key: str, value: Any) -> str:
    """A value of a manifest for people."""
    if key == "duration_seconds" and isinstance(value, (int, float)):
        return duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(as_text(x) for x in value)
    return "–" if value is None or value == "" else as_text(value)


def manifest_rows(manifest: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """All fields of a manifest; an object's fields stand together."""
    rows = []
    for key, value in manifest.items():
        label = LABELS.get(key, key)
        if isinstance(value, dict):
            rows.append((label, [(LABELS.get(k, k), manifest_value(k, v)) for k, v in value.items()] or [("", "none")]))
        else:
            rows.append((label, [("", manifest_value(key, value))]))
    return rows
