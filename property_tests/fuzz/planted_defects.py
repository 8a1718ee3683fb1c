"""Usage: planted_defects.py BUILD_FOLDER [TARGET...]

Can the fuzz targets fail? Plants one defect at a time in a copy of a reader, compiles the copy as the target does, and fuzzes it as ctest does: each must be
found within the minute. The copies are made by replacing a line; one that is not there any more is an error.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CIFAR = "src/slicecheck/measures/cifar10.cpp"
POINTS, IDX, SETTINGS = "src/slicecheck/measures/point_file.cpp", "src/slicecheck/measures/idx_images.cpp", "experiments/settings.cpp"
SEALED, CHECKPOINT, PARTS = "src/slicecheck/core/sealed.cpp", "src/slicecheck/dynamics/checkpoint.cpp", "src/slicecheck/core/replicate_parts.cpp"
COVERAGE = "src/slicecheck/reporting/coverage.cpp"


@dataclass(frozen=True)
class Defect:
    target: str
    file: str
    what: str
    old: str
    new: str


DEFECTS = [
    Defect("points", POINTS, "what follows a number is ignored", "if (status != std::errc{} || end != digits.data() + digits.size())", "if (status != std::errc{})"),
    Defect("points", POINTS, "ragged rows are accepted where they are longer", "if (column != columns)", "if (column < columns)"),
    Defect("points", POINTS, "infinities are accepted in plain rows", "if (status != std::errc{} || !std::isfinite(value)) break;", "if (status != std::errc{}) break;"),
    Defect("points", POINTS, "a comma at the end of a plain row is ignored", "    if (*next != ',') break;\n    at = next + 1;",
           "    if (*next != ',') break;\n    at = next + 1;\n    if (at == end) return values.size() - before;"),
    Defect("points", POINTS, "memory as the first row's length says, unbounded", "columns * (rest.size() / row.size() + 2)", "columns * (rest.size() / row.size() + 2) << 14"),
    Defect("points", POINTS, "written with 16 digits", "std::chars_format::general, 17", "std::chars_format::general, 16"),
    Defect("idx", IDX, "a header may promise more than there is", "present / pixels != static_cast<std::uint64_t>(images.count)",
           "present / pixels > static_cast<std::uint64_t>(images.count)"),
    Defect("idx", IDX, "the product of the sizes is taken in 32 bits", "static_cast<std::uint64_t>(images.height) * static_cast<std::uint64_t>(images.width)",
           "std::uint64_t{static_cast<std::uint32_t>(images.height) * static_cast<std::uint32_t>(images.width)}"),
    Defect("idx", IDX, "memory for what the header says, before it is compared", "  // Each size is below 2^32",
           "  images.pixels.reserve(static_cast<std::uint64_t>(images.count) * static_cast<std::uint64_t>(images.height) % (std::uint64_t{1} << 40));\n  // Each size"),
    Defect("idx", IDX, "sizes of 0 are accepted", "images.count == 0 ||", ""),
    Defect("idx", IDX, "other kinds of numbers are taken for bytes", "if (magic != kMagic)", "if ((magic | 0xFF00U) != (kMagic | 0xFF00U))"),
    Defect("idx", CIFAR, "a part of a record is ignored", "bytes.empty() || bytes.size() % kRecord != 0", "bytes.size() < kRecord"),
    Defect("idx", CIFAR, "labels are not looked at", "if (label > kLargestLabel)", "if (label == 255)"),
    Defect("settings", SETTINGS, "lists may mix kinds", "if (kind_of(element) != kind_of(out.front()))", "if (false)"),
    Defect("settings", SETTINGS, "a key may be given twice", "else if (out.contains(key))", "else if (false)"),
    Defect("settings", SETTINGS, "numbers may be infinite", "if (!std::isfinite(v->get()))", "if (std::isnan(v->get()))"),
    Defect("settings", SETTINGS, "kinds are not compared", "if (!widened && !lists && kind_of(mine) != kind_of(value))", "if (!widened && !lists && mine.is_array() != value.is_array())"),
    Defect("settings", SETTINGS, "--set takes what is no UTF-8", "if (!is_plain_text(assignment))", "if (assignment.find('\\n') != std::string::npos)"),
    Defect("settings", SETTINGS, "a list is asked for words without a look at it", "if (!list.is_array() || (!list.empty() && !list.front().is_string())) reject_kind", "if (false) reject_kind"),
    Defect("checkpoint", SEALED, "the checksum is not compared", 'if (sealed.at("crc32") != crc32(body))', 'if (sealed.at("crc32").is_null())'),
    Defect("checkpoint", CHECKPOINT, "a short row is read without a look at its length", "v.at(0), v.at(1), v.at(2), v.at(3), v.at(4)", "v[0], v[1], v[2], v[3], v[4]"),
    Defect("checkpoint", CHECKPOINT, "a number is forgotten", 'record.epoch_sum = number(json.at("epoch_sum"));', ""),
    Defect("checkpoint", PARTS, "rows are not compared with the width", "if (rows.values.size() != rows.replicates.size() * static_cast<std::size_t>(table.width))", "if (false)"),
    Defect("checkpoint", PARTS, "a row beyond the table is taken", "if (i < 0 || i >= table.count)", "if (i < 0)"),
    Defect("evidence", COVERAGE, "damage is not caught", "catch (const Json::exception& error)", "catch (const Json::parse_error& error)"),
    Defect("evidence", COVERAGE, "evidence without a fingerprint counts as fresh", 'json.value("fingerprint", "") == build::fingerprint()', 'json.value("fingerprint", "") != "x"'),
]


def commands(build: Path, target: str) -> list[str]:
    """The commands that make a target, in ninja's words."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "commands", f"fuzz_{target}"], capture_output=True, text=True, check=True).stdout
    return [part for line in listed.splitlines() for part in line.split(" && ") if "-fsanitize=fuzzer" in part]


