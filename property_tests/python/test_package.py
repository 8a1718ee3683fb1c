"""The package as a whole: what it is linked with, its version, its help, threads beside it, and memory."""

import inspect
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from reference import clouds

import slicecheck
from slicecheck import _core


def test_is_linked_without_libtorch() -> None:
    libraries = subprocess.run(["ldd", _core.__file__], capture_output=True, text=True, check=True).stdout
    assert "libgomp" in libraries, "ldd lists nothing"
    assert not re.search(r"torch|libc10|libpython", libraries), libraries
    assert "not found" not in libraries


def test_importing_it_loads_neither_torch_nor_anything_else_of_size() -> None:
    code = "import sys; before = set(sys.modules); import numpy; import slicecheck; print(*sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'scipy', 'matplotlib'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_version_is_that_of_the_headers() -> None:
    header = (Path(__file__).resolve().parents[2] / "src/slicecheck/version.h").read_text()
    numbers = [re.search(rf"VERSION_{part} (\d+)$", header, re.MULTILINE).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    assert slicecheck.__version__ == ".".join(numbers) and re.fullmatch("[0-9a-f]{16}", slicecheck.__fingerprint__)


def test_everything_public_explains_itself() -> None:
    assert sorted(slicecheck.__all__) == slicecheck.__all__
    for name in slicecheck.__all__:
        assert inspect.getdoc(getattr(slicecheck, name)), name
    for name in ("distance", "gradient", "exact_plane", "clarke_contains", "min_norm_subgradient"):
        text = inspect.getdoc(getattr(slicecheck, name))
        assert re.search("AT A TIE|at a tie|WITHOUT ONE", text) and "(n, " in text, name


def test_other_threads_run_meanwhile() -> None:
    """The interpreter's lock is let go: this thread goes on while another one is inside the library, for a few tenths of a second."""
    X, Y, directions = clouds(1, 4000, 3, 1500)
    before = slicecheck.threads()
    slicecheck.set_threads(1)
    try:
        inside = threading.Thread(target=slicecheck.gradient, args=(X, Y, directions))
        inside.start()
        ticks, began = 0, time.monotonic()
        while inside.is_alive() and time.monotonic() - began < 60:
            time.sleep(0.001)
            ticks += inside.is_alive()
    finally:
        inside.join()
        slicecheck.set_threads(before)
    assert ticks >= 10


def test_nothing_is_kept() -> None:
    X, Y, directions = clouds(1, 2000, 5, 3)
    calls = [
        lambda: slicecheck.distance(X, Y, directions),
        lambda: slicecheck.gradient(X, Y, directions),
        lambda: slicecheck.gradient(X.astype(np.float32), Y.astype(np.float32), directions),
        lambda: slicecheck.exact_plane(X[:50, :2], Y[:50, :2]),
        lambda: slicecheck.clarke_contains(X, X, Y, directions[0]),
        lambda: slicecheck.min_norm_subgradient(X[:20], Y[:20], directions),
        lambda: slicecheck.verify(lambda a, b, c: (0.0, a), "L1", cases=1),
    ]
    for call in calls:
        call()
    counts = [sys.getrefcount(array) for array in (X, Y, directions)]
    for call in calls:
        call()
        with pytest.raises(ValueError):
            slicecheck.gradient(X, Y[:5], directions)
    assert [sys.getrefcount(array) for array in (X, Y, directions)] == counts
    large = clouds(1, 10_000, 5, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):  # 300 gradients kept would be 120 MB
        slicecheck.gradient(*large)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024  # KiB


def test_a_result_outlives_its_arguments() -> None:
    def made() -> np.ndarray:
        return slicecheck.gradient(*clouds(1, 200, 5, 3))

    first = made()
    copy = first.copy()
    for _ in range(50):
        made()
    assert np.array_equal(first, copy) and first.flags.writeable


@pytest.mark.skipif("SLICECHECK_PROGRAM" not in os.environ, reason="there is no program to compare with")
def test_is_of_the_sources_of_the_program() -> None:
    assert f"slicecheck {slicecheck.__version__}" in subprocess.run([os.environ["SLICECHECK_PROGRAM"], "--version"], capture_output=True, text=True, check=True).stdout
