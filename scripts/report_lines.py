"""Lines for reference in a panel: level, upright, or of a given slope between logarithmic axes; each labelled where least is in the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.path import Path

from report_drawing import INK, plain
from report_files import InputError, Record

GUIDE = "#777777"
DASHES = (0, (2, 2))
UPRIGHT = Path([(0, -1.0), (0, -0.6), (0, -0.2), (0, 0.2), (0, 0.6), (0, 1.0)], [Path.MOVETO, Path.LINETO] * 3)   # three dashes, one above the other
GAP = 0.035          # inches between a line and its label
NEAR = 0.03          # inches between two sampled points of what is in a label's way


@dataclass(frozen=True)
class Line:
    """A line at the height y, or at x, or through a point with a slope: d log y / d log x. The label stands beside it, `legend` under the panels."""

    label: str
    y: float | None = None
    x: float | None = None
    slope: float | None = None
    through: tuple[float, float] | None = None
    legend: str = ""

    @property
    def kind(self) -> str:
        return "x" if self.x is not None else "y" if self.y is not None else "slope"

    @property
    def name(self) -> str:
        """What a note calls the line."""
        return self.legend or self.label or self.place

    @property
    def place(self) -> str:
        """Where the line stands, in words."""
        return f"x = {self.x:g}" if self.x is not None else f"y = {self.y:g}" if self.y is not None else f"slope {self.slope:g}"


@dataclass(frozen=True)
class Box:
    """A label's rectangle in inches: its centre, its sides, and the angle of its length with the horizontal."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    def covers(self, points: np.ndarray, margin: float = 0.02) -> int:
        """How many of these points (rows x, y) lie in the rectangle or within the margin of it."""
        along, across = self._own(points)
        return int(np.sum((np.abs(along) < self.width / 2 + margin) & (np.abs(across) < self.height / 2 + margin)))

    def _own(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x, y = points[:, 0] - self.x, points[:, 1] - self.y
        return cosine * x + sine * y, cosine * y - sine * x

    def filled(self) -> np.ndarray:
        """Points all over the rectangle, corners included."""
        along, across = (np.linspace(-side / 2, side / 2, max(2, math.ceil(side / NEAR))) for side in (self.width, self.height))
        a, b = (grid.ravel() for grid in np.meshgrid(along, across))
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return np.stack([self.x + cosine * a - sine * b, self.y + sine * a + cosine * b], axis=1)


def read_line(line: Record, log_x: bool, log_y: bool) -> Line:
    """A line of a summary; a slope is one between logarithmic axes."""
    given = [key for key in ("y", "x", "slope") if line.has(key)]
    if len(given) != 1:
        found = " and ".join(f"'{key}'" for key in given) or "none of them"
        raise InputError(f"{line.where}: a line has one of the fields 'y', 'x' and 'slope', but this one has {found}")
    label, legend = line.text("label", ""), line.text("legend", "")
    if given != ["slope"]:
        return Line(label, **{given[0]: line.finite(given[0])}, legend=legend)
    if not (log_x and log_y):
        raise InputError(f"{line.where}: a slope guide needs log_x and log_y, both true")
    through = line.array("through")
    if len(through) != 2 or not all(isinstance(v, (int, float)) and not isinstance(v, bool) and 0 < v < math.inf for v in through):
        raise InputError(f"{line.where}: 'through' should be [x, y], both positive, but is {through}")
    return Line(label, slope=line.finite("slope"), through=(float(through[0]), float(through[1])), legend=legend)


def explained_lines(figure: Record, panels: list[list[Line]]) -> list[Line]:
    """The lines that the legend explains, one of each kind: a second text could not be told from the first."""
    first: dict[str, Line] = {}
    for line in (line for panel in panels for line in panel if line.legend):
        other = first.setdefault(line.kind, line)
        if other.legend != line.legend:
            raise InputError(f"{figure.where}: two lines with a '{line.kind}' have different texts for the legend, '{other.legend}' and '{line.legend}', "
                             "but look alike")
    return list(first.values())


def legend_handle(line: Line) -> Line2D:
    """A line as the legend shows it: an upright one upright."""
    if line.kind == "slope":
        return Line2D([], [], color=GUIDE, linewidth=0.9)
    if line.kind == "x":
        return Line2D([], [], color=INK, linestyle="none", marker=UPRIGHT, markersize=11, markeredgewidth=1.0)
    return Line2D([], [], color=INK, linewidth=1.0, linestyle=DASHES)


def draw_line(axes: Axes, line: Line) -> bool:
    """Draw a line without its label; false where the panel cannot show it."""
    if line.slope is not None:
        ends = visible(axes, line)
        if ends is None:
            return False
        axes.plot(*ends, color=GUIDE, linewidth=0.9, zorder=1.4)
        return True
    value, scale = (line.y, axes.get_yscale()) if line.y is not None else (line.x, axes.get_xscale())
    if scale == "log" and not value > 0:
        return False
    draw = axes.axhline if line.y is not None else axes.axvline
    draw(value, color=INK, linewidth=1.0, linestyle=DASHES, zorder=1.5)
    return True


def visible(axes: Axes, line: Line) -> tuple[list[float], list[float]] | None:
    """The part of a slope guide between the panel's edges: the two x and the two y of its ends."""
    (left, right), (bottom, top) = (np.log(ends) for ends in (axes.get_xlim(), axes.get_ylim()))
    x, y = (math.log(v) for v in line.through)
    if line.slope != 0:
        crossings = sorted(x + (edge - y) / line.slope for edge in (bottom, top))
        left, right = max(left, crossings[0]), min(right, crossings[1])
    elif not bottom < y < top:
        return None
    if not left < right:
        return None
    return [math.exp(left), math.exp(right)], [math.exp(y + line.slope * (end - x)) for end in (left, right)]


class Labels:
    """Places the labels of a panel's lines; to be used when the limits and the size of the panel are final."""

    def __init__(self, axes: Axes, lines: list[Line], curves: list[np.ndarray]):
        """`curves`: what is drawn in the panel, polylines with rows (x, y)."""
        self.axes = axes
        box = axes.get_window_extent()
        self.dpi = axes.figure.dpi
        self.corner, self.size = np.array([box.x0, box.y0]) / self.dpi, np.array([box.width, box.height]) / self.dpi
        self.lines = [(line, ends) for line in lines if (ends := self.ends(line)) is not None]
        crowd = [self.inches(curve) for curve in curves] + [np.array(ends) for _, ends in self.lines]
        self.crowd = np.concatenate([dense(points) for points in crowd] or [np.empty((0, 2))])

    def inches(self, points: np.ndarray) -> np.ndarray:
        """Where points of the panel stand, from its lower left corner; those that it cannot show become NaN."""
        shown = np.isfinite(points).all(axis=1)
        for k, scale in enumerate((self.axes.get_xscale(), self.axes.get_yscale())):
            shown &= (points[:, k] > 0) | (scale != "log")
        return np.where(shown[:, None], self.axes.transData.transform(np.where(shown[:, None], points, 1.0)) / self.dpi - self.corner, np.nan)

    def ends(self, line: Line) -> np.ndarray | None:
        """The ends of a line as drawn, in inches."""
        if line.slope is not None:
            segment = visible(self.axes, line)
            return None if segment is None else self.inches(np.array(segment).T)
        x, y = self.inches(np.array([[self.axes.get_xlim()[0] if line.x is None else line.x, self.axes.get_ylim()[0] if line.y is None else line.y]]))[0]
        if math.isnan(x) or math.isnan(y):
            return None
        return np.array([[x, 0.0], [x, self.size[1]]] if line.x is not None else [[0.0, y], [self.size[0], y]])

    def draw(self) -> None:
        """Write every label, the later ones clear of the earlier."""
        for line, ends in self.lines:
            if not line.label:
                continue
            text = self.axes.annotate(plain(line.label), (0, 0), xycoords="axes fraction", ha="center", va="center", rotation_mode="anchor", fontsize=9,
                                      color=INK, path_effects=[withStroke(linewidth=2.5, foreground="white")], zorder=5, annotation_clip=False)
            text.set_in_layout(False)
            extent = text.get_window_extent(self.axes.figure.canvas.get_renderer())
            best = min(self.candidates(line, ends, extent.width / self.dpi, extent.height / self.dpi), key=self.cost)
            text.xy = (best.x / self.size[0], best.y / self.size[1])
            text.set_position(text.xy)
            text.set_rotation(math.degrees(best.angle))
            self.crowd = np.concatenate([self.crowd, np.repeat(best.filled(), 10, axis=0)])

    def cost(self, box: Box) -> float:
        """What speaks against a place: what it covers, and above all what of it lies outside the panel."""
        corners = box.filled()
        outside = np.sum((corners < 0) | (corners > self.size))
        return box.covers(self.crowd) + 1000.0 * float(outside)

    def candidates(self, line: Line, ends: np.ndarray, width: float, height: float) -> Iterator[Box]:
        """Places beside a line, the better ones first: above it before below, at its right end before its left."""
        if line.x is not None:
            for y in (self.size[1] - height / 2, height / 2 + 2 * GAP, *(self.size[1] * part for part in (0.75, 0.5, 0.25))):
                for side in (1, -1):
                    yield Box(ends[0, 0] + side * (GAP + width / 2), y, width, height)
        run = ends[1] - ends[0]
        length, angle = float(np.hypot(*run)), math.atan2(run[1], run[0])
        along = run / max(length, 1e-9)
        across = np.array([-along[1], along[0]])
        far = 1 - (width / 2 + GAP) / max(length, 1e-9)
        for side in (1, -1):
            for part in (far, 1 - far) if line.y is not None else (far, 1 - far, 0.8, 0.2, 0.65, 0.35, 0.5):
                centre = ends[0] + part * run + side * (0.6 * GAP + height / 2) * across
                yield Box(float(centre[0]), float(centre[1]), width, height, angle)


def dense(points: np.ndarray) -> np.ndarray:
    """A polyline as points NEAR one another, without those that are not finite."""
    if len(points) < 2:
        return points[np.isfinite(points).all(axis=1)]
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    counts = np.where(np.isfinite(lengths), np.clip(np.ceil(lengths / NEAR), 1, 400), 1).astype(int)
    starts = np.repeat(np.arange(len(counts)), counts)
    parts = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[starts]
    out = np.concatenate([points[starts] + parts[:, None] * steps[starts], points])
    return out[np.isfinite(out).all(axis=1)]
