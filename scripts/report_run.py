"""A run folder as typed objects. docs/formats.md is the contract of what is read here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from report_files import DataFolder, InputError, Record, read_json, read_records

OUTCOMES = ("holds", "refuted", "inconclusive")
PARTS = ("manifest.json", "claims.json", "verdicts.json", "gallery.json")
PERFORMANCE = "benchmark.json"
SECTIONS = ("experiments", "regime", "audit")    # folders of a run with a NAME/summary.json each


@dataclass(frozen=True)
class Check:
    """One named check of a claim."""

    name: str
    cases: int
    worst_ratio: float | None


@dataclass(frozen=True)
class CounterExample:
    """The smallest case found that breaks a check; `values` are numbers, lists or matrices by name."""

    check: str
    observed: float | None
    allowed: float | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What came out of judging one subject by one claim."""

    claim: str
    title: str
    subject: str
    type: str
    outcome: str
    expected: str
    cases: int
    skipped: dict[str, int]
    not_run: dict[str, str]
    kinds: dict[str, int]
    worst_ratio: float | None
    tightness: float | None
    checks: list[Check]
    confidence: str
    seed: int
    profile: str
    reproduce: str
    detail: str
    counter_example: CounterExample | None
    is_finding: bool    # of a published statement that is declared refuted

    @property
    def as_declared(self) -> bool:
        return self.outcome == self.expected

    @property
    def state(self) -> str:
        return state_of(self.outcome, self.expected)


def state_of(outcome: str, expected: str) -> str:
    """How an outcome compares with the declaration, in one word: holds, finding, refuted, surprise or inconclusive."""
    if outcome == "refuted":
        return "finding" if expected == "refuted" else "refuted"
    return outcome if outcome == "inconclusive" or expected == "holds" else "surprise"


@dataclass(frozen=True)
class Measured:
    """A verdict of an experiment: what its measurements say of a statement on one testbed or subject."""

    claim: str
    what: str
    statement: str
    measured: str
    sample: str
    confidence: str
    outcome: str
    expected: str

    @property
    def subject(self) -> str:
        return self.what

    @property
    def state(self) -> str:
        return state_of(self.outcome, self.expected)


@dataclass(frozen=True)
class PropertyTest:
    """The property test that covers a claim, and how it last went."""

    name: str
    cases: int
    passed: bool
    fresh: bool


@dataclass(frozen=True)
class Claim:
    """An entry of the registry with its coverage."""

    id: str
    title: str
    statement: str
    source: str
    judges: str
    expected: str
    minimum_cases: int
    covered: bool
    property_test: PropertyTest | None
    defects_rejected: list[str]
    report_line: bool | None
    is_finding: bool

    def shown(self, on_page: bool) -> Claim:
        """What `verify` could not know before there was a page: whether the page has a line for the claim, and so whether it is covered."""
        if self.report_line is not None:
            return self
        test = self.property_test
        tested = test is not None and test.passed and test.fresh and test.cases > 0
        return replace(self, report_line=on_page, covered=on_page and tested and bool(self.defects_rejected))


@dataclass(frozen=True)
class Trial:
    """A planted defect judged by one claim; caught: refuted, the counter-example refuted again, and the repaired code holding on it."""

    defect: str
    title: str
    type: str
    claim: str
    outcome: str
    caught: bool
    worst_ratio: float | None
    check: str | None
    is_finding: bool = False    # the claim is one: it catches a defect by holding for it


@dataclass(frozen=True)
class Advice:
    """A question that an experiment answers in one sentence, and the facts that the sentence rests on."""

    question: str
    sentence: str
    evidence: list[str]


@dataclass(frozen=True)
class Experiment:
    """One folder under experiments/, regime/ or audit/; its summary or its manifest may be absent."""

    section: str
    name: str
    data: DataFolder
    summary: Record | None
    manifest: Record | None
    verdicts: list[Measured]
    advice: list[Advice]

    @property
    def place(self) -> str:
        """Its folder inside the run folder."""
        return f"{self.section}/{self.name}"

    @property
    def stem(self) -> str:
        """What the names of its plots and anchors begin with."""
        return self.name if self.section == SECTIONS[0] else f"{self.section}-{self.name}"

    @property
    def answer(self) -> str:
        """The sentence that a regime or an audit comes down to; empty where there is none."""
        return self.summary.text("answer", "") if self.summary else ""


