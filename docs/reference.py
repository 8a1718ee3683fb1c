#!/usr/bin/env python3
"""Usage: reference.py DOXYGEN DOXYFILE

Draws the reference of the public headers. Exit code 1, with the lines, where Doxygen warns: of markup that it cannot read, and of classes, functions,
enumerations, types and macros without a comment. Fields and accessors without arguments may be left to their names.
"""

import re
import subprocess
import sys

FIELD = re.compile(r"Member .* \(variable\) of (struct|class) .* is not documented\.$")
ACCESSOR = re.compile(r"Member [^(]*\(\)( const)?( noexcept)?( override)?( ?=0)? \(function\) of (struct|class) .* is not documented\.$")


def complaints(lines: list[str]) -> list[str]:
    """What is left of Doxygen's warnings."""
    return sorted({line for line in lines if line.strip() and not FIELD.search(line) and not ACCESSOR.search(line)})


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__.strip().splitlines()[0], file=sys.stderr)
        return 2
    run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    left = complaints(run.stderr.splitlines())
    print(*left, sep="\n", end="\n" if left else "")
    if run.returncode != 0 and not left:
        print(f"{sys.argv[1]} ended with exit code {run.returncode}")
    return 1 if left or run.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
