"""The parts of a report, as the templates see them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from report_drawing import Drawing
from report_numbers import grouped, ratio
from report_run import Advice, Claim, CounterExample, Measured, Trial, Verdict
from report_statements import Statement

# state → the mark and the words of a cell; never colour alone
WORDS = {
    "holds": ("✓", "holds"),
    "finding": ("✓", "refuted, as declared"),
    "refuted": ("✗", "refuted"),
    "surprise": ("✗", "holds, though declared refuted"),
    "inconclusive": ("?", "inconclusive"),
    "none": ("", "no verdict"),
    "shown": ("", "shown, not judged"),
    "caught": ("✓", "caught"),
    "missed": ("✗", "not caught"),
    "unconfirmed": ("!", "refuted, not confirmed"),
    "untried": ("", "not tried"),
}


def anchor(prefix: str, name: str) -> str:
    """An id for the page."""
    return f"{prefix}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}"


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


@dataclass(frozen=True)
class Cell:
    """An outcome in a table, in the words of its state or in others."""

    state: str
    note: str = ""
    other: str = ""

    @property
    def mark(self) -> str:
        return WORDS[self.state][0]

    @property
    def sign(self) -> str:
        """The mark, or a dot where there is none."""
        return self.mark or "·"

    @property
    def word(self) -> str:
        return self.other or WORDS[self.state][1]


@dataclass(frozen=True)
class Headline:
    """The verdict on the whole run; `tone` is good, bad or open."""

    text: str
    tone: str


@dataclass(frozen=True)
class FigureView:
    """A numbered figure; `stem` names its files under plots/."""

    number: int
    anchor: str
    title: str
    caption: str
    stem: str
    drawing: Drawing
    sources: list[str]
    pictures: bool = False    # of grey images, whose brightness means something

    @property
    def alt(self) -> str:
        return f"{self.title.rstrip('.')}. {self.caption}".strip()


@dataclass(frozen=True)
class TableView:
    """A numbered table; every cell is (text, interval, is it a number)."""

    number: int
    anchor: str
    title: str
    caption: str
    headers: list[tuple[str, bool]]
    rows: list[list[tuple[str, str, bool]]]
    source: str


@dataclass(frozen=True)
class ExperimentView:
    """A section of the page about one experiment, or about one run of `slicecheck regime` or `slicecheck audit`."""

    section: str
    name: str
    anchor: str
    title: str
    answer: str
    description: str
    profile: str
    seed: str
    advice: list[Advice]
    facts: list[str]
    verdicts: list[tuple[Measured, Cell]]
    tables: list[TableView]
    figures: list[FigureView]
    departures: list[dict[str, str]]
    complete: bool
    missing: bool

    @property
    def place(self) -> str:
        return f"{self.section}/{self.name}"


@dataclass(frozen=True)
class PerformanceView:
    """The section about speed and memory; `environment` is (name, value)."""

    subtitle: list[str]
    notes: list[str]
    skipped: list[str]
    environment: list[tuple[str, str]]
    tables: list[TableView]
    figures: list[FigureView]


@dataclass(frozen=True)
class CheckTable:
    """Checks of one claim that were run on the same subjects."""

    names: list[str]
    verdicts: list[Verdict]


@dataclass(frozen=True)
class ClaimView:
    """A claim with all its verdicts."""

    id: str
    anchor: str
    title: str
    judges: str
    claim: Claim | None
    verdicts: list[Verdict]
    cells: dict[str, Cell]
    check_names: list[str]
    statement: Statement | None = None
    trials: list[Trial] = field(default_factory=list)
    measured: list[tuple[str, str, Measured]] = field(default_factory=list)    # anchor and title of an experiment, and its verdict on this claim
    shown_by: list[tuple[str, str]] = field(default_factory=list)              # anchor and title of the experiments that show it

    @property
    def states(self) -> list[str]:
        return [v.state for v in self.verdicts]

    @property
    def rollup(self) -> Cell:
        """The gravest of the verdicts, and on how many subjects."""
        if not self.verdicts:
            return Cell("none" if self.claim or self.measured or not self.shown_by else "shown")
        state = next(s for s in ("refuted", "surprise", "inconclusive", "finding", "holds") if s in self.states)
        number = self.states.count(state)
        if len(self.verdicts) == 1:
            return Cell(state, f"on {self.verdicts[0].subject}")
        return Cell(state, f"on all {number} subjects" if number == len(self.verdicts) else f"on {number} of {len(self.verdicts)} subjects")

    @property
    def measured_rollup(self) -> Cell:
        """The gravest of the experiments' verdicts."""
        states = [m.state for _, _, m in self.measured]
        if not states:
            return Cell("shown" if self.shown_by else "untried", other="" if self.shown_by else "–")
        state = next(s for s in ("refuted", "surprise", "inconclusive", "finding", "holds") if s in states)
        good = sum(s in ("holds", "finding") for s in states)
        return Cell("holds" if state == "finding" else state, other=f"{good} of {len(states)} as declared" if state in ("finding", "holds") else "",
                    note="" if state in ("finding", "holds") else f"{states.count(state)} of {len(states)}")

    @property
    def cases(self) -> int:
        return sum(v.cases for v in self.verdicts)

    @property
    def worst(self) -> float | None:
        """The largest worst ratio; NaN counts as beyond everything."""
        known = [v.worst_ratio for v in self.verdicts if v.worst_ratio is not None]
        return next((x for x in known if x != x), max(known, default=None))

    @property
    def caught(self) -> list[str]:
        return list(dict.fromkeys(t.defect for t in self.trials if t.caught))

    @property
    def tried(self) -> int:
        return len({t.defect for t in self.trials})

    @property
    def one_line(self) -> str:
        """One command that repeats every verdict on the claim; nothing where there is no such command."""
        lines = {re.sub(r" --subject (?:'[^']*'|\S+)", "", v.reproduce) for v in self.verdicts}
        return lines.pop() if len(lines) == 1 else ""

    @property
    def remarkable(self) -> bool:
        """Whether a reader should see the details at once; what is to be seen of a finding stands in a section of its own."""
        return any(not v.as_declared for v in self.verdicts)

    @property
    def is_finding(self) -> bool:
        """Whether it is a published statement that is declared refuted."""
        return self.claim.is_finding if self.claim else any(v.is_finding for v in self.verdicts)

    @property
    def check_tables(self) -> list[CheckTable]:
        """One table for each set of subjects: a claim that judges losses and generators has no empty cells."""
        tables: dict[tuple[str, ...], CheckTable] = {}
        for name in self.check_names:
            on = [v for v in self.verdicts if any(c.name == name for c in v.checks)]
            tables.setdefault(tuple(v.subject for v in on), CheckTable([], on)).names.append(name)
        return list(tables.values())

    def check(self, verdict: Verdict, name: str) -> tuple[str, str]:
        """The cases and the worst ratio of one check on one subject, written."""
        found = [c for c in verdict.checks if c.name == name]
        return (grouped(found[0].cases), ratio(found[0].worst_ratio)) if found else ("", "–")

    def common_cases(self, name: str) -> str:
        """The cases of a check where they are the same for every subject that it was run on, else nothing."""
        cases = {self.check(v, name)[0] for v in self.verdicts} - {""}
        return cases.pop() if len(cases) == 1 else ""

    @property
    def details(self) -> list[tuple[str, str]]:
        """What is said of the verdicts: the subjects it is said of, and the sentence, once."""
        sentences = dict.fromkeys(v.detail for v in self.verdicts if v.detail)
        return [(", ".join(v.subject for v in self.verdicts if v.detail == sentence), sentence) for sentence in sentences]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """How often each kind of case was judged: the subjects it is said of, and the counts, once."""
        said = {v.subject: ", ".join(f"{kind} {grouped(n)}" for kind, n in v.kinds.items()) for v in self.verdicts if v.kinds}
        return [(", ".join(s for s in said if said[s] == counts), counts) for counts in dict.fromkeys(said.values())]

    @property
    def counter_examples(self) -> list[tuple[Verdict, CounterExample]]:
        return [(v, v.counter_example) for v in self.verdicts if v.counter_example]


