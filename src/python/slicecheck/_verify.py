"""A loss of one's own, judged by the claims of the theory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from . import _core
from ._arrays import seed_of, whole

CASES = {"quick": 500, "full": 5000}  # per check, as the program's profiles


def claims() -> list[dict[str, str]]:
    """id, title, statement and judged types of every claim that the library knows."""
    return _core.claims()


@dataclass(frozen=True, repr=False)
class CounterExample:
    """A case on which a check failed, made as small as could be: observed / allowed > 1, or NaN."""

    check: str
    observed: float
    allowed: float
    note: str  # what the loss raised, if it did
    kind: str  # what the case was made to be: generic, ties, …
    case: int  # number of the drawn case that it was made from
    values: dict[str, np.ndarray] = field(hash=False)  # every matrix of the case: Z (that is X), Y, W (a third cloud), directions, v (a vector)

    @property
    def X(self) -> np.ndarray:
        """Shape (n, d)."""
        return self.values["Z"]

    @property
    def Y(self) -> np.ndarray:
        """Shape (n, d)."""
        return self.values["Y"]

    @property
    def directions(self) -> np.ndarray:
        """Shape (L, d)."""
        return self.values["directions"]

    def __repr__(self) -> str:
        def listed(name: str, array: np.ndarray) -> str:
            with np.printoptions(floatmode="unique"):  # digits that give back the same bits
                return f"  {name} = np.{array!r}".replace("\n", "\n" + " " * (len(name) + 8))

        lines = [f'"{self.check}": observed {self.observed:.6g}, allowed {self.allowed:.6g}']
        lines += [listed(name, array) for name, array in (("X", self.X), ("Y", self.Y), ("directions", self.directions))]
        return "\n".join(lines + ([f"  {self.note}"] if self.note else []))


@dataclass(frozen=True, repr=False)
class Verdict:
    """What one claim says of the loss."""

    claim: str
    title: str
    subject: str
    outcome: str  # holds, refuted, or inconclusive: too few cases could be judged
    expected: str  # what the claim declares: a finding is expected to be refuted
    cases: int
    worst_ratio: float  # largest observed / allowed: at most 1 where it holds
    checks: list[dict] = field(hash=False)  # name, cases, worst_ratio, tightness of every check that was run
    skipped: dict[str, int] = field(hash=False)  # reason → cases that could not be judged
    not_run: dict[str, str] = field(hash=False)  # check → why it does not apply
    kinds: dict[str, int] = field(hash=False)  # kind of case → how many
    seed: int
    cases_per_check: int
    detail: str
    counter_example: CounterExample | None
    reproduce: str  # the line that repeats it

    @property
    def as_declared(self) -> bool:
        return self.outcome == self.expected

    def __repr__(self) -> str:
        line = f"{self.claim} {self.title}: {self.outcome} on {self.subject} ({self.cases} cases, worst ratio {self.worst_ratio:.3g})"
        if self.counter_example is None:
            return line if self.outcome == "holds" else f"{line}\n  {self.detail}"
        return f"{line}\n{self.counter_example!r}\n  repeat: {self.reproduce}"


class Verdicts(list[Verdict]):
    """The verdicts, in the order of the claims; `verdicts["L1"]` is one by its claim."""

    def __getitem__(self, key):  # noqa: ANN001, ANN204 (a list's own signature, and ids)
        if not isinstance(key, str):
            return super().__getitem__(key)
        for verdict in self:
            if verdict.claim == key:
                return verdict
        raise KeyError(key)

    @property
    def holds(self) -> bool:
        """Every verdict came out as its claim declares."""
        return all(verdict.as_declared for verdict in self)

    @property
    def refuted(self) -> list[Verdict]:
        return [verdict for verdict in self if verdict.outcome == "refuted"]

    def __repr__(self) -> str:
        rows = [("claim", "verdict", "cases", "worst ratio")]
        rows += [(f"{v.claim} {v.title}", v.outcome, str(v.cases), f"{v.worst_ratio:.3g}") for v in self]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join(table + [f"\n{verdict!r}" for verdict in self if verdict.outcome != "holds"])


def verify(
    loss: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    claims: str | Iterable[str] | None = None,
    profile: str = "quick",
    seed: int = 1,
    *,
    cases: int | None = None,
    dtype: object = np.float64,
    errors: str = "raise",
) -> Verdicts:
    """Judges a loss by the claims of the theory, as `slicecheck verify` judges the library's own. The verdicts are a function of the arguments and the loss.

    loss(X, Y, directions) -> (value, gradient): X, Y of shape (n, d), directions of shape (L, d), n, d, L ≥ 1 and different from call to call. value: the mean
    over the directions of (1/n) Σ_k (θ·x_(k) − θ·y_(k))², that is p = 2 and no root; gradient: its derivative with respect to X, shape (n, d). AT A TIE any
    member of the Clarke subdifferential will do. It must draw no directions of its own, and is handed copies of type `dtype`: float64, or float32, which is
    judged by float32's tolerances. It is called on the thread that calls `verify`, one call at a time; a few thousand times a claim.

    claims: an id such as "L1", several, or None for all that judge a loss. profile: "quick" (500 cases per check) or "full" (5000); `cases` overrides it.
    errors: "raise" stops at an exception of the loss and raises it; "refute" counts it against the case, whose verdict quotes it. What does not derive from
    Exception (KeyboardInterrupt) is always raised.
    """
    if not callable(loss):
        raise ValueError(f"the loss is {loss!r}; expected a function (X, Y, directions) -> (value, gradient)")
    if profile not in CASES:
        raise ValueError(f"unknown profile {profile!r}; expected quick or full")
    if errors not in ("raise", "refute"):
        raise ValueError(f"errors is {errors!r}; expected 'raise' or 'refute'")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {np.dtype(dtype)}; expected float32 or float64")
    single = np.dtype(dtype) == np.float32
    count = whole(CASES[profile] if cases is None else cases, "cases", 1, 2**40)
    ids = [claims] if isinstance(claims, str) else list(claims or [])
    name = getattr(loss, "__name__", type(loss).__name__)
    verdicts = Verdicts()
    for fields in _core.verify(loss, name, ids, count, seed_of(seed), single, errors == "raise"):
        example = fields["counter_example"]
        options = f", cases={count}" + (", dtype=np.float32" if single else "") + (", errors='refute'" if errors == "refute" else "")
        fields["counter_example"] = CounterExample(**example) if example else None
        fields["reproduce"] = f"slicecheck.verify({name}, {fields['claim']!r}, seed={seed}{options})"
        verdicts.append(Verdict(**fields))
    return verdicts
