"""The page "Performance": RUN/benchmark.json, written by scripts/bench.sh, as tables and plots.

docs/formats.md has the fields, docs/performance.md says how to read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report_curves import draw_curves
from report_files import Csv, InputError, Record, as_text
from report_numbers import NOTHING, duration, grouped, pretty, rounded
from report_views import FigureView, PerformanceView, TableView

FILE = "benchmark.json"
Cell = tuple[str, str, bool]


class Rows:
    """Rows that `draw_curves` reads as if they stood in a CSV file."""

    def __init__(self, header: list[str], rows: list[list[Any]]):
        self.csv = Csv(Path(FILE), header, [[str(cell) for cell in row] for row in rows], list(range(1, len(rows) + 1)))

    def table(self, _name: str) -> Csv:
        return self.csv


def performance_view(benchmark: Record, counter) -> PerformanceView:
    """All that the file holds; a part that was not measured has no table. `counter` numbers tables and figures."""
    environment = benchmark.record("environment")
    peers = benchmark.record("peers")
    tables = [table for make in (loss_table, value_table, training_table, steps_table, growth_table, memory_table, others_table)
              if (table := make(benchmark, counter)) is not None]
    figures = [figure for make in (growth_figure, memory_figure) if (figure := make(benchmark, counter)) is not None]
    subtitle = [f"measured {benchmark.text('started')}", f"in {duration(benchmark.finite('duration_seconds'))}"]
    subtitle += ["a quick run: few rounds, smaller sizes"] if benchmark.boolean("quick") else []
    return PerformanceView(subtitle, environment.texts("notes"), peers.texts("skipped"), environment_rows(environment, peers), tables, figures)


def environment_rows(environment: Record, peers: Record) -> list[tuple[str, str]]:
    """What the figures were measured with, written."""
    openblas = environment.record("openblas")
    variables = environment.record("variables").value
    libraries = [f"{name} {as_text(version)}" for name, version in peers.record("libraries").value.items()]
    rows = [("processor", f"{environment.text('cpu')}, {environment.integer('cores')} cores, {environment.text('instruction_set')}"),
            ("compiler", f"{environment.text('compiler')}, {environment.text('build_type')}, {environment.text('flags')}"),
            ("LibTorch", environment.text("libtorch") or "none in this build"),
            ("OpenBLAS", f"{openblas.text('core') or 'not found'} kernels; {openblas.text('configuration')}"),
            ("Python’s libraries", ", ".join(libraries) or "none"),
            ("variables", ", ".join(f"{name}={as_text(value)}" for name, value in variables.items()) or "none set"),
            ("load before", rounded(environment.number("load")))]
    return rows


def number(value: float | None, digits: int = 3) -> Cell:
    return rounded(value, digits), "", True


def text(value: str) -> Cell:
    return value, "", False


def table(counter, key: str, title: str, caption: str, headers: list[str], rows: list[list[Cell]]) -> TableView | None:
    """A table; a column is of numbers where its first cell is one. Columns that no row has anything for are left out."""
    if not rows:
        return None
    kept = [k for k in range(len(headers)) if any(row[k][0] != NOTHING for row in rows)]
    return TableView(counter.table(), f"table-performance-{key}", title, caption, [(headers[k], rows[0][k][2]) for k in kept],
                     [[row[k] for k in kept] for row in rows], FILE)


def whole(row: Record, key: str) -> Cell:
    return grouped(row.integer(key)), "", True


def sizes(row: Record) -> list[Cell]:
    return [whole(row, key) for key in ("n", "d", "directions")]


def milliseconds(row: Record, name: str) -> Cell:
    """The median of a candidate; a dash where it did not take part."""
    timings = row.record("timings")
    return number(timings.record(name).finite("median_seconds") * 1e3) if timings.has(name) else number(None)


def optional(row: Record, key: str) -> Cell:
    return number(row.number(key) if key in row.value else None)


def loss_table(benchmark: Record, counter) -> TableView | None:
    rows = []
    records = benchmark.records("loss_gradient", optional=True)
    for row in (r for r in records if r.integer("threads") == 1):
        two = next((r for r in records if r.integer("threads") == 2 and sizes(r) == sizes(row)), None)
        rows.append(sizes(row) + [milliseconds(row, name) for name in ("pot", "numpy", "torch", "torch+", "cpu")]
                    + [number(row.record("limit").finite("seconds") * 1e3)]
                    + [optional(row, key) for key in ("ratio_to_libtorch", "ratio_to_libtorch_with_fast_sort", "ratio_to_limit")]
                    + [optional(two, "speedup_over_one_thread") if two else number(None), optional(row, "ratio_of_double_to_float")])
    return table(counter, "loss", "The loss with its gradient",
                 "Medians in milliseconds of alternating rounds in one process, single precision, one thread; then ratios of medians. torch: LibTorch’s fastest "
                 "composition. torch+: the same with a vectorised sort in its place. limit: 6ndL operations at the best rate of a matrix product in the same "
                 "rounds, and the sort of 2nL keys by the fastest sort.",
                 ["n", "d", "L", "POT", "NumPy", "torch", "torch+", "cpu", "limit", "torch / cpu", "torch+ / cpu", "cpu / limit", "1 / 2 threads",
                  "double / float"], rows)


def value_table(benchmark: Record, counter) -> TableView | None:
    rows = [sizes(row) + [milliseconds(row, name) for name in ("pot", "numpy", "torch", "cpu")]
            + [optional(row, key) for key in ("ratio_to_numpy", "ratio_to_libtorch")] for row in benchmark.records("loss_value", optional=True)]
    return table(counter, "value", "The value alone", "As above, without the gradient.",
                 ["n", "d", "L", "POT", "NumPy", "torch", "cpu", "NumPy / cpu", "torch / cpu"], rows)


def training_table(benchmark: Record, counter) -> TableView | None:
    rows = [[text(f"{row.text('network')} on {row.text('data')}"), text(row.text("scheme")), *(whole(row, key) for key in ("batch", "directions"))]
            + [optional(row, key) for key in ("report_000_steps_per_second", "libtorch_network_steps_per_second", "steps_per_second", "ratio_to_report_000",
                                              "ratio_to_report_000_with_validation", "ratio_to_libtorch_network")]
            for row in benchmark.records("training", optional=True)]
    return table(counter, "training", "Training, end to end",
                 "Steps a second on one thread, single precision: batch, directions, forward, loss, pullback, step. report 000: its own step, in LibTorch’s C++; "
                 "its whole loop validates on a batch more for each step. LibTorch’s network: with our batches and loss.",
                 ["Network", "Scheme", "Batch", "L", "report 000", "LibTorch’s network", "ours", "ours / report 000", "ours / its whole loop",
                  "ours / LibTorch’s"], rows)


def steps_table(benchmark: Record, counter) -> TableView | None:
    rows = [[text(row.text("name")), number(row.finite("microseconds"))] for row in benchmark.records("steps", optional=True)]
    return table(counter, "steps", "A step of a small training",
                 "Median in microseconds on one thread, double precision: what a table of replicates is made of.", ["Training", "µs"], rows)


def growth_table(benchmark: Record, counter) -> TableView | None:
    rows = []
    for row in benchmark.records("growth", optional=True):
        exponent, low, high = (pretty(f"{row.finite(key):.3f}") for key in ("exponent", "low", "high"))
        points = row.records("points")
        span = f"{points[0].finite('x'):g} to {points[-1].finite('x'):g}" if points else NOTHING
        rows.append([text(row.text("quantity")), text(row.text("fixed")), text(span), (exponent, f"[{low}, {high}]", True), text(row.text("expected"))])
    return table(counter, "growth", "Growth of the time",
                 "Time ∝ quantity to this power, with its 95 % interval from the scatter around the line; a curve that bends has a wide one.",
                 ["Quantity", "Fixed", "Range", "Exponent", "Expected"], rows)


def memory_table(benchmark: Record, counter) -> TableView | None:
    found: dict[tuple[int, int, int], dict[int, float]] = {}
    for row in benchmark.records("memory", optional=True):
        found.setdefault((row.integer("n"), row.integer("d"), row.integer("threads")), {})[row.integer("directions")] = row.finite("bytes")
    rows = []
    counts = sorted({count for by_count in found.values() for count in by_count})
    for (n, d, threads), by_count in found.items():
        ends = [by_count.get(counts[0]), by_count.get(counts[-1])]
        growth = f"{100 * (ends[1] / ends[0] - 1):+.1f}\u00a0%" if ends[0] and ends[1] is not None else NOTHING
        rows.append([(grouped(n), "", True), (grouped(d), "", True), (grouped(threads), "", True)] + [number(v / 2**20 if v is not None else None) for v in ends]
                    + [(pretty(growth).replace("-", "−"), "", True), number(4 * n * counts[-1] / 2**20)])
    ends = [grouped(counts[0]), grouped(counts[-1])] if counts else ["", ""]
    return table(counter, "memory", "Peak memory of the cpu loss", "In MiB, beyond the arguments and the result, counted at every allocation, in a process of its own.",
                 ["n", "d", "Threads", f"L = {ends[0]}", f"L = {ends[1]}", "growth in L", "n·L floats"], rows)


def others_table(benchmark: Record, counter) -> TableView | None:
    rows = [[text(row.text("name")), text(row.text("size")), number(row.finite("seconds") * 1e3),
             number(row.finite("aimed_at_seconds") * 1e3 if row.has("aimed_at_seconds") else None)]
            for row in benchmark.records("others", optional=True)]
    return table(counter, "others", "Everything else", "Median in milliseconds, one thread.", ["What", "Size", "ms", "aimed at"], rows)


def figure(counter, key: str, title: str, caption: str, declaration: dict[str, Any], rows: Rows) -> FigureView:
    shared = {"kind": "curves", "id": key, "title": title, "caption": caption, "file": FILE, "log_x": True, "log_y": True}
    record = Record(shared | declaration, FILE)
    return FigureView(counter.figure(), f"figure-performance-{key}", title, caption, f"performance-{key}", draw_curves(record, rows), [FILE])


def growth_figure(benchmark: Record, counter) -> FigureView | None:
    rows, panels = [], []
    for row in benchmark.records("growth", optional=True):
        name, points = row.text("quantity"), row.records("points")
        factor, exponent, start = row.finite("factor_seconds"), row.finite("exponent"), row.finite("fitted_from")
        for point in points:
            x = point.finite("x")
            if not x > 0:
                raise InputError(f"{point.where}: the field 'x' should be positive, but is {x}")
            rows.append([name, repr(x), repr(point.finite("seconds")), repr(factor * x ** exponent) if x >= start else ""])
        low, high = (pretty(f"{row.finite(key):.2f}") for key in ("low", "high"))
        fitted = [str(point.finite("x")) for point in points if point.finite("x") >= start]
        panels.append({"title": f"against {name}: exponent {pretty(f'{exponent:.2f}')} [{low}, {high}]",
                       "series": [{"label": "measured, median", "y": "seconds", "where": {"quantity": name}, "style": "points"}]
                       + ([{"label": "fitted power law", "y": "fit", "where": {"quantity": name, "fitted": "yes"}, "style": "dashed"}] * bool(fitted))})
    if not panels:
        return None
    return figure(counter, "growth", "Time of the cpu loss against each quantity", "The loss with its gradient, single precision; the others are fixed as the table says. "
                  "The line is fitted to the larger sizes, where fixed costs no longer rule.",
                  {"x": "x", "x_label": "n, L, d or threads", "y_label": "seconds", "panels": panels},
                  Rows(["quantity", "x", "seconds", "fit", "fitted"], [[*row, "yes" if row[3] else "no"] for row in rows]))


def memory_figure(benchmark: Record, counter) -> FigureView | None:
    rows, threads, counts = [], {}, {}
    for row in benchmark.records("memory", optional=True):
        n, count = row.integer("n"), row.integer("directions")
        rows.append([n, count, row.integer("threads"), row.finite("bytes") / 2**20, 4 * n * count / 2**20])
        threads[row.integer("threads")] = counts[count] = None
    if not rows:
        return None
    panels = []
    for t in threads:
        series = [{"label": f"L = {count}", "y": "mebibytes", "where": {"threads": t, "directions": count}, "style": "points" if k == 0 else "line"}
                  for k, count in enumerate(counts)]
        series.append({"label": f"n·L floats, L = {max(counts)}", "y": "projections", "where": {"threads": t, "directions": max(counts)}, "style": "dashed"})
        panels.append({"title": f"{t} thread{'s' if t > 1 else ''}", "series": series})
    return figure(counter, "memory", "Peak memory of the cpu loss against n", "Beyond the arguments and the result. Dashed: what keeping every projection would take.",
                  {"x": "n", "x_label": "n", "y_label": "MiB", "panels": panels},
                  Rows(["n", "directions", "threads", "mebibytes", "projections"], rows))