@dataclass(frozen=True)
class ClaimGroup:
    """One type of subject, and the claims that were judged on it: a table of their own."""

    type: str
    subjects: list[str]
    claims: list[ClaimView]


@dataclass(frozen=True)
class DefectRow:
    """A planted defect and what each claim said of it."""

    defect: str
    title: str
    caught_by: list[Trial]
    cells: list[Cell]


@dataclass(frozen=True)
class DefectGroup:
    """The planted defects of one type of subject, and the claims that were tried on them."""

    type: str
    claims: list[str]
    rows: list[DefectRow]


@dataclass
class Content:
    """The whole report; `found` and `measured` are the headlines of the findings and of the experiments' verdicts, None where there are none. `answer`, `remainder` and `evidence` are its
    top."""

    subtitle: list[str]
    headline: Headline
    found: Headline | None
    measured: Headline | None
    absent: list[str]
    incomplete: list[str]
    groups: list[ClaimGroup]
    claims: list[ClaimView]
    registry: list[Claim] | None
    has_verdicts: bool
    tightness: FigureView | None
    defects: list[DefectRow] | None
    defect_groups: list[DefectGroup]
    sole_catches: list[tuple[str, list[str]]]
    experiments: list[ExperimentView]
    performance: PerformanceView | None
    manifests: list[tuple[str, dict[str, Any]]]
    numbers: list[tuple[str, str]] = field(default_factory=list)
    answer: Headline | None = None
    remainder: str = ""
    evidence: list[Any] = field(default_factory=list)
    answers: list[ExperimentView] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)
    theory: list[str] = field(default_factory=list)    # the theory pages that stand beside the report
    only_answers: bool = False                         # nothing but what `slicecheck regime` or `slicecheck audit` wrote

    @property
    def judged(self) -> bool:
        """Whether the run folder holds anything about claims."""
        return self.has_verdicts or self.registry is not None or self.defects is not None

    @property
    def findings(self) -> list[ClaimView]:
        """The published statements that are declared refuted."""
        return [claim for claim in self.claims if claim.is_finding]

    def of_section(self, section: str) -> list[ExperimentView]:
        """What `slicecheck regime` or `slicecheck audit` wrote."""
        return [view for view in self.answers if view.section == section]

    def proof(self, claim: ClaimView) -> str:
        """Where, beside the report, a claim is proved; nothing where the page is not there."""
        s = claim.statement
        name = f"theory/{s.page.removesuffix('.md')}.html" if s else ""
        return f"{name}#{s.anchor}" if s and name in self.theory else ""

    def anchor_of(self, claim: str) -> str:
        """Where the page speaks of a claim; nothing where it does not."""
        return next((view.anchor for view in self.claims if view.id == claim), "")

    @property
    def figures(self) -> list[FigureView]:
        own = [f for e in self.experiments + self.answers for f in e.figures]
        return ([self.tightness] if self.tightness else []) + own + (self.performance.figures if self.performance else [])
