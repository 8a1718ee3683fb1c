"""What changed between two runs: verdicts that flipped first, then what is missing or new, then figures that moved, and how the runs were made.

    slicecheck report --compare OLD NEW [--out FILE] [--json] [--threshold FACTOR]

Exit status: 0 nothing got worse, 1 something did, 2 bad input.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from report_files import Csv, InputError, Record, as_text
from report_numbers import grouped, ratio, rounded
from report_run import Claim, Experiment, Run
from report_views import WORDS

THRESHOLD = 2.0      # a ratio or a figure without an interval has moved when it changed by more than this factor
MOST_MOVED = 12      # figures of one experiment that are named one by one
IN_THE_FLOW = "in the flow regime"    # the one regime in which nothing has to change
RANK = {"holds": 0, "finding": 0, "inconclusive": 1, "refuted": 2, "surprise": 2}
KINDS = {"flip": "Verdicts that changed", "missing": "Missing", "new": "New", "evidence": "Evidence", "moved": "Figures that moved",
         "answer": "Sentences that changed"}


@dataclass(frozen=True)
class Change:
    """One difference; `gravity` is worse, better or other."""

    kind: str
    gravity: str
    where: str
    old: str
    new: str
    note: str = ""

    @property
    def text(self) -> str:
        arrow = f"{self.old} → {self.new}" if self.old and self.new else self.new or self.old
        return f"{self.where}: {arrow}" + (f" ({self.note})" if self.note else "")


@dataclass
class Comparison:
    """All differences between two runs; `made` says how differently they were made: (what, old, new, does it make figures incomparable)."""

    old: str
    new: str
    threshold: float
    made: list[tuple[str, str, str, bool]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    compared: int = 0

    def of(self, gravity: str) -> list[Change]:
        return [c for c in self.changes if c.gravity == gravity]

    @property
    def incomparable(self) -> list[str]:
        return [what for what, _, _, matters in self.made if matters]

    @property
    def headline(self) -> str:
        worse, better = len(self.of("worse")), len(self.of("better"))
        count = lambda kind: sum(c.kind == kind for c in self.changes)
        words = f"{worse} got worse" if worse else "Nothing got worse"
        return f"{words}; {better} better, {count('new')} new, {count('missing')} missing, {count('moved')} moved; {grouped(self.compared)} verdicts compared."


def compare(old: Run, new: Run, names: tuple[str, str], threshold: float = THRESHOLD) -> Comparison:
    """The differences, the gravest first."""
    if not math.isfinite(threshold) or threshold <= 1:
        raise InputError(f"the threshold is a factor above 1, not {threshold:g}")
    made = Comparison(*names, threshold)
    made.made = differently_made(old, new)
    verdicts(old, new, made)
    measured(old, new, made)
    evidence(old, new, made)
    figures(old, new, made)
    if not made.compared and not set(sections(old)) & set(sections(new)):
        raise InputError(f"{names[0]} and {names[1]} have nothing in common to compare: no verdict, experiment, regime or audit of one is in the other")
    order = {"worse": 0, "better": 1, "other": 2}
    made.changes.sort(key=lambda c: (order[c.gravity], list(KINDS).index(c.kind)))
    return made


# ---- how the runs were made -----------------------------------------------------------------------------------------------------------

def differently_made(old: Run, new: Run) -> list[tuple[str, str, str, bool]]:
    """Seeds, budgets, sources and machines that differ, part by part; those of the first four make figures other figures."""
    rows: dict[tuple[str, str, str, bool], list[str]] = {}
    before, after = manifests(old), manifests(new)
    for part in [name for name in before if name in after]:
        a, b = before[part], after[part]
        for what, path, matters in (("seed", "seed", True), ("profile", "profile", True), ("settings", "settings", True), ("device", "device", True),
                                    ("version", "version", False),
                                    ("commit", "commit", False), ("sources", "build.fingerprint", False), ("compiler", "build.compiler", False),
                                    ("flags", "build.flags", False),
                                    ("libraries", "libraries", False), ("instruction set", "machine.instruction_set", False), ("processor", "machine.cpu",
                                                                                                                               False)):
            for name, x, y in differing(what, reach(a, path), reach(b, path)):
                said = what == "settings" or "none" not in (x, y)    # an older program recorded less
                rows.setdefault((name, x, y, matters and said), []).append(part)
    everywhere = [name for name in before if name in after]
    named = lambda parts: "" if parts == everywhere and len(parts) > 1 else f" ({', '.join(parts)})"
    return [(what + named(parts), x, y, matters) for (what, x, y, matters), parts in rows.items()]


def manifests(run: Run) -> dict[str, dict[str, Any]]:
    return ({"verify": run.manifest.value} if run.manifest else {}) | {e.place: e.manifest.value for e in run.sections if e.manifest}


def reach(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def differing(what: str, a: Any, b: Any) -> list[tuple[str, str, str]]:
    """The leaves that differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [row for key in dict.fromkeys([*a, *b]) for row in differing(f"{what} {key}", a.get(key), b.get(key))]
    shown = lambda value: "none" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else as_text(value)
    short = lambda text: text[:10] + ("-dirty" if text.endswith("-dirty") else "") if what == "commit" else text
    return [(what, short(shown(a)), short(shown(b)))] if shown(a) != shown(b) else []


