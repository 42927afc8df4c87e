"""Where a project is kept: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path

from ..errors import StorageError
from .base import FOREVER, Appended, Counts, Located, Storage

__all__ = ["FOREVER", "Appended", "Counts", "Located", "Storage", "connect"]


def connect(url: str | Path, project: str | None = None, timeout: float = 60.0) -> Storage:
    """A storage at that place. Nothing is touched before `create` or `open` is called on it.

    Parameters
    ----------
    url
        A path, "sqlite:///relative.sqlite", "sqlite:////absolute.sqlite" or "postgresql://user@host/database".
    project
        The project's name; one PostgreSQL database holds many projects, each in a schema of its own.
    timeout
        Seconds to wait for others that are writing before giving up.

    Raises
    ------
    StorageError
        If the URL is of no database that Askwise knows, or a name is needed and missing.

    Examples
    --------
    >>> connect("animals.sqlite").url.endswith("animals.sqlite")
    True
    >>> connect("mysql://localhost/animals")
    Traceback (most recent call last):
        ...
    askwise.errors.StorageError: no storage for 'mysql://...': give a path, sqlite:///... or postgresql://...
    """
    if isinstance(url, Path) or "://" not in url:
        from .sqlite import SqliteStorage

        if not str(url).strip():
            raise StorageError("the storage's path is empty; give a path, sqlite:///... or postgresql://...")
        return SqliteStorage(Path(url).expanduser(), timeout)
    scheme, _, rest = url.partition("://")
    backend = scheme.partition("+")[0].lower()
    if backend == "sqlite":
        from .sqlite import SqliteStorage

        path = rest.removeprefix("/")
        if not rest.startswith("/") or path in ("", ":memory:"):
            raise StorageError(
                f"{url!r} names no file; write sqlite:///relative.sqlite or sqlite:////absolute.sqlite"
            )
        return SqliteStorage(Path(path), timeout)
    if backend in ("postgresql", "postgres"):
        from .postgresql import PostgresqlStorage

        if not project:
            raise StorageError("a project in PostgreSQL needs a name: connect(url, project='name')")
        return PostgresqlStorage(url, project, timeout)
    raise StorageError(f"no storage for '{scheme}://...': give a path, sqlite:///... or postgresql://...")
