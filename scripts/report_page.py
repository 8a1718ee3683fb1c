"""The page and its Markdown twin: templates filled in, and files written whole or not at all."""

from __future__ import annotations

import base64
import html
import os
import re
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

import report_content as words
import report_markdown as md
from report_answer import MEANING
from report_files import InputError, reason
from report_mathematics import mathml
from report_numbers import grouped, ratio, with_scripts
from report_statements import STATEMENTS, Statement, pieces
from report_strips import claim_plot
from report_theory import theory_pages
from report_views import Cell, Content, ExperimentView, FigureView

TEMPLATES = Path(__file__).resolve().parent.parent / "reports" / "templates"
LARGEST_SVG = 50_000    # bytes; a larger drawing goes into the page as PNG where that is smaller


def render(content: Content) -> dict[str, bytes]:
    """All files of the report: their names inside the run folder, and their bytes."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(prose=prose, mathematics=mathematics, ended=ended, formula=lambda text, display: Markup(mathml(text, display)), md=md.text,
                               fence=md.fence, grouped=grouped, ratio=ratio, url=lambda path: quote(path))
    environment.globals.update(data_uri=data_uri, Cell=Cell, meaning=MEANING, claim_plot=claim_plot, cited_statements=cited_statements,
                               matrix_view=words.matrix_view, number_text=words.number_text, manifest_rows=words.manifest_rows,
                               manifest_value=words.manifest_value, manifest_columns=words.MANIFEST_COLUMNS, table=md.table, values_text=md.values_text,
                               claims_table=md.claims_table, verdicts_table=md.verdicts_table, checks_table=md.checks_table, trace_table=md.trace_table,
                               rollup_table=md.rollup_table,
                               defects_table=md.defects_table, catches_table=md.catches_table, measured_table=md.measured_table, advice_table=md.advice_table,
                               data_table=md.data_table,
                               departures_table=md.departures_table, runs_table=md.runs_table, manifest_table=md.manifest_table)
    files = {}
    for figure in content.figures:
        files[f"plots/{figure.stem}.svg"] = figure.drawing.svg
        files[f"plots/{figure.stem}.png"] = figure.drawing.png
    pages = theory_pages({figure.stem for figure in content.figures})
    content.theory = list(pages)
    try:
        style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
        files["report.md"] = tidy(environment.get_template("report.md.j2").render(content=content)).encode(errors="replace")
        files["index.html"] = environment.get_template("report.html.j2").render(content=content, style=style).encode(errors="replace")
        listed = [(name.removeprefix("theory/"), title) for name, (title, _) in pages.items()]
        for name, (title, body) in pages.items():
            page = environment.get_template("theory.html.j2").render(title=title, pages=listed, style=style, body=Markup(body))
            files[name] = page.encode(errors="replace")
    except (OSError, TemplateNotFound) as error:
        raise InputError(f"{TEMPLATES}: a template of the report cannot be read: {reason(error)}") from None
    return files


def write_all(folder: Path, files: dict[str, bytes]) -> None:
    """Write every file to a temporary name beside it and rename it."""
    for name, data in files.items():
        path = folder / name
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(exist_ok=True)
            partial.write_bytes(data)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True) if partial.is_file() else None
            raise InputError(f"{path}: cannot be written: {reason(error)}") from None
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def data_uri(figure: FigureView) -> str:
    """The figure as the page holds it."""
    drawing = figure.drawing
    as_png = drawing.as_png or len(drawing.svg) > max(LARGEST_SVG, len(drawing.png))
    kind, data = ("png", drawing.png) if as_png else ("svg+xml", drawing.svg)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def prose(text: str) -> Markup:
    """Text for HTML: what stands between backticks is code, elsewhere simple indices are lowered and exponents raised, and `95 %` stays in one line."""
    pieces = re.split(r"`([^`\n]+)`", html.escape(text))
    mathematics = lambda piece: with_scripts(re.sub(r"(?<=\d) %", "\u00a0%", piece), ("<sub>", "</sub>"), ("<sup>", "</sup>"))
    return Markup("".join(f"<code>{piece}</code>" if k % 2 else mathematics(piece) for k, piece in enumerate(pieces)))


def ended(title: str) -> str:
    """A title with a full stop, unless it ends with a sign of its own."""
    title = title.rstrip(".")
    return title if title.endswith(("?", "!")) else f"{title}."


def mathematics(sentence: str) -> Markup:
    """A sentence with its formulas, which stand between dollars, as MathML."""
    return Markup("").join(Markup(mathml(piece)) if formula else prose(piece) for piece, formula in pieces(sentence))


def cited_statements(view: ExperimentView, content: Content) -> list[tuple[str, Statement]]:
    """The statements that a section's verdicts are about and that have no row of their own on the page."""
    on_page = {claim.id for claim in content.claims}
    return [(id, STATEMENTS[id]) for id in dict.fromkeys(v.claim for v, _ in view.verdicts) if id in STATEMENTS and id not in on_page]


def tidy(text: str) -> str:
    """No more than one blank line in a row."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
