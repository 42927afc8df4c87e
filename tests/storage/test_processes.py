"""Eight real processes ask and tell at once, and some are killed without warning."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from askwise.records import Answer, Item, RoundOpened
from askwise.storage import Storage, connect

WORKER = Path(__file__).with_name("worker.py")
WORKERS = 8
KILLS = 7
ITEMS = 400
PATIENCE = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A URL and a project's name."""
    if request.param == "sqlite":
        return str(tmp_path / "project.sqlite"), "project"
    new_project: Callable[[], str] = request.getfixturevalue("new_project")
    return request.getfixturevalue("postgresql"), new_project()


def made(url: str, project: str) -> Storage:
    storage = connect(url, project=project)
    storage.create({})
    storage.add_items(Item(f"i{row}", row, f"h{row}") for row in range(ITEMS))
    storage.finish()
    return storage


def journal_words(journal: Path, first: str) -> list[list[str]]:
    if not journal.exists():
        return []
    whole = [line for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [line.split() for line in whole if line.startswith(f"{first} ")]


def unaware(storage: Storage, journals: dict[str, Path], names: list[str]) -> list[str]:
    """Who has sent an answer that is in the log, and has not noted that it was acknowledged."""
    answered = {event.record.item for event in storage.read() if isinstance(event.record, Answer)}
    last = {name: (journal_words(journals[name], "sending") or [["", ""]])[-1][1] for name in names}
    return [
        name
        for name in names
        if last[name] in answered
        and all(words[1] != last[name] for words in journal_words(journals[name], "acknowledged"))
    ]


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_and_nothing_is_asked_twice(
    where: tuple[str, str], tmp_path: Path, seed: int
) -> None:
    url, project = where
    storage = made(url, project)
    rng = random.Random(seed)
    journals = {f"ann{number}": tmp_path / f"ann{number}.journal" for number in range(WORKERS)}

    def start(name: str) -> subprocess.Popen[bytes]:
        arguments = [url, project, name, str(journals[name]), str(ITEMS)]
        return subprocess.Popen([sys.executable, "-W", "error", str(WORKER), *arguments])

    # When so many answers were acknowledged somebody is killed, so that it hits the work and not the start or the end.
    moments = sorted(rng.sample(range(ITEMS // 20, ITEMS * 3 // 4), KILLS))
    running = {name: start(name) for name in journals}
    killed = 0
    deadline = time.monotonic() + PATIENCE
    try:
        while any(process.poll() is None for process in running.values()):
            assert time.monotonic() < deadline, "the processes hang"
            told = sum(len(journal_words(journal, "acknowledged")) for journal in journals.values())
            busy = [name for name, process in running.items() if process.poll() is None]
            if moments and told >= moments[0] and busy:
                # Every other time it is somebody whose answer is stored, but who has not yet seen that it is.
                victims = unaware(storage, journals, busy) if len(moments) % 2 else busy
                if victims:
                    moments.pop(0)
                    victim = rng.choice(victims)
                    running[victim].kill()
                    killed += running[victim].wait() == -9
                    running[victim] = start(victim)
            time.sleep(0.005)
        assert [process.wait() for process in running.values()] == [0] * WORKERS
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    assert killed >= KILLS - 1

    events = storage.read()
    answers = {event.seq: event.record for event in events if isinstance(event.record, Answer)}
    rounds = [event.record for event in events if isinstance(event.record, RoundOpened)]
    pool = Counter({f"i{number}": 1 for number in range(ITEMS)})
    # Leases last an hour here, so that each item may be handed out once in all; a round and its leases are one step.
    assert Counter(pick.item for opened in rounds for pick in opened.picks) == pool
    assert Counter(answer.item for answer in answers.values()) == pool
    asked = {pick.item: opened.annotator for opened in rounds for pick in opened.picks}
    assert {answer.item: answer.annotator for answer in answers.values()} == asked
    acknowledged = [
        words for journal in journals.values() for words in journal_words(journal, "acknowledged")
    ]
    assert "again" in {how for *_, how in acknowledged}, (
        "no kill came between a commit and its acknowledgement"
    )
    for _, item, seq, _ in acknowledged:
        assert answers[int(seq)].item == item
    assert {item for _, item, _, _ in acknowledged} == set(pool)
    assert storage.leases(time.time()) == []
    storage.close()
