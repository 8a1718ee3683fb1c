#!/usr/bin/python3
"""Writes the sources of broken kernels.

make_broken.py list               one line a row, for CMake: name|engine|unit|file
make_broken.py stubs              the names of the stubs
make_broken.py row NAME FOLDER    FOLDER/slicecheck/…: the one source that is changed, to be found before the shipped one
make_broken.py stub NAME FILE     the source of one kernel
make_broken.py markdown           the matrix of docs/cuda.md
"""

import sys
from pathlib import Path

from table import StaleTable, markdown, read_table


def write(path: Path, text: str) -> None:
    """A file that is right already keeps its age, so that what is built from it stays."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main(words: list[str]) -> int:
    rows, stubs = read_table()
    if words == ["list"]:
        for row in rows:
            row.text()
            print(f"{row.name}|{row.engine}|{row.unit}|{row.file}")
    elif words == ["markdown"]:
        print(markdown(), end="")
    elif words == ["stubs"]:
        print(";".join(stubs))
    elif len(words) == 3 and words[0] == "row":
        (row,) = (row for row in rows if row.name == words[1])
        write(Path(words[2]) / "slicecheck" / row.file, row.text())
    elif len(words) == 3 and words[0] == "stub":
        write(Path(words[2]), stubs[words[1]].text())
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StaleTable as problem:
        sys.exit(f"broken_kernels.toml is stale: {problem}")
