#!/usr/bin/python3
"""The loss in NumPy and, where they are installed, POT with PyTorch: peers of slicecheck_bench, which starts this process and asks it.

    bench_peers.py FOLDER

One request a line on standard input, one line of answer each:

    who, next         "peer NAME VERSION gradient|value", "skipped WHO and why", at last "done"
    load N D L        the clouds are in FOLDER/z, FOLDER/y, FOLDER/directions: 32-bit floats by rows
    evaluate NAME K   the value; with K = gradient, also FOLDER/gradient
    time NAME K       seconds of processor time of one evaluation, K = gradient or value

Everything runs on one thread. What is not installed is skipped, and named.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path
from typing import Callable

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"    # before NumPy is loaded


class NumpyPeer:
    """matmul and sort, as one writes it; its gradient by argsort."""

    name, gradient = "numpy", True

    def __init__(self) -> None:
        self.np = importlib.import_module("numpy")
        self.version = self.np.__version__

    def load(self, z, y, directions) -> None:
        self.z, self.y, self.directions = z, y, directions

    def value(self) -> float:
        np = self.np
        z, y = (self.directions @ cloud.T for cloud in (self.z, self.y))
        z.sort(axis=1)
        y.sort(axis=1)
        z -= y
        return float(np.einsum("lk,lk->l", z, z).sum(dtype=np.float64)) / z.size

    def value_and_gradient(self):
        np = self.np
        z, y = (self.directions @ cloud.T for cloud in (self.z, self.y))
        order = np.argsort(z, axis=1)
        gaps = np.take_along_axis(z, order, axis=1)
        y.sort(axis=1)
        gaps -= y
        value = float(np.einsum("lk,lk->l", gaps, gaps).sum(dtype=np.float64)) / gaps.size
        np.put_along_axis(z, order, gaps, axis=1)    # z has served
        gradient = z.T @ self.directions
        gradient *= np.float32(2.0 / z.size)
        return value, gradient


class PotPeer:
    """POT's sliced_wasserstein_distance on PyTorch tensors, its gradient by autograd. POT returns the root: the square is what is differentiated."""

    name, gradient = "pot", True

    def __init__(self) -> None:
        self.ot = importlib.import_module("ot")
        self.torch = importlib.import_module("torch")
        self.torch.set_num_threads(1)
        self.version = f"{self.ot.__version__}/torch-{self.torch.__version__}"

    def load(self, z, y, directions) -> None:
        torch = self.torch
        self.z, self.y = (torch.from_numpy(cloud.copy()) for cloud in (z, y))
        self.projections = torch.from_numpy(directions.T.copy())    # POT takes them as columns

    def loss(self, z):
        count = self.projections.shape[1]    # POT 0.8 divides by this number, whatever projections it is given
        return self.ot.sliced_wasserstein_distance(z, self.y, n_projections=count, projections=self.projections, p=2) ** 2

    def value(self) -> float:
        with self.torch.no_grad():
            return float(self.loss(self.z))

    def value_and_gradient(self):
        z = self.z.clone().requires_grad_(True)
        loss = self.loss(z)
        loss.backward()
        return float(loss), z.grad.numpy()


def find_peers() -> tuple[dict[str, object], list[str]]:
    """Those that can be made, and a sentence about each of the others."""
    peers, skipped = {}, []
    for kind, title in ((NumpyPeer, "NumPy"), (PotPeer, "POT")):
        try:
            peers[kind.name] = kind()
        except ImportError as error:
            skipped.append(f"{title}: {sys.executable} has no module '{error.name}'")
    return peers, skipped


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    peers, skipped = find_peers()
    told = [f"peer {p.name} {p.version} {'gradient' if p.gradient else 'value'}" for p in peers.values()] + [f"skipped {s}" for s in skipped] + ["done"]

    def answer(words: list[str]) -> str:
        if words[0] in ("who", "next"):
            return told.pop(0)
        if words[0] == "load":
            import numpy as np
            n, d, count = map(int, words[1:])
            read = lambda name, rows: np.fromfile(folder / name, dtype=np.float32).reshape(rows, d)
            for peer in peers.values():
                peer.load(read("z", n), read("y", n), read("directions", count))
            return "loaded"
        peer, with_gradient = peers[words[1]], words[2] == "gradient"
        work: Callable = peer.value_and_gradient if with_gradient else peer.value
        begin = time.thread_time()
        result = work()
        seconds = time.thread_time() - begin
        if words[0] == "time":
            return repr(seconds)
        if with_gradient:
            result, gradient = result
            gradient.astype("float32").tofile(folder / "gradient")
        return repr(result)

    for line in sys.stdin:
        try:
            reply = answer(line.split())
        except Exception as error:    # the program that asked decides what it means
            reply = f"error {type(error).__name__}: {error}".replace("\n", " ")
        print(reply, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
