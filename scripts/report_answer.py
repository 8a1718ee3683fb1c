"""The top of the page: does it converge, and should one believe it? Every word of it is counted from the run folder."""

from __future__ import annotations

import re
from dataclasses import dataclass

from report_files import as_text
from report_numbers import grouped, pretty
from report_run import Experiment, Measured, Run, Verdict
from report_views import Headline

# What the theorems call convergence: (claim, what it says, the experiment that measures the limit)
CONVERGENCE = (("T1", "SGD follows the subgradient flow", "flow-limit"), ("T4", "noised projected SGD ends near the critical points of its ball",
                                                                          "npsgd-neighbourhood"))
MEANING = ("Convergence here is to critical points of the expected minibatch loss, in the limit of small steps: not to a global minimum, and not for one fixed "
           "step. What was tested is finite and can support the theorems, not prove them.")
RANDOM_TESTS = re.compile(r"(\d+) of the cases are random tests, each with false-alarm probability (\S+);")
ONE_TEST = re.compile(r"false alarm ≤ (\d[\d.e+-]*)")
MOST_NAMED = 4


@dataclass(frozen=True)
class Evidence:
    """One reason to believe the page, or not to: `tone` is good, bad or open."""

    label: str
    figure: str
    sentence: str
    tone: str


def some(names: list[str]) -> str:
    """A few names, and how many more."""
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def count(number: int, one: str, many: str = "") -> str:
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"


# ---- does it converge? ----------------------------------------------------------------------------------------------------------------

def convergence(run: Run) -> Headline:
    """The answer in plain language, from the verdicts on T1 and T4: judged on implementations, and measured by experiments."""
    measured = [v for e in run.experiments for v in e.verdicts]
    parts, tones = [], []
    for claim, says, experiment in CONVERGENCE:
        judged = [v for v in run.verdicts or [] if v.claim == claim]
        limits = [v for v in measured if v.claim == claim]
        text, tone = of_claim(claim, says, experiment, judged, limits)
        parts.append(text)
        tones.append(tone)
    word, tone = "Yes, as far as this run can see: for small steps ", "good"
    if "bad" in tones:
        word, tone = "No: ", "bad"
    elif "open" in tones:
        word, tone = "Not decided: ", "open"
    elif "none" in tones:
        word, tone = ("This run does not say: " if tones.count("none") == len(tones) else "In part: "), "open"
    text = word + "; ".join(parts) + "."
    return Headline(text, tone)


def of_claim(claim: str, says: str, experiment: str, judged: list[Verdict], limits: list[Measured]) -> tuple[str, str]:
    """What the verdicts say of one of the two theorems, and in what tone."""
    both = [*judged, *limits]
    wrong = [v.subject for v in both if v.state in ("refuted", "surprise")]
    undecided = [v.subject for v in both if v.state == "inconclusive"]
    if wrong:
        return f"that {says} ({claim}) came out otherwise than declared on {some(wrong)}", "bad"
    if undecided:
        return f"whether {says} ({claim}) is inconclusive on {some(undecided)}", "open"
    if not both:
        return f"whether {says} ({claim}) was neither judged nor measured", "none"
    if not limits:
        return f"the parts of {claim} hold on {count(len(judged), 'subject')}, but whether {says} was not measured (experiment {experiment})", "none"
    bare = f", {count(len(judged), 'implementation')} judged" if judged else ", no implementation judged"
    return f"{says} ({claim}: {count(len(limits), 'statement')} measured{bare})", "good"


