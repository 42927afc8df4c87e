"""One thread that writes for all the threads of a process: many requests, one commit.

A commit waits for the disk; the requests that arrive meanwhile wait together and share the next one. Threads
with a connection each would not be faster, and would take the write lock from each other unfairly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, SQLAlchemyError

from ..errors import StorageError
from .turn import Turn

T = TypeVar("T")

FOR_ONE = IntegrityError
"""Errors that concern one request alone; after other database errors the whole transaction may be gone."""


class _Request:
    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Runs requests one after the other, each in a savepoint, and commits all that wait at once.

    Parameters
    ----------
    engine
        Its transactions must take the write lock when they begin.
    turn
        Entered for each transaction: waits until it is this process's turn to write.
    timeout
        Seconds that a request waits for that turn.
    """

    def __init__(self, engine: Engine, turn: Turn, timeout: float) -> None:
        self._engine = engine
        self._turn = turn
        self._timeout = timeout
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()
        self._closed = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="askwise-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writing thread and return once its commit is on the disk.

        Raises what `work` raises; then nothing of it was written. A database error raised by the transaction is raised
        for every request that shared it; then none of them was written. TimeoutError: other processes kept the turn for
        too long; nothing was written.
        """
        if threading.current_thread() is self._thread:
            raise StorageError(
                "a claim's record function may not write to the storage: return the record instead"
            )
        request = _Request(work)
        with self._changed:
            if self._closed:
                raise StorageError("the storage was closed; open it again to go on")
            self._waiting.append(request)
            self._changed.notify()
        if not request.done.wait(self._timeout):
            self._withdraw(request)
        if request.error is not None:
            raise request.error
        return cast(T, request.result)

    def close(self) -> None:
        """Serve what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(self._timeout)

    def _withdraw(self, request: _Request) -> None:
        """Take the request back, unless it is being served: then its end must be waited for."""
        with self._changed:
            begun = request not in self._waiting
            if not begun:
                self._waiting.remove(request)
        if not begun:
            raise TimeoutError
        request.done.wait()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    break
            with self._turn():
                # What came while waiting for the turn is served in it.
                with self._changed:
                    batch, self._waiting = self._waiting, []
                self._serve(batch)
        self._drop_connection()
        self._turn.close()

    def _serve(self, batch: list[_Request]) -> None:
        try:
            self._commit(batch)
        except BaseException as error:
            for request in batch:
                request.error = error
            self._drop_connection()
        for request in batch:
            request.done.set()

    def _commit(self, batch: list[_Request]) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        connection = self._connection
        with connection.begin():
            for request in batch:
                savepoint = connection.begin_nested()
                try:
                    request.result = request.work(connection)
                    savepoint.commit()
                except Exception as error:
                    if isinstance(error, SQLAlchemyError) and not isinstance(error, FOR_ONE):
                        # The database may have rolled the whole transaction back by itself, savepoint and all: going
                        # on would write the rest of the batch outside of any transaction.
                        raise
                    savepoint.rollback()
                    request.error = error

    def _drop_connection(self) -> None:
        """Close the connection, which rolls back whatever was left of a transaction."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except (DatabaseError, InterfaceError):
                pass
