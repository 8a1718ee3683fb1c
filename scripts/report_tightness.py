"""The figure that shows how close every claim and subject comes to its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from report_axes import log_ticks
from report_drawing import INK, MARKERS, PAGE_INCHES, PALETTE, Drawing, finish, new_figure, plain
from report_run import Verdict

DECADES = 12                               # a ratio further below 1 than this is drawn at the left edge
LEFT, GAP, RIGHT = 0.75, 0.3, 0.15         # inches
TICKS, TITLE, LEGEND_ROW = 0.3, 0.3, 0.22
FIELDS = (("Worst ratio: observed / allowed", "worst_ratio"), ("Tightness: observed / theoretical bound", "tightness"))


@dataclass(frozen=True)
class Block:
    """The claims that judge one type of subject, each with a row of its own."""

    name: str
    claims: list[str]
    subjects: list[str]
    verdicts: list[Verdict]

    @property
    def row(self) -> float:
        """The height of a row in inches."""
        return 0.2 + 0.04 * len(self.subjects)

    @property
    def body(self) -> float:
        return self.row * len(self.claims)

    @property
    def legend(self) -> float:
        return 0.12 + LEGEND_ROW * math.ceil(len(self.subjects) / 6)


def draw_tightness(blocks: list[Block]) -> Drawing:
    """Two columns of panels with a row a claim: the worst observed / allowed, and the largest observed / theoretical bound."""
    heading = TITLE if len(blocks) > 1 else 0.0
    height = TITLE + sum(heading + block.body + TICKS + block.legend for block in blocks)
    drawing = new_figure(PAGE_INCHES, height)
    low, high = value_range([x for block in blocks for v in block.verdicts for x in (v.worst_ratio, v.tightness)])
    top = height - TITLE
    for number, block in enumerate(blocks):
        if len(blocks) > 1:
            drawing.text(0.1 / PAGE_INCHES, (top - 0.2) / height, plain(block.name or "not in the registry"), fontsize=10, fontweight="bold")
            top -= heading
        draw_block(drawing, block, top, height, low, high, titled=number == 0, above=heading)
        top -= block.body + TICKS + block.legend
    return finish(drawing)


def draw_block(drawing: Figure, block: Block, top: float, height: float, low: float, high: float, titled: bool, above: float) -> None:
    """The two panels of one type of subject, and the legend under them."""
    width = (PAGE_INCHES - LEFT - GAP - RIGHT) / 2
    spread = 0.66 if len(block.subjects) > 1 else 0.0
    for k, (title, field) in enumerate(FIELDS):
        left = LEFT + k * (width + GAP)
        axes = drawing.add_axes([left / PAGE_INCHES, (top - block.body) / height, width / PAGE_INCHES, block.body / height])
        set_up(axes, block.claims, low, high, show_claims=k == 0)
        if titled:
            drawing.text(left / PAGE_INCHES, (top + above + 0.1) / height, title, fontsize=10.5)
        if all(getattr(verdict, field) is None for verdict in block.verdicts):
            axes.text(0.5, 0.5, "no claim here has such a bound", transform=axes.transAxes, ha="center", va="center", fontsize=9, color="#666666",
                      path_effects=[withStroke(linewidth=3, foreground="white")])
        for verdict in block.verdicts:
            number = block.subjects.index(verdict.subject)
            offset = spread * (number / max(1, len(block.subjects) - 1) - 0.5)
            mark(axes, getattr(verdict, field), block.claims.index(verdict.claim) + offset, low, high, number)
    handles = [Line2D([], [], linestyle="none", marker=MARKERS[k % 7], color=colour(k), markersize=6) for k in range(len(block.subjects))]
    drawing.legend(handles, [plain(s) for s in block.subjects], loc="upper center", bbox_to_anchor=(0.5, (top - block.body - TICKS) / height),
                   ncol=min(6, len(block.subjects)), handletextpad=0.2, borderaxespad=0)


def value_range(values: list[float | None]) -> tuple[float, float]:
    """The ends of the axis: whole decades around the values, and around 1."""
    known = [v for v in values if v is not None and math.isfinite(v) and v > 0] + [1.0]
    low = max(-DECADES, math.floor(math.log10(min(known)) - 0.15))
    high = min(DECADES, max(0.5, math.log10(max(known)) + 0.35))
    return 10.0 ** min(low, -1), 10.0 ** high


def set_up(axes: Axes, rows: list[str], low: float, high: float, show_claims: bool) -> None:
    """The empty panel with its bound."""
    axes.set_xscale("log")
    log_ticks(axes.xaxis, low, high, room=7)
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [plain(row) for row in rows] if show_claims else [""] * len(rows))
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    for k in range(len(rows) + 1):
        axes.axhline(k - 0.5, color="#D8D8D8", linewidth=0.6, zorder=1)
    axes.axvspan(1, high, color=PALETTE[1], alpha=0.10, linewidth=0, zorder=0.5)
    axes.axvline(1, color=INK, linewidth=1.2, zorder=1.5)


def colour(number: int) -> str:
    """Beyond seven subjects the markers come again, with other colours."""
    return PALETTE[(number + number // 7) % 7]


def mark(axes: Axes, value: float | None, y: float, low: float, high: float, number: int) -> None:
    """A verdict's mark; beyond the ends of the axis, an arrow at the end."""
    if value is None or math.isnan(value):
        return
    look = {"color": colour(number), "markersize": 5.5, "linestyle": "none", "clip_on": False, "zorder": 3, "markeredgewidth": 0.5,
            "markeredgecolor": "white"}
    if value <= low:
        axes.plot([low], [y], marker="<", **look)
    elif value >= high:
        axes.plot([high], [y], marker=">", **look)
    else:
        axes.plot([value], [y], marker=MARKERS[number % 7], **look)
