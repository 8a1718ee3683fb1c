"""clarke_contains and min_norm_subgradient at ties made by hand."""

import itertools

import numpy as np
import pytest
from reference import clouds, gamma, size_of, sliced

import slicecheck

# Three points tied along (1, 0) at 0, one at 10; their targets are 0, 1, 3 and 8.
X = np.array([[0.0, 5.0], [0.0, -2.0], [10.0, 1.0], [0.0, 7.0]])
Y = np.array([[3.0, 0.0], [0.0, 4.0], [8.0, 1.0], [1.0, -1.0]])
THETA = np.array([1.0, 0.0])


def of_targets(*targets: float) -> np.ndarray:
    return 2 / 4 * np.outer(X @ THETA - targets, THETA)


@pytest.mark.parametrize("order", itertools.permutations((0.0, 1.0, 3.0)))
def test_every_tie_break_is_a_member(order: tuple[float, float, float]) -> None:
    a, b, c = order
    member = slicecheck.clarke_contains(of_targets(a, b, 8, c), X, Y, THETA)
    assert member and member.contains is True and member.ratio <= 1 and 0 < member.delta < 1e-13


def test_averages_are_members_and_nothing_else_is() -> None:
    third = 4 / 3
    assert slicecheck.clarke_contains(of_targets(third, third, 8, third), X, Y, THETA)
    assert slicecheck.clarke_contains(of_targets(0.5, 0.5, 8, 3), X, Y, THETA)
    for wrong in ((0, 1, 3, 8), (3, 3, 8, 3), (-0.1, 1.1, 8, 3), (2.5, 1.5, 8, 0.1), (third, third, 8, third + 1e-9)):
        got = slicecheck.clarke_contains(of_targets(*wrong), X, Y, THETA)
        assert not got and got.contains is False and got.ratio > 1, wrong
    across = of_targets(0, 1, 8, 3)
    across[0, 1] = 1e-9
    assert not slicecheck.clarke_contains(across, X, Y, THETA)
    across[0, 1] = np.nan
    assert not slicecheck.clarke_contains(across, X, Y, THETA)


def test_without_a_tie_the_gradient_alone() -> None:
    x, y, directions = clouds(4, 9, 3, 1)
    g = slicecheck.gradient(x, y, directions)
    assert slicecheck.clarke_contains(g, x, y, directions[0])
    assert slicecheck.clarke_contains(sliced(x, y, directions)[1], x, y, directions[0])
    assert not slicecheck.clarke_contains(g * (1 + 1e-12), x, y, directions[0])
    assert not slicecheck.clarke_contains(g[::-1], x, y, directions[0])


def test_single_precision_is_judged_by_its_own_rounding() -> None:
    x, y, directions = (array.astype(np.float32) for array in clouds(4, 9, 3, 1))
    g = slicecheck.gradient(x, y, directions)
    assert g.dtype == np.float32 and slicecheck.clarke_contains(g, x, y, directions[0])
    assert not slicecheck.clarke_contains(g.astype(np.float64), x, y, directions[0]), "the rounding of float is no rounding of double"
    assert not slicecheck.clarke_contains(g * np.float32(1.001), x, y, directions[0])


def test_what_is_not_decided() -> None:
    x, y = np.zeros((70, 1)), np.arange(70.0)[:, None]
    mean = slicecheck.clarke_contains(2 / 70 * (x - y.mean()), x, y, [1.0])
    assert mean.contains is None and "more than 64 points" in mean.reason
    with pytest.raises(ValueError, match="not decided: an averaged gradient on a cluster of more than 64"):
        bool(mean)


