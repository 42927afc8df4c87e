"""Bad input: one clear line, and nothing left behind or harmed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from askwise import AskwiseError, Project


def message(**options: Any) -> str:
    with pytest.raises(AskwiseError) as caught:
        Project.create(**options)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"labels": ["only"]}, "at least two labels, got only 'only'"),
        ({"labels": ["a", "a"]}, "named twice"),
        ({"labels": ["a", " "]}, "empty"),
        ({"labels": None}, "which answers are there"),
        ({"strategy": "margn"}, "margin"),
        ({"strategy": "cover_exemplars"}, "cover_exemplars needs 'target_embedding'"),
        ({"strategy": "predictive_std"}, "predictive_std needs 'std'"),
        ({"encoder": "tfidf"}, "tfidf"),
        ({"encoder": "nosuch"}, "nosuch"),
        ({"budget": 0}, "budget is 0"),
        ({"text": "body"}, "text"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_requests_leave_nothing_behind(tmp_path: Path, options: dict[str, Any], expected: str) -> None:
    text = message(**{"folder": tmp_path / "p", "source": np.eye(20), "labels": ["a", "b"]} | options)
    assert expected in text
    assert not (tmp_path / "p").exists()


def test_wrong_pools_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases: dict[str, tuple[Any, str]] = {
        "missing": (tmp_path / "nowhere.csv", "nowhere.csv"),
        "no images": (tmp_path / "empty", "empty"),
        "two items": (np.eye(2), "2 different items"),
        "all the same": (np.ones((50, 3)), "1 different item;"),
        "nan": (np.array([[1.0], [np.nan], [2.0], [3.0]]), "row 1"),
        "no text": (["a", 3], "list of texts"),
    }
    for case, (source, expected) in cases.items():
        text = message(folder=tmp_path / "p", source=source, labels=["a", "b"])
        assert expected in text, (case, text)
        assert not (tmp_path / "p").exists(), case


def test_a_label_of_the_source_that_is_unknown_is_named(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text("x,y\n1,cat\n2,dgo\n3,\n4,dog\n")
    text = message(folder=tmp_path / "p", source=tmp_path / "pool.csv", labels=["cat", "dog"], label="y")
    assert "row 1" in text
    assert "did you mean 'dog'?" in text


def test_an_existing_project_is_not_overwritten(make_project: Any, tmp_path: Path) -> None:
    project = make_project()
    project.tell({"1": "red"})
    assert "already" in message(folder=tmp_path / "blobs", source=np.eye(20), labels=["a", "b"])
    assert project.status().labeled == 1


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "thesis.txt").write_text("mine")
    assert "not empty" in message(folder=tmp_path / "p", source=np.eye(20), labels=["a", "b"])
    assert (tmp_path / "p" / "thesis.txt").read_text() == "mine"
    assert "is a file" in message(folder=tmp_path / "p" / "thesis.txt", source=np.eye(9), labels=["a", "b"])


def test_no_project_there(tmp_path: Path) -> None:
    with pytest.raises(AskwiseError, match="askwise init"):
        Project.open(tmp_path / "p")


def test_a_newer_format_names_its_version(make_project: Any, tmp_path: Path) -> None:
    make_project().close()
    connection = sqlite3.connect(tmp_path / "blobs" / "project.sqlite")
    with connection:
        changed = connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'").rowcount
    connection.close()
    assert changed == 1
    with pytest.raises(AskwiseError, match="99"):
        Project.open(tmp_path / "blobs")


def test_a_damaged_pointer_or_database_is_named(make_project: Any, tmp_path: Path) -> None:
    make_project().close()
    pointer = tmp_path / "blobs" / "askwise.json"
    whole = pointer.read_text()
    pointer.write_text("{")
    with pytest.raises(AskwiseError, match="damaged"):
        Project.open(tmp_path / "blobs")
    pointer.write_text(whole)
    assert json.loads(whole)["name"] == "blobs"
    (tmp_path / "blobs" / "project.sqlite").write_bytes(
        b"not a database at all, but long enough to look at" * 9
    )
    with pytest.raises(AskwiseError, match=r"project\.sqlite"):
        Project.open(tmp_path / "blobs")


def test_a_missing_or_short_shard_is_named(make_project: Any, tmp_path: Path) -> None:
    make_project().close()
    shard = next((tmp_path / "blobs" / "shards").rglob("*.npy"))
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    with pytest.raises(AskwiseError, match=shard.name):
        Project.open(tmp_path / "blobs")
    shard.unlink()
    with pytest.raises(AskwiseError, match=shard.name):
        Project.open(tmp_path / "blobs")
