"""Kernels of a PTX text: names for people, texts that can be compared, and the double-precision instructions they hold."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

ENTRY = re.compile(r"\.entry\s+([\w$]+)\s*\(")
BLOCK_LABEL = re.compile(r"\$L__BB\d+_")  # the number counts the kernels of a file
INSTRUCTION = re.compile(r"^\s*(?:@!?%\w+\s+)?([a-z][\w.:]*)\s", re.MULTILINE)
PRODUCT = re.compile(r"^\s*(?:@!?%\w+\s+)?mul\.(?:f32|f64)\s+(%\w+),\s*([^,]+),\s*([^;]+);", re.MULTILINE)
SUM = re.compile(r"^\s*(?:@!?%\w+\s+)?(?:add|sub)\.(?:f32|f64)\s+%\w+,\s*([^,]+),\s*([^;]+);", re.MULTILINE)
OURS = re.compile(r"slicecheck::cuda::(\w+)(<.*?>)?\(")
SLAB_SHAPE = re.compile(r"<slicecheck::cuda::SlabShape<(\d+)u, (\d+)u, \d+u, \d+u> ?>")


@dataclass(frozen=True)
class Kernel:
    """One .entry: `text` from its name to its closing brace, with the labels of its blocks numbered from itself."""

    symbol: str
    name: str
    text: str

    @property
    def is_ours(self) -> bool:
        return not self.name.startswith("cub:")

    @property
    def hash(self) -> str:
        """Of the text without the lines that name sources."""
        lines = (line for line in self.text.splitlines() if not line.lstrip().startswith((".loc", "//")))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def double_precision(self) -> dict[str, int]:
        """How often each instruction on doubles stands in the text; moves, loads and stores of them left out."""
        count = Counter(word for word in INSTRUCTION.findall(self.text) if ".f64" in word and word.split(".")[0] not in ("mov", "ld", "st", "selp"))
        return dict(sorted(count.items()))


    def left_to_ptxas(self) -> list[str]:
        """Instructions whose result PTX does not determine to the bit: approximate ones, and a sum of a product where neither names its rounding, which ptxas
        may fuse. A product by a power of two is exact, fused or not."""
        found = [word for word in INSTRUCTION.findall(self.text) if re.search(r"\.(approx|full|ftz)\b", word)]
        products = {name for name, *factors in PRODUCT.findall(self.text) if not any(is_power_of_two(factor) for factor in factors)}
        return found + [match[0].strip() for match in SUM.finditer(self.text) if products & {match[1], match[2]}]


def is_power_of_two(operand: str) -> bool:
    """Of a literal 0fXXXXXXXX or 0dXXXXXXXXXXXXXXXX: no bit of its fraction is set."""
    if re.fullmatch(r"0[fF][0-9A-Fa-f]{8}", operand):
        return int(operand[2:], 16) & 0x7FFFFF == 0
    if re.fullmatch(r"0[dD][0-9A-Fa-f]{16}", operand):
        return int(operand[2:], 16) & 0xFFFFFFFFFFFFF == 0
    return False


def demangled(symbols: list[str]) -> list[str]:
    return subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout.splitlines()


def name_of(symbol: str, declaration: str) -> str:
    """`sort_gap<512, 16>`, `sum_slab<64, 4>`, `cub: segmented radix sort, pairs, short digits`, …"""
    ours = OURS.search(declaration)
    if declaration.startswith("void slicecheck::cuda::") or declaration.startswith("slicecheck::cuda::"):
        assert ours, declaration
        return ours[1] + SLAB_SHAPE.sub(r"<\1, \2>", ours[2] or "")
    if "DeviceSegmentedRadixSortKernel" in symbol:
        what = "keys" if "NullType" in symbol else "pairs"
        digits = "short" if re.search(r"Policy\d+ELb1E", symbol) else "long"
        return f"cub: segmented radix sort, {what}, {digits} digits"
    if "EmptyKernel" in symbol:
        return "cub: empty"
    return f"cub: {symbol}"


def kernels(text: str) -> list[Kernel]:
    """All kernels of a PTX text, in its order."""
    found: list[tuple[str, str]] = []
    for match in ENTRY.finditer(text):
        depth = 0
        for at in range(text.index("\n{", match.end()), len(text)):
            depth += (text[at] == "{") - (text[at] == "}")
            if text[at] == "}" and depth == 0:
                found.append((match[1], BLOCK_LABEL.sub("$L__BB_", text[match.start() : at + 1])))
                break
    names = demangled([symbol for symbol, _ in found])
    return [Kernel(symbol, name_of(symbol, declaration), body) for (symbol, body), declaration in zip(found, names, strict=True)]
