"""Every command of README.md runs, in the order of the page, in one folder with the built program; what takes minutes by its own comment, and what changes the
machine, is only looked at: options, targets, presets and files exist. Links and names of files in all documents lead somewhere.

Before that each kind of mistake is planted in a small page of its own, and must be found.
"""

import ast
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from documents import ROOT, SHELL, Command, broken_links, commands, documents, fenced_blocks, indented_blocks, missing_files, read_page

PROGRAM = Path(os.environ.get("SLICECHECK_PROGRAM", ROOT / "build/release/bin/slicecheck"))
BUILD = PROGRAM.resolve().parents[1]
NEVER_RUN = ("scripts/", "cmake", "ctest", "git", "cd", "export", "mpirun", "srun", "/usr/bin/python3", "python3", "xdg-open")


class Reader:
    """Goes through a page's blocks in a folder. `complaints` is empty where all is well; `ran` and `looked_at` name the commands."""

    helps: dict[tuple[str, ...], str] = {}    # of all readers

    def __init__(self, folder: Path, name: str = "README.md", may_run: bool = True) -> None:
        self.folder, self.name, self.may_run = folder, name, may_run
        self.complaints: list[str] = []
        self.ran: list[str] = []
        self.looked_at: list[str] = []
        tools = folder / "bin"
        tools.mkdir()
        (tools / "slicecheck").symlink_to(PROGRAM.resolve())
        self.environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "SLICECHECK_DATA": os.environ.get("SLICECHECK_DATA", str(ROOT / "data"))}
        self.work = folder / "work"
        self.work.mkdir()

    def read(self, text: str) -> None:
        self.make_inputs(text)
        for block in fenced_blocks(text) if self.may_run else fenced_blocks(text) + indented_blocks(text):
            if block.language in SHELL:
                for command in commands(block):
                    self.command(command)
            elif block.language == "python":
                self.tried(block.line, "the Python block", lambda: ast.parse(block.text))
            elif block.language == "toml":
                self.tried(block.line, "the TOML block", lambda: tomllib.loads(block.text))
            elif block.language == "json":
                self.tried(block.line, "the JSON block", lambda: json.loads(block.text))
            elif block.language == "cmake":
                self.cmake_text(block.line, block.text)
            elif block.language != "text":
                self.complain(block.line, f"a block in the language '{block.language}', which this test does not know")

    def make_inputs(self, text: str) -> None:
        """Files that the page takes for the reader's own: two small clouds, and a recorded run of two parameters."""
        draws = random.Random(1)
        for name in ("X.csv", "Y.csv"):
            if name in text:
                rows = (f"{draws.gauss(0, 1)!r},{draws.gauss(0, 1)!r}" for _ in range(40))
                (self.work / name).write_text("\n".join(rows) + "\n")
        if "run.csv" in text:
            rows = (f"{k / 8},{0.75 ** k},{draws.gauss(0, 1) / 8}" for k in range(9))
            (self.work / "run.csv").write_text("\n".join(rows) + "\n")

    def complain(self, line: int, what: str) -> None:
        self.complaints.append(f"{self.name}:{line}: {what}")

    def tried(self, line: int, what: str, action) -> None:
        try:
            action()
        except (SyntaxError, ValueError) as error:    # tomllib's and json's are ValueErrors
            self.complain(line, f"{what} cannot be read: {error}")

    def command(self, command: Command) -> None:
        try:
            words = shlex.split(command.text.partition("\n")[0])
        except ValueError as error:
            return self.complain(command.line, f"not a command: {command.text}: {error}")
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        first = words[0].removeprefix("./") if words else ""
        if first in ("slicecheck", "build/release/bin/slicecheck", "cat", "echo", "head"):
            if first.endswith("slicecheck") and (command.slow or not self.may_run):
                self.look_at_program(command, words[1:])
            elif self.may_run:
                self.run(command)
        elif first.startswith(NEVER_RUN):
            self.look_at(command, first, words[1:])
        elif self.may_run:
            self.complain(command.line, f"'{first}' is no command that this test knows: {command.text}")

    def run(self, command: Command) -> None:
        text = command.text.replace("build/release/bin/slicecheck", "slicecheck")
        begun = time.monotonic()
        done = subprocess.run(["bash", "-c", text], cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=300)
        self.ran.append(f"{time.monotonic() - begun:5.1f} s  exit code {done.returncode}  {command.text.partition(chr(10))[0]}")
        if done.returncode not in command.codes:
            allowed = " or ".join(map(str, command.codes))
            self.complain(command.line, f"exit code {done.returncode} where the page says {allowed}: {command.text}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")

    def look_at_program(self, command: Command, words: list[str]) -> None:
        """Subcommands and options are those of --help; files of the source tree exist."""
        self.looked_at.append(command.text)
        path: list[str] = []
        for word in words:
            if not re.fullmatch(r"[a-z]+", word) or word not in self.subcommands(tuple(path)):
                break
            path.append(word)
        if not path and not (words and words[0].startswith("-")):
            self.complain(command.line, f"no such subcommand: {command.text}")
        self.options(command, words, self.help(("slicecheck", *path)))
        self.files(command, words)

    def help(self, words: tuple[str, ...], folder: Path | None = None) -> str:
        if words not in self.helps:
            done = subprocess.run([*words, "--help"], cwd=folder or self.work, env=self.environment, capture_output=True, text=True, timeout=60)
            self.helps[words] = done.stdout if done.returncode == 0 else ""
        return self.helps[words]

    def subcommands(self, path: tuple[str, ...]) -> set[str]:
        _, _, listed = self.help(("slicecheck", *path)).partition("Subcommands:")
        return set(re.findall(r"(?m)^  (\w+) ", listed))

    def options(self, command: Command, words: list[str], help_text: str) -> None:
        if not help_text:
            return self.complain(command.line, f"--help does not work: {command.text}")
        known = set(re.findall(r"--[\w-]+", help_text))
        for word in words:
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                self.complain(command.line, f"no option {option}: {command.text}")

    def files(self, command: Command, words: list[str]) -> None:
        for word in words:
            if re.match(r"(src|docs|theory|scripts|experiments|property_tests|cmake)/", word) and not (ROOT / word).exists():
                self.complain(command.line, f"there is no {word}: {command.text}")

    def look_at(self, command: Command, first: str, words: list[str]) -> None:
        self.looked_at.append(command.text)
        if first.startswith("scripts/"):
            if not (ROOT / first).is_file() or not os.access(ROOT / first, os.X_OK):
                return self.complain(command.line, f"there is no script {first}")
            return self.options(command, words, self.help((f"./{first}",), ROOT))
        self.files(command, words)
        if first in ("cmake", "ctest"):
            self.presets_and_targets(command, words)
        elif first in ("mpirun", "srun") and any(word.endswith("slicecheck") for word in words):
            at = next(k for k, word in enumerate(words) if word.endswith("slicecheck"))
            self.look_at_program(command, words[at + 1:])
        elif first.endswith("python3") and words[:1] == ["-c"]:
            self.tried(command.line, "the Python code", lambda: ast.parse(words[1]))
        elif first.endswith("python3") and words and words[0].endswith(".py") and (ROOT / words[0]).is_file():
            self.tried(command.line, words[0], lambda: ast.parse((ROOT / words[0]).read_text(encoding="utf-8")))

    def presets_and_targets(self, command: Command, words: list[str]) -> None:
        held = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))
        names = {preset["name"] for kind in ("configurePresets", "buildPresets", "testPresets") for preset in held[kind] if not preset.get("hidden")}
        for at, word in enumerate(words):
            following = words[at + 1:]
            if word == "--preset" and (not following or following[0] not in names):
                self.complain(command.line, f"no such preset: {command.text}")
            elif word == "-S" and (not following or not (ROOT / following[0] / "CMakeLists.txt").is_file()):
                self.complain(command.line, f"-S names no folder with a CMakeLists.txt: {command.text}")
            elif word == "--component" and (not following or f"COMPONENT {following[0]}" not in self.sources_of_cmake()):
                self.complain(command.line, f"no such component: {command.text}")
            elif word in ("--target", "-t"):
                targets = self.targets()
                for target in following:
                    if target.startswith("-"):
                        break
                    if targets and target not in targets:
                        self.complain(command.line, f"no target {target}: {command.text}")
            elif word.startswith("-DSLICECHECK_") and word[2:].partition("=")[0].partition(":")[0] not in self.sources_of_cmake():
                self.complain(command.line, f"CMake has no variable {word[2:]}: {command.text}")

    def targets(self) -> set[str]:
        """Those of the build beside the program; empty where that is no build by Ninja."""
        file = BUILD / "build.ninja"
        return set(re.findall(r"(?m)^build ([\w.-]+): phony", file.read_text(encoding="utf-8"))) if file.is_file() else set()

    def sources_of_cmake(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "CMakeLists.txt", *ROOT.glob("cmake/*"), *ROOT.glob("src/**/CMakeLists.txt")])

    def cmake_text(self, line: int, text: str) -> None:
        """find_package of this project, with targets that it exports."""
        if "find_package(SliceCheck" in text and "project(SliceCheck" not in self.sources_of_cmake():
            self.complain(line, "there is no package SliceCheck")
        for name in re.findall(r"SliceCheck::(\w+)", text):
            if not re.search(rf"\b(slicecheck_)?{name}\b", self.sources_of_cmake()):
                self.complain(line, f"there is no target SliceCheck::{name}")


