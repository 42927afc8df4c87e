"""Empty places for projects, on the disk and in PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from askwise.storage import Storage, connect

Place: TypeAlias = Callable[..., Storage]


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
