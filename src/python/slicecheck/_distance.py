"""Values and gradients."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from . import _core
from ._arrays import cloud, clouds, directions_of


@dataclass(frozen=True)
class Distance:
    """SW_p^p over L directions. `float(distance)` is its value."""

    value: float
    standard_error: float | None  # over random directions; None for given ones, or a single one: their mean is the value itself
    interval: tuple[float, float] | None  # Student's t-interval at 95 %, over L values that need not be normal
    p: float
    n: int
    d: int
    directions: int
    seed: int | None  # of random directions
    precision: str  # double or single

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        p = f"{self.p:g}"
        error = f" ± {self.standard_error:.3g}" if self.standard_error is not None else ""
        kind = f"{self.directions} random directions, seed {self.seed}" if self.seed is not None else f"{self.directions} given direction(s)"
        return f"SW_{p}^{p} = {self.value:.17g}{error} ({kind}; n = {self.n}, d = {self.d}, {self.precision} precision)"


def distance(X: object, Y: object, directions: object = 1000, seed: int = 1, p: float = 2.0) -> Distance:
    """SW_p^p between two clouds, with the standard error over random directions: what `slicecheck distance` prints, to the bit.

    X, Y: shape (n, d); both float32: single precision; anything else real: double. directions: how many to draw uniformly on the sphere from `seed`, or an
    array of shape (L, d) of unit vectors to take instead (`seed` then means nothing). p ≥ 1.
    AT A TIE of projections the value is continuous; nothing happens there.
    """
    x, y = clouds(X, Y)
    unit, drawn = directions_of(directions, seed, x.shape[1])
    value, values = _core.values(x, y, unit.astype(x.dtype), float(p))
    error, low, high = _core.t_interval(values, 0.95)
    sampled = drawn and len(values) > 1
    return Distance(
        value=value,
        standard_error=error if sampled else None,
        interval=(low, high) if sampled else None,
        p=float(p), n=x.shape[0], d=x.shape[1], directions=len(values), seed=int(seed) if drawn else None,
        precision="single" if x.dtype == np.float32 else "double",
    )


def gradient(X: object, Y: object, directions: object = 1000, seed: int = 1, p: float = 2.0) -> np.ndarray:
    """The derivative of SW_p^p(X, Y) over the same directions with respect to X, shape (n, d), of the type that was computed in.

    Row k is (1/L) Σ_l (p/n) |Δ|^(p−1) sign(Δ) θ_l, where Δ = θ_l·x_k − (the projected target matched to x_k).
    AT A TIE θ·x_i = θ·x_j the points keep the order of their rows: a vertex of the Clarke subdifferential (N1). Where Δ = 0 and p = 1, sign(Δ) is 0.
    Arguments: as `distance`.
    """
    x, y = clouds(X, Y)
    unit, _ = directions_of(directions, seed, x.shape[1])
    return _core.gradient(x, y, unit.astype(x.dtype), float(p))


class ExactPlane(namedtuple("ExactPlane", "value gradient max_value")):
    """SW_2² in the plane, without Monte Carlo; a tuple (value, gradient, max_value) with more to it.

    max_direction: shape (2,), a unit vector along which w_θ is max_value. duplicates: X has coincident points; SW_2² is then not differentiable in general, and
    each of them was given the mean of their block, a member of the Clarke subdifferential. value_error, gradient_error (sum over the rows of ‖row − exact‖),
    max_error: bounds on the error by rounding.
    """

    max_direction: np.ndarray
    duplicates: bool
    value_error: float
    gradient_error: float
    max_error: float


def exact_plane(X: object, Y: object) -> ExactPlane:
    """(SW_2², its gradient with respect to X, max-SW_2²) for clouds in the plane, exact up to rounding, by one sweep over all directions.

    X, Y: shape (n, 2), computed in double. value: the mean of w_θ over all θ, p = 2; gradient: shape (n, 2); max_value: the largest w_θ.
    O(n²) time and O(n) memory; O(n² log n) and O(n²) where very many pairs of points are nearly parallel.
    AT A TIE of distinct points nothing happens: a single direction has no weight. Coincident points of X: see `duplicates`.
    """
    fields = _core.exact_plane(cloud(X, "X"), cloud(Y, "Y"))
    result = ExactPlane(fields.pop("value"), fields.pop("gradient"), fields.pop("max_value"))
    for name, value in fields.items():
        setattr(result, name, value)
    return result