def remainder(run: Run, silent: list[str]) -> str:
    """What was not decided, what was not run, and the smallest budget."""
    judged = run.verdicts or []
    measured = [v for e in run.experiments for v in e.verdicts]
    open_ones = [f"{v.claim} on {v.subject}" for v in [*judged, *measured] if v.state == "inconclusive"]
    skipped = [f"{v.claim} “{check}” on {v.subject} ({why})" for v in judged for check, why in v.not_run.items()]
    parts = [f"Not decided: {some(open_ones) if open_ones else 'nothing'}"]
    not_run = [f"no verdict on {some(silent)}"] if silent else []
    not_run += [f"{count(len(skipped), 'check')} that did not apply, such as {skipped[0]}"] if skipped else []
    not_run += [f"absent: {some(run.absent)}"] if run.absent else []
    parts.append(f"Not run: {'; '.join(not_run) if not_run else 'nothing that a whole run has'}")
    budgets = []
    if judged:
        least = min(judged, key=lambda v: v.cases)
        budgets.append(f"{count(least.cases, 'case')} ({least.claim} on {least.subject})")
    samples = [(int(m[1]), v) for v in measured if not v.confidence.startswith("deterministic") and (m := re.match(r"(\d+)\b", v.sample))]
    if samples:
        size, verdict = min(samples, key=lambda s: s[0])
        budgets.append(f"{verdict.sample} ({verdict.claim} on {verdict.what})")
    if budgets:
        parts.append(f"Smallest budget: {'; of the experiments, '.join(budgets) if judged else budgets[0]}")
    return ". ".join(parts) + "."


# ---- should one believe it? -----------------------------------------------------------------------------------------------------------

def evidence(run: Run) -> list[Evidence]:
    """The counts that speak for the page, and those that speak against it."""
    found = [cases(run), defects(run), false_alarms(run), sources(run), seeds(run)]
    return [item for item in found if item]


def cases(run: Run) -> Evidence | None:
    if not run.verdicts:
        return None
    skipped = sum(sum(v.skipped.values()) for v in run.verdicts)
    reasons: dict[str, int] = {}
    for verdict in run.verdicts:
        for why, number in verdict.skipped.items():
            reasons[why] = reasons.get(why, 0) + number
    most = max(reasons, key=lambda why: reasons[why]) if reasons else ""
    text = f"on {count(len({v.subject for v in run.verdicts}), 'subject')}; {grouped(skipped)} more could not be judged and count for nothing"
    return Evidence("Cases judged", grouped(sum(v.cases for v in run.verdicts)), text + (f" (most: {most})." if most else "."), "good")


def defects(run: Run) -> Evidence | None:
    if run.trials is None:
        return Evidence("Planted defects", "unknown", "gallery.json is absent: nothing says that these tests can fail.", "open")
    planted = dict.fromkeys(t.defect for t in run.trials)
    caught = {t.defect for t in run.trials if t.caught}
    missed = [d for d in planted if d not in caught]
    text = "deliberately broken implementations that the same checks refused, each with a counter-example that the repaired code passes"
    claims = {t.claim for t in run.trials}
    blind = sorted(claims - {t.claim for t in run.trials if t.caught})
    text += f"; not caught: {some(missed)}" if missed else ""
    text += f"; {some(blind)} caught none" if blind else f"; every one of the {len(claims)} claims tried caught some" if claims else ""
    return Evidence("Planted defects caught", f"{len(caught)} of {len(planted)}", text + ".", "bad" if missed or not planted else "open" if blind else "good")


def false_alarms(run: Run) -> Evidence | None:
    """The chance that at least one verdict went wrong by bad luck alone: the sum over the random tests."""
    judged, measured = run.verdicts or [], [v for e in run.experiments for v in e.verdicts]
    if not judged and not measured:
        return None
    total, tests, silent = 0.0, 0, 0
    for verdict in [*judged, *measured]:
        many, one = RANDOM_TESTS.search(verdict.confidence), ONE_TEST.search(verdict.confidence)
        if many:
            tests, total = tests + int(many[1]), total + int(many[1]) * float(many[2])
        elif one:
            tests, total = tests + 1, total + float(one[1])
        elif not verdict.confidence.startswith("deterministic"):
            silent += 1
    text = f"that bad luck alone made any of {count(len(judged) + len(measured), 'verdict')} wrong ({count(tests, 'random test')}, their levels added up)"
    text += "; the tolerances of all others are derived from rounding or from a solver’s error"
    text += f"; {count(silent, 'verdict')} {'puts its' if silent == 1 else 'put their'} confidence in other words" if silent else ""
    figure = "0" if total == 0 else f"≤ {pretty(format(total, '.1e').replace('e-0', 'e-'))}"
    return Evidence("Chance of a false alarm", figure, text + ".", "open" if total > 1e-5 else "good")


