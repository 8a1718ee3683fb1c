"""distance, gradient and exact_plane against NumPy and the program; ties; what is refused."""

import json
import os
import subprocess

import numpy as np
import pytest
from reference import clouds, gamma, gap_error, size_of, sliced, value_error

import slicecheck

DOUBLE, SINGLE = 2.0**-53, 2.0**-24


@pytest.mark.parametrize("n,d,count", [(1, 1, 1), (2, 3, 1), (17, 2, 5), (64, 8, 33), (300, 3, 128)])
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
def test_value_agrees_with_numpy(n: int, d: int, count: int, p: float) -> None:
    X, Y, directions = clouds(n + d, n, d, count)
    got, (value, _) = slicecheck.distance(X, Y, directions, p=p), sliced(X, Y, directions, p)
    assert abs(got.value - value) <= 2 * value_error(value, p, gap_error(X, Y, DOUBLE), n * count, DOUBLE)
    assert (got.n, got.d, got.directions, got.seed, got.standard_error, got.precision) == (n, d, count, None, None, "double")
    assert float(got) == got.value


@pytest.mark.parametrize("n,d,count", [(2, 3, 1), (17, 2, 5), (20, 8, 9)])
@pytest.mark.parametrize("dtype,u", [(np.float64, DOUBLE), (np.float32, SINGLE)])
def test_gradient_agrees_with_numpy(n: int, d: int, count: int, dtype: type, u: float) -> None:
    """Projections further apart than rounding are matched alike; then a row errs by (2/n)·(the gap's error and a sum of `count` terms)."""
    X, Y, directions = (array.astype(dtype) for array in clouds(7 * n, n, d, count))
    apart = np.diff(np.sort(X.astype(float) @ directions.T.astype(float), axis=0), axis=0).min()
    allowed = gap_error(X, Y, u)
    assert apart > 2 * allowed, "the case was to be free of ties"
    got = slicecheck.gradient(X, Y, directions)
    expected = sliced(X.astype(float), Y.astype(float), directions.astype(float))[1]
    assert got.dtype == dtype and got.shape == X.shape
    bound = 2 / n * (2 * allowed + 2 * gamma(count + d + 12, u) * (size_of(X, Y) + allowed))
    assert np.linalg.norm(got - expected, axis=1).max() <= bound


def test_single_precision() -> None:
    X, Y, _ = clouds(3, 50, 4, 1)
    got = slicecheck.distance(X.astype(np.float32), Y.astype(np.float32), 200)
    double = slicecheck.distance(X.astype(np.float32), Y, 200)
    assert got.precision == "single" and double.precision == "double"
    error = gap_error(X, Y, SINGLE) + 2 * gamma(4, SINGLE) * size_of(X, Y)  # of directions and clouds rounded to float
    assert abs(got.value - double.value) <= 2 * value_error(double.value, 2.0, error, 50 * 200, SINGLE)


