"""Scatter plots: clouds in the plane, targets under what was generated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report_axes import limits, linear_ticks
from report_drawing import PAGE_INCHES, PALETTE, RASTER_POINTS, Drawing, finish, new_figure, plain, wrapped
from report_files import DataFolder, Record
from report_panels import Grid, columns_of


@dataclass(frozen=True)
class Cloud:
    """A series of a scatter panel, read."""

    label: str
    x: np.ndarray
    y: np.ndarray

    @property
    def is_target(self) -> bool:
        return "target" in self.label.lower()


def read_cloud(series: Record, data: DataFolder) -> Cloud:
    table = data.table(series.text("file"))
    rows = table.matching(series.record("where").value if series.has("where") else {})
    return Cloud(series.text("label"), table.numbers(series.text("x"), rows), table.numbers(series.text("y"), rows))


def draw_scatter(figure: Record, data: DataFolder) -> Drawing:
    """Clouds in the plane, targets under what was generated; each panel has limits of its own, and equal scales on both axes."""
    columns = columns_of(figure)
    panels = figure.records("panels")
    clouds = [[read_cloud(s, data) for s in panel.records("series")] for panel in panels]
    labels = list(dict.fromkeys(c.label for panel in clouds for c in sorted(panel, key=lambda c: not c.is_target)))
    colors = cloud_colors(labels)
    side = min(3.3, max(1.15, (PAGE_INCHES - 0.15) / columns - 0.5))
    titles = [wrapped(panel.text("title", ""), side + 0.2) for panel in panels]
    above = 0.16 + 0.18 * max(title.count("\n") + 1 if title else 0 for title in titles)
    grid = Grid(len(panels), columns, side, side, left=0.5, below=0.32, above=above, foot=0.3)
    drawing = new_figure(*grid.size)
    many = sum(c.x.size for panel in clouds for c in panel) > RASTER_POINTS
    notes: list[str] = []
    for k, panel in enumerate(clouds):
        axes = drawing.add_axes(grid.place(k))
        axes.set_title(titles[k], fontsize=10)
        notes += draw_clouds(axes, panel, colors, panels[k].text("title", ""), side, many)
    handles = [Line2D([], [], linestyle="none", marker="o", markersize=6, color=colors[label]) for label in labels]
    drawing.legend(handles, [plain(label) for label in labels], loc="lower center", ncol=max(1, len(labels)), handletextpad=0.2, borderaxespad=0.3)
    return finish(drawing, as_png=many, notes=notes)


def cloud_colors(labels: list[str]) -> dict[str, str]:
    """Orange for a target, which shows through the blue of what lies over it; other colours for the others."""
    others = [label for label in labels if "target" not in label.lower()]
    targets = [label for label in labels if label not in others]
    blue, vermillion, green, purple, orange, sky, black = PALETTE
    under, over = (orange, purple, sky), (blue, green, vermillion, black)
    return {label: over[k % 4] for k, label in enumerate(others)} | {label: under[k % 3] for k, label in enumerate(targets)}


def draw_clouds(axes: Axes, panel: list[Cloud], colors: dict[str, str], title: str, side: float, many: bool) -> list[str]:
    """Draw one panel; returns what has to be said about points that are not shown."""
    low_x, high_x = limits(np.concatenate([c.x for c in panel] or [np.empty(0)]), False)
    low_y, high_y = limits(np.concatenate([c.y for c in panel] or [np.empty(0)]), False)
    half = max(high_x - low_x, high_y - low_y) / 2
    axes.set_xlim((low_x + high_x) / 2 - half, (low_x + high_x) / 2 + half)
    axes.set_ylim((low_y + high_y) / 2 - half, (low_y + high_y) / 2 + half)
    for axis in (axes.xaxis, axes.yaxis):
        linear_ticks(axis, 3 if side < 2 else 5)
    notes = []
    for order, cloud in enumerate(sorted(panel, key=lambda c: not c.is_target)):
        size = float(np.clip(1800 * side / max(cloud.x.size, 1), 2.0, 12.0))
        alpha = float(np.clip(350 / max(cloud.x.size, 1), 0.2, 0.7))
        axes.scatter(cloud.x, cloud.y, s=size, color=colors[cloud.label], alpha=alpha, linewidths=0, zorder=2 + order, rasterized=many)
        lost = cloud.x.size - int(np.sum(np.isfinite(cloud.x) & np.isfinite(cloud.y)))
        where = f"“{cloud.label}”" + (f" in “{title}”" if title else "")
        if cloud.x.size == 0:
            notes.append(f"No data for {where}.")
        elif lost:
            notes.append(f"{lost} of {cloud.x.size} points of {where} are not shown: not finite.")
    return notes