def stamps(run: Run) -> list[tuple[str, dict]]:
    """The manifests of the run's parts."""
    return ([("verify", run.manifest.value)] if run.manifest else []) + [(e.place, e.manifest.value) for e in run.sections if e.manifest]


def sources(run: Run) -> Evidence | None:
    """Whether all parts ran from one clean state of the sources, and the property tests on the same."""
    parts = stamps(run)
    if not parts:
        return Evidence("Sources", "unknown", "No manifest.json says what ran.", "open")
    commits = dict.fromkeys(as_text(m.get("commit", "")) for _, m in parts)
    prints = dict.fromkeys(str(m["build"].get("fingerprint", "")) for _, m in parts if isinstance(m.get("build"), dict))
    dirty = [c for c in commits if c.endswith("-dirty")]
    unfinished = [name for name, m in parts if m.get("complete") is False]
    mixed = len(prints) > 1 or (len(commits) > 1 and not any(prints))
    text, tone = [], "good"
    if mixed:
        text.append(f"the parts come from {max(len(prints), len(commits))} different states of the sources ({some([c[:10] for c in commits if c])})")
    if dirty:
        text.append(f"commit {dirty[0].removesuffix('-dirty')[:10]} with changes that were not committed")
    elif not mixed and any(commits):
        text.append(f"commit {next(iter(commits))[:10]}, nothing uncommitted, all parts from the same sources")
    if unfinished:
        text.append(f"not complete: {some(unfinished)}")
    if run.claims is not None:
        tests = [c for c in run.claims if c.property_test and c.property_test.passed and c.property_test.fresh]
        have = "has" if len(run.claims) == 1 else "have"
        text.append(f"{len(tests)} of {count(len(run.claims), 'claim')} {have} a property test that passed on these very sources")
        tone = "good" if len(tests) == len(run.claims) else "open"
    tone = "bad" if mixed else "open" if dirty or unfinished else tone
    figure = "mixed" if mixed else "changed" if dirty else "clean"
    return Evidence("Sources", figure, ("; ".join(text) or "not recorded") + ".", tone)


def seeds(run: Run) -> Evidence | None:
    """Which seeds were used, and for what budget."""
    used = [as_text(m.get("seed", "")) for _, m in stamps(run)] + [str(v.seed) for v in run.verdicts or []]
    used += [str(e.summary.value.get("seed", "")) for e in run.sections if e.summary]
    found = list(dict.fromkeys(seed for seed in used if seed))
    if not found:
        return None
    profiles = dict.fromkeys([as_text(m.get("profile", "")) for _, m in stamps(run)] + [v.profile for v in run.verdicts or []])
    named = " and ".join(p for p in profiles if p)
    text = "for everything on this page" if len(found) == 1 else "were used by its parts"
    text += f", profile {named}; the same seed repeats every figure to the bit, another is independent evidence"
    return Evidence("Seed" if len(found) == 1 else "Seeds", some(found), text + ".", "good")


def command_lines(run: Run) -> list[tuple[str, str]]:
    """The commands that made the parts of the run."""
    line = lambda manifest: " ".join(as_text(word) for word in manifest["command"]) if isinstance(manifest.get("command"), list) else ""
    return [(name, line(manifest)) for name, manifest in stamps(run) if line(manifest)]


def experiment_line(experiment: Experiment) -> str:
    """The one line that repeats an experiment, or what stands in for one."""
    manifest = experiment.manifest.value if experiment.manifest else {}
    return " ".join(as_text(word) for word in manifest["command"]) if isinstance(manifest.get("command"), list) else ""