def test_least_norm_by_hand() -> None:
    """One dimension, X = (0, 0): the set is {(−m_1, −m_2)}, m between (a, b) and (b, a); its nearest point to 0 is −(a + b)/2 twice."""
    for a, b in ((-1.0, 1.0), (0.0, 2.0), (3.0, 5.0)):
        got = slicecheck.min_norm_subgradient([[0], [0]], [[a], [b]], [[1.0]])
        expected = abs(a + b) / 2 * np.sqrt(2)
        assert got.lower_bound <= expected <= got.norm and got.norm - got.lower_bound < 1e-14 * (1 + expected)
        assert np.allclose(got.gradient, -(a + b) / 2, rtol=0, atol=1e-14)
        assert np.linalg.norm(slicecheck.gradient([[0], [0]], [[a], [b]], [[1.0]])) > got.norm, "an arbitrary member is longer"
        assert slicecheck.min_norm_subgradient([[0], [0]], [[a], [b]], [[1.0]], gap=1e-9).converged


def test_least_norm_over_several_directions() -> None:
    """Against the least norm over all products of tie-breaks and their averages: by a search over the two weights that there are."""
    x, y = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [3.0, 1.0], [0.0, -1.0]])
    axes = np.eye(2)

    def member(s: float, t: float) -> np.ndarray:
        # Along (1, 0) rows 0, 1 are tied at 0 (targets 0, 1); along (0, 1) rows 0, 2 (targets −1, 0).
        first = np.array([1 - s, s, 3.0])
        second = np.array([t - 1, 1.0, -t])
        return (np.outer(x[:, 0] - first, axes[0]) + np.outer(x[:, 1] - second, axes[1])) / 3

    grid = np.linspace(0, 1, 101)
    least = min(np.linalg.norm(member(s, t)) for s in grid for t in grid)
    got = slicecheck.min_norm_subgradient(x, y, axes)
    assert got.lower_bound - 1e-15 <= least <= got.norm + 1e-3
    assert np.linalg.norm(got.gradient - member(0.5, 0.5)) < 1e-14


def test_least_norm_without_ties_and_in_the_plane() -> None:
    x, y, directions = clouds(6, 10, 2, 8)
    got = slicecheck.min_norm_subgradient(x, y, directions)
    bound = 4 * gamma(40, 2.0**-53) * size_of(x, y)
    assert np.abs(got.gradient - slicecheck.gradient(x, y, directions)).max() <= bound
    drawn = slicecheck.min_norm_subgradient(x, y, 50, seed=3)
    assert np.abs(drawn.gradient - slicecheck.gradient(x, y, 50, seed=3)).max() <= bound
    exact = slicecheck.exact_plane(x, y)
    plane = slicecheck.min_norm_subgradient(x, y, None)
    assert np.array_equal(plane.gradient, exact.gradient)
    x[1] = x[0]
    coincident, mean = slicecheck.min_norm_subgradient(x, y, None), slicecheck.exact_plane(x, y)
    assert mean.duplicates and coincident.norm <= np.linalg.norm(mean.gradient) * (1 + 1e-12)


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda: slicecheck.clarke_contains(np.zeros((3, 2)), X, Y, THETA), "G is 3 × 2 and X is 4 × 2"),
        (lambda: slicecheck.clarke_contains(np.zeros(4), X, Y, THETA), "G has the shape"),
        (lambda: slicecheck.clarke_contains(of_targets(0, 1, 8, 3), X, Y[:3], THETA), "Z has 4 points and Y has 3"),
        (lambda: slicecheck.clarke_contains(of_targets(0, 1, 8, 3), X, Y, [1.0, 1.0]), "must be unit vectors"),
        (lambda: slicecheck.clarke_contains(of_targets(0, 1, 8, 3), X, Y, [1.0]), "dimension"),
        (lambda: slicecheck.clarke_contains(of_targets(0, 1, 8, 3), X, Y, [THETA]), r"theta has the shape \(1, 2\)"),
        (lambda: slicecheck.min_norm_subgradient(X, Y, [[1.0, 0.0]], gap=-1.0), "the gap is -1"),
        (lambda: slicecheck.min_norm_subgradient(X, Y, [[1.0, 0.0]], iterations=0), "iterations is 0"),
        (lambda: slicecheck.min_norm_subgradient(X, Y[:2], [[1.0, 0.0]]), "Z has 4 points and Y has 2"),
        (lambda: slicecheck.min_norm_subgradient(np.zeros((2, 3)), np.zeros((2, 3)), None), "plane"),
    ],
)
def test_refused_with_a_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
