#!/usr/bin/python3
"""run_row.py NAME: a broken kernel has to be caught as its row says, and its unbroken twin has to pass the very same run.

From the environment: SLICECHECK_BROKEN (folder with what was built: NAME.ptx, programs/NAME), SLICECHECK_RUN_ON_PTX (the program with the shipped code),
SLICECHECK_PTXAS, SLICECHECK_FIBRES (folder with fibres_tsan, fibres_msan, fibres_asan: the unbroken programs). Exit code 77: this engine was not built.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from table import Broken, Stub, read_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gates"))
from limits import over_limits  # noqa: E402
from ptx_text import kernels  # noqa: E402
from ptxas import assemble  # noqa: E402
from recorded import RECORDED, different_counts, shapes_of  # noqa: E402

ARCHITECTURE = 90
SKIPPED = 77
SEEDS = 8
SANITIZERS = {"thread": "tsan", "address": "asan", "memory": "msan"}


def setting(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"run_row.py: {name} is not set")
    return value


def built(name: str) -> Path:
    path = Path(setting("SLICECHECK_BROKEN")) / name
    if not path.exists():
        sys.exit(f"run_row.py: {path} was not built")
    return path


def output_of(program: str | Path, words: list[str], kernels_file: Path | None = None) -> tuple[int, str]:
    """Exit code and all output. Sanitizers stop at the first report."""
    environment = {**os.environ, "SLICECHECK_KERNELS": str(kernels_file or "")}
    environment["TSAN_OPTIONS"] = "halt_on_error=1 exitcode=66"
    run = subprocess.run([str(program), *words], env=environment, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    return run.returncode, (run.stdout + run.stderr).strip()


def reports_on_ptx(row: Broken, stubs: dict[str, Stub]) -> tuple[str, str]:
    """What the twin's run and the broken one's say; "passed" if nothing."""
    words = (["--seeds", str(SEEDS)] if row.engine == "seeds" else []) + row.run.split()
    shipped = setting("SLICECHECK_RUN_ON_PTX")
    if row.unit in stubs:
        return output_of(shipped, words, built(f"{row.unit}.ptx"))[1], output_of(shipped, words, built(f"{row.name}.ptx"))[1]
    return output_of(shipped, words)[1], output_of(built(f"programs/{row.name}"), words)[1]


def reports_of_counts(row: Broken) -> tuple[str, str]:
    """Counts that are not the recorded ones, or "passed"."""
    recorded = json.loads(RECORDED.read_text())

    def report(name: str) -> str:
        code, said = output_of(setting("SLICECHECK_RUN_ON_PTX"), ["--counts", *row.run.split()], built(f"{name}.ptx"))
        return "\n".join(different_counts(recorded["counts"], json.loads(said))) or "passed" if code == 0 else said

    return report(row.unit), report(row.name)


def reports_of_limits(row: Broken) -> tuple[str, str]:
    """What is over its limit, or "passed"."""
    shapes = shapes_of(json.loads(RECORDED.read_text())["counts"])

    def report(name: str) -> str:
        text = built(f"{name}.ptx").read_text()
        use, _ = assemble(Path(setting("SLICECHECK_PTXAS")), text, ARCHITECTURE)
        return "\n".join(line for k in kernels(text) for line in over_limits(k, use[k.symbol], ARCHITECTURE, shapes.get(k.name))) or "passed"

    return report(row.unit), report(row.name)


def reports_on_fibres(row: Broken) -> tuple[str, str]:
    kind = SANITIZERS[row.engine]
    program = Path(setting("SLICECHECK_BROKEN")) / "programs" / row.name
    if not program.exists():
        print(f"skipped: there was no clang++ for {kind}")
        sys.exit(SKIPPED)
    return output_of(Path(setting("SLICECHECK_BROKEN")) / "programs" / f"fibres_{kind}", row.run.split())[1], output_of(program, row.run.split())[1]


def expected(row: Broken) -> list[str]:
    """Beginnings of a line, one of which the report has to have."""
    word = {"machine": "fault ", "values": "wrong ", "seeds": "differs ", "runtime": "error "}.get(row.engine, "")
    return [word + caught for caught in row.caught.split(" or ")]


def is_caught(row: Broken, report: str) -> bool:
    """Whether one line of the report (of a sanitizer: the whole report) says what the row wants, and names its kernel."""
    if row.engine in SANITIZERS or row.engine == "runtime":
        return row.caught in report and row.inside in report
    lines = report.splitlines()
    if row.engine == "counts":
        return any(row.caught in line and row.inside in line for line in lines)
    return any(line.startswith(beginning) and row.inside in line for line in lines for beginning in expected(row))


def main(words: list[str]) -> int:
    rows, stubs = read_table()
    (row,) = (row for row in rows if row.name == words[0])
    if row.unit in stubs:
        twin, broken = ({k.name: k.hash for k in kernels(built(f"{name}.ptx").read_text())} for name in (row.unit, row.name))
        changed = [name for name, text in broken.items() if twin.get(name) != text]
        if not changed:
            sys.exit("the changed line changes no kernel")
        print(f"kernels that differ from the shipped ones: {', '.join(changed)}")
    if row.engine == "counts":
        twin_report, report = reports_of_counts(row)
    elif row.engine == "ptxas":
        twin_report, report = reports_of_limits(row)
    elif row.engine in SANITIZERS:
        twin_report, report = reports_on_fibres(row)
    else:
        twin_report, report = reports_on_ptx(row, stubs)
    print(f"{row.what}\nthe twin: {twin_report}\nthe broken one: {report}")
    if twin_report != "passed":
        sys.exit("the unbroken twin did not pass")
    if not is_caught(row, report):
        sys.exit(f"not caught as the row says: {row.engine}, {row.caught}{', in ' + row.inside if row.inside else ''}")
    print(f"caught: {row.engine}, {row.caught}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
