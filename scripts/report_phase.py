"""Phase portraits: where the parameters are, how they move, and what pulls them, in the plane of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Circle
from matplotlib.path import Path as Shape
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Affine2D

from report_axes import common, limits, linear_ticks, log_ticks, tick_label
from report_cells import DENSITY, Cells, ColourScale, colour_scale, read_cells, shared_scale
from report_drawing import INK, PAGE_INCHES, RASTER_POINTS, RASTER_VERTICES, Drawing, finish, new_figure, plain, wrapped
from report_files import DataFolder, InputError, Record
from report_panels import Grid, columns_of, legend_shape

# Colours that stand out from the blue of the density and from each other; dashes as well, for who cannot tell the colours.
PATHS = ("#D55E00", "#007A59", "#9A4D7F", "#B87A00", "#000000")
DASHES = ("solid", (0, (6, 2)), (0, (2, 1.2)), (0, (7, 2, 1, 2)))
POINTS = ("#000000", "#FFFFFF", "#F0E442", "#CC79A7")
SHAPES = (("o", 7.5), ("D", 7.0), ("^", 9.0), ("P", 9.0), ("s", 7.0), ("X", 9.0))     # and their sizes
LEVEL_LINE = "#8C8C8C"
BALL = (0, (4, 2.5))
FEW_PATHS = 20                      # more paths of one label are drawn thin and transparent
ARROW = Shape([(-1.0, 0.75), (1.0, 0.0), (-1.0, -0.75), (-0.5, 0.0), (-1.0, 0.75)], closed=True)
BAR, BAR_ROOM = 0.14, 0.95          # inches: a colour bar, and the room that it takes with its ticks and its label
View = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Paths:
    """The polylines of one label, each with rows (x, y)."""

    label: str
    lines: list[np.ndarray]
    arrows: bool


@dataclass(frozen=True)
class Marks:
    """The points of one label, rows (x, y)."""

    label: str
    places: np.ndarray


@dataclass(frozen=True)
class Panel:
    """A panel, read."""

    title: str
    radius: float | None
    density: Cells | None
    contours: Cells | None
    contour_label: str
    paths: list[Paths]
    points: list[Marks]

    @property
    def places(self) -> np.ndarray:
        """Every vertex and point, rows (x, y)."""
        return np.concatenate([line for paths in self.paths for line in paths.lines] + [marks.places for marks in self.points] + [np.empty((0, 2))])

    @property
    def cells(self) -> list[Cells]:
        return [part for part in (self.density, self.contours) if part is not None]


def read_panel(panel: Record, data: DataFolder) -> tuple[Panel, list[str]]:
    """A panel, and what has to be said about values that it cannot show."""
    radius = panel.finite("radius") if panel.has("radius") else None
    if radius is not None and radius <= 0:
        raise InputError(f"{panel.where}: the radius of a ball is positive, but is {radius:g}")
    cells = {key: read_cells(panel.record(key), data, nonnegative=key == "density") if panel.has(key) else None for key in ("density", "contours")}
    read = Panel(panel.text("title", ""), radius, cells["density"], cells["contours"],
                 panel.record("contours").text("label", "level lines of F") if panel.has("contours") else "",
                 [read_paths(part, data) for part in panel.records("paths", optional=True)],
                 [Marks(part.text("label"), read_places(part, data)[0]) for part in panel.records("points", optional=True)])
    within = f" in “{read.title}”" if read.title else ""
    notes = []
    for key, part in cells.items():
        name = "density" if key == "density" else read.contour_label
        if panel.has(key) and (part is None or part.lost == part.values.size):
            notes.append(f"No data for the {name}{within}.")
        elif part is not None and part.lost:
            notes.append(f"{part.lost} cells of the {name}{within} are not shown: empty or not finite.")
        if key == "contours" and part is not None and part.levels().size == 0:
            notes.append(f"The {name}{within} cannot be drawn: the values are all the same.")
    vertices = [("vertices", paths.label, np.concatenate([*paths.lines, np.empty((0, 2))])) for paths in read.paths]
    for kind, label, places in vertices + [("points", marks.label, marks.places) for marks in read.points]:
        lost = len(places) - int(np.isfinite(places).all(axis=1).sum())
        if len(places) == 0:
            notes.append(f"No data for “{label}”{within}.")
        elif lost:
            notes.append(f"{lost} of {len(places)} {kind} of “{label}”{within} are not shown: empty or not finite.")
    return read, notes


def read_places(part: Record, data: DataFolder) -> tuple[np.ndarray, list[int]]:
    """Points of the plane, rows (x, y), and the numbers of their rows in the file."""
    table = data.table(part.text("file"))
    rows = table.matching(part.record("where").value if part.has("where") else {})
    return np.stack([table.numbers(part.text("x"), rows), table.numbers(part.text("y"), rows)], axis=1), rows


def read_paths(part: Record, data: DataFolder) -> Paths:
    places, rows = read_places(part, data)
    groups = data.table(part.text("file")).groups(part.text("path"), rows)
    return Paths(part.text("label"), [places[group] for group in groups], part.boolean("arrows", False))


# ---- what is shown --------------------------------------------------------------------------------------------------------------------

def view_of(panel: Panel) -> tuple[View, bool]:
    """The limits of a panel by itself, and whether its ball is within them: one that would squeeze all else below a quarter is not."""
    places = panel.places[np.isfinite(panel.places).all(axis=1)]
    ranges = []
    for k in range(2):
        ends = [part.extent[2 * k:2 * k + 2] for part in panel.cells]
        known = places[:, k]
        if known.size and not (ends and min(a for a, _ in ends) <= known.min() and known.max() <= max(b for _, b in ends)):
            ends.append(limits(known, False, 0.05))
        ranges.append((min(a for a, _ in ends), max(b for _, b in ends)) if ends else None)
    if panel.radius is None:
        return (ranges[0] or (0.0, 1.0), ranges[1] or (0.0, 1.0)), False
    ball = (-1.04 * panel.radius, 1.04 * panel.radius)
    if ranges[0] is None:
        return (ball, ball), True
    joint = [(min(a, ball[0]), max(b, ball[1])) for a, b in ranges]
    length = lambda ends: ends[1] - ends[0]
    if max(map(length, ranges)) < 0.25 * max(map(length, joint)):
        return (ranges[0], ranges[1]), False
    return (joint[0], joint[1]), True


def with_shape(view: View, shape: float) -> View:
    """The limits widened on one axis until height / width is the shape, so that the axes are equal in a panel of that shape."""
    (left, right), (bottom, top) = view
    width, height = max(right - left, (top - bottom) / shape), max(top - bottom, (right - left) * shape)
    x, y = (left + right) / 2, (bottom + top) / 2
    return (x - width / 2, x + width / 2), (y - height / 2, y + height / 2)


def draw_phase(figure: Record, data: DataFolder) -> Drawing:
    """Panels with equal axes and, where that squeezes none of them, the same limits; one scale of colours for all densities where that shows each of them."""
    columns = columns_of(figure)
    read = [read_panel(panel, data) for panel in figure.records("panels")]
    panels, notes = [panel for panel, _ in read], [note for _, said in read for note in said]
    views = [view_of(panel) for panel in panels]
    for k, (panel, (_, fits)) in enumerate(zip(panels, views)):
        if panel.radius is not None and not fits:
            notes.append(f"The ball B(0, {panel.radius:g}){f' in “{panel.title}”' if panel.title else ''} is not shown: it is far larger than the rest.")
            panels[k] = replace(panel, radius=None)
    shared = tuple(common([view[k] for view, _ in views], False) for k in range(2))
    shape = 1.0
    if None not in shared:
        shape = min(1.5, max(0.45, (shared[1][1] - shared[1][0]) / (shared[0][1] - shared[0][0])))
    scale = shared_scale([panel.density for panel in panels if panel.density is not None])
    scales = [scale or (colour_scale([panel.density]) if panel.density is not None else None) for panel in panels]
    bars = any(own is not None for own in scales)

    grid = layout(len(panels), columns, shape, right=BAR_ROOM if bars and not scale else 0.0, aside=BAR_ROOM + 0.1 if scale else 0.15)
    looks = Looks(panels)
    titles = [wrapped(panel.title, grid.width + 0.3) for panel in panels]
    legend_columns, foot = legend_shape(looks.labels, grid.size[0] - 0.4)
    above = 0.16 + 0.18 * max(title.count("\n") + 1 if title else 0 for title in titles)
    grid = Grid(grid.count, columns, grid.width, grid.height, grid.left, grid.below, above, foot + 0.05 if looks.labels else 0.0, grid.right, grid.aside)
    drawing = new_figure(*grid.size)
    vertices = sum(len(line) for panel in panels for paths in panel.paths for line in paths.lines)
    many = vertices > RASTER_VERTICES or sum(len(marks.places) for panel in panels for marks in panel.points) > RASTER_POINTS
    for k, panel in enumerate(panels):
        axes = drawing.add_axes(grid.place(k))
        axes.set_title(titles[k], fontsize=10)
        set_view(axes, with_shape(views[k][0] if None in shared else shared, shape), grid.width, grid.height)
        draw_panel(axes, panel, looks, scales[k], many)
        if k + columns >= len(panels):
            axes.set_xlabel(plain(figure.text("x_label")))
        if k % columns == 0:
            axes.set_ylabel(plain(figure.text("y_label")))
    label = plain(figure.text("density_label", "share of time"))
    for k, own in enumerate([scale] if scale else scales):
        if own is not None:
            left, bottom, width, height = grid.place(columns - 1 if scale else k)
            draw_bar(drawing, own, [left + width + 0.14 / grid.size[0], bottom, BAR / grid.size[0], height], grid.height, label)
    if looks.labels:
        centre = (grid.left + grid.size[0] - grid.aside) / 2 / grid.size[0]
        drawing.legend(looks.handles, [plain(name) for name in looks.labels], loc="lower center", bbox_to_anchor=(centre, 0.0), ncol=legend_columns,
                       borderaxespad=0.3, columnspacing=1.6, handlelength=2.2)
    return finish(drawing, as_png=many, notes=notes)


def layout(count: int, columns: int, shape: float, right: float, aside: float) -> Grid:
    """Panels as large as the page allows, within reason; the room above them and for the legend is not yet known."""
    left, below = 0.75, 0.52
    width = min(4.6 if columns == 1 else 3.6, max(1.1, (PAGE_INCHES - aside) / columns - left - right))
    width = min(width, 5.2 / shape)
    return Grid(count, columns, width, width * shape, left, below, 0.0, 0.0, right, aside)


def set_view(axes: Axes, view: View, width: float, height: float) -> None:
    """Limits and ticks; a grid would be taken for level lines."""
    axes.set_xlim(view[0])
    axes.set_ylim(view[1])
    axes.grid(False)
    linear_ticks(axes.xaxis, max(3, int(width * 1.8)))
    linear_ticks(axes.yaxis, max(3, int(height * 1.8)))


def draw_panel(axes: Axes, panel: Panel, looks: Looks, scale: ColourScale | None, many: bool) -> None:
    """The density, then level lines, the ball, the paths and the points, each over those before."""
    if panel.density is not None and scale is not None:
        shares = np.ma.masked_where(~(panel.density.values > 0), panel.density.values)
        axes.imshow(shares, extent=panel.density.extent, origin="lower", cmap=DENSITY, norm=scale.norm, interpolation="nearest", aspect="auto", zorder=1)
    if panel.contours is not None and panel.contours.levels().size:
        part = panel.contours
        axes.contour(part.x, part.y, np.ma.masked_invalid(part.values), levels=part.levels(), colors=LEVEL_LINE, linewidths=0.6, linestyles="solid", zorder=1.3)
    if panel.radius is not None:
        axes.add_patch(Circle((0, 0), panel.radius, fill=False, edgecolor=INK, linewidth=1.0, linestyle=BALL, zorder=1.6))
    for paths in panel.paths:
        color, dashes = looks.path(paths.label)
        crowded = len(paths.lines) > FEW_PATHS
        width, alpha = (0.8, max(0.25, FEW_PATHS / 2 / len(paths.lines))) if crowded else (1.3, 1.0)
        for line in paths.lines:
            if not crowded:
                axes.plot(line[:, 0], line[:, 1], color="white", alpha=0.8, linewidth=width + 1.3, zorder=1.9, rasterized=many)   # apart from a dark ground
            axes.plot(line[:, 0], line[:, 1], color=color, alpha=alpha, linewidth=width, linestyle="solid" if crowded else dashes, zorder=2, rasterized=many)
        for line in paths.lines if paths.arrows else []:
            draw_arrow(axes, line, color, 6.0 if crowded else 8.5)
    for marks in panel.points:
        axes.plot(marks.places[:, 0], marks.places[:, 1], linestyle="none", zorder=4, rasterized=many, **looks.point(marks.label))


def draw_arrow(axes: Axes, line: np.ndarray, color: str, size: float) -> None:
    """An arrow head at the middle of a path's length, along it; none on a path that goes nowhere."""
    line = line[np.isfinite(line).all(axis=1)]
    steps = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.empty(0)
    if not steps.sum() > 0:
        return
    travelled = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    at = lambda part: np.array([np.interp(part, travelled, line[:, k]) for k in range(2)])
    place, ahead = at(0.5), at(0.52) - at(0.48)
    if not np.any(ahead):
        return
    head = MarkerStyle(ARROW.transformed(Affine2D().rotate(math.atan2(ahead[1], ahead[0]))))
    axes.plot(*place, linestyle="none", marker=head, markersize=size, color=color, markeredgecolor="white", markeredgewidth=0.5, zorder=3)


