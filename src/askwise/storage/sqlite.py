"""A project in one SQLite file: for one machine, and any number of processes on it."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from ..errors import StorageError
from ..records import JSON
from . import life
from .schema import Tables
from .sql import SqlStorage, closed, one_line
from .turn import Turn
from .writer import Writer

T = TypeVar("T")

OLDEST = (3, 35, 0)
"""The first SQLite with RETURNING, which `claim` stands on."""

# Connections that a fork copied. To close them in the child would touch the parent's locks on the file, and to let
# them be collected would close them.
_of_parents: list[object] = []


class SqliteStorage(SqlStorage):
    """A storage in a file.

    Parameters
    ----------
    path
        The file. Beside it lie `path-turn` and, while it is in use, `path-wal` and `path-shm`.
    timeout
        Seconds to wait for other processes that are writing.
    """

    def __init__(self, path: Path, timeout: float = 60.0) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise StorageError(
                f"this Python has SQLite {sqlite3.sqlite_version}; Askwise needs 3.35 or newer: use a newer Python"
            )
        self.path = path.absolute()
        super().__init__(f"sqlite:///{self.path}", str(path), Tables())
        self._timeout = timeout
        self._closed = False
        self._process = _Process(self.path, timeout)
        self._finalizer = weakref.finalize(self, _Process.close, self._process)

    def create(self, meta: dict[str, JSON]) -> None:
        """Begin a new project in the file, which may exist if it is empty or unfinished."""
        folder = self.path.parent
        if not folder.is_dir():
            raise StorageError(f"{folder} is not a folder; make it first")
        self._touch()
        self._token = self._write(lambda connection: life.create(connection, self._tables, self._place, meta))
        # Written in the file and so kept for all later connections. Not before it is certain that the file is ours.
        mode = self._run(lambda process: process.write_ahead())
        if mode != "wal":
            raise StorageError(
                f"{self._place}: this file system cannot share memory between processes (a network drive?); "
                "choose a folder on a local disk"
            )

    def open(self) -> None:
        """Check the file."""
        if not self.path.exists():
            raise life.missing(self._place)
        if self.path.is_dir():
            raise StorageError(f"{self._place} is a folder; a project's storage is a file")
        self._read(lambda connection: life.check(connection, self._tables, self._place))

    def close(self) -> None:
        """End the writing thread and close all connections."""
        self._closed = True
        self._finalizer()

    def _touch(self) -> None:
        """Connections never make the file, so that a mistyped name makes no empty project; only this does."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644))
        except OSError as error:
            raise StorageError(f"{self._place} cannot be written: {error.strerror}") from error

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._run(lambda process: process.read(work))

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._run(lambda process: process.writer().run(work))

    def _run(self, work: Callable[[_Process], T]) -> T:
        if self._closed:
            raise closed(self._place)
        try:
            return work(self._process)
        except TimeoutError as error:
            raise StorageError(locked(self._place, self._timeout)) from error
        except (DBAPIError, sqlite3.Error) as error:
            raise StorageError(explain(error, self.path, self._place, self._timeout)) from error
        except UnicodeEncodeError as error:
            raise StorageError(
                f"{error.object!r} cannot be stored: it is not valid Unicode. Rename it; nothing was written"
            ) from error

    def _forked(self) -> None:
        self._finalizer.detach()
        self._process.forked()
        _of_parents.append(self._process)
        self._process = _Process(self.path, self._timeout)
        self._finalizer = weakref.finalize(self, _Process.close, self._process)


class _Process:
    """The connections and the writing thread of one process."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._turn = Turn(path.with_name(f"{path.name}-turn"))
        self._writer: Writer | None = None
        # A connection serves one thread at a time; threads that end leave nothing behind.
        self._reading = self._engine("BEGIN", poolclass=QueuePool, pool_size=4, max_overflow=-1)
        self._writing = self._engine("BEGIN IMMEDIATE", poolclass=NullPool)

    def read(self, work: Callable[[Connection], T]) -> T:
        with self._reading.connect() as connection, connection.begin():
            return work(connection)

    def write_ahead(self) -> str:
        """Let readers and the writer not wait for each other; returns the mode that the file is in."""
        connection = self._connect()
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        finally:
            connection.close()

    def writer(self) -> Writer:
        with self._lock:
            if self._writer is None:
                self._writer = Writer(self._writing, self._turn, self._timeout)
            return self._writer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reading.dispose()
        self._writing.dispose()

    def forked(self) -> None:
        """Let go of what is safe to let go of in the child; if the parent dies, its turn must end."""
        self._turn.close()

    def _engine(self, begin: str, **options: Any) -> Engine:
        engine = create_engine("sqlite://", creator=self._connect, **options)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _connect(self) -> sqlite3.Connection:
        # Python's module would begin transactions when it sees fit; `isolation_level=None` leaves that to us.
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous=FULL").close()
        except BaseException:
            connection.close()
            raise
        return connection


def locked(place: str, timeout: float) -> str:
    """Somebody else has been writing for too long."""
    return f"{place} was locked by another program for {timeout:g} s; nothing was written. Try again when it is done"


def explain(error: Exception, path: Path, place: str, timeout: float) -> str:
    """What went wrong with the file and what to do, on one line."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    said = one_line(error)
    unharmed = "nothing was written"
    if primary == sqlite3.SQLITE_FULL:
        return f"{place}: the disk is full; {unharmed}. Make room and try again"
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return locked(place, timeout)
    if primary == sqlite3.SQLITE_NOTADB:
        return f"{place} is not an Askwise project (it is no SQLite file)"
    if primary == sqlite3.SQLITE_CORRUPT:
        return f"{place} is damaged ({said}); restore it from a backup"
    if primary in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    ):
        if not path.exists():
            return str(life.missing(place))
        return (
            f"{place} cannot be written ({said}); {unharmed}. Make the file and its folder writable, "
            "or copy the project to where you may write"
        )
    if primary == sqlite3.SQLITE_IOERR:
        return f"{place}: the disk failed, or is full or over quota ({said}); {unharmed}"
    if "no such table" in said:
        return str(life.missing(place))
    return f"{place}: {said}; {unharmed}"