# ---- verdicts -------------------------------------------------------------------------------------------------------------------------

def flipped(where: str, a: Any, b: Any, note: str) -> Change | None:
    """The change of one verdict, if there is one. A claim that is declared otherwise than before needs a person to look."""
    word = lambda v: WORDS[v.state][1]
    if a.expected != b.expected:
        return Change("flip", "worse", where, f"declared {a.expected}, {a.outcome}", f"declared {b.expected}, {b.outcome}", "the declaration itself changed")
    if a.outcome == b.outcome:
        return None
    gravity = "worse" if RANK[b.state] > RANK[a.state] else "better" if RANK[b.state] < RANK[a.state] else "other"
    return Change("flip", gravity, where, word(a), word(b), note)


def verdicts(old: Run, new: Run, made: Comparison) -> None:
    before = {(v.claim, v.subject): v for v in old.verdicts or []}
    after = {(v.claim, v.subject): v for v in new.verdicts or []}
    for key in dict.fromkeys([*before, *after]):
        where, a, b = f"{key[0]} on {key[1]}", before.get(key), after.get(key)
        if a is None:
            bad = RANK[b.state] == 2
            made.changes.append(Change("new", "worse" if bad else "other", where, "", WORDS[b.state][1], b.reproduce if bad else ""))
        elif b is None:
            made.changes.append(Change("missing", "worse", where, WORDS[a.state][1], "no verdict"))
        else:
            made.compared += 1
            change = flipped(where, a, b, f"worst ratio {ratio(a.worst_ratio)} → {ratio(b.worst_ratio)}; {b.reproduce}")
            if change:
                made.changes.append(change)
                continue
            if 2 * b.cases < a.cases:
                made.changes.append(Change("evidence", "worse", where, f"{grouped(a.cases)} cases", f"{grouped(b.cases)} cases",
                                           "less than half of the budget"))
            for what, x, y in (("worst ratio", a.worst_ratio, b.worst_ratio), ("tightness", a.tightness, b.tightness)):
                if moved(x, y, made.threshold):
                    made.changes.append(Change("moved", "other", f"{where}, {what}", ratio(x), ratio(y)))


def moved(x: float | None, y: float | None, threshold: float) -> bool:
    """Whether a number changed by more than a factor; from or to nothing, 0, infinity, NaN or the other sign always counts."""
    if x is None or y is None:
        return (x is None) != (y is None)
    if x == y or (x != x and y != y):
        return False
    if not (math.isfinite(x) and math.isfinite(y)) or x * y <= 0:
        return True
    return max(abs(x / y), abs(y / x)) > threshold


def sections(run: Run) -> dict[str, Experiment]:
    return {e.place: e for e in run.sections if e.summary}


