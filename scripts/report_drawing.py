"""What every drawing shares: the style, the palette, the sizes, and how a figure becomes the bytes of an SVG and a PNG.

Nothing here depends on the clock, on a screen or on the user's matplotlib settings, so that the same data give the same bytes.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from dataclasses import dataclass, field

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from report_numbers import with_scripts

PAGE_INCHES = 9.2        # the width of a full-width figure; 96 of the page's pixels are one inch
PNG_DPI = 192            # two dots to each of the page's pixels
RASTER_POINTS = 3000     # scatter plots with more points than this are shown as PNG
RASTER_VERTICES = 20000  # and so are figures whose many polylines have more vertices than this

# Okabe and Ito's palette without its yellow, which is too pale for a line on white; order: the first ones differ most.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#222222"

STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 96, "svg.hashsalt": "slicecheck", "svg.fonttype": "path",
    "font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "legend.fontsize": 9.5, "legend.frameon": False, "axes.titlelocation": "left", "axes.titlepad": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#555555", "axes.linewidth": 0.8, "axes.axisbelow": True,
    "axes.grid": True, "grid.color": "#E3E3E3", "grid.linewidth": 0.7, "xtick.color": "#555555", "ytick.color": "#555555",
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "text.color": INK, "axes.labelcolor": INK,
    "lines.linewidth": 1.6, "lines.markersize": 4.5, "axes.unicode_minus": True, "axes.formatter.useoffset": False,
}


@dataclass(frozen=True)
class Drawing:
    """A drawn figure; `as_png` says which of the two the page shows, `notes` what the drawing could not show."""

    svg: bytes
    png: bytes
    as_png: bool
    width: int
    height: int
    notes: list[str] = field(default_factory=list)


def new_figure(width: float, height: float, layout: str | None = None) -> Figure:
    """An empty figure of this many inches in the report's style."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def finish(figure: Figure, as_png: bool = False, notes: list[str] | None = None, mosaics: list[tuple[int, int, np.ndarray]] | None = None) -> Drawing:
    """The drawing of a figure; `mosaics` are grey pictures (top, left, dots) that go into the PNG to the dot, in place of the axes' images."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # a glyph that the font lacks is drawn as a box; that is all there is to say
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", dpi=PNG_DPI, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        figure.set_dpi(PNG_DPI)
        for image in (image for axes in figure.axes for image in axes.images if mosaics):
            image.set_visible(False)
        figure.canvas.draw()
    dots = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    for top, left, mosaic in mosaics or []:
        dots[top:top + mosaic.shape[0], left:left + mosaic.shape[1]] = mosaic[..., None]
    width, height = figure.get_size_inches()
    text = re.sub(rb"<!DOCTYPE[^>]*>\s*", b"", svg.getvalue())
    return Drawing(text, png_bytes(Image.fromarray(dots), grey=bool(mosaics)), as_png, round(width * 96), round(height * 96), notes or [])


def png_bytes(picture: Image.Image, grey: bool) -> bytes:
    """A picture as a small PNG: in grey levels, or in a palette of 255 colours."""
    picture = picture.convert("L") if grey else picture.quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True, dpi=(PNG_DPI, PNG_DPI))
    return out.getvalue()


def plain(label: str) -> str:
    """A text for matplotlib: nothing between dollars is mathematics, simple indices are lowered, and no label is left out of a legend."""
    label = "".join(c if c.isprintable() or c == "\n" else " " for c in label).replace("$", r"\$")
    label = "\u2009" + label if label.startswith("_") else label
    return with_scripts(label, (r"$_{\mathdefault{", "}}$"), (r"$^{\mathdefault{", "}}$"))


def wrapped(label: str, inches: float, points: float = 10.5) -> str:
    """A text broken into lines that fit a width."""
    return "\n".join(plain(line) for line in textwrap.wrap(label, max(8, int(inches * 72 / (points * 0.56)))))