def draw_bar(drawing: Figure, scale: ColourScale, place: list[float], height: float, label: str) -> None:
    """The scale of the colours."""
    axes = drawing.add_axes(place)
    bar = drawing.colorbar(ScalarMappable(scale.norm, DENSITY), cax=axes, extend="min" if scale.cut else "neither", extendfrac=0.04)
    bar.outline.set_visible(False)
    if scale.log:
        log_ticks(axes.yaxis, scale.low, scale.high, room=max(4, int(height * 2.2)))
    else:
        linear_ticks(axes.yaxis, max(3, int(height * 1.8)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_label(v, scale.high < 1e-3) if v > 0 else "0"))
    axes.tick_params(which="both", length=2.5)
    axes.set_ylabel(label, labelpad=6)


class Looks:
    """The looks of the labels of a figure, the same in all panels, and the entries of its legend."""

    def __init__(self, panels: list[Panel]):
        self._paths = list(dict.fromkeys(paths.label for panel in panels for paths in panel.paths))
        self._points = list(dict.fromkeys(marks.label for panel in panels for marks in panel.points))
        levels = list(dict.fromkeys(panel.contour_label for panel in panels if panel.contours is not None))
        radii = list(dict.fromkeys(f"{panel.radius:g}" for panel in panels if panel.radius is not None))
        self.labels: list[str] = [*self._paths, *self._points]
        self.handles = [Line2D([], [], color=self.path(name)[0], linestyle=self.path(name)[1], linewidth=1.5) for name in self._paths]
        self.handles += [Line2D([], [], linestyle="none", **self.point(name)) for name in self._points]
        if radii:
            self.labels.append(f"ball B(0, {radii[0]})" if len(radii) == 1 else f"ball B(0, r), r = {', '.join(radii)}")
            self.handles.append(Line2D([], [], color=INK, linewidth=1.0, linestyle=BALL))
        for name in levels:
            self.labels.append(name)
            self.handles.append(Line2D([], [], color=LEVEL_LINE, linewidth=0.9))

    def path(self, label: str) -> tuple[str, str | tuple]:
        """Colour and dashes."""
        k = self._paths.index(label)
        return PATHS[k % len(PATHS)], DASHES[k % len(DASHES)]

    def point(self, label: str) -> dict:
        """Colour, shape and size; white around a black mark and black around a light one."""
        k = self._points.index(label)
        color, (shape, size) = POINTS[k % len(POINTS)], SHAPES[k % len(SHAPES)]
        edge = "#FFFFFF" if color == "#000000" else "#000000"
        return {"marker": shape, "markersize": size, "markerfacecolor": color, "markeredgecolor": edge, "markeredgewidth": 1.1}
