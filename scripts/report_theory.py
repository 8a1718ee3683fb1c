"""The theory pages beside the report, so that a claim's proof is one click away from its verdict, from a file and without a network."""

from __future__ import annotations

import html
import re
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from report_files import InputError, reason
from report_numbers import with_scripts
from report_statements import THEORY, slug


def theory_pages(plots: set[str]) -> dict[str, tuple[str, str]]:
    """For every page of theory/: its name in the run folder, its title and its HTML. `plots`: the names of the figures that the report has. Empty where the
    program was installed without its theory pages."""
    pages = {}
    for path in sorted(THEORY.glob("*.md")) if THEORY.is_dir() else []:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read: {reason(error)}") from None
        title = re.search(r"(?m)^# +(.+?) *$", text)
        pages[f"theory/{page_name(path.name)}"] = (title[1] if title else path.stem, page_html(text, plots))
    return pages


def page_name(name: str) -> str:
    """`loss.md` is `loss.html` beside the report, `README.md` is `index.html`."""
    stem = PurePosixPath(name).stem
    return f"{'index' if stem == 'README' else stem}.html"


def page_html(text: str, plots: set[str]) -> str:
    """One page's Markdown as HTML: headings with GitHub's anchors, links to the pages beside it, plots from this very run."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("text", lambda self, tokens, at, options, env: with_scripts(html.escape(tokens[at].content), ("<sub>", "</sub>"),
                                                                                       ("<sup>", "</sup>")))
    reader.add_render_rule("table_open", lambda *_: '<div class="scroll" role="region" tabindex="0" aria-label="Table"><table>\n')
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens, seen = reader.parse(text), {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            name = slug(re.sub(r"[*`]", "", tokens[at + 1].content))
            seen[name] = seen.get(name, -1) + 1
            token.attrSet("id", name if not seen[name] else f"{name}-{seen[name]}")
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.children:
            token.children = [child for kid in token.children if (child := here(kid, plots))]
    return unlinked(reader.renderer.render(tokens, reader.options, {}))


def here(token: Token, plots: set[str]) -> Token | None:
    """A link or an image as it is beside the report."""
    if token.type == "image":
        name = PurePosixPath(str(token.attrGet("src"))).stem
        if name not in plots:
            words = Token("text", "", 0)
            words.content = f"[{token.content}: not drawn in this run]"
            return words
        token.attrSet("src", f"../plots/{name}.svg")
        token.attrSet("alt", token.content)
    if token.type == "link_open":
        address, _, place = str(token.attrGet("href")).partition("#")
        path = PurePosixPath(address)
        beside = path.suffix == ".md" and len(path.parts) == 1
        target = page_name(path.name) if beside else "../index.html" if path.name == "report.md" else "" if not address else None
        token.attrSet("href", "nowhere:" if target is None else target + (f"#{place}" if place else ""))
    return token


def unlinked(page: str) -> str:
    """Without the links to files that are not beside the report."""
    return re.sub(r'<a href="nowhere:">(.*?)</a>', r"\1", page, flags=re.S)
