#!/usr/bin/python3
"""Draw the report of a run folder: DIR/index.html, DIR/report.md and DIR/plots/.

    scripts/report.py DIR [--quiet]

Exit status: 0 when the report was written, whatever the verdicts say; 2 when the input is not a run folder or is damaged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True    # leave nothing behind beside the scripts

from report_files import InputError

LARGEST_PAGE = 5_000_000


def main(arguments: list[str]) -> int:
    """Read, draw everything, and only then write."""
    parser = argparse.ArgumentParser(prog="report.py", description="Draw the report of a run folder: index.html, report.md and plots/.")
    parser.add_argument("dir", metavar="DIR", type=Path, help="a run folder, as docs/formats.md describes it")
    parser.add_argument("--quiet", action="store_true", help="print nothing when all goes well")
    options = parser.parse_args(arguments)
    try:
        from report_content import make_content
        from report_page import render, write_all
        from report_run import load_run
        from report_terminal import print_summary
    except ImportError as error:
        packages = "python3-matplotlib, python3-jinja2, python3-numpy, python3-pil"
        print(f"report.py: the Python package '{error.name}' is needed (on Debian: {packages})", file=sys.stderr)
        return 2
    try:
        content = make_content(load_run(options.dir))
        files = render(content)
        write_all(options.dir, files)
    except InputError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    size = len(files["index.html"])
    if size > LARGEST_PAGE:
        print(f"report.py: note: the page takes {size / 1e6:.1f} MB; its figures are many or large", file=sys.stderr)
    if not options.quiet:
        sys.stdout.reconfigure(errors="replace")
        print_summary(content, str(options.dir / "index.html"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
