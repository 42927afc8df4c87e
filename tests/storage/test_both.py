"""What has to hold on every database but can only be seen from beside it: forks, formats, many writers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from askwise.records import Item
from askwise.storage import connect, lease_table

FORK = """
import os, sys, warnings
from askwise.records import Answer
from askwise.storage import connect
url, project = sys.argv[1:]
storage = connect(url, project=project)
storage.open()
answer = lambda who: [Answer("i0", who, who, 1.0)]
storage.append(answer("before"))
storage.read()
children = []
for number in range(3):
    with warnings.catch_warnings():
        # Newer versions of Python warn that forking beside threads is dangerous; that it works is tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        for _ in range(5):
            storage.append(answer(f"child {number}"))
        seen = len(storage.read())
        storage.close()
        os._exit(0 if seen >= 6 else 1)
    children.append(child)
for _ in range(5):
    storage.append(answer("parent"))
codes = [os.waitpid(child, 0)[1] for child in children]
storage.append(answer("after"))
assert codes == [0, 0, 0], codes
assert [event.seq for event in storage.read()] == list(range(1, 23))
storage.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    if request.param == "sqlite":
        return str(tmp_path / "project.sqlite"), "project"
    new_project: Callable[[], str] = request.getfixturevalue("new_project")
    return request.getfixturevalue("postgresql"), new_project()


def make(url: str, project: str) -> Any:
    storage = connect(url, project=project)
    storage.create({})
    storage.add_items(Item(f"i{row}", row, f"h{row}") for row in range(5))
    storage.finish()
    return storage


def test_children_have_connections_of_their_own(where: tuple[str, str]) -> None:
    make(*where).close()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, *where], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_statement_alone_decides(where: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at who is free that comes before it may be as wrong as can be."""
    storage = make(*where)
    storage.claim(["i0"], 1, "ann", "s", 1.0, 50.0)
    storage.append([], hold=["i1"])
    monkeypatch.setattr(lease_table, "_taken", lambda *_: set())
    everything = [f"i{row}" for row in range(5)]
    assert storage.claim(everything, 2, "bob", "t", 50.0, 60.0) == ["i2", "i3"]
    assert storage.claim(everything, 9, "bob", "t", 51.0, 60.0) == ["i0", "i4"]
    assert storage.claim(everything, 9, "bob", "t", 51.0, 60.0) == []
    storage.close()


def test_closing_warns_of_nothing(where: tuple[str, str]) -> None:
    make(*where).close()
    code = (
        "import gc, sys; from askwise.storage import connect; from askwise.records import Skip\n"
        "storage = connect(sys.argv[1], project=sys.argv[2]); storage.open()\n"
        "storage.append([Skip('i0', 'ann', 1.0)]); storage.read()\n"
        "storage.close(); del storage; gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code, *where],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_place_is_shown(where: tuple[str, str]) -> None:
    storage = make(*where)
    assert storage.url.startswith(("sqlite:////", "postgresql://"))
    assert storage.url in repr(storage)
    storage.close()
