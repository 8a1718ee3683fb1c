"""The plot of one claim: a strip for every check with a mark for every subject at its worst observed / allowed. Drawn as SVG elements of the page itself,
so that the page's colours, light or dark, are theirs."""

from __future__ import annotations

import math
from html import escape

from markupsafe import Markup

from report_numbers import RAISED, ratio
from report_views import ClaimView

DECADES = 6                 # a ratio further below 1 than this stands at the left edge
ABOVE = 1.0                 # decades beyond the bound that are shown
WIDTH, HEIGHT, EDGE = 420, 20, 10


def position(value: float) -> float:
    """Where a ratio stands on the strip."""
    exponent = math.log10(value) if value > 0 and math.isfinite(value) else (-DECADES if value <= 0 else ABOVE)
    share = (min(max(exponent, -DECADES), ABOVE) + DECADES) / (DECADES + ABOVE)
    return EDGE + share * (WIDTH - 2 * EDGE)


def strip(values: list[tuple[str, float]]) -> str:
    """One strip; `values` are (subject, worst ratio)."""
    marks = []
    for k, (subject, value) in enumerate(values):
        x, y = position(value), HEIGHT / 2 + (0 if len(values) == 1 else 9 * (k / (len(values) - 1) - 0.5))
        title = f"<title>{escape(subject)}: {escape(ratio(value))}</title>"
        beyond = not value <= 1
        shape = f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"/>' if beyond else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        marks.append(f'<g class="{"over" if beyond else "under"}">{title}{shape}</g>')
    bound = position(1.0)
    base = f'<rect class="beyond" x="{bound:.1f}" y="0" width="{WIDTH - bound:.1f}" height="{HEIGHT}"/><path class="line" d="M{EDGE} {HEIGHT / 2}H{WIDTH}"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{base}<path class="bound" d="M{bound:.1f} 0V{HEIGHT}"/>{"".join(marks)}</svg>'


def axis() -> str:
    """The scale under the strips."""
    labels = []
    for exponent in range(-DECADES, int(ABOVE) + 1, 2):
        text = "1" if exponent == 0 else ("≤ " if exponent == -DECADES else "") + "10" + str(exponent).translate(RAISED)
        anchor = "start" if exponent == -DECADES else "middle"
        labels.append(f'<text x="{position(10.0 ** exponent) - (EDGE - 2 if exponent == -DECADES else 0):.1f}" y="14" text-anchor="{anchor}">{text}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(labels)}</svg>'


def claim_plot(claim: ClaimView) -> Markup:
    """The plot of a claim, or nothing where no check of it has a ratio."""
    rows = []
    for table in claim.check_tables:
        for name in table.names:
            values = [(v.subject, c.worst_ratio) for v in table.verdicts for c in v.checks if c.name == name and c.worst_ratio is not None]
            if values:
                largest = max(values, key=lambda entry: (not entry[1] <= 1, entry[1] if entry[1] == entry[1] else math.inf))
                rows.append(f'<div class="strip" role="img" aria-label="{escape(name)}: worst ratio {escape(ratio(largest[1]))}, on {escape(largest[0])}">'
                            f'<span>{escape(name)}</span>{strip(values)}</div>')
    if not rows:
        return Markup("")
    return Markup(f'<div class="strips">{"".join(rows)}<div class="strip scale"><span>observed / allowed</span>{axis()}</div></div>')
