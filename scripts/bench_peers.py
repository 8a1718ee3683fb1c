#!/usr/bin/python3
"""The loss in NumPy and, where they are installed, POT with PyTorch: peers of slicecheck_bench, which starts this process and asks it.

    bench_peers.py FOLDER

One request a line on standard input, one line of answer each:

    who, next         "peer NAME VERSION gradient|value", "skipped WHO and why", at last "done"
    load N D L        the clouds are in FOLDER/z, FOLDER/y, FOLDER/directions: 32-bit floats by rows
    evaluate NAME K   the value; with K = gradient, also FOLDER/gradient
    time NAME K       seconds of processor time of one evaluation, K = gradient or value
    transport N M LAMBDA  FOLDER/a, b, cost (64-bit floats) are a problem of KL-regularised transport: "sinkhorn VERSION", or "skipped WHO and why"
    sinkhorn GAP      iterations of POT's sinkhorn_log until the duality gap of its potentials is at most GAP, and that gap
    time_sinkhorn K   seconds of processor time of K iterations

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


class SinkhornPeer:
    """POT's ot.bregman.sinkhorn_log, judged by the certificate that slicecheck's solver stops at: nothing that POT says of its convergence."""

    def __init__(self, folder: Path, n: int, m: int, strength: float) -> None:
        self.np = importlib.import_module("numpy")
        self.ot = importlib.import_module("ot")
        self.version = self.ot.__version__
        read = lambda name, shape: self.np.fromfile(folder / name, dtype=self.np.float64).reshape(shape)
        self.a, self.b, self.cost, self.strength = read("a", n), read("b", m), read("cost", (n, m)), strength

    def run(self, iterations: int):
        return self.ot.bregman.sinkhorn_log(self.a, self.b, self.cost, self.strength, numItermax=iterations, stopThr=0.0, log=True, warn=False)[1]

    def gap(self, log) -> float:
        """lambda KL(p | plan) + <phi, r - a> - <psi, s - b> for the plan p with marginals r and s that rounding makes of POT's (claim R2)."""
        np = self.np
        phi, psi = self.strength * (log["log_u"] - np.log(self.a)), -self.strength * (log["log_v"] - np.log(self.b))
        plan = np.exp(log["log_u"][:, None] + log["log_v"][None, :] - self.cost / self.strength)
        p = plan * np.minimum(1.0, self.a / plan.sum(axis=1))[:, None]
        p *= np.minimum(1.0, self.b / p.sum(axis=0))[None, :]
        rows, columns = np.maximum(self.a - p.sum(axis=1), 0.0), np.maximum(self.b - p.sum(axis=0), 0.0)
        if columns.sum() > 0.0:
            p += np.outer(rows, columns) / columns.sum()
        t = np.divide(p - plan, plan, out=np.zeros_like(p), where=plan > 0.0)
        near = np.abs(t) < 1e-4
        divergence = np.where(near, plan * t * t * (0.5 - t / 6.0), plan * ((1.0 + t) * np.log1p(t) - t))
        return float(self.strength * divergence.sum() + phi @ (p.sum(axis=1) - self.a) - psi @ (p.sum(axis=0) - self.b))

    def iterations(self, wanted: float) -> tuple[int, float]:
        low, high = 0, 1
        while (gap := self.gap(self.run(high))) > wanted:
            low, high = high, 2 * high
            if high > 100_000:
                raise RuntimeError(f"sinkhorn_log has a gap of {gap:g} after {low} iterations")
        while high - low > 1:
            middle = (low + high) // 2
            if (of_middle := self.gap(self.run(middle))) <= wanted:
                high, gap = middle, of_middle
            else:
                low = middle
        return high, gap


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

    sinkhorn: list[SinkhornPeer] = []

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
        if words[0] == "transport":
            try:
                sinkhorn.append(SinkhornPeer(folder, int(words[1]), int(words[2]), float(words[3])))
            except ImportError as error:
                return f"skipped POT is not there: {sys.executable} has no module '{error.name}'"
            return f"sinkhorn {sinkhorn[-1].version}"
        if words[0] == "sinkhorn":
            count, gap = sinkhorn[-1].iterations(float(words[1]))
            return f"{count} {gap!r}"
        if words[0] == "time_sinkhorn":
            begin = time.thread_time()
            sinkhorn[-1].run(int(words[1]))
            return repr(time.thread_time() - begin)
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
