"""Looking through a table once: how many rows, which type each column has, which read like prose, which ids repeat."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import isinf
from typing import Any

import numpy as np

from ..errors import SourceError
from .base import as_label, refuse_column
from .reader import Reader, Type

CHUNK_ROWS = 4096
PROSE_ROWS = 10_000
PROSE_WORDS = 3
PROSE_LETTERS = 12
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})


@dataclass
class Seen:
    """What the cells of one column have been so far."""

    number: bool = True
    other: bool = False
    infinite: int | None = None
    sampled: int = 0
    filled: int = 0
    prose: int = 0

    @property
    def type(self) -> Type:
        """The narrowest type that fits every cell."""
        return "other" if self.other else "number" if self.number and self.filled else "string"

    @property
    def reads_like_prose(self) -> bool:
        """Whether most of the sampled cells hold several words."""
        return self.type == "string" and 2 * self.prose > self.sampled > 0

    def see_strings(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Cells in which numbers must be recognised."""
        for line, cell in zip(lines, cells, strict=True):
            if not self.number:
                break
            try:
                value = float(cell)
            except ValueError:
                self.number = cell.strip().lower() in MISSING
                continue
            self.number = "_" not in cell
            if value == value:
                self.filled += 1
                if self.infinite is None and isinf(value):
                    self.infinite = line
        self._sample([cell for cell in cells if cell])

    def see_values(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Cells that have types of their own."""
        strings = []
        for line, cell in zip(lines, cells, strict=True):
            if cell is None:
                continue
            if isinstance(cell, str):
                self.number = False
                strings.append(cell)
            elif isinstance(cell, int | float):
                self.filled += 1
                if self.infinite is None and isinstance(cell, float) and isinf(cell):
                    self.infinite = line
            else:
                self.other = True
        self._sample(strings)

    def _sample(self, cells: list[str]) -> None:
        for cell in cells[: max(0, PROSE_ROWS - self.sampled)]:
            if cell.strip():
                self.sampled += 1
                self.prose += _several_words(cell)


@dataclass
class Scan:
    """What one look through a table found."""

    seen: dict[str, Seen] = field(default_factory=dict)
    rows: int = 0


def scan(reader: Reader, *, limit: int | None, id: str | None) -> Scan:
    """Look through the table: all of it, or only a sample of rows where the file itself states the types.

    Raises
    ------
    SourceError
        If a row is broken, or an id is missing or there twice.
    """
    found = Scan()
    hashes = array("q")
    stop = limit
    if reader.types is not None:
        found.rows = min(reader.length or 0, limit if limit is not None else reader.length or 0)
        stop = min(found.rows, PROSE_ROWS)
    rows = islice(reader.rows(), stop)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        lines = [line for line, _ in chunk]
        names = (
            dict.fromkeys(name for _, row in chunk for name in row)
            if reader.columns is None
            else reader.columns
        )
        for name in names:
            cells = [row.get(name) for _, row in chunk]
            seen = found.seen.setdefault(name, Seen())
            if reader.strings:
                seen.see_strings(cells, lines)  # type: ignore[arg-type]
            else:
                seen.see_values(cells, lines)
        if reader.types is None:
            found.rows += len(chunk)
            if id is not None:
                if id not in found.seen:
                    refuse_column(reader.path, "id", id, found.seen)
                hashes.extend(hash(_id(reader, line, row, id)) for line, row in chunk)
    for name, type in (reader.types or {}).items():
        seen = found.seen.setdefault(name, Seen())
        seen.number, seen.other = type == "number", type == "other"
        seen.filled = max(1, seen.filled)
    if id is not None and found.seen.get(id) is not None:
        if reader.types is not None:
            hashes.extend(hash(_id(reader, line, row, id)) for line, row in islice(reader.rows([id]), limit))
        _check_ids(reader, hashes, id, limit)
    return found


def _id(reader: Reader, line: int, row: dict[str, Any], name: str) -> str:
    value = as_label(row.get(name))
    if value is None:
        raise SourceError(f"{reader.path} {reader.unit} {line}: the id in column {name!r} is empty")
    return value


def _check_ids(reader: Reader, hashes: array[int], name: str, limit: int | None) -> None:
    """Ids are compared by 8-byte hashes first: a set of a million strings would be the largest thing in memory."""
    values, counts = np.unique(np.frombuffer(hashes, dtype=np.int64), return_counts=True)
    suspects = set(values[counts > 1].tolist())
    if not suspects:
        return
    lines: dict[str, int] = {}
    for line, row in islice(reader.rows([name]), limit):
        value = _id(reader, line, row, name)
        if hash(value) not in suspects:
            continue
        if value in lines:
            raise SourceError(
                f"{reader.path}: the id {value!r} is there twice, in {reader.unit}s {lines[value]} and {line}; "
                f"ids (column {name!r}) must be unique"
            )
        lines[value] = line


def _several_words(cell: str) -> bool:
    if len(cell.split(None, PROSE_WORDS)) >= PROSE_WORDS:
        return True
    # Chinese, Japanese and Thai are written without spaces
    return len(cell) >= PROSE_LETTERS and any(
        "\u0e00" <= c <= "\u0e7f" or "\u3040" <= c <= "\u9fff" for c in cell
    )
