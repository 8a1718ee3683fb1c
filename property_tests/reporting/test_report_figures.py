#!/usr/bin/python3
"""Tests of what scripts/report.py draws for experiments on convergence: phase portraits, reference lines, fans, steps, their verdicts and their advice.

Runs without arguments, directly or as `/usr/bin/python3 -m unittest`.
"""

from __future__ import annotations

import json
import math
import re
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from report_runs import Case, Page, claims, report, verdicts, write_csv, write_json


def ring(x: float, y: float) -> float:
    return (x * x + y * y - 1) ** 2 + 0.25 * x


def write_ring(folder: Path) -> None:
    """A density and an objective on a grid, 12 paths whose rows are interleaved, three points."""
    axis = [round(-2 + 0.1 * k, 10) for k in range(41)]
    cells = [(x, y) for y in axis for x in axis]
    density = {law: [math.exp(-beta * (ring(x, y) + 0.26)) for x, y in cells] for law, beta in (("hot", 6), ("cold", 30))}
    rows = [[law, x, y, share if share > 1e-5 else 0] for law, shares in density.items() for (x, y), share in zip(cells, shares)]
    write_csv(folder / "density.csv", ["law", "u1", "u2", "share"], rows)
    write_csv(folder / "objective.csv", ["u1", "u2", "F"], [[x, y, ring(x, y)] for x, y in cells])
    places = [np.array([1.8 * math.cos(0.5 * k + 0.1), 1.8 * math.sin(0.5 * k + 0.1)]) for k in range(12)]
    rows = []
    for _ in range(80):
        for k, u in enumerate(places):
            rows.append([f"start {k}", *u])
            places[k] = u - 0.03 * (4 * (u @ u - 1) * u + np.array([0.25, 0]))
    write_csv(folder / "flow.csv", ["start", "u1", "u2"], rows)
    write_csv(folder / "critical.csv", ["type", "u1", "u2"], [["minimum", -1.03, 0], ["saddle", 0.97, 0], ["maximum", 0.06, 0]])


def phase(**other: Any) -> dict[str, Any]:
    """The declaration of a phase figure."""
    cells = {"x": "u1", "y": "u2"}
    panel = lambda law: {"title": law, "radius": 2, "density": {"file": "density.csv", "value": "share", "where": {"law": law}, **cells},
                         "contours": {"file": "objective.csv", "value": "F", **cells},
                         "paths": [{"label": "flow", "file": "flow.csv", "path": "start", "arrows": True, **cells}],
                         "points": [{"label": "critical", "file": "critical.csv", **cells}]}
    return {"kind": "phase", "id": "portrait", "title": "Portrait", "caption": "The ring.", "x_label": "u_1", "y_label": "u_2", "columns": 2,
            "density_label": "share of time", "panels": [panel("hot"), panel("cold")]} | other


def measured(**other: Any) -> dict[str, Any]:
    """A verdict of an experiment."""
    return {"claim": "L1", "what": "ring", "statement": "d_C falls like α^{1/2}", "measured": "slope 0.499 ± 0.012", "sample": "200 runs", "confidence": "95 %",
            "outcome": "holds", "expected": "holds"} | other


def advised(**other: Any) -> dict[str, Any]:
    """A row of an experiment's advice."""
    return {"question": "How large must r be?", "sentence": "Take r ≥ 16, 1.46 times ‖u_0‖.",
            "evidence": ["two moons: 2^-2 | 4", "No step ended on it."]} | other


def summary(**other: Any) -> dict[str, Any]:
    return {"name": "ring", "title": "The ring", "description": "A ring.", "profile": "quick", "seed": 1, "facts": ["A fact."], "departures": [], "tables": [],
            "figures": []} | other


def empty_axes(**settings: Any):
    """A panel without anything, 4 × 3 inches within a figure of 6 × 4."""
    from report_drawing import new_figure
    axes = new_figure(6, 4).add_axes([0.1, 0.1, 4 / 6, 3 / 4])
    axes.set(**settings)
    return axes


class Experiments(Case):
    """A test on a run folder with one experiment."""

    def experiment(self, **other: Any) -> Path:
        folder = self.run_folder / "experiments" / "ring"
        write_ring(folder)
        write_json(folder / "summary.json", summary(**other))
        return self.run_folder

    def bad(self, change, *words: str) -> None:
        """A changed phase figure is refused with these words."""
        figure = json.loads(json.dumps(phase()))
        change(figure, figure["panels"][0])
        self.refused(self.experiment(figures=[figure]), *words)


