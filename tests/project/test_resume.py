"""A project that was stopped, however, goes on as one that never was."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from askwise import Project

WORKER = Path(__file__).parent / "worker.py"


def start(folder: Path, truth: Path, journal: Path, annotator: str, most: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), str(truth), str(journal), annotator, str(most)],
        stderr=subprocess.PIPE,
    )


def training_order(folder: Path) -> list[str]:
    """The items the model learned from, in order, as the log has them."""
    with Project.open(folder) as project:
        desk = project._desk
        return [item for item, _ in desk.refresh().labeled() if not desk.index.is_audit(item)]


def keep_truth(project: Any, path: Path) -> Path:
    path.write_text(json.dumps(project.truth))
    return path


def test_reopening_before_every_question_changes_nothing(make_project: Any, tmp_path: Path) -> None:
    project = make_project("one")
    project.close()
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    truth = project.truth
    with Project.open(tmp_path / "one", annotator="ann") as steady:
        for _ in range(8):
            expected = steady.ask(6)
            with Project.open(tmp_path / "other", annotator="ann") as reopened:
                assert reopened.ask(6) == expected
            # Asked again after the stop, before any answer: the same questions in the same order.
            with Project.open(tmp_path / "other", annotator="ann") as reopened:
                assert reopened.ask(6) == expected
                reopened.tell({question.id: truth[question.id] for question in expected})
            steady.tell({question.id: truth[question.id] for question in expected})


def test_the_rest_of_an_interrupted_batch_comes_alone(make_project: Any, tmp_path: Path) -> None:
    project = make_project()
    questions = project.ask(6)
    project.tell({question.id: project.truth[question.id] for question in questions[:2]})
    project.close()
    with Project.open(tmp_path / "blobs", annotator="ann") as reopened:
        assert reopened.ask(6) == questions[2:]
        assert len(reopened.ask(6)) == 6


def test_only_the_same_annotator_gets_the_questions_back(make_project: Any, tmp_path: Path) -> None:
    project = make_project()
    left = {question.id for question in project.ask(5)}
    project.close()
    with Project.open(tmp_path / "blobs", annotator="bob") as other:
        assert left.isdisjoint(question.id for question in other.ask(10))
    with Project.open(tmp_path / "blobs", annotator="ann") as same:
        assert {question.id for question in same.ask(5)} == left


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_random_moments(make_project: Any, tmp_path: Path, seed: int) -> None:
    """SIGKILL, again and again: the same items train the model in the same order, and nothing told is lost."""
    project = make_project("steady", n=300)
    project.close()
    shutil.copytree(tmp_path / "steady", tmp_path / "killed")
    truth = keep_truth(project, tmp_path / "truth.json")
    worker = start(tmp_path / "steady", truth, tmp_path / "steady.log", "ann", 200)
    _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors.decode()
    dice = random.Random(seed)
    kills = 0
    while True:
        journal = tmp_path / "killed.log"
        # Killed by progress and not by the clock: on a busy machine a process may take seconds to begin.
        target = len(_lines(journal)) + dice.randrange(1, 90)
        worker = start(tmp_path / "killed", truth, journal, "ann", 10**6)
        while len(_lines(journal)) < target and worker.poll() is None:
            time.sleep(0.002)
        time.sleep(0.02 * dice.random())
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        kills += worker.returncode == -signal.SIGKILL
        told = {line.split()[1] for line in _lines(journal) if line.startswith("told")}
        if len(told) >= 200:
            break
    assert kills >= 2
    order, steady = training_order(tmp_path / "killed"), training_order(tmp_path / "steady")
    assert order[: len(steady)] == steady[: len(order)]
    assert len(order) >= 150
    with Project.open(tmp_path / "killed") as project:
        assert told <= set(project._desk.state.opinions or project._desk.refresh().opinions)


@pytest.mark.slow
def test_eight_processes_at_once(make_project: Any, tmp_path: Path) -> None:
    share_the_pool(make_project(n=400, strategy="random"), tmp_path)


@pytest.mark.slow
def test_eight_processes_at_once_on_postgresql(
    postgresql: str, new_project: Callable[[], str], make_project: Any, tmp_path: Path
) -> None:
    project = make_project(new_project(), n=400, strategy="random", storage=postgresql)
    assert "postgresql" in project.status().storage
    share_the_pool(project, tmp_path)


def share_the_pool(project: Any, tmp_path: Path) -> None:
    """Eight annotators empty the pool together: no item goes to two of them, none is missing."""
    truth = keep_truth(project, tmp_path / "truth.json")
    logs = [tmp_path / f"{number}.log" for number in range(8)]
    workers = [
        start(project.folder, truth, log, f"annotator-{number}", 10**6) for number, log in enumerate(logs)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors.decode()
    asked = Counter(line.split()[1] for log in logs for line in _lines(log) if line.startswith("asked"))
    assert set(asked) == set(project.truth)
    assert set(asked.values()) == {1}
    assert project.status().labeled == len(project.truth)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