@dataclass(frozen=True)
class Run:
    """All that a run folder holds; None stands for a file that is absent."""

    manifest: Record | None
    claims: list[Claim] | None
    verdicts: list[Verdict] | None
    trials: list[Trial] | None
    experiments: list[Experiment]
    performance: Record | None = None    # what scripts/bench.sh wrote; no part of what a run must have
    answers: list[Experiment] = field(default_factory=list)    # of regime/ and audit/: about a user's own training, no part of what a run must have

    @property
    def sections(self) -> list[Experiment]:
        return self.experiments + self.answers

    @property
    def only_answers(self) -> bool:
        """Whether the folder holds nothing but what `slicecheck regime` or `slicecheck audit` wrote."""
        return bool(self.answers) and not self.experiments and all(part is None for part in (self.manifest, self.claims, self.verdicts, self.trials))

    @property
    def absent(self) -> list[str]:
        """The names of the files that a whole run folder would have and this one does not."""
        found = (self.manifest, self.claims, self.verdicts, self.trials)
        names = [] if self.only_answers else [name for name, part in zip(PARTS, found) if part is None]
        if not self.experiments and not self.only_answers:
            names.append("experiments/*/summary.json")
        for experiment in self.sections:
            if experiment.summary is None:
                names.append(f"{experiment.place}/summary.json")
            if experiment.manifest is None:
                names.append(f"{experiment.place}/manifest.json")
        return names


def load_run(folder: Path) -> Run:
    """Read a run folder; raises InputError where it is not one."""
    if not folder.exists():
        raise InputError(f"{folder}: no such folder")
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    found = [load_experiment(section, path) for section in SECTIONS for path in sorted(folder.glob(f"{section}/*")) if path.is_dir()]
    if not any((folder / name).is_file() for name in (*PARTS, PERFORMANCE)) and not any(e.summary or e.manifest for e in found):
        places = " and no ".join(f"{section}/*/summary.json" for section in SECTIONS)
        raise InputError(f"{folder}: holds no run data: none of {', '.join((*PARTS, PERFORMANCE))} and no {places} is there")
    claims = load_list(folder / "claims.json", claim, lambda c: c.id)
    verdicts = load_list(folder / "verdicts.json", verdict, lambda v: f"{v.claim} on {v.subject}")
    on_page = {v.claim for v in verdicts or []}
    return Run(
        manifest=load_manifest(folder / "manifest.json"),
        claims=claims and [c.shown(c.id in on_page) for c in claims],
        verdicts=verdicts,
        trials=trials_of(load_list(folder / "gallery.json", trial, lambda t: f"{t.defect} under {t.claim}"), claims, folder / "gallery.json"),
        experiments=[e for e in found if e.section == SECTIONS[0]],
        performance=load_manifest(folder / PERFORMANCE),
        answers=[e for e in found if e.section != SECTIONS[0] and (e.summary or e.manifest)],
    )


def load_manifest(path: Path) -> Record | None:
    return Record(read_json(path), str(path)) if path.is_file() else None


def load_experiment(section: str, folder: Path) -> Experiment:
    summary = load_manifest(folder / "summary.json")
    verdicts = unlike(summary.records("verdicts", optional=True), measured, lambda v: f"{v.claim} on {v.what}: “{v.statement}”") if summary else []
    sentences = unlike(summary.records("advice", optional=True), advice, lambda a: f"the question “{a.question}”") if summary else []
    return Experiment(section, folder.name, DataFolder(folder), summary, load_manifest(folder / "manifest.json"), verdicts, sentences)


def load_list(path: Path, make, key) -> list | None:
    """The objects of a list file, no two of which may have the same key."""
    return unlike(read_records(path), make, key) if path.is_file() else None


def unlike(records: list[Record], make, key) -> list:
    """What is made of the records, no two of which may have the same key."""
    made, seen = [], set()
    for record in records:
        item = make(record)
        if key(item) in seen:
            raise InputError(f"{record.where}: a second entry for {key(item)}")
        seen.add(key(item))
        made.append(item)
    return made


def one_of(record: Record, key: str, allowed: tuple[str, ...]) -> str:
    value = record.text(key)
    if value not in allowed:
        raise InputError(f"{record.where}: the field '{key}' should be one of {', '.join(allowed)}, but is '{value}'")
    return value