def plant(build: Path, defect: Defect, folder: Path) -> Path:
    """The program with the defect."""
    text = (ROOT / defect.file).read_text()
    assert text.count(defect.old) == 1, f"{defect.file}: '{defect.old}' is there {text.count(defect.old)} times; this list must follow the source"
    copy, planted = folder / Path(defect.file).name, folder / "planted.o"
    copy.write_text(text.replace(defect.old, defect.new))
    compile_words, link_words = None, None
    for line in commands(build, defect.target):
        words = shlex.split(line)
        if str(ROOT / defect.file) in words and "-c" in words:
            compile_words = words
        elif str(build / "bin" / f"fuzz_{defect.target}") in words:
            link_words = words
    assert compile_words and link_words
    original = compile_words[compile_words.index("-o") + 1]
    words = [str(copy) if word == str(ROOT / defect.file) else str(planted) if word == original else word for word in compile_words if word != "-Werror"]
    words[words.index("-MF") + 1] = str(folder / "planted.d")
    subprocess.run([*words, "-w"], cwd=build, check=True)
    program = folder / f"fuzz_{defect.target}"
    words = [str(planted) if word == original else str(program) if word == str(build / "bin" / program.name) else word for word in link_words]
    subprocess.run(words, cwd=build, check=True)
    return program


def main() -> int:
    build, targets = Path(sys.argv[1]).resolve(), sys.argv[2:]
    missed = 0
    chosen = [defect for defect in DEFECTS if not targets or defect.target in targets]
    for defect in chosen:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "bin").mkdir()
            os.replace(plant(build, defect, folder), folder / "bin" / f"fuzz_{defect.target}")
            result = subprocess.run([ROOT / "scripts/fuzz.sh", "--build", folder, "--ci", defect.target], capture_output=True, text=True, errors="replace")
        found = result.returncode == 1
        missed += not found
        how = re.search(r"PROPERTY FAILED: .*|runtime error: .*|ERROR: .*|out-of-memory.*", result.stdout)
        print(f"{'found ' if found else 'MISSED'} {defect.target}: {defect.what}: {how.group(0)[:100] if how else result.stdout[-300:]}", flush=True)
    print(f"{len(chosen)} defects, {missed} missed")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
