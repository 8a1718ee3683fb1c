"""Curves: lines with shaded intervals, points with bars, lines for reference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from report_axes import common, fractions, limits, linear_ticks, log_ticks
from report_drawing import INK, MARKERS, PAGE_INCHES, PALETTE, Drawing, finish, new_figure, plain, wrapped
from report_files import DataFolder, InputError, Record

FEW = 24   # a line with no more points than this shows each of them


@dataclass(frozen=True)
class Curve:
    """A series of a panel, read."""

    label: str
    style: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None

    def heights(self) -> np.ndarray:
        return np.concatenate([part for part in (self.y, self.low, self.high) if part is not None])


@dataclass(frozen=True)
class Line:
    """A horizontal line for reference."""

    y: float
    label: str


def read_curve(series: Record, figure: Record, data: DataFolder) -> Curve:
    table = data.table(figure.text("file"))
    rows = table.matching(series.record("where").value if series.has("where") else {})
    if series.has("low") != series.has("high"):
        raise InputError(f"{series.where}: 'low' and 'high' come together")
    column = lambda key: table.numbers(series.text(key), rows) if series.has(key) else None
    style = series.text("style", "line")
    if style not in ("line", "points", "dashed"):
        raise InputError(f"{series.where}: the style should be line, points or dashed, but is '{style}'")
    return Curve(series.text("label"), style, table.numbers(figure.text("x"), rows), table.numbers(series.text("y"), rows), column("low"), column("high"))


def draw_curves(figure: Record, data: DataFolder) -> Drawing:
    """Lines with shaded intervals, or points with bars; one colour a label throughout the figure."""
    log_x, log_y = figure.boolean("log_x", False), figure.boolean("log_y", False)
    panels = figure.records("panels")
    curves = [[read_curve(s, figure, data) for s in panel.records("series")] for panel in panels]
    lines = [[Line(line.number("y"), line.text("label", "")) for line in panel.records("lines", optional=True)] for panel in panels]
    labels = list(dict.fromkeys(curve.label for panel in curves for curve in panel))
    columns = len(panels) if len(panels) <= 3 else 2 if len(panels) == 4 else 3
    rows = math.ceil(len(panels) / columns)
    width = 7.2 if len(panels) == 1 else PAGE_INCHES
    side = width / columns
    legend = Legend(labels, curves, width)
    explained = [label for label in labels if label not in (figure.text("title"), figure.text("y_label"))] != []
    legend_height = legend.height if explained else 0.02
    panel_height = {1: 3.9, 2: 3.5}.get(columns, 3.0)
    drawing = new_figure(width, rows * panel_height + legend_height, layout="constrained")
    drawing.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.02, hspace=0.02)
    grid = drawing.add_gridspec(rows + 1, columns, height_ratios=[panel_height] * rows + [legend_height])

    x_ranges = [limits(np.concatenate([c.x for c in panel] or [np.empty(0)]), log_x, 0.03) for panel in curves]
    y_ranges = [limits(np.concatenate([c.heights() for c in panel] + [np.array([line.y for line in marks], dtype=float)]), log_y)
                for panel, marks in zip(curves, lines)]
    shared_x, shared_y = common(x_ranges, log_x), common(y_ranges, log_y)
    notes: list[str] = []
    for k, (panel, marks) in enumerate(zip(curves, lines)):
        axes = drawing.add_subplot(grid[k // columns, k % columns])
        if figure.boolean("equal_axes", False):
            axes.set_aspect("equal", adjustable="datalim")
        title = panels[k].text("title", "")
        if title and not (len(panels) == 1 and title == figure.text("title")):
            axes.set_title(wrapped(title, side - 0.6))
        set_scales(axes, log_x, log_y, shared_x or x_ranges[k], shared_y or y_ranges[k], panel, side)
        for curve in panel:
            notes += draw_curve(axes, curve, legend.look(curve.label), log_x, log_y, title)
        for mark in marks:
            draw_line(axes, mark, panel)
        if k + columns >= len(panels):
            axes.set_xlabel(plain(figure.text("x_label")))
        if k % columns == 0:
            axes.set_ylabel(plain(figure.text("y_label")))
    if explained:
        legend.place(drawing.add_subplot(grid[rows, :]))
    return finish(drawing, notes=notes)


def set_scales(axes: Axes, log_x: bool, log_y: bool, x_range: tuple[float, float], y_range: tuple[float, float], panel: list[Curve], side: float) -> None:
    """Scales, limits and ticks of one panel."""
    if log_x:
        axes.set_xscale("log", nonpositive="mask")
        log_ticks(axes.xaxis, *x_range, room=max(4, int(side * 2)), values=np.concatenate([c.x for c in panel] or [np.empty(0)]))
    else:
        linear_ticks(axes.xaxis, max(4, int(side * 1.6)))
    if log_y:
        axes.set_yscale("log", nonpositive="mask")
        log_ticks(axes.yaxis, *y_range, room=7)
    else:
        linear_ticks(axes.yaxis, 6)
    axes.set_xlim(x_range)
    axes.set_ylim(y_range)


def draw_curve(axes: Axes, curve: Curve, look: dict, log_x: bool, log_y: bool, title: str) -> list[str]:
    """Draw one series; returns what has to be said about values that are not shown."""
    color, bottom = look["color"], axes.get_ylim()[0]
    if curve.low is not None:
        low = np.where(curve.low > 0, curve.low, np.where(np.isnan(curve.low), np.nan, bottom)) if log_y else curve.low
        if curve.style == "points":
            there = np.isfinite(low) & np.isfinite(curve.high)
            axes.vlines(curve.x[there], low[there], curve.high[there], color=color, linewidth=1.1, alpha=0.75)
        else:
            axes.fill_between(curve.x, low, curve.high, color=color, alpha=0.17, linewidth=0)
    few = curve.x.size <= FEW
    if curve.style == "points":
        axes.plot(curve.x, curve.y, linestyle="none", marker=look["marker"], color=color, markersize=5 if few else 3)
    else:
        dashes = (0, (5, 2.5)) if curve.style == "dashed" else look["dashes"]
        every = 1 if few else (look["shift"] % 0.1, 0.1)     # on a long line a mark each tenth of the panel's diagonal
        axes.plot(curve.x, curve.y, linestyle=dashes, marker=look["marker"] if curve.style == "line" and look["marked"] else None, markevery=every, color=color)
    place = f"“{curve.label}”" + (f" in “{title}”" if title else "")
    if curve.x.size == 0:
        return [f"No data for {place}."]
    hidden = curve.x.size - int(np.sum(np.isfinite(curve.x) & np.isfinite(curve.y) & ((curve.x > 0) | (not log_x)) & ((curve.y > 0) | (not log_y))))
    why = " or not positive on a logarithmic axis" if log_x or log_y else ""
    return [f"{hidden} of {curve.x.size} values of {place} are not shown: empty, not finite{why}."] if hidden else []


def draw_line(axes: Axes, line: Line, panel: list[Curve]) -> None:
    """A horizontal line, labelled where fewest of the panel's values are in the way."""
    if axes.get_yscale() == "log" and not line.y > 0:
        return
    axes.axhline(line.y, color=INK, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1.5)
    if not line.label:
        return
    height = fractions(np.array([line.y]), axes.get_ylim(), axes.get_yscale())[0]
    x = np.concatenate([np.tile(fractions(c.x, axes.get_xlim(), axes.get_xscale()), c.heights().size // max(1, c.x.size)) for c in panel] or [np.empty(0)])
    y = np.concatenate([fractions(c.heights(), axes.get_ylim(), axes.get_yscale()) for c in panel] or [np.empty(0)]) - height
    ways = [(right, above) for above in (True, False) for right in (True, False) if 0.1 < height < 0.9 or above == (height <= 0.1)]
    in_the_way = lambda right, above: int(np.sum(((x > 0.55) if right else (x < 0.45)) & ((y > -0.01) & (y < 0.09) if above else (y < 0.01) & (y > -0.09))))
    right, above = min(ways, key=lambda way: in_the_way(*way))
    axes.annotate(plain(line.label), (0.99 if right else 0.01, line.y), xycoords=("axes fraction", "data"), xytext=(0, 2 if above else -3),
                  textcoords="offset points", ha="right" if right else "left", va="bottom" if above else "top", fontsize=9, color=INK,
                  path_effects=[withStroke(linewidth=2.5, foreground="white")])


class Legend:
    """The looks of the labels of a figure, and the strip under its panels that explains them."""

    def __init__(self, labels: list[str], panels: list[list[Curve]], width: float):
        self.labels = labels
        self.empty = {label for label in labels if not any(curve.x.size for panel in panels for curve in panel if curve.label == label)}
        self.styles = {curve.label: curve.style for panel in panels for curve in panel}
        self.marked = len(labels) > 1 or all(curve.x.size <= FEW for panel in panels for curve in panel)
        longest = max([len(label) for label in labels] or [1])
        self.columns = max(1, min(len(labels), int(width / (0.55 + longest * 0.083))))
        self.height = 0.1 + 0.215 * math.ceil(len(labels) / self.columns)

    def look(self, label: str) -> dict:
        k = self.labels.index(label)
        return {"color": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)], "shift": 0.037 * k, "marked": self.marked,
                "dashes": ("solid", (0, (1, 1.2)), (0, (7, 2, 1, 2)))[k // len(PALETTE) % 3]}

    def handle(self, label: str) -> Line2D:
        look, style = self.look(label), self.styles[label]
        dashes = {"points": "none", "dashed": (0, (4, 2))}.get(style, look["dashes"])
        return Line2D([], [], color=look["color"], linestyle=dashes, marker=look["marker"] if style == "points" or (style == "line" and self.marked) else None)

    def place(self, axes: Axes) -> None:
        axes.set_axis_off()
        names = [plain(label) + (" (no data)" if label in self.empty else "") for label in self.labels]
        axes.legend([self.handle(label) for label in self.labels], names, loc="center", ncol=self.columns, borderaxespad=0,
                    columnspacing=1.6, handlelength=2.2)
