"""A project in a schema of a PostgreSQL database: for several machines, or a server of several processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from importlib.util import find_spec
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from ..errors import StorageError
from ..records import JSON
from . import life, pool_table
from .schema import Tables
from .sql import SqlStorage, closed, one_line

T = TypeVar("T")

LONGEST = 63
"""Bytes that PostgreSQL keeps of a name."""

# Engines of a parent process: the child must neither use nor close their connections.
_of_parents: list[Engine] = []


def schema_name(project: str) -> str:
    """The schema of a project; names that differ get schemas that differ.

    >>> schema_name("animals")
    'askwise_animals'
    >>> schema_name("Animals!")
    'askwise_animals__67e14492'
    """
    plain = re.sub(r"[^a-z0-9_]", "_", project.lower())
    digest = blake2b(project.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    if plain == project and len(plain) <= LONGEST - len("askwise_") - len(digest) - 1:
        return f"askwise_{plain}"
    return f"askwise_{plain[: LONGEST - len('askwise_') - len(digest) - 1]}_{digest}"


class PostgresqlStorage(SqlStorage):
    """A storage in a PostgreSQL database.

    Parameters
    ----------
    url
        "postgresql://user@host/database"; any driver named in it is replaced by psycopg 3.
    project
        Its name, which names the schema.
    timeout
        Seconds to wait for others that are writing.
    """

    def __init__(self, url: str, project: str, timeout: float = 60.0) -> None:
        if find_spec("psycopg") is None:
            raise StorageError("PostgreSQL needs a driver: pip install 'askwise[postgresql]'")
        try:
            self._where = make_url(url).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            raise StorageError(
                "the storage URL cannot be read; write postgresql://user:password@host:port/database"
            ) from None
        shown = self._where.set(drivername="postgresql").render_as_string(hide_password=True)
        schema = schema_name(project)
        super().__init__(shown, f"project {project!r} in {shown}", Tables(schema))
        self._schema = schema
        self._timeout = timeout
        self._lock_number = int.from_bytes(blake2b(schema.encode(), digest_size=8).digest(), signed=True)
        self._closed = False
        self._engine = _engine(self._where, timeout)

    def create(self, meta: dict[str, JSON]) -> None:
        """Begin a new project in its schema, which may exist if it is empty or unfinished."""

        def work(connection: Connection) -> str:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {self._schema}"))
            return life.create(connection, self._tables, self._place, meta)

        self._token = self._write(work)

    def open(self) -> None:
        """Check the schema."""
        self._read(lambda connection: life.check(connection, self._tables, self._place))

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._engine.dispose()

    def _insert_items(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        # COPY takes a tenth of the time of INSERT.
        columns = ", ".join(f'"{name}"' for name in pool_table.COLUMNS)
        driver: Any = connection.connection.driver_connection
        try:
            with (
                connection.begin_nested(),
                driver.cursor() as cursor,
                cursor.copy(f"COPY {self._schema}.items ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except driver_error() as error:
            # The driver was used directly, so its errors do not come as those of SQLAlchemy by themselves.
            raise DBAPIError.instance("COPY", None, error, driver_error()) from error

    def _read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
            with snapshot.connect() as connection, connection.begin():
                return work(connection)

        return self._run(run)

    def _write(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as connection, connection.begin():
                # One writer at a time: then the numbers of events are in the order of their commits, and whoever
                # has read up to number 7 has missed nothing below it. The database lets go of the lock only after the
                # commit can be seen. The locks on leases are never taken in different orders either.
                connection.execute(LOCK, {"number": self._lock_number})
                return work(connection)

        return self._run(run)

    def _run(self, run: Callable[[], T]) -> T:
        if self._closed:
            raise closed(self._place)
        try:
            return run()
        except DBAPIError as error:
            raise StorageError(explain(error, self._where, self._place, self._timeout)) from error
        except UnicodeEncodeError as error:
            raise StorageError(
                f"{error.object!r} cannot be stored: it is not valid Unicode. Rename it; nothing was written"
            ) from error

    def _forked(self) -> None:
        _of_parents.append(self._engine)
        self._engine = _engine(self._where, self._timeout)


LOCK = text("SELECT pg_advisory_xact_lock(:number)")


def driver_error() -> type[Exception]:
    """The root of the driver's errors."""
    import psycopg

    return psycopg.Error


def _engine(url: URL, timeout: float) -> Engine:
    # A server may be set up to confirm commits that are not yet on its disk; a confirmed answer must be.
    options = f"-c lock_timeout={round(timeout * 1000)} -c synchronous_commit=on"
    given = url.query.get("options")
    if isinstance(given, str):
        options = f"{given} {options}"
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=-1,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": 10, "application_name": "askwise", "options": options},
    )


def explain(error: DBAPIError, url: URL, place: str, timeout: float) -> str:
    """What went wrong with the database and what to do, on one line and without the password."""
    state = getattr(error.orig, "sqlstate", None) or ""
    said = one_line(error)
    if url.password:
        said = said.replace(str(url.password), "***")
    unharmed = "nothing was written"
    if state == "55P03":
        return (
            f"{place} was locked by another process for {timeout:g} s; {unharmed}. Try again when it is done"
        )
    if state == "53100":
        return f"{place}: the server's disk is full; {unharmed}. Make room and try again"
    if state == "25006":
        return (
            f"{place} cannot be written: the server is read-only; {unharmed}. Connect to the primary server"
        )
    if state in ("42P01", "3F000"):
        return str(life.missing(place))
    if state == "42501":
        return f"{place}: {said}; {unharmed}. Ask for the right to create and use schemas in this database"
    if state.startswith("28") or "authentication failed" in said:
        return f"{place}: the server refused the user or the password; check the URL"
    if error.connection_invalidated:
        return (
            f"{place}: the connection was lost ({said}). If that was in the middle of a commit, the request may be "
            "stored: send it again with the same key"
        )
    if not state:
        return f"{place}: no connection to the server ({said}); check that it runs and that the URL is right"
    return f"{place}: {said}; {unharmed}"
