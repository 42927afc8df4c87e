"""Making a project: what comes in, what is remembered, and what an interruption leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from askwise import AskwiseError, Project


def test_texts_and_arrays_come_from_python(tmp_path: Path) -> None:
    texts = [f"{'good' if number % 2 else 'bad'} day number {number}" for number in range(40)]
    with Project.create(tmp_path / "texts", texts, labels=["good", "bad"]) as project:
        assert project.ask(1)[0].text in texts
    with Project.create(tmp_path / "array", np.eye(30), labels=["a", "b"]) as project:
        ids, embeddings = project.embeddings()
        assert ids == [str(row) for row in range(30)]
        assert np.array_equal(embeddings, np.eye(30, dtype=np.float32))


def test_a_project_moves_with_what_it_holds(tmp_path: Path) -> None:
    Project.create(tmp_path / "here", np.eye(30), labels=["a", "b"]).close()
    (tmp_path / "here").rename(tmp_path / "there")
    with Project.open(tmp_path / "there") as project:
        assert len(project.ask(3)) == 3


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    asked = []
    for name, seed in [("one", 5), ("two", 5), ("three", 6)]:
        with Project.create(tmp_path / name, X, labels=["a", "b"], seed=seed) as project:
            asked.append([question.id for question in project.ask(10)])
    assert asked[0] == asked[1] != asked[2]


def test_progress_is_told_by_stage(tmp_path: Path) -> None:
    seen: dict[str, tuple[int, int | None]] = {}
    X = np.random.default_rng(0).normal(size=(60, 3))
    Project.create(
        tmp_path / "p",
        X,
        labels=["a", "b"],
        progress=lambda stage, done, total: seen.update({stage: (done, total)}),
    ).close()
    assert seen == {"reading": (60, 60), "encoding (raw)": (60, 60)}


@pytest.mark.slow
def test_a_killed_init_is_begun_anew(tmp_path: Path) -> None:
    np.save(tmp_path / "pool.npy", np.random.default_rng(0).normal(size=(60_000, 4)))
    command = [sys.executable, "-m", "askwise", "init", "p", "pool.npy", "--labels", "a,b"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / "p" / "project.sqlite").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with pytest.raises(AskwiseError, match="askwise init"):
        Project.open(tmp_path / "p")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Project.open(tmp_path / "p") as project:
        assert project.status().items == 60_000


def test_the_folder_of_an_interrupted_python_call_is_removed(tmp_path: Path) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Project.create(tmp_path / "p", np.eye(30), labels=["a", "b"], progress=stop)
    assert not (tmp_path / "p").exists()