class PhasePortraits(Experiments):
    """Phase figures."""

    def test_whole_page(self) -> None:
        page = self.rendered(self.experiment(figures=[phase()]))
        for name in ("density", "objective", "flow", "critical"):
            self.assertIn(f"experiments/ring/{name}.csv", page.text)
        self.assertIn("plots/ring-portrait.svg", page.text)
        self.assertNotIn("not shown", page.text)

    def test_same_data_same_bytes(self) -> None:
        write_ring(self.run_folder)
        first, second = self.drawn(phase()), self.drawn(phase())
        self.assertEqual((first.svg, first.png), (second.svg, second.png))
        self.assertFalse(first.as_png)
        self.assertEqual(first.notes, [])

    def test_parts_are_optional(self) -> None:
        write_ring(self.run_folder)
        for key in ("radius", "density", "contours", "paths", "points"):
            with self.subTest(key):
                panel = {k: v for k, v in phase()["panels"][0].items() if k in ("title", key)}
                self.assertEqual(self.drawn(phase(panels=[panel], columns=1)).notes, [])

    def test_zero_stays_blank_and_more_is_darker(self) -> None:
        from matplotlib.figure import Figure
        import report_phase
        values = {(0, 0): 0.0, (1, 0): 1.0, (0, 1): 2.0, (1, 1): 4.0}
        write_csv(self.run_folder / "d.csv", ["x", "y", "v"], [[x, y, v] for (x, y), v in values.items()])
        panel, _ = report_phase.read_panel(self.record({"title": "", "density": {"file": "d.csv", "x": "x", "y": "y", "value": "v"}}), self.data())
        axes = empty_axes()
        report_phase.set_view(axes, ((-0.5, 1.5), (-0.5, 1.5)), 4, 3)
        report_phase.draw_panel(axes, panel, report_phase.Looks([panel]), report_phase.colour_scale([panel.density]), False)
        figure: Figure = axes.figure
        figure.canvas.draw()
        dots = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
        at = lambda x, y: dots[dots.shape[0] - 1 - int(axes.transData.transform((x, y))[1]), int(axes.transData.transform((x, y))[0])]
        light = [int(at(x, y).sum()) for x, y in sorted(values, key=values.get)]
        self.assertEqual(light[0], 3 * 255)
        self.assertEqual(light, sorted(light, reverse=True))
        self.assertEqual(len(set(light)), 4)

    def record(self, value: Any):
        from report_files import Record
        return Record(value, "summary.json")

    def data(self):
        from report_files import DataFolder
        return DataFolder(self.run_folder)

    def cells(self, rows: list[list[Any]], **other: Any):
        from report_cells import read_cells
        write_csv(self.run_folder / "d.csv", ["x", "y", "v"], rows)
        return read_cells(self.record({"file": "d.csv", "x": "x", "y": "y", "value": "v", **other}), self.data(), True)

    def test_cells_may_be_missing_and_in_any_order(self) -> None:
        cells = self.cells([[0.3, 2, 5], [0.1, 1, 3], [0.7, 1, ""]])
        np.testing.assert_allclose(cells.x, [0.1, 0.3, 0.5, 0.7])
        np.testing.assert_allclose(cells.y, [1, 2])
        np.testing.assert_array_equal(cells.values, [[3, np.nan, np.nan, np.nan], [np.nan, 5, np.nan, np.nan]])
        np.testing.assert_allclose(cells.extent, (0, 0.8, 0.5, 2.5), atol=1e-12)
        self.assertEqual(cells.lost, 1)

    def test_scale_of_colours(self) -> None:
        from report_cells import colour_scale, shared_scale
        grid = lambda *values: self.cells([[k % 2, k // 2, v] for k, v in enumerate(values)])
        flat, steep, endless, nothing = grid(1, 2, 3, 100), grid(0, 1, 2, 101), grid(1e-300, 0, 0, 1), grid(0, 0, 0, 0)
        self.assertEqual((colour_scale([flat]).log, colour_scale([flat]).low), (False, 0.0))
        self.assertEqual((colour_scale([steep]).log, colour_scale([steep]).low, colour_scale([steep]).cut), (True, 1.0, False))
        self.assertEqual((colour_scale([endless]).low, colour_scale([endless]).cut), (1e-6, True))
        self.assertIsNone(colour_scale([nothing]))
        self.assertEqual(shared_scale([flat, grid(1, 1, 1, 40)]).high, 100)
        self.assertIsNone(shared_scale([flat, grid(1, 1, 1, 2)]))

    def test_level_lines_show_the_basin(self) -> None:
        """A quadratic bowl with a wall a million times as high: the lines stay in the bowl, about equally far apart."""
        axis = np.linspace(-1, 1, 101)
        bowl = lambda x, y: x * x + y * y + (1e6 if abs(x) > 0.95 else 0)
        levels = self.cells([[x, y, bowl(x, y)] for x in axis for y in axis]).levels()
        self.assertEqual(len(levels), 12)
        self.assertTrue(np.all(np.diff(levels) > 0))
        inside = np.sqrt(levels[:9])
        self.assertLess(inside[-1], 1)
        self.assertLess(np.diff(inside).max() / np.diff(inside).min(), 1.3)

    def test_axes_are_equal(self) -> None:
        from report_phase import with_shape
        for shape in (0.5, 1, 1.4):
            for view in (((0, 1), (0, 9)), ((-3, 5), (0, 0.1)), ((2, 3), (2, 3))):
                (left, right), (bottom, top) = with_shape(view, shape)
                self.assertAlmostEqual((top - bottom) / (right - left), shape)
                self.assertTrue(left <= view[0][0] and right >= view[0][1] and bottom <= view[1][0] and top >= view[1][1])

    def test_paths_keep_their_rows_in_order(self) -> None:
        from report_phase import read_paths
        write_csv(self.run_folder / "p.csv", ["x", "y", "k"], [[0, 0, "b"], [5, 5, "a"], [1, 0, "b"], [6, 5, "a"], [2, 1, "b"]])
        paths = read_paths(self.record({"label": "l", "file": "p.csv", "x": "x", "y": "y", "path": "k"}), self.data())
        self.assertEqual([line.tolist() for line in paths.lines], [[[0, 0], [1, 0], [2, 1]], [[5, 5], [6, 5]]])
        self.assertFalse(paths.arrows)

    def test_arrows_point_along_the_path(self) -> None:
        from report_phase import draw_arrow
        for line, where, direction in (([[0, 0], [4, 0]], (2, 0), (1, 0)), ([[0, 4], [0, 0]], (0, 2), (0, -1)),
                                       ([[0, 0], [0, 3], [-1, 3]], (0, 2), (0, 1)),
                                       ([[0, 0], [math.nan, 1], [-2, -2]], (-1, -1), (-1, -1))):
            axes = empty_axes()
            draw_arrow(axes, np.array(line, dtype=float), "red", 8)
            mark = axes.lines[0]
            np.testing.assert_allclose(np.ravel(mark.get_data()), where, atol=1e-12)
            tip = mark.get_marker().vertices[1]
            np.testing.assert_allclose(tip / np.hypot(*tip), np.array(direction) / np.hypot(*direction), atol=1e-9)
        for nowhere in ([[1, 1]], [[1, 1], [1, 1]], [[math.nan, 1], [1, 1]]):
            axes = empty_axes()
            draw_arrow(axes, np.array(nowhere, dtype=float), "red", 8)
            self.assertEqual(len(axes.lines), 0)

    def test_what_is_not_shown_is_said(self) -> None:
        write_ring(self.run_folder)
        write_csv(self.run_folder / "p.csv", ["k", "x", "y"], [[1, 0, 0], [1, "", 1], [1, 1, 1]])
        path = {"label": "way", "file": "p.csv", "x": "x", "y": "y", "path": "k"}
        density = phase()["panels"][0]["density"]
        panel = {"title": "p", "radius": 100, "density": {**density, "where": {"law": "none"}}, "paths": [path],
                 "points": [{"label": "none", "file": "p.csv", "x": "x", "y": "y", "where": {"k": 2}}]}
        self.assertEqual(self.drawn(phase(panels=[panel])).notes, [
            "No data for the density in “p”.", "1 of 3 vertices of “way” in “p” are not shown: empty or not finite.", "No data for “none” in “p”.",
            "The ball B(0, 100) in “p” is not shown: it is far larger than the rest."])

    def test_many_vertices_go_into_the_page_as_png(self) -> None:
        rows = np.random.default_rng(5).normal(size=(20_001, 2)).cumsum(axis=0)
        write_csv(self.run_folder / "p.csv", ["k", "x", "y"], [[n % 7, *row] for n, row in enumerate(rows.tolist())])
        path = {"label": "way", "file": "p.csv", "x": "x", "y": "y", "path": "k"}
        drawing = self.drawn(phase(panels=[{"title": "p", "paths": [path]}]))
        self.assertTrue(drawing.as_png)
        self.assertLess(len(drawing.svg), 400_000)

    def test_bad_declarations(self) -> None:
        for name, change, *words in (
                ("no such column", lambda f, p: p["density"].update(value="none"), "density.csv", "no column 'none'"),
                ("no path", lambda f, p: p["paths"][0].pop("path"), "panels[0], paths[0]", "the field 'path' is missing"),
                ("no such path", lambda f, p: p["paths"][0].update(path="none"), "flow.csv", "no column 'none'"),
                ("arrows", lambda f, p: p["paths"][0].update(arrows=3), "'arrows' should be true or false"),
                ("radius", lambda f, p: p.update(radius=0), "panels[0]", "radius of a ball is positive"),
                ("infinite radius", lambda f, p: p.update(radius="inf"), "'radius' should be a finite number, but is inf"),
                ("columns", lambda f, p: f.update(columns=0), "at least 1 column"),
                ("two laws at once", lambda f, p: p["density"].pop("where"), "density.csv:1683", "a second value for the cell at (-2, -2)"),
                ("negative", lambda f, p: p["density"].update(value="u1"), "density.csv:2", "a density is at least 0"),
                ("points by themselves", lambda f, p: p.update(contours={"file": "flow.csv", "x": "u1", "y": "u2", "value": "u1"}), "flow.csv", "regular grid"),
                ("one row of cells", lambda f, p: p["contours"].update(where={"u2": "0.0"}), "objective.csv", "at least two values of column 'u2'"),
                ("label of the scale", lambda f, p: f.update(density_label=3), "'density_label' should be a string"),
                ("file outside", lambda f, p: p["points"][0].update(file="../x.csv"), "not inside its folder")):
            with self.subTest(name):
                self.bad(change, *words)


class Curves(Experiments):
    """Reference lines, fans and steps."""

    def curves(self, series: list[dict[str, Any]], lines: list[dict[str, Any]], log: bool = False):
        return self.drawn({"kind": "curves", "file": "c.csv", "x": "x", "x_label": "x", "y_label": "y", "log_x": log, "log_y": log,
                           "panels": [{"title": "p", "series": series, "lines": lines}]})

    def sentence(self, series: dict[str, Any], lines: list[dict[str, Any]], log: bool = False) -> str:
        """The sentence with which a declaration is refused."""
        from report_files import InputError
        with self.assertRaises(InputError) as caught:
            self.curves([series], lines, log)
        return str(caught.exception)

    def test_bad_declarations(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y", "k"], [[1, 1, "a"], [2, 2, "a"]])
        plain, fan = {"label": "s", "y": "y"}, {"label": "s", "y": "y", "style": "fan", "path": "k"}
        for series, lines, log, words in (
                (plain, [{"x": 1, "y": 1}], False, "has one of the fields 'y', 'x' and 'slope', but this one has 'y' and 'x'"),
                (plain, [{"label": "l"}], False, "but this one has none of them"),
                (plain, [{"x": "nan"}], False, "'x' should be a finite number, but is nan"),
                (plain, [{"slope": 1, "through": [1, 1]}], False, "needs log_x and log_y"),
                (plain, [{"slope": 1}], True, "the field 'through' is missing"),
                (plain, [{"slope": 1, "through": [1, 0]}], True, "'through' should be [x, y], both positive"),
                (plain | {"style": "pie"}, [], False, "should be line, points, dashed, step or fan, but is 'pie'"),
                (plain | {"path": "k"}, [], False, "'path' belongs to the style fan"),
                (plain | {"style": "fan"}, [], False, "the field 'path' is missing"),
                (fan | {"path": "none"}, [], False, "no column 'none'"),
                (fan | {"low": "y", "high": "y"}, [], False, "a fan has no interval")):
            with self.subTest(words):
                self.assertIn(words, self.sentence(series, lines, log))

    def test_lines_of_all_kinds(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y"], [[2.0 ** -k, 2.0 ** (-k / 2)] for k in range(8)])
        series = {"label": "s", "y": "y"}
        lines = [{"y": 0.5, "label": "η"}, {"x": 0.25, "label": "largest step"}, {"slope": 0.5, "through": [0.1, 0.2], "label": "slope 1/2"}, {"x": 0.01}]
        self.assertEqual(self.curves([series], lines, log=True).notes, [])
        hidden = [{"slope": 0.5, "through": [0.1, 1e6], "label": "far"}, {"slope": 0, "through": [1, 1e-9]}, {"x": -1, "label": "left"}]
        self.assertEqual(self.curves([series], hidden, log=True).notes, [f"The line “{name}” in “p” is not shown: it lies outside the panel."
                                                                        for name in ("far", "slope 0", "left")])

    def test_lines_in_the_legend(self) -> None:
        from report_curves import Legend
        from report_lines import Line, explained_lines, legend_handle
        from report_files import Record
        write_csv(self.run_folder / "c.csv", ["x", "y"], [[1, 1], [2, 2]])
        series = {"label": "s", "y": "y"}
        level, upright = {"y": 1.5, "legend": "F of plain SGD"}, {"x": 1.2, "label": "1.2", "legend": "its norm"}
        first, other = self.curves([series], [level, upright]), self.curves([series], [{"y": 1.5}, {"x": 1.2, "label": "1.2"}])
        for text in (b"<!-- F of plain SGD -->", b"<!-- its norm -->"):
            self.assertIn(text, first.svg)
            self.assertNotIn(text, other.svg)
        self.assertIn(b"<!-- 1.2 -->", first.svg)                        # beside the line
        self.assertEqual(self.curves([series], [{"x": -1, "label": "−1", "legend": "left"}], log=True).notes,
                         ["The line “left” in “p” is not shown: it lies outside the panel."])
        figure, lines = Record({}, "summary.json"), [Line("", y=1.0, legend="a"), Line("", x=1.0, legend="b"), Line("", y=2.0), Line("", y=3.0, legend="a")]
        self.assertEqual(explained_lines(figure, [lines, lines[:1]]), lines[:2])
        self.assertEqual(explained_lines(figure, [lines[2:3]]), [])
        self.assertEqual(Legend(["s"], [], 7, lines[:2]).height, Legend(["s", "a", "b"], [], 7).height)
        self.assertEqual(legend_handle(lines[1]).get_linestyle(), "None")           # an upright mark, no level line
        self.assertEqual(self.sentence(series, [level, {"y": 2, "legend": "F of Adam"}]),
                         "summary.json: two lines with a 'y' have different texts for the legend, 'F of plain SGD' and 'F of Adam', but look alike")

    def test_a_point_without_neighbours_has_a_bar(self) -> None:
        rows = [[1, 3, 1, 5], [2, "", "", ""], [3, 4, 2, 6], [4, 5, 3, 7], [5, "", "", ""], [6, 1, 0.5, 2]]
        write_csv(self.run_folder / "c.csv", ["x", "y", "low", "high"], rows)
        from report_curves import draw_curve, lonely, read_curve
        from report_files import DataFolder, Record
        figure = Record({"file": "c.csv", "x": "x"}, "summary.json")
        curve = read_curve(Record({"label": "s", "y": "y", "low": "low", "high": "high"}, "summary.json"), figure, DataFolder(self.run_folder))
        self.assertEqual(lonely(curve).tolist(), [True, False, False, False, False, True])
        axes = empty_axes()
        draw_curve(axes, curve, {"color": "red", "marker": "o", "shift": 0.0, "marked": True, "dashes": "solid"}, False, False, "", False)
        bars = [segment.tolist() for segment in axes.collections[-1].get_segments()]
        self.assertEqual(bars, [[[1, 1], [1, 5]], [[6, 0.5], [6, 2]]])

    def test_a_line_widens_the_limits(self) -> None:
        from report_lines import Line
        write_csv(self.run_folder / "c.csv", ["x", "y"], [[0, 0], [1, 1]])
        near, far = (self.curves([{"label": "s", "y": "y"}], [{"x": x}]).svg for x in (0.5, 5))
        self.assertNotIn(b"<!-- 5.0 -->", near)
        self.assertIn(b"<!-- 5.0 -->", far)        # a tick of the x axis
        self.assertEqual(Line("", x=5.0).place, "x = 5")

    def test_guides_are_clipped(self) -> None:
        from report_lines import Line, visible
        axes = empty_axes(xscale="log", yscale="log", xlim=(1e-2, 1e2), ylim=(1e-1, 1e1))
        for slope, through, expected in ((0.5, (1, 1), [1e-2, 1e2, 1e-1, 1e1]), (1, (1, 1), [1e-1, 1e1, 1e-1, 1e1]),
                                         (-2, (1, 1), [10 ** -0.5, 10 ** 0.5, 1e1, 1e-1]),
                                         (1, (1e-2, 1), [1e-2, 1e-1, 1, 10]), (0, (5, 2), [1e-2, 1e2, 2, 2])):
            np.testing.assert_allclose(np.ravel(visible(axes, Line("", slope=slope, through=through))), expected, rtol=1e-9)
        self.assertIsNone(visible(axes, Line("", slope=1.0, through=(1.0, 1e5))))

    def test_labels_keep_clear(self) -> None:
        """Of the curve, of each other, of the other lines and of the panel's edges; wherever the lines stand."""
        from report_lines import Labels, Line, draw_line
        x = np.geomspace(1e-3, 1, 60)
        curve = np.stack([x, x ** 0.5], axis=1)
        for level in (0.04, 0.1, 0.3, 0.9):
            for upright in (1.2e-3, 0.01, 0.2, 0.9):
                with self.subTest(level=level, upright=upright):
                    axes = empty_axes(xscale="log", yscale="log", xlim=(1e-3, 1), ylim=(0.03, 1))
                    axes.plot(*curve.T)
                    lines = [Line("η", y=level), Line("the largest step", x=upright), Line("slope 1/2", slope=0.5, through=(0.1, 0.2))]
                    self.assertTrue(all(draw_line(axes, line) for line in lines))
                    labels = Labels(axes, lines, [curve])
                    crowd = labels.crowd
                    labels.draw()
                    self.assertEqual(len(axes.texts), 3)
                    extents = [text.get_window_extent() for text in axes.texts]
                    panel = axes.get_window_extent()
                    for k, (text, box) in enumerate(zip(axes.texts, extents)):
                        self.assertTrue(panel.x0 - 1 <= box.x0 and box.x1 <= panel.x1 + 1, text.get_text())
                        self.assertTrue(panel.y0 - 1 <= box.y0 and box.y1 <= panel.y1 + 1, text.get_text())
                        if text.get_rotation() == 0:
                            points = (crowd + labels.corner) * labels.dpi
                            inside = (points > [box.x0, box.y0]) & (points < [box.x1, box.y1])
                            self.assertEqual(int(inside.all(axis=1).sum()), 0, text.get_text())
                        for other in extents[:k]:
                            self.assertFalse(box.overlaps(other), text.get_text())

    def test_labels_of_lines_that_coincide(self) -> None:
        from report_lines import Labels, Line, draw_line
        axes = empty_axes()
        lines = [Line("one theory", x=0.5), Line("another", x=0.5), Line("a level", y=0.5), Line("the same level", y=0.5)]
        for line in lines:
            draw_line(axes, line)
        Labels(axes, lines, []).draw()
        extents = [text.get_window_extent() for text in axes.texts]
        self.assertEqual([k for k, box in enumerate(extents) for other in extents[:k] if box.overlaps(other)], [])

    def test_a_box_sees_what_it_covers(self) -> None:
        from report_lines import Box
        points = np.array([[0.0, 0.0], [0.9, 0.0], [0.0, 0.9], [0.6, 0.6]])
        self.assertEqual(Box(0, 0, 2, 0.2).covers(points), 2)
        self.assertEqual(Box(0, 0, 2, 0.2, math.pi / 2).covers(points), 2)
        self.assertEqual(Box(0, 0, 2, 0.2, math.pi / 4).covers(points), 2)
        self.assertEqual(Box(5, 5, 2, 0.2).covers(points), 0)

    def series(self, style: str, **other: Any):
        """The lines that a series puts into a panel."""
        from report_curves import draw_curve, read_curve
        from report_files import DataFolder, Record
        figure = Record({"file": "c.csv", "x": "x"}, "summary.json")
        curve = read_curve(Record({"label": "s", "y": "y", "style": style, **other}, "summary.json"), figure, DataFolder(self.run_folder))
        axes = empty_axes()
        look = {"color": "red", "marker": "o", "shift": 0.0, "marked": True, "dashes": "solid"}
        self.assertEqual(draw_curve(axes, curve, look, False, False, "", False), [])
        return curve, axes

    def test_a_fan_is_a_polyline_for_each_path(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y", "k"], [[0, 0, "b"], [0, 5, "a"], [1, 1, "b"], [1, 6, "a"], [2, 2, "b"]])
        curve, axes = self.series("fan", path="k")
        self.assertEqual([line.get_ydata().tolist() for line in axes.lines], [[0, 1, 2], [5, 6]])
        self.assertEqual({line.get_color() for line in axes.lines}, {"red"})
        self.assertTrue(all(line.get_alpha() < 1 and line.get_marker() in ("None", "") for line in axes.lines))
        self.assertEqual([part.tolist() for part in curve.outline()], [[[0, 0], [1, 1], [2, 2]], [[0, 5], [1, 6]]])

    def test_a_fan_has_one_entry_in_the_legend(self) -> None:
        from report_curves import Curve, Legend
        x = np.arange(4.0)
        panel = [Curve("runs", "fan", x, x, None, None, [[0, 1], [2, 3]]), Curve("flow", "dashed", x, x, None, None)]
        legend = Legend(["runs", "flow"], [panel], 7)
        self.assertLess(legend.handle("runs").get_linewidth(), legend.handle("flow").get_linewidth())
        self.assertEqual(legend.empty, set())

    def test_a_large_fan_goes_into_the_page_as_png(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y", "k"], [[n, (-1) ** n * n, k] for k in range(11) for n in range(2000)])
        drawing = self.curves([{"label": "runs", "y": "y", "style": "fan", "path": "k"}], [])
        self.assertTrue(drawing.as_png)
        self.assertLess(len(drawing.svg), 400_000)

    def test_steps_are_right_continuous(self) -> None:
        write_csv(self.run_folder / "c.csv", ["x", "y"], [[0, 0.25], [2, 0.5], [3, 1]])
        curve, axes = self.series("step")
        self.assertEqual(axes.lines[0].get_drawstyle(), "steps-post")
        self.assertEqual(curve.outline()[0].tolist(), [[0, 0.25], [2, 0.25], [2, 0.5], [3, 0.5], [3, 1]])
        self.assertEqual(self.series("line")[1].lines[0].get_drawstyle(), "default")


class MeasuredVerdicts(Experiments):
    """The verdicts of experiments, apart from those of claims."""

    def declared(self) -> list[dict[str, Any]]:
        return [measured(), measured(what="cube"), measured(claim="C9", what="flow", outcome="refuted", expected="refuted"),
                measured(claim="C9", what="Adam", outcome="refuted"), measured(claim="C8", outcome="holds", expected="refuted"),
                measured(claim="C7", what="NPSGD", outcome="inconclusive")]

    def test_table_and_counts(self) -> None:
        self.small()
        folder = self.experiment(verdicts=self.declared())
        done = report(folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        html = (folder / "index.html").read_text(encoding="utf-8")
        page, markdown = Page(html), (folder / "report.md").read_text(encoding="utf-8")
        sentence = ("Of the experiments: 3 verdicts as declared, 2 not, 1 inconclusive; not as declared: C9 on Adam, C8 on ring; inconclusive: C7 on NPSGD.")
        self.assertIn("14 of 16 verdicts came out as declared; 1 refuted: L5 on cpu-float", page.headline)
        for text in (page.headline, markdown, done.stdout):
            self.assertIn(sentence, text)
        self.assertIn("experiments’ verdicts as declared3 / 6", page.text)
        self.assertIn("verdicts as declared14 / 16", page.text)
        article = html[html.index('<article id="experiment-ring">'):]
        self.assertLess(article.index("<h4>Verdicts</h4>"), article.index("A fact."))
        rows = re.findall(r"<tr>.*?</tr>", article[article.index('<table class="measured">'):article.index("</table>")], re.S)[1:]
        states = [re.search(r'<td class="state (\w+)">', row).group(1) for row in rows]
        self.assertEqual(states, ["holds", "holds", "finding", "refuted", "surprise", "inconclusive"])
        self.assertIn("refuted, as it should be", rows[2])
        self.assertIn("holds, though it should be refuted", rows[4])
        self.assertIn('<a href="#claim-L1">L1</a>', rows[0])
        self.assertNotIn("<a ", rows[2])                                 # the page has no such claim
        self.assertEqual(html.count("data-claim="), len(claims()))       # `slicecheck claims` counts these
        self.assertIn("| L1 | ring | d_C falls like α^{1/2} | slope 0.499 ± 0.012 | 200 runs | 95 % | ✓ holds |", markdown)
        self.assertIn("| ✓ refuted, as it should be |", markdown)
        self.assertIn("| **✗ holds, though it should be refuted** |", markdown)

    def test_the_tone_is_their_own(self) -> None:
        for own, tone, text in (([measured()], "good", "Of the experiments: 1 verdict as declared, 0 not, 0 inconclusive."),
                                ([measured(outcome="inconclusive")], "open", "Of the experiments: 0 verdicts as declared, 0 not, 1 inconclusive"),
                                ([measured(outcome="refuted")], "bad", "Of the experiments: 0 verdicts as declared, 1 not, 0 inconclusive"),
                                ([measured(expected="refuted")], "bad", "Of the experiments: 0 verdicts as declared, 1 not, 0 inconclusive")):
            with self.subTest(tone):
                folder = self.small(verdicts=verdicts()[:4], claims=claims()[:1])
                page = self.rendered(self.experiment(verdicts=own))
                self.assertIn("4 of 4 verdicts came out as declared", page.headline)
                self.assertIn(text, page.headline)
                tones = re.findall(r'<p class="headline (\w+)"', (folder / "index.html").read_text(encoding="utf-8"))
                self.assertEqual(tones, ["good", tone])

    def test_none_are_not_mentioned(self) -> None:
        for own in ({}, {"verdicts": []}):
            page = self.rendered(self.experiment(**own))
            self.assertNotIn("Of the experiments", page.text)
            self.assertNotIn("Verdicts", page.text)
            self.assertIn("This run folder holds no verdicts: verdicts.json is absent.", page.headline)
        self.assertIn("No claim was judged by itself: verdicts.json is absent.", self.rendered(self.experiment(verdicts=[measured()])).headline)

    def test_bad_declarations(self) -> None:
        for own, *words in (([measured(outcome="passed")], "summary.json, verdicts[0]", "should be one of holds, refuted, inconclusive, but is 'passed'"),
                            ([measured(expected="inconclusive")], "should be one of holds, refuted, but is 'inconclusive'"),
                            ([measured(measured=0.499)], "the field 'measured' should be a string, but is a number"),
                            ([{k: v for k, v in measured().items() if k != "what"}], "the field 'what' is missing"),
                            ([measured(), measured(outcome="refuted")], "summary.json, verdicts[1]: a second entry for L1 on ring"),
                            ({"claim": "L1"}, "'verdicts' should be an array, but is an object"),
                            (["holds"], "verdicts[0]: expected an object, found a string")):
            with self.subTest(words):
                self.refused(self.experiment(verdicts=own), *words)

    def test_hostile_text(self) -> None:
        hostile = "<script>alert(1)</script> | **b** \x1b[31m"
        folder = self.experiment(verdicts=[{key: hostile for key in measured()} | {"outcome": "refuted", "expected": "holds"}])
        done = report(folder)
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("\x1b", done.stdout)
        self.assertNotIn("<script", (folder / "index.html").read_text(encoding="utf-8"))
        markdown = (folder / "report.md").read_text(encoding="utf-8")
        self.assertNotIn("<script", markdown)
        row = next(line for line in markdown.splitlines() if line.startswith("| &lt;script"))
        self.assertEqual(len(re.findall(r"(?<!\\)\|", row)), 8)


class AdviceTable(Experiments):
    """The sentences of an experiment that answer its questions, before its facts."""

    def test_sentence_first_evidence_behind_it(self) -> None:
        folder = self.experiment(verdicts=[measured()], advice=[advised(), advised(question="Which noise a?", sentence="Not decided.", evidence=[])])
        done = report(folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        html, markdown = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "report.md"))
        article = html[html.index('<article id="experiment-ring">'):]
        order = ["<h4>Verdicts</h4>", "<h4>Advice</h4>", "Take r ≥ 16", "two moons: 2<sup>-2</sup> | 4", "No step ended on it.", "Which noise a?",
                 "Not decided.", "A fact."]
        self.assertEqual(sorted(order, key=article.index), order)
        rows = re.findall(r"<tr>.*?</tr>", article[article.index('<table class="advice">'):], re.S)[1:3]
        self.assertIn("<td>Take r ≥ 16, 1.46 times ‖u<sub>0</sub>‖.<details><summary>", rows[0])
        self.assertEqual(rows[0].count("<li>"), 2)
        self.assertNotIn("<details", rows[1])                            # nothing to fold up
        self.assertNotIn("<script", html)
        order = ["#### Verdicts", "#### Advice", "| How large must r be? | Take r ≥ 16, 1.46 times ‖u_0‖. |", "| Which noise a? | Not decided. |", "<details>",
                 "**How large must r be?**", r"- two moons: 2^-2 \| 4", "- No step ended on it.", "</details>", "- A fact."]
        self.assertEqual(sorted(order, key=markdown.index), order)
        self.assertNotIn("**Which noise a?**", markdown)

    def test_without_evidence_nothing_is_folded_up(self) -> None:
        folder = self.experiment(advice=[advised(evidence=[])])
        self.assertEqual(report(folder).returncode, 0)
        self.assertNotIn("each sentence rests on", (folder / "report.md").read_text(encoding="utf-8"))

    def test_none_is_not_mentioned(self) -> None:
        for own in ({}, {"advice": []}, {"advice": None}):
            folder = self.experiment(**own)
            page = self.rendered(folder)
            for text in (page.text, (folder / "report.md").read_text(encoding="utf-8")):
                self.assertNotIn("Advice", text)
                self.assertIn("A fact.", text)

    def test_bad_declarations(self) -> None:
        for own, *words in (([{k: v for k, v in advised().items() if k != "sentence"}], "summary.json, advice[0]: the field 'sentence' is missing"),
                            ([{k: v for k, v in advised().items() if k != "evidence"}], "the field 'evidence' is missing"),
                            ([advised(question=1)], "the field 'question' should be a string, but is an integer"),
                            ([advised(evidence="one")], "the field 'evidence' should be an array, but is a string"),
                            ([advised(evidence=["one", 2])], "the field 'evidence' should hold strings, but holds an integer"),
                            ([advised(), advised(sentence="Take another.")], "advice[1]: a second entry for the question “How large must r be?”"),
                            (["Take r ≥ 16."], "advice[0]: expected an object, found a string"),
                            ({"question": "r?"}, "'advice' should be an array, but is an object")):
            with self.subTest(words):
                self.refused(self.experiment(advice=own), *words)


if __name__ == "__main__":
    unittest.main()
