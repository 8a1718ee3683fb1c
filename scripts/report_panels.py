"""Panels of one size in rows and columns, laid out to the dot."""

from __future__ import annotations

import math
from dataclasses import dataclass

from report_drawing import PNG_DPI
from report_files import InputError, Record


@dataclass(frozen=True)
class Grid:
    """Panels of one size in rows and columns; all lengths in inches: a panel, the room on its four sides, and that under and to the right of all panels."""

    count: int
    columns: int
    width: float
    height: float
    left: float
    below: float
    above: float
    foot: float = 0.0
    right: float = 0.0
    aside: float = 0.15

    @property
    def size(self) -> tuple[float, float]:
        rows = math.ceil(self.count / self.columns)
        return self.columns * (self.left + self.width + self.right) + self.aside, rows * (self.above + self.height + self.below) + self.foot + 0.05

    def place(self, k: int) -> list[float]:
        """The panel's left, bottom, width and height as fractions of the figure, snapped to the dots of the PNG."""
        total_width, total_height = self.size
        left = (k % self.columns) * (self.left + self.width + self.right) + self.left
        bottom = total_height - 0.05 - (k // self.columns) * (self.above + self.height + self.below) - self.above - self.height
        snap = lambda inches: round(inches * PNG_DPI) / PNG_DPI
        return [snap(left) / total_width, snap(bottom) / total_height, self.width / total_width, self.height / total_height]


def legend_shape(labels: list[str], width: float) -> tuple[int, float]:
    """How many columns the legend of a figure of this width has, and its height in inches."""
    longest = max([len(label) for label in labels] or [1])
    columns = max(1, min(len(labels), int(width / (0.55 + longest * 0.083))))
    rows = math.ceil(len(labels) / columns)
    return math.ceil(len(labels) / max(1, rows)) or 1, 0.1 + 0.215 * rows


def columns_of(figure: Record) -> int:
    columns = figure.integer("columns")
    if columns < 1:
        raise InputError(f"{figure.where}: the figure needs at least 1 column, but declares {columns}")
    return min(columns, len(figure.array("panels")))
