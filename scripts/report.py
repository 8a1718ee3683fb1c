#!/usr/bin/python3
"""Draw the report of a run folder: DIR/index.html, DIR/report.md, DIR/plots/ and DIR/theory/; or say what changed between two run folders.

    scripts/report.py DIR [--quiet]
    scripts/report.py --compare OLD NEW [--out FILE] [--json] [--threshold FACTOR]

Exit status: 0 when the report was written, whatever the verdicts say, or when nothing got worse from OLD to NEW; 1 when something did; 2 when the input is
not a run folder or is damaged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True    # leave nothing behind beside the scripts

from report_files import InputError

LARGEST_PAGE = 8_000_000


def main(arguments: list[str]) -> int:
    """Read, draw everything, and only then write."""
    parser = argparse.ArgumentParser(prog="report.py", description="Draw the report of a run folder: index.html, report.md, plots/ and theory/.")
    parser.add_argument("dir", metavar="DIR", type=Path, nargs="?", help="a run folder, as docs/formats.md describes it")
    parser.add_argument("--quiet", action="store_true", help="print nothing when all goes well")
    parser.add_argument("--compare", metavar=("OLD", "NEW"), type=Path, nargs=2, help="say what changed between two run folders; nothing is drawn")
    parser.add_argument("--out", metavar="FILE", type=Path, help="with --compare: a Markdown file for the comparison")
    parser.add_argument("--json", action="store_true", help="with --compare: print JSON")
    parser.add_argument("--threshold", metavar="FACTOR", type=float, help="with --compare: the factor beyond which a figure has moved (2)")
    options = parser.parse_args(arguments)
    if (options.dir is None) == (options.compare is None):
        parser.error("one run folder is drawn, or two are compared: give DIR, or --compare OLD NEW")
    if options.compare is None and (options.out or options.json or options.threshold is not None):
        parser.error("--out, --json and --threshold go with --compare")
    try:
        from report_content import make_content
        from report_page import render, write_all
        from report_run import load_run
        from report_terminal import print_summary
    except ImportError as error:
        packages = "python3-matplotlib, python3-jinja2, python3-numpy, python3-pil, python3-markdown-it"
        print(f"report.py: the Python package '{error.name}' is needed (on Debian: {packages})", file=sys.stderr)
        return 2
    if options.compare:
        return compare_runs(options)
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


def compare_runs(options: argparse.Namespace) -> int:
    """Say what changed from one run folder to another."""
    import report_compare as comparison
    from report_markdown import comparison_page
    from report_page import write_all
    from report_run import load_run
    try:
        old, new = (load_run(folder) for folder in options.compare)
        threshold = comparison.THRESHOLD if options.threshold is None else options.threshold
        made = comparison.compare(old, new, (str(options.compare[0]), str(options.compare[1])), threshold)
        if options.out:
            write_all(options.out.parent, {options.out.name: comparison_page(made).encode(errors="replace")})
    except InputError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(errors="replace")
    if not options.quiet:
        print(comparison.as_json(made) if options.json else comparison.text(made), end="")
    return 1 if made.of("worse") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
