"""What several rooms' tests share."""

from __future__ import annotations

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
