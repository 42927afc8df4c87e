"""What every source of items shares: its shape, the problems it reports, hashes, and how its errors read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..records import Item

Kind: TypeAlias = Literal["images", "text", "table", "array"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was left out of the pool, and why; the rest is unharmed.

    >>> str(Problem("photos/a.jpg", "not an image"))
    'photos/a.jpg: not an image'
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Report: TypeAlias = Callable[[Problem], None]


class Source(ABC):
    """Where the pool's items come from. Made by `open_source`, which has already checked what can be checked.

    Attributes
    ----------
    kind
        "images", "text", "table" or "array".
    path
        The file or folder.
    count
        How many items there are at most: damaged images and empty texts are left out later. None if unknown.
    columns
        The columns that an item's data holds; empty for images and arrays.
    """

    kind: Kind
    path: Path
    count: int | None
    columns: tuple[str, ...] = ()

    @abstractmethod
    def describe(self) -> str:
        """One line for a person: what was found and how it was understood."""

    @abstractmethod
    def items(self, report: Report | None = None) -> Iterator[Item]:
        """The items one after another, rows numbered 0, 1, 2, …, in an order that never changes.

        Parameters
        ----------
        report
            Called with a `Problem` for everything that is left out.

        Raises
        ------
        SourceError
            If the file turns out to be broken, or nothing is left.
        """

    def content(self, item: Item) -> bytes:
        """The bytes of the item's file (images only).

        Raises
        ------
        SourceError
            If the file is gone, unreadable or no longer what it was; or if items are not files.
        """
        raise SourceError(f"{self.path}: the items of a {self.kind} source are not files")

    def numbers(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """The numbers of these items, (b, d) float32 (arrays only).

        Raises
        ------
        SourceError
            If the file no longer holds the numbers it held; or if items are not rows of an array.
        """
        raise SourceError(f"{self.path}: the items of a {self.kind} source are not rows of an array")


def digest(content: bytes | bytearray | memoryview) -> str:
    """The hash that tells equal content apart from different content: 128 bits of BLAKE2b, in hex.

    >>> digest(b"abc") == digest(b"abc"), len(digest(b""))
    (True, 32)
    """
    return blake2b(content, digest_size=16).hexdigest()


def why(error: OSError) -> str:
    """The reason of an operating-system error in few words.

    >>> why(PermissionError(13, "Permission denied"))
    'permission denied'
    """
    return (error.strerror or str(error)).lower()


def refuse_column(path: Path, role: str, name: str, columns: Iterable[str]) -> NoReturn:
    """Say that a column is not there, which are, and which one was probably meant."""
    there = list(columns)
    near = get_close_matches(name, there, n=1) or [c for c in there if c.lower() == name.lower()]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise SourceError(f"{path}: no {role} column {name!r}; the columns are: {', '.join(there)}{hint}")


def as_label(value: Any) -> str | None:
    """A cell of the label column as a label: stripped text, whole numbers without a point, None when empty.

    >>> as_label(" cat "), as_label(3.0), as_label(""), as_label(None), as_label(True)
    ('cat', '3', None, None, 'true')
    """
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None