def measured(old: Run, new: Run, made: Comparison) -> None:
    """Verdicts of experiments, regimes and audits, and the sentences that they come down to."""
    before, after = sections(old), sections(new)
    for place in dict.fromkeys([*before, *after]):
        a, b = before.get(place), after.get(place)
        if a is None or b is None:
            made.changes.append(Change("missing" if b is None else "new", "worse" if b is None else "other", place, "there" if b is None else "",
                                       "absent" if b is None else "there"))
        one, two = ({(v.claim, v.what, v.statement): v for v in e.verdicts} if e else {} for e in (a, b))
        for key in dict.fromkeys([*one, *two]):
            where = f"{place}: {key[0]} on {key[1]}, “{key[2]}”"
            x, y = one.get(key), two.get(key)
            if x is None:
                if RANK[y.state] == 2 or a is not None:
                    made.changes.append(Change("new", "worse" if RANK[y.state] == 2 else "other", where, "", WORDS[y.state][1], y.measured))
            elif y is None:
                if b is not None:
                    made.changes.append(Change("missing", "worse", where, WORDS[x.state][1], "no verdict"))
            else:
                made.compared += 1
                change = flipped(where, x, y, f"measured: {x.measured} → {y.measured}")
                if change:
                    made.changes.append(change)
        if a is not None and b is not None and a.answer != b.answer:
            good = [regime(e) == IN_THE_FLOW for e in (a, b)]
            gravity = "worse" if good == [True, False] else "better" if good == [False, True] else "other"
            made.changes.append(Change("answer", gravity, place, a.answer or "no answer", b.answer or "no answer"))


def regime(experiment: Experiment) -> str:
    """What `slicecheck regime` calls a training; empty for everything else."""
    value = experiment.summary.value.get("regime") if experiment.summary else None
    return str(value.get("regime", "")) if isinstance(value, dict) else ""


# ---- evidence -------------------------------------------------------------------------------------------------------------------------

def evidence(old: Run, new: Run, made: Comparison) -> None:
    """Planted defects, property tests, coverage, completeness."""
    defects(old, new, made)
    before, after = ({c.id: c for c in run.claims or []} for run in (old, new))
    for id, a in before.items():
        b = after.get(id)
        if b is None:
            made.changes.append(Change("missing", "worse", f"claim {id}", "in the registry", "not in the registry"))
            continue
        if state(a) != state(b):
            gravity = "better" if state(b) == "passed" else "worse" if state(a) == "passed" else "other"
            made.changes.append(Change("evidence", gravity, f"property test of {id}", state(a), state(b)))
    for id in after:
        if id not in before and old.claims is not None:
            made.changes.append(Change("new", "other", f"claim {id}", "", "in the registry"))
    one, two = manifests(old), manifests(new)
    for part, manifest in two.items():
        if manifest.get("complete") is False and one.get(part, {}).get("complete") is not False:
            made.changes.append(Change("evidence", "worse", part, "complete", "not complete"))
    for name in ("verdicts", "claims", "trials", "manifest"):
        if getattr(old, name) is not None and getattr(new, name) is None:
            file = {"trials": "gallery"}.get(name, name)
            made.changes.append(Change("missing", "worse", f"{file}.json", "there", "absent"))


def state(claim: Claim) -> str:
    """How the property test of a claim went."""
    test = claim.property_test
    return "no property test on record" if not test else "failed" if not test.passed else "passed" if test.fresh else "passed on other sources"


def defects(old: Run, new: Run, made: Comparison) -> None:
    if old.trials is None or new.trials is None:
        return
    caught = lambda run: {d: sorted({t.claim for t in run.trials if t.defect == d and t.caught}) for d in dict.fromkeys(t.defect for t in run.trials)}
    before, after = caught(old), caught(new)
    named = lambda by: f"caught by {', '.join(by)}" if by else "caught by no claim"
    for defect in dict.fromkeys([*before, *after]):
        where, a, b = f"planted defect {defect}", before.get(defect), after.get(defect)
        if b is None:
            made.changes.append(Change("missing", "worse", where, named(a), "not planted"))
        elif a is None:
            made.changes.append(Change("new", "other" if b else "worse", where, "", named(b)))
        elif a != b:
            gravity = "worse" if a and not b else "better" if b and not a else "other"
            made.changes.append(Change("evidence", gravity, where, named(a), named(b)))


# ---- figures --------------------------------------------------------------------------------------------------------------------------

def figures(old: Run, new: Run, made: Comparison) -> None:
    """The cells of the tables that both runs declare: disjoint intervals, or more than the threshold where there is none."""
    before, after = sections(old), sections(new)
    for place in [name for name in before if name in after]:
        found: list[Change] = []
        one, two = ({t.text("id"): t for t in e.summary.records("tables", optional=True)} for e in (before[place], after[place]))
        for id in dict.fromkeys([*one, *two]):
            if id in one and id in two:
                found += cells(f"{place}, table {id}", (before[place], one[id]), (after[place], two[id]), made.threshold)
            else:
                found.append(Change("missing" if id in one else "new", "other", f"{place}, table {id}", "there" if id in one else "",
                                    "absent" if id in one else "there"))
        made.changes += found[:MOST_MOVED]
        if len(found) > MOST_MOVED:
            made.changes.append(Change("moved", "other", place, "", f"{len(found) - MOST_MOVED} more figures of this part moved"))


