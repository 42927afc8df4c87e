"""What a project is made of, as plain JSON: in the storage's meta table, with a pointer to it in the folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ProjectError

POINTER = "askwise.json"
DATABASE = "project.sqlite"
SHARDS = "shards"
LEASE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Config:
    """Settled at `init`; nothing of it changes later, so that a reopened project chooses as before.

    `source_options` says how the source was read (its columns), which nobody could find out later.
    """

    task: dict[str, Any]
    strategy: str
    learner: str
    encoder: str
    encoder_version: str
    kind: str
    source: str
    seed: int
    budget: int | None
    reserve: int
    lease: float = LEASE_SECONDS
    source_options: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Config:
        return cls(**body)


def write_pointer(folder: Path, storage: str | None, name: str) -> None:
    """Note in the folder where its records are. A URL may hold a password, so only the owner may read it."""
    path = folder / POINTER
    body = json.dumps({"storage": storage, "name": name}, indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(body + "\n")


def read_pointer(folder: Path) -> tuple[str | None, str]:
    """The storage URL (None: the SQLite file in the folder) and the project's name."""
    path = folder / POINTER
    if not path.exists():
        there = "no such folder" if not folder.exists() else f"it holds no {POINTER}"
        raise ProjectError(
            f"{folder} is no project: {there}. Make one with: askwise init {folder} SOURCE --labels a,b"
        )
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return body["storage"], body["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectError(
            f'{path} is damaged ({error}); it should read {{"storage": null, "name": "{folder.name}"}}, '
            "with the PostgreSQL URL in place of null if the project has one"
        ) from error


@contextmanager
def new_folder(folder: Path, storage: str | None) -> Iterator[None]:
    """A folder for a project that is being made. If making it fails, what was made of it is taken away again."""
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file; name a folder that can be made for the project")
    made, fresh = not folder.exists(), not (folder / POINTER).exists()
    if not made and fresh and any(folder.iterdir()):
        raise ProjectError(f"{folder} is not empty and is no project; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if fresh:
            write_pointer(folder, storage, folder.name)
        yield
    except BaseException:
        if fresh:
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if made:
            folder.rmdir()
        raise
