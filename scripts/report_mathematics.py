"""Formulas in the notation of the theory pages, as MathML for the page and as plain text for the Markdown.

The notation is what theory/ writes, with a few words of TeX where a line of text has no such thing. Letters, numbers and signs stand for themselves;
`_` and `^` take the next letter, number or {group}; `\\frac{a}{b}`, `\\sqrt{a}`, `\\set{…}` (braces), `\\text{words}`; `\\E`, `\\P`, `\\R` are upright.
Two or more Latin letters must be a known name (`min`, `dist`, `SW`): a product of letters is written with spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

# a name, and whether its index stands beneath it in a displayed formula
NAMES = {"min": True, "max": True, "sup": True, "inf": True, "lim": True, "limsup": True, "argmin": True, "SW": False, "dist": False, "conv": False,
         "Perm": False,
         "sign": False, "relu": False, "Lip": False, "const": False, "ln": False}
SUMS = {"Σ": "∑", "∫": "∫", "⋃": "⋃"}
SPACED = set("+−±⊖⊕=≤≥<>∈→×↦≠≈⊆∪∩∼⇔⇒≺:")    # signs with space around them
TIGHT = set("·∘/…⊤")
AFTER = set(",;")                         # space behind them only
OPENING, CLOSING, BARS = set("([⟨"), set(")]⟩"), set("|‖")
UPRIGHT = {"E": "E", "P": "P", "R": "ℝ"}
MARKS = "\u0303\u0304"                     # over a letter: tilde, bar
TOKEN = re.compile(r"\s+|\w[\u0300-\u036F]+|\\text\{[^{}]*\}|\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]+|.", re.S)


class FormulaError(ValueError):
    """What is wrong with a formula, and where."""


@dataclass
class Node:
    """A part of a formula: `kind` is row, frac, sqrt, set, script, text, word, open, close, or sign for everything else."""

    kind: str
    text: str = ""
    parts: list[Node | None] = field(default_factory=list)


class Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, formula: str):
        self.formula, self.at = formula, 0
        self.tokens = [t for t in TOKEN.findall(formula) if not t.isspace()]
        self.bars: list[str] = []

    def fail(self, what: str) -> FormulaError:
        return FormulaError(f"{what}, in the formula '{self.formula}' before '{' '.join(self.tokens[self.at:self.at + 4])}'")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def row(self, end: str = "") -> Node:
        """Everything up to `end`."""
        parts, outer, self.bars = [], self.bars, []
        while self.peek() != end:
            if not self.peek():
                raise self.fail(f"'{end}' is missing")
            parts.append(self.scripted())
        if self.bars:
            raise self.fail(f"'{self.bars[-1]}' is not closed")
        self.bars = outer
        self.at += 1
        return Node("row", parts=parts)

    def group(self) -> Node:
        """A {group}, or one atom."""
        if self.peek() == "{":
            self.at += 1
            return self.row("}")
        return self.atom()

    def scripted(self) -> Node:
        """An atom with its primes, index and exponent."""
        base = self.atom()
        primes, low, high = "", None, None
        while self.peek() in ("_", "^", "′", "″"):
            sign, self.at = self.peek(), self.at + 1
            if sign in "′″":
                primes += sign
            elif (low if sign == "_" else high) is not None:
                raise self.fail(f"a second '{sign}'")
            elif sign == "_":
                low = self.group()
            else:
                high = self.group()
        return Node("script", primes, [base, low, high]) if primes or low or high else base

    def atom(self) -> Node:
        token = self.peek()
        if token == "{":
            return self.group()
        self.at += 1
        if token in ("", "}"):
            raise self.fail("something is missing" if not token else "'}' closes nothing")
        if token in ("\\frac", "\\sqrt", "\\set"):
            return Node(token[1:], parts=[self.group() for _ in range(2 if token == "\\frac" else 1)])
        if token.startswith("\\text{"):
            return Node("text", token[6:-1])
        if token.startswith("\\") and token[1:] in UPRIGHT:
            return Node("word", UPRIGHT[token[1:]])
        if token in BARS:
            opens = not (self.bars and self.bars[-1] == token)
            self.bars.append(token) if opens else self.bars.pop()
            return Node("open" if opens else "close", token)
        if token in OPENING or token in CLOSING:
            return Node("open" if token in OPENING else "close", token)
        if token in NAMES:
            return Node("word", token)
        if len(token) > 1 and token.isascii() and token.isalpha():
            raise self.fail(f"'{token}' is no known name (a product of letters is written with spaces)")
        if token in SUMS or token in SPACED | TIGHT | AFTER or token in "∂∞∇*⊥" or token[0].isdigit() or token.rstrip(MARKS).isalpha():
            return Node("sign", token)
        raise self.fail(f"'{token}' has no meaning")


def parse(formula: str) -> Node:
    """The tree of a formula. Raises FormulaError."""
    return Parser(formula).row()


# ---- MathML ---------------------------------------------------------------------------------------------------------------------------

def mathml(formula: str, display: bool = False) -> str:
    """A formula as a `<math>` element that carries its plain text too; needs no script."""
    kind = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{kind} alttext="{escape(plain(formula))}">{element(parse(formula), display)}</math>'


def element(node: Node, display: bool) -> str:
    """One node as MathML."""
    inner = [element(part, display) if part else "" for part in node.parts]
    if node.kind == "row":
        return inner[0] if len(inner) == 1 else f"<mrow>{''.join(inner)}</mrow>"
    if node.kind in ("frac", "sqrt"):
        return f"<m{node.kind}>{''.join(inner)}</m{node.kind}>"
    if node.kind == "set":
        return f'<mrow><mo stretchy="false">{{</mo>{inner[0]}<mo stretchy="false">}}</mo></mrow>'
    if node.kind == "script":
        return scripts(node, inner, display)
    if node.kind == "text":
        return f"<mtext>{escape(node.text).replace(' ', chr(0xA0))}</mtext>"
    if node.kind == "word":
        if NAMES.get(node.text):
            return f'<mo lspace="0.1667em" rspace="0.1667em" movablelimits="false">{node.text}</mo>'
        if node.text in ("ℝ", "SW"):
            return f'<mi mathvariant="normal">{node.text}</mi>'
        return f'<mo form="prefix" lspace="0.1667em" rspace="0">{node.text}</mo>'
    if node.kind in ("open", "close"):
        return f'<mo stretchy="false" fence="true" form="{"prefix" if node.kind == "open" else "postfix"}">{node.text}</mo>'
    text = node.text
    if text in SUMS:
        return f'<mo movablelimits="false">{SUMS[text]}</mo>'
    if text == "/":
        return '<mo lspace="0" rspace="0">/</mo>'
    if text in SPACED | TIGHT | AFTER:
        return f"<mo>{escape(text)}</mo>"
    if text[0].isdigit():
        return f"<mn>{text}</mn>"
    return f'<mi mathvariant="normal">{text}</mi>' if text in "∂∞∇" else f"<mi>{text}</mi>"


def scripts(node: Node, inner: list[str], display: bool) -> str:
    """A base with its index and exponent: beside it, or above and beneath a sum."""
    base, low, high = inner
    primes = "".join(f"<mo>{prime}</mo>" for prime in node.text)
    high = f"<mrow>{primes}{high}</mrow>" if primes and (high or len(node.text) > 1) else primes or high
    of = node.parts[0]
    under = display and (NAMES.get(of.text, False) if of.kind == "word" else of.kind == "sign" and of.text in SUMS and of.text != "∫")
    if low and high:
        name = "munderover" if under else "msubsup"
    else:
        name = ("munder" if low else "mover") if under else "msub" if low else "msup"
    return f"<{name}>{base}{low}{high}</{name}>"


# ---- plain text -----------------------------------------------------------------------------------------------------------------------

def plain(formula: str) -> str:
    """A formula on one line, in the notation of the theory pages."""
    return re.sub(r" +", " ", text_of(parse(formula))).strip()


def text_of(node: Node | None) -> str:
    if node is None:
        return ""
    if node.kind == "row":
        return row_text(node)
    if node.kind == "frac":
        return "/".join(wrapped(part) for part in node.parts)
    if node.kind == "sqrt":
        return f"√({text_of(node.parts[0])})" if len(text_of(node.parts[0])) > 1 else f"√{text_of(node.parts[0])}"
    if node.kind == "set":
        return f"{{{text_of(node.parts[0])}}}"
    if node.kind == "script":
        base, low, high = node.parts
        inside = lambda part: row_text(part, tight=True) if part.kind == "row" else text_of(part)
        braced = lambda part: text if len(text := inside(part)) == 1 else f"{{{text}}}"
        return text_of(base) + node.text + (f"_{braced(low)}" if low else "") + (f"^{braced(high)}" if high else "")
    return node.text


def row_text(node: Node, tight: bool = False) -> str:
    """The parts of a row with the spaces that a reader needs; `tight` in an index or exponent."""
    out, before = "", None
    for k, part in enumerate(node.parts):
        base = part.parts[0] if part.kind == "script" else part
        text, last = text_of(part), k + 1 == len(node.parts)
        spaced = base.kind == "sign" and base.text in SPACED
        unary = spaced and (last or before is None or before.kind == "open" or before.kind == "sign" and before.text in SPACED | AFTER | {"·", "/"})
        if spaced and not unary:
            out += text if tight else f" {text} "
        elif base.kind == "sign" and base.text in AFTER:
            out += text if tight else f"{text} "
        elif base.kind == "sign" and base.text in SUMS or base.kind == "word" and base.text not in (*UPRIGHT.values(), "Perm", "dist", "Lip", "SW"):
            out += f" {text} "
        elif base.kind == "frac":
            edge = lambda n: n is None or n.kind == "sign" and n.text in SPACED | AFTER
            alone = edge(before) and edge(None if last else node.parts[k + 1])
            out += (" " if before and not out.endswith((" ", "(", "|")) else "") + (text if alone else f"({text})")
        elif base.kind == "close" or base.kind == "open" and before is not None and before.kind == "word":
            out = out.rstrip() + text
        else:
            grown = before is not None and (node.parts[k - 1].kind == "script" or before.kind == "frac")
            begins = base.kind in ("word", "text", "open") and text[0] not in "([" or text[0].isalpha()
            out += (" " if grown and begins and not tight and not out.endswith(" ") else "") + text
        before = base
    return re.sub(r" +", " ", out).strip(" ")


def wrapped(part: Node | None) -> str:
    """A numerator or denominator, in parentheses where it is more than one thing."""
    text = text_of(part)
    if part is None or part.kind != "row" or len(part.parts) == 1 or part.parts[0].kind == "open" and part.parts[0].text in BARS:
        return text
    return f"({text})"
