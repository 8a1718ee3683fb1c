"""Axes that read well: limits, and ticks for logarithmic scales."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator


def shown(values: np.ndarray, log: bool) -> np.ndarray:
    """The values that an axis can show: finite, and positive on a logarithmic one."""
    values = values[np.isfinite(values)]
    return values[values > 0] if log else values


def limits(values: np.ndarray, log: bool, margin: float = 0.06) -> tuple[float, float]:
    """The ends of an axis that shows these values with a margin."""
    values = shown(values, log)
    if values.size == 0:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        low, high = math.log10(low), math.log10(high)
    pad = margin * (high - low) if high > low else (0.3 if log else 0.1 * abs(high) or 1.0)
    low, high = low - pad, high + pad
    return (10.0 ** low, 10.0 ** high) if log else (low, high)


def common(ranges: list[tuple[float, float]], log: bool) -> tuple[float, float] | None:
    """Limits that all panels can share, or None where that would squeeze one of them below a quarter of its height."""
    ends = [(math.log10(a), math.log10(b)) if log else (a, b) for a, b in ranges]
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    if any(b - a < 0.25 * (high - low) for a, b in ends):
        return None
    return (10.0 ** low, 10.0 ** high) if log else (low, high)


def tick_label(value: float, powers: bool) -> str:
    """A tick's label: 0.01, 1, 250 as they are, or, but for 1 and 10, as powers of ten."""
    if not powers or value in (1, 10):
        return f"{value:.10g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0 ** exponent
    return rf"$10^{{{exponent}}}$" if abs(mantissa - 1) < 1e-6 else rf"${mantissa:.3g}\times10^{{{exponent}}}$"


def powers_of_two(values: np.ndarray) -> list[int] | None:
    """The exponents, if the values are few and all of them powers of two, and not all powers of ten too."""
    values = np.unique(shown(values, True))
    if not 2 <= values.size <= 24 or any(math.frexp(v)[0] != 0.5 for v in values):
        return None
    return [math.frexp(v)[1] - 1 for v in values]


def log_ticks(axis: Axis, low: float, high: float, room: int, values: np.ndarray | None = None) -> None:
    """Ticks on a logarithmic axis from low to high with room for so many labels."""
    exponents = powers_of_two(values) if values is not None else None
    if exponents:
        every = math.ceil(max(len(exponents), math.log2(high / low)) / room)
        labelled = exponents[::every]
        large = max(map(abs, exponents)) > 9
        axis.set_major_locator(FixedLocator([2.0 ** e for e in labelled]))
        axis.set_minor_locator(FixedLocator([2.0 ** e for e in exponents if e not in labelled]))
        axis.set_major_formatter(FuncFormatter(lambda v, _: rf"$2^{{{round(math.log2(v))}}}$" if large or v < 1 else f"{v:.10g}"))
        axis.set_minor_formatter(NullFormatter())
        return
    decades = math.log10(high / low)
    if decades < 0.7:
        axis.set_major_locator(MaxNLocator(nbins=room, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(NullLocator())
    elif decades < 2:
        axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5), numticks=30))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(base=10, numticks=max(3, room)))
        axis.set_minor_locator(LogLocator(base=10, subs=tuple(range(2, 10)), numticks=30) if decades <= 6 else NullLocator())
    powers = low < 9e-4 or high > 2e5
    axis.set_major_formatter(FuncFormatter(lambda v, _: tick_label(v, powers) if v > 0 else ""))
    axis.set_minor_formatter(NullFormatter())


def linear_ticks(axis: Axis, room: int) -> None:
    """Ticks on a linear axis with room for so many labels."""
    axis.set_major_locator(MaxNLocator(nbins=room, steps=[1, 2, 2.5, 5, 10]))
