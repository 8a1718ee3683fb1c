"""What the tests of the documents share: fenced blocks and the commands in them, headings and links, as GitHub reads Markdown."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHELL = {"", "bash", "sh", "shell", "console"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the number of its first line."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command of a shell block without its comment. `slow`: its comment says minutes or hours. `codes`: the exit codes that it may end with."""

    text: str
    line: int
    slow: bool
    codes: tuple[int, ...]


@dataclass
class Page:
    """A Markdown file: anchors of its headings, and its links with their lines, those in code left out."""

    anchors: set[str] = field(default_factory=set)
    links: list[tuple[int, str]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    code_names: list[tuple[int, str]] = field(default_factory=list)    # what stands between single backticks


def fenced_blocks(text: str) -> list[Block]:
    """All of them, in order. @raises ValueError where one is not closed."""
    blocks: list[Block] = []
    opened: tuple[str, str, int] | None = None    # fence, language, line
    held: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r" {0,3}(`{3,}|~{3,})\s*([^\s`]*)", line)
        if opened is None:
            if fence:
                opened, held = (fence[1], fence[2].lower(), number + 1), []
        elif fence and fence[1].startswith(opened[0]) and not fence[2]:
            blocks.append(Block(opened[1], "\n".join(held), opened[2]))
            opened = None
        else:
            held.append(line)
    if opened:
        raise ValueError(f"line {opened[2] - 1}: this fenced block is not closed")
    return blocks


def indented_blocks(text: str) -> list[Block]:
    """Indented code, the lines of it that call this project's program or scripts, one block a line."""
    return [Block("", line.strip(), number) for number, line in enumerate(text.splitlines(), 1)
            if re.match(r"    +(build/release/bin/slicecheck|slicecheck|scripts/\w+\.sh|cmake|ctest) ", line) and not line.rstrip().endswith("\\")]


def without_comment(line: str) -> tuple[str, str]:
    """A line of shell and its comment: from the first # outside of quotes that stands at the start or after a blank."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1].isspace()):
            return line[:at].rstrip(), line[at + 1:].strip()
    return line.rstrip(), ""


def commands(block: Block) -> list[Command]:
    """The commands of a shell block. A backslash at the end continues a line, `<<WORD` takes the lines up to WORD. In a console block only what follows `$ ` is one.
    `# exit code 1 or 4` says with what a command may end; without it, 0 alone."""
    found: list[Command] = []
    lines = list(enumerate(block.text.splitlines(), block.line))
    prompts = block.language == "console"
    while lines:
        number, line = lines.pop(0)
        if prompts:
            if not line.startswith("$ "):
                continue
            line = line[2:]
        text, comment = without_comment(line)
        while text.endswith("\\") and lines:
            more, further = without_comment(lines.pop(0)[1])
            text, comment = f"{text[:-1].rstrip()} {more.strip()}", f"{comment} {further}".strip()
        here = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", text)
        while here and lines:
            _, more = lines.pop(0)
            text += "\n" + more
            if more.strip() == here[1]:
                break
        if not text.strip():
            continue
        ends = re.search(r"exit codes? ((?:\d(?:,| or)? ?)+)", comment)
        codes = tuple(int(digit) for digit in re.findall(r"\d", ends[1])) if ends else (0,)
        found.append(Command(text.strip(), number, bool(re.search(r"\b(minutes?|hours?)\b", comment)), codes))
    return found


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title.strip()).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def read_page(text: str) -> Page:
    """Headings and links of a Markdown text, fenced and indented code and spans of code left out."""
    page, seen = Page(), {}
    fence = ""
    blank = True
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
            continue
        if mark:
            fence = mark[1]
            continue
        if line.startswith("    ") and blank:
            continue    # indented code: `blank` stays, so that its next line is code too
        blank = not line.strip()
        if title := re.match(r" {0,3}#{1,6} +(.+?) *#* *$", line):
            page.headings.append(title[1])
            name = slug(title[1])
            seen[name] = seen.get(name, -1) + 1
            page.anchors.add(name if not seen[name] else f"{name}-{seen[name]}")
        page.anchors.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
        page.code_names += [(number, name) for name in re.findall(r"(?<!`)`([^`]+)`(?!`)", line)]
        plain = re.sub(r"(`+)[^`]*?\1", "", line)
        page.links += [(number, target) for target in re.findall(r"\]\(<?([^\s)>]+)>?(?: \"[^\"]*\")?\)", plain)]
    return page


def documents(root: Path = ROOT) -> list[Path]:
    """The Markdown files that are written by hand, and the sample report."""
    return sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("theory/*.md"), *root.glob("reports/sample/*.md")])


def broken_links(path: Path, text: str) -> list[str]:
    """A sentence for every relative link of this text, taken for the file `path`, that leads to no file or to no anchor."""
    complaints = []
    for line, target in read_page(text).links:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue    # an address: nothing is fetched
        file, _, anchor = target.partition("#")
        aim = path if not file else (path.parent / file).resolve()
        if not aim.exists():
            complaints.append(f"{path.name}:{line}: {target}: there is no {file}")
        elif anchor and aim.suffix == ".md":
            held = text if aim == path else aim.read_text(encoding="utf-8")
            if anchor not in read_page(held).anchors:
                complaints.append(f"{path.name}:{line}: {target}: {aim.name} has no such heading")
    return complaints


FOLDERS = r"(?:src|docs|theory|scripts|experiments|property_tests|cmake)"


def missing_files(path: Path, text: str, root: Path = ROOT) -> list[str]:
    """A sentence for every file of the source tree that stands in backticks and is not there. Names with a placeholder (NAME, *) say nothing."""
    complaints = []
    for line, name in read_page(text).code_names:
        if not re.fullmatch(rf"{FOLDERS}/[\w./-]*", name) or re.search(r"(^|[/_.-])[A-Z]{2,}([/_.-]|$)", name.replace("README", "").replace("CMakeLists", "")):
            continue
        if not (root / name).exists():
            complaints.append(f"{path.name}:{line}: {name} is not there")
    return complaints
