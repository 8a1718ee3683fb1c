"""What the report says: a run folder turned into headline, tables and numbered figures, for the templates to lay out."""

from __future__ import annotations

import re
from typing import Any

from report_answer import command_lines, convergence, evidence, remainder
from report_experiment import experiment_view
from report_files import InputError, as_text
from report_numbers import duration, grouped, pretty, ratio
from report_performance import performance_view
from report_run import SECTIONS, Measured, Run, Trial, Verdict
from report_statements import STATEMENTS
from report_tightness import Block, draw_tightness
from report_views import Cell, ClaimGroup, ClaimView, Content, Counter, DefectGroup, DefectRow, FigureView, Headline, anchor

MOST_NAMED = 8          # verdicts that the headline names one by one
MOST_ROWS = 12          # rows of a counter-example's matrix that are shown
MANIFEST_COLUMNS = ("profile", "seed", "threads", "started", "duration_seconds", "complete")
TIGHTNESS_CAPTION = (
    "Every mark is one verdict. Left: the largest observed / allowed over all checks of the claim, where what is allowed includes rounding or the "
    "standard error; beyond the line at 1 the claim is refuted. Right: the largest observed / theoretical bound, rounding aside, where the claim is an "
    "inequality: the nearer to 1, the less slack in the bound; empty where the claim has no such bound. An arrow at an edge stands for a value at or "
    "beyond it, 0 included.")


def make_content(run: Run) -> Content:
    """Everything the templates need; draws the figures on the way."""
    counter = Counter()
    claims = claim_views(run)
    order, groups = [claim.id for claim in claims], claim_groups(claims)
    incomplete = ["manifest.json"] if run.manifest and run.manifest.value.get("complete") is False else []
    incomplete += [f"{e.place}/manifest.json" for e in run.sections if e.manifest and e.manifest.value.get("complete") is False]
    content = Content(
        subtitle=subtitle(run), headline=headline(run, claims), found=findings_headline(run), measured=measured_headline(run), absent=run.absent, incomplete=incomplete, groups=groups,
        claims=claims, registry=run.claims, has_verdicts=run.verdicts is not None, tightness=tightness(groups, counter),
        defects=defect_rows(run.trials, order) if run.trials is not None else None,
        defect_groups=defect_groups(run.trials or [], order), sole_catches=sole_catches(run.trials or [], order),
        experiments=[experiment_view(e, counter) for e in run.experiments],
        performance=performance_view(run.performance, counter) if run.performance else None,
        manifests=([("verify", run.manifest.value)] if run.manifest else []) +
                  [(e.name if e.section == SECTIONS[0] else e.place, e.manifest.value) for e in run.sections if e.manifest],
        answers=[experiment_view(e, counter) for e in run.answers], commands=command_lines(run), only_answers=run.only_answers,
    )
    if not run.only_answers:
        content.answer = convergence(run)
        content.remainder = remainder(run, [claim.id for claim in claims if claim.claim and not claim.verdicts])
        content.evidence = evidence(run)
    content.numbers = numbers(run, content)
    stems = [figure.stem for figure in content.figures]
    for stem in stems:
        if stems.count(stem) > 1:
            raise InputError(f"two figures would be drawn to the same file plots/{stem}.svg: give them different ids")
    return content


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
    own = [v for v in run.verdicts if not v.is_finding]
    of = lambda state: [v for v in own if v.state == state]
    parts = [f"{sum(v.as_declared for v in own)} of {len(own)} verdicts came out as declared"]
    for state in ("refuted", "inconclusive"):
        parts.append(f"{len(of(state))} {state}: {named(of(state))}" if of(state) else f"0 {state}")
    silent = [claim.id for claim in claims if claim.claim and not claim.verdicts]
    if silent:
        more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
        parts.append(f"no verdict: {', '.join(silent[:MOST_NAMED])}{more}")
    tone = "bad" if of("refuted") else "open" if of("inconclusive") or silent else "good"
    return Headline("; ".join(parts) + ".", tone)


