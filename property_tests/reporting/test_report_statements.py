#!/usr/bin/python3
"""Tests of the statements in mathematics: every claim has one, it leads to its theory page, and it is well-formed MathML that says what its text says.

With SLICECHECK_PROGRAM set, the claims are those of the program's registry.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as tree
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from report_mathematics import FormulaError, mathml, plain
from report_statements import STATEMENTS, THEORY, Statement, anchors, pieces

MATHML = "{http://www.w3.org/1998/Math/MathML}"
SCHEMA = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3}    # elements and how many children they must have
LEAVES = {"mi", "mn", "mo", "mtext"}
EXPECTED = [f"L{k}" for k in range(1, 10)] + [f"N{k}" for k in range(1, 10)] + [f"T{k}" for k in range(7)] + [f"A{k}" for k in range(1, 8)] + [f"G{k}" for k in range(1, 7)]
EXPECTED += [f"R{k}" for k in range(1, 17)] + [f"F{k}" for k in range(1, 7)]


def formulas(statement: Statement) -> list[tuple[str, bool]]:
    """All formulas of a statement, and whether each is displayed."""
    inline = [(piece, False) for sentence in (statement.given, statement.words) for piece, formula in pieces(sentence) if formula]
    return inline + [(formula, True) for formula in statement.formulas]


def symbols(text: str) -> list[str]:
    """What a formula is about: its letters, numbers and signs, in order, without spaces, brackets and the marks of indices."""
    return re.findall(r"[^\s_^{}()\[\]/√,]", text.replace("∑", "Σ"))


class Statements(unittest.TestCase):
    def test_every_id(self) -> None:
        self.assertEqual(sorted(STATEMENTS), sorted(EXPECTED))

    def test_every_claim_of_the_registry(self) -> None:
        program = os.environ.get("SLICECHECK_PROGRAM")
        if program:
            done = subprocess.run([program, "verify", "--claim", "NONE"], capture_output=True, text=True, timeout=60)
            ids = re.findall(r"\b[A-Z]\d+\b", done.stderr)
            self.assertGreater(len(ids), 20, done.stderr)
        else:
            sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "slicecheck" / "claims").glob("*.cpp"))
            ids = re.findall(r"\bid = \"([A-Z]\d+)\"", sources)
            self.assertGreater(len(ids), 20)
        self.assertEqual([id for id in ids if id not in STATEMENTS], [])

    def test_theory_page_and_anchor(self) -> None:
        for id, statement in STATEMENTS.items():
            with self.subTest(id):
                page = (THEORY / statement.page).read_text(encoding="utf-8")
                self.assertIn(statement.anchor, anchors(page))
                heading = next(line for line in page.splitlines() if line.startswith("#") and statement.anchor in anchors(line))
                self.assertRegex(heading + page[page.index(heading):], rf"\b{id}\b")

    def test_well_formed(self) -> None:
        for id, statement in STATEMENTS.items():
            for formula, display in formulas(statement):
                with self.subTest(id, formula=formula):
                    root = tree.fromstring(mathml(formula, display))
                    self.assertEqual(root.tag, f"{MATHML}math")
                    for element in root.iter():
                        name = element.tag.removeprefix(MATHML)
                        self.assertIn(name, {"math", "mrow", "msqrt", *SCHEMA, *LEAVES})
                        if name in SCHEMA:
                            self.assertEqual(len(element), SCHEMA[name], tree.tostring(element))
                        self.assertEqual(bool(name in LEAVES), bool(element.text), name)

    def test_mathematics_and_text_say_the_same(self) -> None:
        """The same letters, numbers and signs in the same order, but that MathML sets an index before an exponent."""
        for id, statement in STATEMENTS.items():
            for formula, display in formulas(statement):
                with self.subTest(id, formula=formula):
                    shown = "".join(tree.fromstring(mathml(formula, display)).itertext())
                    self.assertEqual(sorted(symbols(shown)), sorted(symbols(plain(formula))))
                    self.assertNotIn("\\", plain(formula))

    def test_formula_of_a_known_claim(self) -> None:
        """One of them read by hand, as the theory page has it."""
        self.assertEqual([plain(f) for f in STATEMENTS["L2"].formulas], ["|w_θ(Z′, Y) − w_θ(Z″, Y)| ≤ κ‖Z′ − Z″‖_{∞,2}", "κ = 2(r + ‖Z‖_{∞,2} + ‖Y‖_{∞,2})"])
        root = tree.fromstring(mathml(r"\frac{1}{n} Σ_{k=1}^{n} x_k^2", True))
        self.assertEqual([e.tag.removeprefix(MATHML) for e in root[0]], ["mfrac", "munderover", "msubsup"])
        self.assertEqual(root.get("alttext"), "(1/n) Σ_{k=1}^n x_k^2")

    def test_wrong_formulas_are_refused(self) -> None:
        for formula, words in (("|x", "not closed"), (r"\frac{1}", "missing"), ("x_1_2", "second '_'"), ("ab", "no known name"), (r"\foo", "no meaning"),
                               ("x}", "closes nothing"),
                               ("{x", "'}' is missing"), ("x^", "missing"), ("€", "no meaning")):
            with self.subTest(formula):
                with self.assertRaisesRegex(FormulaError, re.escape(words)):
                    mathml(formula)


class Anchors(unittest.TestCase):
    def test_as_github_makes_them(self) -> None:
        page = "# A b\n## SGD follows the flow as α → 0 (T1)\n```\n# no heading\n```\n### N3 and N5: the two sides\n"
        self.assertEqual(anchors(page), ["a-b", "sgd-follows-the-flow-as-α--0-t1", "n3-and-n5-the-two-sides"])


if __name__ == "__main__":
    unittest.main()
