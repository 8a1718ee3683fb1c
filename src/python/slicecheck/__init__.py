"""Sliced Wasserstein losses on NumPy arrays: values, gradients, Clarke subdifferentials, and a judgement of losses of one's own by the theorems.

A cloud is an array of shape (n, d), a point a row. With θ·x_(1) ≤ … ≤ θ·x_(n) and θ·y_(1) ≤ … ≤ θ·y_(n) the sorted projections,

    w_θ(X, Y) = (1/n) Σ_k |θ·x_(k) − θ·y_(k)|^p,        SW_p^p(X, Y) = the mean of w_θ over directions θ of length 1.

Values are in the unit of the coordinates to the power p, gradients to the power p − 1. What cannot be used is refused with a ValueError that says why; the
library calls the first cloud Z. Equal arguments give equal bits, for any number of threads. Long work lets other Python threads run.
"""

from ._core import fingerprint as __fingerprint__
from ._core import version as __version__
from ._distance import Distance, ExactPlane, distance, exact_plane, gradient
from ._subdifferential import Membership, MinimumNorm, clarke_contains, min_norm_subgradient
from ._threads import set_threads, threads
from ._verify import CounterExample, Verdict, Verdicts, claims, verify

__all__ = [
    "CounterExample", "Distance", "ExactPlane", "Membership", "MinimumNorm", "Verdict", "Verdicts",
    "claims", "clarke_contains", "distance", "exact_plane", "gradient", "min_norm_subgradient", "set_threads", "threads", "verify",
]
