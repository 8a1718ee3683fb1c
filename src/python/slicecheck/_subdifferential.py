"""The Clarke subdifferential: membership, and its element of least norm."""

from dataclasses import dataclass

import numpy as np

from . import _core
from ._arrays import cloud, directions_of, numbers, scalar_of, unit_vectors, whole


@dataclass(frozen=True)
class Membership:
    """Whether G is in the set; usable as a bool. `contains` is None where it was not decided, and `bool` then raises a ValueError that says why."""

    contains: bool | None
    ratio: float  # observed / allowed: at most 1 for a member
    delta: float  # G need only be a member at some X' whose points are within delta of those of X: the rounding of projections
    reason: str = ""  # why it was not decided

    def __bool__(self) -> bool:
        if self.contains is None:
            raise ValueError(f"membership was not decided: {self.reason}")
        return self.contains


def clarke_contains(G: object, X: object, Y: object, theta: object) -> Membership:
    """Is G in the Clarke subdifferential ∂_C w_θ(·, Y) at X, for p = 2 and one direction? (Claims N1, N2.)

    G, X, Y: shape (n, d); theta: shape (d,), a unit vector. The set is {((2/n) θ (θ·x_k − m_k))_k}, where m runs over the convex hull of the matchings: each
    block of equal projections θ·x shares out the θ·y of the same ranks, in any order or average.
    AT A TIE, therefore, every way to break it is a member, and so are averages; WITHOUT ONE there is the gradient alone.
    The tolerance is derived from the rounding of G's precision: single where G is float32, double otherwise. Points whose projections rounding cannot tell apart
    may be taken as tied. An averaged G on more than 64 such points is not decided.
    NaN and infinities in G are never members.
    """
    x = cloud(X, "X")
    g = cloud(G, "G")
    direction = np.atleast_2d(numbers(theta, "theta"))
    if np.ndim(theta) != 1:
        raise ValueError(f"theta has the shape {np.shape(theta)}; expected (d,)")
    single = scalar_of(numbers(G, "G")) == np.float32
    ratio, delta, reason = _core.membership(g, x, cloud(Y, "Y"), unit_vectors(direction, "theta", x.shape[1]), single)
    return Membership(None if reason else bool(ratio <= 1.0), ratio, delta, reason)


@dataclass(frozen=True)
class MinimumNorm:
    """The element of a Clarke subdifferential nearest to 0. lower_bound ≤ dist(0, ∂_C) ≤ norm, up to rounding, whether it converged or not."""

    gradient: np.ndarray  # shape (n, d)
    norm: float  # ‖gradient‖ and the rounding of it
    lower_bound: float
    iterations: int
    converged: bool  # norm − lower_bound ≤ gap


def min_norm_subgradient(X: object, Y: object, directions: object = 1000, seed: int = 1, gap: float = 0.0, iterations: int = 10000) -> MinimumNorm:
    """The element of least norm of ∂_C SW_2²(·, Y)(X): 0 exactly where X is Clarke critical (claim N9).

    X, Y: shape (n, d). directions: a count or an array of shape (L, d), as in `distance`: the subdifferential of the mean over them; None: of the mean over all
    directions of the plane, d = 2, by the angular sweep.
    Ties are those of projections that are EXACTLY equal (for None: coincident points of X); WITHOUT ONE the set is the gradient alone. AT A TIE a step along
    −gradient decreases the loss, where an arbitrary member of the set need not.
    Wolfe's algorithm ends once norm − lower_bound ≤ gap (absolute), after so many `iterations`, or where rounding allows no progress: `converged` says whether
    the gap was reached. With the default gap of 0 it seldom is; the two bounds tell.
    """
    x = cloud(X, "X")
    if directions is None:
        unit = np.empty((0, x.shape[1]))
    else:
        unit, _ = directions_of(directions, seed, x.shape[1])
    return MinimumNorm(**_core.minimum_norm(x, cloud(Y, "Y"), unit, float(gap), whole(iterations, "iterations", 1, 2**63)))
