"""Reading the files of a run folder: JSON, CSV and IDX.

Whatever is wrong with a file is said in one sentence that names the file, and the line where there is one: an `InputError`.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np


NOT_FINITE = ("nan", "inf", "-inf")    # JSON has no numbers for these


class InputError(Exception):
    """What is wrong with the input, in one sentence for the person who called the program."""


class ExactFloat(float):
    """A JSON number with a fraction or an exponent that remembers how it was written, because `where` compares as text."""

    text: str

    def __new__(cls, text: str) -> ExactFloat:
        value = super().__new__(cls, text)
        value.text = text
        return value


def as_text(value: Any) -> str:
    """A JSON scalar as the text that stands in a CSV cell."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, ExactFloat) else str(value)


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=ExactFloat)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: malformed JSON at column {error.colno}: {error.msg}") from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """Why a file could not be read or written, without the path that the caller names."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class Record:
    """A JSON object whose fields are asked for by name and type, and which knows where it stands in its file."""

    def __init__(self, value: Any, where: str):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected an object, found {json_kind(value)}")
        self.value: dict[str, Any] = value
        self.where = where

    def _get(self, key: str, kinds: tuple[type, ...], expected: str) -> Any:
        if key not in self.value:
            raise InputError(f"{self.where}: the field '{key}' is missing")
        value = self.value[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise InputError(f"{self.where}: the field '{key}' should be {expected}, but is {json_kind(value)}")
        return value

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self.value.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        return default if default is not None and not self.has(key) else self._get(key, (str,), "a string")

    def number(self, key: str) -> float | None:
        """A number, which may be written `nan`, `inf` or `-inf` in a string; null gives None."""
        if isinstance(self.value.get(key), str) and self.value[key] in NOT_FINITE:
            return float(self.value[key])
        value = self._get(key, (int, float, type(None)), "a number")
        return None if value is None else float(value)

    def finite(self, key: str) -> float:
        """A number that is neither null nor infinite nor NaN."""
        value = self.number(key)
        if value is None or not math.isfinite(value):
            raise InputError(f"{self.where}: the field '{key}' should be a finite number, but is {'null' if value is None else self.value[key]}")
        return value

    def integer(self, key: str) -> int:
        return self._get(key, (int,), "an integer")

    def boolean(self, key: str, default: bool | None = None) -> bool:
        return default if default is not None and not self.has(key) else self._get(key, (bool,), "true or false")

    def array(self, key: str) -> list[Any]:
        return self._get(key, (list,), "an array")

    def texts(self, key: str) -> list[str]:
        values = self.array(key)
        for value in values:
            if not isinstance(value, str):
                raise InputError(f"{self.where}: the field '{key}' should hold strings, but holds {json_kind(value)}")
        return values

    def record(self, key: str) -> Record:
        return Record(self._get(key, (dict,), "an object"), f"{self.where}, {key}")

    def records(self, key: str, optional: bool = False) -> list[Record]:
        if optional and not self.has(key):
            return []
        return [Record(value, f"{self.where}, {key}[{i}]") for i, value in enumerate(self.array(key))]


def json_kind(value: Any) -> str:
    """What a JSON value is, in words."""
    kinds = {bool: "true or false", int: "an integer", ExactFloat: "a number", float: "a number", str: "a string", list: "an array",
             dict: "an object", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)


def read_records(path: Path) -> list[Record]:
    """The objects of a JSON file that holds one list."""
    values = read_json(path)
    if not isinstance(values, list):
        raise InputError(f"{path}: expected a list of objects, found {json_kind(values)}")
    return [Record(value, f"{path}, entry {i}") for i, value in enumerate(values)]


@dataclass(frozen=True)
class Csv:
    """A CSV file with a header; `lines` are the line numbers of the rows."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def position(self, column: str) -> int:
        """Which column this is."""
        if column not in self.header:
            raise InputError(f"{self.path}: no column '{column}', which the summary names (the file has: {', '.join(self.header)})")
        return self.header.index(column)

    def matching(self, where: dict[str, Any]) -> list[int]:
        """The numbers of the rows whose columns equal the given values, compared as text."""
        wanted = [(self.position(column), as_text(value)) for column, value in where.items()]
        return [i for i, row in enumerate(self.rows) if all(row[k] == text for k, text in wanted)]

    def groups(self, column: str, rows: list[int]) -> list[list[int]]:
        """The places in `rows` of the rows that share a value of the column, compared as text: one group a value, in the order of their first rows."""
        position, groups = self.position(column), {}
        for place, row in enumerate(rows):
            groups.setdefault(self.rows[row][position], []).append(place)
        return list(groups.values())

    def number(self, row: int, column: str) -> float:
        """One cell as a number; an empty cell is not a number (NaN)."""
        cell = self.rows[row][self.position(column)].strip()
        try:
            return float(cell) if cell else math.nan
        except ValueError:
            raise InputError(f"{self.path}:{self.lines[row]}: '{cell}' in column '{column}' is not a number") from None

    def numbers(self, column: str, rows: list[int]) -> np.ndarray:
        """A column, of the rows given, as numbers."""
        self.position(column)
        return np.array([self.number(row, column) for row in rows], dtype=float)


def read_csv(path: Path) -> Csv:
    """A CSV file whose first line names the columns."""
    rows, lines = [], []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for row in reader:
                if row:
                    rows.append(row)
                    lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: malformed CSV: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None
    if not rows:
        raise InputError(f"{path}: is empty, where a header line with the names of the columns should stand")
    for row, line in zip(rows, lines):
        if len(row) != len(rows[0]):
            raise InputError(f"{path}:{line}: the row has {len(row)} cells, but the header has {len(rows[0])}")
    return Csv(path, [name.strip() for name in rows[0]], rows[1:], lines[1:])


def read_images(path: Path) -> np.ndarray:
    """The images of an IDX file of unsigned bytes with three dimensions: N × height × width."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None
    if len(data) < 16:
        raise InputError(f"{path}: truncated IDX: the header of N × h × w images takes 16 bytes, but the file has {len(data)}")
    if data[:3] != b"\x00\x00\x08" or data[3] != 3:
        raise InputError(f"{path}: not an IDX file of images: its magic is {data[:4].hex(' ')}, where 00 00 08 03 should stand")
    count, height, width = (int.from_bytes(data[k:k + 4], "big") for k in (4, 8, 12))
    expected = count * height * width
    if len(data) - 16 != expected:
        word = "truncated IDX" if len(data) - 16 < expected else "IDX with bytes left over"
        raise InputError(f"{path}: {word}: the header promises {count} × {height} × {width} = {expected} bytes, but {len(data) - 16} follow it")
    if expected == 0:
        raise InputError(f"{path}: holds no image ({count} × {height} × {width})")
    return np.frombuffer(data, dtype=np.uint8, offset=16).reshape(count, height, width)


class DataFolder:
    """The folder of one experiment: reads each file that its summary names once, and none outside it."""

    def __init__(self, path: Path):
        self.path = path
        self._tables: dict[str, Csv] = {}

    def _inside(self, name: str) -> Path:
        pure = PurePosixPath(name)
        if not name or "\0" in name or pure.is_absolute() or ".." in pure.parts:
            raise InputError(f"{self.path / 'summary.json'}: names the file '{name}', which is not inside its folder")
        path = self.path / pure
        if not path.is_file():
            raise InputError(f"{path}: does not exist, though summary.json names it")
        return path

    def table(self, name: str) -> Csv:
        if name not in self._tables:
            self._tables[name] = read_csv(self._inside(name))
        return self._tables[name]

    def images(self, name: str) -> np.ndarray:
        return read_images(self._inside(name))
