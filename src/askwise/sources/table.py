"""Tables as items: one column read as text, or all columns as the features of a row."""

from __future__ import annotations

import json
import struct
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import SourceError
from ..records import Item
from .base import Kind, Problem, Report, Source, as_label, digest, refuse_column
from .columns import MISSING, scan
from .reader import Reader, Type

Convert: TypeAlias = Callable[[Any], Any]


class Table(Source):
    """A CSV, TSV, JSON Lines or Parquet file.

    With a text column an item's data is ``{"text": …}`` and the other columns beside it; without one it is the row.

    Parameters
    ----------
    reader
        The open file.
    text, id, label, limit
        As in `open_source`.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        text: str | None = None,
        id: str | None = None,
        label: str | None = None,
        limit: int | None = None,
    ) -> None:
        self.path = reader.path
        self._reader = reader
        self._id, self._label, self._limit = id, label, limit
        roles = {"text": text, "id": id, "label": label}
        self._check_roles(roles, reader.columns)
        found = scan(reader, limit=limit, id=id)
        if found.rows == 0:
            what = "a header but no rows" if reader.columns else "no rows"
            raise SourceError(f"{self.path}: {what}")
        self._check_roles(roles, list(found.seen))
        self.count: int | None = found.rows
        types = {name: seen.type for name, seen in found.seen.items() if name not in (id, label)}
        prose = [name for name in types if found.seen[name].reads_like_prose]
        self._guessed = text is None and len(prose) == 1
        self._text = prose[0] if self._guessed else text
        self._prose = prose if self._text is None else []
        self._left_out = [name for name, type in types.items() if type == "other"]
        if self._text in self._left_out:
            raise SourceError(
                f"{self.path}: the text column {self._text!r} holds lists, objects or bytes, not text"
            )
        self._types: dict[str, Type] = {n: t for n, t in types.items() if t != "other" and n != self._text}
        self.kind: Kind = "text" if self._text is not None else "table"
        self.columns = tuple(self._types)
        if self.kind == "table":
            if not self._types:
                raise SourceError(
                    f"{self.path}: no column is left to learn from (there are: {', '.join(found.seen)})"
                )
            for name in self._types:
                line = found.seen[name].infinite
                if self._types[name] == "number" and line is not None:
                    raise SourceError(
                        f"{self.path} {reader.unit} {line}: the number in column {name!r} is infinite"
                    )
        self._converters = self._make_converters()
        self._pack = self._packer()

    def _check_roles(self, roles: dict[str, str | None], columns: list[str] | None) -> None:
        given = {role: name for role, name in roles.items() if name is not None}
        for role, name in given.items():
            if columns and name not in columns:
                refuse_column(self.path, role, name, columns)
            other = next((r for r, n in given.items() if n == name and r != role), None)
            if other is not None:
                raise SourceError(f"{self.path}: column {name!r} cannot be both {role} and {other}")

    def _make_converters(self) -> dict[str, Convert] | None:
        """How each column's cells become plain JSON values; None where the reader has already done it."""
        if self._reader.types is not None:
            return None
        if self._reader.strings and self.kind == "text":
            return dict.fromkeys(self._types, _string)
        number = _parse if self._reader.strings else _same
        return {name: number if type == "number" else _string for name, type in self._types.items()}

    def _packer(self) -> struct.Struct | None:
        """For rows of numbers: their bytes, which are quicker to hash than their text."""
        whole = getattr(self._reader, "whole", None)
        if whole is None or self.kind != "table" or set(self._types.values()) != {"number"}:
            return None
        return struct.Struct("<" + "".join("q" if name in whole else "d" for name in self._types))

    def describe(self) -> str:
        """One line: what the columns were taken for."""
        n = f"{self.count:,}"
        left_out = (
            f"; left out: {', '.join(self._left_out)} (lists, objects or bytes)" if self._left_out else ""
        )
        if self.kind == "text":
            why = " (the only column that reads like prose)" if self._guessed else ""
            shown = f", shown with: {', '.join(self.columns)}" if self.columns else ""
            return f"{self.path}: {n} texts in column {self._text!r}{why}{shown}{left_out}"
        numbers = sum(type == "number" for type in self._types.values())
        parts = [
            f"{count} {what} column{'s' * (count != 1)}"
            for count, what in ((numbers, "numeric"), (len(self._types) - numbers, "categorical"))
            if count
        ]
        hint = (
            f"; {' and '.join(self._prose)} read like texts: name one as the text column"
            if self._prose
            else ""
        )
        return f"{self.path}: table of {n} rows, {' and '.join(parts)}{hint}{left_out}"

    def items(self, report: Report | None = None) -> Iterator[Item]:
        """One item a row; rows whose text is empty are reported and left out."""
        row = 0
        first: Problem | None = None
        make = self._text_item if self.kind == "text" else self._row_item
        for position, (line, cells) in enumerate(islice(self._reader.rows(), self._limit)):
            id = str(position) if self._id is None else as_label(cells[self._id])
            label = None if self._label is None else as_label(cells.get(self._label))
            made = make(str(id), row, label, cells)
            if isinstance(made, str):
                problem = Problem(f"{self.path} {self._reader.unit} {line}", made)
                first = first or problem
                if report:
                    report(problem)
                continue
            yield made
            row += 1
        if row == 0:
            raise SourceError(
                f"{self.path}: no row has a usable text in column {self._text!r}; the first: {first}"
            )

    def _data(self, cells: dict[str, Any]) -> dict[str, Any]:
        if self._converters is None:
            return {name: cells[name] for name in self._types}
        return {name: convert(cells.get(name)) for name, convert in self._converters.items()}

    def _text_item(self, id: str, row: int, label: str | None, cells: dict[str, Any]) -> Item | str:
        value = cells.get(self._text or "")
        text = "" if value is None else value if isinstance(value, str) else str(value)
        if not text.strip():
            return f"the text in column {self._text!r} is empty"
        if "\x00" in text:
            return "the text holds a NUL character"
        try:
            hash = digest(unicodedata.normalize("NFC", " ".join(text.split())).encode())
        except UnicodeEncodeError:
            return "the text holds half of a character (a lone surrogate)"
        data = self._data(cells)
        if "text" in data:  # another column is called so; what is labelled has the name
            data["text (other column)"] = data.pop("text")
        return Item(id=id, row=row, hash=hash, data={"text": text, **data}, label=label)

    def _row_item(self, id: str, row: int, label: str | None, cells: dict[str, Any]) -> Item:
        data = self._data(cells)
        content: bytes | None = None
        if self._pack is not None:
            try:
                content = self._pack.pack(*data.values())
            except struct.error:  # a missing value, or an integer of more than 63 bits
                content = None
        if content is None:
            content = json.dumps(list(data.values()), ensure_ascii=False).encode("utf-8", "replace")
        return Item(id=id, row=row, hash=digest(content), data=data, label=label)


def open_reader(path: Path) -> Reader:
    """The reader for a table file, by its suffix."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from .parquet import Parquet

        return Parquet(path)
    if suffix in (".csv", ".tsv"):
        from .delimited import Delimited

        return Delimited(path)
    from .jsonl import JsonLines

    return JsonLines(path)


def _same(cell: Any) -> Any:
    return cell


def _parse(cell: Any) -> int | float | None:
    if cell is None or cell.strip().lower() in MISSING:
        return None
    try:
        return int(cell)
    except ValueError:
        return float(cell)


def _string(cell: Any) -> str | None:
    if cell is None:
        return None
    if not isinstance(cell, str):
        return as_label(cell)
    if "\x00" in cell or not cell.isascii():
        cell = cell.replace("\x00", "").encode("utf-8", "replace").decode()
    return cell or None