def cells(where: str, old: tuple[Experiment, Record], new: tuple[Experiment, Record], threshold: float) -> list[Change]:
    """The cells of one table that moved. Rows are matched by their texts and whole numbers without an interval, in order where these repeat."""
    found = []
    one, two = rows_of(*old), rows_of(*new)
    for key in dict.fromkeys([*one, *two]):
        row = f"{where}, {key[0] or 'row'}" + (f" ({key[1] + 1})" if key[1] else "")
        if key not in one or key not in two:
            found.append(Change("missing" if key in one else "new", "other", row, "there" if key in one else "", "absent" if key in one else "there"))
            continue
        for header, (x, low, high) in one[key].items():
            if header not in two[key]:
                continue
            y, bottom, top = two[key][header]
            if None not in (low, high, bottom, top):
                if low > top or bottom > high:
                    found.append(Change("moved", "other", f"{row}, {header}", f"{rounded(x)} [{rounded(low)}, {rounded(high)}]",
                                        f"{rounded(y)} [{rounded(bottom)}, {rounded(top)}]",
                                        "the intervals do not meet"))
            elif moved(x, y, threshold):
                found.append(Change("moved", "other", f"{row}, {header}", rounded(x), rounded(y)))
    return found


Cells = dict[str, tuple[float | None, float | None, float | None]]


def rows_of(experiment: Experiment, table: Record) -> dict[tuple[str, int], Cells]:
    """The rows of a declared table: (its labels, how often they came before) → numbers with their intervals, by header."""
    data, made = experiment.data.table(table.text("file")), {}
    columns = table.records("columns")
    first = columns[0].text("name") if columns else ""
    seen: dict[str, int] = {}
    for at, _ in enumerate(data.rows):
        labels, numbers = [], {}
        for column in columns:
            name, header, spec = column.text("name"), column.text("header"), column.text("format", "s")
            text = data.rows[at][data.position(name)].strip()
            if spec in ("", "s") or name == first:
                labels.append(text if spec in ("", "s") else f"{header} = {text}")
            else:
                numbers[header] = tuple(number(data, at, column.text(key)) if column.has(key) or key == "name" else None for key in ("name", "low", "high"))
        label = ", ".join(labels)
        made[label, seen.setdefault(label, 0)] = numbers
        seen[label] += 1
    return made


def number(data: Csv, row: int, column: str) -> float | None:
    """A cell as a number; None where it is empty or a word."""
    try:
        value = float(data.rows[row][data.position(column)])
    except ValueError:
        return None
    return None if math.isnan(value) else value


# ---- what it says ---------------------------------------------------------------------------------------------------------------------

def caution(made: Comparison) -> str:
    """What a reader has to know before comparing figures."""
    if not made.incomparable:
        return "Same seed, profile, settings and device: on the same instruction set and sources every figure should be equal to the bit."
    return (f"Not made alike: {', '.join(made.incomparable)}. Verdicts can be compared; ratios, intervals and budgets are of other random numbers, "
            "other sizes or another device, and of 95 % intervals some do not meet by chance.")


def text(made: Comparison) -> str:
    """For a terminal."""
    lines = [f"OLD  {made.old}", f"NEW  {made.new}", ""]
    lines += [f"made differently  {what}: {a} → {b}" for what, a, b, _ in made.made] + [caution(made), ""]
    for gravity, word in (("worse", "WORSE"), ("better", "better"), ("other", "")):
        lines += [f"{(word or change.kind):8} {change.text}" for change in made.of(gravity)]
    lines += ([""] if made.changes else []) + [made.headline]
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines) + "\n"


def as_json(made: Comparison) -> str:
    """For programs."""
    whole = {"old": made.old, "new": made.new, "threshold": made.threshold, "compared_verdicts": made.compared, "got_worse": bool(made.of("worse")),
             "headline": made.headline,
             "made_differently": [{"what": what, "old": a, "new": b, "makes_figures_incomparable": matters} for what, a, b, matters in made.made],
             "changes": [asdict(change) for change in made.changes]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
