"""What a storage promises: the interface that projects use and that `askwise.testing.StorageSuite` checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..records import JSON, Event, Item, Lease, Record, Shard

FOREVER = float("inf")
"""The end of a lease on an item that needs no further answer."""

Progress: TypeAlias = Callable[[int], None]
Recorder: TypeAlias = Callable[[list[str]], "Record | None"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items the pool has, and how many of them repeat an earlier one."""

    items: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Located:
    """Where an item is, and the first item with the same content (itself, if it is the first)."""

    row: int
    representative_row: int
    representative_id: str


@dataclass(frozen=True, slots=True)
class Appended:
    """The numbers of the events; `duplicate` if a request with the same key had appended them before."""

    seqs: tuple[int, ...]
    duplicate: bool = False


class Storage(Protocol):
    """Keeps one project. Every method may be called from any thread, and after a fork.

    What writes does so entirely or not at all, and returns once a power cut can no longer undo it. Whatever
    goes wrong is a `StorageError` whose text is one line that says what to do. Times are seconds since 1970 by
    the caller's clock: a storage never looks at a clock of its own.
    """

    @property
    def url(self) -> str:
        """Where the project is kept, without any password."""
        ...

    def create(self, meta: dict[str, JSON]) -> None:
        """Begin a new project; it cannot be opened before `finish`.

        A project whose `finish` never came is wiped; whoever was making it can write no more to it.

        Parameters
        ----------
        meta
            Facts to keep beside "format" and "askwise" (the version that wrote them), which are added.

        Raises
        ------
        StorageError
            If a finished project, or something that is no project, is there already.
        """
        ...

    def finish(self) -> None:
        """Mark a project made by `create` as complete."""
        ...

    def open(self) -> None:
        """Check that a complete project is there, in a format that this version reads.

        Raises
        ------
        StorageError
            If it is missing, unfinished, or of a newer or an older format; the text says what to do.
        """
        ...

    def close(self) -> None:
        """Let go of threads and connections. Twice does no harm; other calls after it are refused."""
        ...

    def meta(self) -> dict[str, JSON]:
        """All facts about the project."""
        ...

    def set_meta(self, key: str, value: JSON) -> None:
        """Keep a fact, or change it. "format" and "askwise" are the storage's own and refused."""
        ...

    def add_items(self, items: Iterable[Item], progress: Progress | None = None) -> int:
        """Write the pool, in memory that does not grow with it; returns how many items came.

        Parameters
        ----------
        items
            With distinct ids and rows.
        progress
            Called with the number of items written so far.

        Raises
        ------
        StorageError
            If an id or a row occurs twice (it is named), or the project is finished: a pool is written once.
        """
        ...

    def group_duplicates(self) -> int:
        """Let every item whose hash an item of a lower row has point to the lowest such row; returns how many."""
        ...

    def count(self) -> Counts:
        """How many items and how many duplicates there are."""
        ...

    def duplicates(self) -> NDArray[np.int64]:
        """Row and representative row of every duplicate, (number of duplicates, 2), in row order."""
        ...

    def items(self, rows: Sequence[int]) -> list[Item]:
        """The items of these rows, in the order given. An unknown row is a StorageError."""
        ...

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of these rows, in the order given. An unknown row is a StorageError."""
        ...

    def iter_items(self, chunk: int = 10_000) -> Iterator[list[Item]]:
        """All items in row order, at most `chunk` at a time."""
        ...

    def find(self, ids: Iterable[str]) -> dict[str, Located]:
        """Where the items with these ids are; ids of no item are left out."""
        ...

    def read(self, after: int = 0) -> list[Event]:
        """All events with a number above `after`, in order.

        An event never appears later with a number lower than one already read.
        """
        ...

    def append(
        self,
        records: Sequence[Record],
        key: str | None = None,
        hold: Iterable[str] = (),
        free: Iterable[str] = (),
    ) -> Appended:
        """Append records to the log: all of them, or none.

        Parameters
        ----------
        records
            In order. They get consecutive numbers.
        key
            Names the request. If one with this key was appended before, nothing at all happens and its numbers
            are returned: whoever cannot know whether an answer arrived may simply send it again.
        hold
            Items that are not handed out any more.
        free
            Items that may be handed out again.

        Raises
        ------
        ContractError
            If a record is not plain JSON.
        StorageError
            If it could not be written; then nothing was.
        """
        ...

    def claim(
        self,
        ranked: Sequence[str],
        k: int,
        annotator: str,
        session: str,
        now: float,
        until: float,
        record: Recorder | None = None,
    ) -> list[str]:
        """Lease the first `k` of the ranked items that nobody holds; returns them in ranked order.

        Of all callers at all times exactly one gets an item, until it is released or its lease has run out.

        Parameters
        ----------
        ranked
            Ids of items, most wanted first.
        k
            How many to take at most.
        annotator, session
            Who asks, in which process.
        now, until
            The present, and when the lease runs out. A lease that ran out before `now` may be taken.
        record
            Called with the items won, if there are any; what it returns is appended in the same step. It may use
            no other method of the storage.
        """
        ...

    def leases(self, now: float) -> list[Lease]:
        """The leases that have not run out, ordered by item; not those of held items."""
        ...

    def adopt(
        self, items: Iterable[str], annotator: str, dead_sessions: Iterable[str], session: str, until: float
    ) -> list[str]:
        """Move the annotator's leases on these items from sessions that are gone to this one.

        Returns the items that moved, in the order given: those that nobody else has taken or answered.
        """
        ...

    def release(self, session: str) -> None:
        """Give up all leases of a session, except on held items."""
        ...

    def add_shard(self, shard: Shard) -> None:
        """Record a file of embeddings that is complete on the disk; it replaces one of the same part."""
        ...

    def shards(self, encoder: str) -> list[Shard]:
        """The recorded files of an encoder version, ordered by part."""
        ...


def describe(value: Any, limit: int = 60) -> str:
    """The value as it stands in an error message, on one line and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