def test_is_what_the_program_prints(tmp_path) -> None:
    program = os.environ.get("SLICECHECK_PROGRAM", "")
    if not os.path.exists(program):
        pytest.skip("there is no program to compare with")
    X, Y, _ = clouds(11, 40, 3, 1)
    for name, cloud in (("x.csv", X), ("y.csv", Y)):
        np.savetxt(tmp_path / name, cloud, delimiter=",", fmt="%.17g")
    for options in ({}, {"seed": 5, "directions": 77}, {"p": 1.5}):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        said = json.loads(subprocess.run([program, "distance", "x.csv", "y.csv", "--json", *words], cwd=tmp_path, capture_output=True, check=True).stdout)
        got = slicecheck.distance(X, Y, **options)
        assert (got.value, got.standard_error, got.directions, got.seed) == (said["value"], said["standard_error"], said["directions"], said["seed"])
        subprocess.run([program, "distance", "x.csv", "y.csv", "--gradient", "g.csv", *words], cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
        assert np.array_equal(slicecheck.gradient(X, Y, **options), np.loadtxt(tmp_path / "g.csv", delimiter=","))
        assert got.interval[0] < got.value < got.interval[1]


def test_random_directions_depend_on_the_seed_alone() -> None:
    X, Y, _ = clouds(1, 30, 3, 1)
    one = slicecheck.distance(X, Y, 100, seed=9)
    before = slicecheck.threads()
    try:
        for count in (1, 2, 3):
            slicecheck.set_threads(count)
            assert slicecheck.distance(X, Y, 100, seed=9) == one
            assert np.array_equal(slicecheck.gradient(X, Y, 100, seed=9), slicecheck.gradient(X, Y, 100, seed=9))
    finally:
        slicecheck.set_threads(before)
    assert slicecheck.distance(X, Y, 100, seed=10).value != one.value


def test_exact_plane_of_a_translation() -> None:
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    value, gradient, max_value = got = slicecheck.exact_plane(X, X + [3, 4])
    assert abs(value - 12.5) <= got.value_error < 1e-12
    assert abs(max_value - 25.0) <= got.max_error < 1e-12
    assert np.linalg.norm(gradient + np.array([3, 4]) / 3, axis=1).sum() <= got.gradient_error < 1e-12
    assert abs(abs(got.max_direction @ [0.6, 0.8]) - 1) < 1e-12
    assert not got.duplicates


def test_exact_plane_is_the_mean_over_an_even_grid() -> None:
    """w is π-periodic and Lipschitz in the angle: 20,000 even angles err by at most the Lipschitz constant times half a step."""
    X, Y, _ = clouds(2, 12, 2, 1)
    angles = (np.arange(20_000) + 0.5) * np.pi / 20_000
    grid = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    value, gradient, max_value = slicecheck.exact_plane(X, Y)
    means, gradients = sliced(X, Y, grid)
    lipschitz = 2 * size_of(X, Y) ** 2
    assert abs(value - means) <= lipschitz * np.pi / 40_000
    each = ((np.sort(X @ grid.T, axis=0) - np.sort(Y @ grid.T, axis=0)) ** 2).mean(axis=0)
    assert -1e-12 <= max_value - each.max() <= lipschitz * np.pi / 40_000
    # A row's gap jumps at each of its at most 2·C(12, 2) swaps, by at most `size`; elsewhere it is as smooth as w.
    allowed = 2 / 12 * (2 * size_of(X, Y) * np.pi / 40_000 + 2 * 66 * size_of(X, Y) / 20_000)
    assert np.linalg.norm(gradient - gradients, axis=1).max() <= allowed


def test_ties() -> None:
    """Rows 0 and 1 are tied along (1, 0): they keep their order. Coincident points of the plane get the mean of their block."""
    X, Y = np.array([[0.0, 5.0], [0.0, -2.0]]), np.array([[3.0, 0.0], [1.0, 0.0]])
    along = np.array([[1.0, 0.0]])
    assert np.array_equal(slicecheck.gradient(X, Y, along), [[-1, 0], [-3, 0]])
    assert np.array_equal(slicecheck.gradient(X[::-1], Y, along), [[-1, 0], [-3, 0]])
    assert slicecheck.distance(X, Y, along).value == slicecheck.distance(X[::-1], Y, along).value == 5.0
    coincident = slicecheck.exact_plane(np.zeros((2, 2)), [[1.0, 0.0], [-1.0, 0.0]])
    assert coincident.duplicates and np.abs(coincident.gradient).max() <= coincident.gradient_error
    assert np.array_equal(slicecheck.gradient([[1.0]], [[1.0]], [[1.0]], p=1.0), [[0.0]])


def test_other_layouts_and_types() -> None:
    X, Y, directions = clouds(5, 6, 4, 3)
    expected = slicecheck.gradient(X, Y, directions)
    assert np.array_equal(slicecheck.gradient(np.asfortranarray(X), Y, directions[::1]), expected)
    assert np.array_equal(slicecheck.gradient(np.repeat(X, 2, axis=0)[::2], Y.tolist(), np.asfortranarray(directions)), expected)
    assert slicecheck.distance([[0], [2]], [[5], [1]], [[1]]).value == 5.0
    X.flags.writeable = False
    assert np.array_equal(slicecheck.gradient(X, Y, directions), expected)


GOOD = np.zeros((3, 2))


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda: slicecheck.distance(np.zeros((0, 2)), np.zeros((0, 2))), "Z is empty"),
        (lambda: slicecheck.distance(GOOD, np.zeros((4, 2))), "Z has 3 points and Y has 4"),
        (lambda: slicecheck.distance(GOOD, np.zeros((3, 5))), "Z has dimension 2 and Y has dimension 5"),
        (lambda: slicecheck.distance(GOOD, [[0, 0], [0, np.nan], [0, 0]]), "Y is not finite: row 2, column 2 is nan"),
        (lambda: slicecheck.gradient(GOOD, [[0, 0], [0, np.inf], [0, 0]]), "Y is not finite"),
        (lambda: slicecheck.distance(np.zeros(3), np.zeros(3)), r"X has the shape \(3,\); expected \(n, d\)"),
        (lambda: slicecheck.distance(GOOD, GOOD.astype(complex)), "Y holds complex128; expected real numbers"),
        (lambda: slicecheck.distance(GOOD, [["a", "b"]] * 3), "expected real numbers"),
        (lambda: slicecheck.distance(GOOD, GOOD, 0), "directions is 0; expected a whole number from 1"),
        (lambda: slicecheck.distance(GOOD, GOOD, 1.5), "directions is 1.5; expected a whole number"),
        (lambda: slicecheck.distance(GOOD, GOOD, [[1.0, 0.1]]), "row 0: its length is 1.00498756; directions must be unit vectors"),
        (lambda: slicecheck.distance(GOOD, GOOD, [[1.0, 0.0, 0.0]]), "directions has dimension 3 and the points have dimension 2"),
        (lambda: slicecheck.distance(GOOD, GOOD, seed=-1), "seed is -1"),
        (lambda: slicecheck.distance(GOOD, GOOD, seed="x"), "seed is 'x'"),
        (lambda: slicecheck.distance(GOOD, GOOD, p=0.5), "0.5"),
        (lambda: slicecheck.gradient(GOOD, GOOD, p=np.nan), "nan"),
        (lambda: slicecheck.distance(GOOD + 1e200, GOOD), "overflows double precision; scale the points down"),
        (lambda: slicecheck.exact_plane(np.zeros((3, 3)), np.zeros((3, 3))), "dimension 3"),
        (lambda: slicecheck.exact_plane(GOOD, [[0, 0], [np.nan, 0], [0, 0]]), "nan"),
        (lambda: slicecheck.set_threads(0), "the number of threads is 0"),
    ],
)
def test_refused_with_a_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
