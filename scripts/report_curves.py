"""Curves: lines with shaded intervals, points with bars, steps, fans of many paths, lines for reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report_axes import common, limits, linear_ticks, log_ticks
from report_drawing import MARKERS, PAGE_INCHES, PALETTE, RASTER_VERTICES, Drawing, finish, new_figure, plain, wrapped
from report_files import DataFolder, InputError, Record
from report_lines import Labels, Line, draw_line, explained_lines, legend_handle, read_line
from report_panels import legend_shape

FEW = 24   # a line with no more points than this shows each of them
STYLES = ("line", "points", "dashed", "step", "fan")
MARKED = ("line", "step")   # the styles with marks on the line


@dataclass(frozen=True)
class Curve:
    """A series of a panel, read; `paths` are the places of the points of each polyline of a fan."""

    label: str
    style: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    paths: list[list[int]] = field(default_factory=list)

    def heights(self) -> np.ndarray:
        return np.concatenate([part for part in (self.y, self.low, self.high) if part is not None])

    def outline(self) -> list[np.ndarray]:
        """What is drawn of the series, as polylines with rows (x, y); points by themselves are polylines of one point."""
        if self.style == "points":
            return [np.array([[x, y]]) for x, y in zip(self.x, self.y)] + [np.array([[x, a], [x, b]]) for x, a, b in self._bars()]
        if self.style == "fan":
            return [np.stack([self.x[path], self.y[path]], axis=1) for path in self.paths]
        x, heights = self.x, [part for part in (self.y, self.low, self.high) if part is not None]
        if self.style == "step":
            x, heights = np.repeat(x, 2)[1:], [np.repeat(part, 2)[:-1] for part in heights]
        return [np.stack([x, part], axis=1) for part in heights]

    def _bars(self) -> list[tuple[float, float, float]]:
        return [] if self.low is None else list(zip(self.x, self.low, self.high))


def read_curve(series: Record, figure: Record, data: DataFolder) -> Curve:
    table = data.table(figure.text("file"))
    rows = table.matching(series.record("where").value if series.has("where") else {})
    if series.has("low") != series.has("high"):
        raise InputError(f"{series.where}: 'low' and 'high' come together")
    column = lambda key: table.numbers(series.text(key), rows) if series.has(key) else None
    style = series.text("style", "line")
    if style not in STYLES:
        raise InputError(f"{series.where}: the style should be {', '.join(STYLES[:-1])} or {STYLES[-1]}, but is '{style}'")
    if style == "fan" and series.has("low"):
        raise InputError(f"{series.where}: a fan has no interval: 'low' and 'high' belong to the other styles")
    if style != "fan" and series.has("path"):
        raise InputError(f"{series.where}: 'path' belongs to the style fan, but the style is '{style}'")
    paths = table.groups(series.text("path"), rows) if style == "fan" else []
    x, y = table.numbers(figure.text("x"), rows), table.numbers(series.text("y"), rows)
    return Curve(series.text("label"), style, x, y, column("low"), column("high"), paths)


def draw_curves(figure: Record, data: DataFolder) -> Drawing:
    """Lines with shaded intervals, points with bars, steps, or fans; one colour a label throughout the figure."""
    log_x, log_y = figure.boolean("log_x", False), figure.boolean("log_y", False)
    panels = figure.records("panels")
    curves = [[read_curve(s, figure, data) for s in panel.records("series")] for panel in panels]
    lines = [[read_line(line, log_x, log_y) for line in panel.records("lines", optional=True)] for panel in panels]
    labels = list(dict.fromkeys(curve.label for panel in curves for curve in panel))
    columns = len(panels) if len(panels) <= 3 else 2 if len(panels) == 4 else 3
    rows = math.ceil(len(panels) / columns)
    width = 7.2 if len(panels) == 1 else PAGE_INCHES
    side = width / columns
    legend = Legend(labels, curves, width, explained_lines(figure, lines))
    explained = legend.lines != [] or [label for label in labels if label not in (figure.text("title"), figure.text("y_label"))] != []
    legend_height = legend.height if explained else 0.02
    panel_height = {1: 3.9, 2: 3.5}.get(columns, 3.0)
    drawing = new_figure(width, rows * panel_height + legend_height, layout="constrained")
    drawing.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.02, hspace=0.02)
    grid = drawing.add_gridspec(rows + 1, columns, height_ratios=[panel_height] * rows + [legend_height])

    x_ranges = [limits(np.concatenate([c.x for c in panel] + [np.array([line.x for line in marks if line.x is not None], dtype=float)]), log_x, 0.03)
                for panel, marks in zip(curves, lines)]
    y_ranges = [limits(np.concatenate([c.heights() for c in panel] + [np.array([line.y for line in marks if line.y is not None], dtype=float)]), log_y)
                for panel, marks in zip(curves, lines)]
    shared_x, shared_y = common(x_ranges, log_x), common(y_ranges, log_y)
    many = sum(curve.x.size for panel in curves for curve in panel if curve.style == "fan") > RASTER_VERTICES
    notes: list[str] = []
    shown = []
    for k, (panel, marks) in enumerate(zip(curves, lines)):
        axes = drawing.add_subplot(grid[k // columns, k % columns])
        if figure.boolean("equal_axes", False):
            axes.set_aspect("equal", adjustable="datalim")
        title = panels[k].text("title", "")
        if title and not (len(panels) == 1 and title == figure.text("title")):
            axes.set_title(wrapped(title, side - 0.6))
        set_scales(axes, log_x, log_y, shared_x or x_ranges[k], shared_y or y_ranges[k], panel, side)
        for curve in panel:
            notes += draw_curve(axes, curve, legend.look(curve.label), log_x, log_y, title, many)
        missing = [mark for mark in marks if not draw_line(axes, mark)]
        notes += [f"The line “{mark.name}”{within(title)} is not shown: it lies outside the panel." for mark in missing]
        shown.append((axes, [mark for mark in marks if mark not in missing], [part for curve in panel for part in curve.outline()]))
        if k + columns >= len(panels):
            axes.set_xlabel(plain(figure.text("x_label")))
        if k % columns == 0:
            axes.set_ylabel(plain(figure.text("y_label")))
    if explained:
        legend.place(drawing.add_subplot(grid[rows, :]))
    if any(mark.label for _, marks, _ in shown for mark in marks):
        drawing.draw_without_rendering()     # now the panels have their sizes
        for axes, marks, outlines in shown:
            Labels(axes, marks, outlines).draw()
    return finish(drawing, as_png=many, notes=notes)


def within(title: str) -> str:
    """Which panel a note speaks of."""
    return f" in “{title}”" if title else ""


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


def draw_curve(axes: Axes, curve: Curve, look: dict, log_x: bool, log_y: bool, title: str, many: bool) -> list[str]:
    """Draw one series; returns what has to be said about values that are not shown."""
    color, bottom = look["color"], axes.get_ylim()[0]
    if curve.low is not None:
        low = np.where(curve.low > 0, curve.low, np.where(np.isnan(curve.low), np.nan, bottom)) if log_y else curve.low
        if curve.style == "points":
            there = np.isfinite(low) & np.isfinite(curve.high)
            axes.vlines(curve.x[there], low[there], curve.high[there], color=color, linewidth=1.1, alpha=0.75)
        else:
            axes.fill_between(curve.x, low, curve.high, color=color, alpha=0.17, linewidth=0, step="post" if curve.style == "step" else None)
            alone = lonely(curve)
            axes.vlines(curve.x[alone], low[alone], curve.high[alone], color=color, linewidth=1.1, alpha=0.75)
    few = curve.x.size <= FEW
    if curve.style == "points":
        axes.plot(curve.x, curve.y, linestyle="none", marker=look["marker"], color=color, markersize=5 if few else 3)
    elif curve.style == "fan":
        alpha = float(np.clip(10 / max(1, len(curve.paths)), 0.12, 0.5))
        for path in curve.paths:
            axes.plot(curve.x[path], curve.y[path], color=color, linewidth=0.7, alpha=alpha, zorder=1.8, rasterized=many)
    else:
        dashes = (0, (5, 2.5)) if curve.style == "dashed" else look["dashes"]
        every = 1 if few else (look["shift"] % 0.1, 0.1)     # on a long line a mark each tenth of the panel's diagonal
        axes.plot(curve.x, curve.y, linestyle=dashes, marker=look["marker"] if curve.style in MARKED and look["marked"] else None, markevery=every, color=color,
                  drawstyle="steps-post" if curve.style == "step" else "default")
    place = f"“{curve.label}”{within(title)}"
    if curve.x.size == 0:
        return [f"No data for {place}."]
    hidden = curve.x.size - int(np.sum(np.isfinite(curve.x) & np.isfinite(curve.y) & ((curve.x > 0) | (not log_x)) & ((curve.y > 0) | (not log_y))))
    why = " or not positive on a logarithmic axis" if log_x or log_y else ""
    return [f"{hidden} of {curve.x.size} values of {place} are not shown: empty, not finite{why}."] if hidden else []


def lonely(curve: Curve) -> np.ndarray:
    """Which points have no neighbour to draw a band to: these get a bar."""
    there = np.concatenate([[False], np.isfinite(curve.x) & np.isfinite(curve.low) & np.isfinite(curve.high), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


class Legend:
    """The looks of the labels of a figure, and the strip under its panels that explains them and the lines that have a text for it."""

    def __init__(self, labels: list[str], panels: list[list[Curve]], width: float, lines: list[Line] | None = None):
        self.labels, self.lines = labels, lines or []
        self.empty = {label for label in labels if not any(curve.x.size for panel in panels for curve in panel if curve.label == label)}
        self.styles = {curve.label: curve.style for panel in panels for curve in panel}
        self.marked = len(labels) > 1 or all(curve.x.size <= FEW for panel in panels for curve in panel)
        self.columns, self.height = legend_shape(labels + [line.legend for line in self.lines], width)

    def look(self, label: str) -> dict:
        k = self.labels.index(label)
        return {"color": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)], "shift": 0.037 * k, "marked": self.marked,
                "dashes": ("solid", (0, (1, 1.2)), (0, (7, 2, 1, 2)))[k // len(PALETTE) % 3]}

    def handle(self, label: str) -> Line2D:
        look, style = self.look(label), self.styles[label]
        dashes = {"points": "none", "dashed": (0, (4, 2))}.get(style, look["dashes"])
        if style == "fan":
            return Line2D([], [], color=look["color"], linewidth=1.0, alpha=0.7)
        return Line2D([], [], color=look["color"], linestyle=dashes, marker=look["marker"] if style == "points" or (style in MARKED and self.marked) else None)

    def place(self, axes: Axes) -> None:
        axes.set_axis_off()
        names = [plain(label) + (" (no data)" if label in self.empty else "") for label in self.labels]
        handles = [self.handle(label) for label in self.labels] + [legend_handle(line) for line in self.lines]
        axes.legend(handles, names + [plain(line.legend) for line in self.lines], loc="center", ncol=self.columns, borderaxespad=0,
                    columnspacing=1.6, handlelength=2.2)
