"""The figures that an experiment's summary declares."""

from __future__ import annotations

from report_curves import draw_curves
from report_drawing import Drawing
from report_files import DataFolder, InputError, Record
from report_images import draw_images
from report_phase import draw_phase
from report_scatter import draw_scatter

KINDS = {"curves": draw_curves, "scatter": draw_scatter, "images": draw_images, "phase": draw_phase}


def draw(figure: Record, data: DataFolder) -> Drawing:
    """Draw one declared figure."""
    kind = figure.text("kind")
    if kind not in KINDS:
        raise InputError(f"{figure.where}: the figure's kind should be one of {', '.join(KINDS)}, but is '{kind}'")
    if not figure.array("panels"):
        raise InputError(f"{figure.where}: the figure has no panels")
    return KINDS[kind](figure, data)
