"""CSV and TSV files: UTF-8, comma, semicolon or tab, quotes and line breaks inside cells, exact line numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .base import why
from .reader import Type, locate_bad_byte

DELIMITERS = (",", ";", "\t")
SAMPLE_ROWS = 20
LONGEST_CELL = 2**24


class Delimited:
    """A table of strings with a header line.

    Raises
    ------
    SourceError
        If the file is empty, has no header or names a column twice.
    """

    unit = "line"
    strings = True
    types: dict[str, Type] | None = None
    length: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        # one limit for the whole process; the default refuses texts of more than 131,072 characters
        csv.field_size_limit(max(LONGEST_CELL, csv.field_size_limit()))
        self.delimiter = "\t" if path.suffix.lower() == ".tsv" else self._sniff()
        first = next(self._records(), None)
        if first is None:
            raise SourceError(f"{path}: the file is empty; expected a header line and rows")
        self.names = self._header(*first)
        self.columns: list[str] | None = self.names

    def _sniff(self) -> str:
        """The delimiter that cuts the header into most cells, and the following rows into as many."""
        best, most = ",", (False, 1)
        for delimiter in DELIMITERS:
            try:
                widths = [
                    len(cells)
                    for (_, cells), _ in zip(self._records(delimiter), range(SAMPLE_ROWS), strict=False)
                ]
            except SourceError:
                continue
            if widths and widths[0] > 1:
                most, best = max(
                    (most, best), ((len(set(widths)) == 1, widths[0]), delimiter), key=lambda x: x[0]
                )
        return best

    def _header(self, line: int, cells: list[str]) -> list[str]:
        names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SourceError(f"{self.path} line {line}: the column {twice!r} is there twice")
        numbers = [number(name) for name in names]
        # the numbers 0, 1, 2, … or 1, 2, 3, … are names that programs give to columns without one
        if None not in numbers and numbers not in [
            [start + index for index in range(len(names))] for start in (0, 1)
        ]:
            raise SourceError(
                f"{self.path} line {line}: numbers where column names are expected; add a header line"
            )
        return names

    def rows(self, columns: list[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows below the header."""
        records = self._records()
        next(records)
        width = len(self.names)
        for line, cells in records:
            if len(cells) != width:
                raise SourceError(
                    f"{self.path} line {line}: {len(cells)} cell{'s' * (len(cells) != 1)} where the header names "
                    f"{width} (cells that hold a {self._delimiter_name()} must stand in double quotes)"
                )
            yield line, dict(zip(self.names, cells, strict=True))

    def _records(self, delimiter: str | None = None) -> Iterator[tuple[int, list[str]]]:
        start = 1
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, delimiter=delimiter or self.delimiter, strict=True)
                for cells in reader:
                    if cells:
                        yield start, cells
                    start = reader.line_num + 1
        except UnicodeDecodeError as error:
            raise locate_bad_byte(self.path) from error
        except csv.Error as error:
            raise SourceError(f"{self.path} line {start}: {_csv_reason(error)}") from error
        except OSError as error:
            raise SourceError(f"{self.path}: {why(error)}") from error

    def _delimiter_name(self) -> str:
        return {",": "comma", ";": "semicolon", "\t": "tab"}[self.delimiter]


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text or "field larger" in text:
        return "a double quote is opened here or later and never closed"
    if "expected after" in text:
        return "a quoted cell goes on after its closing quote; write quotes inside a cell twice"
    return text


def number(cell: str) -> float | None:
    """The number in a cell, or None.

    >>> number(" 1e3"), number("1_000"), number("x")
    (1000.0, None, None)
    """
    try:
        return float(cell) if "_" not in cell else None
    except ValueError:
        return None
