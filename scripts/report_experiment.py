"""The sections of the page that a summary.json declares: experiments, the regime of a training, an audit of assumptions."""

from __future__ import annotations

from report_figures import draw
from report_files import InputError, Record
from report_numbers import formatted, with_zeros
from report_run import SECTIONS, Experiment, plot_stem
from report_views import Cell, Counter, ExperimentView, FigureView, TableView, anchor

EXPECTED_WORDS = {"finding": "refuted, as it should be", "surprise": "holds, though it should be refuted"}    # of an experiment's verdict

def experiment_view(experiment: Experiment, counter: Counter) -> ExperimentView:
    name, summary = experiment.stem, experiment.summary
    complete = not (experiment.manifest and experiment.manifest.value.get("complete") is False)
    id = anchor("experiment" if experiment.section == SECTIONS[0] else "answer", name)
    if summary is None:
        return ExperimentView(experiment.section, experiment.name, id, experiment.name, "", "", "", "", [], [], [], [], [], [], complete, True)
    return ExperimentView(
        experiment.section, experiment.name, id, summary.text("title"), experiment.answer, summary.text("description"), summary.text("profile"),
        str(summary.integer("seed")),
        experiment.advice, summary.texts("facts"), [(v, Cell(v.state, other=EXPECTED_WORDS.get(v.state, ""))) for v in experiment.verdicts],
        [table_view(name, table, experiment, counter) for table in summary.records("tables")],
        [figure_view(name, figure, experiment, counter) for figure in summary.records("figures")],
        [{key: row.text(key) for key in ("setting", "report", "theory", "here")} for row in summary.records("departures", optional=True)], complete, False)


def table_view(name: str, table: Record, experiment: Experiment, counter: Counter) -> TableView:
    """A table of an experiment: the declared columns of a CSV, formatted, an interval beside its value."""
    data = experiment.data.table(table.text("file"))
    columns = table.records("columns")
    headers = [(column.text("header"), column.text("format", "s") not in ("", "s")) for column in columns]
    specs = []
    for column in columns:
        if column.has("low") != column.has("high"):
            raise InputError(f"{column.where}: 'low' and 'high' come together")
        keys = [key for key in ("name", "low", "high") if column.has(key) or key == "name"]
        specs.append((column.text("format", "s"), [data.position(column.text(key)) for key in keys], column))
    rows = []
    for row, line in zip(data.rows, data.lines):
        cells = []
        for spec, positions, column in specs:
            try:
                texts = [formatted(row[k], with_zeros(spec) if len(positions) == 3 else spec) for k in positions]
            except ValueError:
                raise InputError(f"{data.path}:{line}: the cell of column '{column.text('name')}' does not suit the format '{spec}' that the summary gives it: "
                                 f"'{', '.join(row[k] for k in positions)}'") from None
            cells.append((texts[0], f"[{texts[1]}, {texts[2]}]" if len(texts) == 3 and any(row[k].strip() for k in positions) else "", spec not in ("", "s")))
        rows.append(cells)
    return TableView(counter.table(), anchor(f"table-{name}", table.text("id")), table.text("title"), table.text("caption", ""), headers, rows,
                     f"{experiment.place}/{table.text('file')}")


def figure_view(name: str, figure: Record, experiment: Experiment, counter: Counter) -> FigureView:
    panels = [p for p in figure.array("panels") if isinstance(p, dict)]
    parts = [part for p in panels for key in ("series", "density", "contours", "paths", "points")
             for part in (p[key] if isinstance(p.get(key), list) else [p.get(key)])]
    files = dict.fromkeys(str(part["file"]) for part in [figure.value, *panels, *parts] if isinstance(part, dict) and part.get("file"))
    return FigureView(counter.figure(), anchor(f"figure-{name}", figure.text("id")), figure.text("title"), figure.text("caption", ""), plot_stem(name, figure),
                      draw(figure, experiment.data), [f"{experiment.place}/{file}" for file in files],
                      figure.text("kind") == "images")
