"""Arguments made fit for the library: type, rank, layout and length, or a ValueError that names what is wrong."""

import operator

import numpy as np

from . import _core

# Directions of another length scale the loss without a word. Nine digits or more pass.
UNIT_TOLERANCE = 1e-6


def numbers(value: object, name: str) -> np.ndarray:
    """A NumPy array of real numbers, of the type that it has."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} holds {array.dtype}; expected real numbers")
    return array


def cloud(value: object, name: str, dtype: type = np.float64) -> np.ndarray:
    """A contiguous array of shape (n, d)."""
    array = numbers(value, name)
    if array.ndim != 2:
        raise ValueError(f"{name} has the shape {array.shape}; expected (n, d), a point a row; points on a line are {name}[:, None]")
    return np.ascontiguousarray(array, dtype=dtype)


def scalar_of(*arrays: np.ndarray) -> type:
    """float32 where all are, float64 otherwise."""
    return np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64


def clouds(x: object, y: object) -> tuple[np.ndarray, np.ndarray]:
    """Both clouds in one type."""
    dtype = scalar_of(numbers(x, "X"), numbers(y, "Y"))
    return cloud(x, "X", dtype), cloud(y, "Y", dtype)


def whole(value: object, name: str, least: int, most: int) -> int:
    """An integer of a range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; expected a whole number") from None
    if not least <= number <= most:
        raise ValueError(f"{name} is {number}; expected a whole number from {least} to {most}")
    return number


def seed_of(value: object) -> int:
    return whole(value, "seed", 0, 2**64 - 1)


def unit_vectors(value: object, name: str, dimension: int) -> np.ndarray:
    """Rows of length 1 and of the given dimension, as float64."""
    vectors = cloud(value, name)
    if vectors.shape[1] != dimension:
        raise ValueError(f"{name} has dimension {vectors.shape[1]} and the points have dimension {dimension}; they must agree")
    lengths = np.linalg.norm(vectors, axis=1)
    for row, length in enumerate(lengths):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            raise ValueError(f"{name}, row {row}: its length is {length:.9g}; directions must be unit vectors (to within {UNIT_TOLERANCE:g})")
    return vectors


def directions_of(directions: object, seed: object, dimension: int) -> tuple[np.ndarray, bool]:
    """Unit vectors as float64, and whether they were drawn here: from a count, those of `slicecheck distance --seed`; from an array, the array."""
    if np.ndim(directions) == 0:
        count = whole(directions, "directions", 1, 2**31 - 1)
        return _core.uniform_directions(seed_of(seed), count, max(dimension, 1)), True
    return unit_vectors(directions, "directions", dimension), False
