"""verify: a right loss holds, planted mistakes are refuted with a case that shows them, and the function is called as promised."""

import gc
import threading
import weakref

import numpy as np
import pytest
from reference import sliced

import slicecheck


def right(X, Y, directions):
    return sliced(X, Y, directions)


def test_the_right_loss_holds() -> None:
    verdicts = slicecheck.verify(right, cases=300)
    assert verdicts.holds and not verdicts.refuted, repr(verdicts)
    ids = [verdict.claim for verdict in verdicts]
    assert ids == [claim["id"] for claim in slicecheck.claims() if claim["id"] in ids] and {"L1", "L8", "N1", "N7", "N9"} <= set(ids)
    one = verdicts["L1"]
    assert (one.outcome, one.expected, one.subject, one.seed, one.cases_per_check) == ("holds", "holds", "right", 1, 300)
    assert one.cases >= 300 and 0 <= one.worst_ratio <= 1 and one.counter_example is None
    assert one.checks[0]["cases"] > 0 and sum(one.kinds.values()) == one.cases
    assert any("p = 2" in reason for reason in verdicts["L8"].not_run.values())
    with pytest.raises(KeyError):
        verdicts["L99"]


def test_single_precision() -> None:
    seen = set()

    def loss(X, Y, directions):
        seen.update((X.dtype, Y.dtype, directions.dtype))
        return sliced(X, Y, directions)

    verdicts = slicecheck.verify(loss, ["L1", "L6", "L8", "N1"], cases=150, dtype=np.float32)
    assert verdicts.holds, repr(verdicts)
    assert seen == {np.dtype(np.float32)}
    assert "dtype=np.float32" in verdicts[0].reproduce

    def rounded(X, Y, directions):
        value, gradient = sliced(X.astype(np.float32), Y.astype(np.float32), directions.astype(np.float32))
        return value, gradient

    assert slicecheck.verify(rounded, "L6", cases=150)["L6"].outcome == "refuted", "rounding of float passed for double"


def without(name):
    """A loss with one mistake."""

    def loss(X, Y, directions):
        value, gradient = sliced(X, Y, directions)
        if name == "sorting":
            gap = X @ directions.T - Y @ directions.T
            return (gap**2).mean(), 2 / gap.size * gap @ directions
        if name == "the two":
            return value, gradient / 2
        if name == "the square":
            return np.sqrt(value), gradient
        if name == "a gradient at 0":
            return value, gradient if value > 0 else np.full_like(gradient, np.nan)
        if name == "ties":
            # Tied points all get the smallest of their targets: no member of the Clarke subdifferential.
            x, y = X @ directions.T, np.sort(Y @ directions.T, axis=0)
            matched = np.array([[y[np.sum(x[:, l] < x[k, l]), l] for l in range(len(directions))] for k in range(len(X))])
            return value, 2 / x.size * (x - matched) @ directions
        if name == "the mean":
            return value * len(directions), gradient * len(directions)
        raise AssertionError(name)

    loss.__name__ = "loss_without_" + name.replace(" ", "_")
    return loss


@pytest.mark.parametrize(
    "mistake,claim", [("sorting", "L1"), ("the two", "L8"), ("the square", "L1"), ("a gradient at 0", "L6"), ("ties", "N1"), ("ties", "N4"), ("the mean", "L1")]
)
def test_a_planted_mistake_is_refuted(mistake: str, claim: str) -> None:
    loss = without(mistake)
    verdicts = slicecheck.verify(loss, claim, cases=200)
    verdict = verdicts[claim]
    assert verdict.outcome == "refuted" and not verdicts.holds and verdicts.refuted == [verdict]
    found = verdict.counter_example
    assert found.X.shape == found.Y.shape and found.directions.shape[1] == found.X.shape[1] and set(found.values) == {"Z", "Y", "W", "directions", "v"}
    assert not found.observed <= found.allowed
    value, gradient = loss(found.X, found.Y, found.directions)
    right_value, right_gradient = sliced(found.X, found.Y, found.directions)
    assert mistake == "a gradient at 0" or value != right_value or not np.array_equal(gradient, right_gradient), "the case does not show it"
    text = repr(verdicts)
    assert f"{claim} " in text and "refuted" in text and "X = np.array(" in text and found.check in text
    assert f"repeat: slicecheck.verify({loss.__name__}, '{claim}', seed=1, cases=200)" in text
    again = slicecheck.verify(loss, claim, seed=1, cases=200)[claim]
    assert np.array_equal(again.counter_example.X, found.X) and repr(again) == repr(verdict)


