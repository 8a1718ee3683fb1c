# %% [markdown]
# # Is my PyTorch loss right?
#
# Any function `f(X, Y, directions) -> (value, gradient)` on NumPy arrays can be judged. Cells are divided by `# %%`; run them in an editor that knows that
# (VS Code, Spyder, Jupytext), or the whole file with `python3`. Where there is no PyTorch, the same loss is written in NumPy and judged in its place.

# %%
import numpy as np

import slicecheck

try:
    import torch

    torch.set_num_threads(1)  # the clouds are small: more threads would only wait for each other
except ImportError:
    torch = None
    print("torch is not installed: SKIPPED the PyTorch loss, judging the same loss in NumPy")

# %% [markdown]
# ## The loss
#
# As one would write it for training: p = 2, the mean over directions and points, no root. `sort_target=False` forgets to sort the projections of Y, a mistake
# that still trains, towards something else.


# %%
def torch_loss(X, Y, directions, sort_target=True):
    x = torch.sort(X @ directions.t(), dim=0)[0]
    y = Y @ directions.t()
    if sort_target:
        y = torch.sort(y, dim=0)[0]
    return ((x - y) ** 2).mean()


def numpy_loss(X, Y, directions, sort_target=True):
    x, y = X @ directions.T, Y @ directions.T
    order = np.argsort(x, axis=0, kind="stable")
    if sort_target:
        y = np.sort(y, axis=0)
    matched = np.empty_like(y)
    np.put_along_axis(matched, order, y, axis=0)
    gap = x - matched
    return (gap**2).mean(), 2.0 / gap.size * gap @ directions


# %% [markdown]
# ## From tensors to arrays
#
# The gradient is the one that automatic differentiation gives: what a training would use is what is judged.


# %%
def judged(sort_target):
    def loss(X, Y, directions):
        if torch is None:
            return numpy_loss(X, Y, directions, sort_target)
        x = torch.from_numpy(X).requires_grad_()
        value = torch_loss(x, torch.from_numpy(Y), torch.from_numpy(directions), sort_target)
        return value.item(), torch.autograd.grad(value, x)[0].numpy()

    loss.__name__ = "sorted_loss" if sort_target else "unsorted_target"
    return loss


# %% [markdown]
# ## The right one
#
# Clouds with exact ties, duplicates, one point, offsets of 10⁶; every tolerance is derived from rounding. A worst ratio of at most 1 holds.

# %%
verdicts = slicecheck.verify(judged(sort_target=True), cases=300)
print(verdicts)
assert verdicts.holds

# %% [markdown]
# ## The wrong one
#
# A refutation comes with the smallest clouds that show it, as arrays.

# %%
verdicts = slicecheck.verify(judged(sort_target=False), ["L1", "L6"], cases=150)
print(verdicts)
found = verdicts["L1"].counter_example
value, _ = judged(sort_target=False)(found.X, found.Y, found.directions)
expected = slicecheck.distance(found.X, found.Y, found.directions)
print(f"on the counter-example the loss is {value}, and the distance is {expected.value}")
assert not verdicts.holds
assert verdicts["L1"].outcome == "refuted"

# %% [markdown]
# ## How far off is a training's loss?
#
# In the plane, the mean over ALL directions is known without Monte Carlo.

# %%
generator = np.random.default_rng(1)
X, Y = generator.normal(size=(200, 2)), generator.normal(size=(200, 2)) + [2.0, 0.0]
exact = slicecheck.exact_plane(X, Y)
sampled = slicecheck.distance(X, Y, directions=50)
print(sampled)
print(f"exact {exact.value:.6f}, max-sliced {exact.max_value:.6f} along {exact.max_direction.round(4)}")
