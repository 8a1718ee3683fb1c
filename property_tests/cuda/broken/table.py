"""The table of broken kernels (broken_kernels.toml): read, checked against the shipped sources, and applied to them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE = HERE / "broken_kernels.toml"
SOURCES = HERE.parents[2] / "src"
ENGINES = ("machine", "values", "seeds", "runtime", "counts", "ptxas", "thread", "address", "memory")


class StaleTable(Exception):
    """A row does not fit the shipped source."""


@dataclass(frozen=True)
class Broken:
    """A row. Its fields are those of the file."""

    name: str
    file: str
    line: str
    becomes: str
    what: str
    unit: str
    engine: str
    caught: str
    next: str = ""
    inside: str = ""
    run: str = ""

    def source(self, sources: Path = SOURCES) -> Path:
        return sources / "slicecheck" / self.file

    def text(self, sources: Path = SOURCES) -> str:
        """The shipped source with the one line changed. @throws StaleTable unless the line stands there exactly once."""
        lines = self.source(sources).read_text().split("\n")
        found = [at for at, line in enumerate(lines) if line == self.line and (not self.next or lines[at + 1 : at + 2] == [self.next])]
        if len(found) != 1:
            raise StaleTable(f"{self.name}: src/slicecheck/{self.file} has this line {len(found)} times, not once:\n{self.line}")
        if self.becomes == self.line:
            raise StaleTable(f"{self.name}: nothing is changed")
        lines[found[0]] = self.becomes
        return "\n".join(lines)


@dataclass(frozen=True)
class Stub:
    """A source of one kernel: the shipped header, and the instance of the template that is shipped."""

    name: str
    include: str
    template: str = ""

    def text(self) -> str:
        instance = f"namespace slicecheck::cuda {{\ntemplate __global__ void {self.template};\n}}\n" if self.template else ""
        return f'#include "slicecheck/{self.include}"\n{instance}'


def read_table() -> tuple[list[Broken], dict[str, Stub]]:
    """All rows and stubs. @throws StaleTable where two rows share a name, or an engine is not known."""
    contents = tomllib.loads(TABLE.read_text())
    stubs = {name: Stub(name, **fields) for name, fields in contents["stubs"].items()}
    rows = [Broken(**{"inside" if key == "in" else key: value for key, value in fields.items()}) for fields in contents["broken"]]
    for row in rows:
        if row.engine not in ENGINES:
            raise StaleTable(f"{row.name}: unknown engine {row.engine}")
        if row.unit not in stubs and not row.unit.endswith(".cu"):
            raise StaleTable(f"{row.name}: unknown unit {row.unit}")
    if len({row.name for row in rows}) != len(rows):
        raise StaleTable("two rows have the same name")
    return rows, stubs


ENGINE_NAMES = {
    "machine": "PTX machine",
    "values": "comparison",
    "seeds": "comparison between orders",
    "runtime": "CUDA runtime of the tests",
    "counts": "counts",
    "ptxas": "limits",
    "thread": "ThreadSanitizer",
    "address": "AddressSanitizer",
    "memory": "MemorySanitizer",
}


def markdown() -> str:
    """The matrix, for docs/cuda.md."""
    lines = ["| broken kernel | source | what is wrong | caught by | as |", "| --- | --- | --- | --- | --- |"]
    for row in read_table()[0]:
        where = f" in `{row.inside}`" if row.inside else ""
        lines.append(f"| `{row.name}` | {row.file} | {row.what} | {ENGINE_NAMES[row.engine]} | {row.caught}{where} |")
    return "\n".join(lines) + "\n"
