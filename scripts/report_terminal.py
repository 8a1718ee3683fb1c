"""The table of claims and subjects for a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TextIO

from report_views import ClaimGroup, Content

SHORT = {"holds": "holds", "finding": "refuted (finding)", "refuted": "REFUTED", "surprise": "HOLDS (finding)", "inconclusive": "inconclusive", "none": "-"}
COLOURS = {"holds": "32", "finding": "36", "refuted": "1;31", "surprise": "1;31", "inconclusive": "33", "none": "2"}
LONGEST_TITLE = 52


def wants_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


def clean(text: str) -> str:
    """Text without what would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def width(text: str) -> int:
    """How many columns of the terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else text[:LONGEST_TITLE - 1].rstrip() + "…"


def group_lines(group: ClaimGroup, colour: bool) -> list[str]:
    """The table of one type of subject."""
    header = ["claim", "title", *map(clean, group.subjects)]
    rows = [(header, [""] * len(header))]
    for claim in group.claims:
        states = [claim.cells[s].state if s in claim.cells else "none" for s in group.subjects]
        words = [SHORT[state] for state in states]
        if not claim.verdicts:
            words, states = (["no verdict"] + ["-"] * (len(states) - 1) if states else []), ["none"] * len(states)
        title = cut(clean(claim.title)) + ("" if claim.verdicts or words else "  (no verdict)")
        rows.append(([clean(claim.id), title, *words], ["", "", *states]))
    widths = [max(width(row[0][k]) for row in rows) for k in range(len(header))]
    lines = []
    for cells, states in rows:
        padded = [cell + " " * (widths[k] - width(cell)) for k, cell in enumerate(cells)]
        painted = [f"\033[{COLOURS[s]}m{text}\033[0m" if colour and s else text for text, s in zip(padded, states)]
        lines.append("  ".join(painted).rstrip())
    return lines


def print_summary(content: Content, page: str, stream: TextIO | None = None) -> None:
    """The claims × subjects table, the headline and where the page is."""
    stream = stream or sys.stdout
    colour = wants_colour(stream)
    for group in content.groups:
        if len(content.groups) > 1 and group.type:
            print(f"{clean(group.type)}:", file=stream)
        print("\n".join(group_lines(group, colour)), end="\n\n", file=stream)
    if content.absent:
        print(f"Absent: {clean(', '.join(content.absent))}", file=stream)
    if content.answer:
        print(clean(content.answer.text), file=stream)
    for view in content.answers:
        if view.answer:
            print(clean(f"{view.place}: {view.answer}"), file=stream)
    if not content.only_answers:
        print(clean(content.headline.text), file=stream)
    if content.found:
        print(clean(content.found.text), file=stream)
    if content.measured:
        print(clean(content.measured.text), file=stream)
    print(page, file=stream)
