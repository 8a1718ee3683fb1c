"""Numbers written for people: rounded, with real minus signs and powers of ten."""

from __future__ import annotations

import math
import re

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
NOTHING = "–"

# indices and exponents as mathematicians type them: W_2, u_0, d_C, ‖Z‖_{∞,2}, 2^{-k}; not the underscores of names such as two_moons
INSIDE = r"\{([\w∞,+()|/−-]{1,12})\}"
SUBSCRIPT = re.compile(rf"((?<![A-Za-z0-9_])[A-Za-zα-ωΑ-Ω∂]{{1,3}}|[‖)])_(?:{INSIDE}|([0-9A-Za-zα-ωΑ-Ω])(?![A-Za-z0-9_]))")
SUPERSCRIPT = re.compile(rf"([0-9A-Za-zα-ωΑ-Ω‖)|])\^(?:{INSIDE}|([−-]?[0-9]+(?:\.[0-9]+)?|[A-Za-z])(?![A-Za-z0-9^]))")


def with_scripts(text: str, lowered: tuple[str, str], raised: tuple[str, str]) -> str:
    """The text with its indices between the two strings of `lowered`, and its exponents between those of `raised`."""
    text = SUBSCRIPT.sub(lambda m: m[1] + lowered[0] + (m[2] or m[3]) + lowered[1], text)
    return SUPERSCRIPT.sub(lambda m: m[1] + raised[0] + (m[2] or m[3]) + raised[1], text)


def pretty(text: str) -> str:
    """`-1.5e-07`, as Python writes it, becomes `−1.5×10⁻⁷`; other text is left alone."""
    match = re.fullmatch(r"([+-]?)(\d[\d.,_]*)(?:[eE]([+-]?\d+))?(%?)", text)
    if not match:
        return {"inf": "∞", "-inf": "−∞", "nan": "NaN"}.get(text, text)
    sign, mantissa, exponent, percent = match.groups()
    power = f"×10{str(int(exponent)).translate(RAISED)}" if exponent else ""
    return sign.replace("-", "−") + mantissa + power + percent


def rounded(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits; None is a dash."""
    if value is None:
        return NOTHING
    if value == 0 or not math.isfinite(value):
        return pretty(format(value + 0.0, "g"))
    if 1e-3 <= abs(value) < 1e5:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        return pretty(f"{value:.{decimals}f}")
    return pretty(f"{value:.{digits - 1}e}")


def ratio(value: float | None) -> str:
    """A ratio to a bound: two or three digits, or as many as it takes to see on which side of 1 it lies."""
    if value == 1:
        return "1"
    if value is None or not math.isfinite(value):
        return rounded(value)
    for digits in range(3 if 0.9 < abs(value) < 10 else 2, 8):
        if float(f"{value:.{digits - 1}e}") != 1:
            return rounded(value, digits)
    return f"1 {'+' if value > 1 else '−'} {pretty(f'{abs(value - 1):.0e}')}"


def grouped(value: int) -> str:
    """An integer in groups of three digits, apart by a narrow space that does not break."""
    return f"{value:,}".replace(",", "\u202f").replace("-", "−") if abs(value) >= 10000 else pretty(str(value))


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 60:
        return f"{rounded(seconds, 2)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def formatted(cell: str, spec: str) -> str:
    """A CSV cell in a Python format spec; raises ValueError where the cell or the spec does not suit."""
    if spec in ("", "s"):
        return cell
    cell = cell.strip()
    if not cell:
        return NOTHING
    if spec[-1] == "d":
        value = int(cell) if "." not in cell and "e" not in cell.lower() else whole(float(cell))
        return grouped(value) if spec == "d" else pretty(format(value, spec))
    return pretty(re.sub(r"\.(?=$|e)", "", format(float(cell), spec)) if "#" in spec else format(float(cell), spec))


def with_zeros(spec: str) -> str:
    """The same spec keeping a number's trailing zeros, so that a value and the ends of its interval show the same digits."""
    return re.sub(r"^([^#.]*)(\.\d+g)$", r"\1#\2", spec)


def whole(value: float) -> int:
    """A float that is an integer, as an integer."""
    if not value.is_integer():
        raise ValueError("not an integer")
    return int(value)
