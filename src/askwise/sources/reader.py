"""What a table must offer to be read: its columns, their types where the file knows them, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from ..errors import SourceError
from .base import why

Type: TypeAlias = Literal["number", "string", "other"]
"""A column's type; "other" is what neither an annotator nor an encoder can use: lists, objects, bytes."""


class Reader(Protocol):
    """One table file.

    Attributes
    ----------
    path
        The file.
    unit
        "line" or "row": what the numbers that `rows` gives count.
    strings
        Whether all cells are strings, so that numbers must be recognised in them.
    types
        Column types, if the file states them; its rows then hold clean values: numbers are finite.
    columns
        The names of the columns, if they are known before all rows are read.
    length
        Number of rows, if the file states it.
    """

    path: Path
    unit: str
    strings: bool
    types: dict[str, Type] | None
    columns: list[str] | None
    length: int | None

    def rows(self, columns: list[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row with the number of the line that it starts on. `columns`: no others are needed."""


def locate_bad_byte(path: Path) -> SourceError:
    """The error for a file that is not UTF-8: which line, which byte, and what to do.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.csv")
    ...     _ = path.write_bytes(b"text\\ncaf\\xe9\\n")
    ...     print(str(locate_bad_byte(path)).replace(folder, ""))
    /a.csv line 2: byte 0xe9 (the 4th of the line) is not valid UTF-8; save the file as UTF-8,
    e.g. iconv -f latin1 -t utf-8
    """
    try:
        with path.open("rb") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                return SourceError(
                    f"{path} line 1: byte 0xff or 0xfe at the start, so this is UTF-16; save the file as UTF-8, "
                    "e.g. iconv -f utf-16 -t utf-8"
                )
            file.seek(0)
            for number, line in enumerate(file, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    return SourceError(
                        f"{path} line {number}: byte 0x{line[error.start]:02x} (the {ordinal(error.start + 1)} of the "
                        "line) is not valid UTF-8; save the file as UTF-8, e.g. iconv -f latin1 -t utf-8"
                    )
    except OSError as error:
        return SourceError(f"{path}: {why(error)}")
    return SourceError(f"{path}: not valid UTF-8; save the file as UTF-8")


def ordinal(number: int) -> str:
    """A position in words' short form.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    last = number % 10 if number % 100 not in (11, 12, 13) else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