def complaints_of(text: str, may_run: bool = True) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder), may_run=may_run)
        reader.read(text)
        return reader.complaints


def shell(*lines: str) -> str:
    return "\n".join(["```", *lines, "```", ""])


class PlantedMistakes(unittest.TestCase):
    """What is wrong is found, and what is right is not."""

    def test_a_right_page_has_no_complaints(self) -> None:
        self.assertEqual(complaints_of(shell("slicecheck --version", "slicecheck distance X.csv Y.csv --exact   # in the plane", "slicecheck verify --claim L1 \\",
                                             "  --subject gallery/unsorted-target --cases 60   # exit code 1: refuted", "slicecheck claims --json  # minutes",
                                             "scripts/run.sh --profile full", "cmake --build --preset release --target slicecheck-app")), [])

    def test_commands(self) -> None:
        for line in ("slicecheck distance X.csv Y.csv --no-such-option", "slicecheck distanse X.csv Y.csv", "slicecheck distance X.csv Z.csv",
                     "slicecheck verify --claim L1 --subject gallery/unsorted-target --cases 60", "slicecheck distance X.csv Y.csv  # exit code 1",
                     "slicecheck claims --no-such-option  # minutes", "slicecheck clams  # minutes", "slicecheck experiment rum plane-sgd --out x --pages # an hour",
                     "slicecheck regime experiments/trainings/no-such.toml  # minutes", "scripts/run.sh --no-such-option", "scripts/no-such.sh",
                     "cmake --preset no-such", "cmake --build --preset release --target no-such-target", "cmake -S property_tests/no-such -B b",
                     "cmake --install build/release --component no-such", "/usr/bin/python3 -c 'import )'", "/usr/bin/python3 src/python/no-such.py",
                     "frobnicate", "slicecheck distance 'X.csv"):
            with self.subTest(line):
                self.assertTrue(complaints_of(shell(line).replace("```\n", "```\n# X.csv Y.csv\n", 1)), f"not found: {line}")

    def test_other_blocks(self) -> None:
        for language, text in (("python", "def f(:"), ("toml", "a = "), ("json", "{"), ("cmake", "target_link_libraries(a SliceCheck::no_such)"), ("ruby", "1")):
            with self.subTest(language):
                self.assertEqual(len(complaints_of(f"```{language}\n{text}\n```\n")), 1)
        self.assertRaises(ValueError, fenced_blocks, "```\nslicecheck\n")

    def test_links(self) -> None:
        page = ROOT / "README.md"
        for text in ("[a](docs/no-such.md)", "[a](docs/formats.md#no-such-heading)", "[a](#no-such-heading)", "[![a](no/picture.png)](docs/formats.md)",
                     "# A\n[a](#b)"):
            with self.subTest(text):
                self.assertEqual(len(broken_links(page, text)), 1)
        self.assertEqual(broken_links(page, "# A *b*: `c`, d\n# A\n# A\n[a](#a-b-c-d) [a](#a-1) [b](docs/formats.md) [c](https://example.org/x) `[d](no)`\n\n    [e](no)\n"), [])
        self.assertEqual(len(missing_files(page, "`src/slicecheck/no_such.h` and `docs/formats.md`, `scripts/NAME.sh`, `src/slicecheck/claims/loss_ID.cpp`")), 1)


