"""Everything about a storage that SQLite and PostgreSQL share: which statements make up which request."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ..errors import StorageError
from ..records import JSON, Event, Item, Lease, Record, Shard
from . import lease_table, life, log, manifest, pool_table
from .base import Appended, Counts, Located, Progress, Recorder
from .parts import streamed
from .schema import Tables

T = TypeVar("T")

CHUNK = 10_000
"""Items written in one transaction: large enough that its cost is spread, small enough to be held in memory."""

_alive: weakref.WeakSet[SqlStorage] = weakref.WeakSet()


class SqlStorage(ABC):
    """A storage on a database; `base.Storage` says what each method promises."""

    def __init__(self, url: str, place: str, tables: Tables) -> None:
        self._url = url
        self._place = place
        self._tables = tables
        self._token: str | None = None
        _alive.add(self)

    @property
    def url(self) -> str:
        """Where the project is kept, without any password."""
        return self._url

    @abstractmethod
    def _read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a connection that shows one moment of the project."""

    @abstractmethod
    def _write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own, alone among all writers, and commit it durably."""

    @abstractmethod
    def _forked(self) -> None:
        """Forget, in a child process, the connections that belong to its parent."""

    @abstractmethod
    def create(self, meta: dict[str, JSON]) -> None:
        """Begin a new project."""

    @abstractmethod
    def open(self) -> None:
        """Check that a complete project is there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of threads and connections."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _insert_items(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows; after an IntegrityError the transaction must still be able to read."""
        pool_table.add(connection, self._tables, rows)

    def finish(self) -> None:
        """Mark the project as complete."""
        self._write(lambda connection: life.finish(connection, self._tables, self._place, self._token))

    def meta(self) -> dict[str, JSON]:
        """All facts about the project."""
        return self._read(lambda connection: life.read(connection, self._tables))

    def set_meta(self, key: str, value: JSON) -> None:
        """Keep a fact, or change it."""
        life.refuse_reserved({key: value})
        self._write(lambda connection: life.write(connection, self._tables, {key: value}))

    def add_items(self, items: Iterable[Item], progress: Progress | None = None) -> int:
        """Write the pool in chunks."""
        done = 0
        for chunk in streamed(items, CHUNK):
            self._write(_Chunk(self, pool_table.as_rows(chunk)))
            done += len(chunk)
            if progress is not None:
                progress(done)
        return done

    def group_duplicates(self) -> int:
        """Point every repetition to the first item with the same content."""
        return self._write(lambda connection: pool_table.group_duplicates(connection, self._tables))

    def count(self) -> Counts:
        """How many items and duplicates there are."""
        return self._read(lambda connection: pool_table.count(connection, self._tables))

    def duplicates(self) -> NDArray[np.int64]:
        """Row and representative row of every duplicate."""
        return self._read(lambda connection: pool_table.duplicates(connection, self._tables))

    def items(self, rows: Sequence[int]) -> list[Item]:
        """The items of these rows."""
        return self._read(lambda connection: pool_table.items(connection, self._tables, rows))

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of these rows."""
        return self._read(lambda connection: pool_table.ids(connection, self._tables, rows))

    def iter_items(self, chunk: int = CHUNK) -> Iterator[list[Item]]:
        """All items in row order. Between chunks no connection is held, so a slow reader holds up nobody."""
        last = -1

        def following(connection: Connection) -> list[Item]:
            return pool_table.after(connection, self._tables, last, chunk)

        while found := self._read(following):
            yield found
            last = found[-1].row

    def find(self, ids: Iterable[str]) -> dict[str, Located]:
        """Where items are."""
        wanted = list(ids)
        return self._read(lambda connection: pool_table.find(connection, self._tables, wanted))

    def read(self, after: int = 0) -> list[Event]:
        """The events above a number."""
        return self._read(lambda connection: log.read(connection, self._tables, after))

    def append(
        self,
        records: Sequence[Record],
        key: str | None = None,
        hold: Iterable[str] = (),
        free: Iterable[str] = (),
    ) -> Appended:
        """Append records to the log."""
        records, held, freed = list(records), list(hold), list(free)
        return self._write(lambda connection: log.append(connection, self._tables, records, key, held, freed))

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
        """Lease the first k free items."""

        def work(connection: Connection) -> list[str]:
            won = lease_table.claim(connection, self._tables, ranked, k, annotator, session, now, until)
            made = record(list(won)) if record is not None and won else None
            if made is not None:
                log.append(connection, self._tables, [made])
            return won

        return self._write(work) if ranked and k > 0 else []

    def leases(self, now: float) -> list[Lease]:
        """The live leases."""
        return self._read(lambda connection: lease_table.live(connection, self._tables, now))

    def adopt(
        self, items: Iterable[str], annotator: str, dead_sessions: Iterable[str], session: str, until: float
    ) -> list[str]:
        """Take over leases of sessions that are gone."""
        wanted, dead = list(items), list(dead_sessions)
        return self._write(
            lambda connection: lease_table.adopt(
                connection, self._tables, wanted, annotator, dead, session, until
            )
        )

    def release(self, session: str) -> None:
        """Give up a session's leases."""
        self._write(lambda connection: lease_table.release(connection, self._tables, session))

    def add_shard(self, shard: Shard) -> None:
        """Record a file of embeddings."""
        self._write(lambda connection: manifest.add(connection, self._tables, shard))

    def shards(self, encoder: str) -> list[Shard]:
        """The files of an encoder version."""
        return self._read(lambda connection: manifest.shards(connection, self._tables, encoder))


class _Chunk:
    """The request that writes one chunk of the pool."""

    def __init__(self, storage: SqlStorage, rows: Sequence[tuple[Any, ...]]) -> None:
        self._storage = storage
        self._rows = rows

    def __call__(self, connection: Connection) -> None:
        storage = self._storage
        life.check_begun(connection, storage._tables, storage._place, storage._token)
        try:
            storage._insert_items(connection, self._rows)
        except IntegrityError:
            pool_table.refuse_repeated(connection, storage._tables, self._rows)
            raise


def one_line(error: BaseException) -> str:
    """What the database said, on one line."""
    said = str(getattr(error, "orig", None) or error)
    return next((line.strip() for line in said.splitlines() if line.strip()), type(error).__name__)


def closed(place: str) -> StorageError:
    """A call after `close`."""
    return StorageError(f"{place} was closed; open it again to go on")


def _after_fork_in_child() -> None:
    for storage in list(_alive):
        storage._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