def verdict(record: Record) -> Verdict:
    """A verdict; one that says `holds` without a case, or beyond its bound, contradicts itself and is refused."""
    made = Verdict(
        claim=record.text("claim"), title=record.text("title"), subject=record.text("subject"), type=record.text("type", ""),
        outcome=one_of(record, "outcome", OUTCOMES), expected=one_of(record, "expected", OUTCOMES[:2]),
        cases=record.integer("cases"), skipped=counts(record, "skipped"), not_run=reasons(record, "not_run"),
        kinds=counts(record, "kinds") if record.has("kinds") else {},
        worst_ratio=record.number("worst_ratio"), tightness=record.number("tightness") if record.has("tightness") else None,
        checks=[Check(c.text("name"), c.integer("cases"), c.number("worst_ratio")) for c in record.records("checks")],
        confidence=record.text("confidence"), seed=record.integer("seed"), profile=record.text("profile"),
        reproduce=record.text("reproduce"), detail=record.text("detail"),
        counter_example=counter_example(record.record("counter_example")) if record.has("counter_example") else None,
        is_finding=finding(record),
    )
    if made.outcome == "holds" and made.cases == 0:
        raise InputError(f"{record.where}: {made.claim} on {made.subject} is said to hold with 0 cases judged")
    if made.outcome == "holds" and (made.worst_ratio is None or not made.worst_ratio <= 1):
        raise InputError(f"{record.where}: {made.claim} on {made.subject} is said to hold, but its worst ratio is {made.worst_ratio}")
    return made


def finding(record: Record) -> bool:
    """Whether a claim or a verdict on it is a finding; run folders from before the field say it by what they expect."""
    refuted = record.text("expected") == "refuted"
    if record.has("finding") and record.boolean("finding") != refuted:
        raise InputError(f"{record.where}: 'finding' is {str(not refuted).lower()}, but 'expected' is '{record.text('expected')}'")
    return refuted


def measured(record: Record) -> Measured:
    """A verdict of an experiment."""
    return Measured(**{key: record.text(key) for key in ("claim", "what", "statement", "measured", "sample", "confidence")},
                    outcome=one_of(record, "outcome", OUTCOMES), expected=one_of(record, "expected", OUTCOMES[:2]))


def advice(record: Record) -> Advice:
    """A row of an experiment's advice."""
    return Advice(record.text("question"), record.text("sentence"), record.texts("evidence"))


def counts(record: Record, key: str) -> dict[str, int]:
    """An object of integers."""
    named = record.record(key)
    return {name: named.integer(name) for name in named.value}


def reasons(record: Record, key: str) -> dict[str, str]:
    """An object of sentences; absent, none."""
    named = record.record(key) if record.has(key) else None
    return {name: named.text(name) for name in named.value} if named else {}


def counter_example(record: Record) -> CounterExample:
    return CounterExample(record.text("check"), record.number("observed"), record.number("allowed"), record.record("values").value)


def claim(record: Record) -> Claim:
    test = record.record("property_test") if record.has("property_test") else None
    return Claim(
        id=record.text("id"), title=record.text("title"), statement=record.text("statement"), source=record.text("source"),
        judges=record.text("judges"), expected=one_of(record, "expected", OUTCOMES[:2]), minimum_cases=record.integer("minimum_cases"),
        covered=record.boolean("covered"),
        property_test=test and PropertyTest(test.text("name"), test.integer("cases"), test.boolean("passed"), test.boolean("fresh")),
        defects_rejected=record.texts("defects_rejected"),
        report_line=record.boolean("report_line") if record.has("report_line") else None, is_finding=finding(record),
    )


def trial(record: Record) -> Trial:
    outcome = one_of(record, "outcome", OUTCOMES)
    return Trial(record.text("defect"), record.text("title"), record.text("type", ""), record.text("claim"), outcome, record.boolean("caught"),
                 record.number("worst_ratio"), record.text("check") if record.has("check") else None)


def trials_of(trials: list[Trial] | None, claims: list[Claim] | None, where: Path) -> list[Trial] | None:
    """The trials with what claims.json says of their claims: a defect is caught by what contradicts the declaration. Without claims.json none is a finding."""
    if trials is None:
        return None
    findings = {c.id for c in claims or [] if c.is_finding}
    made = [replace(t, is_finding=t.claim in findings) for t in trials]
    for entry, t in enumerate(made):
        if t.caught and t.outcome != ("holds" if t.is_finding else "refuted") and (claims is not None or t.outcome != "holds"):
            raise InputError(f"{where}, entry {entry}: {t.defect} is said to be caught by {t.claim}, which says '{t.outcome}'")
    return made


def plot_stem(experiment: str, figure: Record) -> str:
    """The name, without its ending, of a figure's files under plots/."""
    name = figure.text("id")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"{figure.where}: the id '{name}' cannot name a file: letters, digits, '.', '_' and '-' only")
    return f"{experiment}-{name}"