def test_printed_arrays_give_back_the_bits() -> None:
    draws = np.random.default_rng(4)
    values = {name: draws.normal(size=(3, 2)) * 10.0 ** draws.integers(-9, 9, size=(3, 2)) for name in ("Z", "Y", "directions")}
    example = slicecheck.CounterExample(check="a check", observed=2.0, allowed=1.0, note="", kind="generic", case=0, values=values)
    names: dict = {}
    text = repr(example).split("\n", 1)[1]
    exec("import numpy as np\n" + "\n".join(line[2:] for line in text.split("\n")), names)  # what the user would paste
    for name in ("X", "Y", "directions"):
        assert np.array_equal(names[name], getattr(example, name))


def test_called_on_this_thread_with_copies_that_are_let_go() -> None:
    threads, last = set(), []

    def loss(X, Y, directions):
        threads.add(threading.get_ident())
        result = sliced(X, Y, directions)
        last[:] = [weakref.ref(array) for array in (X, Y, directions)]
        X.fill(np.nan)
        Y.fill(np.nan)
        directions.fill(np.nan)
        return result

    assert slicecheck.verify(loss, ["L1", "L5", "N1"], cases=120).holds
    assert threads == {threading.get_ident()}
    gc.collect()
    assert all(array() is None for array in last)
    reference = weakref.ref(loss)
    del loss
    gc.collect()
    assert reference() is None


def test_other_forms_of_a_result() -> None:
    class Loss:
        def __call__(self, X, Y, directions):
            value, gradient = sliced(X, Y, directions)
            return np.array(value), np.asfortranarray(gradient).tolist()

    verdicts = slicecheck.verify(Loss(), ["L1"], cases=60)
    assert verdicts.holds and verdicts[0].subject == "Loss"


def test_an_exception_is_raised_as_it_was() -> None:
    calls, own = [], RuntimeError("my own message")

    def loss(X, Y, directions):
        calls.append(len(X))
        if len(calls) == 10:
            raise own
        return sliced(X, Y, directions)

    with pytest.raises(RuntimeError) as caught:
        slicecheck.verify(loss, "L1", cases=100)
    assert caught.value is own and len(calls) == 10
    assert "raise own" in str(caught.traceback[-1].statement)


def test_an_exception_can_count_as_a_refutation() -> None:
    def loss(X, Y, directions):
        if len(X) == 1:
            raise ZeroDivisionError("one point\nand more")
        return sliced(X, Y, directions)

    verdict = slicecheck.verify(loss, "L1", cases=100, errors="refute")["L1"]
    assert verdict.outcome == "refuted" and len(verdict.counter_example.X) == 1
    assert "ZeroDivisionError: one point" in verdict.counter_example.note and "and more" not in verdict.counter_example.note
    assert "ZeroDivisionError" in repr(verdict) and "errors='refute'" in verdict.reproduce


@pytest.mark.parametrize("errors", ["raise", "refute"])
def test_an_interruption_always_ends_it(errors: str) -> None:
    calls = []

    def loss(X, Y, directions):
        calls.append(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slicecheck.verify(loss, "L1", cases=100, errors=errors)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "result,error,sentence",
    [
        (lambda X: 1.0, TypeError, "returned <class 'float'>; expected the pair"),
        (lambda X: (1.0, X, X), TypeError, "returned <class 'tuple'>; expected the pair"),
        (lambda X: (1.0, X[:, 0]), TypeError, r"a gradient of shape \(\d+,\) for X of shape"),
        (lambda X: (1.0, X.T if X.shape[0] != X.shape[1] else X[:, :0]), TypeError, "it must have the shape of X"),
        (lambda X: ("a", X), ValueError, "could not convert string to float"),
        (lambda X: (None, X), TypeError, "float"),
        (lambda X: (1.0, "gradient"), ValueError, "could not convert string to float"),
    ],
)
def test_what_the_function_must_return(result, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        slicecheck.verify(lambda X, Y, directions: result(X), "L1", cases=20)


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda: slicecheck.verify(3), "the loss is 3; expected a function"),
        (lambda: slicecheck.verify(right, "L99"), "L99"),
        (lambda: slicecheck.verify(right, ["L1", "T0"]), "T0 judges .*; it says nothing about a loss"),
        (lambda: slicecheck.verify(right, profile="slow"), "unknown profile 'slow'"),
        (lambda: slicecheck.verify(right, cases=0), "cases is 0"),
        (lambda: slicecheck.verify(right, seed=-1), "seed is -1"),
        (lambda: slicecheck.verify(right, dtype=np.int32), "dtype is int32"),
        (lambda: slicecheck.verify(right, errors="ignore"), "errors is 'ignore'"),
    ],
)
def test_refused_with_a_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
