"""The loss in NumPy, by its definition, and the rounding that two evaluations of it may differ by (src/slicecheck/core/tolerances.h)."""

import numpy as np


def sliced(X: np.ndarray, Y: np.ndarray, directions: np.ndarray, p: float = 2.0) -> tuple[float, np.ndarray]:
    """Value and gradient; at a tie in the order of the rows."""
    n, count = len(X), len(directions)
    x, y = X @ directions.T, np.sort(Y @ directions.T, axis=0)
    matched = np.empty_like(y)
    np.put_along_axis(matched, np.argsort(x, axis=0, kind="stable"), y, axis=0)
    gap = x - matched
    return float((np.abs(gap) ** p).mean(dtype=np.float64)), (p / n * np.abs(gap) ** (p - 1) * np.sign(gap)) @ directions / count


def gamma(k: float, u: float) -> float:
    return k * u / (1 - k * u)


def size_of(X: np.ndarray, Y: np.ndarray) -> float:
    return float(np.linalg.norm(X, axis=1).max() + np.linalg.norm(Y, axis=1).max())


def gap_error(X: np.ndarray, Y: np.ndarray, u: float) -> float:
    return 3 * gamma(X.shape[1] + 3, u) * size_of(X, Y)


def value_error(value: float, p: float, gap: float, terms: int, u: float) -> float:
    root = value ** (1 / p)
    moved = (root + gap) ** p - value
    return moved + (gamma(8, u) + gamma(terms + 8, 2.0**-53)) * (value + moved)


def clouds(seed: int, n: int, d: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    directions = draws.normal(size=(count, d))
    return draws.normal(size=(n, d)), draws.normal(size=(n, d)) + 0.5, directions / np.linalg.norm(directions, axis=1, keepdims=True)