def findings_headline(run: Run) -> Headline | None:
    """One sentence on the findings, counted apart from the claims: a finding that holds is a failure."""
    own = [v for v in run.verdicts or [] if v.is_finding]
    if not own:
        return None
    of = lambda state: [v for v in own if v.state == state]
    text = f"Published statements that are false: {len(of('finding'))} of {len(own)} refuted, as declared"
    text += f" ({named(of('finding'))})" if of("finding") else ""
    text += f"; FAILED, as it holds though it was declared refuted: {named(of('surprise'))}" if of("surprise") else ""
    text += f"; inconclusive: {named(of('inconclusive'))}" if of("inconclusive") else ""
    return Headline(f"{text}.", "bad" if of("surprise") else "open" if of("inconclusive") else "good")


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
        own, findings = [[v for v in run.verdicts if v.is_finding == which] for which in (False, True)]
        out.append(("verdicts as declared", f"{sum(v.as_declared for v in own)} / {len(own)}"))
        if findings:
            out.append(("false statements refuted, as declared", f"{sum(v.as_declared for v in findings)} / {len(findings)}"))
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
    """Every claim of the registry, then every claim that only verdicts know, then those that an experiment of this run shows."""
    registry = {claim.id: claim for claim in run.claims or []}
    verdicts, views = run.verdicts or [], []
    place = {e.name: (anchor("experiment", e.stem), e.summary.text("title")) for e in run.experiments if e.summary}
    measured = [(*place[e.name], m) for e in run.experiments for m in e.verdicts]
    shown = [id for id, s in STATEMENTS.items() if any(name in place for name in s.shown_by)] if verdicts or registry else []
    for id in dict.fromkeys([*registry, *(v.claim for v in verdicts),
                             *((m.claim for _, _, m in measured if m.claim in STATEMENTS) if verdicts or registry else ()), *shown]):
        claim, own, statement = registry.get(id), [v for v in verdicts if v.claim == id], STATEMENTS.get(id)
        cells = {v.subject: Cell(v.state, ratio(v.worst_ratio)) for v in own}
        names = list(dict.fromkeys(check.name for v in own for check in v.checks))
        title = claim.title if claim else own[0].title if own else statement.title if statement else id
        on_it = [entry for entry in measured if entry[2].claim == id]
        by = dict.fromkeys([entry[:2] for entry in on_it] + [place[name] for name in (statement.shown_by if statement else ()) if name in place])
        views.append(ClaimView(id, anchor("claim", id), title, claim.judges if claim else "", claim, own, cells, names, statement,
                               [t for t in run.trials or [] if t.claim == id], on_it, list(by)))
    return views


def claim_groups(claims: list[ClaimView]) -> list[ClaimGroup]:
    """One table for each type of subject. A claim stands in the table of every type that it was judged on; one without a verdict, in that of what it judges."""
    groups: dict[str, list[ClaimView]] = {}
    for claim in claims:
        types = dict.fromkeys(v.type or claim.judges for v in claim.verdicts) or ({claim.judges.split(", ")[0]: None} if claim.claim else {})
        for type in types:
            groups.setdefault(type, []).append(claim)
    return [ClaimGroup(type, list(dict.fromkeys(v.subject for claim in own for v in claim.verdicts if (v.type or claim.judges) == type)), own)
            for type, own in groups.items()]


def tightness(groups: list[ClaimGroup], counter: Counter) -> FigureView | None:
    blocks = []
    for group in groups:
        judged = [claim for claim in group.claims if claim.verdicts]
        if judged:
            blocks.append(Block(group.type, [claim.id for claim in judged], group.subjects,
                                [v for claim in judged for v in claim.verdicts if v.subject in group.subjects]))
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
    of_claims = {"refuted": "unconfirmed", "holds": "missed", "inconclusive": "inconclusive"}
    of_findings = of_claims | {"refuted": "missed", "holds": "unconfirmed"}
    rows = []
    for defect in dict.fromkeys(t.defect for t in trials):
        own = {t.claim: t for t in trials if t.defect == defect}
        state = lambda t: "caught" if t.caught else (of_findings if t.is_finding else of_claims)[t.outcome]
        cells = [Cell(state(own[c])) if c in own else Cell("untried") for c in defect_claims(trials, order)]
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
