"""Long lists in parts: databases limit how many values one statement may carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

MOST = 1000
"""Values a statement; at most six columns each, far below the 32,766 of SQLite and the 65,535 of PostgreSQL."""


def parts(values: Sequence[T], size: int = MOST) -> Iterator[Sequence[T]]:
    """The values in order, `size` at a time.

    >>> list(parts("abcde", 2))
    ['ab', 'cd', 'e']
    """
    for start in range(0, len(values), size):
        yield values[start : start + size]


def streamed(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The same for what is too long to be held.

    >>> list(streamed(iter("abcde"), 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part