class Documents(unittest.TestCase):
    def test_every_command_of_the_readme(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reader = Reader(Path(folder))
            reader.read((ROOT / "README.md").read_text(encoding="utf-8"))
        print("\nRun:", *reader.ran, sep="\n  ")
        print("Only looked at:", *reader.looked_at, sep="\n  ")
        self.assertEqual(reader.complaints, [], "\n" + "\n".join(reader.complaints))
        self.assertGreater(len(reader.ran), 8)
        self.assertTrue({"scripts/run.sh", "scripts/test.sh"} <= {command.removeprefix("./") for command in reader.looked_at})

    def test_commands_of_the_other_documents_have_options_and_targets_that_exist(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            looked_at = 0
            for path in [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
                with tempfile.TemporaryDirectory(dir=folder) as own:
                    reader = Reader(Path(own), path.name, may_run=False)
                    reader.read(path.read_text(encoding="utf-8"))
                    looked_at += len(reader.looked_at)
                    with self.subTest(path.name):
                        self.assertEqual(reader.complaints, [])
        print(f"\nLooked at in other documents: {looked_at} commands")
        self.assertGreater(looked_at, 40)

    def test_links_lead_somewhere(self) -> None:
        pages = documents()
        self.assertTrue({"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= {path.name for path in pages})
        complaints = [sentence for path in pages for sentence in broken_links(path, path.read_text(encoding="utf-8"))]
        self.assertEqual(complaints, [], "\n" + "\n".join(complaints))

    def test_files_that_are_named_exist(self) -> None:
        complaints = [sentence for path in documents() for sentence in missing_files(path, path.read_text(encoding="utf-8"))]
        self.assertEqual(complaints, [], "\n" + "\n".join(complaints))

    def test_every_claim_has_a_heading_in_theory(self) -> None:
        sys.path.insert(0, str(ROOT / "scripts"))
        from report_statements import STATEMENTS
        headings = " ".join(heading for path in (ROOT / "theory").glob("*.md") for heading in read_page(path.read_text(encoding="utf-8")).headings)
        self.assertEqual([id for id in STATEMENTS if not re.search(rf"\b{id}\b", headings)], [])
        for id, statement in STATEMENTS.items():
            page = read_page((ROOT / "theory" / statement.page).read_text(encoding="utf-8"))
            self.assertIn(statement.anchor, page.anchors, id)


if __name__ == "__main__":
    unittest.main()
