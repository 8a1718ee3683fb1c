"""Values on a regular grid in the plane, from a CSV with a row a cell: what a heat map and level lines are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

from report_files import Csv, DataFolder, InputError, Record

MOST_CELLS = 4_000_000
LEVELS = 12                  # level lines
DECADES = 6                  # of a logarithmic colour scale; what is smaller has the lightest colour
DENSITY = LinearSegmentedColormap.from_list("density", ("#DCE9F5", "#A6CBE6", "#5FA3D0", "#2373B2", "#08457F", "#062B52"))


@dataclass(frozen=True)
class Cells:
    """`values[j, i]` at the centre (x[i], y[j]) of a cell; NaN where the file has no value. `lost` counts the rows without one."""

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    lost: int

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The outer edges of the cells: left, right, bottom, top."""
        half = [(centres[1] - centres[0]) / 2 for centres in (self.x, self.y)]
        return self.x[0] - half[0], self.x[-1] + half[0], self.y[0] - half[1], self.y[-1] + half[1]

    def levels(self) -> np.ndarray:
        """
        Heights of the level lines: of all values the (k/13)² quantiles, k = 1 … 12. Around a minimum the lines are about equally far apart,
        and walls that are far higher do not use them up.
        """
        known = self.values[np.isfinite(self.values)]
        if known.size == 0:
            return known
        heights = np.unique(np.quantile(known, (np.arange(1, LEVELS + 1) / (LEVELS + 1)) ** 2))
        return heights[(heights > known.min()) & (heights < known.max())]


def read_cells(part: Record, data: DataFolder, nonnegative: bool) -> Cells | None:
    """The cells that a panel declares, or None where no row is left; the centres must be those of a regular grid, of which cells may be missing."""
    table = data.table(part.text("file"))
    rows = table.matching(part.record("where").value if part.has("where") else {})
    values = table.numbers(part.text("value"), rows)
    x, i = centres(table, part.text("x"), rows)
    y, j = centres(table, part.text("y"), rows)
    if not rows:
        return None
    if x.size * y.size > MOST_CELLS:
        raise InputError(f"{table.path}: a grid of {x.size} × {y.size} cells is more than a figure can show")
    flat = j * x.size + i
    _, first = np.unique(flat, return_index=True)
    if first.size < len(rows):
        again = min(set(range(len(rows))) - set(first.tolist()))
        raise InputError(f"{table.path}:{table.lines[rows[again]]}: a second value for the cell at ({x[i[again]]:g}, {y[j[again]]:g}); is a 'where' missing?")
    if nonnegative and np.any(values < 0):
        row = rows[int(np.argmax(values < 0))]
        raise InputError(f"{table.path}:{table.lines[row]}: a density is at least 0, but column '{part.text('value')}' has {values[values < 0][0]:g}")
    known = np.isfinite(values)
    grid = np.full(x.size * y.size, np.nan)
    grid[flat[known]] = values[known]
    return Cells(x, y, grid.reshape(y.size, x.size), int(np.sum(~known)))


def centres(table: Csv, column: str, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The centres of a grid along one axis, equally far apart, and for every row which of them it has."""
    values = table.numbers(column, rows)
    for row, value in zip(rows, values):
        if not np.isfinite(value):
            raise InputError(f"{table.path}:{table.lines[row]}: a cell needs a place, but column '{column}' has {value:g}")
    if not rows:
        return values, np.empty(0, dtype=int)
    low, span = values.min(), values.max() - values.min()
    steps = np.diff(np.unique(values))
    steps = steps[steps > 1e-9 * span]
    if steps.size == 0:
        raise InputError(f"{table.path}: the cells of a grid need at least two values of column '{column}'")
    count = round(span / steps.min())
    if count > MOST_CELLS:
        raise InputError(f"{table.path}: column '{column}' has values {steps.min():g} apart over a range of {span:g}: no regular grid")
    places = (values - low) / span * count
    off = np.abs(places - np.round(places))
    if np.any(off > 0.02):
        row = rows[int(np.argmax(off))]
        raise InputError(f"{table.path}:{table.lines[row]}: {values[int(np.argmax(off))]:g} in column '{column}' is not on the regular grid of the others, "
                         f"which starts at {low:g} and goes on in steps of {span / count:g}")
    return low + span / count * np.arange(count + 1), np.round(places).astype(int)


@dataclass(frozen=True)
class ColourScale:
    """From the lightest colour to the darkest; `cut`: there are smaller values, which have the lightest."""

    low: float
    high: float
    log: bool
    cut: bool

    @property
    def norm(self) -> Normalize:
        return LogNorm(self.low, self.high, clip=True) if self.log else Normalize(self.low, self.high)

    def reached(self, value: float) -> float:
        """How far up the scale a value is, from 0 to 1."""
        return float(self.norm(value))


def colour_scale(parts: list[Cells]) -> ColourScale | None:
    """A scale for these densities: logarithmic where the positive ones span more than two decades, else from 0; None where none is positive."""
    positive = np.concatenate([part.values[part.values > 0] for part in parts] or [np.empty(0)])
    if positive.size == 0:
        return None
    low, high = float(positive.min()), float(positive.max())
    floor = high * 10.0 ** -DECADES
    log = high > 100 * low
    return ColourScale(max(low, floor) if log else 0.0, high, log, log and low < floor)


def shared_scale(parts: list[Cells]) -> ColourScale | None:
    """One scale for all, or None where some panel would then have light colours only."""
    scale = colour_scale(parts)
    if scale is None:
        return None
    highest = [float(np.nanmax(part.values)) for part in parts if np.any(part.values > 0)]
    return scale if all(scale.reached(value) >= 0.3 for value in highest) else None
